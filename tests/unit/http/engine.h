/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection without a socket: bytes go into an engine, its handler describes each request in the
 * answer, what would be sent is collected. For unit tests and fuzz targets.
 */
#pragma once

#include "http/internal.h"

#include <stdlib.h>
#include <string.h>

#define ENGINE_SENT_MAX_BYTES ((size_t)1 << 22)
#define ENGINE_ANSWER_MAX_BYTES ((size_t)1 << 21)

struct engine {
    struct http_server server;
    struct http_loop loop;
    struct http_conn *conn;
    struct hf_buf sent;
    size_t body_limit;
    size_t handled;
    size_t flushes;
    size_t refusals;     /* calls of `refused` */
    int refused_with;    /* the last one's status */
    size_t answer_bytes; /* 0: the handler describes the request; else so many bytes */
    bool must_defer;     /* the handler keeps the exchange in `deferred` */
    bool refuses_flush;  /* before_flush fails */
    struct http_exchange *deferred;
};

/* Exactly so many bytes as the test wants. */
static inline void engine_fill(struct http_loop *loop, struct hf_buf *body)
{
    const struct engine *engine = HF_CONTAINER_OF(loop, struct engine, loop);
    if (engine->answer_bytes <= body->n)
        return;
    const size_t n = engine->answer_bytes - body->n;
    uint8_t *fill = hf_buf_reserve(body, n);
    if (fill == NULL)
        return;
    memset(fill, 'f', n);
    hf_buf_commit(body, n);
}

static inline void engine_answer(struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct hf_buf body;
    hf_buf_init(&body, ENGINE_ANSWER_MAX_BYTES);
    hf_buf_put_str(&body, http_method_name(request->method));
    hf_buf_putf(&body, " host=%.*s port=%d path=%.*s query=%.*s body=%zu headers=%zu\n",
                HF_STR_ARG(request->host), request->port, HF_STR_ARG(request->path),
                HF_STR_ARG(request->query), request->body.n, request->header_count);
    engine_fill(exchange->loop, &body);
    const struct http_response response = { .status = 200, .body = hf_buf_view(&body) };
    http_respond(exchange, &response);
    hf_buf_done(&body);
}

static inline void engine_handle(void *context, struct http_exchange *exchange)
{
    struct engine *engine = context;
    engine->handled++;
    if (engine->must_defer)
        engine->deferred = exchange;
    else
        engine_answer(exchange);
}

static inline size_t engine_body_limit(void *context, struct http_exchange *exchange)
{
    const struct engine *engine = context;
    (void)exchange;
    return engine->body_limit;
}

static inline void engine_write_error(void *context, int status, struct hf_buf *out)
{
    (void)context;
    hf_buf_putf(out, "{\"error\":%d}", status);
}

static inline hf_err engine_before_flush(void *context, size_t loop_index)
{
    struct engine *engine = context;
    (void)loop_index;
    engine->flushes++;
    return engine->refuses_flush ? HF_E_IO : HF_OK;
}

static inline void engine_refused(void *context, struct http_exchange *exchange, int status)
{
    struct engine *engine = context;
    (void)http_request_header(&exchange->request, HF_LIT("x")); /* its views are readable */
    engine->refusals++;
    engine->refused_with = status;
}

/* False when out of memory. */
static inline bool engine_init(struct engine *engine, bool is_h2)
{
    memset(engine, 0, sizeof(*engine));
    engine->body_limit = 1000;
    engine->server.config = (struct http_config){
        .max_header_bytes = 2048,
        .max_headers = 16,
        .max_body_memory = (size_t)8 << 20,
    };
    engine->server.callbacks = (struct http_callbacks){
        .context = engine,
        .handle = engine_handle,
        .body_limit = engine_body_limit,
        .write_error = engine_write_error,
        .before_flush = engine_before_flush,
    };
    hf_buf_init(&engine->sent, ENGINE_SENT_MAX_BYTES);
    if (http_loop_init_core(&engine->loop, &engine->server, 0) != HF_OK)
        return false;
    engine->loop.state = HTTP_LOOP_RUNNING;
    engine->conn = calloc(1, sizeof(*engine->conn));
    if (engine->conn == NULL)
        return false;
    http_conn_init(engine->conn, &engine->loop);
    return !is_h2 || http_h2_init(engine->conn);
}

static inline void engine_done(struct engine *engine)
{
    if (engine->conn != NULL) {
        http_deadline_cancel(&engine->conn->deadline);
        http_list_remove(&engine->conn->touched_link);
        engine->conn->protocol->detach(engine->conn);
        hf_buf_done(&engine->conn->out);
        hf_buf_done(&engine->conn->pending);
        http_conn_count_answers(engine->conn);
        free(engine->conn);
    }
    http_loop_done_core(&engine->loop);
    hf_buf_done(&engine->sent);
}

static inline void engine_collect(struct engine *engine)
{
    struct http_conn *conn = engine->conn;
    do {
        hf_buf_put_bytes(&engine->sent, hf_buf_view(&conn->out));
        http_loop_give_buffer(&engine->loop, &conn->out);
        http_conn_count_answers(conn);
        if (conn->held == 0)
            conn->protocol->produce(conn);
    } while (conn->out.n > 0);
}

/* What the end of a loop's turn does, without the socket. */
static inline void engine_turn(struct engine *engine)
{
    struct http_conn *conn = engine->conn;
    size_t taken = 0;
    do {
        if (engine->loop.held > 0) {
            engine->loop.held = 0;
            http_conn_decide(conn, engine_before_flush(engine, 0) == HF_OK);
        }
        engine_collect(engine);
        taken = 0;
        if (conn->pending.n > 0 && conn->state == HTTP_CONN_OPEN && engine->loop.held == 0)
            taken = conn->protocol->receive(conn, hf_buf_view(&conn->pending));
        if (taken > 0)
            hf_buf_consume(&conn->pending, taken);
    } while (taken > 0 || engine->loop.held > 0);
    http_list_remove(&conn->touched_link);
}

/* False once the connection would be closed for it. */
static inline bool engine_feed(struct engine *engine, hf_bytes in)
{
    const bool is_fed = http_conn_feed(engine->conn, in);
    engine_turn(engine);
    return is_fed && engine->conn->state == HTTP_CONN_OPEN;
}
