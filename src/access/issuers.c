/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trusted foreign issuers: their pinned JWK Sets (RFC 7517), read once at start.
 */
#include "access/internal.h"

/* A key for signatures, as far as its members say. */
static bool is_signing_jwk(const struct hf_json *jwk)
{
    const struct hf_json *use = hf_json_member(jwk, "use");
    return use == NULL || hf_str_equal(hf_json_str(use), HF_LIT("sig"));
}

/* HF_E_UNSUPPORTED: a key that this server has no use for. */
HF_MUST static hf_err parse_jwk(const struct hf_json *jwk, struct hf_arena *arena,
                                struct access_issuer_key *out)
{
    if (hf_json_type(jwk) != HF_JSON_OBJECT)
        return HF_E_INVALID;
    if (!is_signing_jwk(jwk))
        return HF_E_UNSUPPORTED;
    struct access_issuer_key parsed = { .has_algorithm = false };
    const struct hf_json *algorithm = hf_json_member(jwk, "alg");
    if (algorithm != NULL) {
        hf_err err = crypto_signature_parse(hf_json_str(algorithm), &parsed.algorithm);
        if (err != HF_OK)
            return err;
        parsed.has_algorithm = true;
    }
    const struct hf_json *kid = hf_json_member(jwk, "kid");
    if (kid != NULL && hf_json_type(kid) != HF_JSON_STRING)
        return HF_E_INVALID;
    if (kid != NULL) {
        parsed.kid = hf_arena_dup_str(arena, hf_json_str(kid));
        if (parsed.kid.p == NULL)
            return HF_E_NOMEM;
    }
    hf_err err = crypto_key_from_jwk(jwk, &parsed.key);
    if (err == HF_OK)
        *out = parsed;
    return err;
}

HF_MUST static hf_err parse_keys(const struct hf_json *keys, struct hf_arena *arena,
                                 struct hf_diag *diag, struct access_issuer *issuer)
{
    size_t count = hf_json_size(keys);
    if (hf_json_type(keys) != HF_JSON_ARRAY || count == 0)
        return hf_fail(diag, HF_E_INVALID, "keys", "must be an array of keys");
    issuer->keys = (struct access_issuer_key *)hf_arena_alloc_array(arena, count,
                                                                    sizeof(*issuer->keys));
    if (issuer->keys == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        hf_err err = parse_jwk(hf_json_at(keys, i), arena, &issuer->keys[issuer->key_count]);
        if (err == HF_E_UNSUPPORTED)
            continue;
        if (err != HF_OK)
            return hf_fail(diag, err, "keys", "key %zu: %s", i + 1, hf_err_text(err));
        issuer->key_count++;
    }
    if (issuer->key_count == 0)
        return hf_fail(diag, HF_E_INVALID, "keys", "holds no key for RS, PS or ES signatures");
    return HF_OK;
}

void access_issuer_done(struct access_issuer *issuer)
{
    for (size_t i = 0; i < issuer->key_count; i++)
        crypto_key_free(issuer->keys[i].key);
    issuer->key_count = 0;
}

hf_err access_issuer_parse(const struct access_trusted_issuer *trusted, struct hf_arena *arena,
                           struct hf_diag *diag, struct access_issuer *out)
{
    hf_str name = hf_str_from_c(trusted->issuer);
    if (name.n == 0)
        return hf_fail(diag, HF_E_INVALID, "issuer", "must not be empty");
    HF_CLEANUP(hf_json_freep) struct hf_json *set = NULL;
    hf_err err = hf_json_parse(hf_str_bytes(hf_str_from_c(trusted->jwks_text)), diag, &set);
    if (err != HF_OK)
        return err;
    struct access_issuer issuer = { .issuer = hf_arena_dup_str(arena, name) };
    if (issuer.issuer.p == NULL)
        return HF_E_NOMEM;
    err = parse_keys(hf_json_member(set, "keys"), arena, diag, &issuer);
    if (err != HF_OK) {
        access_issuer_done(&issuer);
        return err;
    }
    *out = issuer;
    return HF_OK;
}

const struct access_issuer_key *access_issuer_find_key(const struct access_issuer *issuer,
                                                       hf_str kid)
{
    if (kid.n == 0)
        return issuer->key_count == 1 ? &issuer->keys[0] : NULL;
    for (size_t i = 0; i < issuer->key_count; i++) {
        if (hf_str_equal(issuer->keys[i].kid, kid))
            return &issuer->keys[i];
    }
    return NULL;
}
