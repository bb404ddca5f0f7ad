/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret pool and the opaque secrets in it.
 *
 * A region is REGION_BYTES of locked memory between two guard pages. Blocks of any size class are cut off the newest
 * region's front; a freed block goes onto its class's free list and keeps its size for ever, so the pool is bounded by the
 * sum of each class's peak. What is left of a region too short for the next block is cut into smaller free blocks. Requests
 * beyond the largest class get a mapping of their own. Free blocks are always all zero: cleared when released, never when
 * taken.
 */
#include "base/secret.h"

#include "base/buf.h"
#include "base/encode.h"

#include "base/assert.h"
#include "base/poison.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGION_BYTES ((size_t)256 * 1024)
#define CLASS_MIN_BYTES ((size_t)64)
#define CLASS_COUNT 11 /* 64 bytes to 64 KiB, each twice the one before */
#define CLASS_LARGE CLASS_COUNT

#define MAGIC_USED UINT32_C(0x5ec7e7a1)
#define MAGIC_FREE UINT32_C(0x0f7ee0f7)

/* In front of every block. */
struct block {
    uint32_t magic;
    uint32_t size_class; /* CLASS_LARGE: a mapping of its own */
    union {
        struct block *next;  /* while free */
        size_t mapped_bytes; /* CLASS_LARGE: without the guard pages */
    };
};
_Static_assert(sizeof(struct block) == 16, "keeps the payload aligned to 16");

struct pool {
    pthread_mutex_t m;
    struct block *free[CLASS_COUNT]; /* under m */
    uint8_t *rest;                   /* under m: uncut part of the newest region */
    size_t rest_bytes;               /* under m */
    struct hf_secret_stats stats;    /* under m */
};

static struct pool pool = { .m = PTHREAD_MUTEX_INITIALIZER, .stats.locked = true };

static size_t class_bytes(uint32_t size_class)
{
    return CLASS_MIN_BYTES << size_class;
}

static uint32_t class_for(size_t n)
{
    uint32_t size_class = 0;
    while (size_class < CLASS_COUNT && class_bytes(size_class) < n)
        size_class++;
    return size_class;
}

static uint8_t *payload_of(struct block *block)
{
    return (uint8_t *)block + sizeof *block;
}

static struct block *block_of(void *payload)
{
    struct block *block = (struct block *)payload - 1;
    HF_ASSERT(block->magic == MAGIC_USED);
    return block;
}

static size_t capacity_of(const struct block *block)
{
    if (block->size_class == CLASS_LARGE)
        return block->mapped_bytes - sizeof *block;
    return class_bytes(block->size_class);
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* n usable bytes (whole pages) between two guard pages; NULL when out of memory. Under m. */
static void *map_guarded(size_t n)
{
    const size_t page = page_bytes();
    uint8_t *all = mmap(NULL, n + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    uint8_t *usable = all + page;
    if (mprotect(usable, n, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(all, n + 2 * page);
        return NULL;
    }
    /* Each of these only hardens: a system that refuses one still keeps the memory usable. */
    if (mlock(usable, n) != 0)
        pool.stats.locked = false;
    (void)madvise(usable, n, MADV_DONTDUMP);
    (void)madvise(usable, n, MADV_WIPEONFORK);
    pool.stats.mapped_bytes += n;
    return usable;
}

/* Under m. */
static void unmap_guarded(void *usable, size_t n)
{
    const size_t page = page_bytes();
    (void)munmap((uint8_t *)usable - page, n + 2 * page);
    pool.stats.mapped_bytes -= n;
}

/* Cuts a block off the newest region, which has room for it. Under m. */
static struct block *cut_block(uint32_t size_class)
{
    const size_t n = sizeof(struct block) + class_bytes(size_class);
    struct block *block = (struct block *)(void *)pool.rest;
    hf_unpoison(block, sizeof *block);
    *block = (struct block){ .magic = MAGIC_FREE, .size_class = size_class };
    pool.rest += n;
    pool.rest_bytes -= n;
    return block;
}

/* Turns what is left of the newest region into free blocks. Under m. */
static void cut_rest(void)
{
    for (uint32_t size_class = CLASS_COUNT; size_class-- > 0;) {
        while (pool.rest_bytes >= sizeof(struct block) + class_bytes(size_class)) {
            struct block *block = cut_block(size_class);
            block->next = pool.free[size_class];
            pool.free[size_class] = block;
        }
    }
}

/* A zeroed block with a poisoned payload. Under m. */
static struct block *take_block(uint32_t size_class)
{
    struct block *block = pool.free[size_class];
    if (block != NULL) {
        HF_ASSERT(block->magic == MAGIC_FREE && block->size_class == size_class);
        pool.free[size_class] = block->next;
        return block;
    }
    if (pool.rest_bytes < sizeof *block + class_bytes(size_class)) {
        uint8_t *region = map_guarded(REGION_BYTES);
        if (region == NULL)
            return NULL;
        cut_rest();
        hf_poison(region, REGION_BYTES);
        pool.rest = region;
        pool.rest_bytes = REGION_BYTES;
    }
    return cut_block(size_class);
}

/* A block in a mapping of its own. Under m. */
static struct block *map_block(size_t n)
{
    const size_t page = page_bytes();
    size_t mapped_bytes = 0;
    if (!hf_add_size(n, sizeof(struct block) + 3 * page - 1, &mapped_bytes))
        return NULL;
    mapped_bytes = (mapped_bytes - 2 * page) / page * page;
    struct block *block = map_guarded(mapped_bytes);
    if (block == NULL)
        return NULL;
    *block = (struct block){ .size_class = CLASS_LARGE, .mapped_bytes = mapped_bytes };
    hf_poison(payload_of(block), capacity_of(block));
    return block;
}

void *hf_secret_alloc(size_t n)
{
    const uint32_t size_class = class_for(n);
    (void)pthread_mutex_lock(&pool.m);
    struct block *block = size_class == CLASS_LARGE ? map_block(n) : take_block(size_class);
    if (block != NULL) {
        block->magic = MAGIC_USED;
        pool.stats.used_bytes += capacity_of(block);
    }
    (void)pthread_mutex_unlock(&pool.m);
    if (block == NULL)
        return NULL;
    hf_unpoison(payload_of(block), n);
#ifdef HF_NO_WIPE
    memset(payload_of(block), 0, n); /* as promised, though nothing was cleared before */
#endif
    return payload_of(block);
}

void hf_secret_release(void *p)
{
    if (p == NULL)
        return;
    struct block *block = block_of(p);
    const size_t capacity = capacity_of(block);
    hf_unpoison(p, capacity);
    hf_wipe(p, capacity);

    (void)pthread_mutex_lock(&pool.m);
    HF_ASSERT(block->magic == MAGIC_USED);
    pool.stats.used_bytes -= capacity;
    if (block->size_class == CLASS_LARGE) {
        unmap_guarded(block, block->mapped_bytes);
    } else {
        hf_poison(p, capacity);
        block->magic = MAGIC_FREE;
        block->next = pool.free[block->size_class];
        pool.free[block->size_class] = block;
    }
    (void)pthread_mutex_unlock(&pool.m);
}

void *hf_secret_realloc(void *p, size_t n)
{
    if (p == NULL)
        return hf_secret_alloc(n);
    const size_t capacity = capacity_of(block_of(p));
    hf_unpoison(p, capacity);
    if (n <= capacity) {
        hf_poison((uint8_t *)p + n, capacity - n);
        return p;
    }
    void *moved = hf_secret_alloc(n);
    if (moved == NULL)
        return NULL;
    memcpy(moved, p, capacity);
    hf_secret_release(p);
    return moved;
}

struct hf_secret_stats hf_secret_stats(void)
{
    (void)pthread_mutex_lock(&pool.m);
    const struct hf_secret_stats stats = pool.stats;
    (void)pthread_mutex_unlock(&pool.m);
    return stats;
}

#ifdef HF_NO_WIPE /* the test that searches memory for residues must find them then */
void hf_wipe(void *p HF_UNUSED, size_t n HF_UNUSED) {}
#else
void hf_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}
#endif

void hf_secret_wipe_scope(struct hf_secret_scope *scope)
{
    hf_wipe(scope->p, scope->n);
}

struct hf_secret {
    size_t n; /* bytes */
    uint8_t p[];
};

hf_err hf_secret_new(size_t n, struct hf_secret **out)
{
    size_t total = 0;
    if (!hf_add_size(n, sizeof(struct hf_secret), &total))
        return HF_E_NOMEM;
    struct hf_secret *secret = hf_secret_alloc(total);
    if (secret == NULL)
        return HF_E_NOMEM;
    secret->n = n;
    *out = secret;
    return HF_OK;
}

hf_err hf_secret_from_bytes(hf_bytes bytes, struct hf_secret **out)
{
    struct hf_secret *secret = NULL;
    const hf_err err = hf_secret_new(bytes.n, &secret);
    if (err != HF_OK)
        return err;
    if (bytes.n > 0)
        memcpy(secret->p, bytes.p, bytes.n);
    *out = secret;
    return HF_OK;
}

void hf_secret_free(struct hf_secret *secret)
{
    hf_secret_release(secret);
}

size_t hf_secret_size(const struct hf_secret *secret)
{
    return secret->n;
}

hf_bytes hf_secret_view(const struct hf_secret *secret)
{
    return (hf_bytes){ secret->p, secret->n };
}

uint8_t *hf_secret_edit(struct hf_secret *secret)
{
    return secret->p;
}

void hf_secret_shrink(struct hf_secret *secret, size_t n)
{
    HF_ASSERT(n <= secret->n);
    hf_wipe(secret->p + n, secret->n - n);
    secret->n = n;
}

/* The compiler knows nothing of the value behind this, so it cannot end a comparison early. */
static void hide(uint64_t *value)
{
    __asm__ volatile("" : "+r"(*value));
}

/* The length is public; every byte is read, whatever the ones before it were. */
bool hf_equal_constant_time(hf_bytes a, hf_bytes b)
{
    if (a.n != b.n)
        return false;
    uint64_t difference = 0;
    size_t i = 0;
    for (uint64_t x = 0, y = 0; a.n - i >= sizeof(x); i += sizeof(x)) {
        memcpy(&x, a.p + i, sizeof(x));
        memcpy(&y, b.p + i, sizeof(y));
        difference |= x ^ y;
        hide(&difference);
    }
    for (; i < a.n; i++) {
        difference |= (uint64_t)(a.p[i] ^ b.p[i]);
        hide(&difference);
    }
    return difference == 0;
}

bool hf_secret_equal(const struct hf_secret *secret, hf_bytes bytes)
{
    return hf_equal_constant_time(hf_secret_view(secret), bytes);
}

hf_err hf_secret_dup(const struct hf_secret *secret, struct hf_secret **out)
{
    return hf_secret_from_bytes(hf_secret_view(secret), out);
}

bool hf_secret_is_utf8(const struct hf_secret *secret)
{
    return hf_utf8_valid(hf_bytes_str(hf_secret_view(secret)));
}

void hf_buf_put_secret(struct hf_buf *buf, const struct hf_secret *secret)
{
    HF_ASSERT(buf->secret);
    hf_buf_put_bytes(buf, hf_secret_view(secret));
}
