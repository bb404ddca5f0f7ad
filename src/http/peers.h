/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections are open, in all and per address (IPv6: per /64), and what memory an
 * address's requests and answers take, so that one peer cannot take everything.
 *
 * Threads: any; one lock, taken when a connection comes and goes. The memory is counted without it.
 */
#pragma once

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

/* Memory in use, counted by budget.c. */
struct http_usage {
    atomic_size_t request_bytes; /* of requests that are not answered yet */
    atomic_size_t answer_bytes;  /* of answers that the peer has not taken yet */
};

struct http_peers_entry {
    uint64_t key;
    size_t count;
    uint32_t next; /* index + 1 in the bucket's or the free list; 0 ends it */
    struct http_usage usage;
};

struct http_peers {
    pthread_mutex_t m;
    struct http_peers_entry *entries; /* under m; max_total of them */
    uint32_t *buckets;                /* under m; index + 1; 0 is empty */
    size_t bucket_mask;
    uint32_t free_entries; /* under m */
    size_t total;          /* under m */
    size_t max_total;
    size_t max_per_address;
    uint64_t seed; /* so that nobody can aim at one bucket */
};

HF_MUST hf_err http_peers_init(struct http_peers *peers, size_t max_total, size_t max_per_address);
void http_peers_done(struct http_peers *peers);

/* What is counted together; 0 for a local connection, which only counts in all. */
uint64_t http_peers_key(const struct sockaddr_storage *address);

/* HF_E_THROTTLED at a limit. *out_usage is shared by all connections of the address and valid until
 * this one leaves; NULL for a local connection. */
HF_MUST hf_err http_peers_enter(struct http_peers *peers, uint64_t key,
                                struct http_usage **out_usage);
/* What the connection added to the usage was taken back before. */
void http_peers_leave(struct http_peers *peers, uint64_t key);
