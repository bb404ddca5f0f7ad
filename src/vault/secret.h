/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: reading, changing, soft delete, backup. Names compare without case and keep the case
 * they were created with. A new version is made by every set; values are immutable. Deleting and
 * recovering act on all versions of a name.
 *
 * An object whose scheduled purge date has passed is as good as purged for every operation, whether
 * the purge job has run or not.
 *
 * Threads: reads any thread with its own view and transaction; changes only as commands.
 * Memory:  results live in the arena passed in; values are in secret memory owned by it.
 */
#pragma once

#include "vault/vault.h"
#include "vault/version.h"

/* One version of a secret. */
struct vault_secret {
    struct vault_version version;
    bool has_content_type;
    hf_str content_type;
    const struct hf_secret *value; /* only from vault_secret_get() */
};

/* What a caller gave; what it did not give has its has_… false. */
struct vault_secret_change {
    struct vault_change common;
    bool has_content_type;
    hf_str content_type;
};

/*
 * What a page or a command gives, as a secret without value. The texts are views of it. Fails:
 * HF_E_CORRUPT.
 */
HF_MUST hf_err vault_secret_of(const struct vault_version *version, struct vault_secret *out);

/* ---- reading ---- */

/*
 * version NULL: the newest, even if disabled. Fails: HF_E_NOT_FOUND (also when deleted),
 * HF_E_DISABLED (enabled is false; nbf and exp do not hinder reading), HF_E_CORRUPT, HF_E_FORMAT,
 * HF_E_NOMEM.
 * Rule: Key Vault REST, Get Secret.
 */
HF_MUST hf_err vault_secret_get(struct vault *vault, struct store_txn *txn, hf_str name,
                                const struct hf_uuid *version, hf_usec now, struct hf_arena *arena,
                                struct vault_secret *out);
/*
 * The newest version of a deleted secret, without value. Fails: HF_E_NOT_FOUND, HF_E_DISABLED (its
 * newest version is disabled).
 */
HF_MUST hf_err vault_secret_get_deleted(struct vault *vault, struct store_txn *txn, hf_str name,
                                        hf_usec now, struct hf_arena *arena,
                                        struct vault_secret *out);

/*
 * Active (or deleted) secrets by name, each by its newest version, behind `after` (empty: from the
 * start); max <= VAULT_PAGE_MAX_ITEMS.
 */
HF_MUST hf_err vault_secret_list(struct vault *vault, struct store_txn *txn, bool deleted,
                                 hf_str after, size_t max, hf_usec now, struct hf_arena *arena,
                                 struct vault_page *out);
/*
 * Versions of one active secret in order of version id, behind `after` (NULL: from the start). An
 * unknown name has none (not an error).
 */
HF_MUST hf_err vault_secret_list_versions(struct vault *vault, struct store_txn *txn, hf_str name,
                                          const struct hf_uuid *after, size_t max, hf_usec now,
                                          struct hf_arena *arena, struct vault_page *out);
/*
 * Appends a sealed backup of all versions to out. It can be restored into any vault of this
 * installation that belongs to the same subscription. Fails: HF_E_NOT_FOUND, HF_E_TOO_LARGE (more
 * than VAULT_BACKUP_VERSIONS_MAX versions).
 */
HF_MUST hf_err vault_secret_backup(struct vault *vault, struct store_txn *txn, hf_str name,
                                   hf_usec now, struct hf_arena *arena, struct hf_buf *out);

/* ---- changing: each makes a command in arena; see struct vault_command ---- */

/*
 * A new version. value: at most VAULT_SECRET_VALUE_MAX_BYTES of valid UTF-8, copied. Fails now:
 * HF_E_INVALID (name, tags, content type, UTF-8; diag names the field), HF_E_TOO_LARGE (value),
 * HF_E_NOMEM. Done with: HF_OK (command->version, without value), HF_E_DELETED (the name is soft-
 * deleted), HF_E_NOT_FOUND (vault gone).
 */
HF_MUST hf_err vault_secret_set(struct vault *vault, hf_str name, const struct hf_secret *value,
                                const struct vault_secret_change *change, hf_usec now,
                                struct hf_arena *arena, struct hf_diag *diag,
                                struct vault_command **out);
/*
 * Changes only what change gives; tags are replaced as a whole. version NULL: the newest. Fails
 * now: as vault_secret_set(). Done with: HF_OK (command->version, without value), HF_E_NOT_FOUND,
 * HF_E_INVALID (the dates do not fit what is there; command->diag).
 */
HF_MUST hf_err vault_secret_update(struct vault *vault, hf_str name, const struct hf_uuid *version,
                                   const struct vault_secret_change *change, hf_usec now,
                                   struct hf_arena *arena, struct hf_diag *diag,
                                   struct vault_command **out);
/*
 * Delete, recover and purge fail now with HF_E_INVALID (name) or HF_E_NOMEM. command->version is the
 * newest version without value; after purge only its name is set.
 */
/* Soft delete of all versions. Done with: HF_E_NOT_FOUND. */
HF_MUST hf_err vault_secret_delete(struct vault *vault, hf_str name, hf_usec now,
                                   struct hf_arena *arena, struct vault_command **out);
/* Done with: HF_E_NOT_FOUND (not deleted, or unknown). */
HF_MUST hf_err vault_secret_recover(struct vault *vault, hf_str name, hf_usec now,
                                    struct hf_arena *arena, struct vault_command **out);
/* Done with: HF_E_NOT_FOUND, HF_E_PURGE_PROTECTED. */
HF_MUST hf_err vault_secret_purge(struct vault *vault, hf_str name, hf_usec now,
                                  struct hf_arena *arena, struct vault_command **out);
/*
 * Fails now: HF_E_BAD_BLOB. Done with: HF_E_EXISTS (name in use; command->version->name says which),
 * HF_E_DELETED (soft-deleted).
 */
HF_MUST hf_err vault_secret_restore(struct vault *vault, hf_bytes blob, hf_usec now,
                                    struct hf_arena *arena, struct vault_command **out);
