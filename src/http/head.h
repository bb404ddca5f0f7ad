/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/1.1 requests, and the rules of HTTP that hold for every version: what a request
 * must look like before a handler sees it. No I/O; byte by byte or all at once gives the same.
 */
#pragma once

#include "http/http.h"
#include "http/parser_compat.h"

/*
 * The line check: finds the end of a head (or of trailers) and refuses everything two servers could
 * read differently: bare CR, bare LF, control characters, folded lines. One empty line before the
 * request is skipped (RFC 9112 §2.2).
 */
enum http_lines_state {
    HTTP_LINES_START, /* of a line */
    HTTP_LINES_INSIDE,
    HTTP_LINES_LF,     /* after CR: awaits LF */
    HTTP_LINES_END_LF, /* after CR of an empty line */
    HTTP_LINES_DONE,
};

struct http_lines {
    enum http_lines_state state;
    size_t lines;          /* complete ones */
    size_t bytes;          /* taken so far */
    size_t first_line_end; /* bytes up to the end of the request line; 0 before that is known */
    bool skipped_empty;
};

void http_lines_init(struct http_lines *lines);
/* *consumed is in.n, or less once state is HTTP_LINES_DONE. Fails: HF_E_INVALID; *consumed is then what stands before the wrong
 * byte. */
HF_MUST hf_err http_lines_feed(struct http_lines *lines, hf_bytes in, size_t *consumed);

/* Writable bytes that stand before a head given to http_head_parse(). */
#define HTTP_HEAD_ROOM_BYTES 4

/* How the body is delimited, and what the connection wants. */
struct http_framing {
    bool has_length;
    uint64_t length;
    bool is_chunked;
    bool wants_continue;
    bool wants_close;
};

/*
 * Parses a complete, line-checked head into request (method, version, path, query, host, port,
 * headers) and *framing. The head is changed in place: names in lower case. Returns 0, or the
 * status to answer: 400, 414, 417, 431, 505. request->method is set as soon as it is known.
 */
HF_MUST int http_head_parse(char *head, size_t n, struct http_header *headers, size_t header_max,
                            struct http_request *request, struct http_framing *framing);

/* "host", "host:port", "[v6]:port" into lower case in place. Fails: HF_E_INVALID. */
HF_MUST hf_err http_authority_parse(char *text, size_t n, hf_str *out_host, int *out_port);

/* An origin-form target into path and query: starts with '/', visible ASCII only, no fragment. */
HF_MUST hf_err http_target_parse(hf_str target, hf_str *out_path, hf_str *out_query);

/* RFC 9110 §5.6.2. */
bool http_is_token(hf_str text);
/* Printable, blanks, and bytes from 0x80 on. */
bool http_is_field_value(hf_str text);
