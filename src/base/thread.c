/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, and the queue they talk through. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* pthread_setname_np */
#endif
#include "base/thread.h"

#include "base/assert.h"
#include "base/attr.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

/* What a thread does wrong itself cannot wait: blocked, it ends the process past every handler, a sanitizer's too (signal(7)). */
static const int own_faults[] = { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP };

hf_err hf_thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *argument)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    for (size_t i = 0; i < HF_ARRAY_LEN(own_faults); i++)
        (void)sigdelset(&all, own_faults[i]);
    HF_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    pthread_t thread;
    const int failed = pthread_create(&thread, NULL, run, argument);
    HF_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (failed != 0)
        return hf_err_from_errno(failed);
    (void)pthread_setname_np(thread, name); /* only for people: a thread without a name works too */
    *out = thread;
    return HF_OK;
}

static void lock(struct hf_queue *queue)
{
    HF_ASSERT(pthread_mutex_lock(&queue->m) == 0);
}

static void unlock(struct hf_queue *queue)
{
    HF_ASSERT(pthread_mutex_unlock(&queue->m) == 0);
}

void hf_queue_init(struct hf_queue *queue)
{
    *queue = (struct hf_queue){ .wanted = 1 };
    HF_ASSERT(pthread_mutex_init(&queue->m, NULL) == 0);
    pthread_condattr_t attributes;
    HF_ASSERT(pthread_condattr_init(&attributes) == 0);
    HF_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    HF_ASSERT(pthread_cond_init(&queue->filled, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
}

void hf_queue_done(struct hf_queue *queue)
{
    HF_ASSERT(queue->head == NULL);
    (void)pthread_cond_destroy(&queue->filled);
    (void)pthread_mutex_destroy(&queue->m);
}

/* Under m. True if the queue was empty. */
static bool append(struct hf_queue *queue, struct hf_queue_item *item)
{
    const bool was_empty = queue->head == NULL;
    item->next = NULL;
    if (was_empty)
        queue->head = item;
    else
        queue->tail->next = item;
    queue->tail = item;
    queue->count++;
    return was_empty;
}

bool hf_queue_push(struct hf_queue *queue, struct hf_queue_item *item, bool *out_closed)
{
    lock(queue);
    const bool closed = queue->closed;
    HF_ASSERT(!closed || out_closed != NULL);
    const bool was_empty = !closed && append(queue, item);
    if (queue->count == queue->wanted)
        (void)pthread_cond_signal(&queue->filled);
    unlock(queue);
    if (out_closed != NULL)
        *out_closed = closed;
    return was_empty;
}

/* Under m. */
static struct hf_queue_item *take_list(struct hf_queue *queue)
{
    struct hf_queue_item *list = queue->head;
    queue->head = NULL;
    queue->tail = NULL;
    queue->count = 0;
    return list;
}

struct hf_queue_item *hf_queue_take_all(struct hf_queue *queue)
{
    lock(queue);
    struct hf_queue_item *list = take_list(queue);
    unlock(queue);
    return list;
}

struct hf_queue_item *hf_queue_wait_all(struct hf_queue *queue)
{
    lock(queue);
    while (queue->head == NULL && !queue->closed)
        (void)pthread_cond_wait(&queue->filled, &queue->m);
    struct hf_queue_item *list = take_list(queue);
    unlock(queue);
    return list;
}

struct hf_queue_item *hf_queue_wait_until(struct hf_queue *queue, size_t wanted, hf_usec deadline,
                                          bool *out_closed)
{
    deadline = deadline > 0 ? deadline : 0;
    const struct timespec until = { .tv_sec = deadline / HF_USEC_PER_SEC,
                                    .tv_nsec = deadline % HF_USEC_PER_SEC * 1000 };
    int error = 0;
    lock(queue);
    queue->wanted = wanted;
    while (queue->count < wanted && !queue->closed && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&queue->filled, &queue->m, &until);
    queue->wanted = 1;
    struct hf_queue_item *list = take_list(queue);
    *out_closed = list == NULL && queue->closed;
    unlock(queue);
    return list;
}

void hf_queue_close(struct hf_queue *queue)
{
    lock(queue);
    queue->closed = true;
    (void)pthread_cond_broadcast(&queue->filled);
    unlock(queue);
}
