/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines, read back from standard error. */
#include "support.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

static struct hf_buf captured;
static int real_stderr = -1;
static FILE *capture_file;

static int capture(void **state HF_UNUSED)
{
    capture_file = tmpfile();
    assert_non_null(capture_file);
    real_stderr = dup(STDERR_FILENO);
    assert_true(real_stderr >= 0 && dup2(fileno(capture_file), STDERR_FILENO) >= 0);
    hf_buf_init(&captured, 1 << 20);
    return 0;
}

/* Ends the capture; the text stays until teardown. */
static hf_str text(void)
{
    if (real_stderr >= 0) {
        assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
        hf_fd_closep(&real_stderr);
        assert_int_equal(lseek(fileno(capture_file), 0, SEEK_SET), 0);
        EXPECT_OK(hf_file_read_fd(fileno(capture_file), &captured));
    }
    return hf_buf_str(&captured);
}

static int release(void **state HF_UNUSED)
{
    (void)text();
    (void)fclose(capture_file);
    hf_buf_done(&captured);
    hf_log_configure(HF_LOG_INFO, false);
    return 0;
}

/* Without the time, which is checked for its form. */
static hf_str without_time(hf_str line)
{
    assert_true(line.n > 29 && line.p[10] == 'T' && line.p[27] == 'Z' && line.p[28] == ' ');
    return hf_str_sub(line, 29, line.n);
}

static void test_log_hostile_text_is_escaped(void **state HF_UNUSED)
{
    hf_log(HF_LOG_WARN, "hostile", HF_KV_STR("a", HF_LIT("x\n2026 error forged\x1b[31m\0\x9b\"\\")),
           HF_KV_C("b", "k=v"), HF_KV_C("c", ""), HF_KV_C("d", NULL));
    EXPECT_STR("warn hostile a=\"x\\x0a2026 error forged\\x1b[31m\\x00\\x9b\\\"\\\\\" b=\"k=v\" "
               "c=\"\" d=\"\"\n",
               without_time(text()));
}

static void test_log_overlong_values_are_cut(void **state HF_UNUSED)
{
    char value[5000];
    memset(value, '\n', sizeof value);
    const hf_str hostile = { value, sizeof value };
    hf_log(HF_LOG_ERROR, "overlong", HF_KV_STR("a", hostile), HF_KV_STR("b", hostile),
           HF_KV_INT("c", 1));
    const hf_str line = text();
    assert_true(line.n <= 2048);
    assert_true(hf_str_ends(line, HF_LIT("\\x0a\" cut=yes\n")));
    assert_int_equal(hf_str_find(line, '\n'), line.n - 1);
}

static void test_log_overlong_json_stays_json(void **state HF_UNUSED)
{
    char value[5000];
    memset(value, 1, sizeof value);
    const hf_str hostile = { value, sizeof value };
    hf_log_configure(HF_LOG_INFO, true);
    hf_log(HF_LOG_ERROR, "overlong-json", HF_KV_STR("a", hostile), HF_KV_STR("b", hostile));
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    EXPECT_OK(hf_json_parse(hf_str_bytes(text()), NULL, &root));
    EXPECT_STR("yes", hf_json_str(hf_json_member(root, "cut")));
    assert_null(hf_json_member(root, "b"));
}

static void test_log_level_below_is_silent(void **state HF_UNUSED)
{
    hf_log_configure(HF_LOG_WARN, false);
    hf_log(HF_LOG_NOTICE, "silent", HF_KV_INT("a", 1));
    hf_log(HF_LOG_DEBUG, "silent", HF_KV_INT("a", 1));
    hf_log(HF_LOG_WARN, "heard", HF_KV_INT("a", 1));
    EXPECT_STR("warn heard a=1\n", without_time(text()));
}

static void test_log_pairs_are_written(void **state HF_UNUSED)
{
    hf_log(HF_LOG_NOTICE, "pairs", HF_KV_C("name", "plain-text/1.0"), HF_KV_INT("count", -5),
           HF_KV_ERR(HF_E_DISK_FULL));
    EXPECT_STR("notice pairs name=plain-text/1.0 count=-5 error=\"disk is full\"\n",
               without_time(text()));
}

static void test_log_json_line_is_one_object(void **state HF_UNUSED)
{
    hf_log_configure(HF_LOG_INFO, true);
    hf_log(HF_LOG_INFO, "json", HF_KV_C("name", "a\"b\n\x80"), HF_KV_INT("count", 5),
           HF_KV_ERR(HF_E_NOT_FOUND));
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    EXPECT_OK(hf_json_parse(hf_str_bytes(text()), NULL, &root));
    EXPECT_STR("info", hf_json_str(hf_json_member(root, "level")));
    EXPECT_STR("json", hf_json_str(hf_json_member(root, "event")));
    EXPECT_STR("a\"b\n\xef\xbf\xbd", hf_json_str(hf_json_member(root, "name")));
    assert_int_equal(hf_json_int(hf_json_member(root, "count")), 5);
    EXPECT_STR("not found", hf_json_str(hf_json_member(root, "error")));
    assert_int_equal(hf_json_str(hf_json_member(root, "time")).n, 28);
}

static size_t count_lines(hf_str lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.n; i++)
        count += lines.p[i] == '\n';
    return count;
}

static void test_log_repeated_lines_are_limited(void **state HF_UNUSED)
{
    for (int i = 0; i < 2000; i++)
        hf_log(HF_LOG_WARN, "repeated", HF_KV_INT("i", i));
    const size_t count = count_lines(text());
    assert_in_range(count, 20, 500); /* more than 20 only where 2,000 lines take seconds */
}

static void *log_lines(void *argument)
{
    for (int i = 0; i < 15; i++)
        hf_log(HF_LOG_WARN, (const char *)argument, HF_KV_C("text", "0123456789"),
               HF_KV_INT("i", i));
    return NULL;
}

static void test_log_threads_do_not_mix_lines(void **state HF_UNUSED)
{
    static char events[4][8] = { "one", "two", "three", "four" };
    pthread_t threads[HF_ARRAY_LEN(events)];
    for (size_t i = 0; i < HF_ARRAY_LEN(events); i++)
        EXPECT_OK(hf_thread_start(&threads[i], "logger", log_lines, events[i]));
    for (size_t i = 0; i < HF_ARRAY_LEN(events); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    hf_str rest = text();
    assert_int_equal(count_lines(rest), 60);
    hf_str line = { NULL, 0 };
    while (hf_str_next(&rest, '\n', &line) && line.n > 0)
        assert_true(hf_str_starts(without_time(line), HF_LIT("warn ")));
}

static void test_log_level_names_are_parsed(void **state HF_UNUSED)
{
    hf_log_level level = HF_LOG_DEBUG;
    assert_false(hf_log_level_parse(HF_LIT("Error"), &level));
    assert_false(hf_log_level_parse(HF_LIT(""), &level));
    assert_int_equal(level, HF_LOG_DEBUG);
    assert_true(hf_log_level_parse(HF_LIT("error"), &level) && level == HF_LOG_ERROR);
    assert_true(hf_log_level_parse(HF_LIT("debug"), &level) && level == HF_LOG_DEBUG);
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAPTURED(test_log_hostile_text_is_escaped),
        CAPTURED(test_log_overlong_values_are_cut),
        CAPTURED(test_log_overlong_json_stays_json),
        CAPTURED(test_log_level_below_is_silent),
        CAPTURED(test_log_pairs_are_written),
        CAPTURED(test_log_json_line_is_one_object),
        CAPTURED(test_log_repeated_lines_are_limited),
        CAPTURED(test_log_threads_do_not_mix_lines),
        cmocka_unit_test(test_log_level_names_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
