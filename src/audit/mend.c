/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a failed write or sync: the end of the current file is put in order, or the log takes nothing.
 *
 * After a failed sync the kernel may have dropped what it could not write, and calls it clean: a later
 * sync that succeeds says nothing about it. So all since the last good sync is read back, checked
 * against the chain up to the head in memory, written once more in its place, and synced. If it does
 * not read back right, records are gone, and the log stays closed until the next start, which sets
 * aside what is left of them.
 */
#include "audit/log.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

static hf_err write_at(int fd, uint64_t offset, const uint8_t *p, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t put = pwrite(fd, p + done, n - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? hf_err_from_errno(errno) : HF_E_IO;
        done += (size_t)put;
    }
    return HF_OK;
}

/* Whether the chain goes on from what is durable to exactly the head. */
static hf_err check_tail(const struct audit_log *log, int fd)
{
    if (lseek(fd, (off_t)log->durable_size, SEEK_SET) < 0)
        return hf_err_from_errno(errno);
    struct audit_lines lines;
    hf_err err = audit_lines_init(&lines, fd);
    if (err != HF_OK)
        return err;
    struct audit_scan scan = { .head = log->durable };
    enum audit_read what = AUDIT_READ_LINE;
    while (err == HF_OK && what == AUDIT_READ_LINE && !scan.is_bad &&
           scan.head.seq < log->head.seq) {
        hf_bytes line = { 0 };
        err = audit_lines_next(&lines, &what, &line);
        if (err == HF_OK && what == AUDIT_READ_LINE)
            err = audit_scan_line(&scan, line);
    }
    audit_lines_done(&lines);
    if (err != HF_OK)
        return err;
    bool is_whole = !scan.is_bad && scan.head.seq == log->head.seq &&
                    log->durable_size + scan.intact_bytes == log->size &&
                    hf_bytes_equal((hf_bytes){ scan.head.hash, AUDIT_HASH_BYTES },
                                   (hf_bytes){ log->head.hash, AUDIT_HASH_BYTES });
    return is_whole ? HF_OK : HF_E_IO;
}

static hf_err write_again(const struct audit_log *log, int fd)
{
    uint8_t block[BLOCK_BYTES];
    for (uint64_t at = log->durable_size; at < log->size;) {
        size_t n = log->size - at < BLOCK_BYTES ? (size_t)(log->size - at) : BLOCK_BYTES;
        hf_err err = audit_read_at(fd, at, block, n);
        if (err == HF_OK)
            err = write_at(fd, at, block, n);
        if (err != HF_OK)
            return err;
        at += n;
    }
    return fdatasync(fd) == 0 ? HF_OK : hf_err_from_errno(errno);
}

/* On a descriptor of its own: the log's only appends, and has told its error already. */
static hf_err make_durable(struct audit_log *log)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_segment_open(log->folder, log->first, O_RDWR, &fd);
    if (err == HF_OK)
        err = check_tail(log, fd);
    if (err == HF_OK)
        err = write_again(log, fd);
    if (err == HF_OK)
        audit_log_note_durable(log, &log->head, log->size);
    return err;
}

hf_err audit_mend(struct audit_log *log)
{
    if (log->fault == AUDIT_FAULT_NONE)
        return HF_OK;
    if (!audit_log_cut_back(log))
        return HF_E_IO;
    /* Also after a write that could not be undone: what else the disk has lost is not known. */
    hf_err err = make_durable(log);
    log->fault = err == HF_OK ? AUDIT_FAULT_NONE : AUDIT_FAULT_SYNC;
    return err;
}
