/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: making, listing, removing. */
#include "support.h"

static struct support s;
static struct access_principal app;
static struct access_principal identity;

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    identity = support_principal(&s, ACCESS_MANAGED_IDENTITY, "identity");
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static hf_err add(const struct access_principal *principal, enum access_credential_kind kind,
                  struct access_command **out)
{
    EXPECT_OK(access_credential_add_secret(s.engine, &principal->object_id, kind, s.now, INT64_MAX,
                                           s.arena, out));
    return support_apply(&s, *out);
}

static size_t count_of(const struct access_principal *principal)
{
    struct access_credential *list = NULL;
    size_t count = 0;
    EXPECT_OK(access_credential_list(s.view, s.txn, &principal->object_id, s.arena, &list, &count));
    return count;
}

static void test_credential_add_wrong_arguments_are_refused(void **state HF_UNUSED)
{
    struct access_command *command = NULL;
    EXPECT_ERR(HF_E_INVALID,
               access_credential_add_secret(s.engine, &app.object_id, ACCESS_CERTIFICATE, s.now,
                                            INT64_MAX, s.arena, &command));
    EXPECT_ERR(HF_E_INVALID,
               access_credential_add_secret(s.engine, &app.object_id, ACCESS_CLIENT_SECRET, s.now,
                                            s.now, s.arena, &command));
    static const char *const certificates[] = {
        "",
        "x",
        ("-----BEGIN CERTIFICATE-----\nAAAA\n"
         "-----END CERTIFICATE-----\n"),
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(certificates); i++) {
        struct hf_diag diag = { .field = "" };
        hf_bytes bytes = hf_str_bytes(hf_str_from_c(certificates[i]));
        EXPECT_ERR(HF_E_INVALID,
                   access_credential_add_certificate(s.engine, &app.object_id, bytes, s.now,
                                                     s.arena, &diag, &command));
        assert_string_equal(diag.field, "certificate");
    }
    assert_null(command);
}

static void test_credential_add_to_unknown_principal_is_not_found(void **state HF_UNUSED)
{
    struct access_principal unknown = app;
    unknown.object_id.b[0] ^= 1;
    struct access_command *command = NULL;
    EXPECT_ERR(HF_E_NOT_FOUND, add(&unknown, ACCESS_CLIENT_SECRET, &command));
}

static void test_credential_kind_must_fit_principal(void **state HF_UNUSED)
{
    struct access_command *command = NULL;
    EXPECT_ERR(HF_E_CONFLICT, add(&app, ACCESS_IDENTITY_HEADER, &command));
    EXPECT_ERR(HF_E_CONFLICT, add(&identity, ACCESS_CLIENT_SECRET, &command));
    assert_int_equal(count_of(&app) + count_of(&identity), 0);
}

static void test_credential_beyond_limit_is_conflict(void **state HF_UNUSED)
{
    struct access_command *command = NULL;
    for (int i = 0; i < ACCESS_CREDENTIALS_MAX; i++)
        EXPECT_OK(add(&app, ACCESS_CLIENT_SECRET, &command));
    EXPECT_ERR(HF_E_CONFLICT, add(&app, ACCESS_CLIENT_SECRET, &command));
    assert_int_equal(count_of(&app), ACCESS_CREDENTIALS_MAX);
}

static void test_credential_texts_have_their_form(void **state HF_UNUSED)
{
    struct access_command *command = NULL;
    EXPECT_OK(add(&app, ACCESS_CLIENT_SECRET, &command));
    assert_int_equal(hf_secret_size(command->secret), 40);
    EXPECT_OK(add(&identity, ACCESS_IDENTITY_HEADER, &command));
    assert_int_equal(hf_secret_size(command->secret), 76);
    hf_str text = hf_bytes_str(hf_secret_view(command->secret));
    char hex[HF_UUID_HEX_BYTES + 1];
    hf_uuid_format_hex(&identity.object_id, hex);
    assert_true(hf_str_starts(text, hf_str_from_c(hex)));
    assert_int_equal(text.p[HF_UUID_HEX_BYTES], '.');
}

static void test_credential_list_and_delete(void **state HF_UNUSED)
{
    struct access_command *first = NULL;
    struct access_command *second = NULL;
    EXPECT_OK(add(&app, ACCESS_CLIENT_SECRET, &first));
    EXPECT_OK(add(&app, ACCESS_CLIENT_SECRET, &second));
    assert_int_equal(count_of(&app), 2);
    struct access_command *command = NULL;
    EXPECT_OK(access_credential_delete(s.engine, &app.object_id, &first->credential.id, s.arena,
                                       &command));
    EXPECT_OK(support_apply(&s, command));
    EXPECT_ERR(HF_E_NOT_FOUND, support_apply(&s, command));
    struct access_credential *list = NULL;
    size_t count = 0;
    EXPECT_OK(access_credential_list(s.view, s.txn, &app.object_id, s.arena, &list, &count));
    assert_int_equal(count, 1);
    assert_true(hf_uuid_equal(&list[0].id, &second->credential.id));
    assert_int_equal(list[0].kind, ACCESS_CLIENT_SECRET);
    assert_true(list[0].created == s.now && list[0].expires == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_credential_add_wrong_arguments_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_credential_add_to_unknown_principal_is_not_found,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_kind_must_fit_principal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_beyond_limit_is_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_texts_have_their_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_list_and_delete, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
