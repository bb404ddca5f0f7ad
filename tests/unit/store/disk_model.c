/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk under one file. The real file plays the page cache.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include "disk_model.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define PAGES_MAX ((size_t)1024)
#define IMAGES_MAX ((size_t)1024)

static struct {
    pthread_mutex_t m;
    atomic_bool is_attached;
    dev_t device;
    ino_t file;
    int fd; /* the test's own: writing by it syncs nothing */

    uint8_t disk[PAGES_MAX][PAGE]; /* what is durable; all below under m */
    size_t disk_pages;
    bool waits[PAGES_MAX]; /* written, not yet synced */

    enum disk_fault fault;
    enum disk_loss loss;
    int fault_at;
    int operations;
    bool is_healed;
    bool has_failed;
    uint64_t random;

    struct disk_image images[IMAGES_MAX];
    size_t image_count;
    int tag;
} model = { .m = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

static bool is_ours(int fd)
{
    struct stat info;
    return atomic_load(&model.is_attached) && fstat(fd, &info) == 0 && info.st_ino == model.file &&
           info.st_dev == model.device;
}

static bool has_flag(int fd, int flag)
{
    return (fcntl(fd, F_GETFL) & flag) == flag;
}

/* splitmix64 */
static bool toss(void)
{
    model.random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = model.random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((z ^ (z >> 31)) & 1) != 0;
}

/* ---- pages ---- */

static void read_cached(size_t page, uint8_t out[PAGE])
{
    memset(out, 0, PAGE);
    HF_ASSERT(syscall(SYS_pread64, model.fd, out, PAGE, (off_t)(page * PAGE)) >= 0);
}

static void persist(size_t page)
{
    read_cached(page, model.disk[page]);
    if (page >= model.disk_pages)
        model.disk_pages = page + 1;
}

static void note_written(off_t offset, size_t n)
{
    size_t end = ((size_t)offset + n + PAGE - 1) / PAGE;
    HF_ASSERT(end <= PAGES_MAX);
    for (size_t page = (size_t)offset / PAGE; page < end; page++)
        model.waits[page] = true;
}

/* The first and the end of the pages that it is about. */
static int sync_pages(size_t first, size_t end, bool is_failing)
{
    for (size_t page = first; page < end; page++) {
        bool is_kept = model.loss == DISK_LOSES_NONE || (model.loss == DISK_LOSES_SOME && toss());
        if (model.waits[page] && (!is_failing || is_kept))
            persist(page);
        model.waits[page] = false;
    }
    if (!is_failing)
        return 0;
    errno = EIO;
    return -1;
}

/* ---- images ---- */

static bool is_known(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < model.image_count; i++) {
        const struct disk_image *image = &model.images[i];
        if (image->tag == model.tag && image->n == n && memcmp(image->bytes, bytes, n) == 0)
            return true;
    }
    return false;
}

static void take_image(bool with_some)
{
    HF_ASSERT(model.image_count < IMAGES_MAX);
    size_t pages = model.disk_pages;
    uint8_t *bytes = calloc(PAGES_MAX, PAGE);
    HF_ASSERT(bytes != NULL);
    memcpy(bytes, model.disk, pages * PAGE);
    for (size_t page = 0; page < PAGES_MAX && with_some; page++) {
        if (!model.waits[page] || !toss())
            continue;
        read_cached(page, bytes + page * PAGE);
        pages = page >= pages ? page + 1 : pages;
    }
    if (is_known(bytes, pages * PAGE)) {
        free(bytes);
        return;
    }
    uint8_t *fitting = realloc(bytes, pages * PAGE);
    HF_ASSERT(fitting != NULL);
    model.images[model.image_count++] =
        (struct disk_image){ .bytes = fitting, .n = pages * PAGE, .tag = model.tag };
}

static bool begin_operation(bool is_sync)
{
    take_image(false);
    take_image(true);
    int number = model.operations++;
    if (model.fault_at < 0 || number < model.fault_at || model.is_healed)
        return false;
    bool is_once = model.fault == DISK_ONCE || model.fault == DISK_SHORT_ONCE;
    bool fails = is_once ? number == model.fault_at : is_sync || model.fault == DISK_ALL;
    model.has_failed = model.has_failed || fails;
    return fails;
}

/* ---- the functions ---- */

/* A descriptor that syncs by itself fails after the cache has it; another one before. */
static ssize_t write_at(int fd, const void *bytes, size_t n, off_t offset)
{
    if (!is_ours(fd))
        return syscall(SYS_pwrite64, fd, bytes, n, offset);
    bool syncs = has_flag(fd, O_DSYNC);
    (void)pthread_mutex_lock(&model.m);
    bool is_failing = begin_operation(syncs);
    bool is_short = is_failing && model.fault == DISK_SHORT_ONCE && !syncs;
    bool is_late = model.fault == DISK_ALL && model.operations - 1 > model.fault_at;
    bool is_refused = is_failing && !is_short && (!syncs || is_late);
    ssize_t done = -1;
    if (!is_refused) {
        done = syscall(SYS_pwrite64, model.fd, bytes, is_short ? n / 2 : n, offset);
        HF_ASSERT(done >= 0);
        note_written(offset, (size_t)done);
    }
    if (syncs && !is_refused &&
        sync_pages((size_t)offset / PAGE, ((size_t)offset + n + PAGE - 1) / PAGE, is_failing) != 0)
        done = -1;
    (void)pthread_mutex_unlock(&model.m);
    if (done < 0)
        errno = EIO;
    return done;
}

/* Under both names that the C library has, whichever the engine was built with. */
ssize_t model_pwrite(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite");
ssize_t model_pwrite64(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite64");

ssize_t model_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    return write_at(fd, bytes, n, offset);
}

ssize_t model_pwrite64(int fd, const void *bytes, size_t n, off_t offset)
{
    return write_at(fd, bytes, n, offset);
}

static ssize_t write_vector(int fd, const struct iovec *parts, int count, off_t offset)
{
    static uint8_t joined[PAGES_MAX * PAGE]; /* one writer thread */
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        HF_ASSERT(n + parts[i].iov_len <= sizeof(joined));
        memcpy(joined + n, parts[i].iov_base, parts[i].iov_len);
        n += parts[i].iov_len;
    }
    return write_at(fd, joined, n, offset);
}

ssize_t model_writev(int fd, const struct iovec *parts, int count) __asm__("writev");

ssize_t model_writev(int fd, const struct iovec *parts, int count)
{
    if (!is_ours(fd))
        return syscall(SYS_writev, fd, parts, count);
    ssize_t done = write_vector(fd, parts, count, lseek(fd, 0, SEEK_CUR));
    if (done > 0)
        (void)lseek(fd, done, SEEK_CUR);
    return done;
}

ssize_t model_pwritev(int fd, const struct iovec *parts, int count, off_t at) __asm__("pwritev");
ssize_t model_pwritev64(int fd, const struct iovec *parts, int count,
                        off_t at) __asm__("pwritev64");

ssize_t model_pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    if (!is_ours(fd))
        return syscall(SYS_pwritev, fd, parts, count, (long)at, 0L);
    return write_vector(fd, parts, count, at);
}

ssize_t model_pwritev64(int fd, const struct iovec *parts, int count, off_t at)
{
    return model_pwritev(fd, parts, count, at);
}

int model_fdatasync(int fd) __asm__("fdatasync");

int model_fdatasync(int fd)
{
    if (!is_ours(fd))
        return (int)syscall(SYS_fdatasync, fd);
    (void)pthread_mutex_lock(&model.m);
    int result = sync_pages(0, PAGES_MAX, begin_operation(true));
    (void)pthread_mutex_unlock(&model.m);
    if (result != 0)
        errno = EIO;
    return result;
}

/* Names in folders are not what is tested. */
int model_fsync(int fd) __asm__("fsync");

int model_fsync(int fd)
{
    return atomic_load(&model.is_attached) ? 0 : (int)syscall(SYS_fsync, fd);
}

/* Past the cache there is the disk. */
static ssize_t read_at(int fd, void *out, size_t n, off_t offset)
{
    if (!is_ours(fd) || !has_flag(fd, O_DIRECT))
        return syscall(SYS_pread64, fd, out, n, offset);
    (void)pthread_mutex_lock(&model.m);
    HF_ASSERT((size_t)offset + n <= sizeof(model.disk));
    memcpy(out, (const uint8_t *)model.disk + offset, n);
    (void)pthread_mutex_unlock(&model.m);
    return (ssize_t)n;
}

ssize_t model_pread(int fd, void *out, size_t n, off_t offset) __asm__("pread");
ssize_t model_pread64(int fd, void *out, size_t n, off_t offset) __asm__("pread64");

ssize_t model_pread(int fd, void *out, size_t n, off_t offset)
{
    return read_at(fd, out, n, offset);
}

ssize_t model_pread64(int fd, void *out, size_t n, off_t offset)
{
    return read_at(fd, out, n, offset);
}

/* ---- control ---- */

void disk_attach(const char *path)
{
    struct stat info;
    model.fd = open(path, O_RDWR | O_CLOEXEC);
    HF_ASSERT(model.fd >= 0 && fstat(model.fd, &info) == 0);
    HF_ASSERT((size_t)info.st_size <= sizeof(model.disk));
    model.device = info.st_dev;
    model.file = info.st_ino;
    model.disk_pages = 0;
    memset(model.waits, 0, sizeof(model.waits));
    for (size_t page = 0; page * PAGE < (size_t)info.st_size; page++)
        persist(page);
    model.fault_at = -1;
    atomic_store(&model.is_attached, true);
}

void disk_set_fault(enum disk_fault fault, enum disk_loss loss, int fault_at, uint64_t seed)
{
    (void)pthread_mutex_lock(&model.m);
    model.fault = fault;
    model.loss = loss;
    model.fault_at = fault_at;
    model.operations = 0;
    model.is_healed = false;
    model.has_failed = false;
    model.random = seed;
    (void)pthread_mutex_unlock(&model.m);
}

void disk_heal(void)
{
    (void)pthread_mutex_lock(&model.m);
    model.is_healed = true;
    (void)pthread_mutex_unlock(&model.m);
}

void disk_detach(void)
{
    if (!atomic_exchange(&model.is_attached, false))
        return;
    (void)close(model.fd);
    disk_forget_images();
}

int disk_operations(void)
{
    (void)pthread_mutex_lock(&model.m);
    int operations = model.operations;
    (void)pthread_mutex_unlock(&model.m);
    return operations;
}

bool disk_has_failed(void)
{
    (void)pthread_mutex_lock(&model.m);
    bool has_failed = model.has_failed;
    (void)pthread_mutex_unlock(&model.m);
    return has_failed;
}

void disk_tag(int tag)
{
    (void)pthread_mutex_lock(&model.m);
    model.tag = tag;
    (void)pthread_mutex_unlock(&model.m);
}

void disk_take_images(void)
{
    (void)pthread_mutex_lock(&model.m);
    take_image(false);
    take_image(true);
    (void)pthread_mutex_unlock(&model.m);
}

size_t disk_images(struct disk_image **out)
{
    *out = model.images;
    return model.image_count;
}

void disk_forget_images(void)
{
    for (size_t i = 0; i < model.image_count; i++)
        free(model.images[i].bytes);
    model.image_count = 0;
}
