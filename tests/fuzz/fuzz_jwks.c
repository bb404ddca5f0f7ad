/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole JWK Set, as it is read for a trusted issuer. Every key that is taken can be found, and the set written again from what
 * was taken is read as the same set.
 */
#include "access/internal.h"

#include <string.h>

#define INPUT_MAX_BYTES ((size_t)64 * 1024)
#define ARENA_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define ISSUER "https://issuer.example.org/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_err read_set(const char *text, struct hf_arena *arena, struct access_issuer *out)
{
    const struct access_trusted_issuer trusted = { .issuer = ISSUER, .jwks_text = text };
    struct hf_diag diag = { 0 };
    const hf_err err = access_issuer_parse(&trusted, arena, &diag, out);
    HF_ASSERT(err == HF_OK || err == HF_E_NOMEM || diag.text[0] != '\0');
    return err;
}

static void write_set(const struct access_issuer *issuer, struct hf_buf *out)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "keys");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < issuer->key_count; i++) {
        const struct access_issuer_key *key = &issuer->keys[i];
        hf_jw_begin_object(&w);
        if (key->kid.p != NULL)
            hf_jw_member_str(&w, "kid", key->kid);
        if (key->has_algorithm)
            hf_jw_member_str(&w, "alg", crypto_signature_name(key->algorithm));
        HF_ASSERT(crypto_key_write_jwk_members(key->key, &w) == HF_OK);
        hf_jw_end_object(&w);
    }
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    hf_buf_put_u8(out, 0);
    HF_ASSERT(hf_buf_err(out) == HF_OK);
}

/* The first key of an id is the one that is found. */
static void expect_found(const struct access_issuer *issuer)
{
    HF_ASSERT(issuer->key_count > 0 && hf_str_equal(issuer->issuer, HF_LIT(ISSUER)));
    const struct access_issuer_key *only = access_issuer_find_key(issuer, (hf_str){ NULL, 0 });
    HF_ASSERT(only == (issuer->key_count == 1 ? &issuer->keys[0] : NULL));
    for (size_t i = 0; i < issuer->key_count; i++) {
        const struct access_issuer_key *key = &issuer->keys[i];
        HF_ASSERT(key->key != NULL);
        if (key->kid.n == 0)
            continue;
        const struct access_issuer_key *found = access_issuer_find_key(issuer, key->kid);
        HF_ASSERT(found != NULL && found <= key && hf_str_equal(found->kid, key->kid));
    }
}

static void expect_same(const struct access_issuer *a, const struct access_issuer *b)
{
    HF_ASSERT(a->key_count == b->key_count);
    for (size_t i = 0; i < a->key_count; i++) {
        HF_ASSERT(hf_str_equal(a->keys[i].kid, b->keys[i].kid));
        HF_ASSERT(a->keys[i].has_algorithm == b->keys[i].has_algorithm);
        HF_ASSERT(!a->keys[i].has_algorithm || a->keys[i].algorithm == b->keys[i].algorithm);
        HF_ASSERT(crypto_key_type_of(a->keys[i].key) == crypto_key_type_of(b->keys[i].key));
        HF_ASSERT(crypto_key_bits(a->keys[i].key) == crypto_key_bits(b->keys[i].key));
    }
}

static void try_set(const char *text, size_t n, struct hf_arena *arena)
{
    struct access_issuer first = { 0 };
    struct access_issuer second = { 0 };
    if (read_set(text, arena, &first) != HF_OK)
        return;
    expect_found(&first);
    HF_CLEANUP(hf_buf_done) struct hf_buf again;
    hf_buf_init(&again, 16 * n + 1024); /* a control character takes six bytes */
    write_set(&first, &again);
    HF_ASSERT(read_set((const char *)again.p, arena, &second) == HF_OK);
    expect_same(&first, &second);
    access_issuer_done(&second);
    access_issuer_done(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hf_arena *arena;
    static char text[INPUT_MAX_BYTES + 1];
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    if (size > INPUT_MAX_BYTES || (arena == NULL && hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK))
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_set(text, size, arena);
    hf_arena_reset(arena);
    return 0;
}
