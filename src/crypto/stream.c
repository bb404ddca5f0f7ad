/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long texts in chunks. The cipher is keyed once; each chunk only sets its nonce.
 */
#include "crypto/stream.h"

#include "base/assert.h"
#include "crypto/internal.h"

#include <stdlib.h>
#include <string.h>

#define STREAM_LABEL "holdfast stream v1"
#define STREAM_NONCE_BYTES 12
#define STREAM_LAST_AT (sizeof(STREAM_LABEL) - 1 + CRYPTO_STREAM_CONTEXT_BYTES)
#define STREAM_DATA_BYTES (STREAM_LAST_AT + 1)

/* One thread at a time. */
struct crypto_stream {
    struct hf_secret *key;
    EVP_CIPHER_CTX *cipher;
    uint8_t data[STREAM_DATA_BYTES]; /* associated data; the last byte changes */
    uint64_t next;                   /* the chunk to seal next */
    bool is_ended;                   /* the last chunk was sealed */
};

void crypto_stream_free(struct crypto_stream *stream)
{
    if (stream == NULL)
        return;
    EVP_CIPHER_CTX_free(stream->cipher);
    hf_secret_free(stream->key);
    free(stream);
}

hf_err crypto_stream_new(const struct hf_secret *key,
                         const uint8_t context[CRYPTO_STREAM_CONTEXT_BYTES],
                         struct crypto_stream **out)
{
    if (hf_secret_size(key) != CRYPTO_STREAM_KEY_BYTES)
        return HF_E_INVALID;
    HF_CLEANUP(crypto_stream_freep) struct crypto_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return HF_E_NOMEM;
    hf_err err = hf_secret_dup(key, &stream->key);
    if (err != HF_OK)
        return err;
    memcpy(stream->data, STREAM_LABEL, sizeof(STREAM_LABEL) - 1);
    memcpy(stream->data + sizeof(STREAM_LABEL) - 1, context, CRYPTO_STREAM_CONTEXT_BYTES);
    stream->cipher = EVP_CIPHER_CTX_new();
    if (stream->cipher == NULL)
        return crypto_err_take("stream");
    *out = hf_take(&stream);
    return HF_OK;
}

HF_MUST static hf_err begin(struct crypto_stream *stream, uint64_t index, bool is_last,
                            bool sealing)
{
    uint8_t nonce[STREAM_NONCE_BYTES] = { 0 };
    for (size_t i = 0; i < sizeof(index); i++)
        nonce[STREAM_NONCE_BYTES - 1 - i] = (uint8_t)(index >> (8 * i));
    stream->data[STREAM_LAST_AT] = is_last ? 1 : 0;
    int n = 0;
    if (EVP_CipherInit_ex2(stream->cipher, crypto_algorithms()->aes_256_gcm,
                           hf_secret_view(stream->key).p, nonce, sealing ? 1 : 0, NULL) != 1 ||
        EVP_CipherUpdate(stream->cipher, NULL, &n, stream->data, (int)STREAM_DATA_BYTES) != 1)
        return crypto_err_take("stream");
    return HF_OK;
}

hf_err crypto_stream_seal(struct crypto_stream *stream, bool is_last, hf_bytes plain,
                          struct hf_buf *out)
{
    HF_ASSERT(!stream->is_ended);
    int size = 0;
    if (!hf_int_from_size(plain.n, &size))
        return HF_E_TOO_LARGE;
    uint8_t *sealed = hf_buf_reserve(out, plain.n + CRYPTO_STREAM_OVERHEAD_BYTES);
    if (sealed == NULL)
        return hf_buf_err(out);
    hf_err err = begin(stream, stream->next, is_last, true);
    if (err != HF_OK)
        return err;
    stream->next++;
    stream->is_ended = is_last;
    int n = 0;
    uint8_t *tag = sealed + plain.n;
    if ((size > 0 && EVP_CipherUpdate(stream->cipher, sealed, &n, plain.p, size) != 1) ||
        EVP_CipherFinal_ex(stream->cipher, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(stream->cipher, EVP_CTRL_AEAD_GET_TAG, CRYPTO_STREAM_OVERHEAD_BYTES,
                            tag) != 1)
        return crypto_err_take("stream");
    hf_buf_commit(out, plain.n + CRYPTO_STREAM_OVERHEAD_BYTES);
    return HF_OK;
}

HF_MUST static hf_err decrypt(EVP_CIPHER_CTX *cipher, hf_bytes sealed, int size, uint8_t *plain)
{
    uint8_t tag[CRYPTO_STREAM_OVERHEAD_BYTES]; /* the interface wants it writable */
    memcpy(tag, sealed.p + size, sizeof(tag));
    int n = 0;
    if (EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, CRYPTO_STREAM_OVERHEAD_BYTES, tag) != 1)
        return crypto_err_take("stream");
    if ((size > 0 && EVP_CipherUpdate(cipher, plain, &n, sealed.p, size) != 1) ||
        EVP_CipherFinal_ex(cipher, tag, &n) != 1)
        return crypto_err_refuse("stream", HF_E_CORRUPT);
    return HF_OK;
}

hf_err crypto_stream_open(struct crypto_stream *stream, uint64_t index, bool is_last,
                          hf_bytes sealed, struct hf_buf *out)
{
    if (sealed.n < CRYPTO_STREAM_OVERHEAD_BYTES)
        return HF_E_CORRUPT;
    const size_t size = sealed.n - CRYPTO_STREAM_OVERHEAD_BYTES;
    int int_size = 0;
    if (!hf_int_from_size(size, &int_size))
        return HF_E_TOO_LARGE;
    uint8_t *plain = hf_buf_reserve(out, size + 1); /* an empty text needs a place too */
    if (plain == NULL)
        return hf_buf_err(out);
    hf_err err = begin(stream, index, is_last, false);
    if (err == HF_OK)
        err = decrypt(stream->cipher, sealed, int_size, plain);
    if (err != HF_OK) {
        hf_wipe(plain, size); /* nothing in it is authentic */
        return err;
    }
    hf_buf_commit(out, size);
    return HF_OK;
}
