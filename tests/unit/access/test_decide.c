/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments and decisions. */
#include "support.h"

static struct support s;
static struct access_principal app;
static hf_str token;

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    support_signing_key(&s);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    token = support_token(&s, &app);
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static void unassign(const struct hf_uuid *id)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_unassign(s.engine, id, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
}

static enum access_reason reason_of(enum access_action action, const char *resource)
{
    struct access_decision decision = support_decide(&s, token, action, resource);
    assert_int_equal(decision.allowed, decision.reason == ACCESS_ALLOWED_BY_ASSIGNMENT);
    return decision.reason;
}

static void test_assign_wrong_scope_is_refused(void **state HF_UNUSED)
{
    const struct access_role *role = NULL;
    EXPECT_OK(access_role_find(HF_LIT("Key Vault Reader"), &role));
    struct access_command *command = NULL;
    struct hf_diag diag = { .field = "" };
    EXPECT_ERR(HF_E_INVALID, access_assign(s.engine, &app.object_id, role, HF_LIT("/vaults/abc"),
                                           s.now, s.arena, &diag, &command));
    assert_string_equal(diag.field, "scope");
    assert_null(command);
}

static void test_assign_twice_exists(void **state HF_UNUSED)
{
    (void)support_assign(&s, &app.object_id, "Key Vault Reader", SUPPORT_VAULT);
    const struct access_role *role = NULL;
    EXPECT_OK(access_role_find(HF_LIT("Key Vault Reader"), &role));
    static const char *const same[] = { SUPPORT_VAULT, SUPPORT_VAULT "/" };
    struct access_command *command = NULL;
    for (size_t i = 0; i < HF_ARRAY_LEN(same); i++) {
        EXPECT_OK(access_assign(s.engine, &app.object_id, role, hf_str_from_c(same[i]), s.now,
                                s.arena, NULL, &command));
        EXPECT_ERR(HF_E_EXISTS, support_apply(&s, command));
    }
    /* another role, another scope: fine */
    (void)support_assign(&s, &app.object_id, "Key Vault Secrets User", SUPPORT_VAULT);
    (void)support_assign(&s, &app.object_id, "Key Vault Reader", SUPPORT_VAULT "/keys/a");
}

static void test_assign_beyond_limit_is_conflict(void **state HF_UNUSED)
{
    const struct access_role *role = NULL;
    EXPECT_OK(access_role_find(HF_LIT("Key Vault Reader"), &role));
    for (int i = 0; i <= ACCESS_ASSIGNMENTS_MAX; i++) {
        hf_str scope = hf_arena_printf(s.arena, SUPPORT_VAULT "/secrets/s%d", i);
        struct access_command *command = NULL;
        EXPECT_OK(
            access_assign(s.engine, &app.object_id, role, scope, s.now, s.arena, NULL, &command));
        EXPECT_ERR(i < ACCESS_ASSIGNMENTS_MAX ? HF_OK : HF_E_CONFLICT, support_apply(&s, command));
    }
    assert_int_equal(reason_of(ACCESS_SECRETS_READ_METADATA, SUPPORT_VAULT "/secrets/s999"),
                     ACCESS_ALLOWED_BY_ASSIGNMENT);
}

static void test_unassign_unknown_is_not_found(void **state HF_UNUSED)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_unassign(s.engine, &app.object_id, s.arena, &command));
    EXPECT_ERR(HF_E_NOT_FOUND, support_apply(&s, command));
}

static void test_assignment_list_tells_all(void **state HF_UNUSED)
{
    struct access_assignment *list = NULL;
    size_t count = 99;
    EXPECT_OK(access_assignment_list(s.view, s.txn, s.arena, &list, &count));
    assert_int_equal(count, 0);
    struct hf_uuid id = support_assign(&s, &app.object_id, "Key Vault Reader",
                                       SUPPORT_VAULT "/Secrets/Name/");
    EXPECT_OK(access_assignment_list(s.view, s.txn, s.arena, &list, &count));
    assert_int_equal(count, 1);
    assert_true(hf_uuid_equal(&list[0].id, &id));
    assert_true(hf_uuid_equal(&list[0].principal, &app.object_id));
    assert_true(hf_str_equal(list[0].role->name, HF_LIT("Key Vault Reader")));
    assert_true(hf_str_equal(list[0].scope, HF_LIT(SUPPORT_VAULT "/Secrets/Name")));
    assert_true(list[0].created == s.now);
}

static void test_decide_without_assignment_is_denied(void **state HF_UNUSED)
{
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT), ACCESS_DENIED_NO_ASSIGNMENT);
    struct access_principal other = support_principal(&s, ACCESS_APPLICATION, "other");
    (void)support_assign(&s, &other.object_id, "Key Vault Administrator", "/");
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT), ACCESS_DENIED_NO_ASSIGNMENT);
}

static void test_decide_management_roles_open_nothing(void **state HF_UNUSED)
{
    static const char *const roles[] = { "Owner", "Contributor", "Reader", "Key Vault Contributor",
                                         "User Access Administrator" };
    for (size_t i = 0; i < HF_ARRAY_LEN(roles); i++)
        (void)support_assign(&s, &app.object_id, roles[i], "/");
    for (size_t action = 0; action < ACCESS_ACTION_COUNT; action++)
        assert_int_equal(reason_of((enum access_action)action, SUPPORT_VAULT),
                         ACCESS_DENIED_ROLE_LACKS);
}

static void test_decide_every_action_as_the_role_says(void **state HF_UNUSED)
{
    size_t count = 0;
    const struct access_role *roles = access_roles(&count);
    for (size_t i = 0; i < count; i++) {
        const struct access_role *role = &roles[i];
        struct hf_uuid id = support_assign(&s, &app.object_id, role->name.p, SUPPORT_VAULT);
        for (size_t action = 0; action < ACCESS_ACTION_COUNT; action++) {
            bool allowed = access_role_allows(role, (enum access_action)action);
            assert_int_equal(reason_of((enum access_action)action, SUPPORT_VAULT "/keys/k"),
                             allowed ? ACCESS_ALLOWED_BY_ASSIGNMENT : ACCESS_DENIED_ROLE_LACKS);
        }
        unassign(&id);
    }
}

static void test_decide_stops_at_the_vault(void **state HF_UNUSED)
{
    struct hf_uuid id = support_assign(&s, &app.object_id, "Key Vault Secrets User", SUPPORT_VAULT);
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT "d"), ACCESS_DENIED_NO_ASSIGNMENT);
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT "d/secrets/x"),
                     ACCESS_DENIED_NO_ASSIGNMENT);
    struct access_decision decision = support_decide(&s, token, ACCESS_SECRETS_GET,
                                                     SUPPORT_VAULT "/secrets/x");
    assert_true(decision.allowed);
    assert_true(hf_uuid_equal(&decision.assignment_id, &id));
    assert_true(support_decide(&s, token, ACCESS_SECRETS_READ_METADATA, SUPPORT_VAULT).allowed);
}

static void test_decide_object_scope_does_not_list(void **state HF_UNUSED)
{
    (void)support_assign(&s, &app.object_id, "Key Vault Secrets User", SUPPORT_VAULT "/secrets/X");
    assert_int_equal(reason_of(ACCESS_SECRETS_READ_METADATA, SUPPORT_VAULT),
                     ACCESS_DENIED_NO_ASSIGNMENT);
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT "/secrets/xy"),
                     ACCESS_DENIED_NO_ASSIGNMENT);
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT "/certificates/x"),
                     ACCESS_DENIED_NO_ASSIGNMENT);
    assert_int_equal(reason_of(ACCESS_SECRETS_SET, SUPPORT_VAULT "/secrets/x"),
                     ACCESS_DENIED_ROLE_LACKS);
    assert_int_equal(reason_of(ACCESS_SECRETS_GET, SUPPORT_VAULT "/secrets/x"),
                     ACCESS_ALLOWED_BY_ASSIGNMENT);
}

static void test_decide_change_counts_at_once(void **state HF_UNUSED)
{
    const char *resource = SUPPORT_VAULT "/secrets/x";
    for (int i = 0; i < 3; i++) {
        assert_int_equal(reason_of(ACCESS_SECRETS_GET, resource), ACCESS_DENIED_NO_ASSIGNMENT);
        struct hf_uuid id = support_assign(&s, &app.object_id, "Key Vault Secrets User",
                                           SUPPORT_VAULT);
        assert_int_equal(reason_of(ACCESS_SECRETS_GET, resource), ACCESS_ALLOWED_BY_ASSIGNMENT);
        unassign(&id);
    }
}

/* A caller kept from before the change: the decision is that of the snapshot asked about. */
static void test_decide_with_kept_caller_follows_the_snapshot(void **state HF_UNUSED)
{
    struct hf_uuid id = support_assign(&s, &app.object_id, "Key Vault Secrets User", "/");
    const struct access_caller *caller = NULL;
    EXPECT_OK(access_token_verify(s.view, s.txn, token, s.now, s.arena, NULL, &caller));
    struct access_decision decision;
    EXPECT_OK(
        access_decide(s.view, s.txn, caller, ACCESS_SECRETS_GET, HF_LIT(SUPPORT_VAULT), &decision));
    assert_true(decision.allowed);
    unassign(&id);
    EXPECT_OK(
        access_decide(s.view, s.txn, caller, ACCESS_SECRETS_GET, HF_LIT(SUPPORT_VAULT), &decision));
    assert_false(decision.allowed);
    id = support_assign(&s, &app.object_id, "Key Vault Secrets User", "/");
    EXPECT_OK(
        access_decide(s.view, s.txn, caller, ACCESS_SECRETS_GET, HF_LIT(SUPPORT_VAULT), &decision));
    assert_true(decision.allowed);
    struct access_command *command = NULL;
    EXPECT_OK(access_principal_set_enabled(s.engine, &app.object_id, false, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    EXPECT_OK(
        access_decide(s.view, s.txn, caller, ACCESS_SECRETS_GET, HF_LIT(SUPPORT_VAULT), &decision));
    assert_int_equal(decision.reason, ACCESS_DENIED_NO_ASSIGNMENT);
    access_caller_release(s.view, caller);
}

/* Assignments of several roles add up; the one that allows is named. */
static void test_decide_unites_assignments(void **state HF_UNUSED)
{
    (void)support_assign(&s, &app.object_id, "Key Vault Reader", "/");
    struct hf_uuid officer = support_assign(&s, &app.object_id, "Key Vault Secrets Officer",
                                            SUPPORT_VAULT "/secrets/x");
    struct access_decision decision = support_decide(&s, token, ACCESS_SECRETS_PURGE,
                                                     SUPPORT_VAULT "/secrets/x");
    assert_true(decision.allowed);
    assert_true(hf_uuid_equal(&decision.assignment_id, &officer));
    assert_int_equal(reason_of(ACCESS_SECRETS_PURGE, SUPPORT_VAULT "/secrets/y"),
                     ACCESS_DENIED_ROLE_LACKS);
    assert_int_equal(reason_of(ACCESS_KEYS_READ, SUPPORT_VAULT "/keys/y"),
                     ACCESS_ALLOWED_BY_ASSIGNMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_assign_wrong_scope_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assign_twice_exists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assign_beyond_limit_is_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unassign_unknown_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assignment_list_tells_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_without_assignment_is_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_management_roles_open_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_every_action_as_the_role_says, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_stops_at_the_vault, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_object_scope_does_not_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_change_counts_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decide_with_kept_caller_follows_the_snapshot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_decide_unites_assignments, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
