/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer: every put goes through make_room(), which is the only place that allocates. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* vasprintf */
#endif
#include "base/buf.h"

#include "base/assert.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 64
#define FORMAT_SMALL_BYTES 256
#define DECIMAL_MAX_BYTES 20 /* the sign and 19 digits of INT64_MIN */

void hf_buf_init(struct hf_buf *buf, size_t max)
{
    *buf = (struct hf_buf){ .max = max };
}

void hf_buf_init_secret(struct hf_buf *buf, size_t max)
{
    *buf = (struct hf_buf){ .max = max, .secret = true };
}

void hf_buf_init_fixed(struct hf_buf *buf, void *memory, size_t size)
{
    *buf = (struct hf_buf){ .p = memory, .cap = size, .max = size, .borrowed = true };
}

void hf_buf_done(struct hf_buf *buf)
{
    if (buf->borrowed) {
        hf_buf_reset(buf);
        return;
    }
    if (buf->secret)
        hf_secret_release(buf->p);
    else
        free(buf->p);
    *buf = (struct hf_buf){ .max = buf->max, .secret = buf->secret };
}

void hf_buf_reset(struct hf_buf *buf)
{
    /* All of it: reserved bytes may hold what was never committed. */
    if (buf->secret)
        hf_wipe(buf->p, buf->cap);
    buf->n = 0;
    buf->err = HF_OK;
}

static void fail(struct hf_buf *buf, hf_err err)
{
    if (buf->err == HF_OK)
        buf->err = err;
}

static bool grow(struct hf_buf *buf, size_t needed)
{
    size_t cap = buf->cap < FIRST_BYTES ? FIRST_BYTES : buf->cap;
    while (cap < needed && cap <= buf->max / 2)
        cap *= 2;
    if (cap < needed || cap > buf->max)
        cap = buf->max;
    uint8_t *p = buf->secret ? hf_secret_realloc(buf->p, cap) : realloc(buf->p, cap);
    if (p == NULL) {
        fail(buf, HF_E_NOMEM);
        return false;
    }
    buf->p = p;
    buf->cap = cap;
    return true;
}

/* True if n more bytes can be written at the end. */
static bool make_room(struct hf_buf *buf, size_t n)
{
    if (buf->err != HF_OK)
        return false;
    if (n <= buf->cap - buf->n)
        return true;
    if (n > buf->max - buf->n || buf->borrowed) {
        fail(buf, HF_E_TOO_LARGE);
        return false;
    }
    return grow(buf, buf->n + n);
}

void hf_buf_put_growing(struct hf_buf *buf, const void *bytes, size_t n)
{
    if (!make_room(buf, n))
        return;
    memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
}

static void put_big_endian(struct hf_buf *buf, uint64_t value, size_t size)
{
    if (!make_room(buf, size))
        return;
    for (size_t i = size; i > 0; i--) {
        buf->p[buf->n + i - 1] = (uint8_t)(value & 0xff);
        value >>= 8;
    }
    buf->n += size;
}

void hf_buf_put_u16(struct hf_buf *buf, uint16_t value)
{
    put_big_endian(buf, value, sizeof value);
}

void hf_buf_put_u32(struct hf_buf *buf, uint32_t value)
{
    put_big_endian(buf, value, sizeof value);
}

void hf_buf_put_u64(struct hf_buf *buf, uint64_t value)
{
    put_big_endian(buf, value, sizeof value);
}

void hf_buf_put_i64(struct hf_buf *buf, int64_t value)
{
    put_big_endian(buf, (uint64_t)value, sizeof value);
}

void hf_buf_put_dec(struct hf_buf *buf, int64_t value)
{
    char digits[DECIMAL_MAX_BYTES];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + (char)(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        digits[--at] = '-';
    hf_buf_put(buf, digits + at, sizeof digits - at);
}

static void put_long_format(struct hf_buf *buf, const char *format, va_list arguments)
    HF_PRINTF(2, 0);

/* Text beyond the small array takes memory from the heap for a moment. */
static void put_long_format(struct hf_buf *buf, const char *format, va_list arguments)
{
    char *text = NULL;
    const int length = vasprintf(&text, format, arguments);
    if (length < 0) {
        fail(buf, HF_E_NOMEM);
        return;
    }
    hf_buf_put(buf, text, (size_t)length);
    if (buf->secret)
        hf_wipe(text, (size_t)length);
    free(text);
}

void hf_buf_putf(struct hf_buf *buf, const char *format, ...)
{
    char small[FORMAT_SMALL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fail(buf, HF_E_INTERNAL);
    } else if ((size_t)length < sizeof small) {
        hf_buf_put(buf, small, (size_t)length);
    } else {
        va_start(arguments, format);
        put_long_format(buf, format, arguments);
        va_end(arguments);
    }
    if (buf->secret)
        hf_wipe(small, sizeof small);
}

void hf_buf_put_field16(struct hf_buf *buf, hf_bytes bytes)
{
    if (bytes.n > UINT16_MAX) {
        fail(buf, HF_E_TOO_LARGE);
        return;
    }
    hf_buf_put_u16(buf, (uint16_t)bytes.n);
    hf_buf_put_bytes(buf, bytes);
}

void hf_buf_put_field32(struct hf_buf *buf, hf_bytes bytes)
{
    uint32_t n = 0;
    if (!hf_u32_from_size(bytes.n, &n)) {
        fail(buf, HF_E_TOO_LARGE);
        return;
    }
    hf_buf_put_u32(buf, n);
    hf_buf_put_bytes(buf, bytes);
}

uint8_t *hf_buf_reserve_growing(struct hf_buf *buf, size_t n)
{
    static uint8_t nothing[1]; /* lent for no bytes, because NULL means failure */
    if (!make_room(buf, n))
        return NULL;
    return buf->p == NULL ? nothing : buf->p + buf->n;
}

void hf_buf_consume(struct hf_buf *buf, size_t n)
{
    HF_ASSERT(n <= buf->n);
    if (n == 0)
        return;
    buf->n -= n;
    memmove(buf->p, buf->p + n, buf->n);
    if (buf->secret)
        hf_wipe(buf->p + buf->n, n);
}
