/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating, protecting, finding and listing vaults.
 */
#include "support.h"

#include <stdio.h>

#define MANY_VAULTS 300 /* more than a view's cache holds */

static hf_err find(struct world *w, const char *name, struct vault_properties *out)
{
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    struct vault *vault = NULL;
    hf_err err = vault_find(w->view, w->txn, hf_str_from_c(name), &vault);
    if (err == HF_OK)
        *out = *vault_properties_of(vault);
    world_end(w);
    return err;
}

static void test_vault_create_bad_properties_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const fields[] = { "name",          "resourceGroup", "location",
                                          "retentionDays", "retentionDays", "name" };
    struct vault_properties bad[HF_ARRAY_LEN(fields)];
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
        bad[i] = world_properties("fresh", 1);
    bad[0].name[0] = '-';
    bad[1].resource_group[0] = '\0';
    bad[2].location[0] = '/';
    bad[3].retention_days = VAULT_RETENTION_MIN_DAYS - 1;
    bad[4].retention_days = VAULT_RETENTION_MAX_DAYS + 1;
    memset(bad[5].name, 'a', sizeof(bad[5].name)); /* not terminated */
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
        EXPECT_ERR(HF_E_INVALID, world_create(w, &bad[i]));
        assert_string_equal(w->diag.field, fields[i]);
    }
}

static void test_vault_create_taken_name_in_other_case_is_refused(void **state)
{
    struct world *w = *state;
    const struct vault_properties properties = world_properties("ALPHA", 1);
    EXPECT_ERR(HF_E_EXISTS, world_create(w, &properties));
    struct vault_properties found = { .retention_days = 0 };
    EXPECT_OK(find(w, "alpha", &found));
    assert_string_equal(found.name, "Alpha");
}

static void test_vault_find_unknown_or_invalid_is_not_found(void **state)
{
    struct world *w = *state;
    struct vault_properties found = { .retention_days = 0 };
    EXPECT_ERR(HF_E_NOT_FOUND, find(w, "delta", &found));
    EXPECT_ERR(HF_E_NOT_FOUND, find(w, "", &found));
    EXPECT_ERR(HF_E_NOT_FOUND, find(w, "../alpha", &found));
}

static void test_vault_protect_unknown_is_not_found(void **state)
{
    struct world *w = *state;
    EXPECT_ERR(HF_E_NOT_FOUND, world_protect(w, "delta"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_protect(w, "-"));
}

static void test_vault_find_with_other_root_key_is_corrupt(void **state)
{
    struct world *w = *state;
    struct vault_properties found = { .retention_days = 0 };
    world_reopen(w, WORLD_ROOT_BYTE + 1);
    EXPECT_ERR(HF_E_CORRUPT, find(w, "alpha", &found));
}

static void test_vault_create_draws_id_and_keeps_properties(void **state)
{
    struct world *w = *state;
    struct vault_properties properties = world_properties("Delta", 4);
    properties.purge_protection = true;
    EXPECT_OK(world_create(w, &properties));
    struct vault_properties found = { .retention_days = 0 };
    EXPECT_OK(find(w, "dELTA", &found));
    assert_string_equal(found.name, "Delta");
    assert_true(hf_uuid_equal(&found.id, &w->command->properties.id));
    assert_false(hf_uuid_equal(&found.id, &properties.id));
    assert_true(hf_uuid_equal(&found.tenant, &properties.tenant));
    assert_true(hf_uuid_equal(&found.subscription, &properties.subscription));
    assert_string_equal(found.resource_group, "rg-test");
    assert_string_equal(found.location, "westeurope");
    assert_int_equal(found.created, START_TIME);
    assert_int_equal(found.retention_days, VAULT_RETENTION_DEFAULT_DAYS);
    assert_true(found.purge_protection);
}

static void test_vault_protect_is_seen_by_a_view_that_has_the_vault_cached(void **state)
{
    struct world *w = *state;
    struct vault_properties found = { .retention_days = 0 };
    EXPECT_OK(find(w, "alpha", &found));
    assert_false(found.purge_protection);
    EXPECT_OK(world_protect(w, "ALPHA"));
    assert_true(w->command->properties.purge_protection);
    EXPECT_OK(find(w, "alpha", &found));
    assert_true(found.purge_protection);
    EXPECT_OK(world_protect(w, "alpha")); /* again changes nothing */
    EXPECT_OK(world_set(w, "after", "the key is the same"));
    world_expect_value(w, "after", "the key is the same");
}

static void test_vault_protect_is_not_seen_by_an_older_snapshot(void **state)
{
    struct world *w = *state;
    struct store_reader *old_reader = NULL;
    struct store_txn *old_txn = NULL;
    EXPECT_OK(store_reader_new(w->store, &old_reader));
    EXPECT_OK(store_read_begin(old_reader, &old_txn));
    EXPECT_OK(world_protect(w, "alpha"));
    struct vault *vault = NULL;
    EXPECT_OK(vault_find(w->view, old_txn, HF_LIT("alpha"), &vault));
    assert_false(vault_properties_of(vault)->purge_protection);
    store_read_end(old_txn);
    store_reader_free(old_reader);
    struct vault_properties found = { .retention_days = 0 };
    EXPECT_OK(find(w, "alpha", &found)); /* what the old snapshot said is not kept */
    assert_true(found.purge_protection);
}

static void test_vault_list_is_in_order_of_name(void **state)
{
    struct world *w = *state;
    const struct vault_properties properties = world_properties("Aaa", 1);
    EXPECT_OK(world_create(w, &properties));
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    const struct vault_properties *list = NULL;
    size_t count = 0;
    EXPECT_OK(vault_list(w->view, w->txn, w->arena, &list, &count));
    world_end(w);
    static const char *const names[] = { "Aaa", "Alpha", "beta", "gamma" };
    assert_int_equal(count, HF_ARRAY_LEN(names));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(list[i].name, names[i]);
}

static void test_vault_find_of_many_keeps_a_bounded_cache(void **state)
{
    struct world *w = *state;
    char name[VAULT_NAME_MAX_CHARS + 1];
    for (int i = 0; i < MANY_VAULTS; i++) {
        (void)snprintf(name, sizeof(name), "vault-%d", i);
        const struct vault_properties properties = world_properties(name, 1);
        EXPECT_OK(world_create(w, &properties));
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY_VAULTS; i++) {
            struct vault_properties found = { .retention_days = 0 };
            (void)snprintf(name, sizeof(name), "vault-%d", i);
            EXPECT_OK(find(w, name, &found));
            assert_string_equal(found.name, name);
        }
    }
    assert_in_range(vault_view_count_for_test(w->view), 200, 256);
}

/* The lock limit bounds secret memory: a view has one place for what its vaults know, not one for each. */
static void test_vault_find_of_many_takes_little_secret_memory(void **state)
{
    enum { VAULTS = 20, SECRET_BYTES_OF_A_VAULT = 128 };
    struct world *w = *state;
    char name[VAULT_NAME_MAX_CHARS + 1];
    for (int i = 0; i < VAULTS; i++) {
        (void)snprintf(name, sizeof(name), "vault-%d", i);
        const struct vault_properties properties = world_properties(name, 1);
        EXPECT_OK(world_create(w, &properties));
        EXPECT_OK(world_set_in(w, name, "same", name));
    }
    const size_t cached = vault_view_count_for_test(w->view);
    const size_t before = hf_secret_stats().used_bytes;
    vault_view_free(w->view);
    w->view = NULL;
    EXPECT_OK(vault_view_new(w->engine, &w->view));
    const size_t empty = hf_secret_stats().used_bytes;
    assert_in_range(cached, VAULTS, VAULTS + 3);
    assert_in_range(before - empty, 1, cached * SECRET_BYTES_OF_A_VAULT);
    for (int i = 0; i < VAULTS; i++) {
        (void)snprintf(name, sizeof(name), "vault-%d", i);
        struct vault_secret secret;
        struct vault *vault = world_begin(w, name);
        EXPECT_OK(vault_secret_get(vault, w->txn, HF_LIT("same"), NULL, w->now, w->arena, &secret));
        world_end(w);
    }
    assert_in_range(hf_secret_stats().used_bytes - empty, 1, VAULTS * SECRET_BYTES_OF_A_VAULT);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_vault_create_bad_properties_is_refused),
        WORLD_TEST(test_vault_create_taken_name_in_other_case_is_refused),
        WORLD_TEST(test_vault_find_unknown_or_invalid_is_not_found),
        WORLD_TEST(test_vault_protect_unknown_is_not_found),
        WORLD_TEST(test_vault_find_with_other_root_key_is_corrupt),
        WORLD_TEST(test_vault_create_draws_id_and_keeps_properties),
        WORLD_TEST(test_vault_protect_is_seen_by_a_view_that_has_the_vault_cached),
        WORLD_TEST(test_vault_protect_is_not_seen_by_an_older_snapshot),
        WORLD_TEST(test_vault_list_is_in_order_of_name),
        WORLD_TEST(test_vault_find_of_many_keeps_a_bounded_cache),
        WORLD_TEST(test_vault_find_of_many_takes_little_secret_memory),
    };
    return cmocka_run_group_tests_name("vault/vaults", tests, NULL, NULL);
}
