/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All time-outs of one loop. Each kind has one duration, so a list per kind, appended at its end,
 * is sorted by itself: setting and cancelling cost nothing, and one timer serves them all.
 *
 * Threads: the loop's.
 */
#pragma once

#include "base/clock.h"
#include "http/list.h"

enum http_deadline_kind {
    HTTP_DEADLINE_NONE,
    HTTP_DEADLINE_HANDSHAKE,
    HTTP_DEADLINE_IDLE,
    HTTP_DEADLINE_HEADER,
    HTTP_DEADLINE_BODY,
    HTTP_DEADLINE_WRITE,
    HTTP_DEADLINE_LINGER,
    HTTP_DEADLINE_PAUSE,
    HTTP_DEADLINE_STREAM_BODY,  /* one HTTP/2 stream: its request is not complete */
    HTTP_DEADLINE_STREAM_WRITE, /* one HTTP/2 stream: its answer does not get out */
    HTTP_DEADLINE_ACCEPT,       /* a listener rests */
    HTTP_DEADLINE_DRAIN,
    HTTP_DEADLINE_KINDS_,
};

struct http_deadline {
    struct http_link link;
    hf_usec at; /* monotonic */
    enum http_deadline_kind kind;
};

struct http_deadlines {
    struct http_link lists[HTTP_DEADLINE_KINDS_];
    hf_usec durations[HTTP_DEADLINE_KINDS_]; /* filled in by the caller after init */
};

void http_deadlines_init(struct http_deadlines *deadlines);
void http_deadline_init(struct http_deadline *deadline);

/* Starts or restarts; now is monotonic. */
void http_deadline_set(struct http_deadlines *deadlines, struct http_deadline *deadline,
                       enum http_deadline_kind kind, hf_usec now);
void http_deadline_cancel(struct http_deadline *deadline);

/* INT64_MAX if there is none. */
hf_usec http_deadlines_earliest(const struct http_deadlines *deadlines);

/* Takes one that is due out (its kind stays readable); NULL if none is. */
struct http_deadline *http_deadlines_take_due(struct http_deadlines *deadlines, hf_usec now);
