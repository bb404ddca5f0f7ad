/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine as the rest of the layer sees it: one ordered map, snapshots, one writing
 * transaction with children. engine/lmdb.c implements it. Opening, growing and closing: one thread,
 * nobody in a transaction. Writing: the writer thread. Reading: each store_txn by one thread.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct store_engine;
struct store_cursor;
struct MDB_txn;

/* The public struct store_txn; the caller provides the memory, zeroed. */
struct store_txn {
    struct store_engine *engine;
    struct MDB_txn *handle;
    bool writable;
    bool map_full;    /* a change did not fit: abort all and run again in a larger map */
    hf_err failure;   /* the engine's first in a change: such a transaction is never committed */
    uint64_t changes; /* puts and deletes so far: cursors find their place again when it moved */
    size_t written;   /* bytes of keys and values put */
    size_t open_cursors;
    struct hf_buf *log;         /* where changes are noted for the journal; NULL: nowhere */
    size_t log_start;           /* a child: bytes in the log when it began */
    struct store_cursor *spare; /* closed cursors of a reader, for the next use */
};

/* Every code of the engine's library and every errno value; unknown ones are HF_E_INTERNAL. */
hf_err store_err_from_lmdb(int code);

/* Makes the file of a new store, whole and on disk, and room for the table of readers; does nothing if they are there. */
HF_MUST hf_err store_engine_create(const char *folder, bool no_sync, struct hf_diag *diag);
/* The folder exists and belongs to this process. Checks or writes the format record. */
HF_MUST hf_err store_engine_open(const char *folder, size_t map_bytes, bool no_sync,
                                 struct hf_diag *diag, struct store_engine **out);
void store_engine_close(struct store_engine *engine);
HF_DEFINE_FREEP(struct store_engine, store_engine_close)

/*
 * Doubles the map. Fails: HF_E_DISK_FULL (at the maximum), HF_E_NOMEM (address space); the map is
 * as before then.
 */
HF_MUST hf_err store_engine_grow(struct store_engine *engine);
size_t store_engine_map_bytes(const struct store_engine *engine);
size_t store_engine_used_bytes(const struct store_engine *engine);

/* ---- after a failure: the writer; README.md says why this is enough ---- */

/* A commit failed with HF_E_IO: nothing is committed until it is settled, reopened and probed. */
bool store_engine_is_suspect(const struct store_engine *engine);
bool store_engine_is_readable(const struct store_engine *engine);
/* Makes sure that the last commit that succeeded is the newest on disk. As store_roots_settle(). */
HF_MUST hf_err store_engine_settle(const struct store_engine *engine);
/*
 * With new descriptors and a new map. Nobody is inside, and every reader's transaction was closed with
 * store_engine_reader_close(): its next renewal makes it anew. Fails: as opening, and HF_E_CORRUPT
 * (not the last commit that succeeded); then nothing can be read until a later call succeeds.
 */
HF_MUST hf_err store_engine_reopen(struct store_engine *engine);
/* A commit that changes nothing. Ends the suspicion. Fails as a commit; map full: grow, then again. */
HF_MUST hf_err store_engine_probe(struct store_engine *engine, bool *out_map_full);

/*
 * A reader's transaction: made once, then renewed (a new snapshot) and reset for each use. Fails:
 * HF_E_UNAVAILABLE (nothing can be read); renewing also HF_E_BUSY (a commit failed just now: the writer
 * is about to open the engine again).
 */
HF_MUST hf_err store_engine_reader_open(struct store_engine *engine, struct store_txn *txn);
HF_MUST hf_err store_engine_reader_renew(struct store_txn *txn);
void store_engine_reader_reset(struct store_txn *txn);
void store_engine_reader_close(struct store_txn *txn);

/* Fails: HF_E_UNAVAILABLE while the engine is suspect. */
HF_MUST hf_err store_engine_begin(struct store_engine *engine, struct store_txn *txn);
HF_MUST hf_err store_engine_begin_child(struct store_txn *parent, struct store_txn *child);
/*
 * Takes the child's changes into the parent if result is HF_OK and nothing failed, else drops them;
 * returns what it was.
 */
HF_MUST hf_err store_engine_end_child(struct store_txn *parent, struct store_txn *child,
                                      hf_err result);
/*
 * Ended in any case. HF_OK: durable. HF_E_DISK_FULL: nothing changed. HF_E_IO: the outcome is unknown,
 * and the engine suspect.
 */
HF_MUST hf_err store_engine_commit(struct store_txn *txn);
/* Puts head and tail as one value, unlogged, without another copy of it. Not views of the store. */
HF_MUST hf_err store_engine_put_joined(struct store_txn *txn, hf_bytes key, hf_bytes head,
                                       hf_bytes tail);
/* The greatest key below the given one, which is not there itself. HF_E_NOT_FOUND: none. */
HF_MUST hf_err store_engine_last_below(struct store_txn *txn, hf_bytes key, hf_bytes *out);
void store_engine_abort(struct store_txn *txn);
