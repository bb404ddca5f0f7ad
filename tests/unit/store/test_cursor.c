/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: prefixes, where they start, and changes under them.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The store's own format record begins with byte 1 and so never matches these. */
static const char *const stored_keys[] = { "a",   "b",  "b/",  "b/1",  "b/1/x",    "b/2",
                                           "b/3", "b0", "c/1", "\xff", "\xff\xff", "\xff\xff\x01" };

struct fixture {
    struct support_folder folder;
    struct store *store;
    struct store_reader *reader;
    struct store_txn *txn;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    support_folder_make(&fixture->folder);
    fixture->store = support_open(&fixture->folder);
    for (size_t i = HF_ARRAY_LEN(stored_keys); i-- > 0;)
        assert_int_equal(support_put(fixture->store, stored_keys[i], stored_keys[i]), HF_OK);
    assert_int_equal(store_reader_new(fixture->store, &fixture->reader), HF_OK);
    assert_int_equal(store_read_begin(fixture->reader, &fixture->txn), HF_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_read_end(fixture->txn);
    store_reader_free(fixture->reader);
    store_close(fixture->store);
    support_folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

static void test_cursor_open_wrong_input_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    static const uint8_t zeros[STORE_KEY_MAX_BYTES + 1];
    hf_bytes too_long = { zeros, sizeof(zeros) };
    hf_bytes none = { 0 };
    struct store_cursor *cursor = NULL;
    assert_int_equal(store_cursor_open(fixture->txn, too_long, none, false, &cursor), HF_E_INVALID);
    assert_int_equal(store_cursor_open(fixture->txn, none, too_long, false, &cursor), HF_E_INVALID);
    assert_int_equal(
        store_cursor_open(fixture->txn, support_bytes("b/"), support_bytes("b"), false, &cursor),
        HF_E_INVALID);
    assert_int_equal(
        store_cursor_open(fixture->txn, support_bytes("b/"), support_bytes("c/1"), false, &cursor),
        HF_E_INVALID);
    assert_null(cursor);
    store_cursor_close(NULL);
}

/* The keys of a walk, joined by blanks. */
static void walk(struct store_txn *txn, const char *prefix, const char *from, bool after, char *out,
                 size_t size)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    assert_int_equal(
        store_cursor_open(txn, support_bytes(prefix), support_bytes(from), after, &cursor), HF_OK);
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    size_t n = 0;
    out[0] = '\0';
    hf_err err = HF_OK;
    while ((err = store_cursor_next(cursor, &key, &value)) == HF_OK) {
        if (key.p[0] == STORE_CLASS_META)
            continue;
        assert_true(hf_bytes_equal(key, value));
        n += (size_t)snprintf(out + n, size - n, "%s%.*s", n > 0 ? " " : "",
                              HF_STR_ARG(hf_bytes_str(key)));
        assert_true(n < size);
    }
    assert_int_equal(err, HF_E_NOT_FOUND);
    assert_int_equal(store_cursor_next(cursor, &key, &value), HF_E_NOT_FOUND);
}

static void test_cursor_walks_prefix_from_position(void **state)
{
    static const struct {
        const char *prefix;
        const char *from;
        bool after;
        const char *expected;
    } cases[] = {
        { "", "", false, "a b b/ b/1 b/1/x b/2 b/3 b0 c/1 \xff \xff\xff \xff\xff\x01" },
        { "", "b/2", false, "b/2 b/3 b0 c/1 \xff \xff\xff \xff\xff\x01" },
        { "b/", "", false, "b/ b/1 b/1/x b/2 b/3" },
        { "b/", "", true, "b/ b/1 b/1/x b/2 b/3" },
        { "b/", "b/", false, "b/ b/1 b/1/x b/2 b/3" },
        { "b/", "b/", true, "b/1 b/1/x b/2 b/3" },
        { "b/", "b/1", false, "b/1 b/1/x b/2 b/3" },
        { "b/", "b/1", true, "b/1/x b/2 b/3" },
        { "b/", "b/15", true, "b/2 b/3" },
        { "b/", "b/15", false, "b/2 b/3" },
        { "b/", "b/3", true, "" },
        { "b/", "b/9", false, "" },
        { "b/1", "", false, "b/1 b/1/x" },
        { "bb", "", false, "" },
        { "\xff", "", false, "\xff \xff\xff \xff\xff\x01" },
        { "\xff\xff", "\xff\xff\x01", true, "" },
        { "\xff\xff\xff", "", false, "" },
    };
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        char found[256];
        walk(fixture->txn, cases[i].prefix, cases[i].from, cases[i].after, found, sizeof(found));
        if (strcmp(found, cases[i].expected) != 0)
            fail_msg("case %zu: \"%s\", not \"%s\"", i, found, cases[i].expected);
    }
}

static void test_cursor_on_empty_store_ends_at_once(void **state HF_UNUSED)
{
    struct support_folder folder;
    support_folder_make(&folder);
    struct store *store = support_open(&folder);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    assert_int_equal(store_reader_new(store, &reader), HF_OK);
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    char found[8];
    walk(txn, "", "", false, found, sizeof(found));
    assert_string_equal(found, "");
    walk(txn, "a", "", false, found, sizeof(found));
    assert_string_equal(found, "");
    store_read_end(txn);
    store_reader_free(reader);
    store_close(store);
    support_folder_remove(&folder);
}

static void test_cursors_of_one_transaction_are_independent(void **state)
{
    const struct fixture *fixture = *state;
    struct store_cursor *one = NULL;
    struct store_cursor *two = NULL;
    hf_bytes none = { 0 };
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    assert_int_equal(store_cursor_open(fixture->txn, support_bytes("b/"), none, false, &one),
                     HF_OK);
    assert_int_equal(store_cursor_next(one, &key, &value), HF_OK);
    assert_int_equal(store_cursor_open(fixture->txn, support_bytes("c/"), none, false, &two),
                     HF_OK);
    assert_int_equal(store_cursor_next(two, &key, &value), HF_OK);
    assert_true(hf_bytes_equal(key, support_bytes("c/1")));
    assert_int_equal(store_cursor_next(one, &key, &value), HF_OK);
    assert_true(hf_bytes_equal(key, support_bytes("b/1")));
    store_cursor_close(one);
    store_cursor_close(two);
}

static void test_cursor_reused_in_next_snapshot_sees_it(void **state)
{
    struct fixture *fixture = *state;
    char found[256];
    walk(fixture->txn, "c/", "", false, found, sizeof(found));
    assert_string_equal(found, "c/1");
    store_read_end(fixture->txn);
    assert_int_equal(support_put(fixture->store, "c/0", "c/0"), HF_OK);
    assert_int_equal(store_read_begin(fixture->reader, &fixture->txn), HF_OK);
    walk(fixture->txn, "c/", "", false, found, sizeof(found));
    assert_string_equal(found, "c/0 c/1");
}

/* Deletes what it stands on and puts new keys around, as moving a prefix to another does. */
static hf_err apply_move(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, support_bytes("b/"), (hf_bytes){ 0 }, false, &cursor);
    if (err != HF_OK)
        return err;
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    while ((err = store_cursor_next(cursor, &key, &value)) == HF_OK) {
        char moved[40];
        char original[32];
        (void)snprintf(original, sizeof(original), "%.*s", HF_STR_ARG(hf_bytes_str(key)));
        (void)snprintf(moved, sizeof(moved), "M%s", original);
        err = store_put(txn, support_bytes(moved), support_bytes(moved));
        if (err == HF_OK)
            err = store_delete(txn, support_bytes(original));
        if (err != HF_OK)
            return err;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

static void test_cursor_in_command_survives_changes(void **state)
{
    struct fixture *fixture = *state;
    struct store_command command = { .apply = apply_move };
    assert_int_equal(store_apply(fixture->store, &command), HF_OK);
    store_read_end(fixture->txn);
    assert_int_equal(store_read_begin(fixture->reader, &fixture->txn), HF_OK);
    char found[256];
    walk(fixture->txn, "b/", "", false, found, sizeof(found));
    assert_string_equal(found, "");
    walk(fixture->txn, "M", "", false, found, sizeof(found));
    assert_string_equal(found, "Mb/ Mb/1 Mb/1/x Mb/2 Mb/3");
}

/* Deletes many, across pages, by the key's own view. */
static hf_err apply_delete_all(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, support_bytes("n"), (hf_bytes){ 0 }, false, &cursor);
    if (err != HF_OK)
        return err;
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    unsigned int count = 0;
    while ((err = store_cursor_next(cursor, &key, &value)) == HF_OK) {
        err = store_delete(txn, key);
        if (err != HF_OK)
            return err;
        count++;
    }
    return count == 1000 && err == HF_E_NOT_FOUND ? HF_OK : HF_E_INTERNAL;
}

static hf_err apply_put_many(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    for (int i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "n%04d", i);
        hf_err err = store_put(txn, support_bytes(key), support_bytes(key));
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

static void test_cursor_deleting_as_it_goes_misses_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct store_command put = { .apply = apply_put_many };
    assert_int_equal(store_apply(fixture->store, &put), HF_OK);
    struct store_command delete = { .apply = apply_delete_all };
    assert_int_equal(store_apply(fixture->store, &delete), HF_OK);
    assert_true(support_lacks(fixture->store, "n0000"));
    assert_true(support_lacks(fixture->store, "n0999"));
    assert_true(support_holds(fixture->store, "c/1", "c/1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cursor_open_wrong_input_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cursor_walks_prefix_from_position, set_up, tear_down),
        cmocka_unit_test(test_cursor_on_empty_store_ends_at_once),
        cmocka_unit_test_setup_teardown(test_cursors_of_one_transaction_are_independent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cursor_reused_in_next_snapshot_sees_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cursor_in_command_survives_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cursor_deleting_as_it_goes_misses_nothing, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("store_cursor", tests, NULL, NULL);
}
