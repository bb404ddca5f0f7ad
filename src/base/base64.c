/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 and base64url, eight characters (six bytes) at a time inside one 64-bit word. There is no table and no branch on
 * the content, because keys and secret values pass through here.
 */
#include "base/encode.h"

#include "base/secret.h"

#include <endian.h>
#include <string.h>

#define GROUP_CHARS 8
#define GROUP_BYTES 6
#define QUANTUM_CHARS 4
#define QUANTUM_BYTES 3
#define PADDING_MAX 2

#define LANES UINT64_C(0x0101010101010101)
#define LANE_TOPS UINT64_C(0x8080808080808080)

/* The byte in all eight lanes. */
static uint64_t all(uint8_t byte)
{
    return LANES * byte;
}

/* 0xff in each lane of x (all below 0x80) that is in low..high, 0 in the others. */
static uint64_t lanes_in(uint64_t x, char low, char high)
{
    const uint64_t at_least = x + all((uint8_t)(0x80 - low));
    const uint64_t above = x + all((uint8_t)(0x7f - high));
    return ((at_least & ~above & LANE_TOPS) >> 7) * 0xff;
}

/* The first byte in memory is the highest of the word. */
static uint64_t load_group(const void *p)
{
    uint64_t word = 0;
    memcpy(&word, p, sizeof word);
    return be64toh(word);
}

static void store_group(void *p, uint64_t word)
{
    word = htobe64(word);
    memcpy(p, &word, sizeof word);
}

/* 48 bits at the top of the word to eight lanes of 6 bits: in halves, three times. */
static uint64_t spread(uint64_t bits)
{
    bits >>= 16;
    bits = (bits << 8 & UINT64_C(0x00ffffff00000000)) | (bits & UINT64_C(0x0000000000ffffff));
    bits = (bits << 4 & UINT64_C(0x0fff00000fff0000)) | (bits & UINT64_C(0x00000fff00000fff));
    return (bits << 2 & UINT64_C(0x3f003f003f003f00)) | (bits & UINT64_C(0x003f003f003f003f));
}

/* The way back. */
static uint64_t gather(uint64_t lanes)
{
    lanes = (lanes >> 2 & UINT64_C(0x0fc00fc00fc00fc0)) | (lanes & UINT64_C(0x003f003f003f003f));
    lanes = (lanes >> 4 & UINT64_C(0x00fff00000fff000)) | (lanes & UINT64_C(0x00000fff00000fff));
    lanes = (lanes >> 8 & UINT64_C(0x0000ffffff000000)) | (lanes & UINT64_C(0x0000000000ffffff));
    return lanes << 16;
}

/* 48 bits at the top of the word to eight characters. */
static uint64_t encode_group(uint64_t bits, bool url)
{
    /* 'A'…, and what the later ranges of the alphabet add to it or take from it. */
    const uint64_t x = spread(bits);
    uint64_t chars = x + all('A');
    chars += lanes_in(x, 26, 63) & all('a' - 'Z' - 1);
    chars -= lanes_in(x, 52, 63) & all('a' + 26 - '0');
    chars -= lanes_in(x, 62, 63) & (url ? all('9' + 1 - '-') : all('9' + 1 - '+'));
    chars += lanes_in(x, 63, 63) & (url ? all('_' - '-' - 1) : all('/' - '+' - 1));
    return chars;
}

/* Eight characters to 48 bits at the top of *out; false if one is not of the alphabet. */
static bool decode_group(uint64_t x, bool standard_too, uint64_t *out)
{
    const uint64_t not_ascii = x & LANE_TOPS;
    x &= ~LANE_TOPS;
    const uint64_t upper = lanes_in(x, 'A', 'Z');
    const uint64_t lower = lanes_in(x, 'a', 'z');
    const uint64_t digit = lanes_in(x, '0', '9');
    const uint64_t minus = lanes_in(x, '-', '-');
    const uint64_t underscore = lanes_in(x, '_', '_');
    const uint64_t standard = standard_too ? ~UINT64_C(0) : 0;
    const uint64_t plus = lanes_in(x, '+', '+') & standard;
    const uint64_t slash = lanes_in(x, '/', '/') & standard;

    const uint64_t known = upper | lower | digit | minus | underscore | plus | slash;
    x += digit & all(52 - '0');
    x += (minus & all(62 - '-')) | (plus & all(62 - '+')) | (slash & all(63 - '/'));
    x -= (upper & all('A')) | (lower & all('a' - 26)) | (underscore & all('_' - 63));
    x &= known;

    *out = gather(x);
    return not_ascii == 0 && known == ~UINT64_C(0);
}

size_t hf_base64url_size(size_t n)
{
    const size_t left = n % QUANTUM_BYTES;
    return n / QUANTUM_BYTES * QUANTUM_CHARS + (left == 0 ? 0 : left + 1);
}

static void encode(hf_bytes bytes, bool url, uint8_t *out)
{
    size_t at = 0;
    for (; bytes.n - at >= sizeof(uint64_t); at += GROUP_BYTES, out += GROUP_CHARS)
        store_group(out, encode_group(load_group(bytes.p + at), url));
    while (at < bytes.n) {
        uint8_t group[GROUP_CHARS] = { 0 };
        const size_t n = bytes.n - at < GROUP_BYTES ? bytes.n - at : GROUP_BYTES;
        memcpy(group, bytes.p + at, n);
        store_group(group, encode_group(load_group(group), url));
        memcpy(out, group, hf_base64url_size(n));
        at += n;
        out += hf_base64url_size(n);
    }
}

/* Encodes with room for `padding` characters more; NULL on failure. */
static uint8_t *put_encoded(struct hf_buf *buf, hf_bytes bytes, bool url, size_t padding)
{
    const size_t n = hf_base64url_size(bytes.n);
    uint8_t *out = hf_buf_reserve(buf, n + padding);
    if (out == NULL)
        return NULL;
    encode(bytes, url, out);
    hf_buf_commit(buf, n + padding);
    return out + n;
}

void hf_buf_put_base64url(struct hf_buf *buf, hf_bytes bytes)
{
    (void)put_encoded(buf, bytes, true, 0);
}

void hf_buf_put_base64(struct hf_buf *buf, hf_bytes bytes)
{
    const size_t left = bytes.n % QUANTUM_BYTES;
    const size_t padding = left == 0 ? 0 : QUANTUM_BYTES - left;
    uint8_t *pad = put_encoded(buf, bytes, false, padding);
    if (pad != NULL)
        memset(pad, '=', padding);
}

/* The last group, shorter than eight characters: filled with zeros, whose bits must then be all that is left over. */
static bool decode_tail(hf_str text, bool standard_too, uint8_t *out)
{
    char group[GROUP_CHARS];
    memset(group, 'A', sizeof group);
    memcpy(group, text.p, text.n);
    uint64_t bits = 0;
    const bool known = decode_group(load_group(group), standard_too, &bits);
    const size_t n = text.n * 6 / 8;
    uint8_t bytes[GROUP_CHARS];
    store_group(bytes, bits);
    memcpy(out, bytes, n);
    hf_wipe(group, sizeof group);
    const bool unused_bits = bits << (8 * n) != 0;
    hf_wipe(bytes, sizeof bytes);
    return known && !unused_bits;
}

/* Appends the decoded text, which has no padding any more. */
static hf_err decode(hf_str text, bool standard_too, struct hf_buf *buf)
{
    if (text.n % QUANTUM_CHARS == 1)
        return HF_E_INVALID;
    const size_t n = text.n / QUANTUM_CHARS * QUANTUM_BYTES + text.n % QUANTUM_CHARS * 6 / 8;
    uint8_t *out = hf_buf_reserve(buf, n);
    if (out == NULL)
        return hf_buf_err(buf);

    bool valid = true;
    for (; text.n > GROUP_CHARS; text = hf_str_sub(text, GROUP_CHARS, text.n), out += GROUP_BYTES) {
        uint64_t bits = 0;
        valid &= decode_group(load_group(text.p), standard_too, &bits);
        uint8_t bytes[GROUP_CHARS];
        store_group(bytes, bits);
        memcpy(out, bytes, GROUP_BYTES);
    }
    if (text.n > 0)
        valid &= decode_tail(text, standard_too, out);
    if (!valid)
        return HF_E_INVALID;
    hf_buf_commit(buf, n);
    return HF_OK;
}

hf_err hf_base64_decode(hf_str text, struct hf_buf *out)
{
    const size_t whole = text.n;
    while (whole - text.n < PADDING_MAX && hf_str_ends(text, HF_LIT("=")))
        text.n--;
    if (text.n != whole && whole % QUANTUM_CHARS != 0)
        return HF_E_INVALID;
    return decode(text, true, out);
}

hf_err hf_base64url_decode_strict(hf_str text, struct hf_buf *out)
{
    return decode(text, false, out);
}
