/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a request head to a request: line check, cutting (parser_compat.h), then our
 * own strict reading of target, authority and framing.
 */
#include "http/head.h"

#include "http/limits.h"

#include <string.h>

#define STATUS_BAD_REQUEST 400
#define STATUS_EXPECTATION_FAILED 417
#define STATUS_HEADERS_TOO_LARGE 431
#define STATUS_VERSION_NOT_SUPPORTED 505

#define PORT_MAX 65535

/* What a header may mean to this layer; it must not be repeated. */
struct known_headers {
    const struct http_header *host;
    const struct http_header *content_length;
    const struct http_header *transfer_encoding;
    const struct http_header *expect;
};

static bool is_text_byte(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

#define LANES UINT64_C(0x0101010101010101)
#define LANE_TOPS UINT64_C(0x8080808080808080)

/* Sixteen bytes: what a processor's vector holds. */
typedef uint8_t text_vector __attribute__((vector_size(16)));

/* True if none of the bytes is below ' ' or 0x7f; a tab makes it false, too. */
static bool is_text_vector(const uint8_t *p)
{
    text_vector v;
    memcpy(&v, p, sizeof(v));
    const text_vector special = (text_vector)((v < ' ') | (v == 0x7f));
    uint64_t halves[2];
    memcpy(halves, &special, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}

/* How many bytes at the start are text. */
static size_t text_run(const uint8_t *p, size_t n)
{
    size_t i = 0;
    for (;;) {
        while (n - i >= sizeof(text_vector) && is_text_vector(p + i))
            i += sizeof(text_vector);
        const size_t end = n - i < sizeof(text_vector) ? n : i + sizeof(text_vector);
        while (i < end && is_text_byte(p[i]))
            i++;
        if (i < end || i == n)
            return i;
    }
}

/* RFC 9110 §5.6.2: tchar, one bit for each character from ' ' on. */
static bool is_token_char(char c)
{
    static const uint32_t bits[] = { 0x03ff6cfa, 0xc7fffffe, 0x57ffffff };
    const unsigned at = (unsigned)(uint8_t)c - ' ';
    return at < 96 && (bits[at / 32] >> (at % 32) & 1) != 0;
}

/* A bit in the top of each lane that is in low..high; exact for lanes below 0x80. */
static uint64_t lanes_within(uint64_t word, uint8_t low, uint8_t high)
{
    return (word + LANES * (0x80U - low)) & ~(word + LANES * (0x7fU - high));
}

/* True if the eight bytes are small letters, digits and hyphens, as in most names. */
static bool is_usual_word(const char *p)
{
    uint64_t word = 0;
    memcpy(&word, p, sizeof(word));
    const uint64_t low = word & ~LANE_TOPS;
    const uint64_t usual = lanes_within(low, 'a', 'z') | lanes_within(low, '0', '9') |
                           lanes_within(low, '-', '-');
    return (usual & ~word & LANE_TOPS) == LANE_TOPS;
}

bool http_is_token(hf_str text)
{
    size_t i = 0;
    while (text.n - i >= sizeof(uint64_t) && is_usual_word(text.p + i))
        i += sizeof(uint64_t);
    for (; i < text.n; i++) {
        if (!is_token_char(text.p[i]))
            return false;
    }
    return text.n > 0;
}

bool http_is_field_value(hf_str text)
{
    return text_run((const uint8_t *)text.p, text.n) == text.n;
}

void http_lines_init(struct http_lines *lines)
{
    *lines = (struct http_lines){ .state = HTTP_LINES_START };
}

static hf_err lines_start(struct http_lines *lines, uint8_t c)
{
    if (c == '\r') {
        lines->state = HTTP_LINES_END_LF;
        return HF_OK;
    }
    if (!is_text_byte(c) || c == ' ' || c == '\t')
        return HF_E_INVALID;
    lines->state = HTTP_LINES_INSIDE;
    return HF_OK;
}

static hf_err lines_inside(struct http_lines *lines, uint8_t c)
{
    if (c == '\r')
        lines->state = HTTP_LINES_LF;
    else if (!is_text_byte(c))
        return HF_E_INVALID;
    return HF_OK;
}

static hf_err lines_end(struct http_lines *lines)
{
    if (lines->lines > 0) {
        lines->state = HTTP_LINES_DONE;
        return HF_OK;
    }
    if (lines->skipped_empty)
        return HF_E_INVALID;
    lines->skipped_empty = true;
    lines->state = HTTP_LINES_START;
    return HF_OK;
}

static hf_err lines_byte(struct http_lines *lines, uint8_t c)
{
    switch (lines->state) {
    case HTTP_LINES_START:
        return lines_start(lines, c);
    case HTTP_LINES_INSIDE:
        return lines_inside(lines, c);
    case HTTP_LINES_LF:
        lines->state = HTTP_LINES_START;
        lines->lines++;
        return c == '\n' ? HF_OK : HF_E_INVALID;
    case HTTP_LINES_END_LF:
        return c == '\n' ? lines_end(lines) : HF_E_INVALID;
    case HTTP_LINES_DONE:
        break;
    }
    return HF_E_INVALID;
}

hf_err http_lines_feed(struct http_lines *lines, hf_bytes in, size_t *consumed)
{
    size_t i = 0;
    hf_err err = HF_OK;
    while (i < in.n && lines->state != HTTP_LINES_DONE) {
        if (lines->state == HTTP_LINES_INSIDE) {
            i += text_run(in.p + i, in.n - i);
            if (i == in.n)
                break;
        }
        err = lines_byte(lines, in.p[i]);
        if (err != HF_OK)
            break;
        i++;
        if (lines->lines == 1 && lines->first_line_end == 0)
            lines->first_line_end = lines->bytes + i;
    }
    lines->bytes += i;
    *consumed = i;
    return err;
}

/* ":port" or nothing. */
static hf_err parse_port(hf_str text, int *out)
{
    if (text.n == 0) {
        *out = 0;
        return HF_OK;
    }
    uint64_t port = 0;
    if (text.p[0] != ':' || text.n > sizeof(":65535") - 1 ||
        !hf_str_parse_u64(hf_str_sub(text, 1, text.n), PORT_MAX, &port) || port == 0)
        return HF_E_INVALID;
    *out = (int)port;
    return HF_OK;
}

static bool is_host_char(char c)
{
    return hf_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static bool is_address_char(char c)
{
    return hf_is_digit(c) || (hf_lower(c) >= 'a' && hf_lower(c) <= 'f') || c == ':' || c == '.';
}

/* Length of the host part; 0 if it is not well-formed. Brackets belong to it. */
static size_t host_length(hf_str text)
{
    size_t i = 0;
    if (text.n > 0 && text.p[0] == '[') {
        i = 1;
        while (i < text.n && is_address_char(text.p[i]))
            i++;
        return i > 1 && i < text.n && text.p[i] == ']' ? i + 1 : 0;
    }
    while (i < text.n && is_host_char(text.p[i]))
        i++;
    return i;
}

hf_err http_authority_parse(char *text, size_t n, hf_str *out_host, int *out_port)
{
    const hf_str whole = { text, n };
    const size_t host_n = host_length(whole);
    if (host_n == 0 || host_n > HTTP_HOST_MAX_BYTES)
        return HF_E_INVALID;
    int port = 0;
    const hf_err err = parse_port(hf_str_sub(whole, host_n, n), &port);
    if (err != HF_OK)
        return err;
    hf_str_lower_into(hf_str_sub(whole, 0, host_n), text);
    *out_host = (hf_str){ text, host_n };
    *out_port = port;
    return HF_OK;
}

hf_err http_target_parse(hf_str target, hf_str *out_path, hf_str *out_query)
{
    if (target.n == 0 || target.p[0] != '/')
        return HF_E_INVALID;
    size_t query_at = target.n;
    for (size_t i = 0; i < target.n; i++) {
        const char c = target.p[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return HF_E_INVALID;
        if (c == '?' && query_at == target.n)
            query_at = i;
    }
    *out_path = hf_str_sub(target, 0, query_at);
    *out_query = hf_str_sub(target, query_at + 1, target.n);
    return HF_OK;
}

/* Notes the header in *slot; false if there was one already. */
static bool note_once(const struct http_header **slot, const struct http_header *header)
{
    if (*slot != NULL)
        return false;
    *slot = header;
    return true;
}

/* RFC 9110 §7.6.1: a list of options; only "close" matters here. */
static bool has_close_option(hf_str value)
{
    hf_str option = { NULL, 0 };
    while (hf_str_next(&value, ',', &option)) {
        if (hf_str_equal_nocase(hf_str_trim(option), HF_LIT("close")))
            return true;
    }
    return false;
}

/* False if a header is repeated that must not be. */
static bool note_header(const struct http_header *header, struct known_headers *known,
                        struct http_framing *framing)
{
    switch (header->name.n) {
    case sizeof("host") - 1:
        return !hf_str_equal(header->name, HF_LIT("host")) || note_once(&known->host, header);
    case sizeof("expect") - 1:
        return !hf_str_equal(header->name, HF_LIT("expect")) || note_once(&known->expect, header);
    case sizeof("connection") - 1:
        if (hf_str_equal(header->name, HF_LIT("connection")) && has_close_option(header->value))
            framing->wants_close = true;
        return true;
    case sizeof("content-length") - 1:
        return !hf_str_equal(header->name, HF_LIT("content-length")) ||
               note_once(&known->content_length, header);
    case sizeof("transfer-encoding") - 1:
        return !hf_str_equal(header->name, HF_LIT("transfer-encoding")) ||
               note_once(&known->transfer_encoding, header);
    default:
        return true;
    }
}

/* Lower-cases all names in place (they point into head) and notes those that matter. */
static int read_headers(char *head, const struct http_head_parts *parts,
                        struct known_headers *known, struct http_framing *framing)
{
    for (size_t i = 0; i < parts->header_count; i++) {
        struct http_header *header = &parts->headers[i];
        if (!http_is_token(header->name))
            return STATUS_BAD_REQUEST;
        hf_str_lower_into(header->name, head + (header->name.p - head));
        header->value = hf_str_trim(header->value);
        if (!note_header(header, known, framing))
            return STATUS_BAD_REQUEST;
    }
    return 0;
}

/* RFC 9112 §6: one way to delimit the body, no doubt about which. */
static int read_framing(const struct known_headers *known, struct http_framing *framing)
{
    if (known->transfer_encoding != NULL) {
        if (known->content_length != NULL ||
            !hf_str_equal_nocase(known->transfer_encoding->value, HF_LIT("chunked")))
            return STATUS_BAD_REQUEST;
        framing->is_chunked = true;
    }
    if (known->content_length != NULL) {
        if (!hf_str_parse_u64(known->content_length->value, INT64_MAX, &framing->length))
            return STATUS_BAD_REQUEST;
        framing->has_length = true;
    }
    if (known->expect == NULL)
        return 0;
    framing->wants_continue = true;
    return hf_str_equal_nocase(known->expect->value, HF_LIT("100-continue"))
               ? 0
               : STATUS_EXPECTATION_FAILED;
}

/* Absolute form, https only (RFC 9112 §3.2.2): cuts the authority out of *target, leaves the
 * rest. */
static int cut_authority(hf_str *target, hf_str *out_authority)
{
    const hf_str scheme = HF_LIT("https://");
    if (!hf_str_starts_nocase(*target, scheme))
        return STATUS_BAD_REQUEST;
    const hf_str rest = hf_str_sub(*target, scheme.n, target->n);
    const size_t path_at = hf_str_find(rest, '/');
    *out_authority = hf_str_sub(rest, 0, path_at);
    *target = hf_str_sub(rest, path_at, rest.n);
    return 0;
}

static int read_target(char *head, hf_str target, const struct known_headers *known,
                       struct http_request *request)
{
    if (known->host == NULL)
        return STATUS_BAD_REQUEST;
    hf_str authority = known->host->value;
    if (target.n > 0 && target.p[0] != '/') {
        const int status = cut_authority(&target, &authority);
        if (status != 0)
            return status;
    }
    if (authority.n == 0 || http_authority_parse(head + (authority.p - head), authority.n,
                                                 &request->host, &request->port) != HF_OK)
        return STATUS_BAD_REQUEST;
    return http_target_parse(target, &request->path, &request->query) == HF_OK ? 0
                                                                               : STATUS_BAD_REQUEST;
}

/* "method SP target SP version" (RFC 9112 §3): exactly two blanks, which http-parser does not
 * insist on. */
static bool has_two_blanks(hf_str head)
{
    size_t blanks = 0;
    for (size_t i = 0; i < head.n && head.p[i] != '\r'; i++) {
        if (head.p[i] == '\t')
            return false;
        if (head.p[i] == ' ')
            blanks++;
    }
    return blanks == 2;
}

/*
 * Reads the method ourselves, then writes "GET" over its end (and the room before it, if it is
 * shorter), for parser_compat.h. NULL if it is not well-formed.
 */
static char *replace_method(char *head, size_t n, struct http_request *request)
{
    const size_t method_n = hf_str_find(
        (hf_str){ head, n < HTTP_METHOD_MAX_BYTES + 1 ? n : HTTP_METHOD_MAX_BYTES + 1 }, ' ');
    const hf_str method = { head, method_n };
    if (method_n > HTTP_METHOD_MAX_BYTES || !http_is_token(method))
        return NULL;
    request->method = http_method_parse(method);
    char *start = head + method_n - (sizeof("GET") - 1);
    memcpy(start, "GET", sizeof("GET") - 1);
    return start;
}

static int status_of_head(enum http_head_result result)
{
    switch (result) {
    case HTTP_HEAD_OK:
        return 0;
    case HTTP_HEAD_BAD:
        return STATUS_BAD_REQUEST;
    case HTTP_HEAD_BAD_VERSION:
        return STATUS_VERSION_NOT_SUPPORTED;
    case HTTP_HEAD_TOO_MANY_HEADERS:
        return STATUS_HEADERS_TOO_LARGE;
    }
    return STATUS_BAD_REQUEST;
}

int http_head_parse(char *head, size_t n, struct http_header *headers, size_t header_max,
                    struct http_request *request, struct http_framing *framing)
{
    *framing = (struct http_framing){ .has_length = false };
    char *const start = replace_method(head, n, request);
    if (start == NULL || !has_two_blanks((hf_str){ head, n }))
        return STATUS_BAD_REQUEST;
    struct http_head_parts parts = { .headers = headers, .header_max = header_max };
    const hf_str text = { start, (size_t)(head + n - start) };
    int status = status_of_head(http_parser_compat_head(text, &parts));
    if (status != 0)
        return status;
    if (parts.version_major != 1 || parts.version_minor != 1)
        return STATUS_VERSION_NOT_SUPPORTED;
    request->version = 11;
    request->headers = headers;
    request->header_count = parts.header_count;

    struct known_headers known = { .host = NULL };
    status = read_headers(head, &parts, &known, framing);
    if (status == 0)
        status = read_target(head, parts.target, &known, request);
    return status == 0 ? read_framing(&known, framing) : status;
}
