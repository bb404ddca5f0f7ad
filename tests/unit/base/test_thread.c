/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and the queue. */
#include "support.h"

#include "base/thread.h"

#define SENDERS 4
#define ITEMS_EACH 5000
#define FAR (600 * HF_USEC_PER_SEC)

struct item {
    struct hf_queue_item link;
    unsigned sender;
    unsigned number;
};

struct sender {
    struct hf_queue *queue;
    unsigned id;
    struct item *items;
};

static void push_closed_without_asking(void)
{
    struct hf_queue queue;
    struct hf_queue_item item;
    hf_queue_init(&queue);
    hf_queue_close(&queue);
    (void)hf_queue_push(&queue, &item, NULL);
}

static void done_while_filled(void)
{
    struct hf_queue queue;
    struct hf_queue_item item;
    hf_queue_init(&queue);
    (void)hf_queue_push(&queue, &item, NULL);
    hf_queue_done(&queue);
}

static void test_queue_misuse_aborts(void **state HF_UNUSED)
{
    assert_true(test_aborts(push_closed_without_asking));
    assert_true(test_aborts(done_while_filled));
}

static void test_queue_closed_leaves_item_with_sender(void **state HF_UNUSED)
{
    struct hf_queue queue;
    struct hf_queue_item items[2];
    bool closed = true;
    hf_queue_init(&queue);
    assert_true(hf_queue_push(&queue, &items[0], &closed));
    assert_false(closed);
    hf_queue_close(&queue);
    assert_false(hf_queue_push(&queue, &items[1], &closed));
    assert_true(closed);
    assert_ptr_equal(hf_queue_wait_all(&queue), &items[0]);
    assert_null(items[0].next);
    assert_null(hf_queue_wait_all(&queue));
    hf_queue_done(&queue);
}

static void test_queue_take_all_keeps_order(void **state HF_UNUSED)
{
    struct hf_queue queue;
    struct hf_queue_item items[3];
    hf_queue_init(&queue);
    assert_null(hf_queue_take_all(&queue));
    assert_true(hf_queue_push(&queue, &items[0], NULL));
    assert_false(hf_queue_push(&queue, &items[1], NULL));
    assert_false(hf_queue_push(&queue, &items[2], NULL));
    assert_int_equal(queue.count, 3);
    struct hf_queue_item *list = hf_queue_take_all(&queue);
    assert_ptr_equal(list, &items[0]);
    assert_ptr_equal(list->next, &items[1]);
    assert_ptr_equal(list->next->next, &items[2]);
    assert_null(list->next->next->next);
    assert_int_equal(queue.count, 0);
    assert_true(hf_queue_push(&queue, &items[1], NULL));
    (void)hf_queue_take_all(&queue);
    hf_queue_done(&queue);
}

static void *send_items(void *argument)
{
    const struct sender *sender = argument;
    for (unsigned i = 0; i < ITEMS_EACH; i++) {
        sender->items[i] = (struct item){ .sender = sender->id, .number = i };
        (void)hf_queue_push(sender->queue, &sender->items[i].link, NULL);
    }
    return NULL;
}

/* Counts what has come of each sender; the numbers of one sender must come in order. */
static size_t count_items(struct hf_queue_item *list, unsigned next[SENDERS])
{
    size_t count = 0;
    for (; list != NULL; list = list->next, count++) {
        const struct item *item = HF_CONTAINER_OF(list, struct item, link);
        assert_int_equal(item->number, next[item->sender]);
        next[item->sender]++;
    }
    return count;
}

static void test_queue_many_senders_lose_nothing(void **state HF_UNUSED)
{
    struct hf_queue queue;
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    hf_queue_init(&queue);
    for (unsigned i = 0; i < SENDERS; i++) {
        struct item *items = calloc(ITEMS_EACH, sizeof *items);
        assert_non_null(items);
        senders[i] = (struct sender){ &queue, i, items };
        EXPECT_OK(hf_thread_start(&threads[i], "sender", send_items, &senders[i]));
    }
    unsigned next[SENDERS] = { 0 };
    for (size_t count = 0; count < (size_t)SENDERS * ITEMS_EACH;)
        count += count_items(hf_queue_wait_all(&queue), next);
    for (unsigned i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        free(senders[i].items);
    }
    hf_queue_done(&queue);
}

/* ---- a receiver that wants several ---- */

static void test_queue_wait_until_ends_at_its_time(void **state HF_UNUSED)
{
    struct hf_queue queue;
    struct item items[2] = { 0 };
    bool is_closed = true;
    hf_queue_init(&queue);
    hf_usec start = hf_monotonic_now();
    assert_null(hf_queue_wait_until(&queue, 1, start + 1000, &is_closed));
    assert_true(hf_monotonic_now() >= start + 1000);
    assert_false(is_closed);
    assert_null(hf_queue_wait_until(&queue, 1, -1, &is_closed)); /* long ago */

    assert_true(hf_queue_push(&queue, &items[0].link, NULL));
    const struct hf_queue_item *list = hf_queue_wait_until(&queue, 2, start, &is_closed);
    assert_ptr_equal(list, &items[0].link); /* what there is */
    assert_null(list->next);
    assert_true(hf_queue_push(&queue, &items[0].link, NULL));
    assert_false(hf_queue_push(&queue, &items[1].link, NULL));
    list = hf_queue_wait_until(&queue, 2, start + FAR, &is_closed); /* enough: no waiting */
    assert_ptr_equal(list, &items[0].link);
    assert_ptr_equal(list->next, &items[1].link);

    hf_queue_close(&queue);
    assert_null(hf_queue_wait_until(&queue, 2, start + FAR, &is_closed));
    assert_true(is_closed);
    hf_queue_done(&queue);
}

/* It never comes back with fewer, so it is not woken by each. */
static void test_queue_wait_until_wakes_for_as_many_as_wanted(void **state HF_UNUSED)
{
    enum { WANTED = ITEMS_EACH / 4 };
    struct hf_queue queue;
    pthread_t thread;
    hf_queue_init(&queue);
    struct item *items = calloc(ITEMS_EACH, sizeof *items);
    assert_non_null(items);
    struct sender sender = { &queue, 0, items };
    EXPECT_OK(hf_thread_start(&thread, "sender", send_items, &sender));
    unsigned next[SENDERS] = { 0 };
    for (size_t count = 0; count < ITEMS_EACH;) {
        bool is_closed = true;
        size_t wanted = ITEMS_EACH - count < WANTED ? ITEMS_EACH - count : WANTED;
        size_t came = count_items(
            hf_queue_wait_until(&queue, wanted, hf_monotonic_now() + FAR, &is_closed), next);
        assert_true(came >= wanted);
        assert_false(is_closed);
        count += came;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(items);
    hf_queue_done(&queue);
}

static void *note_mask(void *argument)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, argument);
    return NULL;
}

static void test_thread_signals_are_blocked_in_it_only(void **state HF_UNUSED)
{
    sigset_t inside;
    (void)sigemptyset(&inside);
    pthread_t thread;
    EXPECT_OK(hf_thread_start(&thread, "a-name-far-too-long-for-a-thread", note_mask, &inside));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sigismember(&inside, SIGTERM) == 1 && sigismember(&inside, SIGHUP) == 1);
    assert_true(sigismember(&inside, SIGBUS) == 0 && sigismember(&inside, SIGSEGV) == 0);
    sigset_t here;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &here);
    assert_false(sigismember(&here, SIGTERM) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_misuse_aborts),
        cmocka_unit_test(test_queue_closed_leaves_item_with_sender),
        cmocka_unit_test(test_queue_take_all_keeps_order),
        cmocka_unit_test(test_queue_many_senders_lose_nothing),
        cmocka_unit_test(test_queue_wait_until_ends_at_its_time),
        cmocka_unit_test(test_queue_wait_until_wakes_for_as_many_as_wanted),
        cmocka_unit_test(test_thread_signals_are_blocked_in_it_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
