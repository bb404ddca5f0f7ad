/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of verified tokens: bounded, least recently used out, pinned sessions outlive their place. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static struct access_cache *cache;

static int setup(void **state HF_UNUSED)
{
    cache = (struct access_cache *)calloc(1, sizeof(*cache));
    return cache == NULL;
}

static int teardown(void **state HF_UNUSED)
{
    access_cache_clear(cache);
    free(cache);
    return 0;
}

/* All in one set; digests differ in the last byte, tags in the third. */
static struct access_session *make_session(uint8_t id)
{
    struct access_session *session = (struct access_session *)calloc(1, sizeof(*session));
    assert_non_null(session);
    session->caller.session = session;
    session->digest[2] = id;
    session->digest[CRYPTO_SHA256_BYTES - 1] = id;
    return session;
}

static struct access_session *find(uint8_t id)
{
    uint8_t digest[CRYPTO_SHA256_BYTES] = { 0 };
    digest[2] = id;
    digest[CRYPTO_SHA256_BYTES - 1] = id;
    return access_cache_find(cache, digest);
}

static void test_cache_finds_nothing_when_empty(void **state HF_UNUSED)
{
    assert_null(find(0));
}

static void test_cache_compares_the_whole_digest(void **state HF_UNUSED)
{
    access_cache_put(cache, make_session(1));
    uint8_t digest[CRYPTO_SHA256_BYTES] = { 0, 0, 1 };
    assert_null(access_cache_find(cache, digest));
    assert_non_null(find(1));
}

static void test_cache_full_set_drops_the_least_recently_used(void **state HF_UNUSED)
{
    for (uint8_t id = 1; id <= ACCESS_CACHE_WAYS; id++)
        access_cache_put(cache, make_session(id));
    assert_non_null(find(1)); /* used again: 2 is the oldest now */
    access_cache_put(cache, make_session(100));
    assert_null(find(2));
    assert_non_null(find(1));
    assert_non_null(find(100));
    for (uint8_t id = 3; id <= ACCESS_CACHE_WAYS; id++)
        assert_non_null(find(id));
}

static void test_cache_pinned_session_outlives_eviction(void **state HF_UNUSED)
{
    struct access_session *session = make_session(1);
    session->pins = 2;
    access_cache_put(cache, session);
    for (uint8_t id = 2; id <= ACCESS_CACHE_WAYS + 1; id++)
        access_cache_put(cache, make_session(id));
    assert_null(find(1));
    access_caller_release(NULL, &session->caller);
    assert_int_equal(session->pins, 1);
    access_caller_release(NULL, &session->caller); /* frees */
    access_caller_release(NULL, NULL);
}

static void test_cache_removed_place_is_used_again(void **state HF_UNUSED)
{
    for (uint8_t id = 1; id <= ACCESS_CACHE_WAYS; id++)
        access_cache_put(cache, make_session(id));
    access_cache_remove(cache, find(4));
    access_cache_put(cache, make_session(50));
    for (uint8_t id = 1; id <= ACCESS_CACHE_WAYS; id++)
        assert_int_equal(find(id) == NULL, id == 4);
    assert_non_null(find(50));
}

static void test_cache_clear_keeps_pinned_until_release(void **state HF_UNUSED)
{
    struct access_session *session = make_session(1);
    session->pins = 1;
    access_cache_put(cache, session);
    access_cache_put(cache, make_session(2));
    access_cache_clear(cache);
    assert_null(find(1));
    assert_null(find(2));
    access_caller_release(NULL, &session->caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cache_finds_nothing_when_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_compares_the_whole_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_full_set_drops_the_least_recently_used, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cache_pinned_session_outlives_eviction, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cache_removed_place_is_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_clear_keeps_pinned_until_release, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
