/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An nghttp2 client session that speaks to an engine (engine.h), and notes what it saw. Included
 * after cmocka.h.
 */
#pragma once

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
    bool never_ends; /* uploads wait for more when nothing is left */
};

static inline int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                            const uint8_t *name, size_t name_n, const uint8_t *value,
                            size_t value_n, uint8_t flags, void *user)
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

static inline int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
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

static inline int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
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

static inline int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct client *client = user;
    (void)session;
    (void)code;
    client->was_closed[id] = true;
    return 0;
}

static inline void client_init(struct client *client)
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
static inline bool pump(struct engine *engine, struct client *client)
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

static inline void start(struct engine *engine, struct client *client)
{
    assert_true(engine_init(engine, true));
    client_init(client);
}

static inline void finish(struct engine *engine, struct client *client)
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

static inline ssize_t read_upload(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                                  uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct client *client = user;
    (void)session;
    (void)id;
    (void)source;
    const size_t take = client->upload_left < n ? client->upload_left : n;
    memset(out, 'x', take);
    client->upload_left -= take;
    if (take == 0 && client->never_ends)
        return NGHTTP2_ERR_DEFERRED;
    if (client->upload_left == 0 && !client->never_ends)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)take;
}

static inline int32_t request(struct client *client, const nghttp2_nv *fields, size_t count)
{
    const int32_t id = nghttp2_submit_request(client->session, NULL, fields, count, NULL, NULL);
    assert_true(id > 0 && id < MAX_STREAM_ID);
    return id;
}

static inline int32_t upload(struct client *client, const nghttp2_nv *fields, size_t count,
                             size_t bytes)
{
    const nghttp2_data_provider body = { .read_callback = read_upload };
    client->upload_left = bytes;
    return nghttp2_submit_request(client->session, NULL, fields, count, &body, NULL);
}
