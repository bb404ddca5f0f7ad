/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One input, whole and cut into arbitrary pieces, through a connection without a socket: the same requests reach the handler,
 * byte for byte, and the same bytes are sent.
 *
 *   mode (1) | how many lengths of pieces (1) | the lengths (1 each, taken in turn) | what the peer sends
 *
 * HTTP/2 is not answered before the end of the input, since what a peer may still send for a stream depends on whether its
 * answer has left. Its input ends with the peer's first GOAWAY, after which the connection may end at any time, and with the
 * first head that goes on in another frame: nghttp2 counts every piece of a CONTINUATION's head as a frame, and takes eight.
 * HTTP/1.1 is answered after each piece, or, if the mode says so, after the next one.
 */
#include "base/assert.h"
#include "tests/unit/http/engine.h"

#include <stdlib.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define EMPTY_SETTINGS "\0\0\0\4\0\0\0\0\0"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define LOG_MAX_BYTES ((size_t)16 << 20)
#define PIECES_MAX 8

#define FRAME_HEAD_BYTES 9
#define FRAME_HEADERS 1
#define FRAME_GOAWAY 7
#define FRAME_END_HEADERS 4

#define MODE_H2 1
#define MODE_DEFER 2
#define MODE_TELL 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a peer and a handler see. */
struct outcome {
    struct hf_buf requests;
    struct hf_buf sent;
    size_t refusals;
    int refused_with;
    enum http_conn_state state;
};

struct script {
    uint8_t mode;
    const uint8_t *lengths;
    size_t length_count; /* 0: whole */
    hf_bytes input;
};

/* A run's engine with its list of requests. */
struct run {
    struct engine engine;
    struct hf_buf *requests;
};

static void note(struct hf_buf *out, hf_bytes bytes)
{
    hf_buf_put_u32(out, (uint32_t)bytes.n);
    hf_buf_put_bytes(out, bytes);
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct run *run = HF_CONTAINER_OF((struct engine *)context, struct run, engine);
    const struct http_request *request = &exchange->request;
    note(run->requests, hf_str_bytes(http_method_name(request->method)));
    note(run->requests, hf_str_bytes(request->host));
    hf_buf_put_u32(run->requests, (uint32_t)request->port);
    note(run->requests, hf_str_bytes(request->path));
    note(run->requests, hf_str_bytes(request->query));
    for (size_t i = 0; i < request->header_count; i++) {
        note(run->requests, hf_str_bytes(request->headers[i].name));
        note(run->requests, hf_str_bytes(request->headers[i].value));
    }
    note(run->requests, request->body);
    run->engine.handled++;
    if (run->engine.must_defer)
        run->engine.deferred = exchange;
    else
        engine_answer(exchange);
}

/* False if there was nothing to answer. */
static bool answer_deferred(struct engine *engine)
{
    struct http_exchange *exchange = engine->deferred;
    engine->deferred = NULL;
    if (exchange == NULL)
        return false;
    engine_answer(exchange);
    engine_turn(engine);
    return true;
}

static void feed(struct engine *engine, const struct script *script)
{
    const bool is_h2 = (script->mode & MODE_H2) != 0;
    for (size_t i = 0, piece = 0; i < script->input.n; piece++) {
        size_t n = script->input.n - i;
        if (script->length_count > 0 && script->lengths[piece % script->length_count] < n)
            n = script->lengths[piece % script->length_count];
        n = n == 0 ? 1 : n;
        HF_ASSERT(http_conn_feed(engine->conn, (hf_bytes){ script->input.p + i, n }));
        i += n;
        if (is_h2)
            continue;
        engine_turn(engine);
        if (piece % 2 == 1)
            (void)answer_deferred(engine);
    }
    engine_turn(engine);
    while (answer_deferred(engine)) {
    }
}

/* Whether a body came with its head is told by the interim answer, and depends on the cuts. */
static void drop_continues(struct hf_buf *sent)
{
    static const hf_str interim = { CONTINUE, sizeof(CONTINUE) - 1 };
    size_t kept = 0;
    for (size_t i = 0; i < sent->n;) {
        if (hf_str_starts((hf_str){ (const char *)sent->p + i, sent->n - i }, interim)) {
            i += interim.n;
            continue;
        }
        sent->p[kept++] = sent->p[i++];
    }
    sent->n = kept;
}

static bool run_script(const struct script *script, struct outcome *out)
{
    struct run run;
    struct engine *engine = &run.engine;
    hf_buf_init(&out->requests, LOG_MAX_BYTES);
    run.requests = &out->requests;
    if (!engine_init(engine, (script->mode & MODE_H2) != 0))
        return false;
    engine->server.callbacks.handle = handle;
    engine->must_defer = script->length_count > 0 &&
                         (script->mode & (MODE_DEFER | MODE_H2)) == MODE_DEFER;
    if ((script->mode & MODE_TELL) != 0)
        engine->server.callbacks.refused = engine_refused;
    if ((script->mode & MODE_H2) != 0)
        (void)engine_feed(engine, hf_str_bytes(HF_LIT(PREFACE EMPTY_SETTINGS)));
    feed(engine, script);
    out->sent = engine->sent;
    engine->sent = (struct hf_buf){ .p = NULL };
    out->refusals = engine->refusals;
    out->refused_with = engine->refused_with;
    out->state = engine->conn->state;
    engine_done(engine);
    HF_ASSERT(atomic_load(&engine->server.usage.request_bytes) == 0);
    HF_ASSERT(atomic_load(&engine->server.usage.answer_bytes) == 0);
    if ((script->mode & MODE_H2) == 0)
        drop_continues(&out->sent);
    return hf_buf_err(&out->requests) == HF_OK && hf_buf_err(&out->sent) == HF_OK;
}

static void outcome_done(struct outcome *outcome)
{
    hf_buf_done(&outcome->requests);
    hf_buf_done(&outcome->sent);
}

static bool is_same(const struct script *cut)
{
    HF_CLEANUP(outcome_done) struct outcome whole = { .refusals = 0 };
    HF_CLEANUP(outcome_done) struct outcome pieces = { .refusals = 0 };
    const struct script uncut = { .mode = cut->mode, .input = cut->input };
    if (!run_script(&uncut, &whole) || !run_script(cut, &pieces))
        return true; /* more than this test keeps */
    return hf_bytes_equal(hf_buf_view(&whole.requests), hf_buf_view(&pieces.requests)) &&
           hf_bytes_equal(hf_buf_view(&whole.sent), hf_buf_view(&pieces.sent)) &&
           whole.refusals == pieces.refusals && whole.refused_with == pieces.refused_with &&
           whole.state == pieces.state;
}

static bool is_last(uint8_t type, uint8_t flags)
{
    return type == FRAME_GOAWAY || (type == FRAME_HEADERS && (flags & FRAME_END_HEADERS) == 0);
}

/* RFC 9113 §4.1: length (3), type (1), flags (1), stream (4), payload. */
static hf_bytes comparable_part(hf_bytes input)
{
    for (size_t at = 0; input.n - at >= FRAME_HEAD_BYTES;) {
        const uint8_t *head = input.p + at;
        const size_t n = FRAME_HEAD_BYTES +
                         ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
        if (n > input.n - at)
            break;
        at += n;
        if (is_last(head[3], head[4]))
            return (hf_bytes){ input.p, at };
    }
    return input;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > HTTP_SCRATCH_BYTES)
        return 0;
    const size_t count = 1 + data[1] % PIECES_MAX;
    if (size < 2 + count)
        return 0;
    struct script cut = { .mode = data[0],
                          .lengths = data + 2,
                          .length_count = count,
                          .input = { data + 2 + count, size - 2 - count } };
    if ((cut.mode & MODE_H2) != 0)
        cut.input = comparable_part(cut.input);
    /* Answers tell the date: another second may have begun between the two. */
    HF_ASSERT(is_same(&cut) || is_same(&cut));
    return 0;
}
