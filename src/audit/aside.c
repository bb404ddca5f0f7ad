/* SPDX-License-Identifier: Apache-2.0 */
/* Damage at the end of the log, as a power failure leaves it, is kept in a file of its own before
 * it is cut off. */
#include "audit/internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
/* So many times record `seq` may be found damaged. */
#define COPIES_MAX 1000

static void put_name(uint64_t seq, int copy, char out[AUDIT_ASIDE_NAME_BYTES])
{
    if (copy == 1)
        (void)snprintf(out, AUDIT_ASIDE_NAME_BYTES, "audit-%020" PRIu64 ".damaged", seq);
    else
        (void)snprintf(out, AUDIT_ASIDE_NAME_BYTES, "audit-%020" PRIu64 ".damaged.%d", seq, copy);
}

/* An existing file is never touched: it is what another start has set aside. */
static hf_err make_file(int folder, uint64_t seq, char out_name[AUDIT_ASIDE_NAME_BYTES],
                        int *out_fd)
{
    hf_err err = HF_E_EXISTS;
    for (int copy = 1; copy <= COPIES_MAX && err == HF_E_EXISTS; copy++) {
        put_name(seq, copy, out_name);
        err = audit_file_open(folder, out_name, O_WRONLY | O_CREAT | O_EXCL, out_fd);
    }
    return err;
}

static hf_err copy_range(int from, uint64_t start, uint64_t end, int to)
{
    uint8_t block[BLOCK_BYTES];
    while (start < end) {
        size_t n = end - start < BLOCK_BYTES ? (size_t)(end - start) : BLOCK_BYTES;
        hf_err err = audit_read_at(from, start, block, n);
        if (err == HF_OK)
            err = hf_fd_write_all(to, (hf_bytes){ block, n });
        if (err != HF_OK)
            return err;
        start += n;
    }
    return HF_OK;
}

static hf_err sync_both(int file, int folder)
{
    return fsync(file) == 0 && fsync(folder) == 0 ? HF_OK : hf_err_from_errno(errno);
}

hf_err audit_set_aside(int folder, int segment, uint64_t start, uint64_t seq,
                       struct audit_aside *out)
{
    uint64_t end = 0;
    hf_err err = audit_file_size(segment, &end);
    if (err != HF_OK)
        return err;
    struct audit_aside aside = { .bytes = end - start };
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    err = make_file(folder, seq, aside.name, &fd);
    if (err != HF_OK)
        return err;
    err = copy_range(segment, start, end, fd);
    if (err == HF_OK)
        err = sync_both(fd, folder);
    if (err != HF_OK) {
        (void)unlinkat(folder, aside.name, 0);
        return err;
    }
    *out = aside;
    return HF_OK;
}
