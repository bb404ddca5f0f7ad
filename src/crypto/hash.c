/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests. Every audit record is hashed, so each thread keeps one context. What OpenSSL 3.0 allocates anew at each start
 * of a digest, one small block, can only be avoided with its deprecated interface.
 */
#include "crypto/crypto.h"

#include "crypto/internal.h"

#include <pthread.h>

/* Frees a thread's context when the thread ends. */
static pthread_key_t thread_end;
static _Thread_local EVP_MD_CTX *thread_context;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

hf_err crypto_hash_init(void)
{
    int error_number = pthread_key_create(&thread_end, free_context);
    return error_number == 0 ? HF_OK : hf_err_from_errno(error_number);
}

static EVP_MD_CTX *find_thread_context(void)
{
    if (thread_context != NULL)
        return thread_context;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL)
        return NULL;
    if (pthread_setspecific(thread_end, context) != 0) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    thread_context = context;
    return context;
}

hf_err crypto_sha256(const hf_bytes *parts, size_t count, uint8_t out[CRYPTO_SHA256_BYTES])
{
    EVP_MD_CTX *context = find_thread_context();
    if (context == NULL)
        return HF_E_NOMEM;
    if (EVP_DigestInit_ex2(context, crypto_algorithms()->sha256, NULL) != 1)
        return crypto_err_take("sha256");
    for (size_t i = 0; i < count; i++) {
        if (EVP_DigestUpdate(context, parts[i].p, parts[i].n) != 1)
            return crypto_err_take("sha256");
    }
    if (EVP_DigestFinal_ex(context, out, NULL) != 1)
        return crypto_err_take("sha256");
    return HF_OK;
}

/* Its context is made for the call and cleared with it: nothing of a secret stays behind. */
hf_err crypto_sha256_secret(const struct hf_secret *data, uint8_t out[CRYPTO_SHA256_BYTES])
{
    hf_bytes plain = hf_secret_view(data);
    if (EVP_Digest(plain.p, plain.n, out, NULL, crypto_algorithms()->sha256, NULL) != 1)
        return crypto_err_take("sha256");
    return HF_OK;
}

hf_err crypto_sha1(hf_bytes data, uint8_t out[CRYPTO_SHA1_BYTES])
{
    if (EVP_Digest(data.p, data.n, out, NULL, crypto_algorithms()->sha1, NULL) != 1)
        return crypto_err_take("sha1");
    return HF_OK;
}
