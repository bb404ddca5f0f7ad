/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outgoing client against our own server: trust, limits, the local socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support.h"

#include "http/client.h"

#include <string.h>

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture_init(&fixture);
    fixture_start(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_done(*state);
    return 0;
}

static hf_err send_request(const struct http_client_request *request, size_t body_max, int *status,
                           char *text, size_t text_size)
{
    struct http_client_response response = { .status = 0 };
    struct hf_diag diag = { .text = "" };
    hf_buf_init(&response.body, body_max);
    hf_buf_init(&response.www_authenticate, 1024);
    const hf_err err = http_client_send(request, &diag, &response);
    assert_true((err == HF_OK) == (diag.text[0] == '\0'));
    *status = response.status;
    (void)snprintf(text, text_size, "%.*s", (int)response.body.n,
                   response.body.p == NULL ? "" : (const char *)response.body.p);
    hf_buf_done(&response.body);
    hf_buf_done(&response.www_authenticate);
    return err;
}

static void make_url(const struct fixture *fixture, const char *scheme, const char *path, char *out,
                     size_t size)
{
    (void)snprintf(out, size, "%s://localhost:%d%s", scheme, http_server_port(fixture->server, 0),
                   path);
}

static void test_client_unknown_certificate_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char url[128];
    char text[64];
    int status = 0;
    make_url(fixture, "https", "/", url, sizeof(url));
    const struct http_client_request request = { .url = url, .timeout = 10 * HF_USEC_PER_SEC };
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)),
                     HF_E_UNAUTHENTICATED);
    assert_int_equal(atomic_load(&fixture->handled), 0);
}

static void test_client_plain_http_over_tcp_is_refused(void **state)
{
    char url[128];
    char text[64];
    int status = 0;
    make_url(*state, "http", "/", url, sizeof(url));
    const struct http_client_request request = { .url = url, .timeout = 10 * HF_USEC_PER_SEC };
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)), HF_E_INVALID);
}

static void test_client_no_server_is_unavailable(void **state)
{
    struct fixture *fixture = *state;
    char url[128];
    char text[64];
    int status = 0;
    make_url(fixture, "https", "/", url, sizeof(url));
    http_server_stop(fixture->server);
    const struct http_client_request request = { .url = url, .timeout = 10 * HF_USEC_PER_SEC };
    http_server_free(fixture->server);
    fixture->server = NULL;
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)), HF_E_UNAVAILABLE);
}

static void test_client_answer_too_large_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char url[128];
    char text[64];
    int status = 0;
    make_url(fixture, "https", "/big", url, sizeof(url));
    const struct http_client_request request = { .url = url,
                                                 .ca_file = fixture->certificate,
                                                 .timeout = 10 * HF_USEC_PER_SEC };
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)), HF_E_TOO_LARGE);
}

static void test_client_header_with_line_end_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char url[128];
    char text[64];
    int status = 0;
    make_url(fixture, "https", "/", url, sizeof(url));
    const struct http_header header = { HF_LIT("a"), HF_LIT("b\r\nc: d") };
    const struct http_client_request request = { .url = url,
                                                 .headers = &header,
                                                 .header_count = 1 };
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)), HF_E_INVALID);
}

static void test_client_body_is_sent_and_answered(void **state)
{
    struct fixture *fixture = *state;
    char url[128];
    char text[64];
    int status = 0;
    make_url(fixture, "https", "/echo", url, sizeof(url));
    const struct http_client_request request = { .method = HTTP_PUT,
                                                 .url = url,
                                                 .body = hf_str_bytes(HF_LIT("{\"a\":1}")),
                                                 .ca_file = fixture->certificate,
                                                 .timeout = 10 * HF_USEC_PER_SEC };
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)), HF_OK);
    assert_int_equal(status, 200);
    assert_string_equal(text, "{\"a\":1}");
}

static void test_client_local_socket_is_spoken_to_in_plain_http(void **state)
{
    struct fixture *fixture = *state;
    char text[64];
    int status = 0;
    const struct http_client_request request = { .url = "http://localhost/",
                                                 .local_socket = fixture->socket_path,
                                                 .timeout = 10 * HF_USEC_PER_SEC };
    assert_int_equal(send_request(&request, 100, &status, text, sizeof(text)), HF_OK);
    assert_int_equal(status, 200);
    assert_string_equal(text, "hello");
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(test_client_unknown_certificate_is_refused),
        CLIENT_TEST(test_client_plain_http_over_tcp_is_refused),
        CLIENT_TEST(test_client_no_server_is_unavailable),
        CLIENT_TEST(test_client_answer_too_large_is_refused),
        CLIENT_TEST(test_client_header_with_line_end_is_refused),
        CLIENT_TEST(test_client_body_is_sent_and_answered),
        CLIENT_TEST(test_client_local_socket_is_spoken_to_in_plain_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
