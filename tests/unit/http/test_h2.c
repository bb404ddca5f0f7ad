/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/2 engine without sockets, spoken to by an nghttp2 client session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "h2_client.h"

struct head_case {
    const char *name;
    int status; /* 0: the stream is reset instead */
    size_t count;
    nghttp2_nv fields[24];
};

static const struct head_case head_cases[] = {
    { "no authority",
      0,
      3,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/") } },
    { "host differs",
      400,
      5,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test"), FIELD("host", "b.test") } },
    { "authority with a port too large",
      400,
      4,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test:65536") } },
    { "scheme http",
      400,
      4,
      { FIELD(":method", "GET"), FIELD(":scheme", "http"), FIELD(":path", "/"),
        FIELD(":authority", "a.test") } },
    { "asterisk",
      400,
      4,
      { FIELD(":method", "OPTIONS"), FIELD(":scheme", "https"), FIELD(":path", "*"),
        FIELD(":authority", "a.test") } },
    { "fragment",
      400,
      4,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/a#b"),
        FIELD(":authority", "a.test") } },
    { "too many fields", 431, 22, { FIELD(":method", "GET"), FIELD(":scheme", "https"),
                                    FIELD(":path", "/"),     FIELD(":authority", "a.test"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1"),
                                    FIELD("a", "1"),         FIELD("a", "1") } },
    { "unknown expectation",
      417,
      6,
      { FIELD(":method", "POST"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test"), FIELD("expect", "tea"), FIELD("content-length", "5") } },
    { "length over limit",
      413,
      5,
      { FIELD(":method", "POST"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test"), FIELD("content-length", "1001") } },
    { "no path",
      0,
      3,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":authority", "a.test") } },
    { "connection field",
      0,
      5,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test"), FIELD("connection", "close") } },
    { "transfer-encoding",
      0,
      5,
      { FIELD(":method", "POST"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test"), FIELD("transfer-encoding", "chunked") } },
    { "host instead of authority",
      200,
      4,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD("host", "a.test") } },
    { "host and authority",
      200,
      5,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "a.test"), FIELD("host", "A.test") } },
};

static void test_h2_head_case_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(head_cases); i++) {
        const struct head_case *test_case = &head_cases[i];
        struct engine engine;
        struct client client;
        start(&engine, &client);
        const bool has_body = test_case->status == 413 || test_case->status == 417;
        const int32_t id = has_body ? upload(&client, test_case->fields, test_case->count, 1001)
                                    : request(&client, test_case->fields, test_case->count);
        (void)pump(&engine, &client);
        if (client.statuses[id] != test_case->status ||
            (test_case->status == 0 && !client.was_reset[id] && !client.has_goaway))
            fail_msg("%s: %d", test_case->name, client.statuses[id]);
        assert_int_equal(engine.handled, test_case->status == 200 ? 1 : 0);
        finish(&engine, &client);
    }
}

static void test_h2_get_is_answered(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    const int32_t id = request(&client, get_fields, HF_ARRAY_LEN(get_fields));
    assert_true(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 200);
    assert_int_equal(
        client.body_bytes,
        strlen("GET host=example.test port=8443 path=/a query=b=c body=0 headers=0\n"));
    assert_true(client.was_closed[id]);
    assert_false(client.was_reset[id]);
    assert_int_equal(engine.flushes, 1);
    assert_int_equal(engine.conn->protocol->awaits(engine.conn), HTTP_DEADLINE_IDLE);
    finish(&engine, &client);
}

static void test_h2_head_has_no_body(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    const nghttp2_nv fields[] = { FIELD(":method", "HEAD"), FIELD(":scheme", "https"),
                                  FIELD(":authority", "a.test"), FIELD(":path", "/") };
    const int32_t id = request(&client, fields, HF_ARRAY_LEN(fields));
    assert_true(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 200);
    assert_int_equal(client.body_bytes, 0);
    finish(&engine, &client);
}

static void test_h2_body_at_limit_is_taken(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    const int32_t id = upload(&client, post_fields, HF_ARRAY_LEN(post_fields), 1000);
    assert_true(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 200);
    assert_int_equal(atomic_load(&engine.server.usage.request_bytes), 0);
    finish(&engine, &client);
}

static void test_h2_body_over_limit_is_refused_and_stopped(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    const int32_t id = upload(&client, post_fields, HF_ARRAY_LEN(post_fields), 1000000);
    assert_true(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 413);
    assert_true(client.was_reset[id]);
    assert_int_equal(client.reset_codes[id], NGHTTP2_NO_ERROR);
    assert_int_equal(engine.handled, 0);
    finish(&engine, &client);
}

static void test_h2_expect_continue_is_answered(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    const nghttp2_nv fields[] = { FIELD(":method", "POST"), FIELD(":scheme", "https"),
                                  FIELD(":authority", "a.test"), FIELD(":path", "/"),
                                  FIELD("expect", "100-continue") };
    const int32_t id = upload(&client, fields, HF_ARRAY_LEN(fields), 10);
    assert_true(pump(&engine, &client));
    assert_true(client.had_continue);
    assert_int_equal(client.statuses[id], 200);
    finish(&engine, &client);
}

static void test_h2_many_streams_are_answered(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    (void)pump(&engine, &client);
    for (size_t i = 0; i < HTTP_H2_STREAMS_MAX; i++)
        (void)request(&client, get_fields, HF_ARRAY_LEN(get_fields));
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, HTTP_H2_STREAMS_MAX);
    assert_int_equal(client.statuses[2 * HTTP_H2_STREAMS_MAX - 1], 200);
    finish(&engine, &client);
}

static void test_h2_flush_refused_gives_503_and_goodbye(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.refuses_flush = true;
    const int32_t id = request(&client, get_fields, HF_ARRAY_LEN(get_fields));
    assert_false(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 503);
    assert_true(client.has_goaway);
    finish(&engine, &client);
}

static void test_h2_rapid_reset_ends_the_connection(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.must_defer = true;
    bool is_open = pump(&engine, &client);
    size_t resets = 0;
    while (is_open && resets < 2 * HTTP_H2_RESETS_BURST) {
        const int32_t id = request(&client, get_fields, HF_ARRAY_LEN(get_fields));
        is_open = pump(&engine, &client);
        (void)nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
        is_open = is_open && pump(&engine, &client);
        resets++;
    }
    assert_true(client.has_goaway);
    assert_int_equal(client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(resets <= HTTP_H2_RESETS_BURST + 1);
    assert_true(engine.handled <= HTTP_H2_STREAMS_MAX); /* requests of reset streams still count */
    finish(&engine, &client);
}

static void test_h2_ping_flood_ends_the_connection(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    bool is_open = pump(&engine, &client);
    for (size_t i = 0; is_open && i < 2 * HTTP_H2_CONTROL_FRAMES_MAX; i++) {
        (void)nghttp2_submit_ping(client.session, NGHTTP2_FLAG_NONE, NULL);
        is_open = pump(&engine, &client);
    }
    assert_true(client.has_goaway);
    assert_int_equal(client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    finish(&engine, &client);
}

/* One reset too many per second is tolerated as long as the budget lasts, and it comes back slowly. */
static void test_h2_reset_budget_comes_back_at_its_rate(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.loop.now = 100 * HF_USEC_PER_SEC;
    engine.conn->h2.resets_filled = engine.loop.now;
    engine.conn->h2.resets_left = 0;
    engine.loop.now += HF_USEC_PER_SEC;
    engine.must_defer = true;
    for (int i = 0; i <= HTTP_H2_RESETS_PER_SEC; i++) {
        assert_false(client.has_goaway);
        const int32_t id = request(&client, get_fields, HF_ARRAY_LEN(get_fields));
        (void)pump(&engine, &client);
        (void)nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
        (void)pump(&engine, &client);
        engine_answer(engine.deferred);
    }
    (void)pump(&engine, &client);
    assert_true(client.has_goaway);
    assert_int_equal(client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    finish(&engine, &client);
}

/* Frames of DATA without data cost work and use up no window. */
static void test_h2_empty_data_flood_ends_the_connection(void **state)
{
    (void)state;
    static const uint8_t length_type_flags[] = { 0, 0, 0, NGHTTP2_DATA, 0, 0, 0, 0 };
    uint8_t frame[sizeof(length_type_flags) + 1];
    struct engine engine;
    struct client client;
    start(&engine, &client);
    const int32_t id = nghttp2_submit_headers(client.session, NGHTTP2_FLAG_NONE, -1, NULL,
                                              post_fields, HF_ARRAY_LEN(post_fields), NULL);
    bool is_open = pump(&engine, &client);
    memcpy(frame, length_type_flags, sizeof(length_type_flags));
    frame[sizeof(length_type_flags)] = (uint8_t)id;
    for (size_t i = 0; is_open && i < 2 * HTTP_H2_CONTROL_FRAMES_MAX; i++)
        is_open = engine_feed(&engine, (hf_bytes){ frame, sizeof(frame) });
    (void)pump(&engine, &client);
    assert_true(client.has_goaway);
    assert_int_equal(client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    finish(&engine, &client);
}

static void test_h2_long_settings_end_the_connection(void **state)
{
    (void)state;
    static const uint8_t head[] = { 0, 0, 6 * (HTTP_H2_SETTINGS_MAX + 1), NGHTTP2_SETTINGS, 0, 0, 0,
                                    0, 0 };
    uint8_t frame[sizeof(head) + 6 * (HTTP_H2_SETTINGS_MAX + 1)] = { 0 };
    struct engine engine;
    struct client client;
    start(&engine, &client);
    assert_true(pump(&engine, &client));
    memcpy(frame, head, sizeof(head)); /* values of a setting 0, which nobody knows */
    (void)engine_feed(&engine, (hf_bytes){ frame, sizeof(frame) });
    (void)pump(&engine, &client);
    assert_true(client.has_goaway);
    finish(&engine, &client);
}

/* What a peer may send before anything of it is read. */
static void test_h2_windows_are_as_said(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    assert_true(pump(&engine, &client));
    assert_int_equal(
        nghttp2_session_get_remote_settings(client.session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE),
        HTTP_H2_STREAM_WINDOW_BYTES);
    assert_int_equal(nghttp2_session_get_remote_window_size(client.session),
                     HTTP_H2_CONNECTION_WINDOW_BYTES);
    assert_int_equal(nghttp2_session_get_remote_settings(client.session,
                                                         NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                     HTTP_H2_STREAMS_MAX);
    finish(&engine, &client);
}

static void test_h2_answer_after_reset_is_dropped(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.must_defer = true;
    const int32_t id = request(&client, get_fields, HF_ARRAY_LEN(get_fields));
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 1);
    (void)nghttp2_submit_rst_stream(client.session, 0, id, NGHTTP2_CANCEL);
    assert_true(pump(&engine, &client));
    engine_answer(engine.deferred);
    assert_int_equal(engine.loop.held, 1); /* before_flush runs all the same */
    assert_int_equal(engine.conn->h2.slot_count, 0);
    assert_true(pump(&engine, &client));
    finish(&engine, &client);
}

static void test_h2_answer_after_connection_is_gone_is_dropped(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.must_defer = true;
    (void)request(&client, get_fields, HF_ARRAY_LEN(get_fields));
    assert_true(pump(&engine, &client));
    engine.conn->protocol->detach(engine.conn);
    engine.conn->protocol = &http_protocol_h1; /* nothing is left for engine_done() to detach */
    engine_answer(engine.deferred);
    assert_true(http_list_is_empty(&engine.loop.orphans));
    finish(&engine, &client);
}

static void test_h2_drain_finishes_what_is_under_way(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.must_defer = true;
    const int32_t id = request(&client, get_fields, HF_ARRAY_LEN(get_fields));
    assert_true(pump(&engine, &client));
    engine.loop.state = HTTP_LOOP_DRAINING;
    engine.conn->protocol->drain(engine.conn);
    assert_true(pump(&engine, &client));
    assert_true(client.has_goaway);
    engine_answer(engine.deferred);
    assert_false(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 200);
    finish(&engine, &client);
}

static void test_h2_stream_without_its_body_gets_408(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    (void)pump(&engine, &client);
    /* Headers only, without END_STREAM. */
    const int32_t id = nghttp2_submit_headers(client.session, NGHTTP2_FLAG_NONE, -1, NULL,
                                              post_fields, HF_ARRAY_LEN(post_fields), NULL);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.conn->protocol->awaits(engine.conn), HTTP_DEADLINE_NONE);
    struct http_deadline *due = http_deadlines_take_due(&engine.loop.deadlines, INT64_MAX);
    assert_non_null(due);
    assert_int_equal(due->kind, HTTP_DEADLINE_STREAM_BODY);
    http_h2_stream_expire(due);
    assert_true(pump(&engine, &client));
    assert_int_equal(client.statuses[id], 408);
    finish(&engine, &client);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void test_h2_refusals_are_told_once_and_held(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(head_cases); i++) {
        const struct head_case *test_case = &head_cases[i];
        struct engine engine;
        struct client client;
        start(&engine, &client);
        engine.server.callbacks.refused = engine_refused;
        const bool is_told = test_case->status == 413 || test_case->status == 417;
        const int32_t id = is_told ? upload(&client, test_case->fields, test_case->count, 1001)
                                   : request(&client, test_case->fields, test_case->count);
        (void)pump(&engine, &client);
        assert_int_equal(client.statuses[id], test_case->status);
        assert_int_equal(engine.refusals, is_told ? 1 : 0);
        assert_int_equal(engine.refused_with, is_told ? test_case->status : 0);
        assert_int_equal(engine.flushes, is_told || test_case->status == 200 ? 1 : 0);
        finish(&engine, &client);
    }
}

static void test_h2_refusal_that_cannot_be_recorded_becomes_503(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.server.callbacks.refused = engine_refused;
    engine.refuses_flush = true;
    const int32_t id = upload(&client, post_fields, HF_ARRAY_LEN(post_fields), 1001);
    (void)pump(&engine, &client);
    assert_int_equal(engine.refusals, 1);
    assert_int_equal(client.statuses[id], 503);
    assert_true(client.has_goaway);
    finish(&engine, &client);
}

static void test_h2_wrong_preface_ends_the_connection(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, true));
    assert_false(engine_feed(&engine, hf_str_bytes(HF_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))));
    assert_int_equal(engine.handled, 0);
    engine_done(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h2_head_case_table),
        cmocka_unit_test(test_h2_refusals_are_told_once_and_held),
        cmocka_unit_test(test_h2_refusal_that_cannot_be_recorded_becomes_503),
        cmocka_unit_test(test_h2_wrong_preface_ends_the_connection),
        cmocka_unit_test(test_h2_body_over_limit_is_refused_and_stopped),
        cmocka_unit_test(test_h2_rapid_reset_ends_the_connection),
        cmocka_unit_test(test_h2_ping_flood_ends_the_connection),
        cmocka_unit_test(test_h2_empty_data_flood_ends_the_connection),
        cmocka_unit_test(test_h2_long_settings_end_the_connection),
        cmocka_unit_test(test_h2_reset_budget_comes_back_at_its_rate),
        cmocka_unit_test(test_h2_windows_are_as_said),
        cmocka_unit_test(test_h2_flush_refused_gives_503_and_goodbye),
        cmocka_unit_test(test_h2_stream_without_its_body_gets_408),
        cmocka_unit_test(test_h2_answer_after_reset_is_dropped),
        cmocka_unit_test(test_h2_answer_after_connection_is_gone_is_dropped),
        cmocka_unit_test(test_h2_get_is_answered),
        cmocka_unit_test(test_h2_head_has_no_body),
        cmocka_unit_test(test_h2_body_at_limit_is_taken),
        cmocka_unit_test(test_h2_expect_continue_is_answered),
        cmocka_unit_test(test_h2_many_streams_are_answered),
        cmocka_unit_test(test_h2_drain_finishes_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
