/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as JSON (RFC 7517). Members that are not understood are ignored, as its §4 demands.
 */
#include "crypto/internal.h"

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
