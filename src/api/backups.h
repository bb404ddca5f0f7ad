/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of the whole server as the local door asks for them. What makes them stands above: server/ fills in the functions.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"

#define API_BACKUP_NAME_BYTES 64

enum api_backup_state {
    API_BACKUP_RUNNING,
    API_BACKUP_DONE,
    API_BACKUP_FAILED, /* of the last one only, and gone with the next start */
};

struct api_backup {
    char name[API_BACKUP_NAME_BYTES]; /* of the file */
    bool incremental;
    enum api_backup_state state;
    uint64_t bytes;  /* of the file; while it is made, so far */
    uint64_t from;   /* number of the last change before it */
    uint64_t to;     /* of the last change in it */
    hf_usec created; /* INT64_MIN: unknown */
    hf_usec to_time; /* up to when changes are in it; INT64_MIN: unknown */
    hf_str reason;   /* why it failed, for people */
};

/* Threads: any. */
struct api_backups {
    void *context;
    hf_str folder;
    /* Begins one, which goes on after the call. Fails: HF_E_CONFLICT (one is being made), HF_E_UNAVAILABLE, HF_E_NOMEM. */
    hf_err (*start)(void *context, bool incremental, hf_usec now, struct api_backup *out);
    /*
     * All there are, or the one of that name; newest first, in the arena. Reads files: not on a loop thread. Fails:
     * HF_E_NOT_FOUND (none of that name), HF_E_IO, HF_E_FORBIDDEN, HF_E_NOMEM.
     */
    hf_err (*list)(void *context, hf_str name, struct hf_arena *arena, struct api_backup **out,
                   size_t *out_count);
};
