/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of segment files: their names, their list, and reading them. */
#include "audit/internal.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define SEGMENT_DIGITS 20
#define SEGMENT_LIST_START 16

void audit_segment_name(uint64_t first, char out[AUDIT_SEGMENT_NAME_BYTES])
{
    (void)snprintf(out, AUDIT_SEGMENT_NAME_BYTES, "audit-%020" PRIu64 ".jsonl", first);
}

static bool parse_name(hf_str name, uint64_t *out)
{
    hf_str digits = hf_str_sub(name, strlen("audit-"), SEGMENT_DIGITS);
    return name.n == AUDIT_SEGMENT_NAME_BYTES - 1 && hf_str_starts(name, HF_LIT("audit-")) &&
           hf_str_ends(name, HF_LIT(".jsonl")) && hf_str_parse_u64(digits, AUDIT_SEQ_MAX, out) &&
           *out != 0;
}

static int compare_seq(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static hf_err append_segment(struct audit_segments *segments, size_t *cap, uint64_t first)
{
    if (segments->count == *cap) {
        size_t wanted = *cap == 0 ? SEGMENT_LIST_START : *cap * 2;
        uint64_t *grown = reallocarray(segments->first, wanted, sizeof(*grown));
        if (grown == NULL)
            return HF_E_NOMEM;
        segments->first = grown;
        *cap = wanted;
    }
    segments->first[segments->count++] = first;
    return HF_OK;
}

static hf_err collect_segments(DIR *dir, struct audit_segments *segments)
{
    size_t cap = 0;
    for (;;) {
        uint64_t first = 0;
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 ? HF_OK : HF_E_IO;
        if (!parse_name(hf_str_from_c(entry->d_name), &first))
            continue;
        hf_err err = append_segment(segments, &cap, first);
        if (err != HF_OK)
            return err;
    }
}

void audit_segments_done(struct audit_segments *segments)
{
    free(segments->first);
    *segments = (struct audit_segments){ 0 };
}

hf_err audit_segments_list(int folder, struct audit_segments *out)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return hf_err_from_errno(errno);
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)close(fd);
        return HF_E_NOMEM;
    }
    struct audit_segments segments = { 0 };
    hf_err err = collect_segments(dir, &segments);
    (void)closedir(dir);
    if (err != HF_OK) {
        audit_segments_done(&segments);
        return err;
    }
    if (segments.count > 1)
        qsort(segments.first, segments.count, sizeof(*segments.first), compare_seq);
    *out = segments;
    return HF_OK;
}

hf_err audit_folder_open(const char *path, int *out)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return hf_err_from_errno(errno);
    *out = fd;
    return HF_OK;
}

hf_err audit_file_open(int folder, const char *name, int flags, int *out)
{
    /* O_NONBLOCK: a FIFO of that name must not stop us; it means nothing for regular files. */
    HF_CLEANUP(hf_fd_closep)
    int fd = openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
    if (fd < 0)
        return hf_err_from_errno(errno);
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return HF_E_IO;
    *out = fd;
    fd = -1;
    return HF_OK;
}

hf_err audit_segment_open(int folder, uint64_t first, int flags, int *out)
{
    char name[AUDIT_SEGMENT_NAME_BYTES];
    audit_segment_name(first, name);
    return audit_file_open(folder, name, flags, out);
}

hf_err audit_file_size(int fd, uint64_t *out)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return hf_err_from_errno(errno);
    *out = (uint64_t)status.st_size;
    return HF_OK;
}

hf_err audit_read_at(int fd, uint64_t offset, uint8_t *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, out + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return HF_E_IO;
        done += (size_t)got;
    }
    return HF_OK;
}

hf_err audit_lines_init(struct audit_lines *lines, int fd)
{
    uint8_t *p = malloc(AUDIT_LINE_MAX_BYTES);
    if (p == NULL)
        return HF_E_NOMEM;
    *lines = (struct audit_lines){ .fd = fd, .p = p };
    return HF_OK;
}

void audit_lines_done(struct audit_lines *lines)
{
    free(lines->p);
    lines->p = NULL;
}

/* Moves the rest to the front and reads behind it; *is_end if the file has no more. */
static hf_err refill(struct audit_lines *lines, bool *is_end)
{
    size_t rest = lines->end - lines->start;
    memmove(lines->p, lines->p + lines->start, rest);
    lines->start = 0;
    lines->end = rest;
    ssize_t got = 0;
    do
        got = read(lines->fd, lines->p + rest, AUDIT_LINE_MAX_BYTES - rest);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return HF_E_IO;
    lines->end += (size_t)got;
    *is_end = got == 0;
    return HF_OK;
}

/* Takes n bytes off the front, and the newline behind them if there is one. */
static void take_line(struct audit_lines *lines, size_t n, size_t newline, hf_bytes *line)
{
    *line = (hf_bytes){ lines->p + lines->start, n };
    lines->start += n + newline;
}

hf_err audit_lines_next(struct audit_lines *lines, enum audit_read *what, hf_bytes *line)
{
    size_t seen = 0;
    for (;;) {
        size_t rest = lines->end - lines->start;
        const uint8_t *from = lines->p + lines->start;
        const uint8_t *newline = memchr(from + seen, '\n', rest - seen);
        if (newline != NULL) {
            take_line(lines, (size_t)(newline - from), 1, line);
            *what = AUDIT_READ_LINE;
            return HF_OK;
        }
        if (rest == AUDIT_LINE_MAX_BYTES) {
            *what = AUDIT_READ_TOO_LONG;
            return HF_OK;
        }
        seen = rest;
        bool is_end = false;
        hf_err err = refill(lines, &is_end);
        if (err != HF_OK)
            return err;
        if (is_end) {
            take_line(lines, rest, 0, line);
            *what = rest > 0 ? AUDIT_READ_TORN : AUDIT_READ_END;
            return HF_OK;
        }
    }
}
