/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON: what is refused, what is read, and that nothing of it stays in memory. */
#include "support.h"

#include "base/buf.h"
#include "base/json.h"

static hf_err parse(hf_str text, struct hf_json **out)
{
    return hf_json_parse(hf_str_bytes(text), NULL, out);
}

static void test_json_malformed_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{'a':1}",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{} {}",
        "{}x",
        "nul",
        "NaN",
        "Infinity",
        "+1",
        "01",
        "1.",
        ".5",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"",
        "\"\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\xaf\"",
        "\xef\xbb\xbf{}",
        "{\"a\":1,\"a\":2}",
        "{\"b\":{\"a\":1,\"\\u0061\":2}}",
        "9223372036854775808",
        "-9223372036854775809",
        "1e999",
        "// comment\n{}",
        "/**/{}",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_json *root = NULL;
        struct hf_diag diag = { 0 };
        const hf_err err = hf_json_parse(hf_str_bytes(hf_str_from_c(cases[i])), &diag, &root);
        if (err != HF_E_INVALID)
            fail_msg("accepted \"%s\": %s", cases[i], hf_err_name(err));
        assert_null(root);
        assert_true(strncmp(diag.text, "JSON", 4) == 0);
    }
}

static void test_json_nul_byte_is_refused(void **state HF_UNUSED)
{
    struct hf_json *root = NULL;
    EXPECT_ERR(HF_E_INVALID, parse(HF_LIT("{}\0"), &root));
    EXPECT_ERR(HF_E_INVALID, parse(HF_LIT("\"a\0b\""), &root));
    EXPECT_ERR(HF_E_INVALID, parse(HF_LIT("{\"a\\u0000b\":1}"), &root));
}

static void test_json_depth_at_limit_and_beyond(void **state HF_UNUSED)
{
    char text[2 * HF_JSON_DEPTH_MAX + 2];
    memset(text, '[', HF_JSON_DEPTH_MAX);
    memset(text + HF_JSON_DEPTH_MAX, ']', HF_JSON_DEPTH_MAX);
    struct hf_json *root = NULL;
    EXPECT_OK(parse((hf_str){ text, 2 * (size_t)HF_JSON_DEPTH_MAX }, &root));
    hf_json_free(root);

    memset(text, '[', HF_JSON_DEPTH_MAX + 1);
    memset(text + HF_JSON_DEPTH_MAX + 1, ']', HF_JSON_DEPTH_MAX + 1);
    root = NULL;
    struct hf_diag diag = { 0 };
    EXPECT_ERR(HF_E_INVALID,
               hf_json_parse((hf_bytes){ (uint8_t *)text, sizeof text }, &diag, &root));
    assert_non_null(strstr(diag.text, "nested deeper than 16"));

    /* Brackets in strings are text, also behind escaped quotes; siblings do not add up. */
    EXPECT_OK(parse(
        HF_LIT("[\"[[[[[[[[[\\\"[[[[[[[[[[[[\\\\\",[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
               "[],[],[],\"{{{{{{{{{{{{{{{{{{{{{\"]"),
        &root));
    hf_json_free(root);
}

static void test_json_refusal_does_not_quote_the_input(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "{\"value\": hunter2}",
        "{\"value\": \"hunter2",
        "{\"hunter2\":1, \"hunter2\":2}",
        "{\"value\":\"hunter2\\q\"}",
        "{\"value\":\"hunter2\"} hunter2",
        "\"hunter2\x80\"",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_json *root = NULL;
        struct hf_diag diag = { 0 };
        EXPECT_ERR(HF_E_INVALID,
                   hf_json_parse(hf_str_bytes(hf_str_from_c(cases[i])), &diag, &root));
        assert_null(strstr(diag.text, "hunter2"));
    }
}

static void test_json_refusal_tells_line_and_reason(void **state HF_UNUSED)
{
    struct hf_json *root = NULL;
    struct hf_diag diag = { 0 };
    EXPECT_ERR(HF_E_INVALID,
               hf_json_parse(hf_str_bytes(HF_LIT("{\"a\":1,\n \"a\":2}")), &diag, &root));
    assert_string_equal(diag.text, "JSON, line 2, column 4: a member occurs twice");
    diag = (struct hf_diag){ 0 };
    EXPECT_ERR(HF_E_INVALID, hf_json_parse(hf_str_bytes(HF_LIT("{} 1")), &diag, &root));
    assert_non_null(strstr(diag.text, "unexpected text after the end"));
}

static void test_json_any_top_value_is_read(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        enum hf_json_type type;
    } cases[] = {
        { "null", HF_JSON_NULL },   { "true", HF_JSON_BOOL }, { " false ", HF_JSON_BOOL },
        { "-5", HF_JSON_INT },      { "1.5", HF_JSON_REAL },  { "1e2", HF_JSON_REAL },
        { "\"\"", HF_JSON_STRING }, { "[]", HF_JSON_ARRAY },  { "{}", HF_JSON_OBJECT },
        { "\t\r\n0", HF_JSON_INT },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
        EXPECT_OK(parse(hf_str_from_c(cases[i].text), &root));
        assert_int_equal(hf_json_type(root), cases[i].type);
    }
}

static void test_json_values_are_read(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    EXPECT_OK(
        parse(HF_LIT("{\"s\":\"a\\n\\u00e4\\ud83d\\ude00\",\"i\":-9223372036854775808,\"t\":true,"
                     "\"n\":null,\"a\":[1,2,3]}"),
              &root));
    EXPECT_STR("a\n\xc3\xa4\xf0\x9f\x98\x80", hf_json_str(hf_json_member(root, "s")));
    assert_true(hf_json_int(hf_json_member(root, "i")) == INT64_MIN);
    assert_true(hf_json_bool(hf_json_member(root, "t")));
    assert_non_null(hf_json_member(root, "n"));
    const struct hf_json *array = hf_json_member(root, "a");
    assert_int_equal(hf_json_size(array), 3);
    assert_int_equal(hf_json_int(hf_json_at(array, 2)), 3);
    assert_null(hf_json_at(array, 3));
    assert_int_equal(hf_json_size(root), 5);
}

static void test_json_wrong_type_or_null_reads_as_nothing(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    EXPECT_OK(parse(HF_LIT("{\"s\":\"x\",\"i\":1,\"r\":1.5,\"b\":true}"), &root));
    const char *const names[] = { "r", "missing", "S" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        const struct hf_json *node = hf_json_member(root, names[i]);
        assert_null(hf_json_str(node).p);
        assert_int_equal(hf_json_int(node), 0);
        assert_false(hf_json_bool(node));
        assert_int_equal(hf_json_size(node), 0);
        assert_null(hf_json_member(node, "x"));
        assert_null(hf_json_at(node, 0));
        void *iter = NULL;
        hf_str name = { NULL, 0 };
        const struct hf_json *value = NULL;
        assert_false(hf_json_next(node, &iter, &name, &value));
    }
    assert_null(hf_json_str(hf_json_member(root, "i")).p);
    assert_int_equal(hf_json_int(hf_json_member(root, "s")), 0);
    assert_false(hf_json_bool(hf_json_member(root, "i")));
    assert_int_equal(hf_json_type(NULL), HF_JSON_NULL);
    hf_json_free(NULL);
}

static void test_json_members_come_in_input_order(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    EXPECT_OK(parse(HF_LIT("{\"z\":0,\"a\":1,\"\":2,\"m\":3}"), &root));
    static const char *const names[] = { "z", "a", "", "m" };
    void *iter = NULL;
    hf_str name = { NULL, 0 };
    const struct hf_json *value = NULL;
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        assert_true(hf_json_next(root, &iter, &name, &value));
        EXPECT_STR(names[i], name);
        assert_int_equal(hf_json_int(value), i);
    }
    assert_false(hf_json_next(root, &iter, &name, &value));
}

static void test_json_tree_lives_in_secret_memory_and_goes(void **state HF_UNUSED)
{
    const size_t used = hf_secret_stats().used_bytes;
    struct hf_json *root = NULL;
    EXPECT_OK(parse(HF_LIT("{\"value\":\"correct horse battery staple\",\"tags\":{\"a\":\"b\"}}"),
                    &root));
    assert_true(hf_secret_stats().used_bytes > used);
    hf_json_free(root);
    assert_true(hf_secret_stats().used_bytes == used);
    EXPECT_ERR(HF_E_INVALID,
               parse(HF_LIT("{\"value\":\"correct horse\",\"tags\":{\"a\":\"b\"}"), &root));
    assert_true(hf_secret_stats().used_bytes == used);
}

/* "[0,0,…,0]" with `commas` commas. */
static hf_err parse_array(size_t commas)
{
    struct hf_buf text;
    hf_buf_init(&text, (size_t)1024 * 1024);
    hf_buf_put_c(&text, "[0");
    for (size_t i = 0; i < commas; i++)
        hf_buf_put_c(&text, ",0");
    hf_buf_put_c(&text, "]");
    struct hf_json *root = NULL;
    const hf_err err = hf_json_parse(hf_buf_view(&text), NULL, &root);
    hf_json_free(root);
    hf_buf_done(&text);
    return err;
}

static void test_json_members_at_limit_and_beyond(void **state HF_UNUSED)
{
    assert_int_equal(parse_array(HF_JSON_MARKS_MAX), HF_E_INVALID);
    assert_int_equal(parse_array(HF_JSON_MARKS_MAX - 1), HF_OK); /* the bracket counts too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_malformed_text_is_refused),
        cmocka_unit_test(test_json_nul_byte_is_refused),
        cmocka_unit_test(test_json_depth_at_limit_and_beyond),
        cmocka_unit_test(test_json_members_at_limit_and_beyond),
        cmocka_unit_test(test_json_refusal_does_not_quote_the_input),
        cmocka_unit_test(test_json_refusal_tells_line_and_reason),
        cmocka_unit_test(test_json_any_top_value_is_read),
        cmocka_unit_test(test_json_values_are_read),
        cmocka_unit_test(test_json_wrong_type_or_null_reads_as_nothing),
        cmocka_unit_test(test_json_members_come_in_input_order),
        cmocka_unit_test(test_json_tree_lives_in_secret_memory_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
