/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The people of a seal, as a command meets them: answers come from private files and from lines of standard input; if a share
 * cannot be handed out, no seal is made and what was written is known.
 */
#include "support.h"

#include "base/secret.h"
#include "server/operator_people.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSPHRASE "twelve bytes at least"

/* Standard input becomes a file that holds text. */
static void type(const struct place *place, const char *text)
{
    char path[512];
    place_write(place, "stdin", text);
    place_path(place, "stdin", path, sizeof(path));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(fd), 0);
}

static void write_private(const struct place *place, const char *name, const char *text,
                          mode_t mode, char *path, size_t size)
{
    place_write(place, name, text);
    place_path(place, name, path, size);
    assert_int_equal(chmod(path, mode), 0);
}

static hf_err ask(struct operator_people *people, enum seal_ask what, size_t index,
                  struct hf_diag *diag, struct hf_secret **out)
{
    *diag = (struct hf_diag){ 0 };
    people->diag = diag;
    const struct seal_people seal = operator_people_seal(people);
    return seal.ask(seal.context, what, index, out);
}

static void expect_answer(struct operator_people *people, enum seal_ask what, size_t index,
                          const char *expected)
{
    struct hf_diag diag;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *answer = NULL;
    const hf_err err = ask(people, what, index, &diag, &answer);
    if (err != HF_OK)
        fail_msg("%s: %s", hf_err_name(err), diag.text);
    assert_true(hf_secret_equal(answer, hf_str_bytes(hf_str_from_c(expected))));
}

/* ---- answers ---- */

static void test_people_wrong_files_are_refused(void **state HF_UNUSED)
{
    static const struct {
        const char *text; /* NULL: no file */
        mode_t mode;
        hf_err expected;
        const char *said;
    } wrong[] = {
        { NULL, 0, HF_E_UNAVAILABLE, "is missing" },
        { "", 0600, HF_E_INVALID, "its first line is empty" },
        { "\n" PASSPHRASE "\n", 0600, HF_E_INVALID, "its first line is empty" },
        { PASSPHRASE, 0640, HF_E_FORBIDDEN, "mode is 0640" },
        { PASSPHRASE, 0604, HF_E_FORBIDDEN, "mode is 0604" },
    };
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        char path[512];
        struct hf_diag diag;
        struct hf_secret *answer = NULL;
        place_path(&place, "none", path, sizeof(path));
        if (wrong[i].text != NULL)
            write_private(&place, "answer", wrong[i].text, wrong[i].mode, path, sizeof(path));
        const char *const files[] = { path };
        struct operator_people people = { .passphrase_file = path,
                                          .new_passphrase_file = path,
                                          .share_files = files,
                                          .share_file_count = 1 };
        for (int what = SEAL_ASK_PASSPHRASE; what <= SEAL_ASK_SHARE; what++) {
            assert_int_equal(ask(&people, (enum seal_ask)what, 0, &diag, &answer),
                             wrong[i].expected);
            assert_null(answer);
            assert_non_null(strstr(diag.text, wrong[i].said));
            assert_null(strstr(diag.text, PASSPHRASE));
        }
    }
    place_done(&place);
}

static void test_people_answer_with_the_first_line_byte_for_byte(void **state HF_UNUSED)
{
    struct place place;
    place_init(&place);
    char path[512];
    struct operator_people people = { .passphrase_file = path, .new_passphrase_file = path };
    write_private(&place, "answer", " " PASSPHRASE "\r\nanother line\n", 0600, path, sizeof(path));
    expect_answer(&people, SEAL_ASK_PASSPHRASE, 0, " " PASSPHRASE "\r");
    expect_answer(&people, SEAL_ASK_NEW_PASSPHRASE, 0, " " PASSPHRASE "\r");
    place_done(&place);
}

/* The lines of standard input are the answers in turn; files come before them. */
static void test_people_answer_line_by_line(void **state HF_UNUSED)
{
    struct place place;
    place_init(&place);
    char path[512];
    struct hf_diag diag;
    struct hf_secret *answer = NULL;
    write_private(&place, "share", "from a file\n", 0400, path, sizeof(path));
    const char *const files[] = { path };
    struct operator_people people = { .share_files = files, .share_file_count = 1 };
    type(&place, "old\n\nnew\nshare two\n\n\nlast");
    expect_answer(&people, SEAL_ASK_PASSPHRASE, 0, "old");
    expect_answer(&people, SEAL_ASK_NEW_PASSPHRASE, 0, "new");
    expect_answer(&people, SEAL_ASK_SHARE, 0, "from a file");
    expect_answer(&people, SEAL_ASK_SHARE, 1, "share two");
    expect_answer(&people, SEAL_ASK_SHARE, 2, "last");
    for (int what = SEAL_ASK_PASSPHRASE; what <= SEAL_ASK_SHARE; what++)
        assert_int_equal(ask(&people, (enum seal_ask)what, 3, &diag, &answer), HF_E_NOT_FOUND);
    type(&place, "");
    assert_int_equal(ask(&people, SEAL_ASK_PASSPHRASE, 0, &diag, &answer), HF_E_NOT_FOUND);
    assert_null(answer);
    place_done(&place);
}

static void test_people_endless_line_is_refused(void **state HF_UNUSED)
{
    struct place place;
    place_init(&place);
    struct hf_diag diag;
    struct hf_secret *answer = NULL;
    struct operator_people people = { 0 };
    type(&place, "");
    const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(fd), 0);
    assert_int_equal(ask(&people, SEAL_ASK_PASSPHRASE, 0, &diag, &answer), HF_E_TOO_LARGE);
    assert_null(answer);
    place_done(&place);
}

/* ---- handing out ---- */

struct handing {
    struct place place;
    struct operator_people people;
    char folder[512];
    struct hf_diag diag;
};

static struct seal_config scheme(const struct handing *it, uint32_t shares, uint32_t threshold)
{
    return (struct seal_config){ .kind = "shamir",
                                 .folder = it->place.settings.data,
                                 .shares = shares,
                                 .threshold = threshold };
}

static hf_err make(struct handing *it, uint32_t shares, uint32_t threshold)
{
    const struct seal_config config = scheme(it, shares, threshold);
    const struct seal_people people = operator_people_seal(&it->people);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    it->diag = (struct hf_diag){ 0 };
    return seal_init(&config, &people, &it->diag, &roots);
}

static void handing_init(struct handing *it)
{
    memset(it, 0, sizeof(*it));
    place_init(&it->place);
    place_path(&it->place, "shares", it->folder, sizeof(it->folder));
    it->people = (struct operator_people){ .share_folder = it->folder, .diag = &it->diag };
    type(&it->place, "");
}

static void test_shares_nowhere_to_go_make_no_seal(void **state HF_UNUSED)
{
    struct handing it;
    handing_init(&it);
    it.people.share_folder = NULL;
    assert_int_equal(make(&it, 3, 2), HF_E_UNAVAILABLE);
    assert_non_null(strstr(it.diag.text, "give --share-folder"));
    struct operator_recipients two = { .count = 2, .item = { HF_LIT("age1q"), HF_LIT("age1p") } };
    it.people.share_folder = it.folder;
    it.people.recipients = &two;
    assert_int_equal(make(&it, 3, 2), HF_E_INVALID);
    assert_non_null(strstr(it.diag.text, "2 recipients for 3 shares"));
    it.people.recipients = NULL;
    place_write(&it.place, "shares", "a file where the folder should be");
    assert_int_not_equal(make(&it, 3, 2), HF_OK);
    place_remove(&it.place, "shares");
    assert_int_equal(it.people.given, 0);
    assert_false(place_has(&it.place, "data/seal"));
    place_done(&it.place);
}

/* Never as HF_E_EXISTS, by which seal_init() would mean the seal. */
static void test_shares_in_the_way_of_others_make_no_seal(void **state HF_UNUSED)
{
    struct handing it;
    handing_init(&it);
    assert_int_equal(mkdir(it.folder, 0700), 0);
    place_write(&it.place, "shares/share-3.txt", "another's");
    assert_int_equal(make(&it, 3, 2), HF_E_CONFLICT);
    assert_non_null(strstr(it.diag.text, "share-3.txt: exists already"));
    assert_false(place_has(&it.place, "shares/share-1.txt"));
    assert_false(place_has(&it.place, "data/seal"));
    assert_int_equal(make(&it, 2, 2), HF_OK);
    place_done(&it.place);
}

static void test_shares_that_a_program_refuses_make_no_seal(void **state HF_UNUSED)
{
    struct handing it;
    handing_init(&it);
    struct operator_recipients three = {
        .count = 3, .item = { HF_LIT("age1q"), HF_LIT("age1p"), HF_LIT("age1z") }
    };
    char path[512];
    place_write(&it.place, "age",
                "#!/bin/sh\nread x\necho '-----BEGIN AGE ENCRYPTED FILE-----'\n"
                "[ \"$3\" != age1z ]\n");
    place_path(&it.place, "age", path, sizeof(path));
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(setenv("PATH", it.place.folder, 1), 0);
    it.people.recipients = &three;
    assert_int_equal(make(&it, 3, 2), HF_E_UNAVAILABLE);
    assert_non_null(strstr(it.diag.text, "age failed (exit code 1)"));
    assert_int_equal(it.people.given, 2);
    assert_true(place_has(&it.place, "shares/share-2.age"));
    assert_false(place_has(&it.place, "shares/share-3.age"));
    assert_false(place_has(&it.place, "data/seal"));
    place_done(&it.place);
}

static void test_shares_in_files_open_the_seal(void **state HF_UNUSED)
{
    struct handing it;
    handing_init(&it);
    assert_int_equal(make(&it, 3, 2), HF_OK);
    assert_int_equal(it.people.given, 3);
    char paths[2][512];
    struct stat file;
    place_path(&it.place, "shares/share-3.txt", paths[0], sizeof(paths[0]));
    place_path(&it.place, "shares/share-1.txt", paths[1], sizeof(paths[1]));
    assert_int_equal(stat(paths[0], &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    const char *const files[] = { paths[0], paths[1] };
    struct operator_people holders = { .share_files = files,
                                       .share_file_count = 2,
                                       .diag = &it.diag };
    const struct seal_people people = operator_people_seal(&holders);
    const struct seal_config config = scheme(&it, 0, 0);
    struct seal_info info;
    assert_int_equal(seal_read_info(it.place.settings.data, NULL, &info), HF_OK);
    assert_string_equal(info.share_set, it.people.new_set);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    assert_int_equal(seal_open(&config, &people, &it.diag, &roots), HF_OK);
    place_done(&it.place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_wrong_files_are_refused),
        cmocka_unit_test(test_people_answer_with_the_first_line_byte_for_byte),
        cmocka_unit_test(test_people_answer_line_by_line),
        cmocka_unit_test(test_people_endless_line_is_refused),
        cmocka_unit_test(test_shares_nowhere_to_go_make_no_seal),
        cmocka_unit_test(test_shares_in_the_way_of_others_make_no_seal),
        cmocka_unit_test(test_shares_that_a_program_refuses_make_no_seal),
        cmocka_unit_test(test_shares_in_files_open_the_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
