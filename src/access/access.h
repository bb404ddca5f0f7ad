/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asking and what they may do: principals and their credentials, token verification, role assignments, and one
 * decision function that also gives the reason. Deny by default.
 *
 * Threads: one engine per process, shared; one view per thread. A view caches verified tokens (bounded) with the caller's
 * assignments; every change of a principal, assignment, or signing key raises the generation, which is a record in the store
 * and so part of each snapshot. A view that finds another generation in its snapshot empties its caches: a revocation counts
 * from the next snapshot on.
 *
 * All records are sealed under a key derived from the root key; the generation alone is not (see internal.h). Client secrets
 * are kept as salted SHA-256 digests of values this server made (240 random bits or more), never in plain.
 */
#pragma once

#include "access/roles.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/record.h"
#include "store/store.h"

struct access_engine;
struct access_view;

/* A foreign issuer whose keys are pinned in a JWKS file (configuration). */
struct access_trusted_issuer {
    const char *issuer;    /* exact value of iss */
    const char *jwks_text; /* the JWK Set */
};

struct access_config {
    struct store *store;
    const struct hf_secret *root_key; /* used during the call only */
    struct hf_uuid tenant;            /* of this installation */
    const char *login_url; /* "https://login.example.org[:port]": base of issuer and endpoints */
    const char *const *audiences; /* accepted aud, without trailing slash; NULL-terminated */
    hf_usec token_lifetime;       /* of issued tokens */
    hf_usec clock_skew;           /* leeway for exp and nbf */
    /* a new key signs after this; the old one verifies until its tokens have expired */
    hf_usec signing_key_lifetime;
    const struct access_trusted_issuer *trusted;
    size_t trusted_count;
};

HF_MUST hf_err access_engine_new(const struct access_config *config, struct hf_diag *diag,
                                 struct access_engine **out);
void access_engine_free(struct access_engine *engine);
HF_MUST hf_err access_view_new(struct access_engine *engine, struct access_view **out);
void access_view_free(struct access_view *view);
/*
 * Rotation of the root key, inside a command's apply: seals under new_root all that this layer has sealed under old_root. An
 * engine made before reads nothing afterwards. Roots: 32 bytes. seed: drawn with the command. Fails, and the command must too:
 * HF_E_CORRUPT (a record does not authenticate under old_root), HF_E_NOMEM, as store_put().
 */
HF_MUST hf_err access_reseal(struct store_txn *txn, const struct hf_secret *old_root,
                             const struct hf_secret *new_root,
                             const uint8_t seed[CRYPTO_RECORD_SEED_BYTES]);

const struct hf_uuid *access_tenant(const struct access_engine *engine);
/* "https://sts.windows.net/{tenant}/": iss of version 1.0 tokens, as Key Vault demands and its messages show. */
hf_str access_issuer_v1(const struct access_engine *engine);

/* ---- principals ---- */

enum access_principal_kind {
    ACCESS_APPLICATION = 1,
    ACCESS_MANAGED_IDENTITY = 2,
};

#define ACCESS_NAME_MAX_CHARS 120
#define ACCESS_CREDENTIALS_MAX 16 /* per principal */

struct access_principal {
    struct hf_uuid object_id;
    struct hf_uuid client_id;
    enum access_principal_kind kind;
    bool enabled;
    hf_str name;
    hf_usec created;
};

enum access_credential_kind {
    ACCESS_CLIENT_SECRET = 1,
    ACCESS_CERTIFICATE = 2,
    ACCESS_IDENTITY_HEADER = 3, /* lets a local process ask for a managed identity's tokens */
};

struct access_credential {
    struct hf_uuid id;
    enum access_credential_kind kind;
    hf_usec created;
    hf_usec expires;    /* INT64_MAX: never */
    uint8_t sha256[32]; /* certificate: thumbprint of the DER */
    uint8_t sha1[20];
};

/* What commands have in common; made in an arena, submitted through &command->store (see store.h), results valid when done. */
struct access_command {
    struct store_command store;
    struct access_engine *engine;
    struct access_principal principal;   /* create */
    struct access_credential credential; /* add_credential */
    struct hf_secret *secret;     /* add_credential: the new text, shown once; owned by the arena */
    struct hf_uuid assignment_id; /* assign */
    void *context;                /* the submitter's */
};

/* Names need not be unique. Fails now: HF_E_INVALID (name empty, too long, control characters). */
HF_MUST hf_err access_principal_create(struct access_engine *engine,
                                       enum access_principal_kind kind, hf_str name, hf_usec now,
                                       struct hf_arena *arena, struct hf_diag *diag,
                                       struct access_command **out);
/* Removes the principal with its credentials and assignments. Done with: HF_E_NOT_FOUND. */
HF_MUST hf_err access_principal_delete(struct access_engine *engine,
                                       const struct hf_uuid *object_id, struct hf_arena *arena,
                                       struct access_command **out);
HF_MUST hf_err access_principal_set_enabled(struct access_engine *engine,
                                            const struct hf_uuid *object_id, bool enabled,
                                            struct hf_arena *arena, struct access_command **out);
/*
 * A new client secret or identity header. expires: INT64_MAX for never. Fails now: HF_E_INVALID (another kind; expires not
 * after now). Done with: HF_E_NOT_FOUND, HF_E_CONFLICT (too many, or kind does not fit: headers are for managed identities,
 * secrets and certificates for applications).
 */
HF_MUST hf_err access_credential_add_secret(struct access_engine *engine,
                                            const struct hf_uuid *object_id,
                                            enum access_credential_kind kind, hf_usec now,
                                            hf_usec expires, struct hf_arena *arena,
                                            struct access_command **out);
/* pem_or_der: a certificate; it is kept as it is, and nothing else of the input. Fails now: HF_E_INVALID. Done with: as above. */
HF_MUST hf_err access_credential_add_certificate(struct access_engine *engine,
                                                 const struct hf_uuid *object_id,
                                                 hf_bytes pem_or_der, hf_usec now,
                                                 struct hf_arena *arena, struct hf_diag *diag,
                                                 struct access_command **out);
HF_MUST hf_err access_credential_delete(struct access_engine *engine,
                                        const struct hf_uuid *object_id,
                                        const struct hf_uuid *credential_id, struct hf_arena *arena,
                                        struct access_command **out);

HF_MUST hf_err access_principal_get(struct access_view *view, struct store_txn *txn,
                                    const struct hf_uuid *object_id, struct hf_arena *arena,
                                    struct access_principal *out);
HF_MUST hf_err access_principal_by_client(struct access_view *view, struct store_txn *txn,
                                          const struct hf_uuid *client_id, struct hf_arena *arena,
                                          struct access_principal *out);
HF_MUST hf_err access_principal_list(struct access_view *view, struct store_txn *txn,
                                     struct hf_arena *arena, struct access_principal **out,
                                     size_t *out_count);
HF_MUST hf_err access_credential_list(struct access_view *view, struct store_txn *txn,
                                      const struct hf_uuid *object_id, struct hf_arena *arena,
                                      struct access_credential **out, size_t *out_count);

/* ---- client authentication at the token endpoint ---- */

/* How the client proved itself; becomes appidacr ("1" secret, "2" certificate or managed identity). */
struct access_client {
    struct access_principal principal;
    hf_str appidacr;
};

/*
 * Fails: HF_E_NOT_FOUND (no such client), HF_E_UNAUTHENTICATED (wrong), HF_E_TOKEN_EXPIRED (right but expired), HF_E_DISABLED
 * (right, but the principal is disabled). Constant time in the secret.
 */
HF_MUST hf_err access_client_by_secret(struct access_view *view, struct store_txn *txn,
                                       const struct hf_uuid *client_id,
                                       const struct hf_secret *secret, hf_usec now,
                                       struct hf_arena *arena, struct access_client *out);
/*
 * A JWT signed with a registered certificate's key (RFC 7523): found by x5t#S256, x5t or kid; iss = sub = client id; aud one
 * of the endpoints' forms; not more than 24 h ahead. client_id NULL: taken from the assertion. Fails: HF_E_NOT_FOUND
 * (client), HF_E_DISABLED, HF_E_TOKEN_MALFORMED, HF_E_TOKEN_SIGNATURE (or certificate not registered or outside its
 * validity), HF_E_TOKEN_AUDIENCE, HF_E_TOKEN_EXPIRED, HF_E_TOKEN_NOT_YET_VALID (or too far ahead). Replay is not tracked, as
 * in Entra.
 */
HF_MUST hf_err access_client_by_assertion(struct access_view *view, struct store_txn *txn,
                                          const struct hf_uuid *client_id, hf_str assertion,
                                          hf_usec now, struct hf_arena *arena,
                                          struct access_client *out);
/* The IDENTITY_HEADER of a managed identity. Fails: HF_E_UNAUTHENTICATED, HF_E_DISABLED, HF_E_TOKEN_EXPIRED. */
HF_MUST hf_err access_client_by_header(struct access_view *view, struct store_txn *txn,
                                       const struct hf_secret *header, hf_usec now,
                                       struct hf_arena *arena, struct access_client *out);

/* ---- issuing tokens ---- */

/* A token to be signed: made on the loop (fast), signed on the compute pool (slow: RSA), text read on the loop. */
struct access_token_order {
    struct crypto_key *key; /* one reference held */
    hf_str header_json;     /* in the arena */
    hf_str payload_json;    /* in the arena */
    hf_usec issued;         /* nbf and iat */
    hf_usec expires;
    struct hf_buf text; /* after signing; secret */
    hf_err result;      /* of signing */
};

/*
 * resource: one of the configured audiences, with or without a trailing slash (kept in aud), or the Key Vault application id.
 * Fails: HF_E_TOKEN_AUDIENCE, HF_E_UNAVAILABLE (there is no signing key yet).
 */
HF_MUST hf_err access_token_prepare(struct access_view *view, struct store_txn *txn,
                                    const struct access_client *client, hf_str resource,
                                    hf_usec now, struct hf_arena *arena,
                                    struct access_token_order *out);
/* Any thread. Sets order->text and order->result. */
void access_token_sign(struct access_token_order *order);
void access_token_order_done(struct access_token_order *order);

/* The signing keys that verifiers should know, as JWK Set JSON with kid, x5t, x5c, n, e, use, issuer. */
HF_MUST hf_err access_write_jwks(struct access_view *view, struct store_txn *txn, hf_str issuer,
                                 struct hf_buf *out);
/*
 * Makes the first signing key, or the next one 24 h (for short lifetimes: half of one) before the current one's lifetime
 * ends, and drops keys whose tokens are all expired.
 * *out is NULL if nothing is due. Generating takes long: call it from the timer's or start-up thread, never a loop.
 */
HF_MUST hf_err access_signing_key_maintain(struct access_view *view, struct store_txn *txn,
                                           hf_usec now, struct hf_arena *arena,
                                           struct access_command **out);
/* The same, due or not: a new key that signs at once. */
HF_MUST hf_err access_signing_key_rotate(struct access_engine *engine, hf_usec now,
                                         struct hf_arena *arena, struct access_command **out);

/* ---- verifying tokens ---- */

struct access_session;

/* The caller as the token tells; lives in the view's cache and is good until access_caller_release() (copy what must last). */
struct access_caller {
    struct hf_uuid object_id;
    struct hf_uuid tenant;
    hf_str oid; /* text of the claims, for messages and audit; empty if absent */
    hf_str appid;
    hf_str appidacr;
    hf_str upn;
    hf_str scp;
    hf_str idtyp;
    hf_str issuer;
    const struct hf_uuid *groups;
    size_t group_count;
    hf_usec expires;
    struct access_session *session; /* internal: callers come from access_token_verify() only */
};

/*
 * Bearer token text to caller. Verified once, then cached by digest until it expires or the generation changes. Checks:
 * signature by a key of the issuer (RS256 for the embedded one; RS, PS, ES for others), issuer, tenant, audience, exp, nbf
 * with skew, oid; tokens of the embedded issuer also that the principal exists and is enabled, those of others that their oid
 * is none of this installation's principals. Fails: the HF_E_TOKEN_… codes, HF_E_UNAUTHENTICATED (principal deleted or
 * disabled); diag->text holds for HF_E_TOKEN_ISSUER and HF_E_TOKEN_AUDIENCE what was found, as the token has it. The caller
 * struct is pinned until access_caller_release().
 */
HF_MUST hf_err access_token_verify(struct access_view *view, struct store_txn *txn, hf_str token,
                                   hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                                   const struct access_caller **out);
void access_caller_release(struct access_view *view, const struct access_caller *caller);

/* ---- role assignments and the decision ---- */

struct access_assignment {
    struct hf_uuid id;
    struct hf_uuid principal; /* object id of a principal, or of a group named in tokens */
    const struct access_role *role;
    hf_str scope; /* ARM id without trailing slash; "/" is everything */
    hf_usec created;
};

/*
 * scope: "/", "/subscriptions/…", "/subscriptions/…/resourceGroups/…", a vault's id, or …/secrets/{name}, /keys/,
 * /certificates/. Fails now: HF_E_INVALID (scope). Done with: HF_E_EXISTS (same principal, role and scope), HF_E_CONFLICT
 * (the principal has too many).
 */
HF_MUST hf_err access_assign(struct access_engine *engine, const struct hf_uuid *principal,
                             const struct access_role *role, hf_str scope, hf_usec now,
                             struct hf_arena *arena, struct hf_diag *diag,
                             struct access_command **out);
/* Done with: HF_E_NOT_FOUND. */
HF_MUST hf_err access_unassign(struct access_engine *engine, const struct hf_uuid *assignment_id,
                               struct hf_arena *arena, struct access_command **out);
HF_MUST hf_err access_assignment_list(struct access_view *view, struct store_txn *txn,
                                      struct hf_arena *arena, struct access_assignment **out,
                                      size_t *out_count);

enum access_reason {
    ACCESS_ALLOWED_BY_ASSIGNMENT,
    ACCESS_DENIED_NO_ASSIGNMENT, /* nothing is assigned to the caller on this scope */
    ACCESS_DENIED_ROLE_LACKS, /* assignments cover the scope, none of their roles holds the action */
};

struct access_decision {
    bool allowed;
    enum access_reason reason;
    struct hf_uuid assignment_id; /* the one that allowed */
};

/*
 * The one decision function: caller (and its groups) × action × resource. resource is the ARM id of the vault, or of an
 * object in it; an assignment covers it if its scope is a prefix ending at a '/' boundary, compared without case. Fails only
 * when the store or memory does (HF_E_CORRUPT, HF_E_FORMAT, HF_E_IO, HF_E_NOMEM): *out is a denial then too.
 */
HF_MUST hf_err access_decide(struct access_view *view, struct store_txn *txn,
                             const struct access_caller *caller, enum access_action action,
                             hf_str resource, struct access_decision *out);
