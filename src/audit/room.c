/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there is room for more records, found out without writing to the log. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* fallocate */
#endif
#include "audit/internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_NAME "audit.probe"
#define BLOCK_BYTES ((size_t)64 * 1024)

_Static_assert(AUDIT_ROOM_BYTES % BLOCK_BYTES == 0, "whole blocks");

/* The bytes are no zeros, which some file systems do not store. */
static hf_err write_blocks(int fd)
{
    uint8_t block[BLOCK_BYTES];
    memset(block, 'x', sizeof(block));
    for (size_t done = 0; done < AUDIT_ROOM_BYTES; done += sizeof(block)) {
        hf_err err = hf_fd_write_all(fd, (hf_bytes){ block, sizeof(block) });
        if (err != HF_OK)
            return err;
    }
    /* Some file systems find out only now that they are full. */
    return fdatasync(fd) == 0 ? HF_OK : hf_err_from_errno(errno);
}

hf_err audit_room_try(int folder, uint64_t size)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_file_open(folder, SCRATCH_NAME, O_WRONLY | O_CREAT | O_TRUNC, &fd);
    if (err != HF_OK)
        return err;
    /* It takes its room with it when it is closed, whatever happens to this process. */
    if (unlinkat(folder, SCRATCH_NAME, 0) != 0 && errno != ENOENT)
        return hf_err_from_errno(errno);
    /* A limit of the size of files is met where the segment would meet it; before it is a hole. */
    if (lseek(fd, (off_t)size, SEEK_SET) < 0)
        return hf_err_from_errno(errno);
    return write_blocks(fd);
}

hf_err audit_room_reserve(int segment, uint64_t size)
{
    int result = -1;
    do
        result = fallocate(segment, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)AUDIT_ROOM_BYTES);
    while (result != 0 && errno == EINTR);
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
        return HF_OK;
    return hf_err_from_errno(errno);
}
