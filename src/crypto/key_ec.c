/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elliptic curve keys over the NIST curves (SP 800-186) and secp256k1 (SEC 2): generation, x and y as JWK members
 * (RFC 7518 §6.2.1), and signatures between DER and the fixed width of RFC 7518 §3.4.
 */
#include "crypto/internal.h"

#include <openssl/core_names.h>

#define POINT_MAX_BYTES (1 + 2 * CRYPTO_EC_FIELD_MAX_BYTES)
#define BASE64_GROUP_BYTES 3 /* decoding works in whole groups */

static const struct crypto_curve curves[] = {
    /* type, JWK name, provider's group, bytes of a coordinate */
    { CRYPTO_KEY_EC_P256, "P-256", "prime256v1", 32 },
    { CRYPTO_KEY_EC_P384, "P-384", "secp384r1", 48 },
    { CRYPTO_KEY_EC_P521, "P-521", "secp521r1", CRYPTO_EC_FIELD_MAX_BYTES },
    { CRYPTO_KEY_EC_P256K, "P-256K", "secp256k1", 32 },
};

const struct crypto_curve *crypto_curve_of_type(enum crypto_key_type type)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(curves); i++) {
        if (curves[i].type == type)
            return &curves[i];
    }
    return NULL;
}

const struct crypto_curve *crypto_curve_of_group(hf_str group_name)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(curves); i++) {
        if (hf_str_equal(hf_str_from_c(curves[i].group_name), group_name))
            return &curves[i];
    }
    return NULL;
}

const struct crypto_curve *crypto_curve_of_jwk_name(hf_str jwk_name)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(curves); i++) {
        if (hf_str_equal(hf_str_from_c(curves[i].jwk_name), jwk_name))
            return &curves[i];
    }
    return NULL;
}

hf_err crypto_key_generate_ec(enum crypto_key_type type, struct crypto_key **out)
{
    const struct crypto_curve *curve = crypto_curve_of_type(type);
    if (curve == NULL)
        return HF_E_INVALID;
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_EC_gen(curve->group_name);
    if (pkey == NULL)
        return crypto_err_take("ec");
    return crypto_key_adopt(&pkey, true, out);
}

/* Exactly the field's width: RFC 7518 §6.2.1.2. */
HF_MUST static hf_err decode_coordinate(const struct hf_json *jwk, const char *name,
                                        const struct crypto_curve *curve, struct hf_buf *point)
{
    size_t before = point->n;
    hf_err err = crypto_jwk_decode_member(jwk, name, point);
    if (err == HF_E_TOO_LARGE)
        return HF_E_INVALID;
    if (err != HF_OK)
        return err;
    return point->n - before == curve->field_bytes ? HF_OK : HF_E_INVALID;
}

HF_MUST static hf_err decode_point(const struct hf_json *jwk, const struct crypto_curve *curve,
                                   struct hf_buf *point)
{
    hf_buf_put_u8(point, CRYPTO_POINT_UNCOMPRESSED);
    hf_err err = decode_coordinate(jwk, "x", curve, point);
    if (err != HF_OK)
        return err;
    return decode_coordinate(jwk, "y", curve, point);
}

/* The point is on the curve, in range, and not the one at infinity: SP 800-56A §5.6.2.3.3. */
HF_MUST static hf_err check_point(EVP_PKEY *pkey)
{
    HF_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (context == NULL)
        return crypto_err_take("jwk");
    if (EVP_PKEY_public_check(context) != 1)
        return crypto_err_refuse("jwk", HF_E_INVALID);
    return HF_OK;
}

HF_MUST static hf_err make_public(const struct crypto_curve *curve, const struct hf_buf *point,
                                  struct crypto_key **out)
{
    HF_CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group_name,
                                        0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point->p, point->n) != 1)
        return crypto_err_take("jwk");
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    hf_err err = crypto_pkey_from_params("EC", EVP_PKEY_PUBLIC_KEY, builder, &pkey);
    if (err != HF_OK)
        return err;
    err = check_point(pkey);
    if (err != HF_OK)
        return err;
    return crypto_key_adopt(&pkey, false, out);
}

hf_err crypto_ec_from_public(const struct crypto_curve *curve, hf_bytes coordinates,
                             struct crypto_key **out)
{
    if (coordinates.n != 2 * curve->field_bytes)
        return HF_E_INVALID;
    uint8_t memory[POINT_MAX_BYTES];
    struct hf_buf point;
    hf_buf_init_fixed(&point, memory, sizeof(memory));
    hf_buf_put_u8(&point, CRYPTO_POINT_UNCOMPRESSED);
    hf_buf_put_bytes(&point, coordinates);
    return make_public(curve, &point, out);
}

hf_err crypto_ec_from_jwk(const struct hf_json *jwk, struct crypto_key **out)
{
    const struct hf_json *name = hf_json_member(jwk, "crv");
    if (name == NULL || hf_json_type(name) != HF_JSON_STRING)
        return HF_E_INVALID;
    const struct crypto_curve *curve = crypto_curve_of_jwk_name(hf_json_str(name));
    if (curve == NULL)
        return HF_E_UNSUPPORTED;
    uint8_t memory[POINT_MAX_BYTES + BASE64_GROUP_BYTES];
    struct hf_buf point;
    hf_buf_init_fixed(&point, memory, sizeof(memory));
    hf_err err = decode_point(jwk, curve, &point);
    if (err != HF_OK)
        return err;
    return make_public(curve, &point, out);
}

hf_err crypto_ec_write_jwk(const struct crypto_key *key, struct hf_json_writer *w)
{
    const struct crypto_curve *curve = crypto_curve_of_type(key->type);
    if (curve == NULL)
        return HF_E_INVALID;
    HF_CLEANUP(BN_clear_freep) BIGNUM *x = NULL;
    HF_CLEANUP(BN_clear_freep) BIGNUM *y = NULL;
    if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
        EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1)
        return crypto_err_take("jwk");
    hf_jw_member_c(w, "kty", "EC");
    hf_jw_member_c(w, "crv", curve->jwk_name);
    hf_err err = crypto_jwk_write_number(w, "x", x, curve->field_bytes);
    if (err != HF_OK)
        return err;
    return crypto_jwk_write_number(w, "y", y, curve->field_bytes);
}

hf_err crypto_ec_signature_from_der(const struct crypto_curve *curve, hf_bytes der,
                                    struct hf_buf *out)
{
    int width = (int)curve->field_bytes;
    const uint8_t *next = der.p;
    HF_CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &next, (long)der.n);
    if (parts == NULL)
        return crypto_err_refuse("ecdsa", HF_E_INVALID);
    uint8_t *fixed = hf_buf_reserve(out, 2 * curve->field_bytes);
    if (fixed == NULL)
        return hf_buf_err(out);
    if (BN_bn2binpad(ECDSA_SIG_get0_r(parts), fixed, width) != width ||
        BN_bn2binpad(ECDSA_SIG_get0_s(parts), fixed + width, width) != width)
        return crypto_err_refuse("ecdsa", HF_E_INVALID);
    hf_buf_commit(out, 2 * curve->field_bytes);
    return HF_OK;
}

HF_MUST static hf_err write_der(const ECDSA_SIG *parts, struct hf_buf *out)
{
    int size = i2d_ECDSA_SIG(parts, NULL);
    if (size <= 0)
        return crypto_err_take("ecdsa");
    uint8_t *end = hf_buf_reserve(out, (size_t)size);
    if (end == NULL)
        return hf_buf_err(out);
    if (i2d_ECDSA_SIG(parts, &end) != size)
        return crypto_err_take("ecdsa");
    hf_buf_commit(out, (size_t)size);
    return HF_OK;
}

hf_err crypto_ec_signature_to_der(const struct crypto_curve *curve, hf_bytes signature,
                                  struct hf_buf *out)
{
    if (signature.n != 2 * curve->field_bytes)
        return HF_E_INVALID;
    int width = (int)curve->field_bytes;
    HF_CLEANUP(BN_clear_freep) BIGNUM *r = BN_bin2bn(signature.p, width, NULL);
    HF_CLEANUP(BN_clear_freep) BIGNUM *s = BN_bin2bn(signature.p + width, width, NULL);
    HF_CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *parts = ECDSA_SIG_new();
    if (r == NULL || s == NULL || parts == NULL)
        return crypto_err_take("ecdsa");
    if (ECDSA_SIG_set0(parts, r, s) != 1)
        return crypto_err_take("ecdsa");
    r = NULL; /* parts owns both now */
    s = NULL;
    return write_der(parts, out);
}
