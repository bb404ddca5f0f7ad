/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsed private keys. The private key of a version never changes and a version's id is never given again, so what is found under
 * it is right as long as the version is there, which the caller has just read.
 */
#include "vault/internal.h"
#include "vault/key.h"

#include <stdlib.h>

#define SETS 64 /* a power of two */
#define WAYS 4

struct place {
    struct hf_uuid vault;
    struct hf_uuid version;
    struct crypto_key *key; /* NULL: free */
    uint64_t used;
};

struct vault_key_cache {
    uint64_t uses;
    struct place places[SETS][WAYS];
};

hf_err vault_key_cache_new(struct vault_key_cache **out)
{
    struct vault_key_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return HF_E_NOMEM;
    *out = cache;
    return HF_OK;
}

void vault_key_cache_free(struct vault_key_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < SETS * (size_t)WAYS; i++)
        crypto_key_free(cache->places[i / WAYS][i % WAYS].key);
    free(cache);
}

/* The place that has the key, else the one to give up: a free one, or the one that was used longest ago. */
static struct place *find_place(struct vault_key_cache *cache, const struct hf_uuid *vault,
                                const struct hf_uuid *version)
{
    struct place *set = cache->places[version->b[0] & (SETS - 1)]; /* ids are random */
    struct place *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key != NULL && hf_uuid_equal(&set[i].version, version) &&
            hf_uuid_equal(&set[i].vault, vault))
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    crypto_key_free(oldest->key);
    *oldest = (struct place){ .vault = *vault, .version = *version };
    return oldest;
}

hf_err vault_key_open(struct vault_key_cache *cache, struct vault *vault, struct store_txn *txn,
                      const struct vault_key *key, struct hf_arena *arena, struct crypto_key **out)
{
    struct place *place = find_place(cache, &vault->properties.id, &key->version.id);
    if (place->key == NULL) {
        hf_err err = vault_key_load(vault, txn, key, arena, &place->key);
        if (err != HF_OK)
            return err;
    }
    place->used = ++cache->uses;
    *out = crypto_key_ref(place->key);
    return HF_OK;
}
