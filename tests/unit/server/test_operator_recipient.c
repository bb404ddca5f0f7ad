/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holders of shares: wrong lists are refused with their line, and a program that does not do its work is noticed.
 */
#include "support.h"

#include "base/secret.h"
#include "server/operator_recipient.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FINGERPRINT "0123456789abcdef0123456789ABCDEF01234567"
#define ARMOR "-----BEGIN AGE ENCRYPTED FILE-----"
#define OUTPUT_MAX_BYTES 1024

/* ---- lists ---- */

static void test_recipients_wrong_ones_are_refused_with_their_line(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *expected;
    } wrong[] = {
        { "", "list: names nobody" },
        { "\n\n# nobody\n  \n", "list: names nobody" },
        { "age1\n", "list:1: must be" },
        { "age1Q\n", "list:1: must be" },
        { "age1q \nalice\n", "list:2: must be" },
        { "age1q x\n", "list:1: must be" },
        { "AGE-SECRET-KEY-1QQ\n", "list:1: must be" },
        { "age-secret\n", "list:1: must be" },
        { "-r\n", "list:1: must be" },
        { "0123456789abcdef\n", "list:1: must be" },
        { "0x" FINGERPRINT "0\n", "list:1: must be" },
        { "x" FINGERPRINT "\n", "list:1: must be" },
        { "g123456789abcdef0123456789ABCDEF01234567\n", "list:1: must be" },
        { "age1q\n#\nage1q\n", "list:3: this holder stands there twice" },
        { FINGERPRINT "\n0x0123456789ABCDEF0123456789abcdef01234567\n",
          "list:2: this holder stands there twice" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct hf_diag diag = { 0 };
        struct operator_recipients list = { .count = 7 };
        assert_int_equal(
            operator_recipients_parse(hf_str_from_c(wrong[i].text), "list", &diag, &list),
            HF_E_INVALID);
        assert_int_equal(list.count, 7);
        if (strstr(diag.text, wrong[i].expected) == NULL)
            fail_msg("\"%s\" does not hold \"%s\"", diag.text, wrong[i].expected);
    }
}

static void test_recipients_as_many_as_shares_at_most(void **state HF_UNUSED)
{
    struct hf_diag diag = { 0 };
    struct operator_recipients list = { 0 };
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, OPERATOR_RECIPIENTS_FILE_MAX_BYTES);
    for (int i = 0; i < SEAL_SHARES_MAX; i++)
        hf_buf_putf(&text, "age1q%d\n", i);
    assert_int_equal(operator_recipients_parse(hf_buf_str(&text), "list", &diag, &list), HF_OK);
    assert_int_equal(list.count, SEAL_SHARES_MAX);
    hf_buf_put_c(&text, "age1q\n");
    assert_int_equal(operator_recipients_parse(hf_buf_str(&text), "list", &diag, &list),
                     HF_E_INVALID);
    assert_non_null(strstr(diag.text, "list:256: more than 255 holders"));
}

static void test_recipients_keep_their_order_and_kind(void **state HF_UNUSED)
{
    struct operator_recipients list = { 0 };
    const hf_str text = HF_LIT("# holders\r\n  age1q0 \r\n0x" FINGERPRINT "\n\n" FINGERPRINT
                               "0123456789abcdef01234567\nage1z");
    assert_int_equal(operator_recipients_parse(text, "list", NULL, &list), HF_OK);
    assert_int_equal(list.count, 4);
    assert_true(hf_str_equal(list.item[0], HF_LIT("age1q0")));
    assert_true(hf_str_equal(list.item[3], HF_LIT("age1z")));
    assert_string_equal(operator_recipient_suffix(list.item[0]), ".age");
    assert_string_equal(operator_recipient_suffix(list.item[1]), ".asc");
    assert_string_equal(operator_recipient_suffix(list.item[2]), ".asc");
    assert_string_equal(operator_recipient_suffix(HF_LIT("alice")), "");
}

/* ---- programs ---- */

/* `age` is a script of the test's own, the only one on PATH (a shell finds its builtins). */
static void play_age(const struct place *place, const char *script)
{
    char path[512];
    char text[512];
    (void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
    place_write(place, "age", text);
    place_path(place, "age", path, sizeof(path));
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(setenv("PATH", place->folder, 1), 0);
}

static hf_err encrypt(hf_str recipient, struct hf_diag *diag, struct hf_buf *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, OUTPUT_MAX_BYTES);
    hf_buf_put_c(&text, "the text\n");
    *diag = (struct hf_diag){ 0 };
    hf_buf_reset(out);
    return operator_encrypt(recipient, &text, diag, out);
}

static void test_encrypt_that_fails_is_noticed(void **state HF_UNUSED)
{
    static const struct {
        const char *script; /* NULL: no program */
        hf_err expected;
        const char *text;
    } cases[] = {
        { NULL, HF_E_UNAVAILABLE, "cannot run age: No such file or directory; install it" },
        { "read x; echo " ARMOR "; exit 3", HF_E_UNAVAILABLE, "age failed (exit code 3)" },
        { "kill -9 $$", HF_E_UNAVAILABLE, "age failed (signal 9)" },
        { "read x", HF_E_UNAVAILABLE, "age gave something that is no encrypted file" },
        { "read x; echo \"$x\"", HF_E_UNAVAILABLE, "age gave something that is no encrypted file" },
        { "read x; echo x" ARMOR, HF_E_UNAVAILABLE,
          "age gave something that is no encrypted file" },
        { "read x; while echo " ARMOR "; do :; done; exit 0", HF_E_UNAVAILABLE,
          "age gave something that is no encrypted file" },
    };
    struct place place;
    place_init(&place);
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, OUTPUT_MAX_BYTES);
    assert_int_equal(setenv("PATH", place.folder, 1), 0);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_diag diag;
        if (cases[i].script != NULL)
            play_age(&place, cases[i].script);
        const hf_err err = encrypt(HF_LIT("age1q"), &diag, &out);
        if (err != cases[i].expected || strstr(diag.text, cases[i].text) == NULL)
            fail_msg("%s: %s: %s", cases[i].script == NULL ? "none" : cases[i].script,
                     hf_err_name(err), diag.text);
    }
    struct hf_diag diag;
    assert_int_equal(encrypt(HF_LIT("--version"), &diag, &out), HF_E_INVALID);
    place_done(&place);
}

static void test_encrypt_hands_text_and_recipient_over(void **state HF_UNUSED)
{
    struct place place;
    place_init(&place);
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, OUTPUT_MAX_BYTES);
    struct hf_diag diag;
    /* what this process ignores, the program does not */
    play_age(&place, "read x; echo \"" ARMOR " $* $x\"");
    const hf_err err = encrypt(HF_LIT("age1q"), &diag, &out);
    if (err != HF_OK)
        fail_msg("%s", diag.text);
    assert_true(
        hf_str_equal(hf_buf_str(&out), HF_LIT(ARMOR " --armor --recipient age1q the text\n")));
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipients_wrong_ones_are_refused_with_their_line),
        cmocka_unit_test(test_recipients_as_many_as_shares_at_most),
        cmocka_unit_test(test_recipients_keep_their_order_and_kind),
        cmocka_unit_test(test_encrypt_that_fails_is_noticed),
        cmocka_unit_test(test_encrypt_hands_text_and_recipient_over),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* as the program does: a recipient's program may end early */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
