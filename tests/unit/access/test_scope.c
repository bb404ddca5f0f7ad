/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts are scopes, and what a scope covers. */
#include "support.h"

#include <string.h>

#define SUB "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590"
#define GROUP SUB "/resourceGroups/rg-1"
#define VAULT GROUP "/providers/Microsoft.KeyVault/vaults/abc"

static void test_scope_parse_wrong_is_refused(void **state HF_UNUSED)
{
    static const char *const rows[] = {
        "",
        "//",
        "x",
        "subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590",
        "/subscriptions",
        "/subscriptions/",
        "/subscriptions//",
        "/subscriptions/0b1f6471",
        "/subscriptions/0b1f64711bf04ddaaec3cb9272f09590",
        SUB "//",
        SUB " ",
        SUB "/resourceGroups",
        SUB "/resourceGroups/",
        SUB "/resourceGroups/name.",
        SUB "/resourceGroups/na me",
        SUB "/resourceGroups/a%2fb",
        SUB "/resourceGroups/..",
        SUB "/resourcegroup/x",
        GROUP "/providers",
        GROUP "/providers/Microsoft.KeyVault",
        GROUP "/providers/Microsoft.KeyVault/vaults",
        GROUP "/providers/Microsoft.Storage/vaults/abc",
        GROUP "/providers/Microsoft.KeyVault/vaults/ab",
        GROUP "/providers/Microsoft.KeyVault/vaults/abcdefghijklmnopqrstuvwxy",
        GROUP "/providers/Microsoft.KeyVault/vaults/a_b",
        GROUP "/providers/Microsoft.KeyVault/vaults/*",
        VAULT "/secrets",
        VAULT "/secrets/",
        VAULT "/storage/x",
        VAULT "/secrets/a_b",
        VAULT "/secrets/*",
        VAULT "/secrets/a/b",
        VAULT "/secrets/a//",
        "/providers/Microsoft.Management/managementGroups/x",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_str out = { NULL, 0 };
        if (access_scope_parse(hf_str_from_c(rows[i]), &out) != HF_E_INVALID)
            fail_msg("accepted: %s", rows[i]);
        assert_null(out.p);
    }
    static const char nul[] = SUB "/resourceGroups/a\0b";
    hf_str out = { NULL, 0 };
    EXPECT_ERR(HF_E_INVALID, access_scope_parse((hf_str){ nul, sizeof(nul) - 1 }, &out));
}

static void test_scope_parse_lengths(void **state HF_UNUSED)
{
    static const struct {
        const char *head;
        size_t max;
    } rows[] = {
        { SUB "/resourceGroups/", 90 },
        { GROUP "/providers/Microsoft.KeyVault/vaults/", 24 },
        { VAULT "/keys/", 127 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        char text[512];
        size_t head_n = strlen(rows[i].head);
        memcpy(text, rows[i].head, head_n);
        memset(text + head_n, 'a', sizeof(text) - head_n);
        hf_str out;
        EXPECT_OK(access_scope_parse((hf_str){ text, head_n + rows[i].max }, &out));
        EXPECT_ERR(HF_E_INVALID,
                   access_scope_parse((hf_str){ text, head_n + rows[i].max + 1 }, &out));
    }
}

static void test_scope_parse_right_is_kept_as_given(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *parsed;
    } rows[] = {
        { "/", "/" },
        { SUB, SUB },
        { SUB "/", SUB },
        { "/SUBSCRIPTIONS/0B1F6471-1BF0-4DDA-AEC3-CB9272F09590",
          "/SUBSCRIPTIONS/0B1F6471-1BF0-4DDA-AEC3-CB9272F09590" },
        { SUB "/resourcegroups/A_b-c.(d)", SUB "/resourcegroups/A_b-c.(d)" },
        { VAULT, VAULT },
        { VAULT "/", VAULT },
        { GROUP "/PROVIDERS/microsoft.keyvault/Vaults/AbC/Secrets/Name-1/",
          GROUP "/PROVIDERS/microsoft.keyvault/Vaults/AbC/Secrets/Name-1" },
        { VAULT "/certificates/1", VAULT "/certificates/1" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_str out = { NULL, 0 };
        EXPECT_OK(access_scope_parse(hf_str_from_c(rows[i].text), &out));
        assert_true(hf_str_equal(out, hf_str_from_c(rows[i].parsed)));
    }
}

static void test_scope_covers_up_to_a_boundary(void **state HF_UNUSED)
{
    static const struct {
        const char *scope; /* lower case */
        const char *resource;
        bool covers;
    } rows[] = {
        { "", "/a", false },
        { "/a/vaults/abc", "/a/vaults/abcd", false },
        { "/a/vaults/abc", "/a/vaults/ab", false },
        { "/a/vaults/abc/secrets/x", "/a/vaults/abc", false },
        { "/a/vaults/abc/secrets/x", "/a/vaults/abc/secrets/xy", false },
        { "/a/vaults/abc/secrets/x", "/a/vaults/abc/secrets", false },
        { "/a/vaults/abc/secrets/x", "/a/vaults/abc/keys/x", false },
        { "/", "/a/vaults/abc", true },
        { "/a/vaults/abc", "/a/vaults/abc", true },
        { "/a/vaults/abc", "/A/Vaults/ABC", true },
        { "/a/vaults/abc", "/a/vaults/abc/secrets/x", true },
        { "/a/vaults/abc/secrets/x", "/a/vaults/abc/SECRETS/X", true },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        bool covers = access_scope_covers(hf_str_from_c(rows[i].scope),
                                          hf_str_from_c(rows[i].resource));
        if (covers != rows[i].covers)
            fail_msg("%s and %s: %d", rows[i].scope, rows[i].resource, covers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope_parse_wrong_is_refused),
        cmocka_unit_test(test_scope_parse_lengths),
        cmocka_unit_test(test_scope_parse_right_is_kept_as_given),
        cmocka_unit_test(test_scope_covers_up_to_a_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
