/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of a bearer token to the caller. A token seen before costs a digest and a look into the cache; a new one is
 * checked in full: signature first, then what it claims.
 */
#include "access/internal.h"

#include <stdlib.h>
#include <string.h>

/* The key that must have signed the token, borrowed from the view or engine. */
struct trusted_key {
    const struct crypto_key *key;
    bool own;
    bool has_algorithm;
    enum crypto_signature algorithm;
    hf_usec trust_until;
};

HF_MUST static hf_err find_own_key(struct access_view *view, struct store_txn *txn,
                                   const struct crypto_jwt *jwt, struct trusted_key *out)
{
    const struct access_signing_keys *keys = NULL;
    hf_err err = access_view_signing_keys(view, txn, &keys);
    if (err != HF_OK)
        return err;
    hf_str kid = jwt->kid.n > 0 ? jwt->kid : jwt->x5t;
    const struct access_signing_key *key = access_signing_key_find(keys, kid);
    if (key == NULL)
        return HF_E_TOKEN_SIGNATURE;
    *out = (struct trusted_key){ .key = key->key,
                                 .own = true,
                                 .has_algorithm = true,
                                 .algorithm = CRYPTO_RS256,
                                 .trust_until = key->retire_at };
    return HF_OK;
}

HF_MUST static hf_err find_foreign_key(const struct access_issuer *issuer,
                                       const struct crypto_jwt *jwt, struct trusted_key *out)
{
    const struct access_issuer_key *key = access_issuer_find_key(issuer, jwt->kid);
    if (key == NULL)
        return HF_E_TOKEN_SIGNATURE;
    *out = (struct trusted_key){ .key = key->key,
                                 .has_algorithm = key->has_algorithm,
                                 .algorithm = key->algorithm,
                                 .trust_until = INT64_MAX };
    return HF_OK;
}

HF_MUST static hf_err find_key(struct access_view *view, struct store_txn *txn,
                               const struct crypto_jwt *jwt, hf_str issuer, struct hf_diag *diag,
                               struct trusted_key *out)
{
    const struct access_engine *engine = view->engine;
    if (hf_str_equal(issuer, engine->issuer_v1) || hf_str_equal(issuer, engine->issuer_v2))
        return find_own_key(view, txn, jwt, out);
    for (size_t i = 0; i < engine->issuer_count; i++) {
        if (hf_str_equal(issuer, engine->issuers[i].issuer))
            return find_foreign_key(&engine->issuers[i], jwt, out);
    }
    return hf_fail(diag, HF_E_TOKEN_ISSUER, "iss", "%.*s", HF_STR_ARG(issuer));
}

HF_MUST static hf_err check_signature(const struct crypto_jwt *jwt,
                                      const struct trusted_key *trusted, hf_usec now)
{
    if (now >= trusted->trust_until)
        return HF_E_TOKEN_SIGNATURE;
    if (trusted->has_algorithm && jwt->algorithm != trusted->algorithm)
        return HF_E_TOKEN_SIGNATURE;
    return crypto_jwt_verify(jwt, trusted->key);
}

/* tid: must be there in own tokens, may be missing in foreign ones, must never be another. */
HF_MUST static hf_err check_tenant(const struct access_claims *claims,
                                   const struct access_engine *engine, bool own,
                                   struct hf_diag *diag)
{
    if (claims->tid.n == 0 && !own)
        return HF_OK;
    if (hf_str_equal_nocase(claims->tid, engine->tenant_text))
        return HF_OK;
    return hf_fail(diag, HF_E_TOKEN_ISSUER, "tid", "%.*s", HF_STR_ARG(claims->issuer));
}

/* oid; a foreign issuer may leave it out when sub is a GUID. */
HF_MUST static hf_err read_object_id(const struct access_claims *claims, bool own,
                                     struct hf_uuid *out)
{
    hf_str text = claims->oid.n == 0 && !own ? claims->sub : claims->oid;
    return hf_uuid_parse(text, out) == HF_OK ? HF_OK : HF_E_TOKEN_MALFORMED;
}

/*
 * Own tokens: the principal must be there and enabled. Foreign ones: the object id must not be one that this installation
 * gave out, or the issuer could speak for its principals.
 */
HF_MUST static hf_err check_principal(struct access_view *view, struct store_txn *txn,
                                      const struct hf_uuid *object_id, bool own, hf_str issuer,
                                      struct hf_diag *diag)
{
    struct access_principal principal;
    hf_err err = access_principal_read(view->record_key, txn, object_id, NULL, &principal);
    if (err == HF_E_NOT_FOUND)
        return own ? HF_E_UNAUTHENTICATED : HF_OK;
    if (err != HF_OK)
        return err;
    if (!own)
        return hf_fail(diag, HF_E_TOKEN_ISSUER, "oid", "%.*s", HF_STR_ARG(issuer));
    return principal.enabled ? HF_OK : HF_E_UNAUTHENTICATED;
}

/* ---- the session that is kept ---- */

static hf_str keep_text(char **at, hf_str text)
{
    hf_str copy = { *at, text.n };
    if (text.n > 0)
        memcpy(*at, text.p, text.n);
    *at += text.n;
    return copy;
}

static size_t claims_text_size(const struct access_claims *claims)
{
    return claims->oid.n + claims->sub.n + claims->appid.n + claims->appidacr.n + claims->upn.n +
           claims->scp.n + claims->idtyp.n + claims->issuer.n;
}

/* Group object ids; what is no GUID (a group's name, say) cannot be in an assignment and is left out. */
static size_t keep_groups(const struct hf_json *groups, struct hf_uuid *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < hf_json_size(groups); i++) {
        if (hf_uuid_parse(hf_json_str(hf_json_at(groups, i)), &out[kept]) == HF_OK)
            kept++;
    }
    return kept;
}

/* One block: session, groups, texts. The sizes are bounded by the token's (CRYPTO_JWT_MAX_BYTES). */
static struct access_session *session_new(const struct access_claims *claims,
                                          const struct hf_uuid *object_id,
                                          const struct access_engine *engine)
{
    size_t group_max = hf_json_type(claims->groups) == HF_JSON_ARRAY ? hf_json_size(claims->groups)
                                                                     : 0;
    size_t groups_n = group_max * sizeof(struct hf_uuid);
    char *block = (char *)calloc(1, sizeof(struct access_session) + groups_n +
                                        claims_text_size(claims));
    if (block == NULL)
        return NULL;
    struct access_session *session = (struct access_session *)(void *)block;
    struct hf_uuid *groups = (struct hf_uuid *)(void *)(block + sizeof(*session));
    char *at = block + sizeof(*session) + groups_n;
    session->caller = (struct access_caller){
        .object_id = *object_id,
        .tenant = engine->tenant,
        .oid = keep_text(&at, claims->oid.n > 0 ? claims->oid : claims->sub),
        .appid = keep_text(&at, claims->appid),
        .appidacr = keep_text(&at, claims->appidacr),
        .upn = keep_text(&at, claims->upn),
        .scp = keep_text(&at, claims->scp),
        .idtyp = keep_text(&at, claims->idtyp),
        .issuer = keep_text(&at, claims->issuer),
        .groups = groups,
        .group_count = group_max > 0 ? keep_groups(claims->groups, groups) : 0,
        .expires = claims->expires,
        .session = session,
    };
    session->valid_from = claims->not_before == INT64_MIN ? INT64_MIN
                                                          : claims->not_before - engine->clock_skew;
    session->valid_until = claims->expires + engine->clock_skew;
    return session;
}

HF_MUST static hf_err verify_claims(struct access_view *view, struct store_txn *txn,
                                    const struct access_claims *claims, bool own, hf_usec now,
                                    struct hf_diag *diag, struct hf_uuid *out_object_id)
{
    const struct access_engine *engine = view->engine;
    hf_err err = check_tenant(claims, engine, own, diag);
    if (err == HF_OK)
        err = access_claims_check_audience(claims, engine, access_audience_accepted, diag);
    if (err == HF_OK)
        err = access_claims_check_times(claims, now, engine->clock_skew);
    struct hf_uuid object_id;
    if (err == HF_OK)
        err = read_object_id(claims, own, &object_id);
    if (err == HF_OK)
        err = check_principal(view, txn, &object_id, own, claims->issuer, diag);
    if (err == HF_OK)
        *out_object_id = object_id;
    return err;
}

HF_MUST static hf_err verify_new(struct access_view *view, struct store_txn *txn, hf_str token,
                                 hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                                 struct access_session **out)
{
    HF_CLEANUP(crypto_jwt_done) struct crypto_jwt jwt = { .header = NULL };
    hf_err err = crypto_jwt_parse(token, false, arena, &jwt);
    if (err != HF_OK)
        return err == HF_E_TOO_LARGE ? HF_E_TOKEN_MALFORMED : err;
    struct access_claims claims;
    err = access_claims_parse(jwt.payload, &claims);
    if (err != HF_OK)
        return err;
    struct trusted_key trusted = { .own = false };
    err = find_key(view, txn, &jwt, claims.issuer, diag, &trusted);
    if (err == HF_OK)
        err = check_signature(&jwt, &trusted, now);
    struct hf_uuid object_id = { { 0 } };
    if (err == HF_OK)
        err = verify_claims(view, txn, &claims, trusted.own, now, diag, &object_id);
    if (err != HF_OK)
        return err;
    struct access_session *session = session_new(&claims, &object_id, view->engine);
    if (session == NULL)
        return HF_E_NOMEM;
    session->own = trusted.own;
    session->trust_until = trusted.trust_until;
    *out = session;
    return HF_OK;
}

HF_MUST static hf_err check_cached_times(const struct access_session *session, hf_usec now)
{
    if (now >= session->valid_until)
        return HF_E_TOKEN_EXPIRED;
    if (now < session->valid_from)
        return HF_E_TOKEN_NOT_YET_VALID;
    return HF_OK;
}

static const struct access_caller *pin(struct access_session *session)
{
    session->pins++;
    return &session->caller;
}

HF_MUST static hf_err digest_of(struct access_view *view, hf_str token,
                                uint8_t out[CRYPTO_SHA256_BYTES], bool *out_is_known)
{
    const uint8_t *known = access_known_find(view->known, token);
    *out_is_known = known != NULL;
    if (known != NULL) {
        memcpy(out, known, CRYPTO_SHA256_BYTES);
        return HF_OK;
    }
    const hf_bytes part = hf_str_bytes(token);
    return crypto_sha256(&part, 1, out);
}

static void forget(struct access_view *view, struct access_session *session, hf_str token)
{
    access_cache_remove(&view->cache, session);
    access_known_forget(view->known, token);
}

hf_err access_token_verify(struct access_view *view, struct store_txn *txn, hf_str token,
                           hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                           const struct access_caller **out)
{
    if (token.n == 0 || token.n > CRYPTO_JWT_MAX_BYTES)
        return HF_E_TOKEN_MALFORMED;
    hf_err err = access_view_sync(view, txn);
    if (err != HF_OK)
        return err;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    bool is_known = false;
    err = digest_of(view, token, digest, &is_known);
    if (err != HF_OK)
        return err;
    struct access_session *session = access_cache_find(&view->cache, digest);
    if (session != NULL && now < session->trust_until) {
        err = check_cached_times(session, now);
        if (err != HF_OK) {
            forget(view, session, token);
            return err;
        }
        if (!is_known)
            access_known_put(view->known, token, digest);
        *out = pin(session);
        return HF_OK;
    }
    if (session != NULL)
        forget(view, session, token);
    err = verify_new(view, txn, token, now, arena, diag, &session);
    if (err != HF_OK)
        return err;
    memcpy(session->digest, digest, sizeof(session->digest));
    *out = pin(session);
    access_cache_put(&view->cache, session);
    return HF_OK;
}

void access_caller_release(struct access_view *view HF_UNUSED, const struct access_caller *caller)
{
    if (caller == NULL)
        return;
    struct access_session *session = caller->session;
    HF_ASSERT(session->pins > 0);
    session->pins--;
    if (session->pins == 0 && !session->cached)
        access_session_free(session);
}
