/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on LMDB: only the files of this folder include lmdb.h. One unnamed database, memory-mapped, copy
 * on write, data synced before the root that points to it: a crash at any moment leaves the last
 * commit.
 */
#include "store/engine/lmdb_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/reader.h"
#include "store/journal.h"
#include "store/limits.h"
#include "store/roots.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENGINE_FILE_MODE 0600
#define ENGINE_FORMAT 1u
#define ENGINE_FORMAT_BYTES 4

static const uint8_t format_key[] = { STORE_CLASS_META, 'f', 'o', 'r', 'm', 'a', 't' };

/* ---- errors ---- */

static const struct {
    int code;
    hf_err err;
} engine_errors[] = {
    { MDB_KEYEXIST, HF_E_EXISTS },
    { MDB_NOTFOUND, HF_E_NOT_FOUND },
    { MDB_PAGE_NOTFOUND, HF_E_CORRUPT },
    { MDB_CORRUPTED, HF_E_CORRUPT },
    { MDB_PANIC, HF_E_UNAVAILABLE },
    { MDB_VERSION_MISMATCH, HF_E_FORMAT },
    { MDB_INVALID, HF_E_CORRUPT },
    { MDB_MAP_FULL, HF_E_DISK_FULL },
    { MDB_READERS_FULL, HF_E_UNAVAILABLE },
    { MDB_TXN_FULL, HF_E_TOO_LARGE },
    { MDB_BAD_VALSIZE, HF_E_INVALID },
    { MDB_INCOMPATIBLE, HF_E_FORMAT },
    { EFBIG, HF_E_DISK_FULL },
    { EINVAL, HF_E_INTERNAL },
};

hf_err store_err_from_lmdb(int code)
{
    if (code == MDB_SUCCESS)
        return HF_OK;
    for (size_t i = 0; i < HF_ARRAY_LEN(engine_errors); i++) {
        if (engine_errors[i].code == code)
            return engine_errors[i].err;
    }
    if (code > 0)
        return hf_err_from_errno(code);
    hf_log(HF_LOG_DEBUG, "store-engine-error", HF_KV_INT("code", code));
    return HF_E_INTERNAL;
}

static hf_err refuse_open(struct hf_diag *diag, const char *folder, int code)
{
    return hf_fail(diag, store_err_from_lmdb(code), "", "%s/data.mdb: %s", folder,
                   mdb_strerror(code));
}

static bool is_valid_key(hf_bytes key)
{
    return key.n > 0 && key.n <= STORE_KEY_MAX_BYTES;
}

/* ---- opening and closing ---- */

static size_t round_map(size_t bytes)
{
    if (bytes == 0)
        return STORE_MAP_DEFAULT_BYTES;
    if (bytes >= STORE_MAP_MAX_BYTES)
        return STORE_MAP_MAX_BYTES;
    return (bytes + STORE_MAP_ROUND_BYTES - 1) / STORE_MAP_ROUND_BYTES * STORE_MAP_ROUND_BYTES;
}

static int open_environment(struct store_engine *engine, size_t map_bytes)
{
    int code = mdb_env_create(&engine->env);
    if (code != MDB_SUCCESS)
        return code;
    code = mdb_env_set_maxreaders(engine->env, STORE_READERS_MAX_COUNT);
    if (code != MDB_SUCCESS)
        return code;
    code = mdb_env_set_mapsize(engine->env, round_map(map_bytes));
    if (code != MDB_SUCCESS)
        return code;
    unsigned int flags = MDB_NOTLS | (engine->no_sync ? MDB_NOSYNC : 0u);
    return mdb_env_open(engine->env, engine->folder, flags, ENGINE_FILE_MODE);
}

static void close_environment(struct store_engine *engine)
{
    if (engine->env != NULL)
        mdb_env_close(engine->env);
    engine->env = NULL;
}

/*
 * Pages the last commit never had to write may lie beyond the file's end; in a file cut short by
 * damage, so may pages that matter. A hole in their place reads as zeros, which the engine reports,
 * where a missing page would kill the process.
 */
static int extend_file(const struct store_engine *engine)
{
    MDB_envinfo info;
    int code = mdb_env_info(engine->env, &info);
    if (code != MDB_SUCCESS)
        return code;
    MDB_stat stat_now;
    code = mdb_env_stat(engine->env, &stat_now);
    if (code != MDB_SUCCESS)
        return code;
    int fd = -1;
    code = mdb_env_get_fd(engine->env, &fd);
    if (code != MDB_SUCCESS)
        return code;

    size_t needed = 0;
    if (!hf_mul_size(info.me_last_pgno + 1, stat_now.ms_psize, &needed) ||
        needed > STORE_MAP_MAX_BYTES)
        return MDB_CORRUPTED;
    struct stat file;
    if (fstat(fd, &file) != 0)
        return errno;
    if ((size_t)file.st_size < needed && ftruncate(fd, (off_t)needed) != 0)
        return errno;
    return MDB_SUCCESS;
}

static int write_format(MDB_txn *txn, MDB_dbi dbi, unsigned int flags)
{
    const uint8_t format[ENGINE_FORMAT_BYTES] = { 0, 0, 0, ENGINE_FORMAT };
    MDB_val key = val_of((hf_bytes){ format_key, sizeof(format_key) });
    MDB_val value = val_of((hf_bytes){ format, sizeof(format) });
    return mdb_put(txn, dbi, &key, &value, flags);
}

/* An empty database gets the format record; any other must have one that is known. */
static hf_err check_format(MDB_txn *txn, MDB_dbi dbi, const char *folder, struct hf_diag *diag)
{
    MDB_val key = val_of((hf_bytes){ format_key, sizeof(format_key) });
    MDB_val value = { 0 };
    int code = mdb_get(txn, dbi, &key, &value);
    if (code == MDB_NOTFOUND) {
        MDB_stat stat_now;
        code = mdb_stat(txn, dbi, &stat_now);
        if (code == MDB_SUCCESS && stat_now.ms_entries > 0)
            return hf_fail(diag, HF_E_FORMAT, "", "%s: holds data but no format record", folder);
        if (code == MDB_SUCCESS)
            code = write_format(txn, dbi, MDB_NOOVERWRITE);
        return code == MDB_SUCCESS ? HF_OK : refuse_open(diag, folder, code);
    }
    if (code != MDB_SUCCESS)
        return refuse_open(diag, folder, code);

    struct hf_reader reader = hf_reader_of(bytes_of(&value));
    uint32_t format = hf_read_u32(&reader);
    hf_err err = hf_reader_finish(&reader);
    if (err != HF_OK || format != ENGINE_FORMAT)
        return hf_fail(diag, HF_E_FORMAT, "", "%s: data format %u, this program knows %u", folder,
                       format, ENGINE_FORMAT);
    return HF_OK;
}

static hf_err open_database(struct store_engine *engine, struct hf_diag *diag)
{
    const char *folder = engine->folder;
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(engine->env, NULL, 0, &txn);
    if (code != MDB_SUCCESS)
        return refuse_open(diag, folder, code);
    code = mdb_dbi_open(txn, NULL, 0, &engine->dbi);
    hf_err err = code == MDB_SUCCESS ? check_format(txn, engine->dbi, folder, diag)
                                     : refuse_open(diag, folder, code);
    if (err != HF_OK) {
        mdb_txn_abort(txn);
        return err;
    }
    code = mdb_txn_commit(txn);
    return code == MDB_SUCCESS ? HF_OK : refuse_open(diag, folder, code);
}

/* The environment and what has to be known of it. On failure it may be half open. */
static hf_err open_engine(struct store_engine *engine, size_t map_bytes, struct hf_diag *diag)
{
    int code = open_environment(engine, map_bytes);
    if (code == MDB_SUCCESS)
        code = extend_file(engine);
    int dead_readers = 0;
    if (code == MDB_SUCCESS)
        code = mdb_reader_check(engine->env, &dead_readers);
    if (code != MDB_SUCCESS)
        return refuse_open(diag, engine->folder, code);
    if (mdb_env_get_maxkeysize(engine->env) < STORE_KEY_MAX_BYTES)
        return hf_fail(diag, HF_E_UNSUPPORTED, "",
                       "this build of LMDB takes keys of %d bytes, %d are needed",
                       mdb_env_get_maxkeysize(engine->env), STORE_KEY_MAX_BYTES);

    hf_err err = open_database(engine, diag);
    if (err != HF_OK)
        return err;
    MDB_envinfo info;
    code = mdb_env_info(engine->env, &info);
    if (code != MDB_SUCCESS)
        return refuse_open(diag, engine->folder, code);
    engine->map_bytes = info.me_mapsize;
    engine->newest = info.me_last_txnid;
    return HF_OK;
}

/*
 * What the last process left may be in the cache only, also a commit that it could not make durable.
 * Nobody may see it before it is on disk. A file of another format is the library's to refuse.
 */
static hf_err settle_before_open(const struct store_engine *engine, struct hf_diag *diag)
{
    if (engine->no_sync)
        return HF_OK;
    hf_err err = store_roots_settle(engine->file, STORE_ROOTS_ANY);
    if (err == HF_OK || err == HF_E_NOT_FOUND || err == HF_E_FORMAT)
        return HF_OK;
    return hf_fail(diag, err, "", "%s: cannot be made durable: %s", engine->file, hf_err_text(err));
}

hf_err store_engine_open(const char *folder, size_t map_bytes, bool no_sync, struct hf_diag *diag,
                         struct store_engine **out)
{
    HF_CLEANUP(store_engine_closep) struct store_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return HF_E_NOMEM;
    hf_buf_init(&engine->scratch, STORE_VALUE_MAX_BYTES);
    engine->no_sync = no_sync;
    int n = snprintf(engine->file, sizeof(engine->file), "%s/data.mdb", folder);
    if (n < 0 || (size_t)n >= sizeof(engine->file))
        return hf_fail(diag, HF_E_INVALID, "", "%s: path is too long", folder);
    (void)snprintf(engine->folder, sizeof(engine->folder), "%s", folder);
    hf_err err = settle_before_open(engine, diag);
    if (err == HF_OK)
        err = open_engine(engine, map_bytes, diag);
    if (err != HF_OK)
        return err;
    *out = hf_take(&engine);
    return HF_OK;
}

void store_engine_close(struct store_engine *engine)
{
    if (engine == NULL)
        return;
    close_environment(engine);
    hf_buf_done(&engine->scratch);
    free(engine);
}

/* ---- after a failure ---- */

bool store_engine_is_suspect(const struct store_engine *engine)
{
    return engine->is_suspect;
}

static bool has_map(const struct store_engine *engine)
{
    return engine->env != NULL && !engine->is_unmapped;
}

bool store_engine_is_readable(const struct store_engine *engine)
{
    return has_map(engine) && !engine->is_broken;
}

hf_err store_engine_settle(const struct store_engine *engine)
{
    return store_roots_settle(engine->file, engine->newest);
}

hf_err store_engine_reopen(struct store_engine *engine)
{
    uint64_t newest = engine->newest;
    close_environment(engine);
    hf_err err = open_engine(engine, engine->map_bytes, NULL);
    if (err == HF_OK && engine->newest != newest)
        err = HF_E_CORRUPT;
    engine->newest = newest;
    if (err != HF_OK)
        close_environment(engine);
    engine->is_broken = false;
    engine->is_unmapped = false;
    return err;
}

hf_err store_engine_probe(struct store_engine *engine, bool *out_map_full)
{
    *out_map_full = false;
    if (!store_engine_is_readable(engine))
        return HF_E_UNAVAILABLE;
    struct store_txn txn = { .engine = engine };
    int code = mdb_txn_begin(engine->env, NULL, 0, &txn.handle);
    if (code != MDB_SUCCESS)
        return store_err_from_lmdb(code);
    code = write_format(txn.handle, engine->dbi, 0);
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(txn.handle);
        *out_map_full = code == MDB_MAP_FULL;
        return store_err_from_lmdb(code);
    }
    hf_err err = store_engine_commit(&txn);
    *out_map_full = txn.map_full;
    if (err == HF_OK)
        engine->is_suspect = false;
    return err;
}

/* ---- size ---- */

/* The library gives up its map before it asks for the larger one, so ask the system first. */
static bool is_address_space_free(size_t bytes)
{
    void *probe = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED)
        return false;
    (void)munmap(probe, bytes);
    return true;
}

hf_err store_engine_grow(struct store_engine *engine)
{
    if (engine->map_bytes > STORE_MAP_MAX_BYTES / 2)
        return HF_E_DISK_FULL;
    size_t bytes = engine->map_bytes * 2;
    if (!is_address_space_free(bytes))
        return HF_E_NOMEM;
    int code = mdb_env_set_mapsize(engine->env, bytes);
    if (code != MDB_SUCCESS) {
        engine->is_unmapped = true;
        engine->is_suspect = true;
        return store_err_from_lmdb(code);
    }
    engine->map_bytes = bytes;
    return HF_OK;
}

size_t store_engine_map_bytes(const struct store_engine *engine)
{
    return engine->map_bytes;
}

size_t store_engine_used_bytes(const struct store_engine *engine)
{
    MDB_stat now;
    if (!store_engine_is_readable(engine) || mdb_env_stat(engine->env, &now) != MDB_SUCCESS)
        return 0;
    return (now.ms_branch_pages + now.ms_leaf_pages + now.ms_overflow_pages) * now.ms_psize;
}

/* ---- transactions ---- */

hf_err store_engine_reader_open(struct store_engine *engine, struct store_txn *txn)
{
    *txn = (struct store_txn){ .engine = engine };
    if (!has_map(engine))
        return HF_E_UNAVAILABLE;
    int code = mdb_txn_begin(engine->env, NULL, MDB_RDONLY, &txn->handle);
    if (code == MDB_SUCCESS)
        mdb_txn_reset(txn->handle);
    return code == MDB_PANIC ? HF_OK : store_err_from_lmdb(code);
}

hf_err store_engine_reader_renew(struct store_txn *txn)
{
    struct store_engine *engine = txn->engine;
    if (!has_map(engine))
        return HF_E_UNAVAILABLE;
    int code = txn->handle == NULL ? mdb_txn_begin(engine->env, NULL, MDB_RDONLY, &txn->handle)
                                   : mdb_txn_renew(txn->handle);
    return code == MDB_PANIC ? HF_E_BUSY : store_err_from_lmdb(code);
}

void store_engine_reader_reset(struct store_txn *txn)
{
    mdb_txn_reset(txn->handle);
}

void store_engine_reader_close(struct store_txn *txn)
{
    while (txn->spare != NULL) {
        struct store_cursor *cursor = txn->spare;
        txn->spare = cursor->next_spare;
        mdb_cursor_close(cursor->handle);
        free(cursor);
    }
    if (txn->handle != NULL)
        mdb_txn_abort(txn->handle);
    txn->handle = NULL;
}

hf_err store_engine_begin(struct store_engine *engine, struct store_txn *txn)
{
    if (engine->is_suspect || !store_engine_is_readable(engine))
        return HF_E_UNAVAILABLE;
    MDB_txn *handle = NULL;
    int code = mdb_txn_begin(engine->env, NULL, 0, &handle);
    if (code != MDB_SUCCESS)
        return store_err_from_lmdb(code);
    *txn = (struct store_txn){ .engine = engine, .handle = handle, .writable = true };
    return HF_OK;
}

hf_err store_engine_begin_child(struct store_txn *parent, struct store_txn *child)
{
    MDB_txn *handle = NULL;
    int code = mdb_txn_begin(parent->engine->env, parent->handle, 0, &handle);
    if (code != MDB_SUCCESS)
        return store_err_from_lmdb(code);
    *child = (struct store_txn){ .engine = parent->engine, .handle = handle, .writable = true };
    if (parent->log != NULL) {
        child->log = parent->log;
        child->log_start = parent->log->n;
    }
    return HF_OK;
}

/* The log is as before the child began. */
static void take_back_log(struct store_txn *child)
{
    if (child->log == NULL)
        return;
    child->log->n = child->log_start;
    child->log->err = HF_OK;
}

hf_err store_engine_end_child(struct store_txn *parent, struct store_txn *child, hf_err result)
{
    HF_ASSERT(child->open_cursors == 0);
    hf_err err = child->failure != HF_OK ? child->failure : result;
    if (err == HF_OK)
        err = store_err_from_lmdb(mdb_txn_commit(child->handle));
    else
        mdb_txn_abort(child->handle);
    child->handle = NULL;
    parent->map_full = parent->map_full || child->map_full;
    if (err == HF_OK)
        parent->written += child->written;
    else
        take_back_log(child);
    return err;
}

/*
 * The library reports a write cut short by a full disk (or quota, or file size limit) as EIO. Only
 * the writer extends the file.
 */
static bool is_disk_full(const struct store_engine *engine)
{
    int fd = -1;
    struct stat file;
    if (mdb_env_get_fd(engine->env, &fd) != MDB_SUCCESS || fstat(fd, &file) != 0)
        return false;
    int error = posix_fallocate(fd, file.st_size, STORE_ROOM_PROBE_BYTES);
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* After a failed write of a root the library refuses everything, and says so to a reader only. */
static bool refuses_everything(const struct store_engine *engine)
{
    MDB_txn *handle = NULL;
    int code = mdb_txn_begin(engine->env, NULL, MDB_RDONLY, &handle);
    if (code == MDB_SUCCESS)
        mdb_txn_abort(handle);
    return code == MDB_PANIC;
}

/*
 * What a failed commit means for the next one. Without room the pages could not be written, and no
 * root was; but if it was the root that could not be, it may be there all the same.
 */
static hf_err note_failed_commit(struct store_engine *engine, int code)
{
    hf_err err = store_err_from_lmdb(code);
    if (code == EIO && is_disk_full(engine))
        err = HF_E_DISK_FULL;
    engine->is_broken = refuses_everything(engine);
    if (engine->is_broken)
        err = HF_E_IO;
    engine->is_suspect = engine->is_suspect || err == HF_E_IO;
    return err;
}

hf_err store_engine_commit(struct store_txn *txn)
{
    struct store_engine *engine = txn->engine;
    if (engine->scratch.cap > STORE_SCRATCH_KEPT_BYTES)
        hf_buf_done(&engine->scratch);
    int code = mdb_txn_commit(txn->handle);
    txn->handle = NULL;
    txn->map_full = code == MDB_MAP_FULL;
    if (code != MDB_SUCCESS)
        return note_failed_commit(engine, code);
    MDB_envinfo info;
    if (mdb_env_info(engine->env, &info) == MDB_SUCCESS)
        engine->newest = info.me_last_txnid; /* a commit without a change has no number */
    return HF_OK;
}

void store_engine_abort(struct store_txn *txn)
{
    mdb_txn_abort(txn->handle);
    txn->handle = NULL;
}

/* ---- reading and changing ---- */

hf_err store_get(struct store_txn *txn, hf_bytes key, hf_bytes *out)
{
    if (!is_valid_key(key))
        return HF_E_INVALID;
    MDB_val key_val = val_of(key);
    MDB_val value = { 0 };
    int code = mdb_get(txn->handle, txn->engine->dbi, &key_val, &value);
    if (code != MDB_SUCCESS)
        return store_err_from_lmdb(code);
    *out = bytes_of(&value);
    return HF_OK;
}

/*
 * Notes what a change came to. A failed one spoils the transaction, whatever the command makes of
 * it.
 */
static hf_err note_change(struct store_txn *txn, int code)
{
    txn->changes++;
    hf_err err = store_err_from_lmdb(code);
    txn->map_full = txn->map_full || code == MDB_MAP_FULL;
    if (txn->failure == HF_OK)
        txn->failure = err;
    return err;
}

/*
 * The value may be a view of this very transaction, and the page it is on may move while it is put:
 * so it is copied first.
 */
static hf_err copy_value(struct store_engine *engine, hf_bytes value, MDB_val *out)
{
    hf_buf_reset(&engine->scratch);
    hf_buf_put_bytes(&engine->scratch, value);
    hf_err err = hf_buf_err(&engine->scratch);
    if (err != HF_OK)
        return err;
    *out = val_of(hf_buf_view(&engine->scratch));
    return HF_OK;
}

/* What cannot be noted must not be committed. */
static hf_err note_in_log(struct store_txn *txn, hf_bytes key, const hf_bytes *value)
{
    if (txn->log == NULL)
        return HF_OK;
    hf_err err = store_journal_note(txn->log, key, value);
    if (err != HF_OK && txn->failure == HF_OK)
        txn->failure = err;
    return err;
}

hf_err store_put(struct store_txn *txn, hf_bytes key, hf_bytes value)
{
    HF_ASSERT(txn->writable);
    if (!is_valid_key(key))
        return HF_E_INVALID;
    MDB_val value_val = { 0 };
    hf_err err = copy_value(txn->engine, value, &value_val);
    if (err != HF_OK)
        return err;
    uint8_t key_copy[STORE_KEY_MAX_BYTES];
    memcpy(key_copy, key.p, key.n);
    MDB_val key_val = { .mv_size = key.n, .mv_data = key_copy };
    txn->written += key.n + value.n;
    hf_bytes copied = bytes_of(&value_val);
    err = note_in_log(txn, (hf_bytes){ key_copy, key.n }, &copied);
    if (err != HF_OK)
        return err;
    return note_change(txn, mdb_put(txn->handle, txn->engine->dbi, &key_val, &value_val, 0));
}

hf_err store_delete(struct store_txn *txn, hf_bytes key)
{
    HF_ASSERT(txn->writable);
    if (!is_valid_key(key))
        return HF_E_INVALID;
    uint8_t key_copy[STORE_KEY_MAX_BYTES];
    memcpy(key_copy, key.p, key.n);
    MDB_val key_val = { .mv_size = key.n, .mv_data = key_copy };
    int code = mdb_del(txn->handle, txn->engine->dbi, &key_val, NULL);
    if (code == MDB_NOTFOUND)
        return HF_E_NOT_FOUND;
    hf_err err = note_change(txn, code);
    return err == HF_OK ? note_in_log(txn, (hf_bytes){ key_copy, key.n }, NULL) : err;
}

hf_err store_engine_put_joined(struct store_txn *txn, hf_bytes key, hf_bytes head, hf_bytes tail)
{
    MDB_val key_val = val_of(key);
    MDB_val place = { .mv_size = head.n + tail.n };
    int code = mdb_put(txn->handle, txn->engine->dbi, &key_val, &place, MDB_RESERVE);
    if (code == MDB_SUCCESS) {
        memcpy(place.mv_data, head.p, head.n);
        memcpy((uint8_t *)place.mv_data + head.n, tail.p, tail.n);
    }
    return note_change(txn, code);
}

hf_err store_engine_last_below(struct store_txn *txn, hf_bytes key, hf_bytes *out)
{
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn->handle, txn->engine->dbi, &cursor);
    if (code != MDB_SUCCESS)
        return store_err_from_lmdb(code);
    MDB_val found = val_of(key);
    MDB_val value = { 0 };
    code = mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE);
    if (code == MDB_SUCCESS)
        code = mdb_cursor_get(cursor, &found, &value, MDB_PREV);
    else if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(cursor, &found, &value, MDB_LAST);
    mdb_cursor_close(cursor);
    *out = bytes_of(&found);
    return store_err_from_lmdb(code);
}
