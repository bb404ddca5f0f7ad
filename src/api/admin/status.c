/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's state, the audit log's head, the token signing key and, for tests, the clock.
 */
#include "api/admin/internal.h"

#include "base/secret.h"
#include "base/version.h"

static void write_counters(struct api_call *call, struct hf_json_writer *w)
{
    struct http_stats http = http_server_stats(call->service->server);
    hf_jw_member_int(w, "connectionsOpen", (int64_t)http.connections_open);
    hf_jw_member_int(w, "connectionsTotal", (int64_t)http.connections_total);
    hf_jw_member_int(w, "connectionsRefused", (int64_t)http.connections_refused);
    hf_jw_member_int(w, "requestsTotal", (int64_t)http.requests_total);
    struct store_stats store = store_stats(call->service->store);
    hf_jw_member_int(w, "commandsCommitted", (int64_t)store.commands);
    hf_jw_member_int(w, "commits", (int64_t)store.batches);
    hf_jw_member_int(w, "storeMapBytes", (int64_t)store.map_bytes);
    hf_jw_member_int(w, "storeUsedBytes", (int64_t)store.used_bytes);
    struct hf_secret_stats secret = hf_secret_stats();
    hf_jw_member_int(w, "secretMemoryBytes", (int64_t)secret.mapped_bytes);
    hf_jw_member_bool(w, "secretMemoryLocked", secret.locked);
    hf_jw_member_int(w, "auditRecords", (int64_t)audit_log_head(call->service->audit).seq);
    const struct api_refusals *refusals = &call->service->refusals;
    hf_jw_member_int(w, "refusedOverload",
                     (int64_t)api_refusals_of(refusals, API_REFUSED_OVERLOAD));
    hf_jw_member_int(w, "refusedQuota", (int64_t)api_refusals_of(refusals, API_REFUSED_QUOTA));
    hf_jw_member_int(w, "refusedAudit", (int64_t)api_refusals_of(refusals, API_REFUSED_AUDIT));
    hf_jw_member_int(w, "refusedIncomplete",
                     (int64_t)api_refusals_of(refusals, API_REFUSED_INCOMPLETE));
    hf_jw_member_int(w, "strangersCounted",
                     (int64_t)api_refusals_of(refusals, API_REFUSED_STRANGER));
}

static const char *status_text(const struct api_service *service)
{
    if (!audit_is_writable(service->audit))
        return audit_condition_text(audit_log_condition(service->audit));
    enum store_condition condition = store_health(service->store).condition;
    return condition == STORE_WELL ? "ok" : store_condition_text(condition);
}

hf_err admin_status(struct api_call *call)
{
    const struct api_service *service = call->service;
    call->skip_audit = !audit_takes_records(service->audit); /* else nobody could ask why */
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "status", status_text(service));
    hf_jw_member_c(&w, "version", HF_VERSION);
    hf_jw_member_str(&w, "tenantId", service->tenant);
    hf_jw_member_str(&w, "subscriptionId", service->subscription);
    hf_jw_member_c(&w, "domain", service->settings.domain);
    hf_jw_member_str(&w, "loginUrl", service->login_url);
    admin_member_time(&w, "started", service->started);
    hf_jw_member_int(&w, "threads", (int64_t)service->worker_count);
    write_counters(call, &w);
    hf_jw_end_object(&w);
    return HF_OK;
}

hf_err admin_audit_head(struct api_call *call)
{
    /* to prove what was cut off, also while no record can be written */
    call->skip_audit = !audit_takes_records(call->service->audit);
    struct audit_head head = audit_log_head(call->service->audit);
    char memory[2 * AUDIT_HASH_BYTES];
    struct hf_buf hex;
    hf_buf_init_fixed(&hex, memory, sizeof(memory));
    hf_buf_put_hex(&hex, (hf_bytes){ head.hash, sizeof(head.hash) });
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_member_int(&w, "seq", (int64_t)head.seq);
    hf_jw_member_str(&w, "hash", hf_buf_str(&hex));
    hf_jw_end_object(&w);
    return HF_OK;
}

struct clock_body {
    int64_t seconds;
};

static const struct api_field clock_fields[] = {
    API_FIELD(struct clock_body, seconds, API_FIELD_IS_INT, "seconds", true),
};
const struct api_body admin_clock_body = API_BODY(struct clock_body, clock_fields);

/* A hundred years: beyond it a test has a mistake. */
#define CLOCK_STEP_MAX_SECONDS INT64_C(3153600000)

hf_err admin_clock_advance(struct api_call *call)
{
    if (!call->service->settings.movable_clock)
        return api_fail(
            call, HF_E_FORBIDDEN, 403, HF_LIT("Forbidden"), HF_LIT(""),
            "The clock can be moved only if the server was started with --movable-clock.");
    struct clock_body body = { 0 };
    hf_err err = admin_read(call, clock_fields, HF_ARRAY_LEN(clock_fields), &body);
    if (err != HF_OK)
        return err;
    if (body.seconds < -CLOCK_STEP_MAX_SECONDS || body.seconds > CLOCK_STEP_MAX_SECONDS)
        return admin_invalid(call, "seconds: out of range");
    hf_clock_advance(call->service->clock, hf_usec_from_seconds(body.seconds));
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    admin_member_time(&w, "now", hf_clock_now(call->service->clock));
    hf_jw_end_object(&w);
    return HF_OK;
}

/* ---- signing key ---- */

/* Pool thread: makes the key (slow); the dispatcher commits it. */
static void make_key(struct api_call *call)
{
    struct access_command *command = NULL;
    call->result = access_signing_key_rotate(call->service->access, call->now, call->arena,
                                             &command);
    if (call->result == HF_OK)
        call->command = &command->store;
}

static hf_err answer_rotated(struct api_call *call)
{
    hf_buf_put_c(call->out, "{}");
    return call->result;
}

hf_err admin_signing_key_rotate(struct api_call *call)
{
    call->compute = make_key;
    call->finish = answer_rotated;
    return HF_OK;
}
