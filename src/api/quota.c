/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets in a hash table of small sets. */
#include "api/quota.h"

#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define SETS ((size_t)2048)
#define WAYS 8

/* The finaliser of MurmurHash3. */
static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

hf_err api_quota_init(struct api_quota *quota, int64_t rate, int64_t burst)
{
    *quota = (struct api_quota){ 0 };
    if (rate <= 0)
        return HF_OK;
    if (crypto_random((uint8_t *)&quota->seed, sizeof(quota->seed)) != HF_OK)
        return HF_E_INTERNAL;
    quota->places = calloc(SETS * WAYS, sizeof(*quota->places));
    if (quota->places == NULL)
        return HF_E_NOMEM;
    quota->set_mask = SETS - 1;
    quota->period = HF_USEC_PER_SEC / rate;
    if (quota->period == 0)
        quota->period = 1;
    quota->burst = quota->period * (burst - 1);
    return HF_OK;
}

void api_quota_done(struct api_quota *quota)
{
    free(quota->places);
    *quota = (struct api_quota){ 0 };
}

uint64_t api_quota_key(const struct api_quota *quota, hf_str text)
{
    uint64_t h = quota->seed ^ text.n;
    while (text.n > 0) {
        uint64_t word = 0;
        size_t n = text.n < sizeof(word) ? text.n : sizeof(word);
        memcpy(&word, text.p, n);
        h = mix(h ^ word) + quota->seed;
        text.p += n;
        text.n -= n;
    }
    return h;
}

/* The key's place, or one that is free or full (and so as good as free). NULL if there is none. */
static struct api_quota_place *find_place(struct api_quota *quota, uint64_t key, hf_usec now)
{
    struct api_quota_place *set = quota->places + (mix(key ^ quota->seed) & quota->set_mask) * WAYS;
    struct api_quota_place *spare = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        uint64_t found = atomic_load_explicit(&set[i].key, memory_order_relaxed);
        if (found == key)
            return &set[i];
        bool is_spare = found == 0 ||
                        atomic_load_explicit(&set[i].full_at, memory_order_relaxed) <= now;
        if (is_spare && spare == NULL)
            spare = &set[i];
    }
    if (spare != NULL)
        atomic_store_explicit(&spare->key, key, memory_order_relaxed);
    return spare;
}

enum api_quota_answer api_quota_take(struct api_quota *quota, uint64_t key, hf_usec now)
{
    if (quota->places == NULL)
        return API_QUOTA_TAKEN;
    struct api_quota_place *place = find_place(quota, key == 0 ? 1 : key, now);
    if (place == NULL)
        return API_QUOTA_NO_PLACE;
    hf_usec full_at = atomic_load_explicit(&place->full_at, memory_order_relaxed);
    for (;;) {
        hf_usec from = full_at > now ? full_at : now;
        if (from - now > quota->burst)
            return API_QUOTA_EXCEEDED;
        if (atomic_compare_exchange_weak_explicit(&place->full_at, &full_at, from + quota->period,
                                                  memory_order_relaxed, memory_order_relaxed))
            return API_QUOTA_TAKEN;
    }
}
