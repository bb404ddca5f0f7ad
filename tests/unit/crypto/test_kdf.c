/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation against libcrypto's own KBKDF, which is another implementation of SP 800-108. */
#include "fixture.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

static void derive_with_kbkdf(const uint8_t key[32], const char *label, hf_bytes context,
                              uint8_t out[32])
{
    char mode[] = "counter";
    char mac[] = "HMAC";
    char digest[] = "SHA256";
    uint8_t key_copy[32];
    memcpy(key_copy, key, sizeof(key_copy));
    uint8_t label_copy[64];
    memcpy(label_copy, label, strlen(label));
    uint8_t context_copy[256];
    memcpy(context_copy, context.p, context.n);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key_copy, sizeof(key_copy)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, label_copy, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context_copy, context.n),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    assert_non_null(kdf);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_non_null(ctx);
    assert_int_equal(EVP_KDF_derive(ctx, out, 32, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void test_kdf_key_of_wrong_size_is_refused(void **state HF_UNUSED)
{
    static const size_t sizes[] = { 0, 16, 31, 33, 64 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *key = make_filled_secret(1, sizes[i]);
        struct hf_secret *derived = NULL;
        EXPECT_ERR(HF_E_INVALID,
                   crypto_kdf(key, HF_LIT("label"), hf_str_bytes(HF_LIT("c")), &derived));
        assert_null(derived);
    }
}

static void test_kdf_equals_the_library_kbkdf(void **state HF_UNUSED)
{
    static const struct {
        const char *label;
        size_t context_bytes;
    } cases[] = {
        { "holdfast record v1", 1 },
        { "holdfast record v1", 80 },
        { "another label", 200 },
    };
    uint8_t key_bytes[32];
    uint8_t context[200];
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        EXPECT_OK(crypto_random(key_bytes, sizeof(key_bytes)));
        EXPECT_OK(crypto_random(context, sizeof(context)));
        hf_bytes used = { context, cases[i].context_bytes };
        uint8_t expected[32];
        derive_with_kbkdf(key_bytes, cases[i].label, used, expected);
        HF_CLEANUP(hf_secret_freep) struct hf_secret *key = make_secret(key_bytes, 32);
        HF_CLEANUP(hf_secret_freep) struct hf_secret *derived = NULL;
        EXPECT_OK(crypto_kdf(key, hf_str_from_c(cases[i].label), used, &derived));
        assert_true(hf_secret_equal(derived, (hf_bytes){ expected, sizeof(expected) }));
    }
}

static void test_kdf_label_and_context_do_not_run_together(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = make_filled_secret(1, 32);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *a = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *b = NULL;
    EXPECT_OK(crypto_kdf(key, HF_LIT("ab"), hf_str_bytes(HF_LIT("c")), &a));
    EXPECT_OK(crypto_kdf(key, HF_LIT("a"), hf_str_bytes(HF_LIT("bc")), &b));
    assert_false(hf_secret_equal(a, hf_secret_view(b)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kdf_key_of_wrong_size_is_refused),
        cmocka_unit_test(test_kdf_equals_the_library_kbkdf),
        cmocka_unit_test(test_kdf_label_and_context_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
