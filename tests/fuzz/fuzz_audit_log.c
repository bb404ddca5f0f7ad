/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of three files that somebody has changed. What audit_verify() calls intact is the beginning of what was written, and with
 * the head that the store knows, all of it. What audit_open() takes holds at least what the store knows, can be appended to and
 * is intact then; what it refuses it leaves as it was.
 *
 *   mode (1) | changes: operation (1), file and length (1), place (2)
 */
#include "audit/internal.h"
#include "base/assert.h"
#include "base/file.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDS 9
#define FILES 3
#define SEGMENT_BYTES 1500
#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define TAIL_MAX_BYTES ((size_t)256 * 1024)
#define CHANGE_BYTES 4
#define CHANGES_MAX 8
#define PATH_BYTES 128

#define MODE_KNOWS_END 1    /* the store knows the last record */
#define MODE_KNOWS_MIDDLE 2 /* or the first one of the last file */
#define MODE_ACCEPT_LOSS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
    uint64_t first;
    uint8_t bytes[FILE_MAX_BYTES];
    size_t n;
};

static struct file written[FILES]; /* as the log wrote them */
static struct file files[FILES];   /* as they are now */
static struct audit_head heads[RECORDS + 1];
static char folder[PATH_BYTES];

/* ---- files ---- */

static void path_of(uint64_t first, char out[2 * PATH_BYTES])
{
    char name[AUDIT_SEGMENT_NAME_BYTES];
    audit_segment_name(first, name);
    (void)snprintf(out, 2 * PATH_BYTES, "%s/%s", folder, name);
}

static void clear_folder(void)
{
    DIR *dir = opendir(folder);
    HF_ASSERT(dir != NULL);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
}

static void write_files(void)
{
    for (size_t i = 0; i < FILES; i++) {
        char path[2 * PATH_BYTES];
        path_of(files[i].first, path);
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        HF_ASSERT(fd >= 0);
        HF_ASSERT(write(fd, files[i].bytes, files[i].n) == (ssize_t)files[i].n);
        (void)close(fd);
    }
}

/* False if it is not there. */
static bool read_back(uint64_t first, struct file *out)
{
    char path[2 * PATH_BYTES];
    struct hf_buf content;
    hf_buf_init_fixed(&content, out->bytes, sizeof(out->bytes));
    path_of(first, path);
    out->first = first;
    const hf_err err = hf_file_read(path, &content);
    out->n = content.n;
    return err == HF_OK;
}

static bool is_as_left(size_t i)
{
    static struct file now;
    return read_back(files[i].first, &now) && now.n == files[i].n &&
           memcmp(now.bytes, files[i].bytes, now.n) == 0;
}

static bool is_as_written(size_t i)
{
    return files[i].n == written[i].n && memcmp(files[i].bytes, written[i].bytes, files[i].n) == 0;
}

/* ---- the log ---- */

static struct audit_head append(struct audit_log *log, int number)
{
    char operation[32];
    struct audit_batch *batch = NULL;
    (void)snprintf(operation, sizeof(operation), "Operation%d", number);
    const struct audit_record record = { .time = INT64_C(1767607872123456),
                                         .category = HF_LIT("AuditEvent"),
                                         .operation_name = hf_str_from_c(operation),
                                         .status = 200,
                                         .nbf = INT64_MIN,
                                         .exp = INT64_MIN };
    HF_ASSERT(audit_batch_new(log, &batch) == HF_OK);
    HF_ASSERT(audit_batch_add(batch, &record) == HF_OK);
    HF_ASSERT(audit_batch_write(batch) == HF_OK);
    audit_batch_free(batch);
    return audit_log_head(log);
}

static void end(void)
{
    clear_folder();
    (void)rmdir(folder);
}

/* Writes the log once. */
static void begin(void)
{
    const char *base = getenv("TMPDIR");
    const struct audit_config config = { .folder = folder, .segment_bytes = SEGMENT_BYTES };
    struct audit_segments segments = { 0 };
    struct audit_log *log = NULL;
    int fd = -1;
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    (void)snprintf(folder, sizeof(folder), "%.80s/hf-audit-XXXXXX", base != NULL ? base : "/tmp");
    HF_ASSERT(mkdtemp(folder) != NULL);
    HF_ASSERT(atexit(end) == 0);
    HF_ASSERT(audit_open(&config, NULL, &log) == HF_OK);
    for (int i = 1; i <= RECORDS; i++)
        heads[i] = append(log, i);
    audit_close(log);
    HF_ASSERT(audit_folder_open(folder, &fd) == HF_OK);
    HF_ASSERT(audit_segments_list(fd, &segments) == HF_OK && segments.count == FILES);
    for (size_t i = 0; i < FILES; i++)
        HF_ASSERT(read_back(segments.first[i], &written[i]));
    audit_segments_done(&segments);
    (void)close(fd);
}

/* ---- changes ---- */

static void replace(struct file *file, size_t at, size_t gone, const uint8_t *bytes, size_t n)
{
    if (file->n - gone + n > sizeof(file->bytes))
        return;
    memmove(file->bytes + at + n, file->bytes + at + gone, file->n - at - gone);
    if (n > 0)
        memcpy(file->bytes + at, bytes, n);
    file->n = file->n - gone + n;
}

static void change(const uint8_t bytes[CHANGE_BYTES])
{
    static const uint8_t zeros[64];
    uint8_t copy[64];
    struct file *file = &files[bytes[1] % FILES];
    const size_t place = (size_t)bytes[2] << 8 | bytes[3];
    const size_t at = file->n == 0 ? 0 : place % (file->n + 1);
    const size_t left = file->n - at;
    const size_t length = bytes[1] / FILES % 64 < left ? bytes[1] / FILES % 64 : left;
    memcpy(copy, file->bytes + at, length);
    switch (bytes[0] % 8) {
    case 0: /* another byte */
        if (left > 0)
            file->bytes[at] ^= (uint8_t)(1 + bytes[0] / 8);
        break;
    case 1: /* cut here */
        file->n = at;
        break;
    case 2: /* some bytes gone */
        replace(file, at, length, NULL, 0);
        break;
    case 3: /* some bytes twice */
        replace(file, at, 0, copy, length);
        break;
    case 4: /* zeros in their place, as after a power failure */
        replace(file, at, length, zeros, length);
        break;
    case 5: /* some bytes at the end once more */
        replace(file, file->n, 0, copy, length);
        break;
    case 6: /* the content of another file at the end */
        replace(file, file->n, 0, written[bytes[3] % FILES].bytes, written[bytes[3] % FILES].n);
        break;
    default: /* a line end */
        replace(file, at, 0, (const uint8_t *)"\n", 1);
        break;
    }
}

/* ---- what must hold ---- */

/* The whole lines of all files, one after the other, are the beginning of what was written. */
static void expect_beginning(uint64_t records)
{
    static struct file now;
    for (size_t i = 0; i < FILES; i++) {
        const uint64_t next = i + 1 < FILES ? written[i + 1].first : RECORDS + 1;
        const uint64_t wanted = records + 1 < next ? records + 1 : next;
        if (!read_back(written[i].first, &now))
            now.n = 0;
        size_t lines = 0;
        size_t n = 0;
        for (size_t k = 0; k < now.n; k++) {
            if (now.bytes[k] != '\n')
                continue;
            lines++;
            n = k + 1;
        }
        HF_ASSERT(lines == (wanted > written[i].first ? wanted - written[i].first : 0));
        HF_ASSERT(n <= written[i].n && memcmp(now.bytes, written[i].bytes, n) == 0);
    }
}

static void try_verify(const struct audit_head *expected)
{
    struct audit_verdict verdict;
    HF_ASSERT(audit_verify(folder, expected, &verdict) == HF_OK);
    HF_ASSERT(verdict.records <= RECORDS && verdict.begins_after == 0);
    HF_ASSERT(memcmp(verdict.head.hash, heads[verdict.records].hash, AUDIT_HASH_BYTES) == 0);
    if (!verdict.intact) {
        HF_ASSERT(verdict.bad_seq == verdict.records + 1 && verdict.reason[0] != '\0');
        return;
    }
    HF_ASSERT(expected == NULL || verdict.records >= expected->seq);
    expect_beginning(verdict.records);
}

static void expect_intact(uint64_t records)
{
    struct audit_verdict verdict;
    HF_ASSERT(audit_verify(folder, NULL, &verdict) == HF_OK);
    HF_ASSERT(verdict.intact && verdict.records == records);
}

static void try_open(const struct audit_head *expected, bool accept_loss)
{
    const struct audit_config config = { .folder = folder,
                                         .segment_bytes = SEGMENT_BYTES,
                                         .expected = expected,
                                         .accept_loss = accept_loss };
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    const hf_err err = audit_open(&config, &diag, &log);
    if (err != HF_OK) {
        HF_ASSERT(err == HF_E_CORRUPT && diag.text[0] != '\0');
        for (size_t i = 0; i < FILES; i++)
            HF_ASSERT(is_as_left(i));
        return;
    }
    const uint64_t taken = audit_log_head(log).seq;
    HF_ASSERT(taken <= RECORDS);
    HF_ASSERT(accept_loss || expected == NULL || taken >= expected->seq);
    const struct audit_head head = append(log, RECORDS + 1);
    HF_ASSERT(head.seq == taken + 1);
    audit_close(log);
    /* Files before the last are not read but for one line, so what is wrong there stays. */
    if (is_as_written(0) && is_as_written(1))
        expect_intact(head.seq);
}

static void try_tail(size_t count)
{
    struct hf_buf out;
    hf_buf_init(&out, TAIL_MAX_BYTES);
    HF_ASSERT(audit_tail(folder, count, &out) == HF_OK);
    size_t lines = 0;
    for (size_t i = 0; i < out.n; i++)
        lines += out.p[i] == '\n';
    HF_ASSERT(lines <= count && (out.n == 0 || out.p[out.n - 1] == '\n'));
    hf_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (folder[0] == '\0')
        begin();
    if (size == 0 || size > 1 + CHANGE_BYTES * CHANGES_MAX)
        return 0;
    const struct audit_head *expected = NULL;
    if ((data[0] & MODE_KNOWS_END) != 0)
        expected = &heads[RECORDS];
    else if ((data[0] & MODE_KNOWS_MIDDLE) != 0)
        expected = &heads[written[FILES - 1].first];
    memcpy(files, written, sizeof(files));
    for (size_t at = 1; at + CHANGE_BYTES <= size; at += CHANGE_BYTES)
        change(data + at);
    clear_folder();
    write_files();
    try_verify(expected);
    try_tail(data[0] >> 4);
    try_open(expected, (data[0] & MODE_ACCEPT_LOSS) != 0);
    return 0;
}
