/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals with a key file or a credential: refused configurations and files, interrupted initialisation, and the way back to the
 * same key.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- refused ---- */

static void test_seal_wrong_configuration_is_refused(void **state)
{
    const struct place *place = *state;
    const struct {
        const char *name;
        const char *kind;
        const char *folder;
        const char *key_file;
        hf_err expected;
        hf_err expected_open; /* the folder is not initialised */
    } cases[] = {
        { "no kind", NULL, place->data, place->key, HF_E_UNSUPPORTED, HF_E_NOT_FOUND },
        { "other kind", "key", place->data, place->key, HF_E_UNSUPPORTED, HF_E_NOT_FOUND },
        { "no folder", "key-file", NULL, place->key, HF_E_INVALID, HF_E_INVALID },
        { "empty folder", "key-file", "", place->key, HF_E_INVALID, HF_E_INVALID },
        { "no key file", "key-file", place->data, NULL, HF_E_INVALID, HF_E_NOT_FOUND },
        { "empty key file", "key-file", place->data, "", HF_E_INVALID, HF_E_NOT_FOUND },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_diag diag = { 0 };
        struct seal_roots roots = { 0 };
        const struct seal_config config = { .kind = cases[i].kind,
                                            .folder = cases[i].folder,
                                            .key_file = cases[i].key_file };
        if (seal_init(&config, NULL, &diag, &roots) != cases[i].expected)
            fail_msg("init: %s", cases[i].name);
        if (seal_open(&config, NULL, NULL, &roots) != cases[i].expected_open)
            fail_msg("open: %s", cases[i].name);
        assert_int_equal(roots.count, 0);
        assert_true(diag.text[0] != '\0');
    }
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_open_uninitialised_is_not_found(void **state)
{
    const struct place *place = *state;
    expect_open(&place->config, NULL, HF_E_NOT_FOUND, "no folder");
    write_key(place, HF_LIT(KEY_TEXT));
    expect_open(&place->config, NULL, HF_E_NOT_FOUND, "only a key file");
}

static void test_init_sealed_folder_is_refused_and_unchanged(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots first = { 0 };
    make_seal(&place->config, NULL, &first);
    HF_CLEANUP(hf_buf_done) struct hf_buf before = { 0 };
    HF_CLEANUP(hf_buf_done) struct hf_buf after = { 0 };
    read_file(place->seal, &before);
    struct seal_roots second = { 0 };
    assert_int_equal(seal_init(&place->config, NULL, NULL, &second), HF_E_EXISTS);
    assert_int_equal(second.count, 0);
    read_file(place->seal, &after);
    assert_true(hf_bytes_equal(hf_buf_view(&before), hf_buf_view(&after)));

    /* also when the seal cannot be used any more, and no new key file appears */
    write_file(place->seal, hf_str_bytes(HF_LIT("damaged")));
    assert_int_equal(unlink(place->key), 0);
    assert_int_equal(seal_init(&place->config, NULL, NULL, &second), HF_E_EXISTS);
    assert_int_not_equal(access(place->key, F_OK), 0);
}

static void test_open_with_wrong_key_file_is_refused(void **state)
{
    static const struct {
        const char *name;
        hf_str text;
        hf_err expected;
    } cases[] = {
        { "another key", { KEY_TEXT, sizeof(KEY_TEXT) - 1 }, HF_E_FORBIDDEN },
        { "empty", { "", 0 }, HF_E_CORRUPT },
        { "foreign", { "-----BEGIN KEY-----\n", 20 }, HF_E_CORRUPT },
        { "later version", { "holdfast-key-file-v2\nAAAA\n", 26 }, HF_E_FORMAT },
        { "version 10", { "holdfast-key-file-v10\nAAAA\n", 27 }, HF_E_FORMAT },
        { "header only", { "holdfast-key-file-v1\n", 21 }, HF_E_CORRUPT },
        { "short key", { "holdfast-key-file-v1\nAAECAwQFBgc\n", 33 }, HF_E_CORRUPT },
        { "not base64url",
          { "holdfast-key-file-v1\n////////////////////////////////////////////\n", 66 },
          HF_E_CORRUPT },
        { "two lines", { KEY_TEXT "\n", sizeof(KEY_TEXT) }, HF_E_CORRUPT },
        { "CR LF",
          { "holdfast-key-file-v1\r\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\r\n", 67 },
          HF_E_FORMAT },
    };
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots root_key = { 0 };
    make_seal(&place->config, NULL, &root_key);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        write_key(place, cases[i].text);
        expect_open(&place->config, NULL, cases[i].expected, cases[i].name);
    }
    char large[2000];
    memset(large, 'A', sizeof(large));
    memcpy(large, KEY_TEXT, sizeof(KEY_TEXT) - 1);
    write_key(place, (hf_str){ large, sizeof(large) });
    expect_open(&place->config, NULL, HF_E_CORRUPT, "too large");
    assert_int_equal(unlink(place->key), 0);
    expect_open(&place->config, NULL, HF_E_UNAVAILABLE, "missing");
    assert_int_equal(mkdir(place->key, 0700), 0);
    expect_open(&place->config, NULL, HF_E_FORBIDDEN, "a folder");
    assert_int_equal(rmdir(place->key), 0);
    assert_int_equal(mkfifo(place->key, 0600), 0);
    expect_open(&place->config, NULL, HF_E_FORBIDDEN, "a pipe");
}

static void test_key_file_open_to_others_is_forbidden(void **state)
{
    static const struct {
        mode_t mode;
        hf_err expected;
    } cases[] = {
        { 0644, HF_E_FORBIDDEN }, { 0640, HF_E_FORBIDDEN }, { 0604, HF_E_FORBIDDEN },
        { 0620, HF_E_FORBIDDEN }, { 0601, HF_E_FORBIDDEN }, { 0777, HF_E_FORBIDDEN },
        { 0600, HF_OK },          { 0400, HF_OK },          { 0700, HF_OK },
    };
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots root_key = { 0 };
    make_seal(&place->config, NULL, &root_key);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%04o", (unsigned int)cases[i].mode);
        assert_int_equal(chmod(place->key, cases[i].mode), 0);
        expect_open(&place->config, NULL, cases[i].expected, name);
    }
    /* neither is it used for a new seal */
    assert_int_equal(unlink(place->seal), 0);
    assert_int_equal(chmod(place->key, 0644), 0);
    struct seal_roots other = { 0 };
    assert_int_equal(seal_init(&place->config, NULL, NULL, &other), HF_E_FORBIDDEN);
    assert_int_equal(other.count, 0);
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_key_file_of_another_user_is_forbidden(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    HF_CLEANUP(seal_roots_done) struct seal_roots root_key = { 0 };
    make_seal(&place->config, NULL, &root_key);
    assert_int_equal(chown(place->key, 12345, 12345), 0);
    expect_open(&place->config, NULL, HF_E_FORBIDDEN, "another owner");
}

/* ---- made and opened ---- */

static void test_open_after_init_gives_the_same_key(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    make_seal(&place->config, NULL, &made);
    assert_int_equal(seal_open(&place->config, NULL, NULL, &opened), HF_OK);
    assert_same_roots(&opened, &made);

    HF_CLEANUP(hf_buf_done) struct hf_buf seal = { 0 };
    read_file(place->seal, &seal);
    assert_null(memmem(seal.p, seal.n, hf_secret_view(made.root[0].key).p, 8));
}

static void test_init_makes_private_files_and_no_others(void **state)
{
    const struct place *place = *state;
    mode_t before = umask(0);
    HF_CLEANUP(seal_roots_done) struct seal_roots root_key = { 0 };
    make_seal(&place->config, NULL, &root_key);
    (void)umask(before);
    struct stat file;
    assert_int_equal(stat(place->key, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(stat(place->seal, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(stat(place->data, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0700);
    assert_int_equal(count_files(place->data), 1);
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof(keys), "%s/keys", place->root);
    assert_int_equal(count_files(keys), 1);
}

static void test_init_with_existing_key_file_uses_it_unchanged(void **state)
{
    const struct place *place = *state;
    write_key(place, HF_LIT(KEY_TEXT)); /* as an interrupted initialisation leaves it, too */
    HF_CLEANUP(seal_roots_done) struct seal_roots root_key = { 0 };
    make_seal(&place->config, NULL, &root_key);
    HF_CLEANUP(hf_buf_done) struct hf_buf key = { 0 };
    read_file(place->key, &key);
    assert_true(hf_str_equal(hf_buf_str(&key), HF_LIT(KEY_TEXT)));
    /* without the final line end it is the same key */
    write_key(place, (hf_str){ KEY_TEXT, sizeof(KEY_TEXT) - 2 });
    expect_open(&place->config, NULL, HF_OK, "no line end");
}

/* Somebody may have named his next key file so. */
static void test_init_leaves_a_file_beside_the_key_file_alone(void **state)
{
    const struct place *place = *state;
    char other[PATH_MAX + 8];
    (void)snprintf(other, sizeof(other), "%s.new", place->key);
    write_key(place, HF_LIT(KEY_TEXT));
    assert_int_equal(rename(place->key, other), 0);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    make_seal(&place->config, NULL, &roots);
    HF_CLEANUP(hf_buf_done) struct hf_buf text = { 0 };
    read_file(other, &text);
    assert_true(hf_str_equal(hf_buf_str(&text), HF_LIT(KEY_TEXT)));
}

static void test_init_after_interruption_completes(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots first = { 0 };
    make_seal(&place->config, NULL, &first);
    /* between key file and seal; and temporary files half written */
    char leftover[PATH_MAX + 8];
    assert_int_equal(unlink(place->seal), 0);
    (void)snprintf(leftover, sizeof(leftover), "%s.new", place->seal);
    write_file(leftover, hf_str_bytes(HF_LIT("HFSE")));
    HF_CLEANUP(seal_roots_done) struct seal_roots second = { 0 };
    make_seal(&place->config, NULL, &second);
    assert_false(hf_secret_equal(second.root[0].key, hf_secret_view(first.root[0].key)));
    assert_int_not_equal(access(leftover, F_OK), 0);
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    assert_int_equal(seal_open(&place->config, NULL, NULL, &opened), HF_OK);
    assert_same_roots(&second, &opened);
}

/* ---- systemd-credential ---- */

static struct seal_config credential_config(const struct place *place, const char *name)
{
    return (struct seal_config){ .kind = "systemd-credential",
                                 .folder = place->data,
                                 .credential = name,
                                 .credentials_folder = place->root };
}

static void test_credential_that_cannot_be_used_is_refused(void **state)
{
    const struct place *place = *state;
    const struct {
        const char *name;
        const char *folder;
        hf_err expected;
    } cases[] = {
        { NULL, place->root, HF_E_INVALID },  { "", place->root, HF_E_INVALID },
        { "..", place->root, HF_E_INVALID },  { "../wrapping", place->root, HF_E_INVALID },
        { "a/b", place->root, HF_E_INVALID }, { "wrapping", NULL, HF_E_UNAVAILABLE },
        { "wrapping", "", HF_E_UNAVAILABLE }, { "wrapping", place->root, HF_E_UNAVAILABLE },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct seal_config config = credential_config(place, cases[i].name);
        config.credentials_folder = cases[i].folder;
        struct hf_diag diag = { 0 };
        struct seal_roots roots = { 0 };
        if (seal_init(&config, NULL, &diag, &roots) != cases[i].expected)
            fail_msg("case %zu: %s", i, diag.text);
        assert_true(diag.text[0] != '\0');
    }
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_credential_seals_and_opens(void **state)
{
    static const struct {
        mode_t mode;
        hf_err expected;
    } modes[] = {
        /* the group's mode is where an access list shows */
        { 0400, HF_OK },          { 0440, HF_OK },          { 0500, HF_OK },
        { 0600, HF_E_FORBIDDEN }, { 0444, HF_E_FORBIDDEN }, { 0460, HF_E_FORBIDDEN },
    };
    const struct place *place = *state;
    const struct seal_config config = credential_config(place, "wrapping");
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/wrapping", place->root);
    write_file(path, hf_str_bytes(HF_LIT(KEY_TEXT)));
    assert_int_equal(chmod(path, 0400), 0);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    make_seal(&config, NULL, &made);
    open_seal(&config, NULL, &opened);
    assert_same_roots(&made, &opened);
    for (size_t i = 0; i < HF_ARRAY_LEN(modes); i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%04o", (unsigned int)modes[i].mode);
        assert_int_equal(chmod(path, modes[i].mode), 0);
        expect_open(&config, NULL, modes[i].expected, name);
    }
    assert_int_equal(unlink(path), 0);
    expect_open(&config, NULL, HF_E_UNAVAILABLE, "missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seal_wrong_configuration_is_refused, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_open_uninitialised_is_not_found, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_init_sealed_folder_is_refused_and_unchanged,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_open_with_wrong_key_file_is_refused, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_key_file_open_to_others_is_forbidden, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_key_file_of_another_user_is_forbidden, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_open_after_init_gives_the_same_key, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_init_makes_private_files_and_no_others, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_init_with_existing_key_file_uses_it_unchanged,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_init_leaves_a_file_beside_the_key_file_alone,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_init_after_interruption_completes, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_credential_that_cannot_be_used_is_refused,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_credential_seals_and_opens, place_set_up,
                                        place_tear_down),
    };
    return cmocka_run_group_tests_name("seal key-file", tests, place_set_up_library, NULL);
}
