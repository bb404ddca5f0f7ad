/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A point in time as people type it.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

/*
 * `2027-01-31` (the day's start, UTC), `2027-01-31T12:00:00Z`, digits (seconds since 1970) or a duration from now (`90d`, `12h`).
 * Fails: HF_E_INVALID, HF_E_RANGE.
 */
HF_MUST hf_err cli_moment_parse(hf_str text, hf_usec now, int64_t *out_seconds);
