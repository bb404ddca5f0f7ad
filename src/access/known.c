/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of the few tokens that were used last. A client sends the same token for an hour, and its digest is most of
 * what it costs to know it again. Of a token its signature makes a credential, so the signature is not kept, but a digest of
 * it: a quarter of the work. What stands before it is kept and compared. Only tokens that verified get in.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memrchr */
#endif
#include "access/internal.h"

#include <string.h>

_Static_assert((ACCESS_KNOWN_TOKENS & (ACCESS_KNOWN_TOKENS - 1)) == 0, "places are masked");

/* Header and payload with both dots, and what follows them. */
static void split(hf_str token, hf_bytes *out_claims, hf_bytes *out_signature)
{
    const char *dot = token.n == 0 ? NULL : memrchr(token.p, '.', token.n);
    const size_t at = dot == NULL ? 0 : (size_t)(dot - token.p) + 1;
    *out_claims = hf_str_bytes(hf_str_sub(token, 0, at));
    *out_signature = hf_str_bytes(hf_str_sub(token, at, token.n));
}

/* By the end of the signature, which differs in all tokens. What collides is only digested again. */
static struct access_known_token *place_of(struct access_known_token *known, hf_str token)
{
    uint64_t word = 0;
    if (token.n >= sizeof(word))
        memcpy(&word, token.p + token.n - sizeof(word), sizeof(word));
    return &known[(word * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (ACCESS_KNOWN_TOKENS - 1)];
}

static void forget(struct access_known_token *place)
{
    hf_secret_free(place->claims);
    *place = (struct access_known_token){ .claims = NULL };
}

const uint8_t *access_known_find(struct access_known_token *known, hf_str token)
{
    const struct access_known_token *place = place_of(known, token);
    hf_bytes claims = { NULL, 0 };
    hf_bytes signature = { NULL, 0 };
    uint8_t digest[CRYPTO_SHA256_BYTES];
    split(token, &claims, &signature);
    if (place->claims == NULL || !hf_secret_equal(place->claims, claims) ||
        crypto_sha256(&signature, 1, digest) != HF_OK ||
        !hf_equal_constant_time((hf_bytes){ digest, sizeof(digest) },
                                (hf_bytes){ place->signature, sizeof(place->signature) }))
        return NULL;
    return place->digest;
}

void access_known_put(struct access_known_token *known, hf_str token,
                      const uint8_t digest[CRYPTO_SHA256_BYTES])
{
    if (token.n > ACCESS_KNOWN_TOKEN_MAX_BYTES)
        return;
    struct access_known_token *place = place_of(known, token);
    hf_bytes claims = { NULL, 0 };
    hf_bytes signature = { NULL, 0 };
    split(token, &claims, &signature);
    forget(place);
    if (crypto_sha256(&signature, 1, place->signature) != HF_OK)
        return;
    memcpy(place->digest, digest, CRYPTO_SHA256_BYTES);
    hf_ignore(hf_secret_from_bytes(claims, &place->claims)); /* NULL without memory: not known */
}

void access_known_forget(struct access_known_token *known, hf_str token)
{
    if (access_known_find(known, token) != NULL)
        forget(place_of(known, token));
}

void access_known_clear(struct access_known_token *known)
{
    for (size_t i = 0; i < ACCESS_KNOWN_TOKENS; i++)
        forget(&known[i]);
}
