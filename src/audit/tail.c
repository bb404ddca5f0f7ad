/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines of the log, found by reading backwards. */
#include "audit/internal.h"

#include "base/file.h"

#include <fcntl.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

/*
 * Where the last *wanted lines of the first `size` bytes begin; *wanted goes down by the lines
 * found. An unfinished line at the end is not counted, so that for no lines wanted it is the end of
 * the last whole line.
 */
static hf_err find_start(int fd, uint64_t size, size_t *wanted, uint64_t *out)
{
    uint8_t block[BLOCK_BYTES];
    size_t newlines = 0;
    for (uint64_t end = size; end > 0;) {
        size_t n = end < BLOCK_BYTES ? (size_t)end : BLOCK_BYTES;
        hf_err err = audit_read_at(fd, end - n, block, n);
        if (err != HF_OK)
            return err;
        end -= n;
        for (size_t i = n; i > 0; i--) {
            if (block[i - 1] != '\n')
                continue;
            if (newlines == *wanted) {
                *wanted = 0;
                *out = end + i;
                return HF_OK;
            }
            newlines++;
        }
    }
    *wanted -= newlines;
    *out = 0;
    return HF_OK;
}

static hf_err append_range(int fd, uint64_t start, uint64_t end, struct hf_buf *out)
{
    while (start < end) {
        size_t n = end - start < BLOCK_BYTES ? (size_t)(end - start) : BLOCK_BYTES;
        uint8_t *p = hf_buf_reserve(out, n);
        if (p == NULL)
            return hf_buf_err(out);
        hf_err err = audit_read_at(fd, start, p, n);
        if (err != HF_OK)
            return err;
        hf_buf_commit(out, n);
        start += n;
    }
    return HF_OK;
}

/* The end of the last whole line. */
static hf_err find_end(int fd, uint64_t *out)
{
    uint64_t size = 0;
    hf_err err = audit_file_size(fd, &size);
    if (err != HF_OK)
        return err;
    size_t none = 0;
    return find_start(fd, size, &none, out);
}

/* Where the wanted lines begin, and where the last segment's whole lines end. */
struct range {
    size_t index; /* of the segment; the number of segments for nothing */
    uint64_t start;
    uint64_t end;
};

/* Walks back from the last segment until it has seen enough lines. */
static hf_err find_range(int folder, const struct audit_segments *segments, size_t wanted,
                         struct range *out)
{
    struct range range = { .index = segments->count };
    while (wanted > 0 && range.index > 0) {
        HF_CLEANUP(hf_fd_closep) int fd = -1;
        uint64_t end = 0;
        hf_err err = audit_segment_open(folder, segments->first[--range.index], O_RDONLY, &fd);
        if (err == HF_OK)
            err = find_end(fd, &end);
        if (err == HF_OK)
            err = find_start(fd, end, &wanted, &range.start);
        if (err != HF_OK)
            return err;
        if (range.index == segments->count - 1)
            range.end = end;
    }
    *out = range;
    return HF_OK;
}

static hf_err append_segments(int folder, const struct audit_segments *segments,
                              const struct range *range, struct hf_buf *out)
{
    for (size_t i = range->index; i < segments->count; i++) {
        HF_CLEANUP(hf_fd_closep) int fd = -1;
        uint64_t end = range->end;
        hf_err err = audit_segment_open(folder, segments->first[i], O_RDONLY, &fd);
        if (err == HF_OK && i != segments->count - 1)
            err = find_end(fd, &end);
        if (err == HF_OK)
            err = append_range(fd, i == range->index ? range->start : 0, end, out);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

hf_err audit_tail(const char *folder, size_t count, struct hf_buf *out)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    hf_err err = audit_folder_open(folder, &fd);
    if (err != HF_OK)
        return err;
    struct audit_segments segments = { 0 };
    err = audit_segments_list(fd, &segments);
    if (err != HF_OK)
        return err;
    struct range range = { 0 };
    err = find_range(fd, &segments, count, &range);
    if (err == HF_OK)
        err = append_segments(fd, &segments, &range, out);
    audit_segments_done(&segments);
    return err;
}
