/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. hf_usec is microseconds everywhere inside: wall time since 1970, or a duration (the name tells). Nothing reads the
 * wall clock except through struct hf_clock, so that tests move it.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"

#include <stdatomic.h>
#include <stdint.h>

typedef int64_t hf_usec;

#define HF_USEC_PER_MSEC INT64_C(1000)
#define HF_USEC_PER_SEC INT64_C(1000000)
#define HF_USEC_PER_DAY (INT64_C(86400) * HF_USEC_PER_SEC)

/* The system's clock plus an offset that tests and `holdfast dev --movable-clock` change. Threads: any. */
struct hf_clock {
    _Atomic hf_usec offset;
};

hf_usec hf_clock_now(const struct hf_clock *clock);
void hf_clock_advance(struct hf_clock *clock, hf_usec by);

/* For measuring and deadlines inside the process; never stored, never moved. */
hf_usec hf_monotonic_now(void);

static inline int64_t hf_usec_to_seconds(hf_usec t)
{
    return t / HF_USEC_PER_SEC;
}

static inline hf_usec hf_usec_from_seconds(int64_t s)
{
    return s * HF_USEC_PER_SEC;
}

/* "2026-01-05T10:11:12.1234560Z": UTC with seven fraction digits, as Azure writes it. */
void hf_buf_put_iso_time(struct hf_buf *buf, hf_usec t);
/* "2026-01-05 10:11:12Z", as Entra errors write it. */
void hf_buf_put_plain_time(struct hf_buf *buf, hf_usec t);
/* "Mon, 05 Jan 2026 10:11:12 GMT": RFC 9110 §5.6.7. */
void hf_buf_put_http_date(struct hf_buf *buf, hf_usec t);
