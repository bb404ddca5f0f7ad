/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsed keys that are kept: found again, given up, never taken for another, and freed by the last who has them. Whether a
 * parsed key is the kept one shows in its address.
 */
#include "support.h"

/* More than any cache of keys has places for: 256 now. */
#define MANY 1200

struct fixture {
    struct world *w;
    struct vault_key_cache *cache;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    assert_int_equal(world_setup(state), 0);
    f->w = *state;
    EXPECT_OK(vault_key_cache_new(&f->cache));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *w = f->w;
    vault_key_cache_free(f->cache);
    test_free(f);
    return world_teardown(&w);
}

/* A new version with a key of its own. */
static void create(struct world *w, const char *name, struct vault_key *out)
{
    const struct crypto_key_spec spec = { .type = CRYPTO_KEY_OCT, .bits = 128 };
    const struct vault_key_change change = { .has_ops = false };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate(&spec, NULL, &key));
    struct vault_command *command = NULL;
    EXPECT_OK(vault_key_create(world_vault(w, "alpha"), hf_str_from_c(name), key, &change, false,
                               w->now, w->arena, &w->diag, &command));
    EXPECT_OK(world_run(w, command));
    EXPECT_OK(vault_key_of(command->version, out));
}

static hf_err open_in(struct fixture *f, const char *vault, const struct vault_key *key,
                      struct crypto_key **out)
{
    struct vault *found = world_begin(f->w, vault);
    hf_err err = vault_key_open(f->cache, found, f->w->txn, key, f->w->arena, out);
    world_end(f->w);
    return err;
}

static bool same_material(const struct crypto_key *a, const struct crypto_key *b)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *first = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *second = NULL;
    EXPECT_OK(crypto_key_to_material(a, &first));
    EXPECT_OK(crypto_key_to_material(b, &second));
    return hf_secret_equal(first, hf_secret_view(second));
}

static void test_key_cache_gives_a_kept_key_again(void **state)
{
    struct fixture *f = *state;
    struct vault_key key;
    create(f->w, "k", &key);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *first = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *again = NULL;
    EXPECT_OK(open_in(f, "alpha", &key, &first));
    EXPECT_OK(open_in(f, "alpha", &key, &again));
    assert_ptr_equal(first, again);
}

static void test_key_cache_tells_versions_apart(void **state)
{
    struct fixture *f = *state;
    struct vault_key keys[2];
    create(f->w, "k", &keys[0]);
    create(f->w, "k", &keys[1]);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *first = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *second = NULL;
    EXPECT_OK(open_in(f, "alpha", &keys[0], &first));
    EXPECT_OK(open_in(f, "alpha", &keys[1], &second));
    assert_ptr_not_equal(first, second);
    assert_false(same_material(first, second));
}

/* A restored key has its versions' ids in two vaults. */
static void test_key_cache_tells_vaults_apart(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    struct vault_key key;
    create(w, "k", &key);
    HF_CLEANUP(hf_buf_done) struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault *alpha = world_begin(w, "alpha");
    EXPECT_OK(vault_key_backup(alpha, w->txn, HF_LIT("k"), w->now, w->arena, &blob));
    world_end(w);
    struct vault_command *command = NULL;
    EXPECT_OK(
        vault_key_restore(world_vault(w, "beta"), hf_buf_view(&blob), w->now, w->arena, &command));
    EXPECT_OK(world_run(w, command));
    struct vault_key restored;
    EXPECT_OK(vault_key_of(command->version, &restored));
    assert_true(hf_uuid_equal(&restored.version.id, &key.version.id));
    HF_CLEANUP(crypto_key_freep) struct crypto_key *first = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *second = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *again = NULL;
    EXPECT_OK(open_in(f, "alpha", &key, &first));
    EXPECT_OK(open_in(f, "beta", &restored, &second));
    assert_ptr_not_equal(first, second);
    assert_true(same_material(first, second));
    EXPECT_OK(open_in(f, "alpha", &key, &again));
    assert_ptr_equal(first, again);
}

/* The owner of a key may use it for as long as it likes: ASan sees if it is freed before. */
static void test_key_cache_gives_up_the_key_used_longest_ago(void **state)
{
    struct fixture *f = *state;
    static struct vault_key keys[MANY];
    HF_CLEANUP(crypto_key_freep) struct crypto_key *first = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *used = NULL;
    create(f->w, "k", &keys[0]);
    create(f->w, "k", &keys[1]);
    EXPECT_OK(open_in(f, "alpha", &keys[0], &first));
    EXPECT_OK(open_in(f, "alpha", &keys[1], &used));
    for (size_t i = 2; i < MANY; i++) {
        create(f->w, "k", &keys[i]);
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
        EXPECT_OK(open_in(f, "alpha", &keys[i], &key));
        HF_CLEANUP(crypto_key_freep) struct crypto_key *again = NULL;
        EXPECT_OK(open_in(f, "alpha", &keys[1], &again));
        assert_ptr_equal(used, again);
    }
    HF_CLEANUP(crypto_key_freep) struct crypto_key *parsed = NULL;
    EXPECT_OK(open_in(f, "alpha", &keys[0], &parsed));
    assert_ptr_not_equal(first, parsed);
    assert_true(same_material(first, parsed));
}

static void test_key_cache_keeps_nothing_that_failed(void **state)
{
    struct fixture *f = *state;
    struct world *w = f->w;
    struct vault_key key;
    create(w, "k", &key);
    const struct vault_storage_key at = vault_key_of_value(&world_vault(w, "alpha")->properties.id,
                                                           VAULT_COLLECTION_KEYS, key.version.name,
                                                           &key.version.id);
    const hf_bytes value = world_raw_get(w, vault_storage_key_view(&at));
    EXPECT_OK(world_raw_delete(w, vault_storage_key_view(&at)));
    struct crypto_key *opened = NULL;
    for (size_t i = 0; i < 2; i++) {
        EXPECT_ERR(HF_E_CORRUPT, open_in(f, "alpha", &key, &opened));
        assert_null(opened);
    }
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&at), value));
    EXPECT_OK(open_in(f, "alpha", &key, &opened));
    crypto_key_free(opened);
}

static void test_key_cache_freed_leaves_keys_to_their_owners(void **state)
{
    struct fixture *f = *state;
    struct vault_key key;
    create(f->w, "k", &key);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *opened = NULL;
    EXPECT_OK(open_in(f, "alpha", &key, &opened));
    vault_key_cache_free(f->cache);
    f->cache = NULL;
    assert_int_equal(crypto_key_bits(opened), 128);
    assert_true(same_material(opened, opened));
    vault_key_cache_free(NULL);
}

#define WITH_CACHE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CACHE(test_key_cache_gives_a_kept_key_again),
        WITH_CACHE(test_key_cache_tells_versions_apart),
        WITH_CACHE(test_key_cache_tells_vaults_apart),
        WITH_CACHE(test_key_cache_gives_up_the_key_used_longest_ago),
        WITH_CACHE(test_key_cache_keeps_nothing_that_failed),
        WITH_CACHE(test_key_cache_freed_leaves_keys_to_their_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
