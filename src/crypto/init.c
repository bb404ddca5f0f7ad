/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of libcrypto: memory that is cleared when freed, algorithms fetched once, errors translated.
 */
#include "crypto/crypto.h"

#include "base/assert.h"
#include "base/log.h"
#include "crypto/internal.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_TEXT_MAX_BYTES 256

static struct crypto_algorithms algorithms;
static bool is_initialised;

const struct crypto_algorithms *crypto_algorithms(void)
{
    HF_ASSERT(is_initialised);
    return &algorithms;
}

static void *allocate(size_t n, const char *file HF_UNUSED, int line HF_UNUSED)
{
    return malloc(n);
}

static void clear_and_release(void *p, const char *file HF_UNUSED, int line HF_UNUSED)
{
    if (p == NULL)
        return;
    hf_wipe(p, malloc_usable_size(p));
    free(p);
}

/* realloc() would leave the old block behind uncleared when it moves. */
static void *reallocate(void *p, size_t n, const char *file, int line)
{
    if (p == NULL)
        return malloc(n);
    if (n == 0) {
        clear_and_release(p, file, line);
        return NULL;
    }
    void *moved = malloc(n);
    if (moved == NULL)
        return NULL;
    size_t old = malloc_usable_size(p);
    memcpy(moved, p, old < n ? old : n);
    clear_and_release(p, file, line);
    return moved;
}

static hf_err refuse_missing(struct hf_diag *diag, const char *name)
{
    hf_err err = crypto_err_refuse("fetch", HF_E_UNSUPPORTED);
    return hf_fail(diag, err, "", "the cryptographic library does not provide %s", name);
}

/* The ciphers of keys in a vault, by mode and by size. */
static const char *const aes_names[CRYPTO_AES_MODE_COUNT][CRYPTO_AES_SIZE_COUNT] = {
    [CRYPTO_AES_GCM] = { "AES-128-GCM", "AES-192-GCM", "AES-256-GCM" },
    [CRYPTO_AES_CBC] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" },
    [CRYPTO_AES_WRAP] = { "AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP" },
    [CRYPTO_AES_WRAP_PAD] = { "AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD" },
};

static hf_err fetch_aes(struct hf_diag *diag)
{
    for (size_t mode = 0; mode < CRYPTO_AES_MODE_COUNT; mode++) {
        for (size_t size = 0; size < CRYPTO_AES_SIZE_COUNT; size++) {
            const char *name = aes_names[mode][size];
            algorithms.aes[mode][size] = EVP_CIPHER_fetch(NULL, name, NULL);
            if (algorithms.aes[mode][size] == NULL)
                return refuse_missing(diag, name);
        }
    }
    return HF_OK;
}

static hf_err fetch_algorithms(struct hf_diag *diag)
{
    algorithms.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (algorithms.aes_256_gcm == NULL)
        return refuse_missing(diag, "AES-256-GCM");
    hf_err err = fetch_aes(diag);
    if (err != HF_OK)
        return err;
    algorithms.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (algorithms.hmac == NULL)
        return refuse_missing(diag, "HMAC");
    algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (algorithms.sha256 == NULL)
        return refuse_missing(diag, "SHA-256");
    algorithms.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (algorithms.sha1 == NULL)
        return refuse_missing(diag, "SHA-1");
    return HF_OK;
}

hf_err crypto_init(struct hf_diag *diag)
{
    if (is_initialised)
        return HF_OK;
    if (CRYPTO_set_mem_functions(allocate, reallocate, clear_and_release) != 1)
        return hf_fail(diag, HF_E_INTERNAL, "", "the cryptographic library was used before");
    hf_err err = fetch_algorithms(diag);
    if (err != HF_OK)
        return err;
    err = crypto_hash_init();
    if (err != HF_OK)
        return err;
    is_initialised = true;
    return HF_OK;
}

static void log_error(const char *operation, unsigned long code, const char *data)
{
    char text[ERROR_TEXT_MAX_BYTES];
    ERR_error_string_n(code, text, sizeof(text));
    hf_log(HF_LOG_DEBUG, "crypto-error", HF_KV_C("operation", operation), HF_KV_C("reason", text),
           HF_KV_C("detail", data));
}

hf_err crypto_err_take(const char *operation)
{
    hf_err err = HF_E_INTERNAL;
    const char *data = NULL;
    unsigned long code;
    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, NULL)) != 0) {
        log_error(operation, code, data);
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            err = HF_E_NOMEM;
    }
    return err;
}

hf_err crypto_err_refuse(const char *operation, hf_err refusal)
{
    return crypto_err_take(operation) == HF_E_NOMEM ? HF_E_NOMEM : refusal;
}
