/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: commas, escapes, and that the reader takes it back. */
#include "support.h"

#include "base/json.h"

static void test_json_write_invalid_utf8_is_replaced(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "\x80", "\"\xef\xbf\xbd\"" },
        { "abcdefghijk\xffz", "\"abcdefghijk\xef\xbf\xbdz\"" },
        { "\xc3", "\"\xef\xbf\xbd\"" },
        { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_buf buf;
        hf_buf_init(&buf, 100);
        struct hf_json_writer w = hf_json_writer_on(&buf);
        hf_jw_str(&w, hf_str_from_c(cases[i].text));
        EXPECT_STR(cases[i].expected, hf_buf_str(&buf));
        hf_buf_done(&buf);
    }
}

static void test_json_write_over_max_is_sticky(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 10);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_begin_array(&w);
    hf_jw_str(&w, HF_LIT("0123456789"));
    hf_jw_end_array(&w);
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_done(&buf);
}

static void test_json_write_commas_are_between_items(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 1000);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "s", HF_LIT("x"));
    hf_jw_member_c(&w, "c", "y");
    hf_jw_member_int(&w, "i", -7);
    hf_jw_member_bool(&w, "t", true);
    hf_jw_member_bool(&w, "f", false);
    hf_jw_key(&w, "o");
    hf_jw_begin_object(&w);
    hf_jw_end_object(&w);
    hf_jw_key(&w, "a");
    hf_jw_begin_array(&w);
    hf_jw_null(&w);
    hf_jw_int(&w, 1);
    hf_jw_raw(&w, HF_LIT("[2]"));
    hf_jw_begin_object(&w);
    hf_jw_end_object(&w);
    hf_jw_begin_array(&w);
    hf_jw_end_array(&w);
    hf_jw_end_array(&w);
    hf_jw_key_str(&w, HF_LIT("q\""));
    hf_jw_null(&w);
    hf_jw_end_object(&w);
    EXPECT_STR("{\"s\":\"x\",\"c\":\"y\",\"i\":-7,\"t\":true,\"f\":false,\"o\":{},\"a\":[null,1,[2]"
               ",{},[]],"
               "\"q\\\"\":null}",
               hf_buf_str(&buf));
    hf_buf_done(&buf);
}

static void test_json_write_special_characters_are_escaped(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 1000);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_str(&w, HF_LIT("\"\\/\b\f\n\r\t\0\x1f\x7f \xc3\xa4\xf0\x9f\x98\x80"));
    EXPECT_STR("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f \xc3\xa4\xf0\x9f\x98\x80\"",
               hf_buf_str(&buf));
    hf_buf_reset(&buf);
    w = hf_json_writer_on(&buf);
    hf_jw_str(&w, (hf_str){ NULL, 0 });
    EXPECT_STR("\"\"", hf_buf_str(&buf));
    hf_buf_done(&buf);
}

/* Each byte in each place of texts around the word size: the reader gets the same text back. */
static void test_json_write_every_ascii_byte_comes_back(void **state HF_UNUSED)
{
    for (unsigned c = 1; c < 0x80; c++) {
        for (size_t place = 0; place < 18; place++) {
            char text[18];
            memset(text, '~', sizeof text);
            text[place] = (char)c;
            struct hf_buf buf;
            hf_buf_init(&buf, 1000);
            struct hf_json_writer w = hf_json_writer_on(&buf);
            hf_jw_str(&w, (hf_str){ text, sizeof text });
            HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
            EXPECT_OK(hf_json_parse(hf_buf_view(&buf), NULL, &root));
            assert_true(hf_str_equal(hf_json_str(root), (hf_str){ text, sizeof text }));
            hf_buf_done(&buf);
        }
    }
}

static void write_secret_into_plain_memory(void)
{
    struct hf_secret *secret = NULL;
    hf_ignore(hf_secret_new(1, &secret)); /* the writer must not even look at it */
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_secret(&w, secret);
}

static void test_json_write_secret_needs_a_secret_buffer(void **state HF_UNUSED)
{
    assert_true(test_aborts(write_secret_into_plain_memory));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_from_bytes(hf_str_bytes(HF_LIT("a\"b")), &secret));
    struct hf_buf buf;
    hf_buf_init_secret(&buf, 100);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_secret(&w, secret);
    EXPECT_STR("\"a\\\"b\"", hf_buf_str(&buf));
    hf_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_write_invalid_utf8_is_replaced),
        cmocka_unit_test(test_json_write_over_max_is_sticky),
        cmocka_unit_test(test_json_write_commas_are_between_items),
        cmocka_unit_test(test_json_write_special_characters_are_escaped),
        cmocka_unit_test(test_json_write_every_ascii_byte_comes_back),
        cmocka_unit_test(test_json_write_secret_needs_a_secret_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
