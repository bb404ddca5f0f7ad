/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens as text, strictly and with padding tolerated. What parses must be made of the input, must not verify under a
 * key it cannot know, and must parse alike again.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"

#include <stddef.h>
#include <stdint.h>

#define ARENA_MAX_BYTES (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hf_arena *arena;
static struct crypto_key *key;

static void start(void)
{
    if (arena != NULL)
        return;
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    HF_ASSERT(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &key) == HF_OK);
    HF_ASSERT(hf_arena_new(ARENA_MAX_BYTES, &arena) == HF_OK);
}

static void check_parsed(hf_str text, const struct crypto_jwt *jwt)
{
    HF_ASSERT(jwt->signing_input.p == text.p && jwt->signing_input.n < text.n);
    HF_ASSERT(hf_json_type(jwt->header) == HF_JSON_OBJECT);
    HF_ASSERT(hf_json_type(jwt->payload) == HF_JSON_OBJECT);
    HF_ASSERT(hf_json_member(jwt->header, "crit") == NULL);
    HF_ASSERT(hf_str_equal(hf_json_str(hf_json_member(jwt->header, "alg")),
                           crypto_signature_name(jwt->algorithm)));
    HF_ASSERT(crypto_jwt_verify(jwt, key) == HF_E_TOKEN_SIGNATURE);
}

static bool try_parse(hf_str text, bool padded)
{
    struct crypto_jwt jwt;
    if (crypto_jwt_parse(text, padded, arena, &jwt) != HF_OK)
        return false;
    check_parsed(text, &jwt);
    crypto_jwt_done(&jwt);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    const hf_str text = { (const char *)data, size };
    bool strictly = try_parse(text, false);
    bool leniently = try_parse(text, true);
    HF_ASSERT(!strictly || leniently);
    hf_arena_reset(arena);
    return 0;
}
