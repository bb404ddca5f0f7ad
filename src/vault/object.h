/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of any collection: versions, attributes, soft delete, recovery, purge, backup. A collection
 * is a file of this layer that has a descriptor (struct vault_kind), encodes, decodes and checks its
 * particulars, and offers these functions under names of its own (secret.c). Collections are name
 * spaces of their own. Nothing outside the layer and its tests includes this.
 *
 * Threads: reads any thread with its own view and transaction; changes only as commands.
 * Memory:  results live in the arena passed in; values are in secret memory owned by it.
 */
#pragma once

#include "crypto/record.h"
#include "vault/vault.h"
#include "vault/version.h"

/* Parts of storage keys: values never change. */
enum vault_collection {
    VAULT_COLLECTION_SECRETS = 's',
    VAULT_COLLECTION_KEYS = 'k',
};

/* A collection. */
struct vault_kind {
    enum vault_collection collection;
    uint8_t value_format;   /* of its value records */
    size_t value_max_bytes; /* <= VAULT_VALUE_MAX_BYTES */
    size_t tag_max_chars;   /* of a name and of a value, in UTF-16 units; <= VAULT_TAG_MAX_CHARS */
    /*
     * Whether these are particulars and value of one version, for what comes back in a backup.
     * Fails: HF_E_CORRUPT. The value is secret: nothing of it is copied.
     */
    hf_err (*check)(hf_bytes particulars, hf_bytes value);
};

/* ---- reading ---- */

/*
 * A version's metadata. version NULL: the newest. Fails: HF_E_NOT_FOUND (also when deleted),
 * HF_E_CORRUPT, HF_E_FORMAT, HF_E_NOMEM. Whether it is enabled is the caller's to ask.
 */
HF_MUST hf_err vault_object_get(const struct vault *vault, const struct vault_kind *kind,
                                struct store_txn *txn, hf_str name, const struct hf_uuid *version,
                                struct hf_arena *arena, struct vault_version *out);
/* The newest version of a deleted object that is not yet due. Fails: as vault_object_get(). */
HF_MUST hf_err vault_object_get_deleted(const struct vault *vault, const struct vault_kind *kind,
                                        struct store_txn *txn, hf_str name, hf_usec now,
                                        struct hf_arena *arena, struct vault_version *out);
/*
 * The value of a version that was read in the same transaction; the arena owns it. Fails:
 * HF_E_CORRUPT (also if it is not there), HF_E_FORMAT, HF_E_NOMEM.
 */
HF_MUST hf_err vault_object_read_value(const struct vault *vault, const struct vault_kind *kind,
                                       struct store_txn *txn, const struct vault_version *version,
                                       struct hf_arena *arena, const struct hf_secret **out);
/*
 * Active (or deleted) objects by name, each by its newest version, behind `after` (empty: from the
 * start); max <= VAULT_PAGE_MAX_ITEMS. Fails: HF_E_RANGE (max), HF_E_INVALID (after), and as
 * vault_object_get().
 */
HF_MUST hf_err vault_object_list(const struct vault *vault, const struct vault_kind *kind,
                                 struct store_txn *txn, bool deleted, hf_str after, size_t max,
                                 hf_usec now, struct hf_arena *arena, struct vault_page *out);
/*
 * Versions of one active object in order of version id, behind `after` (NULL: from the start). An
 * unknown name has none (not an error).
 */
HF_MUST hf_err vault_object_list_versions(const struct vault *vault, const struct vault_kind *kind,
                                          struct store_txn *txn, hf_str name,
                                          const struct hf_uuid *after, size_t max,
                                          struct hf_arena *arena, struct vault_page *out);
/*
 * Appends a sealed backup of all versions to out. It can be restored into the same collection of any
 * vault of this installation that belongs to the same subscription. Fails: HF_E_NOT_FOUND,
 * HF_E_TOO_LARGE (more than VAULT_BACKUP_VERSIONS_MAX versions).
 */
HF_MUST hf_err vault_object_backup(const struct vault *vault, const struct vault_kind *kind,
                                   struct store_txn *txn, hf_str name, struct hf_arena *arena,
                                   struct hf_buf *out);

/* ---- commands ---- */

/* A version whose records are sealed and wait to be stored. */
struct vault_new_version {
    struct hf_uuid id;
    hf_bytes plain;    /* the metadata, not sealed: for the object's copy; only of the newest */
    hf_bytes metadata; /* sealed */
    hf_bytes value;    /* sealed */
};

#define VAULT_SEED_BYTES 32

/* A command on one object. What it holds is in the arena. */
struct vault_object_command {
    struct vault_command common;
    const struct vault_kind *kind;
    struct hf_arena *arena;
    char vault_name[VAULT_NAME_MAX_CHARS + 1];
    struct hf_uuid vault_id;
    hf_str name;
    hf_usec now;
    uint8_t seed[VAULT_SEED_BYTES];
    uint8_t metadata_nonce[CRYPTO_RECORD_NONCE_BYTES]; /* new version: each for one record */
    uint8_t value_nonce[CRYPTO_RECORD_NONCE_BYTES];
    hf_err (*apply)(struct vault_object_command *command, const struct vault *vault,
                    struct store_txn *txn);
    struct vault_new_version *versions; /* new version: one; restore: all */
    size_t version_count;
    struct hf_uuid newest; /* restore: which of them */
    hf_usec created;       /* restore: of the object */
    bool has_version;      /* update: else the newest */
    struct hf_uuid version;
    struct vault_change change; /* update */
    /*
     * The collection's own, set between making the command and submitting it; all may be NULL. Both are called in apply, on
     * the writer's thread and perhaps more than once: they allocate in command->arena, draw nothing and read no clock. Their
     * error is the command's; with HF_E_INVALID they set common.diag.
     */
    /*
     * May the object be changed? newest: as found, deleted for recover and purge; NULL if a new
     * version is the first. Not asked by restore, and not by update, which has merge.
     */
    hf_err (*admit)(struct vault_object_command *command, const struct vault_version *newest);
    /*
     * Update: merges into version what the common change does not say, and checks the whole; the
     * common part is merged already. May set version->particulars to other bytes in the arena.
     */
    hf_err (*merge)(struct vault_object_command *command, bool is_newest,
                    struct vault_version *version);
    const void *what; /* for both */
};

/*
 * Each makes a command in arena, to be handed on as &(*out)->common. Fails now: HF_E_INVALID (name), HF_E_NOMEM, HF_E_INTERNAL;
 * more where it is said. Done with HF_OK: common.version is the version concerned, else the newest, in the arena.
 */
/*
 * A new version of an object, which comes to be if it is not there. change: copied, as particulars
 * (at most VAULT_PARTICULARS_MAX_BYTES); value: sealed at once. Fails now: HF_E_INVALID (diag names
 * the field), HF_E_TOO_LARGE (value, particulars). Done with: HF_E_DELETED (the name is soft-deleted),
 * HF_E_NOT_FOUND (vault gone), what admit says.
 */
HF_MUST hf_err vault_object_new_version(const struct vault *vault, const struct vault_kind *kind,
                                        hf_str name, const struct vault_change *change,
                                        hf_bytes particulars, const struct hf_secret *value,
                                        hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                                        struct vault_object_command **out);
/*
 * Changes only what change gives, and what merge does; tags are replaced as a whole. version NULL:
 * the newest. change is copied. Fails now: HF_E_INVALID (diag names the field). Done with:
 * HF_E_NOT_FOUND, HF_E_INVALID (the dates do not fit what is there; common.diag), what merge says.
 */
HF_MUST hf_err vault_object_update(const struct vault *vault, const struct vault_kind *kind,
                                   hf_str name, const struct hf_uuid *version,
                                   const struct vault_change *change, hf_usec now,
                                   struct hf_arena *arena, struct hf_diag *diag,
                                   struct vault_object_command **out);
/* Soft delete of all versions. Done with: HF_E_NOT_FOUND. */
HF_MUST hf_err vault_object_delete(const struct vault *vault, const struct vault_kind *kind,
                                   hf_str name, hf_usec now, struct hf_arena *arena,
                                   struct vault_object_command **out);
/* Done with: HF_E_NOT_FOUND (not deleted, or unknown). */
HF_MUST hf_err vault_object_recover(const struct vault *vault, const struct vault_kind *kind,
                                    hf_str name, hf_usec now, struct hf_arena *arena,
                                    struct vault_object_command **out);
/* common.version has its name only. Done with: HF_E_NOT_FOUND, HF_E_PURGE_PROTECTED. */
HF_MUST hf_err vault_object_purge(const struct vault *vault, const struct vault_kind *kind,
                                  hf_str name, hf_usec now, struct hf_arena *arena,
                                  struct vault_object_command **out);
/*
 * Fails now: HF_E_BAD_BLOB (also a blob of another collection). Done with: HF_E_EXISTS (name in use;
 * common.version->name says which), HF_E_DELETED (soft-deleted).
 */
HF_MUST hf_err vault_object_restore(const struct vault *vault, const struct vault_kind *kind,
                                    hf_bytes blob, hf_usec now, struct hf_arena *arena,
                                    struct vault_object_command **out);

/* ---- for the collections' rules ---- */

/* UTF-8 of at most this many UTF-16 units. */
bool vault_text_fits(hf_str text, size_t max_units);
