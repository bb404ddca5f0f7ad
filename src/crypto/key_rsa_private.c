/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA key pairs from outside: eight numbers (RFC 7518 §6.3), and whether they belong together (RFC 8017 §3.2). The numbers that
 * were checked are the ones the key is made from.
 */
#include "crypto/internal.h"

#include <openssl/core_names.h>

#define RSA_EXPONENT_MAX_BITS 64 /* libcrypto takes no larger one at these sizes */
#define VAULT_RSA_BITS_MAX 4096
#define RSA_MEMBER_MAX_BYTES (VAULT_RSA_BITS_MAX / 8 + 1) /* a sign byte in front */

enum rsa_part { PART_N, PART_E, PART_D, PART_P, PART_Q, PART_DP, PART_DQ, PART_QI, PART_COUNT };

static const struct {
    const char *member; /* of a JWK */
    const char *param;  /* the provider's */
} parts[PART_COUNT] = {
    [PART_N] = { "n", OSSL_PKEY_PARAM_RSA_N },
    [PART_E] = { "e", OSSL_PKEY_PARAM_RSA_E },
    [PART_D] = { "d", OSSL_PKEY_PARAM_RSA_D },
    [PART_P] = { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
    [PART_Q] = { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },
    [PART_DP] = { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    [PART_DQ] = { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 },
    [PART_QI] = { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};

struct rsa_numbers {
    BIGNUM *part[PART_COUNT];
};

static void rsa_numbers_done(struct rsa_numbers *numbers)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        BN_clear_free(numbers->part[i]);
}

static hf_err refuse(struct hf_diag *diag, enum rsa_part part, const char *text)
{
    return hf_fail(diag, HF_E_INVALID, parts[part].member, "%s", text);
}

bool crypto_rsa_bits_allowed(int bits)
{
    return bits == 2048 || bits == 3072 || bits == VAULT_RSA_BITS_MAX;
}

HF_MUST static hf_err check_public(const struct rsa_numbers *key, struct hf_diag *diag)
{
    const BIGNUM *e = key->part[PART_E];
    if (!crypto_rsa_bits_allowed(BN_num_bits(key->part[PART_N])))
        return refuse(diag, PART_N, "must have 2048, 3072 or 4096 bits");
    if (!BN_is_odd(key->part[PART_N]))
        return refuse(diag, PART_N, "must be odd");
    if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > RSA_EXPONENT_MAX_BITS)
        return refuse(diag, PART_E, "must be odd, above 1 and of at most 64 bits");
    return HF_OK;
}

/* Both of half the size, different, and their product is n. */
HF_MUST static hf_err check_factors(const struct rsa_numbers *key, struct hf_diag *diag,
                                    BN_CTX *context, BIGNUM *scratch)
{
    const BIGNUM *n = key->part[PART_N];
    int half = BN_num_bits(n) / 2;
    for (enum rsa_part part = PART_P; part <= PART_Q; part++) {
        if (BN_num_bits(key->part[part]) != half || !BN_is_odd(key->part[part]))
            return refuse(diag, part, "must be a prime of half the size of n");
    }
    if (BN_cmp(key->part[PART_P], key->part[PART_Q]) == 0)
        return refuse(diag, PART_Q, "must not be p");
    if (BN_mul(scratch, key->part[PART_P], key->part[PART_Q], context) != 1)
        return crypto_err_take("rsa");
    if (BN_cmp(scratch, n) != 0)
        return refuse(diag, PART_P, "p and q must be the factors of n");
    return HF_OK;
}

/* exponent = d mod (prime - 1), and e times it is 1 there. */
HF_MUST static hf_err check_exponent(const struct rsa_numbers *key, enum rsa_part prime,
                                     enum rsa_part exponent, struct hf_diag *diag, BN_CTX *context)
{
    const BIGNUM *given = key->part[exponent];
    HF_CLEANUP(BN_clear_freep) BIGNUM *order = BN_dup(key->part[prime]);
    HF_CLEANUP(BN_clear_freep) BIGNUM *result = BN_new();
    if (order == NULL || result == NULL || BN_sub_word(order, 1) != 1 ||
        BN_mod_mul(result, given, key->part[PART_E], order, context) != 1)
        return crypto_err_take("rsa");
    if (BN_cmp(given, order) >= 0 || !BN_is_one(result))
        return refuse(diag, exponent, "does not fit e and the prime");
    if (BN_nnmod(result, key->part[PART_D], order, context) != 1)
        return crypto_err_take("rsa");
    if (BN_cmp(result, given) != 0)
        return refuse(diag, PART_D, "does not fit the other members");
    return HF_OK;
}

/* A d of at most half the size gives the key away (SP 800-56B §6.2.1). */
HF_MUST static hf_err check_private(const struct rsa_numbers *key, struct hf_diag *diag)
{
    const BIGNUM *n = key->part[PART_N];
    const BIGNUM *d = key->part[PART_D];
    if (BN_cmp(d, n) >= 0 || BN_num_bits(d) <= BN_num_bits(n) / 2)
        return refuse(diag, PART_D, "is out of range");
    return HF_OK;
}

HF_MUST static hf_err check_numbers(const struct rsa_numbers *key, struct hf_diag *diag)
{
    HF_CLEANUP(BN_CTX_freep) BN_CTX *context = BN_CTX_new();
    HF_CLEANUP(BN_clear_freep) BIGNUM *scratch = BN_new();
    if (context == NULL || scratch == NULL)
        return crypto_err_take("rsa");
    hf_err err = check_public(key, diag);
    if (err == HF_OK)
        err = check_factors(key, diag, context, scratch);
    if (err == HF_OK)
        err = check_private(key, diag);
    if (err == HF_OK)
        err = check_exponent(key, PART_P, PART_DP, diag, context);
    if (err == HF_OK)
        err = check_exponent(key, PART_Q, PART_DQ, diag, context);
    if (err != HF_OK)
        return err;
    if (BN_mod_mul(scratch, key->part[PART_QI], key->part[PART_Q], key->part[PART_P], context) != 1)
        return crypto_err_take("rsa");
    if (BN_cmp(key->part[PART_QI], key->part[PART_P]) >= 0 || !BN_is_one(scratch))
        return refuse(diag, PART_QI, "is not the inverse of q modulo p");
    return HF_OK;
}

/* With rounds enough for numbers that an adversary chose (FIPS 186-5, B.3). */
HF_MUST static hf_err check_primes(const struct rsa_numbers *key, struct hf_diag *diag)
{
    HF_CLEANUP(BN_CTX_freep) BN_CTX *context = BN_CTX_new();
    if (context == NULL)
        return crypto_err_take("rsa");
    for (enum rsa_part part = PART_P; part <= PART_Q; part++) {
        int is_prime = BN_check_prime(key->part[part], context, NULL);
        if (is_prime < 0)
            return crypto_err_take("rsa");
        if (is_prime == 0)
            return refuse(diag, part, "is not prime");
    }
    return HF_OK;
}

HF_MUST static hf_err make_pair(const struct rsa_numbers *key, struct hf_diag *diag,
                                struct crypto_key **out)
{
    hf_err err = check_numbers(key, diag);
    if (err == HF_OK)
        err = check_primes(key, diag);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL)
        return crypto_err_take("rsa");
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (OSSL_PARAM_BLD_push_BN(builder, parts[i].param, key->part[i]) != 1)
            return crypto_err_take("rsa");
    }
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    err = crypto_pkey_from_params("RSA", EVP_PKEY_KEYPAIR, builder, &pkey);
    if (err != HF_OK)
        return err;
    return crypto_key_adopt(&pkey, true, out);
}

hf_err crypto_rsa_import_jwk(const struct hf_json *jwk, struct hf_diag *diag,
                             struct crypto_key **out)
{
    HF_CLEANUP(rsa_numbers_done) struct rsa_numbers key = { 0 };
    for (enum rsa_part part = PART_N; part < PART_COUNT; part++) {
        hf_err err = crypto_jwk_read_number(jwk, parts[part].member, RSA_MEMBER_MAX_BYTES, diag,
                                            &key.part[part]);
        if (err != HF_OK)
            return err;
    }
    return make_pair(&key, diag, out);
}

HF_MUST static hf_err take_numbers(const EVP_PKEY *pkey, struct hf_diag *diag,
                                   struct rsa_numbers *key)
{
    for (enum rsa_part part = PART_N; part < PART_COUNT; part++) {
        if (EVP_PKEY_get_bn_param(pkey, parts[part].param, &key->part[part]) != 1) {
            hf_err err = crypto_err_refuse("rsa", HF_E_INVALID);
            return hf_fail(diag, err, parts[part].member, "is required");
        }
    }
    return HF_OK;
}

hf_err crypto_rsa_import_pkey(EVP_PKEY *pkey, struct hf_diag *diag, struct crypto_key **out)
{
    HF_CLEANUP(rsa_numbers_done) struct rsa_numbers key = { 0 };
    hf_err err = take_numbers(pkey, diag, &key);
    if (err != HF_OK)
        return err;
    return make_pair(&key, diag, out);
}

hf_err crypto_rsa_check_pair(EVP_PKEY *pkey)
{
    HF_CLEANUP(rsa_numbers_done) struct rsa_numbers key = { 0 };
    hf_err err = take_numbers(pkey, NULL, &key);
    if (err != HF_OK)
        return err;
    return check_numbers(&key, NULL);
}
