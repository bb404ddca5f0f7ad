/* SPDX-License-Identifier: Apache-2.0 */
/* Durations: their text, and arithmetic by the calendar. */
#include "base/duration.h"

#include "base/assert.h"
#include "base/calendar.h"

#define MONTHS_PER_YEAR 12

struct unit {
    char letter;
    size_t offset; /* in struct hf_duration */
};

static const struct unit units[] = {
    { 'Y', offsetof(struct hf_duration, years) },
    { 'M', offsetof(struct hf_duration, months) },
    { 'D', offsetof(struct hf_duration, days) },
};

static uint16_t *number_of(struct hf_duration *duration, const struct unit *unit)
{
    return (uint16_t *)(void *)((char *)duration + unit->offset);
}

/* Cuts digits and the letter behind them off the text. */
HF_MUST static hf_err parse_number(hf_str *text, char *out_letter, uint16_t *out)
{
    size_t n = 0;
    while (n < text->n && hf_is_digit(text->p[n]))
        n++;
    if (n == 0 || n == text->n || text->p[0] == '0')
        return HF_E_INVALID;
    uint64_t number = 0;
    if (!hf_str_parse_u64(hf_str_sub(*text, 0, n), HF_DURATION_NUMBER_MAX, &number))
        return HF_E_RANGE;
    *out_letter = text->p[n];
    *out = (uint16_t)number;
    *text = hf_str_sub(*text, n + 1, text->n);
    return HF_OK;
}

hf_err hf_duration_parse(hf_str text, struct hf_duration *out)
{
    if (text.n < 1 || text.p[0] != 'P')
        return HF_E_INVALID;
    struct hf_duration duration = { 0 };
    hf_str rest = hf_str_sub(text, 1, text.n);
    size_t next = 0;
    while (rest.n > 0) {
        char letter = 0;
        uint16_t number = 0;
        const hf_err err = parse_number(&rest, &letter, &number);
        if (err != HF_OK)
            return err;
        while (next < HF_ARRAY_LEN(units) && units[next].letter != letter)
            next++;
        if (next == HF_ARRAY_LEN(units))
            return HF_E_INVALID;
        *number_of(&duration, &units[next++]) = number;
    }
    if (hf_duration_is_none(&duration))
        return HF_E_INVALID;
    *out = duration;
    return HF_OK;
}

void hf_buf_put_duration(struct hf_buf *buf, const struct hf_duration *duration)
{
    HF_ASSERT(!hf_duration_is_none(duration));
    struct hf_duration copy = *duration;
    hf_buf_put_u8(buf, 'P');
    for (size_t i = 0; i < HF_ARRAY_LEN(units); i++) {
        const uint16_t number = *number_of(&copy, &units[i]);
        if (number == 0)
            continue;
        hf_buf_put_dec(buf, number);
        hf_buf_put_u8(buf, (uint8_t)units[i].letter);
    }
}

static int64_t months_of(const struct hf_duration *duration)
{
    return (int64_t)duration->years * MONTHS_PER_YEAR + duration->months;
}

/* sign is 1 or -1. */
HF_MUST static hf_err move_date(hf_usec t, const struct hf_duration *duration, int sign,
                                hf_usec *out)
{
    if (t < HF_DATE_MIN || t > HF_DATE_MAX)
        return HF_E_RANGE;
    const int64_t day = hf_floor_div(t, HF_USEC_PER_DAY);
    const struct hf_date from = hf_date_from_days(day);
    const int64_t month = from.year * MONTHS_PER_YEAR + (from.month - 1) +
                          sign * months_of(duration);
    struct hf_date to = { .year = hf_floor_div(month, MONTHS_PER_YEAR),
                          .month = hf_floor_rest(month, MONTHS_PER_YEAR) + 1,
                          .day = from.day };
    const unsigned last = hf_days_in_month(to.year, to.month);
    if (to.day > last)
        to.day = last;
    const int64_t moved = hf_days_from_date(to) + sign * (int64_t)duration->days;
    /* At most some 11 000 years from t: far from the ends of int64. */
    const hf_usec result = t + (moved - day) * HF_USEC_PER_DAY;
    if (result < HF_DATE_MIN || result > HF_DATE_MAX)
        return HF_E_RANGE;
    *out = result;
    return HF_OK;
}

hf_err hf_date_add(hf_usec t, const struct hf_duration *duration, hf_usec *out)
{
    return move_date(t, duration, 1, out);
}

hf_err hf_date_subtract(hf_usec t, const struct hf_duration *duration, hf_usec *out)
{
    return move_date(t, duration, -1, out);
}

/* Of that many months in a row, the fewest and the most days. Both hold for dates cut to a month's end too. */
static const int64_t fewest_days[MONTHS_PER_YEAR] = { 0,   28,  59,  89,  120, 150,
                                                      181, 212, 242, 273, 303, 334 };
static const int64_t most_days[MONTHS_PER_YEAR] = { 0,   31,  62,  92,  123, 153,
                                                    184, 215, 245, 276, 306, 337 };

int64_t hf_duration_min_days(const struct hf_duration *duration)
{
    const int64_t months = months_of(duration);
    return months / MONTHS_PER_YEAR * 365 + fewest_days[months % MONTHS_PER_YEAR] + duration->days;
}

int64_t hf_duration_max_days(const struct hf_duration *duration)
{
    const int64_t months = months_of(duration);
    return months / MONTHS_PER_YEAR * 366 + most_days[months % MONTHS_PER_YEAR] + duration->days;
}
