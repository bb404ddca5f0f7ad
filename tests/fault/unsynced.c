/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes since the last sync, newest first. Contents come back byte by byte, names one by one: a file that was replaced or
 * removed is made anew. A name is durable when its folder was synced, a content when its file was: what real file systems do
 * better is not counted on. What was unsynced before the process began is not known.
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* as in inject.c */
#include "unsynced.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT_MAX_BYTES ((size_t)64 * 1024 * 1024) /* of one file that is removed or cut */

enum kind {
    CONTENT, /* bytes at a place, and the size before */
    MADE,    /* a name */
    REMOVED, /* a name with what it named */
    RENAMED,
};

struct change {
    struct change *older;
    uint64_t number;
    enum kind kind;
    dev_t device; /* of the file, or of the folder of the name */
    ino_t inode;
    int fd; /* CONTENT: to read and write it */
    off_t at;
    off_t size; /* CONTENT: before */
    mode_t mode;
    size_t n;
    unsigned char *bytes;
    char path[PATH_MAX];
    char from[PATH_MAX];
};

static struct change *newest;
static uint64_t last_number;
static bool is_on;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void unsynced_switch_on(void)
{
    is_on = true;
}

/* ---- the list ---- */

static void push(struct change *change)
{
    pthread_mutex_lock(&lock);
    change->number = ++last_number;
    change->older = newest;
    newest = change;
    pthread_mutex_unlock(&lock);
}

static void drop(struct change *change)
{
    if (change->fd >= 0)
        (void)syscall(SYS_close, change->fd);
    free(change->bytes);
    free(change);
}

/* Those of a file or folder with numbers from `first` to `last` are durable. */
static void forget(const struct stat *file, uint64_t first, uint64_t last)
{
    pthread_mutex_lock(&lock);
    for (struct change **at = &newest; *at != NULL;) {
        struct change *change = *at;
        if (change->number < first || change->number > last || change->device != file->st_dev ||
            change->inode != file->st_ino) {
            at = &change->older;
            continue;
        }
        *at = change->older;
        drop(change);
    }
    pthread_mutex_unlock(&lock);
}

static struct change *new_change(enum kind kind)
{
    struct change *change = calloc(1, sizeof(*change));
    if (change == NULL)
        abort();
    change->kind = kind;
    change->fd = -1;
    return change;
}

/* ---- contents ---- */

/* A descriptor that reads and writes, whatever fd does. */
static int reopen(int fd)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
}

static off_t place_of(int fd, off_t at, const struct stat *file)
{
    if (at >= 0)
        return at;
    const int flags = fcntl(fd, F_GETFL);
    return (flags & O_APPEND) != 0 ? file->st_size : lseek(fd, 0, SEEK_CUR);
}

/* The bytes that are there now, as far as there are any. */
static void keep_bytes(struct change *change, size_t n)
{
    if (change->at >= change->size || n == 0)
        return;
    const size_t rest = (size_t)(change->size - change->at);
    change->n = n < rest ? n : rest;
    if (change->n > KEPT_MAX_BYTES)
        change->n = KEPT_MAX_BYTES;
    change->bytes = malloc(change->n);
    if (change->bytes == NULL)
        abort();
    const long got = syscall(SYS_pread64, change->fd, change->bytes, change->n, change->at);
    change->n = got > 0 ? (size_t)got : 0;
}

static uint64_t keep_content(int fd, off_t at, size_t n)
{
    struct stat file;
    if (!is_on || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
        return 0;
    const int again = reopen(fd);
    if (again < 0)
        return 0;
    struct change *change = new_change(CONTENT);
    change->fd = again;
    change->device = file.st_dev;
    change->inode = file.st_ino;
    change->size = file.st_size;
    change->at = place_of(fd, at, &file);
    keep_bytes(change, n);
    push(change);
    return change->number;
}

uint64_t unsynced_write(int fd, off_t at, size_t n)
{
    return keep_content(fd, at, n);
}

void unsynced_written(int fd, uint64_t number)
{
    struct stat file;
    if (number != 0 && (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0 && fstat(fd, &file) == 0)
        forget(&file, number, number);
}

void unsynced_resize(int fd, off_t n)
{
    (void)keep_content(fd, n, SIZE_MAX);
}

/* ---- names ---- */

/* The change of a name counts for its folder. */
static struct change *new_name(enum kind kind, const char *path)
{
    char folder[PATH_MAX];
    struct stat info;
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    (void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (stat(folder, &info) != 0)
        return NULL;
    struct change *change = new_change(kind);
    change->device = info.st_dev;
    change->inode = info.st_ino;
    (void)snprintf(change->path, sizeof(change->path), "%s", path);
    return change;
}

void unsynced_made(const char *path)
{
    struct change *change = is_on ? new_name(MADE, path) : NULL;
    if (change != NULL)
        push(change);
}

void unsynced_remove(const char *path)
{
    struct stat file;
    struct change *change = NULL;
    if (!is_on || lstat(path, &file) != 0 || (!S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode)))
        return;
    change = new_name(REMOVED, path);
    if (change == NULL)
        return;
    change->mode = file.st_mode;
    if (S_ISREG(file.st_mode)) {
        change->fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        change->size = file.st_size;
        keep_bytes(change, SIZE_MAX);
    }
    push(change);
}

void unsynced_rename(const char *from, const char *to)
{
    if (!is_on)
        return;
    unsynced_remove(to);
    struct change *change = new_name(RENAMED, to);
    if (change == NULL)
        return;
    (void)snprintf(change->from, sizeof(change->from), "%s", from);
    push(change);
}

/* ---- syncing ---- */

uint64_t unsynced_mark(void)
{
    pthread_mutex_lock(&lock);
    const uint64_t mark = last_number;
    pthread_mutex_unlock(&lock);
    return mark;
}

void unsynced_synced(int fd, uint64_t mark)
{
    struct stat file;
    if (is_on && fstat(fd, &file) == 0)
        forget(&file, 1, mark);
}

/* ---- losing ---- */

static void put_back_content(const struct change *change)
{
    if (change->n > 0)
        (void)syscall(SYS_pwrite64, change->fd, change->bytes, change->n, change->at);
    (void)syscall(SYS_ftruncate, change->fd, change->size);
}

static void put_back_removed(const struct change *change)
{
    if (S_ISDIR(change->mode)) {
        (void)syscall(SYS_mkdir, change->path, change->mode & 07777);
        return;
    }
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, change->path,
                                O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, change->mode & 07777);
    if (fd >= 0 && change->n > 0)
        (void)syscall(SYS_pwrite64, fd, change->bytes, change->n, 0);
}

/* With all that is in it. */
static void lose_name(const char *path)
{
    char lost[PATH_MAX + 8];
    if (syscall(SYS_unlink, path) == 0 || syscall(SYS_rmdir, path) == 0)
        return;
    (void)snprintf(lost, sizeof(lost), "%s.lost", path);
    (void)syscall(SYS_rename, path, lost);
}

static void put_back(const struct change *change)
{
    switch (change->kind) {
    case CONTENT:
        put_back_content(change);
        break;
    case MADE:
        lose_name(change->path);
        break;
    case REMOVED:
        put_back_removed(change);
        break;
    case RENAMED:
        (void)syscall(SYS_rename, change->path, change->from);
        break;
    }
}

/* A thread that reads a mapping whose file is being cut waits for the end, without a call that a filter may forbid. */
static void wait_for_end(int number)
{
    (void)number;
    for (;;) {
    }
}

void unsynced_lose(void)
{
    struct sigaction waiting = { .sa_handler = wait_for_end };
    (void)sigaction(SIGBUS, &waiting, NULL);
    pthread_mutex_lock(&lock); /* and for good */
    for (const struct change *change = newest; change != NULL; change = change->older)
        put_back(change);
}
