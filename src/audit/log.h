/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open log, as its files see it: appending (log.c), mending what failed (mend.c), watching for
 * changes by others (watch.c), the reserve (reserve.c).
 */
#pragma once

#include "audit/internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* What the last write or sync has left behind. Nothing is appended before it is mended. */
enum audit_fault {
    AUDIT_FAULT_NONE,
    AUDIT_FAULT_TAIL, /* part of a write that could not be cut off */
    AUDIT_FAULT_SYNC, /* what was written since the last sync may never reach the disk */
};

/* The file that holds room for bad times. */
struct audit_reserve {
    int fd;          /* -1: none */
    uint64_t wanted; /* bytes; 0: none */
    uint64_t size;   /* bytes that it holds now */
};

/* A file that the log has left behind. */
struct audit_closed {
    uint64_t first;
    uint64_t size;
    ino_t inode;
    bool is_reported;
};

struct audit_log {
    char *path;                              /* immutable */
    int folder;                              /* immutable; locked against other processes */
    uint64_t segment_bytes;                  /* immutable */
    struct audit_aside aside;                /* immutable after open */
    _Atomic(enum audit_condition) condition; /* any thread; changed under m */
    pthread_mutex_t m;
    /* under m, from here on */
    int fd;                    /* the current segment */
    uint64_t first;            /* its first record's number */
    uint64_t size;             /* its bytes */
    uint64_t durable_size;     /* those that survive a power failure */
    uint64_t last_bytes;       /* of its last line, with the newline; 0: not known */
    struct audit_head head;    /* what was written */
    struct audit_head durable; /* what survives a power failure */
    enum audit_fault fault;
    enum audit_change change; /* of the current file or the folder, by somebody else */
    hf_err last_error;        /* of the last attempt to write, sync or find room */
    uint64_t failures;        /* of writes and syncs */
    unsigned syncing;         /* outside of m, on this segment: it stays the current one */
    struct audit_reserve reserve;
    struct audit_closed *closed;
    size_t closed_count;
    size_t closed_cap;
    size_t closed_next; /* the one to look at next */
};

/* --- log.c: under m --- */

/* Sets the condition after one of the members it follows from has changed. */
void audit_log_judge(struct audit_log *log);
/* The last attempt came to this; a failure is counted. */
void audit_log_note(struct audit_log *log, hf_err err);
/* Everything up to here is on the disk. */
void audit_log_note_durable(struct audit_log *log, const struct audit_head *head, uint64_t size);
/* Cuts off what is behind the last record. False if that failed: AUDIT_FAULT_TAIL. */
bool audit_log_cut_back(struct audit_log *log);

/* --- mend.c: under m --- */

/* Puts the end of the current file in order after a failure. Fails: HF_E_IO, HF_E_DISK_FULL. */
HF_MUST hf_err audit_mend(struct audit_log *log);

/* --- watch.c: under m --- */

/* Remembers the file of that first record as one that the log has left. Fails: HF_E_NOMEM, HF_E_IO. */
HF_MUST hf_err audit_watch_closed(struct audit_log *log, uint64_t first);
/* What somebody else has changed, of the current file, the folder, or an earlier file. */
enum audit_change audit_watch_current(struct audit_log *log);
/* *out_first: which one. */
enum audit_change audit_watch_earlier(struct audit_log *log, uint64_t *out_first);
/* Writes the deleted current file anew from the descriptor that is still open. Fails: HF_E_EXISTS (its
 * name is taken), HF_E_IO, HF_E_DISK_FULL. */
HF_MUST hf_err audit_watch_restore(struct audit_log *log);

/* --- reserve.c --- */

#define AUDIT_RESERVE_NAME "audit.reserve"
/* Opens or makes the file, as full as the disk allows. No failure but of the file itself: HF_E_IO,
 * HF_E_FORBIDDEN. A full disk is none. wanted 0: removes it. */
HF_MUST hf_err audit_reserve_open(int folder, uint64_t wanted, struct audit_reserve *out);
void audit_reserve_close(struct audit_reserve *reserve);
/* Gives up room for at least `bytes`, or what is left. False if there was none. */
bool audit_reserve_give(struct audit_reserve *reserve, uint64_t bytes);
/* Makes it whole again, if the disk has room for that and for some records besides. Also notices that
 * somebody has deleted the file. Fails: HF_E_DISK_FULL, HF_E_IO. */
HF_MUST hf_err audit_reserve_fill(int folder, struct audit_reserve *reserve);
static inline bool audit_reserve_is_whole(const struct audit_reserve *reserve)
{
    return reserve->size >= reserve->wanted;
}
