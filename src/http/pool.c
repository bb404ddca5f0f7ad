/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One bounded queue, several threads. Finished work goes back to its loop as a task.
 */
#include "http/pool.h"

#include "http/limits.h"

#include <stdlib.h>
#include <string.h>

hf_err http_pool_init(struct http_pool *pool, size_t threads)
{
    memset(pool, 0, sizeof(*pool));
    pool->threads = calloc(threads, sizeof(*pool->threads));
    if (pool->threads == NULL)
        return HF_E_NOMEM;
    pool->thread_max = threads;
    pthread_mutex_init(&pool->m, NULL);
    pthread_cond_init(&pool->filled, NULL);
    return HF_OK;
}

static struct http_work *work_of(struct hf_queue_item *item)
{
    struct http_task *task = HF_CONTAINER_OF(item, struct http_task, item);
    return HF_CONTAINER_OF(task, struct http_work, task);
}

static void finish_on_loop(struct http_task *task)
{
    struct http_work *work = HF_CONTAINER_OF(task, struct http_work, task);
    work->finish(work);
}

/* NULL once closed and empty. */
static struct http_work *wait_for_work(struct http_pool *pool)
{
    pthread_mutex_lock(&pool->m);
    while (pool->head == NULL && !pool->closed)
        pthread_cond_wait(&pool->filled, &pool->m);
    struct hf_queue_item *item = pool->head;
    if (item != NULL) {
        pool->head = item->next;
        pool->count--;
    }
    if (pool->head == NULL)
        pool->tail = NULL;
    pthread_mutex_unlock(&pool->m);
    return item == NULL ? NULL : work_of(item);
}

static void *run_pool_thread(void *argument)
{
    struct http_pool *pool = argument;
    for (struct http_work *work = wait_for_work(pool); work != NULL; work = wait_for_work(pool)) {
        struct http_loop *loop = work->loop;
        work->compute(work);
        work->task.run = finish_on_loop;
        http_loop_post(loop, &work->task);
    }
    return NULL;
}

hf_err http_pool_start(struct http_pool *pool)
{
    while (pool->thread_count < pool->thread_max) {
        const hf_err err = hf_thread_start(&pool->threads[pool->thread_count], "http-compute",
                                           run_pool_thread, pool);
        if (err != HF_OK)
            return err;
        pool->thread_count++;
    }
    return HF_OK;
}

static hf_err submit_locked(struct http_pool *pool, struct http_work *work)
{
    if (pool->closed || pool->count >= HTTP_COMPUTE_QUEUE_MAX)
        return HF_E_UNAVAILABLE;
    struct hf_queue_item *item = &work->task.item;
    item->next = NULL;
    if (pool->tail == NULL)
        pool->head = item;
    else
        pool->tail->next = item;
    pool->tail = item;
    pool->count++;
    pthread_cond_signal(&pool->filled);
    return HF_OK;
}

hf_err http_pool_submit(struct http_pool *pool, struct http_work *work)
{
    pthread_mutex_lock(&pool->m);
    const hf_err err = submit_locked(pool, work);
    pthread_mutex_unlock(&pool->m);
    return err;
}

bool http_pool_is_closed(struct http_pool *pool)
{
    pthread_mutex_lock(&pool->m);
    const bool is_closed = pool->closed;
    pthread_mutex_unlock(&pool->m);
    return is_closed;
}

void http_pool_stop(struct http_pool *pool)
{
    pthread_mutex_lock(&pool->m);
    pool->closed = true;
    pthread_cond_broadcast(&pool->filled);
    pthread_mutex_unlock(&pool->m);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pool->thread_count = 0;
}

void http_pool_done(struct http_pool *pool)
{
    if (pool->threads == NULL)
        return;
    free(pool->threads);
    pthread_cond_destroy(&pool->filled);
    pthread_mutex_destroy(&pool->m);
    pool->threads = NULL;
}
