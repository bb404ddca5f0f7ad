/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA keys (RFC 8017): generation, and n and e as JWK members (RFC 7518 §6.3.1).
 */
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

/* Larger ones serve no key in use, and make verifying slow. FIPS 186-5 allows up to 256 bits, deployed keys use 17. */
#define RSA_EXPONENT_MAX_BYTES 8
#define BASE64_GROUP_BYTES 3 /* decoding works in whole groups */

hf_err crypto_key_generate_rsa(int bits, struct crypto_key **out)
{
    if (bits < CRYPTO_RSA_BITS_MIN || bits > CRYPTO_RSA_BITS_MAX || bits % 8 != 0)
        return HF_E_INVALID;
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_RSA_gen((unsigned)bits);
    if (pkey == NULL)
        return crypto_err_take("rsa");
    return crypto_key_adopt(&pkey, true, out);
}

/* Base64urlUInt (RFC 7518 §2): no zero octet in front. */
HF_MUST static hf_err parse_number(const struct hf_json *jwk, const char *name, size_t max_bytes,
                                   BIGNUM **out)
{
    uint8_t memory[CRYPTO_RSA_BITS_MAX / 8 + BASE64_GROUP_BYTES];
    struct hf_buf octets;
    hf_buf_init_fixed(&octets, memory, max_bytes + BASE64_GROUP_BYTES);
    hf_err err = crypto_jwk_decode_member(jwk, name, &octets);
    if (err == HF_E_TOO_LARGE)
        return HF_E_INVALID;
    if (err != HF_OK)
        return err;
    if (octets.n == 0 || octets.n > max_bytes)
        return HF_E_INVALID;
    if (octets.p[0] == 0 || octets.p[octets.n - 1] % 2 == 0)
        return HF_E_INVALID;
    BIGNUM *number = BN_bin2bn(octets.p, (int)octets.n, NULL);
    if (number == NULL)
        return crypto_err_take("jwk");
    *out = number;
    return HF_OK;
}

HF_MUST static hf_err check_numbers(const BIGNUM *n, const BIGNUM *e)
{
    if (BN_num_bits(n) < CRYPTO_RSA_BITS_MIN || BN_is_one(e))
        return HF_E_INVALID;
    return HF_OK;
}

/* Not EVP_PKEY_public_check(): slow at these sizes, and for a bad modulus its answer is a matter of chance. */
hf_err crypto_rsa_from_public(const BIGNUM *n, const BIGNUM *e, struct crypto_key **out)
{
    HF_CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return crypto_err_take("rsa");
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    hf_err err = crypto_pkey_from_params("RSA", EVP_PKEY_PUBLIC_KEY, builder, &pkey);
    if (err != HF_OK)
        return err;
    return crypto_key_adopt(&pkey, false, out);
}

hf_err crypto_rsa_from_jwk(const struct hf_json *jwk, struct crypto_key **out)
{
    HF_CLEANUP(BN_clear_freep) BIGNUM *n = NULL;
    hf_err err = parse_number(jwk, "n", CRYPTO_RSA_BITS_MAX / 8, &n);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(BN_clear_freep) BIGNUM *e = NULL;
    err = parse_number(jwk, "e", RSA_EXPONENT_MAX_BYTES, &e);
    if (err != HF_OK)
        return err;
    err = check_numbers(n, e);
    if (err != HF_OK)
        return err;
    return crypto_rsa_from_public(n, e, out);
}

hf_err crypto_rsa_write_jwk(const struct crypto_key *key, struct hf_json_writer *w)
{
    HF_CLEANUP(BN_clear_freep) BIGNUM *n = NULL;
    HF_CLEANUP(BN_clear_freep) BIGNUM *e = NULL;
    if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return crypto_err_take("jwk");
    hf_jw_member_c(w, "kty", "RSA");
    hf_err err = crypto_jwk_write_number(w, "n", n, 0);
    if (err != HF_OK)
        return err;
    return crypto_jwk_write_number(w, "e", e, 0);
}
