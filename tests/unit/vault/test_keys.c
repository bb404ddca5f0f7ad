/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage keys: order, prefixes, and that no two things share one.
 */
#include "support.h"

static const struct hf_uuid vault_one = { .b = { 1 } };
static const struct hf_uuid vault_two = { .b = { 2 } };
static const struct hf_uuid version_low = { .b = { 0 } };
static const struct hf_uuid version_high = { .b = { 0xff } };

static int compare(struct vault_storage_key a, struct vault_storage_key b)
{
    return hf_str_compare(hf_bytes_str(vault_storage_key_view(&a)),
                          hf_bytes_str(vault_storage_key_view(&b)));
}

static bool starts(struct vault_storage_key key, struct vault_storage_key prefix)
{
    return hf_str_starts(hf_bytes_str(vault_storage_key_view(&key)),
                         hf_bytes_str(vault_storage_key_view(&prefix)));
}

static struct vault_storage_key due_key(hf_usec due, const char *name)
{
    const struct vault_purge_entry entry = { .due = due,
                                             .vault = vault_one,
                                             .collection = VAULT_COLLECTION_SECRETS,
                                             .name = hf_str_from_c(name) };
    return vault_key_of_purge_due(&entry);
}

static void test_purge_due_key_broken_is_refused(void **state HF_UNUSED)
{
    const struct vault_storage_key good = due_key(5, "a");
    struct vault_purge_entry entry;
    for (size_t n = 0; n < good.n; n++)
        EXPECT_ERR(HF_E_CORRUPT, vault_key_parse_purge_due((hf_bytes){ good.p, n }, &entry));
    struct vault_storage_key bad = good;
    bad.p[good.n - 1] = 'x';
    EXPECT_ERR(HF_E_CORRUPT, vault_key_parse_purge_due(vault_storage_key_view(&bad), &entry));
    bad = good;
    bad.p[good.n - 2] = '/';
    EXPECT_ERR(HF_E_CORRUPT, vault_key_parse_purge_due(vault_storage_key_view(&bad), &entry));
    bad = good;
    bad.p[1 + VAULT_TIME_BYTES + VAULT_UUID_BYTES] = 'x';
    EXPECT_ERR(HF_E_CORRUPT, vault_key_parse_purge_due(vault_storage_key_view(&bad), &entry));
    bad = good;
    bad.p[0] = STORE_CLASS_OBJECT;
    EXPECT_ERR(HF_E_CORRUPT, vault_key_parse_purge_due(vault_storage_key_view(&bad), &entry));
}

static void test_version_key_of_another_name_is_refused(void **state HF_UNUSED)
{
    const struct vault_storage_key prefix = vault_key_of_versions(
        &vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("a"));
    const struct vault_storage_key other = vault_key_of_version(
        &vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("b"), &version_low);
    struct hf_uuid version;
    EXPECT_ERR(HF_E_CORRUPT,
               vault_key_parse_version(vault_storage_key_view(&other), &prefix, &version));
    EXPECT_ERR(HF_E_CORRUPT,
               vault_key_parse_version(vault_storage_key_view(&prefix), &prefix, &version));
}

static void test_purge_due_keys_are_in_order_of_time(void **state HF_UNUSED)
{
    static const hf_usec times[] = { INT64_MIN, -1, 0, 1, 255, 256, START_TIME, INT64_MAX };
    for (size_t i = 1; i < HF_ARRAY_LEN(times); i++)
        assert_true(compare(due_key(times[i - 1], "zzz"), due_key(times[i], "a")) < 0);
    struct vault_purge_entry entry;
    const struct vault_storage_key key = due_key(START_TIME, "Name-1");
    EXPECT_OK(vault_key_parse_purge_due(vault_storage_key_view(&key), &entry));
    assert_int_equal(entry.due, START_TIME);
    assert_true(hf_uuid_equal(&entry.vault, &vault_one));
    EXPECT_STR("name-1", entry.name);
}

static void test_object_keys_are_in_order_of_name_without_case(void **state HF_UNUSED)
{
    static const char *const names[] = { "a", "a-", "a0", "aA", "ab", "B", "c" };
    for (size_t i = 1; i < HF_ARRAY_LEN(names); i++) {
        assert_true(compare(vault_key_of_object(&vault_one, VAULT_COLLECTION_SECRETS,
                                                VAULT_STATE_ACTIVE, hf_str_from_c(names[i - 1])),
                            vault_key_of_object(&vault_one, VAULT_COLLECTION_SECRETS,
                                                VAULT_STATE_ACTIVE, hf_str_from_c(names[i]))) < 0);
    }
    assert_int_equal(compare(vault_key_of_object(&vault_one, VAULT_COLLECTION_SECRETS,
                                                 VAULT_STATE_ACTIVE, HF_LIT("NAME")),
                             vault_key_of_object(&vault_one, VAULT_COLLECTION_SECRETS,
                                                 VAULT_STATE_ACTIVE, HF_LIT("name"))),
                     0);
}

static void test_object_prefix_holds_one_state_of_one_vault(void **state HF_UNUSED)
{
    const struct vault_storage_key active = vault_key_of_objects(
        &vault_one, VAULT_COLLECTION_SECRETS, VAULT_STATE_ACTIVE);
    const hf_str name = HF_LIT("a");
    assert_true(
        starts(vault_key_of_object(&vault_one, VAULT_COLLECTION_SECRETS, VAULT_STATE_ACTIVE, name),
               active));
    assert_false(
        starts(vault_key_of_object(&vault_one, VAULT_COLLECTION_SECRETS, VAULT_STATE_DELETED, name),
               active));
    assert_false(
        starts(vault_key_of_object(&vault_two, VAULT_COLLECTION_SECRETS, VAULT_STATE_ACTIVE, name),
               active));
}

static void test_version_prefix_does_not_reach_longer_names(void **state HF_UNUSED)
{
    const struct vault_storage_key prefix = vault_key_of_versions(
        &vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("a"));
    const struct vault_storage_key values = vault_key_of_values(
        &vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("a"));
    assert_true(starts(
        vault_key_of_version(&vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("A"), &version_high),
        prefix));
    assert_false(starts(
        vault_key_of_version(&vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("aa"), &version_low),
        prefix));
    assert_true(
        starts(vault_key_of_value(&vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("a"), &version_low),
               values));
    assert_false(starts(values, prefix));
    assert_true(compare(vault_key_of_version(&vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("a"),
                                             &version_low),
                        vault_key_of_version(&vault_one, VAULT_COLLECTION_SECRETS, HF_LIT("a"),
                                             &version_high)) < 0);
}

static void test_longest_key_fits(void **state HF_UNUSED)
{
    char name[VAULT_OBJECT_NAME_MAX_CHARS];
    memset(name, 'Z', sizeof(name));
    const hf_str longest = { name, sizeof(name) };
    const struct vault_storage_key key = vault_key_of_value(&vault_one, VAULT_COLLECTION_SECRETS,
                                                            longest, &version_high);
    assert_int_equal(key.n, VAULT_STORAGE_KEY_MAX_BYTES);
    assert_true(key.n <= STORE_KEY_MAX_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_purge_due_key_broken_is_refused),
        cmocka_unit_test(test_version_key_of_another_name_is_refused),
        cmocka_unit_test(test_purge_due_keys_are_in_order_of_time),
        cmocka_unit_test(test_object_keys_are_in_order_of_name_without_case),
        cmocka_unit_test(test_object_prefix_holds_one_state_of_one_vault),
        cmocka_unit_test(test_version_prefix_does_not_reach_longer_names),
        cmocka_unit_test(test_longest_key_fits),
    };
    return cmocka_run_group_tests_name("vault/keys", tests, NULL, NULL);
}
