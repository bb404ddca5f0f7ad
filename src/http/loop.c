/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop thread: its turn, its timer, tasks posted from elsewhere, accepting, draining.
 *
 * A turn ends in turn_end(), just before the loop would sleep: before_flush runs if there are
 * answers, then all touched connections send.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* accept4, struct ucred */
#endif

#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATE_MAX_BYTES 64

/* --- shared buffers and contexts -------------------------------------------------------------- */

struct hf_buf http_loop_take_buffer(struct http_loop *loop)
{
    if (loop->spare_buffer_count > 0)
        return loop->spare_buffers[--loop->spare_buffer_count];
    struct hf_buf buf;
    hf_buf_init_secret(&buf, HTTP_OUT_MAX_BYTES);
    return buf;
}

void http_loop_give_buffer(struct http_loop *loop, struct hf_buf *buf)
{
    if (buf->p == NULL)
        return;
    if (buf->cap > HTTP_KEEP_BUFFER_BYTES || loop->spare_buffer_count == HTTP_SPARE_BUFFERS_MAX) {
        hf_buf_done(buf);
        return;
    }
    hf_buf_reset(buf);
    loop->spare_buffers[loop->spare_buffer_count++] = *buf;
    hf_buf_init_secret(buf, HTTP_OUT_MAX_BYTES);
}

SSL_CTX *http_loop_tls(struct http_loop *loop)
{
    struct http_tls *shared = &loop->server->tls;
    if (loop->tls == NULL || loop->tls_version != atomic_load(&shared->version)) {
        SSL_CTX_free(loop->tls);
        loop->tls = http_tls_context(shared, &loop->tls_version);
    }
    return loop->tls;
}

/* --- the end of a turn ------------------------------------------------------------------------ */

static bool may_leave(struct http_loop *loop)
{
    const struct http_callbacks *callbacks = &loop->server->callbacks;
    if (loop->held == 0)
        return true;
    loop->held = 0;
    return callbacks->before_flush(callbacks->context, loop->index) == HF_OK;
}

/* First the decision for all, then sending: what is answered while sending waits for the next
 * round. */
static void flush_round(struct http_loop *loop)
{
    const bool is_allowed = may_leave(loop);
    struct http_link batch;
    http_list_init(&batch);
    http_list_move(&loop->touched, &batch);
    for (struct http_link *link = batch.next; link != &batch; link = link->next)
        http_conn_decide(HF_CONTAINER_OF(link, struct http_conn, touched_link), is_allowed);
    for (struct http_link *link = http_list_take_first(&batch); link != NULL;
         link = http_list_take_first(&batch))
        http_conn_flush(HF_CONTAINER_OF(link, struct http_conn, touched_link));
}

static void flush(struct http_loop *loop)
{
    while (!http_list_is_empty(&loop->touched) || loop->held > 0)
        flush_round(loop);
}

static void on_timer(uv_timer_t *timer);

/* The timer is only moved to earlier times; when it fires too early, it is simply set again. */
static void set_timer(struct http_loop *loop)
{
    const hf_usec earliest = http_deadlines_earliest(&loop->deadlines);
    if (earliest >= loop->timer_at)
        return;
    loop->timer_at = earliest;
    const hf_usec wait = earliest > loop->now ? earliest - loop->now : 0;
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->timer, on_timer, (uint64_t)(wait / HF_USEC_PER_MSEC) + 1, 0);
}

static void check_drained(struct http_loop *loop)
{
    if (loop->state != HTTP_LOOP_DRAINING || !http_list_is_empty(&loop->conns) ||
        (!http_list_is_empty(&loop->orphans) && loop->drain_deadline.kind == HTTP_DEADLINE_DRAIN))
        return;
    loop->state = HTTP_LOOP_DRAINED;
    http_deadline_cancel(&loop->drain_deadline);
    http_server_loop_drained(loop->server);
}

void http_loop_begin_event(struct http_loop *loop)
{
    loop->now = hf_monotonic_now();
    if (loop->turn_started == 0)
        loop->turn_started = loop->now;
}

hf_usec http_loop_turn_started(const struct http_loop *loop)
{
    return loop->turn_started;
}

/* A rest that counts is at least this part of the turn after it. */
#define REST_PART 2

static void tell_turn(struct http_loop *loop)
{
    const struct http_callbacks *callbacks = &loop->server->callbacks;
    const hf_usec started = loop->turn_started;
    const hf_usec rest = started - loop->turn_ended;
    loop->turn_started = 0;
    if (started == 0 || callbacks->turn_ended == NULL)
        return;
    loop->turn_ended = hf_monotonic_now();
    const hf_usec duration = loop->turn_ended - started;
    callbacks->turn_ended(callbacks->context, loop->index, loop->turn_ended, duration,
                          rest > duration / REST_PART);
}

static void turn_end(uv_prepare_t *prepare)
{
    struct http_loop *loop = HF_CONTAINER_OF(prepare, struct http_loop, turn_end);
    if (!http_list_is_empty(&loop->touched) || loop->held > 0) {
        loop->now = hf_monotonic_now();
        flush(loop);
    }
    tell_turn(loop);
    check_drained(loop);
    set_timer(loop);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void close_all_connections(struct http_loop *loop)
{
    for (struct http_link *link = http_list_first(&loop->conns); link != NULL;
         link = http_list_first(&loop->conns))
        http_conn_close(HF_CONTAINER_OF(link, struct http_conn, link));
}

static void on_listener(uv_poll_t *poll, int status, int events);

static void resume_accepting(struct http_deadline *rest)
{
    struct http_listener *listener = HF_CONTAINER_OF(rest, struct http_listener, rest);
    http_deadline_cancel(rest);
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_listener);
}

static void expire(struct http_loop *loop, struct http_deadline *deadline)
{
    switch (deadline->kind) {
    case HTTP_DEADLINE_HANDSHAKE:
    case HTTP_DEADLINE_IDLE:
    case HTTP_DEADLINE_HEADER:
    case HTTP_DEADLINE_BODY:
    case HTTP_DEADLINE_WRITE:
    case HTTP_DEADLINE_LINGER:
    case HTTP_DEADLINE_PAUSE:
        http_conn_expire(HF_CONTAINER_OF(deadline, struct http_conn, deadline));
        break;
    case HTTP_DEADLINE_STREAM_BODY:
    case HTTP_DEADLINE_STREAM_WRITE:
        http_h2_stream_expire(deadline);
        break;
    case HTTP_DEADLINE_ACCEPT:
        resume_accepting(deadline);
        break;
    case HTTP_DEADLINE_DRAIN:
        http_deadline_cancel(deadline);
        close_all_connections(loop);
        break;
    case HTTP_DEADLINE_NONE:
    case HTTP_DEADLINE_KINDS_:
        break;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct http_loop *loop = HF_CONTAINER_OF(timer, struct http_loop, timer);
    loop->timer_at = INT64_MAX;
    http_loop_begin_event(loop);
    for (struct http_deadline *due = http_deadlines_take_due(&loop->deadlines, loop->now);
         due != NULL; due = http_deadlines_take_due(&loop->deadlines, loop->now))
        expire(loop, due);
}

/* --- accepting -------------------------------------------------------------------------------- */

static void format_peer(const struct sockaddr_storage *address, struct http_peer *out)
{
    if (address->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, out->address, sizeof(out->address));
        return;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
        (void)inet_ntop(AF_INET, in6.sin6_addr.s6_addr + 12, out->address, sizeof(out->address));
    else
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, out->address, sizeof(out->address));
}

/* False if the kernel does not say who is there. */
static bool describe_peer(const struct http_listener *listener, int fd,
                          const struct sockaddr_storage *address, struct http_peer *out)
{
    *out = (struct http_peer){ .key = http_peers_key(address), .is_local = listener->is_local };
    if (!listener->is_local) {
        format_peer(address, out);
        return true;
    }
    struct ucred credentials;
    socklen_t n = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &n) != 0)
        return false;
    out->uid = credentials.uid;
    return true;
}

static void welcome(struct http_listener *listener, int fd, const struct sockaddr_storage *address)
{
    struct http_server *server = listener->loop->server;
    const uint64_t key = listener->is_local ? 0 : http_peers_key(address);
    struct http_peer peer;
    struct http_usage *usage = NULL;
    if (!describe_peer(listener, fd, address, &peer) ||
        http_peers_enter(&server->peers, key, &usage) != HF_OK) {
        atomic_fetch_add(&server->connections_refused, 1);
        (void)close(fd);
        return;
    }
    atomic_fetch_add(&server->connections_total, 1);
    http_conn_open(listener->loop, fd, &peer, key, usage);
}

/* Out of descriptors or memory: accepting rests, since the listener would report itself ready
 * for ever. */
static void rest_if_exhausted(struct http_listener *listener, int error_number)
{
    if (error_number != EMFILE && error_number != ENFILE && error_number != ENOBUFS &&
        error_number != ENOMEM)
        return;
    (void)uv_poll_stop(&listener->poll);
    http_deadline_set(&listener->loop->deadlines, &listener->rest, HTTP_DEADLINE_ACCEPT,
                      listener->loop->now);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct http_listener *listener = HF_CONTAINER_OF(poll, struct http_listener, poll);
    (void)events;
    http_loop_begin_event(listener->loop);
    if (status < 0)
        return;
    for (size_t i = 0; i < HTTP_ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
        socklen_t n = sizeof(address);
        const int fd = accept4(listener->fd, (struct sockaddr *)&address, &n,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            rest_if_exhausted(listener, errno);
            return;
        }
        welcome(listener, fd, &address);
    }
}

static void close_listeners(struct http_loop *loop)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        struct http_listener *listener = &loop->listeners[i];
        http_deadline_cancel(&listener->rest);
        if (listener->is_open)
            uv_close((uv_handle_t *)&listener->poll, NULL);
        listener->is_open = false;
        if (listener->fd >= 0)
            (void)close(listener->fd);
        listener->fd = -1;
    }
}

/* --- tasks ------------------------------------------------------------------------------------ */

void http_loop_post(struct http_loop *loop, struct http_task *task)
{
    bool is_closed = false;
    if (hf_queue_push(&loop->queue, &task->item, &is_closed) && !is_closed)
        (void)uv_async_send(&loop->wake);
}

static void run_tasks(struct http_loop *loop)
{
    struct hf_queue_item *item = hf_queue_take_all(&loop->queue);
    while (item != NULL) {
        struct hf_queue_item *next = item->next;
        struct http_task *task = HF_CONTAINER_OF(item, struct http_task, item);
        task->run(task);
        item = next;
    }
}

static void close_handles(struct http_loop *loop)
{
    close_listeners(loop);
    close_all_connections(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
}

/* What was posted before the end still runs, and before_flush sees what it answered. */
static void end_loop(struct http_loop *loop)
{
    hf_queue_close(&loop->queue);
    run_tasks(loop);
    flush(loop);
    close_handles(loop);
}

static void on_wake(uv_async_t *wake)
{
    struct http_loop *loop = HF_CONTAINER_OF(wake, struct http_loop, wake);
    http_loop_begin_event(loop);
    run_tasks(loop);
    if (loop->state == HTTP_LOOP_ENDING)
        end_loop(loop);
}

hf_err http_loop_compute(struct http_loop *loop, struct http_work *work)
{
    work->loop = loop;
    struct http_server *server = loop->server;
    return http_pool_submit(work->is_long ? &server->long_pool : &server->pool, work);
}

bool http_loop_is_ending(struct http_loop *loop)
{
    return http_pool_is_closed(&loop->server->pool);
}

static void run_drain(struct http_task *task)
{
    struct http_loop *loop = HF_CONTAINER_OF(task, struct http_loop, drain_task);
    loop->state = HTTP_LOOP_DRAINING;
    close_listeners(loop);
    if (loop->server->config.drain_timeout == 0) {
        close_all_connections(loop);
        return;
    }
    http_deadline_set(&loop->deadlines, &loop->drain_deadline, HTTP_DEADLINE_DRAIN, loop->now);
    struct http_link *link = loop->conns.next;
    while (link != &loop->conns) {
        struct http_link *next = link->next;
        http_conn_drain(HF_CONTAINER_OF(link, struct http_conn, link));
        link = next;
    }
}

static void run_end(struct http_task *task)
{
    struct http_loop *loop = HF_CONTAINER_OF(task, struct http_loop, end_task);
    loop->state = HTTP_LOOP_ENDING;
}

/* --- life ------------------------------------------------------------------------------------- */

static void set_durations(struct http_loop *loop)
{
    const struct http_config *config = &loop->server->config;
    hf_usec *durations = loop->deadlines.durations;
    durations[HTTP_DEADLINE_HANDSHAKE] = config->handshake_timeout;
    durations[HTTP_DEADLINE_IDLE] = config->idle_timeout;
    durations[HTTP_DEADLINE_HEADER] = config->header_timeout;
    durations[HTTP_DEADLINE_BODY] = config->body_timeout;
    durations[HTTP_DEADLINE_WRITE] = config->write_timeout;
    durations[HTTP_DEADLINE_LINGER] = HTTP_LINGER_USEC;
    durations[HTTP_DEADLINE_PAUSE] = HTTP_PAUSE_USEC;
    durations[HTTP_DEADLINE_STREAM_BODY] = config->body_timeout;
    durations[HTTP_DEADLINE_STREAM_WRITE] = config->write_timeout;
    durations[HTTP_DEADLINE_ACCEPT] = HTTP_ACCEPT_PAUSE_USEC;
    durations[HTTP_DEADLINE_DRAIN] = config->drain_timeout;
}

hf_err http_loop_init_core(struct http_loop *loop, struct http_server *server, size_t index)
{
    memset(loop, 0, sizeof(*loop));
    loop->server = server;
    loop->index = index;
    loop->state = HTTP_LOOP_NEW;
    loop->timer_at = INT64_MAX;
    http_deadlines_init(&loop->deadlines);
    http_deadline_init(&loop->drain_deadline);
    set_durations(loop);
    http_list_init(&loop->conns);
    http_list_init(&loop->touched);
    http_list_init(&loop->orphans);
    http_list_init(&loop->spare_slots);
    http_list_init(&loop->spare_streams);
    hf_queue_init(&loop->queue);
    hf_buf_init(&loop->date, DATE_MAX_BYTES);
    loop->drain_task.run = run_drain;
    loop->end_task.run = run_end;
    loop->scratch = hf_secret_alloc(HTTP_SCRATCH_BYTES);
    return loop->scratch == NULL ? HF_E_NOMEM : HF_OK;
}

static void free_slots(struct http_link *list)
{
    for (struct http_link *link = http_list_first(list); link != NULL; link = http_list_first(list))
        http_slot_destroy(HF_CONTAINER_OF(link, struct http_slot, link));
}

void http_loop_done_core(struct http_loop *loop)
{
    free_slots(&loop->spare_slots);
    free_slots(&loop->orphans);
    http_h2_free_spare_streams(loop);
    while (loop->spare_buffer_count > 0)
        hf_buf_done(&loop->spare_buffers[--loop->spare_buffer_count]);
    hf_buf_done(&loop->date);
    hf_secret_release(loop->scratch);
    (void)hf_queue_take_all(&loop->queue); /* tasks that came too late belong to their senders */
    hf_queue_done(&loop->queue);
}

hf_err http_loop_init(struct http_loop *loop, struct http_server *server, size_t index)
{
    const hf_err err = http_loop_init_core(loop, server, index);
    if (err != HF_OK)
        return err;
    /* one for each address, one for the local socket */
    loop->listeners = calloc(server->config.listen_count + 1, sizeof(*loop->listeners));
    if (loop->listeners == NULL)
        return HF_E_NOMEM;
    if (uv_loop_init(&loop->uv) != 0)
        return HF_E_IO;
    loop->has_handles = true;
    (void)uv_timer_init(&loop->uv, &loop->timer);
    (void)uv_prepare_init(&loop->uv, &loop->turn_end);
    return uv_async_init(&loop->uv, &loop->wake, on_wake) == 0 ? HF_OK : HF_E_IO;
}

static hf_err open_listener(struct http_listener *listener)
{
    struct http_loop *loop = listener->loop;
    if (uv_poll_init(&loop->uv, &listener->poll, listener->fd) != 0)
        return HF_E_IO;
    listener->is_open = true;
    return uv_poll_start(&listener->poll, UV_READABLE, on_listener) == 0 ? HF_OK : HF_E_IO;
}

static void *run_loop(void *argument)
{
    struct http_loop *loop = argument;
    const struct http_callbacks *callbacks = &loop->server->callbacks;
    loop->now = hf_monotonic_now();
    if (callbacks->loop_started != NULL)
        callbacks->loop_started(callbacks->context, loop->index);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (callbacks->loop_stopped != NULL)
        callbacks->loop_stopped(callbacks->context, loop->index);
    return NULL;
}

hf_err http_loop_start(struct http_loop *loop)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        const hf_err err = open_listener(&loop->listeners[i]);
        if (err != HF_OK)
            return err;
    }
    if (uv_prepare_start(&loop->turn_end, turn_end) != 0)
        return HF_E_IO;
    loop->state = HTTP_LOOP_RUNNING;
    const hf_err err = hf_thread_start(&loop->thread, "http-loop", run_loop, loop);
    loop->has_thread = err == HF_OK;
    return err;
}

void http_loop_done(struct http_loop *loop)
{
    if (loop->has_handles) {
        if (loop->state != HTTP_LOOP_ENDING) {
            close_handles(loop);
            (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        }
        (void)uv_loop_close(&loop->uv);
    }
    close_listeners(loop);
    free(loop->listeners);
    SSL_CTX_free(loop->tls);
    http_loop_done_core(loop);
}
