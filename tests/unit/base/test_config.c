/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: what is refused and how it is told, what is read, and the texts made from the rows. */
#include "support.h"

#include "base/clock.h"
#include "base/config.h"

#include <stddef.h>

struct target {
    char name[16];
    bool tls;
    int64_t loops;
    int64_t body;
    hf_usec idle;
    int64_t format;
    struct hf_config_list vaults;
};

static const char *const formats[] = { "text", "json", "none", NULL };

#define MEMBER(member) offsetof(struct target, member), sizeof(((struct target *)0)->member)

static const struct hf_config_row rows[] = {
    { "server.name", HF_CONFIG_TEXT, MEMBER(name), 0, 0, NULL, NULL, true, "The server's name." },
    { "tls.enabled", HF_CONFIG_BOOL, MEMBER(tls), 0, 0, "yes", NULL, false, "Speak TLS." },
    { "server.loops", HF_CONFIG_INT, MEMBER(loops), -1, 64, "4", NULL, false, "Loop threads." },
    { "limits.body", HF_CONFIG_SIZE, MEMBER(body), 1024, INT64_C(16) << 20, "1M", NULL, false,
      "Largest body." },
    { "limits.idle", HF_CONFIG_DURATION, MEMBER(idle), HF_USEC_PER_SEC, INT64_MAX, "90s", NULL,
      false,
      "Idle time, a | b, with a help text that is so long that it must be broken into two lines of "
      "the "
      "example file." },
    { "log.format", HF_CONFIG_CHOICE, MEMBER(format), 0, 0, "json", formats, false,
      "Form of lines." },
    { "vault", HF_CONFIG_LIST, MEMBER(vaults), 0, 0, NULL, NULL, false, "A vault." },
};

static struct target target;

static hf_err parse(const char *text, struct hf_diag *diag)
{
    return hf_config_parse(rows, HF_ARRAY_LEN(rows), "test.conf", hf_str_from_c(text), &target,
                           diag);
}

static void test_config_wrong_line_is_refused_with_place_and_allowed(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "nothing\n", "test.conf:1: is no setting; allowed: name = value, or a comment after #" },
        { "\n = x\n", "test.conf:2: is no setting; allowed: name = value, or a comment after #" },
        { "a b = x", "test.conf:1: is no setting; allowed: name = value, or a comment after #" },
        { "# c\nlimits.x = 1\n",
          "test.conf:2: limits.x: is no setting; allowed: limits.body, limits.idle" },
        { "foo = 1",
          "test.conf:1: foo: is no setting; allowed: server.name, tls.enabled, server.loops, "
          "limits.body, limits.idle, log.format, vault" },
        { "server.name =",
          "test.conf:1: server.name: is empty; allowed: text of at most 15 bytes" },
        { "server.name = 0123456789abcdef",
          "test.conf:1: server.name: is too long; allowed: text of at most 15 bytes" },
        { "server.name = a\x01"
          "b",
          "test.conf:1: server.name: has a control character; allowed: text of at most 15 bytes" },
        { "server.name = \xff",
          "test.conf:1: server.name: is not valid UTF-8; allowed: text of at most 15 bytes" },
        { "tls.enabled = true",
          "test.conf:1: tls.enabled: is neither yes nor no; allowed: yes or no" },
        { "server.loops = many", "test.conf:1: server.loops: is not a number; allowed: -1 to 64" },
        { "server.loops = 65", "test.conf:1: server.loops: is out of range; allowed: -1 to 64" },
        { "server.loops = -2", "test.conf:1: server.loops: is out of range; allowed: -1 to 64" },
        { "server.loops = 99999999999999999999",
          "test.conf:1: server.loops: is not a number; allowed: -1 to 64" },
        { "limits.body = 1T",
          "test.conf:1: limits.body: is not a number with its unit; allowed: 1K to 16M" },
        { "limits.body = 17M", "test.conf:1: limits.body: is out of range; allowed: 1K to 16M" },
        { "limits.idle = 10",
          "test.conf:1: limits.idle: is not a number with its unit; allowed: at least 1s" },
        { "limits.idle = 1ms", "test.conf:1: limits.idle: is out of range; allowed: at least 1s" },
        { "log.format = xml",
          "test.conf:1: log.format: is none of the choices; allowed: text, json or none" },
        { "vault =",
          "test.conf:1: vault: is empty; allowed: text of at most 511 bytes, on up to 32 lines" },
        { "tls.enabled = yes\ntls.enabled = yes\n",
          "test.conf:2: tls.enabled: stands twice; allowed: yes or no" },
        { "tls.enabled = yes\n", "test.conf:2: server.name: is missing and must be set; allowed: "
                                 "text of at most 15 bytes" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_diag diag = { 0 };
        EXPECT_ERR(HF_E_INVALID, parse(cases[i].text, &diag));
        assert_string_equal(diag.text, cases[i].expected);
    }
}

static void test_config_list_over_max_is_refused(void **state HF_UNUSED)
{
    struct hf_buf text;
    hf_buf_init(&text, 10000);
    hf_buf_put_c(&text, "server.name = x\n");
    for (int i = 0; i < HF_CONFIG_LIST_MAX; i++)
        hf_buf_putf(&text, "vault = v%d\n", i);
    EXPECT_OK(hf_config_parse(rows, HF_ARRAY_LEN(rows), "f", hf_buf_str(&text), &target, NULL));
    assert_int_equal(target.vaults.count, HF_CONFIG_LIST_MAX);
    assert_string_equal(target.vaults.items[31], "v31");
    hf_buf_put_c(&text, "vault = more\n");
    EXPECT_ERR(HF_E_INVALID,
               hf_config_parse(rows, HF_ARRAY_LEN(rows), "f", hf_buf_str(&text), &target, NULL));
    hf_buf_done(&text);
}

static void test_config_default_outside_its_row_is_internal(void **state HF_UNUSED)
{
    const struct hf_config_row wrong = { "x", HF_CONFIG_INT, MEMBER(loops), 1,  2,
                                         "3", NULL,          false,         "x" };
    EXPECT_ERR(HF_E_INTERNAL, hf_config_defaults(&wrong, 1, &target));
}

static void test_config_wrong_units_are_refused(void **state HF_UNUSED)
{
    static const char *const durations[] = {
        "", "s", "1", "1 s", "-1s", "1.5s", "1S", "1us", "9223372036854775807d", "1sd"
    };
    static const char *const sizes[] = { "", "K", "1k", "1KB", "1 K", "-1K", "9007199254740993K" };
    int64_t value = 7;
    for (size_t i = 0; i < HF_ARRAY_LEN(durations); i++)
        assert_true(hf_parse_duration(hf_str_from_c(durations[i]), &value) != HF_OK);
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++)
        assert_true(hf_parse_size(hf_str_from_c(sizes[i]), &value) != HF_OK);
    assert_int_equal(value, 7);
}

static void test_config_units_are_exact(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        hf_usec value;
    } durations[] = { { "0", 0 },
                      { "0s", 0 },
                      { "500ms", 500000 },
                      { "30s", 30 * HF_USEC_PER_SEC },
                      { "10m", 600 * HF_USEC_PER_SEC },
                      { "2h", 7200 * HF_USEC_PER_SEC },
                      { "90d", 90 * HF_USEC_PER_DAY } };
    static const struct {
        const char *text;
        int64_t value;
    } sizes[] = { { "16", 16 }, { "64K", 65536 }, { "24M", 24 << 20 }, { "2G", INT64_C(2) << 30 } };
    int64_t value = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(durations); i++) {
        EXPECT_OK(hf_parse_duration(hf_str_from_c(durations[i].text), &value));
        assert_true(value == durations[i].value);
    }
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        EXPECT_OK(hf_parse_size(hf_str_from_c(sizes[i].text), &value));
        assert_true(value == sizes[i].value);
    }
}

static void test_config_values_and_comments_are_read(void **state HF_UNUSED)
{
    EXPECT_OK(parse("# comment\n\n  server.name = a b#c # comment\r\n"
                    "tls.enabled=no\n\tserver.loops\t=\t-1\nlimits.body = 2K\nlimits.idle = 2h\n"
                    "log.format = none\nvault = one\nvault = two = 2",
                    NULL));
    assert_string_equal(target.name, "a b#c");
    assert_false(target.tls);
    assert_int_equal(target.loops, -1);
    assert_int_equal(target.body, 2048);
    assert_true(target.idle == 7200 * HF_USEC_PER_SEC);
    assert_int_equal(target.format, 2);
    assert_int_equal(target.vaults.count, 2);
    assert_string_equal(target.vaults.items[1], "two = 2");
}

static void expect_defaults(void)
{
    assert_true(target.tls);
    assert_int_equal(target.loops, 4);
    assert_int_equal(target.body, 1 << 20);
    assert_true(target.idle == 90 * HF_USEC_PER_SEC);
    assert_int_equal(target.format, 1);
    assert_int_equal(target.vaults.count, 0);
}

static void test_config_defaults_fill_what_is_not_set(void **state HF_UNUSED)
{
    memset(&target, 0x55, sizeof target);
    EXPECT_OK(hf_config_defaults(rows, HF_ARRAY_LEN(rows), &target));
    assert_string_equal(target.name, "");
    expect_defaults();
    memset(&target, 0x55, sizeof target);
    EXPECT_OK(parse("server.name = x", NULL));
    expect_defaults();
}

static void test_config_change_keeps_the_rest(void **state HF_UNUSED)
{
    struct hf_diag diag = { 0 };
    EXPECT_OK(parse("server.name = x\ntls.enabled = no", NULL));
    EXPECT_OK(hf_config_change(rows, HF_ARRAY_LEN(rows), "--set", HF_LIT("server.name=y"), &target,
                               &diag));
    assert_string_equal(target.name, "y");
    assert_false(target.tls);
    EXPECT_ERR(HF_E_INVALID, hf_config_change(rows, HF_ARRAY_LEN(rows), "--set",
                                              HF_LIT("server.nam=z"), &target, &diag));
    assert_non_null(strstr(diag.text, "--set:1: server.nam: is no setting"));
    assert_string_equal(target.name, "y");
}

static void test_config_example_parses_once_required_is_set(void **state HF_UNUSED)
{
    struct hf_buf text;
    hf_buf_init(&text, 10000);
    hf_config_write_example(rows, HF_ARRAY_LEN(rows), &text);
    EXPECT_OK(hf_buf_err(&text));
    EXPECT_ERR(HF_E_INVALID,
               hf_config_parse(rows, HF_ARRAY_LEN(rows), "f", hf_buf_str(&text), &target, NULL));
    assert_true(hf_str_starts(hf_buf_str(&text),
                              HF_LIT("# The server's name.\n"
                                     "# Allowed: text of at most 15 bytes. Must be set.\n"
                                     "server.name =\n\n"
                                     "# Speak TLS.\n"
                                     "# Allowed: yes or no.\n"
                                     "#tls.enabled = yes\n\n")));
    hf_buf_done(&text);
}

static void test_config_markdown_escapes_bars(void **state HF_UNUSED)
{
    struct hf_buf text;
    hf_buf_init(&text, 10000);
    hf_config_write_markdown(&rows[4], 1, &text);
    EXPECT_STR("| Setting | Allowed | Default | Meaning |\n| --- | --- | --- | --- |\n"
               "| `limits.idle` | at least 1s | `90s` | Idle time, a \\| b, with a help text that "
               "is so long "
               "that it must be broken into two lines of the example file. |\n",
               hf_buf_str(&text));
    hf_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_wrong_line_is_refused_with_place_and_allowed),
        cmocka_unit_test(test_config_list_over_max_is_refused),
        cmocka_unit_test(test_config_default_outside_its_row_is_internal),
        cmocka_unit_test(test_config_wrong_units_are_refused),
        cmocka_unit_test(test_config_units_are_exact),
        cmocka_unit_test(test_config_values_and_comments_are_read),
        cmocka_unit_test(test_config_defaults_fill_what_is_not_set),
        cmocka_unit_test(test_config_change_keeps_the_rest),
        cmocka_unit_test(test_config_example_parses_once_required_is_set),
        cmocka_unit_test(test_config_markdown_escapes_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
