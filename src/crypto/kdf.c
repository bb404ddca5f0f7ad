/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key derivation: NIST SP 800-108r1 §4.1, counter mode with HMAC-SHA-256, a single block of output. The block is fed to
 * HMAC directly, because libcrypto's KBKDF would be keyed anew for every record.
 */
#include "crypto/crypto.h"

#include "base/buf.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>

#define KDF_KEY_BYTES 32
#define SMALL_INPUT_BYTES 256

static const uint8_t kdf_counter[] = { 0, 0, 0, 1 }; /* i: the first and only block */
static const uint8_t kdf_separator[] = { 0 };
static const uint8_t kdf_output_bits[] = { 0, 0, 1, 0 }; /* L: 256 */

hf_err crypto_kdf_prepare(const struct hf_secret *key, EVP_MAC_CTX **out)
{
    hf_bytes plain = hf_secret_view(key);
    if (plain.n != KDF_KEY_BYTES)
        return HF_E_INVALID;
    HF_CLEANUP(EVP_MAC_CTX_freep) EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto_algorithms()->hmac);
    if (mac == NULL)
        return crypto_err_take("kdf");
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_MAC_init(mac, plain.p, plain.n, params) != 1)
        return crypto_err_take("kdf");
    *out = hf_take(&mac);
    return HF_OK;
}

/* All parts, at once if they are small: each call costs more than hashing what it brings. */
static bool update(EVP_MAC_CTX *keyed, const hf_bytes *parts, size_t count)
{
    uint8_t memory[SMALL_INPUT_BYTES];
    struct hf_buf joined;
    hf_buf_init_fixed(&joined, memory, sizeof(memory));
    for (size_t i = 0; i < count; i++)
        hf_buf_put_bytes(&joined, parts[i]);
    if (hf_buf_err(&joined) == HF_OK)
        return EVP_MAC_update(keyed, joined.p, joined.n) == 1;
    for (size_t i = 0; i < count; i++) {
        if (EVP_MAC_update(keyed, parts[i].p, parts[i].n) != 1)
            return false;
    }
    return true;
}

hf_err crypto_kdf_derive(EVP_MAC_CTX *keyed, hf_str label, hf_bytes context,
                         uint8_t out[CRYPTO_SHA256_BYTES])
{
    const hf_bytes parts[] = {
        { kdf_counter, sizeof(kdf_counter) },         hf_str_bytes(label),
        { kdf_separator, sizeof(kdf_separator) },     context,
        { kdf_output_bits, sizeof(kdf_output_bits) },
    };
    if (EVP_MAC_init(keyed, NULL, 0, NULL) != 1 || !update(keyed, parts, HF_ARRAY_LEN(parts)))
        return crypto_err_take("kdf");
    size_t written = 0;
    if (EVP_MAC_final(keyed, out, &written, CRYPTO_SHA256_BYTES) != 1)
        return crypto_err_take("kdf");
    return written == CRYPTO_SHA256_BYTES ? HF_OK : HF_E_INTERNAL;
}

hf_err crypto_kdf(const struct hf_secret *key, hf_str label, hf_bytes context,
                  struct hf_secret **out)
{
    HF_CLEANUP(EVP_MAC_CTX_freep) EVP_MAC_CTX *mac = NULL;
    hf_err err = crypto_kdf_prepare(key, &mac);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *derived = NULL;
    err = hf_secret_new(CRYPTO_SHA256_BYTES, &derived);
    if (err != HF_OK)
        return err;
    err = crypto_kdf_derive(mac, label, context, hf_secret_edit(derived));
    if (err != HF_OK)
        return err;
    *out = hf_take(&derived);
    return HF_OK;
}
