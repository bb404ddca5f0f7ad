/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the log: what is refused, what is repaired, and that the chain goes on. */
#include "support.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE_RECORD_A_SEGMENT 1

static void expect_refused(const char *folder, const struct audit_head *expected, hf_err wanted,
                           const char *text)
{
    const struct audit_config config = { .folder = folder, .expected = expected };
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    hf_err err = audit_open(&config, &diag, &log);
    if (err != wanted || log != NULL || strstr(diag.text, text) == NULL)
        fail_msg("%s: \"%s\", not \"%s\"", hf_err_name(err), diag.text, text);
}

/* The head after record `seq` of a log with one record a segment. */
static struct audit_head head_at(const char *folder, uint64_t seq)
{
    struct hf_buf text;
    struct audit_line line;
    test_read(folder, seq, &text);
    assert_int_equal(audit_line_parse((hf_bytes){ text.p, text.n - 1 }, &line), HF_OK);
    hf_buf_done(&text);
    struct audit_head head = { .seq = line.seq };
    memcpy(head.hash, line.hash, sizeof(head.hash));
    return head;
}

static void flip_byte(const char *folder, uint64_t first, size_t at)
{
    struct hf_buf text;
    test_read(folder, first, &text);
    text.p[at] ^= 1;
    test_replace(folder, first, hf_buf_view(&text));
    hf_buf_done(&text);
}

static void remove_segment(const char *folder, uint64_t first)
{
    char path[TEST_FOLDER_MAX];
    test_path(folder, first, path);
    assert_int_equal(unlink(path), 0);
}

static void test_open_log_shorter_than_the_store_has_seen_is_refused(void **state)
{
    struct audit_head head = test_fill(*state, 0, 41);
    head.seq = 57;
    expect_refused(
        *state, &head, HF_E_CORRUPT,
        "audit log ends at record 41, but the store has seen record 57: records are missing");
}

static void test_open_empty_folder_is_refused_if_the_store_has_seen_records(void **state)
{
    const struct audit_head head = { .seq = 1 };
    expect_refused(*state, &head, HF_E_CORRUPT, "audit log ends at record 0");
}

static void test_open_log_with_another_record_than_the_store_has_seen_is_refused(void **state)
{
    struct audit_head head = test_fill(*state, 0, 3);
    head.hash[31] ^= 1;
    expect_refused(*state, &head, HF_E_CORRUPT, "record 3");
    head.seq = 2;
    expect_refused(*state, &head, HF_E_CORRUPT, "record 2");
}

static void test_open_previous_segment_ends_with_another_record_is_refused(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 3);
    struct audit_head head = head_at(*state, 2);
    head.hash[0] ^= 1;
    expect_refused(*state, &head, HF_E_CORRUPT, "damaged at record 2");
}

static void test_open_changed_record_in_the_last_segment_is_refused(void **state)
{
    (void)test_fill(*state, 0, 3);
    struct hf_buf text;
    test_read(*state, 1, &text);
    size_t at = test_line_at(&text, 0).n + 30;
    hf_buf_done(&text);
    flip_byte(*state, 1, at);
    expect_refused(*state, NULL, HF_E_CORRUPT,
                   "damaged at record 2 (line 2 of audit-00000000000000000001.jsonl): changed");
}

static void test_open_changed_last_newline_is_refused_and_not_taken_for_torn(void **state)
{
    (void)test_fill(*state, 0, 3);
    struct hf_buf text;
    test_read(*state, 1, &text);
    size_t n = text.n;
    hf_buf_done(&text);
    flip_byte(*state, 1, n - 1);
    expect_refused(*state, NULL, HF_E_CORRUPT, "damaged at record 3");
}

static void test_open_changed_end_of_the_previous_segment_is_refused(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 3);
    flip_byte(*state, 2, 20);
    expect_refused(*state, NULL, HF_E_CORRUPT,
                   "damaged at record 2 (last line of audit-00000000000000000002.jsonl): changed");
}

static void test_open_cut_or_empty_previous_segment_is_refused(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 3);
    test_replace(*state, 2, hf_str_bytes(HF_LIT("{\"time\":")));
    expect_refused(*state, NULL, HF_E_CORRUPT, "does not end");
    test_replace(*state, 2, (hf_bytes){ (const uint8_t *)"", 0 });
    expect_refused(*state, NULL, HF_E_CORRUPT, "does not end");
}

static void test_open_missing_segment_is_refused(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 4);
    remove_segment(*state, 3);
    expect_refused(*state, NULL, HF_E_CORRUPT, "expected seq 3, found 2");
    remove_segment(*state, 1);
    remove_segment(*state, 2);
    expect_refused(*state, NULL, HF_E_CORRUPT, "expected seq 1, the file begins with 4");
}

static void test_open_folder_in_use_is_busy(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    expect_refused(*state, NULL, HF_E_BUSY, "another process");
    audit_close(log);
}

static void test_open_segment_that_is_a_link_is_refused(void **state)
{
    char path[TEST_FOLDER_MAX];
    test_path(*state, 1, path);
    assert_int_equal(symlink("/dev/null", path), 0);
    expect_refused(*state, NULL, HF_E_IO, "audit-00000000000000000001.jsonl");
}

static void test_open_no_folder_makes_it_for_the_owner_alone(void **state)
{
    char folder[TEST_FOLDER_MAX];
    char path[TEST_FOLDER_MAX];
    struct stat status;
    (void)snprintf(folder, sizeof(folder), "%s/new", (const char *)*state);
    (void)test_fill(folder, 0, 1);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    test_path(folder, 1, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_open_torn_last_line_is_cut_and_the_chain_goes_on(void **state)
{
    struct audit_head head = test_fill(*state, 0, 3);
    struct hf_buf text;
    test_read(*state, 1, &text);
    size_t start = text.n - test_line_at(&text, 2).n;
    for (size_t n = start; n < text.n; n++) {
        test_replace(*state, 1, (hf_bytes){ text.p, n });
        struct audit_verdict verdict = test_verify(*state, NULL);
        assert_true(verdict.intact);
        assert_int_equal(verdict.records, 2);
        struct audit_log *log = test_open(*state, 0);
        test_append(log, 3, 3);
        /* The same record again, in the same place. */
        struct audit_head again = audit_log_head(log);
        audit_close(log);
        assert_int_equal(again.seq, head.seq);
        assert_memory_equal(again.hash, head.hash, sizeof(head.hash));
    }
    assert_true(test_verify(*state, &head).intact);
    hf_buf_done(&text);
}

static void test_open_torn_record_the_store_has_seen_is_refused_and_left_alone(void **state)
{
    struct audit_head head = test_fill(*state, 0, 3);
    struct hf_buf text;
    struct hf_buf after;
    test_read(*state, 1, &text);
    test_replace(*state, 1, (hf_bytes){ text.p, text.n - 1 });
    expect_refused(*state, &head, HF_E_CORRUPT, "ends at record 2");
    test_read(*state, 1, &after);
    assert_int_equal(after.n, text.n - 1);
    hf_buf_done(&after);
    hf_buf_done(&text);
}

static void test_open_after_close_goes_on_over_segments(void **state)
{
    for (int i = 1; i <= 6; i++) {
        struct audit_log *log = test_open(*state, i < 4 ? ONE_RECORD_A_SEGMENT : 0);
        assert_int_equal(audit_log_head(log).seq, i - 1);
        test_append(log, i, i);
        audit_close(log);
    }
    struct audit_verdict verdict = test_verify(*state, NULL);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, 6);
}

static void test_open_empty_last_segment_is_used(void **state)
{
    struct audit_head head = test_fill(*state, ONE_RECORD_A_SEGMENT, 2);
    test_replace(*state, 3, (hf_bytes){ (const uint8_t *)"", 0 });
    const struct audit_config config = { .folder = *state, .expected = &head };
    struct audit_log *log = NULL;
    assert_int_equal(audit_open(&config, NULL, &log), HF_OK);
    test_append(log, 3, 3);
    audit_close(log);
    assert_int_equal(head_at(*state, 3).seq, 3);
    assert_true(test_verify(*state, &head).intact);
}

static void test_open_log_ahead_of_the_store_is_fine(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 4);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        struct audit_head head = head_at(*state, seq);
        const struct audit_config config = { .folder = *state, .expected = &head };
        struct audit_log *log = NULL;
        assert_int_equal(audit_open(&config, NULL, &log), HF_OK);
        assert_int_equal(audit_log_head(log).seq, 4);
        audit_close(log);
    }
}

static void test_open_other_files_are_passed_over(void **state)
{
    static const char *const names[] = {
        "audit-1.jsonl",
        "audit-00000000000000000000.jsonl",
        "audit-00000000000000000007.jsonl~",
        "audit-99999999999999999999.jsonl",
        "notes.txt",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        char path[TEST_FOLDER_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", (const char *)*state, names[i]);
        assert_int_equal(hf_file_write(path, hf_str_bytes(HF_LIT("x\n")), 0600), HF_OK);
    }
    struct audit_head head = test_fill(*state, 0, 2);
    assert_true(test_verify(*state, &head).intact);
}

static void test_sync_makes_the_head_durable(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    assert_int_equal(audit_log_durable_head(log).seq, 0);
    test_append(log, 1, 2);
    assert_int_equal(audit_log_durable_head(log).seq, 0);
    assert_int_equal(audit_sync(log), HF_OK);
    struct audit_head head = audit_log_head(log);
    struct audit_head durable = audit_log_durable_head(log);
    assert_int_equal(durable.seq, 2);
    assert_memory_equal(durable.hash, head.hash, sizeof(head.hash));
    assert_int_equal(audit_sync(log), HF_OK);
    audit_close(log);
    audit_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open_log_shorter_than_the_store_has_seen_is_refused),
        TEST(test_open_empty_folder_is_refused_if_the_store_has_seen_records),
        TEST(test_open_log_with_another_record_than_the_store_has_seen_is_refused),
        TEST(test_open_previous_segment_ends_with_another_record_is_refused),
        TEST(test_open_changed_record_in_the_last_segment_is_refused),
        TEST(test_open_changed_last_newline_is_refused_and_not_taken_for_torn),
        TEST(test_open_changed_end_of_the_previous_segment_is_refused),
        TEST(test_open_cut_or_empty_previous_segment_is_refused),
        TEST(test_open_missing_segment_is_refused),
        TEST(test_open_folder_in_use_is_busy),
        TEST(test_open_segment_that_is_a_link_is_refused),
        TEST(test_open_no_folder_makes_it_for_the_owner_alone),
        TEST(test_open_torn_last_line_is_cut_and_the_chain_goes_on),
        TEST(test_open_torn_record_the_store_has_seen_is_refused_and_left_alone),
        TEST(test_open_after_close_goes_on_over_segments),
        TEST(test_open_empty_last_segment_is_used),
        TEST(test_open_log_ahead_of_the_store_is_fine),
        TEST(test_open_other_files_are_passed_over),
        TEST(test_sync_makes_the_head_durable),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
