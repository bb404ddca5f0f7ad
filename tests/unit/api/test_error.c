/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors on the wire: every hf_err has its own row, and the body is well-formed JSON in Azure's form.
 */
#include "support.h"

#include "api/azure/azure.h"

static void test_error_every_code_has_status_and_body(void **state)
{
    (void)state;
    for (int code = HF_OK + 1; code < HF_ERR_COUNT_; code++) {
        struct fixture fixture;
        fixture_init(&fixture, &azure_door, HTTP_GET, "/secrets", "");
        azure_door.write_error(&fixture.call, (hf_err)code);
        assert_true(fixture.call.status >= 400 && fixture.call.status < 600);

        struct hf_json *body = NULL;
        assert_int_equal(hf_json_parse(hf_buf_view(&fixture.out), NULL, &body), HF_OK);
        const struct hf_json *error = hf_json_member(body, "error");
        assert_true(hf_json_str(hf_json_member(error, "code")).n > 0);
        assert_true(hf_json_str(hf_json_member(error, "message")).n > 0);
        hf_json_free(body);
        fixture_done(&fixture);
    }
}

/* What a class of errors means on the wire. */
static void test_error_status_follows_the_class(void **state)
{
    (void)state;
    static const int statuses[] = {
        [HF_CLASS_INVALID] = 400,   [HF_CLASS_TOO_LARGE] = 413,   [HF_CLASS_UNAUTHENTICATED] = 401,
        [HF_CLASS_FORBIDDEN] = 403, [HF_CLASS_NOT_FOUND] = 404,   [HF_CLASS_CONFLICT] = 409,
        [HF_CLASS_THROTTLED] = 429, [HF_CLASS_UNSUPPORTED] = 405, [HF_CLASS_UNAVAILABLE] = 503,
        [HF_CLASS_CORRUPT] = 500,   [HF_CLASS_INTERNAL] = 500,
    };
    for (int code = HF_OK + 1; code < HF_ERR_COUNT_; code++) {
        struct fixture fixture;
        fixture_init(&fixture, &azure_door, HTTP_GET, "/secrets", "");
        azure_door.write_error(&fixture.call, (hf_err)code);
        print_message("%s\n", hf_err_name((hf_err)code));
        assert_int_equal(fixture.call.status, statuses[hf_err_class_of((hf_err)code)]);
        fixture_done(&fixture);
    }
}

static void test_error_unauthenticated_carries_the_challenge(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, &azure_door, HTTP_GET, "/secrets", "");
    fixture.service.challenge = HF_LIT("Bearer x");
    azure_door.write_error(&fixture.call, HF_E_TOKEN_EXPIRED);
    assert_int_equal(fixture.call.status, 401);
    assert_int_equal(fixture.call.header_count, 1);
    assert_true(hf_str_equal(fixture.call.headers[0].name, HF_LIT("www-authenticate")));
    assert_true(hf_str_equal(fixture.call.headers[0].value, HF_LIT("Bearer x")));
    fixture_done(&fixture);
}

static void test_error_explained_by_a_handler_is_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, &azure_door, HTTP_GET, "/secrets", "");
    hf_err err = api_fail(&fixture.call, HF_E_NOT_FOUND, 404, HF_LIT("SecretNotFound"),
                          HF_LIT("Inner"), "a \"%s\"", "b");
    assert_int_equal(err, HF_E_NOT_FOUND);
    /* the first writer wins */
    hf_ignore(api_fail(&fixture.call, HF_E_INVALID, 400, HF_LIT("Other"), HF_LIT(""), "c"));
    azure_door.write_error(&fixture.call, err);
    assert_int_equal(fixture.call.status, 404);
    hf_str expected = HF_LIT("{\"error\":{\"code\":\"SecretNotFound\",\"message\":\"a \\\"b\\\"\","
                             "\"innererror\":{\"code\":\"Inner\"}}}");
    assert_true(hf_str_equal(hf_buf_str(&fixture.out), expected));
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_every_code_has_status_and_body),
        cmocka_unit_test(test_error_status_follows_the_class),
        cmocka_unit_test(test_error_unauthenticated_carries_the_challenge),
        cmocka_unit_test(test_error_explained_by_a_handler_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
