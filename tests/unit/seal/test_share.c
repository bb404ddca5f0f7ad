/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a share: every mistyped character is found.
 */
#include "support.h"

#include "seal/share.h"

#include <string.h>

/* Written down by hand from the definition in share.h. */
#define TEXT "hfs1-0a0b0c0d-7-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8-"

static hf_err parse(hf_str text, struct hf_diag *diag, struct seal_share *out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    assert_int_equal(hf_secret_from_bytes(hf_str_bytes(text), &secret), HF_OK);
    return seal_share_parse(secret, diag, out);
}

static void expect_parse(hf_str text, hf_err expected)
{
    struct hf_diag diag = { 0 };
    struct seal_share share = { 0 };
    hf_err err = parse(text, &diag, &share);
    if (err != expected)
        fail_msg("\"%.*s\": %s, not %s", HF_STR_ARG(text), hf_err_name(err), hf_err_name(expected));
    if (expected != HF_OK)
        assert_true(diag.text[0] != '\0' && share.data == NULL);
    seal_share_done(&share);
}

static void make_text(uint8_t number, struct hf_secret **out)
{
    HF_CLEANUP(seal_share_done)
    struct seal_share share = { .set = { 0x0a, 0x0b, 0x0c, 0x0d }, .number = number };
    uint8_t data[SEAL_SHARE_BYTES];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)i;
    assert_int_equal(hf_secret_from_bytes((hf_bytes){ data, sizeof(data) }, &share.data), HF_OK);
    assert_int_equal(seal_share_write(&share, out), HF_OK);
    assert_true(hf_secret_size(*out) <= SEAL_SHARE_MAX_BYTES);
}

static void test_text_that_is_no_share_is_refused(void **state HF_UNUSED)
{
    static const char *const texts[] = {
        "",
        " ",
        "-",
        "hfs",
        "hfs1",
        "hfs1-",
        "hfs1--",
        "hfs1----------",
        "hfs-0a0b0c0d",
        TEXT,
        "hfs1-0a0b0c0d-7-AAEC-00000000",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++)
        expect_parse(hf_str_from_c(texts[i]), HF_E_INVALID);
    expect_parse(HF_LIT(TEXT "00000000"), HF_E_INVALID);
    expect_parse(HF_LIT("hfs2-0a0b0c0d-7-AAEC-00000000"), HF_E_FORMAT);
    expect_parse(HF_LIT("hfs10-0a0b0c0d-7-AAEC-00000000"), HF_E_FORMAT);
    char large[2000];
    memset(large, 'A', sizeof(large));
    expect_parse((hf_str){ large, sizeof(large) }, HF_E_INVALID);
}

static void test_share_mistyped_or_cut_is_refused(void **state HF_UNUSED)
{
    static const char typed[] = "AZaz09-_ \n=";
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    make_text(7, &secret);
    char text[SEAL_SHARE_MAX_BYTES];
    const hf_bytes right = hf_secret_view(secret);
    memcpy(text, right.p, right.n);
    for (size_t i = 0; i < right.n; i++) {
        for (size_t j = 0; j < sizeof(typed) - 1; j++) {
            if (typed[j] == text[i])
                continue;
            const char before = text[i];
            text[i] = typed[j];
            struct seal_share share = { 0 };
            const hf_err err = parse((hf_str){ text, right.n }, NULL, &share);
            assert_true(err == HF_E_INVALID || err == HF_E_FORMAT);
            text[i] = before;
        }
        expect_parse((hf_str){ text, i }, HF_E_INVALID);
        expect_parse((hf_str){ text + i + 1, right.n - i - 1 }, HF_E_INVALID);
    }
    /* two neighbours swapped */
    for (size_t i = 0; i + 1 < right.n; i++) {
        if (text[i] == text[i + 1])
            continue;
        const char before = text[i];
        text[i] = text[i + 1];
        text[i + 1] = before;
        struct seal_share share = { 0 };
        const hf_err err = parse((hf_str){ text, right.n }, NULL, &share);
        assert_true(err == HF_E_INVALID || err == HF_E_FORMAT);
        text[i + 1] = text[i];
        text[i] = before;
    }
    expect_parse((hf_str){ text, right.n }, HF_OK);
}

static void test_share_written_is_read(void **state HF_UNUSED)
{
    static const uint8_t numbers[] = { 1, 7, 10, 99, 100, 255 };
    for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
        make_text(numbers[i], &text);
        HF_CLEANUP(seal_share_done) struct seal_share share = { 0 };
        assert_int_equal(seal_share_parse(text, NULL, &share), HF_OK);
        assert_int_equal(share.number, numbers[i]);
        assert_memory_equal(share.set, ((uint8_t[]){ 0x0a, 0x0b, 0x0c, 0x0d }), SEAL_SET_BYTES);
        assert_int_equal(hf_secret_view(share.data).p[31], 31);
    }
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
    make_text(7, &text);
    const hf_str start = hf_bytes_str(hf_secret_view(text));
    assert_true(hf_str_starts(start, HF_LIT(TEXT)));
    char spaced[2 * SEAL_SHARE_MAX_BYTES] = " \t";
    memcpy(spaced + 2, start.p, start.n);
    memcpy(spaced + 2 + start.n, "\r\n", 2);
    expect_parse((hf_str){ spaced, start.n + 4 }, HF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_that_is_no_share_is_refused),
        cmocka_unit_test(test_share_mistyped_or_cut_is_refused),
        cmocka_unit_test(test_share_written_is_read),
    };
    return cmocka_run_group_tests_name("seal share", tests, place_set_up_library, NULL);
}
