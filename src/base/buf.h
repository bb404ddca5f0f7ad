/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that cannot be made without its maximum. The error is sticky: after the first failure every put
 * does nothing, and one check of hf_buf_err() at the end is enough.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/assert.h"
#include "base/bytes.h"
#include "base/err.h"

#include <string.h>

struct hf_buf {
    uint8_t *p;    /* the content; NULL while empty */
    size_t n;      /* bytes of content; n <= cap <= max */
    size_t cap;    /* bytes allocated */
    size_t max;    /* bytes; growing beyond is HF_E_TOO_LARGE */
    hf_err err;    /* first failure, HF_OK before */
    bool secret;   /* memory comes from the secret pool and is cleared when it moves or goes */
    bool borrowed; /* memory is the caller's, must not grow: HF_E_TOO_LARGE when full */
};

/* An empty buffer that may hold up to max bytes. Allocates nothing yet. */
void hf_buf_init(struct hf_buf *buf, size_t max);

/* The same in secret memory (base/secret.h). */
void hf_buf_init_secret(struct hf_buf *buf, size_t max);

/* Over memory the caller keeps; the buffer never frees it. */
void hf_buf_init_fixed(struct hf_buf *buf, void *memory, size_t size);

/* Frees the content (cleared first if secret); the buffer is as after init. */
void hf_buf_done(struct hf_buf *buf);

/* Empties for reuse and keeps the memory (cleared if secret); the error is forgotten. */
void hf_buf_reset(struct hf_buf *buf);

/* What hf_buf_put() does when there is no room yet. */
void hf_buf_put_growing(struct hf_buf *buf, const void *bytes, size_t n);

/* Answers and records are made of dozens of short texts: with room for it, a put is a copy. */
static inline void hf_buf_put(struct hf_buf *buf, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    HF_ASSERT(bytes != NULL);
    if (buf->err != HF_OK || n > buf->cap - buf->n) {
        hf_buf_put_growing(buf, bytes, n);
        return;
    }
    memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
}

static inline void hf_buf_put_bytes(struct hf_buf *buf, hf_bytes bytes)
{
    hf_buf_put(buf, bytes.p, bytes.n);
}

static inline void hf_buf_put_str(struct hf_buf *buf, hf_str text)
{
    hf_buf_put(buf, text.p, text.n);
}

/* A terminated text, without its NUL. */
static inline void hf_buf_put_c(struct hf_buf *buf, const char *text)
{
    hf_buf_put(buf, text, strlen(text));
}

static inline void hf_buf_put_u8(struct hf_buf *buf, uint8_t value)
{
    hf_buf_put(buf, &value, 1);
}

void hf_buf_put_u16(struct hf_buf *buf, uint16_t value); /* big-endian */
void hf_buf_put_u32(struct hf_buf *buf, uint32_t value); /* big-endian */
void hf_buf_put_u64(struct hf_buf *buf, uint64_t value); /* big-endian */
void hf_buf_put_i64(struct hf_buf *buf, int64_t value);  /* big-endian, two's complement */
void hf_buf_put_dec(struct hf_buf *buf, int64_t value);  /* decimal text */
void hf_buf_putf(struct hf_buf *buf, const char *format, ...) HF_PRINTF(2, 3);

/* A u16 or u32 length, then the bytes; HF_E_TOO_LARGE if they do not fit the length. */
void hf_buf_put_field16(struct hf_buf *buf, hf_bytes bytes);
void hf_buf_put_field32(struct hf_buf *buf, hf_bytes bytes);

/* Lends at least n writable bytes behind the content, until the next call on buf; NULL on failure (sticky). */
uint8_t *hf_buf_reserve_growing(struct hf_buf *buf, size_t n);
static inline uint8_t *hf_buf_reserve(struct hf_buf *buf, size_t n)
{
    if (buf->err != HF_OK || n > buf->cap - buf->n || buf->p == NULL)
        return hf_buf_reserve_growing(buf, n);
    return buf->p + buf->n;
}

/* Takes n of the reserved bytes into the content. n must not exceed what was reserved. */
static inline void hf_buf_commit(struct hf_buf *buf, size_t n)
{
    HF_ASSERT(n <= buf->cap - buf->n);
    buf->n += n;
}

/* Drops n bytes from the front; the rest moves down. */
void hf_buf_consume(struct hf_buf *buf, size_t n);

/* Views are valid until the next call that changes buf. */
static inline hf_bytes hf_buf_view(const struct hf_buf *buf)
{
    return (hf_bytes){ buf->p, buf->n };
}

static inline hf_str hf_buf_str(const struct hf_buf *buf)
{
    return (hf_str){ (const char *)buf->p, buf->n };
}

HF_MUST static inline hf_err hf_buf_err(const struct hf_buf *buf)
{
    return buf->err;
}
