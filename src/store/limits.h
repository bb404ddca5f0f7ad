/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits and defaults of the store. None of them is on disk: they may change between versions.
 */
#pragma once

#include "base/clock.h"

#include <stddef.h>
#include <stdint.h>

/* Virtual address space, not disk: the file grows with its content. */
#define STORE_MAP_DEFAULT_BYTES ((size_t)256 * 1024 * 1024)
/* Rounding of a map's size: a multiple of every page size in use. */
#define STORE_MAP_ROUND_BYTES ((size_t)64 * 1024)
/* 16 TiB. Doubling stops here; beyond, a change is refused as if the disk were full. */
#define STORE_MAP_MAX_BYTES ((size_t)1 << 44)

#define STORE_BATCH_DEFAULT_COUNT 256
#define STORE_BATCH_MAX_COUNT 65536
/*
 * A batch that has written this much is committed, whatever waits: it bounds the memory of changed
 * pages.
 */
#define STORE_BATCH_MAX_BYTES ((size_t)32 * 1024 * 1024)

/* Stops a flood of requests from filling memory with commands. */
#define STORE_QUEUE_DEFAULT_COUNT 8192

/* An entry of the journal is cut into parts of about this size, between two changes. */
#define STORE_JOURNAL_PART_BYTES ((size_t)1024 * 1024)
/* One batch's changes in the journal; the command that goes beyond is refused. */
#define STORE_JOURNAL_BATCH_MAX_BYTES ((size_t)256 * 1024 * 1024)
/* Memory for them kept between batches. */
#define STORE_JOURNAL_KEPT_BYTES ((size_t)4 * 1024 * 1024)
/* Entries dropped by one call, and so in one commit. */
#define STORE_JOURNAL_TRIM_COUNT 512

/* Threads that read: loops, workers, tools. */
#define STORE_READERS_MAX_COUNT 1024

/* The copy buffer for values keeps at most this much between batches. */
#define STORE_SCRATCH_KEPT_BYTES ((size_t)1024 * 1024)

/* When a write ended early: the disk is full if this much more does not fit. */
#define STORE_ROOM_PROBE_BYTES (64 * 1024)

/* Attempts to come back after a failure: the first interval, doubled up to the last. */
#define STORE_RETRY_FIRST HF_USEC_PER_SEC
#define STORE_RETRY_MAX (30 * HF_USEC_PER_SEC)

/* How long a reader waits until the map is moved or the library opened again: both are done at once, if no disk hangs. */
#define STORE_READER_PATIENCE (5 * HF_USEC_PER_SEC)

/* A batch waits for those that came together last time: for one part in so many of what a commit costs. */
#define STORE_GATHER_PART 2
#define STORE_GATHER_MAX (5 * HF_USEC_PER_MSEC)
/* A new measurement of that cost counts for one part in so many. */
#define STORE_COST_WEIGHT 4
