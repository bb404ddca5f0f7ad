/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of access/ share: limits, storage keys, records, commands, the engine and the view.
 */
#pragma once

#include "access/access.h"
#include "base/assert.h"
#include "base/reader.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"
#include "crypto/record.h"
#include "crypto/x509.h"

/* ---- limits ---- */

/* The largest record: a certificate with its fields. */
#define ACCESS_RECORD_MAX_BYTES (32 * 1024)
/* A registered certificate, after decoding. */
#define ACCESS_CERTIFICATE_MAX_BYTES (16 * 1024)
/* Assignments of one principal: bounds what one decision may have to look at. */
#define ACCESS_ASSIGNMENTS_MAX 1000
/* Verified tokens kept per view; a set is searched linearly, its least recently used entry gives way. */
#define ACCESS_CACHE_SETS 512
#define ACCESS_CACHE_WAYS 8
/* Tokens whose digest is known without making it, and how long they may be. */
#define ACCESS_KNOWN_TOKENS 16
#define ACCESS_KNOWN_TOKEN_MAX_BYTES ((size_t)4 * 1024)
/* A client assertion whose exp lies further ahead is refused. */
#define ACCESS_ASSERTION_AHEAD_MAX HF_USEC_PER_DAY
/* A following signing key is published this long before it signs, or half a lifetime if that is shorter. */
#define ACCESS_SIGNING_KEY_LEAD HF_USEC_PER_DAY
/* iat and nbf of issued tokens lie this far back, as Entra sets them: the reader's clock may be slow. */
#define ACCESS_TOKEN_BACKDATED (300 * HF_USEC_PER_SEC)
/* Text of a scope: subscription, resource group 90, vault 24, object 127 and the fixed segments fit. */
#define ACCESS_SCOPE_MAX_BYTES 512

#define ACCESS_SALT_BYTES 16
#define ACCESS_SEED_BYTES 32
#define ACCESS_CLIENT_SECRET_RANDOM_BYTES 30
#define ACCESS_CLIENT_SECRET_BYTES 40 /* base64url of them */
#define ACCESS_HEADER_RANDOM_BYTES 32
#define ACCESS_HEADER_BYTES (HF_UUID_HEX_BYTES + 1 + 43) /* object id, '.', base64url of them */
#define ACCESS_KID_BYTES 27                              /* base64url of a SHA-1 */

/* ---- roles.c ---- */

static inline uint64_t access_action_bit(enum access_action action)
{
    return UINT64_C(1) << (unsigned)action;
}

uint64_t access_role_bits(const struct access_role *role);
HF_MUST hf_err access_role_by_id(const struct hf_uuid *id, const struct access_role **out);

/* ---- scope.c ---- */

/* Checks a scope and cuts a trailing slash off; *out is a view of text. Fails: HF_E_INVALID. */
HF_MUST hf_err access_scope_parse(hf_str text, hf_str *out);
/* lower_scope: a parsed scope in lower case. */
bool access_scope_covers(hf_str lower_scope, hf_str resource);

/* ---- keys.c ---- */

#define ACCESS_KEY_MAX_BYTES 40

struct access_key {
    uint8_t b[ACCESS_KEY_MAX_BYTES];
    size_t n;
};

enum access_signing_part {
    ACCESS_SIGNING_PUBLIC = 1,
    ACCESS_SIGNING_PRIVATE = 2,
};

hf_bytes access_key_view(const struct access_key *key);
/* "generation" is the one record that is not sealed: whoever changes it on disk can only empty caches. */
struct access_key access_key_generation(void);
struct access_key access_key_class(enum store_class class); /* prefix of all records of a class */
struct access_key access_key_principal(const struct hf_uuid *object_id);
struct access_key access_key_client(const struct hf_uuid *client_id);
struct access_key access_key_credentials(const struct hf_uuid *object_id); /* prefix */
struct access_key access_key_credential(const struct hf_uuid *object_id, const struct hf_uuid *id);
struct access_key access_key_assignments(const struct hf_uuid *principal); /* prefix */
struct access_key access_key_assignment(const struct hf_uuid *principal, const struct hf_uuid *id);
struct access_key access_key_signing_keys(enum access_signing_part part); /* prefix */
struct access_key access_key_signing_key(enum access_signing_part part,
                                         const uint8_t kid[CRYPTO_SHA1_BYTES]);
/* The ids behind the class byte of a stored key. Fails: HF_E_CORRUPT (length). */
HF_MUST hf_err access_key_read_principal(hf_bytes key, struct hf_uuid *out);
HF_MUST hf_err access_key_read_pair(hf_bytes key, struct hf_uuid *out_owner,
                                    struct hf_uuid *out_id);
HF_MUST hf_err access_key_read_kid(hf_bytes key, uint8_t out[CRYPTO_SHA1_BYTES]);

/* ---- records.c: plain forms; decoded texts are views of the plain bytes ---- */

#define ACCESS_FORMAT_PRINCIPAL 1
#define ACCESS_FORMAT_CLIENT 1
#define ACCESS_FORMAT_CREDENTIAL 1
#define ACCESS_FORMAT_ASSIGNMENT 1
#define ACCESS_FORMAT_SIGNING_KEY 1

struct access_credential_record {
    struct access_credential info;
    uint8_t salt[ACCESS_SALT_BYTES];     /* secret and header */
    uint8_t digest[CRYPTO_SHA256_BYTES]; /* secret and header: access_secret_digest() */
    hf_usec not_before;                  /* certificate */
    hf_bytes certificate;                /* certificate: DER */
};

struct access_signing_record {
    hf_usec created;
    hf_usec signs_from;
    hf_usec token_lifetime; /* as configured when it was made: what it signed may live that long */
    hf_bytes certificate;   /* DER */
};

HF_MUST hf_err access_principal_encode(const struct access_principal *principal,
                                       struct hf_buf *out);
/* Everything but the object id, which the storage key holds. */
HF_MUST hf_err access_principal_decode(hf_bytes plain, struct access_principal *out);
HF_MUST hf_err access_client_encode(const struct hf_uuid *object_id, struct hf_buf *out);
HF_MUST hf_err access_client_decode(hf_bytes plain, struct hf_uuid *out);
HF_MUST hf_err access_credential_encode(const struct access_credential_record *record,
                                        struct hf_buf *out);
HF_MUST hf_err access_credential_decode(hf_bytes plain, struct access_credential_record *out);
HF_MUST hf_err access_assignment_encode(const struct access_assignment *assignment,
                                        struct hf_buf *out);
HF_MUST hf_err access_assignment_decode(hf_bytes plain, struct access_assignment *out);
HF_MUST hf_err access_signing_encode(const struct access_signing_record *record,
                                     struct hf_buf *out);
HF_MUST hf_err access_signing_decode(hf_bytes plain, struct access_signing_record *out);

/* Reads and opens one record into plain (initialised here; the caller's to free, also on failure). */
HF_MUST hf_err access_record_read(struct crypto_record_key *record_key, struct store_txn *txn,
                                  const struct access_key *key, uint8_t format,
                                  struct hf_buf *plain);

/* Walks and opens the records under a prefix. */
struct access_scan {
    struct crypto_record_key *record_key;
    struct store_cursor *cursor;
    struct access_key prefix;
    uint8_t format;
    hf_bytes key;        /* of the current record */
    struct hf_buf plain; /* of the current record; valid until the next step */
};
HF_MUST hf_err access_scan_open(struct access_scan *scan, struct crypto_record_key *record_key,
                                struct store_txn *txn, const struct access_key *prefix,
                                uint8_t format);
HF_MUST hf_err access_scan_next(struct access_scan *scan); /* HF_E_NOT_FOUND at the end */
void access_scan_close(struct access_scan *scan);
/* How many records there are under a prefix; opens none. */
HF_MUST hf_err access_count(struct store_txn *txn, const struct access_key *prefix, size_t *out);

/* ---- command.c ---- */

struct access_write {
    hf_bytes key;
    hf_bytes value;
};

/* A command with what its apply needs. Sealed records whose content is known are made before submission. */
struct access_job {
    struct access_command base;
    struct hf_arena *arena;
    struct access_write writes[2];
    size_t write_count;
    const hf_bytes *drops; /* keys to delete */
    size_t drop_count;
    struct hf_uuid object_id;
    struct hf_uuid other_id; /* credential or assignment */
    struct access_assignment assignment;
    bool enabled;
    uint8_t seed[ACCESS_SEED_BYTES]; /* for what is sealed in apply */
};

HF_MUST hf_err access_job_new(struct access_engine *engine, struct hf_arena *arena,
                              hf_err (*apply)(struct store_command *, struct store_txn *),
                              struct access_job **out);
struct access_job *access_job_of(struct store_command *command);
/* Seals a record and adds it to the job's writes. */
HF_MUST hf_err access_job_seal(struct access_job *job, const struct access_key *key, uint8_t format,
                               const struct hf_buf *plain);
HF_MUST hf_err access_job_seal_secret(struct access_job *job, const struct access_key *key,
                                      uint8_t format, const struct hf_secret *plain);
HF_MUST hf_err access_job_put_writes(const struct access_job *job, struct store_txn *txn);
HF_MUST hf_err access_delete_prefix(struct store_txn *txn, const struct access_key *prefix);

/* The generation as this snapshot has it: 0 before the first change. */
HF_MUST hf_err access_generation_read(struct store_txn *txn, uint64_t *out);
HF_MUST hf_err access_generation_raise(struct store_txn *txn);

/* ---- issuers.c ---- */

struct access_issuer_key {
    hf_str kid; /* empty if the JWK had none */
    bool has_algorithm;
    enum crypto_signature algorithm;
    struct crypto_key *key;
};

struct access_issuer {
    hf_str issuer;
    struct access_issuer_key *keys;
    size_t key_count;
};

/*
 * Reads a JWK Set; keys for other uses and of unknown types are left out. Texts and array live in the arena, keys are freed
 * with access_issuer_done(). Fails: HF_E_INVALID.
 */
HF_MUST hf_err access_issuer_parse(const struct access_trusted_issuer *trusted,
                                   struct hf_arena *arena, struct hf_diag *diag,
                                   struct access_issuer *out);
void access_issuer_done(struct access_issuer *issuer);
/* kid empty: the only key, if there is just one. NULL if there is none. */
const struct access_issuer_key *access_issuer_find_key(const struct access_issuer *issuer,
                                                       hf_str kid);

/* ---- engine.c ---- */

/* The key of all records. */
HF_MUST hf_err access_record_key_derive(const struct hf_secret *root_key,
                                        struct crypto_record_key **out);

/* Immutable after start but for writer_key, which is the writer thread's. */
struct access_engine {
    struct hf_arena *arena; /* all texts below */
    struct store *store;
    struct hf_uuid tenant;
    hf_str tenant_text;
    hf_str login_url; /* without trailing slash */
    hf_str issuer_v1;
    hf_str issuer_v2;
    hf_str *audiences;
    size_t audience_count;
    hf_usec token_lifetime;
    hf_usec clock_skew;
    hf_usec signing_key_lifetime;
    struct access_issuer *issuers;
    size_t issuer_count;
    struct crypto_record_key *record_key; /* only ever duplicated */
    struct crypto_record_key *writer_key;
};

/* A configured audience, with or without one trailing slash, or Key Vault's application id. */
bool access_audience_accepted(const struct access_engine *engine, hf_str audience);

/* ---- signing_key.c ---- */

struct access_signing_key {
    uint8_t sha1[CRYPTO_SHA1_BYTES];
    char kid[ACCESS_KID_BYTES];
    hf_usec created;
    hf_usec signs_from;
    hf_usec token_lifetime;
    hf_usec retire_at; /* INT64_MAX: the newest */
    struct crypto_key *key;
    uint8_t *certificate; /* DER; owned */
    size_t certificate_n;
};

/* Sorted by signs_from, then created. */
struct access_signing_keys {
    struct access_signing_key *items;
    size_t count;
};

void access_signing_keys_done(struct access_signing_keys *keys);
/* Keys of this snapshot; what `old` holds already is shared instead of decoded again. */
HF_MUST hf_err access_signing_keys_load(struct access_view *view, struct store_txn *txn,
                                        const struct access_signing_keys *old,
                                        struct access_signing_keys *out);
/* The one to sign with; NULL if there is none at all. */
const struct access_signing_key *access_signing_key_at(const struct access_signing_keys *keys,
                                                       hf_usec now);
const struct access_signing_key *access_signing_key_find(const struct access_signing_keys *keys,
                                                         hf_str kid);

/* ---- cache.c ---- */

struct access_grant {
    hf_str lower_scope;
    uint64_t bits;
    struct hf_uuid assignment_id;
};

/* A verified token and what its bearer may do. One block of memory with all texts, and one for the grants. */
struct access_session {
    struct access_caller caller;
    uint8_t digest[CRYPTO_SHA256_BYTES]; /* of the token's text */
    unsigned pins;
    bool cached;         /* is in the table; else it is freed with the last pin */
    bool own;            /* from the embedded issuer */
    hf_usec valid_from;  /* with skew */
    hf_usec valid_until; /* with skew */
    hf_usec trust_until; /* then the key it was verified with retires: verify anew */
    bool granted;        /* grants are loaded, of this generation */
    uint64_t generation;
    struct access_grant *grants;
    size_t grant_count;
};

struct access_cache_slot {
    uint64_t tag; /* first bytes of the digest */
    struct access_session *session;
};

struct access_cache {
    struct access_cache_slot slots[ACCESS_CACHE_SETS]
                                  [ACCESS_CACHE_WAYS]; /* a set: newest use first */
};

void access_session_free(struct access_session *session);
HF_DEFINE_FREEP(struct access_session, access_session_free)
/* NULL if absent. */
struct access_session *access_cache_find(struct access_cache *cache,
                                         const uint8_t digest[CRYPTO_SHA256_BYTES]);
/* Takes the session; what falls out is freed, or with its last pin. */
void access_cache_put(struct access_cache *cache, struct access_session *session);
void access_cache_remove(struct access_cache *cache, struct access_session *session);
void access_cache_clear(struct access_cache *cache);

/* ---- known.c ---- */

struct access_known_token {
    struct hf_secret *claims;               /* all before the signature; NULL: free */
    uint8_t signature[CRYPTO_SHA256_BYTES]; /* its digest */
    uint8_t digest[CRYPTO_SHA256_BYTES];
};

/* All of these take the table of ACCESS_KNOWN_TOKENS. The digest that was put with this text; NULL if there is none. */
const uint8_t *access_known_find(struct access_known_token *known, hf_str token);
/* Without memory, or if the token is too long, nothing happens. */
void access_known_put(struct access_known_token *known, hf_str token,
                      const uint8_t digest[CRYPTO_SHA256_BYTES]);
void access_known_forget(struct access_known_token *known, hf_str token);
void access_known_clear(struct access_known_token *known);

/* ---- view.c ---- */

struct access_view {
    struct access_engine *engine;
    struct crypto_record_key *record_key;
    bool synced;
    uint64_t generation; /* of what is cached */
    bool keys_loaded;
    struct access_signing_keys keys;
    struct access_cache cache;
    struct access_known_token known[ACCESS_KNOWN_TOKENS];
};

/* Empties the caches if this snapshot has another generation. */
HF_MUST hf_err access_view_sync(struct access_view *view, struct store_txn *txn);
/* Syncs and gives the signing keys of this snapshot; valid until the next sync. */
HF_MUST hf_err access_view_signing_keys(struct access_view *view, struct store_txn *txn,
                                        const struct access_signing_keys **out);

/* ---- principal.c, credential.c ---- */

/* access_principal_get with a record key of the caller's thread. name is a copy in the arena, or empty if arena is NULL. */
HF_MUST hf_err access_principal_read(struct crypto_record_key *record_key, struct store_txn *txn,
                                     const struct hf_uuid *object_id, struct hf_arena *arena,
                                     struct access_principal *out);
/* What is stored of a client secret: SHA-256(salt || SHA-256(secret)). digest: of the secret. */
HF_MUST hf_err access_secret_digest(const uint8_t salt[ACCESS_SALT_BYTES],
                                    const uint8_t digest[CRYPTO_SHA256_BYTES],
                                    uint8_t out[CRYPTO_SHA256_BYTES]);

/* ---- claims.c ---- */

struct access_claims {
    hf_str issuer;
    hf_str tid;
    hf_str oid;
    hf_str sub;
    hf_str appid; /* appid, or azp of version 2.0 tokens */
    hf_str appidacr;
    hf_str upn;
    hf_str scp;
    hf_str idtyp;
    hf_usec expires;
    hf_usec not_before; /* INT64_MIN: absent */
    const struct hf_json *audience;
    const struct hf_json *groups;
};

/* Types, ranges and required members, nothing more. Texts are views of the payload. Fails: HF_E_TOKEN_MALFORMED. */
HF_MUST hf_err access_claims_parse(const struct hf_json *payload, struct access_claims *out);
/* aud is a text or an array of texts; one accepted is enough. Fails: HF_E_TOKEN_AUDIENCE with the first one found. */
HF_MUST hf_err access_claims_check_audience(const struct access_claims *claims,
                                            const struct access_engine *engine,
                                            bool (*accepts)(const struct access_engine *, hf_str),
                                            struct hf_diag *diag);
/* Fails: HF_E_TOKEN_EXPIRED, HF_E_TOKEN_NOT_YET_VALID. */
HF_MUST hf_err access_claims_check_times(const struct access_claims *claims, hf_usec now,
                                         hf_usec skew);

/* ---- assertion.c ---- */

/* A parsed, not yet verified client assertion. */
struct access_assertion {
    struct crypto_jwt jwt;
    struct access_claims claims;
    struct hf_uuid client_id; /* iss and sub */
};

/* Fails: HF_E_TOKEN_MALFORMED, HF_E_NOMEM. */
HF_MUST hf_err access_assertion_parse(hf_str text, struct hf_arena *arena,
                                      struct access_assertion *out);
void access_assertion_done(struct access_assertion *assertion);
/* The assertion's header names this certificate: by x5t#S256, x5t or, without those, kid. */
bool access_assertion_names(const struct access_assertion *assertion,
                            const struct access_credential *credential);
/* One of the forms that clients use for this installation's token endpoint. */
bool access_assertion_audience_accepted(const struct access_engine *engine, hf_str audience);
