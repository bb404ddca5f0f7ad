/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypting and decrypting with a vault's keys: what every algorithm has in common.
 */
#include "crypto/cipher.h"

#include "base/assert.h"

#include <string.h>

HF_MUST static hf_err check_fit(const struct crypto_key *key, const struct crypto_alg *alg,
                                struct hf_diag *diag)
{
    if ((alg->uses & (CRYPTO_USE_ENCRYPT | CRYPTO_USE_WRAP)) == 0 ||
        crypto_alg_fit(alg, key->type, key->bits) != CRYPTO_FITS)
        return hf_fail(diag, HF_E_INVALID, "alg", "does not fit the key");
    return HF_OK;
}

HF_MUST static hf_err check_length(hf_bytes given, size_t wanted, const char *name,
                                   struct hf_diag *diag)
{
    if (given.n != wanted)
        return hf_fail(diag, HF_E_INVALID, name, "must have %zu bytes", wanted);
    return HF_OK;
}

/* The caller's, or one of our own. */
HF_MUST static hf_err choose_iv(const struct crypto_alg *alg, const struct crypto_input *in,
                                struct hf_diag *diag, struct crypto_extra *extra)
{
    extra->iv_bytes = crypto_alg_iv_bytes(alg);
    if (!crypto_alg_needs_iv(alg))
        return extra->iv_bytes == 0 ? HF_OK : crypto_random(extra->iv, extra->iv_bytes);
    hf_err err = check_length(in->iv, extra->iv_bytes, "iv", diag);
    if (err != HF_OK)
        return err;
    memcpy(extra->iv, in->iv.p, extra->iv_bytes);
    return HF_OK;
}

hf_err crypto_encrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                      const struct crypto_input *in, struct hf_diag *diag,
                      struct crypto_extra *extra, struct hf_buf *out)
{
    hf_err err = check_fit(key, alg, diag);
    if (err != HF_OK)
        return err;
    struct crypto_extra made = { .tag_bytes = crypto_alg_tag_bytes(alg) };
    err = choose_iv(alg, in, diag, &made);
    if (err != HF_OK)
        return err;
    err = key->type == CRYPTO_KEY_OCT ? crypto_aes_encrypt(key, alg, in, diag, &made, out)
                                      : crypto_rsa_encrypt(key, alg, in, diag, out);
    if (err == HF_OK)
        *extra = made;
    return err;
}

hf_err crypto_decrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                      const struct crypto_input *in, struct hf_diag *diag, struct hf_buf *out)
{
    HF_ASSERT(out->secret || out->borrowed);
    hf_err err = check_fit(key, alg, diag);
    if (err != HF_OK)
        return err;
    if (!key->has_private)
        return hf_fail(diag, HF_E_INVALID, "alg", "needs the private key");
    size_t iv_bytes = crypto_alg_iv_bytes(alg);
    size_t tag_bytes = crypto_alg_tag_bytes(alg);
    if (iv_bytes > 0)
        err = check_length(in->iv, iv_bytes, "iv", diag);
    if (err == HF_OK && tag_bytes > 0)
        err = check_length(in->tag, tag_bytes, "tag", diag);
    if (err != HF_OK)
        return err;
    return key->type == CRYPTO_KEY_OCT ? crypto_aes_decrypt(key, alg, in, out)
                                       : crypto_rsa_decrypt(key, alg, in, out);
}
