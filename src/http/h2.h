/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 streams, shared by h2.c (requests) and h2_answer.c (answers).
 */
#pragma once

#include "http/internal.h"

enum pseudo_field {
    PSEUDO_METHOD,
    PSEUDO_SCHEME,
    PSEUDO_AUTHORITY,
    PSEUDO_PATH,
    PSEUDO_COUNT_,
};

struct field_span {
    size_t offset; /* into the slot's head */
    size_t n;
};

/* Threads: its connection's loop. */
struct http_stream {
    struct http_link link;       /* conn->h2.streams or loop->spare_streams */
    struct http_link queue_link; /* conn->h2.answered or conn->h2.waiting */
    struct http_deadline deadline;
    struct http_conn *conn;
    struct http_slot *slot; /* NULL once answered */
    int32_t id;
    int refusal; /* status to answer once the head is complete; 0 for none */
    struct field_span pseudo[PSEUDO_COUNT_];
    size_t fields_at; /* where the ordinary fields start in the slot's head; 0 before the first */
    size_t field_count;
    struct hf_buf answer; /* secret: fields as length and text, then the body */
    size_t answer_fields;
    size_t body_at;   /* in answer */
    size_t body_sent; /* bytes put into conn->out */
    size_t cost;      /* of conn->answer_bytes */
    int status;
    bool is_head;
    bool is_request_complete;
    bool is_answer_sent;
};

/* Copies the whole answer into the stream and counts it. */
void http_h2_keep_answer(struct http_stream *stream, const struct http_response *response);
/* The kept answer waits for before_flush. */
void http_h2_hold_answer(struct http_stream *stream);
/* The kept answer may leave. */
void http_h2_submit_answer(struct http_stream *stream);
/* What the stream's answer costs now: 0 when the stream goes. */
void http_h2_count_answer(struct http_stream *stream, size_t cost);
/* Of answers that the peer has not taken, besides the large one: no further request begins. */
bool http_h2_has_many_answers(const struct http_conn *conn);
/* nghttp2's: a whole DATA frame straight into the output; asked again later if that is full. */
int http_h2_send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                      size_t n, nghttp2_data_source *source, void *user);
