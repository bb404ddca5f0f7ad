/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of the backup file. Those of the format are checked before anything is allocated or believed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Plain bytes of a chunk; every chunk but the last of the data is full. Part of the format. */
#define ARCHIVE_CHUNK_BYTES ((size_t)1024 * 1024)
/* Of the header in all; a seal has a few KiB. */
#define ARCHIVE_HEADER_MAX_BYTES ((size_t)128 * 1024)
#define ARCHIVE_SEAL_MAX_BYTES ((size_t)64 * 1024)

/* One snapshot of the store is held for as long as this takes to copy within memory. */
#define ARCHIVE_COPY_BYTES ((size_t)1024 * 1024)
#define ARCHIVE_COPY_COUNT 4096
/* One commit of a restore. */
#define ARCHIVE_APPLY_BYTES ((size_t)4 * 1024 * 1024)
