/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as a whole: claiming and opening the folder, readers, and waiting for one command.
 */
#include "store/store.h"

#include "base/assert.h"
#include "base/file.h"
#include "store/engine.h"
#include "store/gate.h"
#include "store/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define STORE_FOLDER_MODE 0700
#define STORE_LOCK_MODE 0600

struct store {
    int lock_fd; /* held open: the claim on the folder */
    struct store_engine *engine;
    struct store_gate gate;
    struct store_pipeline pipeline;
};

struct store_reader {
    struct store_txn txn; /* one thread */
    struct store_gate_place place;
    struct store *store;
    bool is_reading;
};

/* ---- opening and closing ---- */

static hf_err join_path(const char *folder, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_INVALID;
}

static hf_err claim_folder(const char *folder, struct hf_diag *diag, int *out_fd)
{
    char path[PATH_MAX];
    hf_err err = join_path(folder, "lock", path, sizeof(path));
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: path is too long", folder);
    HF_CLEANUP(hf_fd_closep)
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, STORE_LOCK_MODE);
    if (fd < 0)
        return hf_fail(diag, hf_err_from_errno(errno), "", "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return hf_fail(diag, HF_E_BUSY, "", "%s: in use by another process", folder);
        return hf_fail(diag, hf_err_from_errno(errno), "", "%s: %s", path, strerror(errno));
    }
    *out_fd = fd;
    fd = -1;
    return HF_OK;
}

/* New names in the folder, and the folder's own name, survive a crash from here on. */
static hf_err sync_names(const char *folder)
{
    char parent[PATH_MAX];
    hf_err err = join_path(folder, "..", parent, sizeof(parent));
    if (err != HF_OK)
        return err;
    err = hf_folder_sync(folder);
    if (err != HF_OK)
        return err;
    err = hf_folder_sync(parent);
    /* A parent that may be passed but not read existed before this program did. */
    return err == HF_E_FORBIDDEN ? HF_OK : err;
}

static hf_err open_parts(struct store *store, const struct store_config *config,
                         struct hf_diag *diag)
{
    hf_err err = hf_folder_make(config->folder, STORE_FOLDER_MODE);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot make the folder: %s", config->folder,
                       hf_err_text(err));
    err = claim_folder(config->folder, diag, &store->lock_fd);
    if (err != HF_OK)
        return err;
    err = store_engine_create(config->folder, config->no_sync, diag);
    if (err == HF_OK)
        err = store_engine_open(config->folder, config->map_bytes, config->no_sync, diag,
                                &store->engine);
    if (err != HF_OK)
        return err;
    if (!config->no_sync) {
        err = sync_names(config->folder);
        if (err != HF_OK)
            return hf_fail(diag, err, "", "%s: cannot sync the folder: %s", config->folder,
                           hf_err_text(err));
    }
    return store_pipeline_start(&store->pipeline, config, store->engine, &store->gate);
}

hf_err store_open(const struct store_config *config, struct hf_diag *diag, struct store **out)
{
    if (config->folder == NULL || config->folder[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "", "no data folder given");
    HF_CLEANUP(store_closep) struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return HF_E_NOMEM;
    store->lock_fd = -1;
    store_gate_init(&store->gate);
    hf_err err = open_parts(store, config, diag);
    if (err != HF_OK)
        return err;
    *out = hf_take(&store);
    return HF_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    store_pipeline_stop(&store->pipeline);
    store_gate_done(&store->gate);
    store_engine_close(store->engine);
    hf_fd_closep(&store->lock_fd);
    free(store);
}

/* ---- reading ---- */

hf_err store_reader_new(struct store *store, struct store_reader **out)
{
    struct store_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return HF_E_NOMEM;
    reader->store = store;
    store_gate_add(&store->gate, &reader->place, &reader->txn);
    store_gate_enter(&store->gate, &reader->place);
    hf_err err = store_engine_reader_open(store->engine, &reader->txn);
    store_gate_leave(&store->gate, &reader->place);
    if (err != HF_OK) {
        store_gate_remove(&store->gate, &reader->place);
        free(reader);
        return err;
    }
    *out = reader;
    return HF_OK;
}

void store_reader_free(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    HF_ASSERT(!reader->is_reading);
    struct store_gate *gate = &reader->store->gate;
    store_gate_enter(gate, &reader->place);
    store_engine_reader_close(&reader->txn);
    store_gate_leave(gate, &reader->place);
    store_gate_remove(gate, &reader->place);
    free(reader);
}

hf_err store_read_begin(struct store_reader *reader, struct store_txn **out)
{
    HF_ASSERT(!reader->is_reading);
    struct store_gate *gate = &reader->store->gate;
    if (!store_gate_try_enter(gate, &reader->place))
        return HF_E_UNAVAILABLE;
    hf_err err = store_engine_reader_renew(&reader->txn);
    while (err == HF_E_BUSY) {
        if (!store_gate_leave_until_opened(gate, &reader->place) ||
            !store_gate_try_enter(gate, &reader->place))
            return HF_E_UNAVAILABLE;
        err = store_engine_reader_renew(&reader->txn);
    }
    if (err != HF_OK) {
        store_gate_leave(gate, &reader->place);
        return err;
    }
    reader->is_reading = true;
    *out = &reader->txn;
    return HF_OK;
}

void store_read_end(struct store_txn *txn)
{
    if (txn == NULL)
        return;
    struct store_reader *reader = HF_CONTAINER_OF(txn, struct store_reader, txn);
    HF_ASSERT(reader->is_reading && txn->open_cursors == 0);
    store_engine_reader_reset(txn);
    reader->is_reading = false;
    store_gate_leave(&reader->store->gate, &reader->place);
}

/* ---- changing ---- */

hf_err store_submit(struct store *store, struct store_command *command)
{
    return store_pipeline_submit(&store->pipeline, command);
}

/* A command that somebody waits for, around the caller's own. */
struct waiting_command {
    struct store_command command;
    struct store_command *inner;
    pthread_mutex_t m;
    pthread_cond_t finished;
    bool is_finished; /* under m */
    hf_err result;    /* under m */
};

static hf_err apply_inner(struct store_command *command, struct store_txn *txn)
{
    struct waiting_command *waiting = HF_CONTAINER_OF(command, struct waiting_command, command);
    return waiting->inner->apply(waiting->inner, txn);
}

static void wake_waiter(struct store_command *command, hf_err result)
{
    struct waiting_command *waiting = HF_CONTAINER_OF(command, struct waiting_command, command);
    (void)pthread_mutex_lock(&waiting->m);
    waiting->result = result;
    waiting->is_finished = true;
    (void)pthread_cond_signal(&waiting->finished);
    (void)pthread_mutex_unlock(&waiting->m);
}

static hf_err wait_for(struct waiting_command *waiting)
{
    (void)pthread_mutex_lock(&waiting->m);
    while (!waiting->is_finished)
        (void)pthread_cond_wait(&waiting->finished, &waiting->m);
    hf_err result = waiting->result;
    (void)pthread_mutex_unlock(&waiting->m);
    return result;
}

hf_err store_apply(struct store *store, struct store_command *command)
{
    HF_ASSERT(command->done == NULL);
    HF_ASSERT(!pthread_equal(pthread_self(), store->pipeline.thread));
    struct waiting_command waiting = {
        .command = { .apply = apply_inner, .done = wake_waiter },
        .inner = command,
        .m = PTHREAD_MUTEX_INITIALIZER,
        .finished = PTHREAD_COND_INITIALIZER,
    };
    hf_err err = store_submit(store, &waiting.command);
    if (err == HF_OK)
        err = wait_for(&waiting);
    (void)pthread_cond_destroy(&waiting.finished);
    (void)pthread_mutex_destroy(&waiting.m);
    return err;
}

struct store_health store_health(struct store *store)
{
    return store_recovery_health(&store->pipeline.recovery);
}

void store_set_hook(struct store *store, const struct store_hook *hook)
{
    store->pipeline.hook = *hook;
}

struct store_stats store_stats(struct store *store)
{
    struct store_pipeline *pipeline = &store->pipeline;
    return (struct store_stats){
        .commands = atomic_load(&pipeline->commands),
        .batches = atomic_load(&pipeline->batches),
        .map_bytes = atomic_load(&pipeline->map_bytes),
        .used_bytes = atomic_load(&pipeline->used_bytes),
    };
}
