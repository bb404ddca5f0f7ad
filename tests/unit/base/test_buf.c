/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer: its maximum, its sticky error, its three kinds of memory. */
#include "support.h"

#include "base/secret.h"

static void fill(struct hf_buf *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hf_buf_put_u8(buf, (uint8_t)i);
}

static void test_buf_put_over_max_is_refused_and_sticky(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    fill(&buf, 100);
    EXPECT_OK(hf_buf_err(&buf));
    hf_buf_put_u8(&buf, 1);
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    assert_int_equal(buf.n, 100);
    hf_buf_put(&buf, NULL, 0);
    assert_null(hf_buf_reserve(&buf, 0));
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_reset(&buf);
    EXPECT_OK(hf_buf_err(&buf));
    assert_int_equal(buf.n, 0);
    assert_true(buf.cap == 100);
    hf_buf_done(&buf);
}

static void test_buf_max_zero_holds_nothing(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 0);
    hf_buf_put_c(&buf, "");
    EXPECT_OK(hf_buf_err(&buf));
    hf_buf_put_c(&buf, "x");
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_done(&buf);
}

static void test_buf_huge_request_is_refused(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, SIZE_MAX);
    hf_buf_put_c(&buf, "x");
    assert_null(hf_buf_reserve(&buf, SIZE_MAX));
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_done(&buf);

    hf_buf_init_secret(&buf, SIZE_MAX);
    hf_buf_put_c(&buf, "x");
    assert_null(hf_buf_reserve(&buf, SIZE_MAX / 4));
    EXPECT_ERR(HF_E_NOMEM, hf_buf_err(&buf));
    EXPECT_STR("x", hf_buf_str(&buf));
    hf_buf_done(&buf);
}

static void test_buf_fixed_full_is_refused_and_never_grows(void **state HF_UNUSED)
{
    char memory[4];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof memory);
    hf_buf_put_c(&buf, "abc");
    hf_buf_put_c(&buf, "de");
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    EXPECT_STR("abc", hf_buf_str(&buf));
    hf_buf_done(&buf);
    assert_ptr_equal(buf.p, memory);
    hf_buf_put_c(&buf, "wxyz");
    EXPECT_OK(hf_buf_err(&buf));
}

static void test_buf_integers_are_big_endian(void **state HF_UNUSED)
{
    static const uint8_t expected[] = { 0x01, 0x01, 0x02, 0x01, 0x02, 0x03, 0x04, 0x01,
                                        0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe };
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    hf_buf_put_u8(&buf, 1);
    hf_buf_put_u16(&buf, 0x0102);
    hf_buf_put_u32(&buf, 0x01020304);
    hf_buf_put_u64(&buf, UINT64_C(0x0102030405060708));
    hf_buf_put_i64(&buf, -2);
    assert_true(hf_bytes_equal(hf_buf_view(&buf), (hf_bytes){ expected, sizeof expected }));
    hf_buf_done(&buf);
}

static void test_buf_decimal_extremes_are_exact(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    hf_buf_put_dec(&buf, INT64_MIN);
    hf_buf_put_u8(&buf, ' ');
    hf_buf_put_dec(&buf, INT64_MAX);
    hf_buf_put_u8(&buf, ' ');
    hf_buf_put_dec(&buf, 0);
    EXPECT_STR("-9223372036854775808 9223372036854775807 0", hf_buf_str(&buf));
    hf_buf_done(&buf);
}

static void test_buf_putf_short_and_long_text_is_put(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init_secret(&buf, 1000);
    hf_buf_putf(&buf, "%d-%s", 12, "a");
    EXPECT_STR("12-a", hf_buf_str(&buf));
    hf_buf_putf(&buf, "%900d", 7);
    assert_int_equal(buf.n, 904);
    assert_int_equal(buf.p[903], '7');
    hf_buf_putf(&buf, "%97d", 7);
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_done(&buf);
}

static void test_buf_field_too_long_for_its_length_is_refused(void **state HF_UNUSED)
{
    static const uint8_t big[UINT16_MAX + 1];
    struct hf_buf buf;
    hf_buf_init(&buf, 1 << 20);
    hf_buf_put_field16(&buf, (hf_bytes){ big, UINT16_MAX });
    EXPECT_OK(hf_buf_err(&buf));
    hf_buf_put_field16(&buf, (hf_bytes){ big, sizeof big });
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    assert_int_equal(buf.n, 2 + UINT16_MAX);
    hf_buf_reset(&buf);
    hf_buf_put_field32(&buf, (hf_bytes){ big, 3 });
    assert_memory_equal(buf.p, "\0\0\0\3\0\0\0", 7);
    hf_buf_done(&buf);
}

static void test_buf_reserve_and_commit_take_what_was_written(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    assert_non_null(hf_buf_reserve(&buf, 0));
    uint8_t *tail = hf_buf_reserve(&buf, 10);
    memset(tail, 'a', 3);
    hf_buf_commit(&buf, 3);
    hf_buf_put_c(&buf, "d");
    EXPECT_STR("aaad", hf_buf_str(&buf));
    hf_buf_consume(&buf, 0);
    hf_buf_consume(&buf, 3);
    EXPECT_STR("d", hf_buf_str(&buf));
    hf_buf_consume(&buf, 1);
    assert_int_equal(buf.n, 0);
    hf_buf_done(&buf);
}

static void commit_too_much(void)
{
    char memory[4];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof memory);
    hf_buf_commit(&buf, 5);
}

static void consume_too_much(void)
{
    char memory[4];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof memory);
    hf_buf_consume(&buf, 1);
}

static void test_buf_commit_or_consume_beyond_aborts(void **state HF_UNUSED)
{
    assert_true(test_aborts(commit_too_much));
    assert_true(test_aborts(consume_too_much));
}

static void test_buf_secret_growth_and_reset_leave_no_trace(void **state HF_UNUSED)
{
    const size_t used = hf_secret_stats().used_bytes;
    struct hf_buf buf;
    hf_buf_init_secret(&buf, 1 << 20);
    fill(&buf, 100 * 1000);
    for (size_t i = 0; i < buf.n; i++)
        assert_int_equal(buf.p[i], (uint8_t)i);
    hf_buf_consume(&buf, buf.n - 1);
    assert_int_equal(buf.p[1], 0);
    memset(hf_buf_reserve(&buf, 50), 'x', 50);
    hf_buf_reset(&buf);
    for (size_t i = 0; i < buf.cap; i++)
        assert_int_equal(buf.p[i], 0);
    hf_buf_done(&buf);
    assert_true(hf_secret_stats().used_bytes == used);
    assert_true(buf.secret);
}

static void test_buf_growth_stays_within_max(void **state HF_UNUSED)
{
    for (size_t max = 1; max < 300; max++) {
        struct hf_buf buf;
        hf_buf_init(&buf, max);
        fill(&buf, max);
        EXPECT_OK(hf_buf_err(&buf));
        assert_true(buf.n == max && buf.cap == max);
        hf_buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_put_over_max_is_refused_and_sticky),
        cmocka_unit_test(test_buf_max_zero_holds_nothing),
        cmocka_unit_test(test_buf_huge_request_is_refused),
        cmocka_unit_test(test_buf_fixed_full_is_refused_and_never_grows),
        cmocka_unit_test(test_buf_integers_are_big_endian),
        cmocka_unit_test(test_buf_decimal_extremes_are_exact),
        cmocka_unit_test(test_buf_putf_short_and_long_text_is_put),
        cmocka_unit_test(test_buf_field_too_long_for_its_length_is_refused),
        cmocka_unit_test(test_buf_reserve_and_commit_take_what_was_written),
        cmocka_unit_test(test_buf_commit_or_consume_beyond_aborts),
        cmocka_unit_test(test_buf_secret_growth_and_reset_leave_no_trace),
        cmocka_unit_test(test_buf_growth_stays_within_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
