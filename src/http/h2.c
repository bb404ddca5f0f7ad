/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/2 engine around an nghttp2 session: streams become slots, answers become frames. nghttp2
 * checks the protocol; what it does not bound is bounded here: resets, control frames, requests
 * under way, bodies, answers that the peer does not take.
 *
 * Answers given by handlers are kept in their streams until the turn's end and only then submitted.
 * nghttp2 works in secret memory: its header tables have tokens. Bodies never get there: they go from
 * the input to the slot, and from the stream to the output.
 */
#include "http/h2.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STATUS_BAD_REQUEST 400
#define STATUS_TIMEOUT 408
#define STATUS_EXPECTATION_FAILED 417
#define STATUS_HEADERS_TOO_LARGE 431
#define STATUS_UNAVAILABLE 503

/* A frame's payload as we make them: nghttp2's smallest. */
#define FRAME_BUFFER_BYTES ((size_t)16 * 1024)

static const hf_str pseudo_names[] = {
    [PSEUDO_METHOD] = { ":method", 7 },
    [PSEUDO_SCHEME] = { ":scheme", 7 },
    [PSEUDO_AUTHORITY] = { ":authority", 10 },
    [PSEUDO_PATH] = { ":path", 5 },
};

/* --- streams ---------------------------------------------------------------------------------- */

static struct http_stream *take_stream(struct http_conn *conn, int32_t id)
{
    struct http_link *link = http_list_take_first(&conn->loop->spare_streams);
    struct http_stream *stream = link == NULL ? malloc(sizeof(*stream))
                                              : HF_CONTAINER_OF(link, struct http_stream, link);
    if (stream == NULL)
        return NULL;
    memset(stream, 0, sizeof(*stream));
    http_list_init(&stream->link);
    http_list_init(&stream->queue_link);
    http_deadline_init(&stream->deadline);
    hf_buf_init_secret(&stream->answer, HTTP_OUT_MAX_BYTES);
    stream->conn = conn;
    stream->id = id;
    http_list_append(&conn->h2.streams, &stream->link);
    return stream;
}

static void give_stream(struct http_stream *stream)
{
    struct http_loop *loop = stream->conn->loop;
    http_h2_count_answer(stream, 0);
    http_list_remove(&stream->link);
    http_list_remove(&stream->queue_link);
    http_deadline_cancel(&stream->deadline);
    http_loop_give_buffer(loop, &stream->answer);
    http_list_append(&loop->spare_streams, &stream->link);
}

void http_h2_free_spare_streams(struct http_loop *loop)
{
    for (struct http_link *link = http_list_take_first(&loop->spare_streams); link != NULL;
         link = http_list_take_first(&loop->spare_streams))
        free(HF_CONTAINER_OF(link, struct http_stream, link));
}

/* The slot is answered, or nobody waits for it any more. */
static void drop_slot(struct http_conn *conn, struct http_slot *slot)
{
    if (slot->stream != NULL)
        slot->stream->slot = NULL;
    conn->h2.slot_count--;
    http_slot_release(slot);
}

/* The peer misbehaves: GOAWAY with the reason, then the end. */
static void calm_down(struct http_conn *conn)
{
    (void)nghttp2_session_terminate_session(conn->h2.session, NGHTTP2_ENHANCE_YOUR_CALM);
    http_conn_touch(conn);
}

/* A stream ended before its answer was out. Each costs us work, so they come out of a budget. */
static void charge_reset(struct http_conn *conn)
{
    struct http_h2 *h2 = &conn->h2;
    const int64_t seconds = hf_usec_to_seconds(conn->loop->now - h2->resets_filled);
    if (seconds > 0) {
        h2->resets_filled = conn->loop->now;
        h2->resets_left = seconds > HTTP_H2_RESETS_BURST
                              ? HTTP_H2_RESETS_BURST
                              : h2->resets_left + seconds * HTTP_H2_RESETS_PER_SEC;
        if (h2->resets_left > HTTP_H2_RESETS_BURST)
            h2->resets_left = HTTP_H2_RESETS_BURST;
    }
    if (h2->resets_left-- <= 0)
        calm_down(conn);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* An error of our own for this stream; held only if it was told. */
static void refuse(struct http_stream *stream, int status)
{
    struct hf_buf body;
    const bool is_told = stream->slot != NULL && http_slot_tell_refused(stream->slot, status);
    const struct http_response error = http_response_error(stream->conn->loop, status, &body);
    if (stream->slot != NULL)
        drop_slot(stream->conn, stream->slot);
    http_h2_keep_answer(stream, &error);
    hf_buf_done(&body);
    if (is_told)
        http_h2_hold_answer(stream);
    else
        http_h2_submit_answer(stream);
}

static void h2_respond(struct http_conn *conn, struct http_slot *slot,
                       const struct http_response *response)
{
    struct http_stream *stream = slot->stream;
    if (stream == NULL) {
        conn->loop->held++; /* reset meanwhile; before_flush runs all the same */
    } else {
        http_h2_keep_answer(stream, response);
        http_h2_hold_answer(stream);
    }
    drop_slot(conn, slot);
}

static void h2_release(struct http_conn *conn)
{
    conn->held = 0;
    for (struct http_link *link = http_list_first(&conn->h2.answered); link != NULL;
         link = http_list_first(&conn->h2.answered))
        http_h2_submit_answer(HF_CONTAINER_OF(link, struct http_stream, queue_link));
}

/* The connection's last stream we process, and no more. */
static void say_goodbye(struct http_conn *conn)
{
    nghttp2_session *session = conn->h2.session;
    (void)nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
                                NULL, 0);
    http_conn_touch(conn);
}

static void h2_refuse_held(struct http_conn *conn)
{
    conn->held = 0;
    for (struct http_link *link = http_list_first(&conn->h2.answered); link != NULL;
         link = http_list_first(&conn->h2.answered)) {
        struct http_stream *stream = HF_CONTAINER_OF(link, struct http_stream, queue_link);
        http_list_remove(&stream->queue_link);
        refuse(stream, STATUS_UNAVAILABLE);
    }
    say_goodbye(conn);
}

/* --- requests --------------------------------------------------------------------------------- */

static hf_str pseudo_text(const struct http_stream *stream, enum pseudo_field field)
{
    const struct field_span span = stream->pseudo[field];
    return (hf_str){ (const char *)stream->slot->head.p + span.offset, span.n };
}

/* The head's memory moved while it grew; now the views can be made. */
static void place_fields(struct http_stream *stream)
{
    const char *at = (const char *)stream->slot->head.p + stream->fields_at;
    for (size_t i = 0; i < stream->field_count; i++) {
        struct http_header *header = &stream->slot->headers[i];
        header->name.p = at;
        header->value.p = at + header->name.n;
        at += header->name.n + header->value.n;
    }
}

/* :authority, host, or both if they say the same (RFC 9113 §8.3.1). */
static int read_authority(struct http_stream *stream, struct http_request *request)
{
    const hf_str host = http_request_header(request, HF_LIT("host"));
    hf_str authority = pseudo_text(stream, PSEUDO_AUTHORITY);
    if (authority.n == 0)
        authority = host;
    if (host.n > 0 && !hf_str_equal_nocase(host, authority))
        return STATUS_BAD_REQUEST;
    if (authority.n == 0)
        return STATUS_BAD_REQUEST;
    char *const head = (char *)stream->slot->head.p;
    return http_authority_parse(head + (authority.p - head), authority.n, &request->host,
                                &request->port) == HF_OK
               ? 0
               : STATUS_BAD_REQUEST;
}

static int read_head(struct http_stream *stream)
{
    struct http_request *request = &stream->slot->exchange.request;
    place_fields(stream);
    request->version = 20;
    request->method = http_method_parse(pseudo_text(stream, PSEUDO_METHOD));
    request->header_count = stream->field_count;
    stream->is_head = request->method == HTTP_HEAD;
    if (stream->refusal != 0)
        return stream->refusal;
    for (size_t i = 0; i < stream->field_count; i++) {
        if (!http_is_field_value(request->headers[i].value))
            return STATUS_BAD_REQUEST;
    }
    const int status = read_authority(stream, request);
    if (status != 0)
        return status;
    if (!hf_str_equal(pseudo_text(stream, PSEUDO_SCHEME), HF_LIT("https")) ||
        http_target_parse(pseudo_text(stream, PSEUDO_PATH), &request->path, &request->query) !=
            HF_OK)
        return STATUS_BAD_REQUEST;
    return 0;
}

static int read_expectation(const struct http_stream *stream)
{
    const hf_str expect = http_request_header(&stream->slot->exchange.request, HF_LIT("expect"));
    if (expect.p == NULL)
        return 0;
    if (!hf_str_equal_nocase(expect, HF_LIT("100-continue")))
        return STATUS_EXPECTATION_FAILED;
    uint8_t name[] = ":status";
    uint8_t value[] = "100";
    const nghttp2_nv field = {
        .name = name, .value = value, .namelen = sizeof(name) - 1, .valuelen = sizeof(value) - 1
    };
    (void)nghttp2_submit_headers(stream->conn->h2.session, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                 &field, 1, NULL);
    return 0;
}

/* nghttp2 has checked that it is a number and holds the body to it. */
static int check_length(const struct http_stream *stream)
{
    const hf_str text = http_request_header(&stream->slot->exchange.request,
                                            HF_LIT("content-length"));
    uint64_t length = 0;
    if (text.p == NULL)
        return 0;
    if (!hf_str_parse_u64(text, INT64_MAX, &length))
        return STATUS_BAD_REQUEST;
    return http_slot_expect_body(stream->slot, length);
}

/* While the peer does not take its answers, its complete requests wait in the order they came. */
static void dispatch(struct http_stream *stream)
{
    struct http_h2 *h2 = &stream->conn->h2;
    stream->is_request_complete = true;
    if (stream->slot == NULL) /* refused before */
        return;
    http_deadline_cancel(&stream->deadline);
    if (http_h2_has_many_answers(stream->conn) || !http_list_is_empty(&h2->waiting))
        http_list_append(&h2->waiting, &stream->queue_link);
    else
        http_slot_dispatch(stream->slot);
}

static void dispatch_waiting(struct http_conn *conn)
{
    while (conn->state == HTTP_CONN_OPEN && !http_h2_has_many_answers(conn)) {
        struct http_link *link = http_list_take_first(&conn->h2.waiting);
        if (link == NULL)
            return;
        http_slot_dispatch(HF_CONTAINER_OF(link, struct http_stream, queue_link)->slot);
    }
}

static void finish_head(struct http_stream *stream, bool is_end)
{
    stream->is_request_complete = is_end;
    if (stream->slot == NULL) /* timed out meanwhile */
        return;
    int status = read_head(stream);
    if (status == 0) {
        http_slot_head_done(stream->slot);
        status = check_length(stream);
    }
    if (status == 0 && !is_end)
        status = read_expectation(stream);
    if (status != 0)
        refuse(stream, status);
    else if (is_end)
        dispatch(stream);
}

/* --- callbacks of nghttp2 --------------------------------------------------------------------- */

static struct http_stream *find_stream(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static void refuse_stream(nghttp2_session *session, int32_t id)
{
    (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http_conn *conn = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    const int32_t id = frame->hd.stream_id;
    conn->h2.control_frames = 0;
    http_deadline_cancel(&conn->deadline);
    if (conn->h2.slot_count >= HTTP_H2_STREAMS_MAX) {
        refuse_stream(session, id);
        return 0;
    }
    struct http_stream *stream = take_stream(conn, id);
    if (stream != NULL)
        stream->slot = http_slot_take(conn);
    if (stream == NULL || stream->slot == NULL) {
        if (stream != NULL)
            give_stream(stream);
        refuse_stream(session, id);
        return 0;
    }
    conn->h2.slot_count++;
    stream->slot->stream = stream;
    http_deadline_set(&conn->loop->deadlines, &stream->deadline, HTTP_DEADLINE_STREAM_BODY,
                      conn->loop->now);
    return nghttp2_session_set_stream_user_data(session, id, stream) == 0
               ? 0
               : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* False if it is none. */
static bool keep_pseudo(struct http_stream *stream, hf_str name, hf_str value)
{
    for (size_t i = 0; i < PSEUDO_COUNT_; i++) {
        if (hf_str_equal(name, pseudo_names[i])) {
            stream->pseudo[i] = (struct field_span){ stream->slot->head.n, value.n };
            hf_buf_put_str(&stream->slot->head, value);
            return true;
        }
    }
    return false;
}

static void keep_request_field(struct http_stream *stream, hf_str name, hf_str value)
{
    struct http_slot *slot = stream->slot;
    if (stream->field_count == stream->conn->loop->server->config.max_headers) {
        stream->refusal = STATUS_HEADERS_TOO_LARGE;
        return;
    }
    if (stream->field_count == 0)
        stream->fields_at = slot->head.n;
    hf_buf_put_str(&slot->head, name);
    hf_buf_put_str(&slot->head, value);
    slot->headers[stream->field_count++] = (struct http_header){ .name = { NULL, name.n },
                                                                 .value = { NULL, value.n } };
}

/* The head is too large; the last field is not whole. */
static void give_up_fields(struct http_stream *stream)
{
    stream->refusal = STATUS_HEADERS_TOO_LARGE;
    stream->field_count = 0;
    for (size_t i = 0; i < PSEUDO_COUNT_; i++) {
        struct field_span *span = &stream->pseudo[i];
        if (span->n > stream->slot->head.n - span->offset)
            span->n = 0;
    }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    (void)flags;
    (void)user;
    struct http_stream *stream = find_stream(session, frame->hd.stream_id);
    if (stream == NULL || stream->slot == NULL || stream->refusal != 0 ||
        frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    const hf_str name_text = { (const char *)name, name_n };
    const hf_str value_text = { (const char *)value, value_n };
    if (!http_slot_charge(stream->slot, name_n + value_n)) {
        drop_slot(stream->conn, stream->slot);
        refuse_stream(session, stream->id);
        return 0;
    }
    if (!keep_pseudo(stream, name_text, value_text))
        keep_request_field(stream, name_text, value_text);
    if (hf_buf_err(&stream->slot->head) != HF_OK)
        give_up_fields(stream);
    return 0;
}

static void count_control_frame(struct http_conn *conn)
{
    if (++conn->h2.control_frames > HTTP_H2_CONTROL_FRAMES_MAX)
        calm_down(conn);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http_conn *conn = user;
    const bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        count_control_frame(conn);
        return 0;
    }
    if (frame->hd.type == NGHTTP2_DATA && frame->hd.length == 0)
        count_control_frame(conn);
    struct http_stream *stream = find_stream(session, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        finish_head(stream, is_end);
    else if (is_end)
        dispatch(stream);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t n, void *user)
{
    (void)flags;
    (void)user;
    struct http_stream *stream = find_stream(session, id);
    if (stream == NULL || stream->slot == NULL)
        return 0;
    const int status = http_slot_put_body(stream->slot, (hf_bytes){ data, n });
    if (status != 0)
        refuse(stream, status);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *user)
{
    struct http_conn *conn = user;
    (void)error_code;
    struct http_stream *stream = find_stream(session, id);
    if (stream == NULL) {
        charge_reset(conn); /* one that we refused */
        return 0;
    }
    if (!stream->is_answer_sent)
        charge_reset(conn);
    struct http_slot *slot = stream->slot;
    if (slot != NULL && slot->is_dispatched)
        slot->stream = NULL; /* the handler still has it; it counts until it is answered */
    else if (slot != NULL)
        drop_slot(conn, slot);
    give_stream(stream);
    return 0;
}

/* After an answer to a request that is not complete, the peer is told to stop (RFC 9113 §8.1). */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)user;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    struct http_stream *stream = find_stream(session, frame->hd.stream_id);
    if (stream == NULL)
        return 0;
    stream->is_answer_sent = true;
    if (!stream->is_request_complete)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    return 0;
}

/* --- the session ------------------------------------------------------------------------------ */

static void *allocate(size_t n, void *user)
{
    (void)user;
    return hf_secret_alloc(n);
}

static void *allocate_array(size_t count, size_t size, void *user)
{
    size_t n = 0;
    (void)user;
    return hf_mul_size(count, size, &n) ? hf_secret_alloc(n) : NULL; /* comes zeroed */
}

/*
 * The one large block of a new session is where it makes frames: encoded heads of answers and
 * control frames, nothing secret. It would be three quarters of the locked memory of an idle
 * connection, so it is not there; and it is a mapping of its own: of that an idle connection has
 * hardly used more than a page, while a block of the heap lies in pages used before.
 */
static void *reallocate(void *p, size_t n, void *user)
{
    struct http_h2 *h2 = &((struct http_conn *)user)->h2;
    const bool is_first = p == NULL && h2->session == NULL && h2->frame_buffer == NULL;
    if (!(is_first && n >= FRAME_BUFFER_BYTES) && (p == NULL || p != h2->frame_buffer))
        return hf_secret_realloc(p, n);
    void *moved = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (moved == MAP_FAILED)
        return NULL;
    if (p != NULL) {
        memcpy(moved, p, n < h2->frame_buffer_bytes ? n : h2->frame_buffer_bytes);
        (void)munmap(p, h2->frame_buffer_bytes);
    }
    h2->frame_buffer = moved;
    h2->frame_buffer_bytes = n;
    return moved;
}

static void release(void *p, void *user)
{
    struct http_h2 *h2 = &((struct http_conn *)user)->h2;
    if (p == NULL || p != h2->frame_buffer) {
        hf_secret_release(p);
        return;
    }
    h2->frame_buffer = NULL;
    (void)munmap(p, h2->frame_buffer_bytes);
}

static int make_session(struct http_conn *conn, nghttp2_session_callbacks *callbacks,
                        nghttp2_option *option)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, http_h2_send_body);
    nghttp2_option_set_max_outbound_ack(option, HTTP_H2_ACKS_MAX);
    nghttp2_option_set_max_settings(option, HTTP_H2_SETTINGS_MAX);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_mem memory = { .mem_user_data = conn,
                           .malloc = allocate,
                           .free = release,
                           .calloc = allocate_array,
                           .realloc = reallocate };
    nghttp2_session *session = NULL;
    const int result = nghttp2_session_server_new3(&session, callbacks, conn, option, &memory);
    conn->h2.session = result == 0 ? session : NULL;
    return result;
}

static int new_session(struct http_conn *conn)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int result = nghttp2_session_callbacks_new(&callbacks);
    if (result == 0)
        result = nghttp2_option_new(&option);
    if (result == 0)
        result = make_session(conn, callbacks, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return result;
}

static int submit_settings(struct http_conn *conn)
{
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP_H2_STREAMS_MAX },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP_H2_STREAM_WINDOW_BYTES },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
          (uint32_t)conn->loop->server->config.max_header_bytes },
    };
    const int result = nghttp2_submit_settings(conn->h2.session, NGHTTP2_FLAG_NONE, settings,
                                               HF_ARRAY_LEN(settings));
    if (result != 0)
        return result;
    return nghttp2_session_set_local_window_size(conn->h2.session, NGHTTP2_FLAG_NONE, 0,
                                                 HTTP_H2_CONNECTION_WINDOW_BYTES);
}

bool http_h2_init(struct http_conn *conn)
{
    http_list_init(&conn->h2.streams);
    http_list_init(&conn->h2.answered);
    http_list_init(&conn->h2.waiting);
    conn->h2.resets_left = HTTP_H2_RESETS_BURST;
    conn->h2.resets_filled = conn->loop->now;
    if (new_session(conn) != 0)
        return false;
    conn->protocol = &http_protocol_h2;
    return submit_settings(conn) == 0;
}

static void finish_if_done(struct http_conn *conn)
{
    if (nghttp2_session_want_read(conn->h2.session) == 0 &&
        nghttp2_session_want_write(conn->h2.session) == 0)
        http_conn_finish(conn);
}

static size_t h2_receive(struct http_conn *conn, hf_bytes in)
{
    const ssize_t n = nghttp2_session_mem_recv(conn->h2.session, in.p, in.n);
    if (n < 0) {
        conn->h2.is_broken = true;
        http_conn_finish(conn);
        return in.n;
    }
    if (nghttp2_session_want_write(conn->h2.session) != 0 || !http_list_is_empty(&conn->h2.waiting))
        http_conn_touch(conn);
    finish_if_done(conn);
    return in.n;
}

static void h2_produce(struct http_conn *conn)
{
    ssize_t n = 0;
    if (conn->h2.is_broken)
        return;
    while (conn->out.n < HTTP_H2_OUT_HIGH_BYTES) {
        const uint8_t *data = NULL;
        n = nghttp2_session_mem_send(conn->h2.session, &data);
        if (n <= 0)
            break;
        hf_buf_put(http_conn_out(conn), data, (size_t)n);
    }
    if (n < 0)
        http_conn_finish(conn);
    else if (conn->out.n == 0)
        finish_if_done(conn);
    dispatch_waiting(conn);
}

static enum http_deadline_kind h2_awaits(const struct http_conn *conn)
{
    const bool is_idle = http_list_is_empty(&conn->h2.streams) && http_list_is_empty(&conn->slots);
    return is_idle ? HTTP_DEADLINE_IDLE : HTTP_DEADLINE_NONE;
}

static void h2_expire(struct http_conn *conn, enum http_deadline_kind kind)
{
    (void)kind;
    (void)nghttp2_session_terminate_session(conn->h2.session, NGHTTP2_NO_ERROR);
    http_conn_touch(conn);
}

void http_h2_stream_expire(struct http_deadline *deadline)
{
    struct http_stream *stream = HF_CONTAINER_OF(deadline, struct http_stream, deadline);
    const enum http_deadline_kind kind = deadline->kind;
    http_deadline_cancel(deadline);
    if (kind == HTTP_DEADLINE_STREAM_BODY && stream->slot != NULL)
        refuse(stream, STATUS_TIMEOUT);
    else
        (void)nghttp2_submit_rst_stream(stream->conn->h2.session, NGHTTP2_FLAG_NONE, stream->id,
                                        NGHTTP2_CANCEL);
    http_conn_touch(stream->conn);
}

static void h2_detach(struct http_conn *conn)
{
    for (struct http_link *link = http_list_first(&conn->h2.streams); link != NULL;
         link = http_list_first(&conn->h2.streams))
        give_stream(HF_CONTAINER_OF(link, struct http_stream, link));
    for (struct http_link *link = http_list_first(&conn->slots); link != NULL;
         link = http_list_first(&conn->slots))
        http_slot_abandon(HF_CONTAINER_OF(link, struct http_slot, link));
    nghttp2_session_del(conn->h2.session);
    conn->h2.session = NULL;
}

const struct http_protocol http_protocol_h2 = {
    .receive = h2_receive,
    .respond = h2_respond,
    .release = h2_release,
    .refuse_held = h2_refuse_held,
    .produce = h2_produce,
    .awaits = h2_awaits,
    .expire = h2_expire,
    .drain = say_goodbye,
    .detach = h2_detach,
};
