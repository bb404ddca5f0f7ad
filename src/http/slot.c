/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests under way: their memory, their bodies, and the way to the handler and back.
 */
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>

#define STATUS_TOO_LARGE 413
#define STATUS_INTERNAL 500
#define STATUS_UNAVAILABLE 503

static void free_slot(struct http_slot *slot)
{
    hf_buf_done(&slot->head);
    hf_buf_done(&slot->body);
    hf_arena_free(slot->exchange.arena);
    free(slot->headers);
    free(slot);
}

static struct http_slot *make_slot(struct http_loop *loop)
{
    const struct http_config *config = &loop->server->config;
    struct http_slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL)
        return NULL;
    http_list_init(&slot->link);
    hf_buf_init_secret(&slot->head, config->max_header_bytes + HTTP_HEAD_ROOM_BYTES);
    hf_buf_init_secret(&slot->body, config->max_body_memory);
    slot->headers = calloc(config->max_headers, sizeof(*slot->headers));
    if (slot->headers == NULL ||
        hf_arena_new(HTTP_ARENA_MAX_BYTES, &slot->exchange.arena) != HF_OK) {
        free_slot(slot);
        return NULL;
    }
    slot->exchange.loop = loop;
    slot->exchange.loop_index = loop->index;
    return slot;
}

static struct http_slot *take_spare(struct http_loop *loop)
{
    struct http_link *link = http_list_take_first(&loop->spare_slots);
    if (link == NULL)
        return NULL;
    loop->spare_slot_count--;
    return HF_CONTAINER_OF(link, struct http_slot, link);
}

struct http_slot *http_slot_take(struct http_conn *conn)
{
    if (!http_conn_may_begin(conn))
        return NULL;
    struct http_slot *slot = take_spare(conn->loop);
    if (slot == NULL)
        slot = make_slot(conn->loop);
    if (slot == NULL)
        return NULL;
    slot->conn = conn;
    slot->exchange.request = (struct http_request){
        .method = HTTP_OTHER,
        .tls = conn->tls,
        .headers = slot->headers,
        .peer = conn->peer,
    };
    slot->exchange.held_back = conn->is_held_back;
    conn->is_held_back = false;
    hf_buf_put(&slot->head, "    ", HTTP_HEAD_ROOM_BYTES);
    http_list_append(&conn->slots, &slot->link);
    if (http_slot_charge(slot, 0))
        return slot;
    http_slot_release(slot);
    return NULL;
}

static void clear_buffer(struct hf_buf *buf)
{
    if (buf->cap > HTTP_KEEP_REQUEST_BYTES)
        hf_buf_done(buf);
    hf_buf_reset(buf);
}

static void clear_slot(struct http_slot *slot)
{
    http_slot_discharge(slot);
    clear_buffer(&slot->head);
    clear_buffer(&slot->body);
    slot->body_expected = 0;
    slot->is_head_complete = false;
    hf_arena_reset(slot->exchange.arena);
    slot->exchange.user = NULL;
    slot->conn = NULL;
    slot->stream = NULL;
    slot->is_dispatched = false;
}

void http_slot_destroy(struct http_slot *slot)
{
    http_list_remove(&slot->link);
    clear_slot(slot);
    free_slot(slot);
}

void http_slot_release(struct http_slot *slot)
{
    struct http_loop *loop = slot->exchange.loop;
    if (loop->spare_slot_count >= HTTP_SPARE_SLOTS_MAX) {
        http_slot_destroy(slot);
        return;
    }
    http_list_remove(&slot->link);
    clear_slot(slot);
    /* Last in, first out: the memory just used is still in the processor's caches. */
    http_list_prepend(&loop->spare_slots, &slot->link);
    loop->spare_slot_count++;
}

void http_slot_abandon(struct http_slot *slot)
{
    if (!slot->is_dispatched) {
        http_slot_release(slot);
        return;
    }
    http_list_remove(&slot->link);
    http_slot_discharge_conn(slot);
    slot->conn = NULL;
    slot->stream = NULL;
    http_list_append(&slot->exchange.loop->orphans, &slot->link);
}

void http_slot_head_done(struct http_slot *slot)
{
    const struct http_callbacks *callbacks = &slot->exchange.loop->server->callbacks;
    slot->is_head_complete = true;
    slot->exchange.started = hf_monotonic_now();
    slot->body_max = callbacks->body_limit(callbacks->context, &slot->exchange);
}

int http_slot_expect_body(struct http_slot *slot, uint64_t n)
{
    if (n > slot->body_max)
        return STATUS_TOO_LARGE;
    slot->body_expected = (size_t)n;
    return http_slot_could_charge(slot, n) ? 0 : STATUS_UNAVAILABLE;
}

/*
 * How far the body's memory may grow to take n more bytes: never more than twice what has come, and
 * exactly to the announced length. The buffer doubles up to its maximum, so that is what is set.
 */
static void plan_body(struct http_slot *slot, size_t n)
{
    const size_t needed = slot->body.n + n;
    if (needed <= slot->body.cap)
        return;
    size_t room = needed < HTTP_BODY_DOUBLING_BYTES ? 2 * needed : needed + needed / 4;
    if (slot->body_expected >= needed)
        room = slot->body_expected < 2 * needed ? slot->body_expected : 2 * needed;
    slot->body.max = room;
}

int http_slot_put_body(struct http_slot *slot, hf_bytes data)
{
    if (data.n > slot->body_max - slot->body.n)
        return STATUS_TOO_LARGE;
    if (!http_slot_charge(slot, data.n))
        return STATUS_UNAVAILABLE;
    plan_body(slot, data.n);
    hf_buf_put_bytes(&slot->body, data);
    return hf_buf_err(&slot->body) == HF_OK ? 0 : STATUS_UNAVAILABLE;
}

void http_slot_dispatch(struct http_slot *slot)
{
    struct http_loop *loop = slot->exchange.loop;
    const struct http_callbacks *callbacks = &loop->server->callbacks;
    slot->is_dispatched = true;
    slot->exchange.request.body = hf_buf_view(&slot->body);
    const uint64_t requests = atomic_load_explicit(&loop->requests, memory_order_relaxed);
    atomic_store_explicit(&loop->requests, requests + 1, memory_order_relaxed);
    callbacks->handle(callbacks->context, &slot->exchange);
}

bool http_slot_tell_refused(struct http_slot *slot, int status)
{
    const struct http_callbacks *callbacks = &slot->exchange.loop->server->callbacks;
    if (!slot->is_head_complete && callbacks->incomplete != NULL)
        callbacks->incomplete(callbacks->context, slot->exchange.loop_index, status);
    if (callbacks->refused == NULL || !slot->is_head_complete)
        return false;
    callbacks->refused(callbacks->context, &slot->exchange, status);
    return true;
}

/* A handler's answer that would break the protocol becomes a 500. */
static void respond_broken(struct http_conn *conn, struct http_slot *slot)
{
    struct hf_buf body;
    const struct http_response error = http_response_error(conn->loop, STATUS_INTERNAL, &body);
    conn->protocol->respond(conn, slot, &error);
    hf_buf_done(&body);
}

void http_respond(struct http_exchange *exchange, const struct http_response *response)
{
    struct http_slot *slot = HF_CONTAINER_OF(exchange, struct http_slot, exchange);
    struct http_conn *conn = slot->conn;
    if (conn == NULL) {
        exchange->loop
            ->held++; /* what the handler wrote about it still goes through before_flush */
        http_slot_release(slot);
    } else if (http_response_is_valid(response)) {
        conn->protocol->respond(conn, slot, response);
    } else {
        respond_broken(conn, slot);
    }
}
