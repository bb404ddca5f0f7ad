/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maintenance thread. The work itself is plain functions of other layers; here is only when it runs.
 */
#include "server/internal.h"

#include "base/log.h"
#include "vault/secret.h"

#include <errno.h>
#include <time.h>

#define SYNC_INTERVAL HF_USEC_PER_SEC
#define JOB_INTERVAL (60 * HF_USEC_PER_SEC)
#define PURGE_BATCH 100
#define ARENA_MAX_BYTES ((size_t)16 * 1024 * 1024)

hf_err server_maintenance_init(struct server_maintenance *maintenance, struct api_service *service)
{
    *maintenance = (struct server_maintenance){ .service = service };
    pthread_mutex_init(&maintenance->m, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&maintenance->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return api_worker_init(service, &maintenance->worker);
}

/* Objects whose retention has passed. */
static hf_err purge(struct server_maintenance *maintenance, struct hf_arena *arena, hf_usec now)
{
    size_t purged;
    do {
        hf_arena_reset(arena);
        struct vault_command *command = NULL;
        hf_err err = vault_purge_due(maintenance->service->vaults, now, PURGE_BATCH, arena,
                                     &command);
        if (err == HF_OK)
            err = store_apply(maintenance->service->store, &command->store);
        if (err != HF_OK)
            return err;
        purged = vault_purge_due_count(command);
        if (purged > 0)
            hf_log(HF_LOG_INFO, "retention-purged", HF_KV_INT("objects", (int64_t)purged));
    } while (purged == PURGE_BATCH);
    return HF_OK;
}

static hf_err keep_signing_keys(struct server_maintenance *maintenance, struct hf_arena *arena,
                                hf_usec now)
{
    struct api_worker *worker = &maintenance->worker;
    struct store_txn *txn = NULL;
    hf_arena_reset(arena);
    hf_err err = store_read_begin(worker->reader, &txn);
    if (err != HF_OK)
        return err;
    struct access_command *command = NULL;
    err = access_signing_key_maintain(worker->access, txn, now, arena, &command);
    store_read_end(txn);
    if (err != HF_OK || command == NULL)
        return err;
    hf_log(HF_LOG_NOTICE, "signing-keys-changed", HF_KV_C("reason", "rotation"));
    return store_apply(maintenance->service->store, &command->store);
}

hf_err server_maintenance_run(struct server_maintenance *maintenance)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    hf_err err = hf_arena_new(ARENA_MAX_BYTES, &arena);
    if (err != HF_OK)
        return err;
    hf_usec now = hf_clock_now(maintenance->service->clock);
    err = keep_signing_keys(maintenance, arena, now);
    if (err == HF_OK)
        err = purge(maintenance, arena, now);
    return err;
}

/* False when it is time to stop. */
static bool wait_a_second(struct server_maintenance *maintenance)
{
    hf_usec deadline = hf_monotonic_now() + SYNC_INTERVAL;
    const struct timespec until = { .tv_sec = deadline / HF_USEC_PER_SEC,
                                    .tv_nsec = deadline % HF_USEC_PER_SEC * 1000 };
    pthread_mutex_lock(&maintenance->m);
    int error = 0;
    while (!maintenance->stop && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&maintenance->wake, &maintenance->m, &until);
    bool go_on = !maintenance->stop;
    pthread_mutex_unlock(&maintenance->m);
    return go_on;
}

static void *run(void *argument)
{
    struct server_maintenance *maintenance = argument;
    hf_usec next = hf_clock_now(maintenance->service->clock) + JOB_INTERVAL;
    while (wait_a_second(maintenance)) {
        hf_err err = audit_sync(maintenance->service->audit);
        if (err != HF_OK)
            hf_log(HF_LOG_ERROR, "audit-sync-failed", HF_KV_ERR(err));
        hf_usec now = hf_clock_now(maintenance->service->clock);
        if (now < next)
            continue;
        next = now + JOB_INTERVAL;
        err = server_maintenance_run(maintenance);
        if (err != HF_OK)
            hf_log(HF_LOG_ERROR, "maintenance-failed", HF_KV_ERR(err),
                   HF_KV_C("continuing", "next try in a minute"));
    }
    return NULL;
}

hf_err server_maintenance_start(struct server_maintenance *maintenance)
{
    hf_err err = hf_thread_start(&maintenance->thread, "maintenance", run, maintenance);
    maintenance->running = err == HF_OK;
    return err;
}

void server_maintenance_done(struct server_maintenance *maintenance)
{
    if (maintenance->running) {
        pthread_mutex_lock(&maintenance->m);
        maintenance->stop = true;
        pthread_cond_signal(&maintenance->wake);
        pthread_mutex_unlock(&maintenance->m);
        pthread_join(maintenance->thread, NULL);
    }
    api_worker_done(&maintenance->worker);
    pthread_cond_destroy(&maintenance->wake);
    pthread_mutex_destroy(&maintenance->m);
}
