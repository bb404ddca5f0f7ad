/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one store to another: what is copied while it changes, the journal, moments.
 */
#include "support.h"

#include "base/thread.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STEP HF_USEC_PER_SEC

struct stores {
    const struct place *place;
    struct hf_clock clock;
    struct store *from;
    atomic_bool stop; /* never set but where a test does */
};

static struct store *open_store(const struct place *place, const char *name,
                                const struct hf_clock *journal)
{
    char folder[PATH_MAX / 2];
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    (void)snprintf(folder, sizeof(folder), "%s/%s", place->folder, name);
    const struct store_config config = {
        .folder = folder, .no_sync = true, .journal = journal != NULL, .clock = journal
    };
    EXPECT_OK(store_open(&config, &diag, &store));
    return store;
}

static void begin(struct stores *stores, void **state)
{
    *stores = (struct stores){ .place = *state };
    stores->from = open_store(stores->place, "from", &stores->clock);
}

struct change {
    struct store_command command;
    hf_bytes key;
    hf_bytes value; /* p NULL: delete */
};

static hf_err apply_change(struct store_command *command, struct store_txn *txn)
{
    const struct change *change = HF_CONTAINER_OF(command, struct change, command);
    return change->value.p != NULL ? store_put(txn, change->key, change->value)
                                   : store_delete(txn, change->key);
}

static void put(struct store *store, const char *key, const char *value)
{
    struct change change = { .command = { .apply = apply_change },
                             .key = bytes_of(key),
                             .value = bytes_of(value) };
    EXPECT_OK(store_apply(store, &change.command));
}

static void drop(struct store *store, const char *key)
{
    struct change change = { .command = { .apply = apply_change }, .key = bytes_of(key) };
    EXPECT_OK(store_apply(store, &change.command));
}

static struct store_journal_range range_of(struct store *store)
{
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    struct store_journal_range range = { 0 };
    EXPECT_OK(store_reader_new(store, &reader));
    EXPECT_OK(store_read_begin(reader, &txn));
    EXPECT_OK(store_journal_range(txn, &range));
    store_read_end(txn);
    store_reader_free(reader);
    return range;
}

/* Both hold the same records, but for the journal. */
static void expect_same(struct store *one, struct store *other, size_t *out_count)
{
    struct store *const stores[2] = { one, other };
    struct store_reader *readers[2];
    struct store_txn *txns[2];
    struct store_cursor *cursors[2];
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(store_reader_new(stores[i], &readers[i]));
        EXPECT_OK(store_read_begin(readers[i], &txns[i]));
        EXPECT_OK(store_cursor_open(txns[i], (hf_bytes){ NULL, 0 }, (hf_bytes){ NULL, 0 }, false,
                                    &cursors[i]));
    }
    hf_err errs[2] = { HF_OK, HF_OK };
    while (errs[0] == HF_OK) {
        hf_bytes keys[2] = { { NULL, 0 }, { NULL, 0 } };
        hf_bytes values[2] = { { NULL, 0 }, { NULL, 0 } };
        for (size_t i = 0; i < 2; i++) {
            do
                errs[i] = store_cursor_next(cursors[i], &keys[i], &values[i]);
            while (errs[i] == HF_OK && keys[i].p[0] == STORE_CLASS_JOURNAL);
        }
        assert_int_equal(errs[0], errs[1]);
        assert_true(errs[0] != HF_OK || hf_bytes_equal(keys[0], keys[1]));
        assert_true(errs[0] != HF_OK || hf_bytes_equal(values[0], values[1]));
        count += errs[0] == HF_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        store_cursor_close(cursors[i]);
        store_read_end(txns[i]);
        store_reader_free(readers[i]);
    }
    *out_count = count;
}

/* A full backup, or one of what came after `from`. */
static void back_up(struct stores *stores, enum archive_kind kind, uint64_t from)
{
    struct archive_header header = header_of("a seal");
    struct archive_end end;
    header.kind = kind;
    header.from = from;
    header.base.b[0] = kind == ARCHIVE_INCREMENTAL;
    struct archive_writer *writer = begin_archive(stores->place, &header);
    if (kind == ARCHIVE_FULL)
        EXPECT_OK(archive_copy_records(stores->from, &stores->stop, writer));
    const uint64_t to = range_of(stores->from).last;
    EXPECT_OK(archive_copy_journal(stores->from, from, to, &stores->stop, writer));
    EXPECT_OK(archive_writer_finish(writer, to, hf_clock_now(&stores->clock), &end));
    archive_writer_free(writer);
}

static struct archive_reader *open_backup(const struct place *place)
{
    struct archive_reader *reader = NULL;
    struct hf_diag diag = { 0 };
    EXPECT_OK(archive_reader_open(place->path, &diag, &reader));
    EXPECT_OK(archive_reader_unlock(reader, place->key));
    return reader;
}

static void restore(struct stores *stores, hf_usec moment, struct store *to,
                    struct archive_verdict *out)
{
    struct archive_reader *reader = open_backup(stores->place);
    EXPECT_OK(archive_check(reader, moment, out));
    EXPECT_OK(archive_apply(reader, moment, to));
    archive_reader_free(reader);
    assert_int_equal(unlink(stores->place->path), 0);
}

/* ---- wrong inputs ---- */

static void test_copy_of_trimmed_journal_is_conflict(void **state)
{
    struct stores stores;
    begin(&stores, state);
    size_t dropped = 0;
    for (int i = 0; i < 5; i++) {
        put(stores.from, "k", "v");
        hf_clock_advance(&stores.clock, STEP);
    }
    EXPECT_OK(store_journal_trim(stores.from, hf_clock_now(&stores.clock) - 3 * STEP, &dropped));
    assert_true(dropped > 0);
    const struct archive_header header = header_of("a seal");
    struct archive_writer *writer = begin_archive(stores.place, &header);
    const uint64_t last = range_of(stores.from).last;
    EXPECT_ERR(HF_E_CONFLICT, archive_copy_journal(stores.from, 0, last, &stores.stop, writer));
    EXPECT_ERR(HF_E_CONFLICT,
               archive_copy_journal(stores.from, last - 1, last + 1, &stores.stop, writer));
    archive_writer_free(writer);
    store_close(stores.from);
}

static void test_copy_that_is_stopped_is_unavailable(void **state)
{
    struct stores stores;
    begin(&stores, state);
    put(stores.from, "k", "v");
    atomic_store(&stores.stop, true);
    const struct archive_header header = header_of("a seal");
    struct archive_writer *writer = begin_archive(stores.place, &header);
    EXPECT_ERR(HF_E_UNAVAILABLE, archive_copy_records(stores.from, &stores.stop, writer));
    EXPECT_ERR(HF_E_UNAVAILABLE, archive_copy_journal(stores.from, 0, 1, &stores.stop, writer));
    archive_writer_free(writer);
    store_close(stores.from);
}

/* Authentic, but the changes in it are none. */
static void test_check_of_bad_changes_is_corrupt(void **state)
{
    const struct place *place = *state;
    struct archive_verdict verdict;
    write_small(place);
    struct archive_reader *reader = open_backup(place);
    EXPECT_ERR(HF_E_CORRUPT, archive_check(reader, INT64_MAX, &verdict));
    archive_reader_free(reader);
}

static void test_apply_of_other_store_format_is_refused(void **state)
{
    const struct place *place = *state;
    const struct archive_header header = header_of("a seal");
    struct archive_end end;
    struct archive_writer *writer = begin_archive(place, &header);
    archive_put_record(writer,
                       bytes_of("\x01"
                                "format"),
                       bytes_of("next"));
    EXPECT_OK(archive_writer_finish(writer, 0, 0, &end));
    archive_writer_free(writer);
    struct archive_reader *reader = open_backup(place);
    struct store *to = open_store(place, "to", NULL);
    EXPECT_ERR(HF_E_FORMAT, archive_apply(reader, INT64_MAX, to));
    archive_reader_free(reader);
    store_close(to);
}

/* ---- what comes back ---- */

static void test_full_and_incremental_give_the_same_store(void **state)
{
    struct stores stores;
    struct archive_verdict verdict;
    begin(&stores, state);
    char key[16];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        put(stores.from, key, "value");
    }
    back_up(&stores, ARCHIVE_FULL, range_of(stores.from).last);
    struct store *to = open_store(stores.place, "to", NULL);
    restore(&stores, INT64_MAX, to, &verdict);
    size_t count = 0;
    expect_same(stores.from, to, &count);
    assert_int_equal(count, 301); /* and the format */
    const uint64_t base = range_of(stores.from).last;
    put(stores.from, "k1", "changed");
    drop(stores.from, "k2");
    put(stores.from, "new", "n");
    drop(stores.from, "new");
    back_up(&stores, ARCHIVE_INCREMENTAL, base);
    restore(&stores, INT64_MAX, to, &verdict);
    assert_int_equal(verdict.entries, 4);
    assert_int_equal(verdict.last_seq, base + 4);
    expect_same(stores.from, to, &count);
    assert_int_equal(count, 300);
    store_close(to);
    store_close(stores.from);
}

static void test_moment_cuts_before_the_first_later_entry(void **state)
{
    struct stores stores;
    struct archive_verdict verdict;
    begin(&stores, state);
    put(stores.from, "a", "1");
    hf_clock_advance(&stores.clock, 10 * STEP);
    put(stores.from, "a", "2");
    const hf_usec moment = hf_clock_now(&stores.clock) + STEP;
    hf_clock_advance(&stores.clock, 10 * STEP);
    put(stores.from, "a", "3");
    hf_clock_advance(&stores.clock,
                     -15 * STEP); /* it may be set back: what comes later stays later */
    put(stores.from, "a", "4");
    back_up(&stores, ARCHIVE_INCREMENTAL, 0);
    struct store *to = open_store(stores.place, "to", NULL);
    restore(&stores, moment, to, &verdict);
    assert_int_equal(verdict.entries, 4);
    assert_int_equal(verdict.to_apply, 2);
    assert_int_equal(verdict.last_seq, 2);
    struct store *expected = open_store(stores.place, "expected", NULL);
    put(expected, "a", "2");
    size_t count = 0;
    expect_same(expected, to, &count);
    store_close(expected);
    store_close(to);
    store_close(stores.from);
}

struct large_change {
    struct store_command command;
    uint8_t *value;
    size_t size;
    size_t count;
};

static hf_err apply_large(struct store_command *command, struct store_txn *txn)
{
    const struct large_change *change = HF_CONTAINER_OF(command, struct large_change, command);
    hf_err err = HF_OK;
    for (size_t i = 0; i < change->count && err == HF_OK; i++) {
        const uint8_t key[] = { 'l', (uint8_t)i };
        change->value[0] = (uint8_t)i;
        err = store_put(txn, (hf_bytes){ key, sizeof(key) },
                        (hf_bytes){ change->value, change->size });
    }
    return err;
}

static void test_entry_of_many_parts_comes_back(void **state)
{
    static uint8_t value[700 * 1000];
    struct stores stores;
    struct archive_verdict verdict;
    begin(&stores, state);
    struct large_change change = {
        .command = { .apply = apply_large }, .value = value, .size = sizeof(value), .count = 9
    };
    EXPECT_OK(store_apply(stores.from, &change.command));
    put(stores.from, "small", "s");
    back_up(&stores, ARCHIVE_INCREMENTAL, 0);
    struct store *to = open_store(stores.place, "to", NULL);
    restore(&stores, INT64_MAX, to, &verdict);
    assert_int_equal(verdict.entries, 2);
    size_t count = 0;
    expect_same(stores.from, to, &count);
    assert_int_equal(count, 11);
    store_close(to);
    store_close(stores.from);
}

static void test_snapshot_gives_the_same_store(void **state)
{
    struct stores stores;
    struct archive_verdict verdict;
    struct archive_end end;
    begin(&stores, state);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    for (char key[] = "a"; key[0] <= 'z'; key[0]++)
        put(stores.from, key, "value");
    const struct archive_header header = header_of("a seal");
    struct archive_writer *writer = begin_archive(stores.place, &header);
    EXPECT_OK(store_reader_new(stores.from, &reader));
    EXPECT_OK(store_read_begin(reader, &txn));
    EXPECT_OK(archive_copy_snapshot(txn, &stores.stop, writer));
    store_read_end(txn);
    store_reader_free(reader);
    EXPECT_OK(archive_writer_finish(writer, 0, 0, &end));
    archive_writer_free(writer);
    struct store *to = open_store(stores.place, "to", NULL);
    restore(&stores, INT64_MAX, to, &verdict);
    size_t count = 0;
    expect_same(stores.from, to, &count);
    assert_int_equal(count, 27);
    store_close(to);
    store_close(stores.from);
}

/* ---- while it changes ---- */

struct changing {
    struct store *store;
    atomic_bool stop;
    atomic_uint rounds;
};

/* Puts and deletes all over, until it is told to stop. */
static void *change_all_the_time(void *argument)
{
    struct changing *changing = argument;
    char key[16];
    char value[64];
    for (unsigned int i = 0; !atomic_load(&changing->stop); i++) {
        (void)snprintf(key, sizeof(key), "k%u", i * 7919 % 5000);
        (void)snprintf(value, sizeof(value), "value %u", i);
        struct change change = { .command = { .apply = apply_change }, .key = bytes_of(key) };
        if (i % 3 != 0)
            change.value = bytes_of(value);
        hf_ignore(store_apply(changing->store, &change.command)); /* a delete may find nothing */
        atomic_store(&changing->rounds, i + 1);
    }
    return NULL;
}

static void test_copy_under_changes_is_the_store_at_its_end(void **state)
{
    static uint8_t value[200 * 1000];
    struct stores stores;
    struct archive_verdict verdict;
    begin(&stores, state);
    struct large_change large = {
        .command = { .apply = apply_large }, .value = value, .size = sizeof(value), .count = 60
    };
    EXPECT_OK(store_apply(stores.from, &large.command)); /* 12 MB: the copy takes many snapshots */
    struct changing changing = { .store = stores.from };
    pthread_t thread;
    EXPECT_OK(hf_thread_start(&thread, "changes", change_all_the_time, &changing));
    while (atomic_load(&changing.rounds) < 100)
        ;
    const uint64_t from = range_of(stores.from).last;
    struct archive_header header = header_of("a seal");
    header.from = from;
    struct archive_writer *writer = begin_archive(stores.place, &header);
    EXPECT_OK(archive_copy_records(stores.from, &stores.stop, writer));
    /* whatever the copy saw, it changed meanwhile */
    const unsigned int seen = atomic_load(&changing.rounds);
    while (atomic_load(&changing.rounds) < seen + 100)
        ;
    atomic_store(&changing.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    const uint64_t to = range_of(stores.from).last;
    assert_true(to > from);
    EXPECT_OK(archive_copy_journal(stores.from, from, to, &stores.stop, writer));
    struct archive_end end;
    EXPECT_OK(archive_writer_finish(writer, to, 0, &end));
    archive_writer_free(writer);
    struct store *restored = open_store(stores.place, "to", NULL);
    restore(&stores, INT64_MAX, restored, &verdict);
    assert_int_equal(verdict.entries, to - from);
    size_t count = 0;
    expect_same(stores.from, restored, &count);
    assert_true(count > 60);
    store_close(restored);
    store_close(stores.from);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_copy_of_trimmed_journal_is_conflict),
        TEST(test_copy_that_is_stopped_is_unavailable),
        TEST(test_check_of_bad_changes_is_corrupt),
        TEST(test_apply_of_other_store_format_is_refused),
        TEST(test_full_and_incremental_give_the_same_store),
        TEST(test_moment_cuts_before_the_first_later_entry),
        TEST(test_entry_of_many_parts_comes_back),
        TEST(test_snapshot_gives_the_same_store),
        TEST(test_copy_under_changes_is_the_store_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
