/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed server. One loop thread owns all state; a try runs on the pool's one thread while the loop leaves what was
 * given alone; the main thread waits for signals and sees to it that the seal is tried again.
 */
#include "server/sealed.h"

#include "api/fields.h"
#include "api/refusal.h"
#include "base/log.h"
#include "server/installation.h"
#include "server/internal.h"
#include "server/unseal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEALED_TEXT "The server is sealed; its operator must unseal it."
#define SEALED_LOCAL_TEXT "The server is sealed; 'holdfast operator unseal' opens it."
#define TRYING_TEXT "A try to open the seal is under way; ask again when it is done."
#define LOCAL_BODY_MAX_BYTES ((size_t)16 * 1024)
#define ANSWER_MAX_BYTES ((size_t)8 * 1024)
#define NOBODY SERVER_ACT_NOBODY
#define DRAIN_MOST HF_USEC_PER_SEC

struct server_sealed {
    const struct server_settings *settings;
    struct seal_config config;
    struct http_server *http;
    char login_host[sizeof(((struct server_settings *)NULL)->domain) + sizeof("login.")];
    /* loop thread */
    struct unseal unseal; /* pool thread during a try */
    char reason[API_SEAL_REASON_BYTES];
    bool is_trying;
    struct server_tries *tries;  /* the caller's */
    struct http_exchange *asker; /* whose answer the try is; NULL: nobody's */
    int64_t asker_uid;           /* for the log; NOBODY */
    /* the try under way */
    struct http_work work;
    struct seal_roots roots;
    struct hf_diag diag;
    hf_err result;
    /* main and loop thread */
    struct http_task retry_task;
    atomic_bool is_retry_posted;
    atomic_bool retries;
    atomic_bool is_open; /* roots are there, and main thread's after the stop */
};

/* ---- answers ---- */

static const struct http_header headers[] = {
    { API_TEXT("content-type"), API_TEXT("application/json; charset=utf-8") },
    { API_TEXT("cache-control"), API_TEXT("no-store") },
    { API_TEXT("retry-after"), API_TEXT("1") }, /* the last: of 429 and 503 */
};

static void respond(struct http_exchange *exchange, int status, hf_str body)
{
    const bool is_later = status == 503 || status == 429;
    const struct http_response response = {
        .status = status,
        .headers = headers,
        .header_count = HF_ARRAY_LEN(headers) - (is_later ? 0 : 1),
        .body = hf_str_bytes(body),
    };
    http_respond(exchange, &response);
}

/* In the form of the local door. */
static void respond_error(struct http_exchange *exchange, int status, const char *code,
                          const char *text)
{
    char memory[ANSWER_MAX_BYTES];
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    struct hf_json_writer w = hf_json_writer_on(&out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "error");
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "code", code);
    hf_jw_member_c(&w, "message", text);
    hf_jw_end_object(&w);
    hf_jw_end_object(&w);
    respond(exchange, status, hf_buf_str(&out));
}

static void respond_failure(struct http_exchange *exchange, hf_err err, const struct hf_diag *diag)
{
    static const struct row {
        hf_err err;
        int status;
        const char *code;
    } rows[] = {
        { HF_E_INVALID, 400, "Invalid" },         { HF_E_FORBIDDEN, 403, "Forbidden" },
        { HF_E_CONFLICT, 409, "Conflict" },       { HF_E_THROTTLED, 429, "Throttled" },
        { HF_E_UNAVAILABLE, 503, "Unavailable" }, { HF_E_IO, 503, "Unavailable" },
        { HF_E_NOMEM, 503, "Unavailable" },
    };
    const struct row *found = &(const struct row){ err, 500, "Internal" };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        if (rows[i].err == err)
            found = &rows[i];
    }
    respond_error(exchange, found->status, found->code,
                  diag->text[0] != '\0' ? diag->text : hf_err_text(err));
}

static void respond_status(struct server_sealed *sealed, struct http_exchange *exchange,
                           bool is_sealed)
{
    struct api_seal_status status = { 0 };
    server_seal_describe(&sealed->unseal.info, &status);
    status.sealed = is_sealed;
    status.shares_given = sealed->is_trying ? 0 : sealed->unseal.shares_given;
    if (is_sealed)
        (void)snprintf(status.reason, sizeof(status.reason), "%s", sealed->reason);
    char memory[ANSWER_MAX_BYTES];
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    struct hf_json_writer w = hf_json_writer_on(&out);
    api_seal_status_write(&status, &w);
    respond(exchange, 200, hf_buf_str(&out));
}

/* ---- for the audit log ---- */

/* share: its number, 0 for none. A passphrase or share itself is never noted, nor what else was sent. */
static void note_try(struct server_sealed *sealed, int64_t uid, uint32_t share, hf_err result)
{
    const struct hf_clock clock = { 0 };
    const hf_usec now = hf_clock_now(&clock);
    const struct server_try what = {
        .first = now, .last = now, .times = 1, .uid = uid, .share = share, .result = result
    };
    server_tries_note(sealed->tries, &what);
}

/* Before what was given is forgotten. */
static void note_opening(struct server_sealed *sealed)
{
    struct server_tries *tries = sealed->tries;
    const struct unseal *unseal = &sealed->unseal;
    const struct hf_clock clock = { 0 };
    const hf_usec now = hf_clock_now(&clock);
    tries->is_open = true;
    tries->opening = (struct server_try){
        .first = now, .last = now, .times = 1, .uid = sealed->asker_uid, .result = HF_OK
    };
    (void)snprintf(tries->kind, sizeof(tries->kind), "%s", unseal->info.kind);
    tries->share_count = unseal->shares_given;
    memcpy(tries->shares, unseal->numbers, unseal->shares_given * sizeof(unseal->numbers[0]));
}

/* ---- trying ---- */

/* An operator may have changed the seal meanwhile. */
static hf_err refresh(struct server_sealed *sealed, struct hf_diag *diag)
{
    struct seal_info info = { 0 };
    if (sealed->is_trying)
        return HF_OK;
    hf_err err = seal_read_info(sealed->settings->data, diag, &info);
    if (err != HF_OK)
        return err;
    unseal_update(&sealed->unseal, &info);
    return HF_OK;
}

static void set_reason(struct server_sealed *sealed, const char *text)
{
    (void)snprintf(sealed->reason, sizeof(sealed->reason), "%s", text);
}

/* Pool thread. */
static void try_seal(struct http_work *work)
{
    struct server_sealed *sealed = HF_CONTAINER_OF(work, struct server_sealed, work);
    sealed->result = unseal_try(&sealed->unseal, &sealed->config, &sealed->diag, &sealed->roots);
}

static void note_failure(struct server_sealed *sealed)
{
    const hf_err err = sealed->result;
    if (sealed->diag.text[0] == '\0')
        hf_ignore(hf_fail(&sealed->diag, err, "", "%s", hf_err_text(err)));
    set_reason(sealed, sealed->diag.text);
    /* a wrong PIN, tried again and again, locks a token */
    if (err != HF_E_UNAVAILABLE)
        atomic_store(&sealed->retries, false);
    hf_log(HF_LOG_WARN, "unseal-failed", HF_KV_ERR(err), HF_KV_C("kind", sealed->unseal.info.kind),
           HF_KV_INT("uid", sealed->asker_uid), HF_KV_C("reason", sealed->reason),
           HF_KV_C("continuing", "sealed"));
}

/* Loop thread again. */
static void tried(struct http_work *work)
{
    struct server_sealed *sealed = HF_CONTAINER_OF(work, struct server_sealed, work);
    if (sealed->result == HF_OK)
        note_opening(sealed);
    else
        note_try(sealed, sealed->asker_uid, 0, sealed->result);
    unseal_tried(&sealed->unseal, sealed->result, hf_monotonic_now());
    struct http_exchange *asker = hf_take(&sealed->asker);
    if (sealed->result == HF_OK) {
        atomic_store(&sealed->is_open, true); /* and is_trying stays: nothing is begun any more */
        set_reason(sealed, "the seal is open; the server is about to be");
        if (asker != NULL)
            respond_status(sealed, asker, false);
        server_wake();
        return;
    }
    sealed->is_trying = false;
    note_failure(sealed);
    if (asker != NULL)
        respond_failure(asker, sealed->result, &sealed->diag);
}

static hf_err begin_try(struct server_sealed *sealed, struct http_exchange *asker)
{
    sealed->diag = (struct hf_diag){ 0 };
    sealed->asker = asker;
    sealed->asker_uid = asker == NULL ? NOBODY : (int64_t)asker->request.peer.uid;
    sealed->is_trying = true;
    sealed->work = (struct http_work){ .compute = try_seal, .finish = tried };
    hf_err err = http_loop_compute(http_server_loop(sealed->http, 0), &sealed->work);
    if (err != HF_OK) {
        sealed->is_trying = false;
        sealed->asker = NULL;
        unseal_forget(&sealed->unseal);
    }
    return err;
}

/* Loop thread, at the main thread's word. */
static void retry(struct http_task *task)
{
    struct server_sealed *sealed = HF_CONTAINER_OF(task, struct server_sealed, retry_task);
    atomic_store(&sealed->is_retry_posted, false);
    if (sealed->is_trying || !atomic_load(&sealed->retries))
        return;
    struct hf_diag diag = { 0 };
    hf_err err = refresh(sealed, &diag);
    if (err == HF_OK && sealed->unseal.info.asks_people)
        return;
    if (err == HF_OK)
        err = begin_try(sealed, NULL);
    if (err != HF_OK)
        hf_log(HF_LOG_WARN, "unseal-not-tried", HF_KV_ERR(err), HF_KV_C("continuing", "sealed"));
}

/* ---- the local socket ---- */

static void answer_status(struct server_sealed *sealed, struct http_exchange *exchange)
{
    struct hf_diag diag = { 0 };
    hf_err err = refresh(sealed, &diag);
    if (err == HF_OK)
        respond_status(sealed, exchange, true);
    else
        respond_failure(exchange, err, &diag);
}

/* Secrets of *out live in the exchange's arena, and are cleared with it. */
static hf_err read_request(struct http_exchange *exchange, struct hf_diag *diag,
                           struct unseal_request *out)
{
    struct unseal_body {
        struct hf_secret *passphrase;
        struct hf_secret *share;
        bool reset;
    };
    static const struct api_field fields[] = {
        API_FIELD(struct unseal_body, passphrase, API_FIELD_IS_SECRET, "passphrase", false),
        API_FIELD(struct unseal_body, share, API_FIELD_IS_SECRET, "share", false),
        API_FIELD(struct unseal_body, reset, API_FIELD_IS_BOOL, "reset", false),
    };
    HF_CLEANUP(hf_json_freep) struct hf_json *json = NULL;
    hf_err err = HF_OK;
    if (exchange->request.body.n > 0)
        err = hf_json_parse(exchange->request.body, diag, &json);
    if (err == HF_OK && json != NULL && hf_json_type(json) != HF_JSON_OBJECT)
        err = HF_E_INVALID;
    if (err != HF_OK)
        return err == HF_E_NOMEM
                   ? err
                   : hf_fail(diag, HF_E_INVALID, "", "the body must be a JSON object");
    struct unseal_body body = { 0 };
    struct hf_diag field = { 0 };
    err = api_fields_read(fields, HF_ARRAY_LEN(fields), json, exchange->arena, &field, &body);
    if (err != HF_OK)
        return hf_fail(diag, err, field.field, "%s: %s", field.field, field.text);
    *out = (struct unseal_request){ .passphrase = body.passphrase,
                                    .share = body.share,
                                    .reset = body.reset };
    return HF_OK;
}

static hf_err take(struct server_sealed *sealed, struct http_exchange *exchange,
                   struct hf_diag *diag, bool *out_ready)
{
    struct unseal_request request = { 0 };
    hf_err err = read_request(exchange, diag, &request);
    if (err == HF_OK)
        err = refresh(sealed, diag);
    if (err == HF_OK)
        err = unseal_take(&sealed->unseal, &request, hf_monotonic_now(), diag, out_ready);
    if (err == HF_OK && request.share != NULL)
        note_try(sealed, (int64_t)exchange->request.peer.uid,
                 sealed->unseal.numbers[sealed->unseal.shares_given - 1], HF_OK);
    if (err == HF_OK && request.share != NULL)
        hf_log(HF_LOG_NOTICE, "share-given", HF_KV_INT("given", sealed->unseal.shares_given),
               HF_KV_INT("threshold", sealed->unseal.info.threshold),
               HF_KV_INT("uid", (int64_t)exchange->request.peer.uid));
    return err;
}

static void answer_unseal(struct server_sealed *sealed, struct http_exchange *exchange)
{
    struct hf_diag diag = { 0 };
    bool is_ready = false;
    hf_err err = sealed->is_trying ? hf_fail(&diag, HF_E_CONFLICT, "", "%s", TRYING_TEXT)
                                   : take(sealed, exchange, &diag, &is_ready);
    if (err == HF_OK && is_ready) {
        err = begin_try(sealed, exchange);
        if (err == HF_OK)
            return;
    }
    if (err == HF_OK) {
        respond_status(sealed, exchange, true);
        return;
    }
    note_try(sealed, (int64_t)exchange->request.peer.uid, 0, err);
    hf_log(HF_LOG_WARN, "unseal-refused", HF_KV_ERR(err), HF_KV_C("reason", diag.text),
           HF_KV_INT("uid", (int64_t)exchange->request.peer.uid));
    respond_failure(exchange, err, &diag);
}

static bool may_administer(const struct http_peer *peer)
{
    return peer->uid == 0 || peer->uid == geteuid();
}

static void handle_local(struct server_sealed *sealed, struct http_exchange *exchange)
{
    static const struct {
        enum http_method method;
        hf_str path;
        void (*answer)(struct server_sealed *sealed, struct http_exchange *exchange);
    } rows[] = {
        { HTTP_GET, API_TEXT("/operator/status"), answer_status },
        { HTTP_POST, API_TEXT("/operator/unseal"), answer_unseal },
    };
    const struct http_request *request = &exchange->request;
    if (!may_administer(&request->peer)) {
        note_try(sealed, (int64_t)request->peer.uid, 0, HF_E_FORBIDDEN);
        respond_error(exchange, 403, "Forbidden",
                      "Only root and the server's own user may administer it.");
        return;
    }
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        if (request->method == rows[i].method && hf_str_equal(request->path, rows[i].path)) {
            rows[i].answer(sealed, exchange);
            return;
        }
    }
    respond_error(exchange, 503, "Sealed", SEALED_LOCAL_TEXT);
}

/* ---- the callbacks ---- */

static void handle(void *context, struct http_exchange *exchange)
{
    struct server_sealed *sealed = context;
    const struct http_request *request = &exchange->request;
    if (request->method == HTTP_GET && hf_str_equal(request->path, HF_LIT("/health")))
        respond(exchange, 503, HF_LIT("{\"status\":\"sealed\"}"));
    else if (request->peer.is_local)
        handle_local(sealed, exchange);
    else
        api_refuse(exchange, hf_str_equal(request->host, hf_str_from_c(sealed->login_host)),
                   SEALED_TEXT);
}

/* A large body is no reason for another answer than 503: memory alone bounds it. */
static size_t body_limit(void *context, struct http_exchange *exchange)
{
    const struct server_sealed *sealed = context;
    return exchange->request.peer.is_local ? LOCAL_BODY_MAX_BYTES
                                           : (size_t)sealed->settings->max_body_memory;
}

static void write_error(void *context HF_UNUSED, int status, struct hf_buf *out)
{
    hf_buf_putf(out, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}",
                status == 503 ? "ServiceUnavailable" : "BadRequest",
                status == 503 ? SEALED_TEXT : "The request is not well-formed or too large.");
}

static hf_err before_flush(void *context HF_UNUSED, size_t loop_index HF_UNUSED)
{
    return HF_OK; /* nothing has to be recorded first */
}

/* ---- life ---- */

static hf_err open_http(struct server_sealed *sealed, struct hf_diag *diag)
{
    const char *listen[HF_CONFIG_LIST_MAX];
    struct http_config config = server_http_config(sealed->settings, listen);
    config.loops = 1; /* all that is said is no */
    if (config.drain_timeout > DRAIN_MOST)
        config.drain_timeout = DRAIN_MOST; /* whoever sends slowly does not hold the opening up */
    config.compute_threads = 1;
    const struct http_callbacks callbacks = {
        .context = sealed,
        .handle = handle,
        .body_limit = body_limit,
        .write_error = write_error,
        .before_flush = before_flush,
    };
    return http_server_new(&config, &callbacks, diag, &sealed->http);
}

hf_err server_sealed_new(const struct server_settings *settings,
                         const struct server_sealed_start *start, struct hf_diag *diag,
                         struct server_sealed **out)
{
    struct server_sealed *sealed = calloc(1, sizeof(*sealed));
    if (sealed == NULL)
        return HF_E_NOMEM;
    sealed->settings = settings;
    sealed->config = server_seal_config(settings);
    sealed->config.kind = NULL; /* the file's: an operator may have changed it since the start */
    sealed->retry_task.run = retry;
    sealed->tries = start->tries;
    atomic_store(&sealed->retries, start->retries);
    set_reason(sealed, start->reason);
    (void)snprintf(sealed->login_host, sizeof(sealed->login_host), "login.%s", settings->domain);
    struct seal_info info = { 0 };
    hf_err err = seal_read_info(settings->data, diag, &info);
    unseal_init(&sealed->unseal, &info);
    if (err == HF_OK)
        err = open_http(sealed, diag);
    if (err != HF_OK) {
        server_sealed_free(sealed);
        return err;
    }
    *out = sealed;
    return HF_OK;
}

hf_err server_sealed_start(struct server_sealed *sealed)
{
    /* told first: from the start on, all but the listeners is the loop's */
    hf_log(HF_LOG_NOTICE, "sealed", HF_KV_C("kind", sealed->unseal.info.kind),
           HF_KV_C("reason", sealed->reason), HF_KV_INT("port", http_server_port(sealed->http, 0)));
    return http_server_start(sealed->http);
}

static void post_retry(struct server_sealed *sealed)
{
    if (!atomic_exchange(&sealed->is_retry_posted, true))
        http_loop_post(http_server_loop(sealed->http, 0), &sealed->retry_task);
}

static void wait_until_open(struct server_sealed *sealed, bool *out_open)
{
    hf_usec pause = SERVER_SEALED_RETRY_FIRST;
    for (;;) {
        switch (server_wait_signal(atomic_load(&sealed->retries) ? pause : INT64_MAX)) {
        case SERVER_SIGNAL_STOP:
            *out_open = false;
            return;
        case SERVER_SIGNAL_RELOAD:
            server_reload_certificate(sealed->http, sealed->settings);
            break;
        case SERVER_SIGNAL_WOKEN:
            break;
        case SERVER_SIGNAL_TIMEOUT:
            post_retry(sealed);
            pause = 2 * pause < SERVER_SEALED_RETRY_MOST ? 2 * pause : SERVER_SEALED_RETRY_MOST;
            break;
        }
        if (atomic_load(&sealed->is_open)) {
            *out_open = true;
            return;
        }
    }
}

bool server_sealed_wait(struct server_sealed *sealed, struct seal_roots *out)
{
    bool is_open = false;
    wait_until_open(sealed, &is_open);
    http_server_stop(sealed->http);
    if (!is_open)
        return false;
    hf_log(HF_LOG_NOTICE, "unsealed", HF_KV_C("kind", sealed->unseal.info.kind),
           HF_KV_INT("generation", (int64_t)sealed->unseal.info.generation),
           HF_KV_INT("uid", sealed->asker_uid));
    *out = sealed->roots;
    sealed->roots = (struct seal_roots){ 0 };
    return true;
}

void server_sealed_free(struct server_sealed *sealed)
{
    if (sealed == NULL)
        return;
    http_server_free(sealed->http);
    unseal_forget(&sealed->unseal);
    seal_roots_done(&sealed->roots);
    free(sealed);
}

struct http_server *server_sealed_http(struct server_sealed *sealed)
{
    return sealed->http;
}

/* ---- what a seal says ---- */

void server_seal_describe(const struct seal_info *info, struct api_seal_status *out)
{
    *out = (struct api_seal_status){
        .generation = info->generation,
        .rotating = info->roots > 1,
        .shares = info->shares,
        .threshold = info->threshold,
        .asks_people = info->asks_people,
    };
    (void)snprintf(out->kind, sizeof(out->kind), "%s", info->kind);
    (void)snprintf(out->share_set, sizeof(out->share_set), "%s", info->share_set);
}

hf_err server_seal_status(const char *folder, struct hf_diag *diag, struct api_seal_status *out)
{
    struct seal_info info = { 0 };
    hf_err err = seal_read_info(folder, diag, &info);
    if (err == HF_OK)
        server_seal_describe(&info, out);
    return err;
}
