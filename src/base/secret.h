/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secret memory: locked into RAM, between guard pages, left out of core dumps, wiped in children, cleared when freed.
 * struct hf_secret is opaque and never an hf_str or hf_bytes, so a secret cannot slip into a log, an error text or a
 * generic serialiser; hf_secret_view() is used in crypto/ and by response writers only (checked in CI).
 *
 * The pool is carved from large locked regions in size classes, so that taking and giving back a small secret costs no
 * system call. Where the system refuses to lock (RLIMIT_MEMLOCK), the pool goes on unlocked, and says so in
 * hf_secret_stats(): the server logs it once.
 *
 * Threads: any; one short lock inside.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct hf_secret;

/* Clears a local array at the end of its scope: HF_CLEAN_SECRET(kek, 32); declares `uint8_t kek[32]`. */
#define HF_CLEAN_SECRET(name, size)                                                                \
    uint8_t name[size] = { 0 };                                                                    \
    HF_CLEANUP(hf_secret_wipe_scope)                                                               \
    struct hf_secret_scope name##_scope_ HF_UNUSED = { name, size }

struct hf_secret_scope {
    void *p;
    size_t n;
};
void hf_secret_wipe_scope(struct hf_secret_scope *scope);

/* n zero bytes (n may be 0). Fails: HF_E_NOMEM. */
HF_MUST hf_err hf_secret_new(size_t n, struct hf_secret **out);

/* A copy of bytes. */
HF_MUST hf_err hf_secret_from_bytes(hf_bytes bytes, struct hf_secret **out);

/* Clears and frees; NULL is fine. */
void hf_secret_free(struct hf_secret *secret);
HF_DEFINE_FREEP(struct hf_secret, hf_secret_free)

size_t hf_secret_size(const struct hf_secret *secret);

/* The plain bytes, valid until the secret is freed or changed. Only in crypto/ and response writers. */
hf_bytes hf_secret_view(const struct hf_secret *secret);

/* The same for filling a new secret. */
uint8_t *hf_secret_edit(struct hf_secret *secret);

/* Shortens to n bytes (n <= size); the rest is cleared. */
void hf_secret_shrink(struct hf_secret *secret, size_t n);

/* Constant time in the content; the lengths are not secret. */
bool hf_secret_equal(const struct hf_secret *secret, hf_bytes bytes);
bool hf_equal_constant_time(hf_bytes a, hf_bytes b);

/* A copy. */
HF_MUST hf_err hf_secret_dup(const struct hf_secret *secret, struct hf_secret **out);

/* The content is well-formed UTF-8. */
bool hf_secret_is_utf8(const struct hf_secret *secret);

/* Appends the content to a buffer of secret memory (asserted). */
struct hf_buf;
void hf_buf_put_secret(struct hf_buf *buf, const struct hf_secret *secret);

/* Overwrites memory in a way the compiler does not remove. */
void hf_wipe(void *p, size_t n);

/* Raw secret memory for buffers and for libraries' allocators (16-byte aligned, zeroed). NULL when out of memory. */
void *hf_secret_alloc(size_t n);
void *hf_secret_realloc(void *p, size_t n); /* the old block is cleared when it moves */
void hf_secret_release(void *p);            /* clears; NULL is fine */

struct hf_secret_stats {
    size_t mapped_bytes; /* regions taken from the system */
    size_t used_bytes;   /* handed out now, rounded to size classes */
    bool locked;         /* every region could be locked */
};
struct hf_secret_stats hf_secret_stats(void);
