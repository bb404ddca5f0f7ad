/* SPDX-License-Identifier: Apache-2.0 */
/* Views of text and bytes, and checked arithmetic. */
#include "base/bytes.h"

#include <limits.h>
#include <string.h>

/* memcmp must not see NULL, not even for nothing. */
static bool same_bytes(const void *a, const void *b, size_t n)
{
    return n == 0 || memcmp(a, b, n) == 0;
}

#define LANES UINT64_C(0x0101010101010101)
#define LANE_TOPS UINT64_C(0x8080808080808080)

/* The eight bytes at p; those that are ASCII capitals in lower case. */
static uint64_t lower_word(const char *p)
{
    uint64_t word = 0;
    memcpy(&word, p, sizeof word);
    const uint64_t low = word & ~LANE_TOPS;
    const uint64_t is_capital = (low + LANES * (0x80 - 'A')) & ~(low + LANES * (0x7f - 'Z')) &
                                ~word & LANE_TOPS;
    return word + (is_capital >> 2);
}

static bool same_bytes_nocase(const char *a, const char *b, size_t n)
{
    size_t i = 0;
    for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t))
        if (lower_word(a + i) != lower_word(b + i))
            return false;
    for (; i < n; i++)
        if (hf_lower(a[i]) != hf_lower(b[i]))
            return false;
    return true;
}

bool hf_str_equal_nocase(hf_str a, hf_str b)
{
    return a.n == b.n && same_bytes_nocase(a.p, b.p, a.n);
}

int hf_str_compare(hf_str a, hf_str b)
{
    const size_t common = a.n < b.n ? a.n : b.n;
    const int order = common == 0 ? 0 : memcmp(a.p, b.p, common);
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool hf_str_starts(hf_str s, hf_str prefix)
{
    return s.n >= prefix.n && same_bytes(s.p, prefix.p, prefix.n);
}

bool hf_str_ends(hf_str s, hf_str suffix)
{
    if (suffix.n == 0 || s.n < suffix.n)
        return suffix.n == 0;
    return same_bytes(s.p + (s.n - suffix.n), suffix.p, suffix.n);
}

bool hf_str_starts_nocase(hf_str s, hf_str prefix)
{
    return s.n >= prefix.n && same_bytes_nocase(s.p, prefix.p, prefix.n);
}

bool hf_str_ends_nocase(hf_str s, hf_str suffix)
{
    if (suffix.n == 0 || s.n < suffix.n)
        return suffix.n == 0;
    return same_bytes_nocase(s.p + (s.n - suffix.n), suffix.p, suffix.n);
}

hf_str hf_str_sub(hf_str s, size_t start, size_t count)
{
    if (start > s.n)
        start = s.n;
    if (count > s.n - start)
        count = s.n - start;
    return (hf_str){ s.p == NULL ? NULL : s.p + start, count };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

hf_str hf_str_trim(hf_str s)
{
    size_t start = 0;
    while (start < s.n && is_blank(s.p[start]))
        start++;
    size_t end = s.n;
    while (end > start && is_blank(s.p[end - 1]))
        end--;
    return hf_str_sub(s, start, end - start);
}

bool hf_str_next(hf_str *rest, char separator, hf_str *out)
{
    if (rest->p == NULL)
        return false;
    const size_t at = hf_str_find(*rest, separator);
    *out = hf_str_sub(*rest, 0, at);
    *rest = at == rest->n ? (hf_str){ NULL, 0 } : hf_str_sub(*rest, at + 1, rest->n);
    return true;
}

bool hf_str_parse_u64(hf_str s, uint64_t max, uint64_t *out)
{
    if (s.n == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!hf_is_digit(s.p[i]))
            return false;
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

void hf_str_lower_into(hf_str s, char *out)
{
    size_t i = 0;
    for (; s.n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        const uint64_t word = lower_word(s.p + i);
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < s.n; i++)
        out[i] = hf_lower(s.p[i]);
}

bool hf_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

bool hf_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product = 0;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

bool hf_u32_from_size(size_t n, uint32_t *out)
{
    if (n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

bool hf_int_from_size(size_t n, int *out)
{
    if (n > INT_MAX)
        return false;
    *out = (int)n;
    return true;
}
