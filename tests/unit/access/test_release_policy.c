/* SPDX-License-Identifier: Apache-2.0 */
/* Release policies: what is refused, what is written, who is allowed. */
#include "support.h"

#include "access/release_policy.h"

#define ARENA_MAX_BYTES (1024 * 1024)
#define HEAD "{\"version\":\"1.0.0\",\"anyOf\":["
#define MAA(conditions)                                                                            \
    HEAD "{\"authority\":\"https://maa.example.org\",\"allOf\":[" conditions "]}]}"
#define CLAIM "{\"claim\":\"a\",\"equals\":1}"

static struct hf_arena *arena;

static int setup(void **state HF_UNUSED)
{
    return hf_arena_new(ARENA_MAX_BYTES, &arena) == HF_OK ? 0 : 1;
}

static int teardown(void **state HF_UNUSED)
{
    hf_arena_free(arena);
    return 0;
}

static hf_err parse(const char *text, struct hf_diag *diag,
                    const struct access_release_policy **out)
{
    return access_release_policy_parse(hf_str_bytes(hf_str_from_c(text)), arena, diag, out);
}

static void test_release_policy_outside_the_grammar_is_refused(void **state HF_UNUSED)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"version\":\"1.0.0\"}",
        HEAD "]}",
        HEAD "1]}",
        "{\"version\":\"2.0\",\"anyOf\":[{\"authority\":\"https://a\",\"allOf\":[" CLAIM "]}]}",
        "{\"version\":1,\"anyOf\":[{\"authority\":\"https://a\",\"allOf\":[" CLAIM "]}]}",
        "{\"version\":\"1.0.0\",\"allOf\":[{\"authority\":\"https://a\",\"allOf\":[" CLAIM "]}]}",
        HEAD "{\"authority\":\"https://a\",\"allOf\":[" CLAIM "]}],\"more\":1}",
        HEAD "{\"authority\":\"https://a\"}]}",
        HEAD "{\"authority\":\"https://a\",\"allOf\":[" CLAIM "],\"anyOf\":[" CLAIM "]}]}",
        HEAD "{\"authority\":\"http://a\",\"allOf\":[" CLAIM "]}]}",
        HEAD "{\"authority\":\"https://\",\"allOf\":[" CLAIM "]}]}",
        HEAD "{\"authority\":\"https://a b\",\"allOf\":[" CLAIM "]}]}",
        HEAD "{\"authority\":\"https://u@a\",\"allOf\":[" CLAIM "]}]}",
        HEAD "{\"authority\":1,\"allOf\":[" CLAIM "]}]}",
        MAA(""),
        MAA("1"),
        MAA("{}"),
        MAA("{\"claim\":\"a\"}"),
        MAA("{\"equals\":1}"),
        MAA("{\"claim\":\"\",\"equals\":1}"),
        MAA("{\"claim\":\"a..b\",\"equals\":1}"),
        MAA("{\"claim\":\".a\",\"equals\":1}"),
        MAA("{\"claim\":\"a.\",\"equals\":1}"),
        MAA("{\"claim\":1,\"equals\":1}"),
        MAA("{\"claim\":\"a\",\"equals\":null}"),
        MAA("{\"claim\":\"a\",\"equals\":1.5}"),
        MAA("{\"claim\":\"a\",\"equals\":[]}"),
        MAA("{\"claim\":\"a\",\"equals\":{}}"),
        MAA("{\"claim\":\"a\",\"notEquals\":1}"),
        MAA("{\"claim\":\"a\",\"exists\":true}"),
        MAA("{\"claim\":\"a\",\"equals\":1,\"less\":2}"),
        MAA("{\"allOf\":[]}"),
        MAA("{\"allof\":[" CLAIM "]}"),
        MAA("{\"allOf\":" CLAIM "}"),
        MAA("{\"allOf\":[" CLAIM "],\"anyOf\":[" CLAIM "]}"),
        MAA("{\"allOf\":[{\"anyOf\":[{\"allOf\":[{\"anyOf\":[{\"allOf\":[{\"anyOf\":[" CLAIM
            "]}]}]}]}]}]}"),
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        struct hf_diag diag = { 0 };
        const struct access_release_policy *out = NULL;
        EXPECT_ERR(HF_E_INVALID, parse(texts[i], &diag, &out));
        assert_true(diag.text[0] != '\0' && out == NULL);
    }
    static const uint8_t large[ACCESS_RELEASE_POLICY_MAX_BYTES + 1];
    const struct access_release_policy *out = NULL;
    EXPECT_ERR(HF_E_TOO_LARGE,
               access_release_policy_parse((hf_bytes){ large, sizeof large }, arena, NULL, &out));
}

static void test_release_policy_is_written_in_the_service_order(void **state HF_UNUSED)
{
    const struct access_release_policy *policy = NULL;
    EXPECT_OK(
        parse("{ \"anyOf\": [{\"allOf\":[{\"equals\":\"true\",\"claim\":\"sdk-test\"},"
              "{\"anyOf\":[{\"claim\":\"x\",\"equals\":-5},{\"claim\":\"y\",\"equals\":false}]}],"
              "\"authority\":\"https://a.example/\"}], \"version\":\"1.0\" }",
              NULL, &policy));
    char memory[512];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof memory - 1);
    access_release_policy_write(policy, &buf);
    EXPECT_OK(hf_buf_err(&buf));
    memory[buf.n] = '\0';
    assert_string_equal(memory,
                        HEAD "{\"authority\":\"https://a.example/\",\"allOf\":[{\"claim\":"
                             "\"sdk-test\",\"equals\":\"true\"},{\"anyOf\":[{\"claim\":\"x\","
                             "\"equals\":-5},{\"claim\":\"y\",\"equals\":false}]}]}]}");
}

static void test_release_policy_allows_only_what_it_says(void **state HF_UNUSED)
{
    static const struct {
        const char *conditions;
        const char *claims;
        bool allowed;
    } cases[] = {
        { "{\"claim\":\"a.b\",\"equals\":\"x\"}", "{\"a\":{\"b\":\"x\"}}", true },
        { "{\"claim\":\"a.b\",\"equals\":\"x\"}", "{\"a\":{\"b\":\"X\"}}", false },
        { "{\"claim\":\"a.b\",\"equals\":\"x\"}", "{\"a.b\":\"x\"}", false },
        { "{\"claim\":\"a.b\",\"equals\":\"x\"}", "{\"a\":\"x\"}", false },
        { "{\"claim\":\"a.b\",\"equals\":\"x\"}", "{\"a\":[{\"b\":\"x\"}]}", false },
        { "{\"claim\":\"a\",\"equals\":\"x\"}", "{\"a\":[\"x\"]}", false },
        { "{\"claim\":\"a\",\"equals\":\"x\"}", "{}", false },
        { "{\"claim\":\"a\",\"equals\":false}", "{}", false },
        { "{\"claim\":\"a\",\"equals\":false}", "{\"a\":null}", false },
        { "{\"claim\":\"a\",\"equals\":\"false\"}", "{}", false },
        { "{\"claim\":\"a\",\"equals\":0}", "{\"a\":false}", false },
        { "{\"claim\":\"a\",\"equals\":1}", "{\"a\":1}", true },
        { "{\"claim\":\"a\",\"equals\":1}", "{\"a\":\"1\"}", false },
        { "{\"claim\":\"a\",\"equals\":1}", "{\"a\":1.0}", false },
        { "{\"claim\":\"a\",\"equals\":true}", "{\"a\":true}", true },
        { "{\"claim\":\"a\",\"equals\":true}", "{\"a\":\"true\"}", false },
        { "{\"claim\":\"a\",\"equals\":\"true\"}", "{\"a\":true}", true },
        { "{\"claim\":\"a\",\"equals\":\"true\"}", "{\"a\":false}", false },
        { CLAIM ",{\"claim\":\"b\",\"equals\":2}", "{\"a\":1}", false },
        { CLAIM ",{\"claim\":\"b\",\"equals\":2}", "{\"a\":1,\"b\":2}", true },
        { "{\"anyOf\":[" CLAIM ",{\"claim\":\"b\",\"equals\":2}]}", "{\"b\":2}", true },
        { "{\"anyOf\":[" CLAIM ",{\"claim\":\"b\",\"equals\":2}]}", "{\"b\":3}", false },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const hf_str text = HF_JOIN(
            arena, HF_LIT(HEAD "{\"authority\":\"https://maa.example.org\",\"allOf\":["),
            hf_str_from_c(cases[i].conditions), HF_LIT("]}]}"));
        const struct access_release_policy *policy = NULL;
        EXPECT_OK(access_release_policy_parse(hf_str_bytes(text), arena, NULL, &policy));
        HF_CLEANUP(hf_json_freep) struct hf_json *claims = NULL;
        EXPECT_OK(hf_json_parse(hf_str_bytes(hf_str_from_c(cases[i].claims)), NULL, &claims));
#define ALLOWS(url) access_release_policy_allows(policy, HF_LIT(url), claims)
        assert_int_equal(ALLOWS("https://maa.example.org"), cases[i].allowed);
        assert_int_equal(ALLOWS("https://maa.example.org/"), cases[i].allowed);
        assert_false(ALLOWS("https://maa.example.org/x"));
        assert_false(ALLOWS("https://MAA.example.org"));
        assert_false(ALLOWS("http://maa.example.org"));
        assert_false(ALLOWS("https://maa.example.or"));
        assert_false(ALLOWS(""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_release_policy_outside_the_grammar_is_refused),
        cmocka_unit_test(test_release_policy_is_written_in_the_service_order),
        cmocka_unit_test(test_release_policy_allows_only_what_it_says),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
