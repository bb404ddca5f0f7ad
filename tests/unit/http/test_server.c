/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole server over real sockets: TLS, keep-alive, time-outs, limits, draining, reload, the
 * local socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define H "Host: localhost\r\n\r\n"
#define SHORT_TIMEOUT (30 * HF_USEC_PER_MSEC)

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_done(*state);
    return 0;
}

static void expect_answer(struct client *client, const char *status, const char *body)
{
    const char *text = client_receive(client);
    if (strncmp(text, "HTTP/1.1 ", 9) != 0 || strncmp(text + 9, status, 3) != 0 ||
        strstr(text, body) == NULL)
        fail_msg("expected %s %s, got: %.300s", status, body, text);
}

static void wait_until_all_left(const struct fixture *fixture)
{
    const hf_usec end = hf_monotonic_now() + 20 * HF_USEC_PER_SEC;
    while (http_server_stats(fixture->server).connections_open > 0)
        assert_true(hf_monotonic_now() < end);
}

/* --- configuration ---------------------------------------------------------------------------- */

static void expect_new_fails(struct fixture *fixture, hf_err expected, const char *field)
{
    struct hf_diag diag = { .text = "" };
    struct http_server *server = NULL;
    const hf_err err = http_server_new(&fixture->config, &fixture->callbacks, &diag, &server);
    assert_int_equal(err, expected);
    assert_null(server);
    assert_string_equal(diag.field, field);
    assert_true(diag.text[0] != '\0');
}

static void test_server_new_wrong_settings_are_named(void **state)
{
    struct fixture *fixture = *state;
    const struct http_config good = fixture->config;
    fixture->listen[0] = "localhost:1";
    expect_new_fails(fixture, HF_E_INVALID, "listen");
    fixture->listen[0] = "127.0.0.1:0";
    fixture->config.certificate_file = "/nonexistent/cert.pem";
    expect_new_fails(fixture, HF_E_NOT_FOUND, "certificate_file");
    fixture->config = good;
    fixture->config.certificate_file = fixture->key;
    expect_new_fails(fixture, HF_E_INVALID, "certificate_file");
    fixture->config = good;
    fixture->config.key_file = fixture->certificate;
    expect_new_fails(fixture, HF_E_INVALID, "key_file");
    fixture->config = good;
    fixture->config.max_header_bytes = 1;
    expect_new_fails(fixture, HF_E_INVALID, "max_header_bytes");
    fixture->config = good;
    fixture->config.idle_timeout = 0;
    expect_new_fails(fixture, HF_E_INVALID, "timeout");
    fixture->config = good;
    fixture->config.drain_timeout = -1;
    expect_new_fails(fixture, HF_E_INVALID, "timeout");
    fixture->config = good;
    fixture->config.local_socket = fixture->certificate;
    expect_new_fails(fixture, HF_E_INVALID, "local_socket");
}

/* The check refuses as starting would, and binds nothing: an address in use is fine for it. */
static void test_server_check_names_what_new_would_refuse(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *listen;
        const char *certificate; /* NULL: as it is */
        bool is_swapped;         /* the certificate's file as the key's */
        hf_err expected;
        const char *field;
    } wrong[] = {
        { "localhost:1", NULL, false, HF_E_INVALID, "listen" },
        { "127.0.0.1:65536", NULL, false, HF_E_INVALID, "listen" },
        { "127.0.0.1:0", "/nonexistent/cert.pem", false, HF_E_NOT_FOUND, "certificate_file" },
        { "127.0.0.1:0", "/dev/null", false, HF_E_INVALID, "certificate_file" },
        { "127.0.0.1:0", NULL, true, HF_E_INVALID, "key_file" },
    };
    fixture_start(fixture);
    char taken[32];
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_server_port(fixture->server, 0));
    fixture->listen[0] = taken;
    struct hf_diag diag = { 0 };
    assert_int_equal(http_server_check(&fixture->config, &diag), HF_OK);
    const struct http_config good = fixture->config;
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct http_config config = good;
        fixture->listen[0] = wrong[i].listen;
        if (wrong[i].certificate != NULL)
            config.certificate_file = wrong[i].certificate;
        if (wrong[i].is_swapped)
            config.key_file = config.certificate_file;
        diag = (struct hf_diag){ 0 };
        assert_int_equal(http_server_check(&config, &diag), wrong[i].expected);
        assert_string_equal(diag.field, wrong[i].field);
        assert_true(diag.text[0] != '\0');
    }
    struct http_config none = good;
    none.listen_count = 0;
    none.local_socket = NULL;
    assert_int_equal(http_server_check(&none, NULL), HF_E_INVALID);
}

static void test_server_new_address_in_use_is_busy(void **state)
{
    struct fixture *fixture = *state;
    fixture_start(fixture);
    char taken[32];
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_server_port(fixture->server, 0));
    fixture->listen[0] = taken;
    fixture->config.local_socket = NULL;
    expect_new_fails(fixture, HF_E_BUSY, "listen");
}

static void test_server_new_local_socket_of_living_process_is_kept(void **state)
{
    struct fixture *fixture = *state;
    fixture_start(fixture);
    expect_new_fails(fixture, HF_E_BUSY, "local_socket");
    assert_int_equal(access(fixture->socket_path, F_OK), 0);
    struct client client;
    assert_true(client_open_local(&client, fixture));
    client_send(&client, "GET / HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "hello");
    client_close(&client);
}

static void test_server_never_started_can_be_freed(void **state)
{
    struct fixture *fixture = *state;
    struct hf_diag diag = { .text = "" };
    assert_int_equal(
        http_server_new(&fixture->config, &fixture->callbacks, &diag, &fixture->server), HF_OK);
    struct stat info;
    assert_int_equal(stat(fixture->socket_path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void test_server_plain_text_on_tls_port_is_closed(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open_raw(&client, fixture));
    client_send(&client, "GET / HTTP/1.1\r\n" H);
    char bytes[64];
    while (recv(client.fd, bytes, sizeof(bytes), 0) > 0)
        continue;
    assert_int_equal(atomic_load(&fixture->handled), 0);
    client_close(&client);
}

static void test_server_old_tls_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_false(client_open_version(&client, fixture, TLS1_1_VERSION));
    client_close(&client);
}

static void test_server_unknown_alpn_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_false(client_open(&client, fixture, "spdy/3"));
    client_close(&client);
}

static void test_server_tls_versions_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open_version(&client, fixture, TLS1_2_VERSION));
    client_send(&client, "GET /tls HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "tls=1 local=0 uid=0 address=127.0.0.1");
    client_close(&client);
    assert_true(client_open(&client, fixture, "http/1.1"));
    client_send(&client, "GET /tls HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "tls=2 local=0 uid=0 address=127.0.0.1");
    client_close(&client);
}

static void test_server_handshake_timeout_closes(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.handshake_timeout = SHORT_TIMEOUT;
    fixture_start(fixture);
    assert_true(client_open_raw(&client, fixture));
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static bool has_same_certificate(struct client *a, struct client *b)
{
    X509 *first = SSL_get1_peer_certificate(a->ssl);
    X509 *second = SSL_get1_peer_certificate(b->ssl);
    const bool is_same = X509_cmp(first, second) == 0;
    X509_free(first);
    X509_free(second);
    return is_same;
}

static void test_server_reload_gives_new_connections_the_new_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct client before;
    struct client after;
    struct hf_diag diag = { .text = "" };
    fixture_start(fixture);
    assert_true(client_open(&before, fixture, NULL));
    fixture_renew_certificate(fixture);
    assert_int_equal(http_server_reload_certificate(fixture->server, &diag), HF_OK);
    assert_true(client_open(&after, fixture, NULL));
    assert_false(has_same_certificate(&before, &after));
    client_send(&before, "GET / HTTP/1.1\r\n" H);
    expect_answer(&before, "200", "hello");
    client_close(&before);
    client_close(&after);
}

static void test_server_reload_failure_keeps_the_old_certificate(void **state)
{
    struct fixture *fixture = *state;
    struct client before;
    struct client after;
    struct hf_diag diag = { .text = "" };
    fixture_start(fixture);
    assert_true(client_open(&before, fixture, NULL));
    assert_int_equal(truncate(fixture->certificate, 10), 0);
    assert_int_equal(http_server_reload_certificate(fixture->server, &diag), HF_E_INVALID);
    assert_string_equal(diag.field, "certificate_file");
    assert_true(client_open(&after, fixture, NULL));
    assert_true(has_same_certificate(&before, &after));
    client_close(&before);
    client_close(&after);
}

/* --- requests --------------------------------------------------------------------------------- */

static void test_server_keep_alive_and_pipelining(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, "http/1.1"));
    for (size_t i = 0; i < 3; i++) {
        client_send(&client, "GET / HTTP/1.1\r\n" H);
        expect_answer(&client, "200", "hello");
    }
    client_send(&client,
                "GET /defer HTTP/1.1\r\n" H "GET / HTTP/1.1\r\n" H "GET /compute HTTP/1.1\r\n" H
                "GET /close HTTP/1.1\r\n" H "GET / HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "deferred");
    expect_answer(&client, "200", "hello");
    expect_answer(&client, "200", "computed");
    expect_answer(&client, "200", "bye");
    assert_true(client_is_closed(&client));
    client_close(&client);
    const struct http_stats stats = http_server_stats(fixture->server);
    assert_int_equal(stats.requests_total, 7);
    assert_int_equal(stats.connections_total, 1);
}

static void test_server_expect_continue_and_chunks(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\n"
                         "Transfer-Encoding: chunked\r\n" H);
    expect_answer(&client, "100", "");
    client_send(&client, "5\r\nhello\r\n");
    client_send(&client, "7\r\n, world\r\n0\r\n\r\n");
    expect_answer(&client, "200", "hello, world");
    client_close(&client);
}

static void test_server_refused_body_gets_its_answer_through(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    char *body = calloc(1, 200001);
    assert_non_null(body);
    memset(body, 'x', 200000);
    client_send(&client, "POST / HTTP/1.1\r\nContent-Length: 200000\r\n" H);
    client_send(&client, body);
    free(body);
    expect_answer(&client, "413", "{\"error\":413}");
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void test_server_big_answer_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET /big HTTP/1.1\r\n" H "GET / HTTP/1.1\r\n" H);
    const char *text = client_receive(&client);
    assert_true(strlen(text) > (size_t)4 << 20);
    expect_answer(&client, "200", "hello");
    client_close(&client);
}

static void test_server_flush_refused_gives_503(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    atomic_store(&fixture->refuses_flush, true);
    client_send(&client, "GET / HTTP/1.1\r\n" H);
    expect_answer(&client, "503", "{\"error\":503}");
    assert_true(client_is_closed(&client));
    client_close(&client);
    atomic_store(&fixture->refuses_flush, false);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET / HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "hello");
    client_close(&client);
}

static void test_server_answer_after_client_left_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET /keep HTTP/1.1\r\n" H);
    wait_for(&fixture->handled, 1);
    client_close(&client);
    wait_until_all_left(fixture);
    fixture_release(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET / HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "hello");
    client_close(&client);
}

/* --- time-outs -------------------------------------------------------------------------------- */

static void test_server_head_too_slow_gets_408(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.header_timeout = SHORT_TIMEOUT;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET / HT");
    expect_answer(&client, "408", "{\"error\":408}");
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void test_server_body_too_slow_gets_408(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.body_timeout = SHORT_TIMEOUT;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "POST / HTTP/1.1\r\nContent-Length: 3\r\n" H "a");
    expect_answer(&client, "408", "{\"error\":408}");
    client_close(&client);
}

static void test_server_idle_connection_is_closed(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.idle_timeout = SHORT_TIMEOUT;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET / HTTP/1.1\r\n" H);
    expect_answer(&client, "200", "hello");
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void test_server_reader_too_slow_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.write_timeout = SHORT_TIMEOUT;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET /big HTTP/1.1\r\n" H "GET /big HTTP/1.1\r\n" H
                         "GET /big HTTP/1.1\r\n" H "GET /big HTTP/1.1\r\n" H);
    wait_until_all_left(fixture);
    client_close(&client);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void test_server_connections_per_address_are_limited(void **state)
{
    struct fixture *fixture = *state;
    struct client first;
    struct client second;
    fixture->config.max_connections_per_address = 1;
    fixture_start(fixture);
    assert_true(client_open(&first, fixture, NULL));
    assert_false(client_open(&second, fixture, NULL));
    client_close(&second);
    assert_int_equal(http_server_stats(fixture->server).connections_refused, 1);
    assert_true(client_open_local(&second, fixture)); /* has no address */
    client_send(&second, "GET / HTTP/1.1\r\n" H);
    expect_answer(&second, "200", "hello");
    client_close(&second);
    client_close(&first);
    wait_until_all_left(fixture);
    assert_true(client_open(&first, fixture, NULL));
    client_close(&first);
}

static void test_server_connections_in_all_are_limited(void **state)
{
    struct fixture *fixture = *state;
    struct client first;
    struct client second;
    fixture->config.max_connections = 1;
    fixture_start(fixture);
    assert_true(client_open(&first, fixture, NULL));
    assert_false(client_open(&second, fixture, NULL));
    client_close(&second);
    client_close(&first);
}

/* --- the local socket ------------------------------------------------------------------------- */

static void test_server_local_peer_has_its_user(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    char expected[64];
    fixture_start(fixture);
    assert_true(client_open_local(&client, fixture));
    client_send(&client, "GET /tls HTTP/1.1\r\n" H);
    (void)snprintf(expected, sizeof(expected), "tls=0 local=1 uid=%d address=", (int)getuid());
    expect_answer(&client, "200", expected);
    client_close(&client);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void *stop_server(void *argument)
{
    http_server_stop(argument);
    return NULL;
}

/* One loop: the idle connection's end then says that the busy one knows of the drain too. */
static void test_server_stop_finishes_what_is_under_way(void **state)
{
    struct fixture *fixture = *state;
    struct client idle;
    struct client busy;
    pthread_t stopper;
    fixture->config.loops = 1;
    fixture_start(fixture);
    assert_true(client_open(&idle, fixture, NULL));
    assert_true(client_open(&busy, fixture, NULL));
    client_send(&idle, "GET / HTTP/1.1\r\n" H);
    expect_answer(&idle, "200", "hello");
    client_send(&busy, "GET /keep HTTP/1.1\r\n" H);
    wait_for(&fixture->handled, 2);
    assert_int_equal(hf_thread_start(&stopper, "stopper", stop_server, fixture->server), HF_OK);
    assert_true(client_is_closed(&idle));
    fixture_release(fixture);
    const char *text = client_receive(&busy);
    assert_non_null(strstr(text, "kept"));
    assert_non_null(strstr(text, "connection: close"));
    assert_true(client_is_closed(&busy));
    client_close(&busy);
    client_close(&idle);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(atomic_load(&fixture->stopped_loops), 1);
}

static void test_server_stop_does_not_wait_longer_than_its_timeout(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.drain_timeout = SHORT_TIMEOUT;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET /keep HTTP/1.1\r\n" H);
    wait_for(&fixture->handled, 1);
    http_server_stop(fixture->server);
    assert_true(client_is_closed(&client));
    client_close(&client);
}

/* What it is told then keeps it from handing on what would not come back. */
static void test_server_stop_tells_computations_that_they_were_given_up(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.drain_timeout = 0;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET /compute-until-the-end HTTP/1.1\r\n" H);
    wait_for(&fixture->handled, 1);
    assert_int_equal(atomic_load(&fixture->ended), 0);
    http_server_stop(fixture->server);
    assert_int_equal(atomic_load(&fixture->ended), 1);
    assert_true(client_is_closed(&client));
    client_close(&client);
}

static void test_server_stop_without_drain_time_closes_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    fixture->config.drain_timeout = 0;
    fixture_start(fixture);
    assert_true(client_open(&client, fixture, NULL));
    client_send(&client, "GET /keep HTTP/1.1\r\n" H);
    wait_for(&fixture->handled, 1);
    http_server_stop(fixture->server);
    assert_true(client_is_closed(&client));
    client_close(&client);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_server_new_wrong_settings_are_named),
        SERVER_TEST(test_server_check_names_what_new_would_refuse),
        SERVER_TEST(test_server_new_address_in_use_is_busy),
        SERVER_TEST(test_server_new_local_socket_of_living_process_is_kept),
        SERVER_TEST(test_server_never_started_can_be_freed),
        SERVER_TEST(test_server_plain_text_on_tls_port_is_closed),
        SERVER_TEST(test_server_old_tls_is_refused),
        SERVER_TEST(test_server_unknown_alpn_is_refused),
        SERVER_TEST(test_server_tls_versions_are_told_apart),
        SERVER_TEST(test_server_handshake_timeout_closes),
        SERVER_TEST(test_server_reload_gives_new_connections_the_new_certificate),
        SERVER_TEST(test_server_reload_failure_keeps_the_old_certificate),
        SERVER_TEST(test_server_keep_alive_and_pipelining),
        SERVER_TEST(test_server_expect_continue_and_chunks),
        SERVER_TEST(test_server_refused_body_gets_its_answer_through),
        SERVER_TEST(test_server_big_answer_is_whole),
        SERVER_TEST(test_server_flush_refused_gives_503),
        SERVER_TEST(test_server_answer_after_client_left_is_dropped),
        SERVER_TEST(test_server_head_too_slow_gets_408),
        SERVER_TEST(test_server_body_too_slow_gets_408),
        SERVER_TEST(test_server_idle_connection_is_closed),
        SERVER_TEST(test_server_reader_too_slow_is_cut_off),
        SERVER_TEST(test_server_connections_per_address_are_limited),
        SERVER_TEST(test_server_connections_in_all_are_limited),
        SERVER_TEST(test_server_local_peer_has_its_user),
        SERVER_TEST(test_server_stop_without_drain_time_closes_at_once),
        SERVER_TEST(test_server_stop_finishes_what_is_under_way),
        SERVER_TEST(test_server_stop_tells_computations_that_they_were_given_up),
        SERVER_TEST(test_server_stop_does_not_wait_longer_than_its_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
