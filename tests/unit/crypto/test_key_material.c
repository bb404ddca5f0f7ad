/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's keys as JSON and as bytes: wrong ones first, then that each is the same after the way there and back. */
#include "fixture.h"

#include "crypto/internal.h"
#include "crypto/key_material.h"
#include "crypto/operation.h"

#include <openssl/core_names.h>
#include <string.h>

static const struct {
    const char *member;
    const char *param;
} rsa_members[] = {
    { "n", OSSL_PKEY_PARAM_RSA_N },          { "e", OSSL_PKEY_PARAM_RSA_E },
    { "d", OSSL_PKEY_PARAM_RSA_D },          { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
    { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },    { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 }, { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};

static struct crypto_key *make_key(enum crypto_key_type type, int bits)
{
    const struct crypto_key_spec spec = { type, bits, 0 };
    struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate(&spec, NULL, &key));
    return key;
}

/* What is done to the one member. */
enum change {
    CHANGE_NONE,
    CHANGE_LEAVE_OUT,
    CHANGE_BIT,
    CHANGE_PARITY,
    CHANGE_ZERO,
    CHANGE_ONE,
    CHANGE_LONG,
    CHANGE_NUMBER,
    CHANGE_TEXT,
    CHANGE_SIGN_BYTE
};

static void put_member(struct hf_json_writer *w, const char *name, hf_bytes value,
                       enum change change)
{
    uint8_t octets[600] = { 0 };
    size_t n = value.n;
    memcpy(octets + 1, value.p, value.n);
    if (change == CHANGE_LEAVE_OUT)
        return;
    if (change == CHANGE_NUMBER) {
        hf_jw_member_int(w, name, 1);
        return;
    }
    if (change == CHANGE_TEXT) {
        hf_jw_member_c(w, name, "!!!!");
        return;
    }
    if (change == CHANGE_BIT)
        octets[n] ^= 2;
    if (change == CHANGE_PARITY)
        octets[n] ^= 1;
    if (change == CHANGE_ZERO || change == CHANGE_ONE)
        memset(octets, 0, sizeof(octets));
    if (change == CHANGE_ONE)
        octets[n] = 1;
    if (change == CHANGE_LONG)
        n = sizeof(octets) - 1;
    const bool from_zero = change == CHANGE_SIGN_BYTE;
    TEST_BUF(text);
    hf_buf_put_base64url(&text, (hf_bytes){ octets + !from_zero, n + from_zero });
    hf_jw_member_str(w, name, hf_buf_str(&text));
}

static void put_number(struct hf_json_writer *w, const struct crypto_key *key, const char *name,
                       const char *param, size_t width, enum change change)
{
    HF_CLEANUP(BN_clear_freep) BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key->pkey, param, &number), 1);
    uint8_t octets[512];
    const int n = width == 0 ? BN_num_bytes(number) : (int)width;
    assert_int_equal(BN_bn2binpad(number, octets, n), n);
    put_member(w, name, (hf_bytes){ octets, (size_t)n }, change);
}

static struct hf_json *write_rsa(const struct crypto_key *key, size_t member, enum change change)
{
    TEST_BUF(text);
    struct hf_json_writer w = hf_json_writer_on(&text);
    hf_jw_begin_object(&w);
    for (size_t i = 0; i < HF_ARRAY_LEN(rsa_members); i++)
        put_number(&w, key, rsa_members[i].member, rsa_members[i].param, 0,
                   i == member ? change : CHANGE_NONE);
    hf_jw_end_object(&w);
    hf_buf_put_u8(&text, 0);
    return make_json(hf_buf_str(&text).p);
}

static struct hf_json *write_ec(const struct crypto_key *key, const char *crv, size_t member,
                                enum change change)
{
    static const struct {
        const char *member;
        const char *param;
    } members[] = { { "x", OSSL_PKEY_PARAM_EC_PUB_X },
                    { "y", OSSL_PKEY_PARAM_EC_PUB_Y },
                    { "d", OSSL_PKEY_PARAM_PRIV_KEY } };
    const size_t width = crypto_curve_of_type(key->type)->field_bytes;
    TEST_BUF(text);
    struct hf_json_writer w = hf_json_writer_on(&text);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "crv", crv);
    for (size_t i = 0; i < HF_ARRAY_LEN(members); i++)
        put_number(&w, key, members[i].member, members[i].param, width,
                   i == member ? change : CHANGE_NONE);
    hf_jw_end_object(&w);
    hf_buf_put_u8(&text, 0);
    return make_json(hf_buf_str(&text).p);
}

static void expect_refused(enum crypto_key_family family, const struct hf_json *jwk,
                           const char *what)
{
    struct crypto_key *key = NULL;
    struct hf_diag diag = { 0 };
    const hf_err err = crypto_key_import_jwk(family, jwk, &diag, &key);
    if (err != HF_E_INVALID || key != NULL || diag.field[0] == '\0')
        fail_msg("%s: %s, %s", what, hf_err_name(err), diag.field);
}

static void test_key_material_rsa_with_a_wrong_member_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key(CRYPTO_KEY_RSA, 2048);
    for (size_t i = 0; i < HF_ARRAY_LEN(rsa_members); i++) {
        for (enum change change = CHANGE_LEAVE_OUT; change <= CHANGE_TEXT; change++) {
            HF_CLEANUP(hf_json_freep) struct hf_json *jwk = write_rsa(key, i, change);
            expect_refused(CRYPTO_FAMILY_RSA, jwk, rsa_members[i].member);
        }
    }
}

static void test_key_material_ec_with_a_wrong_member_is_refused(void **state HF_UNUSED)
{
    for (enum crypto_key_type type = CRYPTO_KEY_EC_P256; type <= CRYPTO_KEY_EC_P256K; type++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key(type, 0);
        for (size_t i = 0; i < 3; i++) {
            for (enum change change = CHANGE_LEAVE_OUT; change <= CHANGE_TEXT; change++) {
                HF_CLEANUP(hf_json_freep)
                struct hf_json *jwk = write_ec(key, crypto_curve_name(type).p, i, change);
                expect_refused(CRYPTO_FAMILY_EC, jwk, "ec");
            }
        }
        static const char *const others[] = { "P-256", "P-384", "P-521", "P-256K", "p-256", "" };
        for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
            if (strcmp(others[i], crypto_curve_name(type).p) == 0)
                continue;
            HF_CLEANUP(hf_json_freep)
            struct hf_json *jwk = write_ec(key, others[i], 9, CHANGE_NONE);
            expect_refused(CRYPTO_FAMILY_EC, jwk, others[i]);
        }
    }
}

static void test_key_material_wrong_sizes_are_refused(void **state HF_UNUSED)
{
    static const struct crypto_key_spec specs[] = {
        { CRYPTO_KEY_RSA, 0, 0 },    { CRYPTO_KEY_RSA, 1024, 0 }, { CRYPTO_KEY_RSA, 2056, 0 },
        { CRYPTO_KEY_RSA, 8192, 0 }, { CRYPTO_KEY_RSA, 2048, 1 }, { CRYPTO_KEY_RSA, 2048, 65536 },
        { CRYPTO_KEY_OCT, 0, 0 },    { CRYPTO_KEY_OCT, 64, 0 },   { CRYPTO_KEY_OCT, 512, 0 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(specs); i++) {
        struct crypto_key *key = NULL;
        EXPECT_ERR(HF_E_INVALID, crypto_key_generate(&specs[i], NULL, &key));
        assert_null(key);
    }
    static const size_t sizes[] = { 0, 65 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        struct crypto_key *key = NULL;
        HF_CLEANUP(hf_secret_freep) struct hf_secret *octets = make_filled_secret(1, sizes[i]);
        EXPECT_ERR(HF_E_INVALID, crypto_key_import_octets(octets, NULL, &key));
    }
}

static void test_key_material_other_type_or_bits_is_corrupt(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key(CRYPTO_KEY_EC_P256, 0);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *material = NULL;
    EXPECT_OK(crypto_key_to_material(key, &material));
    struct crypto_key *found = NULL;
    EXPECT_ERR(HF_E_CORRUPT, crypto_key_from_material(CRYPTO_KEY_EC_P256K, 256, material, &found));
    EXPECT_ERR(HF_E_CORRUPT, crypto_key_from_material(CRYPTO_KEY_RSA, 256, material, &found));
    EXPECT_ERR(HF_E_CORRUPT, crypto_key_from_material(CRYPTO_KEY_EC_P256, 255, material, &found));
    EXPECT_ERR(HF_E_CORRUPT, crypto_key_from_material(CRYPTO_KEY_OCT, 256, material, &found));
    EXPECT_ERR(HF_E_CORRUPT, crypto_key_from_public(CRYPTO_KEY_RSA, (hf_bytes){ NULL, 0 }, &found));
    EXPECT_ERR(HF_E_CORRUPT,
               crypto_key_from_public(CRYPTO_KEY_EC_P256, (hf_bytes){ NULL, 0 }, &found));
    assert_null(found);
}

static void expect_same_after_storing(const struct crypto_key *key)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *material = NULL;
    EXPECT_OK(crypto_key_to_material(key, &material));
    HF_CLEANUP(crypto_key_freep) struct crypto_key *found = NULL;
    EXPECT_OK(crypto_key_from_material(key->type, key->bits, material, &found));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *again = NULL;
    EXPECT_OK(crypto_key_to_material(found, &again));
    assert_true(hf_secret_equal(again, hf_secret_view(material)));
    TEST_BUF(part);
    EXPECT_OK(crypto_key_put_public(key, &part));
    TEST_BUF(text);
    struct hf_json_writer w = hf_json_writer_on(&text);
    hf_jw_begin_object(&w);
    EXPECT_OK(crypto_public_write_members(key->type, hf_buf_view(&part), &w));
    if (key->type == CRYPTO_KEY_OCT) {
        assert_int_equal(part.n, 0);
        return;
    }
    hf_jw_member_c(&w, "kty", key->type == CRYPTO_KEY_RSA ? "RSA" : "EC");
    hf_jw_end_object(&w);
    hf_buf_put_u8(&text, 0);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *public = NULL;
    EXPECT_OK(crypto_key_from_public(key->type, hf_buf_view(&part), &public));
    assert_int_equal(EVP_PKEY_eq(public->pkey, key->pkey), 1);
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = make_json(hf_buf_str(&text).p);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *read = NULL;
    EXPECT_OK(crypto_key_from_jwk(jwk, &read));
    assert_int_equal(EVP_PKEY_eq(read->pkey, key->pkey), 1);
    struct crypto_key *imported = NULL;
    EXPECT_OK(crypto_key_import_pkcs8(material, NULL, &imported));
    assert_int_equal(EVP_PKEY_eq(imported->pkey, key->pkey), 1);
    crypto_key_free(imported);
}

static void test_key_material_keys_are_the_same_after_storing(void **state HF_UNUSED)
{
    static const struct crypto_key_spec specs[] = {
        { CRYPTO_KEY_RSA, 2048, 0 },  { CRYPTO_KEY_RSA, 2048, 3 },  { CRYPTO_KEY_EC_P256, 0, 0 },
        { CRYPTO_KEY_EC_P384, 0, 0 }, { CRYPTO_KEY_EC_P521, 0, 0 }, { CRYPTO_KEY_EC_P256K, 0, 0 },
        { CRYPTO_KEY_OCT, 128, 0 },   { CRYPTO_KEY_OCT, 192, 0 },   { CRYPTO_KEY_OCT, 256, 0 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(specs); i++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
        EXPECT_OK(crypto_key_generate(&specs[i], NULL, &key));
        expect_same_after_storing(key);
    }
}

static void expect_imports(enum crypto_key_family family, const struct hf_json *jwk,
                           const struct crypto_key *expected)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *found = NULL;
    struct hf_diag diag = { 0 };
    const hf_err err = crypto_key_import_jwk(family, jwk, &diag, &found);
    if (err != HF_OK)
        fail_msg("%s %s", diag.field, diag.text);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *one = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *other = NULL;
    EXPECT_OK(crypto_key_to_material(found, &one));
    EXPECT_OK(crypto_key_to_material(expected, &other));
    assert_true(hf_secret_equal(one, hf_secret_view(other)));
}

static void test_key_material_private_jwks_are_read(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *rsa = make_key(CRYPTO_KEY_RSA, 2048);
    HF_CLEANUP(hf_json_freep) struct hf_json *plain = write_rsa(rsa, 99, CHANGE_NONE);
    expect_imports(CRYPTO_FAMILY_RSA, plain, rsa);
    HF_CLEANUP(hf_json_freep) struct hf_json *with_sign = write_rsa(rsa, 0, CHANGE_SIGN_BYTE);
    expect_imports(CRYPTO_FAMILY_RSA, with_sign, rsa);
    for (enum crypto_key_type type = CRYPTO_KEY_EC_P256; type <= CRYPTO_KEY_EC_P256K; type++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key(type, 0);
        for (size_t i = 0; i < 3; i++) {
            HF_CLEANUP(hf_json_freep)
            struct hf_json *jwk = write_ec(key, crypto_curve_name(type).p, i, CHANGE_SIGN_BYTE);
            expect_imports(CRYPTO_FAMILY_EC, jwk, key);
        }
    }
    HF_CLEANUP(hf_json_freep) struct hf_json *oct = make_json("{\"k\":\"AAECAw\"}");
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_import_jwk(CRYPTO_FAMILY_OCT, oct, NULL, &key));
    assert_int_equal(crypto_key_bits(key), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_material_rsa_with_a_wrong_member_is_refused),
        cmocka_unit_test(test_key_material_ec_with_a_wrong_member_is_refused),
        cmocka_unit_test(test_key_material_wrong_sizes_are_refused),
        cmocka_unit_test(test_key_material_other_type_or_bits_is_corrupt),
        cmocka_unit_test(test_key_material_keys_are_the_same_after_storing),
        cmocka_unit_test(test_key_material_private_jwks_are_read),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
