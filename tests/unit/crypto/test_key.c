/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs: what is refused, and that PKCS#8 and PEM give the same key back. */
#include "fixture.h"

#include "crypto/internal.h"

#include <openssl/pem.h>
#include <string.h>

static struct crypto_key *make_ec(enum crypto_key_type type)
{
    struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate_ec(type, &key));
    return key;
}

static struct hf_secret *make_pkcs8(const struct crypto_key *key)
{
    struct hf_secret *der = NULL;
    EXPECT_OK(crypto_key_to_pkcs8(key, &der));
    return der;
}

/* PKCS#8 of a key that is none of ours. */
static struct hf_secret *make_foreign_pkcs8(EVP_PKEY *pkey)
{
    assert_non_null(pkey);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    assert_non_null(info);
    uint8_t *der = NULL;
    int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    assert_true(n > 0);
    struct hf_secret *secret = make_secret(der, (size_t)n);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(pkey);
    return secret;
}

static void test_key_generate_rsa_bad_size_is_refused(void **state HF_UNUSED)
{
    static const int sizes[] = { -1, 0, 512, 1024, 2047, 2049, 8200, 16384 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        struct crypto_key *key = NULL;
        EXPECT_ERR(HF_E_INVALID, crypto_key_generate_rsa(sizes[i], &key));
        assert_null(key);
    }
}

static void test_key_generate_ec_of_rsa_is_refused(void **state HF_UNUSED)
{
    struct crypto_key *key = NULL;
    EXPECT_ERR(HF_E_INVALID, crypto_key_generate_ec(CRYPTO_KEY_RSA, &key));
    assert_null(key);
}

static void test_key_pkcs8_of_garbage_is_refused(void **state HF_UNUSED)
{
    static const char *const texts[] = { "", "0", "not DER at all", "\x30\x03\x02\x01" };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        HF_CLEANUP(hf_secret_freep)
        struct hf_secret *der = make_secret(texts[i], strlen(texts[i]));
        struct crypto_key *key = NULL;
        EXPECT_ERR(HF_E_INVALID, crypto_key_from_pkcs8(der, &key));
        assert_null(key);
    }
}

static void test_key_pkcs8_of_other_length_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_ec(CRYPTO_KEY_EC_P256);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der = make_pkcs8(key);
    struct crypto_key *found = NULL;
    for (size_t n = 0; n < hf_secret_size(der); n++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *cut = make_secret(hf_secret_view(der).p, n);
        EXPECT_ERR(HF_E_INVALID, crypto_key_from_pkcs8(cut, &found));
    }
    HF_CLEANUP(hf_secret_freep)
    struct hf_secret *longer = make_filled_secret(0, hf_secret_size(der) + 1);
    memcpy(hf_secret_edit(longer), hf_secret_view(der).p, hf_secret_size(der));
    EXPECT_ERR(HF_E_INVALID, crypto_key_from_pkcs8(longer, &found));
    assert_null(found);
}

static void test_key_pkcs8_of_unknown_kind_is_refused(void **state HF_UNUSED)
{
    struct crypto_key *key = NULL;
    HF_CLEANUP(hf_secret_freep)
    struct hf_secret *small_curve = make_foreign_pkcs8(EVP_EC_gen("secp224r1"));
    EXPECT_ERR(HF_E_UNSUPPORTED, crypto_key_from_pkcs8(small_curve, &key));
    HF_CLEANUP(hf_secret_freep)
    struct hf_secret *edwards = make_foreign_pkcs8(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    EXPECT_ERR(HF_E_UNSUPPORTED, crypto_key_from_pkcs8(edwards, &key));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *small = make_foreign_pkcs8(EVP_RSA_gen(1024));
    EXPECT_ERR(HF_E_INVALID, crypto_key_from_pkcs8(small, &key));
    assert_null(key);
}

static void test_key_pem_of_garbage_is_refused(void **state HF_UNUSED)
{
    static const char *const texts[] = {
        "",
        "no PEM",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQ",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        struct crypto_key *key = NULL;
        EXPECT_ERR(HF_E_INVALID, crypto_key_from_pem(hf_str_bytes(hf_str_from_c(texts[i])), &key));
        assert_null(key);
    }
}

/* It must neither open it nor ask for a password on the terminal. */
static void test_key_pem_with_password_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_ec(CRYPTO_KEY_EC_P256);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(bio);
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, EVP_aes_256_cbc(), "password", 8, NULL, NULL),
        1);
    const uint8_t *text = NULL;
    long n = BIO_get_mem_data(bio, (void *)&text);
    struct crypto_key *found = NULL;
    EXPECT_ERR(HF_E_INVALID, crypto_key_from_pem((hf_bytes){ text, (size_t)n }, &found));
    assert_null(found);
    BIO_free(bio);
}

static void test_key_public_only_has_no_private_form(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_ec(CRYPTO_KEY_EC_P256);
    assert_int_equal(EVP_PKEY_up_ref(key->pkey), 1);
    EVP_PKEY *pkey = key->pkey;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *public_key = NULL;
    EXPECT_OK(crypto_key_adopt(&pkey, false, &public_key));
    struct hf_secret *der = NULL;
    EXPECT_ERR(HF_E_INVALID, crypto_key_to_pkcs8(public_key, &der));
    assert_null(der);
    HF_CLEANUP(hf_buf_done) struct hf_buf pem;
    hf_buf_init_secret(&pem, TEST_BUF_MAX_BYTES);
    EXPECT_ERR(HF_E_INVALID, crypto_key_write_pem(public_key, &pem));
    assert_int_equal(pem.n, 0);
}

static void expect_same(const struct crypto_key *a, const struct crypto_key *b)
{
    assert_int_equal(crypto_key_type_of(a), crypto_key_type_of(b));
    assert_int_equal(crypto_key_bits(a), crypto_key_bits(b));
    assert_int_equal(EVP_PKEY_eq(a->pkey, b->pkey), 1);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der_a = make_pkcs8(a);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der_b = make_pkcs8(b);
    assert_true(hf_secret_equal(der_a, hf_secret_view(der_b)));
}

static void expect_round_trips(const struct crypto_key *key)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der = make_pkcs8(key);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *from_der = NULL;
    EXPECT_OK(crypto_key_from_pkcs8(der, &from_der));
    expect_same(key, from_der);
    HF_CLEANUP(hf_buf_done) struct hf_buf pem;
    hf_buf_init_secret(&pem, TEST_BUF_MAX_BYTES);
    EXPECT_OK(crypto_key_write_pem(key, &pem));
    assert_true(hf_str_starts(hf_buf_str(&pem), HF_LIT("-----BEGIN PRIVATE KEY-----\n")));
    HF_CLEANUP(crypto_key_freep) struct crypto_key *from_pem = NULL;
    EXPECT_OK(crypto_key_from_pem(hf_buf_view(&pem), &from_pem));
    expect_same(key, from_pem);
}

static void test_key_ec_round_trips(void **state HF_UNUSED)
{
    static const struct {
        enum crypto_key_type type;
        int bits;
    } cases[] = { { CRYPTO_KEY_EC_P256, 256 },
                  { CRYPTO_KEY_EC_P384, 384 },
                  { CRYPTO_KEY_EC_P521, 521 } };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_ec(cases[i].type);
        assert_int_equal(crypto_key_type_of(key), cases[i].type);
        assert_int_equal(crypto_key_bits(key), cases[i].bits);
        expect_round_trips(key);
    }
}

static void test_key_rsa_round_trips(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate_rsa(2048, &key));
    assert_int_equal(crypto_key_type_of(key), CRYPTO_KEY_RSA);
    assert_int_equal(crypto_key_bits(key), 2048);
    expect_round_trips(key);
}

static void test_key_lives_until_last_owner(void **state HF_UNUSED)
{
    struct crypto_key *key = make_ec(CRYPTO_KEY_EC_P256);
    assert_ptr_equal(crypto_key_ref(key), key);
    crypto_key_free(key);
    assert_int_equal(crypto_key_bits(key), 256);
    crypto_key_free(key);
    crypto_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_generate_rsa_bad_size_is_refused),
        cmocka_unit_test(test_key_generate_ec_of_rsa_is_refused),
        cmocka_unit_test(test_key_pkcs8_of_garbage_is_refused),
        cmocka_unit_test(test_key_pkcs8_of_other_length_is_refused),
        cmocka_unit_test(test_key_pkcs8_of_unknown_kind_is_refused),
        cmocka_unit_test(test_key_pem_of_garbage_is_refused),
        cmocka_unit_test(test_key_pem_with_password_is_refused),
        cmocka_unit_test(test_key_public_only_has_no_private_form),
        cmocka_unit_test(test_key_ec_round_trips),
        cmocka_unit_test(test_key_rsa_round_trips),
        cmocka_unit_test(test_key_lives_until_last_owner),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
