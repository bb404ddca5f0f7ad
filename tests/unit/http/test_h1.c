/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 engine without sockets: what is refused, what is understood, and that it does not
 * matter how the bytes are cut.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine.h"

#define H "Host: example.test\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

struct h1_case {
    const char *name;
    const char *input;
    const char *statuses; /* of all answers, each followed by a blank */
    const char *body;     /* something the last answer has; NULL: not looked at */
};

/* clang-format off */
static const struct h1_case cases[] = {
    /* refused: framing that two servers may read differently */
    { "no host", "GET / HTTP/1.1\r\n\r\n", "400 ", NULL },
    { "two hosts", "GET / HTTP/1.1\r\n" H H "\r\n", "400 ", NULL },
    { "empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 ", NULL },
    { "host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 ", NULL },
    { "host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 ", NULL },
    { "length and chunked", "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "chunked and length", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "two lengths, different", "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400 ", NULL },
    { "two lengths, same", "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400 ", NULL },
    { "length list", "POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", "400 ", NULL },
    { "length signed", "POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "400 ", NULL },
    { "length negative", "POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", "400 ", NULL },
    { "length hexadecimal", "POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", "400 ", NULL },
    { "length overflows", "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\nabc", "400 ", NULL },
    { "length empty", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nabc", "400 ", NULL },
    { "other coding", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", "400 ", NULL },
    { "two codings", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "chunked twice", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "chunked misspelt", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "blank before colon", "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "control before name", "POST / HTTP/1.1\r\n" H "\x0bTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ", NULL },
    { "folded header", "GET / HTTP/1.1\r\n" H "X-A: 1\r\n 2\r\n\r\n", "400 ", NULL },
    { "folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 ", NULL },
    { "bare LF after request line", "GET / HTTP/1.1\n" H "\r\n", "400 ", NULL },
    { "bare LF after header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "400 ", NULL },
    { "bare LF at the end", "GET / HTTP/1.1\r\n" H "\n", "400 ", NULL },
    { "bare CR in value", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", "400 ", NULL },
    { "control in value", "GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", "400 ", NULL },
    { "DEL in value", "GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", "400 ", NULL },
    { "no colon", "GET / HTTP/1.1\r\n" H "nonsense\r\n\r\n", "400 ", NULL },
    { "empty name", "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", "400 ", NULL },
    /* refused: chunk framing */
    { "chunk end missing", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", "400 ", NULL },
    { "chunk size with bare LF", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "chunk extension with bare LF", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "chunk size with blank", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "chunk size hexadecimal prefix", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "chunk size empty", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "chunk size too long", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n000000005\r\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "chunk longer than its size", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", "400 ", NULL },
    { "trailer folded", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n", "400 ", NULL },
    { "trailers endless", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA: " THOUSAND THOUSAND THOUSAND "\r\n\r\n", "431 ", NULL },
    /* refused: request line */
    { "two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "blank first", " GET / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "two blanks before target", "GET  / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "two blanks before version", "GET /  HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "blank after version", "GET / HTTP/1.1 \r\n" H "\r\n", "400 ", NULL },
    { "tab in request line", "GET\t/ HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "blank in target", "GET /a b HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "version in lower case", "GET / http/1.1\r\n" H "\r\n", "400 ", NULL },
    { "no version", "GET /\r\n" H "\r\n", "400 ", NULL },
    { "HTTP/1.0", "GET / HTTP/1.0\r\n" H "\r\n", "505 ", NULL },
    { "HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n", "505 ", NULL },
    { "HTTP/3", "GET / HTTP/3.0\r\n" H "\r\n", "505 ", NULL },
    { "method with control", "G\x01T / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "method not a token", "G(T / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "method too long", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "method empty", "", "", NULL },
    { "TLS hello", "\x16\x03\x01\x02", "400 ", NULL },
    { "absolute form, http", "GET http://a/ HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "absolute form, user", "GET https://u@a/ HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "absolute form, no path", "GET https://a HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "authority form", "CONNECT a:443 HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "asterisk form", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "target not ASCII", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    { "target too long", "GET /" THOUSAND THOUSAND THOUSAND " HTTP/1.1\r\n" H "\r\n", "414 ", NULL },
    { "headers too long", "GET / HTTP/1.1\r\n" H "X: " THOUSAND THOUSAND THOUSAND "\r\n\r\n", "431 ", NULL },
    { "too many headers", "GET / HTTP/1.1\r\n" H "a:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\na:1\r\n\r\n", "431 ", NULL },
    /* refused: size and expectations */
    { "length over limit", "POST / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n", "413 ", NULL },
    { "chunks over limit", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" THOUSAND "1\r\n0\r\n\r\n", "413 ", NULL },
    { "expectation unknown", "POST / HTTP/1.1\r\n" H "Expect: tea\r\nContent-Length: 1\r\n\r\n", "417 ", NULL },
    /* nothing after an error is answered */
    { "request after an error", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400 ", NULL },
    /* understood */
    { "plain", "GET /a/b?c=d&e HTTP/1.1\r\n" H "\r\n", "200 ", "GET host=example.test port=0 path=/a/b query=c=d&e body=0 headers=1" },
    { "one empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", "200 ", "path=/" },
    { "port", "GET / HTTP/1.1\r\nHost: EXAMPLE.test:8443\r\n\r\n", "200 ", "host=example.test port=8443" },
    { "address", "GET / HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", "200 ", "host=[::1] port=1" },
    { "absolute form", "GET https://Other.test:1/x?y HTTP/1.1\r\n" H "\r\n", "200 ", "host=other.test port=1 path=/x query=y" },
    { "unknown method", "BREW / HTTP/1.1\r\n" H "\r\n", "200 ", "OTHER host" },
    { "short method", "X / HTTP/1.1\r\n" H "\r\n", "200 ", "OTHER host" },
    { "method is case-sensitive", "get / HTTP/1.1\r\n" H "\r\n", "200 ", "OTHER host" },
    { "empty values", "GET / HTTP/1.1\r\nA:\r\nB: \t\r\n" H "C:\r\n\r\n", "200 ", "headers=4" },
    { "body", "PUT / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", "200 ", "PUT host=example.test port=0 path=/ query= body=5" },
    { "body at limit", "POST / HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n" THOUSAND, "200 ", "body=1000" },
    { "length zero", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "200 ", "body=0" },
    { "body with GET", "GET / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", "200 ", "body=2" },
    { "chunks", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n", "200 ", "body=15" },
    { "chunked in capitals", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "200 ", "body=0" },
    { "pipelined", "GET /1 HTTP/1.1\r\n" H "\r\nPOST /2 HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n" H "\r\n", "200 200 200 ", "path=/3" },
    { "close ends it", "GET /1 HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n", "200 ", "connection: close" },
    { "upgrade is ignored", "GET /1 HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\n" H "\r\n", "200 200 ", "path=/2" },
    { "incomplete", "GET / HTTP/1.1\r\n" H, "", NULL },
    { "body incomplete", "POST / HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nhello", "", NULL },
};
/* clang-format on */

/* "200 400 " from all status lines that were sent, without 100s. */
static void list_statuses(const struct engine *engine, char *out, size_t size)
{
    const hf_str sent = hf_buf_str(&engine->sent);
    const hf_str start = HF_LIT("HTTP/1.1 ");
    size_t n = 0;
    for (size_t i = 0; i + start.n + 3 <= sent.n; i++) {
        if (!hf_str_starts(hf_str_sub(sent, i, sent.n), start) || n + 5 > size)
            continue;
        memcpy(out + n, sent.p + i + start.n, 3);
        if (strncmp(out + n, "100", 3) == 0)
            continue;
        out[n + 3] = ' ';
        n += 4;
    }
    out[n] = '\0';
}

static bool sent_has(const struct engine *engine, const char *text)
{
    return memmem(engine->sent.p, engine->sent.n, text, strlen(text)) != NULL;
}

/* Feeds the input in pieces of `step` bytes. */
static void run(struct engine *engine, const char *input, size_t step)
{
    assert_true(engine_init(engine, false));
    const size_t n = strlen(input);
    for (size_t i = 0; i < n; i += step) {
        const size_t piece = n - i < step ? n - i : step;
        if (!engine_feed(engine, (hf_bytes){ (const uint8_t *)input + i, piece }))
            break;
    }
}

static void check(const struct h1_case *test_case, size_t step)
{
    struct engine engine;
    char statuses[64];
    run(&engine, test_case->input, step);
    list_statuses(&engine, statuses, sizeof(statuses));
    const bool has_body = test_case->body == NULL || sent_has(&engine, test_case->body);
    if (strcmp(statuses, test_case->statuses) != 0 || !has_body)
        fail_msg("%s, %zu bytes at a time: %s\n%.*s", test_case->name, step, statuses,
                 (int)engine.sent.n, (const char *)engine.sent.p);
    engine_done(&engine);
}

static void test_h1_case_table_gives_the_same_for_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        check(&cases[i], SIZE_MAX);
        check(&cases[i], 1);
        check(&cases[i], 7);
    }
}

static void test_h1_nul_in_head_is_refused(void **state)
{
    (void)state;
    struct engine engine;
    const char input[] = "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n";
    assert_true(engine_init(&engine, false));
    assert_false(engine_feed(&engine, (hf_bytes){ (const uint8_t *)input, sizeof(input) - 1 }));
    assert_true(sent_has(&engine, "HTTP/1.1 400 "));
    assert_int_equal(engine.handled, 0);
    engine_done(&engine);
}

static void test_h1_error_has_json_and_closes(void **state)
{
    (void)state;
    struct engine engine;
    run(&engine, "GET / HTTP/1.1\r\n\r\n", SIZE_MAX);
    assert_true(sent_has(&engine, "content-type: application/json; charset=utf-8\r\n"));
    assert_true(sent_has(&engine, "connection: close\r\n"));
    assert_true(sent_has(&engine, "{\"error\":400}"));
    assert_int_equal(engine.conn->state, HTTP_CONN_FINISHING);
    assert_int_equal(engine.flushes, 0);
    engine_done(&engine);
}

static void test_h1_head_gets_length_without_body(void **state)
{
    (void)state;
    struct engine engine;
    run(&engine, "HEAD / HTTP/1.1\r\n" H "\r\n", SIZE_MAX);
    assert_true(sent_has(&engine, "content-length: "));
    assert_false(sent_has(&engine, "HEAD host"));
    engine_done(&engine);
}

static void test_h1_expect_continue_is_asked_for_once(void **state)
{
    (void)state;
    struct engine engine;
    run(&engine, "PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n",
        SIZE_MAX);
    assert_true(hf_str_equal(hf_buf_str(&engine.sent), HF_LIT("HTTP/1.1 100 Continue\r\n\r\n")));
    assert_true(engine_feed(&engine, (hf_bytes){ (const uint8_t *)"ab", 2 }));
    assert_true(sent_has(&engine, "body=2"));
    engine_done(&engine);
}

static void test_h1_expect_continue_with_body_too_large_is_refused_at_once(void **state)
{
    (void)state;
    struct engine engine;
    run(&engine, "PUT / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
        SIZE_MAX);
    assert_false(sent_has(&engine, "100 Continue"));
    assert_true(sent_has(&engine, "HTTP/1.1 413 "));
    engine_done(&engine);
}

static void test_h1_flush_refused_gives_503_only(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.refuses_flush = true;
    const hf_str input = HF_LIT("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n");
    assert_false(engine_feed(&engine, hf_str_bytes(input)));
    assert_int_equal(engine.handled, 2);
    assert_false(sent_has(&engine, "200 OK"));
    assert_true(sent_has(&engine, "HTTP/1.1 503 "));
    engine_done(&engine);
}

static void test_h1_pipelined_request_waits_for_deferred_answer(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.must_defer = true;
    const hf_str input = HF_LIT("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n");
    assert_true(engine_feed(&engine, hf_str_bytes(input)));
    assert_int_equal(engine.handled, 1);
    assert_int_equal(engine.sent.n, 0);
    engine.must_defer = false;
    engine_answer(engine.deferred);
    engine_turn(&engine);
    assert_int_equal(engine.handled, 2);
    assert_int_equal(engine.flushes, 2);
    assert_true(sent_has(&engine, "path=/1"));
    assert_true(sent_has(&engine, "path=/2"));
    engine_done(&engine);
}

static void test_h1_deferred_answer_after_close_is_dropped(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.must_defer = true;
    assert_true(engine_feed(&engine, hf_str_bytes(HF_LIT("GET / HTTP/1.1\r\n" H "\r\n"))));
    engine.conn->protocol->detach(engine.conn);
    assert_int_equal(engine.deferred->request.path.n, 1);
    engine_answer(engine.deferred);
    assert_true(http_list_is_empty(&engine.loop.orphans));
    assert_int_equal(engine.loop.held, 1); /* before_flush runs all the same */
    engine_done(&engine);
}

static void test_h1_input_ahead_beyond_bound_is_refused(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.must_defer = true;
    assert_true(engine_feed(&engine, hf_str_bytes(HF_LIT("GET / HTTP/1.1\r\n" H "\r\n"))));
    uint8_t junk[HTTP_SCRATCH_BYTES] = { 0 };
    size_t fed = 0;
    while (engine_feed(&engine, (hf_bytes){ junk, sizeof(junk) }))
        fed += sizeof(junk);
    assert_true(fed <= HTTP_PENDING_MAX_BYTES);
    engine_done(&engine);
}

static void test_h1_response_header_with_line_end_becomes_500(void **state)
{
    (void)state;
    struct engine engine;
    assert_true(engine_init(&engine, false));
    engine.must_defer = true;
    assert_true(engine_feed(&engine, hf_str_bytes(HF_LIT("GET / HTTP/1.1\r\n" H "\r\n"))));
    const struct http_header header = { HF_LIT("location"), HF_LIT("a\r\nset-cookie: b") };
    const struct http_response response = { .status = 302, .headers = &header, .header_count = 1 };
    http_respond(engine.deferred, &response);
    engine_turn(&engine);
    assert_true(sent_has(&engine, "HTTP/1.1 500 "));
    assert_false(sent_has(&engine, "set-cookie"));
    engine_done(&engine);
}

static void test_h1_timeouts_answer_408(void **state)
{
    (void)state;
    struct engine engine;
    run(&engine, "GET / HT", SIZE_MAX);
    assert_int_equal(engine.conn->protocol->awaits(engine.conn), HTTP_DEADLINE_HEADER);
    engine.conn->protocol->expire(engine.conn, HTTP_DEADLINE_HEADER);
    engine_turn(&engine);
    assert_true(sent_has(&engine, "HTTP/1.1 408 "));
    engine_done(&engine);

    run(&engine, "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\na", SIZE_MAX);
    assert_int_equal(engine.conn->protocol->awaits(engine.conn), HTTP_DEADLINE_BODY);
    engine.conn->protocol->expire(engine.conn, HTTP_DEADLINE_BODY);
    engine_turn(&engine);
    assert_true(sent_has(&engine, "HTTP/1.1 408 "));
    engine_done(&engine);
}

/* Whoever sends a byte now and then does not put the end off. */
static void test_h1_bytes_of_a_head_do_not_move_its_deadline(void **state)
{
    (void)state;
    static const char *const begun[] = { "GET / HT", ("GET / HTTP/1.1\r\n" H), "\r" };
    for (size_t i = 0; i < HF_ARRAY_LEN(begun); i++) {
        struct engine engine;
        run(&engine, begun[i], SIZE_MAX);
        struct http_deadline *deadline = &engine.conn->deadline;
        http_deadline_set(&engine.loop.deadlines, deadline, HTTP_DEADLINE_HEADER, 1);
        const hf_usec at = deadline->at;
        engine.loop.now = 100;
        assert_true(engine_feed(&engine, hf_str_bytes(i == 2 ? HF_LIT("\n") : HF_LIT("T"))));
        assert_int_equal(deadline->kind, HTTP_DEADLINE_HEADER);
        assert_int_equal(deadline->at, at);
        engine_done(&engine);
    }
}

static void test_h1_next_requests_use_the_same_slot(void **state)
{
    (void)state;
    struct engine engine;
    run(&engine, "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n", SIZE_MAX);
    assert_int_equal(engine.handled, 2);
    assert_int_equal(engine.loop.spare_slot_count, 1);
    engine_done(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h1_case_table_gives_the_same_for_every_cut),
        cmocka_unit_test(test_h1_nul_in_head_is_refused),
        cmocka_unit_test(test_h1_error_has_json_and_closes),
        cmocka_unit_test(test_h1_head_gets_length_without_body),
        cmocka_unit_test(test_h1_expect_continue_is_asked_for_once),
        cmocka_unit_test(test_h1_expect_continue_with_body_too_large_is_refused_at_once),
        cmocka_unit_test(test_h1_flush_refused_gives_503_only),
        cmocka_unit_test(test_h1_pipelined_request_waits_for_deferred_answer),
        cmocka_unit_test(test_h1_deferred_answer_after_close_is_dropped),
        cmocka_unit_test(test_h1_input_ahead_beyond_bound_is_refused),
        cmocka_unit_test(test_h1_response_header_with_line_end_becomes_500),
        cmocka_unit_test(test_h1_timeouts_answer_408),
        cmocka_unit_test(test_h1_bytes_of_a_head_do_not_move_its_deadline),
        cmocka_unit_test(test_h1_next_requests_use_the_same_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
