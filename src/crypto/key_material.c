/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a vault: how they are made, and what they are as bytes.
 */
#include "crypto/key_material.h"

#include "base/assert.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define RSA_EXPONENT_USUAL 65537
#define RSA_EXPONENT_SMALL 3

enum crypto_key_family crypto_key_family_of(enum crypto_key_type type)
{
    if (type == CRYPTO_KEY_RSA)
        return CRYPTO_FAMILY_RSA;
    return type == CRYPTO_KEY_OCT ? CRYPTO_FAMILY_OCT : CRYPTO_FAMILY_EC;
}

hf_str crypto_curve_name(enum crypto_key_type type)
{
    const struct crypto_curve *curve = crypto_curve_of_type(type);
    return curve == NULL ? HF_LIT("") : hf_str_from_c(curve->jwk_name);
}

hf_err crypto_curve_parse(hf_str name, enum crypto_key_type *out)
{
    const struct crypto_curve *curve = crypto_curve_of_jwk_name(name);
    if (curve == NULL)
        return HF_E_UNSUPPORTED;
    *out = curve->type;
    return HF_OK;
}

/* Takes *octets, also on failure. */
HF_MUST static hf_err adopt_octets(struct hf_secret **octets, struct crypto_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *taken = hf_take(octets);
    struct crypto_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return HF_E_NOMEM;
    key->type = CRYPTO_KEY_OCT;
    key->bits = (int)(8 * hf_secret_size(taken));
    key->has_private = true;
    atomic_init(&key->owners, 1);
    key->octets = hf_take(&taken);
    *out = key;
    return HF_OK;
}

HF_MUST static hf_err generate_rsa(int bits, uint32_t exponent, struct crypto_key **out)
{
    HF_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    HF_CLEANUP(BN_clear_freep) BIGNUM *e = BN_new();
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    if (context == NULL || e == NULL || BN_set_word(e, exponent) != 1 ||
        EVP_PKEY_keygen_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) != 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) != 1 ||
        EVP_PKEY_generate(context, &pkey) != 1)
        return crypto_err_take("rsa");
    return crypto_key_adopt(&pkey, true, out);
}

HF_MUST static hf_err generate_octets(int bits, struct crypto_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *octets = NULL;
    hf_err err = crypto_random_secret((size_t)bits / 8, &octets);
    if (err != HF_OK)
        return err;
    return adopt_octets(&octets, out);
}

hf_err crypto_key_generate(const struct crypto_key_spec *spec, struct hf_diag *diag,
                           struct crypto_key **out)
{
    uint32_t exponent = spec->exponent == 0 ? RSA_EXPONENT_USUAL : spec->exponent;
    switch (crypto_key_family_of(spec->type)) {
    case CRYPTO_FAMILY_RSA:
        if (!crypto_rsa_bits_allowed(spec->bits))
            return hf_fail(diag, HF_E_INVALID, "key_size", "must be 2048, 3072 or 4096");
        if (exponent != RSA_EXPONENT_USUAL && exponent != RSA_EXPONENT_SMALL)
            return hf_fail(diag, HF_E_INVALID, "public_exponent", "must be 3 or 65537");
        return generate_rsa(spec->bits, exponent, out);
    case CRYPTO_FAMILY_EC:
        return crypto_key_generate_ec(spec->type, out);
    case CRYPTO_FAMILY_OCT:
        if (!crypto_aes_bits_allowed(spec->bits))
            return hf_fail(diag, HF_E_INVALID, "key_size", "must be 128, 192 or 256");
        return generate_octets(spec->bits, out);
    }
    return HF_E_INVALID;
}

hf_err crypto_key_import_octets(const struct hf_secret *octets, struct hf_diag *diag,
                                struct crypto_key **out)
{
    size_t n = hf_secret_size(octets);
    if (n == 0 || n > CRYPTO_OCT_MAX_BYTES)
        return hf_fail(diag, HF_E_INVALID, "k", "must have 1 to %d bytes", CRYPTO_OCT_MAX_BYTES);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *copy = NULL;
    hf_err err = hf_secret_dup(octets, &copy);
    if (err != HF_OK)
        return err;
    return adopt_octets(&copy, out);
}

HF_MUST static hf_err import_octets_jwk(const struct hf_json *jwk, struct hf_diag *diag,
                                        struct crypto_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *octets = NULL;
    hf_err err = crypto_jwk_read_octets(jwk, "k", CRYPTO_OCT_MAX_BYTES, diag, &octets);
    if (err != HF_OK)
        return err;
    return adopt_octets(&octets, out);
}

hf_err crypto_key_import_jwk(enum crypto_key_family family, const struct hf_json *jwk,
                             struct hf_diag *diag, struct crypto_key **out)
{
    switch (family) {
    case CRYPTO_FAMILY_RSA:
        return crypto_rsa_import_jwk(jwk, diag, out);
    case CRYPTO_FAMILY_EC:
        return crypto_ec_import_jwk(jwk, diag, out);
    case CRYPTO_FAMILY_OCT:
        return import_octets_jwk(jwk, diag, out);
    }
    return HF_E_INVALID;
}

hf_err crypto_key_import_pkcs8(const struct hf_secret *der, struct hf_diag *diag,
                               struct crypto_key **out)
{
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    hf_err err = crypto_pkey_from_pkcs8(der, &pkey);
    if (err == HF_E_INVALID)
        return hf_fail(diag, err, NULL, "the private key is no PKCS#8");
    if (err != HF_OK)
        return err;
    if (EVP_PKEY_is_a(pkey, "RSA") == 1)
        return crypto_rsa_import_pkey(pkey, diag, out);
    if (EVP_PKEY_is_a(pkey, "EC") == 1)
        return crypto_ec_import_pkey(pkey, diag, out);
    return hf_fail(diag, HF_E_INVALID, NULL, "the private key is neither RSA nor EC");
}

hf_err crypto_key_to_material(const struct crypto_key *key, struct hf_secret **out)
{
    if (key->type == CRYPTO_KEY_OCT)
        return hf_secret_dup(key->octets, out);
    return crypto_key_to_pkcs8(key, out);
}

HF_MUST static hf_err read_material(enum crypto_key_type type, const struct hf_secret *material,
                                    struct crypto_key **out)
{
    if (type == CRYPTO_KEY_OCT)
        return crypto_key_import_octets(material, NULL, out);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    hf_err err = crypto_key_from_pkcs8(material, &key);
    if (err != HF_OK)
        return err;
    if (key->type != type)
        return HF_E_INVALID;
    err = type == CRYPTO_KEY_RSA ? crypto_rsa_check_pair(key->pkey)
                                 : crypto_ec_check_pair(key->pkey);
    if (err != HF_OK)
        return err;
    *out = hf_take(&key);
    return HF_OK;
}

/* What was written here, and is not what it was. */
static hf_err as_corrupt(hf_err err)
{
    return err == HF_E_INVALID || err == HF_E_UNSUPPORTED ? HF_E_CORRUPT : err;
}

hf_err crypto_key_from_material(enum crypto_key_type type, int bits,
                                const struct hf_secret *material, struct crypto_key **out)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    hf_err err = read_material(type, material, &key);
    if (err != HF_OK)
        return as_corrupt(err);
    HF_ASSERT(key != NULL);
    if (key->bits != bits)
        return HF_E_CORRUPT;
    *out = hf_take(&key);
    return HF_OK;
}

/* width 0: as few bytes as it needs */
HF_MUST static hf_err put_number(const struct crypto_key *key, const char *param, size_t width,
                                 bool counted, struct hf_buf *out)
{
    HF_CLEANUP(BN_clear_freep) BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key->pkey, param, &number) != 1)
        return crypto_err_take("public");
    uint8_t octets[CRYPTO_RSA_BITS_MAX / 8];
    int n = width == 0 ? BN_num_bytes(number) : (int)width;
    if (n <= 0 || (size_t)n > sizeof(octets) || BN_bn2binpad(number, octets, n) != n)
        return crypto_err_take("public");
    if (counted)
        hf_buf_put_u16(out, (uint16_t)n);
    hf_buf_put(out, octets, (size_t)n);
    return hf_buf_err(out);
}

hf_err crypto_key_put_public(const struct crypto_key *key, struct hf_buf *out)
{
    if (key->type == CRYPTO_KEY_OCT)
        return HF_OK;
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    if (curve == NULL) {
        hf_err err = put_number(key, OSSL_PKEY_PARAM_RSA_N, 0, true, out);
        return err == HF_OK ? put_number(key, OSSL_PKEY_PARAM_RSA_E, 0, false, out) : err;
    }
    hf_err err = put_number(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->field_bytes, false, out);
    if (err != HF_OK)
        return err;
    return put_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->field_bytes, false, out);
}

HF_MUST static hf_err split_rsa(hf_bytes part, hf_bytes *n, hf_bytes *e)
{
    const size_t head = sizeof(uint16_t);
    if (part.n < head)
        return HF_E_CORRUPT;
    size_t n_bytes = (size_t)part.p[0] << 8 | part.p[1];
    if (n_bytes == 0 || part.n - head <= n_bytes || part.n > 2 * CRYPTO_RSA_BITS_MAX / 8)
        return HF_E_CORRUPT;
    *n = (hf_bytes){ part.p + head, n_bytes };
    *e = (hf_bytes){ part.p + head + n_bytes, part.n - head - n_bytes };
    return HF_OK;
}

HF_MUST static hf_err rsa_from_public(hf_bytes part, struct crypto_key **out)
{
    hf_bytes n;
    hf_bytes e;
    hf_err err = split_rsa(part, &n, &e);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(BN_clear_freep) BIGNUM *modulus = BN_bin2bn(n.p, (int)n.n, NULL);
    HF_CLEANUP(BN_clear_freep) BIGNUM *exponent = BN_bin2bn(e.p, (int)e.n, NULL);
    if (modulus == NULL || exponent == NULL)
        return crypto_err_take("public");
    return as_corrupt(crypto_rsa_from_public(modulus, exponent, out));
}

hf_err crypto_key_from_public(enum crypto_key_type type, hf_bytes part, struct crypto_key **out)
{
    switch (crypto_key_family_of(type)) {
    case CRYPTO_FAMILY_RSA:
        return rsa_from_public(part, out);
    case CRYPTO_FAMILY_EC: {
        const struct crypto_curve *curve = crypto_curve_of_type(type);
        return curve == NULL ? HF_E_INVALID : as_corrupt(crypto_ec_from_public(curve, part, out));
    }
    case CRYPTO_FAMILY_OCT:
        break;
    }
    return HF_E_INVALID;
}

HF_MUST static hf_err write_member(struct hf_json_writer *w, const char *name, hf_bytes number)
{
    char memory[(CRYPTO_RSA_BITS_MAX / 8 + 2) / 3 * 4];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    hf_buf_put_base64url(&text, number);
    if (hf_buf_err(&text) != HF_OK)
        return HF_E_CORRUPT;
    hf_jw_member_str(w, name, hf_buf_str(&text));
    return hf_buf_err(w->buf);
}

HF_MUST static hf_err write_pair(struct hf_json_writer *w, const char *const names[2],
                                 hf_bytes first, hf_bytes second)
{
    hf_err err = write_member(w, names[0], first);
    return err == HF_OK ? write_member(w, names[1], second) : err;
}

hf_err crypto_public_write_members(enum crypto_key_type type, hf_bytes part,
                                   struct hf_json_writer *w)
{
    static const char *const rsa_names[] = { "n", "e" };
    static const char *const ec_names[] = { "x", "y" };
    if (type == CRYPTO_KEY_OCT)
        return part.n == 0 ? HF_OK : HF_E_CORRUPT;
    const struct crypto_curve *curve = crypto_curve_of_type(type);
    if (curve == NULL) {
        hf_bytes n;
        hf_bytes e;
        hf_err err = split_rsa(part, &n, &e);
        return err == HF_OK ? write_pair(w, rsa_names, n, e) : err;
    }
    const size_t width = curve->field_bytes;
    if (part.n != 2 * width)
        return HF_E_CORRUPT;
    hf_jw_member_c(w, "crv", curve->jwk_name);
    return write_pair(w, ec_names, (hf_bytes){ part.p, width },
                      (hf_bytes){ part.p + width, width });
}
