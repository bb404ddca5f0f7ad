/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HTTP/2 streams may cost: heads, bodies, answers that the peer does not take, and an idle
 * connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "h2_client.h"

/* What an idle connection may take of the locked memory. */
#define IDLE_SECRET_BYTES ((size_t)16 * 1024)

static size_t used_by_requests(struct engine *engine)
{
    return atomic_load(&engine->server.usage.request_bytes);
}

/* A request whose body does not come, with a head of more than `head_bytes`. */
static int32_t begin_request(struct client *client, size_t head_bytes)
{
    static char value[HTTP_HEADER_BYTES_MAX];
    memset(value, 'v', sizeof(value));
    nghttp2_nv fields[HF_ARRAY_LEN(post_fields) + 1] = { 0 };
    memcpy(fields, post_fields, sizeof(post_fields));
    fields[HF_ARRAY_LEN(post_fields)] = (nghttp2_nv)FIELD("x", "");
    fields[HF_ARRAY_LEN(post_fields)].value = (uint8_t *)value;
    fields[HF_ARRAY_LEN(post_fields)].valuelen = head_bytes;
    const int32_t id = nghttp2_submit_headers(client->session, NGHTTP2_FLAG_NONE, -1, NULL, fields,
                                              HF_ARRAY_LEN(fields), NULL);
    assert_true(id > 0);
    return id;
}

static void test_h2_heads_beyond_the_connections_memory_are_refused(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    engine.server.config.max_header_bytes = HTTP_HEADER_BYTES_MAX;
    (void)begin_request(&client, 60000);
    assert_true(pump(&engine, &client));
    const size_t each = used_by_requests(&engine);
    assert_true(each >= HTTP_SLOT_BYTES + 60000);
    const size_t fit = HTTP_CONN_REQUEST_BYTES / each;
    int32_t id = 1;
    for (size_t i = 1; i < fit; i++)
        id = begin_request(&client, 60000);
    assert_true(pump(&engine, &client));
    assert_false(client.was_reset[id]);
    assert_int_equal(used_by_requests(&engine), fit * each);
    id = begin_request(&client, 60000);
    assert_true(pump(&engine, &client));
    assert_true(client.was_reset[id]);
    assert_int_equal(client.reset_codes[id], NGHTTP2_REFUSED_STREAM);
    assert_int_equal(used_by_requests(&engine), fit * each);
    (void)nghttp2_submit_rst_stream(client.session, 0, 1, NGHTTP2_CANCEL);
    id = begin_request(&client, 60000);
    assert_true(pump(&engine, &client));
    assert_false(client.was_reset[id]);
    finish(&engine, &client);
}

static void test_h2_streams_beyond_the_address_share_are_refused(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    struct http_usage usage = { .request_bytes = 0 };
    const size_t each = HTTP_SLOT_BYTES + HTTP_BUDGET_UNIT_BYTES;
    start(&engine, &client);
    engine.conn->peer_usage = &usage;
    engine.server.config.max_body_memory = HTTP_ADDRESS_SHARE * 2 * each;
    const int32_t second = begin_request(&client, 10) + 2;
    assert_int_equal(begin_request(&client, 10), second);
    assert_true(pump(&engine, &client));
    assert_false(client.was_reset[second]);
    const int32_t third = begin_request(&client, 10);
    assert_true(pump(&engine, &client));
    assert_int_equal(client.reset_codes[third], NGHTTP2_REFUSED_STREAM);
    assert_int_equal(atomic_load(&usage.request_bytes), 2 * each);
    engine.conn->protocol->detach(engine.conn);
    engine.conn->protocol = &http_protocol_h1; /* nothing is left for engine_done() to detach */
    assert_int_equal(atomic_load(&usage.request_bytes), 0);
    assert_int_equal(used_by_requests(&engine), 0);
    finish(&engine, &client);
}

static void test_h2_one_body_may_be_large_and_a_second_is_refused(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    const size_t large = HTTP_CONN_REQUEST_BYTES + 100000;
    start(&engine, &client);
    engine.body_limit = SIZE_MAX;
    engine.server.config.max_body_memory = 4 * large;
    engine.server.callbacks.refused = engine_refused;
    client.never_ends = true;
    const int32_t first = upload(&client, post_fields, HF_ARRAY_LEN(post_fields), large);
    assert_true(pump(&engine, &client));
    assert_int_equal(client.upload_left, 0);
    assert_int_equal(client.statuses[first], 0);
    const int32_t second = upload(&client, post_fields, HF_ARRAY_LEN(post_fields), large);
    assert_true(pump(&engine, &client));
    assert_int_equal(client.statuses[first], 0);
    assert_int_equal(client.statuses[second], 503);
    assert_int_equal(engine.refusals, 1);
    assert_int_equal(engine.refused_with, 503);
    finish(&engine, &client);
}

/* The peer lets no more than `bytes` of each answer's body through. */
static void set_window(struct client *client, uint32_t bytes)
{
    const nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bytes };
    assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, &entry, 1), 0);
}

static void request_times(struct client *client, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)request(client, get_fields, HF_ARRAY_LEN(get_fields));
}

static void test_h2_answers_not_taken_hold_further_requests_back(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    set_window(&client, 0);
    engine.answer_bytes = 20000;
    request_times(&client, 1);
    assert_true(pump(&engine, &client));
    const size_t cost = engine.conn->answer_bytes;
    assert_true(cost >= engine.answer_bytes);
    request_times(&client, 49);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, HTTP_CONN_ANSWER_BYTES / cost + 1);
    assert_int_equal(engine.conn->answer_bytes, engine.handled * cost);
    assert_int_equal(atomic_load(&engine.server.usage.answer_bytes), engine.conn->answer_bytes);
    set_window(&client, 65535);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 50);
    assert_int_equal(client.body_bytes, 50 * engine.answer_bytes);
    assert_int_equal(engine.conn->answer_bytes, 0);
    assert_int_equal(atomic_load(&engine.server.usage.answer_bytes), 0);
    finish(&engine, &client);
}

static void test_h2_one_answer_of_any_size_does_not_count(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    set_window(&client, 0);
    engine.answer_bytes = 2 * HTTP_CONN_ANSWER_BYTES;
    request_times(&client, 1);
    assert_true(pump(&engine, &client));
    engine.answer_bytes = 0;
    request_times(&client, 5);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 6);
    engine.answer_bytes = 2 * HTTP_CONN_ANSWER_BYTES;
    request_times(&client, 5);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 7); /* the second large one, then no more */
    set_window(&client, 65535);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 11);
    assert_int_equal(engine.conn->answer_bytes, 0);
    finish(&engine, &client);
}

static void test_h2_waiting_request_that_is_reset_is_dropped(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    set_window(&client, 0);
    engine.answer_bytes = HTTP_CONN_ANSWER_BYTES + 1;
    request_times(&client, 4);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 2);
    assert_int_equal(engine.conn->h2.slot_count, 2);
    (void)nghttp2_submit_rst_stream(client.session, 0, 5, NGHTTP2_CANCEL);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.conn->h2.slot_count, 1);
    (void)nghttp2_submit_rst_stream(client.session, 0, 1, NGHTTP2_CANCEL);
    (void)nghttp2_submit_rst_stream(client.session, 0, 3, NGHTTP2_CANCEL);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 3); /* room again: the last one goes on */
    finish(&engine, &client);
}

static void test_h2_answer_that_does_not_move_is_reset_and_others_go_on(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    start(&engine, &client);
    set_window(&client, 0);
    engine.answer_bytes = HTTP_CONN_ANSWER_BYTES + 1;
    request_times(&client, 3);
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 2);
    for (int i = 0; i < 2; i++) {
        struct http_deadline *due = http_deadlines_take_due(&engine.loop.deadlines, INT64_MAX);
        assert_non_null(due);
        assert_int_equal(due->kind, HTTP_DEADLINE_STREAM_WRITE);
        http_h2_stream_expire(due);
    }
    assert_true(pump(&engine, &client));
    assert_int_equal(engine.handled, 3);
    finish(&engine, &client);
}

static void test_h2_idle_connection_takes_little_secret_memory(void **state)
{
    (void)state;
    struct engine engine;
    struct client client;
    const size_t before = hf_secret_stats().used_bytes;
    start(&engine, &client);
    for (size_t i = 0; i < 20; i++) {
        request_times(&client, 1);
        assert_true(pump(&engine, &client));
    }
    while (engine.loop.spare_slot_count > 0) {
        struct http_link *link = http_list_first(&engine.loop.spare_slots);
        http_slot_destroy(HF_CONTAINER_OF(link, struct http_slot, link));
        engine.loop.spare_slot_count--;
    }
    while (engine.loop.spare_buffer_count > 0)
        hf_buf_done(&engine.loop.spare_buffers[--engine.loop.spare_buffer_count]);
    const size_t used = hf_secret_stats().used_bytes - before - HTTP_SCRATCH_BYTES;
    assert_true(used > 0 && used <= IDLE_SECRET_BYTES);
    finish(&engine, &client);
    assert_int_equal(hf_secret_stats().used_bytes, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h2_heads_beyond_the_connections_memory_are_refused),
        cmocka_unit_test(test_h2_streams_beyond_the_address_share_are_refused),
        cmocka_unit_test(test_h2_one_body_may_be_large_and_a_second_is_refused),
        cmocka_unit_test(test_h2_answers_not_taken_hold_further_requests_back),
        cmocka_unit_test(test_h2_one_answer_of_any_size_does_not_count),
        cmocka_unit_test(test_h2_waiting_request_that_is_reset_is_dropped),
        cmocka_unit_test(test_h2_answer_that_does_not_move_is_reset_and_others_go_on),
        cmocka_unit_test(test_h2_idle_connection_takes_little_secret_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
