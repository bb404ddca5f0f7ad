/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request through the front doors: admit, route, authorize, body, handler, error mapping, audit, answer. The same
 * steps for all operations, in one order.
 */
#include "api/internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "crypto/crypto.h"

#include <stdarg.h>
#include <stdio.h>

#define ERROR_TEXT_MAX_BYTES ((size_t)4096)
#define HEALTH_MAX_BYTES 256

/* ---- helpers for handlers ---- */

void api_add_header(struct api_call *call, hf_str name, hf_str value)
{
    HF_ASSERT(call->header_count < API_HEADERS_MAX);
    call->headers[call->header_count++] = (struct http_header){ name, value };
}

hf_err api_fail(struct api_call *call, hf_err err, int status, hf_str code, hf_str inner,
                const char *format, ...)
{
    if (call->error.status != 0)
        return err;
    char text[ERROR_TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t length = n < 0 ? 0 : (size_t)n;
    if (length >= sizeof(text))
        length = sizeof(text) - 1;
    hf_str message = hf_arena_dup_str(call->arena, (hf_str){ text, length });
    call->error =
        (struct api_error){ .status = status, .code = code, .inner = inner, .message = message };
    return err;
}

hf_err api_missing(struct api_call *call)
{
    return api_fail(call, HF_E_UNSUPPORTED, 501, HF_LIT("NotImplemented"), HF_LIT(""),
                    "The operation %s is not available in this version of the service.",
                    call->op->name);
}

/* ---- audit ---- */

static hf_str tls_name(enum http_tls_version version)
{
    switch (version) {
    case HTTP_TLS_NONE:
        return HF_LIT("");
    case HTTP_TLS_1_2:
        return HF_LIT("TLS1_2");
    case HTTP_TLS_1_3:
        return HF_LIT("TLS1_3");
    }
    return HF_LIT("");
}

/* The client's id if it is a GUID, else this request's own. */
static hf_str correlation_id(const struct api_call *call)
{
    hf_str given = http_request_header(call->request, HF_LIT("x-ms-client-request-id"));
    struct hf_uuid ignored;
    if (given.p != NULL && hf_uuid_parse(given, &ignored) == HF_OK)
        return given;
    return hf_str_from_c(call->request_id);
}

static void fill_audit(struct api_call *call)
{
    const struct http_request *request = call->request;
    struct audit_record *record = &call->audit;
    record->time = call->now;
    if (record->category.n == 0)
        record->category = HF_LIT("AuditEvent");
    if (record->operation_name.n == 0) /* no row: host, version or route were refused */
        record->operation_name = call->op != NULL ? hf_str_from_c(call->op->audit_name)
                                                  : HF_LIT("UnknownOperation");
    record->operation_version = call->api_version;
    record->status = call->status;
    if (call->error.status != 0)
        record->description = call->error.message;
    record->duration = hf_monotonic_now() - call->exchange->started;
    record->caller_address = request->peer.is_local ? HF_LIT("local")
                                                    : hf_str_from_c(request->peer.address);
    record->correlation_id = correlation_id(call);
    record->client_info = http_request_header(request, HF_LIT("user-agent"));
    record->tls_version = tls_name(request->tls);
    record->request_uri = request->peer.is_local
                              ? HF_JOIN(call->arena, HF_LIT("local:"), request->path)
                              : HF_JOIN(call->arena, HF_LIT("https://"), request->host,
                                        hf_str_from_c(call->service->url_port), request->path,
                                        request->query.n > 0 ? HF_LIT("?") : HF_LIT(""),
                                        request->query);
}

/* ---- the end of a call ---- */

static void write_error(struct api_call *call, hf_err err)
{
    api_worker_reset_scratch(call->worker);
    call->header_count = 0;
    call->door->write_error(call, err);
}

/* A full batch is written out at once. */
static hf_err add_record(struct api_worker *worker, const struct audit_record *record)
{
    struct audit_batch *batch = worker->audit;
    worker->has_new_records = true;
    hf_err err = audit_batch_add(batch, record);
    if (err != HF_E_TOO_LARGE)
        return err;
    err = audit_batch_write(batch);
    return err == HF_OK ? audit_batch_add(batch, record) : err;
}

/* Everything but the answer itself; what cannot be recorded is not answered. */
static void complete(struct api_call *call, hf_err err)
{
    if (err == HF_OK)
        err = hf_buf_err(call->out);
    if (err != HF_OK)
        write_error(call, err);
    call->door->complete(call);
    if (call->skip_audit || !api_gate_records(call))
        return;
    fill_audit(call);
    err = add_record(call->worker, &call->audit);
    if (err == HF_OK)
        return;
    hf_log(HF_LOG_ERROR, "audit-record-failed", HF_KV_ERR(err),
           HF_KV_C("consequence", "the request is answered with 503"));
    call->error = (struct api_error){ 0 };
    write_error(call, HF_E_UNAVAILABLE);
    call->door->complete(call);
}

/* The call is gone afterwards. */
static void finish(struct api_call *call, hf_err err)
{
    complete(call, err);
    if (call->release != NULL)
        call->release(call);
    if (call->txn != NULL)
        store_read_end(call->txn);
    if (call->caller != NULL)
        access_caller_release(call->worker->access, call->caller);

    struct api_worker *worker = call->worker;
    struct hf_json *body = call->body;
    struct http_response response = {
        .status = call->status,
        .headers = call->headers,
        .header_count = call->header_count,
        .body = hf_buf_view(call->out),
    };
    http_respond(call->exchange, &response);
    hf_json_free(body);
    api_worker_reset_scratch(worker);
}

/* ---- commit and compute ---- */

static void resume(struct http_task *task)
{
    struct api_call *call = HF_CONTAINER_OF(task, struct api_call, task);
    finish(call, call->finish(call));
}

/* Writer thread: back to the loop. */
static void committed(struct store_command *command, hf_err result)
{
    struct api_call *call = command->context;
    api_gate_leave(call, &call->service->commits);
    call->result = result;
    call->task.run = resume;
    http_loop_post(call->exchange->loop, &call->task);
}

/* Says the cause, where a door's answer has room for it. */
static hf_err refuse_if_failing(struct api_call *call, enum store_condition least)
{
    enum store_condition condition = store_health(call->service->store).condition;
    if (condition < least)
        return HF_OK;
    call->error.message = hf_str_from_c(store_condition_text(condition));
    return HF_E_UNAVAILABLE;
}

/*
 * What cannot be recorded is not done: while the audit log cannot be written, nothing is changed. On
 * its reserve it takes the records of reads.
 */
static hf_err submit_command(struct api_call *call)
{
    HF_ASSERT(call->command != NULL);
    struct api_service *service = call->service;
    if (!audit_is_writable(service->audit))
        return audit_takes_records(service->audit) ? HF_E_DISK_FULL : HF_E_UNAVAILABLE;
    hf_err err = refuse_if_failing(call, STORE_FAILING);
    if (err == HF_OK)
        err = api_gate_enter(call, &service->commits);
    if (err != HF_OK)
        return err;
    call->command->context = call;
    call->command->done = committed;
    err = store_submit(service->store, call->command);
    if (err != HF_OK)
        api_backlog_give_up(&service->commits);
    return err;
}

static struct api_backlog *backlog_of(struct api_call *call)
{
    return call->op->run == API_RUN_MAKE ? &call->service->makings : &call->service->computes;
}

static void run_compute(struct http_work *work)
{
    struct api_call *call = HF_CONTAINER_OF(work, struct api_call, work);
    if (call->prepare != NULL && http_loop_is_ending(call->exchange->loop))
        call->result = HF_E_UNAVAILABLE; /* it would not be stored: see computed() */
    else
        call->compute(call);
    api_gate_leave(call, backlog_of(call));
}

/* The handler's second look at the store, with a snapshot of its own. */
static hf_err prepare(struct api_call *call)
{
    if (call->prepare == NULL)
        return HF_OK;
    hf_err err = store_read_begin(call->worker->reader, &call->txn);
    if (err != HF_OK)
        return err;
    err = call->prepare(call);
    store_read_end(call->txn);
    call->txn = NULL;
    call->vault = NULL;
    return err;
}

/*
 * What was computed may have to be stored before it is answered. Not while the server ends: the writer's
 * word would find no loop any more, and the change had neither answer nor record.
 */
static void computed(struct http_work *work)
{
    struct api_call *call = HF_CONTAINER_OF(work, struct api_call, work);
    if (call->result == HF_OK)
        call->result = prepare(call);
    if (call->result == HF_OK && call->command != NULL) {
        bool is_ending = http_loop_is_ending(call->exchange->loop);
        hf_err err = is_ending ? HF_E_UNAVAILABLE : submit_command(call);
        if (err == HF_OK)
            return; /* out of this thread's hands: the writer may have set the result already */
        call->result = err;
    }
    finish(call, call->finish(call));
}

static hf_err submit_compute(struct api_call *call)
{
    HF_ASSERT(call->compute != NULL);
    struct api_backlog *backlog = backlog_of(call);
    hf_err err = api_gate_enter(call, backlog);
    if (err != HF_OK)
        return err;
    call->work.is_long = call->op->run == API_RUN_MAKE;
    call->work.compute = run_compute;
    call->work.finish = computed;
    err = http_loop_compute(call->exchange->loop, &call->work);
    if (err != HF_OK)
        api_backlog_give_up(backlog);
    return err;
}

/*
 * Hands the call on; on success it is out of this thread's hands. The snapshot ends here: it must
 * not be held across a wait.
 */
static hf_err submit(struct api_call *call)
{
    HF_ASSERT(call->finish != NULL);
    store_read_end(call->txn);
    call->txn = NULL;
    call->vault = NULL;
    return call->op->run == API_RUN_COMMIT ? submit_command(call) : submit_compute(call);
}

/* ---- the beginning of a call ---- */

static const struct api_door *choose_door(const struct api_service *service,
                                          const struct http_request *request)
{
    if (request->peer.is_local)
        return service->local_door;
    if (hf_str_equal(request->host, service->login_host))
        return service->login_door;
    return service->vault_door;
}

/* POST with X-HTTP-METHOD means that method (Key Vault REST: for clients without PUT, PATCH, DELETE). */
static enum http_method effective_method(const struct http_request *request)
{
    if (request->method != HTTP_POST)
        return request->method;
    hf_str override = http_request_header(request, HF_LIT("x-http-method"));
    return override.p == NULL ? HTTP_POST : http_method_parse(override);
}

/* The steps up to the handler's return. */
static hf_err run(struct api_call *call)
{
    hf_err err = store_read_begin(call->worker->reader, &call->txn);
    if (err != HF_OK) {
        hf_ignore(refuse_if_failing(call, STORE_CLOSED));
        return err;
    }
    err = call->door->admit(call);
    if (err == HF_OK)
        err = api_gate_take_quota(call);
    if (err != HF_OK)
        return err;
    err = api_route(call);
    if (err != HF_OK)
        return err;
    err = call->door->authorize(call);
    if (err != HF_OK)
        return err;
    err = call->door->read_body(call);
    if (err != HF_OK)
        return err;
    return call->op->handler(call);
}

static hf_err begin(struct api_service *service, struct http_exchange *exchange,
                    struct api_call *call)
{
    struct hf_uuid id;
    hf_err err = crypto_random_uuid(&id);
    hf_uuid_format(&id, call->request_id);
    call->exchange = exchange;
    call->request = &exchange->request;
    call->arena = exchange->arena;
    call->service = service;
    call->worker = &service->workers[exchange->loop_index];
    call->door = choose_door(service, call->request);
    call->now = hf_clock_now(service->clock);
    call->method = effective_method(call->request);
    call->status = 200;
    call->out = &call->worker->scratch;
    return err;
}

static void answer_out_of_memory(struct http_exchange *exchange)
{
    static const struct http_header headers[] = {
        { API_TEXT("content-type"), API_TEXT("application/json; charset=utf-8") },
    };
    hf_str body = HF_LIT(
        "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"Out of memory.\"}}");
    struct http_response response = { .status = 503,
                                      .headers = headers,
                                      .header_count = 1,
                                      .body = hf_str_bytes(body),
                                      .close = true };
    http_respond(exchange, &response);
}

struct health {
    const char *reason; /* NULL: well */
    bool is_serving;    /* reads are answered */
};

/* What refuses more comes first. */
static struct health health_of(const struct api_service *service)
{
    enum audit_condition audit = audit_log_condition(service->audit);
    enum store_condition store = store_health(service->store).condition;
    if (audit > AUDIT_ON_RESERVE)
        return (struct health){ audit_condition_text(audit), false };
    if (store != STORE_WELL)
        return (struct health){ store_condition_text(store), store != STORE_CLOSED };
    if (audit != AUDIT_WRITABLE)
        return (struct health){ audit_condition_text(audit), true };
    return (struct health){ .is_serving = true };
}

/*
 * GET /health on any host: no vault, no caller, no record. 503 while requests are refused, because the
 * audit log takes no records or the store cannot be read.
 */
static bool answer_health(const struct api_service *service, struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (request->method != HTTP_GET || !hf_str_equal(request->path, HF_LIT("/health")))
        return false;
    static const struct http_header headers[] = {
        { API_TEXT("content-type"), API_TEXT("application/json; charset=utf-8") },
        { API_TEXT("cache-control"), API_TEXT("no-cache") },
    };
    struct health health = health_of(service);
    char text[HEALTH_MAX_BYTES];
    int n = snprintf(text, sizeof(text), "{\"status\":\"%s\",\"reason\":\"%s\"}",
                     health.is_serving ? "degraded" : "unavailable",
                     health.reason != NULL ? health.reason : "");
    hf_str body = health.reason == NULL ? HF_LIT("{\"status\":\"ok\"}")
                                        : (hf_str){ text, n < 0 ? 0 : (size_t)n };
    struct http_response response = { .status = health.is_serving ? 200 : 503,
                                      .headers = headers,
                                      .header_count = HF_ARRAY_LEN(headers),
                                      .body = hf_str_bytes(body) };
    http_respond(exchange, &response);
    return true;
}

static void handle(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (answer_health(context, exchange) ||
        api_gate_refuses(context, exchange, choose_door(context, request),
                         effective_method(request)))
        return;
    struct api_call *call = hf_arena_new_of(exchange->arena, struct api_call);
    if (call == NULL) {
        answer_out_of_memory(exchange);
        return;
    }
    hf_err err = begin(context, exchange, call);
    if (err == HF_OK)
        err = run(call);
    if (err == HF_OK && (call->command != NULL || call->compute != NULL)) {
        err = submit(call);
        if (err == HF_OK)
            return;
    }
    finish(call, err);
}

/* ---- the callbacks ---- */

/* A large body is memory: it is taken from callers the door knows only. */
static size_t body_limit(void *context, struct http_exchange *exchange)
{
    struct api_service *service = context;
    const struct http_request *request = &exchange->request;
    const struct api_door *door = choose_door(service, request);
    size_t max = api_route_body_max(door, effective_method(request), request->path);
    bool is_large = max > API_BODY_MAX_BYTES && door->may_send_large != NULL;
    return is_large && !door->may_send_large(service, exchange) ? API_BODY_MAX_BYTES : max;
}

struct status_text {
    int status;
    const char *code;
    const char *message;
};

static const struct status_text http_errors[] = {
    { 400, "BadRequest", "The request is not well-formed." },
    { 408, "RequestTimeout", "The request was not received in time." },
    { 413, "RequestEntityTooLarge", "The request body is too large." },
    { 414, "RequestUriTooLong", "The request target is too long." },
    { 417, "ExpectationFailed", "The expectation is not supported." },
    { 431, "RequestHeaderFieldsTooLarge", "The request headers are too large." },
    { 500, "InternalServerError", "An internal error occurred." },
    { 503, "ServiceUnavailable", "The service is not available now; try again later." },
    { 505, "HttpVersionNotSupported", "Use HTTP/1.1 or HTTP/2." },
};

static const struct status_text *find_status(int status)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(http_errors); i++) {
        if (http_errors[i].status == status)
            return &http_errors[i];
    }
    return &http_errors[0];
}

/* A 503 while the audit log takes no records says so: see before_flush. */
static void write_http_error(void *context, int status, struct hf_buf *out)
{
    const struct api_service *service = context;
    const struct status_text *text = find_status(status);
    const char *message = text->message;
    if (status == 503 && !audit_takes_records(service->audit))
        message = audit_condition_text(audit_log_condition(service->audit));
    hf_buf_putf(out, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", text->code, message);
}

/* An attempt that never reached its operation is an attempt: it is recorded without a caller. */
static void refused(void *context, struct http_exchange *exchange, int status)
{
    struct api_call *call = hf_arena_new_of(exchange->arena, struct api_call);
    hf_err err = call == NULL ? HF_E_NOMEM : begin(context, exchange, call);
    if (err == HF_OK) {
        hf_ignore(api_route(call)); /* an unknown path has no operation's name */
        call->status = status;
        call->error.status = status;
        call->error.message = hf_str_from_c(find_status(status)->message);
        if (!api_gate_records(call))
            return;
        fill_audit(call);
        err = add_record(call->worker, &call->audit);
    }
    if (err != HF_OK)
        hf_log(HF_LOG_ERROR, "audit-record-failed", HF_KV_ERR(err), HF_KV_INT("status", status));
}

static void incomplete(void *context, size_t loop_index HF_UNUSED, int status HF_UNUSED)
{
    struct api_service *service = context;
    api_refusals_count(&service->refusals, API_REFUSED_INCOMPLETE);
}

static void turn_ended(void *context, size_t loop_index, hf_usec now, hf_usec duration,
                       bool had_waited)
{
    struct api_service *service = context;
    api_overload_turn(&service->workers[loop_index].overload, now, duration, had_waited);
}

/*
 * Records of earlier turns may still wait for a log that takes them; answers without a record of
 * their own (health, refusals) do not wait for that.
 */
static hf_err before_flush(void *context, size_t loop_index)
{
    struct api_service *service = context;
    struct api_worker *worker = &service->workers[loop_index];
    struct audit_batch *batch = worker->audit;
    if (!worker->has_new_records || audit_batch_is_empty(batch))
        return HF_OK;
    worker->has_new_records = false;
    hf_err err = audit_batch_write(batch);
    if (err != HF_OK)
        hf_log(HF_LOG_ERROR, "audit-write-failed", HF_KV_ERR(err),
               HF_KV_C("consequence", "requests are refused until the log can be written"));
    return err;
}

const struct http_callbacks api_http_callbacks = {
    .handle = handle,
    .body_limit = body_limit,
    .write_error = write_http_error,
    .before_flush = before_flush,
    .refused = refused,
    .incomplete = incomplete,
    .turn_ended = turn_ended,
};
