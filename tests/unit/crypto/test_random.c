/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes, UUIDs and secrets: form, and that two draws differ. */
#include "fixture.h"

#include <string.h>

static void test_random_zero_bytes_is_fine(void **state HF_UNUSED)
{
    uint8_t untouched = 7;
    EXPECT_OK(crypto_random(&untouched, 0));
    assert_int_equal(untouched, 7);
}

static void test_random_two_draws_differ(void **state HF_UNUSED)
{
    uint8_t a[32] = { 0 };
    uint8_t b[32] = { 0 };
    EXPECT_OK(crypto_random(a, sizeof(a)));
    EXPECT_OK(crypto_random(b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void test_random_uuid_has_version_and_variant(void **state HF_UNUSED)
{
    for (int i = 0; i < 64; i++) {
        struct hf_uuid uuid;
        EXPECT_OK(crypto_random_uuid(&uuid));
        assert_int_equal(uuid.b[6] >> 4, 4);
        assert_int_equal(uuid.b[8] >> 6, 2);
    }
}

/* More than are drawn at once. */
static void test_random_uuids_all_differ(void **state HF_UNUSED)
{
    static struct hf_uuid uuids[200];
    for (size_t i = 0; i < HF_ARRAY_LEN(uuids); i++) {
        EXPECT_OK(crypto_random_uuid(&uuids[i]));
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&uuids[i], &uuids[k], sizeof(uuids[i]));
    }
}

static void test_random_secret_sizes_are_kept(void **state HF_UNUSED)
{
    static const size_t sizes[] = { 0, 1, 32, 5000 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
        EXPECT_OK(crypto_random_secret(sizes[i], &secret));
        assert_int_equal(hf_secret_size(secret), sizes[i]);
    }
}

static void test_random_secret_is_not_zero(void **state HF_UNUSED)
{
    const uint8_t zero[32] = { 0 };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    EXPECT_OK(crypto_random_secret(sizeof(zero), &secret));
    assert_false(hf_secret_equal(secret, (hf_bytes){ zero, sizeof(zero) }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_zero_bytes_is_fine),
        cmocka_unit_test(test_random_two_draws_differ),
        cmocka_unit_test(test_random_uuid_has_version_and_variant),
        cmocka_unit_test(test_random_uuids_all_differ),
        cmocka_unit_test(test_random_secret_sizes_are_kept),
        cmocka_unit_test(test_random_secret_is_not_zero),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
