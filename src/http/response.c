/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers as HTTP/1.1 text, and the errors that this layer itself answers.
 */
#include "http/internal.h"

#define STATUS_MIN 200
#define STATUS_MAX 599
#define STATUS_NO_CONTENT 204
#define STATUS_NOT_MODIFIED 304

#define DATE_MAX_BYTES 64

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

static const struct http_header error_headers[] = {
    { { "content-type", 12 }, { "application/json; charset=utf-8", 31 } },
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(status_texts); i++) {
        if (status_texts[i].status == status)
            return status_texts[i].text;
    }
    return "Status";
}

bool http_status_has_no_body(int status)
{
    return status == STATUS_NO_CONTENT || status == STATUS_NOT_MODIFIED;
}

bool http_response_is_valid(const struct http_response *response)
{
    if (response->status < STATUS_MIN || response->status > STATUS_MAX ||
        response->header_count > HTTP_RESPONSE_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < response->header_count; i++) {
        if (!http_is_token(response->headers[i].name) ||
            !http_is_field_value(response->headers[i].value))
            return false;
    }
    return true;
}

hf_str http_loop_date(struct http_loop *loop)
{
    const hf_usec now = hf_clock_now(&loop->clock);
    const int64_t second = hf_usec_to_seconds(now);
    if (second != loop->date_second || loop->date.n == 0) {
        loop->date_second = second;
        hf_buf_reset(&loop->date);
        hf_buf_put_http_date(&loop->date, now);
    }
    return hf_buf_str(&loop->date);
}

static void put_header(struct hf_buf *out, hf_str name, hf_str value)
{
    hf_buf_put_str(out, name);
    hf_buf_put(out, ": ", 2);
    hf_buf_put_str(out, value);
    hf_buf_put(out, "\r\n", 2);
}

static void put_status_line(struct hf_buf *out, int status)
{
    hf_buf_put_str(out, HF_LIT("HTTP/1.1 "));
    hf_buf_put_dec(out, status);
    hf_buf_put_u8(out, ' ');
    hf_buf_put_c(out, http_status_text(status));
    hf_buf_put(out, "\r\n", 2);
}

void http_response_write(struct http_loop *loop, const struct http_response *response, bool is_head,
                         bool close, struct hf_buf *out)
{
    const bool has_body = !http_status_has_no_body(response->status);
    put_status_line(out, response->status);
    put_header(out, HF_LIT("date"), http_loop_date(loop));
    for (size_t i = 0; i < response->header_count; i++)
        put_header(out, response->headers[i].name, response->headers[i].value);
    if (has_body) {
        hf_buf_put_str(out, HF_LIT("content-length: "));
        hf_buf_put_dec(out, (int64_t)response->body.n);
        hf_buf_put(out, "\r\n", 2);
    }
    if (close)
        put_header(out, HF_LIT("connection"), HF_LIT("close"));
    hf_buf_put(out, "\r\n", 2);
    if (has_body && !is_head)
        hf_buf_put_bytes(out, response->body);
}

struct http_response http_response_error(struct http_loop *loop, int status, struct hf_buf *body)
{
    const struct http_callbacks *callbacks = &loop->server->callbacks;
    hf_buf_init(body, HTTP_ERROR_BODY_MAX_BYTES);
    callbacks->write_error(callbacks->context, status, body);
    return (struct http_response){
        .status = status,
        .headers = error_headers,
        .header_count = HF_ARRAY_LEN(error_headers),
        .body = hf_buf_view(body),
        .close = true,
    };
}
