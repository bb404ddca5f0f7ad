/* SPDX-License-Identifier: Apache-2.0 */
/* Standing queues, found and kept short. */
#include "api/overload.h"

#include "base/bytes.h"

/* A new measurement of the cost of one counts for one part in so many. */
#define COST_WEIGHT 16

static void end_shedding(struct api_overload *overload, hf_usec now)
{
    overload->long_since = 0;
    if (overload->short_since == 0)
        overload->short_since = now;
    else if (now - overload->short_since >= API_OVERLOAD_RECOVERY)
        atomic_store_explicit(&overload->is_shedding, false, memory_order_relaxed);
}

static void begin_shedding(struct api_overload *overload, hf_usec now)
{
    overload->short_since = 0;
    if (overload->long_since == 0)
        overload->long_since = now;
    else if (now - overload->long_since >= API_OVERLOAD_INTERVAL)
        atomic_store_explicit(&overload->is_shedding, true, memory_order_relaxed);
}

static void earn(struct api_overload *overload, size_t credit)
{
    size_t most = (size_t)API_OVERLOAD_HELD_PART * API_OVERLOAD_HELD_SAVED;
    overload->credit = overload->credit + credit < most ? overload->credit + credit : most;
}

/* Takes stock of the turn, and begins the next. */
static void count_turn(struct api_overload *overload, hf_usec now)
{
    if (overload->has_refused)
        overload->refused_at = now;
    overload->is_recent = overload->refused_at != 0 &&
                          now - overload->refused_at < API_OVERLOAD_RECOVERY;
    if (now - overload->credited_at >= API_OVERLOAD_INTERVAL) {
        overload->credited_at = now;
        earn(overload, API_OVERLOAD_HELD_PART);
    }
    overload->taken = 0;
    overload->has_refused = false;
}

void api_overload_turn(struct api_overload *overload, hf_usec now, hf_usec duration,
                       bool had_waited)
{
    if (overload->target == 0)
        return;
    bool has_refused = overload->has_refused;
    count_turn(overload, now);
    if (duration > overload->target && !had_waited)
        begin_shedding(overload, now);
    else if (has_refused)
        overload->short_since = 0;
    else
        end_shedding(overload, now);
}

static bool has_room(struct api_overload *overload, hf_usec elapsed, bool held_back)
{
    bool is_shedding = atomic_load_explicit(&overload->is_shedding, memory_order_relaxed);
    if (is_shedding && overload->taken >= API_OVERLOAD_TURN_MIN && elapsed > overload->target / 2)
        return false;
    if (!held_back || !overload->is_recent)
        return true;
    if (overload->credit < API_OVERLOAD_HELD_PART)
        return false;
    overload->credit -= API_OVERLOAD_HELD_PART;
    return true;
}

bool api_overload_admit(struct api_overload *overload, hf_usec elapsed, bool held_back)
{
    if (!has_room(overload, elapsed, held_back)) {
        overload->has_refused = true;
        return false;
    }
    overload->taken++;
    if (overload->is_recent)
        earn(overload, 1);
    return true;
}

void api_overload_note_refused(struct api_overload *overload)
{
    overload->has_refused = true;
}

/* ---- what waits elsewhere ---- */

hf_usec api_backlog_delay(const struct api_backlog *backlog)
{
    int64_t waiting = (int64_t)atomic_load_explicit(&backlog->waiting, memory_order_relaxed);
    int64_t cost = atomic_load_explicit(&backlog->cost, memory_order_relaxed);
    return waiting * cost / API_BACKLOG_SCALE;
}

bool api_backlog_admit(const struct api_backlog *backlog, hf_usec target)
{
    return target == 0 ||
           atomic_load_explicit(&backlog->waiting, memory_order_relaxed) < backlog->floor ||
           api_backlog_delay(backlog) <= target;
}

struct api_backlog_ticket api_backlog_enter(struct api_backlog *backlog, hf_usec now)
{
    atomic_fetch_add_explicit(&backlog->waiting, 1, memory_order_relaxed);
    return (struct api_backlog_ticket){
        .since = now,
        .finished = atomic_load_explicit(&backlog->finished, memory_order_relaxed),
    };
}

/* Two threads may measure at the same moment: one of the two is lost, which does no harm. */
static void measure(struct api_backlog *backlog, hf_usec waited, uint64_t finished)
{
    int64_t before = atomic_load_explicit(&backlog->cost, memory_order_relaxed);
    int64_t cost = waited * API_BACKLOG_SCALE / (int64_t)finished;
    int64_t after = before == 0 ? cost : before + (cost - before) / COST_WEIGHT;
    atomic_store_explicit(&backlog->cost, after, memory_order_relaxed);
}

void api_backlog_leave(struct api_backlog *backlog, const struct api_backlog_ticket *ticket,
                       hf_usec now)
{
    atomic_fetch_sub_explicit(&backlog->waiting, 1, memory_order_relaxed);
    uint64_t finished = atomic_fetch_add_explicit(&backlog->finished, 1, memory_order_relaxed) + 1;
    measure(backlog, now - ticket->since, finished - ticket->finished);
}

void api_backlog_give_up(struct api_backlog *backlog)
{
    atomic_fetch_sub_explicit(&backlog->waiting, 1, memory_order_relaxed);
}
