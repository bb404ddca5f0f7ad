/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full or fails: nothing is acknowledged, nothing is lost, and the store goes on as
 * far as it safely can. Full: a file size limit, and as root a small tmpfs. Failing: this program's
 * own fdatasync() and pwrite() stand before the C library's.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* unshare */
#endif
#include "store/engine.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the disk's faults ---- */

#define PAGE_BYTES_MIN 4096
#define PAUSE_USEC 1000
/* More than a reader waits, less than the longest time between two attempts to recover. */
#define READ_USEC_MAX (20 * HF_USEC_PER_SEC)

static atomic_int sync_error;      /* what fdatasync() fails with */
static atomic_int meta_error;      /* what writing less than a page fails with: a commit's root */
static atomic_bool is_engine_only; /* only through the engine's descriptor, which syncs by itself */
static atomic_bool is_hanging;     /* once a root could not be written: no sync returns */
static atomic_int meta_failures;   /* how many roots could not be written */
static atomic_int hung;            /* syncs that wait */

int sync_failing(int fd) __asm__("fdatasync");

int sync_failing(int fd)
{
    int error = atomic_load(&sync_error);
    if (error != 0) {
        errno = error;
        return -1;
    }
    atomic_fetch_add(&hung, 1);
    while (atomic_load(&is_hanging) && atomic_load(&meta_failures) > 0)
        (void)usleep(PAUSE_USEC);
    atomic_fetch_sub(&hung, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

/* Under both names that the C library has, whichever the engine was built with. */
ssize_t write_failing(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite");
ssize_t write_failing_64(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite64");

static ssize_t write_at(int fd, const void *bytes, size_t n, off_t offset)
{
    int error = atomic_load(&meta_error);
    if (error != 0 && n < PAGE_BYTES_MIN &&
        (!atomic_load(&is_engine_only) || (fcntl(fd, F_GETFL) & O_DSYNC) != 0)) {
        atomic_fetch_add(&meta_failures, 1);
        errno = error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t write_failing(int fd, const void *bytes, size_t n, off_t offset)
{
    return write_at(fd, bytes, n, offset);
}

ssize_t write_failing_64(int fd, const void *bytes, size_t n, off_t offset)
{
    return write_at(fd, bytes, n, offset);
}

/* ---- fixture ---- */

struct fixture {
    struct support_folder folder;
    struct hf_clock clock;
    struct store *store;
    struct store_reader *reader; /* may be NULL */
    bool is_mounted;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    support_folder_make(&fixture->folder);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&sync_error, 0);
    atomic_store(&meta_error, 0);
    atomic_store(&meta_failures, 0);
    atomic_store(&is_engine_only, false);
    atomic_store(&is_hanging, false);
    store_reader_free(fixture->reader);
    store_close(fixture->store);
    if (fixture->is_mounted)
        (void)umount(fixture->folder.data);
    support_folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

static hf_err put_sized(struct store *store, const char *key, size_t n)
{
    uint8_t *bytes = calloc(1, n);
    assert_non_null(bytes);
    hf_err err = support_change(store, support_bytes(key), &(hf_bytes){ bytes, n });
    free(bytes);
    return err;
}

/* Puts until the disk is full, then looks at what is left. */
static void expect_full_and_usable(struct store *store)
{
    enum { VALUE_BYTES = 30000, TRIES = 200 };
    assert_int_equal(support_put(store, "before", "1"), HF_OK);
    char key[2] = "A";
    hf_err err = HF_OK;
    for (int i = 0; i < TRIES && err == HF_OK; i++) {
        key[0] = (char)('A' + i);
        err = put_sized(store, key, VALUE_BYTES);
    }
    assert_int_equal(err, HF_E_DISK_FULL);
    assert_true(support_lacks(store, key));
    assert_true(support_holds(store, "before", "1"));
    assert_int_equal(put_sized(store, "again", (size_t)4 * 1024 * 1024), HF_E_DISK_FULL);
    assert_true(support_lacks(store, "again"));
    assert_true(support_holds(store, "before", "1"));
}

/* ---- full ---- */

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_commit_over_file_size_limit_is_disk_full(void **state)
{
    struct fixture *fixture = *state;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    fixture->store = support_open_with(&fixture->folder, (struct store_config){ 0 });
    set_file_limit((rlim_t)1024 * 1024 + 1000); /* the last write is cut short */
    expect_full_and_usable(fixture->store);
    set_file_limit(RLIM_INFINITY);
    assert_int_equal(support_put(fixture->store, "after", "2"), HF_OK);
    assert_true(support_holds(fixture->store, "after", "2"));
    assert_true(support_holds(fixture->store, "before", "1"));
}

static bool mount_small_disk(struct fixture *fixture)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0)
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    if (mkdir(fixture->folder.data, 0700) != 0)
        return false;
    fixture->is_mounted = mount("tmpfs", fixture->folder.data, "tmpfs", 0, "size=1m") == 0;
    return fixture->is_mounted;
}

static void test_commit_on_full_disk_is_disk_full(void **state)
{
    struct fixture *fixture = *state;
    if (!mount_small_disk(fixture))
        skip(); /* needs root */
    fixture->store = support_open_with(&fixture->folder, (struct store_config){ 0 });
    expect_full_and_usable(fixture->store);
    assert_int_equal(mount(NULL, fixture->folder.data, NULL, MS_REMOUNT, "size=64m"), 0);
    assert_int_equal(support_put(fixture->store, "after", "2"), HF_OK);
    assert_int_equal(put_sized(fixture->store, "again", (size_t)4 * 1024 * 1024), HF_OK);
    store_close(fixture->store);
    fixture->store = support_open_with(&fixture->folder, (struct store_config){ 0 });
    assert_true(support_holds(fixture->store, "before", "1"));
    assert_true(support_holds(fixture->store, "after", "2"));
}

static void test_sync_without_room_is_disk_full_and_recovers(void **state)
{
    struct fixture *fixture = *state;
    fixture->store = support_open_with(&fixture->folder, (struct store_config){ 0 });
    atomic_store(&sync_error, ENOSPC);
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_E_DISK_FULL);
    assert_true(support_lacks(fixture->store, "a"));
    struct store_health health = store_health(fixture->store);
    assert_int_equal(health.condition, STORE_FULL);
    assert_int_equal(health.cause, HF_E_DISK_FULL);
    atomic_store(&sync_error, 0);
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK); /* each command tries */
    assert_true(support_holds(fixture->store, "a", "1"));
    assert_int_equal(store_health(fixture->store).condition, STORE_WELL);
}

/* ---- failing ---- */

static void open_with_clock(struct fixture *fixture)
{
    fixture->store = support_open_with(&fixture->folder,
                                       (struct store_config){ .clock = &fixture->clock });
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK);
    assert_int_equal(store_reader_new(fixture->store, &fixture->reader), HF_OK);
}

static void expect_refusal_then_recovery(struct fixture *fixture, atomic_int *error)
{
    assert_int_equal(store_health(fixture->store).condition, STORE_WELL);
    atomic_store(error, EIO);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_E_IO);
    struct store_health health = store_health(fixture->store);
    assert_int_equal(health.condition, STORE_FAILING);
    assert_int_equal(health.cause, HF_E_IO);
    assert_int_equal(support_put(fixture->store, "a", "3"), HF_E_UNAVAILABLE);
    struct store_txn *txn = NULL;
    assert_int_equal(store_read_begin(fixture->reader, &txn), HF_OK); /* made before */
    store_read_end(txn);
    assert_true(support_holds(fixture->store, "a", "1")); /* made now */

    atomic_store(error, 0);
    hf_clock_advance(&fixture->clock, HF_USEC_PER_SEC);
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
    health = store_health(fixture->store);
    assert_int_equal(health.condition, STORE_WELL);
    assert_int_equal(health.count, 1);
    assert_true(support_holds(fixture->store, "a", "4"));
}

static void test_failed_sync_refuses_changes_until_the_disk_is_back(void **state)
{
    struct fixture *fixture = *state;
    open_with_clock(fixture);
    expect_refusal_then_recovery(fixture, &sync_error);
}

static void test_failed_root_write_refuses_changes_until_the_disk_is_back(void **state)
{
    struct fixture *fixture = *state;
    open_with_clock(fixture);
    expect_refusal_then_recovery(fixture, &meta_error);
}

static hf_err read_in_time(struct fixture *fixture)
{
    struct store_txn *txn = NULL;
    hf_usec started = hf_monotonic_now();
    hf_err err = store_read_begin(fixture->reader, &txn);
    if (err == HF_OK)
        store_read_end(txn);
    assert_in_range(hf_monotonic_now() - started, 0, READ_USEC_MAX);
    return err;
}

/* Each attempt to recover leaves a library that refuses readers: they do not wait for the next. */
static void test_readers_go_on_while_each_attempt_fails_at_its_root(void **state)
{
    struct fixture *fixture = *state;
    open_with_clock(fixture);
    atomic_store(&is_engine_only, true);
    atomic_store(&meta_error, EIO);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_E_IO);
    for (int i = 0; i < 6; i++) {
        int failures = atomic_load(&meta_failures);
        assert_int_equal(read_in_time(fixture), HF_OK);
        assert_true(support_holds(fixture->store, "a", "1"));
        hf_clock_advance(&fixture->clock, 30 * HF_USEC_PER_SEC);
        assert_int_equal(support_put(fixture->store, "a", "3"), HF_E_UNAVAILABLE);
        assert_true(atomic_load(&meta_failures) > failures); /* it tried, in vain */
    }
    assert_int_equal(read_in_time(fixture), HF_OK);
    assert_true(support_holds(fixture->store, "a", "1"));
    atomic_store(&meta_error, 0);
    hf_clock_advance(&fixture->clock, 30 * HF_USEC_PER_SEC);
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
    assert_true(support_holds(fixture->store, "a", "4"));
}

static void *put_in_vain(void *argument)
{
    struct fixture *fixture = argument;
    return support_put(fixture->store, "a", "2") == HF_E_IO ? NULL : fixture;
}

/* The library refuses readers, and the writer cannot open it again: its sync does not return. */
static void test_readers_are_refused_while_the_disk_hangs(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    open_with_clock(fixture);
    atomic_store(&is_engine_only, true);
    atomic_store(&is_hanging, true);
    atomic_store(&meta_error, EIO);
    assert_int_equal(hf_thread_start(&thread, "put", put_in_vain, fixture), HF_OK);
    while (atomic_load(&meta_failures) == 0 || atomic_load(&hung) == 0)
        (void)usleep(PAUSE_USEC);
    hf_err first = read_in_time(fixture);
    hf_usec started = hf_monotonic_now();
    hf_err later = HF_E_UNAVAILABLE;
    for (int i = 0; i < 100 && later == HF_E_UNAVAILABLE; i++)
        later = read_in_time(fixture);
    hf_usec taken = hf_monotonic_now() - started;
    atomic_store(&meta_error, 0);
    atomic_store(&is_hanging, false);
    void *failed = NULL;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(first, HF_E_UNAVAILABLE);
    assert_int_equal(later, HF_E_UNAVAILABLE);
    assert_in_range(taken, 0, READ_USEC_MAX); /* only the first one waits */
    assert_int_equal(read_in_time(fixture), HF_OK);
    assert_true(support_holds(fixture->store, "a", "1"));
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
}

static void test_failed_store_can_be_opened_again(void **state)
{
    struct fixture *fixture = *state;
    open_with_clock(fixture);
    atomic_store(&sync_error, EIO);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_E_IO);
    store_reader_free(hf_take(&fixture->reader));
    store_close(hf_take(&fixture->store));
    struct hf_diag diag = { 0 };
    const struct store_config config = { .folder = fixture->folder.data };
    assert_int_equal(store_open(&config, &diag, &fixture->store), HF_E_IO);
    assert_non_null(strstr(diag.text, "cannot be made durable"));
    atomic_store(&sync_error, 0);
    fixture->store = support_open_with(&fixture->folder, config);
    assert_true(support_holds(fixture->store, "a", "1"));
    assert_int_equal(support_put(fixture->store, "a", "3"), HF_OK);
}

/* In place, and so without needing room: only a file system that copies on write can say this. */
static void test_root_without_room_is_a_failure_of_the_disk(void **state)
{
    struct fixture *fixture = *state;
    open_with_clock(fixture);
    atomic_store(&meta_error, ENOSPC);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_E_IO);
    assert_int_equal(support_put(fixture->store, "a", "3"), HF_E_UNAVAILABLE);
    assert_true(support_holds(fixture->store, "a", "1"));
    atomic_store(&meta_error, 0);
    hf_clock_advance(&fixture->clock, HF_USEC_PER_SEC);
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
}

static void test_engine_errors_are_translated(void **state HF_UNUSED)
{
    static const struct {
        int code;
        hf_err expected;
    } cases[] = {
        { 0, HF_OK },
        { ENOSPC, HF_E_DISK_FULL },
        { EDQUOT, HF_E_DISK_FULL },
        { EFBIG, HF_E_DISK_FULL },
        { EIO, HF_E_IO },
        { ENOMEM, HF_E_NOMEM },
        { EACCES, HF_E_FORBIDDEN },
        { EINVAL, HF_E_INTERNAL },
        { -30798, HF_E_NOT_FOUND },
        { -30796, HF_E_CORRUPT },
        { -30795, HF_E_UNAVAILABLE },
        { -30794, HF_E_FORMAT },
        { -30793, HF_E_CORRUPT },
        { -30780, HF_E_INTERNAL },
        { -1, HF_E_INTERNAL },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
        assert_int_equal(store_err_from_lmdb(cases[i].code), cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_errors_are_translated),
        cmocka_unit_test_setup_teardown(test_commit_over_file_size_limit_is_disk_full, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_commit_on_full_disk_is_disk_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sync_without_room_is_disk_full_and_recovers, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_failed_sync_refuses_changes_until_the_disk_is_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_failed_root_write_refuses_changes_until_the_disk_is_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_readers_go_on_while_each_attempt_fails_at_its_root,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_readers_are_refused_while_the_disk_hangs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_failed_store_can_be_opened_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root_without_room_is_a_failure_of_the_disk, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("store_disk", tests, NULL, NULL);
}
