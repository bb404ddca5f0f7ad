/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this layer share: cmocka, checks that show both sides, a temporary folder, a child that must abort. */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EXPECT_ERR(expected, call) assert_string_equal(hf_err_name(call), hf_err_name(expected))
#define EXPECT_OK(call) EXPECT_ERR(HF_OK, call)

#define EXPECT_STR(expected, actual) expect_str(__FILE__, __LINE__, hf_str_from_c(expected), actual)

static inline void expect_str(const char *file, int line, hf_str expected, hf_str actual)
{
    if (hf_str_equal(expected, actual))
        return;
    print_error("%s:%d: expected \"%.*s\", got \"%.*s\"\n", file, line, HF_STR_ARG(expected),
                HF_STR_ARG(actual));
    fail();
}

#define TEST_PATH_MAX_BYTES 512

struct test_folder {
    char path[TEST_PATH_MAX_BYTES];
};

static inline struct test_folder test_folder_new(void)
{
    struct test_folder folder;
    const char *parent = getenv("TMPDIR");
    (void)snprintf(folder.path, sizeof folder.path, "%s/holdfast-test.XXXXXX",
                   parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

/* The path of a name in the folder; free() it. */
static inline char *test_path(const struct test_folder *folder, const char *name)
{
    char *path = NULL;
    const size_t n = strlen(folder->path) + strlen(name) + 2;
    path = malloc(n);
    assert_non_null(path);
    (void)snprintf(path, n, "%s/%s", folder->path, name);
    return path;
}

/* Runs act in a child; true if it ended by SIGABRT. The child says nothing and leaves no core. */
static inline bool test_aborts(void (*act)(void))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = { 0, 0 };
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        act();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
