/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's configuration. */
#include "support.h"

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

static void expect_refused(const struct access_config *config, const char *field)
{
    struct hf_diag diag = { .field = "" };
    struct access_engine *engine = NULL;
    EXPECT_ERR(HF_E_INVALID, access_engine_new(config, &diag, &engine));
    assert_null(engine);
    assert_string_equal(diag.field, field);
}

static void test_engine_wrong_settings_are_refused(void **state HF_UNUSED)
{
    static const char *const no_audience[] = { NULL };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(1);
    struct access_config right = support_config();
    right.store = s.store;
    right.root_key = root;

    struct access_config config = right;
    config.login_url = "http://login.example";
    expect_refused(&config, "login_url");
    config.login_url = "https://";
    expect_refused(&config, "login_url");
    config = right;
    config.audiences = no_audience;
    expect_refused(&config, "audiences");
    config = right;
    config.token_lifetime = 0;
    expect_refused(&config, "lifetime");
    config = right;
    config.clock_skew = -1;
    expect_refused(&config, "clock_skew");
}

static void test_engine_short_root_key_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(1);
    hf_secret_shrink(root, 31);
    struct access_config config = support_config();
    config.store = s.store;
    config.root_key = root;
    expect_refused(&config, "root_key");
}

static void test_engine_wrong_trusted_issuers_are_refused(void **state HF_UNUSED)
{
    static const struct {
        struct access_trusted_issuer issuer;
        const char *field;
    } rows[] = {
        { { "", "{\"keys\":[]}" }, "issuer" },
        { { "https://i.example", "{\"keys\":[]}" }, "keys" },
        { { "https://i.example", "{\"keys\":{}}" }, "keys" },
        { { "https://i.example", "{}" }, "keys" },
        { { "https://i.example", "{\"keys\":[1]}" }, "keys" },
        { { "https://i.example", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}" }, "keys" },
        { { "https://i.example", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}" },
          "keys" },
        { { "https://sts.windows.net/" SUPPORT_TENANT "/", "{\"keys\":[]}" }, "issuer" },
        { { SUPPORT_LOGIN "/" SUPPORT_TENANT "/v2.0", "{\"keys\":[]}" }, "issuer" },
    };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(1);
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        struct access_config config = support_config();
        config.store = s.store;
        config.root_key = root;
        config.trusted = &rows[i].issuer;
        config.trusted_count = 1;
        expect_refused(&config, rows[i].field);
    }
    const struct access_trusted_issuer broken = { "https://i.example", "{\"keys\":[" };
    struct access_config config = support_config();
    config.store = s.store;
    config.root_key = root;
    config.trusted = &broken;
    config.trusted_count = 1;
    struct access_engine *engine = NULL;
    EXPECT_ERR(HF_E_INVALID, access_engine_new(&config, NULL, &engine));
}

static void test_engine_tells_tenant_and_issuer(void **state HF_UNUSED)
{
    const struct hf_uuid tenant = support_uuid(SUPPORT_TENANT);
    assert_true(hf_uuid_equal(access_tenant(s.engine), &tenant));
    assert_true(hf_str_equal(access_issuer_v1(s.engine),
                             HF_LIT("https://sts.windows.net/" SUPPORT_TENANT "/")));
}

/* Another root key: nothing can be read, and nothing is mistaken for absent. */
static void test_engine_other_root_key_finds_records_corrupt(void **state HF_UNUSED)
{
    struct access_principal principal = support_principal(&s, ACCESS_APPLICATION, "app");
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(8);
    struct access_config config = support_config();
    config.store = s.store;
    config.root_key = root;
    struct access_engine *engine = NULL;
    EXPECT_OK(access_engine_new(&config, NULL, &engine));
    struct access_view *view = NULL;
    EXPECT_OK(access_view_new(engine, &view));
    struct access_principal found;
    EXPECT_ERR(HF_E_CORRUPT,
               access_principal_get(view, s.txn, &principal.object_id, s.arena, &found));
    EXPECT_ERR(HF_E_CORRUPT,
               access_principal_by_client(view, s.txn, &principal.client_id, s.arena, &found));
    access_view_free(view);
    access_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_engine_wrong_settings_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_short_root_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_wrong_trusted_issuers_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_engine_tells_tenant_and_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_engine_other_root_key_finds_records_corrupt, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
