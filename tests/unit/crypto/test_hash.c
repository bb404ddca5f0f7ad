/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against the examples of FIPS 180-4, in parts, and from several threads. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
    const char *sha1;
    const char *sha256;
} cases[] = {
    { "empty", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "one block", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void expect_hex(const char *name, const char *expected, const uint8_t *digest, size_t n)
{
    TEST_BUF(hex);
    hf_buf_put_hex(&hex, (hf_bytes){ digest, n });
    if (!hf_str_equal(hf_buf_str(&hex), hf_str_from_c(expected)))
        fail_msg("%s: wrong digest", name);
}

static void test_sha1_published_examples_match(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint8_t digest[CRYPTO_SHA1_BYTES];
        EXPECT_OK(crypto_sha1(hf_str_bytes(hf_str_from_c(cases[i].text)), digest));
        expect_hex(cases[i].name, cases[i].sha1, digest, sizeof(digest));
    }
}

static void test_sha256_published_examples_match(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint8_t digest[CRYPTO_SHA256_BYTES];
        hf_bytes part = hf_str_bytes(hf_str_from_c(cases[i].text));
        EXPECT_OK(crypto_sha256(&part, 1, digest));
        expect_hex(cases[i].name, cases[i].sha256, digest, sizeof(digest));
    }
}

static void test_sha256_secret_published_examples_match(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint8_t digest[CRYPTO_SHA256_BYTES];
        HF_CLEANUP(hf_secret_freep)
        struct hf_secret *secret = make_secret(cases[i].text, strlen(cases[i].text));
        EXPECT_OK(crypto_sha256_secret(secret, digest));
        expect_hex(cases[i].name, cases[i].sha256, digest, sizeof(digest));
    }
}

static void test_sha256_parts_are_as_if_joined(void **state HF_UNUSED)
{
    const hf_bytes parts[] = {
        hf_str_bytes(HF_LIT("a")),
        hf_str_bytes(HF_LIT("")),
        { NULL, 0 },
        hf_str_bytes(HF_LIT("bc")),
    };
    uint8_t digest[CRYPTO_SHA256_BYTES];
    EXPECT_OK(crypto_sha256(parts, HF_ARRAY_LEN(parts), digest));
    expect_hex("parts", cases[1].sha256, digest, sizeof(digest));
}

static void test_sha256_no_parts_is_empty_digest(void **state HF_UNUSED)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];
    EXPECT_OK(crypto_sha256(NULL, 0, digest));
    expect_hex("none", cases[0].sha256, digest, sizeof(digest));
}

static void *hash_often(void *result)
{
    bool *good = result;
    *good = true;
    const hf_bytes part = hf_str_bytes(HF_LIT("abc"));
    uint8_t first[CRYPTO_SHA256_BYTES];
    if (crypto_sha256(&part, 1, first) != HF_OK)
        *good = false;
    for (int i = 0; i < 1000 && *good; i++) {
        uint8_t digest[CRYPTO_SHA256_BYTES];
        if (crypto_sha256(&part, 1, digest) != HF_OK || memcmp(digest, first, sizeof(first)) != 0)
            *good = false;
    }
    return NULL;
}

static void test_sha256_threads_do_not_disturb_each_other(void **state HF_UNUSED)
{
    pthread_t threads[4];
    bool good[HF_ARRAY_LEN(threads)];
    for (size_t i = 0; i < HF_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_often, &good[i]), 0);
    for (size_t i = 0; i < HF_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(good[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha1_published_examples_match),
        cmocka_unit_test(test_sha256_published_examples_match),
        cmocka_unit_test(test_sha256_secret_published_examples_match),
        cmocka_unit_test(test_sha256_parts_are_as_if_joined),
        cmocka_unit_test(test_sha256_no_parts_is_empty_digest),
        cmocka_unit_test(test_sha256_threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
