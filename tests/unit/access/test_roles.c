/* SPDX-License-Identifier: Apache-2.0 */
/* Action patterns, and what each built-in role allows, action by action. */
#include "support.h"

static void test_pattern_table(void **state HF_UNUSED)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } rows[] = {
        { "", "a", false },
        { "a", "", false },
        { "secrets/*", "secrets", false },
        { "*/read", "keys/reader", false },
        { "*/read", "keys/unread", false },
        { "keys/read", "keys/read/action", false },
        { "a*b*c", "acb", false },
        { "*a", "b", false },
        { "", "", true },
        { "*", "", true },
        { "**", "x", true },
        { "*", "secrets/getSecret/action", true },
        { "secrets/*", "secrets/", true },
        { "SECRETS/*", "secrets/getSecret/action", true },
        { "*/read", "Keys/Read", true },
        { "a*b*c", "axxbyybzzc", true },
        { "*aab", "aaaab", true },
        { "keys/*/action", "keys/a/b/action", true },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        bool matches = access_pattern_matches(hf_str_from_c(rows[i].pattern),
                                              hf_str_from_c(rows[i].text));
        if (matches != rows[i].matches)
            fail_msg("%s against %s: %d", rows[i].pattern, rows[i].text, matches);
    }
}

#define ROLE_ACTIONS_MAX 48

/* Written out: what is not in a list, the role must not allow. */
static const struct {
    const char *name;
    const char *guid;
    const char *actions[ROLE_ACTIONS_MAX]; /* NULL-terminated; "all" alone is everything */
} expected_roles[] = {
    { "Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483", { "all" } },
    { "Key Vault Reader",
      "21090545-7ca7-4776-b22c-e363652d74d2",
      { "keys/read", "keyrotationpolicies/read", "secrets/readMetadata/action", "certificates/read",
        "certificatecas/read" } },
    { "Key Vault Secrets Officer",
      "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
      { "secrets/delete", "secrets/backup/action", "secrets/purge/action", "secrets/update/action",
        "secrets/recover/action", "secrets/restore/action", "secrets/readMetadata/action",
        "secrets/getSecret/action", "secrets/setSecret/action" } },
    { "Key Vault Secrets User",
      "4633458b-17de-408a-b874-0445c86b69e6",
      { "secrets/readMetadata/action", "secrets/getSecret/action" } },
    { "Key Vault Crypto Officer",
      "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
      { "keys/read", "keys/delete", "keys/update/action", "keys/create/action",
        "keys/import/action", "keys/recover/action", "keys/restore/action", "keys/backup/action",
        "keys/purge/action", "keys/encrypt/action", "keys/decrypt/action", "keys/wrap/action",
        "keys/unwrap/action", "keys/sign/action", "keys/verify/action", "keys/release/action",
        "keys/rotate/action", "keyrotationpolicies/read", "keyrotationpolicies/write" } },
    { "Key Vault Crypto User",
      "12338af0-0e69-4776-bea7-57ae8d297424",
      { "keys/read", "keys/update/action", "keys/backup/action", "keys/encrypt/action",
        "keys/decrypt/action", "keys/wrap/action", "keys/unwrap/action", "keys/sign/action",
        "keys/verify/action" } },
    { "Key Vault Crypto Service Encryption User",
      "e147488a-f6f5-4113-8e2d-b22465e65bf6",
      { "keys/read", "keys/wrap/action", "keys/unwrap/action" } },
    { "Key Vault Crypto Service Release User",
      "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
      { "keys/release/action" } },
    { "Key Vault Certificates Officer",
      "a4417e6f-fecd-4de8-b567-7b0420556985",
      { "certificates/read", "certificates/delete", "certificates/backup/action",
        "certificates/purge/action", "certificates/update/action", "certificates/create/action",
        "certificates/import/action", "certificates/recover/action", "certificates/restore/action",
        "certificatecas/read", "certificatecas/write", "certificatecas/delete",
        "certificatecontacts/write" } },
    { "Key Vault Certificate User",
      "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
      { "certificates/read", "secrets/getSecret/action", "secrets/readMetadata/action",
        "keys/read" } },
    { "Key Vault Contributor", "f25e0fa2-a7c8-4377-a976-54943a77a395", { NULL } },
    { "Key Vault Purge Operator", "a68e7c17-0ab2-4c09-9a58-125dae29748c", { NULL } },
    { "Key Vault Data Access Administrator", "8b54135c-b56d-4d72-a534-26097cfdc8d8", { NULL } },
    { "Managed HSM contributor", "18500a29-7fe2-46b2-a342-b16a415e101d", { NULL } },
    { "Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", { NULL } },
    { "Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", { NULL } },
    { "Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", { NULL } },
    { "User Access Administrator", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", { NULL } },
    { "Role Based Access Control Administrator", "f58310d9-a9f6-439a-9e8d-f62e7b41a168", { NULL } },
};

static bool is_expected(const char *const *actions, hf_str name)
{
    if (actions[0] != NULL && hf_str_equal(hf_str_from_c(actions[0]), HF_LIT("all")))
        return true;
    for (size_t i = 0; actions[i] != NULL; i++) {
        if (hf_str_equal(hf_str_from_c(actions[i]), name))
            return true;
    }
    return false;
}

static void test_role_allows_exactly_the_listed_actions(void **state HF_UNUSED)
{
    static const size_t prefix_n = sizeof("Microsoft.KeyVault/vaults/") - 1;
    for (size_t row = 0; row < HF_ARRAY_LEN(expected_roles); row++) {
        const struct access_role *role = NULL;
        EXPECT_OK(access_role_find(hf_str_from_c(expected_roles[row].name), &role));
        size_t allowed = 0;
        for (size_t i = 0; i < ACCESS_ACTION_COUNT; i++) {
            enum access_action action = (enum access_action)i;
            hf_str name = hf_str_sub(access_action_name(action), prefix_n, SIZE_MAX);
            bool expected = is_expected(expected_roles[row].actions, name);
            if (access_role_allows(role, action) != expected)
                fail_msg("%s: %.*s", expected_roles[row].name, HF_STR_ARG(name));
            allowed += expected ? 1 : 0;
        }
        /* Every listed name is an action. */
        size_t listed = 0;
        while (expected_roles[row].actions[listed] != NULL)
            listed++;
        if (row != 0)
            assert_int_equal(allowed, listed);
        else
            assert_int_equal(allowed, ACCESS_ACTION_COUNT);
    }
}

static void test_roles_are_all_listed_here(void **state HF_UNUSED)
{
    size_t count = 0;
    const struct access_role *roles = access_roles(&count);
    assert_int_equal(count, HF_ARRAY_LEN(expected_roles));
    for (size_t i = 0; i < count; i++) {
        char guid[HF_UUID_TEXT_BYTES + 1];
        hf_uuid_format(&roles[i].id, guid);
        assert_string_equal(guid, expected_roles[i].guid);
        assert_true(hf_str_equal(roles[i].name, hf_str_from_c(expected_roles[i].name)));
        assert_true(roles[i].description.n > 0);
    }
}

static void test_role_find_unknown_is_not_found(void **state HF_UNUSED)
{
    static const char *const names[] = { "", "Key Vault", "Key Vault Administrator ",
                                         "00482a5a-887f-4fb3-b363-3b7fe8e74484",
                                         "00482a5a887f4fb3b3633b7fe8e74483" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        const struct access_role *role = NULL;
        EXPECT_ERR(HF_E_NOT_FOUND, access_role_find(hf_str_from_c(names[i]), &role));
        assert_null(role);
    }
}

static void test_role_find_by_guid_or_name_without_case(void **state HF_UNUSED)
{
    static const char *const names[] = { "KEY VAULT reader", "21090545-7CA7-4776-B22C-E363652D74D2",
                                         "Key Vault Reader" };
    const struct access_role *first = NULL;
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        const struct access_role *role = NULL;
        EXPECT_OK(access_role_find(hf_str_from_c(names[i]), &role));
        assert_true(first == NULL || first == role);
        first = role;
    }
}

static void test_action_name_has_prefix(void **state HF_UNUSED)
{
    assert_true(hf_str_equal(access_action_name(ACCESS_SECRETS_GET),
                             HF_LIT("Microsoft.KeyVault/vaults/secrets/getSecret/action")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_table),
        cmocka_unit_test(test_role_allows_exactly_the_listed_actions),
        cmocka_unit_test(test_roles_are_all_listed_here),
        cmocka_unit_test(test_role_find_unknown_is_not_found),
        cmocka_unit_test(test_role_find_by_guid_or_name_without_case),
        cmocka_unit_test(test_action_name_has_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
