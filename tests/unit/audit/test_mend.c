/* SPDX-License-Identifier: Apache-2.0 */
/* After failed writes and syncs: nothing is taken before the end of the log is known to be on the disk. */
#include "disk.h"
#include "support.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static hf_err maintain(struct audit_log *log)
{
    struct audit_report report;
    hf_err err = audit_maintain(log, &report);
    assert_int_equal(report.condition, audit_log_condition(log));
    return err;
}

static void finish(struct audit_log *log, const char *folder)
{
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_true(test_verify(folder, &head).intact);
}

static void test_mend_failed_sync_writes_again_what_was_not_durable(void **state)
{
    test_disk_reset();
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 3);
    assert_int_equal(maintain(log), HF_OK);
    assert_int_equal(audit_log_durable_head(log).seq, 3);
    test_append(log, 4, 6);
    test_disk.sync_error = EIO;
    assert_int_equal(maintain(log), HF_E_IO);
    assert_int_equal(audit_log_condition(log), AUDIT_FAILING);
    assert_int_equal(test_write_one(log, 7), HF_E_IO);
    assert_int_equal(maintain(log), HF_E_IO);
    assert_int_equal(audit_log_durable_head(log).seq, 3);

    /* The next sync alone would succeed and mean nothing. */
    test_disk.sync_error = 0;
    test_disk.rewrites = 0;
    assert_int_equal(maintain(log), HF_OK);
    assert_int_not_equal(test_disk.rewrites, 0);
    assert_int_equal(audit_log_durable_head(log).seq, 6);
    assert_int_equal(audit_log_condition(log), AUDIT_WRITABLE);
    assert_int_equal(test_write_one(log, 7), HF_OK);
    finish(log, *state);
}

/* The kernel has thrown away what it could not write: zeros come back. */
static void test_mend_lost_records_keep_the_log_closed(void **state)
{
    char path[TEST_FOLDER_MAX];
    static const char zeros[64] = { 0 };
    test_disk_reset();
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 2);
    assert_int_equal(maintain(log), HF_OK);
    test_path(*state, 1, path);
    struct hf_buf text;
    test_read(*state, 1, &text);
    size_t durable = text.n;
    hf_buf_done(&text);
    test_append(log, 3, 4);
    struct audit_head known = { 0 };
    known = audit_log_durable_head(log);
    test_disk.sync_error = EIO;
    assert_int_equal(audit_sync(log), HF_E_IO);
    test_disk.sync_error = 0;

    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)durable), sizeof(zeros));
    (void)close(fd);
    assert_int_equal(maintain(log), HF_E_IO);
    assert_int_equal(maintain(log), HF_E_IO);
    assert_int_equal(audit_log_condition(log), AUDIT_FAILING);
    audit_close(log);

    /* The next start sets aside what is left of them. */
    const struct audit_config config = { .folder = *state, .expected = &known };
    struct hf_diag diag = { 0 };
    assert_int_equal(audit_open(&config, &diag, &log), HF_OK);
    assert_true(audit_recovered_bytes(log) > 0);
    assert_int_equal(audit_log_head(log).seq, 2);
    finish(log, *state);
}

static void test_mend_write_that_could_not_be_undone_is_cut_off_later(void **state)
{
    test_disk_reset();
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 2);
    test_disk.room = 100;
    test_disk.cut_error = EIO;
    assert_int_not_equal(test_write_one(log, 7), HF_OK);
    assert_false(audit_takes_records(log));
    test_disk.room = TEST_DISK_LARGE;
    assert_int_equal(test_write_one(log, 7), HF_E_IO); /* the end is not known */
    assert_int_equal(maintain(log), HF_E_IO);
    test_disk.cut_error = 0;
    assert_int_equal(maintain(log), HF_OK);
    assert_int_equal(test_write_one(log, 7), HF_OK);
    assert_int_equal(audit_log_head(log).seq, 3);
    finish(log, *state);
}

static void test_mend_failing_disk_refuses_until_it_works(void **state)
{
    test_disk_reset();
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 1);
    test_disk.write_error = EIO;
    assert_int_equal(test_write_one(log, 7), HF_E_IO);
    assert_int_equal(audit_log_condition(log), AUDIT_FAILING);
    assert_int_equal(maintain(log), HF_E_IO);
    test_disk.write_error = 0;
    assert_int_equal(maintain(log), HF_OK);
    assert_int_equal(audit_log_condition(log), AUDIT_WRITABLE);
    test_append(log, 2, 2);
    finish(log, *state);
}

/* The sync at the end of a file counts as well. */
static void test_mend_failed_sync_before_the_next_file_is_mended_in_the_old_one(void **state)
{
    test_disk_reset();
    struct audit_log *log = test_open(*state, 1);
    test_append(log, 1, 1);
    test_disk.sync_error = EIO;
    assert_int_equal(test_write_one(log, 7), HF_E_IO);
    test_disk.sync_error = 0;
    test_disk.rewrites = 0;
    assert_int_equal(maintain(log), HF_OK);
    assert_int_not_equal(test_disk.rewrites, 0);
    test_append(log, 2, 4);
    assert_int_equal(audit_log_head(log).seq, 4);
    finish(log, *state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mend_failed_sync_writes_again_what_was_not_durable),
        TEST(test_mend_lost_records_keep_the_log_closed),
        TEST(test_mend_write_that_could_not_be_undone_is_cut_off_later),
        TEST(test_mend_failing_disk_refuses_until_it_works),
        TEST(test_mend_failed_sync_before_the_next_file_is_mended_in_the_old_one),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
