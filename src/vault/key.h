/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: a collection whose values are private keys. Names, versions, soft delete and backup are those of all collections
 * (object.h); the private key of a version never changes and never leaves but sealed, in a backup.
 *
 * Threads: reads any thread with its own view and transaction; changes only as commands. A cache belongs to one thread.
 * Memory:  results live in the arena passed in.
 */
#pragma once

#include "crypto/key_material.h"
#include "vault/vault.h"
#include "vault/version.h"

/* RFC 7517 §4.3 and Key Vault REST, JsonWebKeyOperation. The values are stored. */
enum vault_key_op {
    VAULT_KEY_ENCRYPT,
    VAULT_KEY_DECRYPT,
    VAULT_KEY_SIGN,
    VAULT_KEY_VERIFY,
    VAULT_KEY_WRAP,
    VAULT_KEY_UNWRAP,
    VAULT_KEY_IMPORT, /* unwraps other keys on import; stands alone */
};
#define VAULT_KEY_OPS_MAX 7

/* In the order in which they were given, each once. */
struct vault_key_ops {
    enum vault_key_op items[VAULT_KEY_OPS_MAX];
    size_t count;
};

/* "wrapKey". Parse is exact: HF_E_UNSUPPORTED. */
hf_str vault_key_op_name(enum vault_key_op op);
HF_MUST hf_err vault_key_op_parse(hf_str name, enum vault_key_op *out);
bool vault_key_ops_have(const struct vault_key_ops *ops, enum vault_key_op op);

/* One version of a key. */
struct vault_key {
    struct vault_version version;
    enum crypto_key_type type;
    int bits;
    bool is_hsm; /* the -HSM form was asked for */
    struct vault_key_ops ops;
    hf_bytes public_part; /* as crypto_key_put_public() */
};

/* What a caller gave; what it did not give has its has_… false. */
struct vault_key_change {
    struct vault_change common;
    bool has_ops; /* without, a new key gets what its type can do */
    struct vault_key_ops ops;
};

/* What a page or a command gives, as a key. The views are its. Fails: HF_E_CORRUPT. */
HF_MUST hf_err vault_key_of(const struct vault_version *version, struct vault_key *out);

/* ---- reading ---- */

/* version NULL: the newest. A disabled key is given too. Fails: HF_E_NOT_FOUND (also when deleted), HF_E_CORRUPT, HF_E_FORMAT,
 * HF_E_NOMEM. */
HF_MUST hf_err vault_key_get(struct vault *vault, struct store_txn *txn, hf_str name,
                             const struct hf_uuid *version, struct hf_arena *arena,
                             struct vault_key *out);
/* The newest version of a deleted key. Fails: as vault_key_get(). */
HF_MUST hf_err vault_key_get_deleted(struct vault *vault, struct store_txn *txn, hf_str name,
                                     hf_usec now, struct hf_arena *arena, struct vault_key *out);
/* As vault_secret_list(), vault_secret_list_versions() and vault_secret_backup(). */
HF_MUST hf_err vault_key_list(struct vault *vault, struct store_txn *txn, bool deleted,
                              hf_str after, size_t max, hf_usec now, struct hf_arena *arena,
                              struct vault_page *out);
HF_MUST hf_err vault_key_list_versions(struct vault *vault, struct store_txn *txn, hf_str name,
                                       const struct hf_uuid *after, size_t max, hf_usec now,
                                       struct hf_arena *arena, struct vault_page *out);
HF_MUST hf_err vault_key_backup(struct vault *vault, struct store_txn *txn, hf_str name,
                                hf_usec now, struct hf_arena *arena, struct hf_buf *out);

/* Parsed private keys of versions used lately: parsing one costs more than most of what is done with it. */
struct vault_key_cache;
HF_MUST hf_err vault_key_cache_new(struct vault_key_cache **out);
void vault_key_cache_free(struct vault_key_cache *cache);
HF_DEFINE_FREEP(struct vault_key_cache, vault_key_cache_free)
/*
 * The private key of a version that was read in the same transaction; free it with crypto_key_free(). Fails: HF_E_CORRUPT,
 * HF_E_FORMAT, HF_E_NOMEM.
 */
HF_MUST hf_err vault_key_open(struct vault_key_cache *cache, struct vault *vault,
                              struct store_txn *txn, const struct vault_key *key,
                              struct hf_arena *arena, struct crypto_key **out);

/* ---- changing: each makes a command in arena; see struct vault_command ---- */

/*
 * A new version with this private key. Fails now: HF_E_INVALID (diag names the field: name, tags, exp, key_ops), HF_E_NOMEM. Done
 * with: HF_E_DELETED (the name is soft-deleted), HF_E_NOT_FOUND (vault gone; with must_exist also: no such key).
 */
HF_MUST hf_err vault_key_create(struct vault *vault, hf_str name, const struct crypto_key *key,
                                const struct vault_key_change *change, bool must_exist, hf_usec now,
                                struct hf_arena *arena, struct hf_diag *diag,
                                struct vault_command **out);
/* As vault_secret_update(). Done also with HF_E_INVALID (key_ops do not fit the key's type; command->diag). */
HF_MUST hf_err vault_key_update(struct vault *vault, hf_str name, const struct hf_uuid *version,
                                const struct vault_key_change *change, hf_usec now,
                                struct hf_arena *arena, struct hf_diag *diag,
                                struct vault_command **out);
/* As those of secrets. */
HF_MUST hf_err vault_key_delete(struct vault *vault, hf_str name, hf_usec now,
                                struct hf_arena *arena, struct vault_command **out);
HF_MUST hf_err vault_key_recover(struct vault *vault, hf_str name, hf_usec now,
                                 struct hf_arena *arena, struct vault_command **out);
HF_MUST hf_err vault_key_purge(struct vault *vault, hf_str name, hf_usec now,
                               struct hf_arena *arena, struct vault_command **out);
HF_MUST hf_err vault_key_restore(struct vault *vault, hf_bytes blob, hf_usec now,
                                 struct hf_arena *arena, struct vault_command **out);
