/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal, UUIDs and percent-encoding. Base64 is in base64.c, UTF-8 in utf8.c. */
#include "base/encode.h"

#include <endian.h>
#include <string.h>

#define NOT_HEX 0x10U

/* Branch-free, because secrets are written in hexadecimal too. */
static char hex_digit(unsigned nibble)
{
    const unsigned is_letter = (9U - nibble) >> 31;
    return (char)('0' + nibble + is_letter * ('a' - '9' - 1));
}

static unsigned hex_value(char c)
{
    const char lower = hf_lower(c);
    if (hf_is_digit(c))
        return (unsigned)(c - '0');
    if (lower >= 'a' && lower <= 'f')
        return (unsigned)(lower - 'a') + 10U;
    return NOT_HEX;
}

#define LANES UINT64_C(0x0101010101010101)
#define NIBBLES (LANES * 0xf)

/* Four bytes as eight digits, one in each lane; without a branch, as above. */
static void write_hex_word(const uint8_t *bytes, char *out)
{
    uint64_t x = (uint64_t)bytes[0] | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 32 |
                 (uint64_t)bytes[3] << 48;
    x = (x >> 4 | x << 8) & NIBBLES; /* the high half of a byte in front */
    const uint64_t is_letter = (x + LANES * 6) >> 4 & LANES;
    x += LANES * '0' + is_letter * ('a' - '9' - 1);
    x = htole64(x);
    memcpy(out, &x, sizeof x);
}

static void write_hex(const uint8_t *bytes, size_t n, char *out)
{
    size_t i = 0;
    for (; n - i >= 4; i += 4)
        write_hex_word(bytes + i, out + 2 * i);
    for (; i < n; i++) {
        out[2 * i] = hex_digit(bytes[i] >> 4);
        out[2 * i + 1] = hex_digit(bytes[i] & 0xfU);
    }
}

void hf_buf_put_hex(struct hf_buf *buf, hf_bytes bytes)
{
    size_t n = 0;
    if (!hf_mul_size(bytes.n, 2, &n))
        n = SIZE_MAX;
    uint8_t *out = hf_buf_reserve(buf, n);
    if (out == NULL)
        return;
    write_hex(bytes.p, bytes.n, (char *)out);
    hf_buf_commit(buf, n);
}

/* The byte of two digits; above 0xff if they are none. */
static unsigned hex_pair(const char *digits)
{
    const unsigned high = hex_value(digits[0]);
    const unsigned low = hex_value(digits[1]);
    return high == NOT_HEX || low == NOT_HEX ? 0x100U : high << 4 | low;
}

hf_err hf_hex_decode(hf_str text, uint8_t *out, size_t out_size)
{
    if (text.n % 2 != 0 || text.n / 2 != out_size)
        return HF_E_INVALID;
    for (size_t i = 0; i < out_size; i++)
        if (hex_pair(text.p + 2 * i) > 0xff)
            return HF_E_INVALID;
    for (size_t i = 0; i < out_size; i++)
        out[i] = (uint8_t)hex_pair(text.p + 2 * i);
    return HF_OK;
}

/* How many bytes each part of a UUID's text has. */
static const uint8_t uuid_parts[] = { 4, 2, 2, 2, 6 };

void hf_uuid_format(const struct hf_uuid *uuid, char out[HF_UUID_TEXT_BYTES + 1])
{
    const uint8_t *from = uuid->b;
    for (size_t i = 0; i < HF_ARRAY_LEN(uuid_parts); i++) {
        if (i > 0)
            *out++ = '-';
        write_hex(from, uuid_parts[i], out);
        from += uuid_parts[i];
        out += 2 * (size_t)uuid_parts[i];
    }
    *out = '\0';
}

void hf_uuid_format_hex(const struct hf_uuid *uuid, char out[HF_UUID_HEX_BYTES + 1])
{
    write_hex(uuid->b, sizeof uuid->b, out);
    out[HF_UUID_HEX_BYTES] = '\0';
}

hf_err hf_uuid_parse(hf_str text, struct hf_uuid *out)
{
    if (text.n != HF_UUID_TEXT_BYTES)
        return HF_E_INVALID;
    struct hf_uuid uuid;
    uint8_t *to = uuid.b;
    for (size_t i = 0; i < HF_ARRAY_LEN(uuid_parts); i++) {
        hf_str part = { NULL, 0 };
        if (!hf_str_next(&text, '-', &part) || hf_hex_decode(part, to, uuid_parts[i]) != HF_OK)
            return HF_E_INVALID;
        to += uuid_parts[i];
    }
    if (text.p != NULL)
        return HF_E_INVALID;
    *out = uuid;
    return HF_OK;
}

hf_err hf_uuid_parse_hex(hf_str text, struct hf_uuid *out)
{
    return hf_hex_decode(text, out->b, sizeof out->b);
}

bool hf_uuid_equal(const struct hf_uuid *a, const struct hf_uuid *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* The byte of the escape at the text's start, "%41"; above 0xff if it is none. */
static unsigned escaped_byte(hf_str text)
{
    return text.n < 3 ? 0x100U : hex_pair(text.p + 1);
}

/* Bytes of the decoded text, so that a buffer's maximum counts those and not the escapes. */
static hf_err decoded_size(hf_str text, size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++, n++) {
        if (text.p[i] != '%')
            continue;
        const unsigned byte = escaped_byte(hf_str_sub(text, i, text.n));
        if (byte == 0 || byte > 0xff)
            return HF_E_INVALID;
        i += 2;
    }
    *out = n;
    return HF_OK;
}

hf_err hf_percent_decode(hf_str text, bool form, struct hf_buf *out)
{
    size_t n = 0;
    const hf_err err = decoded_size(text, &n);
    if (err != HF_OK)
        return err;
    uint8_t *to = hf_buf_reserve(out, n);
    if (to == NULL)
        return hf_buf_err(out);
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (c == '%') {
            *to++ = (uint8_t)hex_pair(text.p + i + 1);
            i += 2;
        } else {
            *to++ = (uint8_t)(c == '+' && form ? ' ' : c);
        }
    }
    hf_buf_commit(out, n);
    return HF_OK;
}

static bool is_unreserved(char c)
{
    return hf_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void hf_buf_put_percent(struct hf_buf *buf, hf_str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t byte = (uint8_t)text.p[i];
        const char escape[] = { '%', digits[byte >> 4], digits[byte & 0xf] };
        if (is_unreserved(text.p[i]))
            hf_buf_put_u8(buf, byte);
        else
            hf_buf_put(buf, escape, sizeof escape);
    }
}
