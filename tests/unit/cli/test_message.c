/* SPDX-License-Identifier: Apache-2.0 */
/* Cleaning text for a terminal, and exit codes. */
#include "support.h"

#include "cli/message.h"

static void test_clean_control_characters_are_replaced(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *clean;
    } cases[] = {
        { "plain", "plain" },
        { "a\x1b[31mb", "a?[31mb" },
        { "one\r\ntwo\tthree", "one two three" },
        { "\x7f\x01", "??" },
        { "\xc2\x9b"
          "31m",
          "?31m" },
        { "\xc2\xa0\xc3\xa4", "\xc2\xa0\xc3\xa4" },
        { "\xc2", "\xc2" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        char memory[64];
        struct hf_buf out;
        hf_buf_init_fixed(&out, memory, sizeof(memory));
        cli_put_clean(&out, hf_str_from_c(cases[i].text));
        assert_text(hf_buf_str(&out), cases[i].clean);
    }
}

static void test_exit_statuses_have_their_codes(void **state HF_UNUSED)
{
    static const struct {
        int status;
        enum cli_exit code;
    } cases[] = {
        { 199, CLI_FAILED },      { 200, CLI_OK },     { 204, CLI_OK },
        { 299, CLI_OK },          { 302, CLI_FAILED }, { 400, CLI_FAILED },
        { 401, CLI_DENIED },      { 403, CLI_DENIED }, { 404, CLI_NOT_FOUND },
        { 409, CLI_CONFLICT },    { 413, CLI_FAILED }, { 429, CLI_UNREACHABLE },
        { 503, CLI_UNREACHABLE }, { 500, CLI_FAILED }, { 0, CLI_FAILED },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
        assert_int_equal(cli_exit_of_status(cases[i].status), cases[i].code);
}

static void test_exit_only_success_is_zero(void **state HF_UNUSED)
{
    assert_int_equal(cli_exit_of_err(HF_OK), CLI_OK);
    for (int err = HF_OK + 1; err < HF_ERR_COUNT_; err++)
        assert_int_not_equal(cli_exit_of_err((hf_err)err), CLI_OK);
    assert_int_equal(cli_exit_of_err(HF_E_UNAVAILABLE), CLI_UNREACHABLE);
    assert_int_equal(cli_exit_of_err(HF_E_EXISTS), CLI_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_control_characters_are_replaced),
        cmocka_unit_test(test_exit_statuses_have_their_codes),
        cmocka_unit_test(test_exit_only_success_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
