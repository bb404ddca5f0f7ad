/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reserve: a file that holds nothing but room. When the disk is full it is cut down step by step,
 * so that the records of reads still go in; it grows again when the disk has room for all of it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* fallocate */
#endif
#include "audit/log.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Each step is small, so that others who wait for room on the disk get little of it. */
#define STEP_BYTES ((uint64_t)AUDIT_ROOM_BYTES)
#define STAT_BLOCK_BYTES 512

static hf_err cut_to(struct audit_reserve *reserve, uint64_t size)
{
    int result = -1;
    do
        result = ftruncate(reserve->fd, (off_t)size);
    while (result != 0 && errno == EINTR);
    if (result != 0)
        return hf_err_from_errno(errno);
    reserve->size = size;
    return HF_OK;
}

/* A file of another kind of room (a hole, blocks lost in a crash) does not count. */
static hf_err measure(struct audit_reserve *reserve)
{
    struct stat status;
    if (fstat(reserve->fd, &status) != 0)
        return hf_err_from_errno(errno);
    uint64_t size = (uint64_t)status.st_size;
    bool is_solid = (uint64_t)status.st_blocks * STAT_BLOCK_BYTES >= size;
    reserve->size = size;
    if (!is_solid)
        return cut_to(reserve, 0);
    return size > reserve->wanted ? cut_to(reserve, reserve->wanted) : HF_OK;
}

static hf_err open_file(int folder, struct audit_reserve *reserve)
{
    hf_fd_closep(&reserve->fd);
    reserve->size = 0;
    hf_err err = audit_file_open(folder, AUDIT_RESERVE_NAME, O_RDWR | O_CREAT, &reserve->fd);
    return err == HF_OK ? measure(reserve) : err;
}

hf_err audit_reserve_open(int folder, uint64_t wanted, struct audit_reserve *out)
{
    *out = (struct audit_reserve){ .fd = -1, .wanted = wanted };
    if (wanted == 0)
        return unlinkat(folder, AUDIT_RESERVE_NAME, 0) == 0 || errno == ENOENT
                   ? HF_OK
                   : hf_err_from_errno(errno);
    hf_err err = open_file(folder, out);
    if (err == HF_OK)
        err = audit_reserve_fill(folder, out);
    return err == HF_E_DISK_FULL ? HF_OK : err;
}

void audit_reserve_close(struct audit_reserve *reserve)
{
    hf_fd_closep(&reserve->fd);
}

bool audit_reserve_give(struct audit_reserve *reserve, uint64_t bytes)
{
    if (reserve->fd < 0 || reserve->size == 0)
        return false;
    uint64_t step = (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
    return cut_to(reserve, step < reserve->size ? reserve->size - step : 0) == HF_OK;
}

/* Asked first, because trying takes the last room from others for a moment. */
static bool has_room(const struct audit_reserve *reserve)
{
    struct statvfs status;
    if (fstatvfs(reserve->fd, &status) != 0)
        return true;
    uint64_t missing = reserve->wanted - reserve->size + STEP_BYTES;
    return status.f_bavail >= missing / status.f_frsize + 1;
}

static hf_err grow(struct audit_reserve *reserve)
{
    if (!has_room(reserve))
        return HF_E_DISK_FULL;
    uint64_t before = reserve->size;
    int error = 0;
    do
        error = posix_fallocate(reserve->fd, (off_t)before, (off_t)(reserve->wanted - before));
    while (error == EINTR);
    if (error == 0) {
        reserve->size = reserve->wanted;
        return HF_OK;
    }
    hf_err err = cut_to(reserve, before);
    return err == HF_OK ? hf_err_from_errno(error) : err;
}

hf_err audit_reserve_fill(int folder, struct audit_reserve *reserve)
{
    if (reserve->wanted == 0)
        return HF_OK;
    struct stat status;
    hf_err err = HF_OK;
    if (reserve->fd < 0 || fstat(reserve->fd, &status) != 0 || status.st_nlink == 0)
        err = open_file(folder, reserve);
    if (err != HF_OK || audit_reserve_is_whole(reserve))
        return err;
    return grow(reserve);
}
