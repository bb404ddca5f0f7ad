/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoder of the chunked transfer coding (RFC 9112 §7.1), strict: CRLF everywhere, no blanks around
 * the size. It is our own because where two parsers differ on chunk framing, requests are smuggled;
 * and the libraries differ.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

enum http_chunked_state {
    HTTP_CHUNKED_SIZE_FIRST, /* awaits the first digit */
    HTTP_CHUNKED_SIZE,
    HTTP_CHUNKED_EXTENSION,
    HTTP_CHUNKED_SIZE_LF,
    HTTP_CHUNKED_DATA,
    HTTP_CHUNKED_DATA_CR,
    HTTP_CHUNKED_DATA_LF,
    HTTP_CHUNKED_TRAILER_START, /* of a line */
    HTTP_CHUNKED_TRAILER,
    HTTP_CHUNKED_TRAILER_LF,
    HTTP_CHUNKED_END_LF,
    HTTP_CHUNKED_DONE,
};

struct http_chunked {
    enum http_chunked_state state;
    uint64_t left;   /* of the present chunk */
    size_t digits;   /* of its size */
    size_t overhead; /* bytes of extensions and trailers so far */
    size_t overhead_max;
};

void http_chunked_init(struct http_chunked *chunked, size_t overhead_max);

/*
 * Takes bytes up to the end of one piece of data, of the whole body, or of the input; *data is a
 * view into in, empty if there was none. Call again with the rest until everything is consumed or
 * chunked->state is HTTP_CHUNKED_DONE. Fails: HF_E_INVALID; HF_E_TOO_LARGE (extensions and
 * trailers).
 */
HF_MUST hf_err http_chunked_feed(struct http_chunked *chunked, hf_bytes in, size_t *consumed,
                                 hf_bytes *data);
