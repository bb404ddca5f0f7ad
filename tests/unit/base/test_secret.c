/* SPDX-License-Identifier: Apache-2.0 */
/* The secret pool: what it hands out is zero, what it gets back is cleared, what is misused ends the process. */
#include "support.h"

#include "base/secret.h"
#include "base/thread.h"

#include <sys/mman.h>

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Sizes around every class boundary, and larger ones with a mapping of their own. */
static const size_t sizes[] = { 0,     1,     63,    64,    65,    128,    129,    1024,    4096,
                                4097,  32768, 65535, 65536, 65537, 100000, 262144, 1048576, 8,
                                16384, 2048,  512,   256,   300,   70000,  69632,  69616,   69617 };

static void release_twice(void)
{
    uint8_t *p = hf_secret_alloc(32);
    hf_secret_release(p);
    hf_secret_release(p);
}

static void release_foreign(void)
{
    static uint8_t memory[64] __attribute__((aligned(16)));
    hf_secret_release(memory + 32);
}

static void test_secret_release_twice_or_foreign_aborts(void **state HF_UNUSED)
{
    assert_true(test_aborts(release_twice));
    assert_true(test_aborts(release_foreign));
}

static void test_secret_alloc_too_large_is_refused(void **state HF_UNUSED)
{
    const struct hf_secret_stats before = hf_secret_stats();
    assert_null(hf_secret_alloc(SIZE_MAX));
    assert_null(hf_secret_alloc(SIZE_MAX - 4096));
    assert_null(hf_secret_alloc(SIZE_MAX / 4));
    struct hf_secret *secret = NULL;
    EXPECT_ERR(HF_E_NOMEM, hf_secret_new(SIZE_MAX, &secret));
    EXPECT_ERR(HF_E_NOMEM, hf_secret_new(SIZE_MAX / 4, &secret));
    assert_null(secret);
    assert_true(hf_secret_stats().used_bytes == before.used_bytes);
    assert_true(hf_secret_stats().mapped_bytes == before.mapped_bytes);
}

static void test_secret_alloc_any_size_is_zero_and_aligned(void **state HF_UNUSED)
{
    for (int round = 0; round < 3; round++) {
        uint8_t *blocks[HF_ARRAY_LEN(sizes)];
        for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
            blocks[i] = hf_secret_alloc(sizes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            assert_true(is_zero(blocks[i], sizes[i]));
            memset(blocks[i], 0xa5, sizes[i]);
        }
        for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++)
            hf_secret_release(blocks[i]);
    }
}

static void test_secret_pool_reuses_what_was_released(void **state HF_UNUSED)
{
    void *blocks[500];
    size_t mapped = 0;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < HF_ARRAY_LEN(blocks); i++)
            assert_non_null(blocks[i] = hf_secret_alloc(1000));
        for (size_t i = 0; i < HF_ARRAY_LEN(blocks); i++)
            hf_secret_release(blocks[i]);
        if (round > 0)
            assert_true(hf_secret_stats().mapped_bytes == mapped);
        mapped = hf_secret_stats().mapped_bytes;
    }
}

static void test_secret_large_block_is_unmapped_on_release(void **state HF_UNUSED)
{
    const struct hf_secret_stats before = hf_secret_stats();
    uint8_t *p = hf_secret_alloc(1 << 20);
    assert_non_null(p);
    assert_true(hf_secret_stats().mapped_bytes > before.mapped_bytes);
    p[(1 << 20) - 1] = 1;
    hf_secret_release(p);
    assert_true(hf_secret_stats().mapped_bytes == before.mapped_bytes);
    assert_true(hf_secret_stats().used_bytes == before.used_bytes);
}

static void test_secret_realloc_keeps_content_and_zeroes_the_rest(void **state HF_UNUSED)
{
    uint8_t *p = hf_secret_realloc(NULL, 10);
    assert_non_null(p);
    memset(p, 7, 10);
    for (size_t n = 20; n < 300000; n *= 2) {
        p = hf_secret_realloc(p, n);
        assert_non_null(p);
        assert_memory_equal(p, "\7\7\7\7\7\7\7\7\7\7", 10);
        assert_true(is_zero(p + 10, n - 10));
    }
    assert_null(hf_secret_realloc(p, SIZE_MAX));
    assert_int_equal(p[9], 7);
    hf_secret_release(p);
    hf_secret_release(NULL);
}

static void test_secret_object_holds_shrinks_and_compares(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_from_bytes(hf_str_bytes(HF_LIT("correct horse")), &secret));
    assert_int_equal(hf_secret_size(secret), 13);
    EXPECT_STR("correct horse", hf_bytes_str(hf_secret_view(secret)));
    assert_true(hf_secret_equal(secret, hf_str_bytes(HF_LIT("correct horse"))));
    assert_false(hf_secret_equal(secret, hf_str_bytes(HF_LIT("correct horsf"))));
    assert_false(hf_secret_equal(secret, hf_str_bytes(HF_LIT("correct"))));
    hf_secret_shrink(secret, 7);
    EXPECT_STR("correct", hf_bytes_str(hf_secret_view(secret)));
    assert_true(is_zero(hf_secret_edit(secret) + 7, 6));

    HF_CLEANUP(hf_secret_freep) struct hf_secret *empty = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ NULL, 0 }, &empty));
    assert_int_equal(hf_secret_size(empty), 0);
    assert_true(hf_secret_equal(empty, (hf_bytes){ NULL, 0 }));
    hf_secret_free(NULL);
}

static void grow_by_shrinking(void)
{
    struct hf_secret *secret = NULL;
    hf_ignore(hf_secret_new(4, &secret)); /* NULL ends the child otherwise than expected */
    hf_secret_shrink(secret, 5);
}

static void test_secret_shrink_to_more_aborts(void **state HF_UNUSED)
{
    assert_true(test_aborts(grow_by_shrinking));
}

static void test_secret_scope_end_clears_the_array(void **state HF_UNUSED)
{
    uint8_t key[32];
    memset(key, 1, sizeof key);
    struct hf_secret_scope scope = { key, sizeof key };
    hf_secret_wipe_scope(&scope);
    assert_true(is_zero(key, sizeof key));
    HF_CLEAN_SECRET(local, 16);
    assert_true(is_zero(local, sizeof local));
    hf_wipe(NULL, 0);
}

static uint8_t *planted;

static void expect_planted_gone(void)
{
    if (is_zero(planted, 64))
        abort();
}

static void test_secret_child_sees_zeros(void **state HF_UNUSED)
{
    planted = hf_secret_alloc(64);
    memset(planted, 0x5a, 64);
    assert_true(test_aborts(expect_planted_gone));
    assert_int_equal(planted[63], 0x5a);
    hf_secret_release(planted);
}

static void *churn(void *argument)
{
    const unsigned salt = *(const unsigned *)argument;
    for (unsigned i = 0; i < 3000; i++) {
        const size_t n = (size_t)(i * 2654435761U + salt) % 5000;
        uint8_t *p = hf_secret_alloc(n);
        if (p == NULL || !is_zero(p, n))
            return argument;
        memset(p, (int)(salt & 0x7f), n);
        hf_secret_release(p);
    }
    return NULL;
}

static void test_secret_pool_serves_many_threads(void **state HF_UNUSED)
{
    const size_t used = hf_secret_stats().used_bytes;
    unsigned salts[4] = { 1, 22, 333, 4444 };
    pthread_t threads[HF_ARRAY_LEN(salts)];
    for (size_t i = 0; i < HF_ARRAY_LEN(salts); i++)
        EXPECT_OK(hf_thread_start(&threads[i], "churn", churn, &salts[i]));
    for (size_t i = 0; i < HF_ARRAY_LEN(salts); i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_true(hf_secret_stats().used_bytes == used);
}

/* In a child with no right to lock: the pool works and tells. */
static void use_unlocked_pool(void)
{
    const struct rlimit none = { 0, 0 };
    (void)setrlimit(RLIMIT_MEMLOCK, &none);
    uint8_t *p = hf_secret_alloc(1 << 20);
    const bool privileged = mlock(&none, sizeof none) == 0;
    if (p != NULL && (privileged || !hf_secret_stats().locked))
        abort();
}

static void test_secret_pool_without_lock_goes_on_and_tells(void **state HF_UNUSED)
{
    assert_true(test_aborts(use_unlocked_pool));
}

static void test_equal_constant_time_finds_a_difference_at_every_byte(void **state HF_UNUSED)
{
    uint8_t a[40] = { 0 };
    uint8_t b[40] = { 0 };
    for (size_t n = 0; n <= sizeof a; n++) {
        assert_true(hf_equal_constant_time((hf_bytes){ a, n }, (hf_bytes){ b, n }));
        for (size_t i = 0; i < n; i++) {
            b[i] = 0x80;
            assert_false(hf_equal_constant_time((hf_bytes){ a, n }, (hf_bytes){ b, n }));
            b[i] = 0;
        }
    }
    assert_false(hf_equal_constant_time((hf_bytes){ a, 8 }, (hf_bytes){ b, 9 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_constant_time_finds_a_difference_at_every_byte),
        cmocka_unit_test(test_secret_release_twice_or_foreign_aborts),
        cmocka_unit_test(test_secret_alloc_too_large_is_refused),
        cmocka_unit_test(test_secret_alloc_any_size_is_zero_and_aligned),
        cmocka_unit_test(test_secret_pool_reuses_what_was_released),
        cmocka_unit_test(test_secret_large_block_is_unmapped_on_release),
        cmocka_unit_test(test_secret_realloc_keeps_content_and_zeroes_the_rest),
        cmocka_unit_test(test_secret_object_holds_shrinks_and_compares),
        cmocka_unit_test(test_secret_shrink_to_more_aborts),
        cmocka_unit_test(test_secret_scope_end_clears_the_array),
        cmocka_unit_test(test_secret_child_sees_zeros),
        cmocka_unit_test(test_secret_pool_serves_many_threads),
        cmocka_unit_test(test_secret_pool_without_lock_goes_on_and_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
