/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2id (RFC 9106) from libcrypto, which has it from 3.2 on, else from libargon2. Both give the same bytes.
 */
#include "crypto/crypto.h"

#include "crypto/internal.h"

#include <openssl/kdf.h>
#include <openssl/params.h>

#define ARGON2_MEMORY_KIB_PER_LANE 8 /* RFC 9106 §3.1: at least 8 * p */
#define ARGON2_SALT_MIN_BYTES 8

HF_DEFINE_FREEP(EVP_KDF, EVP_KDF_free)
HF_DEFINE_FREEP(EVP_KDF_CTX, EVP_KDF_CTX_free)

hf_err crypto_argon2id_openssl(const struct hf_secret *passphrase, hf_bytes salt,
                               const struct crypto_argon2id_cost *cost, struct hf_secret *out)
{
    HF_CLEANUP(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "ARGON2ID", NULL);
    if (kdf == NULL)
        return crypto_err_refuse("argon2id", HF_E_UNSUPPORTED);
    HF_CLEANUP(EVP_KDF_CTX_freep) EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    if (context == NULL)
        return crypto_err_take("argon2id");
    hf_bytes plain = hf_secret_view(passphrase);
    uint32_t memory = cost->memory_kib;
    uint32_t passes = cost->passes;
    uint32_t lanes = cost->lanes;
    uint32_t threads = 1;
    /* the names are spelled out, because headers before 3.2 lack them; the library only reads */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string("pass", (void *)(uintptr_t)plain.p, plain.n),
        OSSL_PARAM_construct_octet_string("salt", (void *)(uintptr_t)salt.p, salt.n),
        OSSL_PARAM_construct_uint32("memcost", &memory),
        OSSL_PARAM_construct_uint32("iter", &passes),
        OSSL_PARAM_construct_uint32("lanes", &lanes),
        OSSL_PARAM_construct_uint32("threads", &threads),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_KDF_derive(context, hf_secret_edit(out), hf_secret_size(out), params) != 1)
        return crypto_err_take("argon2id");
    return HF_OK;
}

static bool is_cost(const struct crypto_argon2id_cost *cost)
{
    return cost->passes > 0 && cost->lanes > 0 && cost->lanes <= CRYPTO_ARGON2_LANES_MAX &&
           cost->memory_kib >= ARGON2_MEMORY_KIB_PER_LANE * cost->lanes;
}

hf_err crypto_argon2id(const struct hf_secret *passphrase, hf_bytes salt,
                       const struct crypto_argon2id_cost *cost, struct hf_secret **out)
{
    if (!is_cost(cost) || salt.n < ARGON2_SALT_MIN_BYTES)
        return HF_E_RANGE;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    hf_err err = hf_secret_new(CRYPTO_ARGON2_KEY_BYTES, &key);
    if (err != HF_OK)
        return err;
    err = crypto_argon2id_openssl(passphrase, salt, cost, key);
    if (err == HF_E_UNSUPPORTED)
        err = crypto_argon2id_library(passphrase, salt, cost, key);
    if (err == HF_OK)
        *out = hf_take(&key);
    return err;
}
