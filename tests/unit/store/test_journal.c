/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: every change once, in order, and what replays it ends with the same records.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct support_folder folder;
    struct hf_clock clock;
    struct store *store;
    struct store_reader *reader;
    struct store_txn *txn;
};

static void open_store(struct fixture *fixture, bool journal)
{
    const struct store_config config = {
        .no_sync = true, .journal = journal, .clock = &fixture->clock, .map_bytes = 65536
    };
    fixture->store = support_open_with(&fixture->folder, config);
    assert_int_equal(store_reader_new(fixture->store, &fixture->reader), HF_OK);
}

static void close_store(struct fixture *fixture)
{
    store_reader_free(hf_take(&fixture->reader));
    store_close(hf_take(&fixture->store));
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    support_folder_make(&fixture->folder);
    open_store(fixture, true);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_read_end(fixture->txn);
    close_store(fixture);
    support_folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

static struct store_txn *begin(struct fixture *fixture)
{
    assert_int_equal(store_read_begin(fixture->reader, &fixture->txn), HF_OK);
    return fixture->txn;
}

static void end(struct fixture *fixture)
{
    store_read_end(hf_take(&fixture->txn));
}

static void expect_range(struct fixture *fixture, uint64_t first, uint64_t last)
{
    struct store_journal_range range;
    assert_int_equal(store_journal_range(begin(fixture), &range), HF_OK);
    end(fixture);
    assert_int_equal(range.first, first);
    assert_int_equal(range.last, last);
}

/* ---- lists of changes ---- */

static void test_bad_changes_are_corrupt(void **state HF_UNUSED)
{
    static const struct {
        uint8_t bytes[12];
        size_t n;
    } cases[] = {
        { { 0 }, 1 },                               /* unknown kind */
        { { 3, 0, 1, 'k' }, 4 },                    /* unknown kind */
        { { 2 }, 1 },                               /* no key */
        { { 2, 0, 0 }, 3 },                         /* empty key */
        { { 2, 0, 2, 'k' }, 4 },                    /* key cut off */
        { { 2, 2, 0, 'k' }, 4 },                    /* key too long */
        { { 1, 0, 1, 'k' }, 4 },                    /* no value */
        { { 1, 0, 1, 'k', 0, 0, 0, 2, 'v' }, 9 },   /* value cut off */
        { { 1, 0, 1, 'k', 255, 255, 255, 255 }, 8 } /* value too long */
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        hf_bytes changes = { cases[i].bytes, cases[i].n };
        struct store_change change;
        assert_int_equal(store_change_next(&changes, &change), HF_E_CORRUPT);
        assert_int_equal(changes.n, cases[i].n);
    }
}

static void test_journal_needs_a_clock(void **state)
{
    struct fixture *fixture = *state;
    close_store(fixture);
    const struct store_config config = { .folder = fixture->folder.data, .journal = true };
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    assert_int_equal(store_open(&config, &diag, &store), HF_E_INVALID);
    assert_null(store);
    open_store(fixture, true);
}

/* ---- entries ---- */

static void expect_change(hf_bytes *changes, bool is_delete, const char *key, const char *value)
{
    struct store_change change;
    assert_int_equal(store_change_next(changes, &change), HF_OK);
    assert_int_equal(change.is_delete, is_delete);
    assert_true(hf_bytes_equal(change.key, support_bytes(key)));
    assert_true(hf_bytes_equal(change.value, support_bytes(value)));
}

static hf_err apply_some(struct store_command *command, struct store_txn *txn)
{
    hf_err err = store_put(txn, support_bytes("p"), support_bytes("1"));
    if (err == HF_OK)
        err = store_put(txn, support_bytes("\x02head"), support_bytes("1"));
    if (err == HF_OK)
        err = store_delete(txn, support_bytes("p"));
    return err == HF_OK && command->context != NULL ? HF_E_CONFLICT : err;
}

static void test_entry_holds_the_changes_in_order(void **state)
{
    struct fixture *fixture = *state;
    expect_range(fixture, 0, 0);
    hf_usec before = hf_clock_now(&fixture->clock);
    struct store_command refused = { .apply = apply_some, .context = fixture };
    assert_int_equal(store_apply(fixture->store, &refused), HF_E_CONFLICT);
    expect_range(fixture, 0, 0);
    struct store_command some = { .apply = apply_some };
    assert_int_equal(store_apply(fixture->store, &some), HF_OK);
    assert_int_equal(support_put(fixture->store, "\x02head", "2"), HF_OK); /* no entry */
    expect_range(fixture, 1, 1);

    struct store_journal_entry entry;
    assert_int_equal(store_journal_next(begin(fixture), 0, 0, &entry), HF_OK);
    assert_int_equal(entry.seq, 1);
    assert_int_equal(entry.part, 0);
    assert_true(entry.time >= before && entry.time <= hf_clock_now(&fixture->clock));
    expect_change(&entry.changes, false, "p", "1");
    expect_change(&entry.changes, true, "p", "");
    assert_int_equal(entry.changes.n, 0);
    assert_int_equal(store_journal_next(fixture->txn, 1, 1, &entry), HF_E_NOT_FOUND);
    end(fixture);
}

struct pair {
    struct store_command commands[3];
    atomic_int left;
};

static void note_done(struct store_command *command, hf_err result)
{
    struct pair *pair = command->context;
    assert_int_equal(result, command == &pair->commands[1] ? HF_E_CONFLICT : HF_OK);
    atomic_fetch_sub(&pair->left, 1);
}

static hf_err apply_each(struct store_command *command, struct store_txn *txn)
{
    const struct pair *pair = command->context;
    char key[] = { (char)('a' + (command - pair->commands)), 0 };
    hf_err err = store_put(txn, support_bytes(key), support_bytes("v"));
    return err == HF_OK && key[0] == 'b' ? HF_E_CONFLICT : err;
}

static hf_err apply_wait(struct store_command *command, struct store_txn *txn HF_UNUSED)
{
    struct pair *pair = command->context;
    while (atomic_load(&pair->left) > 3)
        ;
    return HF_OK;
}

static void wait_done(struct store_command *command HF_UNUSED, hf_err result)
{
    assert_int_equal(result, HF_OK);
}

static void test_failed_command_of_a_batch_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct pair pair = { .left = 4 };
    struct store_command hold = { .apply = apply_wait, .done = wait_done, .context = &pair };
    assert_int_equal(store_submit(fixture->store, &hold), HF_OK);
    for (size_t i = 0; i < HF_ARRAY_LEN(pair.commands); i++) {
        pair.commands[i] =
            (struct store_command){ .apply = apply_each, .done = note_done, .context = &pair };
        assert_int_equal(store_submit(fixture->store, &pair.commands[i]), HF_OK);
    }
    atomic_fetch_sub(&pair.left, 1);
    close_store(fixture);
    assert_int_equal(atomic_load(&pair.left), 0);
    open_store(fixture, true);
    expect_range(fixture, 1, 1);
    struct store_journal_entry entry;
    assert_int_equal(store_journal_next(begin(fixture), 1, 0, &entry), HF_OK);
    expect_change(&entry.changes, false, "a", "v");
    expect_change(&entry.changes, false, "c", "v");
    assert_int_equal(entry.changes.n, 0);
    end(fixture);
}

/* ---- large entries, replayed ---- */

enum { LARGE_COUNT = 5, LARGE_BYTES = 700 * 1024 };

static hf_err apply_large(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    static uint8_t value[LARGE_BYTES];
    char key[] = "large0";
    for (int i = 0; i < LARGE_COUNT; i++) {
        key[5] = (char)('0' + i);
        memset(value, key[5], sizeof(value));
        hf_err err = store_put(txn, support_bytes(key), (hf_bytes){ value, sizeof(value) });
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

struct replay {
    struct store_command command;
    struct fixture *from;
    uint32_t parts;
};

static hf_err apply_replay(struct store_command *command, struct store_txn *txn)
{
    struct replay *replay = HF_CONTAINER_OF(command, struct replay, command);
    struct store_journal_entry entry = { .seq = 1 };
    uint32_t part = 0;
    hf_err err = HF_OK;
    while ((err = store_journal_next(replay->from->txn, entry.seq, part, &entry)) == HF_OK) {
        err = store_journal_apply(txn, entry.changes);
        if (err != HF_OK)
            return err;
        replay->parts = entry.seq == 3 ? entry.part + 1 : replay->parts;
        part = entry.part + 1;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

static void test_large_entry_has_parts_and_replays(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK);
    assert_int_equal(support_put(fixture->store, "b", "2"), HF_OK);
    struct store_command large = { .apply =
                                       apply_large }; /* the map grows: it runs several times */
    assert_int_equal(store_apply(fixture->store, &large), HF_OK);
    assert_int_equal(support_delete(fixture->store, "a"), HF_OK);
    expect_range(fixture, 1, 4);

    struct support_folder folder;
    support_folder_make(&folder);
    struct store *copy = support_open(&folder);
    struct replay replay = { .command = { .apply = apply_replay }, .from = fixture };
    (void)begin(fixture);
    assert_int_equal(store_apply(copy, &replay.command), HF_OK);
    end(fixture);
    assert_int_equal(replay.parts, 3);
    char *text = malloc(LARGE_BYTES + 1);
    assert_non_null(text);
    memset(text, '4', LARGE_BYTES);
    text[LARGE_BYTES] = 0;
    assert_true(support_holds(copy, "large4", text));
    free(text);
    assert_true(support_holds(copy, "b", "2"));
    assert_true(support_lacks(copy, "a"));
    store_close(copy);
    support_folder_remove(&folder);
}

/* ---- numbers ---- */

static void test_commits_without_journal_leave_a_gap(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK);
    close_store(fixture);
    open_store(fixture, false);
    assert_int_equal(support_delete(fixture->store, "absent"), HF_E_NOT_FOUND);
    expect_range(fixture, 1, 1);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_OK);
    assert_int_equal(support_put(fixture->store, "a", "3"), HF_OK);
    expect_range(fixture, 0, 2);
    close_store(fixture);
    open_store(fixture, true);
    expect_range(fixture, 0, 2);
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
    expect_range(fixture, 3, 3);
}

static void test_trim_drops_the_old_and_goes_on_counting(void **state)
{
    struct fixture *fixture = *state;
    size_t dropped = 1;
    assert_int_equal(store_journal_trim(fixture->store, INT64_MAX, &dropped), HF_OK);
    assert_int_equal(dropped, 0);
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_OK);
    hf_clock_advance(&fixture->clock, HF_USEC_PER_DAY);
    hf_usec cut = hf_clock_now(&fixture->clock);
    assert_int_equal(support_put(fixture->store, "a", "3"), HF_OK);
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
    assert_int_equal(store_journal_trim(fixture->store, cut, &dropped), HF_OK);
    assert_int_equal(dropped, 2);
    expect_range(fixture, 3, 4);
    assert_int_equal(store_journal_trim(fixture->store, INT64_MAX, &dropped), HF_OK);
    assert_int_equal(dropped, 1);
    close_store(fixture);
    open_store(fixture, true);
    assert_int_equal(support_put(fixture->store, "a", "5"), HF_OK);
    expect_range(fixture, 4, 5);
}

static void test_entries_before_a_gap_are_dropped_and_no_others(void **state)
{
    struct fixture *fixture = *state;
    size_t dropped = 1;
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK);
    assert_int_equal(support_put(fixture->store, "a", "2"), HF_OK);
    assert_int_equal(store_journal_drop_before_gap(fixture->store, &dropped), HF_OK);
    assert_int_equal(dropped, 0);
    expect_range(fixture, 1, 2);
    close_store(fixture);
    open_store(fixture, false);
    assert_int_equal(support_put(fixture->store, "a", "3"), HF_OK);
    assert_int_equal(store_journal_drop_before_gap(fixture->store, &dropped), HF_OK);
    assert_int_equal(dropped, 2);
    struct store_journal_entry entry;
    assert_int_equal(store_journal_next(begin(fixture), 0, 0, &entry), HF_E_NOT_FOUND);
    end(fixture);
    close_store(fixture);
    open_store(fixture, true);
    expect_range(fixture, 0, 3);
    assert_int_equal(support_put(fixture->store, "a", "4"), HF_OK);
    expect_range(fixture, 4, 4);
    assert_int_equal(store_journal_drop_before_gap(fixture->store, &dropped), HF_OK);
    assert_int_equal(dropped, 0);
    expect_range(fixture, 4, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_changes_are_corrupt),
        cmocka_unit_test_setup_teardown(test_journal_needs_a_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entry_holds_the_changes_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_command_of_a_batch_leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_large_entry_has_parts_and_replays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commits_without_journal_leave_a_gap, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_trim_drops_the_old_and_goes_on_counting, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_entries_before_a_gap_are_dropped_and_no_others, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("store_journal", tests, NULL, NULL);
}
