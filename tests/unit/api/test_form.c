/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token request's form and HTTP Basic credentials.
 */
#include "support.h"

#include "api/entra/internal.h"

#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

static void test_form_malformed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *body;
    } wrong[] = {
        { "application/json", "grant_type=client_credentials" },
        { FORM_TYPE, "grant_type=a%2" },
        { FORM_TYPE, "grant_type=a%00b" },
        { FORM_TYPE, "grant_type=a&grant_type=b" },
        { FORM_TYPE, "client_secret=a&client_secret=b" },
        { FORM_TYPE, "client_secret=%zz" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        fixture_init(&fixture, &entra_door, HTTP_POST, "/t/oauth2/v2.0/token", "");
        fixture_body(&fixture, wrong[i].type, wrong[i].body);
        struct entra_form form;
        assert_int_equal(entra_form_read(&fixture.call, &form), HF_E_INVALID);
        assert_int_equal(fixture.call.error.status, 400);
        fixture_done(&fixture);
    }
}

static void test_form_members_are_decoded_and_unknown_ones_ignored(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, &entra_door, HTTP_POST, "/t/oauth2/v2.0/token", "");
    fixture_body(&fixture, FORM_TYPE "; charset=utf-8",
                 "grant_type=client_credentials&x-client-SKU=a%zz&scope=https%3A%2F%2Fv%2F.default+"
                 "&client_secret=a%2Bb+c&"
                 "client_id=");
    struct entra_form form;
    assert_int_equal(entra_form_read(&fixture.call, &form), HF_OK);
    EXPECT_STR("client_credentials", form.grant_type);
    EXPECT_STR("https://v/.default ", form.scope);
    assert_true(hf_secret_equal(form.client_secret, hf_str_bytes(HF_LIT("a+b c"))));
    assert_int_equal(form.client_id.n, 0);
    assert_null(form.resource.p);
    fixture_done(&fixture);
}

static void test_form_basic_credentials_count(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        hf_err err;
    } basics[] = {
        { "Basic !!!!", HF_E_INVALID },
        { "Basic YWJj", HF_E_INVALID },      /* abc: no colon */
        { "Basic aWQlMmQ6cyUzYXM=", HF_OK }, /* id%2d:s%3as */
        { "Bearer x", HF_OK },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(basics); i++) {
        struct fixture fixture;
        fixture_init(&fixture, &entra_door, HTTP_POST, "/t/oauth2/v2.0/token", "");
        fixture_body(&fixture, FORM_TYPE, "grant_type=client_credentials");
        fixture.headers[1] = (struct http_header){ HF_LIT("authorization"),
                                                   hf_str_from_c(basics[i].value) };
        fixture.exchange.request.header_count = 2;
        struct entra_form form;
        assert_int_equal(entra_form_read(&fixture.call, &form), basics[i].err);
        if (i == 2) {
            EXPECT_STR("id-", form.client_id);
            assert_true(hf_secret_equal(form.client_secret, hf_str_bytes(HF_LIT("s:s"))));
        }
        fixture_done(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_malformed_is_refused),
        cmocka_unit_test(test_form_members_are_decoded_and_unknown_ones_ignored),
        cmocka_unit_test(test_form_basic_credentials_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
