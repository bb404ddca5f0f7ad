/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a loop and how they hang together:
 *
 *   server ─ loops ─ connections ─ protocol engine (h1 or h2) ─ slots
 *
 * A slot is one request under way; its public part is struct http_exchange.
 *
 * Bytes go socket → transport → engine → handler; answers go handler → engine → conn->out →
 * transport. Engines (h1.c, h2.c, h2_answer.c, slot.c, budget.c, response.c) do no I/O and know no
 * libuv: they change the connection's state and its out buffer, and mark it touched. conn.c and
 * loop.c do the rest when control is back there. Nothing is freed inside a callback of an engine.
 *
 * Threads: everything here belongs to one loop, but struct http_server, which says so per member.
 */
#pragma once

#include "base/secret.h"
#include "http/chunked.h"
#include "http/deadline.h"
#include "http/head.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/list.h"
#include "http/peers.h"
#include "http/pool.h"
#include "http/tls.h"

#include <nghttp2/nghttp2.h>
#include <stdatomic.h>
#include <uv.h>

struct http_conn;
struct http_slot;
struct http_stream;

/* --- one request ------------------------------------------------------------------------------ */

/* A reusable place for one request under way; the loop keeps spare ones. */
struct http_slot {
    struct http_exchange exchange;
    struct http_conn *conn;      /* NULL once the connection is gone */
    struct http_stream *stream;  /* HTTP/2: NULL once the stream is gone */
    struct http_link link;       /* in the connection's slots, loop->orphans or loop->spare_slots */
    struct hf_buf head;          /* secret: the head's bytes; request views point into it */
    struct http_header *headers; /* room for max_headers */
    struct hf_buf body;          /* secret */
    size_t body_max;             /* from body_limit */
    size_t body_expected;        /* announced length; 0 if not known */
    size_t charged;              /* bytes of the budgets; whole units */
    bool is_head_complete;       /* the exchange may be shown to callbacks */
    bool is_dispatched;          /* the handler has it, and must answer */
};

struct http_slot *http_slot_take(struct http_conn *conn); /* NULL when out of memory or budget */
/* Clears the request and makes the slot spare (or frees it). */
void http_slot_release(struct http_slot *slot);
/* The connection goes: released, or, if the handler has it, kept until it is answered. */
void http_slot_abandon(struct http_slot *slot);
void http_slot_destroy(struct http_slot *slot);
/* The head is complete: asks for the body limit. */
void http_slot_head_done(struct http_slot *slot);
/* A body of n bytes is announced; nothing is set aside for it yet. Returns 0, or the status to
 * answer: 413, 503. */
HF_MUST int http_slot_expect_body(struct http_slot *slot, uint64_t n);
/* Appends to the body. Returns 0, or the status to answer: 413, 503. */
HF_MUST int http_slot_put_body(struct http_slot *slot, hf_bytes data);
/* Gives the complete request to the handler, which may answer (and so release the slot) before
 * this returns. */
void http_slot_dispatch(struct http_slot *slot);
/* This layer answers the request itself: tells callbacks.refused. True if it was told, so that the
 * answer must be held for before_flush. */
bool http_slot_tell_refused(struct http_slot *slot, int status);

/* --- memory budgets --------------------------------------------------------------------------- */

/* Counts the slot with `more` bytes than it holds now, in the connection's, its address's and the
 * server's budget. False if one of them does not allow it. */
HF_MUST bool http_slot_charge(struct http_slot *slot, size_t more);
/* The slot is empty: takes all of it back. */
void http_slot_discharge(struct http_slot *slot);
/* The connection goes and the handler still has the slot: it counts for the server only. */
void http_slot_discharge_conn(struct http_slot *slot);
/* False if an announced n bytes would not fit now. */
bool http_slot_could_charge(const struct http_slot *slot, uint64_t n);
/* False while peers have not taken too much of what was answered. */
bool http_conn_may_begin(const struct http_conn *conn);
/* Brings the budgets up to date with conn->answer_bytes and conn->out. */
void http_conn_count_answers(struct http_conn *conn);

/* --- answers ---------------------------------------------------------------------------------- */

/* Text for a status line; "Status" for unknown ones. */
const char *http_status_text(int status);
/* Answers of these have no body and no content-length (RFC 9110 §8.6). */
bool http_status_has_no_body(int status);
/* Names are tokens, values are printable: nothing in them can start another header. */
bool http_response_is_valid(const struct http_response *response);
/* The loop's date line value, renewed each second. */
hf_str http_loop_date(struct http_loop *loop);
/* Head and, unless the request was a HEAD, body as HTTP/1.1. */
void http_response_write(struct http_loop *loop, const struct http_response *response, bool is_head,
                         bool close, struct hf_buf *out);
/* An error of this layer's own, with its body made by write_error into *body (initialised here;
 * the caller ends it). */
struct http_response http_response_error(struct http_loop *loop, int status, struct hf_buf *body);

/* --- connections ------------------------------------------------------------------------------ */

enum http_io {
    HTTP_IO_OK,
    HTTP_IO_WAIT, /* nothing now; the socket will say when */
    HTTP_IO_CLOSED,
};

/* How bytes get to the peer: TLS, plain (local socket), or none (tests). */
struct http_transport {
    enum http_io (*handshake)(struct http_conn *conn);
    enum http_io (*read)(struct http_conn *conn, void *buffer, size_t size, size_t *out_n);
    enum http_io (*write)(struct http_conn *conn, const void *bytes, size_t n, size_t *out_n);
    bool (*has_pending)(const struct http_conn *conn); /* input was read from the socket already */
    void (*end)(struct http_conn *conn);               /* says goodbye: nothing is sent after it */
};
extern const struct http_transport http_transport_tls;
extern const struct http_transport http_transport_plain;

/* What conn.c asks of an engine. */
struct http_protocol {
    /* Takes input; returns how much of it was consumed. */
    size_t (*receive)(struct http_conn *conn, hf_bytes in);
    void (*respond)(struct http_conn *conn, struct http_slot *slot,
                    const struct http_response *response);
    /* The turn's held answers may leave. */
    void (*release)(struct http_conn *conn);
    /* They must not: 503 instead, then the end. */
    void (*refuse_held)(struct http_conn *conn);
    /* Appends frames to conn->out. */
    void (*produce)(struct http_conn *conn);
    /* Which deadline the present state needs; HTTP_DEADLINE_NONE for none. */
    enum http_deadline_kind (*awaits)(const struct http_conn *conn);
    /* A deadline of the connection passed. */
    void (*expire)(struct http_conn *conn, enum http_deadline_kind kind);
    /* The server stops: finish what is under way. */
    void (*drain)(struct http_conn *conn);
    /* The connection goes. */
    void (*detach)(struct http_conn *conn);
};
extern const struct http_protocol http_protocol_h1;
extern const struct http_protocol http_protocol_h2;

enum http_conn_state {
    HTTP_CONN_HANDSHAKE,
    HTTP_CONN_OPEN,
    HTTP_CONN_FINISHING, /* sends what is in out, takes no input */
    HTTP_CONN_LINGER,    /* all is sent; drops input until the peer closes */
    HTTP_CONN_CLOSED,    /* waits for libuv to let go of the handle */
};

enum http_h1_state {
    HTTP_H1_HEAD,
    HTTP_H1_BODY,
    HTTP_H1_ANSWER, /* the handler has the request */
    HTTP_H1_END,    /* the last answer is written */
};

struct http_h1 {
    enum http_h1_state state;
    struct http_lines lines;
    struct http_framing framing;
    struct http_chunked chunked;
    uint64_t body_left;     /* of a body with a length */
    struct http_slot *slot; /* NULL between requests */
};

struct http_h2 {
    nghttp2_session *session;
    void *frame_buffer; /* the session's, not in secret memory: its own mapping, or NULL */
    size_t frame_buffer_bytes;
    bool is_broken;            /* the session must not be used any more */
    struct http_link streams;  /* all open ones */
    struct http_link answered; /* streams whose answer is held */
    struct http_link waiting;  /* streams whose request is complete, until answers are taken */
    struct http_stream *large; /* its answer is the one that does not count; NULL for none */
    size_t slot_count;         /* requests under way; those of reset streams as well */
    size_t control_frames;     /* since the last request */
    int64_t resets_left;       /* budget */
    hf_usec resets_filled;     /* when the budget was last filled up */
};

/* Threads: its loop. */
struct http_conn {
    struct http_loop *loop;
    enum http_conn_state state;
    const struct http_transport *transport;
    const struct http_protocol *protocol;
    struct http_link link;         /* loop->conns */
    struct http_link touched_link; /* loop->touched */
    struct http_link slots;        /* requests under way */
    struct http_deadline deadline;
    int fd;
    SSL *ssl;
    uv_poll_t poll;
    int events; /* what poll looks for now */
    uint64_t peer_key;
    struct http_usage *peer_usage; /* of its address; NULL: local, or a test's */
    struct http_peer peer;
    enum http_tls_version tls;
    struct hf_buf out;       /* secret; memory only while there is something to send */
    size_t out_sent;         /* bytes of out that are sent */
    size_t held_from;        /* where this turn's held answers start in out, if held > 0 */
    size_t held;             /* answers waiting for before_flush */
    struct hf_buf pending;   /* secret: input ahead of its turn */
    bool is_paused;          /* not read for a while */
    bool is_held_back;       /* the next request came while it was */
    bool peer_wants_close;   /* said so itself: no need to linger */
    size_t request_bytes;    /* charged by slots besides `large` */
    struct http_slot *large; /* the request whose body does not count here; NULL for none */
    size_t answer_bytes;     /* of answers that the engine keeps outside of out */
    size_t answers_charged;  /* of the budgets */
    struct http_h1 h1;
    struct http_h2 h2;
};

/* Puts the connection on the list of those that are looked at when the turn ends. */
void http_conn_touch(struct http_conn *conn);
/* One more answer is held until before_flush. */
void http_conn_hold(struct http_conn *conn);
/* Send what is in out, then end. */
void http_conn_finish(struct http_conn *conn);
/* The out buffer; one that is shared by turns if it has no memory yet. */
struct hf_buf *http_conn_out(struct http_conn *conn);

/* fd is accepted, non-blocking, and the connection's from now on. key, usage: of http_peers_enter(). */
void http_conn_open(struct http_loop *loop, int fd, const struct http_peer *peer, uint64_t key,
                    struct http_usage *usage);
void http_conn_close(struct http_conn *conn);
void http_conn_expire(struct http_conn *conn);
void http_conn_drain(struct http_conn *conn);
/* End of turn, first for all touched connections: before_flush has spoken. */
void http_conn_decide(struct http_conn *conn, bool may_leave);
/* Then: sends, goes on with pending input. */
void http_conn_flush(struct http_conn *conn);
/* Without I/O, for tests: states as after accept, but nothing behind it. */
void http_conn_init(struct http_conn *conn, struct http_loop *loop);
/* Gives input to the engine, keeps what is ahead of its turn. False if that is too much. */
HF_MUST bool http_conn_feed(struct http_conn *conn, hf_bytes in);

/* Makes it an HTTP/2 connection; false when out of memory. */
HF_MUST bool http_h2_init(struct http_conn *conn);
void http_h2_stream_expire(struct http_deadline *deadline);
void http_h2_free_spare_streams(struct http_loop *loop);

/* --- loops ------------------------------------------------------------------------------------ */

struct http_listener {
    struct http_loop *loop;
    int fd;
    bool is_local;
    bool is_open; /* the handle is initialised */
    uv_poll_t poll;
    struct http_deadline rest; /* while accepting pauses */
};

enum http_loop_state {
    HTTP_LOOP_NEW,
    HTTP_LOOP_RUNNING,
    HTTP_LOOP_DRAINING,
    HTTP_LOOP_DRAINED,
    HTTP_LOOP_ENDING,
};

/* Threads: its own, but queue and wake: any. */
struct http_loop {
    struct http_server *server;
    size_t index;
    enum http_loop_state state;
    pthread_t thread;
    bool has_thread;
    bool has_handles;
    uv_loop_t uv;
    uv_prepare_t turn_end;
    uv_timer_t timer;
    uv_async_t wake;
    struct hf_queue queue;
    hf_usec now;          /* monotonic, of the present event */
    hf_usec turn_started; /* 0 between turns */
    hf_usec turn_ended;   /* the last one */
    hf_usec timer_at;     /* when timer fires; INT64_MAX when it is off */
    struct http_deadlines deadlines;
    struct http_deadline drain_deadline;
    struct http_listener *listeners;
    size_t listener_count;
    struct http_link conns;
    struct http_link touched;
    struct http_link orphans; /* slots whose connection is gone */
    struct http_link spare_slots;
    size_t spare_slot_count;
    struct http_link spare_streams;
    struct hf_buf spare_buffers[HTTP_SPARE_BUFFERS_MAX];
    size_t spare_buffer_count;
    size_t held; /* answers waiting for before_flush, also those that have no connection left */
    uint8_t *scratch; /* secret memory, HTTP_SCRATCH_BYTES */
    SSL_CTX *tls;
    uint64_t tls_version;
    struct hf_clock clock;
    int64_t date_second;
    struct hf_buf date;
    struct http_task drain_task;
    struct http_task end_task;
    atomic_uint_fast64_t requests; /* written here, read anywhere */
};

hf_err http_loop_init(struct http_loop *loop, struct http_server *server, size_t index);
/* The parts that engines need; no libuv. */
hf_err http_loop_init_core(struct http_loop *loop, struct http_server *server, size_t index);
void http_loop_done_core(struct http_loop *loop);
hf_err http_loop_start(struct http_loop *loop);
void http_loop_done(struct http_loop *loop);
/* Takes the time of an event; the first one begins a turn. */
void http_loop_begin_event(struct http_loop *loop);
/* The current TLS context; the loop's reference. */
SSL_CTX *http_loop_tls(struct http_loop *loop);
/* Buffers that many connections share one after the other. */
struct hf_buf http_loop_take_buffer(struct http_loop *loop);
void http_loop_give_buffer(struct http_loop *loop, struct hf_buf *buf);

/* --- server ----------------------------------------------------------------------------------- */

enum http_server_state {
    HTTP_SERVER_NEW,
    HTTP_SERVER_STARTED,
    HTTP_SERVER_STOPPED,
};

/* The local socket's file, removed at the end if it is still ours. */
struct http_local {
    char *path; /* NULL: none */
    int fd;     /* -1 once a loop has it */
    dev_t device;
    ino_t inode;
};

HF_MUST hf_err http_local_open(struct http_local *local, const char *path, struct hf_diag *diag);
void http_local_close(struct http_local *local);

/* Binds one address for each loop: fds has room for `loops`. Fails: HF_E_INVALID, HF_E_BUSY,
 * HF_E_FORBIDDEN, HF_E_IO. */
HF_MUST hf_err http_listen_bind(const struct http_config *config, size_t index, size_t loops,
                                struct hf_diag *diag, int *fds, int *out_port);
/* How many addresses there are, and whether each can be read. */
HF_MUST hf_err http_listen_check(const struct http_config *config, struct hf_diag *diag);
/* "address:port" with a numeric address; v6 in brackets. */
HF_MUST hf_err http_listen_parse(hf_str text, struct sockaddr_storage *out, socklen_t *out_n);

struct http_server {
    struct http_config config; /* immutable; text members are not used after http_server_new() */
    struct http_callbacks callbacks; /* immutable */
    enum http_server_state state;    /* the owner's thread */
    struct http_loop *loops;
    size_t loop_count;
    int ports[HTTP_LISTEN_MAX];
    struct http_local local;
    bool has_tls; /* there is a TCP listener */
    struct http_tls tls;
    struct http_peers peers;
    struct http_pool pool;
    struct http_pool
        long_pool;           /* half as many threads: what is short is never behind what is long */
    struct http_usage usage; /* memory of all requests and answers */
    atomic_uint_fast64_t connections_open;
    atomic_uint_fast64_t connections_total;
    atomic_uint_fast64_t connections_refused;
    pthread_mutex_t m;
    pthread_cond_t drained;
    size_t loops_drained; /* under m */
};

void http_server_loop_drained(struct http_server *server);
