/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as JSON (RFC 7517): public ones, and the members that private ones are made of. Members that are not understood are
 * ignored, as its §4 demands.
 */
#include "base/assert.h"
#include "crypto/internal.h"

#define BASE64_GROUP_BYTES 3 /* decoding works in whole groups */
#define PRIVATE_MEMBER_MAX_BYTES (CRYPTO_RSA_BITS_MAX / 8 + 1)

hf_err crypto_jwk_decode_member(const struct hf_json *jwk, const char *name, struct hf_buf *out)
{
    const struct hf_json *member = hf_json_member(jwk, name);
    if (member == NULL || hf_json_type(member) != HF_JSON_STRING)
        return HF_E_INVALID;
    hf_str text = hf_json_str(member);
    if (text.n == 0)
        return HF_E_INVALID;
    return hf_base64url_decode_strict(text, out);
}

/* into `out`, which has room for max_bytes and one group more */
HF_MUST static hf_err decode_private(const struct hf_json *jwk, const char *name, size_t max_bytes,
                                     struct hf_diag *diag, struct hf_buf *out)
{
    const struct hf_json *member = hf_json_member(jwk, name);
    if (member == NULL || hf_json_type(member) == HF_JSON_NULL)
        return hf_fail(diag, HF_E_INVALID, name, "is required");
    if (hf_json_type(member) != HF_JSON_STRING)
        return hf_fail(diag, HF_E_INVALID, name, "must be a string");
    hf_err err = hf_base64_decode(hf_json_str(member), out);
    if (err == HF_E_INVALID)
        return hf_fail(diag, HF_E_INVALID, name, "must be base64url");
    if (err == HF_E_TOO_LARGE || (err == HF_OK && out->n > max_bytes))
        return hf_fail(diag, HF_E_INVALID, name, "is too long");
    if (err == HF_OK && out->n == 0)
        return hf_fail(diag, HF_E_INVALID, name, "must not be empty");
    return err;
}

hf_err crypto_jwk_read_number(const struct hf_json *jwk, const char *name, size_t max_bytes,
                              struct hf_diag *diag, BIGNUM **out)
{
    HF_CLEAN_SECRET(memory, PRIVATE_MEMBER_MAX_BYTES + BASE64_GROUP_BYTES);
    HF_ASSERT(max_bytes <= PRIVATE_MEMBER_MAX_BYTES);
    struct hf_buf octets;
    hf_buf_init_fixed(&octets, memory, max_bytes + BASE64_GROUP_BYTES);
    hf_err err = decode_private(jwk, name, max_bytes, diag, &octets);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(BN_clear_freep) BIGNUM *number = BN_bin2bn(octets.p, (int)octets.n, NULL);
    if (number == NULL)
        return crypto_err_take("jwk");
    if (BN_is_zero(number))
        return hf_fail(diag, HF_E_INVALID, name, "must not be zero");
    *out = hf_take(&number);
    return HF_OK;
}

hf_err crypto_jwk_read_octets(const struct hf_json *jwk, const char *name, size_t max_bytes,
                              struct hf_diag *diag, struct hf_secret **out)
{
    HF_CLEAN_SECRET(memory, PRIVATE_MEMBER_MAX_BYTES + BASE64_GROUP_BYTES);
    HF_ASSERT(max_bytes <= PRIVATE_MEMBER_MAX_BYTES);
    struct hf_buf octets;
    hf_buf_init_fixed(&octets, memory, max_bytes + BASE64_GROUP_BYTES);
    hf_err err = decode_private(jwk, name, max_bytes, diag, &octets);
    if (err != HF_OK)
        return err;
    return hf_secret_from_bytes(hf_buf_view(&octets), out);
}

hf_err crypto_jwk_write_number(struct hf_json_writer *w, const char *name, const BIGNUM *number,
                               size_t size)
{
    uint8_t octets[CRYPTO_RSA_BITS_MAX / 8];
    int width = size > 0 ? (int)size : BN_num_bytes(number);
    if (width <= 0 || (size_t)width > sizeof(octets) ||
        BN_bn2binpad(number, octets, width) != width)
        return crypto_err_take("jwk");
    char memory[(sizeof(octets) + 2) / 3 * 4];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    hf_buf_put_base64url(&text, (hf_bytes){ octets, (size_t)width });
    hf_err err = hf_buf_err(&text);
    if (err != HF_OK)
        return err;
    hf_jw_member_str(w, name, hf_buf_str(&text));
    return hf_buf_err(w->buf);
}

hf_err crypto_key_from_jwk(const struct hf_json *jwk, struct crypto_key **out)
{
    const struct hf_json *kty = hf_json_member(jwk, "kty");
    if (kty == NULL || hf_json_type(kty) != HF_JSON_STRING)
        return HF_E_INVALID;
    if (hf_str_equal(hf_json_str(kty), HF_LIT("RSA")))
        return crypto_rsa_from_jwk(jwk, out);
    if (hf_str_equal(hf_json_str(kty), HF_LIT("EC")))
        return crypto_ec_from_jwk(jwk, out);
    return HF_E_UNSUPPORTED;
}

hf_err crypto_key_write_jwk_members(const struct crypto_key *key, struct hf_json_writer *w)
{
    return key->type == CRYPTO_KEY_RSA ? crypto_rsa_write_jwk(key, w) : crypto_ec_write_jwk(key, w);
}
