/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server and client for the socket tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BIG_BYTES ((size_t)4 << 20)
#define RECEIVE_MAX_BYTES ((size_t)5 << 20)
#define RECEIVE_TIMEOUT_SEC 20

/* --- server ----------------------------------------------------------------------------------- */

struct deferred {
    struct http_task task;
    struct http_work work;
    struct http_exchange *exchange;
    pthread_t thread;
    struct fixture *fixture; /* "/compute-until-the-end" only */
};

static void answer(struct http_exchange *exchange, hf_bytes body, bool close)
{
    const struct http_header header = { HF_LIT("Content-Type"), HF_LIT("text/plain") };
    const struct http_response response = {
        .status = 200,
        .headers = &header,
        .header_count = 1,
        .body = body,
        .close = close,
    };
    http_respond(exchange, &response);
}

static void answer_text(struct http_exchange *exchange, const char *text)
{
    answer(exchange, hf_str_bytes(hf_str_from_c(text)), false);
}

static void run_deferred(struct http_task *task)
{
    struct deferred *deferred = HF_CONTAINER_OF(task, struct deferred, task);
    pthread_join(deferred->thread, NULL);
    answer_text(deferred->exchange, "deferred");
    free(deferred);
}

static void *post_from_thread(void *argument)
{
    struct deferred *deferred = argument;
    http_loop_post(deferred->exchange->loop, &deferred->task);
    return NULL;
}

static void defer(struct http_exchange *exchange)
{
    struct deferred *deferred = calloc(1, sizeof(*deferred));
    assert_non_null(deferred);
    deferred->exchange = exchange;
    deferred->task.run = run_deferred;
    assert_int_equal(hf_thread_start(&deferred->thread, "poster", post_from_thread, deferred),
                     HF_OK);
}

static void compute(struct http_work *work)
{
    struct deferred *deferred = HF_CONTAINER_OF(work, struct deferred, work);
    deferred->exchange->user = deferred;
}

static void finish_compute(struct http_work *work)
{
    struct deferred *deferred = HF_CONTAINER_OF(work, struct deferred, work);
    answer_text(deferred->exchange,
                deferred->exchange->user == deferred ? "computed" : "not computed");
    free(deferred);
}

static void start_compute(struct http_exchange *exchange)
{
    struct deferred *deferred = calloc(1, sizeof(*deferred));
    assert_non_null(deferred);
    deferred->exchange = exchange;
    deferred->work.compute = compute;
    deferred->work.finish = finish_compute;
    assert_int_equal(http_loop_compute(exchange->loop, &deferred->work), HF_OK);
}

/* Ends when the server does, and never if nobody is told so. */
static void compute_to_the_end(struct http_work *work)
{
    while (!http_loop_is_ending(work->loop))
        (void)sched_yield();
}

static void finish_at_the_end(struct http_work *work)
{
    struct deferred *deferred = HF_CONTAINER_OF(work, struct deferred, work);
    if (http_loop_is_ending(work->loop))
        atomic_fetch_add(&deferred->fixture->ended, 1);
    finish_compute(work);
}

static void compute_until_the_end(struct fixture *fixture, struct http_exchange *exchange)
{
    struct deferred *deferred = calloc(1, sizeof(*deferred));
    assert_non_null(deferred);
    assert_false(http_loop_is_ending(exchange->loop));
    deferred->fixture = fixture;
    deferred->exchange = exchange;
    deferred->work.compute = compute_to_the_end;
    deferred->work.finish = finish_at_the_end;
    assert_int_equal(http_loop_compute(exchange->loop, &deferred->work), HF_OK);
}

static void answer_big(struct http_exchange *exchange)
{
    uint8_t *big = malloc(BIG_BYTES);
    assert_non_null(big);
    memset(big, 'b', BIG_BYTES);
    answer(exchange, (hf_bytes){ big, BIG_BYTES }, false);
    free(big);
}

static void answer_tls(struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    const hf_str text = hf_arena_printf(exchange->arena, "tls=%d local=%d uid=%d address=%s",
                                        (int)request->tls, request->peer.is_local,
                                        (int)request->peer.uid, request->peer.address);
    answer(exchange, hf_str_bytes(text), false);
}

static bool is_path(const struct http_exchange *exchange, const char *path)
{
    return hf_str_equal(exchange->request.path, hf_str_from_c(path));
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct fixture *fixture = context;
    if (is_path(exchange, "/echo"))
        answer(exchange, exchange->request.body, false);
    else if (is_path(exchange, "/defer"))
        defer(exchange);
    else if (is_path(exchange, "/compute"))
        start_compute(exchange);
    else if (is_path(exchange, "/compute-until-the-end"))
        compute_until_the_end(fixture, exchange);
    else if (is_path(exchange, "/keep"))
        atomic_store(&fixture->kept, exchange);
    else if (is_path(exchange, "/big"))
        answer_big(exchange);
    else if (is_path(exchange, "/tls"))
        answer_tls(exchange);
    else if (is_path(exchange, "/close"))
        answer(exchange, hf_str_bytes(HF_LIT("bye")), true);
    else
        answer_text(exchange, "hello");
    atomic_fetch_add(&fixture->handled, 1);
}

static size_t body_limit(void *context, struct http_exchange *exchange)
{
    (void)context;
    return hf_str_equal(exchange->request.path, HF_LIT("/echo")) ? (size_t)1 << 20 : 100;
}

static void write_error(void *context, int status, struct hf_buf *out)
{
    (void)context;
    hf_buf_putf(out, "{\"error\":%d}", status);
}

static hf_err before_flush(void *context, size_t loop_index)
{
    struct fixture *fixture = context;
    (void)loop_index;
    atomic_fetch_add(&fixture->flushes, 1);
    return atomic_load(&fixture->refuses_flush) ? HF_E_IO : HF_OK;
}

static void loop_stopped(void *context, size_t loop_index)
{
    struct fixture *fixture = context;
    (void)loop_index;
    atomic_fetch_add(&fixture->stopped_loops, 1);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"localhost", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

void fixture_renew_certificate(struct fixture *fixture)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *certificate = make_certificate(key);
    FILE *file = fopen(fixture->key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    file = fopen(fixture->certificate, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void make_paths(struct fixture *fixture)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(fixture->folder, sizeof(fixture->folder), "%.150s/hf-http-XXXXXX",
                   base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->certificate, FIXTURE_PATH_MAX, "%.200s/cert.pem", fixture->folder);
    (void)snprintf(fixture->key, FIXTURE_PATH_MAX, "%.200s/key.pem", fixture->folder);
    (void)snprintf(fixture->socket_path, FIXTURE_PATH_MAX, "%.200s/s", fixture->folder);
}

void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    make_paths(fixture);
    fixture_renew_certificate(fixture);
    fixture->listen[0] = "127.0.0.1:0";
    fixture->config = (struct http_config){
        .listen = fixture->listen,
        .listen_count = 1,
        .certificate_file = fixture->certificate,
        .key_file = fixture->key,
        .local_socket = fixture->socket_path,
        .loops = 2,
        .compute_threads = 1,
        .max_connections = 20,
        .max_connections_per_address = 10,
        .max_header_bytes = 4096,
        .max_headers = 32,
        .max_body_memory = (size_t)8 << 20,
        .handshake_timeout = 20 * HF_USEC_PER_SEC,
        .header_timeout = 20 * HF_USEC_PER_SEC,
        .body_timeout = 20 * HF_USEC_PER_SEC,
        .idle_timeout = 20 * HF_USEC_PER_SEC,
        .write_timeout = 20 * HF_USEC_PER_SEC,
        .drain_timeout = 20 * HF_USEC_PER_SEC,
    };
    fixture->callbacks = (struct http_callbacks){
        .context = fixture,
        .handle = handle,
        .body_limit = body_limit,
        .write_error = write_error,
        .before_flush = before_flush,
        .loop_stopped = loop_stopped,
    };
}

void fixture_start(struct fixture *fixture)
{
    struct hf_diag diag = { .text = "" };
    if (http_server_new(&fixture->config, &fixture->callbacks, &diag, &fixture->server) != HF_OK)
        fail_msg("%s: %s", diag.field, diag.text);
    assert_int_equal(http_server_start(fixture->server), HF_OK);
}

void fixture_done(struct fixture *fixture)
{
    http_server_free(fixture->server);
    assert_int_not_equal(access(fixture->socket_path, F_OK), 0);
    (void)unlink(fixture->certificate);
    (void)unlink(fixture->key);
    assert_int_equal(rmdir(fixture->folder), 0);
}

struct release {
    struct http_task task;
    struct http_exchange *exchange;
};

static void run_release(struct http_task *task)
{
    struct release *release = HF_CONTAINER_OF(task, struct release, task);
    answer_text(release->exchange, "kept");
    free(release);
}

void fixture_release(struct fixture *fixture)
{
    struct release *release = calloc(1, sizeof(*release));
    assert_non_null(release);
    release->task.run = run_release;
    release->exchange = atomic_exchange(&fixture->kept, NULL);
    assert_non_null(release->exchange);
    http_loop_post(release->exchange->loop, &release->task);
}

void wait_for(const atomic_size_t *counter, size_t value)
{
    const hf_usec end = hf_monotonic_now() + RECEIVE_TIMEOUT_SEC * HF_USEC_PER_SEC;
    while (atomic_load(counter) < value) {
        assert_true(hf_monotonic_now() < end);
        (void)sched_yield();
    }
}

/* --- client ----------------------------------------------------------------------------------- */

static bool connect_socket(struct client *client, const struct sockaddr *address, socklen_t n)
{
    const struct timeval timeout = { .tv_sec = RECEIVE_TIMEOUT_SEC };
    memset(client, 0, sizeof(*client));
    client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    (void)setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    return connect(client->fd, address, n) == 0;
}

bool client_open_raw(struct client *client, const struct fixture *fixture)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)http_server_port(fixture->server, 0)),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    return connect_socket(client, (const struct sockaddr *)&address, sizeof(address));
}

bool client_open_local(struct client *client, const struct fixture *fixture)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", fixture->socket_path);
    return connect_socket(client, (const struct sockaddr *)&address, sizeof(address));
}

/* A signal may end a blocking call early; then libssl wants the same call again. */
static bool is_interrupted(const struct client *client, ssize_t result)
{
    if (result > 0)
        return false;
    if (client->ssl == NULL)
        return result < 0 && errno == EINTR;
    const int reason = SSL_get_error(client->ssl, (int)result);
    return (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) && errno == EINTR;
}

static bool start_tls(struct client *client, int version, const char *alpn)
{
    unsigned char protocol[16] = { 0 };
    client->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(client->context);
    SSL_CTX_set_max_proto_version(client->context, version);
    if (version < TLS1_2_VERSION) {
        SSL_CTX_set_security_level(client->context, 0);
        SSL_CTX_set_min_proto_version(client->context, version);
    }
    client->ssl = SSL_new(client->context);
    assert_non_null(client->ssl);
    if (alpn != NULL) {
        const size_t n = strlen(alpn);
        protocol[0] = (unsigned char)n;
        memcpy(protocol + 1, alpn, n);
        SSL_set_alpn_protos(client->ssl, protocol, (unsigned)n + 1);
    }
    assert_int_equal(SSL_set_fd(client->ssl, client->fd), 1);
    int result;
    do {
        result = SSL_connect(client->ssl);
    } while (is_interrupted(client, result));
    return result == 1;
}

bool client_open(struct client *client, const struct fixture *fixture, const char *alpn)
{
    return client_open_raw(client, fixture) && start_tls(client, TLS1_3_VERSION, alpn);
}

bool client_open_version(struct client *client, const struct fixture *fixture, int version)
{
    return client_open_raw(client, fixture) && start_tls(client, version, NULL);
}

void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    (void)close(client->fd);
}

void client_send(struct client *client, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const ssize_t n = client->ssl != NULL ? SSL_write(client->ssl, text, (int)left)
                                              : send(client->fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* what the peer says about it is what the test looks at */
        text += n;
        left -= (size_t)n;
    }
}

static size_t receive_some(struct client *client, char *out, size_t n)
{
    ssize_t got;
    do {
        got = client->ssl != NULL ? SSL_read(client->ssl, out, (int)n)
                                  : recv(client->fd, out, n, 0);
    } while (is_interrupted(client, got));
    return got > 0 ? (size_t)got : 0;
}

static size_t body_size(const char *head)
{
    const char *length = strstr(head, "content-length: ");
    return length == NULL ? 0 : strtoul(length + sizeof("content-length: ") - 1, NULL, 10);
}

/* Byte by byte to the end of the head, so that nothing of the next answer is taken. */
const char *client_receive(struct client *client)
{
    static char answer_text_buffer[RECEIVE_MAX_BYTES];
    char *const out = answer_text_buffer;
    size_t n = 0;
    out[0] = '\0';
    while (n < 4 || memcmp(out + n - 4, "\r\n\r\n", 4) != 0) {
        if (receive_some(client, out + n, 1) == 0)
            return "";
        out[++n] = '\0';
    }
    const size_t end = n + body_size(out);
    assert_true(end < RECEIVE_MAX_BYTES);
    while (n < end) {
        const size_t got = receive_some(client, out + n, end - n);
        if (got == 0)
            return "";
        n += got;
    }
    out[n] = '\0';
    return out;
}

bool client_is_closed(struct client *client)
{
    char byte = 0;
    return receive_some(client, &byte, 1) == 0;
}
