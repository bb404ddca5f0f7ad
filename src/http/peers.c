/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of address keys with chained entries, all memory taken at the start.
 */
#include "http/peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define IPV6_PREFIX_BYTES 8
/* ::ffff:0:0/96: where mapped IPv4 addresses live; as a /64 it is nobody's. */
#define IPV4_KEY_BASE (UINT64_C(0xffff) << 32)

static size_t bucket_count_for(size_t max_total)
{
    size_t count = 64;
    while (count < max_total && count < (SIZE_MAX >> 2))
        count *= 2;
    return count;
}

hf_err http_peers_init(struct http_peers *peers, size_t max_total, size_t max_per_address)
{
    memset(peers, 0, sizeof(*peers));
    if (max_total == 0 || max_total >= UINT32_MAX)
        return HF_E_INVALID;
    const size_t bucket_count = bucket_count_for(max_total);
    peers->entries = calloc(max_total, sizeof(*peers->entries));
    peers->buckets = calloc(bucket_count, sizeof(*peers->buckets));
    if (peers->entries == NULL || peers->buckets == NULL ||
        getrandom(&peers->seed, sizeof(peers->seed), 0) != (ssize_t)sizeof(peers->seed)) {
        free(peers->entries);
        free(peers->buckets);
        return HF_E_NOMEM;
    }
    peers->bucket_mask = bucket_count - 1;
    peers->max_total = max_total;
    peers->max_per_address = max_per_address;
    for (uint32_t i = 0; i < (uint32_t)max_total; i++)
        peers->entries[i].next = i + 2 <= max_total ? i + 2 : 0;
    peers->free_entries = 1;
    pthread_mutex_init(&peers->m, NULL);
    return HF_OK;
}

void http_peers_done(struct http_peers *peers)
{
    if (peers->entries == NULL)
        return;
    free(peers->entries);
    free(peers->buckets);
    pthread_mutex_destroy(&peers->m);
    peers->entries = NULL;
}

static uint64_t key_of_ipv4(uint32_t address_be)
{
    return IPV4_KEY_BASE | ntohl(address_be);
}

static uint64_t key_of_ipv6(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        uint32_t ipv4 = 0;
        memcpy(&ipv4, address->s6_addr + 12, sizeof(ipv4));
        return key_of_ipv4(ipv4);
    }
    uint64_t key = 0;
    for (size_t i = 0; i < IPV6_PREFIX_BYTES; i++)
        key = key << 8 | address->s6_addr[i];
    return key;
}

uint64_t http_peers_key(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return key_of_ipv4(in.sin_addr.s_addr);
    }
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        const uint64_t key = key_of_ipv6(&in6.sin6_addr);
        return key == 0 ? 1 : key; /* ::1 is not "local connection" */
    }
    return 0;
}

/* Mixes all bits of the key with the seed (the finaliser of MurmurHash3). */
static uint32_t *bucket_of(struct http_peers *peers, uint64_t key)
{
    uint64_t h = key ^ peers->seed;
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33) ^ peers->seed) * UINT64_C(0xc4ceb9fe1a85ec53);
    return &peers->buckets[(h ^ (h >> 33)) & peers->bucket_mask];
}

/* The link that points to the key's entry; its value is 0 if there is none. */
static uint32_t *find_link(struct http_peers *peers, uint64_t key)
{
    uint32_t *link = bucket_of(peers, key);
    while (*link != 0 && peers->entries[*link - 1].key != key)
        link = &peers->entries[*link - 1].next;
    return link;
}

/* m is held; there are as many entries as connections, so one is free. */
static void count_up(struct http_peers *peers, uint32_t *link, uint64_t key)
{
    if (*link == 0) {
        *link = peers->free_entries;
        struct http_peers_entry *entry = &peers->entries[*link - 1];
        peers->free_entries = entry->next;
        *entry = (struct http_peers_entry){ .key = key };
    }
    peers->entries[*link - 1].count++;
}

static hf_err enter_locked(struct http_peers *peers, uint64_t key, struct http_usage **out_usage)
{
    if (peers->total >= peers->max_total)
        return HF_E_THROTTLED;
    if (key != 0) {
        uint32_t *link = find_link(peers, key);
        if (*link != 0 && peers->entries[*link - 1].count >= peers->max_per_address)
            return HF_E_THROTTLED;
        count_up(peers, link, key);
        *out_usage = &peers->entries[*link - 1].usage;
    } else {
        *out_usage = NULL;
    }
    peers->total++;
    return HF_OK;
}

hf_err http_peers_enter(struct http_peers *peers, uint64_t key, struct http_usage **out_usage)
{
    pthread_mutex_lock(&peers->m);
    const hf_err err = enter_locked(peers, key, out_usage);
    pthread_mutex_unlock(&peers->m);
    return err;
}

static void count_down(struct http_peers *peers, uint64_t key)
{
    uint32_t *link = find_link(peers, key);
    if (*link == 0)
        return;
    const uint32_t index = *link;
    struct http_peers_entry *entry = &peers->entries[index - 1];
    if (--entry->count > 0)
        return;
    *link = entry->next;
    entry->next = peers->free_entries;
    peers->free_entries = index;
}

void http_peers_leave(struct http_peers *peers, uint64_t key)
{
    pthread_mutex_lock(&peers->m);
    peers->total--;
    if (key != 0)
        count_down(peers, key);
    pthread_mutex_unlock(&peers->m);
}
