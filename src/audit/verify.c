/* SPDX-License-Identifier: Apache-2.0 */
/* The check of the whole log, from its first record to its last. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "audit/internal.h"

#include "base/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(((struct audit_verdict *)NULL)->reason) >= AUDIT_REASON_MAX_BYTES,
               "reasons fit");

static hf_err scan_file(struct audit_scan *scan, int folder, uint64_t first, bool is_last)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_segment_open(folder, first, O_RDONLY, &fd);
    if (err != HF_OK)
        return err;
    return audit_scan_segment(scan, fd, first, is_last);
}

/*
 * Where the log begins. Record 1 follows nothing; a first record that tells of a restore names what it follows itself, and the
 * records after it protect that.
 */
static hf_err find_begin(int folder, uint64_t first, struct audit_head *out)
{
    static const char restore[] = "\"operationName\":\"" AUDIT_RESTORE_OPERATION "\"";
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    struct audit_lines lines;
    enum audit_read what = AUDIT_READ_END;
    hf_bytes bytes = { 0 };
    struct audit_line line;
    hf_err err = audit_segment_open(folder, first, O_RDONLY, &fd);
    if (err == HF_OK)
        err = audit_lines_init(&lines, fd);
    if (err != HF_OK)
        return err;
    err = audit_lines_next(&lines, &what, &bytes);
    if (err == HF_OK && what == AUDIT_READ_LINE && audit_line_parse(bytes, &line) == HF_OK &&
        memmem(line.body.p, line.body.n, restore, sizeof(restore) - 1) != NULL) {
        out->seq = first - 1;
        memcpy(out->hash, line.prev, sizeof(line.prev));
    }
    audit_lines_done(&lines);
    return err;
}

/* *out_first is the file in which the scan ended; 1 if there is none. */
static hf_err scan_all(struct audit_scan *scan, int folder, uint64_t *out_first,
                       uint64_t *out_after)
{
    struct audit_segments segments = { 0 };
    hf_err err = audit_segments_list(folder, &segments);
    *out_first = 1;
    if (err == HF_OK && segments.count > 0 && segments.first[0] > 1)
        err = find_begin(folder, segments.first[0], &scan->head);
    *out_after = scan->head.seq;
    for (size_t i = 0; i < segments.count && err == HF_OK && !scan->is_bad; i++) {
        *out_first = segments.first[i];
        err = scan_file(scan, folder, segments.first[i], i == segments.count - 1);
    }
    audit_segments_done(&segments);
    return err;
}

/* The line where the missing record would stand. */
static void expect_end(struct audit_scan *scan)
{
    if (scan->is_bad || scan->expected == NULL || scan->head.seq >= scan->expected->seq)
        return;
    audit_scan_fail(scan,
                    "cut off: ends at record %" PRIu64 ", but the store has seen record %" PRIu64,
                    scan->head.seq, scan->expected->seq);
    if (!scan->is_torn)
        scan->line++;
}

hf_err audit_verify(const char *folder, const struct audit_head *expected,
                    struct audit_verdict *out)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_folder_open(folder, &fd);
    if (err != HF_OK)
        return err;
    struct audit_scan scan = { .expected = expected };
    uint64_t first = 0;
    uint64_t after = 0;
    err = scan_all(&scan, fd, &first, &after);
    if (err != HF_OK)
        return err;
    expect_end(&scan);

    struct audit_verdict verdict = { .intact = !scan.is_bad,
                                     .records = scan.head.seq - after,
                                     .begins_after = after,
                                     .head = scan.head };
    if (scan.is_bad) {
        verdict.bad_seq = scan.head.seq + 1;
        verdict.line = scan.line;
        audit_segment_name(first, verdict.file);
        memcpy(verdict.reason, scan.reason, sizeof(scan.reason));
    }
    *out = verdict;
    return HF_OK;
}
