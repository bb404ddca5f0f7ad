/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629, section 4): what is well-formed, and how long it is for .NET. */
#include "base/encode.h"

#include <string.h>

#define NOT_ASCII_LANES UINT64_C(0x8080808080808080)

/* The first bytes of sequences longer than one, with what the second byte may be; all later ones are 80..BF. */
static const struct sequence_row {
    uint8_t first_low, first_high;
    uint8_t second_low, second_high;
    size_t n;
} sequences[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 },                                /* C0 and C1 would be overlong */
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 },                                /* below A0: overlong */
    { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, /* above 9F: surrogates */
    { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, /* below 90: overlong */
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 }, /* above 8F: beyond U+10FFFF */
};

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

static bool matches(const struct sequence_row *row, hf_bytes b)
{
    if (b.p[0] < row->first_low || b.p[0] > row->first_high || b.n < row->n)
        return false;
    if (b.p[1] < row->second_low || b.p[1] > row->second_high)
        return false;
    for (size_t i = 2; i < row->n; i++)
        if (!is_continuation(b.p[i]))
            return false;
    return true;
}

size_t hf_utf8_sequence(hf_str text)
{
    const hf_bytes b = hf_str_bytes(text);
    if (b.n == 0)
        return 0;
    if (b.p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < HF_ARRAY_LEN(sequences); i++)
        if (matches(&sequences[i], b))
            return sequences[i].n;
    return 0;
}

/* How many bytes at the start are ASCII, in steps of a word. */
static size_t ascii_words(hf_str text)
{
    size_t n = 0;
    for (uint64_t word = 0; text.n - n >= sizeof word; n += sizeof word) {
        memcpy(&word, text.p + n, sizeof word);
        if ((word & NOT_ASCII_LANES) != 0)
            break;
    }
    return n;
}

bool hf_utf8_valid(hf_str text)
{
    text = hf_str_sub(text, ascii_words(text), text.n);
    while (text.n > 0) {
        const size_t n = hf_utf8_sequence(text);
        if (n == 0)
            return false;
        text = hf_str_sub(text, n, text.n);
    }
    return true;
}

size_t hf_utf8_utf16_units(hf_str text)
{
    size_t units = 0;
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t byte = (uint8_t)text.p[i];
        if (!is_continuation(byte))
            units += byte >= 0xf0 ? 2 : 1; /* beyond the basic plane: a surrogate pair */
    }
    return units;
}
