/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of the few tokens that were used last. The digest of a token is most of what it costs to know it again, and
 * a client sends the same one for an hour. Only tokens that verified get in; their text is in secret memory.
 */
#include "access/internal.h"

#include <string.h>

_Static_assert((ACCESS_KNOWN_TOKENS & (ACCESS_KNOWN_TOKENS - 1)) == 0, "places are masked");

/* From the end of the signature, which differs in all tokens. What collides is only digested again. */
static struct access_known_token *place_of(struct access_known_token *known, hf_str token)
{
    uint64_t word = 0;
    if (token.n >= sizeof(word))
        memcpy(&word, token.p + token.n - sizeof(word), sizeof(word));
    return &known[(word * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (ACCESS_KNOWN_TOKENS - 1)];
}

static void forget(struct access_known_token *place)
{
    hf_secret_free(place->token);
    place->token = NULL;
}

const uint8_t *access_known_find(struct access_known_token *known, hf_str token)
{
    const struct access_known_token *place = place_of(known, token);
    if (place->token == NULL || !hf_secret_equal(place->token, hf_str_bytes(token)))
        return NULL;
    return place->digest;
}

void access_known_put(struct access_known_token *known, hf_str token,
                      const uint8_t digest[CRYPTO_SHA256_BYTES])
{
    if (token.n > ACCESS_KNOWN_TOKEN_MAX_BYTES)
        return;
    struct access_known_token *place = place_of(known, token);
    forget(place);
    if (hf_secret_from_bytes(hf_str_bytes(token), &place->token) == HF_OK)
        memcpy(place->digest, digest, CRYPTO_SHA256_BYTES);
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
