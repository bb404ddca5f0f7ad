/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of what operators do.
 *
 * A command on the data folder writes twice: that it has begun, durable before it changes anything, and what came of it. Killed
 * between, the log tells of an act that may not have happened; the other way round it would miss one that has.
 */
#include "server/acts.h"

#include "base/json.h"
#include "http/client.h"
#include "server/rotate.h"

#include <inttypes.h>
#include <stdio.h>

#define AUDIT_HEAD_NAME "audit"
#define CALLER_BYTES 40
#define BODY_MAX_BYTES ((size_t)1024)
#define ANSWER_MAX_BYTES ((size_t)8 * 1024)
#define ASK_TIMEOUT (30 * HF_USEC_PER_SEC)
#define ASK_URL "http://localhost/operator/acts" /* names nobody: the socket decides */

/* ---- records ---- */

int server_act_status(hf_err err)
{
    static const int statuses[] = {
        [HF_CLASS_OK] = SERVER_ACT_DONE,  [HF_CLASS_INVALID] = 400,   [HF_CLASS_TOO_LARGE] = 413,
        [HF_CLASS_UNAUTHENTICATED] = 401, [HF_CLASS_FORBIDDEN] = 403, [HF_CLASS_NOT_FOUND] = 404,
        [HF_CLASS_CONFLICT] = 409,        [HF_CLASS_THROTTLED] = 429, [HF_CLASS_UNSUPPORTED] = 405,
        [HF_CLASS_UNAVAILABLE] = 503,     [HF_CLASS_CORRUPT] = 500,   [HF_CLASS_INTERNAL] = 500,
    };
    return statuses[hf_err_class_of(err)];
}

static hf_err add_act(struct audit_batch *batch, const struct server_act *act)
{
    char caller[CALLER_BYTES];
    struct audit_record record = {
        .time = act->time,
        .category = HF_LIT("Administrative"),
        .operation_name = act->operation,
        .status = act->status,
        .description = act->description,
        .caller_address = HF_LIT("local"),
        .id = act->detail,
    };
    if (act->uid != SERVER_ACT_NOBODY) {
        (void)snprintf(caller, sizeof(caller), "local:uid=%" PRId64, act->uid);
        record.has_identity = true;
        record.claims.upn = hf_str_from_c(caller);
    }
    return audit_batch_add(batch, &record);
}

hf_err server_acts_write(struct audit_log *log, const struct server_act *acts, size_t count)
{
    struct audit_batch *batch = NULL;
    hf_err err = audit_batch_new(log, &batch);
    for (size_t i = 0; i < count && err == HF_OK; i++)
        err = add_act(batch, &acts[i]);
    if (err == HF_OK)
        err = audit_batch_write(batch);
    if (batch != NULL)
        audit_batch_free(batch);
    return err == HF_OK ? audit_sync(log) : err;
}

/* ---- the log ---- */

/* HF_E_NOT_FOUND before the first commit with records. */
static hf_err get_head(const struct server_audit *audit, struct audit_head *out)
{
    uint8_t memory[AUDIT_HEAD_BYTES];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    hf_err err = server_record_get(audit->store, audit->record_key, STORE_CLASS_AUDIT_HEAD,
                                   AUDIT_HEAD_NAME, &plain);
    return err == HF_OK ? audit_head_decode(hf_buf_view(&plain), out) : err;
}

hf_err server_audit_open(struct server_audit *audit, struct hf_diag *diag)
{
    struct audit_head expected;
    hf_err err = get_head(audit, &expected);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return hf_fail(diag, err, "audit", "the audit log's head in the store: %s",
                       hf_err_text(err));
    struct audit_config config = {
        .folder = audit->settings->audit_folder,
        .segment_bytes = (uint64_t)audit->settings->audit_segment_bytes,
        .reserve_bytes = (uint64_t)audit->settings->audit_reserve_bytes,
        .expected = err == HF_OK ? &expected : NULL,
        .accept_loss = audit->accept_loss,
    };
    err = server_restored_read(audit->store, audit->record_key, &audit->restored);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return hf_fail(diag, err, "data", "the note of a restore in the store: %s",
                       hf_err_text(err));
    audit->was_restored = err == HF_OK;
    if (audit->was_restored)
        config.continue_from = &audit->restored.head;
    return audit_open(&config, diag, &audit->log);
}

hf_err server_audit_catch_up(struct server_audit *audit, hf_usec now, struct hf_diag *diag)
{
    hf_err err = HF_OK;
    /* the log's first record after a restore says so; it is there before any other */
    if (audit->was_restored && !audit->restored.is_recorded)
        err = server_restored_record(audit->store, audit->record_key, audit->log, &audit->restored,
                                     now);
    if (err != HF_OK)
        return hf_fail(diag, err, "audit", "the restore cannot be recorded in the audit log: %s",
                       hf_err_text(err));
    err = server_rotated_record(audit->store, audit->record_key, audit->log, SERVER_ACT_NOBODY,
                                now);
    if (err != HF_OK)
        return hf_fail(diag, err, "audit",
                       "the rotation of the root key cannot be recorded in the audit log: %s",
                       hf_err_text(err));
    return HF_OK;
}

hf_err server_audit_note_head(struct server_audit *audit)
{
    const struct audit_head head = audit_log_durable_head(audit->log);
    uint8_t plain[AUDIT_HEAD_BYTES];
    audit_head_encode(&head, plain);
    return server_record_put(audit->store, audit->record_key, STORE_CLASS_AUDIT_HEAD,
                             AUDIT_HEAD_NAME, (hf_bytes){ plain, sizeof(plain) });
}

/* ---- from a command ---- */

static hf_err write_here(struct server_audit *audit, const struct server_act *act,
                         struct hf_diag *diag)
{
    hf_err err = server_audit_open(audit, diag);
    if (err == HF_OK)
        err = server_audit_catch_up(audit, act->time, diag);
    if (err == HF_OK)
        err = server_acts_write(audit->log, act, 1);
    if (err == HF_OK)
        err = server_audit_note_head(audit);
    audit_close(audit->log);
    return err;
}

static hf_err make_body(const struct server_act *act, struct hf_buf *out)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "operation", act->operation);
    hf_jw_member_str(&w, "detail", act->detail);
    hf_jw_member_int(&w, "status", act->status);
    hf_jw_end_object(&w);
    return hf_buf_err(out);
}

/* The server that has the store and the log open writes it; the kernel tells it who asks. */
static hf_err ask_server(const struct server_settings *settings, const struct server_act *act,
                         struct hf_diag *diag)
{
    static const struct http_header headers[] = {
        { { "content-type", sizeof("content-type") - 1 },
          { "application/json", sizeof("application/json") - 1 } },
    };
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    struct http_client_response response = { .status = 0 };
    struct hf_diag why = { 0 };
    hf_buf_init(&body, BODY_MAX_BYTES);
    hf_buf_init(&response.body, ANSWER_MAX_BYTES);
    hf_buf_init(&response.www_authenticate, ANSWER_MAX_BYTES);
    hf_err err = make_body(act, &body);
    const struct http_client_request request = {
        .method = HTTP_POST,
        .url = ASK_URL,
        .headers = headers,
        .header_count = HF_ARRAY_LEN(headers),
        .body = hf_buf_view(&body),
        .local_socket = settings->admin_socket,
        .timeout = ASK_TIMEOUT,
    };
    if (err == HF_OK)
        err = http_client_send(&request, &why, &response);
    hf_buf_done(&response.body);
    hf_buf_done(&response.www_authenticate);
    if (err != HF_OK)
        return hf_fail(diag, HF_E_BUSY, "audit",
                       "%s is in use, and no server answers at %s that could record this (%s)",
                       settings->data, settings->admin_socket, why.text);
    if (response.status != SERVER_ACT_DONE)
        return hf_fail(diag, HF_E_UNAVAILABLE, "audit",
                       "the server does not record this in its audit log (status %d)",
                       response.status);
    return HF_OK;
}

hf_err server_act_record(const struct server_settings *settings, const struct seal_roots *roots,
                         const struct server_act *act, struct hf_diag *diag)
{
    const struct hf_clock clock = { 0 };
    HF_CLEANUP(store_closep) struct store *store = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    struct hf_diag found = { 0 };
    hf_err err = server_open_roots(settings, &clock, roots, &found, &root, &store);
    if (err == HF_E_BUSY)
        return ask_server(settings, act, diag);
    if (err == HF_OK)
        err = server_record_key(root, &key);
    struct server_audit audit = { .settings = settings, .store = store, .record_key = key };
    if (err == HF_OK)
        err = write_here(&audit, act, &found);
    if (err == HF_OK)
        return HF_OK;
    return hf_fail(diag, err, "audit", "this cannot be recorded in the audit log: %s",
                   found.text[0] != '\0' ? found.text : hf_err_text(err));
}
