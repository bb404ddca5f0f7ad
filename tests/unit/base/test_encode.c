/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal, UUIDs and percent-encoding. */
#include "support.h"

#include "base/encode.h"

static const struct hf_uuid example = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe,
                                          0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 } };

static void test_hex_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = { "",   "0",  "000", "0000", "0g", "g0", "0x",
                                         " 0", "/0", ":0",  "@0",   "`0", "G0", "\xb0\x30" };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint8_t out = 7;
        EXPECT_ERR(HF_E_INVALID, hf_hex_decode(hf_str_from_c(cases[i]), &out, 1));
        assert_int_equal(out, 7);
    }
}

static void test_hex_every_byte_comes_back(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 2);
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t in = (uint8_t)byte;
        uint8_t out = 0;
        hf_buf_reset(&buf);
        hf_buf_put_hex(&buf, (hf_bytes){ &in, 1 });
        char expected[3];
        (void)snprintf(expected, sizeof expected, "%02x", byte);
        EXPECT_STR(expected, hf_buf_str(&buf));
        EXPECT_OK(hf_hex_decode(hf_buf_str(&buf), &out, 1));
        assert_int_equal(out, in);
    }
    uint8_t out = 0;
    EXPECT_OK(hf_hex_decode(HF_LIT("Ab"), &out, 1));
    assert_int_equal(out, 0xab);
    hf_buf_put_hex(&buf, (hf_bytes){ &out, 1 });
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_done(&buf);
}

static void test_uuid_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "",
        "01234567-89ab-cdef-fedc-ba987654321",
        "01234567-89ab-cdef-fedc-ba98765432100",
        "{1234567-89ab-cdef-fedc-ba987654321}",
        "0123456-789ab-cdef-fedc-ba9876543210",
        "01234567-89ab-cdef-fedcba-9876543210",
        "01234567-89ab-cdef-fedc-ba98765432-0",
        "01234567-89ab-cdef-fedc-ba987654321g",
        "0123456789abcdeffedcba9876543210    ",
        "01234567089ab0cdef0fedc0ba9876543210",
    };
    struct hf_uuid out = example;
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
        EXPECT_ERR(HF_E_INVALID, hf_uuid_parse(hf_str_from_c(cases[i]), &out));
    EXPECT_ERR(HF_E_INVALID, hf_uuid_parse_hex(HF_LIT("0123456789abcdeffedcba987654321"), &out));
    EXPECT_ERR(HF_E_INVALID, hf_uuid_parse_hex(HF_LIT("0123456789abcdeffedcba987654321-"), &out));
    assert_true(hf_uuid_equal(&out, &example));
}

static void test_uuid_both_forms_come_back(void **state HF_UNUSED)
{
    char text[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&example, text);
    assert_string_equal(text, "01234567-89ab-cdef-fedc-ba9876543210");
    char hex[HF_UUID_HEX_BYTES + 1];
    hf_uuid_format_hex(&example, hex);
    assert_string_equal(hex, "0123456789abcdeffedcba9876543210");

    struct hf_uuid out = { { 0 } };
    EXPECT_OK(hf_uuid_parse(HF_LIT("01234567-89AB-cdef-FEDC-ba9876543210"), &out));
    assert_true(hf_uuid_equal(&out, &example));
    out.b[15] = 0;
    assert_false(hf_uuid_equal(&out, &example));
    EXPECT_OK(hf_uuid_parse_hex(HF_LIT("0123456789ABCDEFfedcba9876543210"), &out));
    assert_true(hf_uuid_equal(&out, &example));
}

static void test_percent_wrong_escape_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "%", "%4", "a%", "a%4", "%zz", "%4z", "%00", "%%41", "a%0"
    };
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    hf_buf_put_c(&buf, "kept");
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        EXPECT_ERR(HF_E_INVALID, hf_percent_decode(hf_str_from_c(cases[i]), false, &buf));
        EXPECT_STR("kept", hf_buf_str(&buf));
    }
    hf_buf_done(&buf);
}

static void test_percent_escapes_and_plus_are_decoded(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    EXPECT_OK(hf_percent_decode(HF_LIT("a%2Fb+%c3%A4%7e"), false, &buf));
    EXPECT_STR("a/b+\xc3\xa4~", hf_buf_str(&buf));
    hf_buf_reset(&buf);
    EXPECT_OK(hf_percent_decode(HF_LIT("a+b%2B"), true, &buf));
    EXPECT_STR("a b+", hf_buf_str(&buf));
    hf_buf_reset(&buf);
    EXPECT_OK(hf_percent_decode((hf_str){ NULL, 0 }, true, &buf));
    hf_buf_done(&buf);
}

static void test_percent_reserved_characters_are_escaped(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    hf_buf_put_percent(&buf, HF_LIT("aZ09-._~ /%+\xff"));
    EXPECT_STR("aZ09-._~%20%2F%25%2B%FF", hf_buf_str(&buf));
    hf_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_wrong_text_is_refused),
        cmocka_unit_test(test_hex_every_byte_comes_back),
        cmocka_unit_test(test_uuid_wrong_text_is_refused),
        cmocka_unit_test(test_uuid_both_forms_come_back),
        cmocka_unit_test(test_percent_wrong_escape_is_refused),
        cmocka_unit_test(test_percent_escapes_and_plus_are_decoded),
        cmocka_unit_test(test_percent_reserved_characters_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
