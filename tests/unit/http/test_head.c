/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small parsers: authority, target, method, listen address; looking up headers; peers' keys and
 * counts; deadlines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* --- authority -------------------------------------------------------------------------------- */

static const char *const wrong_authorities[] = {
    "",      ":",      ":80",  "a:",          "a:0",   "a:65536",     "a:-1",
    "a:+1",  "a:1x",   "a: 1", "a:000080",    "a b",   "a/b",         "u@a",
    "a,b",   "a%20b",  "[]",   "[::1",        "::1",   "[::1]x",      "[::1]:",
    "[g::]", "a[::1]", "a\\b", "\xc3\xa4.de", "a:1:2", "[::1]:65536", "a?b",
    "a#b",   "*",
};

static const struct {
    const char *text;
    const char *host;
    int port;
} authorities[] = {
    { "a", "a", 0 },
    { "Vault.Example.TEST", "vault.example.test", 0 },
    { "a-b_c.d:8443", "a-b_c.d", 8443 },
    { "127.0.0.1:1", "127.0.0.1", 1 },
    { "[2001:DB8::1]", "[2001:db8::1]", 0 },
    { "[::1]:65535", "[::1]", 65535 },
};

static hf_err parse(const char *text, char *memory, hf_str *host, int *port)
{
    const size_t n = strlen(text);
    memcpy(memory, text, n);
    return http_authority_parse(memory, n, host, port);
}

static void test_authority_malformed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong_authorities); i++) {
        char memory[64];
        hf_str host = { NULL, 0 };
        int port = -1;
        if (parse(wrong_authorities[i], memory, &host, &port) != HF_E_INVALID || port != -1)
            fail_msg("%s", wrong_authorities[i]);
    }
}

static void test_authority_well_formed_is_split_in_lower_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(authorities); i++) {
        char memory[64];
        hf_str host = { NULL, 0 };
        int port = -1;
        if (parse(authorities[i].text, memory, &host, &port) != HF_OK ||
            !hf_str_equal(host, hf_str_from_c(authorities[i].host)) || port != authorities[i].port)
            fail_msg("%s", authorities[i].text);
    }
}

static void test_authority_host_at_limit_is_accepted_beyond_refused(void **state)
{
    (void)state;
    char memory[HTTP_HOST_MAX_BYTES + 1];
    hf_str host = { NULL, 0 };
    int port = 0;
    memset(memory, 'a', sizeof(memory));
    assert_int_equal(http_authority_parse(memory, sizeof(memory), &host, &port), HF_E_INVALID);
    assert_int_equal(http_authority_parse(memory, sizeof(memory) - 1, &host, &port), HF_OK);
}

/* --- target ----------------------------------------------------------------------------------- */

static void test_target_malformed_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "", "*", "a", "?a", "/ ", "/\t", "/\x7f", "/\xff", "/a#b", "/?#"
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        hf_str path = { NULL, 0 };
        hf_str query = { NULL, 0 };
        if (http_target_parse(hf_str_from_c(wrong[i]), &path, &query) != HF_E_INVALID)
            fail_msg("%s", wrong[i]);
    }
}

static void test_target_is_split_at_first_question_mark(void **state)
{
    (void)state;
    hf_str path = { NULL, 0 };
    hf_str query = { NULL, 0 };
    assert_int_equal(http_target_parse(HF_LIT("/a%20b/?c=d?e"), &path, &query), HF_OK);
    assert_true(hf_str_equal(path, HF_LIT("/a%20b/")));
    assert_true(hf_str_equal(query, HF_LIT("c=d?e")));
    assert_int_equal(http_target_parse(HF_LIT("/"), &path, &query), HF_OK);
    assert_int_equal(query.n, 0);
}

/* --- methods and headers ---------------------------------------------------------------------- */

static void test_method_unknown_or_other_case_is_other(void **state)
{
    (void)state;
    assert_int_equal(http_method_parse(HF_LIT("get")), HTTP_OTHER);
    assert_int_equal(http_method_parse(HF_LIT("")), HTTP_OTHER);
    assert_int_equal(http_method_parse(HF_LIT("GETS")), HTTP_OTHER);
    assert_int_equal(http_method_parse(HF_LIT("OTHER")), HTTP_OTHER);
}

static void test_method_names_go_both_ways(void **state)
{
    (void)state;
    for (int i = HTTP_GET; i < HTTP_OTHER; i++)
        assert_int_equal(http_method_parse(http_method_name((enum http_method)i)), i);
    assert_true(hf_str_equal(http_method_name(HTTP_OTHER), HF_LIT("OTHER")));
}

static void test_header_lookup_gives_first_or_nothing(void **state)
{
    (void)state;
    const struct http_header headers[] = { { HF_LIT("a"), HF_LIT("1") },
                                           { HF_LIT("b"), HF_LIT("") },
                                           { HF_LIT("a"), HF_LIT("2") } };
    const struct http_request request = { .headers = headers, .header_count = 3 };
    assert_null(http_request_header(&request, HF_LIT("c")).p);
    assert_true(hf_str_equal(http_request_header(&request, HF_LIT("a")), HF_LIT("1")));
    assert_non_null(http_request_header(&request, HF_LIT("b")).p);
}

/* --- listen addresses ------------------------------------------------------------------------- */

static void test_listen_address_malformed_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",      "127.0.0.1",     "127.0.0.1:", "127.0.0.1:65536", "localhost:1", "::1:443",
        "[::1]", "[127.0.0.1]:1", "[::1:1",     "1.2.3:4",         ":443"
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct sockaddr_storage address;
        socklen_t n = 0;
        if (http_listen_parse(hf_str_from_c(wrong[i]), &address, &n) != HF_E_INVALID)
            fail_msg("%s", wrong[i]);
    }
}

static void test_listen_address_of_both_families_is_accepted(void **state)
{
    (void)state;
    struct sockaddr_storage address;
    socklen_t n = 0;
    assert_int_equal(http_listen_parse(HF_LIT("0.0.0.0:443"), &address, &n), HF_OK);
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(http_listen_parse(HF_LIT("[::]:0"), &address, &n), HF_OK);
    assert_int_equal(address.ss_family, AF_INET6);
    assert_int_equal(n, sizeof(struct sockaddr_in6));
}

/* --- peers ------------------------------------------------------------------------------------ */

static uint64_t key_of(const char *text)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(&address, &in, sizeof(in));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        memcpy(&address, &in6, sizeof(in6));
    }
    return http_peers_key(&address);
}

static void test_peers_key_groups_addresses(void **state)
{
    (void)state;
    assert_true(key_of("10.0.0.1") != key_of("10.0.0.2"));
    assert_true(key_of("10.0.0.1") == key_of("::ffff:10.0.0.1"));
    assert_true(key_of("2001:db8:1:2::1") == key_of("2001:db8:1:2:ffff::2"));
    assert_true(key_of("2001:db8:1:2::1") != key_of("2001:db8:1:3::1"));
    assert_true(key_of("::1") != 0);
}

static void test_peers_limits_hold_and_are_given_back(void **state)
{
    (void)state;
    struct http_peers peers;
    struct http_usage *usage = NULL;
    assert_int_equal(http_peers_init(&peers, 3, 2), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 7, &usage), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 7, &usage), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 7, &usage), HF_E_THROTTLED);
    assert_int_equal(http_peers_enter(&peers, 8, &usage), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 0, &usage), HF_E_THROTTLED);
    http_peers_leave(&peers, 8);
    assert_int_equal(http_peers_enter(&peers, 7, &usage), HF_E_THROTTLED);
    assert_int_equal(http_peers_enter(&peers, 0, &usage), HF_OK);
    http_peers_leave(&peers, 0);
    http_peers_leave(&peers, 7);
    assert_int_equal(http_peers_enter(&peers, 7, &usage), HF_OK);
    http_peers_done(&peers);
}

static void test_peers_usage_is_the_addresses_own(void **state)
{
    (void)state;
    struct http_peers peers;
    struct http_usage *a = NULL;
    struct http_usage *also_a = NULL;
    struct http_usage *b = NULL;
    struct http_usage *local = NULL;
    assert_int_equal(http_peers_init(&peers, 4, 2), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 7, &a), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 7, &also_a), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 8, &b), HF_OK);
    assert_int_equal(http_peers_enter(&peers, 0, &local), HF_OK);
    assert_ptr_equal(a, also_a);
    assert_ptr_not_equal(a, b);
    assert_null(local);
    http_peers_done(&peers);
}

static void test_peers_many_addresses_come_and_go(void **state)
{
    (void)state;
    struct http_peers peers;
    struct http_usage *usage = NULL;
    assert_int_equal(http_peers_init(&peers, 500, 1), HF_OK);
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 1; i <= 500; i++)
            assert_int_equal(http_peers_enter(&peers, i * (round + 1), &usage), HF_OK);
        assert_int_equal(http_peers_enter(&peers, 99999, &usage), HF_E_THROTTLED);
        for (uint64_t i = 500; i >= 1; i--)
            http_peers_leave(&peers, i * (round + 1));
    }
    http_peers_done(&peers);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void test_deadlines_come_due_in_order(void **state)
{
    (void)state;
    struct http_deadlines all;
    struct http_deadline a;
    struct http_deadline b;
    http_deadlines_init(&all);
    all.durations[HTTP_DEADLINE_IDLE] = 100;
    all.durations[HTTP_DEADLINE_WRITE] = 10;
    http_deadline_init(&a);
    http_deadline_init(&b);
    assert_true(http_deadlines_earliest(&all) == INT64_MAX);
    http_deadline_set(&all, &a, HTTP_DEADLINE_IDLE, 0);
    http_deadline_set(&all, &b, HTTP_DEADLINE_WRITE, 50);
    assert_int_equal(http_deadlines_earliest(&all), 60);
    assert_null(http_deadlines_take_due(&all, 59));
    assert_ptr_equal(http_deadlines_take_due(&all, 60), &b);
    http_deadline_set(&all, &a, HTTP_DEADLINE_IDLE, 70);
    assert_null(http_deadlines_take_due(&all, 169));
    http_deadline_cancel(&a);
    assert_null(http_deadlines_take_due(&all, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authority_malformed_is_refused),
        cmocka_unit_test(test_authority_well_formed_is_split_in_lower_case),
        cmocka_unit_test(test_authority_host_at_limit_is_accepted_beyond_refused),
        cmocka_unit_test(test_target_malformed_is_refused),
        cmocka_unit_test(test_target_is_split_at_first_question_mark),
        cmocka_unit_test(test_method_unknown_or_other_case_is_other),
        cmocka_unit_test(test_method_names_go_both_ways),
        cmocka_unit_test(test_header_lookup_gives_first_or_nothing),
        cmocka_unit_test(test_listen_address_malformed_is_refused),
        cmocka_unit_test(test_listen_address_of_both_families_is_accepted),
        cmocka_unit_test(test_peers_key_groups_addresses),
        cmocka_unit_test(test_peers_limits_hold_and_are_given_back),
        cmocka_unit_test(test_peers_usage_is_the_addresses_own),
        cmocka_unit_test(test_peers_many_addresses_come_and_go),
        cmocka_unit_test(test_deadlines_come_due_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
