/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and the queue. */
#include "support.h"

#include "base/thread.h"

#define SENDERS 4
#define ITEMS_EACH 5000

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
        cmocka_unit_test(test_thread_signals_are_blocked_in_it_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
