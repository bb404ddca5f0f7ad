/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names vaults and objects may have.
 */
#include "support.h"

#define TEXT_127 TEXT_64 "-" TEXT_62
#define TEXT_64 TEXT_32 TEXT_32
#define TEXT_62 TEXT_32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEXT_32 "abcdefghijklmnopqrstuvwxyz012345"

struct name_case {
    const char *why;
    const char *name;
    bool is_valid;
};

static const struct name_case vault_cases[] = {
    { "empty", "", false },
    { "two characters", "ab", false },
    { "twenty-five characters", "abcdefghijklmnopqrstuvwxy", false },
    { "starts with a digit", "1abc", false },
    { "starts with a hyphen", "-abc", false },
    { "ends with a hyphen", "abc-", false },
    { "two hyphens in a row", "ab--c", false },
    { "underscore", "ab_c", false },
    { "dot", "ab.c", false },
    { "not ASCII", "ab\xc3\xa4", false },
    { "three characters", "abc", true },
    { "twenty-four characters", "abcdefghijklmnopqrstuvwx", true },
    { "mixed case, digits, hyphens", "My-Vault-01", true },
    { "ends with a digit", "a-1", true },
};

static const struct name_case object_cases[] = {
    { "empty", "", false },
    { "underscore", "a_b", false },
    { "slash", "a/b", false },
    { "blank", "a b", false },
    { "not ASCII", "\xc3\xa4", false },
    { "128 characters", TEXT_127 "x", false },
    { "one character", "a", true },
    { "digit first", "1", true },
    { "hyphens everywhere", "--a--", true },
    { "127 characters", TEXT_127, true },
};

static void test_vault_name_cases(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(vault_cases); i++) {
        if (vault_name_is_valid(hf_str_from_c(vault_cases[i].name)) != vault_cases[i].is_valid)
            fail_msg("%s", vault_cases[i].why);
    }
}

static void test_object_name_cases(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(object_cases); i++) {
        if (vault_object_name_is_valid(hf_str_from_c(object_cases[i].name)) !=
            object_cases[i].is_valid)
            fail_msg("%s", object_cases[i].why);
    }
}

static void test_names_with_nul_are_refused(void **state HF_UNUSED)
{
    assert_false(vault_name_is_valid(HF_LIT("ab\0c")));
    assert_false(vault_object_name_is_valid(HF_LIT("a\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vault_name_cases),
        cmocka_unit_test(test_object_name_cases),
        cmocka_unit_test(test_names_with_nul_are_refused),
    };
    return cmocka_run_group_tests_name("vault/names", tests, NULL, NULL);
}
