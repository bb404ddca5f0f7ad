/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms of keys in a vault, one row each: RFC 7518 §3.1, §4.1 and RFC 8812, and those that Key Vault has beside them.
 */
#include "crypto/internal.h"
#include "crypto/operation.h"

#define BOTH (CRYPTO_USE_ENCRYPT | CRYPTO_USE_WRAP)
#define GCM_IV_BYTES 12
#define PKCS1_OVERHEAD_BYTES 11 /* RFC 8017 §7.2.1 */

#define RSA CRYPTO_KEY_RSA
#define OCT CRYPTO_KEY_OCT
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* clang-format off */
static const struct crypto_alg algs[] = {
    /* name, method, key type, bits of an oct key, uses, digest, bytes of it */
    { NAME("RSA1_5"),       CRYPTO_METHOD_PKCS1_ENCRYPT, RSA, 0, BOTH, NULL, 0 },
    { NAME("RSA-OAEP"),     CRYPTO_METHOD_OAEP, RSA, 0, BOTH, "SHA1", 20 },
    { NAME("RSA-OAEP-256"), CRYPTO_METHOD_OAEP, RSA, 0, BOTH, "SHA256", 32 },
    { NAME("A128GCM"),      CRYPTO_METHOD_GCM, OCT, 128, BOTH, NULL, 0 },
    { NAME("A192GCM"),      CRYPTO_METHOD_GCM, OCT, 192, BOTH, NULL, 0 },
    { NAME("A256GCM"),      CRYPTO_METHOD_GCM, OCT, 256, BOTH, NULL, 0 },
    { NAME("A128CBC"),      CRYPTO_METHOD_CBC, OCT, 128, BOTH, NULL, 0 },
    { NAME("A192CBC"),      CRYPTO_METHOD_CBC, OCT, 192, BOTH, NULL, 0 },
    { NAME("A256CBC"),      CRYPTO_METHOD_CBC, OCT, 256, BOTH, NULL, 0 },
    { NAME("A128CBCPAD"),   CRYPTO_METHOD_CBC_PAD, OCT, 128, BOTH, NULL, 0 },
    { NAME("A192CBCPAD"),   CRYPTO_METHOD_CBC_PAD, OCT, 192, BOTH, NULL, 0 },
    { NAME("A256CBCPAD"),   CRYPTO_METHOD_CBC_PAD, OCT, 256, BOTH, NULL, 0 },
    { NAME("A128KW"),       CRYPTO_METHOD_WRAP, OCT, 128, CRYPTO_USE_WRAP, NULL, 0 },
    { NAME("A192KW"),       CRYPTO_METHOD_WRAP, OCT, 192, CRYPTO_USE_WRAP, NULL, 0 },
    { NAME("A256KW"),       CRYPTO_METHOD_WRAP, OCT, 256, CRYPTO_USE_WRAP, NULL, 0 },
    { NAME("CKM_AES_KEY_WRAP"),     CRYPTO_METHOD_WRAP, OCT, 0, CRYPTO_USE_WRAP, NULL, 0 },
    { NAME("CKM_AES_KEY_WRAP_PAD"), CRYPTO_METHOD_WRAP_PAD, OCT, 0, CRYPTO_USE_WRAP, NULL, 0 },
    { NAME("RS256"),  CRYPTO_METHOD_PKCS1_SIGN, RSA, 0, CRYPTO_USE_SIGN, "SHA256", 32 },
    { NAME("RS384"),  CRYPTO_METHOD_PKCS1_SIGN, RSA, 0, CRYPTO_USE_SIGN, "SHA384", 48 },
    { NAME("RS512"),  CRYPTO_METHOD_PKCS1_SIGN, RSA, 0, CRYPTO_USE_SIGN, "SHA512", 64 },
    { NAME("PS256"),  CRYPTO_METHOD_PSS, RSA, 0, CRYPTO_USE_SIGN, "SHA256", 32 },
    { NAME("PS384"),  CRYPTO_METHOD_PSS, RSA, 0, CRYPTO_USE_SIGN, "SHA384", 48 },
    { NAME("PS512"),  CRYPTO_METHOD_PSS, RSA, 0, CRYPTO_USE_SIGN, "SHA512", 64 },
    { NAME("RSNULL"), CRYPTO_METHOD_PKCS1_BARE, RSA, 0, CRYPTO_USE_SIGN, NULL, 0 },
    { NAME("ES256"),  CRYPTO_METHOD_ECDSA, CRYPTO_KEY_EC_P256, 0, CRYPTO_USE_SIGN, NULL, 32 },
    { NAME("ES256K"), CRYPTO_METHOD_ECDSA, CRYPTO_KEY_EC_P256K, 0, CRYPTO_USE_SIGN, NULL, 32 },
    { NAME("ES384"),  CRYPTO_METHOD_ECDSA, CRYPTO_KEY_EC_P384, 0, CRYPTO_USE_SIGN, NULL, 48 },
    { NAME("ES512"),  CRYPTO_METHOD_ECDSA, CRYPTO_KEY_EC_P521, 0, CRYPTO_USE_SIGN, NULL, 64 },
    { NAME("HS256"),  CRYPTO_METHOD_HMAC, OCT, 0, CRYPTO_USE_SIGN, "SHA256", 0 },
    { NAME("HS384"),  CRYPTO_METHOD_HMAC, OCT, 0, CRYPTO_USE_SIGN, "SHA384", 0 },
    { NAME("HS512"),  CRYPTO_METHOD_HMAC, OCT, 0, CRYPTO_USE_SIGN, "SHA512", 0 },
};
/* clang-format on */

const struct crypto_alg *crypto_alg_find(hf_str name)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(algs); i++) {
        if (hf_str_equal(algs[i].name, name))
            return &algs[i];
    }
    return NULL;
}

const struct crypto_alg *crypto_alg_at(size_t index)
{
    return index < HF_ARRAY_LEN(algs) ? &algs[index] : NULL;
}

bool crypto_aes_bits_allowed(int bits)
{
    return bits == 128 || bits == 192 || bits == 256;
}

enum crypto_fit crypto_alg_fit(const struct crypto_alg *alg, enum crypto_key_type type, int bits)
{
    if (alg->key_type != type)
        return CRYPTO_FIT_WRONG_TYPE;
    if (type != CRYPTO_KEY_OCT || alg->method == CRYPTO_METHOD_HMAC)
        return CRYPTO_FITS;
    if (alg->key_bits == 0)
        return crypto_aes_bits_allowed(bits) ? CRYPTO_FITS : CRYPTO_FIT_WRONG_SIZE;
    return alg->key_bits == bits ? CRYPTO_FITS : CRYPTO_FIT_WRONG_SIZE;
}

size_t crypto_alg_digest_max(const struct crypto_alg *alg, int bits)
{
    if (alg->method == CRYPTO_METHOD_PKCS1_BARE)
        return (size_t)bits / 8 - PKCS1_OVERHEAD_BYTES;
    return alg->method == CRYPTO_METHOD_HMAC ? SIZE_MAX : alg->digest_bytes;
}

size_t crypto_alg_plain_max(const struct crypto_alg *alg, int bits)
{
    if (alg->method == CRYPTO_METHOD_PKCS1_ENCRYPT)
        return (size_t)bits / 8 - PKCS1_OVERHEAD_BYTES;
    if (alg->method == CRYPTO_METHOD_OAEP)
        return (size_t)bits / 8 - 2 * alg->digest_bytes - 2; /* RFC 8017 §7.1.1 */
    return SIZE_MAX;
}

size_t crypto_alg_iv_bytes(const struct crypto_alg *alg)
{
    if (alg->method == CRYPTO_METHOD_GCM)
        return GCM_IV_BYTES;
    return crypto_alg_needs_iv(alg) ? CRYPTO_IV_MAX_BYTES : 0;
}

size_t crypto_alg_tag_bytes(const struct crypto_alg *alg)
{
    return alg->method == CRYPTO_METHOD_GCM ? CRYPTO_TAG_MAX_BYTES : 0;
}

bool crypto_alg_needs_iv(const struct crypto_alg *alg)
{
    return alg->method == CRYPTO_METHOD_CBC || alg->method == CRYPTO_METHOD_CBC_PAD;
}

bool crypto_alg_takes_aad(const struct crypto_alg *alg)
{
    return alg->method == CRYPTO_METHOD_GCM;
}
