/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of one request. */
#include "support.h"

#include "base/arena.h"

#include <stdalign.h>

static void test_arena_over_max_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(1000, &arena));
    assert_null(hf_arena_alloc(arena, 1001));
    assert_null(hf_arena_alloc(arena, SIZE_MAX));
    assert_null(hf_arena_alloc(arena, SIZE_MAX - 3));
    assert_null(hf_arena_alloc_array(arena, SIZE_MAX / 2, 3));
    assert_null(hf_arena_dup_str(arena, (hf_str){ "", SIZE_MAX }).p);
    assert_non_null(hf_arena_alloc(arena, 900));
    assert_null(hf_arena_alloc(arena, 100));
    assert_null(hf_arena_printf(arena, "%200d", 1).p);
    assert_true(hf_arena_used(arena) <= 1000);
    hf_arena_reset(arena);
    assert_non_null(hf_arena_alloc(arena, 900));
}

static void test_arena_alloc_is_zero_and_aligned_after_reuse(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(1 << 20, &arena));
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 200; n++) {
            uint8_t *p = hf_arena_alloc(arena, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, n);
        }
        assert_true(hf_arena_used(arena) >= 199 * 200 / 2);
        hf_arena_reset(arena);
        assert_int_equal(hf_arena_used(arena), 0);
    }
}

static void test_arena_large_allocation_gets_its_own_chunk(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(1 << 20, &arena));
    uint8_t *large = hf_arena_alloc(arena, 500000);
    assert_non_null(large);
    large[499999] = 1;
    uint8_t *small = hf_arena_alloc(arena, 10);
    assert_non_null(small);
}

static void test_arena_first_chunk_is_kept(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(1 << 20, &arena));
    void *first = hf_arena_alloc(arena, 100);
    assert_non_null(hf_arena_alloc(arena, 100000));
    hf_arena_reset(arena);
    assert_ptr_equal(hf_arena_alloc(arena, 100), first);
}

static void test_arena_dup_copies_and_terminates(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(1 << 16, &arena));
    char text[] = "abc";
    const hf_str copy = hf_arena_dup_str(arena, hf_str_from_c(text));
    text[0] = 'x';
    EXPECT_STR("abc", copy);
    assert_int_equal(copy.p[3], '\0');
    const hf_str empty = hf_arena_dup_str(arena, (hf_str){ NULL, 0 });
    assert_non_null(empty.p);
    assert_int_equal(empty.n, 0);
    EXPECT_STR("abc", hf_bytes_str(hf_arena_dup_bytes(arena, hf_str_bytes(copy))));
    EXPECT_STR("7 of x", hf_arena_printf(arena, "%d of %s", 7, "x"));
    assert_int_equal(hf_arena_printf(arena, "%20000d", 1).n, 20000);
}

static void test_arena_owned_secrets_are_freed_on_reset(void **state HF_UNUSED)
{
    const size_t used = hf_secret_stats().used_bytes;
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(1 << 16, &arena));
    for (int i = 0; i < 10; i++) {
        struct hf_secret *secret = NULL;
        EXPECT_OK(hf_secret_new(32, &secret));
        EXPECT_OK(hf_arena_own_secret(arena, secret));
    }
    assert_true(hf_secret_stats().used_bytes > used);
    hf_arena_reset(arena);
    assert_true(hf_secret_stats().used_bytes == used);
    hf_arena_free(NULL);
}

static void test_arena_own_secret_without_room_frees_it(void **state HF_UNUSED)
{
    const size_t used = hf_secret_stats().used_bytes;
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    EXPECT_OK(hf_arena_new(8, &arena));
    struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_new(32, &secret));
    EXPECT_ERR(HF_E_NOMEM, hf_arena_own_secret(arena, secret));
    assert_true(hf_secret_stats().used_bytes == used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_over_max_is_refused),
        cmocka_unit_test(test_arena_alloc_is_zero_and_aligned_after_reuse),
        cmocka_unit_test(test_arena_large_allocation_gets_its_own_chunk),
        cmocka_unit_test(test_arena_first_chunk_is_kept),
        cmocka_unit_test(test_arena_dup_copies_and_terminates),
        cmocka_unit_test(test_arena_owned_secrets_are_freed_on_reset),
        cmocka_unit_test(test_arena_own_secret_without_room_frees_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
