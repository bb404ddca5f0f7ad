/* SPDX-License-Identifier: Apache-2.0 */
/* The error list, errno, and the diagnosis. */
#include "support.h"

#include <errno.h>

static void test_err_value_outside_list_reads_as_internal(void **state HF_UNUSED)
{
    assert_string_equal(hf_err_name((hf_err)9999), "HF_E_INTERNAL");
    assert_int_equal(hf_err_class_of(HF_ERR_COUNT_), HF_CLASS_INTERNAL);
    assert_string_equal(hf_err_text((hf_err)-1), "internal error");
}

static void test_err_every_code_has_name_text_and_class(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ERR_COUNT_; i++) {
        const hf_err err = (hf_err)i;
        assert_true(strncmp(hf_err_name(err), "HF_", 3) == 0);
        assert_true(strlen(hf_err_text(err)) > 0);
        assert_true(hf_err_class_of(err) <= HF_CLASS_INTERNAL);
        assert_true((err == HF_OK) == (hf_err_class_of(err) == HF_CLASS_OK));
    }
    assert_int_equal(HF_OK, 0);
}

static void test_err_from_errno_known_values_are_translated(void **state HF_UNUSED)
{
    static const struct {
        int from;
        hf_err to;
    } cases[] = {
        { ENOSPC, HF_E_DISK_FULL }, { EDQUOT, HF_E_DISK_FULL },
        { ENOMEM, HF_E_NOMEM },     { ENOENT, HF_E_NOT_FOUND },
        { EEXIST, HF_E_EXISTS },    { EACCES, HF_E_FORBIDDEN },
        { EPERM, HF_E_FORBIDDEN },  { EAGAIN, HF_E_UNAVAILABLE },
        { EIO, HF_E_IO },           { 0, HF_E_IO },
        { 12345, HF_E_IO },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
        EXPECT_ERR(cases[i].to, hf_err_from_errno(cases[i].from));
}

static void test_fail_long_text_is_cut(void **state HF_UNUSED)
{
    char text[2 * HF_DIAG_TEXT_MAX_BYTES];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct hf_diag diag = { 0 };
    EXPECT_ERR(HF_E_RANGE, hf_fail(&diag, HF_E_RANGE, text, "%s", text));
    assert_int_equal(strlen(diag.field), HF_DIAG_FIELD_MAX_BYTES - 1);
    assert_int_equal(strlen(diag.text), HF_DIAG_TEXT_MAX_BYTES - 1);
}

static void test_fail_first_writer_wins(void **state HF_UNUSED)
{
    struct hf_diag diag = { 0 };
    EXPECT_ERR(HF_E_INVALID, hf_fail(&diag, HF_E_INVALID, "exp", "must be after %s", "nbf"));
    EXPECT_ERR(HF_E_RANGE, hf_fail(&diag, HF_E_RANGE, "other", "second"));
    assert_string_equal(diag.field, "exp");
    assert_string_equal(diag.text, "must be after nbf");
}

static void test_fail_without_diag_or_field_is_fine(void **state HF_UNUSED)
{
    EXPECT_ERR(HF_E_IO, hf_fail(NULL, HF_E_IO, "field", "text"));
    struct hf_diag diag = { 0 };
    EXPECT_ERR(HF_E_IO, hf_fail(&diag, HF_E_IO, NULL, "text"));
    assert_string_equal(diag.field, "");
    assert_string_equal(diag.text, "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_value_outside_list_reads_as_internal),
        cmocka_unit_test(test_err_every_code_has_name_text_and_class),
        cmocka_unit_test(test_err_from_errno_known_values_are_translated),
        cmocka_unit_test(test_fail_long_text_is_cut),
        cmocka_unit_test(test_fail_first_writer_wins),
        cmocka_unit_test(test_fail_without_diag_or_field_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
