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

/* ---- known tokens ---- */

static int start_crypto(void **state HF_UNUSED)
{
    return crypto_init(NULL) == HF_OK ? 0 : -1;
}

static struct access_known_token known[ACCESS_KNOWN_TOKENS];

/* The place of a token is chosen by its end. */
static void test_known_token_must_be_the_same_text(void **state HF_UNUSED)
{
    const uint8_t digest[CRYPTO_SHA256_BYTES] = { 1, 2, 3 };
    static const char *const others[] = {
        "",
        "a",
        "h.b.the-same-end",
        "h.aa.the-same-end",
        ".the-same-end",
        "the-same-end",
        "h.a.X-the-same-end",
        "h.a.he-same-end",
        "h.athe-same-end",
    };
    access_known_put(known, HF_LIT("h.a.the-same-end"), digest);
    for (size_t i = 0; i < HF_ARRAY_LEN(others); i++)
        assert_null(access_known_find(known, hf_str_from_c(others[i])));
    const uint8_t *found = access_known_find(known, HF_LIT("h.a.the-same-end"));
    assert_non_null(found);
    assert_memory_equal(found, digest, sizeof(digest));
    access_known_put(known, HF_LIT("h.b.the-same-end"), digest);
    assert_null(access_known_find(known, HF_LIT("h.a.the-same-end")));
    access_known_forget(known, HF_LIT("h.a.the-same-end"));
    assert_non_null(access_known_find(known, HF_LIT("h.b.the-same-end")));
    access_known_forget(known, HF_LIT("h.b.the-same-end"));
    assert_null(access_known_find(known, HF_LIT("h.b.the-same-end")));
}

static void test_known_token_at_limit_is_kept_beyond_not(void **state HF_UNUSED)
{
    static char text[ACCESS_KNOWN_TOKEN_MAX_BYTES + 1];
    const uint8_t digest[CRYPTO_SHA256_BYTES] = { 1 };
    access_known_put(known, (hf_str){ text, sizeof(text) }, digest);
    assert_null(access_known_find(known, (hf_str){ text, sizeof(text) }));
    access_known_put(known, (hf_str){ text, sizeof(text) - 1 }, digest);
    assert_non_null(access_known_find(known, (hf_str){ text, sizeof(text) - 1 }));
    access_known_clear(known);
    assert_null(access_known_find(known, (hf_str){ text, sizeof(text) - 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_token_must_be_the_same_text),
        cmocka_unit_test(test_known_token_at_limit_is_kept_beyond_not),
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
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
