/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protecting the same roots anew, rotating the root key, and a seal carried elsewhere: the old or the new opens, never neither.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER_KEY_TEXT                                                                             \
    "holdfast-key-file-v1\n"                                                                       \
    "HxAPDg0MCwoJCAcGBQQDAgEAAAECAwQFBgcICQoLDA0\n"

static struct seal_config with_key(const struct place *place, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/%s", place->root, name);
    struct seal_config config = place->config;
    config.key_file = path;
    return config;
}

/* ---- rekey ---- */

static void test_rekey_that_cannot_be_done_changes_nothing(void **state)
{
    const struct place *place = *state;
    struct seal_config config = place->config;
    struct hf_diag diag = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_INVALID); /* no roots */
    make_seal(&place->config, NULL, &roots);
    HF_CLEANUP(hf_buf_done) struct hf_buf before = { 0 };
    read_file(place->seal, &before);

    assert_int_equal(seal_rekey(&config, NULL, &roots, &diag), HF_E_EXISTS); /* the same key file */
    config.kind = "wax";
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_UNSUPPORTED);
    config.kind = "passphrase";
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_UNAVAILABLE); /* nobody there */
    config = place->config;
    config.key_file = "";
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_INVALID);
    char path[PATH_MAX];
    config = with_key(place, "another", path);
    roots.root[0].generation = 2;
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_CONFLICT);
    assert_int_not_equal(access(path, F_OK), 0);
    roots.root[0].generation = 1;

    HF_CLEANUP(hf_buf_done) struct hf_buf after = { 0 };
    read_file(place->seal, &after);
    assert_true(hf_bytes_equal(hf_buf_view(&before), hf_buf_view(&after)));
    assert_int_equal(unlink(place->seal), 0);
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_NOT_FOUND);
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_rekey_opens_with_the_new_key_only(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    make_seal(&place->config, NULL, &roots);
    char path[PATH_MAX];
    const struct seal_config config = with_key(place, "another", path);
    char leftover[PATH_MAX + 8]; /* of an interrupted seal_init() */
    (void)snprintf(leftover, sizeof(leftover), "%s.new", place->seal);
    assert_int_equal(link(place->seal, leftover), 0);
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_OK);
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    open_seal(&config, NULL, &opened);
    assert_same_roots(&roots, &opened);
    expect_open(&place->config, NULL, HF_E_FORBIDDEN, "the old key file");
    struct stat file;
    assert_int_equal(stat(place->seal, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(count_files(place->data), 1);
    /* again, as after an interruption behind the last step */
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_E_EXISTS);
}

/* What lies beside the seal after an interruption may be under the old key; what others put there is theirs. */
static void test_rekey_removes_what_was_left_and_nothing_else(void **state)
{
    static const char *const left[] = { ".new", ".tmp-aB3xYz", ".new.tmp-000000" };
    static const char *const others[] = { ".backup", ".newer",      ".tmp-aB3xY",    ".tmp-aB3xYz0",
                                          ".old",    ".new.aB3xYz", "ed.tmp-aB3xYz", "2" };
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    make_seal(&place->config, NULL, &roots);
    char path[PATH_MAX];
    char beside[PATH_MAX + 32];
    const struct seal_config config = with_key(place, "another", path);
    for (size_t i = 0; i < HF_ARRAY_LEN(left); i++) {
        (void)snprintf(beside, sizeof(beside), "%s%s", place->seal, left[i]);
        assert_int_equal(link(place->seal, beside), 0);
    }
    for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
        (void)snprintf(beside, sizeof(beside), "%s%s", place->seal, others[i]);
        assert_int_equal(link(place->seal, beside), 0);
    }
    assert_int_equal(seal_rekey(&config, NULL, &roots, NULL), HF_OK);
    assert_int_equal(count_files(place->data), 1 + HF_ARRAY_LEN(others));
    for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
        (void)snprintf(beside, sizeof(beside), "%s%s", place->seal, others[i]);
        assert_int_equal(unlink(beside), 0);
    }
}

static void test_rekey_mends_a_damaged_seal(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    make_seal(&place->config, NULL, &roots);
    write_file(place->seal, hf_str_bytes(HF_LIT("HFSEAL")));
    assert_int_equal(seal_rekey(&place->config, NULL, &roots, NULL), HF_OK);
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    open_seal(&place->config, NULL, &opened);
    assert_same_roots(&roots, &opened);
}

/* The text of the key file, encrypted as a credential, is the usual way from one to the other. */
static void test_migration_to_a_credential_of_the_same_key(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    make_seal(&place->config, NULL, &roots);
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof(keys), "%s/keys", place->root);
    struct seal_config credential = place->config;
    credential.kind = "systemd-credential";
    credential.credentials_folder = keys;
    credential.credential = "wrapping";
    assert_int_equal(chmod(place->key, 0400), 0);
    assert_int_equal(seal_rekey(&credential, NULL, &roots, NULL), HF_OK);
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    open_seal(&credential, NULL, &opened);
    assert_same_roots(&roots, &opened);
    assert_int_equal(seal_rekey(&credential, NULL, &roots, NULL), HF_E_EXISTS);
}

static void test_migration_changes_the_kind_and_back(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    make_seal(&place->config, NULL, &roots);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    struct seal_config config = place->config;
    config.kind = "shamir";
    config.shares = 1;
    config.threshold = 1;
    assert_int_equal(seal_rekey(&config, &crowd.people, &roots, NULL), HF_OK);
    crowd_hand_in(&crowd, 1, (size_t[]){ 1 });
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    open_seal(&config, &crowd, &opened);
    assert_same_roots(&roots, &opened);
    struct hf_diag diag = { 0 };
    struct seal_roots none = { 0 };
    assert_int_equal(seal_open(&place->config, &crowd.people, &diag, &none), HF_E_UNSUPPORTED);
    assert_non_null(strstr(diag.text, "migrate-seal"));
    /* the old key file may be used again */
    assert_int_equal(seal_rekey(&place->config, NULL, &roots, NULL), HF_OK);
    expect_open(&place->config, NULL, HF_OK, "back");
}

/* ---- rotation ---- */

static void test_rotation_goes_through_two_roots(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots first = { 0 };
    make_seal(&place->config, NULL, &first);
    HF_CLEANUP(seal_roots_done) struct seal_roots both = { 0 };
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &both), HF_OK);
    assert_int_equal(both.count, 2);
    assert_int_equal(both.root[0].generation, 1);
    assert_int_equal(both.root[1].generation, 2);
    assert_true(hf_secret_equal(both.root[0].key, hf_secret_view(first.root[0].key)));
    assert_false(hf_secret_equal(both.root[1].key, hf_secret_view(first.root[0].key)));

    /* resumed, opened, protected anew on the way */
    HF_CLEANUP(seal_roots_done) struct seal_roots resumed = { 0 };
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &resumed), HF_OK);
    assert_same_roots(&both, &resumed);
    char path[PATH_MAX];
    const struct seal_config config = with_key(place, "another", path);
    assert_int_equal(seal_rekey(&config, NULL, &both, NULL), HF_OK);
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    open_seal(&config, NULL, &opened);
    assert_same_roots(&both, &opened);

    for (size_t i = 0; i < 2; i++) { /* the second time there is nothing to do */
        assert_int_equal(seal_rotate_end(&config, NULL, NULL), HF_OK);
        HF_CLEANUP(seal_roots_done) struct seal_roots last = { 0 };
        open_seal(&config, NULL, &last);
        assert_int_equal(last.count, 1);
        assert_int_equal(last.root[0].generation, 2);
        assert_true(hf_secret_equal(last.root[0].key, hf_secret_view(both.root[1].key)));
    }
}

static void test_rotation_without_the_key_changes_nothing(void **state)
{
    const struct place *place = *state;
    struct seal_roots roots = { 0 };
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &roots), HF_E_NOT_FOUND);
    assert_int_equal(seal_rotate_end(&place->config, NULL, NULL), HF_E_NOT_FOUND);
    HF_CLEANUP(seal_roots_done) struct seal_roots first = { 0 };
    make_seal(&place->config, NULL, &first);
    HF_CLEANUP(hf_buf_done) struct hf_buf before = { 0 };
    read_file(place->seal, &before);
    write_key(place, HF_LIT(OTHER_KEY_TEXT));
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &roots), HF_E_FORBIDDEN);
    assert_int_equal(seal_rotate_end(&place->config, NULL, NULL), HF_E_FORBIDDEN);
    assert_int_equal(unlink(place->key), 0);
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &roots), HF_E_UNAVAILABLE);
    assert_int_equal(roots.count, 0);
    HF_CLEANUP(hf_buf_done) struct hf_buf after = { 0 };
    read_file(place->seal, &after);
    assert_true(hf_bytes_equal(hf_buf_view(&before), hf_buf_view(&after)));
}

/* ---- as bytes ---- */

static void test_seal_carried_elsewhere_opens_there(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    assert_int_equal(seal_export(place->data, NULL, &bytes), HF_E_NOT_FOUND);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&place->config, NULL, &made);
    assert_int_equal(seal_export(place->data, NULL, &bytes), HF_OK);

    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    struct seal_config config = place->config;
    config.folder = NULL;
    assert_int_equal(seal_open_bytes(hf_buf_view(&bytes), &config, NULL, NULL, &opened), HF_OK);
    assert_same_roots(&made, &opened);

    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s/elsewhere/data", place->root);
    struct hf_diag diag = { 0 };
    assert_int_equal(seal_install(folder, (hf_bytes){ bytes.p, bytes.n - 1 }, &diag), HF_E_CORRUPT);
    assert_int_not_equal(access(folder, F_OK), 0); /* refused before anything is touched */
    assert_int_equal(seal_install("", hf_buf_view(&bytes), NULL), HF_E_INVALID);
    assert_int_equal(seal_install(folder, hf_buf_view(&bytes), NULL), HF_OK);
    assert_int_equal(seal_install(folder, hf_buf_view(&bytes), NULL), HF_E_EXISTS);
    config.folder = folder;
    HF_CLEANUP(seal_roots_done) struct seal_roots there = { 0 };
    open_seal(&config, NULL, &there);
    assert_same_roots(&made, &there);
}

static void test_damaged_seal_is_not_exported(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&place->config, NULL, &made);
    write_file(place->seal, hf_str_bytes(HF_LIT("HFSEAL")));
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    assert_int_equal(seal_export(place->data, NULL, &bytes), HF_E_CORRUPT);
    assert_int_equal(bytes.n, 0);
}

static void test_info_says_kind_and_generation(void **state)
{
    const struct place *place = *state;
    struct seal_info info = { 0 };
    assert_int_equal(seal_read_info(place->data, NULL, &info), HF_E_NOT_FOUND);
    assert_int_equal(seal_read_info(NULL, NULL, &info), HF_E_INVALID);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&place->config, NULL, &made);
    HF_CLEANUP(seal_roots_done) struct seal_roots both = { 0 };
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &both), HF_OK);
    assert_int_equal(seal_read_info(place->data, NULL, &info), HF_OK);
    assert_string_equal(info.kind, "key-file");
    assert_int_equal(info.generation, 2);
    assert_int_equal(info.roots, 2);
    assert_int_equal(info.shares, 0);
    assert_false(info.asks_people);
    write_file(place->seal, hf_str_bytes(HF_LIT("HFSEAL\0\1")));
    assert_int_equal(seal_read_info(place->data, NULL, &info), HF_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rekey_that_cannot_be_done_changes_nothing,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_rekey_opens_with_the_new_key_only, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_rekey_removes_what_was_left_and_nothing_else,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_rekey_mends_a_damaged_seal, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_migration_to_a_credential_of_the_same_key,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_migration_changes_the_kind_and_back, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_rotation_goes_through_two_roots, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_rotation_without_the_key_changes_nothing, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_seal_carried_elsewhere_opens_there, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_seal_is_not_exported, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_info_says_kind_and_generation, place_set_up,
                                        place_tear_down),
    };
    return cmocka_run_group_tests_name("seal changes", tests, place_set_up_library, NULL);
}
