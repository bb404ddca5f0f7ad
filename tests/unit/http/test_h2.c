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

#include "engine.h"

#define FIELD(n, v)                                                                                \
    {                                                                                              \
        .name = (uint8_t *)(uintptr_t)(n), .value = (uint8_t *)(uintptr_t)(v),                     \
        .namelen = sizeof(n) - 1, .valuelen = sizeof(v) - 1                                        \
    }
#define MAX_STREAM_ID 1000

/* What the client saw. */
struct client {
    nghttp2_session *session;
    int statuses[MAX_STREAM_ID]; /* by stream; the last one (after 100) */
    bool had_continue;
    uint32_t reset_codes[MAX_STREAM_ID];
    bool was_reset[MAX_STREAM_ID];
    bool was_closed[MAX_STREAM_ID];
    size_t body_bytes;
    bool has_goaway;
    uint32_t goaway_code;
    const char *upload; /* for requests with a body */
    size_t upload_left;
};

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    struct client *client = user;
    (void)session;
    (void)flags;
    const hf_str name_text = { (const char *)name, name_n };
    uint64_t status = 0;
    if (hf_str_equal(name_text, HF_LIT(":status")) &&
        hf_str_parse_u64((hf_str){ (const char *)value, value_n }, 999, &status)) {
        client->statuses[frame->hd.stream_id] = (int)status;
        client->had_continue |= status == 100;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t n, void *user)
{
    struct client *client = user;
    (void)session;
    (void)flags;
    (void)id;
    (void)data;
    client->body_bytes += n;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct client *client = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->has_goaway = true;
        client->goaway_code = frame->goaway.error_code;
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        client->was_reset[frame->hd.stream_id] = true;
        client->reset_codes[frame->hd.stream_id] = frame->rst_stream.error_code;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct client *client = user;
    (void)session;
    (void)code;
    client->was_closed[id] = true;
    return 0;
}

static void client_init(struct client *client)
{
    memset(client, 0, sizeof(*client));
    nghttp2_session_callbacks *callbacks = NULL;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option *option = NULL;
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_no_http_messaging(option, 1); /* it may send what it should not */
    assert_int_equal(nghttp2_session_client_new2(&client->session, callbacks, client, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

/* Bytes in both directions until both are silent. False once the server would close. */
static bool pump(struct engine *engine, struct client *client)
{
    bool is_open = true;
    for (;;) {
        const uint8_t *data = NULL;
        const ssize_t n = nghttp2_session_mem_send(client->session, &data);
        assert_true(n >= 0);
        if (n > 0)
            is_open = engine_feed(engine, (hf_bytes){ data, (size_t)n });
        else
            engine_turn(engine);
        const bool has_answer = engine->sent.n > 0;
        if (has_answer)
            assert_true(nghttp2_session_mem_recv(client->session, engine->sent.p, engine->sent.n) >=
                        0);
        hf_buf_reset(&engine->sent);
        if (n == 0 && !has_answer)
            return is_open && engine->conn->state == HTTP_CONN_OPEN;
    }
}

static void start(struct engine *engine, struct client *client)
{
    assert_true(engine_init(engine, true));
    client_init(client);
}

static void finish(struct engine *engine, struct client *client)
{
    nghttp2_session_del(client->session);
    engine_done(engine);
}

static const nghttp2_nv get_fields[] = {
    FIELD(":method", "GET"),
    FIELD(":scheme", "https"),
    FIELD(":authority", "Example.test:8443"),
    FIELD(":path", "/a?b=c"),
};

static const nghttp2_nv post_fields[] = {
    FIELD(":method", "POST"),
    FIELD(":scheme", "https"),
    FIELD(":authority", "example.test"),
    FIELD(":path", "/"),
};

static ssize_t read_upload(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct client *client = user;
    (void)session;
    (void)id;
    (void)source;
    const size_t take = client->upload_left < n ? client->upload_left : n;
    memset(out, 'x', take);
    client->upload_left -= take;
    if (client->upload_left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)take;
}

static int32_t request(struct client *client, const nghttp2_nv *fields, size_t count)
{
    const int32_t id = nghttp2_submit_request(client->session, NULL, fields, count, NULL, NULL);
    assert_true(id > 0 && id < MAX_STREAM_ID);
    return id;
}

static int32_t upload(struct client *client, const nghttp2_nv *fields, size_t count, size_t bytes)
{
    const nghttp2_data_provider body = { .read_callback = read_upload };
    client->upload_left = bytes;
    return nghttp2_submit_request(client->session, NULL, fields, count, &body, NULL);
}

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
    { "authority with user",
      400,
      4,
      { FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"),
        FIELD(":authority", "u@a.test") } },
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
    assert_int_equal(atomic_load(&engine.server.body_bytes), 0);
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
        cmocka_unit_test(test_h2_wrong_preface_ends_the_connection),
        cmocka_unit_test(test_h2_body_over_limit_is_refused_and_stopped),
        cmocka_unit_test(test_h2_rapid_reset_ends_the_connection),
        cmocka_unit_test(test_h2_ping_flood_ends_the_connection),
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
