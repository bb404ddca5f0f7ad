/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs: owners, PKCS#8 (RFC 5958) and PEM (RFC 7468). What differs between the families is in key_rsa.c and key_ec.c.
 */
#include "crypto/key.h"

#include "base/assert.h"
#include "crypto/internal.h"

#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define GROUP_NAME_MAX_BYTES 64

void crypto_key_free(struct crypto_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->owners, 1) > 1)
        return;
    EVP_PKEY_free(key->pkey);
    hf_secret_free(key->octets);
    free(key);
}

struct crypto_key *crypto_key_ref(struct crypto_key *key)
{
    unsigned before = atomic_fetch_add(&key->owners, 1);
    HF_ASSERT(before > 0 && before < UINT_MAX);
    return key;
}

enum crypto_key_type crypto_key_type_of(const struct crypto_key *key)
{
    return key->type;
}

int crypto_key_bits(const struct crypto_key *key)
{
    return key->bits;
}

HF_MUST static hf_err find_type(EVP_PKEY *pkey, enum crypto_key_type *out)
{
    if (EVP_PKEY_is_a(pkey, "RSA") == 1) {
        int bits = EVP_PKEY_get_bits(pkey);
        if (bits < CRYPTO_RSA_BITS_MIN || bits > CRYPTO_RSA_BITS_MAX)
            return HF_E_INVALID;
        *out = CRYPTO_KEY_RSA;
        return HF_OK;
    }
    char group[GROUP_NAME_MAX_BYTES];
    size_t n = 0;
    if (EVP_PKEY_is_a(pkey, "EC") != 1 ||
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) != 1)
        return crypto_err_refuse("key", HF_E_UNSUPPORTED);
    const struct crypto_curve *curve = crypto_curve_of_group((hf_str){ group, n });
    if (curve == NULL)
        return HF_E_UNSUPPORTED;
    *out = curve->type;
    return HF_OK;
}

hf_err crypto_key_adopt(EVP_PKEY **pkey, bool has_private, struct crypto_key **out)
{
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *taken = hf_take(pkey);
    enum crypto_key_type type = CRYPTO_KEY_RSA;
    hf_err err = find_type(taken, &type);
    if (err != HF_OK)
        return err;
    struct crypto_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return HF_E_NOMEM;
    key->type = type;
    key->bits = EVP_PKEY_get_bits(taken);
    key->has_private = has_private;
    atomic_init(&key->owners, 1);
    key->pkey = hf_take(&taken);
    *out = key;
    return HF_OK;
}

hf_err crypto_pkey_from_params(const char *type, int selection, OSSL_PARAM_BLD *builder,
                               EVP_PKEY **out)
{
    HF_CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    HF_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1)
        return crypto_err_take("key");
    EVP_PKEY *pkey = NULL;
    if (EVP_PKEY_fromdata(context, &pkey, selection, params) != 1)
        return crypto_err_refuse("key", HF_E_INVALID);
    *out = pkey;
    return HF_OK;
}

hf_err crypto_key_to_pkcs8(const struct crypto_key *key, struct hf_secret **out)
{
    if (!key->has_private || key->pkey == NULL)
        return HF_E_INVALID;
    HF_CLEANUP(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    int size = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    if (size <= 0)
        return crypto_err_take("pkcs8");
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der = NULL;
    hf_err err = hf_secret_new((size_t)size, &der);
    if (err != HF_OK)
        return err;
    uint8_t *end = hf_secret_edit(der);
    if (i2d_PKCS8_PRIV_KEY_INFO(info, &end) != size)
        return crypto_err_take("pkcs8");
    *out = hf_take(&der);
    return HF_OK;
}

hf_err crypto_pkey_from_pkcs8(const struct hf_secret *der, EVP_PKEY **out)
{
    hf_bytes plain = hf_secret_view(der);
    if (plain.n > LONG_MAX)
        return HF_E_INVALID;
    const uint8_t *next = plain.p;
    HF_CLEANUP(PKCS8_PRIV_KEY_INFO_freep)
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &next, (long)plain.n);
    if (info == NULL)
        return crypto_err_refuse("pkcs8", HF_E_INVALID);
    if (next != plain.p + plain.n)
        return HF_E_INVALID;
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    if (pkey == NULL)
        return crypto_err_refuse("pkcs8", HF_E_INVALID);
    *out = pkey;
    return HF_OK;
}

hf_err crypto_key_from_pkcs8(const struct hf_secret *der, struct crypto_key **out)
{
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    hf_err err = crypto_pkey_from_pkcs8(der, &pkey);
    if (err != HF_OK)
        return err;
    return crypto_key_adopt(&pkey, true, out);
}

hf_err crypto_key_write_pem(const struct crypto_key *key, struct hf_buf *out)
{
    HF_ASSERT(out->secret || out->borrowed);
    if (!key->has_private || key->pkey == NULL)
        return HF_E_INVALID;
    HF_CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return crypto_err_take("pem");
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    if (size <= 0)
        return HF_E_INTERNAL;
    hf_buf_put(out, text, (size_t)size);
    return hf_buf_err(out);
}

int crypto_no_password(char *buf HF_UNUSED, int size HF_UNUSED, int writing HF_UNUSED,
                       void *user HF_UNUSED)
{
    return -1;
}

hf_err crypto_key_from_pem(hf_bytes pem, struct crypto_key **out)
{
    int size = 0;
    if (pem.n == 0 || !hf_int_from_size(pem.n, &size))
        return HF_E_INVALID;
    HF_CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem.p, size);
    if (bio == NULL)
        return crypto_err_take("pem");
    HF_CLEANUP(EVP_PKEY_freep)
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, crypto_no_password, NULL);
    if (pkey == NULL)
        return crypto_err_refuse("pem", HF_E_INVALID);
    return crypto_key_adopt(&pkey, true, out);
}
