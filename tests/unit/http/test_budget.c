/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request may cost, by HTTP/1.1 without sockets: the memory of all requests, an address's
 * share, the growth of bodies, and what is told when this layer refuses a request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine.h"

#define H "Host: example.test\r\n"
#define GET "GET / HTTP/1.1\r\n" H "\r\n"
/* What a request with a head and no or a small body is charged. */
#define SMALL_REQUEST_BYTES (HTTP_SLOT_BYTES + HTTP_BUDGET_UNIT_BYTES)
#define PIECE_BYTES ((size_t)10000)

static bool feed(struct engine *engine, const char *text)
{
    return engine_feed(engine, hf_str_bytes(hf_str_from_c(text)));
}

static bool feed_bytes(struct engine *engine, size_t n)
{
    static const uint8_t bytes[PIECE_BYTES];
    bool is_open = true;
    while (n > 0 && is_open) {
        const size_t piece = n < sizeof(bytes) ? n : sizeof(bytes);
        is_open = engine_feed(engine, (hf_bytes){ bytes, piece });
        n -= piece;
    }
    return is_open;
}

/* The status of the first answer; 0 if there is none. */
static int status_of(const struct engine *engine)
{
    const hf_str sent = hf_buf_str(&engine->sent);
    uint64_t status = 0;
    if (!hf_str_starts(sent, HF_LIT("HTTP/1.1 ")) ||
        !hf_str_parse_u64(hf_str_sub(sent, 9, 3), 999, &status))
        return 0;
    return (int)status;
}

static size_t used_by_requests(struct engine *engine)
{
    return atomic_load(&engine->server.usage.request_bytes);
}

/* The head and so much body that they take `units` exactly, and `more` bytes. */
static int post_status(size_t max_memory, size_t units, size_t more, bool is_chunked)
{
    struct engine engine;
    char head[200];
    assert_true(engine_init(&engine, false));
    engine.server.config.max_body_memory = max_memory;
    engine.body_limit = max_memory;
    size_t n = units * HTTP_BUDGET_UNIT_BYTES + more - HTTP_HEAD_ROOM_BYTES;
    if (is_chunked) {
        (void)snprintf(head, sizeof(head),
                       "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
        n -= strlen(head);
        (void)feed(&engine, head);
        (void)snprintf(head, sizeof(head), "%zx\r\n", n);
    } else {
        (void)snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n" H "Content-Length: %06zu\r\n\r\n",
                       n);
        n -= strlen(head);
        (void)snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n" H "Content-Length: %06zu\r\n\r\n",
                       n);
    }
    if (feed(&engine, head) && feed_bytes(&engine, n) && is_chunked)
        (void)feed(&engine, "\r\n0\r\n\r\n");
    const int status = status_of(&engine);
    assert_int_equal(used_by_requests(&engine), 0);
    engine_done(&engine);
    return status;
}

static void test_budget_bodies_at_their_memory_are_taken_and_beyond_get_503(void **state)
{
    (void)state;
    const size_t max = HTTP_SLOT_BYTES + 5 * HTTP_BUDGET_UNIT_BYTES;
    for (int is_chunked = 0; is_chunked <= 1; is_chunked++) {
        assert_int_equal(post_status(max, 5, 0, is_chunked != 0), 200);
        assert_int_equal(post_status(max, 5, 1, is_chunked != 0), 503);
    }
}

static void test_budget_announced_body_beyond_its_memory_gets_503_at_once(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.server.config.max_body_memory = SMALL_REQUEST_BYTES;
    engine.body_limit = SIZE_MAX;
    engine.server.callbacks.refused = engine_refused;
    assert_false(feed(&engine, "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
                               "Content-Length: 9000000000000000000\r\n\r\n"));
    assert_int_equal(status_of(&engine), 503);
    assert_int_equal(engine.refused_with, 503);
    assert_int_equal(used_by_requests(&engine), 0);
    engine_done(&engine);
}

static int get_status(size_t max_memory, struct http_usage *usage)
{
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.server.config.max_body_memory = max_memory;
    engine.conn->peer_usage = usage;
    (void)feed(&engine, GET);
    const int status = status_of(&engine);
    assert_int_equal(used_by_requests(&engine), 0);
    engine_done(&engine);
    return status;
}

static void test_budget_heads_beyond_their_memory_get_503(void **state)
{
    (void)state;
    assert_int_equal(get_status(SMALL_REQUEST_BYTES, NULL), 200);
    assert_int_equal(get_status(SMALL_REQUEST_BYTES - 1, NULL), 503);
}

static void test_budget_local_connection_is_counted_and_never_refused(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.server.config.max_body_memory = 1;
    engine.conn->peer.is_local = true;
    atomic_store(&engine.server.usage.answer_bytes, 1000000);
    engine.must_defer = true;
    assert_true(feed(&engine, "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"));
    assert_int_equal(engine.handled, 1);
    assert_int_equal(used_by_requests(&engine), SMALL_REQUEST_BYTES);
    engine_answer(engine.deferred);
    assert_int_equal(used_by_requests(&engine), 0);
    engine_done(&engine);
}

static void test_budget_address_gets_no_more_than_its_share(void **state)
{
    (void)state;
    struct http_usage usage = { .request_bytes = 0 };
    const size_t max = HTTP_ADDRESS_SHARE * 3 * SMALL_REQUEST_BYTES;
    atomic_store(&usage.request_bytes, 2 * SMALL_REQUEST_BYTES);
    assert_int_equal(get_status(max, &usage), 200);
    assert_int_equal(atomic_load(&usage.request_bytes), 2 * SMALL_REQUEST_BYTES);
    atomic_store(&usage.request_bytes, 2 * SMALL_REQUEST_BYTES + 1);
    assert_int_equal(get_status(max, &usage), 503);
    assert_int_equal(atomic_load(&usage.request_bytes), 2 * SMALL_REQUEST_BYTES + 1);
    assert_int_equal(get_status(max, NULL), 200); /* others are not touched by it */
}

static void test_budget_address_with_untaken_answers_begins_nothing(void **state)
{
    (void)state;
    struct http_usage usage = { .request_bytes = 0 };
    const size_t max = HTTP_ADDRESS_SHARE * SMALL_REQUEST_BYTES;
    atomic_store(&usage.answer_bytes, SMALL_REQUEST_BYTES);
    assert_int_equal(get_status(max, &usage), 200);
    atomic_store(&usage.answer_bytes, SMALL_REQUEST_BYTES + 1);
    assert_int_equal(get_status(max, &usage), 503);
}

static void test_budget_answers_are_counted_until_they_are_sent(void **state)
{
    (void)state;
    struct engine engine;
    struct http_usage usage = { .request_bytes = 0 };
    assert_true(engine_init(&engine, false));
    engine.conn->peer_usage = &usage;
    engine.answer_bytes = (size_t)1 << 20;
    assert_true(http_conn_feed(engine.conn, hf_str_bytes(HF_LIT(GET))));
    assert_true(atomic_load(&usage.answer_bytes) > engine.answer_bytes);
    assert_int_equal(atomic_load(&engine.server.usage.answer_bytes),
                     atomic_load(&usage.answer_bytes));
    engine_turn(&engine);
    assert_int_equal(atomic_load(&usage.answer_bytes), 0);
    assert_int_equal(atomic_load(&engine.server.usage.answer_bytes), 0);
    engine_done(&engine);
}

static void test_budget_request_without_connection_counts_for_the_server_only(void **state)
{
    (void)state;
    struct engine engine;
    struct http_usage usage = { .request_bytes = 0 };
    assert_true(engine_init(&engine, false));
    engine.conn->peer_usage = &usage;
    engine.must_defer = true;
    assert_true(feed(&engine, GET));
    assert_int_equal(atomic_load(&usage.request_bytes), SMALL_REQUEST_BYTES);
    engine.conn->protocol->detach(engine.conn);
    assert_int_equal(atomic_load(&usage.request_bytes), 0);
    assert_int_equal(used_by_requests(&engine), SMALL_REQUEST_BYTES);
    engine_answer(engine.deferred);
    assert_int_equal(used_by_requests(&engine), 0);
    engine_done(&engine);
}

/* --- growth ----------------------------------------------------------------------------------- */

static void test_budget_body_of_known_length_takes_exactly_that(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.body_limit = 130000;
    engine.must_defer = true;
    assert_true(feed(&engine, "PUT / HTTP/1.1\r\n" H "Content-Length: 130000\r\n\r\n"));
    const struct hf_buf *body = &engine.conn->h1.slot->body;
    assert_int_equal(body->cap, 0); /* nothing before a byte has come */
    for (size_t n = PIECE_BYTES; n <= 130000; n += PIECE_BYTES) {
        assert_true(feed_bytes(&engine, PIECE_BYTES));
        assert_true(body->cap >= n && body->cap <= 2 * n);
    }
    assert_int_equal(engine.handled, 1);
    assert_int_equal(body->cap, 130000);
    engine_done(&engine);
}

static void test_budget_body_of_unknown_length_grows_by_a_quarter(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.body_limit = 1000000;
    assert_true(
        feed(&engine, "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nf4240\r\n"));
    const struct hf_buf *body = &engine.conn->h1.slot->body;
    for (size_t n = PIECE_BYTES; n <= 1000000; n += PIECE_BYTES) {
        assert_true(feed_bytes(&engine, PIECE_BYTES));
        assert_true(body->cap <= (n < HTTP_BODY_DOUBLING_BYTES ? 2 * n : n + n / 4));
    }
    assert_true(feed(&engine, "\r\n0\r\n\r\n"));
    assert_int_equal(status_of(&engine), 200);
    engine_done(&engine);
}

static void test_budget_spare_slot_keeps_little_memory(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.body_limit = 10000;
    assert_true(feed(&engine, "PUT / HTTP/1.1\r\n" H "Content-Length: 10000\r\n\r\n"));
    assert_true(feed_bytes(&engine, 10000));
    assert_int_equal(engine.loop.spare_slot_count, 1);
    struct http_link *link = engine.loop.spare_slots.next;
    const struct http_slot *slot = HF_CONTAINER_OF(link, struct http_slot, link);
    assert_true(slot->head.secret);
    assert_true(slot->head.cap <= HTTP_KEEP_REQUEST_BYTES);
    assert_true(slot->body.cap <= HTTP_KEEP_REQUEST_BYTES);
    engine_done(&engine);
}

/* --- what is told ----------------------------------------------------------------------------- */

struct refused_case {
    const char *name;
    const char *input;
    int status;
    bool is_told;
};

/* clang-format off */
static const struct refused_case refused_cases[] = {
    { "head not well-formed", "GET / HTTP/1.1\r\nX\r\n\r\n", 400, false },
    { "no host",              "GET / HTTP/1.1\r\n\r\n", 400, false },
    { "version",              "GET / HTTP/1.0\r\n" H "\r\n", 505, false },
    { "length over limit",    "PUT / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n", 413, true },
    { "expectation",          "PUT / HTTP/1.1\r\n" H "Expect: tea\r\nContent-Length: 1\r\n\r\n", 417, true },
    { "expectation, HEAD",    "HEAD / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417, true },
    { "chunks broken",        "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, true },
};
/* clang-format on */

static void test_budget_refusals_are_told_once_and_held(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(refused_cases); i++) {
        const struct refused_case *test_case = &refused_cases[i];
        struct engine engine;
        assert_true(engine_init(&engine, false));
        engine.server.callbacks.refused = engine_refused;
        (void)feed(&engine, test_case->input);
        const size_t told = test_case->is_told ? 1 : 0;
        if (status_of(&engine) != test_case->status || engine.refusals != told ||
            engine.flushes != told || (told > 0 && engine.refused_with != test_case->status))
            fail_msg("%s: %d, told %zu, flushed %zu", test_case->name, status_of(&engine),
                     engine.refusals, engine.flushes);
        assert_int_equal(engine.handled, 0);
        engine_done(&engine);
    }
}

static void test_budget_slow_body_is_told(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.server.callbacks.refused = engine_refused;
    assert_true(feed(&engine, "PUT / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\na"));
    engine.conn->protocol->expire(engine.conn, HTTP_DEADLINE_BODY);
    assert_int_equal(engine.sent.n, 0);
    assert_int_equal(engine.refused_with, 408);
    engine_turn(&engine);
    assert_int_equal(engine.flushes, 1);
    assert_int_equal(status_of(&engine), 408);
    engine_done(&engine);
}

static void test_budget_refusal_that_cannot_be_recorded_becomes_503(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.server.callbacks.refused = engine_refused;
    engine.refuses_flush = true;
    assert_false(feed(&engine, "PUT / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n"));
    assert_int_equal(engine.refusals, 1);
    assert_int_equal(status_of(&engine), 503);
    engine_done(&engine);
}

static void test_budget_refusal_after_pipelined_answer_keeps_the_order(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.server.callbacks.refused = engine_refused;
    assert_false(feed(&engine, GET "PUT / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n"));
    assert_int_equal(status_of(&engine), 200);
    assert_int_equal(engine.flushes, 1);
    assert_int_equal(engine.refused_with, 413);
    engine_done(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_bodies_at_their_memory_are_taken_and_beyond_get_503),
        cmocka_unit_test(test_budget_announced_body_beyond_its_memory_gets_503_at_once),
        cmocka_unit_test(test_budget_heads_beyond_their_memory_get_503),
        cmocka_unit_test(test_budget_local_connection_is_counted_and_never_refused),
        cmocka_unit_test(test_budget_address_gets_no_more_than_its_share),
        cmocka_unit_test(test_budget_address_with_untaken_answers_begins_nothing),
        cmocka_unit_test(test_budget_answers_are_counted_until_they_are_sent),
        cmocka_unit_test(test_budget_request_without_connection_counts_for_the_server_only),
        cmocka_unit_test(test_budget_body_of_known_length_takes_exactly_that),
        cmocka_unit_test(test_budget_body_of_unknown_length_grows_by_a_quarter),
        cmocka_unit_test(test_budget_spare_slot_keeps_little_memory),
        cmocka_unit_test(test_budget_refusals_are_told_once_and_held),
        cmocka_unit_test(test_budget_slow_body_is_told),
        cmocka_unit_test(test_budget_refusal_that_cannot_be_recorded_becomes_503),
        cmocka_unit_test(test_budget_refusal_after_pipelined_answer_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
