/* SPDX-License-Identifier: Apache-2.0 */
/* The check of the whole log, from its first record to its last. */
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

/* *out_first is the file in which the scan ended; 1 if there is none. */
static hf_err scan_all(struct audit_scan *scan, int folder, uint64_t *out_first)
{
    struct audit_segments segments = { 0 };
    hf_err err = audit_segments_list(folder, &segments);
    *out_first = 1;
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
    err = scan_all(&scan, fd, &first);
    if (err != HF_OK)
        return err;
    expect_end(&scan);

    struct audit_verdict verdict = { .intact = !scan.is_bad,
                                     .records = scan.head.seq,
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
