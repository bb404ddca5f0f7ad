/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the audit log share: a temporary folder per test, sample records, and changing
 * files behind its back. */
#pragma once

#include "audit/audit.h"
#include "audit/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST_FOLDER_MAX 512

/* cmocka group set-up: crypto. */
int test_start_crypto(void **state);
/* cmocka set-up and tear-down: *state is the folder's path. */
int test_make_folder(void **state);
int test_remove_folder(void **state);

/* A record whose only varying part is its operation "Op<number>". */
struct audit_record test_record(int number, char operation[32]);

struct audit_log *test_open(const char *folder, uint64_t segment_bytes);
/* Appends records first to last, one batch each. */
void test_append(struct audit_log *log, int first, int last);
/* A batch of its own; what writing it came to. */
hf_err test_write_one(struct audit_log *log, int number);
/* A closed log of `count` records; the head after them. */
struct audit_head test_fill(const char *folder, uint64_t segment_bytes, int count);

void test_path(const char *folder, uint64_t first, char out[TEST_FOLDER_MAX]);
/* The segment's content; free with hf_buf_done(). */
void test_read(const char *folder, uint64_t first, struct hf_buf *out);
void test_replace(const char *folder, uint64_t first, hf_bytes content);
/* The line of that index (from 0), with its newline. */
hf_bytes test_line_at(const struct hf_buf *text, size_t index);

struct audit_verdict test_verify(const char *folder, const struct audit_head *expected);
