/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of records that were derived already. A derivation costs several times what opening a small record does, and the
 * key of a storage key never changes. Sets of two, the one used last stays. The keys are in secret memory.
 */
#include "crypto/internal.h"

#include <stdlib.h>
#include <string.h>

#define SETS ((size_t)64)
#define WAYS ((size_t)2)
#define NAME_MAX_BYTES 182 /* the longest storage key has fewer; longer ones are not kept */

_Static_assert((SETS & (SETS - 1)) == 0, "sets are masked");

struct place {
    uint16_t n; /* bytes of name; 0: free */
    uint8_t name[NAME_MAX_BYTES];
};

struct crypto_record_keys {
    struct place places[SETS][WAYS];
    uint8_t last[SETS];                                /* the way used last */
    uint8_t (*keys)[SETS * WAYS][CRYPTO_SHA256_BYTES]; /* secret memory */
};

hf_err crypto_record_keys_new(struct crypto_record_keys **out)
{
    struct crypto_record_keys *known = calloc(1, sizeof(*known));
    if (known == NULL)
        return HF_E_NOMEM;
    known->keys = hf_secret_alloc(sizeof(*known->keys));
    if (known->keys == NULL) {
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
    hf_secret_release(known->keys);
    free(known);
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

const uint8_t *crypto_record_keys_find(struct crypto_record_keys *known, hf_bytes name)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return NULL;
    const size_t set = set_of(name);
    for (size_t way = 0; way < WAYS; way++) {
        const struct place *place = &known->places[set][way];
        if (!hf_bytes_equal((hf_bytes){ place->name, place->n }, name))
            continue;
        known->last[set] = (uint8_t)way;
        return (*known->keys)[set * WAYS + way];
    }
    return NULL;
}

void crypto_record_keys_put(struct crypto_record_keys *known, hf_bytes name,
                            const uint8_t key[CRYPTO_SHA256_BYTES])
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return;
    const size_t set = set_of(name);
    const size_t way = (size_t)1 - known->last[set];
    struct place *place = &known->places[set][way];
    place->n = (uint16_t)name.n;
    memcpy(place->name, name.p, name.n);
    memcpy((*known->keys)[set * WAYS + way], key, CRYPTO_SHA256_BYTES);
    known->last[set] = (uint8_t)way;
}
