/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vaults: who they are, their keys, and finding them by name. No HTTP, no JSON, no permission
 * checks (see access/).
 *
 * root key → one key per vault (random, stored sealed under the root key with the vault's
 * properties) → one derived key per record (crypto/record.h).
 *
 * Threads: one engine per process, shared; one view per thread. A view caches opened vaults with
 * their keys and takes no lock: an entry is good while the record in the caller's snapshot is byte
 * for byte the one it was opened from.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/record.h"
#include "store/store.h"
#include "vault/limits.h"

struct vault_version;
struct vault_engine;
struct vault_view;
/* an opened vault, valid until the next vault_find() or vault_view_free() on its view */
struct vault;

struct vault_properties {
    struct hf_uuid id;                   /* internal, never reused */
    char name[VAULT_NAME_MAX_CHARS + 1]; /* as created */
    struct hf_uuid tenant;
    struct hf_uuid subscription;
    char resource_group[VAULT_RESOURCE_GROUP_MAX_CHARS + 1];
    char location[VAULT_LOCATION_MAX_CHARS + 1];
    hf_usec created;
    int retention_days;    /* VAULT_RETENTION_MIN_DAYS … MAX, fixed at creation */
    bool purge_protection; /* can be switched on, never off */
};

/*
 * store outlives the engine; root_key is used during the call only. The engine holds derived keys.
 * Fails: HF_E_CORRUPT (another root key), HF_E_FORMAT, HF_E_NOMEM, as store_read_begin().
 */
HF_MUST hf_err vault_engine_new(struct store *store, const struct hf_secret *root_key,
                                struct vault_engine **out);
void vault_engine_free(struct vault_engine *engine);
HF_DEFINE_FREEP(struct vault_engine, vault_engine_free)

HF_MUST hf_err vault_view_new(struct vault_engine *engine, struct vault_view **out);
void vault_view_free(struct vault_view *view);
HF_DEFINE_FREEP(struct vault_view, vault_view_free)

/* Name without case. Fails: HF_E_NOT_FOUND, HF_E_CORRUPT, HF_E_FORMAT, HF_E_NOMEM. */
HF_MUST hf_err vault_find(struct vault_view *view, struct store_txn *txn, hf_str name,
                          struct vault **out);
const struct vault_properties *vault_properties_of(const struct vault *vault);

/* True for a name that a vault may have. */
bool vault_name_is_valid(hf_str name);
bool vault_object_name_is_valid(hf_str name);

/* All vaults by name, in the arena. */
HF_MUST hf_err vault_list(struct vault_view *view, struct store_txn *txn, struct hf_arena *arena,
                          const struct vault_properties **out, size_t *out_count);

/*
 * What commands have in common. Make one with a function below, set command->store.done, submit
 * &command->store.
 */
struct vault_command {
    struct store_command store;
    struct vault_engine *engine;
    struct vault_properties
        properties; /* of the vault, after success (all but vault_purge_due()) */
    /* of the object after success (commands on objects), in the command's arena */
    struct vault_version *version;
    struct hf_diag diag; /* names the field, when done with HF_E_INVALID */
    void *context;       /* the submitter's */
};

/*
 * id and created are ignored: drawn here. Done with: HF_E_EXISTS (name taken). Fails now:
 * HF_E_INVALID (diag: field), HF_E_NOMEM. The command lives in arena, which must outlive it.
 */
HF_MUST hf_err vault_create(struct vault_engine *engine, const struct vault_properties *properties,
                            hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                            struct vault_command **out);
/*
 * Switches purge protection on. Fails now: HF_E_NOT_FOUND (no valid name). Done with:
 * HF_E_NOT_FOUND.
 */
HF_MUST hf_err vault_protect(struct vault_engine *engine, hf_str name, struct hf_arena *arena,
                             struct vault_command **out);

/* Purges what is due in all vaults, at most `max` objects in one command. Run by a timer. */
HF_MUST hf_err vault_purge_due(struct vault_engine *engine, hf_usec now, size_t max,
                               struct hf_arena *arena, struct vault_command **out);
/* How many objects the command purged, after done. */
size_t vault_purge_due_count(const struct vault_command *command);

/*
 * Rotation of the root key, inside a command's apply: seals under new_root what this layer has
 * sealed under old_root, and keeps the key of the backups made under it, of the last
 * VAULT_BACKUP_KEYS_MAX root keys. An engine made before reads nothing afterwards. Roots: 32 bytes.
 * seed: drawn with the command.
 *
 * Fails, and the command must too: HF_E_CORRUPT (a record does not authenticate under old_root),
 * HF_E_FORMAT, HF_E_NOMEM, as store_put().
 */
HF_MUST hf_err vault_reseal(struct store_txn *txn, const struct hf_secret *old_root,
                            const struct hf_secret *new_root,
                            const uint8_t seed[CRYPTO_RECORD_SEED_BYTES]);
