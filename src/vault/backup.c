/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a backup of an object with all its versions, and restoring one. The key of a backup is
 * derived from the root key and the subscription, so that any vault of the same subscription in
 * this installation can take it. A backup does not tell which root key it was made under: the
 * present one is tried first, then the earlier ones whose backup keys are kept.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#define LABEL_BACKUP HF_LIT("holdfast backup v1")

/* parent: of this or an earlier root key. */
static hf_err backup_key_of(const struct vault *vault, const struct hf_secret *parent,
                            struct crypto_record_key **out)
{
    const struct hf_uuid *subscription = &vault->properties.subscription;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    hf_err err = crypto_kdf(parent, LABEL_BACKUP,
                            (hf_bytes){ subscription->b, sizeof(subscription->b) }, &key);
    if (err != HF_OK)
        return err;
    return crypto_record_key_new(key, out);
}

/* ---- backup ---- */

/* Opens the record straight into plain, behind its length. */
static hf_err put_opened(const struct vault *vault, hf_bytes storage_key, uint8_t format,
                         hf_bytes record, struct hf_buf *plain)
{
    uint32_t n = 0;
    if (record.n < CRYPTO_RECORD_OVERHEAD_BYTES ||
        !hf_u32_from_size(record.n - CRYPTO_RECORD_OVERHEAD_BYTES, &n))
        return HF_E_CORRUPT;
    hf_buf_put_u32(plain, n);
    return crypto_record_open(vault->key, storage_key, format, record, plain);
}

/* What is to be backed up, and where it goes. */
struct collecting {
    const struct vault *vault;
    const struct vault_kind *kind;
    struct store_txn *txn;
    const struct vault_object *object;
    struct hf_buf *plain;
};

static hf_err put_version(const struct collecting *c, const struct hf_uuid *version, hf_bytes key,
                          hf_bytes metadata)
{
    hf_buf_put(c->plain, version->b, sizeof(version->b));
    hf_err err = put_opened(c->vault, key, VAULT_VERSION_FORMAT, metadata, c->plain);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key value_key = vault_key_of_value(
        &c->vault->properties.id, c->kind->collection, c->object->name, version);
    hf_bytes value = { NULL, 0 };
    err = store_get(c->txn, vault_storage_key_view(&value_key), &value);
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_E_CORRUPT : err;
    return put_opened(c->vault, vault_storage_key_view(&value_key), c->kind->value_format, value,
                      c->plain);
}

static hf_err put_versions(const struct collecting *c)
{
    const struct vault_storage_key prefix = vault_key_of_versions(
        &c->vault->properties.id, c->kind->collection, c->object->name);
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(c->txn, vault_storage_key_view(&prefix), (hf_bytes){ NULL, 0 },
                                   false, &cursor);
    if (err != HF_OK)
        return err;
    size_t count = 0;
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    while ((err = store_cursor_next(cursor, &key, &record)) == HF_OK) {
        struct hf_uuid version;
        err = vault_key_parse_version(key, &prefix, &version);
        if (err == HF_OK)
            err = put_version(c, &version, key, record);
        if (err != HF_OK)
            return err;
        count++;
    }
    if (err != HF_E_NOT_FOUND)
        return err;
    return count == c->object->version_count ? HF_OK : HF_E_CORRUPT;
}

static hf_err collect(const struct collecting *c)
{
    const struct vault_backup backup = {
        .collection = c->kind->collection,
        .name = c->object->name,
        .created = c->object->created,
        .newest = c->object->newest,
        .version_count = c->object->version_count,
    };
    vault_backup_put_object(&backup, c->plain);
    hf_err err = put_versions(c);
    if (err != HF_OK)
        return err;
    return hf_buf_err(c->plain);
}

static hf_err seal_backup(const struct vault *vault, hf_bytes plain, struct hf_buf *out)
{
    uint8_t id[VAULT_BACKUP_ID_BYTES] = { 0 };
    hf_err err = crypto_random(id, sizeof(id));
    if (err != HF_OK)
        return err;
    uint8_t head_memory[VAULT_BACKUP_HEAD_BYTES];
    struct hf_buf head;
    hf_buf_init_fixed(&head, head_memory, sizeof(head_memory));
    vault_backup_put_head(&vault->properties.subscription, id, &head);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    err = backup_key_of(vault, vault->engine->backup_key, &key);
    if (err != HF_OK)
        return err;
    /* All the room first, so that nothing of a blob is left behind on failure. */
    if (hf_buf_reserve(out, head.n + CRYPTO_RECORD_OVERHEAD_BYTES + plain.n) == NULL)
        return hf_buf_err(out);
    hf_buf_put_bytes(out, hf_buf_view(&head));
    return vault_seal_drawn(key, hf_buf_view(&head), VAULT_BACKUP_FORMAT, plain, out);
}

hf_err vault_object_backup(const struct vault *vault, const struct vault_kind *kind,
                           struct store_txn *txn, hf_str name, struct hf_arena *arena,
                           struct hf_buf *out)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, kind->collection, txn, VAULT_STATE_ACTIVE, name, arena,
                                   &object);
    if (err != HF_OK)
        return err;
    if (object.version_count > VAULT_BACKUP_VERSIONS_MAX)
        return HF_E_TOO_LARGE;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_BACKUP_BLOB_MAX_BYTES - VAULT_BACKUP_HEAD_BYTES -
                                   CRYPTO_RECORD_OVERHEAD_BYTES);
    const struct collecting collecting = {
        .vault = vault, .kind = kind, .txn = txn, .object = &object, .plain = &plain
    };
    err = collect(&collecting);
    if (err != HF_OK)
        return err;
    return seal_backup(vault, hf_buf_view(&plain), out);
}

/* ---- restore ---- */

static hf_err open_under(const struct vault *vault, const struct hf_secret *parent, hf_bytes head,
                         hf_bytes record, struct hf_buf *plain)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = backup_key_of(vault, parent, &key);
    return err == HF_OK ? crypto_record_open(key, head, VAULT_BACKUP_FORMAT, record, plain) : err;
}

static hf_err open_blob(const struct vault *vault, hf_bytes blob, struct hf_buf *plain)
{
    const struct vault_engine *engine = vault->engine;
    hf_bytes head = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    hf_err err = vault_backup_parse(blob, &vault->properties.subscription, &head, &record);
    if (err != HF_OK)
        return err;
    err = open_under(vault, engine->backup_key, head, record, plain);
    for (size_t i = 0; i < engine->earlier_count && err == HF_E_CORRUPT; i++)
        err = open_under(vault, engine->earlier_keys[i], head, record, plain);
    if (err == HF_E_CORRUPT || err == HF_E_FORMAT || err == HF_E_TOO_LARGE)
        return HF_E_BAD_BLOB;
    return err;
}

static hf_err seal_version(const struct vault *vault, const struct vault_object_command *command,
                           const struct vault_backup_version *from, struct vault_new_version *out)
{
    const enum vault_collection collection = command->kind->collection;
    out->id = from->id;
    const struct vault_storage_key key = vault_key_of_version(&command->vault_id, collection,
                                                              command->name, &from->id);
    hf_err err = vault_seal_drawn_arena(vault->key, vault_storage_key_view(&key),
                                        VAULT_VERSION_FORMAT, from->metadata, command->arena,
                                        &out->metadata);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key value_key = vault_key_of_value(&command->vault_id, collection,
                                                                  command->name, &from->id);
    return vault_seal_drawn_arena(vault->key, vault_storage_key_view(&value_key),
                                  command->kind->value_format, from->value, command->arena,
                                  &out->value);
}

/* The newest version's metadata: for the object's copy and the answer, which outlive the opened blob. */
static hf_err keep_newest(struct vault_object_command *command, hf_bytes metadata,
                          struct vault_new_version *newest)
{
    newest->plain = hf_arena_dup_bytes(command->arena, metadata);
    if (newest->plain.p == NULL)
        return HF_E_NOMEM;
    struct vault_version *version = command->common.version;
    hf_err err = vault_version_decode(newest->plain, command->arena, version);
    version->name = command->name;
    version->id = newest->id;
    return err;
}

static hf_err seal_versions(const struct vault *vault, struct vault_object_command *command,
                            const struct vault_backup *backup)
{
    command->versions = hf_arena_alloc_array(command->arena, backup->version_count,
                                             sizeof(*command->versions));
    if (command->versions == NULL)
        return HF_E_NOMEM;
    command->version_count = backup->version_count;
    for (size_t i = 0; i < backup->version_count; i++) {
        const struct vault_backup_version *version = &backup->versions[i];
        hf_err err = seal_version(vault, command, version, &command->versions[i]);
        if (err == HF_OK && hf_uuid_equal(&version->id, &backup->newest))
            err = keep_newest(command, version->metadata, &command->versions[i]);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

static hf_err apply_restore(struct vault_object_command *command, const struct vault *vault,
                            struct store_txn *txn)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, command->kind->collection, txn, VAULT_STATE_ACTIVE,
                                   command->name, command->arena, &object);
    if (err != HF_E_NOT_FOUND)
        return err == HF_OK ? HF_E_EXISTS : err;
    err = vault_object_command_clear_name(command, vault, txn);
    object = (struct vault_object){
        .name = command->name,
        .newest = command->newest,
        .version_count = (uint32_t)command->version_count,
        .created = command->created,
        .deleted_at = VAULT_TIME_NONE,
        .scheduled_purge = VAULT_TIME_NONE,
    };
    for (size_t i = 0; i < command->version_count && err == HF_OK; i++)
        err = vault_object_command_put_version(command, vault, txn, &object, &command->versions[i]);
    return err;
}

hf_err vault_object_restore(const struct vault *vault, const struct vault_kind *kind, hf_bytes blob,
                            hf_usec now, struct hf_arena *arena, struct vault_object_command **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault_backup backup;
    struct vault_object_command *command = NULL;
    hf_err err = open_blob(vault, blob, &plain);
    if (err == HF_OK)
        err = vault_backup_decode(kind, hf_buf_view(&plain), arena, &backup);
    if (err == HF_OK)
        err = vault_object_command_new(vault, kind, backup.name, now, arena, apply_restore,
                                       &command);
    if (err == HF_OK)
        err = seal_versions(vault, command, &backup);
    if (err != HF_OK)
        return err;
    command->newest = backup.newest;
    command->created = backup.created;
    *out = command;
    return HF_OK;
}
