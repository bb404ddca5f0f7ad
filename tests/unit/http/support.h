/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary folder with a certificate, a server with a small handler, and a blocking client with
 * or without TLS.
 */
#pragma once

#include "http/http.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#define FIXTURE_PATH_MAX 256

/*
 * Paths: "/" answers at once; "/echo" the body; "/defer" from another thread; "/compute" from the
 * pool; "/compute-until-the-end" so long that the drain gives it up; "/keep" stays in fixture.kept
 * until released; "/big" 4 MiB; "/close" ends the connection; "/tls" the protocol's version and the
 * peer.
 */
struct fixture {
    char folder[FIXTURE_PATH_MAX];
    char certificate[FIXTURE_PATH_MAX];
    char key[FIXTURE_PATH_MAX];
    char socket_path[FIXTURE_PATH_MAX];
    const char *listen[1];
    struct http_config config;
    struct http_callbacks callbacks;
    struct http_server *server;
    atomic_bool refuses_flush;
    atomic_size_t handled;
    atomic_size_t flushes;
    atomic_size_t stopped_loops;
    atomic_size_t ended; /* computations that came back to a loop that knew of the end */
    _Atomic(struct http_exchange *) kept;
};

/* Default configuration, files made, nothing started. */
void fixture_init(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
/* Stops the server, removes everything. */
void fixture_done(struct fixture *fixture);
/* A new key and certificate in the same files. */
void fixture_renew_certificate(struct fixture *fixture);
/* Answers the kept exchange, from its loop. */
void fixture_release(struct fixture *fixture);
/* Until a counter has that value; gives up after some seconds. */
void wait_for(const atomic_size_t *counter, size_t value);

struct client {
    SSL_CTX *context;
    SSL *ssl; /* NULL: plain */
    int fd;
};

/* TCP with TLS; alpn is one protocol's name or NULL. False if the connection is refused or the
 * handshake fails. */
bool client_open(struct client *client, const struct fixture *fixture, const char *alpn);
bool client_open_version(struct client *client, const struct fixture *fixture, int version);
bool client_open_local(struct client *client, const struct fixture *fixture);
/* TCP alone. */
bool client_open_raw(struct client *client, const struct fixture *fixture);
void client_close(struct client *client);
void client_send(struct client *client, const char *text);
/* One whole answer by its content-length into a static buffer, terminated; "" at the end of the
 * connection. */
const char *client_receive(struct client *client);
/* True if the peer closes without another byte. */
bool client_is_closed(struct client *client);
