/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and how dates are written. */
#include "base/clock.h"

#include "base/assert.h"
#include "base/calendar.h"

#include <time.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define NSEC_PER_USEC 1000
#define WEEKDAY_OF_1970_01_01 4 /* Thursday */

static hf_usec read_clock(clockid_t id)
{
    struct timespec t = { 0 };
    HF_ASSERT(clock_gettime(id, &t) == 0);
    return (hf_usec)t.tv_sec * HF_USEC_PER_SEC + t.tv_nsec / NSEC_PER_USEC;
}

hf_usec hf_clock_now(const struct hf_clock *clock)
{
    return read_clock(CLOCK_REALTIME) + atomic_load_explicit(&clock->offset, memory_order_relaxed);
}

void hf_clock_advance(struct hf_clock *clock, hf_usec by)
{
    atomic_fetch_add_explicit(&clock->offset, by, memory_order_relaxed);
}

hf_usec hf_monotonic_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

struct calendar {
    struct hf_date date;
    unsigned weekday; /* from 0, Sunday */
    unsigned hour, minute, second, usec;
};

static struct calendar calendar_of(hf_usec t)
{
    const int64_t seconds = hf_floor_div(t, HF_USEC_PER_SEC);
    const int64_t days = hf_floor_div(seconds, SECONDS_PER_DAY);
    const unsigned second_of_day = hf_floor_rest(seconds, SECONDS_PER_DAY);
    return (struct calendar){
        .date = hf_date_from_days(days),
        .weekday = hf_floor_rest(days + WEEKDAY_OF_1970_01_01, 7),
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .usec = hf_floor_rest(t, HF_USEC_PER_SEC),
    };
}

/* The value with leading zeros, `digits` of them in all. */
static void put_padded(struct hf_buf *buf, uint64_t value, size_t digits, char behind)
{
    char text[8];
    HF_ASSERT(digits < sizeof text);
    text[digits] = behind;
    for (size_t i = digits; i > 0; i--, value /= 10)
        text[i - 1] = (char)('0' + (char)(value % 10));
    hf_buf_put(buf, text, digits + 1);
}

/* Years are 0 to 9999 in all that is stored; others are written so that nobody takes them for a date. */
static void put_year(struct hf_buf *buf, int64_t year, char behind)
{
    if (year < 0 || year > 9999) {
        hf_buf_put_dec(buf, year);
        hf_buf_put_u8(buf, (uint8_t)behind);
    } else {
        put_padded(buf, (uint64_t)year, 4, behind);
    }
}

static void put_date_time(struct hf_buf *buf, const struct calendar *c, char between, char behind)
{
    put_year(buf, c->date.year, '-');
    put_padded(buf, c->date.month, 2, '-');
    put_padded(buf, c->date.day, 2, between);
    put_padded(buf, c->hour, 2, ':');
    put_padded(buf, c->minute, 2, ':');
    put_padded(buf, c->second, 2, behind);
}

void hf_buf_put_iso_time(struct hf_buf *buf, hf_usec t)
{
    const struct calendar c = calendar_of(t);
    put_date_time(buf, &c, 'T', '.');
    put_padded(buf, (uint64_t)c.usec * 10, 7, 'Z');
}

void hf_buf_put_plain_time(struct hf_buf *buf, hf_usec t)
{
    const struct calendar c = calendar_of(t);
    put_date_time(buf, &c, ' ', 'Z');
}

void hf_buf_put_http_date(struct hf_buf *buf, hf_usec t)
{
    static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    const struct calendar c = calendar_of(t);
    hf_buf_put_c(buf, weekdays[c.weekday]);
    hf_buf_put_c(buf, ", ");
    put_padded(buf, c.date.day, 2, ' ');
    hf_buf_put_c(buf, months[c.date.month - 1]);
    hf_buf_put_u8(buf, ' ');
    put_year(buf, c.date.year, ' ');
    put_padded(buf, c.hour, 2, ':');
    put_padded(buf, c.minute, 2, ':');
    put_padded(buf, c.second, 2, ' ');
    hf_buf_put_c(buf, "GMT");
}
