/* SPDX-License-Identifier: Apache-2.0 */
/* Finding commands, reading options and arguments, and the tables themselves. */
#include "support.h"

#include "cli/options.h"

#include <string.h>

#define WORDS_MAX 8

/* Reads the words behind a command's name, as cli_run() does. */
static int read_words(const char *const words[WORDS_MAX], struct cli_input *out)
{
    char *copy[WORDS_MAX];
    char memory[WORDS_MAX][64];
    int count = 0;
    while (count < WORDS_MAX && words[count] != NULL) {
        (void)snprintf(memory[count], sizeof(memory[count]), "%s", words[count]);
        copy[count] = memory[count];
        count++;
    }
    int used = 0;
    const struct cli_command *command = cli_command_find(count, copy, &used);
    assert_non_null(command);
    return cli_input_read(command, count - used, copy + used, out);
}

static void test_input_wrong_words_are_refused(void **state HF_UNUSED)
{
    static const char *const cases[][WORDS_MAX] = {
        { "vault", "show" },
        { "vault", "show", "a", "b" },
        { "vault", "show", "" },
        { "vault", "show", "." },
        { "vault", "show", ".." },
        { "vault", "show", "\xff" },
        { "vault", "show", "a", "--bogus" },
        { "vault", "show", "a", "-j" },
        { "vault", "show", "a", "--location", "x" },
        { "vault", "show", "a", "--json=yes" },
        { "vault", "show", "a", "--json", "--json" },
        { "vault", "show", "a", "--socket" },
        { "vault", "show", "a", "--socket", "\xff" },
        { "vault", "show", "a", "--socket", "x", "--socket", "y" },
        { "vault", "show", "a", "--", "--json" },
        { "identity", "create", "a" },
        { "identity", "credential", "delete", "a" },
        { "role", "assign", "--principal", "a", "--role", "b" },
        { "key", "import" },
        { "key", "import", "a", "b", "c" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_input input = { .argument_count = 7 };
        assert_int_equal(read_words(cases[i], &input), CLI_USAGE);
        assert_int_equal(input.argument_count, 7);
    }
}

static void test_input_forms_of_options_are_equal(void **state HF_UNUSED)
{
    static const char *const cases[][WORDS_MAX] = {
        { "vault", "show", "a", "--socket", "x=y", "--json" },
        { "vault", "show", "--json", "--socket=x=y", "a" },
        { "vault", "show", "--json", "--socket=x=y", "--", "a" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_input input;
        assert_int_equal(read_words(cases[i], &input), CLI_OK);
        assert_int_equal(input.argument_count, 1);
        assert_true(cli_has(&input, CLI_JSON));
        assert_true(cli_has(&input, CLI_SOCKET));
        assert_false(cli_has(&input, CLI_LOCATION));
    }
}

static void test_input_tags_may_repeat(void **state HF_UNUSED)
{
    struct cli_input input;
    static const char *const words[WORDS_MAX] = { "secret", "set",   "n",  "--tag",
                                                  "a=b",    "--tag", "c=d" };
    assert_int_equal(read_words(words, &input), CLI_OK);
    assert_int_equal(input.tag_count, 2);
}

/* Arguments in brackets may be left out. */
static void test_input_file_may_be_left_out(void **state HF_UNUSED)
{
    static const char *const cases[][WORDS_MAX] = { { "key", "import", "a" },
                                                    { "key", "import", "a", "-" } };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_input input;
        assert_int_equal(read_words(cases[i], &input), CLI_OK);
        assert_int_equal(input.argument_count, i + 1);
    }
}

static void test_input_help_needs_nothing_else(void **state HF_UNUSED)
{
    struct cli_input input;
    static const char *const words[WORDS_MAX] = { "role", "assign", "--help" };
    assert_int_equal(read_words(words, &input), CLI_OK);
    assert_true(cli_has(&input, CLI_HELP));
}

static void test_command_longest_name_is_found(void **state HF_UNUSED)
{
    char identity[] = "identity";
    char credential[] = "credential";
    char add[] = "add";
    char show[] = "show";
    int used = 7;
    assert_null(cli_command_find(1, (char *[]){ identity }, &used));
    assert_null(cli_command_find(2, (char *[]){ identity, credential }, &used));
    assert_int_equal(used, 7);
    const struct cli_command *command = cli_command_find(3, (char *[]){ identity, credential, add },
                                                         &used);
    assert_non_null(command);
    assert_string_equal(command->name, "identity credential add");
    assert_int_equal(used, 3);
    command = cli_command_find(3, (char *[]){ identity, show, add }, &used);
    assert_non_null(command);
    assert_string_equal(command->name, "identity show");
    assert_int_equal(used, 2);
}

/* Names are unique, everything is described, nothing is both required and optional. */
static void test_command_table_is_consistent(void **state HF_UNUSED)
{
    size_t count = 0;
    const struct cli_command *rows = cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(rows[i].run);
        assert_non_null(rows[i].arguments);
        assert_int_not_equal(strlen(rows[i].summary), 0);
        assert_int_equal(rows[i].required & rows[i].options, 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(rows[i].name, rows[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_wrong_words_are_refused),
        cmocka_unit_test(test_input_forms_of_options_are_equal),
        cmocka_unit_test(test_input_tags_may_repeat),
        cmocka_unit_test(test_input_file_may_be_left_out),
        cmocka_unit_test(test_input_help_needs_nothing_else),
        cmocka_unit_test(test_command_longest_name_is_found),
        cmocka_unit_test(test_command_table_is_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
