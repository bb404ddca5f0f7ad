/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EC key pairs from outside (RFC 7518 §6.2): the public point is checked first, then that d is in range and belongs to it.
 */
#include "crypto/internal.h"

#include <openssl/core_names.h>

#define PAIR_GROUP_MAX_BYTES 64

struct ec_numbers {
    const struct crypto_curve *curve;
    BIGNUM *x;
    BIGNUM *y;
    BIGNUM *d;
};

static void ec_numbers_done(struct ec_numbers *numbers)
{
    BN_clear_free(numbers->x);
    BN_clear_free(numbers->y);
    BN_clear_free(numbers->d);
}

HF_MUST static hf_err check_with(EVP_PKEY *pkey, int (*check)(EVP_PKEY_CTX *))
{
    HF_CLEANUP(EVP_PKEY_CTX_freep)
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (context == NULL)
        return crypto_err_take("ec");
    return check(context) == 1 ? HF_OK : crypto_err_refuse("ec", HF_E_INVALID);
}

/* The numbers are in the field; x || y behind what point has. */
HF_MUST static hf_err put_point(const struct ec_numbers *key, struct hf_diag *diag,
                                struct hf_buf *point)
{
    const BIGNUM *const numbers[] = { key->x, key->y };
    static const char *const names[] = { "x", "y" };
    int width = (int)key->curve->field_bytes;
    for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++) {
        uint8_t *next = hf_buf_reserve(point, key->curve->field_bytes);
        if (next == NULL)
            return hf_buf_err(point);
        if (BN_bn2binpad(numbers[i], next, width) != width)
            return hf_fail(diag, crypto_err_refuse("ec", HF_E_INVALID), names[i], "is too long");
        hf_buf_commit(point, key->curve->field_bytes);
    }
    return HF_OK;
}

HF_MUST static hf_err build_pair(const struct ec_numbers *key, const struct hf_buf *coordinates,
                                 EVP_PKEY **out)
{
    uint8_t memory[1 + 2 * CRYPTO_EC_FIELD_MAX_BYTES];
    struct hf_buf point;
    hf_buf_init_fixed(&point, memory, sizeof(memory));
    hf_buf_put_u8(&point, CRYPTO_POINT_UNCOMPRESSED);
    hf_buf_put_bytes(&point, hf_buf_view(coordinates));
    HF_CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, key->curve->group_name,
                                        0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, key->d) != 1)
        return crypto_err_take("ec");
    return crypto_pkey_from_params("EC", EVP_PKEY_KEYPAIR, builder, out);
}

/* 1 <= d < order */
HF_MUST static hf_err check_range(const struct ec_numbers *key, const struct crypto_key *public)
{
    HF_CLEANUP(BN_clear_freep) BIGNUM *order = NULL;
    if (EVP_PKEY_get_bn_param(public->pkey, OSSL_PKEY_PARAM_EC_ORDER, &order) != 1)
        return crypto_err_take("ec");
    return BN_is_zero(key->d) || BN_cmp(key->d, order) >= 0 ? HF_E_INVALID : HF_OK;
}

HF_MUST static hf_err make_pair(const struct ec_numbers *key, struct hf_diag *diag,
                                struct crypto_key **out)
{
    uint8_t memory[2 * CRYPTO_EC_FIELD_MAX_BYTES];
    struct hf_buf coordinates;
    hf_buf_init_fixed(&coordinates, memory, sizeof(memory));
    hf_err err = put_point(key, diag, &coordinates);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *public = NULL;
    err = crypto_ec_from_public(key->curve, hf_buf_view(&coordinates), &public);
    if (err != HF_OK)
        return hf_fail(diag, err, "x", "x and y are no point of the curve");
    err = check_range(key, public);
    if (err != HF_OK)
        return hf_fail(diag, err, "d", "is out of range");
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
    err = build_pair(key, &coordinates, &pkey);
    if (err == HF_OK)
        err = check_with(pkey, EVP_PKEY_pairwise_check);
    if (err != HF_OK)
        return hf_fail(diag, err, "d", "does not belong to x and y");
    return crypto_key_adopt(&pkey, true, out);
}

hf_err crypto_ec_import_jwk(const struct hf_json *jwk, struct hf_diag *diag,
                            struct crypto_key **out)
{
    HF_CLEANUP(ec_numbers_done) struct ec_numbers key = { 0 };
    const struct hf_json *name = hf_json_member(jwk, "crv");
    if (hf_json_type(name) != HF_JSON_STRING)
        return hf_fail(diag, HF_E_INVALID, "crv", "is required");
    key.curve = crypto_curve_of_jwk_name(hf_json_str(name));
    if (key.curve == NULL)
        return hf_fail(diag, HF_E_INVALID, "crv", "must be P-256, P-384, P-521 or P-256K");
    size_t max_bytes = key.curve->field_bytes + 1; /* a sign byte in front */
    hf_err err = crypto_jwk_read_number(jwk, "x", max_bytes, diag, &key.x);
    if (err == HF_OK)
        err = crypto_jwk_read_number(jwk, "y", max_bytes, diag, &key.y);
    if (err == HF_OK)
        err = crypto_jwk_read_number(jwk, "d", max_bytes, diag, &key.d);
    if (err != HF_OK)
        return err;
    return make_pair(&key, diag, out);
}

hf_err crypto_ec_import_pkey(EVP_PKEY *pkey, struct hf_diag *diag, struct crypto_key **out)
{
    char group[PAIR_GROUP_MAX_BYTES];
    size_t n = 0;
    HF_CLEANUP(ec_numbers_done) struct ec_numbers key = { 0 };
    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1)
        key.curve = crypto_curve_of_group((hf_str){ group, n });
    if (key.curve == NULL)
        return hf_fail(diag, crypto_err_refuse("ec", HF_E_INVALID), "crv", "unknown curve");
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &key.x) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &key.y) != 1 ||
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &key.d) != 1)
        return hf_fail(diag, crypto_err_refuse("ec", HF_E_INVALID), "d", "is required");
    return make_pair(&key, diag, out);
}

hf_err crypto_ec_check_pair(EVP_PKEY *pkey)
{
    return check_with(pkey, EVP_PKEY_pairwise_check);
}
