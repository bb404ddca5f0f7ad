/* SPDX-License-Identifier: Apache-2.0 */
/* The check of the chain, line by line: used at start for the last segment and by audit_verify()
 * for all. */
#include "audit/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void audit_scan_fail(struct audit_scan *scan, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(scan->reason, sizeof(scan->reason), format, arguments);
    va_end(arguments);
    scan->is_bad = true;
}

static bool same_hash(const uint8_t a[AUDIT_HASH_BYTES], const uint8_t b[AUDIT_HASH_BYTES])
{
    return hf_bytes_equal((hf_bytes){ a, AUDIT_HASH_BYTES }, (hf_bytes){ b, AUDIT_HASH_BYTES });
}

/* The store has seen this record, but with another content. */
static bool is_unexpected(const struct audit_scan *scan, const struct audit_line *line)
{
    return scan->expected != NULL && scan->expected->seq == line->seq &&
           !same_hash(scan->expected->hash, line->hash);
}

hf_err audit_scan_line(struct audit_scan *scan, hf_bytes bytes)
{
    uint64_t seq = scan->head.seq + 1;
    struct audit_line line;
    if (audit_line_parse(bytes, &line) != HF_OK) {
        audit_scan_fail(scan, "changed: not a line of this log");
        return HF_OK;
    }
    uint8_t hash[AUDIT_HASH_BYTES];
    hf_err err = audit_line_hash(line.prev, line.seq, line.body, hash);
    if (err != HF_OK)
        return err;
    if (!same_hash(hash, line.hash))
        audit_scan_fail(scan, "changed");
    else if (line.seq != seq)
        audit_scan_fail(scan, "dropped or reordered: expected seq %" PRIu64 ", found %" PRIu64, seq,
                        line.seq);
    else if (!same_hash(line.prev, scan->head.hash))
        audit_scan_fail(scan, "does not follow record %" PRIu64 ": one of the two was replaced",
                        scan->head.seq);
    else if (is_unexpected(scan, &line))
        audit_scan_fail(scan, "replaced: the store has seen another record %" PRIu64, seq);
    if (scan->is_bad)
        return HF_OK;
    scan->head.seq = seq;
    memcpy(scan->head.hash, hash, sizeof(hash));
    scan->intact_bytes += bytes.n + 1;
    return HF_OK;
}

/* Text of ours has none: they are escaped. A power failure leaves zeros. */
static bool has_controls(hf_bytes piece)
{
    for (size_t i = 0; i < piece.n; i++)
        if (piece.p[i] < ' ')
            return true;
    return false;
}

/*
 * A write that was cut short by a crash leaves the beginning of a line: its request was never
 * answered, so nothing is lost with it. A whole line with another byte in the newline's place is no
 * such thing: it was changed.
 */
static void judge_torn(struct audit_scan *scan, hf_bytes piece, bool is_last)
{
    struct audit_line line;
    hf_bytes but_one = { piece.p, piece.n - 1 };
    if (!is_last || audit_line_parse(but_one, &line) == HF_OK)
        audit_scan_fail(scan, "changed: the line does not end");
    else
        scan->is_torn = true;
    scan->is_garbled = has_controls(piece);
}

static hf_err scan_next(struct audit_scan *scan, struct audit_lines *lines, bool is_last,
                        bool *is_end)
{
    enum audit_read what = AUDIT_READ_END;
    hf_bytes line = { 0 };
    hf_err err = audit_lines_next(lines, &what, &line);
    if (err != HF_OK)
        return err;
    if (what != AUDIT_READ_END)
        scan->line++;
    *is_end = what != AUDIT_READ_LINE;
    switch (what) {
    case AUDIT_READ_LINE:
        return audit_scan_line(scan, line);
    case AUDIT_READ_TORN:
        judge_torn(scan, line, is_last);
        return HF_OK;
    case AUDIT_READ_TOO_LONG:
        audit_scan_fail(scan, "changed: the line is longer than %u bytes", AUDIT_LINE_MAX_BYTES);
        return HF_OK;
    case AUDIT_READ_END:
        return HF_OK;
    }
    return HF_E_INTERNAL;
}

hf_err audit_scan_segment(struct audit_scan *scan, int fd, uint64_t first, bool is_last)
{
    scan->line = 0;
    scan->intact_bytes = 0;
    if (first != scan->head.seq + 1) {
        audit_scan_fail(
            scan, "dropped or reordered: expected seq %" PRIu64 ", the file begins with %" PRIu64,
            scan->head.seq + 1, first);
        return HF_OK;
    }
    struct audit_lines lines;
    hf_err err = audit_lines_init(&lines, fd);
    if (err != HF_OK)
        return err;
    bool is_end = false;
    while (err == HF_OK && !is_end && !scan->is_bad)
        err = scan_next(scan, &lines, is_last, &is_end);
    audit_lines_done(&lines);
    return err;
}
