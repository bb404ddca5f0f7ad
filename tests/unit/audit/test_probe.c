/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the log can be written: known after a failure, found out by a probe, undisturbed by it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* unshare */
#endif
#include "support.h"

#include "base/thread.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTOR_MAX 256
#define WRITERS 3
#define RECORDS_A_WRITER 150
#define DISK_BYTES (1024L * 1024)

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static uint64_t segment_size(const char *folder, uint64_t first)
{
    char path[TEST_FOLDER_MAX];
    struct stat status;
    test_path(folder, first, path);
    assert_int_equal(stat(path, &status), 0);
    return (uint64_t)status.st_size;
}

/* Our descriptor of the segment, found by its name. */
static int find_descriptor(void)
{
    for (int fd = 3; fd < DESCRIPTOR_MAX; fd++) {
        char link[64];
        char target[TEST_FOLDER_MAX] = "";
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, target, sizeof(target) - 1);
        if (n > 0 && strstr(target, ".jsonl") != NULL)
            return fd;
    }
    return -1;
}

static void expect_probe(struct audit_log *log, hf_err wanted)
{
    hf_err err = audit_probe(log);
    if (err != wanted || audit_is_writable(log) != (wanted == HF_OK))
        fail_msg("%s, not %s; writable: %d", hf_err_name(err), hf_err_name(wanted),
                 audit_is_writable(log));
}

static void test_writable_failed_write_is_known_until_a_probe_succeeds(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    assert_true(audit_is_writable(log));
    test_append(log, 1, 3);
    struct audit_head before = audit_log_head(log);
    uint64_t size = segment_size(*state, 1);
    limit_file_size((rlim_t)size + 10);
    assert_int_equal(test_write_one(log, 4), HF_E_IO);
    assert_false(audit_is_writable(log));
    expect_probe(log, HF_E_IO);
    expect_probe(log, HF_E_IO);
    limit_file_size(RLIM_INFINITY);
    assert_false(audit_is_writable(log));
    expect_probe(log, HF_OK);

    struct audit_head after = audit_log_head(log);
    assert_memory_equal(&after, &before, sizeof(before));
    assert_int_equal(segment_size(*state, 1), size);
    test_append(log, 4, 5);
    audit_close(log);
    assert_int_equal(test_verify(*state, &before).records, 5);
}

static void test_writable_failed_write_is_known_until_a_write_succeeds(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    limit_file_size(0);
    assert_int_equal(test_write_one(log, 1), HF_E_IO);
    limit_file_size(RLIM_INFINITY);
    assert_false(audit_is_writable(log));
    assert_int_equal(test_write_one(log, 1), HF_OK);
    assert_true(audit_is_writable(log));
    audit_close(log);
}

static void test_probe_finds_out_before_a_write_does(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 1);
    limit_file_size(segment_size(*state, 1));
    expect_probe(log, HF_E_IO);
    limit_file_size(RLIM_INFINITY);
    expect_probe(log, HF_OK);
    audit_close(log);
}

/* The segment is far longer than what the probe writes. */
static void test_probe_limit_behind_a_long_segment_fails(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    while (segment_size(*state, 1) < 2 * AUDIT_ROOM_BYTES)
        assert_int_equal(test_write_one(log, 1), HF_OK);
    limit_file_size((rlim_t)segment_size(*state, 1) + 10);
    expect_probe(log, HF_E_IO);
    limit_file_size(RLIM_INFINITY);
    expect_probe(log, HF_OK);
    audit_close(log);
}

/* A pipe cannot be synced or cut; the real file can be put in order. */
static void test_probe_after_a_failed_sync_fails_until_it_is_mended(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 1);
    int fd = find_descriptor();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(fd);
    assert_int_equal(dup2(ends[1], fd), fd);
    assert_int_equal(audit_sync(log), HF_E_IO);
    assert_false(audit_is_writable(log));
    expect_probe(log, HF_E_IO);
    assert_int_equal(dup2(saved, fd), fd);
    assert_int_equal(test_write_one(log, 2), HF_E_IO);
    expect_probe(log, HF_OK);
    assert_int_equal(test_write_one(log, 2), HF_OK);
    audit_close(log);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
    log = test_open(*state, 0);
    assert_true(audit_is_writable(log));
    audit_close(log);
}

/* The folder is fine, but not the segment. */
static void test_probe_segment_that_takes_nothing_fails(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 1);
    int fd = find_descriptor();
    int saved = dup(fd);
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(saved > 0 && full > 0);
    assert_int_equal(dup2(full, fd), fd);
    expect_probe(log, HF_E_IO);
    assert_int_equal(dup2(saved, fd), fd);
    expect_probe(log, HF_OK);
    (void)close(saved);
    (void)close(full);
    audit_close(log);
}

static void test_probe_next_segment_that_cannot_be_made_fails_until_it_can(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct audit_log *log = test_open(*state, 1);
    test_append(log, 1, 1);
    test_path(*state, 2, path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(test_write_one(log, 2), HF_E_IO);
    assert_false(audit_is_writable(log));
    expect_probe(log, HF_E_IO);
    assert_int_equal(rmdir(path), 0);
    expect_probe(log, HF_OK);
    expect_probe(log, HF_OK);
    assert_int_equal(segment_size(*state, 2), 0);
    assert_int_equal(test_verify(*state, NULL).records, 1);
    test_append(log, 2, 3);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_true(test_verify(*state, &head).intact);
}

/* In a full segment at the limit, the next one counts. */
static void test_probe_full_segment_does_not_count_its_own_size(void **state)
{
    struct audit_log *log = test_open(*state, (uint64_t)512 * 1024);
    while (segment_size(*state, 1) < (uint64_t)512 * 1024)
        assert_int_equal(test_write_one(log, 1), HF_OK);
    limit_file_size(segment_size(*state, 1));
    expect_probe(log, HF_OK);
    assert_int_equal(test_write_one(log, 1), HF_OK);
    limit_file_size(RLIM_INFINITY);
    audit_close(log);
    assert_true(test_verify(*state, NULL).intact);
}

static void test_probe_leftovers_and_links_in_its_files_place_are_harmless(void **state)
{
    char path[TEST_FOLDER_MAX];
    char target[TEST_FOLDER_MAX];
    struct stat status;
    struct audit_log *log = test_open(*state, 0);
    (void)snprintf(path, sizeof(path), "%s/audit.probe", (const char *)*state);
    (void)snprintf(target, sizeof(target), "%s/other", (const char *)*state);

    int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "keep", 4), 4);
    assert_int_equal(symlink(target, path), 0);
    expect_probe(log, HF_E_IO);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 4);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);

    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "old", 3), 3);
    (void)close(fd);
    expect_probe(log, HF_OK);
    assert_int_equal(access(path, F_OK), -1);
    audit_close(log);
}

/* In a mount namespace of this process, so that it goes with it. Needs root. */
static bool mount_small_disk(const char *folder)
{
    char options[32];
    (void)snprintf(options, sizeof(options), "size=%ld", DISK_BYTES);
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", folder, "tmpfs", 0, options) == 0;
}

/* As much as still goes onto the disk. */
static void fill_disk(const char *path)
{
    static const char block[4096] = "x";
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    ssize_t n = 0;
    do
        n = write(fd, block, sizeof(block));
    while (n > 0);
    (void)close(fd);
}

static hf_err write_until_full(struct audit_log *log)
{
    hf_err err = HF_OK;
    for (int i = 0; i < 5000 && err == HF_OK; i++)
        err = test_write_one(log, i);
    return err;
}

static void probe_on_a_full_disk(const char *folder, const char *filler)
{
    struct audit_log *log = test_open(folder, 0);
    test_append(log, 1, 1);
    fill_disk(filler);
    expect_probe(log, HF_E_DISK_FULL);
    assert_int_equal(write_until_full(log), HF_E_DISK_FULL);
    assert_false(audit_is_writable(log));
    expect_probe(log, HF_E_DISK_FULL);
    assert_int_equal(unlink(filler), 0);
    expect_probe(log, HF_OK);
    /* The probe has reserved room: somebody else may fill the disk now. */
    fill_disk(filler);
    test_append(log, 1, 100);
    assert_true(audit_is_writable(log));
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_true(test_verify(folder, &head).intact);
}

static void test_probe_on_a_full_disk_fails_until_there_is_room(void **state)
{
    char folder[TEST_FOLDER_MAX];
    char filler[TEST_FOLDER_MAX + 2];
    (void)snprintf(folder, sizeof(folder), "%s/disk", (const char *)*state);
    assert_int_equal(mkdir(folder, 0700), 0);
    if (!mount_small_disk(folder)) {
        assert_int_equal(rmdir(folder), 0);
        skip();
    }
    (void)snprintf(filler, sizeof(filler), "%s/x", folder);
    probe_on_a_full_disk(folder, filler);
    assert_int_equal(umount(folder), 0);
    assert_int_equal(rmdir(folder), 0);
}

struct worker {
    struct audit_log *log;
    atomic_int *running;
    hf_err err;
};

static void *run_writer(void *argument)
{
    struct worker *worker = argument;
    for (int i = 0; i < RECORDS_A_WRITER && worker->err == HF_OK; i++) {
        worker->err = test_write_one(worker->log, i);
        if (worker->err == HF_OK && !audit_is_writable(worker->log))
            worker->err = HF_E_INTERNAL;
    }
    (void)atomic_fetch_sub(worker->running, 1);
    return NULL;
}

static void *run_prober(void *argument)
{
    struct worker *worker = argument;
    while (atomic_load(worker->running) > 0 && worker->err == HF_OK)
        worker->err = audit_probe(worker->log);
    return NULL;
}

/* Neither writers nor somebody who reads the log notice that it is probed. */
static void test_probe_beside_writers_and_verify_disturbs_nobody(void **state)
{
    struct audit_log *log = test_open(*state, (uint64_t)32 * 1024);
    atomic_int running = WRITERS;
    struct worker workers[WRITERS + 1];
    pthread_t threads[WRITERS + 1];
    for (size_t i = 0; i <= WRITERS; i++) {
        workers[i] = (struct worker){ .log = log, .running = &running };
        assert_int_equal(hf_thread_start(&threads[i], "audit-test",
                                         i < WRITERS ? run_writer : run_prober, &workers[i]),
                         HF_OK);
    }
    while (atomic_load(&running) > 0) {
        struct audit_verdict verdict = test_verify(*state, NULL);
        if (!verdict.intact)
            fail_msg("record %d: %s", (int)verdict.bad_seq, verdict.reason);
    }
    for (size_t i = 0; i <= WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].err, HF_OK);
    }
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, WRITERS * RECORDS_A_WRITER);
    assert_true(test_verify(*state, &head).intact);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writable_failed_write_is_known_until_a_probe_succeeds),
        TEST(test_writable_failed_write_is_known_until_a_write_succeeds),
        TEST(test_probe_finds_out_before_a_write_does),
        TEST(test_probe_limit_behind_a_long_segment_fails),
        TEST(test_probe_after_a_failed_sync_fails_until_it_is_mended),
        TEST(test_probe_segment_that_takes_nothing_fails),
        TEST(test_probe_next_segment_that_cannot_be_made_fails_until_it_can),
        TEST(test_probe_full_segment_does_not_count_its_own_size),
        TEST(test_probe_leftovers_and_links_in_its_files_place_are_harmless),
        TEST(test_probe_on_a_full_disk_fails_until_there_is_room),
        TEST(test_probe_beside_writers_and_verify_disturbs_nobody),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
