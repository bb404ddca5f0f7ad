/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers on HTTP/2: kept in their streams, submitted at the turn's end, copied into the output
 * frame by frame as far as the peer's windows go.
 */
#include "http/h2.h"

#include "base/reader.h"

/* ":status", "date", "content-length" */
#define OWN_FIELDS 3

/* Of every frame (RFC 9113 §4.1). */
#define FRAME_HEAD_BYTES 9

bool http_h2_has_many_answers(const struct http_conn *conn)
{
    const size_t large = conn->h2.large == NULL ? 0 : conn->h2.large->cost;
    return conn->answer_bytes - large > HTTP_CONN_ANSWER_BYTES;
}

void http_h2_count_answer(struct http_stream *stream, size_t cost)
{
    struct http_conn *conn = stream->conn;
    conn->answer_bytes = conn->answer_bytes - stream->cost + cost;
    stream->cost = cost;
    if (conn->h2.large == stream)
        conn->h2.large = NULL;
    if (conn->h2.large == NULL && cost > HTTP_CONN_ANSWER_BYTES)
        conn->h2.large = stream;
    http_conn_count_answers(conn);
}

static void keep_field(struct http_stream *stream, hf_str name, hf_str value)
{
    hf_buf_put_field16(&stream->answer, hf_str_bytes(name));
    hf_buf_put_field32(&stream->answer, hf_str_bytes(value));
    stream->answer_fields++;
}

static void keep_lower_field(struct http_stream *stream, const struct http_header *header)
{
    keep_field(stream, header->name, header->value);
    const size_t value_field = sizeof(uint32_t) + header->value.n;
    if (hf_buf_err(&stream->answer) == HF_OK)
        hf_str_lower_into(header->name, (char *)stream->answer.p + stream->answer.n - value_field -
                                            header->name.n);
}

static void keep_number_field(struct http_stream *stream, hf_str name, size_t number)
{
    char text[24];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, text, sizeof(text));
    hf_buf_put_dec(&buf, (int64_t)number);
    keep_field(stream, name, hf_buf_str(&buf));
}

void http_h2_keep_answer(struct http_stream *stream, const struct http_response *response)
{
    http_loop_give_buffer(stream->conn->loop, &stream->answer);
    stream->answer = http_loop_take_buffer(stream->conn->loop);
    stream->answer_fields = 0;
    stream->status = response->status;
    keep_number_field(stream, HF_LIT(":status"), (size_t)response->status);
    keep_field(stream, HF_LIT("date"), http_loop_date(stream->conn->loop));
    for (size_t i = 0; i < response->header_count; i++)
        keep_lower_field(stream, &response->headers[i]);
    const bool has_body = !http_status_has_no_body(response->status);
    if (has_body)
        keep_number_field(stream, HF_LIT("content-length"), response->body.n);
    stream->body_at = stream->answer.n;
    stream->body_sent = 0;
    if (has_body && !stream->is_head)
        hf_buf_put_bytes(&stream->answer, response->body);
    http_h2_count_answer(stream, HTTP_ANSWER_BYTES + stream->answer.n);
}

static size_t body_left(const struct http_stream *stream)
{
    return stream->answer.n - stream->body_at - stream->body_sent;
}

/* Says how much of the body the next frame takes; http_h2_send_body() copies it. */
static ssize_t read_body(nghttp2_session *session, int32_t stream_id, uint8_t *out, size_t n,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    const struct http_stream *stream = source->ptr;
    (void)session;
    (void)stream_id;
    (void)out;
    (void)user;
    const size_t left = body_left(stream);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (left <= n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(left < n ? left : n);
}

int http_h2_send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                      size_t n, nghttp2_data_source *source, void *user)
{
    struct http_stream *stream = source->ptr;
    struct http_conn *conn = user;
    (void)session;
    (void)frame; /* no padding: there is no callback that asks for it */
    if (conn->out.n >= HTTP_H2_OUT_HIGH_BYTES)
        return NGHTTP2_ERR_WOULDBLOCK;
    struct hf_buf *out = http_conn_out(conn);
    hf_buf_put(out, frame_head, FRAME_HEAD_BYTES);
    hf_buf_put(out, stream->answer.p + stream->body_at + stream->body_sent, n);
    if (hf_buf_err(out) != HF_OK)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    stream->body_sent += n;
    http_deadline_set(&conn->loop->deadlines, &stream->deadline, HTTP_DEADLINE_STREAM_WRITE,
                      conn->loop->now);
    return 0;
}

static size_t list_fields(const struct http_stream *stream, nghttp2_nv *fields, size_t max)
{
    struct hf_reader reader = hf_reader_of(hf_buf_view(&stream->answer));
    size_t count = 0;
    while (count < stream->answer_fields && count < max) {
        const hf_bytes name = hf_read_field16(&reader, SIZE_MAX);
        const hf_bytes value = hf_read_field32(&reader, SIZE_MAX);
        /* nghttp2 copies, and asks for pointers to what it does not change. */
        fields[count++] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.p,
                                        .value = (uint8_t *)(uintptr_t)value.p,
                                        .namelen = name.n,
                                        .valuelen = value.n };
    }
    return count;
}

void http_h2_submit_answer(struct http_stream *stream)
{
    nghttp2_session *session = stream->conn->h2.session;
    nghttp2_nv fields[HTTP_RESPONSE_HEADERS_MAX + OWN_FIELDS];
    const nghttp2_data_provider body = { .source = { .ptr = stream }, .read_callback = read_body };
    http_list_remove(&stream->queue_link);
    http_conn_touch(stream->conn);
    int result = NGHTTP2_ERR_NOMEM;
    if (hf_buf_err(&stream->answer) == HF_OK) {
        const size_t count = list_fields(stream, fields, HF_ARRAY_LEN(fields));
        result = nghttp2_submit_response(session, stream->id, fields, count,
                                         body_left(stream) > 0 ? &body : NULL);
    }
    if (result != 0)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id,
                                        NGHTTP2_INTERNAL_ERROR);
    http_deadline_set(&stream->conn->loop->deadlines, &stream->deadline, HTTP_DEADLINE_STREAM_WRITE,
                      stream->conn->loop->now);
}

void http_h2_hold_answer(struct http_stream *stream)
{
    http_conn_hold(stream->conn);
    http_list_remove(&stream->queue_link);
    http_list_append(&stream->conn->h2.answered, &stream->queue_link);
}
