/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: what is refused, what a failed one leaves, order, batches, the hook and the queue's
 * limit.
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

struct fixture {
    struct support_folder folder;
    struct store *store;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    support_folder_make(&fixture->folder);
    fixture->store = support_open(&fixture->folder);
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

static struct store *store_of(void **state)
{
    const struct fixture *fixture = *state;
    return fixture->store;
}

/* ---- wrong inputs ---- */

static void test_put_key_of_wrong_size_is_refused(void **state)
{
    static const uint8_t zeros[STORE_KEY_MAX_BYTES + 1];
    static const struct {
        const char *name;
        size_t n;
        hf_err expected;
    } cases[] = {
        { "empty", 0, HF_E_INVALID },
        { "one byte", 1, HF_OK },
        { "at the limit", STORE_KEY_MAX_BYTES, HF_OK },
        { "one beyond", STORE_KEY_MAX_BYTES + 1, HF_E_INVALID },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        hf_bytes key = { zeros, cases[i].n };
        hf_bytes value = support_bytes("value");
        if (support_change(store_of(state), key, &value) != cases[i].expected)
            fail_msg("put: %s", cases[i].name);
        if (support_change(store_of(state), key, NULL) != cases[i].expected)
            fail_msg("delete: %s", cases[i].name);
    }
}

static void test_put_value_over_limit_is_refused(void **state)
{
    uint8_t *big = calloc(1, STORE_VALUE_MAX_BYTES + 1);
    assert_non_null(big);
    hf_bytes value = { big, STORE_VALUE_MAX_BYTES + 1 };
    assert_int_equal(support_change(store_of(state), support_bytes("k"), &value), HF_E_TOO_LARGE);
    assert_true(support_lacks(store_of(state), "k"));
    free(big);
}

static void test_delete_absent_key_is_not_found(void **state)
{
    assert_int_equal(support_delete(store_of(state), "absent"), HF_E_NOT_FOUND);
}

static void test_get_wrong_key_is_refused(void **state)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    assert_int_equal(store_reader_new(store_of(state), &reader), HF_OK);
    struct store_txn *txn = NULL;
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    static const uint8_t zeros[STORE_KEY_MAX_BYTES + 1];
    hf_bytes untouched = support_bytes("untouched");
    hf_bytes out = untouched;
    assert_int_equal(store_get(txn, (hf_bytes){ zeros, 0 }, &out), HF_E_INVALID);
    assert_int_equal(store_get(txn, (hf_bytes){ zeros, sizeof(zeros) }, &out), HF_E_INVALID);
    assert_int_equal(store_get(txn, support_bytes("absent"), &out), HF_E_NOT_FOUND);
    assert_ptr_equal(out.p, untouched.p);
    store_read_end(txn);
}

/* ---- one command ---- */

static void test_put_then_get_and_delete(void **state)
{
    struct store *store = store_of(state);
    assert_int_equal(support_put(store, "a", "1"), HF_OK);
    assert_true(support_holds(store, "a", "1"));
    assert_int_equal(support_put(store, "a", "a longer value"), HF_OK);
    assert_true(support_holds(store, "a", "a longer value"));
    assert_int_equal(support_put(store, "a", ""), HF_OK);
    assert_true(support_holds(store, "a", ""));
    assert_int_equal(support_delete(store, "a"), HF_OK);
    assert_true(support_lacks(store, "a"));
}

static hf_err apply_two_then_fail(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    hf_err err = store_put(txn, support_bytes("first"), support_bytes("changed"));
    if (err == HF_OK)
        err = store_put(txn, support_bytes("second"), support_bytes("new"));
    if (err == HF_OK)
        err = store_delete(txn, support_bytes("third"));
    return err == HF_OK ? HF_E_CONFLICT : err;
}

static void test_command_failing_leaves_nothing(void **state)
{
    struct store *store = store_of(state);
    assert_int_equal(support_put(store, "first", "1"), HF_OK);
    assert_int_equal(support_put(store, "third", "3"), HF_OK);
    struct store_command command = { .apply = apply_two_then_fail };
    assert_int_equal(store_apply(store, &command), HF_E_CONFLICT);
    assert_true(support_holds(store, "first", "1"));
    assert_true(support_lacks(store, "second"));
    assert_true(support_holds(store, "third", "3"));
}

/* Moves what is under "from" to "to" by handing the view straight back, many times on one page. */
static hf_err apply_views(struct store_command *command HF_UNUSED, struct store_txn *txn)
{
    char key[16];
    for (int i = 0; i < 40; i++) {
        hf_bytes view = { 0 };
        hf_err err = store_get(txn, support_bytes("origin"), &view);
        if (err != HF_OK)
            return err;
        (void)snprintf(key, sizeof(key), "a%02d", i);
        err = store_put(txn, support_bytes(key), view);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

static void test_put_view_of_same_transaction_keeps_content(void **state)
{
    struct store *store = store_of(state);
    char text[201];
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = (char)('A' + i % 26);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(support_put(store, "origin", text), HF_OK);
    struct store_command command = { .apply = apply_views };
    assert_int_equal(store_apply(store, &command), HF_OK);
    assert_true(support_holds(store, "a00", text));
    assert_true(support_holds(store, "a39", text));
}

static void test_reader_sees_its_snapshot_only(void **state)
{
    struct store *store = store_of(state);
    assert_int_equal(support_put(store, "a", "before"), HF_OK);
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    assert_int_equal(store_reader_new(store, &reader), HF_OK);
    struct store_txn *txn = NULL;
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    assert_int_equal(support_put(store, "a", "after"), HF_OK);
    assert_true(support_holds(store, "a", "after"));
    hf_bytes found = { 0 };
    assert_int_equal(store_get(txn, support_bytes("a"), &found), HF_OK);
    assert_true(hf_bytes_equal(found, support_bytes("before")));
    store_read_end(txn);
}

/* ---- batches ---- */

struct counter {
    struct store_command command;
    atomic_uint *done_count;
    unsigned int *order; /* writer thread: where done notes the sequence */
    unsigned int *order_count;
    unsigned int sequence;
    hf_err result;
    sem_t *finished; /* posted with the last */
    unsigned int total;
};

static hf_err apply_count(struct store_command *command, struct store_txn *txn)
{
    const struct counter *counter = HF_CONTAINER_OF(command, struct counter, command);
    if (counter->sequence % 10 == 3)
        return HF_E_CONFLICT;
    hf_bytes found = { 0 };
    uint32_t count = 0;
    hf_err err = store_get(txn, support_bytes("count"), &found);
    if (err == HF_OK && found.n == sizeof(count))
        memcpy(&count, found.p, sizeof(count));
    count++;
    return store_put(txn, support_bytes("count"),
                     (hf_bytes){ (const uint8_t *)&count, sizeof(count) });
}

static void note_done(struct store_command *command, hf_err result)
{
    struct counter *counter = HF_CONTAINER_OF(command, struct counter, command);
    counter->result = result;
    counter->order[(*counter->order_count)++] = counter->sequence;
    if (atomic_fetch_add(counter->done_count, 1) + 1 == counter->total)
        (void)sem_post(counter->finished);
}

#define SUBMITTERS 4
#define COMMANDS_EACH 250
#define COMMANDS_ALL (SUBMITTERS * COMMANDS_EACH)

struct submitter {
    struct store *store;
    struct counter *counters; /* COMMANDS_EACH of them */
};

static void *run_submitter(void *argument)
{
    struct submitter *submitter = argument;
    for (size_t i = 0; i < COMMANDS_EACH; i++) {
        if (store_submit(submitter->store, &submitter->counters[i].command) != HF_OK)
            abort();
    }
    return NULL;
}

static uint32_t read_count(struct store *store)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    assert_int_equal(store_reader_new(store, &reader), HF_OK);
    struct store_txn *txn = NULL;
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    hf_bytes found = { 0 };
    assert_int_equal(store_get(txn, support_bytes("count"), &found), HF_OK);
    uint32_t count = 0;
    assert_int_equal(found.n, sizeof(count));
    memcpy(&count, found.p, sizeof(count));
    store_read_end(txn);
    return count;
}

static void test_submit_from_four_threads_loses_nothing_and_keeps_order(void **state)
{
    struct store *store = store_of(state);
    static struct counter counters[COMMANDS_ALL];
    static unsigned int order[COMMANDS_ALL];
    unsigned int order_count = 0;
    atomic_uint done_count = 0;
    sem_t finished;
    assert_int_equal(sem_init(&finished, 0, 0), 0);
    for (unsigned int i = 0; i < COMMANDS_ALL; i++) {
        counters[i] = (struct counter){
            .command = { .apply = apply_count, .done = note_done },
            .done_count = &done_count,
            .order = order,
            .order_count = &order_count,
            .sequence = i,
            .finished = &finished,
            .total = COMMANDS_ALL,
        };
    }
    pthread_t threads[SUBMITTERS];
    struct submitter submitters[SUBMITTERS];
    for (size_t i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){ store, counters + i * COMMANDS_EACH };
        assert_int_equal(pthread_create(&threads[i], NULL, run_submitter, &submitters[i]), 0);
    }
    for (size_t i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(sem_wait(&finished), 0);

    unsigned int last[SUBMITTERS] = { 0 };
    for (unsigned int i = 0; i < COMMANDS_ALL; i++) {
        hf_err expected = i % 10 == 3 ? HF_E_CONFLICT : HF_OK;
        assert_int_equal(counters[i].result, expected);
        unsigned int from = order[i] / COMMANDS_EACH;
        assert_true(order[i] % COMMANDS_EACH == last[from]);
        last[from]++;
    }
    assert_int_equal(read_count(store), COMMANDS_ALL - COMMANDS_ALL / 10);
    struct store_stats stats = store_stats(store);
    assert_int_equal(stats.commands, COMMANDS_ALL - COMMANDS_ALL / 10);
    assert_true(stats.batches > 0 && stats.batches <= stats.commands);
    assert_true(stats.used_bytes > 0 && stats.used_bytes < stats.map_bytes);
    (void)sem_destroy(&finished);
}

/* ---- the queue's limit ---- */

struct held {
    struct store_command command;
    sem_t *started;
    sem_t *release;
    sem_t *done;
};

static hf_err apply_held(struct store_command *command, struct store_txn *txn HF_UNUSED)
{
    struct held *held = HF_CONTAINER_OF(command, struct held, command);
    if (held->started != NULL) {
        (void)sem_post(held->started);
        (void)sem_wait(held->release);
    }
    return HF_OK;
}

static void post_done(struct store_command *command, hf_err result HF_UNUSED)
{
    struct held *held = HF_CONTAINER_OF(command, struct held, command);
    (void)sem_post(held->done);
}

static void test_submit_to_full_queue_is_refused(void **state HF_UNUSED)
{
    enum { QUEUE_MAX = 3 };
    struct support_folder folder;
    support_folder_make(&folder);
    struct store *store = support_open_with(
        &folder, (struct store_config){ .no_sync = true, .queue_max = QUEUE_MAX });
    sem_t started;
    sem_t release;
    sem_t done;
    assert_int_equal(sem_init(&started, 0, 0) + sem_init(&release, 0, 0) + sem_init(&done, 0, 0),
                     0);
    struct held held[QUEUE_MAX + 1];
    for (size_t i = 0; i < HF_ARRAY_LEN(held); i++)
        held[i] = (struct held){ .command = { .apply = apply_held, .done = post_done },
                                 .started = i == 0 ? &started : NULL,
                                 .release = &release,
                                 .done = &done };

    assert_int_equal(store_submit(store, &held[0].command), HF_OK);
    assert_int_equal(sem_wait(&started), 0);
    assert_int_equal(store_submit(store, &held[1].command), HF_OK);
    assert_int_equal(store_submit(store, &held[2].command), HF_OK);
    assert_int_equal(store_submit(store, &held[3].command), HF_E_UNAVAILABLE);
    assert_int_equal(sem_post(&release), 0);
    for (int i = 0; i < QUEUE_MAX; i++)
        assert_int_equal(sem_wait(&done), 0);
    assert_int_equal(store_submit(store, &held[3].command), HF_OK);
    store_close(store); /* runs what was submitted */
    assert_int_equal(sem_trywait(&done), 0);
    (void)sem_destroy(&started);
    (void)sem_destroy(&release);
    (void)sem_destroy(&done);
    support_folder_remove(&folder);
}

/* ---- the hook ---- */

static hf_err write_head(void *context, struct store_txn *txn)
{
    unsigned int *runs = context;
    (*runs)++;
    return store_put(txn, support_bytes("head"), support_bytes("hook"));
}

static hf_err refuse_batch(void *context HF_UNUSED, struct store_txn *txn)
{
    hf_err err = store_put(txn, support_bytes("head"), support_bytes("refused"));
    return err == HF_OK ? HF_E_IO : err;
}

static void test_hook_failing_fails_the_batch_and_leaves_nothing(void **state)
{
    struct store *store = store_of(state);
    store_set_hook(store, &(struct store_hook){ .before_commit = refuse_batch });
    assert_int_equal(support_put(store, "a", "1"), HF_E_IO);
    assert_true(support_lacks(store, "a"));
    assert_true(support_lacks(store, "head"));
    /* the hook's error says nothing about the store's disk */
    store_set_hook(store, &(struct store_hook){ 0 });
    assert_int_equal(support_put(store, "a", "1"), HF_OK);
}

static void test_hook_runs_in_the_batch_unless_nothing_changed(void **state)
{
    struct store *store = store_of(state);
    unsigned int runs = 0;
    store_set_hook(store, &(struct store_hook){ .context = &runs, .before_commit = write_head });
    assert_int_equal(support_delete(store, "absent"), HF_E_NOT_FOUND);
    assert_int_equal(runs, 0);
    assert_true(support_lacks(store, "head"));
    assert_int_equal(support_put(store, "a", "1"), HF_OK);
    assert_int_equal(runs, 1);
    assert_true(support_holds(store, "head", "hook"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_key_of_wrong_size_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_value_over_limit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_absent_key_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_wrong_key_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_then_get_and_delete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_command_failing_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_view_of_same_transaction_keeps_content, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_reader_sees_its_snapshot_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_submit_from_four_threads_loses_nothing_and_keeps_order,
                                        set_up, tear_down),
        cmocka_unit_test(test_submit_to_full_queue_is_refused),
        cmocka_unit_test_setup_teardown(test_hook_failing_fails_the_batch_and_leaves_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hook_runs_in_the_batch_unless_nothing_changed, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("store_commands", tests, NULL, NULL);
}
