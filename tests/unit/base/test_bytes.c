/* SPDX-License-Identifier: Apache-2.0 */
/* Views and checked arithmetic. */
#include "support.h"

static const hf_str none = { NULL, 0 };

static void test_parse_u64_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        uint64_t max;
    } cases[] = {
        { "", UINT64_MAX },    { " 1", UINT64_MAX },
        { "1 ", UINT64_MAX },  { "+1", UINT64_MAX },
        { "-1", UINT64_MAX },  { "0x10", UINT64_MAX },
        { "1a", UINT64_MAX },  { "18446744073709551616", UINT64_MAX },
        { "101", 100 },        { "99999999999999999999999", UINT64_MAX },
        { "1.0", UINT64_MAX }, { "\xd9\xa1", UINT64_MAX },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint64_t value = 7;
        assert_false(hf_str_parse_u64(hf_str_from_c(cases[i].text), cases[i].max, &value));
        assert_int_equal(value, 7);
    }
    uint64_t value = 7;
    assert_false(hf_str_parse_u64(none, 1, &value));
}

static void test_parse_u64_number_within_max_is_accepted(void **state HF_UNUSED)
{
    uint64_t value = 0;
    assert_true(hf_str_parse_u64(HF_LIT("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(hf_str_parse_u64(HF_LIT("100"), 100, &value));
    assert_int_equal(value, 100);
    assert_true(hf_str_parse_u64(HF_LIT("0007"), 100, &value));
    assert_int_equal(value, 7);
}

static void test_size_arithmetic_overflow_is_refused(void **state HF_UNUSED)
{
    size_t size = 5;
    uint32_t small = 5;
    int number = 5;
    assert_false(hf_add_size(SIZE_MAX, 1, &size));
    assert_false(hf_mul_size(SIZE_MAX / 2 + 1, 2, &size));
    assert_false(hf_u32_from_size((size_t)UINT32_MAX + 1, &small));
    assert_false(hf_int_from_size((size_t)INT32_MAX + 1, &number));
    assert_true(size == 5 && small == 5 && number == 5);

    assert_true(hf_add_size(SIZE_MAX - 1, 1, &size) && size == SIZE_MAX);
    assert_true(hf_mul_size(SIZE_MAX, 1, &size) && size == SIZE_MAX);
    assert_true(hf_u32_from_size(UINT32_MAX, &small) && small == UINT32_MAX);
    assert_true(hf_int_from_size(INT32_MAX, &number) && number == INT32_MAX);
}

static void test_compare_orders_by_bytes_then_length(void **state HF_UNUSED)
{
    assert_true(hf_str_compare(HF_LIT("a"), HF_LIT("b")) < 0);
    assert_true(hf_str_compare(HF_LIT("b"), HF_LIT("abc")) > 0);
    assert_true(hf_str_compare(HF_LIT("ab"), HF_LIT("abc")) < 0);
    assert_true(hf_str_compare(HF_LIT("\xff"), HF_LIT("a")) > 0);
    assert_int_equal(hf_str_compare(HF_LIT("abc"), HF_LIT("abc")), 0);
    assert_int_equal(hf_str_compare(none, HF_LIT("")), 0);
    assert_true(hf_str_compare(none, HF_LIT("a")) < 0);
}

static void test_equal_cases_and_empty_views_agree(void **state HF_UNUSED)
{
    assert_true(hf_str_equal(none, HF_LIT("")));
    assert_false(hf_str_equal(HF_LIT("a"), HF_LIT("A")));
    assert_true(hf_str_equal_nocase(HF_LIT("aBc"), HF_LIT("AbC")));
    assert_false(hf_str_equal_nocase(HF_LIT("a["), HF_LIT("a{")));
    assert_false(hf_str_equal_nocase(HF_LIT("a"), HF_LIT("ab")));
    assert_true(hf_bytes_equal((hf_bytes){ NULL, 0 }, hf_str_bytes(HF_LIT(""))));
    assert_int_equal(hf_str_from_c(NULL).n, 0);
}

static void test_starts_ends_at_boundaries(void **state HF_UNUSED)
{
    assert_true(hf_str_starts(HF_LIT("abc"), HF_LIT("ab")));
    assert_true(hf_str_starts(none, none));
    assert_false(hf_str_starts(HF_LIT("a"), HF_LIT("ab")));
    assert_true(hf_str_ends(HF_LIT("abc"), HF_LIT("bc")));
    assert_true(hf_str_ends(HF_LIT("abc"), none));
    assert_false(hf_str_ends(HF_LIT("bc"), HF_LIT("abc")));
    assert_false(hf_str_ends(none, HF_LIT("a")));
    assert_true(hf_str_starts_nocase(HF_LIT("Bearer x"), HF_LIT("bearer ")));
    assert_true(hf_str_ends_nocase(HF_LIT("a.LocalHost"), HF_LIT(".localhost")));
    assert_false(hf_str_ends_nocase(HF_LIT("t"), HF_LIT("st")));
}

static void test_sub_beyond_end_is_cut(void **state HF_UNUSED)
{
    EXPECT_STR("bc", hf_str_sub(HF_LIT("abc"), 1, SIZE_MAX));
    EXPECT_STR("b", hf_str_sub(HF_LIT("abc"), 1, 1));
    EXPECT_STR("", hf_str_sub(HF_LIT("abc"), 9, 1));
    assert_null(hf_str_sub(none, 1, 1).p);
    assert_int_equal(hf_str_find(HF_LIT("abc"), 'c'), 2);
    assert_int_equal(hf_str_find(HF_LIT("abc"), 'x'), 3);
    assert_int_equal(hf_str_find(none, 'x'), 0);
}

static void test_trim_blanks_at_both_ends_go(void **state HF_UNUSED)
{
    EXPECT_STR("a b", hf_str_trim(HF_LIT(" \t\r\na b\n ")));
    EXPECT_STR("", hf_str_trim(HF_LIT("  ")));
    EXPECT_STR("", hf_str_trim(none));
}

static void test_next_last_part_and_end_are_told(void **state HF_UNUSED)
{
    hf_str rest = HF_LIT("a,,b,");
    hf_str part = none;
    static const char *const parts[] = { "a", "", "b", "" };
    for (size_t i = 0; i < HF_ARRAY_LEN(parts); i++) {
        assert_true(hf_str_next(&rest, ',', &part));
        EXPECT_STR(parts[i], part);
    }
    assert_false(hf_str_next(&rest, ',', &part));
}

static void test_lower_ascii_only_changes(void **state HF_UNUSED)
{
    char out[4];
    hf_str_lower_into(HF_LIT("A\xc3\x84z"), out);
    EXPECT_STR("a\xc3\x84z", ((hf_str){ out, sizeof out }));
    assert_true(hf_is_alnum('Z') && hf_is_alnum('0') && !hf_is_alnum('_') && !hf_is_alnum('\xc3'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_u64_wrong_text_is_refused),
        cmocka_unit_test(test_parse_u64_number_within_max_is_accepted),
        cmocka_unit_test(test_size_arithmetic_overflow_is_refused),
        cmocka_unit_test(test_compare_orders_by_bytes_then_length),
        cmocka_unit_test(test_equal_cases_and_empty_views_agree),
        cmocka_unit_test(test_starts_ends_at_boundaries),
        cmocka_unit_test(test_sub_beyond_end_is_cut),
        cmocka_unit_test(test_trim_blanks_at_both_ends_go),
        cmocka_unit_test(test_next_last_part_and_end_are_told),
        cmocka_unit_test(test_lower_ascii_only_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
