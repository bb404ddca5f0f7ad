/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: from accept to close. Moves bytes between transport and engine, and keeps deadline
 * and poll interest in step with the state; only settle() sets those.
 */
#include "http/internal.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void http_conn_touch(struct http_conn *conn)
{
    if (conn->state != HTTP_CONN_CLOSED && http_list_is_empty(&conn->touched_link))
        http_list_append(&conn->loop->touched, &conn->touched_link);
}

void http_conn_hold(struct http_conn *conn)
{
    if (conn->held == 0)
        conn->held_from = conn->out.n;
    conn->held++;
    conn->loop->held++;
    http_conn_touch(conn);
}

void http_conn_finish(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_OPEN)
        conn->state = HTTP_CONN_FINISHING;
    http_conn_touch(conn);
}

struct hf_buf *http_conn_out(struct http_conn *conn)
{
    if (conn->out.p == NULL)
        conn->out = http_loop_take_buffer(conn->loop);
    return &conn->out;
}

static bool has_unsent(const struct http_conn *conn)
{
    return conn->out_sent < conn->out.n;
}

static enum http_deadline_kind deadline_for(const struct http_conn *conn)
{
    switch (conn->state) {
    case HTTP_CONN_HANDSHAKE:
        return HTTP_DEADLINE_HANDSHAKE;
    case HTTP_CONN_OPEN:
        if (conn->is_paused && !has_unsent(conn))
            return HTTP_DEADLINE_PAUSE;
        return has_unsent(conn) ? HTTP_DEADLINE_WRITE : conn->protocol->awaits(conn);
    case HTTP_CONN_FINISHING:
        return HTTP_DEADLINE_WRITE;
    case HTTP_CONN_LINGER:
        return HTTP_DEADLINE_LINGER;
    case HTTP_CONN_CLOSED:
        break;
    }
    return HTTP_DEADLINE_NONE;
}

/* While something waits to be sent, nothing is read: a peer that does not read gets no further
 * work done. */
static int events_for(const struct http_conn *conn)
{
    switch (conn->state) {
    case HTTP_CONN_HANDSHAKE:
        return SSL_want_write(conn->ssl) ? UV_WRITABLE : UV_READABLE;
    case HTTP_CONN_OPEN:
        if (has_unsent(conn))
            return UV_WRITABLE;
        return conn->is_paused || conn->pending.n >= HTTP_PENDING_SOFT_BYTES ? 0 : UV_READABLE;
    case HTTP_CONN_FINISHING:
        return UV_WRITABLE;
    case HTTP_CONN_LINGER:
        return UV_READABLE;
    case HTTP_CONN_CLOSED:
        break;
    }
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Changing interest is a system call: done only when it differs. */
static void watch(struct http_conn *conn)
{
    const int events = events_for(conn);
    if (events == conn->events)
        return;
    conn->events = events;
    if (events == 0)
        (void)uv_poll_stop(&conn->poll);
    else if (uv_poll_start(&conn->poll, events, on_poll) != 0)
        http_conn_close(conn);
}

static void settle(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_CLOSED || !http_list_is_empty(&conn->touched_link))
        return;
    const enum http_deadline_kind kind = deadline_for(conn);
    if (kind == HTTP_DEADLINE_NONE)
        http_deadline_cancel(&conn->deadline);
    else if (kind != conn->deadline.kind)
        http_deadline_set(&conn->loop->deadlines, &conn->deadline, kind, conn->loop->now);
    watch(conn);
}

/* Everything is sent. The peer's rest is read and dropped, so that no reset overtakes the
 * answer. */
static void end_connection(struct http_conn *conn)
{
    conn->transport->end(conn);
    if (conn->peer_wants_close || shutdown(conn->fd, SHUT_WR) != 0) {
        http_conn_close(conn);
        return;
    }
    conn->state = HTTP_CONN_LINGER;
    hf_buf_done(&conn->pending);
    http_deadline_cancel(&conn->deadline);
}

/* Makes more frames when all is sent and nothing is held. False if there is nothing to send now. */
static bool has_more_to_send(struct http_conn *conn)
{
    if (conn->held > 0)
        return conn->out_sent < conn->held_from;
    if (has_unsent(conn))
        return true;
    conn->out_sent = 0;
    if (conn->out.p != NULL)
        hf_buf_reset(&conn->out);
    conn->protocol->produce(conn);
    return has_unsent(conn);
}

static void send_out(struct http_conn *conn)
{
    while (has_more_to_send(conn)) {
        const size_t end = conn->held > 0 ? conn->held_from : conn->out.n;
        size_t n = 0;
        const enum http_io io = conn->transport->write(conn, conn->out.p + conn->out_sent,
                                                       end - conn->out_sent, &n);
        if (io == HTTP_IO_WAIT)
            return;
        if (io == HTTP_IO_CLOSED) {
            http_conn_close(conn);
            return;
        }
        conn->out_sent += n;
        http_deadline_cancel(&conn->deadline); /* progress */
    }
    if (hf_buf_err(&conn->out) != HF_OK) { /* an answer too large, or no memory */
        http_conn_close(conn);
        return;
    }
    if (!has_unsent(conn))
        http_loop_give_buffer(conn->loop, &conn->out);
    http_conn_count_answers(conn);
    if (has_unsent(conn))
        return;
    if (conn->state == HTTP_CONN_FINISHING)
        end_connection(conn);
}

bool http_conn_feed(struct http_conn *conn, hf_bytes in)
{
    if (conn->state != HTTP_CONN_OPEN)
        return true;
    size_t n = 0;
    if (conn->pending.n == 0)
        n = conn->protocol->receive(conn, in);
    if (n < in.n && conn->state == HTTP_CONN_OPEN)
        hf_buf_put(&conn->pending, in.p + n, in.n - n);
    return hf_buf_err(&conn->pending) == HF_OK;
}

/* Input that came ahead of its turn. */
static void take_pending(struct http_conn *conn)
{
    while (conn->state == HTTP_CONN_OPEN && conn->pending.n > 0) {
        const size_t n = conn->protocol->receive(conn, hf_buf_view(&conn->pending));
        if (n == 0)
            return;
        hf_buf_consume(&conn->pending, n);
    }
    hf_buf_done(&conn->pending);
}

/* The peer sends nothing more. What was answered already still goes out. */
static void on_end_of_input(struct http_conn *conn)
{
    conn->peer_wants_close = true;
    if (conn->held > 0 || has_unsent(conn))
        http_conn_finish(conn);
    else
        http_conn_close(conn);
}

/* One system call for one burst of input, as a rule. */
static void read_in(struct http_conn *conn)
{
    uint8_t *scratch = conn->loop->scratch;
    do {
        size_t n = 0;
        const enum http_io io = conn->transport->read(conn, scratch, HTTP_SCRATCH_BYTES, &n);
        if (io == HTTP_IO_WAIT)
            return;
        if (io == HTTP_IO_CLOSED) {
            on_end_of_input(conn);
            return;
        }
        const bool is_fed = http_conn_feed(conn, (hf_bytes){ scratch, n });
        hf_wipe(scratch, n);
        if (!is_fed) {
            http_conn_close(conn);
            return;
        }
    } while (conn->state == HTTP_CONN_OPEN && conn->transport->has_pending(conn));
}

static void drop_input(struct http_conn *conn)
{
    const ssize_t n = recv(conn->fd, conn->loop->scratch, HTTP_SCRATCH_BYTES, 0);
    if (n <= 0)
        http_conn_close(conn);
}

static void shake_hands(struct http_conn *conn)
{
    const enum http_io io = conn->transport->handshake(conn);
    if (io == HTTP_IO_WAIT)
        return;
    if (io == HTTP_IO_CLOSED) {
        http_conn_close(conn);
        return;
    }
    conn->state = HTTP_CONN_OPEN;
    if (conn->transport->has_pending(conn))
        read_in(conn);
    if (conn->protocol == &http_protocol_h2)
        http_conn_touch(conn); /* our SETTINGS */
}

/* The socket takes bytes again; requests that waited behind them go on when the turn ends. */
static void write_out(struct http_conn *conn)
{
    send_out(conn);
    if (conn->state == HTTP_CONN_OPEN && !has_unsent(conn) && conn->pending.n > 0)
        http_conn_touch(conn);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_conn *conn = HF_CONTAINER_OF(poll, struct http_conn, poll);
    http_loop_begin_event(conn->loop);
    if (status < 0) {
        http_conn_close(conn);
        return;
    }
    if (conn->state == HTTP_CONN_HANDSHAKE)
        shake_hands(conn);
    else if (conn->state == HTTP_CONN_LINGER)
        drop_input(conn);
    else if ((events & UV_WRITABLE) != 0)
        write_out(conn);
    else if (conn->state == HTTP_CONN_OPEN)
        read_in(conn);
    settle(conn);
}

void http_conn_init(struct http_conn *conn, struct http_loop *loop)
{
    conn->loop = loop;
    conn->fd = -1;
    conn->state = HTTP_CONN_OPEN;
    conn->transport = &http_transport_plain;
    conn->protocol = &http_protocol_h1;
    http_list_init(&conn->link);
    http_list_init(&conn->touched_link);
    http_list_init(&conn->slots);
    http_deadline_init(&conn->deadline);
    hf_buf_init_secret(&conn->out, HTTP_OUT_MAX_BYTES);
    hf_buf_init_secret(&conn->pending, HTTP_PENDING_MAX_BYTES);
}

/* False: no memory, or the descriptor is not usable. */
static bool attach(struct http_conn *conn, int fd)
{
    if (uv_poll_init(&conn->loop->uv, &conn->poll, fd) != 0)
        return false;
    conn->fd = fd;
    http_list_append(&conn->loop->conns, &conn->link);
    return true;
}

static bool start_tls(struct http_conn *conn, int fd)
{
    SSL_CTX *context = http_loop_tls(conn->loop);
    conn->ssl = context == NULL ? NULL : SSL_new(context);
    if (conn->ssl == NULL || SSL_set_fd(conn->ssl, fd) != 1)
        return false;
    SSL_set_accept_state(conn->ssl);
    conn->transport = &http_transport_tls;
    conn->state = HTTP_CONN_HANDSHAKE;
    return true;
}

void http_conn_open(struct http_loop *loop, int fd, const struct http_peer *peer, uint64_t key,
                    struct http_usage *usage)
{
    struct http_conn *conn = calloc(1, sizeof(*conn));
    if (conn != NULL) {
        http_conn_init(conn, loop);
        conn->peer = *peer;
        conn->peer_key = key;
        conn->peer_usage = usage;
    }
    if (conn == NULL || (!peer->is_local && !start_tls(conn, fd)) || !attach(conn, fd)) {
        if (conn != NULL)
            SSL_free(conn->ssl);
        free(conn);
        (void)close(fd);
        http_peers_leave(&loop->server->peers, key);
        return;
    }
    atomic_fetch_add(&loop->server->connections_open, 1);
    settle(conn);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_conn *conn = HF_CONTAINER_OF((uv_poll_t *)handle, struct http_conn, poll);
    free(conn);
}

void http_conn_close(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_CLOSED)
        return;
    conn->state = HTTP_CONN_CLOSED;
    conn->protocol->detach(conn);
    http_deadline_cancel(&conn->deadline);
    http_list_remove(&conn->link);
    http_list_remove(&conn->touched_link);
    hf_buf_done(&conn->pending);
    hf_buf_done(&conn->out);
    http_conn_count_answers(conn);
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    uv_close((uv_handle_t *)&conn->poll, on_closed);
    (void)close(conn->fd);
    atomic_fetch_sub(&conn->loop->server->connections_open, 1);
    http_peers_leave(&conn->loop->server->peers, conn->peer_key);
}

/* What is there already came too early. */
static void end_pause(struct http_conn *conn)
{
    uint8_t byte = 0;
    conn->is_paused = false;
    conn->is_held_back = conn->pending.n > 0 ||
                         recv(conn->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
    if (conn->pending.n > 0)
        http_conn_touch(conn);
}

void http_conn_expire(struct http_conn *conn)
{
    const enum http_deadline_kind kind = conn->deadline.kind;
    http_deadline_cancel(&conn->deadline);
    if (conn->state == HTTP_CONN_OPEN && kind == HTTP_DEADLINE_PAUSE)
        end_pause(conn);
    else if (conn->state == HTTP_CONN_OPEN && kind != HTTP_DEADLINE_WRITE)
        conn->protocol->expire(conn, kind);
    else
        http_conn_close(conn);
    settle(conn);
}

void http_conn_drain(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_HANDSHAKE)
        http_conn_close(conn);
    else if (conn->state == HTTP_CONN_OPEN)
        conn->protocol->drain(conn);
    settle(conn);
}

void http_conn_decide(struct http_conn *conn, bool may_leave)
{
    if (conn->held == 0)
        return;
    if (may_leave)
        conn->protocol->release(conn);
    else
        conn->protocol->refuse_held(conn);
}

void http_conn_flush(struct http_conn *conn)
{
    if (conn->state == HTTP_CONN_LINGER) {
        settle(conn);
        return;
    }
    send_out(conn);
    if (conn->state == HTTP_CONN_OPEN && !has_unsent(conn) && conn->pending.n > 0 &&
        !conn->is_paused)
        take_pending(conn);
    if (conn->held > 0)
        http_conn_touch(conn);
    settle(conn);
}
