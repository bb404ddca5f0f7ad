/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile HTTP/1.1 peer: the engine gets the bytes at once and cut in pieces. However they are
 * cut, the same requests must reach the handler.
 */
#include "base/assert.h"
#include "tests/unit/http/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *data, size_t size, size_t step, bool must_defer, size_t *out_handled,
                enum http_h1_state *out_state)
{
    struct engine engine;
    if (!engine_init(&engine, false))
        return;
    engine.must_defer = must_defer;
    if (must_defer)
        engine.server.callbacks.refused = engine_refused;
    for (size_t i = 0; i < size; i += step) {
        const size_t n = size - i < step ? size - i : step;
        const bool is_open = engine_feed(&engine, (hf_bytes){ data + i, n });
        if (engine.deferred != NULL) {
            struct http_exchange *exchange = engine.deferred;
            engine.deferred = NULL;
            engine_answer(exchange);
            engine_turn(&engine);
        }
        if (!is_open)
            break;
    }
    *out_handled = engine.handled;
    *out_state = engine.conn->h1.state;
    engine_done(&engine);
    HF_ASSERT(atomic_load(&engine.server.usage.request_bytes) == 0);
    HF_ASSERT(atomic_load(&engine.server.usage.answer_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = { 1, 3, 64 };
    size_t handled = 0;
    enum http_h1_state state = HTTP_H1_HEAD;
    if (size == 0 || size > HTTP_SCRATCH_BYTES)
        return 0;
    run(data, size, size, false, &handled, &state);
    for (size_t i = 0; i < HF_ARRAY_LEN(steps); i++) {
        size_t handled_in_pieces = 0;
        enum http_h1_state state_in_pieces = HTTP_H1_HEAD;
        run(data, size, steps[i], false, &handled_in_pieces, &state_in_pieces);
        HF_ASSERT(handled_in_pieces == handled && state_in_pieces == state);
    }
    run(data, size, 16, true, &handled, &state);
    return 0;
}
