/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a data folder: foreign, damaged and busy ones are refused; an own one keeps what was in
 * it.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
    struct support_folder *folder = calloc(1, sizeof(*folder));
    assert_non_null(folder);
    support_folder_make(folder);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    support_folder_remove(*state);
    free(*state);
    return 0;
}

/* Opening must fail with this error and say why. */
static void expect_refused(const struct support_folder *folder, hf_err expected)
{
    const struct store_config config = { .folder = folder->data, .no_sync = true };
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    hf_err err = store_open(&config, &diag, &store);
    if (err != expected)
        fail_msg("%s, not %s: %s", hf_err_name(err), hf_err_name(expected), diag.text);
    assert_null(store);
    assert_true(strlen(diag.text) > 0);
}

static void write_at(const char *path, off_t offset, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, offset), n);
    assert_int_equal(close(fd), 0);
}

static void make_store(const struct support_folder *folder)
{
    struct store *store = support_open(folder);
    assert_int_equal(support_put(store, "a", "1"), HF_OK);
    store_close(store);
}

/* ---- refused ---- */

static void test_open_without_folder_is_refused(void **state HF_UNUSED)
{
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    assert_int_equal(store_open(&(struct store_config){ .folder = NULL }, &diag, &store),
                     HF_E_INVALID);
    assert_int_equal(store_open(&(struct store_config){ .folder = "" }, &diag, &store),
                     HF_E_INVALID);
    assert_null(store);
    store_close(NULL);
}

static void test_open_foreign_file_is_corrupt(void **state)
{
    const struct support_folder *folder = *state;
    assert_int_equal(mkdir(folder->data, 0700), 0);
    char text[9000];
    memset(text, 'x', sizeof(text));
    write_at(support_data_path(folder, "data.mdb"), 0, text, sizeof(text));
    expect_refused(folder, HF_E_CORRUPT);
}

static void test_open_file_cut_short_is_corrupt(void **state)
{
    const struct support_folder *folder = *state;
    static const off_t sizes[] = { 100, 4096, 8192 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        make_store(folder);
        assert_int_equal(truncate(support_data_path(folder, "data.mdb"), sizes[i]), 0);
        expect_refused(folder, HF_E_CORRUPT);
        assert_int_equal(unlink(support_data_path(folder, "data.mdb")), 0);
    }
}

/* A hole in it would be filled through a mapping, and a full disk be the end of the process. */
static void test_open_table_of_readers_has_its_room(void **state)
{
    const struct support_folder *folder = *state;
    make_store(folder);
    struct stat info;
    assert_int_equal(stat(support_data_path(folder, "lock.mdb"), &info), 0);
    assert_true(info.st_size > 0);
    assert_true(info.st_blocks * 512 >= info.st_size);
}

static void test_open_leftover_of_interrupted_making_is_replaced(void **state)
{
    const struct support_folder *folder = *state;
    assert_int_equal(mkdir(folder->data, 0700), 0);
    write_at(support_data_path(folder, "data.mdb.new"), 0, "half", 4);
    make_store(folder);
    assert_int_equal(access(support_data_path(folder, "data.mdb.new"), F_OK), -1);
    make_store(folder); /* the second time it is there */
}

static void test_open_other_engine_version_is_format(void **state)
{
    const struct support_folder *folder = *state;
    make_store(folder);
    const uint32_t version = 999;
    const off_t version_offset = 20; /* in each of the two first pages */
    write_at(support_data_path(folder, "data.mdb"), version_offset, &version, sizeof(version));
    write_at(support_data_path(folder, "data.mdb"), sysconf(_SC_PAGESIZE) + version_offset,
             &version, sizeof(version));
    expect_refused(folder, HF_E_FORMAT);
}

static void test_open_unknown_format_record_is_format(void **state)
{
    static const struct {
        const char *name;
        uint8_t value[8];
        size_t n;
    } cases[] = {
        { "later", { 0, 0, 0, 2 }, 4 },  { "other byte order", { 1, 0, 0, 0 }, 4 },
        { "too short", { 0, 0, 1 }, 3 }, { "too long", { 0, 0, 0, 1, 0 }, 5 },
        { "empty", { 0 }, 0 },
    };
    const struct support_folder *folder = *state;
    const hf_bytes key = support_bytes("\x01"
                                       "format");
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct store *store = support_open(folder);
        hf_bytes value = { cases[i].value, cases[i].n };
        assert_int_equal(support_change(store, key, &value), HF_OK);
        store_close(store);
        expect_refused(folder, HF_E_FORMAT);
        assert_int_equal(unlink(support_data_path(folder, "data.mdb")), 0);
    }
    struct store *store = support_open(folder);
    assert_int_equal(support_put(store, "a", "1"), HF_OK);
    assert_int_equal(support_change(store, key, NULL), HF_OK);
    store_close(store);
    expect_refused(folder, HF_E_FORMAT);
}

static void test_open_twice_in_one_process_is_busy(void **state)
{
    const struct support_folder *folder = *state;
    struct store *store = support_open(folder);
    expect_refused(folder, HF_E_BUSY);
    assert_int_equal(support_put(store, "a", "1"), HF_OK);
    store_close(store);
    store = support_open(folder);
    assert_true(support_holds(store, "a", "1"));
    store_close(store);
}

static void test_open_in_second_process_is_busy(void **state)
{
    const struct support_folder *folder = *state;
    int ready[2];
    int release[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct store_config config = { .folder = folder->data, .no_sync = true };
        struct store *store = NULL;
        char byte = store_open(&config, NULL, &store) == HF_OK;
        (void)close(release[1]);
        bool is_told = write(ready[1], &byte, 1) == 1 && read(release[0], &byte, 1) == 0;
        store_close(store);
        _exit(is_told ? 0 : 1);
    }
    char is_open = 0;
    assert_int_equal(read(ready[0], &is_open, 1), 1);
    assert_int_equal(is_open, 1);
    expect_refused(folder, HF_E_BUSY);
    assert_int_equal(close(release[1]), 0);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)close(release[0]);
    store_close(support_open(folder));
}

static void test_open_folder_of_others_is_forbidden(void **state)
{
    const struct support_folder *folder = *state;
    if (geteuid() == 0)
        skip(); /* root may do everything */
    make_store(folder);
    assert_int_equal(chmod(support_data_path(folder, "data.mdb"), 0), 0);
    expect_refused(folder, HF_E_FORBIDDEN);
}

/* ---- opened ---- */

static void test_open_makes_private_files(void **state)
{
    const struct support_folder *folder = *state;
    mode_t before = umask(0);
    make_store(folder);
    (void)umask(before);
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = { { ".", 0700 }, { "lock", 0600 }, { "data.mdb", 0600 }, { "lock.mdb", 0600 } };
    for (size_t i = 0; i < HF_ARRAY_LEN(files); i++) {
        struct stat file;
        assert_int_equal(stat(support_data_path(folder, files[i].name), &file), 0);
        assert_int_equal(file.st_mode & 07777, files[i].mode);
    }
}

static void test_reopen_keeps_what_was_acknowledged(void **state)
{
    enum { ROUNDS = 5 };
    const struct support_folder *folder = *state;
    char key[16];
    for (int i = 0; i < ROUNDS; i++) {
        struct store *store = support_open_with(folder, (struct store_config){ 0 });
        for (int j = 0; j < i; j++) {
            (void)snprintf(key, sizeof(key), "round %d", j);
            assert_true(support_holds(store, key, key));
        }
        (void)snprintf(key, sizeof(key), "round %d", i);
        assert_int_equal(support_put(store, key, key), HF_OK);
        assert_int_equal(store_stats(store).commands, 1);
        assert_int_equal(store_stats(store).batches, 1);
        store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_without_folder_is_refused),
        cmocka_unit_test_setup_teardown(test_open_foreign_file_is_corrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_file_cut_short_is_corrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_table_of_readers_has_its_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_leftover_of_interrupted_making_is_replaced,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_other_engine_version_is_format, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open_unknown_format_record_is_format, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open_twice_in_one_process_is_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_in_second_process_is_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_folder_of_others_is_forbidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_makes_private_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reopen_keeps_what_was_acknowledged, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
