/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and folders, in a temporary folder. */
#include "support.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

struct fixture {
    struct test_folder folder;
    char *path; /* of "file" in it */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = test_folder_new();
    f->path = test_path(&f->folder, "file");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    const int rc = rmdir(f->folder.path); /* fails if a test left something behind */
    free(f->path);
    free(f);
    return rc;
}

static void expect_content(const char *path, const char *expected)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 1000);
    EXPECT_OK(hf_file_read(path, &buf));
    EXPECT_STR(expected, hf_buf_str(&buf));
    hf_buf_done(&buf);
}

static void test_file_read_missing_or_folder_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    EXPECT_ERR(HF_E_NOT_FOUND, hf_file_read(f->path, &buf));
    EXPECT_ERR(HF_E_IO, hf_file_read(f->folder.path, &buf));
    EXPECT_ERR(HF_E_IO, hf_file_read_fd(-1, &buf));
    EXPECT_OK(hf_buf_err(&buf));
    hf_buf_done(&buf);
}

static void test_file_read_over_max_is_refused_and_keeps_buffer(void **state)
{
    const struct fixture *f = *state;
    EXPECT_OK(hf_file_write(f->path, hf_str_bytes(HF_LIT("0123456789")), 0600));
    for (size_t max = 4; max < 14; max++) {
        struct hf_buf buf;
        hf_buf_init_secret(&buf, max);
        hf_buf_put_c(&buf, "kept");
        EXPECT_ERR(HF_E_TOO_LARGE, hf_file_read(f->path, &buf));
        EXPECT_STR("kept", hf_buf_str(&buf));
        hf_buf_done(&buf);
    }
    struct hf_buf buf;
    hf_buf_init(&buf, 14);
    hf_buf_put_c(&buf, "kept");
    EXPECT_OK(hf_file_read(f->path, &buf));
    EXPECT_STR("kept0123456789", hf_buf_str(&buf));
    hf_buf_done(&buf);
}

static void test_file_write_failure_keeps_old_content(void **state)
{
    const struct fixture *f = *state;
    char *below = test_path(&f->folder, "missing/file");
    EXPECT_ERR(HF_E_NOT_FOUND, hf_file_write(below, hf_str_bytes(HF_LIT("x")), 0600));
    free(below);
    char long_path[8192];
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    EXPECT_ERR(HF_E_INVALID, hf_file_write(long_path, hf_str_bytes(HF_LIT("x")), 0600));

    /* A folder in the place of the file: the last step fails, and nothing is left behind (see teardown). */
    assert_int_equal(mkdir(f->path, 0700), 0);
    EXPECT_ERR(HF_E_IO, hf_file_write(f->path, hf_str_bytes(HF_LIT("x")), 0600));
    assert_int_equal(rmdir(f->path), 0);
}

static void test_file_write_replaces_with_mode(void **state)
{
    const struct fixture *f = *state;
    EXPECT_OK(hf_file_write(f->path, hf_str_bytes(HF_LIT("first and longer")), 0644));
    EXPECT_OK(hf_file_write(f->path, hf_str_bytes(HF_LIT("second")), 0600));
    expect_content(f->path, "second");
    struct stat info;
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    EXPECT_OK(hf_file_write(f->path, (hf_bytes){ NULL, 0 }, 0600));
    expect_content(f->path, "");
}

static void test_file_large_content_comes_back(void **state)
{
    const struct fixture *f = *state;
    struct hf_buf in;
    struct hf_buf out;
    hf_buf_init(&in, 100000);
    hf_buf_init(&out, 100000);
    for (size_t i = 0; i < 100000; i++)
        hf_buf_put_u8(&in, (uint8_t)(i * 31));
    EXPECT_OK(hf_file_write(f->path, hf_buf_view(&in), 0600));
    EXPECT_OK(hf_file_read(f->path, &out));
    assert_true(hf_bytes_equal(hf_buf_view(&in), hf_buf_view(&out)));
    hf_buf_done(&in);
    hf_buf_done(&out);
}

static void test_file_write_all_to_closed_pipe_is_an_error(void **state HF_UNUSED)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    EXPECT_ERR(HF_E_IO, hf_fd_write_all(ends[1], hf_str_bytes(HF_LIT("x"))));
    (void)signal(SIGPIPE, before);
    hf_fd_closep(&ends[1]);
    assert_int_equal(ends[1], -1);
    hf_fd_closep(&ends[1]);
}

static void test_folder_make_makes_parents_and_accepts_existing(void **state)
{
    const struct fixture *f = *state;
    char *deep = test_path(&f->folder, "a/b//c/");
    char *middle = test_path(&f->folder, "a/b");
    char *top = test_path(&f->folder, "a");
    EXPECT_OK(hf_folder_make(deep, 0700));
    EXPECT_OK(hf_folder_make(deep, 0700));
    EXPECT_OK(hf_folder_sync(deep));
    EXPECT_ERR(HF_E_INVALID, hf_folder_make("", 0700));
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(middle), 0);
    assert_int_equal(rmdir(top), 0);
    free(deep);
    free(middle);
    free(top);
}

static void test_folder_make_over_a_file_is_refused(void **state)
{
    const struct fixture *f = *state;
    EXPECT_OK(hf_file_write(f->path, hf_str_bytes(HF_LIT("x")), 0600));
    EXPECT_ERR(HF_E_EXISTS, hf_folder_make(f->path, 0700));
    EXPECT_ERR(HF_E_IO, hf_folder_sync(f->path));
    char *below = test_path(&f->folder, "file/below");
    EXPECT_ERR(HF_E_EXISTS, hf_folder_make(below, 0700));
    free(below);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_file_read_missing_or_folder_is_refused),
        WITH_FOLDER(test_file_read_over_max_is_refused_and_keeps_buffer),
        WITH_FOLDER(test_file_write_failure_keeps_old_content),
        WITH_FOLDER(test_file_write_replaces_with_mode),
        WITH_FOLDER(test_file_large_content_comes_back),
        WITH_FOLDER(test_file_write_all_to_closed_pipe_is_an_error),
        WITH_FOLDER(test_folder_make_makes_parents_and_accepts_existing),
        WITH_FOLDER(test_folder_make_over_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
