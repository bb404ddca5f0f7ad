/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads and the queue they talk through. Messages are intrusive and owned by the receiver once pushed.
 */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"

#include <pthread.h>

/* Starts a joinable thread; all signals are blocked but those of its own faults (SIGSEGV …). name has at most 15 characters. */
HF_MUST hf_err hf_thread_start(pthread_t *out, const char *name, void *(*run)(void *),
                               void *argument);

struct hf_queue_item {
    struct hf_queue_item *next;
};

/* Many senders, one receiver, first in first out. Threads: any. */
struct hf_queue {
    pthread_mutex_t m;
    pthread_cond_t filled;
    struct hf_queue_item *head; /* under m */
    struct hf_queue_item *tail; /* under m */
    size_t count;               /* under m */
    size_t wanted;              /* under m: the receiver is woken at this count */
    bool closed;                /* under m */
};

void hf_queue_init(struct hf_queue *queue);
void hf_queue_done(struct hf_queue *queue); /* must be empty */

/* Appends; true if the queue was empty before, so the sender knows whether to wake the receiver by other means.
 * After hf_queue_close(): *out_closed is set and the item stays the caller's. out_closed may be NULL if never closed. */
bool hf_queue_push(struct hf_queue *queue, struct hf_queue_item *item, bool *out_closed);

/* Takes everything there is, as a list in order; NULL if nothing. Does not wait. */
struct hf_queue_item *hf_queue_take_all(struct hf_queue *queue);

/* Waits for at least one item, then takes everything. NULL once closed and empty. */
struct hf_queue_item *hf_queue_wait_all(struct hf_queue *queue);

/* Waits for that many items (1 or more), but not for longer than until a time of hf_monotonic_now(), then takes what there
 * is, or NULL. *out_closed: once closed and empty. */
struct hf_queue_item *hf_queue_wait_until(struct hf_queue *queue, size_t wanted, hf_usec deadline,
                                          bool *out_closed);

void hf_queue_close(struct hf_queue *queue); /* wakes the receiver */
