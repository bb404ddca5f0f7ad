/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of archive/ share: a folder of their own, a key, and a small backup.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/internal.h"

#include <limits.h>

#define EXPECT_OK(call) assert_int_equal((call), HF_OK)
#define EXPECT_ERR(err, call) assert_int_equal((call), (err))

struct place {
    char folder[PATH_MAX / 4];
    char path[PATH_MAX / 2]; /* of the backup "test" */
    struct hf_secret *key;
};

/* For cmocka's set-up and tear-down of each test: *state is the place. */
int place_set_up(void **state);
int place_tear_down(void **state);

hf_bytes bytes_of(const char *text);
/* A key of 32 bytes that begin with `first`. */
struct hf_secret *key_of(uint8_t first);
/* Of a full backup from entry 0. */
struct archive_header header_of(const char *seal);

struct archive_writer *begin_archive(const struct place *place,
                                     const struct archive_header *header);
/* Two records, two entries (the second in two parts) and a final record. */
void write_small(const struct place *place);

void load_file(const char *path, struct hf_buf *out);
void store_file(const char *path, hf_bytes content);

/* Opens, unlocks and reads all of the file; HF_OK if it is whole. */
hf_err read_whole(const struct place *place);

/* Names of files in the folder but for "." and "..". */
size_t count_files(const char *folder);
