/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON bodies by rows: types, required members, null, unknown members.
 */
#include "support.h"

#include "api/fields.h"

#include <string.h>

struct body {
    hf_str text;
    bool has_flag;
    bool flag;
    bool has_time;
    hf_usec time;
    int64_t number;
    struct hf_secret *secret;
    bool has_tags;
    struct vault_tags tags;
    const struct hf_json *node;
    const struct hf_json *array;
};

static const struct api_field inner_fields[] = {
    API_FIELD_FLAGGED(struct body, flag, has_flag, API_FIELD_IS_BOOL, "flag"),
    API_FIELD_FLAGGED(struct body, time, has_time, API_FIELD_IS_TIME, "time"),
};

static const struct api_field fields[] = {
    API_FIELD(struct body, text, API_FIELD_IS_STR, "text", true),
    API_FIELD(struct body, number, API_FIELD_IS_INT, "number", false),
    API_FIELD(struct body, secret, API_FIELD_IS_SECRET, "secret", false),
    API_FIELD_FLAGGED(struct body, tags, has_tags, API_FIELD_IS_TAGS, "tags"),
    API_FIELD_OBJECT("inner", inner_fields),
    API_FIELD(struct body, node, API_FIELD_IS_NODE, "node", false),
    API_FIELD(struct body, array, API_FIELD_IS_ARRAY, "array", false),
};

static hf_err read(struct fixture *fixture, const char *json, struct body *out)
{
    memset(out, 0, sizeof(*out));
    fixture_init(fixture, NULL, HTTP_PUT, "/", "");
    assert_int_equal(hf_json_parse(hf_str_bytes(hf_str_from_c(json)), NULL, &fixture->call.body),
                     HF_OK);
    return api_fields_read(fields, HF_ARRAY_LEN(fields), fixture->call.body, fixture->arena,
                           &fixture->call.diag, out);
}

static void test_fields_wrong_bodies_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *field;
    } wrong[] = {
        { "{}", "text" },
        { "{\"text\":null}", "text" },
        { "{\"text\":1}", "text" },
        { "{\"text\":\"a\",\"number\":1.5}", "number" },
        { "{\"text\":\"a\",\"number\":\"1\"}", "number" },
        { "{\"text\":\"a\",\"secret\":{}}", "secret" },
        { "{\"text\":\"a\",\"tags\":[]}", "tags" },
        { "{\"text\":\"a\",\"tags\":{\"x\":1}}", "tags" },
        { "{\"text\":\"a\",\"tags\":{\"x\":null}}", "tags" },
        { "{\"text\":\"a\",\"inner\":[]}", "inner" },
        { "{\"text\":\"a\",\"inner\":{\"flag\":1}}", "flag" },
        { "{\"text\":\"a\",\"inner\":{\"time\":-1}}", "time" },
        { "{\"text\":\"a\",\"inner\":{\"time\":1.0}}", "time" },
        { "{\"text\":\"a\",\"inner\":{\"time\":253402300800}}", "time" },
        { "{\"text\":\"a\",\"inner\":{\"time\":\"2026\"}}", "time" },
        { "{\"text\":\"a\",\"node\":[]}", "node" },
        { "{\"text\":\"a\",\"node\":\"{}\"}", "node" },
        { "{\"text\":\"a\",\"array\":{}}", "array" },
        { "{\"text\":\"a\",\"array\":\"a\"}", "array" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        struct body body;
        print_message("%s\n", wrong[i].json);
        assert_int_equal(read(&fixture, wrong[i].json, &body), HF_E_INVALID);
        assert_string_equal(fixture.call.diag.field, wrong[i].field);
        fixture_done(&fixture);
    }
}

static void test_fields_null_and_unknown_members_count_as_absent(void **state)
{
    (void)state;
    struct fixture fixture;
    struct body body;
    const char *json = "{\"text\":\"\",\"tags\":null,\"node\":null,\"array\":null,\"inner\":{"
                       "\"flag\":null,\"created\":\"x\"},\"other\":[1]}";
    assert_int_equal(read(&fixture, json, &body), HF_OK);
    assert_false(body.has_flag || body.has_time || body.has_tags);
    assert_null(body.secret);
    assert_null(body.node);
    assert_null(body.array);
    fixture_done(&fixture);
}

static void test_fields_values_arrive(void **state)
{
    (void)state;
    struct fixture fixture;
    struct body body;
    const char *json =
        "{\"text\":\"a\",\"number\":-7,\"secret\":\"s\",\"tags\":{\"k\":\"v\",\"l\":\"\"},"
        "\"inner\":{\"flag\":false,\"time\":253402300799},\"node\":{\"n\":1},\"array\":[2,3]}";
    assert_int_equal(read(&fixture, json, &body), HF_OK);
    EXPECT_STR("a", body.text);
    assert_int_equal(body.number, -7);
    assert_true(hf_secret_equal(body.secret, hf_str_bytes(HF_LIT("s"))));
    assert_true(body.has_tags);
    assert_int_equal(body.tags.count, 2);
    EXPECT_STR("k", body.tags.items[0].name);
    EXPECT_STR("v", body.tags.items[0].value);
    assert_true(body.has_flag && !body.flag && body.has_time);
    assert_int_equal(body.time, hf_usec_from_seconds(API_TIME_MAX_SECONDS));
    assert_int_equal(hf_json_int(hf_json_member(body.node, "n")), 1);
    assert_int_equal(hf_json_size(body.array), 2);
    assert_int_equal(hf_json_int(hf_json_at(body.array, 1)), 3);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_wrong_bodies_are_refused_by_name),
        cmocka_unit_test(test_fields_null_and_unknown_members_count_as_absent),
        cmocka_unit_test(test_fields_values_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
