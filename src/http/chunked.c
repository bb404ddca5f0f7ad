/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked transfer coding as a state machine over single bytes; data is passed through whole.
 */
#include "http/chunked.h"

/* 16^8: far above every body limit, far below an overflow. */
#define CHUNK_SIZE_DIGITS_MAX 8

void http_chunked_init(struct http_chunked *chunked, size_t overhead_max)
{
    *chunked = (struct http_chunked){ .state = HTTP_CHUNKED_SIZE_FIRST,
                                      .overhead_max = overhead_max };
}

/* -1 if c is no hexadecimal digit. */
static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static hf_err take_size(struct http_chunked *chunked, uint8_t c)
{
    const int digit = hex_value(c);
    if (digit >= 0) {
        if (++chunked->digits > CHUNK_SIZE_DIGITS_MAX)
            return HF_E_INVALID;
        chunked->left = chunked->left * 16 + (uint64_t)digit;
        chunked->state = HTTP_CHUNKED_SIZE;
        return HF_OK;
    }
    if (chunked->state == HTTP_CHUNKED_SIZE_FIRST)
        return HF_E_INVALID;
    if (c == ';')
        chunked->state = HTTP_CHUNKED_EXTENSION;
    else if (c == '\r')
        chunked->state = HTTP_CHUNKED_SIZE_LF;
    else
        return HF_E_INVALID;
    return HF_OK;
}

/* A character of an extension or a trailer line; `at_end` is the state that awaits its LF. */
static hf_err take_text(struct http_chunked *chunked, uint8_t c, enum http_chunked_state inside,
                        enum http_chunked_state at_end)
{
    if (++chunked->overhead > chunked->overhead_max)
        return HF_E_TOO_LARGE;
    if (c == '\r') {
        chunked->state = at_end;
        return HF_OK;
    }
    if ((c < ' ' && c != '\t') || c == 0x7f)
        return HF_E_INVALID;
    chunked->state = inside;
    return HF_OK;
}

static hf_err take_trailer_start(struct http_chunked *chunked, uint8_t c)
{
    if (c == ' ' || c == '\t') /* folding */
        return HF_E_INVALID;
    if (c == '\r') {
        chunked->state = HTTP_CHUNKED_END_LF;
        return HF_OK;
    }
    return take_text(chunked, c, HTTP_CHUNKED_TRAILER, HTTP_CHUNKED_TRAILER_LF);
}

static hf_err expect(struct http_chunked *chunked, uint8_t c, char wanted,
                     enum http_chunked_state next)
{
    if (c != (uint8_t)wanted)
        return HF_E_INVALID;
    chunked->state = next;
    return HF_OK;
}

static hf_err start_next_chunk(struct http_chunked *chunked, uint8_t c)
{
    chunked->digits = 0;
    return expect(chunked, c, '\n', HTTP_CHUNKED_SIZE_FIRST);
}

static hf_err take_byte(struct http_chunked *chunked, uint8_t c)
{
    switch (chunked->state) {
    case HTTP_CHUNKED_SIZE_FIRST:
    case HTTP_CHUNKED_SIZE:
        return take_size(chunked, c);
    case HTTP_CHUNKED_EXTENSION:
        return take_text(chunked, c, HTTP_CHUNKED_EXTENSION, HTTP_CHUNKED_SIZE_LF);
    case HTTP_CHUNKED_SIZE_LF:
        return expect(chunked, c, '\n',
                      chunked->left > 0 ? HTTP_CHUNKED_DATA : HTTP_CHUNKED_TRAILER_START);
    case HTTP_CHUNKED_DATA_CR:
        return expect(chunked, c, '\r', HTTP_CHUNKED_DATA_LF);
    case HTTP_CHUNKED_DATA_LF:
        return start_next_chunk(chunked, c);
    case HTTP_CHUNKED_TRAILER_START:
        return take_trailer_start(chunked, c);
    case HTTP_CHUNKED_TRAILER:
        return take_text(chunked, c, HTTP_CHUNKED_TRAILER, HTTP_CHUNKED_TRAILER_LF);
    case HTTP_CHUNKED_TRAILER_LF:
        return expect(chunked, c, '\n', HTTP_CHUNKED_TRAILER_START);
    case HTTP_CHUNKED_END_LF:
        return expect(chunked, c, '\n', HTTP_CHUNKED_DONE);
    case HTTP_CHUNKED_DATA:
    case HTTP_CHUNKED_DONE:
        break;
    }
    return HF_E_INVALID;
}

static size_t take_data(struct http_chunked *chunked, hf_bytes in, hf_bytes *data)
{
    const size_t n = chunked->left < in.n ? (size_t)chunked->left : in.n;
    *data = (hf_bytes){ in.p, n };
    chunked->left -= n;
    if (chunked->left == 0)
        chunked->state = HTTP_CHUNKED_DATA_CR;
    return n;
}

hf_err http_chunked_feed(struct http_chunked *chunked, hf_bytes in, size_t *consumed,
                         hf_bytes *data)
{
    size_t i = 0;
    *data = (hf_bytes){ NULL, 0 };
    while (i < in.n && chunked->state != HTTP_CHUNKED_DONE) {
        if (chunked->state == HTTP_CHUNKED_DATA) {
            i += take_data(chunked, (hf_bytes){ in.p + i, in.n - i }, data);
            break;
        }
        const hf_err err = take_byte(chunked, in.p[i]);
        if (err != HF_OK)
            return err;
        i++;
    }
    *consumed = i;
    return HF_OK;
}
