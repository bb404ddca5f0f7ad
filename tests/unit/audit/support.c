/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the audit log share. */
#include "support.h"

#include "base/file.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)

int test_start_crypto(void **state)
{
    (void)state;
    struct hf_diag diag = { 0 };
    return crypto_init(&diag) == HF_OK ? 0 : -1;
}

int test_make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");
    char *path = calloc(1, TEST_FOLDER_MAX);
    if (path == NULL)
        return -1;
    (void)snprintf(path, TEST_FOLDER_MAX, "%s/audit-XXXXXX", parent != NULL ? parent : "/tmp");
    *state = path;
    return mkdtemp(path) != NULL ? 0 : -1;
}

int test_remove_folder(void **state)
{
    char *path = *state;
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    int result = rmdir(path);
    free(path);
    return result;
}

struct audit_record test_record(int number, char operation[32])
{
    (void)snprintf(operation, 32, "Op%d", number);
    return (struct audit_record){
        .time = INT64_C(1767607872123456),
        .category = HF_LIT("AuditEvent"),
        .operation_name = hf_str_from_c(operation),
        .status = 200,
        .nbf = INT64_MIN,
        .exp = INT64_MIN,
    };
}

struct audit_log *test_open(const char *folder, uint64_t segment_bytes)
{
    const struct audit_config config = { .folder = folder, .segment_bytes = segment_bytes };
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    hf_err err = audit_open(&config, &diag, &log);
    if (err != HF_OK)
        fail_msg("%s: %s", hf_err_name(err), diag.text);
    return log;
}

void test_append(struct audit_log *log, int first, int last)
{
    struct audit_batch *batch = NULL;
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    for (int i = first; i <= last; i++) {
        char operation[32];
        struct audit_record record = test_record(i, operation);
        assert_int_equal(audit_batch_add(batch, &record), HF_OK);
        assert_int_equal(audit_batch_write(batch), HF_OK);
    }
    audit_batch_free(batch);
}

hf_err test_write_one(struct audit_log *log, int number)
{
    char operation[32];
    struct audit_batch *batch = NULL;
    struct audit_record record = test_record(number, operation);
    assert_int_equal(audit_batch_new(log, &batch), HF_OK);
    hf_err err = audit_batch_add(batch, &record);
    if (err == HF_OK)
        err = audit_batch_write(batch);
    audit_batch_free(batch);
    return err;
}

struct audit_head test_fill(const char *folder, uint64_t segment_bytes, int count)
{
    struct audit_log *log = test_open(folder, segment_bytes);
    test_append(log, 1, count);
    struct audit_head head = audit_log_head(log);
    audit_close(log);
    assert_int_equal(head.seq, count);
    return head;
}

void test_path(const char *folder, uint64_t first, char out[TEST_FOLDER_MAX])
{
    (void)snprintf(out, TEST_FOLDER_MAX, "%s/audit-%020" PRIu64 ".jsonl", folder, first);
}

void test_read(const char *folder, uint64_t first, struct hf_buf *out)
{
    char path[TEST_FOLDER_MAX];
    test_path(folder, first, path);
    hf_buf_init(out, FILE_MAX_BYTES);
    assert_int_equal(hf_file_read(path, out), HF_OK);
}

void test_replace(const char *folder, uint64_t first, hf_bytes content)
{
    char path[TEST_FOLDER_MAX];
    test_path(folder, first, path);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(content.p, 1, content.n, file), content.n);
    assert_int_equal(fclose(file), 0);
}

hf_bytes test_line_at(const struct hf_buf *text, size_t index)
{
    const uint8_t *p = text->p;
    const uint8_t *end = text->p + text->n;
    for (size_t i = 0;; i++) {
        const uint8_t *newline = memchr(p, '\n', (size_t)(end - p));
        assert_non_null(newline);
        if (i == index)
            return (hf_bytes){ p, (size_t)(newline + 1 - p) };
        p = newline + 1;
    }
}

struct audit_verdict test_verify(const char *folder, const struct audit_head *expected)
{
    struct audit_verdict verdict;
    assert_int_equal(audit_verify(folder, expected, &verdict), HF_OK);
    return verdict;
}
