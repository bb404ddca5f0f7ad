/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this layer share: storage keys, record formats, opened vaults and the frame of
 * a command. Nothing outside the layer and its tests includes it.
 */
#pragma once

#include "base/buf.h"
#include "crypto/record.h"
#include "vault/key.h"
#include "vault/object.h"

/* ---- the collections ---- */

extern const struct vault_kind vault_secrets; /* secret.c */

/* ---- storage keys (storage_key.c) ---- */

/* A part of storage keys: values never change. */
enum vault_state {
    VAULT_STATE_ACTIVE = 'a',
    VAULT_STATE_DELETED = 'd',
};

#define VAULT_UUID_BYTES 16
#define VAULT_TIME_BYTES 8
/* class, vault id, collection, name, its end, version */
#define VAULT_STORAGE_KEY_MAX_BYTES                                                                \
    (1 + VAULT_UUID_BYTES + 1 + VAULT_OBJECT_NAME_MAX_CHARS + 1 + VAULT_UUID_BYTES)

struct vault_storage_key {
    uint8_t p[VAULT_STORAGE_KEY_MAX_BYTES];
    size_t n;
};

static inline hf_bytes vault_storage_key_view(const struct vault_storage_key *key)
{
    return (hf_bytes){ key->p, key->n };
}

/*
 * Names are taken in any case and must be valid ones. The plural form is the prefix of all keys of
 * its kind.
 */
struct vault_storage_key vault_key_of_vault(hf_str name);
struct vault_storage_key vault_key_of_vaults(void);
struct vault_storage_key vault_key_of_object(const struct hf_uuid *vault,
                                             enum vault_collection collection,
                                             enum vault_state state, hf_str name);
struct vault_storage_key vault_key_of_objects(const struct hf_uuid *vault,
                                              enum vault_collection collection,
                                              enum vault_state state);
struct vault_storage_key vault_key_of_version(const struct hf_uuid *vault,
                                              enum vault_collection collection, hf_str name,
                                              const struct hf_uuid *version);
struct vault_storage_key vault_key_of_versions(const struct hf_uuid *vault,
                                               enum vault_collection collection, hf_str name);
struct vault_storage_key vault_key_of_value(const struct hf_uuid *vault,
                                            enum vault_collection collection, hf_str name,
                                            const struct hf_uuid *version);
struct vault_storage_key vault_key_of_values(const struct hf_uuid *vault,
                                             enum vault_collection collection, hf_str name);

struct vault_purge_entry {
    hf_usec due;
    struct hf_uuid vault;
    enum vault_collection collection;
    hf_str name; /* lower case; a view into the key */
};

struct vault_storage_key vault_key_of_purge_due(const struct vault_purge_entry *entry);
struct vault_storage_key vault_key_of_purge_dues(void);
/* Fails: HF_E_CORRUPT. */
HF_MUST hf_err vault_key_parse_purge_due(hf_bytes key, struct vault_purge_entry *out);
/*
 * The version id at the end of a version's key. Fails: HF_E_CORRUPT if the key is not prefix and
 * id.
 */
HF_MUST hf_err vault_key_parse_version(hf_bytes key, const struct vault_storage_key *prefix,
                                       struct hf_uuid *out);

/* ---- records: plaintext before sealing, after opening ---- */

#define VAULT_RECORD_FORMAT 1
#define VAULT_OBJECT_FORMAT 2
#define VAULT_VERSION_FORMAT 2
#define VAULT_SECRET_VALUE_FORMAT 1
#define VAULT_KEY_VALUE_FORMAT 2
#define VAULT_PURGE_DUE_FORMAT 1
#define VAULT_BACKUP_FORMAT 2
#define VAULT_BACKUP_KEYS_FORMAT 1

/* The key of a vault, in its record. */
#define VAULT_KEY_BYTES CRYPTO_RECORD_KEY_BYTES
#define VAULT_RECORD_MAX_BYTES                                                                     \
    (3 * VAULT_UUID_BYTES + 2 + VAULT_NAME_MAX_CHARS + 2 + VAULT_RESOURCE_GROUP_MAX_CHARS + 2 +    \
     VAULT_LOCATION_MAX_CHARS + VAULT_TIME_BYTES + 2 + VAULT_KEY_BYTES)

void vault_record_encode(const struct vault_properties *properties, hf_bytes key,
                         struct hf_buf *out);
/* *out_key is a view into plain. Fails: HF_E_CORRUPT. */
HF_MUST hf_err vault_record_decode(hf_bytes plain, struct vault_properties *out, hf_bytes *out_key);
/* The rules for a vault's properties but its id and creation time. Fails: HF_E_INVALID. */
HF_MUST hf_err vault_properties_check(const struct vault_properties *properties,
                                      struct hf_diag *diag);

/* A UTF-16 unit is at most 3 bytes of UTF-8 (a pair of them is 4). */
#define VAULT_TEXT_BYTES(units) (3 * (units))
#define VAULT_VERSION_RECORD_MAX_BYTES                                                             \
    (1 + 4 * VAULT_TIME_BYTES + 1 +                                                                \
     VAULT_TAGS_MAX *                                                                              \
         (2 + VAULT_TEXT_BYTES(VAULT_TAG_MAX_CHARS) + 2 + VAULT_TEXT_BYTES(VAULT_TAG_MAX_CHARS)) + \
     2 + VAULT_PARTICULARS_MAX_BYTES)

/* The metadata of one version: attributes, tags and particulars; not name, id and value. */
size_t vault_version_size(const struct vault_version *version);
void vault_version_encode(const struct vault_version *version, struct hf_buf *out);
/*
 * The same into the arena; tags and particulars become views of it, so that they last as long.
 * Fails: HF_E_TOO_LARGE (particulars), HF_E_NOMEM.
 */
HF_MUST hf_err vault_version_encode_arena(struct vault_version *version, struct hf_arena *arena,
                                          hf_bytes *out);
/*
 * Tags and particulars are views into plain, the list of tags is in the arena. Particulars are not
 * looked into. Fails: HF_E_CORRUPT, HF_E_NOMEM.
 */
HF_MUST hf_err vault_version_decode(hf_bytes plain, struct hf_arena *arena,
                                    struct vault_version *out);

/* The rules for tags, dates and a whole change. Fails: HF_E_INVALID. */
HF_MUST hf_err vault_tags_check(const struct vault_tags *tags, size_t max_chars,
                                struct hf_diag *diag);
HF_MUST hf_err vault_dates_check(hf_usec not_before, hf_usec expires, struct hf_diag *diag);
HF_MUST hf_err vault_change_check(const struct vault_kind *kind, const struct vault_change *change,
                                  struct hf_diag *diag);

/* All versions of one name. */
struct vault_object {
    hf_str name; /* in the case it was created with */
    struct hf_uuid newest;
    uint32_t version_count;
    hf_usec created;
    hf_usec deleted_at;      /* VAULT_TIME_NONE while active */
    hf_usec scheduled_purge; /* VAULT_TIME_NONE while active */
    /* the newest version's metadata, encoded as in its own record; not yet looked into */
    hf_bytes copy;
};

#define VAULT_OBJECT_RECORD_MAX_BYTES                                                              \
    (2 + VAULT_OBJECT_NAME_MAX_CHARS + VAULT_UUID_BYTES + 4 + 3 * VAULT_TIME_BYTES +               \
     VAULT_VERSION_RECORD_MAX_BYTES)

size_t vault_object_size(const struct vault_object *object);
void vault_object_encode(const struct vault_object *object, struct hf_buf *out);
/* Name and copy are views into plain. Fails: HF_E_CORRUPT. */
HF_MUST hf_err vault_object_decode(hf_bytes plain, struct vault_object *out);
/* The newest version, of the copy. Fails: HF_E_CORRUPT, HF_E_NOMEM. */
HF_MUST hf_err vault_object_newest(const struct vault_object *object, struct hf_arena *arena,
                                   struct vault_version *out);
/* What an object says of each of its versions: name and deletion. */
void vault_object_describe(const struct vault_object *object, const struct hf_uuid *id,
                           struct vault_version *out);

/* ---- sealing (seal.c) ---- */

/* Seals with a nonce drawn now: for records that are made before their command is submitted. */
HF_MUST hf_err vault_seal_drawn(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                                hf_bytes plain, struct hf_buf *out);
/* The same into arena memory. */
HF_MUST hf_err vault_seal_drawn_arena(struct crypto_record_key *key, hf_bytes storage_key,
                                      uint8_t format, hf_bytes plain, struct hf_arena *arena,
                                      hf_bytes *out);

/*
 * Seals inside apply, with a nonce computed from the command's seed and what is sealed. See seal.c
 * for why.
 */
HF_MUST hf_err vault_seal_seeded(struct crypto_record_key *key, hf_bytes storage_key,
                                 uint8_t format, const uint8_t seed[VAULT_SEED_BYTES],
                                 hf_bytes plain, struct hf_buf *out);

/* An empty buffer over n bytes of the arena. */
HF_MUST hf_err vault_arena_buf(struct hf_arena *arena, size_t n, struct hf_buf *out);
/* Opens a record that holds no secret into arena memory; what was opened may be kept. */
HF_MUST hf_err vault_open_arena(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                                hf_bytes record, struct hf_arena *arena, hf_bytes *out);

/* ---- engine, views, opened vaults ---- */

struct vault_engine {
    struct store *store;
    struct crypto_record_key *key; /* vault records and the purge index; only ever duplicated */
    struct hf_secret *backup_key;  /* parent of one key per subscription */
    /* the same of earlier root keys, newest first */
    struct hf_secret *earlier_keys[VAULT_BACKUP_KEYS_MAX];
    size_t earlier_count;
    struct vault_view *writer; /* the writer thread's own, inside apply */
};

struct vault {
    struct vault_engine *engine;
    struct vault_properties properties;
    struct crypto_record_key *key;
    size_t record_n;
    uint8_t record[VAULT_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES]; /* as it was stored */
};

/* The keys that an engine derives from the root key (vault.c). */
HF_MUST hf_err vault_record_key_derive(const struct hf_secret *root_key,
                                       struct crypto_record_key **out);
HF_MUST hf_err vault_backup_key_derive(const struct hf_secret *root_key, struct hf_secret **out);
/* Fills the engine's earlier_keys (reseal.c). Fails: HF_E_CORRUPT, HF_E_FORMAT, HF_E_NOMEM. */
HF_MUST hf_err vault_backup_keys_load(struct vault_engine *engine, struct store_txn *txn);

/* The view's own key for vault records and the purge index. */
struct crypto_record_key *vault_view_key(struct vault_view *view);
/* How many vaults are in the view's cache. */
size_t vault_view_count_for_test(const struct vault_view *view);

/* ---- objects in the store (object.c) ---- */

/* The bytes that an object's record has when it is opened. Fails: HF_E_CORRUPT (no object is as short or long). */
HF_MUST hf_err vault_object_plain_size(hf_bytes record, size_t *out);
/*
 * Opens the object's record into plain, which is empty and has room for it; the result points into
 * it. Fails: HF_E_CORRUPT (also without the room), HF_E_FORMAT, HF_E_NOMEM.
 */
HF_MUST hf_err vault_object_open(const struct vault *vault, hf_bytes storage_key, hf_bytes record,
                                 struct hf_buf *plain, struct vault_object *out);
/* Finds and opens it, in the arena. Fails: HF_E_NOT_FOUND, and as vault_object_open(). */
HF_MUST hf_err vault_object_find(const struct vault *vault, enum vault_collection collection,
                                 struct store_txn *txn, enum vault_state state, hf_str name,
                                 struct hf_arena *arena, struct vault_object *out);
/* A deleted object that is not yet due; HF_E_NOT_FOUND otherwise. */
HF_MUST hf_err vault_object_find_recoverable(const struct vault *vault,
                                             enum vault_collection collection,
                                             struct store_txn *txn, hf_str name, hf_usec now,
                                             struct hf_arena *arena, struct vault_object *out);
/* Its scheduled purge date has come: as good as purged. */
bool vault_object_is_due(const struct vault_object *object, hf_usec now);
/*
 * Seals and stores the record, under the key of the state that its dates tell. Only in apply; for
 * objects whose copy is unchanged: see vault_object_command_put_version().
 */
HF_MUST hf_err vault_object_put(const struct vault_object_command *command,
                                const struct vault *vault, struct store_txn *txn,
                                const struct vault_object *object);
/*
 * Removes a deleted object with all its versions and values, and its place in the purge index. Only
 * in apply.
 */
HF_MUST hf_err vault_object_remove(const struct vault *vault, enum vault_collection collection,
                                   struct store_txn *txn, const struct vault_object *object);
/* Enters the object into the purge index, or takes it out. Only in apply. */
HF_MUST hf_err vault_purge_index_put(const struct vault_object_command *command,
                                     const struct vault *vault, struct store_txn *txn,
                                     const struct vault_object *object);
HF_MUST hf_err vault_purge_index_remove(const struct vault *vault, enum vault_collection collection,
                                        struct store_txn *txn, const struct vault_object *object);

/* ---- versions (object_read.c) ---- */

/*
 * Reads one version's metadata; object gives name and deletion. The newest is read from the object's
 * copy. HF_E_NOT_FOUND if there is no such version.
 */
HF_MUST hf_err vault_version_load(const struct vault *vault, enum vault_collection collection,
                                  struct store_txn *txn, const struct vault_object *object,
                                  const struct hf_uuid *id, struct hf_arena *arena,
                                  struct vault_version *out);
/* The same from a record that was found already. */
HF_MUST hf_err vault_version_open(const struct vault *vault, hf_bytes storage_key, hf_bytes record,
                                  const struct vault_object *object, const struct hf_uuid *id,
                                  struct hf_arena *arena, struct vault_version *out);

/* ---- the frame of a command (object_command.c) ---- */

typedef hf_err (*vault_object_apply_fn)(struct vault_object_command *command,
                                        const struct vault *vault, struct store_txn *txn);

/*
 * common.version is there, with the name as given. Fails: HF_E_INVALID (name), HF_E_NOMEM,
 * HF_E_INTERNAL.
 */
HF_MUST hf_err vault_object_command_new(const struct vault *vault, const struct vault_kind *kind,
                                        hf_str name, hf_usec now, struct hf_arena *arena,
                                        vault_object_apply_fn apply,
                                        struct vault_object_command **out);
/*
 * Checks that the name is not soft-deleted; one that is due is purged. Fails: HF_E_DELETED. Only in
 * apply.
 */
HF_MUST hf_err vault_object_command_clear_name(const struct vault_object_command *command,
                                               const struct vault *vault, struct store_txn *txn);
/*
 * Stores a version: a new one with its value, or other metadata of one that is there (value.p NULL).
 * If it is the object's newest, the object is stored too, with the copy of its metadata. So version
 * records and copies are written here and nowhere else. Fails: HF_E_CONFLICT (a new one is there
 * already: values are immutable). Only in apply.
 */
HF_MUST hf_err vault_object_command_put_version(const struct vault_object_command *command,
                                                const struct vault *vault, struct store_txn *txn,
                                                struct vault_object *object,
                                                const struct vault_new_version *version);
/* Asks the collection, if it wants to be. object: NULL if there is none. */
HF_MUST hf_err vault_object_command_admit(struct vault_object_command *command,
                                          const struct vault_object *object);

/* ---- backup (backup.c) ---- */

struct vault_backup_version {
    struct hf_uuid id;
    hf_bytes metadata; /* as vault_version_encode() */
    hf_bytes value;
};

/* The content of a backup blob, after opening. */
struct vault_backup {
    enum vault_collection collection;
    hf_str name;
    hf_usec created;
    struct hf_uuid newest;
    size_t version_count;
    struct vault_backup_version *versions; /* in order of id */
};

#define VAULT_BACKUP_ID_BYTES 16
#define VAULT_BACKUP_HEAD_BYTES (8 + 1 + VAULT_UUID_BYTES + VAULT_BACKUP_ID_BYTES)

void vault_backup_put_head(const struct hf_uuid *subscription,
                           const uint8_t id[VAULT_BACKUP_ID_BYTES], struct hf_buf *out);
/* The content up to the versions. */
void vault_backup_put_object(const struct vault_backup *backup, struct hf_buf *out);
/*
 * Splits a blob into head and sealed record. Fails: HF_E_BAD_BLOB (also for another subscription).
 */
HF_MUST hf_err vault_backup_parse(hf_bytes blob, const struct hf_uuid *subscription,
                                  hf_bytes *out_head, hf_bytes *out_record);
void vault_backup_encode(const struct vault_backup *backup, struct hf_buf *out);
/*
 * Views into plain, the list in the arena. Fails: HF_E_BAD_BLOB (also for another collection),
 * HF_E_NOMEM.
 */
HF_MUST hf_err vault_backup_decode(const struct vault_kind *kind, hf_bytes plain,
                                   struct hf_arena *arena, struct vault_backup *out);

/* ---- keys (key.c) ---- */

/* The private key of a version that was read in the same transaction. Fails: HF_E_CORRUPT, HF_E_FORMAT, HF_E_NOMEM. */
HF_MUST hf_err vault_key_load(struct vault *vault, struct store_txn *txn,
                              const struct vault_key *key, struct hf_arena *arena,
                              struct crypto_key **out);
