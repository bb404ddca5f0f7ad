/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations of whole days, months and years, as people write them (ISO 8601: "P90D", "P18M", "P1Y6M"), and adding them to
 * a time by the calendar in UTC: a month later is the same day of the next month, or that month's last day.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"

/* Each number is 0 to HF_DURATION_NUMBER_MAX; all 0 is "none", which no text means. */
struct hf_duration {
    uint16_t years;
    uint16_t months;
    uint16_t days;
};

#define HF_DURATION_NUMBER_MAX 9999
#define HF_DURATION_TEXT_MAX_BYTES 16 /* "P9999Y9999M9999D" */

/* What dates can be: 0001-01-01T00:00:00Z to the last microsecond of 9999. */
#define HF_DATE_MIN (INT64_C(-62135596800) * HF_USEC_PER_SEC)
#define HF_DATE_MAX (INT64_C(253402300800) * HF_USEC_PER_SEC - 1)

static inline bool hf_duration_is_none(const struct hf_duration *duration)
{
    return duration->years == 0 && duration->months == 0 && duration->days == 0;
}

/*
 * "P", then at least one of nY, nM, nD in this order, in upper case. n is a decimal number from 1 without leading zeros. No
 * weeks, no times, no fractions, no signs. Each duration has one text. Fails: HF_E_INVALID; HF_E_RANGE (a number above the
 * maximum).
 */
HF_MUST hf_err hf_duration_parse(hf_str text, struct hf_duration *out);
/* That text. The duration must not be none. */
void hf_buf_put_duration(struct hf_buf *buf, const struct hf_duration *duration);

/*
 * Years and months first, then days; the time of day stays. Fails: HF_E_RANGE (t or the result is before HF_DATE_MIN or after
 * HF_DATE_MAX).
 */
HF_MUST hf_err hf_date_add(hf_usec t, const struct hf_duration *duration, hf_usec *out);
HF_MUST hf_err hf_date_subtract(hf_usec t, const struct hf_duration *duration, hf_usec *out);

/*
 * Days that the duration is at least and at most, wherever it begins: bounds that are exact below a year, and then take every
 * year for 365 days, or every year for 366.
 */
int64_t hf_duration_min_days(const struct hf_duration *duration);
int64_t hf_duration_max_days(const struct hf_duration *duration);
