/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two roots at the beginning of the engine's file. The engine writes the root of commit n to
 * place n modulo 2 and reads the one with the higher number. These functions read and write them
 * with the system's calls, beside the engine: after a failure, when it cannot say what is on disk.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <stdint.h>

/* Of store_roots_settle(): any commit may be the newest. */
#define STORE_ROOTS_ANY UINT64_MAX

/*
 * Makes sure that commit newest, and nothing else, is what the file will be opened with from now on,
 * also after a power failure. The other place gets its own content once more, or, if it holds a later
 * commit, whose outcome nobody was told, the chosen one's under an older number; it is synced through
 * a descriptor of its own, and read back past the cache where the system can. Only when this has
 * returned HF_OK may pages that newest does not use be overwritten.
 *
 * newest was acknowledged, and so is on disk: its root is not touched. STORE_ROOTS_ANY: the higher
 * one is chosen and, because it may be in the cache only, written once more after the other.
 *
 * The engine may be open and read meanwhile; nobody writes. Fails: HF_E_IO, HF_E_DISK_FULL,
 * HF_E_CORRUPT (newest is not there), HF_E_NOT_FOUND (no file, or an empty one), HF_E_FORMAT (not a
 * file as this code knows it; nothing was written).
 */
HF_MUST hf_err store_roots_settle(const char *path, uint64_t newest);
