/* SPDX-License-Identifier: Apache-2.0 */
/* The challenge of a 401 answer. */
#include "support.h"

#include "cli/challenge.h"

static void test_challenge_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "",
        "Bearer",
        "Bearer ",
        "Basic resource=\"https://vault.example\"",
        "Bearer resource",
        "Bearer resource=\"\"",
        "Bearer resource=\"https://vault.example",
        "Bearer resource=\"https://vault.example\\\"\"",
        "Bearer resource=\"https://a.example\", resource=\"https://b.example\"",
        "Bearer authorization=\"https://login.example/t\"",
        "Bearer realm=\"a\" garbage",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_challenge challenge = { { "x", 1 }, { "y", 1 } };
        assert_int_equal(cli_challenge_parse(hf_str_from_c(cases[i]), &challenge), HF_E_INVALID);
        assert_text(challenge.resource, "y");
    }
}

static void test_challenge_parameters_are_read(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "Bearer authorization=\"https://login.example/t\", resource=\"https://vault.example\"",
        "bearer resource=\"https://vault.example\",authorization=\"https://login.example/t\"",
        "Bearer authorization=https://login.example/t, resource=https://vault.example",
        "Bearer realm=\"\", Resource=https://vault.example authorization=https://login.example/t",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_challenge challenge;
        assert_int_equal(cli_challenge_parse(hf_str_from_c(cases[i]), &challenge), HF_OK);
        assert_text(challenge.resource, "https://vault.example");
        assert_text(challenge.authorization, "https://login.example/t");
    }
}

static void test_challenge_resource_of_another_domain_does_not_fit(void **state HF_UNUSED)
{
    static const struct {
        const char *resource;
        const char *host;
        bool fits;
    } cases[] = {
        { "https://vault.example", "dev.vault.example", true },
        { "https://vault.example:8443/", "dev.vault.example", true },
        { "https://VAULT.example", "dev.vault.EXAMPLE", true },
        { "https://vault.example", "vault.example", false },
        { "https://vault.example", "devvault.example", false },
        { "https://vault.example", "dev.vault.example.evil", false },
        { "https://vault.example", "dev.vault.other", false },
        { "http://vault.example", "dev.vault.example", false },
        { "vault.example", "dev.vault.example", false },
        { "https://x@vault.example", "dev.vault.example", false },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct cli_challenge challenge = { .resource = hf_str_from_c(cases[i].resource) };
        assert_int_equal(cli_challenge_fits(&challenge, hf_str_from_c(cases[i].host)),
                         cases[i].fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge_wrong_text_is_refused),
        cmocka_unit_test(test_challenge_parameters_are_read),
        cmocka_unit_test(test_challenge_resource_of_another_domain_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
