/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of secrets: keys, PINs, and what an operator's commands read and hand out.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/*
 * Makes a file (mode 0600) at once with its whole content, durable, and never in place of another. Fails: HF_E_EXISTS,
 * HF_E_CONFLICT (PATH.new is in the way, on a file system that needs it),
 * HF_E_DISK_FULL, HF_E_IO, …
 */
HF_MUST hf_err seal_create_file(const char *path, hf_bytes content);
/*
 * Removes what seal_create_file() and hf_file_write() may have left beside the file when they were interrupted: a second name of
 * it, or what would have become its content.
 */
void seal_remove_leftovers(const char *path);
/*
 * Appends a secret file's content to out (secret memory, at most its maximum). Modes outside `modes` and owners other than this
 * user and root are refused. Fails: HF_E_NOT_FOUND (diag is left to the caller), HF_E_FORBIDDEN, HF_E_TOO_LARGE, HF_E_IO, …
 */
HF_MUST hf_err seal_read_private(const char *path, unsigned int modes, struct hf_diag *diag,
                                 struct hf_buf *out);
#define SEAL_PRIVATE_MODES 0700U /* the owner's business only */
