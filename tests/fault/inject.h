/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fault injector (inject.c) and those who steer it share: one page of a file that both have mapped. Python and Go
 * write it by these offsets; all numbers are little-endian on the machines that the tests run on.
 */
#pragma once

#include <stdint.h>

#define INJECT_PAGE_BYTES 4096
#define INJECT_FOREVER 0

/* What happens; the names are those of HOLDFAST_INJECT_FAULT. */
enum inject_fault {
    INJECT_NONE,
    INJECT_KILL_BEFORE,  /* "kill-before": the process is killed instead of the call */
    INJECT_KILL_AFTER,   /* "kill-after": the call is made, then the process is killed */
    INJECT_EIO,          /* "eio": the call fails without having done anything */
    INJECT_ENOSPC,       /* "enospc" */
    INJECT_SHORT,        /* "short": half of the bytes are written, and the call says so */
    INJECT_SHORT_ENOSPC, /* "short-enospc": the same, and the next call fails */
    INJECT_SHORT_KILL, /* "short-kill": half of the bytes are written, then the process is killed */
    INJECT_POWER_OFF,  /* "power-off": all that was not synced is taken back, the process killed */
};

/* Kinds of calls, to be added up; the names are those of HOLDFAST_INJECT_CALLS. */
enum inject_class {
    INJECT_WRITE = 1, /* "write": write, pwrite, writev, pwritev, copy_file_range, sendfile */
    INJECT_SYNC = 2,  /* "sync": fsync, fdatasync, msync, sync_file_range */
    INJECT_NAME =
        4, /* "name": an open that creates, rename, link, unlink, mkdir, rmdir, bind, ... */
    INJECT_SIZE = 8,  /* "size": ftruncate, fallocate, an open that truncates */
    INJECT_MODE = 16, /* "mode": chmod, chown */
    INJECT_ALL = 31,
};

struct inject_control {
    uint32_t fault;   /* enum inject_fault */
    uint32_t classes; /* enum inject_class; others are neither counted nor disturbed; 0: all */
    uint64_t at;      /* the first call that it happens to, from 1; 0: any, see one_in */
    uint64_t span;    /* to how many calls from there on; INJECT_FOREVER */
    uint64_t one_in;  /* with at = 0: to one of so many calls, by the seed; 0: to none */
    uint64_t seed;
    uint64_t calls;      /* out: how many calls there were */
    uint64_t faults;     /* out: to how many it happened */
    int64_t clock_step;  /* ns that the wall clock is ahead */
    uint64_t clock_asks; /* out: how often it was asked for */
};
