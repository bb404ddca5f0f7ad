/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a secret a second time takes from the heap: nothing. The arena has its first chunk, a value lives in the
 * secret pool, and the keys of its records are known.
 */
#include "support.h"

#include <stdlib.h>

#define ARENA_MAX_BYTES (64 * 1024)
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);

static size_t allocations; /* the writer is idle while it is read */

void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    allocations++;
    return __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    allocations++;
    return __real_realloc(p, n);
}

static void get(struct world *w, struct hf_arena *arena)
{
    struct vault_secret secret;
    struct vault *vault = world_begin(w, "alpha");
    EXPECT_OK(vault_secret_get(vault, w->txn, HF_LIT("name"), NULL, w->now, arena, &secret));
    world_end(w);
}

static void test_secret_get_of_a_cached_vault_takes_no_heap_of_its_own(void **state)
{
    struct world *w = *state;
    struct hf_arena *arena = NULL;
    EXPECT_OK(world_set(w, "name", "value"));
    EXPECT_OK(hf_arena_new(ARENA_MAX_BYTES, &arena));
    get(w, arena);
    hf_arena_reset(arena);
    const size_t before = allocations;
    get(w, arena);
    const size_t used = allocations - before;
    assert_int_equal(used, 0);
    hf_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_secret_get_of_a_cached_vault_takes_no_heap_of_its_own,
                                        world_setup, world_teardown),
    };
    return cmocka_run_group_tests_name("vault/allocations", tests, NULL, NULL);
}
