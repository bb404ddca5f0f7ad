/* SPDX-License-Identifier: Apache-2.0 */
/* Durations: texts, and months that end early. */
#include "support.h"

#include "base/calendar.h"
#include "base/duration.h"

static void test_duration_other_text_is_refused(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        hf_err err;
    } cases[] = {
        { "", HF_E_INVALID },
        { "P", HF_E_INVALID },
        { "1D", HF_E_INVALID },
        { "PD", HF_E_INVALID },
        { "P1", HF_E_INVALID },
        { "p1D", HF_E_INVALID },
        { "P1d", HF_E_INVALID },
        { "P0D", HF_E_INVALID },
        { "P01D", HF_E_INVALID },
        { "P0Y1D", HF_E_INVALID },
        { "-P1D", HF_E_INVALID },
        { "P-1D", HF_E_INVALID },
        { "P+1D", HF_E_INVALID },
        { "P1.5D", HF_E_INVALID },
        { "P1W", HF_E_INVALID },
        { "PT1H", HF_E_INVALID },
        { "P1DT1H", HF_E_INVALID },
        { "P1D1M", HF_E_INVALID },
        { "P1M1Y", HF_E_INVALID },
        { "P1D1D", HF_E_INVALID },
        { "P1D ", HF_E_INVALID },
        { " P1D", HF_E_INVALID },
        { "P 1D", HF_E_INVALID },
        { "P1D1", HF_E_INVALID },
        { "P10000D", HF_E_RANGE },
        { "P1Y10000M", HF_E_RANGE },
        { "P99999999999999999999Y", HF_E_RANGE },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_duration out = { 1, 2, 3 };
        EXPECT_ERR(cases[i].err, hf_duration_parse(hf_str_from_c(cases[i].text), &out));
        assert_int_equal(out.days, 3);
    }
    struct hf_duration out;
    EXPECT_ERR(HF_E_INVALID, hf_duration_parse((hf_str){ "P1D\0", 4 }, &out));
}

static void test_duration_text_round_trip(void **state HF_UNUSED)
{
    static const char *const texts[] = { "P1D",   "P90D",    "P18M",
                                         "P2Y",   "P1Y6M",   "P1Y10D",
                                         "P1M1D", "P1Y2M3D", "P9999Y9999M9999D" };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        struct hf_duration out;
        EXPECT_OK(hf_duration_parse(hf_str_from_c(texts[i]), &out));
        char memory[HF_DURATION_TEXT_MAX_BYTES];
        struct hf_buf buf;
        hf_buf_init_fixed(&buf, memory, sizeof memory);
        hf_buf_put_duration(&buf, &out);
        EXPECT_OK(hf_buf_err(&buf));
        EXPECT_STR(texts[i], hf_buf_str(&buf));
    }
}

static struct hf_duration duration_of(const char *text)
{
    struct hf_duration out = { 0 };
    EXPECT_OK(hf_duration_parse(hf_str_from_c(text), &out));
    return out;
}

static hf_usec at(int64_t year, unsigned month, unsigned day)
{
    return hf_days_from_date((struct hf_date){ year, month, day }) * HF_USEC_PER_DAY;
}

static void test_duration_beyond_the_calendar_is_refused(void **state HF_UNUSED)
{
    const struct hf_duration day = { 0, 0, 1 };
    hf_usec out = 5;
    assert_true(HF_DATE_MIN == at(1, 1, 1) && HF_DATE_MAX == at(10000, 1, 1) - 1);
    EXPECT_ERR(HF_E_RANGE, hf_date_add(HF_DATE_MAX, &day, &out));
    EXPECT_ERR(HF_E_RANGE, hf_date_subtract(HF_DATE_MIN, &day, &out));
    EXPECT_ERR(HF_E_RANGE, hf_date_add(HF_DATE_MAX + 1, &day, &out));
    EXPECT_ERR(HF_E_RANGE, hf_date_add(INT64_MAX, &day, &out));
    EXPECT_ERR(HF_E_RANGE, hf_date_add(INT64_MIN, &day, &out));
    const struct hf_duration longest = { 9999, 9999, 9999 };
    EXPECT_ERR(HF_E_RANGE, hf_date_add(HF_DATE_MAX, &longest, &out));
    EXPECT_ERR(HF_E_RANGE, hf_date_subtract(HF_DATE_MIN, &longest, &out));
    assert_int_equal(out, 5);
    EXPECT_OK(hf_date_add(HF_DATE_MAX - HF_USEC_PER_DAY, &day, &out));
    assert_int_equal(out, HF_DATE_MAX);
}

static void test_duration_months_end_at_their_last_day(void **state HF_UNUSED)
{
    static const struct {
        int64_t from[3];
        const char *text;
        int64_t later[3];
        int64_t earlier[3];
    } cases[] = {
        { { 2025, 1, 31 }, "P1M", { 2025, 2, 28 }, { 2024, 12, 31 } },
        { { 2024, 1, 31 }, "P1M", { 2024, 2, 29 }, { 2023, 12, 31 } },
        { { 2024, 2, 29 }, "P1Y", { 2025, 2, 28 }, { 2023, 2, 28 } },
        { { 2024, 2, 29 }, "P4Y", { 2028, 2, 29 }, { 2020, 2, 29 } },
        { { 2096, 2, 29 }, "P4Y", { 2100, 2, 28 }, { 2092, 2, 29 } },
        { { 2025, 12, 31 }, "P2M", { 2026, 2, 28 }, { 2025, 10, 31 } },
        { { 2025, 3, 31 }, "P1M", { 2025, 4, 30 }, { 2025, 2, 28 } },
        { { 2025, 1, 31 }, "P1M1D", { 2025, 3, 1 }, { 2024, 12, 30 } },
        { { 2025, 3, 1 }, "P1D", { 2025, 3, 2 }, { 2025, 2, 28 } },
        { { 1970, 1, 1 }, "P18M", { 1971, 7, 1 }, { 1968, 7, 1 } },
    };
    const hf_usec time_of_day = 12345678901;
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const int64_t *d = cases[i].from;
        const struct hf_duration duration = duration_of(cases[i].text);
        const hf_usec t = at(d[0], (unsigned)d[1], (unsigned)d[2]) + time_of_day;
        hf_usec out = 0;
        EXPECT_OK(hf_date_add(t, &duration, &out));
        d = cases[i].later;
        assert_int_equal(out, at(d[0], (unsigned)d[1], (unsigned)d[2]) + time_of_day);
        EXPECT_OK(hf_date_subtract(t, &duration, &out));
        d = cases[i].earlier;
        assert_int_equal(out, at(d[0], (unsigned)d[1], (unsigned)d[2]) + time_of_day);
    }
}

/* From every day of 1896 to 1912, which a leap day misses, and around 2000. */
static void test_duration_bounds_hold_from_every_day(void **state HF_UNUSED)
{
    static const int64_t starts[] = { 1896, 1996, 2023 };
    for (uint16_t months = 1; months <= 30; months++) {
        const struct hf_duration duration = { 0, months, 2 };
        int64_t fewest = INT64_MAX;
        int64_t most = 0;
        for (size_t i = 0; i < HF_ARRAY_LEN(starts) * 366 * 8; i++) {
            const hf_usec t = at(starts[i % HF_ARRAY_LEN(starts)], 1, 1) +
                              (hf_usec)(i / HF_ARRAY_LEN(starts)) * HF_USEC_PER_DAY;
            hf_usec out = 0;
            EXPECT_OK(hf_date_add(t, &duration, &out));
            const int64_t days = (out - t) / HF_USEC_PER_DAY;
            fewest = days < fewest ? days : fewest;
            most = days > most ? days : most;
        }
        assert_true(hf_duration_min_days(&duration) <= fewest);
        assert_true(hf_duration_max_days(&duration) >= most);
        if (months < 12) {
            assert_int_equal(hf_duration_min_days(&duration), fewest);
            assert_int_equal(hf_duration_max_days(&duration), most);
        }
    }
}

static void test_calendar_both_ways_agree(void **state HF_UNUSED)
{
    for (int64_t day = -800000; day < 3000000; day += 37) {
        const struct hf_date date = hf_date_from_days(day);
        assert_int_equal(hf_days_from_date(date), day);
        assert_true(date.day >= 1 && date.day <= hf_days_in_month(date.year, date.month));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration_other_text_is_refused),
        cmocka_unit_test(test_duration_text_round_trip),
        cmocka_unit_test(test_duration_beyond_the_calendar_is_refused),
        cmocka_unit_test(test_duration_months_end_at_their_last_day),
        cmocka_unit_test(test_duration_bounds_hold_from_every_day),
        cmocka_unit_test(test_calendar_both_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
