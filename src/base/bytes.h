/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of text and bytes, and checked arithmetic on sizes and numbers. A view owns nothing; whoever hands one out says
 * what must stay alive. Text views are not terminated.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct hf_str {
    const char *p;
    size_t n; /* bytes */
} hf_str;

typedef struct hf_bytes {
    const uint8_t *p;
    size_t n;
} hf_bytes;

/* A view of a string literal. */
#define HF_LIT(literal) ((hf_str){ "" literal, sizeof(literal) - 1 })

/* The two arguments of printf's "%.*s". */
#define HF_STR_ARG(s) (int)(s).n, (s).p

/* A view of a terminated string; of nothing if c is NULL. */
static inline hf_str hf_str_from_c(const char *c)
{
    return (hf_str){ c, c == NULL ? 0 : strlen(c) };
}

static inline hf_bytes hf_str_bytes(hf_str s)
{
    return (hf_bytes){ (const uint8_t *)s.p, s.n };
}

static inline hf_str hf_bytes_str(hf_bytes b)
{
    return (hf_str){ (const char *)b.p, b.n };
}

/* memcmp must not see NULL, not even for nothing. */
static inline bool hf_str_equal(hf_str a, hf_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Not for secrets: see hf_equal_constant_time(). */
static inline bool hf_bytes_equal(hf_bytes a, hf_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters compare without case; other bytes exactly. */
bool hf_str_equal_nocase(hf_str a, hf_str b);

/* memcmp order, shorter first when one is the prefix of the other. */
int hf_str_compare(hf_str a, hf_str b);

bool hf_str_starts(hf_str s, hf_str prefix);
bool hf_str_ends(hf_str s, hf_str suffix);
bool hf_str_starts_nocase(hf_str s, hf_str prefix);
bool hf_str_ends_nocase(hf_str s, hf_str suffix);

/* Where c is, or s.n. */
static inline size_t hf_str_find(hf_str s, char c)
{
    const char *found = s.n == 0 ? NULL : (const char *)memchr(s.p, c, s.n);
    return found == NULL ? s.n : (size_t)(found - s.p);
}

/* The part from `start` on, at most `count` bytes; both are cut to what there is. */
hf_str hf_str_sub(hf_str s, size_t start, size_t count);

/* Without ASCII blanks (space, tab, CR, LF) at both ends. */
hf_str hf_str_trim(hf_str s);

/*
 * Cuts the text before the first `separator` off *rest into *out and moves *rest behind it. The last part leaves *rest
 * with p == NULL. False when *rest was already exhausted (p == NULL).
 */
bool hf_str_next(hf_str *rest, char separator, hf_str *out);

/* Decimal digits only, no sign, no blank, no leading plus. False if empty, not digits, or above max; *out untouched then. */
HF_MUST bool hf_str_parse_u64(hf_str s, uint64_t max, uint64_t *out);

/* Lower-cases ASCII letters from s into out, which has room for s.n bytes. */
void hf_str_lower_into(hf_str s, char *out);

static inline bool hf_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline char hf_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool hf_is_alnum(char c)
{
    return hf_is_digit(c) || (hf_lower(c) >= 'a' && hf_lower(c) <= 'z');
}

/* True and *out set if the result fits; false and *out untouched otherwise. */
HF_MUST bool hf_add_size(size_t a, size_t b, size_t *out);
HF_MUST bool hf_mul_size(size_t a, size_t b, size_t *out);
HF_MUST bool hf_u32_from_size(size_t n, uint32_t *out);
HF_MUST bool hf_int_from_size(size_t n, int *out);
