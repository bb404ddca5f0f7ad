/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files, safely: bounded reading, atomic and durable writing (temporary file, fsync, rename, fsync of the folder).
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <sys/types.h>

/* Appends the content; buf's maximum bounds it. Fails: HF_E_NOT_FOUND, HF_E_FORBIDDEN, HF_E_TOO_LARGE, HF_E_IO. */
HF_MUST hf_err hf_file_read(const char *path, struct hf_buf *out);
/* The same from an open descriptor until its end. */
HF_MUST hf_err hf_file_read_fd(int fd, struct hf_buf *out);
/* Replaces or creates the file, durable when it returns HF_OK; the old content stays on any failure (if only the last step
 * failed, the fsync of the folder, it may be old or new, but is whole). Killed, it may leave a file PATH.tmp-XXXXXX: the
 * marker, and six characters of its own. */
#define HF_FILE_MARKER ".tmp-"
#define HF_FILE_MARKED_BYTES 6 /* behind the marker */
HF_MUST hf_err hf_file_write(const char *path, hf_bytes content, mode_t mode);
/* Creates the folder and its parents; an existing one is fine. */
HF_MUST hf_err hf_folder_make(const char *path, mode_t mode);
/* fsync of a folder, so that a new name in it is durable. */
HF_MUST hf_err hf_folder_sync(const char *path);
/* All bytes, restarting after EINTR and short writes. */
HF_MUST hf_err hf_fd_write_all(int fd, hf_bytes bytes);
void hf_fd_closep(int *fd); /* for HF_CLEANUP; -1 is fine */
