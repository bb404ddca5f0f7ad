/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what fails leaves the log as it was; many threads make one chain. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* unshare */
#endif
#include "support.h"

#include "base/json.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 4
#define BATCHES_A_THREAD 100
#define DESCRIPTOR_MAX 256

static void add(struct audit_batch *batch, int number)
{
    char operation[32];
    struct audit_record record = test_record(number, operation);
    assert_int_equal(audit_batch_add(batch, &record), HF_OK);
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
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

/* The write stops in the middle of a record, at every place. */
static void test_write_partial_is_cut_off_and_the_log_goes_on(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    int number = 1;
    for (size_t room = 0; room < 700; room += 23) {
        add(batch, number);
        assert_int_equal(audit_batch_write(batch), HF_OK);
        struct audit_head before = audit_log_head(log);
        uint64_t size = segment_size(*state, 1);
        add(batch, 1000);
        add(batch, 1001);
        limit_file_size((rlim_t)(size + room));
        hf_err err = audit_batch_write(batch);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(err, HF_E_IO);
        assert_int_equal(segment_size(*state, 1), size);
        struct audit_head after = audit_log_head(log);
        assert_memory_equal(&after, &before, sizeof(before));
        assert_int_equal(audit_batch_write(batch), HF_OK); /* the two were kept */
        assert_true(audit_batch_is_empty(batch));
        number++;
    }
    audit_batch_free(batch);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, 3 * (number - 1));
    assert_true(test_verify(*state, &head).intact);
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

/* /dev/full takes no byte and cannot be cut. */
static void test_write_that_cannot_be_undone_fails_the_log_until_it_is_mended(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 2);
    struct audit_head head = audit_log_head(log);
    int fd = find_descriptor();
    assert_true(fd > 0);
    int saved = dup(fd);
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(saved > 0 && full > 0);
    assert_int_equal(dup2(full, fd), fd);

    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    add(batch, 3);
    assert_int_equal(audit_batch_write(batch), HF_E_DISK_FULL);
    assert_int_equal(dup2(saved, fd), fd);
    assert_int_equal(audit_batch_write(batch), HF_E_IO);
    assert_false(audit_batch_is_empty(batch));
    assert_int_equal(audit_sync(log), HF_E_IO);
    assert_true(test_verify(*state, &head).intact);
    assert_int_equal(audit_probe(log), HF_OK);
    assert_int_equal(audit_batch_write(batch), HF_OK);
    audit_batch_free(batch);
    audit_close(log);
    (void)close(saved);
    (void)close(full);
    assert_int_equal(test_verify(*state, &head).records, 3);
}

/* A pipe cannot be synced. */
static void test_sync_that_fails_fails_the_log(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    test_append(log, 1, 1);
    int fd = find_descriptor();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(fd);
    assert_int_equal(dup2(ends[1], fd), fd);
    assert_int_equal(audit_sync(log), HF_E_IO);
    assert_int_equal(dup2(saved, fd), fd);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    add(batch, 2);
    assert_int_equal(audit_batch_write(batch), HF_E_IO);
    audit_batch_free(batch);
    audit_close(log);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void write_until_full(struct audit_log *log)
{
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    hf_err err = HF_OK;
    for (int i = 0; i < 5000 && err == HF_OK; i++) {
        add(batch, i);
        err = audit_batch_write(batch);
    }
    audit_batch_free(batch);
    assert_int_equal(err, HF_E_DISK_FULL);
}

/* In a mount namespace of this process, so that it goes with it. Needs root. */
static bool mount_small_disk(const char *folder)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", folder, "tmpfs", 0, "size=128k") == 0;
}

static void test_write_on_a_full_disk_fails_until_there_is_room(void **state)
{
    char folder[TEST_FOLDER_MAX];
    char filler[TEST_FOLDER_MAX];
    (void)snprintf(folder, sizeof(folder), "%s/disk", (const char *)*state);
    assert_int_equal(mkdir(folder, 0700), 0);
    if (!mount_small_disk(folder)) {
        assert_int_equal(rmdir(folder), 0);
        skip();
    }
    (void)snprintf(filler, sizeof(filler), "%.*s/x", TEST_FOLDER_MAX - 8, folder);
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, 64L * 1024), 0);
    (void)close(fd);

    struct audit_log *log = test_open(folder, 0);
    write_until_full(log);
    struct audit_head head = audit_log_head(log);
    assert_true(test_verify(folder, &head).intact);
    assert_int_equal(unlink(filler), 0);
    test_append(log, 1, 10);
    audit_close(log);
    struct audit_verdict verdict = test_verify(folder, &head);
    assert_int_equal(umount(folder), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, head.seq + 10);
}

/* A file that is none of ours lies where the next segment belongs. */
static void test_write_new_segment_that_cannot_be_made_fails_until_it_can(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct audit_log *log = test_open(*state, 1);
    test_append(log, 1, 1);
    test_path(*state, 2, path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    add(batch, 2);
    assert_int_equal(audit_batch_write(batch), HF_E_IO);
    assert_int_equal(rmdir(path), 0);
    assert_false(audit_batch_is_empty(batch)); /* the record waits for the next try */
    assert_int_equal(audit_batch_write(batch), HF_OK);
    audit_batch_free(batch);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, 2);
    assert_true(test_verify(*state, &head).intact);
}

/* In every segment but the first, too, a failed write is cut back to the right length. */
static void test_write_in_a_later_segment_is_cut_back_there(void **state)
{
    struct audit_log *log = test_open(*state, 1000);
    test_append(log, 1, 3);
    test_append(log, 4, 4);
    uint64_t size = segment_size(*state, 4);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    add(batch, 5);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_file_size((rlim_t)size + 10);
    hf_err err = audit_batch_write(batch);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(err, HF_E_IO);
    assert_int_equal(segment_size(*state, 4), size);
    assert_int_equal(audit_batch_write(batch), HF_OK); /* the same record */
    assert_true(segment_size(*state, 4) > size);
    audit_batch_free(batch);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_true(test_verify(*state, &head).intact);
}

static void test_batch_too_large_refuses_the_record_and_keeps_the_others(void **state)
{
    static char text[AUDIT_CLIENT_TEXT_MAX_BYTES];
    memset(text, 1, sizeof(text));
    struct audit_log *log = test_open(*state, 0);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    uint64_t added = 0;
    hf_err err = HF_OK;
    while (err == HF_OK) {
        char operation[32];
        struct audit_record record = test_record(1, operation);
        record.has_identity = true;
        record.request_uri = (hf_str){ text, sizeof(text) };
        err = audit_batch_add(batch, &record);
        added += err == HF_OK;
    }
    assert_int_equal(err, HF_E_TOO_LARGE);
    add(batch, 1);
    assert_int_equal(audit_batch_write(batch), HF_OK);
    audit_batch_free(batch);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, added + 1);
    assert_true(test_verify(*state, &head).intact);
}

static void test_batch_empty_writes_nothing(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    assert_true(audit_batch_is_empty(batch));
    assert_int_equal(audit_batch_write(batch), HF_OK);
    add(batch, 1);
    assert_false(audit_batch_is_empty(batch));
    audit_batch_free(batch);
    audit_batch_free(NULL);
    assert_int_equal(audit_log_head(log).seq, 0);
    audit_close(log);
}

static void test_batch_of_many_is_chained_in_order(void **state)
{
    struct audit_log *log = test_open(*state, 0);
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    for (int i = 1; i <= 50; i++)
        add(batch, i);
    assert_int_equal(audit_batch_write(batch), HF_OK);
    audit_batch_free(batch);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, 50);
    assert_true(test_verify(*state, &head).intact);

    struct hf_buf text;
    test_read(*state, 1, &text);
    for (size_t i = 0; i < 50; i++) {
        char expected[64];
        hf_bytes line = test_line_at(&text, i);
        struct hf_json *root = NULL;
        assert_int_equal(hf_json_parse((hf_bytes){ line.p, line.n - 1 }, NULL, &root), HF_OK);
        hf_str name = hf_json_str(hf_json_member(root, "operationName"));
        (void)snprintf(expected, sizeof(expected), "Op%zu", i + 1);
        assert_true(hf_str_equal(name, hf_str_from_c(expected)));
        assert_int_equal(hf_json_int(hf_json_member(hf_json_member(root, "holdfast"), "seq")),
                         i + 1);
        hf_json_free(root);
    }
    hf_buf_done(&text);
}

struct worker {
    struct audit_log *log;
    int written;
    hf_err err;
};

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct audit_batch *batch = NULL;
    worker->err = audit_batch_new(worker->log, &batch);
    for (int i = 0; i < BATCHES_A_THREAD && worker->err == HF_OK; i++) {
        for (int n = 0; n <= i % 5 && worker->err == HF_OK; n++) {
            char operation[32];
            struct audit_record record = test_record(i, operation);
            worker->err = audit_batch_add(batch, &record);
            worker->written++;
        }
        if (worker->err == HF_OK)
            worker->err = audit_batch_write(batch);
        if (worker->err == HF_OK && i % 20 == 0)
            worker->err = audit_sync(worker->log);
        if (audit_log_durable_head(worker->log).seq > audit_log_head(worker->log).seq)
            worker->err = HF_E_INTERNAL;
    }
    audit_batch_free(batch);
    return NULL;
}

static void test_write_from_threads_makes_one_chain(void **state)
{
    struct audit_log *log = test_open(*state, (uint64_t)64 * 1024);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .log = log };
        assert_int_equal(hf_thread_start(&threads[i], "audit-test", run_worker, &workers[i]),
                         HF_OK);
    }
    uint64_t written = 0;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].err, HF_OK);
        written += (uint64_t)workers[i].written;
    }
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, written);
    struct audit_verdict verdict = test_verify(*state, &head);
    assert_true(verdict.intact);
    assert_int_equal(verdict.records, written);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write_partial_is_cut_off_and_the_log_goes_on),
        TEST(test_write_that_cannot_be_undone_fails_the_log_until_it_is_mended),
        TEST(test_sync_that_fails_fails_the_log),
        TEST(test_write_on_a_full_disk_fails_until_there_is_room),
        TEST(test_write_new_segment_that_cannot_be_made_fails_until_it_can),
        TEST(test_write_in_a_later_segment_is_cut_back_there),
        TEST(test_batch_too_large_refuses_the_record_and_keeps_the_others),
        TEST(test_batch_empty_writes_nothing),
        TEST(test_batch_of_many_is_chained_in_order),
        TEST(test_write_from_threads_makes_one_chain),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
