/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of all nine algorithms: refusals, round trips, form, and RFC 7515's ECDSA P-521 example. */
#include "fixture.h"

#include "crypto/internal.h"

#include <openssl/rsa.h>
#include <string.h>

static struct crypto_key *keys[CRYPTO_KEY_EC_P521 + 1];

static const struct {
    enum crypto_signature algorithm;
    const char *name;
    enum crypto_key_type key_type;
    size_t size;
} rows[] = {
    { CRYPTO_RS256, "RS256", CRYPTO_KEY_RSA, 256 },
    { CRYPTO_RS384, "RS384", CRYPTO_KEY_RSA, 256 },
    { CRYPTO_RS512, "RS512", CRYPTO_KEY_RSA, 256 },
    { CRYPTO_PS256, "PS256", CRYPTO_KEY_RSA, 256 },
    { CRYPTO_PS384, "PS384", CRYPTO_KEY_RSA, 256 },
    { CRYPTO_PS512, "PS512", CRYPTO_KEY_RSA, 256 },
    { CRYPTO_ES256, "ES256", CRYPTO_KEY_EC_P256, 64 },
    { CRYPTO_ES384, "ES384", CRYPTO_KEY_EC_P384, 96 },
    { CRYPTO_ES512, "ES512", CRYPTO_KEY_EC_P521, 132 },
};

static int start(void **state)
{
    if (start_crypto(state) != 0 || crypto_key_generate_rsa(2048, &keys[CRYPTO_KEY_RSA]) != HF_OK)
        return -1;
    for (enum crypto_key_type type = CRYPTO_KEY_EC_P256; type <= CRYPTO_KEY_EC_P521; type++) {
        if (crypto_key_generate_ec(type, &keys[type]) != HF_OK)
            return -1;
    }
    return 0;
}

static int stop(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++)
        crypto_key_free(keys[i]);
    return 0;
}

static hf_bytes message(void)
{
    return hf_str_bytes(HF_LIT("the message"));
}

static void test_signature_unknown_names_are_refused(void **state HF_UNUSED)
{
    static const char *const names[] = { "",       "none",   "None", "HS256",  "HS512", "rs256",
                                         "RS256 ", "RS2560", "RS25", "ES256K", "EdDSA" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        enum crypto_signature algorithm = CRYPTO_ES512;
        EXPECT_ERR(HF_E_UNSUPPORTED, crypto_signature_parse(hf_str_from_c(names[i]), &algorithm));
        assert_int_equal(algorithm, CRYPTO_ES512);
    }
}

static void test_signature_names_go_both_ways(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        enum crypto_signature algorithm = CRYPTO_RS256;
        assert_true(
            hf_str_equal(crypto_signature_name(rows[i].algorithm), hf_str_from_c(rows[i].name)));
        EXPECT_OK(crypto_signature_parse(hf_str_from_c(rows[i].name), &algorithm));
        assert_int_equal(algorithm, rows[i].algorithm);
    }
}

static void test_signature_of_unfitting_key_is_refused(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < HF_ARRAY_LEN(keys); k++) {
            bool fits = k == (size_t)rows[i].key_type;
            assert_int_equal(crypto_signature_fits(rows[i].algorithm, keys[k]), fits);
            if (fits)
                continue;
            TEST_BUF(out);
            EXPECT_ERR(HF_E_INVALID, crypto_sign(keys[k], rows[i].algorithm, message(), &out));
            assert_int_equal(out.n, 0);
            EXPECT_ERR(HF_E_INVALID,
                       crypto_verify(keys[k], rows[i].algorithm, message(), message()));
        }
    }
}

static void test_sign_with_public_key_is_refused(void **state HF_UNUSED)
{
    EVP_PKEY *pkey = keys[CRYPTO_KEY_RSA]->pkey;
    assert_int_equal(EVP_PKEY_up_ref(pkey), 1);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *public_key = NULL;
    EXPECT_OK(crypto_key_adopt(&pkey, false, &public_key));
    TEST_BUF(out);
    EXPECT_ERR(HF_E_INVALID, crypto_sign(public_key, CRYPTO_RS256, message(), &out));
}

static void expect_not_verified(size_t row, hf_bytes text, hf_bytes signature)
{
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
               crypto_verify(keys[rows[row].key_type], rows[row].algorithm, text, signature));
}

static void test_verify_changed_signature_is_refused(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        TEST_BUF(out);
        EXPECT_OK(crypto_sign(keys[rows[i].key_type], rows[i].algorithm, message(), &out));
        for (size_t at = 0; at < out.n; at += 7) {
            out.p[at] ^= 1;
            expect_not_verified(i, message(), hf_buf_view(&out));
            out.p[at] ^= 1;
        }
        expect_not_verified(i, hf_str_bytes(HF_LIT("the messagf")), hf_buf_view(&out));
    }
}

static void test_verify_other_length_is_refused(void **state HF_UNUSED)
{
    static uint8_t long_zero[2000];
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        TEST_BUF(out);
        EXPECT_OK(crypto_sign(keys[rows[i].key_type], rows[i].algorithm, message(), &out));
        expect_not_verified(i, message(), (hf_bytes){ NULL, 0 });
        expect_not_verified(i, message(), (hf_bytes){ out.p, out.n - 1 });
        expect_not_verified(i, message(), (hf_bytes){ out.p, 1 });
        hf_buf_put_u8(&out, 0);
        expect_not_verified(i, message(), hf_buf_view(&out));
        expect_not_verified(i, message(), (hf_bytes){ long_zero, rows[i].size });
        expect_not_verified(i, message(), (hf_bytes){ long_zero, sizeof(long_zero) });
    }
}

static void test_sign_verifies_and_has_fixed_width(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        const struct crypto_key *key = keys[rows[i].key_type];
        for (int again = 0; again < 4; again++) {
            TEST_BUF(out);
            hf_buf_put_c(&out, "before");
            EXPECT_OK(crypto_sign(key, rows[i].algorithm, message(), &out));
            assert_int_equal(out.n, 6 + rows[i].size);
            EXPECT_OK(crypto_verify(key, rows[i].algorithm, message(),
                                    (hf_bytes){ out.p + 6, rows[i].size }));
        }
    }
}

static void test_sign_empty_message_verifies(void **state HF_UNUSED)
{
    const hf_bytes empty = { NULL, 0 };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        const struct crypto_key *key = keys[rows[i].key_type];
        TEST_BUF(out);
        EXPECT_OK(crypto_sign(key, rows[i].algorithm, empty, &out));
        EXPECT_OK(crypto_verify(key, rows[i].algorithm, empty, hf_buf_view(&out)));
    }
}

static void test_sign_into_small_buffer_is_too_large(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        uint8_t memory[63];
        struct hf_buf out;
        hf_buf_init_fixed(&out, memory, sizeof(memory));
        EXPECT_ERR(HF_E_TOO_LARGE,
                   crypto_sign(keys[rows[i].key_type], rows[i].algorithm, message(), &out));
    }
}

/* PS256 by libcrypto directly, with a salt of the given length. */
static void sign_with_salt(int salt_bytes, struct hf_buf *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    assert_non_null(context);
    assert_int_equal(EVP_DigestSignInit_ex(context, &options, "SHA256", NULL, NULL,
                                           keys[CRYPTO_KEY_RSA]->pkey, NULL),
                     1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt_bytes), 1);
    size_t n = 256;
    uint8_t *signature = hf_buf_reserve(out, n);
    assert_non_null(signature);
    assert_int_equal(EVP_DigestSign(context, signature, &n, message().p, message().n), 1);
    hf_buf_commit(out, n);
    EVP_MD_CTX_free(context);
}

static void test_verify_pss_salt_must_be_digest_length(void **state HF_UNUSED)
{
    static const int wrong[] = { 0, 20, 31, 33 };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        TEST_BUF(out);
        sign_with_salt(wrong[i], &out);
        EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
                   crypto_verify(keys[CRYPTO_KEY_RSA], CRYPTO_PS256, message(), hf_buf_view(&out)));
    }
    TEST_BUF(out);
    sign_with_salt(32, &out);
    EXPECT_OK(crypto_verify(keys[CRYPTO_KEY_RSA], CRYPTO_PS256, message(), hf_buf_view(&out)));
}

/* RFC 7515 appendix A.4; its payload is no JSON, so it is no JWT. */
static void test_verify_published_es512_example(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_json_freep)
    struct hf_json *jwk = make_json(
        "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":"
        "\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EO"
        "nYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_"
        "l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}");
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_from_jwk(jwk, &key));
    TEST_BUF(signature);
    EXPECT_OK(hf_base64url_decode_strict(
        HF_LIT("AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw"
               "_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukO"
               "XolLzeO_Jn"),
        &signature));
    EXPECT_OK(crypto_verify(key, CRYPTO_ES512,
                            hf_str_bytes(HF_LIT("eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA")),
                            hf_buf_view(&signature)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature_unknown_names_are_refused),
        cmocka_unit_test(test_signature_names_go_both_ways),
        cmocka_unit_test(test_signature_of_unfitting_key_is_refused),
        cmocka_unit_test(test_sign_with_public_key_is_refused),
        cmocka_unit_test(test_verify_changed_signature_is_refused),
        cmocka_unit_test(test_verify_other_length_is_refused),
        cmocka_unit_test(test_verify_pss_salt_must_be_digest_length),
        cmocka_unit_test(test_sign_into_small_buffer_is_too_large),
        cmocka_unit_test(test_sign_verifies_and_has_fixed_width),
        cmocka_unit_test(test_sign_empty_message_verifies),
        cmocka_unit_test(test_verify_published_es512_example),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
