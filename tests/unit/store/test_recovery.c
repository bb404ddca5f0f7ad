/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk fails at each operation of a workload in turn, with readers at work, and heals. All that was
 * acknowledged is there, also in what a power failure at any moment would have left; what failed is
 * there whole or not at all; nobody reads what later is gone; and the store comes back by itself.
 */
#include "disk_model.h"
#include "store/engine.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COMMANDS = 3,      /* of the workload */
    ATTEMPTS_MAX = 32, /* with those that were refused, and those after */
    READERS = 2,
    SMALL_BYTES = 700,
    LARGE_BYTES = 9000, /* pages of its own, free again after the next */
    TRIES_MAX = 4,
    PAUSE_USEC = 100, /* between two reads, so that the writer gets on */
};

/*
 * Attempt n puts the counter, a record of its own, and the large one, and takes away the record of the
 * one before the last. The state after it is known from n and from what it was made on.
 */
struct run {
    struct support_folder folder;
    struct support_folder copy; /* where images are opened */
    struct hf_clock clock;
    struct store *store;
    int attempts;
    atomic_int base[ATTEMPTS_MAX]; /* the newest acknowledged when it was tried */
    hf_err result[ATTEMPTS_MAX];
    int acknowledged;
    atomic_bool was_read[ATTEMPTS_MAX];
    atomic_bool may_refuse_reads;
    atomic_bool is_over;
    atomic_int refused_reads;
};

/* ---- the workload ---- */

struct attempt {
    struct store_command command;
    int number;
    int before;
};

static hf_bytes small_key(int number, uint8_t memory[2])
{
    memory[0] = 's';
    memory[1] = (uint8_t)number;
    return (hf_bytes){ memory, 2 };
}

static hf_err apply_attempt(struct store_command *command, struct store_txn *txn)
{
    static uint8_t value[LARGE_BYTES]; /* the writer thread's */
    const struct attempt *attempt = HF_CONTAINER_OF(command, struct attempt, command);
    uint8_t key[2];
    memset(value, attempt->number, sizeof(value));
    hf_err err = store_put(txn, support_bytes("counter"), (hf_bytes){ value, 1 });
    if (err == HF_OK)
        err = store_put(txn, support_bytes("large"), (hf_bytes){ value, LARGE_BYTES });
    if (err == HF_OK)
        err = store_put(txn, small_key(attempt->number, key), (hf_bytes){ value, SMALL_BYTES });
    if (err == HF_OK && attempt->before > 0)
        err = store_delete(txn, small_key(attempt->before, key));
    return err;
}

static hf_err try_next(struct run *run)
{
    int number = ++run->attempts;
    assert_true(number < ATTEMPTS_MAX);
    run->base[number] = run->acknowledged;
    struct attempt attempt = { .command = { .apply = apply_attempt },
                               .number = number,
                               .before = run->base[run->acknowledged] };
    hf_err err = store_apply(run->store, &attempt.command);
    run->result[number] = err;
    if (err == HF_OK) {
        run->acknowledged = number;
        disk_tag(number);
    }
    return err;
}

static bool is_filled(hf_bytes value, size_t n, int number)
{
    if (value.n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (value.p[i] != (uint8_t)number)
            return false;
    }
    return true;
}

/* The number of the state, or -1 if it is none. The records that are left: its own and its base's. */
static int state_of(const struct run *run, struct store_txn *txn)
{
    uint8_t key[2];
    hf_bytes value = { 0 };
    if (store_get(txn, support_bytes("counter"), &value) != HF_OK || value.n != 1)
        return -1;
    int number = value.p[0];
    if (number >= ATTEMPTS_MAX || store_get(txn, support_bytes("large"), &value) != HF_OK ||
        !is_filled(value, LARGE_BYTES, number))
        return -1;
    for (int i = 1; i < ATTEMPTS_MAX; i++) {
        hf_err err = store_get(txn, small_key(i, key), &value);
        bool is_left = i == number || (i == run->base[number] && i > 0);
        if (is_left ? err != HF_OK || !is_filled(value, SMALL_BYTES, i) : err != HF_E_NOT_FOUND)
            return -1;
    }
    return number;
}

/* ---- readers ---- */

static void *read_on(void *argument)
{
    struct run *run = argument;
    struct store_reader *reader = NULL;
    int newest = 0;
    if (store_reader_new(run->store, &reader) != HF_OK)
        abort();
    while (!atomic_load(&run->is_over)) {
        struct store_txn *txn = NULL;
        if (store_read_begin(reader, &txn) != HF_OK) {
            if (!atomic_load(&run->may_refuse_reads))
                abort();
            atomic_fetch_add(&run->refused_reads, 1);
            (void)usleep(PAUSE_USEC);
            continue;
        }
        int state = state_of(run, txn);
        store_read_end(txn);
        if (state < newest)
            abort(); /* not whole, or a step back */
        newest = state;
        atomic_store(&run->was_read[state], true);
        (void)usleep(PAUSE_USEC);
    }
    store_reader_free(reader);
    return NULL;
}

static void start_readers(struct run *run, pthread_t threads[READERS])
{
    atomic_store(&run->is_over, false);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(hf_thread_start(&threads[i], "reader", read_on, run), HF_OK);
}

static void stop_readers(struct run *run, pthread_t threads[READERS])
{
    atomic_store(&run->is_over, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- what a power failure leaves ---- */

static void write_image(const char *path, const struct disk_image *image)
{
    (void)unlink(path); /* writing over a file that was cut costs a sync */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->bytes, image->n), (ssize_t)image->n);
    assert_int_equal(close(fd), 0);
}

static int state_in(struct run *run, struct store *store)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    assert_int_equal(store_reader_new(store, &reader), HF_OK);
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    int state = state_of(run, txn);
    store_read_end(txn);
    return state;
}

static int state_in_copy(struct run *run)
{
    HF_CLEANUP(store_engine_closep) struct store_engine *engine = NULL;
    struct hf_diag diag = { 0 };
    struct store_txn txn = { 0 };
    assert_int_equal(store_engine_open(run->copy.data, 0, true, &diag, &engine), HF_OK);
    assert_int_equal(store_engine_reader_open(engine, &txn), HF_OK);
    assert_int_equal(store_engine_reader_renew(&txn), HF_OK);
    int state = state_of(run, &txn);
    store_engine_reader_close(&txn);
    return state;
}

/* Its tag is what had been acknowledged. Beyond it there may be one more that was made on it. */
static void check_image(struct run *run, const struct disk_image *image)
{
    write_image(support_data_path(&run->copy, "data.mdb"), image);
    int state = state_in_copy(run);
    if (state != image->tag && (state < image->tag || run->base[state] != image->tag))
        fail_msg("a power failure leaves state %d where %d was acknowledged", state, image->tag);
}

static void check_images(struct run *run)
{
    struct disk_image *images = NULL;
    size_t count = disk_images(&images);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        check_image(run, &images[i]);
    disk_forget_images();
}

/* ---- one run ---- */

static void open_store(struct run *run)
{
    run->store = support_open_with(&run->folder, (struct store_config){ .clock = &run->clock });
}

static void begin_run(struct run *run)
{
    support_folder_make(&run->folder);
    support_folder_make(&run->copy);
    assert_int_equal(mkdir(run->copy.data, 0700), 0);
    run->store = support_open(&run->folder);
    assert_int_equal(try_next(run), HF_OK);
    assert_int_equal(try_next(run), HF_OK);
    store_close(run->store);
    disk_attach(support_data_path(&run->folder, "data.mdb"));
    open_store(run);
}

static void end_run(struct run *run)
{
    store_close(run->store);
    disk_detach();
    support_folder_remove(&run->copy);
    support_folder_remove(&run->folder);
}

/* The time of the next attempt comes, and a command finds the store well. */
static void expect_recovery(struct run *run)
{
    hf_err err = HF_E_UNAVAILABLE;
    for (int i = 0; i < TRIES_MAX && err != HF_OK; i++) {
        hf_clock_advance(&run->clock, 30 * HF_USEC_PER_SEC);
        err = try_next(run);
    }
    assert_int_equal(err, HF_OK);
    assert_int_equal(store_health(run->store).condition, STORE_WELL);
    assert_int_equal(store_health(run->store).cause, HF_OK);
}

static void expect_refusal(struct run *run)
{
    struct store_health health = store_health(run->store);
    assert_true(health.condition >= STORE_FAILING);
    assert_int_equal(health.cause, HF_E_IO);
    assert_int_equal(health.count, 1);
    assert_int_equal(try_next(run), HF_E_UNAVAILABLE);
    hf_clock_advance(&run->clock, 30 * HF_USEC_PER_SEC);
    assert_int_equal(try_next(run), HF_E_UNAVAILABLE); /* it tried, in vain */
}

/* The workload until the fault shows, or to its end. */
static hf_err work(struct run *run)
{
    hf_err err = HF_OK;
    for (int i = 0; i < COMMANDS && err == HF_OK; i++)
        err = try_next(run);
    return err;
}

/* What was read was acknowledged; a failed command was never seen. */
static void check_reads(const struct run *run)
{
    for (int i = 1; i <= run->attempts; i++) {
        if (atomic_load(&run->was_read[i]) && run->result[i] != HF_OK)
            fail_msg("state %d was read, its command failed", i);
    }
}

/* False when the workload has fewer operations. */
static bool run_with_fault(enum disk_fault fault, enum disk_loss loss, int fault_at)
{
    struct run run = { 0 };
    pthread_t threads[READERS];
    begin_run(&run);
    disk_tag(run.acknowledged);
    atomic_store(&run.may_refuse_reads, fault == DISK_ALL);
    disk_set_fault(fault, loss, fault_at, (uint64_t)fault_at);
    start_readers(&run, threads);

    hf_err err = work(&run);
    bool has_failed = disk_has_failed();
    if (has_failed && (fault == DISK_SYNCS || fault == DISK_ALL)) {
        assert_int_equal(err, HF_E_IO);
        expect_refusal(&run);
    } else if (err != HF_OK) {
        assert_int_equal(err, HF_E_IO);
    }
    disk_heal();
    expect_recovery(&run);
    assert_int_equal(work(&run), HF_OK);
    disk_take_images();

    stop_readers(&run, threads);
    check_reads(&run);
    assert_int_equal(state_in(&run, run.store), run.acknowledged);
    check_images(&run);
    end_run(&run);
    return has_failed;
}

static void run_each_operation(enum disk_fault fault, enum disk_loss loss)
{
    int fault_at = 0;
    while (run_with_fault(fault, loss, fault_at))
        fault_at++;
    assert_true(fault_at >= 3 * COMMANDS); /* pages, sync, root */
}

static void test_one_failure_at_each_operation(void **state HF_UNUSED)
{
    run_each_operation(DISK_ONCE, DISK_LOSES_ALL);
    run_each_operation(DISK_ONCE, DISK_LOSES_NONE);
    run_each_operation(DISK_ONCE, DISK_LOSES_SOME);
}

static void test_short_write_at_each_operation(void **state HF_UNUSED)
{
    run_each_operation(DISK_SHORT_ONCE, DISK_LOSES_SOME);
}

static void test_failing_syncs_from_each_operation(void **state HF_UNUSED)
{
    run_each_operation(DISK_SYNCS, DISK_LOSES_ALL);
    run_each_operation(DISK_SYNCS, DISK_LOSES_NONE);
}

static void test_failing_disk_from_each_operation(void **state HF_UNUSED)
{
    run_each_operation(DISK_ALL, DISK_LOSES_ALL);
    run_each_operation(DISK_ALL, DISK_LOSES_NONE);
}

/* ---- started again on a cache that shows more than the disk has ---- */

/* What a new process shows must be what it keeps, though nobody can tell it of the failed sync. */
static bool run_with_restart(enum disk_loss loss, int fault_at)
{
    struct run run = { 0 };
    begin_run(&run);
    disk_tag(run.acknowledged);
    disk_set_fault(DISK_ALL, loss, fault_at, (uint64_t)fault_at);
    (void)work(&run);
    bool has_failed = disk_has_failed();
    store_close(run.store);
    disk_heal();
    check_images(&run);

    open_store(&run);
    int shown = state_in(&run, run.store);
    assert_true(shown == run.acknowledged || run.base[shown] == run.acknowledged);
    run.acknowledged = shown;
    disk_forget_images();
    disk_tag(shown);
    assert_int_equal(work(&run), HF_OK);
    disk_take_images();
    check_images(&run);
    end_run(&run);
    return has_failed;
}

static void test_restart_after_failure_at_each_operation(void **state HF_UNUSED)
{
    for (enum disk_loss loss = DISK_LOSES_ALL; loss <= DISK_LOSES_NONE; loss++) {
        int fault_at = 0;
        while (run_with_restart(loss, fault_at))
            fault_at++;
        assert_true(fault_at >= 3 * COMMANDS);
    }
}

/* ---- when ---- */

/*
 * False if the machine stood still for so long that nothing can be said: real time goes on beside the
 * moved one.
 */
static bool expect_attempt_after(struct run *run, hf_usec interval, hf_usec *last)
{
    const hf_usec left = HF_USEC_PER_SEC / 2;
    int operations = disk_operations();
    hf_clock_advance(&run->clock, interval - left);
    assert_int_equal(try_next(run), HF_E_UNAVAILABLE);
    if (hf_monotonic_now() - *last >= left)
        return false;
    assert_int_equal(disk_operations(), operations); /* not yet */
    hf_clock_advance(&run->clock, left);
    *last = hf_monotonic_now();
    assert_int_equal(try_next(run), HF_E_UNAVAILABLE);
    assert_true(disk_operations() > operations); /* now, in vain */
    return true;
}

static bool run_through_intervals(void)
{
    static const int seconds[] = { 1, 2, 4, 8, 16, 30, 30 };
    struct run run = { 0 };
    begin_run(&run);
    disk_set_fault(DISK_SYNCS, DISK_LOSES_NONE, 0, 0);
    hf_usec before = hf_clock_now(&run.clock);
    hf_usec last = hf_monotonic_now();
    assert_int_equal(try_next(&run), HF_E_IO);
    struct store_health health = store_health(run.store);
    assert_int_equal(health.condition, STORE_FAILING);
    assert_true(health.since >= before && health.since <= hf_clock_now(&run.clock));
    bool is_known = true;
    for (size_t i = 0; i < HF_ARRAY_LEN(seconds) && is_known; i++)
        is_known = expect_attempt_after(&run, hf_usec_from_seconds(seconds[i]), &last);
    assert_int_equal(store_health(run.store).since, health.since);
    disk_heal();
    expect_recovery(&run);
    end_run(&run);
    return is_known;
}

static void test_attempts_come_at_growing_intervals(void **state HF_UNUSED)
{
    int runs = 1;
    while (!run_through_intervals())
        assert_true(++runs < TRIES_MAX * TRIES_MAX);
}

/* No command wakes it: the first interval is waited for. */
static void test_store_comes_back_by_itself(void **state HF_UNUSED)
{
    struct run run = { 0 };
    begin_run(&run);
    disk_set_fault(DISK_SYNCS, DISK_LOSES_ALL, 0, 0);
    assert_int_equal(try_next(&run), HF_E_IO);
    assert_int_equal(store_health(run.store).condition, STORE_FAILING);
    disk_heal();
    hf_usec deadline = hf_monotonic_now() + 60 * HF_USEC_PER_SEC;
    while (store_health(run.store).condition != STORE_WELL && hf_monotonic_now() < deadline)
        (void)usleep(5000);
    assert_int_equal(store_health(run.store).condition, STORE_WELL);
    assert_int_equal(try_next(&run), HF_OK);
    end_run(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts_come_at_growing_intervals),
        cmocka_unit_test(test_store_comes_back_by_itself),
        cmocka_unit_test(test_one_failure_at_each_operation),
        cmocka_unit_test(test_short_write_at_each_operation),
        cmocka_unit_test(test_failing_syncs_from_each_operation),
        cmocka_unit_test(test_failing_disk_from_each_operation),
        cmocka_unit_test(test_restart_after_failure_at_each_operation),
    };
    return cmocka_run_group_tests_name("store_recovery", tests, NULL, NULL);
}
