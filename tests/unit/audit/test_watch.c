/* SPDX-License-Identifier: Apache-2.0 */
/* What others do to the files of an open log is noticed at the next look, and never goes on unseen. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "support.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct audit_report look(struct audit_log *log, hf_err wanted)
{
    struct audit_report report;
    hf_err err = audit_maintain(log, &report);
    if (err != wanted)
        fail_msg("%s, not %s (%s)", hf_err_name(err), hf_err_name(wanted),
                 audit_change_text(report.change));
    return report;
}

static void expect_closed(struct audit_log *log, enum audit_change change)
{
    struct audit_report report = look(log, HF_E_CORRUPT);
    assert_int_equal(report.change, change);
    assert_true(report.is_new);
    assert_int_equal(report.condition, AUDIT_TAMPERED);
    assert_false(report.is_restored);
    assert_int_equal(test_write_one(log, 99), HF_E_IO);
    assert_int_equal(audit_probe(log), HF_E_IO);
    report = look(log, HF_E_CORRUPT);
    assert_int_equal(report.change, change);
    assert_false(report.is_new);
}

static void expect_open(struct audit_log *log)
{
    struct audit_report report = look(log, HF_OK);
    assert_int_equal(report.condition, AUDIT_WRITABLE);
}

static void finish(struct audit_log *log, const char *folder, uint64_t records)
{
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, records);
    assert_true(test_verify(folder, &head).intact);
}

static void test_watch_untouched_log_is_unchanged(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    expect_open(log);
    for (int i = 1; i < 10; i++) {
        test_append(log, i, i);
        assert_int_equal(look(log, HF_OK).change, AUDIT_UNCHANGED);
    }
    finish(log, *state, 9);
}

/* All of it is still behind the open descriptor. */
static void test_watch_deleted_file_is_written_anew(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 3);
    test_path(*state, 1, path);
    assert_int_equal(unlink(path), 0);
    test_append(log, 4, 5); /* before it was noticed */
    struct audit_report report = look(log, HF_OK);
    assert_int_equal(report.change, AUDIT_FILE_GONE);
    assert_true(report.is_new && report.is_restored);
    assert_int_equal(report.condition, AUDIT_WRITABLE);
    assert_int_equal(look(log, HF_OK).change, AUDIT_UNCHANGED);
    test_append(log, 6, 6);
    finish(log, *state, 6);
}

static void test_watch_replaced_file_closes_until_it_is_back(void **state)
{
    char path[TEST_FOLDER_MAX];
    char away[TEST_FOLDER_MAX + 8];
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 3);
    test_path(*state, 1, path);
    (void)snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    test_replace(*state, 1, (hf_bytes){ (const uint8_t *)"{}\n", 3 });
    expect_closed(log, AUDIT_FILE_REPLACED);
    assert_int_equal(rename(away, path), 0);
    expect_open(log);
    test_append(log, 4, 4);
    finish(log, *state, 4);
}

static void test_watch_cut_off_file_closes(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 3);
    struct audit_head head = audit_log_head(log);
    test_path(*state, 1, path);
    assert_int_equal(truncate(path, 100), 0);
    expect_closed(log, AUDIT_FILE_CUT);
    audit_close(log);
    assert_false(test_verify(*state, &head).intact);
}

static void test_watch_foreign_line_closes_until_it_is_gone(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct stat status;
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 3);
    test_path(*state, 1, path);
    assert_int_equal(stat(path, &status), 0);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "{}\n", 3), 3);
    expect_closed(log, AUDIT_FILE_GROWN);
    assert_int_equal(ftruncate(fd, status.st_size), 0);
    (void)close(fd);
    expect_open(log);
    test_append(log, 4, 4);
    finish(log, *state, 4);
}

static void test_watch_rewritten_last_line_closes(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct hf_buf text;
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 3);
    test_read(*state, 1, &text);
    hf_bytes last = test_line_at(&text, 2);
    const char *place = memmem(last.p, last.n, "Op3", 3);
    assert_non_null(place);
    off_t at = (off_t)((const uint8_t *)place - text.p);
    test_path(*state, 1, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "Op4", 3, at), 3);
    expect_closed(log, AUDIT_FILE_REWRITTEN);
    assert_int_equal(pwrite(fd, "Op3", 3, at), 3);
    (void)close(fd);
    hf_buf_done(&text);
    expect_open(log);
    finish(log, *state, 3);
}

static void test_watch_folder_moved_closes_until_it_is_back(void **state)
{
    char folder[TEST_FOLDER_MAX];
    char away[TEST_FOLDER_MAX];
    (void)snprintf(folder, sizeof(folder), "%s/log", (const char *)*state);
    (void)snprintf(away, sizeof(away), "%s/away", (const char *)*state);
    struct audit_log *log = test_open(folder, 0);
    test_append(log, 1, 2);
    assert_int_equal(rename(folder, away), 0);
    expect_closed(log, AUDIT_FOLDER_GONE);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(look(log, HF_E_CORRUPT).change, AUDIT_FOLDER_GONE);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(rename(away, folder), 0);
    expect_open(log);
    test_append(log, 3, 3);
    finish(log, folder, 3);
    char path[TEST_FOLDER_MAX];
    test_path(folder, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Told once; new records have their place. */
static void test_watch_earlier_file_is_told_and_the_log_goes_on(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct audit_log *log = test_open(*state, 1);
    test_append(log, 1, 4);
    assert_int_equal(look(log, HF_OK).change, AUDIT_UNCHANGED);
    test_path(*state, 2, path);
    assert_int_equal(unlink(path), 0);
    struct audit_report report = look(log, HF_OK);
    assert_int_equal(report.change, AUDIT_EARLIER_FILE);
    assert_int_equal(report.first, 2);
    assert_true(report.is_new);
    assert_int_equal(report.condition, AUDIT_WRITABLE);
    assert_int_equal(look(log, HF_OK).change, AUDIT_UNCHANGED);
    test_path(*state, 1, path);
    assert_int_equal(truncate(path, 3), 0);
    assert_int_equal(look(log, HF_OK).first, 1);
    test_append(log, 5, 5);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_false(test_verify(*state, &head).intact);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_watch_untouched_log_is_unchanged),
        TEST(test_watch_deleted_file_is_written_anew),
        TEST(test_watch_replaced_file_closes_until_it_is_back),
        TEST(test_watch_cut_off_file_closes),
        TEST(test_watch_foreign_line_closes_until_it_is_gone),
        TEST(test_watch_rewritten_last_line_closes),
        TEST(test_watch_folder_moved_closes_until_it_is_back),
        TEST(test_watch_earlier_file_is_told_and_the_log_goes_on),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
