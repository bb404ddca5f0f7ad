/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile HTTP/2 peer: frames after a well-formed preface. The first byte says how the handler
 * answers, how the input is cut, and how scarce memory is.
 */
#include "base/assert.h"
#include "tests/unit/http/engine.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define EMPTY_SETTINGS "\0\0\0\4\0\0\0\0\0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer_deferred(struct engine *engine)
{
    struct http_exchange *exchange = engine->deferred;
    engine->deferred = NULL;
    if (exchange == NULL)
        return;
    engine_answer(exchange);
    engine_turn(engine);
}

/* An exchange is kept while the next input comes; only one, the rest is answered at once. */
static void handle(void *context, struct http_exchange *exchange)
{
    struct engine *engine = context;
    engine->handled++;
    if (engine->must_defer && engine->deferred == NULL)
        engine->deferred = exchange;
    else
        engine_answer(exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine engine;
    if (size < 1 || size > HTTP_SCRATCH_BYTES || !engine_init(&engine, true))
        return 0;
    const uint8_t mode = data[0];
    const size_t step = (mode & 2) != 0 ? 5 : size;
    engine.must_defer = (mode & 1) != 0;
    engine.refuses_flush = (mode & 4) != 0;
    engine.server.callbacks.handle = handle;
    if ((mode & 16) != 0)
        engine.server.callbacks.refused = engine_refused;
    if ((mode & 32) != 0)
        engine.server.config.max_body_memory = 3 * HTTP_SLOT_BYTES;
    if ((mode & 64) != 0)
        engine.answer_bytes = HTTP_CONN_ANSWER_BYTES;
    bool is_open = engine_feed(&engine, hf_str_bytes(HF_LIT(PREFACE EMPTY_SETTINGS)));
    for (size_t i = 1; i < size && is_open; i += step) {
        const size_t n = size - i < step ? size - i : step;
        is_open = engine_feed(&engine, (hf_bytes){ data + i, n });
        if ((mode & 8) != 0)
            answer_deferred(&engine);
    }
    struct http_deadline *due = http_deadlines_take_due(&engine.loop.deadlines, INT64_MAX);
    if (due != NULL && is_open) {
        http_h2_stream_expire(due);
        engine_turn(&engine);
    }
    answer_deferred(&engine);
    engine_done(&engine);
    HF_ASSERT(atomic_load(&engine.server.usage.request_bytes) == 0);
    HF_ASSERT(atomic_load(&engine.server.usage.answer_bytes) == 0);
    return 0;
}
