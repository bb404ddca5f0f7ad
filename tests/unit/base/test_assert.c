/* SPDX-License-Identifier: Apache-2.0 */
/* A broken invariant ends the process, with its place and condition on standard error. */
#include "support.h"

#include "base/assert.h"

static int message_fd = -1;

static void fail_assertion(void)
{
    if (message_fd >= 0)
        (void)dup2(message_fd, STDERR_FILENO);
    const int one = (int)getpid() > 0;
    HF_ASSERT(one == 2);
}

static void pass_assertion(void)
{
    HF_ASSERT(getpid() > 0);
}

static void test_assert_false_condition_aborts(void **state HF_UNUSED)
{
    assert_true(test_aborts(fail_assertion));
}

static void test_assert_message_names_place_and_condition(void **state HF_UNUSED)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    message_fd = ends[1];
    assert_true(test_aborts(fail_assertion));
    message_fd = -1;
    (void)close(ends[1]);
    char text[512] = { 0 };
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    (void)close(ends[0]);
    assert_non_null(strstr(text, "test_assert.c:"));
    assert_non_null(strstr(text, "assertion failed: one == 2\n"));
}

static void test_assert_true_condition_goes_on(void **state HF_UNUSED)
{
    assert_false(test_aborts(pass_assertion));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assert_false_condition_aborts),
        cmocka_unit_test(test_assert_message_names_place_and_condition),
        cmocka_unit_test(test_assert_true_condition_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
