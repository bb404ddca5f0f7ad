/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: counters, sums for the audit log, and the cheapest answers. */
#include "api/refusal.h"

#include "api/api.h"

#include <inttypes.h>
#include <stdio.h>

#define BODY_MAX_BYTES 512

static const struct cause {
    int status;
    hf_str text;
} causes[API_REFUSALS_] = {
    [API_REFUSED_OVERLOAD] = { 503, API_TEXT("Refused at once: the server was overloaded.") },
    [API_REFUSED_QUOTA] = { 429, API_TEXT("Refused: above the quota of a principal or a vault.") },
    [API_REFUSED_AUDIT] = { 503, API_TEXT("Refused: the audit log could not be written.") },
    [API_REFUSED_INCOMPLETE] = { 400, API_TEXT("Refused: requests without a well-formed head.") },
    [API_REFUSED_STRANGER] = { 401, API_TEXT("Refused, without a valid caller, above the rate that "
                                             "is recorded one by one.") },
};

void api_refusals_count(struct api_refusals *refusals, enum api_refusal cause)
{
    atomic_fetch_add_explicit(&refusals->counts[cause], 1, memory_order_relaxed);
}

uint64_t api_refusals_of(const struct api_refusals *refusals, enum api_refusal cause)
{
    return atomic_load_explicit(&refusals->counts[cause], memory_order_relaxed);
}

void api_refusals_record(enum api_refusal cause, uint64_t count, hf_usec now,
                         char text[API_REFUSAL_TEXT_BYTES], struct audit_record *out)
{
    (void)snprintf(text, API_REFUSAL_TEXT_BYTES, "count=%" PRIu64, count);
    *out = (struct audit_record){
        .time = now,
        .category = HF_LIT("AuditEvent"),
        .operation_name = HF_LIT("RequestsRefused"),
        .status = causes[cause].status,
        .description = causes[cause].text,
        .id = hf_str_from_c(text),
        .nbf = INT64_MIN,
        .exp = INT64_MIN,
    };
}

void api_refuse(struct http_exchange *exchange, bool is_login, const char *message)
{
    static const struct http_header headers[] = {
        { API_TEXT("content-type"), API_TEXT("application/json; charset=utf-8") },
        { API_TEXT("cache-control"), API_TEXT("no-store") },
        { API_TEXT("retry-after"), API_TEXT("1") },
    };
    char body[BODY_MAX_BYTES];
    int n = snprintf(body, sizeof(body),
                     is_login ? "{\"error\":\"temporarily_unavailable\",\"error_description\":"
                                "\"AADSTS90033: %s\",\"error_codes\":[90033]}"
                              : "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"%s\"}}",
                     message);
    struct http_response response = {
        .status = 503,
        .headers = headers,
        .header_count = HF_ARRAY_LEN(headers),
        .body = { (const uint8_t *)body, n < 0 ? 0 : (size_t)n },
        .pause = true,
    };
    http_respond(exchange, &response);
}
