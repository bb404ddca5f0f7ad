/* SPDX-License-Identifier: Apache-2.0 */
/* Shedding with a clock of its own: bursts pass, standing queues are cut, and clients that come back together find it so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "api/overload.h"

#define MSEC HF_USEC_PER_MSEC
#define TARGET (50 * MSEC)

/* A loop under test: turns of one length after another. */
struct loop {
    struct api_overload overload;
    hf_usec now;
};

static void turns(struct loop *loop, hf_usec length, int count)
{
    for (int i = 0; i < count; i++) {
        loop->now += length;
        api_overload_turn(&loop->overload, loop->now, length, false);
    }
}

/* How many of `offered` requests get in that come one after the other, each `cost` long. */
static int admitted(struct loop *loop, int offered, hf_usec cost)
{
    int count = 0;
    hf_usec elapsed = 0;
    for (int i = 0; i < offered; i++) {
        bool is_in = api_overload_admit(&loop->overload, elapsed, false);
        count += is_in;
        elapsed += is_in ? cost : cost / 10;
    }
    return count;
}

static struct loop new_loop(hf_usec target)
{
    return (struct loop){ .overload.target = target, .now = HF_USEC_PER_SEC };
}

static void test_overload_off_admits_everything(void **state)
{
    (void)state;
    struct loop loop = new_loop(0);
    turns(&loop, 10 * HF_USEC_PER_SEC, 100);
    assert_int_equal(admitted(&loop, 1000, MSEC), 1000);
}

static void test_overload_short_turns_admit_everything(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    turns(&loop, TARGET, 1000);
    assert_int_equal(admitted(&loop, 1000, MSEC), 1000);
}

static void test_overload_one_long_turn_is_a_burst(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    turns(&loop, MSEC, 10);
    turns(&loop, 900 * MSEC, 1);
    assert_int_equal(admitted(&loop, 1000, MSEC), 1000);
    turns(&loop, MSEC, 1);
    turns(&loop, 900 * MSEC, 1);
    assert_int_equal(admitted(&loop, 1000, MSEC), 1000);
}

/* Long turns with a rest between them: nobody waited. */
static void test_overload_long_turns_of_an_idle_loop_are_no_queue(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    for (int i = 0; i < 50; i++) {
        loop.now += 200 * MSEC;
        api_overload_turn(&loop.overload, loop.now, 100 * MSEC, true);
    }
    assert_int_equal(admitted(&loop, 1000, MSEC), 1000);
}

/* Half the target's worth, and the first of each turn. */
static void test_overload_standing_queue_is_cut_to_the_target(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    turns(&loop, 200 * MSEC, 3);
    assert_true(atomic_load(&loop.overload.is_shedding));
    int count = admitted(&loop, 1000, MSEC);
    assert_in_range(count, 25, 27);
    turns(&loop, 60 * MSEC, 1);
    assert_in_range(admitted(&loop, 1000, MSEC), 25, 27);
}

/* On a slow machine a few clients are no overload, however long a request takes. */
static void test_overload_first_requests_of_a_turn_are_always_taken(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    for (int i = 0; i < 20; i++) {
        turns(&loop, 800 * MSEC, 1);
        assert_int_equal(admitted(&loop, API_OVERLOAD_TURN_MIN, 100 * MSEC), API_OVERLOAD_TURN_MIN);
    }
    assert_true(atomic_load(&loop.overload.is_shedding));
}

static void test_overload_ends_after_short_turns_for_a_while(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    turns(&loop, 200 * MSEC, 3);
    turns(&loop, 10 * MSEC, 190);
    assert_true(atomic_load(&loop.overload.is_shedding)); /* those who were refused may come back */
    turns(&loop, 200 * MSEC, 1);
    turns(&loop, 10 * MSEC, 190);
    assert_true(atomic_load(&loop.overload.is_shedding)); /* the time begins anew */
    turns(&loop, 10 * MSEC, 12);
    assert_false(atomic_load(&loop.overload.is_shedding));
    assert_int_equal(admitted(&loop, 1000, MSEC), 1000);
}

/* Turns are short because most are refused: that is no end of it. */
static void test_overload_goes_on_while_something_is_refused(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    turns(&loop, 200 * MSEC, 3);
    for (int i = 0; i < 200; i++) {
        assert_in_range(admitted(&loop, 1000, MSEC), 25, 27);
        turns(&loop, 40 * MSEC, 1);
    }
    assert_true(atomic_load(&loop.overload.is_shedding));
}

static int admitted_held_back(struct loop *loop, int offered)
{
    int count = 0;
    for (int i = 0; i < offered; i++)
        count += api_overload_admit(&loop->overload, 0, true);
    return count;
}

/* Who did not wait is refused again, but for a few: one for many others, some each second. */
static void test_overload_impatient_requests_are_taken_in_small_part(void **state)
{
    (void)state;
    struct loop loop = new_loop(TARGET);
    turns(&loop, MSEC, 10);
    assert_int_equal(admitted_held_back(&loop, 100), 100); /* nobody was refused yet */
    api_overload_note_refused(&loop.overload);
    turns(&loop, MSEC, 1);
    (void)admitted_held_back(&loop, 1000); /* what was saved up */
    assert_int_equal(admitted_held_back(&loop, 1000), 0);
    assert_int_equal(admitted(&loop, 10 * API_OVERLOAD_HELD_PART, 0), 10 * API_OVERLOAD_HELD_PART);
    assert_in_range(admitted_held_back(&loop, 1000), 8, 10);
    int count = 0;
    for (int i = 0; i < 100; i++) {
        turns(&loop, 10 * MSEC, 1);
        count += admitted_held_back(&loop, 10);
    }
    assert_in_range(count, 9, 11);
    turns(&loop, 10 * MSEC, 250); /* it is over */
    assert_int_equal(admitted_held_back(&loop, 1000), 1000);
}

/* ---- what waits elsewhere ---- */

/* `count` wait together; all are finished after `duration`. */
static void serve(struct api_backlog *backlog, size_t count, hf_usec duration)
{
    struct api_backlog_ticket tickets[512];
    assert_true(count <= 512);
    for (size_t i = 0; i < count; i++)
        tickets[i] = api_backlog_enter(backlog, 1000);
    for (size_t i = 0; i < count; i++)
        api_backlog_leave(backlog, &tickets[i],
                          1000 + duration * (hf_usec)(i + 1) / (hf_usec)count);
    assert_int_equal(atomic_load(&backlog->waiting), 0);
}

static size_t fill(struct api_backlog *backlog, size_t most)
{
    size_t count = 0;
    while (count < most && api_backlog_admit(backlog, TARGET)) {
        (void)api_backlog_enter(backlog, 1000);
        count++;
    }
    for (size_t i = 0; i < count; i++)
        api_backlog_give_up(backlog);
    return count;
}

static void test_backlog_nothing_known_admits(void **state)
{
    (void)state;
    struct api_backlog backlog = { .floor = 4 };
    assert_int_equal(fill(&backlog, 10000), 10000);
}

/* 1 ms each: 50 of them take the target's time. */
static void test_backlog_is_bounded_by_the_expected_wait(void **state)
{
    (void)state;
    struct api_backlog backlog = { .floor = 4 };
    for (int i = 0; i < 20; i++)
        serve(&backlog, 30, 30 * MSEC);
    assert_in_range(api_backlog_delay(&backlog), 0, 0);
    assert_in_range(fill(&backlog, 10000), 48, 53);
    assert_true(api_backlog_admit(&backlog, 0));
}

static void test_backlog_slow_work_keeps_its_floor(void **state)
{
    (void)state;
    struct api_backlog backlog = { .floor = 4 };
    for (int i = 0; i < 20; i++)
        serve(&backlog, 1, HF_USEC_PER_SEC);
    assert_int_equal(fill(&backlog, 10000), 4);
}

/* One sync of 20 ms serves one or hundreds: what was learned from single commands must not keep
 * groups from forming. */
static void test_backlog_group_commits_are_found_out(void **state)
{
    (void)state;
    struct api_backlog backlog = { .floor = API_BACKLOG_COMMITS_FLOOR };
    for (int i = 0; i < 50; i++)
        serve(&backlog, 1, 20 * MSEC);
    size_t before = fill(&backlog, 500);
    assert_int_equal(before, API_BACKLOG_COMMITS_FLOOR);
    for (int i = 0; i < 10; i++)
        serve(&backlog, fill(&backlog, 500), 20 * MSEC);
    assert_true(fill(&backlog, 500) > 2 * before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overload_off_admits_everything),
        cmocka_unit_test(test_overload_short_turns_admit_everything),
        cmocka_unit_test(test_overload_one_long_turn_is_a_burst),
        cmocka_unit_test(test_overload_long_turns_of_an_idle_loop_are_no_queue),
        cmocka_unit_test(test_overload_standing_queue_is_cut_to_the_target),
        cmocka_unit_test(test_overload_first_requests_of_a_turn_are_always_taken),
        cmocka_unit_test(test_overload_ends_after_short_turns_for_a_while),
        cmocka_unit_test(test_overload_goes_on_while_something_is_refused),
        cmocka_unit_test(test_overload_impatient_requests_are_taken_in_small_part),
        cmocka_unit_test(test_backlog_nothing_known_admits),
        cmocka_unit_test(test_backlog_is_bounded_by_the_expected_wait),
        cmocka_unit_test(test_backlog_slow_work_keeps_its_floor),
        cmocka_unit_test(test_backlog_group_commits_are_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
