/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as people type them. */
#include "support.h"

#include "cli/moment.h"

#define NOW (INT64_C(1700000000) * HF_USEC_PER_SEC)

static void test_moment_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "",
        "tomorrow",
        "-1",
        "2027-1-31",
        "2027-13-01",
        "2027-00-01",
        "2027-02-29",
        "2027-04-31",
        "2027-01-00",
        "27-01-31",
        "2027-01-31T",
        "2027-01-31T12:00",
        "1969-12-31",
        "2027-01-31T12:00:00",
        "2027-01-31T24:00:00Z",
        "10000-1-1",
        "2027-01-31T12:60:00Z",
        "2027-01-31T12:00:00Zx",
        "2027-01-3x",
        "2027-01-31 12:00:00Z",
        "2027-01-31T12:00:00+01:00",
        "90 d",
        "d",
        "253402300800",
        "-90d",
        "2027-01-31Z",
        "2027-01-311",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        int64_t seconds = 7;
        assert_int_not_equal(cli_moment_parse(hf_str_from_c(cases[i]), NOW, &seconds), HF_OK);
        assert_int_equal(seconds, 7);
    }
}

static void test_moment_forms_are_read(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        { "0", 0 },
        { "1795493780", 1795493780 },
        { "1970-01-01", 0 },
        { "2000-02-29", 951782400 },
        { "2024-02-29T23:59:59Z", 1709251199 },
        { "2027-01-31", 1801353600 },
        { "2100-03-01", 4107542400 },
        { "9999-12-31T23:59:59Z", 253402300799 },
        { "90d", 1700000000 + 90 * 86400 },
        { "30s", 1700000030 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        int64_t seconds = -1;
        assert_int_equal(cli_moment_parse(hf_str_from_c(cases[i].text), NOW, &seconds), HF_OK);
        assert_int_equal(seconds, cases[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moment_wrong_text_is_refused),
        cmocka_unit_test(test_moment_forms_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
