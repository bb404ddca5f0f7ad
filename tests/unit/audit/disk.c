/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's calls with faults. One thread at a time. */
#include "disk.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK_BYTES 4096

struct test_disk test_disk = { .room = TEST_DISK_LARGE };

void test_disk_reset(void)
{
    test_disk = (struct test_disk){ .room = TEST_DISK_LARGE };
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

ssize_t disk_write(int fd, const void *bytes, size_t n) __asm__("write");
ssize_t disk_pwrite(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite");
ssize_t disk_pwrite_64(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite64");
int disk_fdatasync(int fd) __asm__("fdatasync");
int disk_ftruncate(int fd, off_t size) __asm__("ftruncate");
int disk_ftruncate_64(int fd, off_t size) __asm__("ftruncate64");
int disk_fstatvfs(int fd, struct statvfs *out) __asm__("fstatvfs");
int disk_fstatvfs_64(int fd, struct statvfs *out) __asm__("fstatvfs64");

/* As much as there is room for, then ENOSPC, as a disk does it. */
ssize_t disk_write(int fd, const void *bytes, size_t n)
{
    if (fd <= STDERR_FILENO)
        return syscall(SYS_write, fd, bytes, n);
    if (test_disk.write_error != 0)
        return fail_with(test_disk.write_error);
    if (n > 0 && test_disk.room <= 0)
        return fail_with(ENOSPC);
    size_t taken = (int64_t)n < test_disk.room ? n : (size_t)test_disk.room;
    test_disk.room -= (int64_t)taken;
    return syscall(SYS_write, fd, bytes, taken);
}

static ssize_t write_again(int fd, const void *bytes, size_t n, off_t offset)
{
    test_disk.rewrites++;
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t disk_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    return write_again(fd, bytes, n, offset);
}

ssize_t disk_pwrite_64(int fd, const void *bytes, size_t n, off_t offset)
{
    return write_again(fd, bytes, n, offset);
}

int disk_fdatasync(int fd)
{
    return test_disk.sync_error != 0 ? fail_with(test_disk.sync_error)
                                     : (int)syscall(SYS_fdatasync, fd);
}

static int cut(int fd, off_t size)
{
    struct stat status;
    if (test_disk.cut_error != 0)
        return fail_with(test_disk.cut_error);
    if (fstat(fd, &status) == 0 && status.st_size > size)
        test_disk.room += status.st_size - size;
    return (int)syscall(SYS_ftruncate, fd, size);
}

int disk_ftruncate(int fd, off_t size)
{
    return cut(fd, size);
}

int disk_ftruncate_64(int fd, off_t size)
{
    return cut(fd, size);
}

static int tell_room(struct statvfs *out)
{
    fsblkcnt_t blocks = test_disk.room <= 0 ? 0 : (fsblkcnt_t)(test_disk.room / BLOCK_BYTES);
    *out = (struct statvfs){ .f_frsize = BLOCK_BYTES, .f_bavail = blocks };
    return 0;
}

int disk_fstatvfs(int fd, struct statvfs *out)
{
    (void)fd;
    return tell_room(out);
}

int disk_fstatvfs_64(int fd, struct statvfs *out)
{
    (void)fd;
    return tell_room(out);
}
