/* SPDX-License-Identifier: Apache-2.0 */
/* A log that goes on, after a restore, where another one was at the backup. */
#include "support.h"

#include <string.h>
#include <unistd.h>

#define SEGMENT_BYTES 4096
#define BEFORE 41

static const struct audit_head before = { .seq = BEFORE, .hash = { 1, 2, 3 } };

static hf_err open_after(const char *folder, const struct audit_head *after,
                         const struct audit_head *expected, struct audit_log **out)
{
    const struct audit_config config = { .folder = folder,
                                         .segment_bytes = SEGMENT_BYTES,
                                         .expected = expected,
                                         .continue_from = after };
    struct hf_diag diag = { 0 };
    return audit_open(&config, &diag, out);
}

static void append_operation(struct audit_log *log, hf_str operation)
{
    char text[32];
    struct audit_batch *batch = NULL;
    struct audit_record record = test_record(1, text);
    record.operation_name = operation;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    assert_int_equal(audit_batch_add(batch, &record), HF_OK);
    assert_int_equal(audit_batch_write(batch), HF_OK);
    audit_batch_free(batch);
}

/* A log that begins after `before` with that operation, and has `more` records after it. */
static void make_log(const char *folder, hf_str operation, int more)
{
    struct audit_log *log = NULL;
    assert_int_equal(open_after(folder, &before, &before, &log), HF_OK);
    append_operation(log, operation);
    test_append(log, 2, more + 1);
    audit_close(log);
}

static void test_log_after_another_record_is_refused(void **state)
{
    const char *folder = *state;
    const struct audit_head other = { .seq = BEFORE - 1 };
    const struct audit_head same_number = { .seq = BEFORE, .hash = { 9 } };
    struct audit_log *log = NULL;
    make_log(folder, HF_LIT(AUDIT_RESTORE_OPERATION), 3);
    assert_int_equal(open_after(folder, NULL, NULL, &log), HF_E_CORRUPT);
    assert_int_equal(open_after(folder, &other, NULL, &log), HF_E_CORRUPT);
    assert_int_equal(open_after(folder, &same_number, NULL, &log), HF_E_CORRUPT);
    assert_null(log);
}

static void test_verify_without_restore_record_is_not_intact(void **state)
{
    const char *folder = *state;
    make_log(folder, HF_LIT("SecretGet"), 3);
    assert_false(test_verify(folder, NULL).intact);
}

/* The name in another member's text, where it is escaped, is no operation. */
static void test_verify_restore_in_text_is_not_intact(void **state)
{
    const char *folder = *state;
    make_log(folder, HF_LIT("a\",\"operationName\":\"" AUDIT_RESTORE_OPERATION "\",\"b\":\""), 3);
    assert_false(test_verify(folder, NULL).intact);
}

static void test_log_goes_on_after_the_restore(void **state)
{
    const char *folder = *state;
    struct hf_buf text;
    struct audit_line line;
    make_log(folder, HF_LIT(AUDIT_RESTORE_OPERATION), 60); /* several files */
    test_read(folder, BEFORE + 1, &text);
    hf_bytes first = test_line_at(&text, 0);
    first.n--;
    assert_int_equal(audit_line_parse(first, &line), HF_OK);
    assert_int_equal(line.seq, BEFORE + 1);
    assert_memory_equal(line.prev, before.hash, sizeof(before.hash));
    hf_buf_done(&text);

    struct audit_log *log = NULL;
    assert_int_equal(open_after(folder, &before, &before, &log), HF_OK);
    const struct audit_head head = audit_log_head(log);
    assert_int_equal(head.seq, BEFORE + 61);
    audit_close(log);
    const struct audit_verdict verdict = test_verify(folder, &head);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, 61);
    assert_int_equal(verdict.begins_after, BEFORE);
}

/* Killed between the file and its first record. */
static void test_log_without_records_yet_goes_on(void **state)
{
    const char *folder = *state;
    struct audit_log *log = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_after(folder, &before, &before, &log), HF_OK);
        assert_int_equal(audit_log_head(log).seq, BEFORE);
        audit_close(log);
    }
}

static void test_files_of_before_are_gone_on_with(void **state)
{
    const char *folder = *state;
    const struct audit_head end = test_fill(folder, SEGMENT_BYTES, BEFORE + 9);
    struct audit_log *log = NULL;
    struct audit_head middle = { .seq = BEFORE };
    assert_int_equal(open_after(folder, &middle, NULL, &log), HF_OK);
    assert_int_equal(audit_log_head(log).seq, end.seq);
    append_operation(log, HF_LIT(AUDIT_RESTORE_OPERATION));
    audit_close(log);
    const struct audit_verdict verdict = test_verify(folder, NULL);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, BEFORE + 10);
    assert_int_equal(verdict.begins_after, 0);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_log_after_another_record_is_refused),
        TEST(test_verify_without_restore_record_is_not_intact),
        TEST(test_verify_restore_in_text_is_not_intact),
        TEST(test_log_goes_on_after_the_restore),
        TEST(test_log_without_records_yet_goes_on),
        TEST(test_files_of_before_are_gone_on_with),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
