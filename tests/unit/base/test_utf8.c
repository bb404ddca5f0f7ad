/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 at the edges of every range. */
#include "support.h"

#include "base/encode.h"

static void test_utf8_malformed_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x7f",
        "\xc2\xc0",
        "\xe0\x9f\xbf",
        "\xe0\xa0",
        "\xe1\x80\x7f",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xef\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "abcdefgh\xc3",
        "abcdefghijk\x80z",
        "\xc3\xa4\xe4",
        "\xf8\x88\x80\x80\x80",
        "\xf1\x80\x80\xc0",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
        if (hf_utf8_valid(hf_str_from_c(cases[i])))
            fail_msg("accepted case %zu", i);
}

static void test_utf8_edges_of_ranges_are_accepted(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        size_t sequence;
        size_t units;
    } cases[] = {
        { "\x01", 1, 1 },
        { "\x7f", 1, 1 },
        { "\xc2\x80", 2, 1 },
        { "\xdf\xbf", 2, 1 },
        { "\xe0\xa0\x80", 3, 1 },
        { "\xed\x9f\xbf", 3, 1 },
        { "\xee\x80\x80", 3, 1 },
        { "\xef\xbf\xbf", 3, 1 },
        { "\xf0\x90\x80\x80", 4, 2 },
        { "\xf4\x8f\xbf\xbf", 4, 2 },
        { "abcdefgh\xe2\x82\xac xyz \xf0\x9f\x98\x80", 1, 16 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const hf_str text = hf_str_from_c(cases[i].text);
        assert_true(hf_utf8_valid(text));
        assert_int_equal(hf_utf8_sequence(text), cases[i].sequence);
        assert_int_equal(hf_utf8_utf16_units(text), cases[i].units);
    }
    assert_true(hf_utf8_valid((hf_str){ NULL, 0 }));
    assert_true(hf_utf8_valid(HF_LIT("a\0b")));
    assert_int_equal(hf_utf8_sequence((hf_str){ NULL, 0 }), 0);
}

/* Every code point, encoded here, is one sequence unless it is a surrogate. */
static void test_utf8_every_code_point_is_judged(void **state HF_UNUSED)
{
    for (uint32_t c = 0x80; c < 0x120000; c++) {
        const uint8_t last = (uint8_t)(0x80 | (c & 0x3f));
        const uint8_t third = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        const uint8_t second = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        const uint8_t four[] = { (uint8_t)(0xf0 | c >> 18), second, third, last };
        const uint8_t three[] = { (uint8_t)(0xe0 | (c >> 12 & 0xf)), third, last };
        const uint8_t two[] = { (uint8_t)(0xc0 | (c >> 6 & 0x1f)), last };
        const size_t n = c >= 0x10000 ? 4 : c >= 0x800 ? 3 : 2;
        const uint8_t *b = n == 4 ? four : n == 3 ? three : two;
        const bool allowed = !(c >= 0xd800 && c <= 0xdfff) && c <= 0x10ffff;
        assert_int_equal(hf_utf8_sequence((hf_str){ (const char *)b, n }), allowed ? n : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_malformed_text_is_refused),
        cmocka_unit_test(test_utf8_edges_of_ranges_are_accepted),
        cmocka_unit_test(test_utf8_every_code_point_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
