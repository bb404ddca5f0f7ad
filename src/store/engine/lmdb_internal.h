/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the engine share.
 */
#pragma once

#include "store/engine.h"
#include "store/store.h"

#include <limits.h>
#include <lmdb.h>

struct store_engine {
    MDB_env *env; /* NULL: could not be opened again; changed only while no reader is inside */
    MDB_dbi dbi;
    size_t map_bytes;
    bool no_sync;
    bool is_suspect;  /* writer: a commit failed and what the disk holds is unknown */
    bool is_broken;   /* writer: the library refuses everything until it is opened again */
    bool is_unmapped; /* the map could not be restored; changed only while no reader is inside */
    uint64_t newest;  /* writer: number of the last commit that is on disk */
    struct hf_buf scratch; /* writer: copy of a value being put */
    char folder[PATH_MAX];
    char file[PATH_MAX];
};

struct store_cursor {
    struct store_txn *txn;
    MDB_cursor *handle;
    struct store_cursor *next_spare;
    uint64_t changes; /* of the transaction when the position was taken */
    bool is_positioned;
    bool is_ended;
    bool seek_after; /* the seek key itself is not wanted */
    size_t prefix_n;
    size_t seek_n;
    uint8_t prefix[STORE_KEY_MAX_BYTES];
    uint8_t seek[STORE_KEY_MAX_BYTES]; /* where to start; in a command also the last key returned */
};

static inline MDB_val val_of(hf_bytes bytes)
{
    /* The library does not change what it is given; its type just cannot say so. */
    return (MDB_val){ .mv_size = bytes.n, .mv_data = (void *)(uintptr_t)bytes.p };
}

static inline hf_bytes bytes_of(const MDB_val *val)
{
    return (hf_bytes){ val->mv_data, val->mv_size };
}
