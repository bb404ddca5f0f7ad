/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that move, and dates in the three forms. */
#include "support.h"

#include "base/clock.h"

#include <time.h>

static void test_clock_dates_are_exact(void **state HF_UNUSED)
{
    static const struct {
        hf_usec t;
        const char *iso;
        const char *plain;
        const char *http;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.0000000Z", "1970-01-01 00:00:00Z",
          "Thu, 01 Jan 1970 00:00:00 GMT" },
        { INT64_C(1767607872123456), "2026-01-05T10:11:12.1234560Z", "2026-01-05 10:11:12Z",
          "Mon, 05 Jan 2026 10:11:12 GMT" },
        { -1, "1969-12-31T23:59:59.9999990Z", "1969-12-31 23:59:59Z",
          "Wed, 31 Dec 1969 23:59:59 GMT" },
        { INT64_C(951782400) * HF_USEC_PER_SEC, "2000-02-29T00:00:00.0000000Z",
          "2000-02-29 00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT" },
        { INT64_C(253402300799) * HF_USEC_PER_SEC, "9999-12-31T23:59:59.0000000Z",
          "9999-12-31 23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_C(-62135596800) * HF_USEC_PER_SEC, "0001-01-01T00:00:00.0000000Z",
          "0001-01-01 00:00:00Z", "Mon, 01 Jan 0001 00:00:00 GMT" },
    };
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        hf_buf_reset(&buf);
        hf_buf_put_iso_time(&buf, cases[i].t);
        EXPECT_STR(cases[i].iso, hf_buf_str(&buf));
        hf_buf_reset(&buf);
        hf_buf_put_plain_time(&buf, cases[i].t);
        EXPECT_STR(cases[i].plain, hf_buf_str(&buf));
        hf_buf_reset(&buf);
        hf_buf_put_http_date(&buf, cases[i].t);
        EXPECT_STR(cases[i].http, hf_buf_str(&buf));
    }
    hf_buf_done(&buf);
}

static void test_clock_extreme_times_do_not_overflow(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 300);
    hf_buf_put_iso_time(&buf, INT64_MAX);
    EXPECT_STR("294247-01-10T04:00:54.7758070Z", hf_buf_str(&buf));
    hf_buf_put_http_date(&buf, INT64_MIN);
    hf_buf_put_plain_time(&buf, INT64_MIN);
    EXPECT_OK(hf_buf_err(&buf));
    hf_buf_done(&buf);
}

/* Every day of 800 years against the C library. */
static void test_clock_calendar_agrees_with_libc(void **state HF_UNUSED)
{
    for (int64_t day = -146097; day < 146097; day++) {
        const int64_t second = day * 86400 + (day * 7919) % 86400;
        const time_t t = second;
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        char expected[64];
        assert_true(strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
        char memory[64];
        struct hf_buf buf;
        hf_buf_init_fixed(&buf, memory, sizeof memory);
        hf_buf_put_http_date(&buf, hf_usec_from_seconds(second));
        EXPECT_STR(expected, hf_buf_str(&buf));
    }
}

static void test_clock_advance_moves_it(void **state HF_UNUSED)
{
    struct hf_clock clock = { 0 };
    const hf_usec before = hf_clock_now(&clock);
    hf_clock_advance(&clock, 90 * HF_USEC_PER_DAY);
    assert_true(hf_clock_now(&clock) - before >= 90 * HF_USEC_PER_DAY);
    hf_clock_advance(&clock, -180 * HF_USEC_PER_DAY);
    assert_true(hf_clock_now(&clock) < before);
    assert_int_equal(hf_usec_to_seconds(hf_usec_from_seconds(5)), 5);
}

static void test_clock_monotonic_never_goes_back(void **state HF_UNUSED)
{
    hf_usec last = hf_monotonic_now();
    for (int i = 0; i < 1000; i++) {
        const hf_usec now = hf_monotonic_now();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_dates_are_exact),
        cmocka_unit_test(test_clock_extreme_times_do_not_overflow),
        cmocka_unit_test(test_clock_calendar_agrees_with_libc),
        cmocka_unit_test(test_clock_advance_moves_it),
        cmocka_unit_test(test_clock_monotonic_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
