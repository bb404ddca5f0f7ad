/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether somebody else has changed the log while it is open: each second the current file is compared
 * with what was written (its name, length and last line), the folder with its path, and earlier files
 * with their length.
 */
#include "audit/log.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define RESTORE_NAME "audit.restore"
/* Earlier files looked at in one call; more of them take several seconds. */
#define EARLIER_PER_CALL 256
#define CLOSED_START 16

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

const char *audit_change_text(enum audit_change change)
{
    switch (change) {
    case AUDIT_UNCHANGED:
        return "unchanged";
    case AUDIT_FILE_GONE:
        return "its file was deleted or renamed";
    case AUDIT_FILE_REPLACED:
        return "another file is in the place of its file";
    case AUDIT_FILE_CUT:
        return "its file was cut off";
    case AUDIT_FILE_GROWN:
        return "somebody else has written to its file";
    case AUDIT_FILE_REWRITTEN:
        return "its last line was rewritten";
    case AUDIT_FOLDER_GONE:
        return "its folder was deleted, renamed or replaced";
    case AUDIT_EARLIER_FILE:
        return "an earlier file was deleted, replaced or changed in length";
    }
    return "";
}

/* ---- the current file and the folder ---- */

static enum audit_change compare_folder(const struct audit_log *log)
{
    struct stat ours;
    struct stat named;
    if (fstat(log->folder, &ours) != 0 || stat(log->path, &named) != 0 || !is_same(&ours, &named))
        return AUDIT_FOLDER_GONE;
    return AUDIT_UNCHANGED;
}

static enum audit_change compare_name(const struct audit_log *log, const struct stat *ours)
{
    char name[AUDIT_SEGMENT_NAME_BYTES];
    struct stat named;
    audit_segment_name(log->first, name);
    if (fstatat(log->folder, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return AUDIT_FILE_GONE;
    return is_same(ours, &named) ? AUDIT_UNCHANGED : AUDIT_FILE_REPLACED;
}

static enum audit_change compare_size(const struct audit_log *log, const struct stat *ours)
{
    uint64_t size = (uint64_t)ours->st_size;
    if (size < log->size)
        return AUDIT_FILE_CUT;
    bool may_be_longer = log->fault == AUDIT_FAULT_TAIL;
    return size > log->size && !may_be_longer ? AUDIT_FILE_GROWN : AUDIT_UNCHANGED;
}

/* The hash of the last line is the head: nobody can write another line with it. */
static enum audit_change compare_last_line(const struct audit_log *log)
{
    if (log->last_bytes == 0)
        return AUDIT_UNCHANGED;
    size_t n = (size_t)log->last_bytes;
    uint8_t *p = malloc(n);
    if (p == NULL)
        return AUDIT_UNCHANGED; /* looked at again in a second */
    struct audit_line line = { 0 };
    uint8_t hash[AUDIT_HASH_BYTES];
    hf_err err = audit_read_at(log->fd, log->size - n, p, n);
    bool is_readable = err == HF_OK;
    if (err == HF_OK && p[n - 1] != '\n')
        err = HF_E_INVALID;
    if (err == HF_OK)
        err = audit_line_parse((hf_bytes){ p, n - 1 }, &line);
    if (err == HF_OK)
        err = audit_line_hash(line.prev, line.seq, line.body, hash);
    bool is_ours = err == HF_OK && line.seq == log->head.seq &&
                   hf_bytes_equal((hf_bytes){ hash, sizeof(hash) },
                                  (hf_bytes){ log->head.hash, sizeof(log->head.hash) });
    free(p);
    return is_ours || !is_readable ? AUDIT_UNCHANGED : AUDIT_FILE_REWRITTEN;
}

enum audit_change audit_watch_current(struct audit_log *log)
{
    struct stat ours;
    enum audit_change change = compare_folder(log);
    if (change == AUDIT_UNCHANGED && fstat(log->fd, &ours) != 0)
        return AUDIT_FILE_GONE;
    if (change == AUDIT_UNCHANGED)
        change = compare_name(log, &ours);
    if (change == AUDIT_UNCHANGED)
        change = compare_size(log, &ours);
    if (change == AUDIT_UNCHANGED)
        change = compare_last_line(log);
    return change;
}

/* ---- a deleted file ---- */

static hf_err copy_all(const struct audit_log *log, int to)
{
    uint8_t block[BLOCK_BYTES];
    for (uint64_t at = 0; at < log->size;) {
        size_t n = log->size - at < BLOCK_BYTES ? (size_t)(log->size - at) : BLOCK_BYTES;
        hf_err err = audit_read_at(log->fd, at, block, n);
        if (err == HF_OK)
            err = hf_fd_write_all(to, (hf_bytes){ block, n });
        if (err != HF_OK)
            return err;
        at += n;
    }
    return fsync(to) == 0 ? HF_OK : hf_err_from_errno(errno);
}

/* A link fails where a rename would overwrite what somebody has put there. */
static hf_err give_name(const struct audit_log *log)
{
    char name[AUDIT_SEGMENT_NAME_BYTES];
    audit_segment_name(log->first, name);
    if (linkat(log->folder, RESTORE_NAME, log->folder, name, 0) != 0)
        return hf_err_from_errno(errno);
    return fsync(log->folder) == 0 ? HF_OK : hf_err_from_errno(errno);
}

hf_err audit_watch_restore(struct audit_log *log)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    struct stat ours;
    if (fstat(log->fd, &ours) != 0 || (uint64_t)ours.st_size != log->size ||
        compare_last_line(log) != AUDIT_UNCHANGED)
        return HF_E_IO;
    (void)unlinkat(log->folder, RESTORE_NAME, 0);
    hf_err err = audit_file_open(log->folder, RESTORE_NAME, O_RDWR | O_APPEND | O_CREAT | O_EXCL,
                                 &fd);
    if (err == HF_OK)
        err = copy_all(log, fd);
    if (err == HF_OK)
        err = give_name(log);
    (void)unlinkat(log->folder, RESTORE_NAME, 0);
    if (err != HF_OK)
        return err;
    (void)close(log->fd);
    log->fd = fd;
    fd = -1;
    audit_log_note_durable(log, &log->head, log->size);
    return HF_OK;
}

/* ---- earlier files ---- */

static hf_err make_room(struct audit_log *log)
{
    if (log->closed_count < log->closed_cap)
        return HF_OK;
    size_t cap = log->closed_cap == 0 ? CLOSED_START : log->closed_cap * 2;
    struct audit_closed *closed = reallocarray(log->closed, cap, sizeof(*closed));
    if (closed == NULL)
        return HF_E_NOMEM;
    log->closed = closed;
    log->closed_cap = cap;
    return HF_OK;
}

hf_err audit_watch_closed(struct audit_log *log, uint64_t first)
{
    char name[AUDIT_SEGMENT_NAME_BYTES];
    struct stat status;
    hf_err err = make_room(log);
    if (err != HF_OK)
        return err;
    audit_segment_name(first, name);
    if (fstatat(log->folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return hf_err_from_errno(errno);
    log->closed[log->closed_count++] = (struct audit_closed){ .first = first,
                                                              .size = (uint64_t)status.st_size,
                                                              .inode = status.st_ino };
    return HF_OK;
}

static bool is_as_left(const struct audit_log *log, const struct audit_closed *closed)
{
    char name[AUDIT_SEGMENT_NAME_BYTES];
    struct stat status;
    audit_segment_name(closed->first, name);
    return fstatat(log->folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_ino == closed->inode && (uint64_t)status.st_size == closed->size;
}

enum audit_change audit_watch_earlier(struct audit_log *log, uint64_t *out_first)
{
    size_t n = log->closed_count < EARLIER_PER_CALL ? log->closed_count : EARLIER_PER_CALL;
    for (size_t i = 0; i < n; i++) {
        struct audit_closed *closed = &log->closed[log->closed_next % log->closed_count];
        log->closed_next = (log->closed_next + 1) % log->closed_count;
        if (closed->is_reported || is_as_left(log, closed))
            continue;
        closed->is_reported =
            true; /* once: putting an archive in its place is the operator's right */
        *out_first = closed->first;
        return AUDIT_EARLIER_FILE;
    }
    return AUDIT_UNCHANGED;
}
