/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests are refused at once because those before them take too long: by the loop's own delay,
 * and by what waits for the writer and for the compute pool. No I/O and no clock in here.
 *
 * A loop works in turns: it takes what has come on all its connections, then sends all answers. A
 * request waits for one turn and is answered at the end of the next, so the length of turns is the
 * delay. One long turn is a burst and does no harm; when no turn of the last OVERLOAD_INTERVAL was
 * shorter than the target, a queue is standing (as CoDel sees it, RFC 8289), and the loop sheds: in
 * each turn what comes after half the target is refused. It does so until for OVERLOAD_RECOVERY turns
 * have been short and nothing was refused, because refused clients come back together.
 *
 * A refusal costs much of what the cheapest request costs. So the connection is not read for a second
 * (http_response.pause): clients that wait as Retry-After tells them notice nothing of it, others
 * wait in the kernel, and what they have sent meanwhile is refused again, but for a few.
 */
#pragma once

#include "base/clock.h"

#include <stdatomic.h>

#define API_OVERLOAD_INTERVAL (100 * HF_USEC_PER_MSEC)
#define API_OVERLOAD_RECOVERY (2 * HF_USEC_PER_SEC)
/* So many requests of a turn are taken whatever it costs: few clients on a slow machine are no
 * overload. */
#define API_OVERLOAD_TURN_MIN 16
/* Of requests that did not wait as they were told, one for so many others is taken, and one in each
 * interval: their delay cannot be short any more, and room is found again by taking a few. So many of
 * them may be saved up. */
#define API_OVERLOAD_HELD_PART 128
#define API_OVERLOAD_HELD_SAVED 8

/* Threads: one loop, but is_shedding: any. */
struct api_overload {
    hf_usec target;      /* 0: never sheds */
    hf_usec long_since;  /* all turns were long since then; 0: the last one was not */
    hf_usec short_since; /* all turns were short since then, and nothing was refused; 0: not so */
    hf_usec refused_at;  /* the end of the last turn in which something was refused */
    hf_usec credited_at; /* when credit was given for an interval */
    size_t taken;        /* in this turn */
    size_t credit;       /* for requests that were held back; one costs API_OVERLOAD_HELD_PART */
    bool has_refused;    /* in this turn */
    bool is_recent;      /* something was refused within API_OVERLOAD_RECOVERY */
    atomic_bool is_shedding;
};

/* A turn is over; had_waited: before it the loop had nothing to do. */
void api_overload_turn(struct api_overload *overload, hf_usec now, hf_usec duration,
                       bool had_waited);
/* Whether a request may go on that comes `elapsed` after its turn began; held_back: it was sent during
 * a pause of its connection. */
bool api_overload_admit(struct api_overload *overload, hf_usec elapsed, bool held_back);
/* It was refused for another reason, and its connection pauses. */
void api_overload_note_refused(struct api_overload *overload);

/*
 * Work that waits elsewhere: commands for the writer, computations for the pool. What one costs
 * follows from how many were finished while one waited, so that commits in groups count as such.
 * Threads: any.
 */
struct api_backlog {
    size_t floor; /* so many may always wait */
    atomic_size_t waiting;
    atomic_uint_fast64_t finished;
    _Atomic int64_t cost; /* usec for one, times API_BACKLOG_SCALE */
};

#define API_BACKLOG_SCALE 256
#define API_BACKLOG_COMMITS_FLOOR 64
#define API_BACKLOG_COMPUTES_FLOOR 32
#define API_BACKLOG_MAKINGS_FLOOR 8

/* What one waiting thing must remember. */
struct api_backlog_ticket {
    hf_usec since;
    uint64_t finished;
};

/* How long one more would wait. */
hf_usec api_backlog_delay(const struct api_backlog *backlog);
/* Whether one more may wait: fewer than floor do, or the delay is at most target (0: no limit). */
bool api_backlog_admit(const struct api_backlog *backlog, hf_usec target);
struct api_backlog_ticket api_backlog_enter(struct api_backlog *backlog, hf_usec now);
void api_backlog_leave(struct api_backlog *backlog, const struct api_backlog_ticket *ticket,
                       hf_usec now);
/* It never began to wait. */
void api_backlog_give_up(struct api_backlog *backlog);
