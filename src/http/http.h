/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: loop threads with their own listeners, TLS 1.2/1.3, HTTP/1.1 and HTTP/2 chosen
 * by ALPN, limits on everything. It turns bytes into requests and responses into bytes, and knows
 * no vaults.
 *
 * One request is one exchange. The handler runs on the exchange's loop thread and answers at once
 * or later; an answer is given exactly once, on that same thread, by http_respond(). An exchange
 * whose connection went away meanwhile stays valid until it is answered; the answer is then
 * dropped.
 *
 * Answers given during one turn of the loop are held back until its end; then the `before_flush`
 * hook runs once, and only if it succeeds do the answers leave (the audit log is written there).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"
#include "http/header.h"

#include <sys/types.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* any other token; never routed */
};

/* "GET", …; "OTHER" for HTTP_OTHER. */
hf_str http_method_name(enum http_method method);
/* Exact, case-sensitive (RFC 9110 §9.1); HTTP_OTHER if unknown. */
enum http_method http_method_parse(hf_str text);

enum http_tls_version {
    HTTP_TLS_NONE, /* a local (unix) connection */
    HTTP_TLS_1_2,
    HTTP_TLS_1_3,
};

struct http_peer {
    /* numeric IPv4 or IPv6 (mapped IPv4 as IPv4), terminated; "" on a local connection */
    char address[46];
    uint64_t key;  /* the address as a number, an IPv6 one by its first 64 bits; 0 if is_local */
    bool is_local; /* came over the unix socket */
    uid_t uid;     /* of the process at the other end; valid if is_local */
};

/* Views live until the exchange is answered. */
struct http_request {
    enum http_method method;
    int version; /* 11 or 20 */
    enum http_tls_version tls;
    hf_str path;  /* origin form, still percent-encoded, starts with '/' */
    hf_str query; /* without '?', still encoded; empty if none */
    hf_str host;  /* Host or :authority, lower case, without port; IPv6 keeps its brackets */
    int port;     /* of the authority; 0 if none was given */
    const struct http_header *headers;
    size_t header_count;
    hf_bytes body; /* complete; lives in secret memory, cleared after the exchange */
    struct http_peer peer;
};

struct http_loop; /* one loop thread */
struct http_server;

struct http_exchange {
    struct http_request request;
    struct hf_arena *arena; /* of this request; reset after the answer was serialised */
    struct http_loop *loop;
    size_t loop_index; /* 0 … loops-1 */
    hf_usec started;   /* hf_monotonic_now() when the head was complete */
    bool held_back;    /* it came during a pause of its connection: see http_response */
    void *user;        /* the handler's own */
};

/* p == NULL if absent. name in lower case. The first one if repeated. */
hf_str http_request_header(const struct http_request *request, hf_str name);

struct http_response {
    int status;
    const struct http_header *headers; /* besides date, content-length, connection */
    size_t header_count;
    hf_bytes body;
    bool close; /* end the connection (HTTP/1.1) or stream afterwards */
    /* HTTP/1.1: the connection is not read for a second; not for local ones */
    bool pause;
};

/*
 * Answers. Everything in *response is copied before the call returns, then the arena is reset and
 * *exchange is gone. Threads: the exchange's loop.
 */
void http_respond(struct http_exchange *exchange, const struct http_response *response);

/* Work to be run on a loop thread; post from any thread. Intrusive, owned by the receiver until
 * run. */
struct http_task {
    struct hf_queue_item item; /* internal */
    void (*run)(struct http_task *task);
};
void http_loop_post(struct http_loop *loop, struct http_task *task);

/*
 * Runs work->compute on one of the server's compute pools (slow cryptography), then work->finish on the
 * loop.
 */
struct http_work {
    bool is_long; /* seconds, not milliseconds: has threads and a queue of its own */
    void (*compute)(struct http_work *work); /* pool thread */
    void (*finish)(struct http_work *work);  /* loop thread */
    struct http_task task;                   /* internal */
    struct http_loop *loop;                  /* internal */
};
/* Fails: HF_E_UNAVAILABLE when the pool's queue is full. */
HF_MUST hf_err http_loop_compute(struct http_loop *loop, struct http_work *work);
/*
 * The drain of a stopping server is over: what is handed to another thread now does not come back, so
 * nothing may be begun that a call has to answer for. Any thread.
 */
bool http_loop_is_ending(struct http_loop *loop);

struct http_callbacks {
    void *context;
    /* A complete request. Must lead to exactly one http_respond(). */
    void (*handle)(void *context, struct http_exchange *exchange);
    /* Largest body accepted for a request, once its head is known (bytes); 413 beyond. Body
     * views are not set yet. */
    size_t (*body_limit)(void *context, struct http_exchange *exchange);
    /* The body of an error that http itself answers (400, 408, 413, 414, 417, 431, 500, 503, 505):
     * appends JSON to out. Such answers are not held for before_flush unless `refused` was told. */
    void (*write_error)(void *context, int status, struct hf_buf *out);
    /* Once per loop turn before answers leave, if handlers gave any (also if their connections
     * went away meanwhile). On failure none of them leaves: each of their connections
     * gets a 503 (made with write_error) and is closed. Once more in the same turn if sending made
     * room for further requests and they were answered. */
    hf_err (*before_flush)(void *context, size_t loop_index);
    /* Loop thread start and end; may be NULL. */
    void (*loop_started)(void *context, size_t loop_index);
    void (*loop_stopped)(void *context, size_t loop_index);
    /* A request whose head was complete and well-formed gets `status` from this layer instead of
     * going to the handler: 400 (body not well-formed), 408 (body too slow), 413, 417, 431
     * (trailers), 503 (no memory for it). Called after body_limit, before that answer is made; the
     * answer is then held for before_flush like a handler's. The exchange has no body, must not be
     * answered, and is gone afterwards. May be NULL. */
    void (*refused)(void *context, struct http_exchange *exchange, int status);
    /* The same for a request whose head was not complete or not well-formed: there is nothing to
     * show of it. May be NULL. */
    void (*incomplete)(void *context, size_t loop_index, int status);
    /* A turn of the loop is over, its answers are sent as far as the sockets take them. had_waited:
     * before the turn there was nothing to do for a good part of its length. May be NULL. */
    void (*turn_ended)(void *context, size_t loop_index, hf_usec now, hf_usec duration,
                       bool had_waited);
};

/* When the loop's present turn began (monotonic). Threads: the loop. */
hf_usec http_loop_turn_started(const struct http_loop *loop);

struct http_config {
    const char *const *listen; /* "127.0.0.1:8443", "[::]:443"; port 0 takes any free one */
    size_t listen_count;
    const char *certificate_file; /* PEM chain */
    const char *key_file;         /* PEM */
    /* path of the unix socket, NULL for none; made with mode 0600; no TLS */
    const char *local_socket;
    size_t loops;           /* 0: one per core */
    size_t compute_threads; /* 0: one per core */
    size_t max_connections;
    size_t max_connections_per_address;
    size_t max_header_bytes; /* request line and headers; 431 (414 for the target) beyond */
    size_t max_headers;
    /* Bytes of all requests that are not answered yet: heads, bodies, and their places (12 KiB
     * each); and once more that much for answers not sent yet. 503 (HTTP/2: REFUSED_STREAM) beyond.
     * One address gets at most a quarter of it: the largest body should be smaller than that. Local
     * connections are counted and not refused. */
    size_t max_body_memory;
    hf_usec handshake_timeout;
    hf_usec header_timeout; /* from the first byte of a request to its complete head; 408 */
    hf_usec body_timeout;   /* from the head to the complete body; 408 */
    hf_usec idle_timeout;   /* keep-alive without a request */
    hf_usec write_timeout;  /* no progress in sending */
    hf_usec drain_timeout;  /* on stop: for requests under way; 0 closes at once */
};

/*
 * Reads the addresses, loads the certificate with its key, and binds nothing: what of config's listen, certificate_file and
 * key_file http_server_new() would refuse. Fails: HF_E_INVALID, HF_E_NOT_FOUND, HF_E_FORBIDDEN.
 */
HF_MUST hf_err http_server_check(const struct http_config *config, struct hf_diag *diag);
/*
 * Binds the listeners, loads the certificate, starts nothing. Fails: HF_E_INVALID (diag names the
 * setting), HF_E_BUSY (address in use), HF_E_IO, HF_E_FORBIDDEN.
 */
HF_MUST hf_err http_server_new(const struct http_config *config,
                               const struct http_callbacks *callbacks, struct hf_diag *diag,
                               struct http_server **out);
/* Starts the loop and pool threads. */
HF_MUST hf_err http_server_start(struct http_server *server);
/* The port of listener `index` (useful after port 0). */
int http_server_port(const struct http_server *server, size_t index);
size_t http_server_loops(const struct http_server *server);
struct http_loop *http_server_loop(struct http_server *server, size_t index);
/* New connections get the certificate now in the files; on failure the old one stays. Threads:
 * any. */
HF_MUST hf_err http_server_reload_certificate(struct http_server *server, struct hf_diag *diag);
/*
 * Graceful: stop accepting, finish requests under way (GOAWAY, Connection: close), close, join all
 * threads. Not from a loop. Tasks posted before this returns from other threads still run if they
 * come before the loops' end; later ones are never run (post none once it has returned, nor after
 * http_server_free()). Exchanges not answered by then are freed by http_server_free().
 */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);

/* Counters since start. Threads: any. */
struct http_stats {
    uint64_t connections_open;
    uint64_t connections_total;
    uint64_t connections_refused;
    uint64_t requests_total;
};
struct http_stats http_server_stats(const struct http_server *server);
