/* SPDX-License-Identifier: Apache-2.0 */
/* The check of the whole log: each kind of damage is found, and named by the right record. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)4 * 1024 * 1024)

static void expect_bad(const struct audit_verdict *verdict, uint64_t seq, uint64_t line,
                       const char *reason)
{
    if (verdict->intact || verdict->bad_seq != seq || verdict->records != seq - 1 ||
        verdict->head.seq != seq - 1 || verdict->line != line ||
        strstr(verdict->reason, reason) == NULL)
        fail_msg("expected record %d, line %d, \"%s\"; found %d, %d, \"%s\"", (int)seq, (int)line,
                 reason, (int)verdict->bad_seq, (int)verdict->line, verdict->reason);
}

/* The log's only segment, rewritten with lines `order` (indexes from 0) of what it was. */
static void reorder(const char *folder, const size_t *order, size_t count)
{
    struct hf_buf before;
    struct hf_buf after;
    test_read(folder, 1, &before);
    hf_buf_init(&after, FILE_MAX_BYTES);
    for (size_t i = 0; i < count; i++)
        hf_buf_put_bytes(&after, test_line_at(&before, order[i]));
    test_replace(folder, 1, hf_buf_view(&after));
    hf_buf_done(&after);
    hf_buf_done(&before);
}

/* A line that is right in itself. */
static void put_forged(struct hf_buf *out, uint64_t seq, const uint8_t prev[AUDIT_HASH_BYTES],
                       hf_str body)
{
    struct audit_head head = { .seq = seq };
    uint8_t tail[AUDIT_TAIL_MAX_BYTES];
    assert_int_equal(audit_line_hash(prev, seq, hf_str_bytes(body), head.hash), HF_OK);
    size_t n = audit_line_put_tail(tail, prev, &head);
    hf_buf_put_str(out, body);
    hf_buf_put(out, tail, n);
}

static void test_verify_missing_folder_fails(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct audit_verdict verdict;
    (void)snprintf(path, sizeof(path), "%s/none", (const char *)*state);
    assert_int_equal(audit_verify(path, NULL, &verdict), HF_E_NOT_FOUND);
}

static void test_verify_empty_log_is_intact_unless_records_were_seen(void **state)
{
    struct audit_verdict verdict = test_verify(*state, NULL);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, 0);
    const struct audit_head head = { .seq = 2 };
    verdict = test_verify(*state, &head);
    expect_bad(&verdict, 1, 1, "cut off: ends at record 0, but the store has seen record 2");
    audit_close(test_open(*state, 0));
    assert_true(test_verify(*state, NULL).intact);
}

static void expect_change_is_named(const char *folder, const struct hf_buf *text, size_t at,
                                   uint8_t value, uint64_t seq)
{
    uint8_t before = text->p[at];
    if (value == before)
        return;
    text->p[at] = value;
    test_replace(folder, 1, hf_buf_view(text));
    text->p[at] = before;
    struct audit_verdict verdict = test_verify(folder, NULL);
    if (verdict.intact || verdict.bad_seq != seq || verdict.line != seq)
        fail_msg("byte %zu = %d of record %d: named record %d, line %d", at, value, (int)seq,
                 (int)verdict.bad_seq, (int)verdict.line);
}

static void test_verify_each_changed_byte_is_named(void **state)
{
    (void)test_fill(*state, 0, 4);
    struct hf_buf text;
    test_read(*state, 1, &text);
    uint64_t seq = 1;
    for (size_t at = 0; at < text.n; at++) {
        expect_change_is_named(*state, &text, at, text.p[at] ^ 0x01, seq);
        expect_change_is_named(*state, &text, at, text.p[at] ^ 0x20, seq);
        expect_change_is_named(*state, &text, at, text.p[at] ^ 0x80, seq);
        expect_change_is_named(*state, &text, at, '\n', seq);
        if (text.p[at] == '\n')
            seq++;
    }
    assert_int_equal(seq, 5);
    hf_buf_done(&text);
}

static void test_verify_each_removed_byte_is_named(void **state)
{
    struct audit_head head = test_fill(*state, 0, 3);
    struct hf_buf text;
    test_read(*state, 1, &text);
    uint64_t seq = 1;
    for (size_t at = 0; at < text.n; at++) {
        struct hf_buf cut;
        hf_buf_init(&cut, FILE_MAX_BYTES);
        hf_buf_put(&cut, text.p, at);
        hf_buf_put(&cut, text.p + at + 1, text.n - at - 1);
        test_replace(*state, 1, hf_buf_view(&cut));
        hf_buf_done(&cut);
        struct audit_verdict verdict = test_verify(*state, &head);
        if (verdict.intact || verdict.bad_seq != seq || verdict.line != seq)
            fail_msg("byte %zu of record %d: named %d", at, (int)seq, (int)verdict.bad_seq);
        if (text.p[at] == '\n')
            seq++;
    }
    hf_buf_done(&text);
}

static void test_verify_dropped_records_are_named(void **state)
{
    static const struct {
        size_t order[4];
        size_t count;
        uint64_t bad_seq;
        const char *reason;
    } cases[] = {
        { { 1, 2, 3 }, 3, 1, "dropped or reordered: expected seq 1, found 2" },
        { { 0, 2, 3 }, 3, 2, "dropped or reordered: expected seq 2, found 3" },
        { { 0, 3 }, 2, 2, "dropped or reordered: expected seq 2, found 4" },
        { { 0, 1, 2 }, 3, 4, "cut off: ends at record 3, but the store has seen record 4" },
        { { 1, 0, 2, 3 }, 4, 1, "dropped or reordered: expected seq 1, found 2" },
        { { 0, 1, 3, 2 }, 4, 3, "dropped or reordered: expected seq 3, found 4" },
        { { 0, 0, 1, 2 }, 4, 2, "dropped or reordered: expected seq 2, found 1" },
    };
    struct audit_head head = test_fill(*state, 0, 4);
    struct hf_buf text;
    test_read(*state, 1, &text);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        test_replace(*state, 1, hf_buf_view(&text));
        reorder(*state, cases[i].order, cases[i].count);
        struct audit_verdict verdict = test_verify(*state, &head);
        expect_bad(&verdict, cases[i].bad_seq, cases[i].bad_seq, cases[i].reason);
        assert_string_equal(verdict.file, "audit-00000000000000000001.jsonl");
    }
    hf_buf_done(&text);
}

static void test_verify_forged_record_at_the_end_is_named(void **state)
{
    struct audit_head head = test_fill(*state, 0, 3);
    const uint8_t zero[AUDIT_HASH_BYTES] = { 0 };
    static const struct {
        uint64_t seq;
        bool knows_prev;
        const char *reason;
    } cases[] = {
        { 4, false, "does not follow record 3" },
        { 5, true, "expected seq 4, found 5" },
        { 3, true, "expected seq 4, found 3" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_buf text;
        test_read(*state, 1, &text);
        size_t n = text.n;
        put_forged(&text, cases[i].seq, cases[i].knows_prev ? head.hash : zero,
                   HF_LIT("{\"forged\":true"));
        test_replace(*state, 1, hf_buf_view(&text));
        struct audit_verdict verdict = test_verify(*state, NULL);
        expect_bad(&verdict, 4, 4, cases[i].reason);
        test_replace(*state, 1, (hf_bytes){ text.p, n });
        hf_buf_done(&text);
    }
}

/* Whoever rewrites the end in the right way is betrayed by the store's head only. */
static void test_verify_rewritten_end_is_named_by_the_stores_head(void **state)
{
    (void)test_fill(*state, 0, 2);
    struct audit_log *log = test_open(*state, 0);
    struct audit_head before = audit_log_head(log);
    test_append(log, 3, 3);
    struct audit_head seen = audit_log_head(log);
    audit_close(log);
    struct hf_buf text;
    test_read(*state, 1, &text);
    text.n -= test_line_at(&text, 2).n;
    put_forged(&text, 3, before.hash, HF_LIT("{\"forged\":true"));
    test_replace(*state, 1, hf_buf_view(&text));
    hf_buf_done(&text);
    assert_true(test_verify(*state, NULL).intact);
    struct audit_verdict verdict = test_verify(*state, &seen);
    expect_bad(&verdict, 3, 3, "replaced: the store has seen another record 3");
}

static void test_verify_replaced_record_in_the_middle_is_named_by_the_next(void **state)
{
    (void)test_fill(*state, 0, 1);
    struct audit_log *log = test_open(*state, 0);
    struct audit_head first = audit_log_head(log);
    test_append(log, 2, 3);
    audit_close(log);
    struct hf_buf text;
    struct hf_buf forged;
    test_read(*state, 1, &text);
    hf_buf_init(&forged, FILE_MAX_BYTES);
    hf_buf_put_bytes(&forged, test_line_at(&text, 0));
    put_forged(&forged, 2, first.hash, HF_LIT("{\"forged\":true"));
    hf_buf_put_bytes(&forged, test_line_at(&text, 2));
    test_replace(*state, 1, hf_buf_view(&forged));
    hf_buf_done(&forged);
    hf_buf_done(&text);
    struct audit_verdict verdict = test_verify(*state, NULL);
    expect_bad(&verdict, 3, 3, "does not follow record 2: one of the two was replaced");
}

static void test_verify_missing_segment_is_named(void **state)
{
    (void)test_fill(*state, 1, 4);
    char path[TEST_FOLDER_MAX];
    test_path(*state, 2, path);
    assert_int_equal(unlink(path), 0);
    struct audit_verdict verdict = test_verify(*state, NULL);
    expect_bad(&verdict, 2, 0, "expected seq 2, the file begins with 3");
    assert_string_equal(verdict.file, "audit-00000000000000000003.jsonl");
}

static void test_verify_renamed_segment_is_named(void **state)
{
    (void)test_fill(*state, 1, 3);
    char from[TEST_FOLDER_MAX];
    char to[TEST_FOLDER_MAX];
    test_path(*state, 3, from);
    test_path(*state, 4, to);
    assert_int_equal(rename(from, to), 0);
    struct audit_verdict verdict = test_verify(*state, NULL);
    expect_bad(&verdict, 3, 0, "the file begins with 4");
}

static void test_verify_unfinished_line_before_the_last_segment_is_named(void **state)
{
    (void)test_fill(*state, 1, 3);
    struct hf_buf text;
    test_read(*state, 2, &text);
    hf_buf_put_c(&text, "{\"ti");
    test_replace(*state, 2, hf_buf_view(&text));
    hf_buf_done(&text);
    struct audit_verdict verdict = test_verify(*state, NULL);
    expect_bad(&verdict, 3, 2, "does not end");
    assert_string_equal(verdict.file, "audit-00000000000000000002.jsonl");
}

static void test_verify_endless_line_is_named(void **state)
{
    (void)test_fill(*state, 0, 1);
    struct hf_buf text;
    test_read(*state, 1, &text);
    uint8_t *p = hf_buf_reserve(&text, AUDIT_LINE_MAX_BYTES);
    assert_non_null(p);
    memset(p, 'x', AUDIT_LINE_MAX_BYTES);
    hf_buf_commit(&text, AUDIT_LINE_MAX_BYTES);
    test_replace(*state, 1, hf_buf_view(&text));
    hf_buf_done(&text);
    struct audit_verdict verdict = test_verify(*state, NULL);
    expect_bad(&verdict, 2, 2, "longer than");
}

/* More than the reader's memory, so that lines lie across its refills. */
static void test_verify_long_log_over_segments_is_intact(void **state)
{
    struct audit_log *log = test_open(*state, (uint64_t)1024 * 1024);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    static char text[3000];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 1000; i++) {
        char operation[32];
        struct audit_record record = test_record(i, operation);
        record.request_uri = (hf_str){ text, (size_t)i * 3 };
        assert_int_equal(audit_batch_add(batch, &record), HF_OK);
        if (i % 7 == 0)
            assert_int_equal(audit_batch_write(batch), HF_OK);
    }
    assert_int_equal(audit_batch_write(batch), HF_OK);
    audit_batch_free(batch);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    struct audit_verdict verdict = test_verify(*state, &head);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, 1000);
    assert_int_equal(verdict.head.seq, 1000);
    assert_memory_equal(verdict.head.hash, head.hash, sizeof(head.hash));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_missing_folder_fails),
        TEST(test_verify_empty_log_is_intact_unless_records_were_seen),
        TEST(test_verify_each_changed_byte_is_named),
        TEST(test_verify_each_removed_byte_is_named),
        TEST(test_verify_dropped_records_are_named),
        TEST(test_verify_forged_record_at_the_end_is_named),
        TEST(test_verify_rewritten_end_is_named_by_the_stores_head),
        TEST(test_verify_replaced_record_in_the_middle_is_named_by_the_next),
        TEST(test_verify_missing_segment_is_named),
        TEST(test_verify_renamed_segment_is_named),
        TEST(test_verify_unfinished_line_before_the_last_segment_is_named),
        TEST(test_verify_endless_line_is_named),
        TEST(test_verify_long_log_over_segments_is_intact),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
