/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSAES-PKCS1-v1_5 and RSAES-OAEP (RFC 8017 §7).
 */
#include "crypto/cipher.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define PARAMS_MAX 4

/* The paddings by name, as the provider reads them. MGF1 takes the digest of OAEP. */
HF_MUST static hf_err start(const struct crypto_key *key, const struct crypto_alg *alg,
                            int (*init)(EVP_PKEY_CTX *, const OSSL_PARAM *), EVP_PKEY_CTX **out)
{
    char digest[16];
    char oaep[] = OSSL_PKEY_RSA_PAD_MODE_OAEP;
    char pkcs1[] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
    OSSL_PARAM params[PARAMS_MAX];
    size_t count = 0;
    bool is_oaep = alg->method == CRYPTO_METHOD_OAEP;
    params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_PAD_MODE,
                                                       is_oaep ? oaep : pkcs1, 0);
    if (is_oaep) {
        (void)snprintf(digest, sizeof(digest), "%s", alg->digest);
        params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST,
                                                           digest, 0);
    }
    params[count] = OSSL_PARAM_construct_end();
    HF_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (context == NULL || init(context, params) != 1)
        return crypto_err_take("rsa");
    *out = hf_take(&context);
    return HF_OK;
}

static const uint8_t *not_null(hf_bytes bytes)
{
    static const uint8_t nothing[1];
    return bytes.p == NULL ? nothing : bytes.p;
}

hf_err crypto_rsa_encrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                          const struct crypto_input *in, struct hf_diag *diag, struct hf_buf *out)
{
    size_t max = crypto_alg_plain_max(alg, key->bits);
    if (in->value.n > max)
        return hf_fail(diag, HF_E_INVALID, "value", "must have at most %zu bytes", max);
    HF_CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;
    hf_err err = start(key, alg, EVP_PKEY_encrypt_init_ex, &context);
    if (err != HF_OK)
        return err;
    size_t n = (size_t)key->bits / 8;
    uint8_t *next = hf_buf_reserve(out, n);
    if (next == NULL)
        return hf_buf_err(out);
    if (EVP_PKEY_encrypt(context, next, &n, not_null(in->value), in->value.n) != 1)
        return crypto_err_take("rsa");
    hf_buf_commit(out, n);
    return HF_OK;
}

hf_err crypto_rsa_decrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                          const struct crypto_input *in, struct hf_buf *out)
{
    size_t n = (size_t)key->bits / 8;
    if (in->value.n != n)
        return HF_E_DECRYPT;
    HF_CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;
    hf_err err = start(key, alg, EVP_PKEY_decrypt_init_ex, &context);
    if (err != HF_OK)
        return err;
    uint8_t *next = hf_buf_reserve(out, n);
    if (next == NULL)
        return hf_buf_err(out);
    if (EVP_PKEY_decrypt(context, next, &n, in->value.p, in->value.n) != 1)
        return crypto_err_refuse("rsa", HF_E_DECRYPT);
    hf_buf_commit(out, n);
    return HF_OK;
}
