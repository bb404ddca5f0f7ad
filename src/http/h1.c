/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 engine: bytes in, requests to the handler, answers into conn->out. One request at a
 * time; pipelined ones wait.
 *
 *   HEAD → BODY → ANSWER → HEAD … ; any error, and the last answer, → END
 */
#include "http/internal.h"

#include <string.h>

#define STATUS_BAD_REQUEST 400
#define STATUS_TIMEOUT 408
#define STATUS_TARGET_TOO_LONG 414
#define STATUS_EXPECTATION_FAILED 417
#define STATUS_HEADERS_TOO_LARGE 431
#define STATUS_UNAVAILABLE 503

static void end_requests(struct http_conn *conn)
{
    conn->h1.state = HTTP_H1_END;
    conn->h1.slot = NULL;
    http_conn_finish(conn);
}

/* An error of our own: it is the last thing this connection says. */
static void refuse(struct http_conn *conn, int status)
{
    struct http_slot *slot = conn->h1.slot;
    const bool is_head = slot != NULL && slot->exchange.request.method == HTTP_HEAD;
    if (slot != NULL && http_slot_tell_refused(slot, status))
        http_conn_hold(conn);
    if (slot != NULL)
        http_slot_release(slot);
    struct hf_buf body;
    const struct http_response error = http_response_error(conn->loop, status, &body);
    http_response_write(conn->loop, &error, is_head, true, http_conn_out(conn));
    hf_buf_done(&body);
    http_conn_count_answers(conn);
    end_requests(conn);
}

static void start_next(struct http_conn *conn)
{
    conn->h1.state = HTTP_H1_HEAD;
    conn->h1.slot = NULL;
    http_lines_init(&conn->h1.lines);
    http_deadline_cancel(&conn->deadline); /* a new wait starts when the turn ends */
}

static void h1_respond(struct http_conn *conn, struct http_slot *slot,
                       const struct http_response *response)
{
    const bool close = response->close || conn->h1.framing.wants_close ||
                       conn->loop->state != HTTP_LOOP_RUNNING;
    http_conn_hold(conn);
    http_response_write(conn->loop, response, slot->exchange.request.method == HTTP_HEAD, close,
                        http_conn_out(conn));
    http_conn_count_answers(conn);
    conn->peer_wants_close = conn->h1.framing.wants_close;
    conn->is_paused = response->pause && !close && !conn->peer.is_local;
    http_slot_release(slot);
    if (close)
        end_requests(conn);
    else
        start_next(conn);
}

static void dispatch(struct http_conn *conn)
{
    conn->h1.state = HTTP_H1_ANSWER;
    http_deadline_cancel(&conn->deadline);
    http_slot_dispatch(conn->h1.slot);
}

static bool has_body(const struct http_framing *framing)
{
    return framing->is_chunked || (framing->has_length && framing->length > 0);
}

/* The head is read; a body follows. Its size is judged before a byte of it is asked for. */
static void start_body(struct http_conn *conn, bool body_has_come)
{
    struct http_h1 *h1 = &conn->h1;
    int status = 0;
    if (h1->framing.has_length)
        status = http_slot_expect_body(h1->slot, h1->framing.length);
    if (status != 0) {
        refuse(conn, status);
        return;
    }
    h1->state = HTTP_H1_BODY;
    h1->body_left = h1->framing.length;
    http_chunked_init(&h1->chunked, conn->loop->server->config.max_header_bytes);
    http_deadline_cancel(&conn->deadline);
    if (h1->framing.wants_continue && !body_has_come) {
        hf_buf_put_str(http_conn_out(conn), HF_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
        http_conn_touch(conn);
    }
}

/* After the blank line. */
static void finish_head(struct http_conn *conn, bool body_has_come)
{
    struct http_h1 *h1 = &conn->h1;
    struct http_slot *slot = h1->slot;
    const size_t skip = HTTP_HEAD_ROOM_BYTES + (h1->lines.skipped_empty ? 2 : 0);
    const int status = http_head_parse((char *)slot->head.p + skip, slot->head.n - skip,
                                       slot->headers, conn->loop->server->config.max_headers,
                                       &slot->exchange.request, &h1->framing);
    if (status ==
        STATUS_EXPECTATION_FAILED) /* the last thing that can be wrong: the rest is read */
        http_slot_head_done(slot);
    if (status != 0) {
        refuse(conn, status);
        return;
    }
    http_slot_head_done(slot);
    if (has_body(&h1->framing))
        start_body(conn, body_has_come);
    else
        dispatch(conn);
}

/* 0, or the status if there is no more room for the head. */
static int keep_head(struct http_conn *conn, hf_bytes part)
{
    struct http_slot *slot = conn->h1.slot;
    if (!http_slot_charge(slot, part.n))
        return STATUS_UNAVAILABLE;
    hf_buf_put_bytes(&slot->head, part);
    if (hf_buf_err(&slot->head) == HF_OK)
        return 0;
    if (hf_buf_err(&slot->head) != HF_E_TOO_LARGE)
        return STATUS_UNAVAILABLE;
    const size_t line_end = conn->h1.lines.first_line_end;
    return line_end == 0 || line_end > conn->loop->server->config.max_header_bytes
               ? STATUS_TARGET_TOO_LONG
               : STATUS_HEADERS_TOO_LARGE;
}

static size_t receive_head(struct http_conn *conn, hf_bytes in)
{
    struct http_h1 *h1 = &conn->h1;
    if (h1->slot == NULL) {
        h1->slot = http_slot_take(conn);
        http_deadline_cancel(&conn->deadline);
        if (h1->slot == NULL) {
            refuse(conn, STATUS_UNAVAILABLE);
            return in.n;
        }
    }
    size_t n = 0;
    const hf_err err = http_lines_feed(&h1->lines, in, &n);
    /* Too long is said before wrong if it comes first, however the input is cut. */
    int status = keep_head(conn, (hf_bytes){ in.p, n });
    if (status == 0 && err != HF_OK)
        status = STATUS_BAD_REQUEST;
    if (status != 0) {
        refuse(conn, status);
        return in.n;
    }
    if (h1->lines.state == HTTP_LINES_DONE)
        finish_head(conn, n < in.n);
    return n;
}

static size_t receive_sized(struct http_conn *conn, hf_bytes in)
{
    struct http_h1 *h1 = &conn->h1;
    const size_t n = in.n < h1->body_left ? in.n : (size_t)h1->body_left;
    const int status = http_slot_put_body(h1->slot, (hf_bytes){ in.p, n });
    if (status != 0) {
        refuse(conn, status);
        return in.n;
    }
    h1->body_left -= n;
    if (h1->body_left == 0)
        dispatch(conn);
    return n;
}

static size_t receive_chunked(struct http_conn *conn, hf_bytes in)
{
    struct http_h1 *h1 = &conn->h1;
    size_t n = 0;
    hf_bytes data = { NULL, 0 };
    const hf_err err = http_chunked_feed(&h1->chunked, in, &n, &data);
    int status = err == HF_OK ? 0 : STATUS_BAD_REQUEST;
    if (err == HF_E_TOO_LARGE)
        status = STATUS_HEADERS_TOO_LARGE;
    if (status == 0 && data.n > 0)
        status = http_slot_put_body(h1->slot, data);
    if (status != 0) {
        refuse(conn, status);
        return in.n;
    }
    if (h1->chunked.state == HTTP_CHUNKED_DONE)
        dispatch(conn);
    return n;
}

static size_t receive_some(struct http_conn *conn, hf_bytes in)
{
    switch (conn->h1.state) {
    case HTTP_H1_HEAD:
        return receive_head(conn, in);
    case HTTP_H1_BODY:
        return conn->h1.framing.is_chunked ? receive_chunked(conn, in) : receive_sized(conn, in);
    case HTTP_H1_ANSWER:
        return 0;
    case HTTP_H1_END:
        return in.n;
    }
    return in.n;
}

static size_t h1_receive(struct http_conn *conn, hf_bytes in)
{
    size_t n = 0;
    while (n < in.n && conn->h1.state != HTTP_H1_ANSWER) {
        if (conn->h1.state == HTTP_H1_HEAD && conn->out.n >= HTTP_OUT_HIGH_BYTES)
            break;
        n += receive_some(conn, (hf_bytes){ in.p + n, in.n - n });
    }
    return n;
}

static void h1_release(struct http_conn *conn)
{
    conn->held = 0;
}

static void h1_refuse_held(struct http_conn *conn)
{
    /* What came after the first held answer goes with it; later requests are not answered. */
    struct hf_buf *out = http_conn_out(conn);
    hf_wipe(out->p + conn->held_from, out->n - conn->held_from);
    out->n = conn->held_from;
    conn->held = 0;
    struct http_slot *slot = conn->h1.slot;
    conn->h1.slot = NULL;
    if (slot != NULL)
        http_slot_abandon(slot);
    conn->peer_wants_close = false;
    refuse(conn, STATUS_UNAVAILABLE);
}

static void h1_produce(struct http_conn *conn)
{
    (void)conn;
}

static enum http_deadline_kind h1_awaits(const struct http_conn *conn)
{
    switch (conn->h1.state) {
    case HTTP_H1_HEAD:
        return conn->h1.slot == NULL ? HTTP_DEADLINE_IDLE : HTTP_DEADLINE_HEADER;
    case HTTP_H1_BODY:
        return HTTP_DEADLINE_BODY;
    case HTTP_H1_ANSWER:
    case HTTP_H1_END:
        break;
    }
    return HTTP_DEADLINE_NONE;
}

static void h1_expire(struct http_conn *conn, enum http_deadline_kind kind)
{
    if (kind == HTTP_DEADLINE_HEADER || kind == HTTP_DEADLINE_BODY)
        refuse(conn, STATUS_TIMEOUT);
    else
        end_requests(conn);
}

/* A connection between requests ends at once; others say "connection: close" in their answer. */
static void h1_drain(struct http_conn *conn)
{
    if (conn->h1.state == HTTP_H1_HEAD && conn->h1.slot == NULL && conn->pending.n == 0) {
        conn->peer_wants_close = true;
        end_requests(conn);
    }
}

static void h1_detach(struct http_conn *conn)
{
    struct http_slot *slot = conn->h1.slot;
    conn->h1.slot = NULL;
    if (slot != NULL)
        http_slot_abandon(slot);
}

const struct http_protocol http_protocol_h1 = {
    .receive = h1_receive,
    .respond = h1_respond,
    .release = h1_release,
    .refuse_held = h1_refuse_held,
    .produce = h1_produce,
    .awaits = h1_awaits,
    .expire = h1_expire,
    .drain = h1_drain,
    .detach = h1_detach,
};
