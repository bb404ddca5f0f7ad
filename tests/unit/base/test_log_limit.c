/* SPDX-License-Identifier: Apache-2.0 */
/* The limit on repeated lines, with the time moved by hand. */
#include "support.h"

#include "base/log_limit.h"

/* How many of n lines pass. */
static size_t pass_lines(struct hf_log_limit *limit, const char *event, hf_usec now, size_t n)
{
    size_t passed = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t suppressed = 0;
        passed += hf_log_limit_pass(limit, event, now, &suppressed);
    }
    return passed;
}

static void test_log_limit_lines_over_limit_are_withheld_and_counted(void **state HF_UNUSED)
{
    struct hf_log_limit limit = { 0 };
    assert_int_equal(pass_lines(&limit, "a", 1000, 50), HF_LOG_LIMIT_LINES);
    assert_int_equal(pass_lines(&limit, "a", 1000 + HF_LOG_LIMIT_WINDOW - 1, 5), 0);
    int64_t suppressed = 0;
    assert_true(hf_log_limit_pass(&limit, "a", 1000 + HF_LOG_LIMIT_WINDOW, &suppressed));
    assert_int_equal(suppressed, 50 - HF_LOG_LIMIT_LINES + 5);
    assert_true(hf_log_limit_pass(&limit, "a", 1000 + HF_LOG_LIMIT_WINDOW, &suppressed));
    assert_int_equal(suppressed, 0);
}

static void test_log_limit_events_do_not_disturb_each_other(void **state HF_UNUSED)
{
    struct hf_log_limit limit = { 0 };
    const char same[] = "a"; /* another address, the same name */
    assert_int_equal(pass_lines(&limit, "a", 0, HF_LOG_LIMIT_LINES), HF_LOG_LIMIT_LINES);
    assert_int_equal(pass_lines(&limit, same, 0, 1), 0);
    assert_int_equal(pass_lines(&limit, "b", 0, 1), 1);
}

static void test_log_limit_more_events_than_slots_take_the_oldest(void **state HF_UNUSED)
{
    struct hf_log_limit limit = { 0 };
    char names[HF_LOG_LIMIT_EVENTS + 1][16];
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        (void)snprintf(names[i], sizeof names[i], "event-%zu", i);
        assert_int_equal(pass_lines(&limit, names[i], (hf_usec)i, 30), HF_LOG_LIMIT_LINES);
    }
    assert_int_equal(pass_lines(&limit, names[1], 100, 1), 0); /* still known */
    assert_int_equal(pass_lines(&limit, names[0], 100, 1), 1); /* was forgotten */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_limit_lines_over_limit_are_withheld_and_counted),
        cmocka_unit_test(test_log_limit_events_do_not_disturb_each_other),
        cmocka_unit_test(test_log_limit_more_events_than_slots_take_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
