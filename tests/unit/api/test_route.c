/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing: which row a method and path mean, and what is refused.
 */
#include "support.h"

#include "api/azure/azure.h"

#include <string.h>

struct route_case {
    const char *label;
    enum http_method method;
    const char *path;
    hf_err err;
    const char *op; /* if HF_OK */
    const char *params[2];
};

static const struct route_case cases[] = {
    { "nothing", HTTP_GET, "/", HF_E_NOT_FOUND, NULL, { NULL } },
    { "unknown collection", HTTP_GET, "/storage", HF_E_NOT_FOUND, NULL, { NULL } },
    { "too many segments", HTTP_GET, "/secrets/a/b/c/d", HF_E_NOT_FOUND, NULL, { NULL } },
    { "far too many",
      HTTP_GET,
      "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a",
      HF_E_NOT_FOUND,
      NULL,
      { NULL } },
    { "empty name", HTTP_PUT, "/secrets/", HF_E_UNSUPPORTED, NULL, { NULL } },
    { "two trailing slashes", HTTP_GET, "/secrets/a/b//", HF_E_NOT_FOUND, NULL, { NULL } },
    { "wrong method", HTTP_POST, "/secrets/a", HF_E_UNSUPPORTED, NULL, { NULL } },
    { "unknown method", HTTP_OTHER, "/secrets/a", HF_E_UNSUPPORTED, NULL, { NULL } },
    { "bad escape", HTTP_GET, "/secrets/a%2", HF_E_INVALID, NULL, { NULL } },
    { "escaped NUL", HTTP_GET, "/secrets/a%00", HF_E_INVALID, NULL, { NULL } },
    { "escaped literal is no literal", HTTP_GET, "/%73ecrets/a", HF_E_NOT_FOUND, NULL, { NULL } },
    { "list", HTTP_GET, "/secrets", HF_OK, "GetSecrets", { NULL } },
    { "list with slash", HTTP_GET, "/secrets/", HF_OK, "GetSecrets", { NULL } },
    { "doubled slash in front", HTTP_GET, "//secrets/a", HF_OK, "GetSecret", { "a", "" } },
    { "newest", HTTP_GET, "/secrets/a", HF_OK, "GetSecret", { "a", "" } },
    { "newest with slash", HTTP_GET, "/secrets/a/", HF_OK, "GetSecret", { "a", "" } },
    { "version", HTTP_GET, "/secrets/a/0123", HF_OK, "GetSecret", { "a", "0123" } },
    { "versions before version",
      HTTP_GET,
      "/secrets/a/versions",
      HF_OK,
      "GetSecretVersions",
      { "a", NULL } },
    { "case of literals",
      HTTP_GET,
      "/SECRETS/A/Versions/",
      HF_OK,
      "GetSecretVersions",
      { "A", NULL } },
    { "escaped name", HTTP_GET, "/secrets/a%2Db", HF_OK, "GetSecret", { "a-b", "" } },
    { "restore is no name", HTTP_POST, "/secrets/restore", HF_OK, "RestoreSecret", { NULL } },
    { "empty version in the middle", HTTP_POST, "/keys/k//sign", HF_OK, "Sign", { "k", "" } },
    { "version left out in the middle", HTTP_POST, "/keys/k/sign", HF_OK, "Sign", { "k", "" } },
    { "version in the middle", HTTP_POST, "/keys/k/12/sign", HF_OK, "Sign", { "k", "12" } },
    { "update newest", HTTP_PATCH, "/secrets/a/", HF_OK, "UpdateSecret", { "a", "" } },
    { "purge", HTTP_DELETE, "/deletedsecrets/a", HF_OK, "PurgeDeletedSecret", { "a", NULL } },
};

static void test_route_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct route_case *c = &cases[i];
        struct fixture fixture;
        fixture_init(&fixture, &azure_door, c->method, c->path, "");
        print_message("%s\n", c->label);
        assert_int_equal(api_route(&fixture.call), c->err);
        if (c->err == HF_OK) {
            assert_string_equal(fixture.call.op->name, c->op);
            for (size_t p = 0; p < HF_ARRAY_LEN(c->params) && c->params[p] != NULL; p++)
                EXPECT_STR(c->params[p], fixture.call.params[p]);
        }
        fixture_done(&fixture);
    }
}

static void test_route_body_limit_is_larger_for_restore_only(void **state)
{
    (void)state;
    size_t restore = api_route_body_max(&azure_door, HTTP_POST, HF_LIT("/secrets/restore"));
    assert_true(restore > (size_t)VAULT_BACKUP_BLOB_MAX_BYTES);
    assert_int_equal(api_route_body_max(&azure_door, HTTP_PUT, HF_LIT("/secrets/a")),
                     API_BODY_MAX_BYTES);
    assert_int_equal(api_route_body_max(&azure_door, HTTP_GET, HF_LIT("/secrets/restore")),
                     API_BODY_MAX_BYTES);
}

static void test_query_is_decoded_and_compared_without_case(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *name;
        hf_err err;
        const char *value; /* NULL: absent */
    } queries[] = {
        { "api-version=7%2", "api-version", HF_E_INVALID, NULL },
        { "", "api-version", HF_OK, NULL },
        { "api-version", "api-version", HF_OK, "" },
        { "a=1&api%2Dversion=7.4", "api-version", HF_OK, "7.4" },
        { "API-Version=7.4&api-version=7.5", "api-version", HF_OK, "7.4" },
        { "%24skiptoken=a%2Bb", "$skiptoken", HF_OK, "a+b" },
        { "&&x=a+b&", "x", HF_OK, "a b" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(queries); i++) {
        struct fixture fixture;
        fixture_init(&fixture, &azure_door, HTTP_GET, "/secrets", queries[i].query);
        hf_str value = HF_LIT("untouched");
        assert_int_equal(api_query(&fixture.call, hf_str_from_c(queries[i].name), &value),
                         queries[i].err);
        if (queries[i].err == HF_OK && queries[i].value == NULL)
            assert_null(value.p);
        if (queries[i].value != NULL)
            EXPECT_STR(queries[i].value, value);
        fixture_done(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_cases),
        cmocka_unit_test(test_route_body_limit_is_larger_for_restore_only),
        cmocka_unit_test(test_query_is_decoded_and_compared_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
