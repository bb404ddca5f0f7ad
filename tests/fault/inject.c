/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of disk and clock, for tests: a library that is loaded before a program (LD_PRELOAD) and stands between it and the
 * calls that change files. It counts those below certain folders, and lets one of them, or some, fail, stop halfway, or end
 * the process.
 *
 *   HOLDFAST_INJECT_UNDER    folders, separated by colons; other files are left alone
 *   HOLDFAST_INJECT_CONTROL  a file of one page (struct inject_control), which steers a running process; without it the page is
 *                            the process's own
 *   HOLDFAST_INJECT_FAULT, _CALLS, _AT, _SPAN, _ONE_IN, _SEED    what to put into the page first (see inject.h)
 *   HOLDFAST_INJECT_UNSYNCED what is not synced is remembered, so that power-off is a fault of later
 *   HOLDFAST_INJECT_TRACE    a file that gets a line for each counted call
 *
 * All is opened in the constructor, before the program locks itself in. Calls are made with syscall(), so nothing of libc is
 * needed but its symbols being asked for through the dynamic linker. What libc does inside of itself is not seen: the writes of
 * stdio, and changes through a mapping.
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* with it, open() would be the name of open64() */
#include "inject.h"

#include "paths.h"
#include "unsynced.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (PATH_MAX + 64)
#define NSEC_PER_SEC INT64_C(1000000000)

static union {
    struct inject_control control;
    unsigned char page[INJECT_PAGE_BYTES];
} own_page;

static struct inject_control *control = &own_page.control;
static int trace_fd = -1;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

/* ---- start ---- */

static const char *const fault_names[] = {
    "none",  "kill-before",  "kill-after", "eio",       "enospc",
    "short", "short-enospc", "short-kill", "power-off",
};
static const char *const class_names[] = { "write", "sync", "name", "size", "mode" };

/* A test that asks for what is not there must not pass because nothing happened. */
__attribute__((noreturn)) static void refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "inject: %s: %s\n", what, value);
    _exit(125);
}

static void take_number(const char *name, uint64_t *out)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (text == NULL)
        return;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        refuse(name, text);
}

static void take_fault(void)
{
    const char *text = getenv("HOLDFAST_INJECT_FAULT");
    if (text == NULL)
        return;
    for (uint32_t i = 0; i < sizeof(fault_names) / sizeof(fault_names[0]); i++) {
        if (strcmp(text, fault_names[i]) == 0) {
            control->fault = i;
            return;
        }
    }
    refuse("no such fault", text);
}

static uint32_t class_of_name(const char *name, size_t n)
{
    for (uint32_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++) {
        if (strlen(class_names[i]) == n && strncmp(class_names[i], name, n) == 0)
            return 1U << i;
    }
    refuse("no such kind of calls", name);
}

static void take_classes(void)
{
    const char *text = getenv("HOLDFAST_INJECT_CALLS");
    if (text == NULL)
        return;
    control->classes = 0;
    while (*text != '\0') {
        const size_t n = strcspn(text, ",");
        control->classes |= class_of_name(text, n);
        text += n + (text[n] == ',');
    }
}

static void map_control(void)
{
    const char *path = getenv("HOLDFAST_INJECT_CONTROL");
    if (path == NULL)
        return;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size < INJECT_PAGE_BYTES)
        refuse("cannot be used", path);
    void *page = mmap(NULL, INJECT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        refuse("cannot be mapped", path);
    control = page;
    (void)close(fd);
}

/* The function that this library stands before; out: a pointer to it. */
static void find_next(const char *name, void *out)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL)
        refuse("not in libc", name);
    memcpy(out, &function, sizeof(function));
}

static void open_trace(void)
{
    const char *path = getenv("HOLDFAST_INJECT_TRACE");
    if (path == NULL)
        return;
    trace_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                            0600);
    if (trace_fd < 0)
        refuse("cannot be written", path);
}

__attribute__((constructor)) static void begin(void)
{
    find_next("clock_gettime", &real_clock_gettime);
    map_control();
    take_fault();
    take_classes();
    take_number("HOLDFAST_INJECT_AT", &control->at);
    take_number("HOLDFAST_INJECT_SPAN", &control->span);
    take_number("HOLDFAST_INJECT_ONE_IN", &control->one_in);
    take_number("HOLDFAST_INJECT_SEED", &control->seed);
    if (getenv("HOLDFAST_INJECT_UNSYNCED") != NULL || control->fault == INJECT_POWER_OFF)
        unsynced_switch_on();
    open_trace();
    const char *missing = inject_take_folders(getenv("HOLDFAST_INJECT_UNDER"));
    if (missing != NULL)
        refuse("no such folder", missing);
}

/* ---- what happens to a call ---- */

/* Spreads a number over all 64 bits. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void trace(uint64_t number, const char *call, const char *path, enum inject_fault fault)
{
    char line[LINE_MAX_BYTES];
    if (trace_fd < 0)
        return;
    const int n = snprintf(line, sizeof(line), "%llu %s %s%s%s\n", (unsigned long long)number, call,
                           path, fault == INJECT_NONE ? "" : " ", /* the fault stands behind it */
                           fault == INJECT_NONE ? "" : fault_names[fault]);
    if (n > 0)
        (void)syscall(SYS_write, trace_fd, line,
                      (size_t)n < sizeof(line) ? (size_t)n : sizeof(line));
}

/* Power may also fail when a program has ended well: at the call after its last one. */
__attribute__((destructor)) static void end(void)
{
    if (control->fault == INJECT_POWER_OFF && control->at == control->calls + 1)
        unsynced_lose();
}

/* A call after a short one that was to be followed by an error. */
static bool is_after_short(uint64_t number)
{
    return control->fault == INJECT_SHORT_ENOSPC && control->at != 0 && number == control->at + 1;
}

static bool is_chosen(uint64_t number)
{
    if (control->at == 0)
        return control->one_in != 0 && mix(control->seed ^ mix(number)) % control->one_in == 0;
    return number >= control->at &&
           (control->span == INJECT_FOREVER || number < control->at + control->span);
}

static enum inject_fault choose(enum inject_class class, uint64_t number)
{
    const uint32_t fault = __atomic_load_n(&control->fault, __ATOMIC_RELAXED);
    if (fault == INJECT_NONE || fault > INJECT_POWER_OFF)
        return INJECT_NONE;
    if (is_after_short(number))
        return INJECT_ENOSPC;
    if (!is_chosen(number) ||
        (fault >= INJECT_SHORT && fault <= INJECT_SHORT_KILL && class != INJECT_WRITE))
        return INJECT_NONE;
    return (enum inject_fault)fault;
}

static _Thread_local bool is_ours; /* the file of the call under way */

/* Counts the call and says what is to happen to it. */
static enum inject_fault count(enum inject_class class, const char *call, const char *path)
{
    is_ours = inject_is_under(path);
    if (!is_ours || (control->classes != 0 && (control->classes & class) == 0))
        return INJECT_NONE;
    const uint64_t number = __atomic_add_fetch(&control->calls, 1, __ATOMIC_RELAXED);
    const enum inject_fault fault = choose(class, number);
    trace(number, call, path, fault);
    if (fault != INJECT_NONE)
        (void)__atomic_add_fetch(&control->faults, 1, __ATOMIC_RELAXED);
    return fault;
}

/* No signal handler, no buffer, no atexit: as if the machine had lost it. */
__attribute__((noreturn)) static void die(void)
{
    for (;;)
        (void)syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
}

/* True if the call is not to be made: then errno is set. */
static bool fail_before(enum inject_fault fault)
{
    if (fault == INJECT_POWER_OFF)
        unsynced_lose();
    if (fault == INJECT_KILL_BEFORE || fault == INJECT_POWER_OFF)
        die();
    if (fault == INJECT_EIO || fault == INJECT_ENOSPC) {
        errno = fault == INJECT_EIO ? EIO : ENOSPC;
        return true;
    }
    return false;
}

static long finish(enum inject_fault fault, long result)
{
    if (fault == INJECT_KILL_AFTER || fault == INJECT_SHORT_KILL)
        die();
    return result;
}

static enum inject_fault count_fd(enum inject_class class, const char *call, int fd)
{
    char path[PATH_MAX];
    is_ours = false;
    if (!inject_has_folders())
        return INJECT_NONE;
    inject_path_of_fd(fd, path);
    return count(class, call, path);
}

static enum inject_fault count_name(enum inject_class class, const char *call, int folder,
                                    const char *name)
{
    char path[PATH_MAX];
    is_ours = false;
    if (!inject_has_folders() || name == NULL)
        return INJECT_NONE;
    inject_path_of_name(folder, name, path);
    return count(class, call, path);
}

static bool is_short(enum inject_fault fault)
{
    return fault == INJECT_SHORT || fault == INJECT_SHORT_ENOSPC || fault == INJECT_SHORT_KILL;
}

/* Half of it, but not nothing. */
static size_t cut(enum inject_fault fault, size_t n)
{
    return is_short(fault) && n > 1 ? n / 2 : n;
}

/* A descriptor's call: counted, failed or made. */
#define ON_FD(class, fd, ...)                                                                      \
    const enum inject_fault fault = count_fd((class), __func__, (fd));                             \
    if (fail_before(fault))                                                                        \
        return -1;                                                                                 \
    return (int)finish(fault, syscall(__VA_ARGS__))

#define ON_NAME(class, folder, name, ...)                                                          \
    const enum inject_fault fault = count_name((class), __func__, (folder), (name));               \
    if (fail_before(fault))                                                                        \
        return -1;                                                                                 \
    return (int)finish(fault, syscall(__VA_ARGS__))

/* ---- writing ---- */

ssize_t write(int fd, const void *bytes, size_t n)
{
    const enum inject_fault fault = count_fd(INJECT_WRITE, __func__, fd);
    if (fail_before(fault))
        return -1;
    const uint64_t number = is_ours ? unsynced_write(fd, UNSYNCED_HERE, n) : 0;
    const long result = syscall(SYS_write, fd, bytes, cut(fault, n));
    unsynced_written(fd, number);
    return finish(fault, result);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    const enum inject_fault fault = count_fd(INJECT_WRITE, __func__, fd);
    if (fail_before(fault))
        return -1;
    const uint64_t number = is_ours ? unsynced_write(fd, at, n) : 0;
    const long result = syscall(SYS_pwrite64, fd, bytes, cut(fault, n), at);
    unsynced_written(fd, number);
    return finish(fault, result);
}

static size_t sum_of(const struct iovec *pieces, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += pieces[i].iov_len;
    return sum;
}

/* A short one takes the first half of the pieces, or half of the only piece. */
static long write_pieces(int fd, const struct iovec *pieces, int n, off_t at, const char *call)
{
    const enum inject_fault fault = count_fd(INJECT_WRITE, call, fd);
    if (fail_before(fault))
        return -1;
    struct iovec half = { 0 };
    if (is_short(fault) && n > 1) {
        n /= 2;
    } else if (is_short(fault) && n == 1) {
        half = (struct iovec){ pieces[0].iov_base, cut(fault, pieces[0].iov_len) };
        pieces = &half;
    }
    const uint64_t number = is_ours ? unsynced_write(fd, at, sum_of(pieces, n)) : 0;
    const long result = at < 0 ? syscall(SYS_writev, fd, pieces, n)
                               : syscall(SYS_pwritev, fd, pieces, n, at, 0);
    unsynced_written(fd, number);
    return finish(fault, result);
}

ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    return write_pieces(fd, pieces, n, UNSYNCED_HERE, __func__);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int n, off_t at)
{
    return write_pieces(fd, pieces, n, at, __func__);
}

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t n,
                        unsigned int flags)
{
    const enum inject_fault fault = count_fd(INJECT_WRITE, __func__, out);
    if (fail_before(fault))
        return -1;
    return finish(fault,
                  syscall(SYS_copy_file_range, in, in_at, out, out_at, cut(fault, n), flags));
}

ssize_t sendfile(int out, int in, off_t *at, size_t n)
{
    const enum inject_fault fault = count_fd(INJECT_WRITE, __func__, out);
    if (fail_before(fault))
        return -1;
    return finish(fault, syscall(SYS_sendfile, out, in, at, cut(fault, n)));
}

/* ---- syncing ---- */

static int sync_file(int fd, long call, const char *name)
{
    const enum inject_fault fault = count_fd(INJECT_SYNC, name, fd);
    if (fail_before(fault))
        return -1;
    const uint64_t mark = unsynced_mark();
    const long result = syscall(call, fd);
    if (result == 0)
        unsynced_synced(fd, mark);
    return (int)finish(fault, result);
}

int fsync(int fd)
{
    return sync_file(fd, SYS_fsync, __func__);
}

int fdatasync(int fd)
{
    return sync_file(fd, SYS_fdatasync, __func__);
}

int sync_file_range(int fd, off64_t at, off64_t n, unsigned int flags)
{
    ON_FD(INJECT_SYNC, fd, SYS_sync_file_range, fd, at, n, flags);
}

/* Whose mapping it is is not looked up: it counts for the first folder. */
int msync(void *from, size_t n, int flags)
{
    const enum inject_fault fault = inject_has_folders()
                                        ? count(INJECT_SYNC, __func__, inject_first_folder())
                                        : INJECT_NONE;
    if (fail_before(fault))
        return -1;
    return (int)finish(fault, syscall(SYS_msync, from, n, flags));
}

/* ---- sizes ---- */

int ftruncate(int fd, off_t n)
{
    const enum inject_fault fault = count_fd(INJECT_SIZE, __func__, fd);
    if (fail_before(fault))
        return -1;
    if (is_ours)
        unsynced_resize(fd, n);
    return (int)finish(fault, syscall(SYS_ftruncate, fd, n));
}

int truncate(const char *name, off_t n)
{
    ON_NAME(INJECT_SIZE, AT_FDCWD, name, SYS_truncate, name, n);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    ON_FD(INJECT_SIZE, fd, SYS_fallocate, fd, mode, at, n);
}

/* It answers with the error. What libc does on file systems without fallocate is not imitated. */
int posix_fallocate(int fd, off_t at, off_t n)
{
    const enum inject_fault fault = count_fd(INJECT_SIZE, __func__, fd);
    const int before = errno;
    const bool is_failed = fail_before(fault);
    if (!is_failed && is_ours)
        unsynced_resize(fd, at + n);
    int error = is_failed || syscall(SYS_fallocate, fd, 0, at, n) != 0 ? errno : 0;
    errno = before;
    return (int)finish(fault, error);
}

/* ---- names ---- */

struct inject_rename {
    int from_folder;
    const char *from;
    int to_folder;
    const char *to;
    unsigned int flags;
};

static void note_made(int folder, const char *name)
{
    char path[PATH_MAX];
    inject_path_of_name(folder, name, path);
    unsynced_made(path);
}

/* An open changes the disk if it creates or truncates. */
static long open_file(int folder, const char *name, int flags, mode_t mode, const char *call)
{
    enum inject_fault fault = INJECT_NONE;
    is_ours = false;
    const bool is_new = (flags & O_TMPFILE) == O_TMPFILE ||
                        ((flags & O_CREAT) != 0 && syscall(SYS_faccessat, folder, name, F_OK) != 0);
    const int before = errno;
    if (is_new || (flags & O_TRUNC) != 0)
        fault = count_name(is_new ? INJECT_NAME : INJECT_SIZE, call, folder, name);
    errno = before;
    if (fail_before(fault))
        return -1;
    const bool is_named = is_new && is_ours && (flags & O_TMPFILE) != O_TMPFILE;
    const long fd = syscall(SYS_openat, folder, name, flags, mode);
    if (fd >= 0 && is_named)
        note_made(folder, name);
    return finish(fault, fd);
}

static mode_t mode_argument(int flags, va_list arguments)
{
    const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return has_mode ? va_arg(arguments, mode_t) : 0;
}

int open(const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return (int)open_file(AT_FDCWD, name, flags, mode, __func__);
}

int openat(int folder, const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_argument(flags, arguments);
    va_end(arguments);
    return (int)open_file(folder, name, flags, mode, __func__);
}

int creat(const char *name, mode_t mode)
{
    return (int)open_file(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode, __func__);
}

int mkostemp(char *template, int flags)
{
    static int (*real)(char *, int);
    if (real == NULL)
        find_next("mkostemp", &real);
    const enum inject_fault fault = count_name(INJECT_NAME, __func__, AT_FDCWD, template);
    if (fail_before(fault))
        return -1;
    const bool is_named = is_ours;
    const int fd = real(template, flags);
    if (fd >= 0 && is_named)
        note_made(AT_FDCWD, template);
    return (int)finish(fault, fd);
}

int mkstemp(char *template)
{
    return mkostemp(template, 0);
}

/* The writes of a stream are not seen, but a file that comes into being is. */
FILE *fopen(const char *name, const char *mode)
{
    static FILE *(*real)(const char *, const char *);
    if (real == NULL)
        find_next("fopen", &real);
    const enum inject_fault fault = mode[0] == 'r'
                                        ? INJECT_NONE
                                        : count_name(INJECT_NAME, __func__, AT_FDCWD, name);
    if (fail_before(fault))
        return NULL;
    FILE *file = real(name, mode);
    (void)finish(fault, 0);
    return file;
}

static long rename_file(const struct inject_rename *names, const char *call)
{
    const enum inject_fault fault = count_name(INJECT_NAME, call, names->to_folder, names->to);
    if (fail_before(fault))
        return -1;
    char from[PATH_MAX];
    char to[PATH_MAX];
    if (is_ours) {
        inject_path_of_name(names->from_folder, names->from, from);
        inject_path_of_name(names->to_folder, names->to, to);
        unsynced_rename(from, to);
    }
    return finish(fault, syscall(SYS_renameat2, names->from_folder, names->from, names->to_folder,
                                 names->to, names->flags));
}

int rename(const char *from, const char *to)
{
    const struct inject_rename names = { AT_FDCWD, from, AT_FDCWD, to, 0 };
    return (int)rename_file(&names, __func__);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    const struct inject_rename names = { from_folder, from, to_folder, to, 0 };
    return (int)rename_file(&names, __func__);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags)
{
    const struct inject_rename names = { from_folder, from, to_folder, to, flags };
    return (int)rename_file(&names, __func__);
}

/* A call that makes a name. */
static long make_name(int folder, const char *name, enum inject_fault fault, long result)
{
    if (result == 0 && is_ours)
        note_made(folder, name);
    return finish(fault, result);
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    const enum inject_fault fault = count_name(INJECT_NAME, __func__, to_folder, to);
    if (fail_before(fault))
        return -1;
    return (int)make_name(to_folder, to, fault,
                          syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}

int symlink(const char *target, const char *name)
{
    ON_NAME(INJECT_NAME, AT_FDCWD, name, SYS_symlink, target, name);
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    const enum inject_fault fault = count_name(
        INJECT_NAME, (flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", folder, name);
    if (fail_before(fault))
        return -1;
    char path[PATH_MAX];
    if (is_ours) {
        inject_path_of_name(folder, name, path);
        unsynced_remove(path);
    }
    return (int)finish(fault, syscall(SYS_unlinkat, folder, name, flags));
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    const enum inject_fault fault = count_name(INJECT_NAME, "mkdir", folder, name);
    if (fail_before(fault))
        return -1;
    return (int)make_name(folder, name, fault, syscall(SYS_mkdirat, folder, name, mode));
}

int remove(const char *name)
{
    struct stat info;
    return lstat(name, &info) == 0 && S_ISDIR(info.st_mode) ? rmdir(name) : unlink(name);
}

/* A local socket has a name too. */
int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t n)
{
    const struct sockaddr_un *local = address.__sockaddr_un__;
    enum inject_fault fault = INJECT_NONE;
    if (local->sun_family == AF_UNIX && local->sun_path[0] != '\0')
        fault = count_name(INJECT_NAME, __func__, AT_FDCWD, local->sun_path);
    if (fail_before(fault))
        return -1;
    return (int)finish(fault, syscall(SYS_bind, fd, local, n));
}

/* ---- modes and owners ---- */

int chmod(const char *name, mode_t mode)
{
    ON_NAME(INJECT_MODE, AT_FDCWD, name, SYS_chmod, name, mode);
}

int fchmod(int fd, mode_t mode)
{
    ON_FD(INJECT_MODE, fd, SYS_fchmod, fd, mode);
}

int chown(const char *name, uid_t owner, gid_t group)
{
    ON_NAME(INJECT_MODE, AT_FDCWD, name, SYS_chown, name, owner, group);
}

int fchown(int fd, uid_t owner, gid_t group)
{
    ON_FD(INJECT_MODE, fd, SYS_fchown, fd, owner, group);
}

int fchownat(int folder, const char *name, uid_t owner, gid_t group, int flags)
{
    ON_NAME(INJECT_MODE, folder, name, SYS_fchownat, folder, name, owner, group, flags);
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t id, struct timespec *out)
{
    const int result = real_clock_gettime == NULL ? (int)syscall(SYS_clock_gettime, id, out)
                                                  : real_clock_gettime(id, out);
    if (result != 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
        return result;
    (void)__atomic_add_fetch(&control->clock_asks, 1, __ATOMIC_RELAXED);
    const int64_t step = __atomic_load_n(&control->clock_step, __ATOMIC_RELAXED);
    int64_t ns = (int64_t)out->tv_sec * NSEC_PER_SEC + out->tv_nsec + step;
    out->tv_sec = ns / NSEC_PER_SEC;
    out->tv_nsec = ns % NSEC_PER_SEC;
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* ---- the same under other names: large files, and what _FORTIFY_SOURCE makes of open() ---- */

int __open_2(const char *name, int flags);
int __open64_2(const char *name, int flags);
int __openat_2(int folder, const char *name, int flags);
int __openat64_2(int folder, const char *name, int flags);

int __open_2(const char *name, int flags)
{
    return (int)open_file(AT_FDCWD, name, flags, 0, __func__);
}

int __open64_2(const char *name, int flags)
{
    return (int)open_file(AT_FDCWD, name, flags, 0, __func__);
}

int __openat_2(int folder, const char *name, int flags)
{
    return (int)open_file(folder, name, flags, 0, __func__);
}

int __openat64_2(int folder, const char *name, int flags)
{
    return (int)open_file(folder, name, flags, 0, __func__);
}

#define ALSO(name) __attribute__((alias(name)))

int open64(const char *name, int flags, ...) ALSO("open");
int openat64(int folder, const char *name, int flags, ...) ALSO("openat");
int creat64(const char *name, mode_t mode) ALSO("creat");
FILE *fopen64(const char *name, const char *mode) ALSO("fopen");
int mkostemp64(char *template, int flags) ALSO("mkostemp");
int mkstemp64(char *template) ALSO("mkstemp");
ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) ALSO("pwrite");
ssize_t pwritev64(int fd, const struct iovec *pieces, int n, off64_t at) ALSO("pwritev");
ssize_t sendfile64(int out, int in, off64_t *at, size_t n) ALSO("sendfile");
int ftruncate64(int fd, off64_t n) ALSO("ftruncate");
int truncate64(const char *name, off64_t n) ALSO("truncate");
int fallocate64(int fd, int mode, off64_t at, off64_t n) ALSO("fallocate");
int posix_fallocate64(int fd, off64_t at, off64_t n) ALSO("posix_fallocate");
