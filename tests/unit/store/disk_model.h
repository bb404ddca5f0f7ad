/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk under one file, as a system with a page cache has it: what is written is seen by everybody at
 * once, but is on the disk only when a sync has said so. This program's own write and sync functions
 * stand before the C library's. A failed sync loses some of the pages that waited for it, or all, or
 * none, and from then on nobody remembers that they are missing: later syncs succeed without them.
 */
#pragma once

#include "base/bytes.h"

#include <stdint.h>

enum disk_fault {
    DISK_ONCE,       /* the operation fails, the next does not */
    DISK_SHORT_ONCE, /* the write ends halfway */
    DISK_SYNCS,      /* from the operation on all syncs fail; writes reach the cache */
    DISK_ALL,        /* the operation fails, and from then on no write reaches even the cache */
};

enum disk_loss {
    DISK_LOSES_ALL, /* of what a failed sync was to make durable */
    DISK_LOSES_NONE,
    DISK_LOSES_SOME,
};

/* Begins with the file as it is, durable. Operations are counted from 0; fault_at < 0: none fails. */
void disk_attach(const char *path);
void disk_set_fault(enum disk_fault fault, enum disk_loss loss, int fault_at, uint64_t seed);
void disk_heal(void);
void disk_detach(void);
int disk_operations(void); /* since disk_set_fault() */
bool disk_has_failed(void);

/*
 * What a power failure would have left before each operation, and now: with nothing of what waits for
 * a sync, and with some of it. disk_tag() marks those that follow.
 */
struct disk_image {
    uint8_t *bytes;
    size_t n;
    int tag;
};
void disk_tag(int tag);
void disk_take_images(void);                 /* now */
size_t disk_images(struct disk_image **out); /* until disk_forget_images() */
void disk_forget_images(void);
