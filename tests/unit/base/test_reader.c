/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded cursor, on both sides of every boundary. */
#include "support.h"

#include "base/reader.h"

static const uint8_t input[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void test_reader_truncated_integers_yield_zero(void **state HF_UNUSED)
{
    struct hf_reader r = hf_reader_of((hf_bytes){ input, 7 });
    assert_true(hf_read_u64(&r) == 0);
    assert_int_equal(hf_read_u8(&r), 0); /* sticky, although seven bytes are left */
    EXPECT_ERR(HF_E_TRUNCATED, hf_reader_finish(&r));
    r = hf_reader_of((hf_bytes){ input, 3 });
    assert_int_equal(hf_read_u32(&r), 0);
    r = hf_reader_of((hf_bytes){ input, 1 });
    assert_int_equal(hf_read_u16(&r), 0);
    r = hf_reader_of((hf_bytes){ NULL, 0 });
    EXPECT_OK(hf_reader_finish(&r));
    assert_int_equal(hf_read_u8(&r), 0);
    EXPECT_ERR(HF_E_TRUNCATED, hf_reader_finish(&r));
}

static void test_reader_trailing_bytes_are_refused(void **state HF_UNUSED)
{
    struct hf_reader r = hf_reader_of((hf_bytes){ input, sizeof input });
    (void)hf_read_bytes(&r, sizeof input - 1);
    EXPECT_ERR(HF_E_TRAILING, hf_reader_finish(&r));
    (void)hf_read_u8(&r);
    EXPECT_OK(hf_reader_finish(&r));
}

static void test_reader_integers_are_big_endian(void **state HF_UNUSED)
{
    struct hf_reader r = hf_reader_of((hf_bytes){ input, sizeof input });
    assert_int_equal(hf_read_u8(&r), 1);
    assert_int_equal(hf_read_u16(&r), 0x0203);
    assert_int_equal(hf_read_u32(&r), 0x04050607);
    assert_true(hf_read_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
    EXPECT_OK(hf_reader_finish(&r));
    static const uint8_t minus[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };
    r = hf_reader_of((hf_bytes){ minus, sizeof minus });
    assert_true(hf_read_i64(&r) == -2);
}

static void test_reader_into_failure_zeroes_output(void **state HF_UNUSED)
{
    uint8_t out[4] = { 9, 9, 9, 9 };
    struct hf_reader r = hf_reader_of((hf_bytes){ input, 3 });
    hf_read_into(&r, out, 0);
    hf_read_into(&r, out, sizeof out);
    assert_memory_equal(out, "\0\0\0\0", 4);
    r = hf_reader_of((hf_bytes){ input, 4 });
    hf_read_into(&r, out, sizeof out);
    assert_memory_equal(out, input, 4);
}

static void test_reader_field_over_max_or_end_is_refused(void **state HF_UNUSED)
{
    static const uint8_t field[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
    struct hf_reader r = hf_reader_of((hf_bytes){ field, sizeof field });
    assert_null(hf_read_field32(&r, 2).p);
    EXPECT_ERR(HF_E_TOO_LARGE, hf_reader_finish(&r));
    r = hf_reader_of((hf_bytes){ field, sizeof field - 1 });
    assert_null(hf_read_field32(&r, 3).p);
    EXPECT_ERR(HF_E_TRUNCATED, hf_reader_finish(&r));
    r = hf_reader_of((hf_bytes){ field, sizeof field });
    EXPECT_STR("abc", hf_bytes_str(hf_read_field32(&r, 3)));
    EXPECT_OK(hf_reader_finish(&r));
    r = hf_reader_of((hf_bytes){ field + 2, sizeof field - 2 });
    EXPECT_STR("abc", hf_bytes_str(hf_read_field16(&r, 3)));
    EXPECT_OK(hf_reader_finish(&r));
}

static void test_reader_length_at_the_largest_does_not_wrap(void **state HF_UNUSED)
{
    static const uint8_t field[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
    struct hf_reader r = hf_reader_of((hf_bytes){ field, sizeof field });
    assert_null(hf_read_field32(&r, SIZE_MAX).p);
    EXPECT_ERR(HF_E_TRUNCATED, hf_reader_finish(&r));
    r = hf_reader_of((hf_bytes){ field, sizeof field });
    (void)hf_read_u8(&r);
    assert_null(hf_read_bytes(&r, SIZE_MAX).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_truncated_integers_yield_zero),
        cmocka_unit_test(test_reader_trailing_bytes_are_refused),
        cmocka_unit_test(test_reader_integers_are_big_endian),
        cmocka_unit_test(test_reader_into_failure_zeroes_output),
        cmocka_unit_test(test_reader_field_over_max_or_end_is_refused),
        cmocka_unit_test(test_reader_length_at_the_largest_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
