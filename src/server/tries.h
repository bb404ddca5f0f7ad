/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked of a sealed server, kept until its audit log is open: without the root key nobody knows whether the log is
 * whole. In bounded memory: what is the same as the one before is counted with it, and what does not fit is only
 * counted. Lost if the server ends without having been opened.
 *
 * Threads: one at a time.
 */
#pragma once

#include "server/acts.h"

#define SERVER_TRIES_KEPT 128

/* One, or several that were alike, in a row. */
struct server_try {
    hf_usec first;
    hf_usec last;
    uint64_t times;
    int64_t
        uid; /* SERVER_ACT_NOBODY: the server itself, which tries again when a token comes back */
    uint32_t share; /* its number; 0: none, or not known */
    hf_err result;
};

struct server_tries {
    struct server_try items[SERVER_TRIES_KEPT];
    size_t count;
    struct server_try others; /* what did not fit; times 0: nothing */
    uint64_t failures;        /* of all of them */
    /* what opened it; is_open false: not yet */
    bool is_open;
    struct server_try opening;
    char kind[SEAL_KIND_NAME_MAX_BYTES + 1];
    uint32_t shares[SEAL_SHARES_MAX]; /* by number, as they were given */
    size_t share_count;
};

void server_tries_note(struct server_tries *tries, const struct server_try *what);

/*
 * Writes them into the log, the opening last, and forgets them. All are there or none. HF_OK also if there is nothing to be told.
 * Fails as server_acts_write().
 */
HF_MUST hf_err server_tries_record(struct server_tries *tries, struct audit_log *log);
