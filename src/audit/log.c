/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log open for appending. One mutex serialises the writers; the files are opened for appending
 * only, and what a failed write left is cut off again. If even that fails, or a sync, the log takes no
 * further record until mend.c has put its end in order.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memrchr */
#endif
#include "audit/log.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FOLDER_MODE 0700
#define SEGMENT_DEFAULT_BYTES (UINT64_C(256) * 1024 * 1024)

static struct audit_log *log_new(const struct audit_config *config)
{
    struct audit_log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    log->folder = -1;
    log->fd = -1;
    log->reserve.fd = -1;
    log->path = strdup(config->folder);
    if (log->path == NULL) {
        free(log);
        return NULL;
    }
    log->segment_bytes = config->segment_bytes != 0 ? config->segment_bytes : SEGMENT_DEFAULT_BYTES;
    atomic_init(&log->condition, AUDIT_WRITABLE);
    (void)pthread_mutex_init(&log->m, NULL);
    return log;
}

static void log_free(struct audit_log *log)
{
    if (log == NULL)
        return;
    (void)pthread_mutex_destroy(&log->m);
    hf_fd_closep(&log->fd);
    audit_reserve_close(&log->reserve);
    hf_fd_closep(&log->folder);
    free(log->closed);
    free(log->path);
    free(log);
}
HF_DEFINE_FREEP(struct audit_log, log_free)

static hf_err open_folder(struct audit_log *log, const char *path, struct hf_diag *diag)
{
    hf_err err = hf_folder_make(path, FOLDER_MODE);
    if (err == HF_OK)
        err = audit_folder_open(path, &log->folder);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "audit log folder %s: %s", path, hf_err_text(err));
    if (flock(log->folder, LOCK_EX | LOCK_NB) != 0)
        return hf_fail(diag, errno == EWOULDBLOCK ? HF_E_BUSY : HF_E_IO, "",
                       "audit log folder %s: another process writes to it", path);
    return HF_OK;
}

/*
 * Makes the segment that begins behind the head. An empty one may be left from an attempt whose
 * fsync failed.
 */
static hf_err make_segment(struct audit_log *log, int *out)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_segment_open(log->folder, log->head.seq + 1, O_RDWR | O_APPEND | O_CREAT,
                                    &fd);
    if (err != HF_OK)
        return err;
    uint64_t size = 0;
    err = audit_file_size(fd, &size);
    if (err != HF_OK)
        return err;
    if (size != 0)
        return HF_E_EXISTS;
    if (fsync(fd) != 0 || fsync(log->folder) != 0)
        return hf_err_from_errno(errno);
    *out = fd;
    fd = -1;
    return HF_OK;
}

/*
 * Checks the last line of a file by its own hash. The line before it is not read: what it must
 * follow is taken from the line itself, which the next one protects.
 */
static hf_err scan_last_line(struct audit_scan *scan, hf_bytes text)
{
    if (text.n == 0 || text.p[text.n - 1] != '\n') {
        audit_scan_fail(scan, "changed: the line does not end");
        return HF_OK;
    }
    const uint8_t *newline = memrchr(text.p, '\n', text.n - 1);
    size_t start = newline == NULL ? 0 : (size_t)(newline + 1 - text.p);
    hf_bytes line = { text.p + start, text.n - 1 - start };
    struct audit_line parsed;
    if (audit_line_parse(line, &parsed) == HF_OK)
        memcpy(scan->head.hash, parsed.prev, sizeof(parsed.prev));
    return audit_scan_line(scan, line);
}

static hf_err read_last_line(struct audit_scan *scan, int fd)
{
    uint64_t size = 0;
    hf_err err = audit_file_size(fd, &size);
    if (err != HF_OK)
        return err;
    size_t n = size < AUDIT_LINE_MAX_BYTES ? (size_t)size : AUDIT_LINE_MAX_BYTES;
    uint8_t *p = malloc(n + 1);
    if (p == NULL)
        return HF_E_NOMEM;
    err = audit_read_at(fd, size - n, p, n);
    if (err == HF_OK)
        err = scan_last_line(scan, (hf_bytes){ p, n });
    free(p);
    return err;
}

/* Finds the end of `previous`, the segment before the one that begins with `first`. */
static hf_err scan_previous(const struct audit_log *log, uint64_t previous, uint64_t first,
                            const struct audit_head *expected, struct hf_diag *diag,
                            struct audit_head *out)
{
    struct audit_scan scan = { .expected = expected, .head.seq = first - 2 };
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_segment_open(log->folder, previous, O_RDONLY, &fd);
    if (err != HF_OK)
        return err;
    err = read_last_line(&scan, fd);
    if (err != HF_OK)
        return err;
    if (scan.is_bad)
        return hf_fail(diag, HF_E_CORRUPT, "",
                       "audit log is damaged at record %" PRIu64 " (last line of audit-%020" PRIu64
                       ".jsonl): %s",
                       scan.head.seq + 1, previous, scan.reason);
    *out = scan.head;
    return HF_OK;
}

static bool is_short(const struct audit_scan *scan)
{
    return scan->expected != NULL && scan->head.seq < scan->expected->seq;
}

/* Everything that the store knows to be durable is there: what follows it may be lost. */
static bool has_durable_part(const struct audit_scan *scan)
{
    return scan->expected != NULL && !is_short(scan);
}

/* Says what is wrong with the log beyond what may be set aside, if anything is. */
static hf_err judge_scan(const struct audit_scan *scan, uint64_t first, bool accept_loss,
                         struct hf_diag *diag)
{
    /* Without a line looked at, the file is in the wrong place: not to be mended by cutting it. */
    bool is_misplaced = scan->is_bad && scan->line == 0;
    if (is_misplaced || (scan->is_bad && !accept_loss && !has_durable_part(scan)))
        return hf_fail(diag, HF_E_CORRUPT, "",
                       "audit log is damaged at record %" PRIu64 " (line %" PRIu64
                       " of audit-%020" PRIu64 ".jsonl): %s",
                       scan->head.seq + 1, scan->line, first, scan->reason);
    if (!accept_loss && is_short(scan))
        return hf_fail(diag, HF_E_CORRUPT, "",
                       "audit log ends at record %" PRIu64
                       ", but the store has seen record %" PRIu64 ": records are missing",
                       scan->head.seq, scan->expected->seq);
    return HF_OK;
}

/*
 * Whether more is lost by cutting than the beginning of a line. Where nothing is known, an
 * unfinished line is taken for that.
 */
static bool is_damaged(const struct audit_scan *scan, bool accept_loss)
{
    if (scan->is_bad)
        return true;
    bool is_suspect = scan->is_garbled && (accept_loss || has_durable_part(scan));
    return scan->is_torn && (is_suspect || is_short(scan));
}

static hf_err set_aside(struct audit_log *log, const struct audit_scan *scan, struct hf_diag *diag)
{
    hf_err err = audit_set_aside(log->folder, log->fd, scan->intact_bytes, scan->head.seq + 1,
                                 &log->aside);
    if (err == HF_OK)
        return HF_OK;
    return hf_fail(diag, err, "",
                   "audit log is damaged from record %" PRIu64
                   " on, and this cannot be set aside: %s",
                   scan->head.seq + 1, hf_err_text(err));
}

/* Cuts what is behind the last intact record; only after the rest was found right and damage was
 * copied, so that no evidence is lost. */
static hf_err take_over(struct audit_log *log, const struct audit_scan *scan)
{
    if ((scan->is_torn || scan->is_bad) && ftruncate(log->fd, (off_t)scan->intact_bytes) != 0)
        return hf_err_from_errno(errno);
    /* The last process may have died before its last sync. */
    if (fsync(log->fd) != 0)
        return hf_err_from_errno(errno);
    log->size = scan->intact_bytes;
    log->durable_size = log->size;
    return HF_OK;
}

/* Checks the last segment and its link to the one before, and takes it as the current one. */
static hf_err open_last(struct audit_log *log, const struct audit_segments *segments,
                        bool accept_loss, struct audit_scan *scan, struct hf_diag *diag)
{
    uint64_t first = segments->first[segments->count - 1];
    hf_err err = HF_OK;
    if (segments->count > 1)
        err = scan_previous(log, segments->first[segments->count - 2], first,
                            accept_loss ? NULL : scan->expected, diag, &scan->head);
    if (err == HF_OK)
        err = audit_segment_open(log->folder, first, O_RDWR | O_APPEND, &log->fd);
    if (err == HF_OK)
        err = audit_scan_segment(scan, log->fd, first, true);
    if (err == HF_OK)
        err = judge_scan(scan, first, accept_loss, diag);
    if (err == HF_OK && is_damaged(scan, accept_loss))
        err = set_aside(log, scan, diag);
    if (err == HF_OK)
        err = take_over(log, scan);
    log->first = first;
    for (size_t i = 0; i + 1 < segments->count && err == HF_OK; i++)
        err = audit_watch_closed(log, segments->first[i]);
    if (err == HF_OK)
        return HF_OK;
    return hf_fail(diag, err, "", "audit-%020" PRIu64 ".jsonl: %s", first, hf_err_text(err));
}

/* The files before the restore are not here. */
static bool begins_after_restore(const struct audit_head *restored,
                                 const struct audit_segments *segments)
{
    return restored != NULL && (segments->count == 0 || segments->first[0] == restored->seq + 1);
}

static hf_err open_log(struct audit_log *log, const struct audit_config *config,
                       struct hf_diag *diag)
{
    hf_err err = open_folder(log, config->folder, diag);
    if (err != HF_OK)
        return err;
    struct audit_segments segments = { 0 };
    err = audit_segments_list(log->folder, &segments);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "audit log folder %s: %s", config->folder, hf_err_text(err));
    struct audit_scan scan = { .expected = config->expected };
    if (begins_after_restore(config->continue_from, &segments))
        scan.head = *config->continue_from;
    if (segments.count > 0)
        err = open_last(log, &segments, config->accept_loss, &scan, diag);
    else
        err = judge_scan(&scan, 1, config->accept_loss, diag);
    audit_segments_done(&segments);
    if (err != HF_OK)
        return err;
    log->head = scan.head;
    log->durable = scan.head;
    if (log->fd < 0) {
        log->first = log->head.seq + 1;
        err = make_segment(log, &log->fd);
    }
    if (err == HF_OK)
        err = audit_reserve_open(log->folder, config->reserve_bytes, &log->reserve);
    audit_log_judge(log);
    if (err == HF_OK)
        return HF_OK;
    return hf_fail(diag, err, "", "audit log folder %s: cannot make a file: %s", config->folder,
                   hf_err_text(err));
}

hf_err audit_open(const struct audit_config *config, struct hf_diag *diag, struct audit_log **out)
{
    HF_CLEANUP(log_freep) struct audit_log *log = log_new(config);
    if (log == NULL)
        return HF_E_NOMEM;
    hf_err err = open_log(log, config, diag);
    if (err != HF_OK)
        return err;
    *out = hf_take(&log);
    return HF_OK;
}

void audit_close(struct audit_log *log)
{
    if (log == NULL)
        return;
    /* Nobody is left to tell; the next start checks what is there. */
    hf_ignore(audit_sync(log));
    log_free(log);
}

struct audit_head audit_log_head(struct audit_log *log)
{
    (void)pthread_mutex_lock(&log->m);
    struct audit_head head = log->head;
    (void)pthread_mutex_unlock(&log->m);
    return head;
}

struct audit_head audit_log_durable_head(struct audit_log *log)
{
    (void)pthread_mutex_lock(&log->m);
    struct audit_head head = log->durable;
    (void)pthread_mutex_unlock(&log->m);
    return head;
}

uint64_t audit_recovered_bytes(const struct audit_log *log)
{
    return log->aside.bytes;
}

const char *audit_recovered_file(const struct audit_log *log)
{
    return log->aside.name;
}

enum audit_condition audit_log_condition(const struct audit_log *log)
{
    return atomic_load(&log->condition);
}

bool audit_is_writable(const struct audit_log *log)
{
    return audit_log_condition(log) == AUDIT_WRITABLE;
}

bool audit_takes_records(const struct audit_log *log)
{
    return audit_log_condition(log) <= AUDIT_ON_RESERVE;
}

const char *audit_condition_text(enum audit_condition condition)
{
    switch (condition) {
    case AUDIT_WRITABLE:
        return "the audit log can be written";
    case AUDIT_ON_RESERVE:
        return "the audit log's disk is full, its reserve is in use: changes are refused";
    case AUDIT_DISK_FULL:
        return "the audit log cannot be written: its disk is full";
    case AUDIT_FAILING:
        return "the audit log cannot be written: its disk fails";
    case AUDIT_TAMPERED:
        return "the audit log was changed by somebody else";
    }
    return "";
}

/* --- what is known of it: under m ------------------------------------------------------------- */

static enum audit_condition condition_of(const struct audit_log *log)
{
    bool is_full = log->last_error == HF_E_DISK_FULL && log->fault == AUDIT_FAULT_NONE;
    if (log->change != AUDIT_UNCHANGED)
        return AUDIT_TAMPERED;
    if (is_full)
        return log->reserve.size > 0 ? AUDIT_ON_RESERVE : AUDIT_DISK_FULL;
    if (log->last_error != HF_OK || log->fault != AUDIT_FAULT_NONE)
        return AUDIT_FAILING;
    return audit_reserve_is_whole(&log->reserve) ? AUDIT_WRITABLE : AUDIT_ON_RESERVE;
}

void audit_log_judge(struct audit_log *log)
{
    atomic_store(&log->condition, condition_of(log));
}

void audit_log_note(struct audit_log *log, hf_err err)
{
    log->last_error = err;
    log->failures += err != HF_OK;
    audit_log_judge(log);
}

void audit_log_note_durable(struct audit_log *log, const struct audit_head *head, uint64_t size)
{
    if (log->durable.seq < head->seq)
        log->durable = *head;
    if (log->durable_size < size)
        log->durable_size = size;
}

/* What callers are promised: HF_E_DISK_FULL or HF_E_IO. */
static hf_err write_error(hf_err err)
{
    return err == HF_OK || err == HF_E_DISK_FULL ? err : HF_E_IO;
}

/* --- syncing ---------------------------------------------------------------------------------- */

/* After a failed sync nobody knows what the disk holds. Under m. */
static hf_err note_synced(struct audit_log *log, int result, const struct audit_head *head,
                          uint64_t size)
{
    if (result != 0) {
        log->fault = AUDIT_FAULT_SYNC;
        audit_log_note(log, HF_E_IO);
        return HF_E_IO;
    }
    audit_log_note_durable(log, head, size);
    return HF_OK;
}

/* Takes what is to be synced; *fd is -1 if nothing is. */
static hf_err begin_sync(struct audit_log *log, struct audit_head *head, uint64_t *size, int *fd)
{
    (void)pthread_mutex_lock(&log->m);
    hf_err err = log->fault != AUDIT_FAULT_NONE ? HF_E_IO : HF_OK;
    *head = log->head;
    *size = log->size;
    if (err == HF_OK && log->durable.seq != log->head.seq) {
        *fd = fcntl(log->fd, F_DUPFD_CLOEXEC, 0);
        err = *fd < 0 ? HF_E_UNAVAILABLE : HF_OK;
    }
    log->syncing += *fd >= 0;
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

/* The sync itself runs outside the lock, on a descriptor of its own, so that no request waits for
 * it. */
hf_err audit_sync(struct audit_log *log)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    struct audit_head head;
    uint64_t size = 0;
    hf_err err = begin_sync(log, &head, &size, &fd);
    if (err != HF_OK || fd < 0)
        return err;
    int result = fdatasync(fd);
    (void)pthread_mutex_lock(&log->m);
    log->syncing--;
    err = note_synced(log, result, &head, size);
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

/* --- appending -------------------------------------------------------------------------------- */

/* Under m. */
static hf_err change_segment(struct audit_log *log)
{
    hf_err err = note_synced(log, fdatasync(log->fd), &log->head, log->size);
    if (err != HF_OK)
        return err;
    int fd = -1;
    err = make_segment(log, &fd);
    while (err == HF_E_DISK_FULL && audit_reserve_give(&log->reserve, AUDIT_ROOM_BYTES))
        err = make_segment(log, &fd);
    if (err == HF_OK)
        err = audit_watch_closed(log, log->first);
    if (err != HF_OK) {
        hf_fd_closep(&fd);
        return err;
    }
    (void)close(log->fd);
    log->fd = fd;
    log->first = log->head.seq + 1;
    log->size = 0;
    log->durable_size = 0;
    log->last_bytes = 0;
    return HF_OK;
}

/*
 * A file that is being synced outside of the lock stays the current one for that long: its failure
 * would otherwise be told about the wrong file. Under m.
 */
static bool is_segment_full(const struct audit_log *log)
{
    return log->size >= log->segment_bytes && log->syncing == 0;
}

static hf_err check_usable(const struct audit_log *log)
{
    return log->fault != AUDIT_FAULT_NONE || log->change != AUDIT_UNCHANGED ? HF_E_IO : HF_OK;
}

hf_err audit_log_begin(struct audit_log *log, struct audit_head *head)
{
    (void)pthread_mutex_lock(&log->m);
    hf_err err = check_usable(log);
    if (err == HF_OK && is_segment_full(log))
        err = change_segment(log);
    if (err != HF_OK) {
        audit_log_note(log, write_error(err));
        (void)pthread_mutex_unlock(&log->m);
        return write_error(err);
    }
    *head = log->head;
    return HF_OK;
}

bool audit_log_cut_back(struct audit_log *log)
{
    int result = -1;
    do
        result = ftruncate(log->fd, (off_t)log->size);
    while (result != 0 && errno == EINTR);
    if (result != 0)
        log->fault = AUDIT_FAULT_TAIL;
    return result == 0;
}

/* On a full disk, room that the reserve gives up goes to the file at once. Under m. */
static hf_err append(struct audit_log *log, hf_bytes lines)
{
    hf_err err = hf_fd_write_all(log->fd, lines);
    while (err != HF_OK && audit_log_cut_back(log) && err == HF_E_DISK_FULL &&
           audit_reserve_give(&log->reserve, lines.n)) {
        hf_ignore(audit_room_reserve(log->fd, log->size));
        err = hf_fd_write_all(log->fd, lines);
    }
    return write_error(err);
}

static uint64_t last_line_bytes(hf_bytes lines)
{
    const uint8_t *newline = lines.n < 2 ? NULL : memrchr(lines.p, '\n', lines.n - 1);
    return newline == NULL ? lines.n : (uint64_t)(lines.p + lines.n - 1 - newline);
}

hf_err audit_log_commit(struct audit_log *log, hf_bytes lines, const struct audit_head *head)
{
    hf_err err = append(log, lines);
    if (err == HF_OK) {
        log->size += lines.n;
        log->head = *head;
        log->last_bytes = last_line_bytes(lines);
    }
    audit_log_note(log, err);
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

void audit_log_abort(struct audit_log *log)
{
    audit_log_note(log, HF_E_IO);
    (void)pthread_mutex_unlock(&log->m);
}

/* --- keeping it ------------------------------------------------------------------------------- */

/* Whether the next write can go on where the log ends. Under m. */
static hf_err prepare_segment(struct audit_log *log)
{
    hf_err err = check_usable(log);
    if (err == HF_OK && is_segment_full(log))
        err = change_segment(log);
    return err == HF_OK ? audit_room_reserve(log->fd, log->size) : err;
}

/* Takes what a try for room needs; a fault is mended first. */
static hf_err begin_probe(struct audit_log *log, uint64_t *size, uint64_t *failures)
{
    (void)pthread_mutex_lock(&log->m);
    hf_err err = log->change != AUDIT_UNCHANGED ? HF_E_IO : audit_mend(log);
    *size = log->size < log->segment_bytes ? log->size : 0;
    *failures = log->failures;
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

/* The slow part runs outside the lock; if a write failed meanwhile, its success says nothing. */
hf_err audit_probe(struct audit_log *log)
{
    uint64_t size = 0;
    uint64_t failures = 0;
    hf_err err = begin_probe(log, &size, &failures);
    if (err == HF_OK)
        err = audit_room_try(log->folder, size);

    (void)pthread_mutex_lock(&log->m);
    if (err == HF_OK)
        err = prepare_segment(log);
    if (err == HF_OK && log->failures != failures)
        err = HF_E_IO;
    err = write_error(err);
    log->last_error = err; /* no failure of a write: the next probe may count this one as success */
    audit_log_judge(log);
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

static hf_err refill_reserve(struct audit_log *log)
{
    (void)pthread_mutex_lock(&log->m);
    hf_err err = audit_reserve_fill(log->folder, &log->reserve);
    audit_log_judge(log);
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

/* Compares the log with what was written; a deleted file is made again. */
static hf_err watch(struct audit_log *log, struct audit_report *out)
{
    (void)pthread_mutex_lock(&log->m);
    enum audit_change before = log->change;
    out->first = log->first;
    log->change = audit_watch_current(log);
    out->change = log->change;
    out->is_new = log->change != before;
    if (log->change == AUDIT_FILE_GONE && audit_watch_restore(log) == HF_OK) {
        log->change = AUDIT_UNCHANGED;
        out->is_new = true;
        out->is_restored = true;
    }
    if (out->change == AUDIT_UNCHANGED) {
        out->change = audit_watch_earlier(log, &out->first);
        out->is_new = out->is_new || out->change != AUDIT_UNCHANGED;
    }
    if (log->change != AUDIT_UNCHANGED && log->change != before)
        audit_log_note(log, HF_E_IO); /* put back, it is probed before it is trusted */
    audit_log_judge(log);
    hf_err err = log->change == AUDIT_UNCHANGED ? HF_OK : HF_E_CORRUPT;
    (void)pthread_mutex_unlock(&log->m);
    return err;
}

hf_err audit_maintain(struct audit_log *log, struct audit_report *out)
{
    *out = (struct audit_report){ 0 };
    hf_err err = watch(log, out);
    if (err == HF_OK && !audit_takes_records(log))
        err = audit_probe(log);
    if (err == HF_OK)
        err = audit_sync(log);
    if (err == HF_OK)
        err = refill_reserve(log);
    if (err == HF_OK && !audit_is_writable(log))
        err = audit_probe(log);
    out->condition = audit_log_condition(log);
    return err;
}
