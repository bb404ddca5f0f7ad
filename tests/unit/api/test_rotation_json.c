/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation policies as JSON: what is refused, and what comes back. */
#include "support.h"

#include "api/azure/rotation_json.h"

#define TEXT_MAX_BYTES 1024

static hf_err read_text(const char *text, struct hf_diag *diag, struct vault_rotation_policy *out)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    assert_int_equal(hf_json_parse(hf_str_bytes(hf_str_from_c(text)), NULL, &root), HF_OK);
    return azure_rotation_policy_read(root, diag, out);
}

#define ACTION(type, trigger) "{\"action\":{\"type\":\"" type "\"},\"trigger\":{" trigger "}}"
#define ACTIONS(list) "{\"lifetimeActions\":[" list "]}"
#define AFTER "\"timeAfterCreate\":\"P90D\""
#define BEFORE "\"timeBeforeExpiry\":\"P30D\""

static void test_rotation_json_wrong_is_refused_by_field(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *field;
    } cases[] = {
        { "[]", "lifetimeActions" },
        { "{\"lifetimeActions\":{}}", "lifetimeActions" },
        { ACTIONS("1"), "lifetimeActions" },
        { ACTIONS("{\"action\":1}"), "lifetimeActions.action" },
        { ACTIONS("{}"), "lifetimeActions.action.type" },
        { ACTIONS(ACTION("Delete", AFTER)), "lifetimeActions.action.type" },
        { ACTIONS("{\"action\":{\"type\":\"Rotate\"}}"), "lifetimeActions.trigger" },
        { ACTIONS(ACTION("Rotate", "")), "lifetimeActions.trigger" },
        { ACTIONS(ACTION("Rotate", AFTER "," BEFORE)), "lifetimeActions.trigger" },
        { ACTIONS(ACTION("Rotate", "\"timeAfterCreate\":90")),
          "lifetimeActions.trigger.timeAfterCreate" },
        { ACTIONS(ACTION("Rotate", "\"timeAfterCreate\":\"P0D\"")),
          "lifetimeActions.trigger.timeAfterCreate" },
        { ACTIONS(ACTION("Notify", "\"timeBeforeExpiry\":\"p30d\"")),
          "lifetimeActions.trigger.timeBeforeExpiry" },
        { ACTIONS(ACTION("Rotate", AFTER) "," ACTION("rotate", AFTER)), "lifetimeActions" },
        { "{\"attributes\":[]}", "attributes" },
        { "{\"attributes\":{\"expiryTime\":\"P1W\"}}", "attributes.expiryTime" },
        { "{\"attributes\":{\"expiryTime\":7}}", "attributes.expiryTime" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_diag diag = { 0 };
        struct vault_rotation_policy out;
        assert_int_equal(read_text(cases[i].text, &diag, &out), HF_E_INVALID);
        assert_string_equal(diag.field, cases[i].field);
    }
}

static void expect_written(const struct vault_rotation_policy *policy, const char *expected)
{
    char memory[TEXT_MAX_BYTES];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof memory - 1);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    azure_rotation_policy_write(policy, HF_LIT("https://v/keys/k/rotationpolicy"), &w);
    assert_int_equal(hf_buf_err(&buf), HF_OK);
    memory[buf.n] = '\0';
    assert_string_equal(memory, expected);
}

static void test_rotation_json_is_written_as_the_service_does(void **state HF_UNUSED)
{
    struct vault_rotation_policy policy;
    assert_int_equal(
        read_text(
            "{\"id\":1,\"lifetimeActions\":[" ACTION("NOTIFY", BEFORE) "," ACTION(
                "rotate", "\"timeBeforeExpiry\":null," AFTER) "],\"attributes\":{\"expiryTime\":"
                                                              "\"P2Y\",\"created\":5}}",
            NULL, &policy),
        HF_OK);
    assert_true(policy.created == VAULT_TIME_NONE && policy.updated == VAULT_TIME_NONE);
    policy.created = 7 * HF_USEC_PER_SEC;
    policy.updated = 8 * HF_USEC_PER_SEC;
    expect_written(
        &policy,
        "{\"id\":\"https://v/keys/k/rotationpolicy\",\"lifetimeActions\":[{\"trigger\":{"
        "\"timeAfterCreate\":\"P90D\"},\"action\":{\"type\":\"Rotate\"}},{\"trigger\":{"
        "\"timeBeforeExpiry\":\"P30D\"},\"action\":{\"type\":\"Notify\"}}],\"attributes\":{"
        "\"expiryTime\":\"P2Y\",\"created\":7,\"updated\":8}}");
}

static void test_rotation_json_cleared_is_the_default(void **state HF_UNUSED)
{
    static const char *const texts[] = { "{}", "{\"lifetimeActions\":[],\"attributes\":{}}",
                                         "{\"lifetimeActions\":null,\"attributes\":null}" };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        struct vault_rotation_policy policy;
        assert_int_equal(read_text(texts[i], NULL, &policy), HF_OK);
        vault_rotation_policy_complete(&policy, VAULT_ROTATION_OF_VAULT);
        expect_written(&policy, "{\"id\":\"https://v/keys/k/rotationpolicy\",\"lifetimeActions\":[{"
                                "\"trigger\":{\"timeBeforeExpiry\":\"P30D\"},\"action\":{\"type\":"
                                "\"Notify\"}}],\"attributes\":{\"expiryTime\":null}}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rotation_json_wrong_is_refused_by_field),
        cmocka_unit_test(test_rotation_json_is_written_as_the_service_does),
        cmocka_unit_test(test_rotation_json_cleared_is_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
