/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of one request. The first chunk lies behind the arena itself and stays; more chunks come from malloc when it
 * is full and go at reset. So a request that fits the first chunk allocates nothing from the system.
 */
#include "base/arena.h"

#include "base/poison.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK_BYTES ((size_t)8 * 1024)
#define NEXT_CHUNK_BYTES ((size_t)16 * 1024)
#define ALIGN_BYTES ((size_t)16)

#ifdef HF_POISON_WORKS
#define RED_ZONE_BYTES ALIGN_BYTES
#else
#define RED_ZONE_BYTES ((size_t)0)
#endif

struct chunk {
    struct chunk *older;
    uint8_t *next; /* free from here… */
    uint8_t *end;  /* …to here */
};
_Static_assert(sizeof(struct chunk) <= 2 * ALIGN_BYTES, "fits chunk_head_bytes");
#define CHUNK_HEAD_BYTES (2 * ALIGN_BYTES)

struct owned_secret {
    struct owned_secret *older;
    struct hf_secret *secret;
};

struct hf_arena {
    size_t max;                   /* bytes */
    size_t used;                  /* bytes; used <= max */
    struct chunk *newest;         /* ends with `first` */
    struct owned_secret *secrets; /* cleared at reset */
    struct chunk *first;
};
#define ARENA_HEAD_BYTES ((sizeof(struct hf_arena) + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES)

/* Makes the size bytes behind the chunk's head its free room. */
static void chunk_open(struct chunk *chunk, size_t size)
{
    chunk->next = (uint8_t *)chunk + CHUNK_HEAD_BYTES;
    chunk->end = chunk->next + size;
    hf_poison(chunk->next, size);
}

hf_err hf_arena_new(size_t max, struct hf_arena **out)
{
    struct hf_arena *arena = malloc(ARENA_HEAD_BYTES + CHUNK_HEAD_BYTES + FIRST_CHUNK_BYTES);
    if (arena == NULL)
        return HF_E_NOMEM;
    struct chunk *first = (struct chunk *)(void *)((uint8_t *)arena + ARENA_HEAD_BYTES);
    first->older = NULL;
    chunk_open(first, FIRST_CHUNK_BYTES);
    *arena = (struct hf_arena){ .max = max, .newest = first, .first = first };
    *out = arena;
    return HF_OK;
}

static void free_secrets(struct hf_arena *arena)
{
    for (struct owned_secret *owned = arena->secrets; owned != NULL; owned = owned->older)
        hf_secret_free(owned->secret);
    arena->secrets = NULL;
}

void hf_arena_reset(struct hf_arena *arena)
{
    free_secrets(arena);
    while (arena->newest != arena->first) {
        struct chunk *chunk = arena->newest;
        arena->newest = chunk->older;
        free(chunk);
    }
    chunk_open(arena->first, FIRST_CHUNK_BYTES);
    arena->used = 0;
}

void hf_arena_free(struct hf_arena *arena)
{
    if (arena == NULL)
        return;
    hf_arena_reset(arena);
    free(arena);
}

static struct chunk *add_chunk(struct hf_arena *arena, size_t needed)
{
    const size_t size = needed > NEXT_CHUNK_BYTES ? needed : NEXT_CHUNK_BYTES;
    struct chunk *chunk = malloc(CHUNK_HEAD_BYTES + size);
    if (chunk == NULL)
        return NULL;
    chunk_open(chunk, size);
    chunk->older = arena->newest;
    arena->newest = chunk;
    return chunk;
}

/* n bytes, aligned, content undefined; NULL at the maximum or without memory. */
static void *take(struct hf_arena *arena, size_t n)
{
    size_t rounded = 0;
    if (!hf_add_size(n, ALIGN_BYTES - 1, &rounded))
        return NULL;
    rounded -= rounded % ALIGN_BYTES;
    if (rounded > arena->max - arena->used)
        return NULL;
    const size_t needed = rounded + RED_ZONE_BYTES;
    struct chunk *chunk = arena->newest;
    if (needed > (size_t)(chunk->end - chunk->next))
        chunk = add_chunk(arena, needed);
    if (chunk == NULL)
        return NULL;
    uint8_t *p = chunk->next;
    chunk->next += needed;
    arena->used += rounded;
    hf_unpoison(p, n);
    return p;
}

void *hf_arena_alloc(struct hf_arena *arena, size_t n)
{
    void *p = take(arena, n);
    if (p != NULL)
        memset(p, 0, n);
    return p;
}

void *hf_arena_alloc_array(struct hf_arena *arena, size_t count, size_t size)
{
    size_t n = 0;
    if (!hf_mul_size(count, size, &n))
        return NULL;
    return hf_arena_alloc(arena, n);
}

hf_str hf_arena_dup_str(struct hf_arena *arena, hf_str text)
{
    size_t n = 0;
    char *p = hf_add_size(text.n, 1, &n) ? take(arena, n) : NULL;
    if (p == NULL)
        return (hf_str){ NULL, 0 };
    if (text.n > 0)
        memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    return (hf_str){ p, text.n };
}

hf_bytes hf_arena_dup_bytes(struct hf_arena *arena, hf_bytes bytes)
{
    return hf_str_bytes(hf_arena_dup_str(arena, hf_bytes_str(bytes)));
}

hf_str hf_arena_join(struct hf_arena *arena, const hf_str *parts, size_t count)
{
    size_t total = 1; /* the NUL behind */
    for (size_t i = 0; i < count; i++) {
        if (!hf_add_size(total, parts[i].n, &total))
            return (hf_str){ NULL, 0 };
    }
    char *joined = hf_arena_alloc(arena, total);
    if (joined == NULL)
        return (hf_str){ NULL, 0 };
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n > 0)
            memcpy(joined + at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    return (hf_str){ joined, at };
}

hf_str hf_arena_printf(struct hf_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *p = length < 0 ? NULL : take(arena, (size_t)length + 1);
    if (p == NULL)
        return (hf_str){ NULL, 0 };
    va_start(arguments, format);
    (void)vsnprintf(p, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return (hf_str){ p, (size_t)length };
}

hf_err hf_arena_own_secret(struct hf_arena *arena, struct hf_secret *secret)
{
    struct owned_secret *owned = hf_arena_new_of(arena, struct owned_secret);
    if (owned == NULL) {
        hf_secret_free(secret);
        return HF_E_NOMEM;
    }
    *owned = (struct owned_secret){ .older = arena->secrets, .secret = secret };
    arena->secrets = owned;
    return HF_OK;
}

size_t hf_arena_used(const struct hf_arena *arena)
{
    return arena->used;
}
