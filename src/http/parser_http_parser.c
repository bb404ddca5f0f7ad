/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_compat.h with http-parser 2.9.
 */
#include "http/parser_compat.h"

#include "http/header.h"

#include <http_parser.h>

struct head_sink {
    struct http_head_parts *parts;
    bool is_value; /* the last piece was part of a value */
    bool is_done;
    bool has_too_many;
};

static void extend(hf_str *text, const char *at, size_t n)
{
    if (text->p == NULL)
        text->p = at;
    text->n = (size_t)(at - text->p) + n;
}

static int on_url(http_parser *parser, const char *at, size_t n)
{
    struct head_sink *sink = parser->data;
    extend(&sink->parts->target, at, n);
    return 0;
}

/* A value without bytes may not be reported: a name that does not go on where the last one ended
 * is a new one. */
static bool starts_name(const struct head_sink *sink, const char *at)
{
    const struct http_head_parts *parts = sink->parts;
    if (sink->is_value || parts->header_count == 0)
        return true;
    const hf_str last = parts->headers[parts->header_count - 1].name;
    return at != last.p + last.n;
}

static int on_field(http_parser *parser, const char *at, size_t n)
{
    struct head_sink *sink = parser->data;
    struct http_head_parts *parts = sink->parts;
    if (starts_name(sink, at)) {
        if (parts->header_count == parts->header_max) {
            sink->has_too_many = true;
            return 1;
        }
        parts->headers[parts->header_count++] = (struct http_header){ .name = { 0 } };
        sink->is_value = false;
    }
    extend(&parts->headers[parts->header_count - 1].name, at, n);
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t n)
{
    struct head_sink *sink = parser->data;
    sink->is_value = true;
    extend(&sink->parts->headers[sink->parts->header_count - 1].value, at, n);
    return 0;
}

/* 1: no body follows in what this parser is given. */
static int on_complete(http_parser *parser)
{
    struct head_sink *sink = parser->data;
    sink->is_done = true;
    return 1;
}

static const http_parser_settings settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_complete,
};

enum http_head_result http_parser_compat_head(hf_str head, struct http_head_parts *parts)
{
    parts->target = (hf_str){ NULL, 0 };
    parts->header_count = 0;
    struct head_sink sink = { .parts = parts };
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &sink;
    (void)http_parser_execute(&parser, &settings, head.p, head.n);
    parts->version_major = parser.http_major;
    parts->version_minor = parser.http_minor;
    if (sink.is_done)
        return HTTP_HEAD_OK;
    if (sink.has_too_many)
        return HTTP_HEAD_TOO_MANY_HEADERS;
    return HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_VERSION ? HTTP_HEAD_BAD_VERSION
                                                             : HTTP_HEAD_BAD;
}
