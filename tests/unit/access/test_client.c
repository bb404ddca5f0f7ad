/* SPDX-License-Identifier: Apache-2.0 */
/* Client authentication by client secret and by identity header. */
#include "support.h"

#include <string.h>

static struct support s;
static struct access_principal app;
static struct access_principal identity;
static struct hf_secret *app_secret; /* the arena's */
static struct hf_secret *header;     /* the arena's */

static struct hf_secret *add(const struct access_principal *principal,
                             enum access_credential_kind kind, hf_usec expires)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_credential_add_secret(s.engine, &principal->object_id, kind, s.now, expires,
                                           s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    return command->secret;
}

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    identity = support_principal(&s, ACCESS_MANAGED_IDENTITY, "identity");
    app_secret = add(&app, ACCESS_CLIENT_SECRET, INT64_MAX);
    header = add(&identity, ACCESS_IDENTITY_HEADER, INT64_MAX);
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static hf_err by_secret(const struct hf_uuid *client_id, const struct hf_secret *secret)
{
    struct access_client client;
    return access_client_by_secret(s.view, s.txn, client_id, secret, s.now, s.arena, &client);
}

static hf_err by_header(const struct hf_secret *text)
{
    struct access_client client;
    return access_client_by_header(s.view, s.txn, text, s.now, s.arena, &client);
}

/* A copy with one byte changed, or cut. */
static struct hf_secret *variant(const struct hf_secret *secret, size_t change_at, size_t n)
{
    struct hf_secret *copy = NULL;
    EXPECT_OK(hf_secret_from_bytes(hf_secret_view(secret), &copy));
    if (change_at < hf_secret_size(copy))
        hf_secret_edit(copy)[change_at] ^= 1;
    hf_secret_shrink(copy, n);
    EXPECT_OK(hf_arena_own_secret(s.arena, copy));
    return copy;
}

static void set_enabled(const struct access_principal *principal, bool enabled)
{
    struct access_command *command = NULL;
    EXPECT_OK(
        access_principal_set_enabled(s.engine, &principal->object_id, enabled, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
}

static void test_client_wrong_secret_is_unauthenticated(void **state HF_UNUSED)
{
    size_t n = hf_secret_size(app_secret);
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, variant(app_secret, 0, n)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, variant(app_secret, n - 1, n)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, variant(app_secret, n, n - 1)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, variant(app_secret, n, 0)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, header));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&identity.client_id, header));
}

static void test_client_unknown_is_not_found(void **state HF_UNUSED)
{
    EXPECT_ERR(HF_E_NOT_FOUND, by_secret(&app.object_id, app_secret));
}

static void test_client_secret_expires_and_another_still_works(void **state HF_UNUSED)
{
    hf_usec expires = s.now + HF_USEC_PER_DAY;
    struct hf_secret *brief = add(&app, ACCESS_CLIENT_SECRET, expires);
    s.now = expires - 1;
    EXPECT_OK(by_secret(&app.client_id, brief));
    s.now = expires;
    EXPECT_ERR(HF_E_TOKEN_EXPIRED, by_secret(&app.client_id, brief));
    EXPECT_OK(by_secret(&app.client_id, app_secret));
}

static void test_client_disabled_is_told_only_with_the_right_secret(void **state HF_UNUSED)
{
    set_enabled(&app, false);
    EXPECT_ERR(HF_E_DISABLED, by_secret(&app.client_id, app_secret));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, header));
    set_enabled(&app, true);
    EXPECT_OK(by_secret(&app.client_id, app_secret));
}

static void test_client_deleted_credential_is_unauthenticated(void **state HF_UNUSED)
{
    struct access_credential *list = NULL;
    size_t count = 0;
    EXPECT_OK(access_credential_list(s.view, s.txn, &app.object_id, s.arena, &list, &count));
    struct access_command *command = NULL;
    EXPECT_OK(access_credential_delete(s.engine, &app.object_id, &list[0].id, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_secret(&app.client_id, app_secret));
}

static void test_client_right_secret_gives_client(void **state HF_UNUSED)
{
    struct access_client client;
    EXPECT_OK(access_client_by_secret(s.view, s.txn, &app.client_id, app_secret, s.now, s.arena,
                                      &client));
    assert_true(hf_uuid_equal(&client.principal.object_id, &app.object_id));
    assert_true(hf_str_equal(client.appidacr, HF_LIT("1")));
}

static void test_client_wrong_header_is_unauthenticated(void **state HF_UNUSED)
{
    size_t n = hf_secret_size(header);
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(variant(header, n, 0)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(variant(header, n, n - 1)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(variant(header, n - 1, n)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(variant(header, HF_UUID_HEX_BYTES, n)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(variant(header, 0, n)));
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(app_secret));
}

/* The text is compared as it is: an object id in capitals names the same identity, but is not the same header. */
static void test_client_header_of_other_identity_is_unauthenticated(void **state HF_UNUSED)
{
    struct access_principal other = support_principal(&s, ACCESS_MANAGED_IDENTITY, "other");
    struct hf_secret *mixed = variant(header, SIZE_MAX, hf_secret_size(header));
    char hex[HF_UUID_HEX_BYTES + 1];
    hf_uuid_format_hex(&other.object_id, hex);
    memcpy(hf_secret_edit(mixed), hex, HF_UUID_HEX_BYTES);
    EXPECT_ERR(HF_E_UNAUTHENTICATED, by_header(mixed));
}

static void test_client_right_header_gives_client(void **state HF_UNUSED)
{
    struct access_client client;
    EXPECT_OK(access_client_by_header(s.view, s.txn, header, s.now, s.arena, &client));
    assert_true(hf_uuid_equal(&client.principal.object_id, &identity.object_id));
    assert_true(hf_str_equal(client.appidacr, HF_LIT("2")));
    set_enabled(&identity, false);
    EXPECT_ERR(HF_E_DISABLED, by_header(header));
}

static void test_client_header_expires(void **state HF_UNUSED)
{
    struct hf_secret *brief = add(&identity, ACCESS_IDENTITY_HEADER, s.now + 10);
    s.now += 10;
    EXPECT_ERR(HF_E_TOKEN_EXPIRED, by_header(brief));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_client_wrong_secret_is_unauthenticated, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_client_unknown_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_secret_expires_and_another_still_works, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_client_disabled_is_told_only_with_the_right_secret,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_deleted_credential_is_unauthenticated, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_client_right_secret_gives_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_wrong_header_is_unauthenticated, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_client_header_of_other_identity_is_unauthenticated,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_right_header_gives_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_header_expires, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
