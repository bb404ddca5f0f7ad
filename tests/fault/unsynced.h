/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process has changed on the disk and not synced, so that it can be taken back: a power failure at its worst. Part of the
 * fault injector. All of it does nothing until it is switched on. Paths are absolute. Threads: any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UNSYNCED_HERE (-1) /* where the descriptor stands */

void unsynced_switch_on(void);

/* Before a write: keeps what is there. The number is for unsynced_written(). */
uint64_t unsynced_write(int fd, off_t at, size_t n);
/* After it: nothing is unsynced if the descriptor syncs each write. */
void unsynced_written(int fd, uint64_t number);
/* Before the file is made n bytes long. */
void unsynced_resize(int fd, off_t n);

/* After a name was made; before one is removed, or replaced by the file that has the other name (which may be NULL). */
void unsynced_made(const char *path);
void unsynced_remove(const char *path);
void unsynced_rename(const char *from, const char *to);

/* Before a sync, of a file or a folder; then, if it went well. */
uint64_t unsynced_mark(void);
void unsynced_synced(int fd, uint64_t mark);

/* Takes back all of it. Nothing else gets through from here on: the process must be ended. */
void unsynced_lose(void);
