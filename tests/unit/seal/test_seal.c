/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal with a key file: refused configurations, damaged files, interrupted initialisation, and
 * the way back to the same key.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "seal/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES 8192
#define KEY_TEXT "holdfast-key-file-v1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"

struct fixture {
    char root[PATH_MAX / 4];
    char data[PATH_MAX / 2];
    char key[PATH_MAX / 2];
    char seal[PATH_MAX];
    struct seal_config config;
};

static int set_up_library(void **state HF_UNUSED)
{
    struct hf_diag diag = { 0 };
    assert_int_equal(crypto_init(&diag), HF_OK);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    const char *base = getenv("TMPDIR");
    (void)snprintf(fixture->root, sizeof(fixture->root), "%s/holdfast-seal-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->root));
    (void)snprintf(fixture->data, sizeof(fixture->data), "%s/data", fixture->root);
    (void)snprintf(fixture->key, sizeof(fixture->key), "%s/keys/wrapping", fixture->root);
    (void)snprintf(fixture->seal, sizeof(fixture->seal), "%s/seal", fixture->data);
    fixture->config = (struct seal_config){
        .kind = "key-file",
        .folder = fixture->data,
        .key_file = fixture->key,
    };
    *state = fixture;
    return 0;
}

/* How many files a folder holds; all are removed if asked for. */
static size_t count_files(const char *path, bool removing)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    size_t count = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if (removing)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
    return count;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof(keys), "%s/keys", fixture->root);
    (void)count_files(keys, true);
    (void)rmdir(keys);
    (void)count_files(fixture->data, true);
    (void)rmdir(fixture->data);
    assert_int_equal(rmdir(fixture->root), 0);
    free(fixture);
    return 0;
}

static void read_file(const char *path, struct hf_buf *out)
{
    hf_buf_init(out, FILE_MAX_BYTES);
    assert_int_equal(hf_file_read(path, out), HF_OK);
}

static void write_file(const char *path, hf_bytes content)
{
    assert_int_equal(hf_file_write(path, content, 0600), HF_OK);
}

static void write_key(const struct fixture *fixture, hf_str text)
{
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof(keys), "%s/keys", fixture->root);
    assert_int_equal(hf_folder_make(keys, 0700), HF_OK);
    write_file(fixture->key, hf_str_bytes(text));
}

/* Opening must fail with this error and say why; nothing comes out. */
static void expect_open(const struct fixture *fixture, hf_err expected, const char *name)
{
    struct hf_diag diag = { 0 };
    struct hf_secret *root_key = NULL;
    hf_err err = seal_open(&fixture->config, &diag, &root_key);
    if (err != expected)
        fail_msg("%s: %s, not %s (%s)", name, hf_err_name(err), hf_err_name(expected), diag.text);
    if (expected != HF_OK) {
        assert_null(root_key);
        assert_true(diag.text[0] != '\0');
    }
    hf_secret_free(root_key);
}

static void make_seal(const struct fixture *fixture, struct hf_secret **out_root_key)
{
    struct hf_diag diag = { 0 };
    hf_err err = seal_init(&fixture->config, &diag, out_root_key);
    if (err != HF_OK)
        fail_msg("seal_init: %s (%s)", hf_err_name(err), diag.text);
    assert_int_equal(hf_secret_size(*out_root_key), SEAL_ROOT_KEY_BYTES);
}

/* ---- refused ---- */

static void test_seal_wrong_configuration_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    const struct {
        const char *name;
        struct seal_config config;
        hf_err expected;
        hf_err expected_open; /* the folder is not initialised */
    } cases[] = {
        { "no kind", { NULL, fixture->data, fixture->key }, HF_E_UNSUPPORTED, HF_E_UNSUPPORTED },
        { "other kind",
          { "key", fixture->data, fixture->key },
          HF_E_UNSUPPORTED,
          HF_E_UNSUPPORTED },
        { "no folder", { "key-file", NULL, fixture->key }, HF_E_INVALID, HF_E_INVALID },
        { "empty folder", { "key-file", "", fixture->key }, HF_E_INVALID, HF_E_INVALID },
        { "no key file", { "key-file", fixture->data, NULL }, HF_E_INVALID, HF_E_NOT_FOUND },
        { "empty key file", { "key-file", fixture->data, "" }, HF_E_INVALID, HF_E_NOT_FOUND },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_diag diag = { 0 };
        struct hf_secret *root_key = NULL;
        if (seal_init(&cases[i].config, &diag, &root_key) != cases[i].expected)
            fail_msg("init: %s", cases[i].name);
        if (seal_open(&cases[i].config, NULL, &root_key) != cases[i].expected_open)
            fail_msg("open: %s", cases[i].name);
        assert_null(root_key);
        assert_true(diag.text[0] != '\0');
    }
    assert_int_not_equal(access(fixture->seal, F_OK), 0);
}

static void test_open_uninitialised_is_not_found(void **state)
{
    const struct fixture *fixture = *state;
    expect_open(fixture, HF_E_NOT_FOUND, "no folder");
    write_key(fixture, HF_LIT(KEY_TEXT));
    expect_open(fixture, HF_E_NOT_FOUND, "only a key file");
}

static void test_init_sealed_folder_is_refused_and_unchanged(void **state)
{
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *first = NULL;
    make_seal(fixture, &first);
    HF_CLEANUP(hf_buf_done) struct hf_buf before = { 0 };
    HF_CLEANUP(hf_buf_done) struct hf_buf after = { 0 };
    read_file(fixture->seal, &before);
    struct hf_secret *second = NULL;
    assert_int_equal(seal_init(&fixture->config, NULL, &second), HF_E_EXISTS);
    assert_null(second);
    read_file(fixture->seal, &after);
    assert_true(hf_bytes_equal(hf_buf_view(&before), hf_buf_view(&after)));

    /* also when the seal cannot be used any more, and no new key file appears */
    write_file(fixture->seal, hf_str_bytes(HF_LIT("damaged")));
    assert_int_equal(unlink(fixture->key), 0);
    assert_int_equal(seal_init(&fixture->config, NULL, &second), HF_E_EXISTS);
    assert_int_not_equal(access(fixture->key, F_OK), 0);
}

static void test_open_with_wrong_key_file_is_refused(void **state)
{
    static const struct {
        const char *name;
        hf_str text;
        hf_err expected;
    } cases[] = {
        { "another key", { KEY_TEXT, sizeof(KEY_TEXT) - 1 }, HF_E_CORRUPT },
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
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        write_key(fixture, cases[i].text);
        expect_open(fixture, cases[i].expected, cases[i].name);
    }
    char large[2000];
    memset(large, 'A', sizeof(large));
    memcpy(large, KEY_TEXT, sizeof(KEY_TEXT) - 1);
    write_key(fixture, (hf_str){ large, sizeof(large) });
    expect_open(fixture, HF_E_CORRUPT, "too large");
    assert_int_equal(unlink(fixture->key), 0);
    expect_open(fixture, HF_E_UNAVAILABLE, "missing");
    assert_int_equal(mkdir(fixture->key, 0700), 0);
    expect_open(fixture, HF_E_FORBIDDEN, "a folder");
    assert_int_equal(rmdir(fixture->key), 0);
    assert_int_equal(mkfifo(fixture->key, 0600), 0);
    expect_open(fixture, HF_E_FORBIDDEN, "a pipe");
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
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%04o", (unsigned int)cases[i].mode);
        assert_int_equal(chmod(fixture->key, cases[i].mode), 0);
        expect_open(fixture, cases[i].expected, name);
    }
    /* neither is it used for a new seal */
    assert_int_equal(unlink(fixture->seal), 0);
    assert_int_equal(chmod(fixture->key, 0644), 0);
    struct hf_secret *other = NULL;
    assert_int_equal(seal_init(&fixture->config, NULL, &other), HF_E_FORBIDDEN);
    assert_null(other);
    assert_int_not_equal(access(fixture->seal, F_OK), 0);
}

static void test_key_file_of_another_user_is_forbidden(void **state)
{
    const struct fixture *fixture = *state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    assert_int_equal(chown(fixture->key, 12345, 12345), 0);
    expect_open(fixture, HF_E_FORBIDDEN, "another owner");
}

static void test_seal_cut_short_or_extended_is_corrupt(void **state)
{
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    HF_CLEANUP(hf_buf_done) struct hf_buf seal = { 0 };
    read_file(fixture->seal, &seal);
    for (size_t n = 0; n < seal.n; n++) {
        write_file(fixture->seal, (hf_bytes){ seal.p, n });
        expect_open(fixture, HF_E_CORRUPT, "cut short");
    }
    hf_buf_put_u8(&seal, 0);
    write_file(fixture->seal, hf_buf_view(&seal));
    expect_open(fixture, HF_E_CORRUPT, "extended");
    static const uint8_t zeros[FILE_MAX_BYTES];
    write_file(fixture->seal, (hf_bytes){ zeros, sizeof(zeros) });
    expect_open(fixture, HF_E_CORRUPT, "too large");
}

static void test_seal_with_any_byte_changed_never_opens(void **state)
{
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    HF_CLEANUP(hf_buf_done) struct hf_buf seal = { 0 };
    read_file(fixture->seal, &seal);
    for (size_t i = 0; i < seal.n; i++) {
        seal.p[i] ^= 0x20;
        write_file(fixture->seal, hf_buf_view(&seal));
        struct hf_secret *opened = NULL;
        hf_err err = seal_open(&fixture->config, NULL, &opened);
        if (err != HF_E_CORRUPT && err != HF_E_FORMAT && err != HF_E_UNSUPPORTED)
            fail_msg("byte %zu: %s", i, hf_err_name(err));
        assert_null(opened);
        seal.p[i] ^= 0x20;
    }
    write_file(fixture->seal, hf_buf_view(&seal));
    expect_open(fixture, HF_OK, "restored");
}

static void put_seal(struct hf_buf *out, uint16_t format, hf_str kind, size_t body_n)
{
    hf_buf_init(out, FILE_MAX_BYTES);
    hf_buf_put_c(out, "HFSEAL");
    hf_buf_put_u16(out, format);
    hf_buf_put_field16(out, hf_str_bytes(kind));
    static const uint8_t body[FILE_MAX_BYTES] = { 'H', 1 };
    hf_buf_put_field32(out, (hf_bytes){ body, body_n });
    assert_int_equal(hf_buf_err(out), HF_OK);
}

static void test_seal_made_otherwise_is_refused(void **state)
{
    static const struct {
        uint16_t format;
        hf_str kind;
        size_t body_n;
        hf_err expected;
    } cases[] = {
        { 0, { "key-file", 8 }, 62, HF_E_FORMAT },
        { 2, { "key-file", 8 }, 62, HF_E_FORMAT },
        { 1, { "passphrase", 10 }, 62, HF_E_UNSUPPORTED },
        { 1, { "", 0 }, 62, HF_E_UNSUPPORTED },
        { 1, { "key-file", 8 }, 0, HF_E_CORRUPT },
        { 1, { "key-file", 8 }, 29, HF_E_CORRUPT },
        { 1, { "key-file", 8 }, 62, HF_E_CORRUPT },
        { 1, { "key-file", 8 }, 4097, HF_E_CORRUPT },
    };
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(hf_buf_done) struct hf_buf seal;
        put_seal(&seal, cases[i].format, cases[i].kind, cases[i].body_n);
        write_file(fixture->seal, hf_buf_view(&seal));
        char name[16];
        (void)snprintf(name, sizeof(name), "case %zu", i);
        expect_open(fixture, cases[i].expected, name);
    }
}

/* ---- made and opened ---- */

static void test_open_after_init_gives_the_same_key(void **state)
{
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *made = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *opened = NULL;
    make_seal(fixture, &made);
    assert_int_equal(seal_open(&fixture->config, NULL, &opened), HF_OK);
    assert_true(hf_secret_equal(opened, hf_secret_view(made)));

    HF_CLEANUP(hf_buf_done) struct hf_buf seal = { 0 };
    read_file(fixture->seal, &seal);
    assert_null(memmem(seal.p, seal.n, hf_secret_view(made).p, 8));
}

static void test_init_makes_private_files_and_no_others(void **state)
{
    const struct fixture *fixture = *state;
    mode_t before = umask(0);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    (void)umask(before);
    struct stat file;
    assert_int_equal(stat(fixture->key, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(stat(fixture->seal, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    assert_int_equal(stat(fixture->data, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0700);
    assert_int_equal(count_files(fixture->data, false), 1);
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof(keys), "%s/keys", fixture->root);
    assert_int_equal(count_files(keys, false), 1);
}

static void test_init_with_existing_key_file_uses_it_unchanged(void **state)
{
    const struct fixture *fixture = *state;
    write_key(fixture, HF_LIT(KEY_TEXT)); /* as an interrupted initialisation leaves it, too */
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    make_seal(fixture, &root_key);
    HF_CLEANUP(hf_buf_done) struct hf_buf key = { 0 };
    read_file(fixture->key, &key);
    assert_true(hf_str_equal(hf_buf_str(&key), HF_LIT(KEY_TEXT)));
    /* without the final line end it is the same key */
    write_key(fixture, (hf_str){ KEY_TEXT, sizeof(KEY_TEXT) - 2 });
    expect_open(fixture, HF_OK, "no line end");
}

static void test_init_after_interruption_completes(void **state)
{
    const struct fixture *fixture = *state;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *first = NULL;
    make_seal(fixture, &first);
    /* between key file and seal; and temporary files half written */
    char leftover[PATH_MAX + 8];
    assert_int_equal(unlink(fixture->seal), 0);
    (void)snprintf(leftover, sizeof(leftover), "%s.new", fixture->seal);
    write_file(leftover, hf_str_bytes(HF_LIT("HFSE")));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *second = NULL;
    make_seal(fixture, &second);
    assert_false(hf_secret_equal(second, hf_secret_view(first)));
    assert_int_not_equal(access(leftover, F_OK), 0);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *opened = NULL;
    assert_int_equal(seal_open(&fixture->config, NULL, &opened), HF_OK);
    assert_true(hf_secret_equal(second, hf_secret_view(opened)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seal_wrong_configuration_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open_uninitialised_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_init_sealed_folder_is_refused_and_unchanged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_open_with_wrong_key_file_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_key_file_open_to_others_is_forbidden, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_key_file_of_another_user_is_forbidden, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_seal_cut_short_or_extended_is_corrupt, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_seal_with_any_byte_changed_never_opens, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_seal_made_otherwise_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_after_init_gives_the_same_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_init_makes_private_files_and_no_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_init_with_existing_key_file_uses_it_unchanged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_init_after_interruption_completes, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("seal", tests, set_up_library, NULL);
}
