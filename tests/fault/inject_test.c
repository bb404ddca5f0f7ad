/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that each kind of fault of the injector really happens: the program runs itself again under it, once for each row.
 *
 *   inject_test LIBRARY
 *
 * The child writes 8 bytes to two files, each with the same calls; what it got back and what is on the disk is compared.
 */
#define _GNU_SOURCE
#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT "12345678"
#define TEXT_BYTES 8
#define STEP_SECONDS 3600
#define KILLED (-SIGKILL)
#define NO_FILE (-1)

#define CHECK(condition) ((condition) ? (void)0 : fail_check(#condition, __LINE__))

__attribute__((noreturn)) static void fail_check(const char *condition, int line)
{
    (void)fprintf(stderr, "inject_test: line %d: %s (%s)\n", line, condition, strerror(errno));
    exit(1);
}

/* ---- the child: calls 1 to 5 ---- */

static void make_path(char *out, const char *folder, const char *name)
{
    CHECK(snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
}

/* 0, or the error; a short write goes on with the rest. */
static int write_text(int fd)
{
    for (size_t done = 0; done < TEXT_BYTES;) {
        const ssize_t n = write(fd, &TEXT[done], TEXT_BYTES - done);
        if (n < 0)
            return errno;
        done += (size_t)n;
    }
    return 0;
}

static int run_child(const char *folder)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    make_path(from, folder, "new");
    make_path(to, folder, "name");
    const int fd = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    const int error = write_text(fd);
    if (error != 0)
        return error;
    if (fsync(fd) != 0 || rename(from, to) != 0 || unlink(to) != 0)
        return errno;
    return 0;
}

/* The same with all that makes it durable: calls 1 to 9. */
static int run_durable_child(const char *folder)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    make_path(from, folder, "new");
    make_path(to, folder, "name");
    const int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int fd = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* 1 */
    if (fd < 0 || write_text(fd) != 0 || fsync(fd) != 0 || fsync(parent) != 0)
        return errno;
    if (write_text(fd) != 0 || rename(from, to) != 0 || fsync(parent) != 0) /* 5, 6, 7 */
        return errno;
    return unlink(to) != 0 || fsync(parent) != 0 ? errno : 0; /* 8, 9 */
}

/* Makes a call of each kind that the rows do not use; returns how many of them there are. */
static uint64_t make_other_calls(const char *folder)
{
    char a[PATH_MAX];
    char b[PATH_MAX];
    char sub[PATH_MAX];
    char template[PATH_MAX];
    make_path(a, folder, "a");
    make_path(b, folder, "b");
    make_path(sub, folder, "sub");
    make_path(template, folder, "t.XXXXXX");
    const int fd = open(a, O_RDWR | O_CREAT | O_CLOEXEC, 0600);    /* 1 */
    const int again = open(a, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* changes nothing */
    const int empty = open(a, O_WRONLY | O_TRUNC | O_CLOEXEC);     /* 2 */
    const int temporary = mkostemp(template, O_CLOEXEC);           /* 3 */
    CHECK(fd >= 0 && again >= 0 && empty >= 0 && temporary >= 0);
    CHECK(pwrite(fd, TEXT, TEXT_BYTES, 0) == TEXT_BYTES);               /* 4 */
    CHECK(fdatasync(fd) == 0 && ftruncate(fd, 4) == 0);                 /* 5, 6 */
    CHECK(fallocate(fd, 0, 0, 4096) == 0 && fchmod(fd, 0400) == 0);     /* 7, 8 */
    CHECK(posix_fallocate(fd, 0, 8192) == 0 && chmod(a, 0600) == 0);    /* 9, 10 */
    CHECK(mkdir(sub, 0700) == 0 && link(a, b) == 0 && rmdir(sub) == 0); /* 11, 12, 13 */
    CHECK(unlinkat(AT_FDCWD, b, 0) == 0 && remove(a) == 0);             /* 14, 15 */
    CHECK(unlink(template) == 0);                                       /* 16 */
    return 16;
}

/* ---- the parent ---- */

struct setting {
    const char *name;
    const char *value;
};

struct run {
    const char *self;
    const char *library;
    char folder[PATH_MAX / 2];
    char control[PATH_MAX];
    struct inject_control *page;
};

/* The exit code, or minus the signal. */
static int run_under(struct run *run, const char *what, const struct setting *settings, size_t n)
{
    memset(run->page, 0, INJECT_PAGE_BYTES);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (size_t i = 0; i < n; i++)
            CHECK(settings[i].value == NULL || setenv(settings[i].name, settings[i].value, 1) == 0);
        CHECK(setenv("HOLDFAST_INJECT_UNDER", run->folder, 1) == 0);
        CHECK(setenv("HOLDFAST_INJECT_CONTROL", run->control, 1) == 0);
        CHECK(setenv("LD_PRELOAD", run->library, 1) == 0);
        (void)execl(run->self, run->self, what, run->folder, (char *)NULL);
        _exit(126);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static long size_of(const struct run *run, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    make_path(path, run->folder, name);
    const long size = stat(path, &info) == 0 ? (long)info.st_size : NO_FILE;
    (void)unlink(path);
    return size;
}

/* Calls without a fault: 1 open, 2 write, 3 fsync, 4 rename, 5 unlink. A short write makes one more. */
static const struct row {
    const char *fault, *calls, *at, *span, *one_in;
    int end;           /* exit code or KILLED */
    uint64_t faults;   /* that the page tells */
    long new, renamed; /* sizes of the files left, or NO_FILE */
} rows[] = {
    { "none", NULL, "2", "1", NULL, 0, 0, NO_FILE, NO_FILE },
    { "kill-before", NULL, "1", "1", NULL, KILLED, 1, NO_FILE, NO_FILE },
    { "kill-after", NULL, "1", "1", NULL, KILLED, 1, 0, NO_FILE },
    { "kill-before", NULL, "2", "1", NULL, KILLED, 1, 0, NO_FILE },
    { "kill-after", NULL, "2", "1", NULL, KILLED, 1, 8, NO_FILE },
    { "short-kill", NULL, "2", "1", NULL, KILLED, 1, 4, NO_FILE },
    { "short", NULL, "2", "1", NULL, 0, 1, NO_FILE, NO_FILE },
    { "short-enospc", NULL, "2", "1", NULL, ENOSPC, 2, 4, NO_FILE },
    { "eio", NULL, "1", "1", NULL, EIO, 1, NO_FILE, NO_FILE },
    { "eio", NULL, "2", "1", NULL, EIO, 1, 0, NO_FILE },
    { "enospc", NULL, "2", "1", NULL, ENOSPC, 1, 0, NO_FILE },
    { "eio", NULL, "3", "1", NULL, EIO, 1, 8, NO_FILE },
    { "eio", "sync", "1", "1", NULL, EIO, 1, 8, NO_FILE },
    { "eio", "write", "2", "1", NULL, 0, 0, NO_FILE, NO_FILE },
    { "eio", NULL, "4", "1", NULL, EIO, 1, 8, NO_FILE },
    { "kill-after", NULL, "4", "1", NULL, KILLED, 1, NO_FILE, 8 },
    { "kill-before", "name", "3", "1", NULL, KILLED, 1, NO_FILE, 8 },
    { "kill-before", NULL, "6", "1", NULL, 0, 0, NO_FILE, NO_FILE },
    { "eio", "sync,name", NULL, NULL, "1", EIO, 1, NO_FILE, NO_FILE },
    { "eio", NULL, NULL, NULL, NULL, 0, 0, NO_FILE, NO_FILE },
};

/* What was not synced is gone, the last first. */
static const struct row power_rows[] = {
    { "power-off", NULL, "2", "1", NULL, KILLED, 1, NO_FILE, NO_FILE },
    { "power-off", NULL, "4", "1", NULL, KILLED, 1, NO_FILE, NO_FILE }, /* the name is not */
    { "power-off", NULL, "5", "1", NULL, KILLED, 1, 8, NO_FILE },
    { "power-off", NULL, "6", "1", NULL, KILLED, 1, 8, NO_FILE },
    { "power-off", NULL, "7", "1", NULL, KILLED, 1, 8, NO_FILE },
    { "power-off", NULL, "8", "1", NULL, KILLED, 1, NO_FILE, 8 },
    { "power-off", NULL, "9", "1", NULL, KILLED, 1, NO_FILE, 16 },
    { "power-off", NULL, "10", "1", NULL, 0, 0, NO_FILE, NO_FILE },
    { "power-off", "write", "3", "1", NULL, 0, 0, NO_FILE, NO_FILE }, /* after the end */
    { "power-off", "name", "4", "1", NULL, 0, 0, NO_FILE, NO_FILE },
};

static void check_row(struct run *run, const char *what, const struct row *row)
{
    const struct setting settings[] = {
        { "HOLDFAST_INJECT_FAULT", row->fault },   { "HOLDFAST_INJECT_CALLS", row->calls },
        { "HOLDFAST_INJECT_AT", row->at },         { "HOLDFAST_INJECT_SPAN", row->span },
        { "HOLDFAST_INJECT_ONE_IN", row->one_in },
    };
    const int end = run_under(run, what, settings, sizeof(settings) / sizeof(settings[0]));
    const long new = size_of(run, "new");
    const long renamed = size_of(run, "name");
    if (end == row->end && run->page->faults == row->faults &&
        new == row->new &&renamed == row->renamed)
        return;
    (void)fprintf(stderr, "%s at %s: ended with %d, %llu faults, sizes %ld and %ld\n", row->fault,
                  row->at == NULL ? "-" : row->at, end, (unsigned long long)run->page->faults, new,
                  renamed);
    exit(1);
}

static void check_others(struct run *run)
{
    const int end = run_under(run, "others", NULL, 0);
    CHECK(end == (int)run->page->calls);
    CHECK(run->page->faults == 0);
}

/* The page is read while the child runs, and a seed gives the same faults each time. */
static void check_seed(struct run *run)
{
    uint64_t first[2] = { 0 };
    for (size_t i = 0; i < 4; i++) {
        const struct setting settings[] = {
            { "HOLDFAST_INJECT_FAULT", "eio" },
            { "HOLDFAST_INJECT_CALLS", "write" },
            { "HOLDFAST_INJECT_ONE_IN", "4" },
            { "HOLDFAST_INJECT_SEED", i % 2 == 0 ? "1" : "2" },
        };
        CHECK(run_under(run, "many", settings, 4) == 0);
        CHECK(run->page->calls == 1000);
        CHECK(run->page->faults > 150 && run->page->faults < 350);
        CHECK(i < 2 || run->page->faults == first[i % 2]);
        first[i % 2] = run->page->faults;
    }
    CHECK(first[0] != first[1]);
    (void)size_of(run, "many");
}

static int write_many(const char *folder)
{
    char path[PATH_MAX];
    make_path(path, folder, "many");
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    for (size_t i = 0; i < 1000; i++)
        CHECK(write(fd, TEXT, TEXT_BYTES) == TEXT_BYTES || errno == EIO);
    return 0;
}

static int64_t seconds_of(clockid_t id)
{
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return now.tv_sec;
}

/* The child steps its own clock, as a test does from outside. */
static int step_clock(void)
{
    const char *path = getenv("HOLDFAST_INJECT_CONTROL");
    const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    struct inject_control *page = mmap(NULL, INJECT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                                       fd, 0);
    CHECK(page != MAP_FAILED);
    const int64_t wall = seconds_of(CLOCK_REALTIME);
    const int64_t steady = seconds_of(CLOCK_MONOTONIC);
    page->clock_step = -STEP_SECONDS * INT64_C(1000000000);
    CHECK(llabs(wall - STEP_SECONDS - seconds_of(CLOCK_REALTIME)) < 60);
    CHECK(llabs(wall - STEP_SECONDS - (int64_t)time(NULL)) < 60);
    CHECK(llabs(steady - seconds_of(CLOCK_MONOTONIC)) < 60);
    page->clock_step = STEP_SECONDS * INT64_C(1000000000);
    CHECK(llabs(wall + STEP_SECONDS - seconds_of(CLOCK_REALTIME)) < 60);
    return 0;
}

static void open_run(struct run *run)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(run->folder, sizeof(run->folder), "%s/holdfast-inject-XXXXXX",
                   base != NULL ? base : "/tmp");
    CHECK(mkdtemp(run->folder) != NULL);
    make_path(run->control, run->folder, "control");
    const int fd = open(run->control, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, INJECT_PAGE_BYTES) == 0);
    run->page = mmap(NULL, INJECT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(run->page != MAP_FAILED);
    (void)close(fd);
}

static int run_all(const char *self, const char *library)
{
    struct run run = { .self = self, .library = library };
    open_run(&run);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&run, "child", &rows[i]);
    for (size_t i = 0; i < sizeof(power_rows) / sizeof(power_rows[0]); i++)
        check_row(&run, "durable", &power_rows[i]);
    check_others(&run);
    check_seed(&run);
    CHECK(run_under(&run, "clock", NULL, 0) == 0);
    const struct setting wrong = { "HOLDFAST_INJECT_FAULT", "earthquake" };
    CHECK(run_under(&run, "child", &wrong, 1) == 125);
    CHECK(unlink(run.control) == 0 && rmdir(run.folder) == 0);
    (void)printf("inject_test: %zu faults and the clock\n",
                 (sizeof(rows) + sizeof(power_rows)) / sizeof(rows[0]));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2)
        return run_all(argv[0], argv[1]);
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "others") == 0)
        return (int)make_other_calls(argv[2]);
    if (strcmp(argv[1], "durable") == 0)
        return run_durable_child(argv[2]);
    if (strcmp(argv[1], "many") == 0)
        return write_many(argv[2]);
    return strcmp(argv[1], "clock") == 0 ? step_clock() : run_child(argv[2]);
}
