/* SPDX-License-Identifier: Apache-2.0 */
/* Principals: making, reading, disabling, removing; their records on disk. */
#include "support.h"

#include <string.h>

static struct support s;

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static void test_principal_create_wrong_name_is_refused(void **state HF_UNUSED)
{
    char long_name[ACCESS_NAME_MAX_CHARS + 1];
    memset(long_name, 'x', sizeof(long_name));
    const hf_str names[] = {
        HF_LIT(""),
        HF_LIT("a\nb"),
        HF_LIT("a\x7f"),
        HF_LIT("a\xc2\x85"),
        HF_LIT("a\xff"),
        HF_LIT("a\0b"),
        { long_name, sizeof(long_name) },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        struct access_command *command = NULL;
        struct hf_diag diag = { .field = "" };
        EXPECT_ERR(HF_E_INVALID, access_principal_create(s.engine, ACCESS_APPLICATION, names[i],
                                                         s.now, s.arena, &diag, &command));
        assert_null(command);
        assert_string_equal(diag.field, "name");
    }
}

static void test_principal_get_unknown_is_not_found(void **state HF_UNUSED)
{
    const struct hf_uuid id = support_uuid("00000000-0000-4000-8000-000000000001");
    struct access_principal found;
    EXPECT_ERR(HF_E_NOT_FOUND, access_principal_get(s.view, s.txn, &id, s.arena, &found));
    EXPECT_ERR(HF_E_NOT_FOUND, access_principal_by_client(s.view, s.txn, &id, s.arena, &found));
    struct access_command *command = NULL;
    EXPECT_OK(access_principal_delete(s.engine, &id, s.arena, &command));
    EXPECT_ERR(HF_E_NOT_FOUND, support_apply(&s, command));
    EXPECT_OK(access_principal_set_enabled(s.engine, &id, true, s.arena, &command));
    EXPECT_ERR(HF_E_NOT_FOUND, support_apply(&s, command));
}

static void test_principal_create_is_read_back(void **state HF_UNUSED)
{
    struct access_principal made = support_principal(&s, ACCESS_MANAGED_IDENTITY, "B\xc3\xbcro 1");
    struct access_principal found;
    EXPECT_OK(access_principal_get(s.view, s.txn, &made.object_id, s.arena, &found));
    assert_true(hf_uuid_equal(&found.object_id, &made.object_id));
    assert_true(hf_uuid_equal(&found.client_id, &made.client_id));
    assert_int_equal(found.kind, ACCESS_MANAGED_IDENTITY);
    assert_true(found.enabled);
    assert_true(found.created == s.now);
    assert_true(hf_str_equal(found.name, HF_LIT("B\xc3\xbcro 1")));
    EXPECT_OK(access_principal_by_client(s.view, s.txn, &made.client_id, s.arena, &found));
    assert_true(hf_uuid_equal(&found.object_id, &made.object_id));
    /* the object id is no client id */
    EXPECT_ERR(HF_E_NOT_FOUND,
               access_principal_by_client(s.view, s.txn, &made.object_id, s.arena, &found));
}

static void test_principal_name_at_limit_is_accepted(void **state HF_UNUSED)
{
    char name[ACCESS_NAME_MAX_CHARS + 1] = { 0 };
    memset(name, 'x', ACCESS_NAME_MAX_CHARS);
    struct access_principal made = support_principal(&s, ACCESS_APPLICATION, name);
    assert_int_equal(made.name.n, ACCESS_NAME_MAX_CHARS);
}

static void test_principal_list_has_all(void **state HF_UNUSED)
{
    struct access_principal *list = NULL;
    size_t count = 99;
    EXPECT_OK(access_principal_list(s.view, s.txn, s.arena, &list, &count));
    assert_int_equal(count, 0);
    (void)support_principal(&s, ACCESS_APPLICATION, "one");
    (void)support_principal(&s, ACCESS_APPLICATION, "one");
    (void)support_principal(&s, ACCESS_MANAGED_IDENTITY, "two");
    EXPECT_OK(access_principal_list(s.view, s.txn, s.arena, &list, &count));
    assert_int_equal(count, 3);
    assert_false(hf_uuid_equal(&list[0].object_id, &list[1].object_id));
}

static void set_enabled(const struct access_principal *principal, bool enabled)
{
    struct access_command *command = NULL;
    EXPECT_OK(
        access_principal_set_enabled(s.engine, &principal->object_id, enabled, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
}

static void test_principal_set_enabled_keeps_the_rest(void **state HF_UNUSED)
{
    struct access_principal made = support_principal(&s, ACCESS_APPLICATION, "app");
    struct access_principal found;
    set_enabled(&made, false);
    EXPECT_OK(access_principal_get(s.view, s.txn, &made.object_id, s.arena, &found));
    assert_false(found.enabled);
    assert_true(hf_str_equal(found.name, made.name));
    assert_true(hf_uuid_equal(&found.client_id, &made.client_id));
    set_enabled(&made, true);
    EXPECT_OK(access_principal_get(s.view, s.txn, &made.object_id, s.arena, &found));
    assert_true(found.enabled);
}

static void test_principal_delete_takes_credentials_and_assignments(void **state HF_UNUSED)
{
    struct access_principal kept = support_principal(&s, ACCESS_APPLICATION, "kept");
    struct access_principal made = support_principal(&s, ACCESS_APPLICATION, "gone");
    (void)support_assign(&s, &made.object_id, "Key Vault Reader", "/");
    (void)support_assign(&s, &made.object_id, "Key Vault Reader", SUPPORT_VAULT);
    (void)support_assign(&s, &kept.object_id, "Key Vault Reader", "/");
    struct access_command *command = NULL;
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(access_credential_add_secret(s.engine, &made.object_id, ACCESS_CLIENT_SECRET,
                                               s.now, INT64_MAX, s.arena, &command));
        EXPECT_OK(support_apply(&s, command));
    }
    EXPECT_OK(access_principal_delete(s.engine, &made.object_id, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));

    struct access_principal found;
    EXPECT_ERR(HF_E_NOT_FOUND,
               access_principal_get(s.view, s.txn, &made.object_id, s.arena, &found));
    EXPECT_ERR(HF_E_NOT_FOUND,
               access_principal_by_client(s.view, s.txn, &made.client_id, s.arena, &found));
    struct access_credential *credentials = NULL;
    size_t count = 99;
    EXPECT_OK(
        access_credential_list(s.view, s.txn, &made.object_id, s.arena, &credentials, &count));
    assert_int_equal(count, 0);
    struct access_assignment *assignments = NULL;
    EXPECT_OK(access_assignment_list(s.view, s.txn, s.arena, &assignments, &count));
    assert_int_equal(count, 1);
    assert_true(hf_uuid_equal(&assignments[0].principal, &kept.object_id));
}

/* ---- the record on disk ---- */

struct overwrite {
    struct store_command store;
    hf_bytes key;
    hf_bytes value;
};

static hf_err apply_overwrite(struct store_command *command, struct store_txn *txn)
{
    const struct overwrite *overwrite = HF_CONTAINER_OF(command, struct overwrite, store);
    return store_put(txn, overwrite->key, overwrite->value);
}

/* The principal's record as it is stored, in the arena. */
static hf_bytes stored_record(const struct access_key *key)
{
    hf_bytes value = { NULL, 0 };
    EXPECT_OK(store_get(s.txn, access_key_view(key), &value));
    return hf_arena_dup_bytes(s.arena, value);
}

static void overwrite_record(const struct access_key *key, hf_bytes value)
{
    struct overwrite overwrite = { .store = { .apply = apply_overwrite },
                                   .key = access_key_view(key),
                                   .value = value };
    store_read_end(s.txn);
    EXPECT_OK(store_apply(s.store, &overwrite.store));
    EXPECT_OK(store_read_begin(s.reader, &s.txn));
}

static void test_principal_record_of_unknown_format_is_refused(void **state HF_UNUSED)
{
    struct access_principal made = support_principal(&s, ACCESS_APPLICATION, "app");
    const struct access_key key = access_key_principal(&made.object_id);
    hf_bytes stored = stored_record(&key);
    uint8_t changed[256];
    assert_true(stored.n <= sizeof(changed));
    memcpy(changed, stored.p, stored.n);
    changed[1] = ACCESS_FORMAT_PRINCIPAL + 1;
    overwrite_record(&key, (hf_bytes){ changed, stored.n });
    struct access_principal found;
    EXPECT_ERR(HF_E_FORMAT, access_principal_get(s.view, s.txn, &made.object_id, s.arena, &found));
}

static void test_principal_record_changed_anywhere_is_corrupt(void **state HF_UNUSED)
{
    struct access_principal made = support_principal(&s, ACCESS_APPLICATION, "app");
    const struct access_key key = access_key_principal(&made.object_id);
    hf_bytes stored = stored_record(&key);
    uint8_t changed[256];
    assert_true(stored.n <= sizeof(changed));
    struct access_principal found;
    for (size_t i = 0; i < stored.n; i += 7) {
        memcpy(changed, stored.p, stored.n);
        changed[i == 1 ? 2 : i] ^= 1;
        overwrite_record(&key, (hf_bytes){ changed, stored.n });
        EXPECT_ERR(HF_E_CORRUPT,
                   access_principal_get(s.view, s.txn, &made.object_id, s.arena, &found));
    }
}

/* A record put in another's place does not open there. */
static void test_principal_record_moved_is_corrupt(void **state HF_UNUSED)
{
    struct access_principal one = support_principal(&s, ACCESS_APPLICATION, "one");
    struct access_principal two = support_principal(&s, ACCESS_APPLICATION, "two");
    const struct access_key from = access_key_principal(&one.object_id);
    const struct access_key to = access_key_principal(&two.object_id);
    overwrite_record(&to, stored_record(&from));
    struct access_principal found;
    EXPECT_ERR(HF_E_CORRUPT, access_principal_get(s.view, s.txn, &two.object_id, s.arena, &found));
}

/* apply may run again from the start: the same command leaves the same bytes. */
static void test_principal_set_enabled_twice_seals_the_same(void **state HF_UNUSED)
{
    struct access_principal made = support_principal(&s, ACCESS_APPLICATION, "app");
    struct access_command *command = NULL;
    EXPECT_OK(access_principal_set_enabled(s.engine, &made.object_id, false, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    const struct access_key key = access_key_principal(&made.object_id);
    hf_bytes first = stored_record(&key);
    EXPECT_OK(support_apply(&s, command));
    assert_true(hf_bytes_equal(first, stored_record(&key)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_principal_create_wrong_name_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_principal_get_unknown_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_create_is_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_name_at_limit_is_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_list_has_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_set_enabled_keeps_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_delete_takes_credentials_and_assignments,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_record_of_unknown_format_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_principal_record_changed_anywhere_is_corrupt, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_principal_record_moved_is_corrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_principal_set_enabled_twice_seals_the_same, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
