/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the login door: Entra's JSON with its AADSTS numbers, and the App Service form on the managed-identity endpoint.
 */
#include "api/entra/internal.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX_BYTES ((size_t)1024)

hf_err entra_fail(struct api_call *call, hf_err err, int status, const char *oauth_error,
                  const char *number, const char *format, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return api_fail(call, err, status, hf_str_from_c(oauth_error), hf_str_from_c(number),
                    "AADSTS%s: %s", number, n < 0 ? "" : text);
}

struct error_row {
    hf_err err;
    int status;
    const char *oauth_error;
    const char *number;
    const char *message;
};

/* What no handler has explained. Anything else is a server_error. */
static const struct error_row error_rows[] = {
    { HF_E_NOT_FOUND, 404, "invalid_request", "900561", "There is nothing at this address." },
    { HF_E_UNSUPPORTED, 405, "invalid_request", "900561",
      "The endpoint does not accept this method." },
    { HF_E_INVALID, 400, "invalid_request", "9002313",
      "Invalid request. Request is malformed or invalid." },
    { HF_E_TOO_LARGE, 413, "invalid_request", "90013", "The request is too large." },
    { HF_E_UNAVAILABLE, 503, "temporarily_unavailable", "90033",
      "The service is not available now; try again later." },
    { HF_E_NOMEM, 503, "temporarily_unavailable", "90033",
      "The service is out of memory; try again later." },
};
static const struct error_row server_error = { HF_E_INTERNAL, 500, "server_error", "90033",
                                               "An internal error occurred." };

static void complete_error(struct api_call *call, hf_err err)
{
    if (call->error.status != 0)
        return;
    const struct error_row *row = &server_error;
    for (size_t i = 0; i < HF_ARRAY_LEN(error_rows); i++) {
        if (error_rows[i].err == err)
            row = &error_rows[i];
    }
    hf_ignore(
        entra_fail(call, err, row->status, row->oauth_error, row->number, "%s", row->message));
}

/* {"statusCode":400,"message":"…","correlationId":"…"} */
static void write_identity_error(struct api_call *call)
{
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_member_int(&w, "statusCode", call->status);
    hf_jw_member_str(&w, "message", call->error.message);
    hf_jw_member_c(&w, "correlationId", call->request_id);
    hf_jw_end_object(&w);
}

static void write_oauth_error(struct api_call *call)
{
    char time_memory[32];
    struct hf_buf time;
    hf_buf_init_fixed(&time, time_memory, sizeof(time_memory));
    hf_buf_put_plain_time(&time, call->now);
    hf_str client_id = http_request_header(call->request, HF_LIT("client-request-id"));
    hf_str correlation = client_id.p != NULL ? client_id : hf_str_from_c(call->request_id);
    hf_str description = hf_arena_printf(
        call->arena, "%.*s\r\nTrace ID: %s\r\nCorrelation ID: %.*s\r\nTimestamp: %.*s",
        HF_STR_ARG(call->error.message), call->request_id, HF_STR_ARG(correlation),
        HF_STR_ARG(hf_buf_str(&time)));
    hf_str uri = hf_arena_printf(call->arena, "%.*s/error?code=%.*s",
                                 HF_STR_ARG(call->service->login_url),
                                 HF_STR_ARG(call->error.inner));
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "error", call->error.code);
    hf_jw_member_str(&w, "error_description", description);
    hf_jw_key(&w, "error_codes");
    hf_jw_begin_array(&w);
    hf_jw_raw(&w, call->error.inner);
    hf_jw_end_array(&w);
    hf_jw_member_str(&w, "timestamp", hf_buf_str(&time));
    hf_jw_member_c(&w, "trace_id", call->request_id);
    hf_jw_member_str(&w, "correlation_id", correlation);
    hf_jw_member_str(&w, "error_uri", uri);
    hf_jw_end_object(&w);
}

void entra_write_error(struct api_call *call, hf_err err)
{
    complete_error(call, err);
    call->status = call->error.status;
    if (call->op != NULL && call->op->handler == entra_identity_token)
        write_identity_error(call);
    else
        write_oauth_error(call);
    if (call->status == 503)
        api_add_header(call, HF_LIT("retry-after"), HF_LIT("1"));
}
