/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one face of llhttp and http-parser: cuts a complete request head into target, version and
 * headers. meson.build picks the implementation. Neither library's header may be seen outside it,
 * since their names (HTTP_GET, …) are ours too.
 *
 * Bodies are not given to the libraries: Debian's http-parser is built without its strict checks
 * and accepts broken chunk framing (see chunked.h).
 */
#pragma once

#include "base/bytes.h"

struct http_header;

enum http_head_result {
    HTTP_HEAD_OK,
    HTTP_HEAD_BAD,
    HTTP_HEAD_BAD_VERSION,
    HTTP_HEAD_TOO_MANY_HEADERS,
};

struct http_head_parts {
    hf_str target;
    int version_major;
    int version_minor;
    struct http_header *headers; /* room for header_max, the caller's */
    size_t header_max;
    size_t header_count;
};

/*
 * head is complete with its empty line, its lines were checked (head.h), and its method reads
 * "GET": each library has its own list of methods and treats some specially. All views point into
 * head; names as written, values without blanks around them.
 */
enum http_head_result http_parser_compat_head(hf_str head, struct http_head_parts *parts);
