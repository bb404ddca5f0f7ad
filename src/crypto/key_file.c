/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys between files and JWKs, for programs that bring a key to a vault or take a public one from it.
 */
#include "crypto/key_material.h"

#include "crypto/internal.h"
#include "crypto/operation.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#define ECDSA_DER_MAX_BYTES 160 /* P-521: SEQUENCE of two INTEGERs of up to 67 bytes */

HF_MUST static hf_err read_pem(hf_bytes text, EVP_PKEY **out)
{
    int size = 0;
    if (!hf_int_from_size(text.n, &size))
        return HF_E_INVALID;
    HF_CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(text.p, size);
    if (bio == NULL)
        return crypto_err_take("pem");
    *out = PEM_read_bio_PrivateKey(bio, NULL, crypto_no_password, NULL);
    return *out != NULL ? HF_OK : crypto_err_refuse("pem", HF_E_INVALID);
}

HF_MUST static hf_err read_der(hf_bytes der, EVP_PKEY **out)
{
    int size = 0;
    if (!hf_int_from_size(der.n, &size))
        return HF_E_INVALID;
    const uint8_t *next = der.p;
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &next, size);
    if (pkey == NULL)
        return crypto_err_refuse("der", HF_E_INVALID);
    if (next != der.p + der.n)
        return HF_E_INVALID;
    *out = hf_take(&pkey);
    return HF_OK;
}

hf_err crypto_key_from_file(hf_bytes content, struct crypto_key **out)
{
    if (content.n == 0)
        return HF_E_INVALID;
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    hf_err err = read_pem(content, &pkey);
    if (err == HF_E_INVALID)
        err = read_der(content, &pkey);
    if (err != HF_OK)
        return err;
    return crypto_key_adopt(&pkey, true, out);
}

hf_err crypto_key_write_public_pem(const struct crypto_key *key, struct hf_buf *out)
{
    if (key->pkey == NULL)
        return HF_E_INVALID;
    HF_CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key->pkey) != 1)
        return crypto_err_take("pem");
    char *text = NULL;
    const long size = BIO_get_mem_data(bio, &text);
    if (size <= 0)
        return HF_E_INTERNAL;
    hf_buf_put(out, text, (size_t)size);
    return hf_buf_err(out);
}

/* ---- private JWKs ---- */

struct private_row {
    const char *member; /* RFC 7518 §6.2.2, §6.3.2 */
    const char *param;  /* the provider's */
};

static const struct private_row rsa_rows[] = {
    { "d", OSSL_PKEY_PARAM_RSA_D },          { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
    { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },    { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 }, { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};
static const struct private_row ec_rows[] = { { "d", OSSL_PKEY_PARAM_PRIV_KEY } };

/* Nothing of the number stays behind. width 0: as few bytes as it needs. */
HF_MUST static hf_err write_private(const struct crypto_key *key, const struct private_row *row,
                                    size_t width, struct hf_json_writer *w)
{
    HF_CLEANUP(BN_clear_freep) BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key->pkey, row->param, &number) != 1)
        return crypto_err_refuse("jwk", HF_E_INVALID); /* a key without its primes */
    HF_CLEAN_SECRET(octets, CRYPTO_RSA_BITS_MAX / 8);
    const int n = width == 0 ? BN_num_bytes(number) : (int)width;
    if (n <= 0 || (size_t)n > CRYPTO_RSA_BITS_MAX / 8 || BN_bn2binpad(number, octets, n) != n)
        return crypto_err_refuse("jwk", HF_E_INVALID);
    hf_jw_key(w, row->member);
    hf_buf_put_u8(w->buf, '"');
    hf_buf_put_base64url(w->buf, (hf_bytes){ octets, (size_t)n });
    hf_buf_put_u8(w->buf, '"');
    w->comma = true;
    return hf_buf_err(w->buf);
}

hf_err crypto_key_write_private_members(const struct crypto_key *key, struct hf_json_writer *w)
{
    HF_ASSERT(w->buf->secret);
    if (key->pkey == NULL || !key->has_private)
        return HF_E_INVALID;
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    const struct private_row *rows = curve == NULL ? rsa_rows : ec_rows;
    const size_t count = curve == NULL ? HF_ARRAY_LEN(rsa_rows) : HF_ARRAY_LEN(ec_rows);
    hf_err err = crypto_key_write_jwk_members(key, w);
    for (size_t i = 0; i < count && err == HF_OK; i++)
        err = write_private(key, &rows[i], curve == NULL ? 0 : curve->field_bytes, w);
    return err;
}

/* ---- signatures ---- */

hf_err crypto_signature_to_der(const struct crypto_alg *alg, hf_bytes signature, struct hf_buf *out)
{
    const struct crypto_curve *curve = crypto_curve_of_type(alg->key_type);
    return curve == NULL ? HF_E_UNSUPPORTED : crypto_ec_signature_to_der(curve, signature, out);
}

/* What does not encode back to itself is refused, as libcrypto's own verifier does: nothing may stand behind it. */
hf_err crypto_signature_from_der(const struct crypto_alg *alg, hf_bytes der, struct hf_buf *out)
{
    const struct crypto_curve *curve = crypto_curve_of_type(alg->key_type);
    if (curve == NULL)
        return HF_E_UNSUPPORTED;
    if (der.n > ECDSA_DER_MAX_BYTES)
        return HF_E_INVALID;
    uint8_t fixed_memory[2 * CRYPTO_EC_FIELD_MAX_BYTES];
    uint8_t again_memory[ECDSA_DER_MAX_BYTES];
    struct hf_buf fixed;
    struct hf_buf again;
    hf_buf_init_fixed(&fixed, fixed_memory, sizeof(fixed_memory));
    hf_buf_init_fixed(&again, again_memory, sizeof(again_memory));
    hf_err err = crypto_ec_signature_from_der(curve, der, &fixed);
    if (err == HF_OK)
        err = crypto_ec_signature_to_der(curve, hf_buf_view(&fixed), &again);
    if (err != HF_OK)
        return err;
    if (!hf_bytes_equal(hf_buf_view(&again), der))
        return HF_E_INVALID;
    hf_buf_put_bytes(out, hf_buf_view(&fixed));
    return hf_buf_err(out);
}
