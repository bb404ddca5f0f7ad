/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the log: the record's members, then the tail that chains it to the line before. The
 * tail is parsed from the end of the line, so that nothing in the members can imitate it.
 */
#include "audit/internal.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <string.h>

#define HASH_HEX_CHARS ((size_t)2 * AUDIT_HASH_BYTES)
#define SEQ_DIGITS_MAX 19

#define BEFORE_SEQ ",\"holdfast\":{\"seq\":"
#define BEFORE_PREV ",\"prev\":\""
#define BEFORE_HASH "\",\"hash\":\""
#define AFTER_HASH "\"}}"

_Static_assert(AUDIT_HASH_BYTES == CRYPTO_SHA256_BYTES, "the chain's hash is SHA-256");
_Static_assert(sizeof(BEFORE_SEQ BEFORE_PREV BEFORE_HASH AFTER_HASH "\n") - 1 + 2 * HASH_HEX_CHARS +
                       SEQ_DIGITS_MAX <=
                   AUDIT_TAIL_MAX_BYTES,
               "the longest tail fits");

/* Cuts `end` off the end of *rest. */
static bool take_end(hf_str *rest, hf_str end)
{
    if (!hf_str_ends(*rest, end))
        return false;
    rest->n -= end.n;
    return true;
}

/* Of a lower-case digit; -1 if it is none. */
static int hex_value(char c)
{
    if (hf_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Cuts a hash off the end of *rest. Upper case is refused: a line has one form, so that no change
 * of it goes unseen. */
static bool take_hash(hf_str *rest, uint8_t out[AUDIT_HASH_BYTES])
{
    if (rest->n < HASH_HEX_CHARS)
        return false;
    rest->n -= HASH_HEX_CHARS;
    const char *hex = rest->p + rest->n;
    for (size_t i = 0; i < AUDIT_HASH_BYTES; i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Cuts a decimal number without leading zeros off the end of *rest. */
static bool take_seq(hf_str *rest, uint64_t *out)
{
    size_t digits = 0;
    while (digits < rest->n && digits <= SEQ_DIGITS_MAX &&
           hf_is_digit(rest->p[rest->n - digits - 1]))
        digits++;
    hf_str text = hf_str_sub(*rest, rest->n - digits, digits);
    if (text.n == 0 || text.p[0] == '0')
        return false;
    rest->n -= digits;
    return hf_str_parse_u64(text, AUDIT_SEQ_MAX, out);
}

hf_err audit_line_parse(hf_bytes line, struct audit_line *out)
{
    hf_str rest = hf_bytes_str(line);
    struct audit_line parsed;
    if (!take_end(&rest, HF_LIT(AFTER_HASH)) || !take_hash(&rest, parsed.hash) ||
        !take_end(&rest, HF_LIT(BEFORE_HASH)) || !take_hash(&rest, parsed.prev) ||
        !take_end(&rest, HF_LIT(BEFORE_PREV)) || !take_seq(&rest, &parsed.seq) ||
        !take_end(&rest, HF_LIT(BEFORE_SEQ)) || !hf_str_starts(rest, HF_LIT("{")))
        return HF_E_INVALID;
    parsed.body = hf_str_bytes(rest);
    *out = parsed;
    return HF_OK;
}

hf_err audit_line_hash(const uint8_t prev[AUDIT_HASH_BYTES], uint64_t seq, hf_bytes body,
                       uint8_t out[AUDIT_HASH_BYTES])
{
    uint8_t lead[AUDIT_HASH_BYTES + sizeof(seq)];
    memcpy(lead, prev, AUDIT_HASH_BYTES);
    for (size_t i = 0; i < sizeof(seq); i++)
        lead[AUDIT_HASH_BYTES + i] = (uint8_t)(seq >> (8 * (sizeof(seq) - 1 - i)));
    const hf_bytes parts[] = { { lead, sizeof(lead) }, body };
    return crypto_sha256(parts, HF_ARRAY_LEN(parts), out);
}

size_t audit_line_put_tail(uint8_t room[AUDIT_TAIL_MAX_BYTES], const uint8_t prev[AUDIT_HASH_BYTES],
                           const struct audit_head *head)
{
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, room, AUDIT_TAIL_MAX_BYTES);
    hf_buf_put_str(&buf, HF_LIT(BEFORE_SEQ));
    hf_buf_put_dec(&buf, (int64_t)head->seq);
    hf_buf_put_str(&buf, HF_LIT(BEFORE_PREV));
    hf_buf_put_hex(&buf, (hf_bytes){ prev, AUDIT_HASH_BYTES });
    hf_buf_put_str(&buf, HF_LIT(BEFORE_HASH));
    hf_buf_put_hex(&buf, (hf_bytes){ head->hash, AUDIT_HASH_BYTES });
    hf_buf_put_str(&buf, HF_LIT(AFTER_HASH "\n"));
    HF_ASSERT(hf_buf_err(&buf) == HF_OK);
    return buf.n;
}
