/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often somebody may do something: a bounded table of token buckets, by key, without a lock.
 *
 * A bucket is one number, the time at which it would be full again (GCRA): a request moves it on by
 * one period, and is refused if that is too far ahead of now. A bucket that is full remembers nothing,
 * so its place can be given to another key without loss. When all places that a key may have are in
 * use, the key has no bucket of its own: see api_quota_take().
 *
 * Threads: any. Two new keys that come at the same moment may count on one bucket for that moment.
 */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>

struct api_quota_place {
    _Atomic uint64_t key; /* 0: free */
    _Atomic hf_usec full_at;
};

struct api_quota {
    struct api_quota_place *places; /* NULL: no limit */
    size_t set_mask;
    uint64_t seed;
    hf_usec period; /* one token comes back */
    hf_usec burst;  /* so far may full_at be ahead of now */
};

enum api_quota_answer {
    API_QUOTA_TAKEN,
    API_QUOTA_EXCEEDED,
    API_QUOTA_NO_PLACE, /* the table is full of others: not counted */
};

/* `rate` tokens a second, at most `burst` (>= 1) at once; rate 0: no limit, everything is taken.
 * Fails: HF_E_NOMEM, HF_E_INTERNAL (no random numbers). */
HF_MUST hf_err api_quota_init(struct api_quota *quota, int64_t rate, int64_t burst);
void api_quota_done(struct api_quota *quota);
/* now: monotonic. */
enum api_quota_answer api_quota_take(struct api_quota *quota, uint64_t key, hf_usec now);
/* A key for text: seeded, so that nobody can choose texts that share a place. */
uint64_t api_quota_key(const struct api_quota *quota, hf_str text);
