/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as JSON: an AuditEvent of Azure Monitor. Every text is cut to
 * AUDIT_CLIENT_TEXT_MAX_BYTES, so that no caller's mistake and no client makes a line longer than
 * AUDIT_LINE_MAX_BYTES.
 */
#include "audit/internal.h"

#include "base/json.h"

#include <string.h>

#define NUMBER_TEXT_BYTES 32
/* What a byte takes in a JSON string at most: the escape of a control character. */
#define COST_MAX_BYTES (sizeof("\\u0000") - 1)

/* Statuses we answer with, and the reason phrases the cloud's records show for them. */
static const struct {
    int status;
    const char *phrase;
} reason_phrases[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
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
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Request Entity Too Large" },
    { 414, "Request-URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Entity" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 499, "Client Closed Request" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

/* One character of the text: how many bytes it has, and how many it takes in a JSON string. */
static size_t measure(hf_str text, size_t *out_cost)
{
    const uint8_t c = (uint8_t)text.p[0];
    if (c >= 0x80) {
        const size_t n = hf_utf8_sequence(text);
        *out_cost = n == 0 ? 3 : n; /* what is no UTF-8 becomes U+FFFD */
        return n == 0 ? 1 : n;
    }
    if (c < ' ')
        *out_cost = COST_MAX_BYTES;
    else
        *out_cost = c == '"' || c == '\\' ? 2 : 1;
    return 1;
}

/* Cut to whole characters that take at most `max` bytes in the log. */
static hf_str cut_text(hf_str text, size_t max)
{
    if (text.n <= max / COST_MAX_BYTES)
        return text;
    size_t total = 0;
    size_t at = 0;
    while (at < text.n) {
        size_t cost = 0;
        const size_t n = measure(hf_str_sub(text, at, text.n), &cost);
        if (cost > max - total)
            return hf_str_sub(text, 0, at);
        total += cost;
        at += n;
    }
    return text;
}

static void put_text(struct hf_json_writer *w, const char *name, hf_str text)
{
    if (text.n != 0)
        hf_jw_member_str(w, name, cut_text(text, AUDIT_CLIENT_TEXT_MAX_BYTES));
}

/* What anybody may send. */
static void put_client_text(struct hf_json_writer *w, const struct audit_record *record,
                            const char *name, hf_str text)
{
    size_t max = record->has_identity ? AUDIT_CLIENT_TEXT_MAX_BYTES : AUDIT_UNKNOWN_TEXT_MAX_BYTES;
    if (text.n != 0)
        hf_jw_member_str(w, name, cut_text(text, max));
}

static void put_flag(struct hf_json_writer *w, const char *name, enum audit_flag flag)
{
    if (flag != AUDIT_ABSENT)
        hf_jw_member_bool(w, name, flag == AUDIT_TRUE);
}

static void put_seconds(struct hf_json_writer *w, const char *name, int64_t seconds)
{
    if (seconds != INT64_MIN)
        hf_jw_member_int(w, name, seconds);
}

static void put_number_text(struct hf_json_writer *w, const char *name, int64_t number)
{
    char text[NUMBER_TEXT_BYTES];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, text, sizeof(text));
    hf_buf_put_dec(&buf, number);
    hf_jw_member_str(w, name, hf_buf_str(&buf));
}

static void put_time(struct hf_json_writer *w, hf_usec time)
{
    char text[NUMBER_TEXT_BYTES];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, text, sizeof(text));
    hf_buf_put_iso_time(&buf, time);
    hf_jw_member_str(w, "time", hf_buf_str(&buf));
}

static void put_signature(struct hf_json_writer *w, int status)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(reason_phrases); i++) {
        if (reason_phrases[i].status == status) {
            hf_jw_member_c(w, "resultSignature", reason_phrases[i].phrase);
            return;
        }
    }
    put_number_text(w, "resultSignature", status);
}

/* Upper-cases the ASCII letters of JSON text, but not those of its escapes. */
static void upper_json_text(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\')
            i += i + 1 < n && p[i + 1] == 'u' ? 5 : 1;
        else if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (uint8_t)(p[i] - ('a' - 'A'));
    }
}

static void put_resource_id(struct hf_json_writer *w, hf_str resource_id)
{
    if (resource_id.n == 0)
        return;
    hf_jw_key(w, "resourceId");
    size_t start = w->buf->n;
    hf_jw_str(w, cut_text(resource_id, AUDIT_CLIENT_TEXT_MAX_BYTES));
    if (w->buf->err == HF_OK)
        upper_json_text(w->buf->p + start, w->buf->n - start);
}

static void put_identity(struct hf_json_writer *w, const struct audit_record *record)
{
    hf_jw_key(w, "identity");
    hf_jw_begin_object(w);
    if (record->has_identity) {
        const struct audit_claims *claims = &record->claims;
        hf_jw_key(w, "claim");
        hf_jw_begin_object(w);
        put_text(w, "oid", claims->oid);
        put_text(w, "appid", claims->appid);
        put_text(w, "appidacr", claims->appidacr);
        put_text(w, "upn", claims->upn);
        put_text(w, "scp", claims->scp);
        put_text(w, "idtyp", claims->idtyp);
        hf_jw_end_object(w);
    }
    hf_jw_end_object(w);
}

static void put_attributes(struct hf_json_writer *w, const struct audit_record *record)
{
    hf_jw_key(w, "attributes");
    hf_jw_begin_object(w);
    hf_jw_member_bool(w, "enabled", record->enabled);
    put_seconds(w, "nbf", record->nbf);
    put_seconds(w, "exp", record->exp);
    hf_jw_end_object(w);
}

static void put_secret_properties(struct hf_json_writer *w, const struct audit_record *record)
{
    if (!record->has_secret_properties)
        return;
    hf_jw_key(w, "secretProperties");
    hf_jw_begin_object(w);
    put_text(w, "type", record->secret_type);
    put_attributes(w, record);
    hf_jw_end_object(w);
}

static void put_key_properties(struct hf_json_writer *w, const struct audit_record *record)
{
    put_text(w, "algorithm", record->algorithm);
    if (!record->has_key_properties)
        return;
    hf_jw_key(w, "keyProperties");
    hf_jw_begin_object(w);
    put_text(w, "type", record->key_type);
    hf_jw_member_int(w, "size", record->key_size);
    put_attributes(w, record);
    hf_jw_end_object(w);
}

static void put_properties(struct hf_json_writer *w, const struct audit_record *record)
{
    hf_jw_key(w, "properties");
    hf_jw_begin_object(w);
    put_client_text(w, record, "id", record->id);
    put_client_text(w, record, "clientInfo", record->client_info);
    put_client_text(w, record, "requestUri", record->request_uri);
    hf_jw_member_int(w, "httpStatusCode", record->status);
    put_flag(w, "isRbacAuthorized", record->rbac_authorized);
    put_text(w, "appliedAssignmentId", record->assignment_id);
    put_flag(w, "isAddressAuthorized", record->address_authorized);
    put_text(w, "tlsVersion", record->tls_version);
    put_secret_properties(w, record);
    put_key_properties(w, record);
    hf_jw_end_object(w);
}

void audit_record_put(struct hf_buf *buf, const struct audit_record *record)
{
    struct hf_json_writer writer = hf_json_writer_on(buf);
    struct hf_json_writer *w = &writer;
    hf_jw_begin_object(w);
    put_time(w, record->time);
    put_text(w, "category", record->category);
    put_text(w, "operationName", record->operation_name);
    put_text(w, "operationVersion", record->operation_version);
    /* "Success" for every outcome, as the cloud's own records: the status tells. */
    hf_jw_member_c(w, "resultType", "Success");
    put_signature(w, record->status);
    put_client_text(w, record, "resultDescription", record->description);
    /* A text for vaults; a clock that was set back must not make it negative. */
    put_number_text(w, "durationMs",
                    record->duration > 0 ? record->duration / HF_USEC_PER_MSEC : 0);
    put_text(w, "callerIpAddress", record->caller_address);
    put_client_text(w, record, "correlationId", record->correlation_id);
    put_identity(w, record);
    put_resource_id(w, record->resource_id);
    put_properties(w, record);
}
