/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map grows by itself: under running readers, inside a batch, for one large command, and again
 * after reopening.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TINY_MAP_BYTES ((size_t)1024 * 1024)

struct fixture {
    struct support_folder folder;
    struct store *store;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    support_folder_make(&fixture->folder);
    fixture->store = support_open_with(
        &fixture->folder, (struct store_config){ .no_sync = true, .map_bytes = TINY_MAP_BYTES });
    assert_int_equal(store_stats(fixture->store).map_bytes, TINY_MAP_BYTES);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    support_folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

/* ---- readers that check the order of what they see ---- */

struct load {
    struct store *store;
    atomic_bool is_over;
    atomic_uint reads;
};

/*
 * Both counters are written by one command, so a snapshot shows them equal, and the large value
 * between them whole.
 */
static bool is_snapshot_whole(struct store_txn *txn)
{
    hf_bytes first = { 0 };
    hf_bytes last = { 0 };
    if (store_get(txn, support_bytes("k-first"), &first) == HF_E_NOT_FOUND)
        return store_get(txn, support_bytes("k-last"), &last) == HF_E_NOT_FOUND;
    if (store_get(txn, support_bytes("k-last"), &last) != HF_OK || !hf_bytes_equal(first, last))
        return false;
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    if (store_cursor_open(txn, support_bytes("v"), (hf_bytes){ 0 }, false, &cursor) != HF_OK)
        return false;
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    for (int i = 0; i < 25 && store_cursor_next(cursor, &key, &value) == HF_OK; i++) {
        if (value.n == 0 || value.p[0] != value.p[value.n - 1])
            return false;
    }
    return true;
}

static void *run_reader(void *argument)
{
    struct load *load = argument;
    struct store_reader *reader = NULL;
    if (store_reader_new(load->store, &reader) != HF_OK)
        abort();
    while (!atomic_load(&load->is_over)) {
        struct store_txn *txn = NULL;
        if (store_read_begin(reader, &txn) != HF_OK || !is_snapshot_whole(txn))
            abort();
        store_read_end(txn);
        atomic_fetch_add(&load->reads, 1);
    }
    store_reader_free(reader);
    return NULL;
}

struct fill {
    struct store_command command;
    uint32_t sequence;
    size_t value_bytes;
    sem_t *finished;
    hf_err result;
};

static hf_err apply_fill(struct store_command *command, struct store_txn *txn)
{
    const struct fill *fill = HF_CONTAINER_OF(command, struct fill, command);
    char number[16];
    char key[20];
    (void)snprintf(number, sizeof(number), "%010u", fill->sequence);
    (void)snprintf(key, sizeof(key), "v%s", number);
    uint8_t *value = malloc(fill->value_bytes);
    if (value == NULL)
        return HF_E_NOMEM;
    memset(value, (int)(fill->sequence & 0x7f), fill->value_bytes);
    hf_err err = store_put(txn, support_bytes("k-first"), support_bytes(number));
    if (err == HF_OK)
        err = store_put(txn, support_bytes(key), (hf_bytes){ value, fill->value_bytes });
    if (err == HF_OK)
        err = store_put(txn, support_bytes("k-last"), support_bytes(number));
    free(value);
    return err;
}

static void post_finished(struct store_command *command, hf_err result)
{
    struct fill *fill = HF_CONTAINER_OF(command, struct fill, command);
    fill->result = result;
    (void)sem_post(fill->finished);
}

static void test_map_grows_while_readers_run(void **state)
{
    enum { READERS = 3, FILLS = 600, VALUE_BYTES = 20000 };
    const struct fixture *fixture = *state;
    struct load load = { .store = fixture->store };
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_reader, &load), 0);

    static struct fill fills[FILLS];
    sem_t finished;
    assert_int_equal(sem_init(&finished, 0, 0), 0);
    for (uint32_t i = 0; i < FILLS; i++) {
        fills[i] = (struct fill){ .command = { .apply = apply_fill, .done = post_finished },
                                  .sequence = i,
                                  .value_bytes = VALUE_BYTES,
                                  .finished = &finished };
        assert_int_equal(store_submit(fixture->store, &fills[i].command), HF_OK);
    }
    for (uint32_t i = 0; i < FILLS; i++)
        assert_int_equal(sem_wait(&finished), 0);
    atomic_store(&load.is_over, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < FILLS; i++)
        assert_int_equal(fills[i].result, HF_OK);
    assert_true(store_stats(fixture->store).map_bytes >= (size_t)FILLS * VALUE_BYTES);
    assert_true(support_holds(fixture->store, "k-last", "0000000599"));
    (void)sem_destroy(&finished);
}

static void test_map_grows_for_one_value_many_times_its_size(void **state)
{
    const struct fixture *fixture = *state;
    struct fill fill = { .command = { .apply = apply_fill }, .value_bytes = 20 * TINY_MAP_BYTES };
    assert_int_equal(store_apply(fixture->store, &fill.command), HF_OK);
    assert_true(support_holds(fixture->store, "k-last", "0000000000"));
    assert_true(store_stats(fixture->store).map_bytes > 20 * TINY_MAP_BYTES);
}

struct late {
    struct store_reader *reader;
    hf_err results[2];
    sem_t finished;
};

static void *read_late(void *argument)
{
    struct late *late = argument;
    for (size_t i = 0; i < HF_ARRAY_LEN(late->results); i++) {
        struct store_txn *txn = NULL;
        do { /* until the writer waits */
            late->results[i] = store_read_begin(late->reader, &txn);
            store_read_end(hf_take(&txn));
        } while (late->results[i] == HF_OK);
    }
    (void)sem_post(&late->finished);
    return NULL;
}

/* Somebody keeps a transaction, so the map cannot grow: the others do not wait for as long. */
static void test_readers_are_refused_while_one_keeps_the_map(void **state)
{
    const struct fixture *fixture = *state;
    struct late late = {
        .reader = NULL
    }; /* made before the gate closes: that waits for as long as it takes */
    sem_t grown;
    pthread_t thread;
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    assert_int_equal(sem_init(&late.finished, 0, 0), 0);
    assert_int_equal(sem_init(&grown, 0, 0), 0);
    assert_int_equal(store_reader_new(fixture->store, &late.reader), HF_OK);
    assert_int_equal(store_reader_new(fixture->store, &reader), HF_OK);
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    struct fill fill = { .command = { .apply = apply_fill, .done = post_finished },
                         .value_bytes = 2 * TINY_MAP_BYTES,
                         .finished = &grown };
    assert_int_equal(store_submit(fixture->store, &fill.command), HF_OK);
    assert_int_equal(hf_thread_start(&thread, "late", read_late, &late), HF_OK);
    assert_int_equal(sem_wait(&late.finished), 0);
    store_read_end(txn);
    store_reader_free(reader);
    assert_int_equal(sem_wait(&grown), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    store_reader_free(late.reader);
    assert_int_equal(fill.result, HF_OK);
    assert_int_equal(late.results[0], HF_E_UNAVAILABLE);
    assert_int_equal(late.results[1], HF_E_UNAVAILABLE);
    assert_true(support_holds(fixture->store, "k-last", "0000000000"));
    (void)sem_destroy(&grown);
    (void)sem_destroy(&late.finished);
}

/* A command that ignores the refusal of its put must not get a part of itself committed. */
static hf_err apply_ignoring(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    uint8_t *value = calloc(1, 3 * TINY_MAP_BYTES);
    if (value == NULL)
        return HF_E_NOMEM;
    hf_err err = store_put(txn, support_bytes("small"), support_bytes("1"));
    hf_ignore(store_put(txn, support_bytes("large"), (hf_bytes){ value, 3 * TINY_MAP_BYTES }));
    free(value);
    return err;
}

static void test_command_ignoring_full_map_is_run_again(void **state)
{
    const struct fixture *fixture = *state;
    struct store_command command = { .apply = apply_ignoring };
    assert_int_equal(store_apply(fixture->store, &command), HF_OK);
    assert_true(support_holds(fixture->store, "small", "1"));
    assert_false(support_lacks(fixture->store, "large"));
}

static hf_err put_large_head(void *context HF_UNUSED, struct store_txn *txn)
{
    uint8_t *value = calloc(1, 3 * TINY_MAP_BYTES);
    if (value == NULL)
        return HF_E_NOMEM;
    hf_err err = store_put(txn, support_bytes("head"), (hf_bytes){ value, 3 * TINY_MAP_BYTES });
    free(value);
    return err;
}

static void test_map_grows_for_the_hook(void **state)
{
    const struct fixture *fixture = *state;
    store_set_hook(fixture->store, &(struct store_hook){ .before_commit = put_large_head });
    assert_int_equal(support_put(fixture->store, "a", "1"), HF_OK);
    assert_false(support_lacks(fixture->store, "head"));
}

static void test_reopen_larger_than_configured_map_works(void **state)
{
    struct fixture *fixture = *state;
    struct fill fill = { .command = { .apply = apply_fill }, .value_bytes = 5 * TINY_MAP_BYTES };
    assert_int_equal(store_apply(fixture->store, &fill.command), HF_OK);
    store_close(fixture->store);
    fixture->store = support_open_with(
        &fixture->folder, (struct store_config){ .no_sync = true, .map_bytes = TINY_MAP_BYTES });
    assert_true(support_holds(fixture->store, "k-last", "0000000000"));
    fill.sequence = 1;
    assert_int_equal(store_apply(fixture->store, &fill.command), HF_OK);
    assert_true(support_holds(fixture->store, "k-last", "0000000001"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_readers_are_refused_while_one_keeps_the_map, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_command_ignoring_full_map_is_run_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_map_grows_for_one_value_many_times_its_size, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_map_grows_for_the_hook, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reopen_larger_than_configured_map_works, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_map_grows_while_readers_run, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store_growth", tests, NULL, NULL);
}
