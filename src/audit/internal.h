/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the audit layer share: one line and its hash (line.c), a record's text
 * (record.c), segment files and reading them (segment.c), checking a segment (scan.c),
 * setting damage aside (aside.c), trying for room (room.c), and appending (log.c).
 */
#pragma once

#include "audit/audit.h"

/* No line is longer: 20 texts of AUDIT_CLIENT_TEXT_MAX_BYTES, each byte escaped to six, and the
 * rest. Stops a hostile file. */
#define AUDIT_LINE_MAX_BYTES (1024U * 1024)
/* `,"holdfast":{"seq":…,"prev":"…","hash":"…"}}` and the newline, with the longest seq, take 189
 * bytes. */
#define AUDIT_TAIL_MAX_BYTES 192
#define AUDIT_SEQ_MAX ((uint64_t)INT64_MAX)

/* --- line.c --- */

/* A parsed line; body is a view into it: the bytes that are hashed. */
struct audit_line {
    hf_bytes body;
    uint64_t seq;
    uint8_t prev[AUDIT_HASH_BYTES];
    uint8_t hash[AUDIT_HASH_BYTES];
};

/* line without its newline. Only what audit_line_put_tail() writes is accepted. Fails:
 * HF_E_INVALID. */
HF_MUST hf_err audit_line_parse(hf_bytes line, struct audit_line *out);
HF_MUST hf_err audit_line_hash(const uint8_t prev[AUDIT_HASH_BYTES], uint64_t seq, hf_bytes body,
                               uint8_t out[AUDIT_HASH_BYTES]);
/* Writes the tail and the newline at room; returns their length. */
size_t audit_line_put_tail(uint8_t room[AUDIT_TAIL_MAX_BYTES], const uint8_t prev[AUDIT_HASH_BYTES],
                           const struct audit_head *head);

/* --- record.c --- */

/* Appends the record as a JSON object that is still open: its last `}` belongs to the tail. Errors
 * are buf's, sticky. */
void audit_record_put(struct hf_buf *buf, const struct audit_record *record);

/* --- segment.c --- */

#define AUDIT_SEGMENT_NAME_BYTES 33 /* "audit-" 20 digits ".jsonl" NUL */

/* The segments of a folder by their first seq, ascending. */
struct audit_segments {
    uint64_t *first;
    size_t count;
};

void audit_segment_name(uint64_t first, char out[AUDIT_SEGMENT_NAME_BYTES]);
/* Files of other names are none of ours and are passed over. */
HF_MUST hf_err audit_segments_list(int folder, struct audit_segments *out);
void audit_segments_done(struct audit_segments *segments);
HF_MUST hf_err audit_folder_open(const char *path, int *out);
/* A file of the folder; flags of open(2) beside O_CLOEXEC and O_NOFOLLOW. Fails also for anything
 * but a regular file: HF_E_IO. */
HF_MUST hf_err audit_file_open(int folder, const char *name, int flags, int *out);
HF_MUST hf_err audit_segment_open(int folder, uint64_t first, int flags, int *out);
HF_MUST hf_err audit_file_size(int fd, uint64_t *out);
/* Reads exactly n bytes at offset; a file that ends before is HF_E_IO. */
HF_MUST hf_err audit_read_at(int fd, uint64_t offset, uint8_t *out, size_t n);

enum audit_read {
    AUDIT_READ_LINE,     /* a line; the view is without its newline */
    AUDIT_READ_TORN,     /* bytes without a newline at the end of the file */
    AUDIT_READ_TOO_LONG, /* no newline within AUDIT_LINE_MAX_BYTES */
    AUDIT_READ_END,
};

/* Reads a file line by line in constant memory. */
struct audit_lines {
    int fd;
    uint8_t *p; /* AUDIT_LINE_MAX_BYTES */
    size_t start;
    size_t end; /* start <= end <= AUDIT_LINE_MAX_BYTES */
};

HF_MUST hf_err audit_lines_init(struct audit_lines *lines, int fd);
void audit_lines_done(struct audit_lines *lines);
/* The view is valid until the next call. Fails: HF_E_IO. */
HF_MUST hf_err audit_lines_next(struct audit_lines *lines, enum audit_read *what, hf_bytes *line);

/* --- scan.c --- */

#define AUDIT_REASON_MAX_BYTES 128

/* What the check of one segment after the other knows. Starts zeroed, but for expected and head. */
struct audit_scan {
    const struct audit_head *expected; /* NULL if unknown */
    struct audit_head head;            /* after the last intact record */
    uint64_t line;                     /* of the segment, counted from 1: the last one looked at */
    uint64_t intact_bytes;             /* of the segment, up to the end of the last intact record */
    bool is_torn;                      /* an unfinished line follows them: no record */
    bool is_garbled;                   /* and it holds bytes that no line of ours has */
    bool is_bad;                       /* record head.seq + 1 is wrong */
    char reason[AUDIT_REASON_MAX_BYTES];
};

/* Marks record head.seq + 1 as wrong. */
void audit_scan_fail(struct audit_scan *scan, const char *format, ...) HF_PRINTF(2, 3);
/* Checks one line against scan->head and moves it on, or marks it as wrong. Fails: crypto's errors.
 */
HF_MUST hf_err audit_scan_line(struct audit_scan *scan, hf_bytes line);
/* Checks the whole file, which begins with record `first`. What is wrong is in scan; fails only if
 * it cannot be read. */
HF_MUST hf_err audit_scan_segment(struct audit_scan *scan, int fd, uint64_t first, bool is_last);

/* --- aside.c --- */

#define AUDIT_ASIDE_NAME_BYTES 48 /* "audit-" 20 digits ".damaged", perhaps "." and a number, NUL */

/* What opening took out of the log. */
struct audit_aside {
    uint64_t bytes; /* 0: nothing */
    char name[AUDIT_ASIDE_NAME_BYTES];
};

/*
 * Copies the segment from `start` to its end, where record `seq` should be, into a new file of the
 * folder, and makes that durable. The segment is not changed. On failure no copy stays.
 */
HF_MUST hf_err audit_set_aside(int folder, int segment, uint64_t start, uint64_t seq,
                               struct audit_aside *out);

/* --- room.c --- */

/* Whether the folder takes AUDIT_ROOM_BYTES more in a file that is `size` bytes long; tried with a
 * file that is gone afterwards. */
#define AUDIT_ROOM_BYTES ((size_t)256 * 1024)
HF_MUST hf_err audit_room_try(int folder, uint64_t size);
/* Reserves AUDIT_ROOM_BYTES behind the end of the segment, which stays where it is, so that a
 * reader sees nothing of it. File systems that cannot reserve are fine. */
HF_MUST hf_err audit_room_reserve(int segment, uint64_t size);

/* --- log.c --- */

/* Locks the log and makes sure it can be appended to; head is its end. On failure it is not locked.
 */
HF_MUST hf_err audit_log_begin(struct audit_log *log, struct audit_head *head);
/* Appends whole lines that end at head, and unlocks. On failure the log is as it was at begin. */
HF_MUST hf_err audit_log_commit(struct audit_log *log, hf_bytes lines,
                                const struct audit_head *head);
/* The lines could not be made: a failed write. */
void audit_log_abort(struct audit_log *log);
