/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk: the reserve is given up for records, and made again when there is room. */
#include "disk.h"
#include "support.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVE_BYTES ((uint64_t)1024 * 1024)

static struct audit_log *open_with(const char *folder, uint64_t reserve, uint64_t segment)
{
    const struct audit_config config = { .folder = folder,
                                         .segment_bytes = segment,
                                         .reserve_bytes = reserve };
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    hf_err err = audit_open(&config, &diag, &log);
    if (err != HF_OK)
        fail_msg("%s: %s", hf_err_name(err), diag.text);
    return log;
}

/* -1 if there is none. */
static long reserve_blocks(const char *folder)
{
    char path[TEST_FOLDER_MAX];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/audit.reserve", folder);
    return stat(path, &status) == 0 ? (long)status.st_blocks * 512 : -1;
}

static hf_err maintain(struct audit_log *log)
{
    struct audit_report report;
    return audit_maintain(log, &report);
}

static uint64_t write_until_refused(struct audit_log *log, hf_err wanted)
{
    uint64_t written = 0;
    hf_err err = HF_OK;
    while (err == HF_OK && written < 100000) {
        err = test_write_one(log, 1);
        written += err == HF_OK;
    }
    assert_int_equal(err, wanted);
    return written;
}

static void test_reserve_is_really_allocated(void **state)
{
    test_disk_reset();
    struct audit_log *log = open_with(*state, RESERVE_BYTES, 0);
    assert_true(reserve_blocks(*state) >= (long)RESERVE_BYTES);
    assert_int_equal(audit_log_condition(log), AUDIT_WRITABLE);
    audit_close(log);
    log = open_with(*state, RESERVE_BYTES / 2, 0);
    assert_true(reserve_blocks(*state) < (long)RESERVE_BYTES);
    audit_close(log);
    log = open_with(*state, 0, 0);
    assert_int_equal(reserve_blocks(*state), -1);
    audit_close(log);
}

/* Records go in until the reserve is used up; meanwhile changes are to be refused. */
static void test_reserve_full_disk_takes_records_until_it_is_used_up(void **state)
{
    test_disk_reset();
    struct audit_log *log = open_with(*state, RESERVE_BYTES, 0);
    assert_int_equal(test_write_one(log, 1), HF_OK);
    test_disk.room = 100; /* less than a record: the write stops in its middle */
    assert_int_equal(test_write_one(log, 1), HF_OK);
    assert_int_equal(audit_log_condition(log), AUDIT_ON_RESERVE);
    assert_false(audit_is_writable(log));
    assert_true(audit_takes_records(log));
    assert_int_equal(maintain(log), HF_E_DISK_FULL);
    assert_int_equal(audit_log_condition(log), AUDIT_ON_RESERVE);

    uint64_t written = 2 + write_until_refused(log, HF_E_DISK_FULL);
    assert_true(written > RESERVE_BYTES / 1024);
    assert_int_equal(audit_log_condition(log), AUDIT_DISK_FULL);
    assert_false(audit_takes_records(log));
    assert_int_equal(maintain(log), HF_E_DISK_FULL);
    struct audit_head head = audit_log_head(log);
    assert_int_equal(head.seq, written);
    assert_true(test_verify(*state, &head).intact);

    /* Some room: records, but no changes. */
    test_disk.room = 700L * 1024;
    assert_int_equal(maintain(log), HF_E_DISK_FULL);
    assert_int_equal(audit_log_condition(log), AUDIT_ON_RESERVE);
    assert_int_equal(test_write_one(log, 1), HF_OK);
    test_disk.room = TEST_DISK_LARGE;
    assert_int_equal(maintain(log), HF_OK);
    assert_int_equal(audit_log_condition(log), AUDIT_WRITABLE);
    assert_true(reserve_blocks(*state) >= (long)RESERVE_BYTES);
    audit_close(log);
    assert_true(test_verify(*state, &head).intact);
}

/* A new file has to be begun while the disk is full. */
static void test_reserve_full_disk_goes_over_to_the_next_file(void **state)
{
    test_disk_reset();
    struct audit_log *log = open_with(*state, RESERVE_BYTES, (uint64_t)16 * 1024);
    test_disk.room = 0;
    for (int i = 0; i < 100; i++)
        assert_int_equal(test_write_one(log, 1), HF_OK);
    assert_int_equal(audit_log_condition(log), AUDIT_ON_RESERVE);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    test_disk_reset();
    assert_true(test_verify(*state, &head).intact);
}

/* Whoever starts on a full disk may read. */
static void test_reserve_start_on_a_full_disk_is_on_reserve(void **state)
{
    test_disk_reset();
    test_disk.room = 64L * 1024;
    struct audit_log *log = open_with(*state, RESERVE_BYTES, 0);
    assert_int_equal(audit_log_condition(log), AUDIT_ON_RESERVE);
    assert_int_equal(test_write_one(log, 1), HF_OK);
    test_disk.room = TEST_DISK_LARGE;
    assert_int_equal(maintain(log), HF_OK);
    assert_int_equal(audit_log_condition(log), AUDIT_WRITABLE);
    audit_close(log);
}

static void test_reserve_deleted_is_made_again(void **state)
{
    char path[TEST_FOLDER_MAX];
    test_disk_reset();
    struct audit_log *log = open_with(*state, RESERVE_BYTES, 0);
    (void)snprintf(path, sizeof(path), "%s/audit.reserve", (const char *)*state);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(maintain(log), HF_OK);
    assert_true(reserve_blocks(*state) >= (long)RESERVE_BYTES);
    audit_close(log);
}

/* A file of the right length that holds no room. */
static void test_reserve_of_holes_is_filled(void **state)
{
    char path[TEST_FOLDER_MAX];
    test_disk_reset();
    (void)snprintf(path, sizeof(path), "%s/audit.reserve", (const char *)*state);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)RESERVE_BYTES), 0);
    (void)close(fd);
    struct audit_log *log = open_with(*state, RESERVE_BYTES, 0);
    assert_true(reserve_blocks(*state) >= (long)RESERVE_BYTES);
    audit_close(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reserve_is_really_allocated),
        TEST(test_reserve_full_disk_takes_records_until_it_is_used_up),
        TEST(test_reserve_full_disk_goes_over_to_the_next_file),
        TEST(test_reserve_start_on_a_full_disk_is_on_reserve),
        TEST(test_reserve_deleted_is_made_again),
        TEST(test_reserve_of_holes_is_filled),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
