/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of RFC 7518 §3.1: RSASSA-PKCS1-v1_5, RSASSA-PSS (MGF1 and salt length of the digest), ECDSA.
 */
#include "crypto/key.h"

#include "crypto/internal.h"

#include <openssl/rsa.h>

/* of P-521, the longest: SEQUENCE of two INTEGERs of up to 67 bytes */
#define ECDSA_DER_MAX_BYTES 160

static const struct signature_row {
    enum crypto_signature algorithm;
    hf_str name;
    enum crypto_key_type key_type;
    const char *digest;
    int rsa_padding; /* 0 for EC */
} signatures[] = {
    /* algorithm, JWA name, key type, digest, RSA padding */
    { CRYPTO_RS256, { "RS256", 5 }, CRYPTO_KEY_RSA, "SHA256", RSA_PKCS1_PADDING },
    { CRYPTO_RS384, { "RS384", 5 }, CRYPTO_KEY_RSA, "SHA384", RSA_PKCS1_PADDING },
    { CRYPTO_RS512, { "RS512", 5 }, CRYPTO_KEY_RSA, "SHA512", RSA_PKCS1_PADDING },
    { CRYPTO_PS256, { "PS256", 5 }, CRYPTO_KEY_RSA, "SHA256", RSA_PKCS1_PSS_PADDING },
    { CRYPTO_PS384, { "PS384", 5 }, CRYPTO_KEY_RSA, "SHA384", RSA_PKCS1_PSS_PADDING },
    { CRYPTO_PS512, { "PS512", 5 }, CRYPTO_KEY_RSA, "SHA512", RSA_PKCS1_PSS_PADDING },
    { CRYPTO_ES256, { "ES256", 5 }, CRYPTO_KEY_EC_P256, "SHA256", 0 },
    { CRYPTO_ES384, { "ES384", 5 }, CRYPTO_KEY_EC_P384, "SHA384", 0 },
    { CRYPTO_ES512, { "ES512", 5 }, CRYPTO_KEY_EC_P521, "SHA512", 0 },
};

_Static_assert(HF_ARRAY_LEN(signatures) == CRYPTO_ES512 + 1, "one row for each algorithm");

/* NULL for a number that is no algorithm. */
static const struct signature_row *find_row(enum crypto_signature algorithm)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(signatures); i++) {
        if (signatures[i].algorithm == algorithm)
            return &signatures[i];
    }
    return NULL;
}

hf_str crypto_signature_name(enum crypto_signature algorithm)
{
    const struct signature_row *row = find_row(algorithm);
    return row == NULL ? HF_LIT("") : row->name;
}

hf_err crypto_signature_parse(hf_str name, enum crypto_signature *out)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(signatures); i++) {
        if (hf_str_equal(signatures[i].name, name)) {
            *out = signatures[i].algorithm;
            return HF_OK;
        }
    }
    return HF_E_UNSUPPORTED;
}

bool crypto_signature_fits(enum crypto_signature algorithm, const struct crypto_key *key)
{
    const struct signature_row *row = find_row(algorithm);
    return row != NULL && row->key_type == key->type;
}

HF_MUST static hf_err set_padding(EVP_PKEY_CTX *context, const struct signature_row *row)
{
    if (row->rsa_padding == 0)
        return HF_OK;
    if (EVP_PKEY_CTX_set_rsa_padding(context, row->rsa_padding) != 1)
        return crypto_err_take("signature");
    if (row->rsa_padding == RSA_PKCS1_PSS_PADDING &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1)
        return crypto_err_take("signature");
    return HF_OK;
}

/* Appends the provider's form: DER for EC. */
HF_MUST static hf_err sign_raw(const struct crypto_key *key, const struct signature_row *row,
                               hf_bytes message, struct hf_buf *out)
{
    HF_CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* belongs to context */
    if (context == NULL ||
        EVP_DigestSignInit_ex(context, &options, row->digest, NULL, NULL, key->pkey, NULL) != 1)
        return crypto_err_take("sign");
    hf_err err = set_padding(options, row);
    if (err != HF_OK)
        return err;
    size_t size = 0;
    if (EVP_DigestSign(context, NULL, &size, message.p, message.n) != 1)
        return crypto_err_take("sign");
    uint8_t *signature = hf_buf_reserve(out, size);
    if (signature == NULL)
        return hf_buf_err(out);
    if (EVP_DigestSign(context, signature, &size, message.p, message.n) != 1)
        return crypto_err_take("sign");
    hf_buf_commit(out, size);
    return HF_OK;
}

hf_err crypto_sign(const struct crypto_key *key, enum crypto_signature algorithm, hf_bytes message,
                   struct hf_buf *out)
{
    const struct signature_row *row = find_row(algorithm);
    if (row == NULL || row->key_type != key->type || !key->has_private)
        return HF_E_INVALID;
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    if (curve == NULL)
        return sign_raw(key, row, message, out);
    uint8_t memory[ECDSA_DER_MAX_BYTES];
    struct hf_buf der;
    hf_buf_init_fixed(&der, memory, sizeof(memory));
    hf_err err = sign_raw(key, row, message, &der);
    if (err != HF_OK)
        return err;
    return crypto_ec_signature_from_der(curve, hf_buf_view(&der), out);
}

/* The signature in the provider's form. */
HF_MUST static hf_err verify_raw(const struct crypto_key *key, const struct signature_row *row,
                                 hf_bytes message, hf_bytes signature)
{
    HF_CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* belongs to context */
    if (context == NULL ||
        EVP_DigestVerifyInit_ex(context, &options, row->digest, NULL, NULL, key->pkey, NULL) != 1)
        return crypto_err_take("verify");
    hf_err err = set_padding(options, row);
    if (err != HF_OK)
        return err;
    if (EVP_DigestVerify(context, signature.p, signature.n, message.p, message.n) != 1)
        return crypto_err_refuse("verify", HF_E_TOKEN_SIGNATURE);
    return HF_OK;
}

hf_err crypto_verify(const struct crypto_key *key, enum crypto_signature algorithm,
                     hf_bytes message, hf_bytes signature)
{
    const struct signature_row *row = find_row(algorithm);
    if (row == NULL || row->key_type != key->type)
        return HF_E_INVALID;
    if (signature.n == 0 || signature.n > CRYPTO_SIGNATURE_MAX_BYTES)
        return HF_E_TOKEN_SIGNATURE;
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    if (curve == NULL)
        return verify_raw(key, row, message, signature);
    uint8_t memory[ECDSA_DER_MAX_BYTES];
    struct hf_buf der;
    hf_buf_init_fixed(&der, memory, sizeof(memory));
    hf_err err = crypto_ec_signature_to_der(curve, signature, &der);
    if (err == HF_E_INVALID)
        return HF_E_TOKEN_SIGNATURE;
    if (err != HF_OK)
        return err;
    return verify_raw(key, row, message, hf_buf_view(&der));
}
