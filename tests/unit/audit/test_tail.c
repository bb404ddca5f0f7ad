/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines, within and across segments. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX_BYTES ((size_t)4 * 1024 * 1024)

/* The log's tail has lines with these numbers, first to last. */
static void expect_tail(const char *folder, size_t count, uint64_t first, uint64_t last)
{
    struct hf_buf out;
    hf_buf_init(&out, TEXT_MAX_BYTES);
    assert_int_equal(audit_tail(folder, count, &out), HF_OK);
    hf_str rest = hf_buf_str(&out);
    for (uint64_t seq = first; seq <= last; seq++) {
        struct audit_line line;
        hf_str text;
        assert_true(hf_str_next(&rest, '\n', &text));
        assert_int_equal(audit_line_parse(hf_str_bytes(text), &line), HF_OK);
        assert_int_equal(line.seq, seq);
    }
    assert_int_equal(rest.n, 0);
    hf_buf_done(&out);
}

static void test_tail_missing_folder_is_not_found(void **state)
{
    char path[TEST_FOLDER_MAX];
    struct hf_buf out;
    hf_buf_init(&out, TEXT_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "%s/none", (const char *)*state);
    assert_int_equal(audit_tail(path, 1, &out), HF_E_NOT_FOUND);
    hf_buf_done(&out);
}

static void test_tail_more_than_the_buffer_holds_is_too_large(void **state)
{
    (void)test_fill(*state, 0, 3);
    struct hf_buf out;
    hf_buf_init(&out, 100);
    assert_int_equal(audit_tail(*state, 1, &out), HF_E_TOO_LARGE);
    hf_buf_done(&out);
}

static void test_tail_empty_log_is_nothing(void **state)
{
    expect_tail(*state, 5, 1, 0);
    audit_close(test_open(*state, 0));
    expect_tail(*state, 5, 1, 0);
}

static void test_tail_of_one_segment_has_the_last_lines(void **state)
{
    (void)test_fill(*state, 0, 5);
    expect_tail(*state, 0, 1, 0);
    expect_tail(*state, 1, 5, 5);
    expect_tail(*state, 4, 2, 5);
    expect_tail(*state, 5, 1, 5);
    expect_tail(*state, 6, 1, 5);
    expect_tail(*state, SIZE_MAX, 1, 5);
}

static void test_tail_over_segments_is_in_order(void **state)
{
    (void)test_fill(*state, 900, 20);
    for (size_t count = 1; count <= 20; count++)
        expect_tail(*state, count, 21 - count, 20);
    expect_tail(*state, 100, 1, 20);
}

static void test_tail_unfinished_line_is_left_out(void **state)
{
    (void)test_fill(*state, 0, 3);
    struct hf_buf text;
    test_read(*state, 1, &text);
    hf_buf_put_c(&text, "{\"time\":");
    test_replace(*state, 1, hf_buf_view(&text));
    hf_buf_done(&text);
    expect_tail(*state, 2, 2, 3);
    expect_tail(*state, 9, 1, 3);
}

/* Lines across the blocks in which the file is read backwards. */
static void test_tail_of_a_long_segment_has_the_last_lines(void **state)
{
    (void)test_fill(*state, 0, 1000);
    for (size_t count = 100; count <= 1000; count += 100)
        expect_tail(*state, count, 1001 - count, 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tail_missing_folder_is_not_found),
        TEST(test_tail_more_than_the_buffer_holds_is_too_large),
        TEST(test_tail_empty_log_is_nothing),
        TEST(test_tail_of_one_segment_has_the_last_lines),
        TEST(test_tail_over_segments_is_in_order),
        TEST(test_tail_unfinished_line_is_left_out),
        TEST(test_tail_of_a_long_segment_has_the_last_lines),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
