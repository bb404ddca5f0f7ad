/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maintenance thread. The work itself is plain functions of other layers; here is only when it runs.
 */
#include "server/internal.h"

#include "base/log.h"
#include "vault/secret.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define SYNC_INTERVAL HF_USEC_PER_SEC
#define JOB_INTERVAL (60 * HF_USEC_PER_SEC)
/* Refusals are recorded as sums this often; a state of the audit log that lasts is told again. */
#define SUM_INTERVAL (10 * HF_USEC_PER_SEC)
#define TELL_INTERVAL (60 * HF_USEC_PER_SEC)
#define PURGE_BATCH 100
#define ARENA_MAX_BYTES ((size_t)16 * 1024 * 1024)

hf_err server_maintenance_init(struct server_maintenance *maintenance, struct api_service *service)
{
    *maintenance = (struct server_maintenance){ .service = service, .noted_seq = UINT64_MAX };
    pthread_mutex_init(&maintenance->m, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&maintenance->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return api_worker_init(service, &maintenance->worker);
}

static hf_err write_record(struct server_maintenance *maintenance,
                           const struct audit_record *record)
{
    hf_err err = audit_batch_add(maintenance->worker.audit, record);
    return err == HF_OK ? audit_batch_write(maintenance->worker.audit) : err;
}

/* Destroying data is recorded, also when nobody asked for it. */
static hf_err record_purge(struct server_maintenance *maintenance, hf_usec now, size_t objects)
{
    char id[40];
    (void)snprintf(id, sizeof(id), "objects=%zu", objects);
    hf_log(HF_LOG_NOTICE, "retention-purged", HF_KV_INT("objects", (int64_t)objects));
    const struct audit_record record = { .time = now,
                                         .category = HF_LIT("Administrative"),
                                         .operation_name = HF_LIT("RetentionPurge"),
                                         .status = 200,
                                         .caller_address = HF_LIT("local"),
                                         .id = hf_str_from_c(id) };
    return write_record(maintenance, &record);
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
            err = record_purge(maintenance, now, purged);
        if (err != HF_OK)
            return err;
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

static hf_err apply_nothing(struct store_command *command HF_UNUSED,
                            struct store_txn *txn HF_UNUSED)
{
    return HF_OK;
}

/* A commit without changes: it carries the audit log's head into the store (see instance.c). */
hf_err server_maintenance_note_head(struct server_maintenance *maintenance)
{
    struct audit_head head = audit_log_durable_head(maintenance->service->audit);
    if (head.seq == maintenance->noted_seq)
        return HF_OK;
    struct store_command nothing = { .apply = apply_nothing };
    hf_err err = store_apply(maintenance->service->store, &nothing);
    if (err == HF_OK)
        maintenance->noted_seq = head.seq;
    return err;
}

hf_err server_maintenance_keep_signing_keys(struct server_maintenance *maintenance)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    hf_err err = hf_arena_new(ARENA_MAX_BYTES, &arena);
    return err == HF_OK
               ? keep_signing_keys(maintenance, arena, hf_clock_now(maintenance->service->clock))
               : err;
}

static hf_err purge_due(struct server_maintenance *maintenance)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    hf_err err = hf_arena_new(ARENA_MAX_BYTES, &arena);
    return err == HF_OK ? purge(maintenance, arena, hf_clock_now(maintenance->service->clock))
                        : err;
}

/* Changes older than the setting; the store gives the room back to itself. */
static hf_err trim_journal(struct server_maintenance *maintenance)
{
    if (maintenance->journal_keep == 0)
        return HF_OK;
    const hf_usec oldest = hf_clock_now(maintenance->service->clock) - maintenance->journal_keep;
    size_t dropped;
    do {
        hf_err err = store_journal_trim(maintenance->service->store, oldest, &dropped);
        if (err != HF_OK)
            return err;
    } while (dropped > 0);
    return HF_OK;
}

static const struct job {
    const char *name;
    hf_err (*run)(struct server_maintenance *maintenance);
} jobs[] = {
    { "signing-keys", server_maintenance_keep_signing_keys },
    { "purge", purge_due },
    { "audit-head", server_maintenance_note_head },
    { "journal", trim_journal },
};

/* One that fails does not keep the others from running. */
static void run_jobs(struct server_maintenance *maintenance)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(jobs); i++) {
        hf_err err = jobs[i].run(maintenance);
        if (err != HF_OK)
            hf_log(HF_LOG_ERROR, "maintenance-failed", HF_KV_C("job", jobs[i].name), HF_KV_ERR(err),
                   HF_KV_C("continuing", "next try in a minute"));
    }
}

/* ---- the audit log, each second ---- */

static const char *consequence_of(enum audit_condition condition)
{
    switch (condition) {
    case AUDIT_WRITABLE:
        return "none: requests are served";
    case AUDIT_ON_RESERVE:
        return "changes are refused, reads are answered until the reserve is used up";
    case AUDIT_DISK_FULL:
    case AUDIT_FAILING:
        return "requests are refused until it can be written";
    case AUDIT_TAMPERED:
        return "requests are refused until it is put back as it was, or the server is started anew";
    }
    return "";
}

/* The alarm stands in the log itself too, if that can be. */
static void record_change(struct server_maintenance *maintenance, const struct audit_report *report)
{
    char id[64];
    (void)snprintf(id, sizeof(id), "audit-%020" PRIu64 ".jsonl", report->first);
    const struct audit_record record = {
        .time = hf_clock_now(maintenance->service->clock),
        .category = HF_LIT("Administrative"),
        .operation_name = HF_LIT("AuditLogChanged"),
        .status = 500,
        .description = hf_str_from_c(audit_change_text(report->change)),
        .caller_address = HF_LIT("local"),
        .id = hf_str_from_c(id),
    };
    hf_err err = write_record(maintenance, &record);
    if (err != HF_OK)
        hf_log(HF_LOG_ERROR, "audit-record-failed", HF_KV_ERR(err));
}

static void tell_change(struct server_maintenance *maintenance, const struct audit_report *report)
{
    if (report->change == AUDIT_UNCHANGED) {
        hf_log(HF_LOG_NOTICE, "audit-log-put-back", HF_KV_C("state", "as it was written"));
        return;
    }
    hf_log(HF_LOG_ERROR, "audit-log-changed", HF_KV_C("what", audit_change_text(report->change)),
           HF_KV_INT("first_record", (int64_t)report->first),
           HF_KV_C("consequence", report->is_restored ? "the file was written anew, complete"
                                                      : consequence_of(report->condition)));
    if (report->is_restored || report->change == AUDIT_EARLIER_FILE)
        record_change(maintenance, report);
}

static void tell_condition(struct server_maintenance *maintenance,
                           const struct audit_report *report, hf_err err, hf_usec now)
{
    bool is_well = report->condition == AUDIT_WRITABLE;
    bool is_new = report->condition != maintenance->condition;
    if (!is_new && (is_well || now - maintenance->told < TELL_INTERVAL))
        return;
    maintenance->condition = report->condition;
    maintenance->told = now;
    if (is_well)
        hf_log(HF_LOG_NOTICE, "audit-log-writable", HF_KV_C("state", "again"));
    else
        hf_log(HF_LOG_ERROR, "audit-log-failed",
               HF_KV_C("state", audit_condition_text(report->condition)), HF_KV_ERR(err),
               HF_KV_C("consequence", consequence_of(report->condition)));
}

static void keep_audit_log(struct server_maintenance *maintenance)
{
    struct audit_report report;
    hf_err err = audit_maintain(maintenance->service->audit, &report);
    if (report.is_new)
        tell_change(maintenance, &report);
    tell_condition(maintenance, &report, err, hf_monotonic_now());
}

/* ---- the store, each second ---- */

static const char *consequence_for_store(enum store_condition condition)
{
    switch (condition) {
    case STORE_WELL:
        return "none: requests are served";
    case STORE_FULL:
        return "changes are refused until there is room";
    case STORE_FAILING:
        return "changes are refused until the disk is back, reads are answered";
    case STORE_CLOSED:
        return "requests are refused until the disk is back";
    }
    return "";
}

/* A failure that was over within the second is told too. */
static void keep_store(struct server_maintenance *maintenance)
{
    struct store_health health = store_health(maintenance->service->store);
    struct store_health *told = &maintenance->store;
    bool has_failed = health.count != told->count || health.condition > told->condition;
    bool is_back = health.condition == STORE_WELL && (has_failed || told->condition != STORE_WELL);
    if (has_failed)
        hf_log(HF_LOG_ERROR, "store-failed",
               HF_KV_ERR(health.cause != HF_OK ? health.cause : HF_E_IO),
               HF_KV_C("consequence", consequence_for_store(health.condition)));
    if (is_back)
        hf_log(HF_LOG_NOTICE, "store-writable", HF_KV_C("state", "again"));
    *told = health;
}

/* ---- refusals that have no record of their own ---- */

static void record_refusals(struct server_maintenance *maintenance)
{
    struct api_service *service = maintenance->service;
    for (enum api_refusal cause = 0; cause < API_REFUSALS_; cause++) {
        char text[API_REFUSAL_TEXT_BYTES];
        struct audit_record record;
        uint64_t total = api_refusals_of(&service->refusals, cause);
        uint64_t count = total - maintenance->recorded[cause];
        if (count == 0 || !audit_takes_records(service->audit))
            continue;
        api_refusals_record(cause, count, hf_clock_now(service->clock), text, &record);
        maintenance->recorded[cause] = total; /* a batch that cannot be written keeps its records */
        hf_err err = write_record(maintenance, &record);
        if (err != HF_OK)
            hf_log(HF_LOG_ERROR, "audit-record-failed", HF_KV_ERR(err));
    }
}

static void sum_refusals(struct server_maintenance *maintenance)
{
    hf_usec now = hf_monotonic_now();
    if (now - maintenance->summed < SUM_INTERVAL)
        return;
    maintenance->summed = now;
    record_refusals(maintenance);
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

/*
 * Jobs run each minute of the service's clock. It may be set back: then the next round is a minute
 * from where it stands now.
 */
static void *run(void *argument)
{
    struct server_maintenance *maintenance = argument;
    hf_usec next = 0;
    while (wait_a_second(maintenance)) {
        keep_audit_log(maintenance);
        keep_store(maintenance);
        sum_refusals(maintenance);
        hf_usec now = hf_clock_now(maintenance->service->clock);
        if (now < next && now >= next - JOB_INTERVAL)
            continue;
        next = now + JOB_INTERVAL;
        run_jobs(maintenance);
    }
    return NULL;
}

hf_err server_maintenance_start(struct server_maintenance *maintenance)
{
    hf_err err = hf_thread_start(&maintenance->thread, "maintenance", run, maintenance);
    maintenance->running = err == HF_OK;
    return err;
}

void server_maintenance_stop(struct server_maintenance *maintenance)
{
    if (!maintenance->running)
        return;
    pthread_mutex_lock(&maintenance->m);
    maintenance->stop = true;
    pthread_cond_signal(&maintenance->wake);
    pthread_mutex_unlock(&maintenance->m);
    pthread_join(maintenance->thread, NULL);
    maintenance->running = false;
    record_refusals(maintenance);
}

void server_maintenance_done(struct server_maintenance *maintenance)
{
    server_maintenance_stop(maintenance);
    api_worker_done(&maintenance->worker);
    pthread_cond_destroy(&maintenance->wake);
    pthread_mutex_destroy(&maintenance->m);
}
