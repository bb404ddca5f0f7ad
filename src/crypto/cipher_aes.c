/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES with a vault's keys: GCM (SP 800-38D), CBC with and without padding (SP 800-38A, RFC 5652 §6.3), and key wrap
 * (RFC 3394, RFC 5649).
 */
#include "crypto/cipher.h"

#define BLOCK_BYTES 16
#define SEMIBLOCK_BYTES 8   /* RFC 3394 */
#define GROWTH_MAX_BYTES 16 /* of a ciphertext: padding, or the integrity block */
#define WRAP_MIN_BYTES (2 * SEMIBLOCK_BYTES)

static enum crypto_aes_mode mode_of(const struct crypto_alg *alg)
{
    if (alg->method == CRYPTO_METHOD_GCM)
        return CRYPTO_AES_GCM;
    if (alg->method == CRYPTO_METHOD_WRAP)
        return CRYPTO_AES_WRAP;
    return alg->method == CRYPTO_METHOD_WRAP_PAD ? CRYPTO_AES_WRAP_PAD : CRYPTO_AES_CBC;
}

/* A context with cipher, key and iv. Only encrypting lets libcrypto pad. */
HF_MUST static hf_err start(const struct crypto_key *key, const struct crypto_alg *alg,
                            const uint8_t *iv, bool encrypting, EVP_CIPHER_CTX **out)
{
    HF_CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL)
        return crypto_err_take("aes");
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    size_t size = ((size_t)key->bits - 128) / 64;
    const EVP_CIPHER *cipher = crypto_algorithms()->aes[mode_of(alg)][size];
    if (EVP_CipherInit_ex2(context, cipher, hf_secret_view(key->octets).p, iv, encrypting ? 1 : 0,
                           NULL) != 1)
        return crypto_err_take("aes");
    bool padded = encrypting && alg->method == CRYPTO_METHOD_CBC_PAD;
    if (EVP_CIPHER_CTX_set_padding(context, padded ? 1 : 0) != 1)
        return crypto_err_take("aes");
    *out = hf_take(&context);
    return HF_OK;
}

/* What the mode asks of the plaintext's length. */
HF_MUST static hf_err check_plain(const struct crypto_alg *alg, size_t n, struct hf_diag *diag)
{
    switch (alg->method) {
    case CRYPTO_METHOD_CBC:
        if (n == 0 || n % BLOCK_BYTES != 0)
            return hf_fail(diag, HF_E_INVALID, "value", "must have a multiple of 16 bytes");
        return HF_OK;
    case CRYPTO_METHOD_WRAP:
        if (n < WRAP_MIN_BYTES || n % SEMIBLOCK_BYTES != 0)
            return hf_fail(diag, HF_E_INVALID, "value",
                           "must have a multiple of 8 bytes, 16 or more");
        return HF_OK;
    case CRYPTO_METHOD_WRAP_PAD:
        if (n == 0)
            return hf_fail(diag, HF_E_INVALID, "value", "must not be empty");
        return HF_OK;
    case CRYPTO_METHOD_PKCS1_ENCRYPT:
    case CRYPTO_METHOD_OAEP:
    case CRYPTO_METHOD_GCM:
    case CRYPTO_METHOD_CBC_PAD:
    case CRYPTO_METHOD_PKCS1_SIGN:
    case CRYPTO_METHOD_PKCS1_BARE:
    case CRYPTO_METHOD_PSS:
    case CRYPTO_METHOD_ECDSA:
    case CRYPTO_METHOD_HMAC:
        return HF_OK;
    }
    return HF_E_INTERNAL;
}

/* False leaves the reason in libcrypto's queue. */
static bool add_data(EVP_CIPHER_CTX *context, const struct crypto_alg *alg, hf_bytes aad)
{
    int n = 0;
    int unused = 0;
    if (!crypto_alg_takes_aad(alg) || aad.n == 0)
        return true;
    return hf_int_from_size(aad.n, &n) && EVP_CipherUpdate(context, NULL, &unused, aad.p, n) == 1;
}

/* All of `value` through the cipher into room for it; false if it does not come out. */
static bool run(EVP_CIPHER_CTX *context, hf_bytes value, uint8_t *room, size_t *written)
{
    int n = 0;
    int body = 0;
    int end = 0;
    if (!hf_int_from_size(value.n, &n))
        return false;
    if (n > 0 && EVP_CipherUpdate(context, room, &body, value.p, n) != 1)
        return false;
    if (EVP_CipherFinal_ex(context, room + body, &end) != 1)
        return false;
    *written = (size_t)body + (size_t)end;
    return true;
}

hf_err crypto_aes_encrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                          const struct crypto_input *in, struct hf_diag *diag,
                          struct crypto_extra *extra, struct hf_buf *out)
{
    hf_err err = check_plain(alg, in->value.n, diag);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = NULL;
    err = start(key, alg, extra->iv_bytes > 0 ? extra->iv : NULL, true, &context);
    if (err != HF_OK)
        return err;
    size_t room = 0;
    if (!hf_add_size(in->value.n, GROWTH_MAX_BYTES, &room))
        return HF_E_TOO_LARGE;
    uint8_t *next = hf_buf_reserve(out, room);
    if (next == NULL)
        return hf_buf_err(out);
    size_t n = 0;
    if (!add_data(context, alg, in->aad) || !run(context, in->value, next, &n))
        return crypto_err_take("aes");
    if (extra->tag_bytes > 0 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)extra->tag_bytes, extra->tag) != 1)
        return crypto_err_take("aes");
    hf_buf_commit(out, n);
    return HF_OK;
}

/* The bytes of padding, 0 if it is wrong. Neither branch nor address depends on the content. */
static size_t measure_padding(const uint8_t block[BLOCK_BYTES])
{
    const uint32_t size = block[BLOCK_BYTES - 1];
    uint32_t wrong = ((size - 1) | (BLOCK_BYTES - size)) >> 31; /* 0, or above a block */
    for (uint32_t behind = 0; behind < BLOCK_BYTES; behind++) {
        const uint32_t is_padding = 0 - ((behind - size) >> 31); /* all ones where behind < size */
        wrong |= is_padding & (block[BLOCK_BYTES - 1 - behind] ^ size);
    }
    const uint32_t is_wrong = (wrong | (0 - wrong)) >> 31;
    return size & (is_wrong - 1);
}

/* *n is cut by the padding. Fails: HF_E_DECRYPT. */
HF_MUST static hf_err cut_padding(const uint8_t *plain, size_t *n)
{
    size_t padding = measure_padding(plain + *n - BLOCK_BYTES);
    if (padding == 0)
        return HF_E_DECRYPT;
    *n -= padding;
    return HF_OK;
}

static bool is_possible(const struct crypto_alg *alg, size_t n)
{
    if (mode_of(alg) == CRYPTO_AES_CBC)
        return n > 0 && n % BLOCK_BYTES == 0;
    if (alg->method == CRYPTO_METHOD_WRAP)
        return n >= WRAP_MIN_BYTES + SEMIBLOCK_BYTES && n % SEMIBLOCK_BYTES == 0;
    if (alg->method == CRYPTO_METHOD_WRAP_PAD)
        return n >= WRAP_MIN_BYTES && n % SEMIBLOCK_BYTES == 0;
    return true;
}

HF_MUST static hf_err open_into(EVP_CIPHER_CTX *context, const struct crypto_alg *alg,
                                const struct crypto_input *in, uint8_t *room, size_t *n)
{
    uint8_t tag[CRYPTO_TAG_MAX_BYTES];
    const size_t tag_bytes = crypto_alg_tag_bytes(alg);
    if (tag_bytes > 0) {
        memcpy(tag, in->tag.p, tag_bytes);
        if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)tag_bytes, tag) != 1)
            return crypto_err_take("aes");
    }
    if (!add_data(context, alg, in->aad) || !run(context, in->value, room, n))
        return crypto_err_refuse("aes", HF_E_DECRYPT);
    return alg->method == CRYPTO_METHOD_CBC_PAD ? cut_padding(room, n) : HF_OK;
}

hf_err crypto_aes_decrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                          const struct crypto_input *in, struct hf_buf *out)
{
    if (!is_possible(alg, in->value.n))
        return HF_E_DECRYPT;
    HF_CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = NULL;
    hf_err err = start(key, alg, in->iv.n > 0 && crypto_alg_iv_bytes(alg) > 0 ? in->iv.p : NULL,
                       false, &context);
    if (err != HF_OK)
        return err;
    size_t room = 0;
    if (!hf_add_size(in->value.n, GROWTH_MAX_BYTES, &room))
        return HF_E_TOO_LARGE;
    uint8_t *next = hf_buf_reserve(out, room);
    if (next == NULL)
        return hf_buf_err(out);
    size_t n = 0;
    err = open_into(context, alg, in, next, &n);
    if (err != HF_OK) {
        hf_wipe(next, room);
        return err;
    }
    hf_buf_commit(out, n);
    return HF_OK;
}
