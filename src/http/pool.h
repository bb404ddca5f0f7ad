/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute pool: threads for slow cryptography, so that it never delays a loop.
 *
 * Threads: any, under m.
 */
#pragma once

#include "http/http.h"

#include <pthread.h>

struct http_pool {
    pthread_mutex_t m;
    pthread_cond_t filled;
    struct hf_queue_item *head; /* under m: the items in struct http_work.task */
    struct hf_queue_item *tail; /* under m */
    size_t count;               /* under m */
    bool closed;                /* under m */
    pthread_t *threads;
    size_t thread_count; /* started */
    size_t thread_max;
};

HF_MUST hf_err http_pool_init(struct http_pool *pool, size_t threads);
HF_MUST hf_err http_pool_start(struct http_pool *pool);
/* work->loop is set. HF_E_UNAVAILABLE when full or closed. */
HF_MUST hf_err http_pool_submit(struct http_pool *pool, struct http_work *work);
/* http_pool_stop() was called. */
bool http_pool_is_closed(struct http_pool *pool);
/* Computes what is queued, then ends the threads. */
void http_pool_stop(struct http_pool *pool);
void http_pool_done(struct http_pool *pool);
