/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2id: refused costs, the reference implementation's published answers, and that both origins give the same.
 */
#include "fixture.h"

#include "base/encode.h"
#include "crypto/internal.h"

#include <string.h>

/* phc-winner-argon2, src/test.c, version 0x13, Argon2id */
static const struct {
    const char *passphrase;
    const char *salt;
    struct crypto_argon2id_cost cost;
    const char *key;
} answers[] = {
    { "password",
      "somesalt",
      { 65536, 2, 1 },
      "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7" },
    { "password",
      "somesalt",
      { 256, 2, 1 },
      "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe" },
    { "password",
      "somesalt",
      { 256, 2, 2 },
      "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037" },
    { "password",
      "somesalt",
      { 65536, 1, 1 },
      "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98" },
    { "password",
      "somesalt",
      { 65536, 4, 1 },
      "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c" },
    { "differentpassword",
      "somesalt",
      { 65536, 2, 1 },
      "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde" },
    { "password",
      "diffsalt",
      { 65536, 2, 1 },
      "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c" },
};

typedef hf_err (*origin_fn)(const struct hf_secret *passphrase, hf_bytes salt,
                            const struct crypto_argon2id_cost *cost, struct hf_secret *out);

static struct hf_secret *make_text(const char *text)
{
    return make_secret(text, strlen(text));
}

static void test_cost_out_of_range_is_refused(void **state HF_UNUSED)
{
    static const struct crypto_argon2id_cost costs[] = {
        { 0, 1, 1 }, { 7, 1, 1 },  { 8, 0, 1 },
        { 8, 1, 0 }, { 15, 1, 2 }, { UINT32_MAX, 1, CRYPTO_ARGON2_LANES_MAX + 1 },
    };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = make_text("password");
    struct hf_secret *key = NULL;
    for (size_t i = 0; i < HF_ARRAY_LEN(costs); i++)
        EXPECT_ERR(HF_E_RANGE,
                   crypto_argon2id(passphrase, hf_str_bytes(HF_LIT("somesalt")), &costs[i], &key));
    const struct crypto_argon2id_cost cost = { 8, 1, 1 };
    EXPECT_ERR(HF_E_RANGE,
               crypto_argon2id(passphrase, hf_str_bytes(HF_LIT("somesal")), &cost, &key));
    assert_null(key);
}

/* How many answers this origin gave: none if it is not there. */
static size_t check_origin(origin_fn origin, const char *name)
{
    size_t given = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(answers); i++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = make_text(answers[i].passphrase);
        HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
        EXPECT_OK(hf_secret_new(CRYPTO_ARGON2_KEY_BYTES, &key));
        const hf_bytes salt = hf_str_bytes(hf_str_from_c(answers[i].salt));
        hf_err err = origin(passphrase, salt, &answers[i].cost, key);
        if (err == HF_E_UNSUPPORTED)
            continue;
        uint8_t wanted[CRYPTO_ARGON2_KEY_BYTES];
        EXPECT_OK(hf_hex_decode(hf_str_from_c(answers[i].key), wanted, sizeof(wanted)));
        if (err != HF_OK || !hf_secret_equal(key, (hf_bytes){ wanted, sizeof(wanted) }))
            fail_msg("%s, answer %zu: %s", name, i, hf_err_name(err));
        given++;
    }
    print_message("%s: %zu of %zu answers\n", name, given, HF_ARRAY_LEN(answers));
    return given;
}

static void test_answers_are_the_reference_s(void **state HF_UNUSED)
{
    const size_t openssl = check_origin(crypto_argon2id_openssl, "libcrypto");
    const size_t library = check_origin(crypto_argon2id_library, "libargon2");
    assert_true(openssl == 0 || openssl == HF_ARRAY_LEN(answers));
    assert_true(library == 0 || library == HF_ARRAY_LEN(answers));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = make_text("password");
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    const struct crypto_argon2id_cost cost = { 64, 1, 1 };
    hf_err err = crypto_argon2id(passphrase, hf_str_bytes(HF_LIT("somesalt")), &cost, &key);
    assert_int_equal(err, openssl + library > 0 ? HF_OK : HF_E_UNSUPPORTED);
}

/* Random inputs, with an empty passphrase among them; only where both are there. */
static void test_both_origins_give_the_same(void **state HF_UNUSED)
{
    static const struct crypto_argon2id_cost costs[] = {
        { 8, 1, 1 }, { 64, 3, 4 }, { 100, 2, 3 }, { 1024, 1, 16 }, { 4096, 2, 64 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(costs); i++) {
        uint8_t salt[16];
        EXPECT_OK(crypto_random(salt, sizeof(salt)));
        HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = NULL;
        EXPECT_OK(crypto_random_secret(i * 37, &passphrase));
        HF_CLEANUP(hf_secret_freep) struct hf_secret *a = NULL;
        HF_CLEANUP(hf_secret_freep) struct hf_secret *b = NULL;
        EXPECT_OK(hf_secret_new(CRYPTO_ARGON2_KEY_BYTES, &a));
        EXPECT_OK(hf_secret_new(CRYPTO_ARGON2_KEY_BYTES, &b));
        const hf_bytes view = { salt, sizeof(salt) };
        hf_err err_a = crypto_argon2id_openssl(passphrase, view, &costs[i], a);
        hf_err err_b = crypto_argon2id_library(passphrase, view, &costs[i], b);
        if (err_a == HF_E_UNSUPPORTED || err_b == HF_E_UNSUPPORTED)
            skip();
        assert_int_equal(err_a, HF_OK);
        assert_int_equal(err_b, HF_OK);
        assert_true(hf_secret_equal(a, hf_secret_view(b)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_out_of_range_is_refused),
        cmocka_unit_test(test_answers_are_the_reference_s),
        cmocka_unit_test(test_both_origins_give_the_same),
    };
    return cmocka_run_group_tests_name("argon2", tests, start_crypto, NULL);
}
