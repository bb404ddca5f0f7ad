/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: keys in order within a prefix.
 */
#include "store/engine/lmdb_internal.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* A reader's cursors are kept for its next transaction: a list costs no allocation. */
static hf_err take_cursor(struct store_txn *txn, struct store_cursor **out)
{
    struct store_cursor *cursor = txn->spare;
    if (cursor != NULL) {
        int code = mdb_cursor_renew(txn->handle, cursor->handle);
        if (code != MDB_SUCCESS)
            return store_err_from_lmdb(code);
        txn->spare = cursor->next_spare;
    } else {
        cursor = malloc(sizeof(*cursor));
        if (cursor == NULL)
            return HF_E_NOMEM;
        int code = mdb_cursor_open(txn->handle, txn->engine->dbi, &cursor->handle);
        if (code != MDB_SUCCESS) {
            free(cursor);
            return store_err_from_lmdb(code);
        }
    }
    txn->open_cursors++;
    *out = cursor;
    return HF_OK;
}

static bool starts_with(hf_bytes bytes, const uint8_t *prefix, size_t n)
{
    return bytes.n >= n && (n == 0 || memcmp(bytes.p, prefix, n) == 0);
}

static void set_seek(struct store_cursor *cursor, hf_bytes key, bool after)
{
    if (key.n > 0)
        memcpy(cursor->seek, key.p, key.n);
    cursor->seek_n = key.n;
    cursor->seek_after = after;
}

hf_err store_cursor_open(struct store_txn *txn, hf_bytes prefix, hf_bytes from, bool after,
                         struct store_cursor **out)
{
    if (prefix.n > STORE_KEY_MAX_BYTES || from.n > STORE_KEY_MAX_BYTES)
        return HF_E_INVALID;
    if (from.n > 0 && !starts_with(from, prefix.p, prefix.n))
        return HF_E_INVALID;
    struct store_cursor *cursor = NULL;
    hf_err err = take_cursor(txn, &cursor);
    if (err != HF_OK)
        return err;
    HF_ASSERT(cursor != NULL);

    cursor->txn = txn;
    cursor->next_spare = NULL;
    cursor->changes = txn->changes;
    cursor->is_positioned = false;
    cursor->is_ended = false;
    cursor->prefix_n = prefix.n;
    if (prefix.n > 0)
        memcpy(cursor->prefix, prefix.p, prefix.n);
    set_seek(cursor, from.n > 0 ? from : prefix, after && from.n > 0);
    *out = cursor;
    return HF_OK;
}

static int seek_position(struct store_cursor *cursor, MDB_val *key, MDB_val *value)
{
    if (cursor->seek_n == 0)
        return mdb_cursor_get(cursor->handle, key, value, MDB_FIRST);
    key->mv_size = cursor->seek_n;
    key->mv_data = cursor->seek;
    int code = mdb_cursor_get(cursor->handle, key, value, MDB_SET_RANGE);
    if (code != MDB_SUCCESS || !cursor->seek_after)
        return code;
    hf_bytes found = bytes_of(key);
    if (found.n != cursor->seek_n || memcmp(found.p, cursor->seek, found.n) != 0)
        return code;
    return mdb_cursor_get(cursor->handle, key, value, MDB_NEXT);
}

static int move_on(struct store_cursor *cursor, MDB_val *key, MDB_val *value)
{
    bool has_moved = cursor->changes != cursor->txn->changes;
    if (cursor->is_positioned && !has_moved)
        return mdb_cursor_get(cursor->handle, key, value, MDB_NEXT);
    return seek_position(cursor, key, value);
}

hf_err store_cursor_next(struct store_cursor *cursor, hf_bytes *key, hf_bytes *value)
{
    if (cursor->is_ended)
        return HF_E_NOT_FOUND;
    MDB_val key_val = { 0 };
    MDB_val value_val = { 0 };
    int code = move_on(cursor, &key_val, &value_val);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
        return store_err_from_lmdb(code);
    hf_bytes found = bytes_of(&key_val);
    if (code == MDB_NOTFOUND || !starts_with(found, cursor->prefix, cursor->prefix_n)) {
        cursor->is_ended = true;
        return HF_E_NOT_FOUND;
    }

    cursor->is_positioned = true;
    cursor->changes = cursor->txn->changes;
    if (cursor->txn->writable)
        set_seek(cursor, found, true);
    *key = found;
    *value = bytes_of(&value_val);
    return HF_OK;
}

void store_cursor_close(struct store_cursor *cursor)
{
    if (cursor == NULL)
        return;
    struct store_txn *txn = cursor->txn;
    txn->open_cursors--;
    if (!txn->writable) {
        cursor->next_spare = txn->spare;
        txn->spare = cursor;
        return;
    }
    mdb_cursor_close(cursor->handle);
    free(cursor);
}
