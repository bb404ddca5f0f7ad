/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calendar: proleptic Gregorian, UTC, no leap seconds. Days are counted from 1970-01-01.
 *
 * Years begin in March here, so that the leap day is the last of its year and the months before it follow one formula:
 * (153 * month + 2) / 5 days lie before each (31, 30, 31, 30, 31, repeated).
 */
#pragma once

#include <stdint.h>

#define HF_DAYS_PER_400_YEARS INT64_C(146097)
#define HF_DAYS_FROM_0000_03_01 INT64_C(719468) /* to 1970-01-01 */

struct hf_date {
    int64_t year;
    unsigned month; /* from 1 */
    unsigned day;   /* from 1 */
};

static inline int64_t hf_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* What hf_floor_div() leaves: from 0 to b - 1. */
static inline unsigned hf_floor_rest(int64_t a, int64_t b)
{
    return (unsigned)((a % b + b) % b);
}

static inline struct hf_date hf_date_from_days(int64_t days)
{
    days += HF_DAYS_FROM_0000_03_01;
    const int64_t era = hf_floor_div(days, HF_DAYS_PER_400_YEARS);
    const unsigned day_of_era = hf_floor_rest(days, HF_DAYS_PER_400_YEARS);
    const unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era -
                                 (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month_from_march = (5 * day_of_year + 2) / 153;
    struct hf_date date = {
        .month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
    date.year = era * 400 + year_of_era + (date.month <= 2);
    return date;
}

/* The date must be one: month 1 to 12, day 1 to the month's last. Years within a million of 0. */
static inline int64_t hf_days_from_date(struct hf_date date)
{
    const int64_t year = date.year - (date.month <= 2);
    const int64_t era = hf_floor_div(year, 400);
    const unsigned year_of_era = hf_floor_rest(year, 400);
    const unsigned month_from_march = date.month > 2 ? date.month - 3 : date.month + 9;
    const unsigned day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const unsigned day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 +
                                day_of_year;
    return era * HF_DAYS_PER_400_YEARS + (int64_t)day_of_era - HF_DAYS_FROM_0000_03_01;
}

/* 28 to 31. */
static inline unsigned hf_days_in_month(int64_t year, unsigned month)
{
    const struct hf_date first = { year, month, 1 };
    const struct hf_date next = { month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1 };
    return (unsigned)(hf_days_from_date(next) - hf_days_from_date(first));
}
