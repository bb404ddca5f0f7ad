/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time.
 */
#include "cli/moment.h"

#include "base/config.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define SECONDS_MAX UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static bool is_leap(uint64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint64_t days_in_month(uint64_t year, uint64_t month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* A number of exactly `digits` digits at text's start, then `end` (or the text's end if '\0'); moves behind it. */
static bool take_number(hf_str *text, size_t digits, char end, uint64_t min, uint64_t max,
                        uint64_t *out)
{
    if (text->n < digits || (end == '\0' ? text->n != digits : text->n <= digits))
        return false;
    if (end != '\0' && text->p[digits] != end)
        return false;
    if (!hf_str_parse_u64(hf_str_sub(*text, 0, digits), max, out) || *out < min)
        return false;
    *text = hf_str_sub(*text, digits + 1, SIZE_MAX);
    return true;
}

static int64_t seconds_of_day(uint64_t year, uint64_t month, uint64_t day)
{
    uint64_t days = day - 1;
    for (uint64_t y = 1970; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (uint64_t m = 1; m < month; m++)
        days += days_in_month(year, m);
    return (int64_t)days * SECONDS_PER_DAY;
}

static hf_err parse_date(hf_str text, int64_t *out)
{
    uint64_t year = 0;
    uint64_t month = 0;
    uint64_t day = 0;
    uint64_t hour = 0;
    uint64_t minute = 0;
    uint64_t second = 0;
    const bool has_time = hf_str_find(text, 'T') < text.n;
    if (!take_number(&text, 4, '-', 1970, 9999, &year) ||
        !take_number(&text, 2, '-', 1, 12, &month))
        return HF_E_INVALID;
    if (!take_number(&text, 2, has_time ? 'T' : '\0', 1, days_in_month(year, month), &day))
        return HF_E_INVALID;
    if (has_time &&
        (!take_number(&text, 2, ':', 0, 23, &hour) || !take_number(&text, 2, ':', 0, 59, &minute) ||
         !take_number(&text, 2, 'Z', 0, 59, &second) || text.n > 0))
        return HF_E_INVALID;
    *out = seconds_of_day(year, month, day) + (int64_t)(hour * 3600 + minute * 60 + second);
    return HF_OK;
}

hf_err cli_moment_parse(hf_str text, hf_usec now, int64_t *out_seconds)
{
    uint64_t seconds = 0;
    if (hf_str_parse_u64(text, SECONDS_MAX, &seconds)) {
        *out_seconds = (int64_t)seconds;
        return HF_OK;
    }
    if (hf_str_find(text, '-') < text.n)
        return parse_date(text, out_seconds);
    int64_t from_now = 0;
    const hf_err err = hf_parse_duration(text, &from_now);
    if (err != HF_OK)
        return err;
    if (from_now < 0 || from_now > INT64_MAX - now)
        return HF_E_RANGE;
    *out_seconds = hf_usec_to_seconds(now + from_now);
    return HF_OK;
}
