/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of a digest that the caller made, with a vault's keys: RSASSA-PKCS1-v1_5 with and without DigestInfo, RSASSA-PSS
 * (RFC 8017 §8), ECDSA (RFC 7518 §3.4, RFC 8812 §3.2), and HMAC (RFC 2104).
 */
#include "crypto/internal.h"
#include "crypto/operation.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define ECDSA_DER_MAX_BYTES 160 /* P-521: SEQUENCE of two INTEGERs of up to 67 bytes */
#define HMAC_MAX_BYTES 64
#define DIGEST_NAME_MAX_BYTES 16

HF_MUST static hf_err check_fit(const struct crypto_key *key, const struct crypto_alg *alg,
                                struct hf_diag *diag)
{
    if ((alg->uses & CRYPTO_USE_SIGN) == 0 ||
        crypto_alg_fit(alg, key->type, key->bits) != CRYPTO_FITS)
        return hf_fail(diag, HF_E_INVALID, "alg", "does not fit the key");
    return HF_OK;
}

HF_MUST static hf_err check_digest(const struct crypto_key *key, const struct crypto_alg *alg,
                                   hf_bytes digest, const char *name, struct hf_diag *diag)
{
    size_t max = crypto_alg_digest_max(alg, key->bits);
    if (alg->digest_bytes > 0 && digest.n != alg->digest_bytes)
        return hf_fail(diag, HF_E_INVALID, name, "must have %zu bytes", alg->digest_bytes);
    if (digest.n == 0)
        return hf_fail(diag, HF_E_INVALID, name, "must not be empty");
    if (digest.n > max)
        return hf_fail(diag, HF_E_INVALID, name, "must have at most %zu bytes", max);
    return HF_OK;
}

/* Padding, digest and salt in one call; none for EC. */
HF_MUST static hf_err start(const struct crypto_key *key, const struct crypto_alg *alg,
                            int (*init)(EVP_PKEY_CTX *, const OSSL_PARAM *), EVP_PKEY_CTX **out)
{
    char pss[] = OSSL_PKEY_RSA_PAD_MODE_PSS;
    char pkcs1[] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
    char salt[] = OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST;
    char digest[DIGEST_NAME_MAX_BYTES] = "";
    OSSL_PARAM params[4];
    size_t count = 0;
    if (alg->digest != NULL) {
        (void)snprintf(digest, sizeof(digest), "%s", alg->digest);
        params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, digest, 0);
    }
    if (alg->method != CRYPTO_METHOD_ECDSA)
        params[count++] = OSSL_PARAM_construct_utf8_string(
            OSSL_SIGNATURE_PARAM_PAD_MODE, alg->method == CRYPTO_METHOD_PSS ? pss : pkcs1, 0);
    if (alg->method == CRYPTO_METHOD_PSS)
        params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt,
                                                           0);
    params[count] = OSSL_PARAM_construct_end();
    HF_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (context == NULL || init(context, params) != 1)
        return crypto_err_take("sign");
    *out = hf_take(&context);
    return HF_OK;
}

/* Appends the provider's form: DER for EC. */
HF_MUST static hf_err sign_raw(const struct crypto_key *key, const struct crypto_alg *alg,
                               hf_bytes digest, size_t max_bytes, struct hf_buf *out)
{
    HF_CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;
    hf_err err = start(key, alg, EVP_PKEY_sign_init_ex, &context);
    if (err != HF_OK)
        return err;
    size_t n = max_bytes;
    uint8_t *signature = hf_buf_reserve(out, n);
    if (signature == NULL)
        return hf_buf_err(out);
    if (EVP_PKEY_sign(context, signature, &n, digest.p, digest.n) != 1)
        return crypto_err_take("sign");
    hf_buf_commit(out, n);
    return HF_OK;
}

HF_MUST static hf_err compute_mac(const struct crypto_key *key, const struct crypto_alg *alg,
                                  hf_bytes message, uint8_t out[HMAC_MAX_BYTES], size_t *n)
{
    char digest[DIGEST_NAME_MAX_BYTES] = "";
    (void)snprintf(digest, sizeof(digest), "%s", alg->digest);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    hf_bytes octets = hf_secret_view(key->octets);
    HF_CLEANUP(EVP_MAC_CTX_freep) EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto_algorithms()->hmac);
    if (mac == NULL || EVP_MAC_init(mac, octets.p, octets.n, params) != 1 ||
        EVP_MAC_update(mac, message.p, message.n) != 1 ||
        EVP_MAC_final(mac, out, n, HMAC_MAX_BYTES) != 1)
        return crypto_err_take("hmac");
    return HF_OK;
}

HF_MUST static hf_err sign_ec(const struct crypto_key *key, const struct crypto_alg *alg,
                              const struct crypto_curve *curve, hf_bytes digest, struct hf_buf *out)
{
    uint8_t memory[ECDSA_DER_MAX_BYTES];
    struct hf_buf der;
    hf_buf_init_fixed(&der, memory, sizeof(memory));
    hf_err err = sign_raw(key, alg, digest, sizeof(memory), &der);
    if (err != HF_OK)
        return err;
    return crypto_ec_signature_from_der(curve, hf_buf_view(&der), out);
}

hf_err crypto_sign_digest(const struct crypto_key *key, const struct crypto_alg *alg,
                          hf_bytes digest, struct hf_diag *diag, struct hf_buf *out)
{
    hf_err err = check_fit(key, alg, diag);
    if (err == HF_OK)
        err = check_digest(key, alg, digest, "value", diag);
    if (err != HF_OK)
        return err;
    if (!key->has_private)
        return hf_fail(diag, HF_E_INVALID, "alg", "needs the private key");
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    if (curve != NULL)
        return sign_ec(key, alg, curve, digest, out);
    if (key->type == CRYPTO_KEY_RSA)
        return sign_raw(key, alg, digest, (size_t)key->bits / 8, out);
    HF_CLEAN_SECRET(mac, HMAC_MAX_BYTES);
    size_t n = 0;
    err = compute_mac(key, alg, digest, mac, &n);
    if (err != HF_OK)
        return err;
    hf_buf_put(out, mac, n);
    return hf_buf_err(out);
}

/* The signature in the provider's form. Whatever it does not like is a signature that is not valid. */
HF_MUST static hf_err verify_raw(const struct crypto_key *key, const struct crypto_alg *alg,
                                 hf_bytes digest, hf_bytes signature, bool *valid)
{
    HF_CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;
    hf_err err = start(key, alg, EVP_PKEY_verify_init_ex, &context);
    if (err != HF_OK)
        return err;
    *valid = EVP_PKEY_verify(context, signature.p, signature.n, digest.p, digest.n) == 1;
    return *valid ? HF_OK : crypto_err_refuse("verify", HF_OK);
}

HF_MUST static hf_err verify_ec(const struct crypto_key *key, const struct crypto_alg *alg,
                                const struct crypto_curve *curve, hf_bytes digest,
                                hf_bytes signature, bool *valid)
{
    uint8_t memory[ECDSA_DER_MAX_BYTES];
    struct hf_buf der;
    hf_buf_init_fixed(&der, memory, sizeof(memory));
    hf_err err = crypto_ec_signature_to_der(curve, signature, &der);
    if (err != HF_OK)
        return err == HF_E_INVALID ? HF_OK : err;
    return verify_raw(key, alg, digest, hf_buf_view(&der), valid);
}

HF_MUST static hf_err verify_mac(const struct crypto_key *key, const struct crypto_alg *alg,
                                 hf_bytes message, hf_bytes given, bool *valid)
{
    HF_CLEAN_SECRET(mac, HMAC_MAX_BYTES);
    size_t n = 0;
    hf_err err = compute_mac(key, alg, message, mac, &n);
    if (err != HF_OK)
        return err;
    *valid = hf_equal_constant_time((hf_bytes){ mac, n }, given);
    return HF_OK;
}

hf_err crypto_verify_digest(const struct crypto_key *key, const struct crypto_alg *alg,
                            hf_bytes digest, hf_bytes signature, struct hf_diag *diag, bool *valid)
{
    hf_err err = check_fit(key, alg, diag);
    if (err == HF_OK)
        err = check_digest(key, alg, digest, "digest", diag);
    if (err != HF_OK)
        return err;
    bool answer = false;
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    if (curve != NULL)
        err = verify_ec(key, alg, curve, digest, signature, &answer);
    else if (key->type == CRYPTO_KEY_OCT)
        err = verify_mac(key, alg, digest, signature, &answer);
    else if (signature.n == (size_t)key->bits / 8)
        err = verify_raw(key, alg, digest, signature, &answer);
    if (err == HF_OK)
        *valid = answer;
    return err;
}
