/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full or fails, without root: this program's own write(), fdatasync(), ftruncate() and
 * fstatvfs() stand before the C library's.
 */
#pragma once

#include <stdint.h>

struct test_disk {
    int64_t room;      /* bytes that write() still takes; what ftruncate() frees comes back */
    int write_error;   /* what write() fails with; 0: not */
    int sync_error;    /* what fdatasync() fails with; 0: not */
    int cut_error;     /* what ftruncate() fails with; 0: not */
    unsigned rewrites; /* calls of pwrite() so far */
};

#define TEST_DISK_LARGE (INT64_C(1) << 50)

extern struct test_disk test_disk;
void test_disk_reset(void);
