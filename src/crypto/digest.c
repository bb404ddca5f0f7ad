/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests in parts.
 */
#include "crypto/digest.h"

#include "crypto/internal.h"

static const struct digest_row {
    size_t bytes;
    const char *name; /* the provider's */
} digests[] = {
    { 32, "SHA256" },
    { 48, "SHA384" },
    { 64, "SHA512" },
};

struct crypto_digest {
    EVP_MD_CTX *context;
    EVP_MD *algorithm;
    size_t bytes;
};

static const struct digest_row *find_row(size_t bytes)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(digests); i++) {
        if (digests[i].bytes == bytes)
            return &digests[i];
    }
    return NULL;
}

void crypto_digest_free(struct crypto_digest *digest)
{
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->context);
    EVP_MD_free(digest->algorithm);
    free(digest);
}

HF_MUST static hf_err start(struct crypto_digest *digest, const struct digest_row *row)
{
    digest->bytes = row->bytes;
    digest->algorithm = EVP_MD_fetch(NULL, row->name, NULL);
    digest->context = EVP_MD_CTX_new();
    if (digest->algorithm == NULL || digest->context == NULL ||
        EVP_DigestInit_ex2(digest->context, digest->algorithm, NULL) != 1)
        return crypto_err_take("digest");
    return HF_OK;
}

hf_err crypto_digest_new(size_t digest_bytes, struct crypto_digest **out)
{
    const struct digest_row *row = find_row(digest_bytes);
    if (row == NULL)
        return HF_E_UNSUPPORTED;
    struct crypto_digest *digest = calloc(1, sizeof(*digest));
    if (digest == NULL)
        return HF_E_NOMEM;
    hf_err err = start(digest, row);
    if (err == HF_OK)
        *out = digest;
    else
        crypto_digest_free(digest);
    return err;
}

hf_err crypto_digest_add(struct crypto_digest *digest, hf_bytes part)
{
    return EVP_DigestUpdate(digest->context, part.p, part.n) == 1 ? HF_OK
                                                                  : crypto_err_take("digest");
}

hf_err crypto_digest_end(struct crypto_digest *digest, struct hf_buf *out)
{
    uint8_t *end = hf_buf_reserve(out, digest->bytes);
    if (end == NULL)
        return hf_buf_err(out);
    if (EVP_DigestFinal_ex(digest->context, end, NULL) != 1)
        return crypto_err_take("digest");
    hf_buf_commit(out, digest->bytes);
    return HF_OK;
}
