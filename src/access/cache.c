/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of verified tokens: set-associative, least recently used first out, keyed by the digest of the token's text.
 * Only tokens that verified get in, so nobody without a valid token can push others out.
 */
#include "access/internal.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((ACCESS_CACHE_SETS & (ACCESS_CACHE_SETS - 1)) == 0, "sets are masked");

static uint64_t tag_of(const uint8_t digest[CRYPTO_SHA256_BYTES])
{
    uint64_t tag;
    memcpy(&tag, digest, sizeof(tag));
    return tag;
}

static struct access_cache_slot *set_of(struct access_cache *cache, uint64_t tag)
{
    return cache->slots[tag & (ACCESS_CACHE_SETS - 1)];
}

/* Moves slot `index` to the front of its set; the ones before it move back by one. */
static void move_to_front(struct access_cache_slot *set, size_t index)
{
    struct access_cache_slot slot = set[index];
    memmove(set + 1, set, index * sizeof(*set));
    set[0] = slot;
}

static void leave_cache(struct access_session *session)
{
    session->cached = false;
    if (session->pins == 0)
        access_session_free(session);
}

void access_session_free(struct access_session *session)
{
    if (session == NULL)
        return;
    free(session->grants);
    free(session);
}

struct access_session *access_cache_find(struct access_cache *cache,
                                         const uint8_t digest[CRYPTO_SHA256_BYTES])
{
    uint64_t tag = tag_of(digest);
    struct access_cache_slot *set = set_of(cache, tag);
    for (size_t i = 0; i < ACCESS_CACHE_WAYS; i++) {
        struct access_session *session = set[i].session;
        if (session == NULL || set[i].tag != tag)
            continue;
        if (!hf_bytes_equal((hf_bytes){ session->digest, CRYPTO_SHA256_BYTES },
                            (hf_bytes){ digest, CRYPTO_SHA256_BYTES }))
            continue;
        move_to_front(set, i);
        return session;
    }
    return NULL;
}

void access_cache_put(struct access_cache *cache, struct access_session *session)
{
    uint64_t tag = tag_of(session->digest);
    struct access_cache_slot *set = set_of(cache, tag);
    size_t last = ACCESS_CACHE_WAYS - 1;
    for (size_t i = 0; i < last; i++) {
        if (set[i].session == NULL)
            last = i;
    }
    if (set[last].session != NULL)
        leave_cache(set[last].session);
    set[last] = (struct access_cache_slot){ tag, session };
    session->cached = true;
    move_to_front(set, last);
}

void access_cache_remove(struct access_cache *cache, struct access_session *session)
{
    struct access_cache_slot *set = set_of(cache, tag_of(session->digest));
    for (size_t i = 0; i < ACCESS_CACHE_WAYS; i++) {
        if (set[i].session != session)
            continue;
        set[i] = (struct access_cache_slot){ 0, NULL };
        leave_cache(session);
        return;
    }
}

void access_cache_clear(struct access_cache *cache)
{
    for (size_t set = 0; set < ACCESS_CACHE_SETS; set++) {
        for (size_t i = 0; i < ACCESS_CACHE_WAYS; i++) {
            struct access_session *session = cache->slots[set][i].session;
            cache->slots[set][i] = (struct access_cache_slot){ 0, NULL };
            if (session != NULL)
                leave_cache(session);
        }
    }
}
