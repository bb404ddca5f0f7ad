/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many lines of one event may be written in a second. For log.c; it reads no clock, so that tests can move time.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/clock.h"

#define HF_LOG_LIMIT_EVENTS 64
#define HF_LOG_LIMIT_LINES 20 /* of one event */
#define HF_LOG_LIMIT_WINDOW HF_USEC_PER_SEC

struct hf_log_limit_slot {
    const char *event;  /* a literal; NULL while unused */
    hf_usec window;     /* start, monotonic */
    int64_t lines;      /* written in the window */
    int64_t suppressed; /* withheld and not reported yet */
};

/* Starts zeroed. An event that finds no slot takes the one whose window is the oldest. */
struct hf_log_limit {
    struct hf_log_limit_slot slots[HF_LOG_LIMIT_EVENTS];
};

/* True if the line may be written; *out_suppressed then says how many were withheld before it and not yet reported. */
bool hf_log_limit_pass(struct hf_log_limit *limit, const char *event, hf_usec now,
                       int64_t *out_suppressed);
