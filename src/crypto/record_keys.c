/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the records used last: their keys, since the key of a storage key never changes, and of those that are
 * opened again and again the plaintext. Both cost several times what finding them does. Sets of two, the one used last stays.
 * Keys and plaintexts are in secret memory. One table serves many record keys: each place bears the number of its owner, which
 * is never given again, so that records with the same storage key under two record keys never meet.
 */
#include "base/assert.h"
#include "crypto/internal.h"
#include "crypto/record.h"

#include <stdlib.h>
#include <string.h>

#define SETS ((size_t)128)
#define WAYS ((size_t)2)
#define NAME_MAX_BYTES 182 /* the longest storage key has fewer; longer ones are not kept */
/*
 * An object with a name of 30 characters and, in its copy of the newest version, dates, a content type and three or four tags.
 * Longer ones are not kept. With the key it makes 256 bytes, and all places one full block of secret memory.
 */
#define PLAIN_MAX_BYTES 224
#define SEALED_MAX_BYTES (PLAIN_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES)

_Static_assert((SETS & (SETS - 1)) == 0, "sets are masked");
_Static_assert(SETS *WAYS *(CRYPTO_SHA256_BYTES + PLAIN_MAX_BYTES) == (size_t)64 * 1024,
               "the largest class of secret memory, filled");

struct place {
    uint16_t n; /* bytes of name */
    uint8_t name[NAME_MAX_BYTES];
    uint16_t sealed_n; /* bytes of the record whose plaintext is kept; 0: none */
    uint8_t sealed[SEALED_MAX_BYTES];
};

struct kept {
    uint8_t key[CRYPTO_SHA256_BYTES];
    uint8_t plain[PLAIN_MAX_BYTES];
};

struct crypto_record_keys {
    uint64_t owners[SETS][WAYS]; /* 0: none */
    struct place places[SETS][WAYS];
    uint8_t last[SETS];               /* the way used last */
    uint64_t last_owner;              /* the newest number given */
    size_t members;                   /* keys that joined and are not forgotten */
    struct kept (*kept)[SETS * WAYS]; /* secret memory */
};

hf_err crypto_record_keys_new(struct crypto_record_keys **out)
{
    struct crypto_record_keys *known = calloc(1, sizeof(*known));
    if (known == NULL)
        return HF_E_NOMEM;
    known->kept = hf_secret_alloc(sizeof(*known->kept));
    if (known->kept == NULL) {
        free(known);
        return HF_E_NOMEM;
    }
    *out = known;
    return HF_OK;
}

void crypto_record_keys_free(struct crypto_record_keys *known)
{
    if (known == NULL)
        return;
    HF_ASSERT(known->members == 0);
    hf_secret_release(known->kept);
    free(known);
}

uint64_t crypto_record_keys_join(struct crypto_record_keys *known)
{
    known->members++;
    return ++known->last_owner;
}

void crypto_record_keys_forget(struct crypto_record_keys *known, uint64_t owner)
{
    for (size_t at = 0; at < SETS * WAYS; at++) {
        if (known->owners[at / WAYS][at % WAYS] != owner)
            continue;
        known->owners[at / WAYS][at % WAYS] = 0;
        hf_wipe(&(*known->kept)[at], sizeof((*known->kept)[at]));
    }
    known->members--;
}

/* Spreads names over the sets, no more: what collides is only derived again. */
static size_t set_of(hf_bytes name)
{
    uint64_t h = name.n;
    size_t i = 0;
    for (uint64_t word = 0; name.n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, name.p + i, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    for (; i < name.n; i++)
        h = (h ^ name.p[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 48) & (SETS - 1);
}

/* Its place; SETS * WAYS if it has none. */
static size_t place_of(struct crypto_record_keys *known, uint64_t owner, hf_bytes name)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return SETS * WAYS;
    const size_t set = set_of(name);
    for (size_t way = 0; way < WAYS; way++) {
        const struct place *place = &known->places[set][way];
        if (known->owners[set][way] != owner ||
            !hf_bytes_equal((hf_bytes){ place->name, place->n }, name))
            continue;
        known->last[set] = (uint8_t)way;
        return set * WAYS + way;
    }
    return SETS * WAYS;
}

static struct place *place_at(struct crypto_record_keys *known, size_t at)
{
    return &known->places[at / WAYS][at % WAYS];
}

const uint8_t *crypto_record_keys_find(struct crypto_record_keys *known, uint64_t owner,
                                       hf_bytes name)
{
    const size_t at = place_of(known, owner, name);
    return at == SETS * WAYS ? NULL : (*known->kept)[at].key;
}

void crypto_record_keys_put(struct crypto_record_keys *known, uint64_t owner, hf_bytes name,
                            const uint8_t key[CRYPTO_SHA256_BYTES])
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return;
    const size_t set = set_of(name);
    const size_t way = (size_t)1 - known->last[set];
    struct place *place = &known->places[set][way];
    known->owners[set][way] = owner;
    place->n = (uint16_t)name.n;
    place->sealed_n = 0;
    memcpy(place->name, name.p, name.n);
    memcpy((*known->kept)[set * WAYS + way].key, key, CRYPTO_SHA256_BYTES);
    known->last[set] = (uint8_t)way;
}

bool crypto_record_keys_find_plain(struct crypto_record_keys *known, uint64_t owner, hf_bytes name,
                                   hf_bytes sealed, hf_bytes *out)
{
    const size_t at = place_of(known, owner, name);
    if (at == SETS * WAYS)
        return false;
    const struct place *place = place_at(known, at);
    if (place->sealed_n == 0 ||
        !hf_bytes_equal((hf_bytes){ place->sealed, place->sealed_n }, sealed))
        return false;
    *out = (hf_bytes){ (*known->kept)[at].plain, sealed.n - CRYPTO_RECORD_OVERHEAD_BYTES };
    return true;
}

void crypto_record_keys_put_plain(struct crypto_record_keys *known, uint64_t owner, hf_bytes name,
                                  hf_bytes sealed, hf_bytes plain)
{
    const size_t at = place_of(known, owner, name);
    if (at == SETS * WAYS || plain.n > PLAIN_MAX_BYTES ||
        sealed.n != plain.n + CRYPTO_RECORD_OVERHEAD_BYTES)
        return;
    struct place *place = place_at(known, at);
    place->sealed_n = (uint16_t)sealed.n;
    memcpy(place->sealed, sealed.p, sealed.n);
    if (plain.n > 0)
        memcpy((*known->kept)[at].plain, plain.p, plain.n);
}
