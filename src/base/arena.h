/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of one request: many small allocations, freed at once. Secrets attached to it are cleared and freed first.
 * Under AddressSanitizer each allocation has a red zone.
 *
 * Threads: one at a time (ownership moves with the request: loop, writer, loop).
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

struct hf_arena;

/* At most max bytes in all; the first chunk is kept across resets. */
HF_MUST hf_err hf_arena_new(size_t max, struct hf_arena **out);
void hf_arena_free(struct hf_arena *arena);
HF_DEFINE_FREEP(struct hf_arena, hf_arena_free)

/* Frees everything allocated, secrets first, and makes the arena ready for the next request. */
void hf_arena_reset(struct hf_arena *arena);

/* Zeroed, aligned for any type; NULL when the maximum is reached or memory is out. */
void *hf_arena_alloc(struct hf_arena *arena, size_t n);
#define hf_arena_new_of(arena, type) ((type *)hf_arena_alloc((arena), sizeof(type)))
/* overflow-checked */
void *hf_arena_alloc_array(struct hf_arena *arena, size_t count, size_t size);

/* A copy; the text copy is also terminated behind its end. p == NULL only when out of memory. */
hf_str hf_arena_dup_str(struct hf_arena *arena, hf_str text);
hf_bytes hf_arena_dup_bytes(struct hf_arena *arena, hf_bytes bytes);

/*
 * The parts, one behind the other, terminated; p == NULL when out of memory. Much cheaper than
 * hf_arena_printf(): HF_JOIN(arena, HF_LIT("https://"), host).
 */
hf_str hf_arena_join(struct hf_arena *arena, const hf_str *parts, size_t count);
#define HF_JOIN(arena, ...)                                                                        \
    hf_arena_join((arena), (const hf_str[]){ __VA_ARGS__ },                                        \
                  sizeof((const hf_str[]){ __VA_ARGS__ }) / sizeof(hf_str))

/* printf into the arena, terminated; p == NULL when out of memory. */
hf_str hf_arena_printf(struct hf_arena *arena, const char *format, ...) HF_PRINTF(2, 3);

/* Gives the secret to the arena, which frees it on reset. On failure (HF_E_NOMEM) it is freed at once. */
HF_MUST hf_err hf_arena_own_secret(struct hf_arena *arena, struct hf_secret *secret);

/* Bytes handed out since the last reset, for budgets in tests. */
size_t hf_arena_used(const struct hf_arena *arena);
