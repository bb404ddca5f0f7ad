/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object records in the store, and the removal of an object with everything under its name.
 */
#include "vault/internal.h"

#include <string.h>

bool vault_object_is_due(const struct vault_object *object, hf_usec now)
{
    return object->scheduled_purge != VAULT_TIME_NONE && now >= object->scheduled_purge;
}

static enum vault_state state_of(const struct vault_object *object)
{
    return object->deleted_at == VAULT_TIME_NONE ? VAULT_STATE_ACTIVE : VAULT_STATE_DELETED;
}

static struct vault_storage_key key_of(const struct vault *vault, enum vault_collection collection,
                                       const struct vault_object *object)
{
    return vault_key_of_object(&vault->properties.id, collection, state_of(object), object->name);
}

hf_err vault_object_plain_size(hf_bytes record, size_t *out)
{
    if (record.n < CRYPTO_RECORD_OVERHEAD_BYTES ||
        record.n - CRYPTO_RECORD_OVERHEAD_BYTES > VAULT_OBJECT_RECORD_MAX_BYTES)
        return HF_E_CORRUPT;
    *out = record.n - CRYPTO_RECORD_OVERHEAD_BYTES;
    return HF_OK;
}

hf_err vault_object_open(const struct vault *vault, hf_bytes storage_key, hf_bytes record,
                         struct hf_buf *plain, struct vault_object *out)
{
    hf_err err = crypto_record_open_kept(vault->key, storage_key, VAULT_OBJECT_FORMAT, record,
                                         plain);
    if (err != HF_OK)
        return err == HF_E_TOO_LARGE ? HF_E_CORRUPT : err;
    return vault_object_decode(hf_buf_view(plain), out);
}

hf_err vault_object_find(const struct vault *vault, enum vault_collection collection,
                         struct store_txn *txn, enum vault_state state, hf_str name,
                         struct hf_arena *arena, struct vault_object *out)
{
    if (!vault_object_name_is_valid(name))
        return HF_E_NOT_FOUND;
    const struct vault_storage_key key = vault_key_of_object(&vault->properties.id, collection,
                                                             state, name);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err;
    size_t size = 0;
    struct hf_buf plain;
    err = vault_object_plain_size(record, &size);
    if (err == HF_OK)
        err = vault_arena_buf(arena, size, &plain);
    if (err != HF_OK)
        return err;
    return vault_object_open(vault, vault_storage_key_view(&key), record, &plain, out);
}

hf_err vault_object_find_recoverable(const struct vault *vault, enum vault_collection collection,
                                     struct store_txn *txn, hf_str name, hf_usec now,
                                     struct hf_arena *arena, struct vault_object *out)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, collection, txn, VAULT_STATE_DELETED, name, arena,
                                   &object);
    if (err != HF_OK)
        return err;
    if (vault_object_is_due(&object, now))
        return HF_E_NOT_FOUND;
    *out = object;
    return HF_OK;
}

hf_err vault_object_put(const struct vault_object_command *command, const struct vault *vault,
                        struct store_txn *txn, const struct vault_object *object)
{
    struct hf_buf plain;
    struct hf_buf sealed;
    const size_t size = vault_object_size(object);
    hf_err err = vault_arena_buf(command->arena, size, &plain);
    if (err == HF_OK)
        err = vault_arena_buf(command->arena, size + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    vault_object_encode(object, &plain);
    err = hf_buf_err(&plain);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = key_of(vault, command->kind->collection, object);
    err = vault_seal_seeded(vault->key, vault_storage_key_view(&key), VAULT_OBJECT_FORMAT,
                            command->seed, hf_buf_view(&plain), &sealed);
    if (err != HF_OK)
        return err;
    return store_put(txn, vault_storage_key_view(&key), hf_buf_view(&sealed));
}

/*
 * The first key with the prefix, copied, since it dies with the next change. HF_E_NOT_FOUND if
 * there is none.
 */
static hf_err find_first_key(struct store_txn *txn, hf_bytes prefix, struct vault_storage_key *out)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, prefix, (hf_bytes){ NULL, 0 }, false, &cursor);
    if (err != HF_OK)
        return err;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    err = store_cursor_next(cursor, &key, &value);
    if (err != HF_OK)
        return err;
    if (key.n > sizeof(out->p))
        return HF_E_CORRUPT;
    memcpy(out->p, key.p, key.n);
    out->n = key.n;
    return HF_OK;
}

static hf_err delete_all(struct store_txn *txn, hf_bytes prefix)
{
    struct vault_storage_key key = { .n = 0 };
    hf_err err = HF_OK;
    while ((err = find_first_key(txn, prefix, &key)) == HF_OK) {
        err = store_delete(txn, vault_storage_key_view(&key));
        if (err != HF_OK)
            return err;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

hf_err vault_object_remove(const struct vault *vault, enum vault_collection collection,
                           struct store_txn *txn, const struct vault_object *object)
{
    const struct hf_uuid *id = &vault->properties.id;
    const struct vault_storage_key values = vault_key_of_values(id, collection, object->name);
    hf_err err = delete_all(txn, vault_storage_key_view(&values));
    if (err != HF_OK)
        return err;
    const struct vault_storage_key versions = vault_key_of_versions(id, collection, object->name);
    err = delete_all(txn, vault_storage_key_view(&versions));
    if (err != HF_OK)
        return err;
    err = vault_purge_index_remove(vault, collection, txn, object);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = key_of(vault, collection, object);
    return store_delete(txn, vault_storage_key_view(&key));
}

static struct vault_storage_key index_key_of(const struct vault *vault,
                                             enum vault_collection collection,
                                             const struct vault_object *object)
{
    const struct vault_purge_entry entry = {
        .due = object->scheduled_purge,
        .vault = vault->properties.id,
        .collection = collection,
        .name = object->name,
    };
    return vault_key_of_purge_due(&entry);
}

hf_err vault_purge_index_put(const struct vault_object_command *command, const struct vault *vault,
                             struct store_txn *txn, const struct vault_object *object)
{
    uint8_t memory[VAULT_NAME_MAX_CHARS + CRYPTO_RECORD_OVERHEAD_BYTES];
    struct hf_buf sealed;
    hf_buf_init_fixed(&sealed, memory, sizeof(memory));
    const struct vault_storage_key key = index_key_of(vault, command->kind->collection, object);
    hf_err err = vault_seal_seeded(
        vault_view_key(vault->engine->writer), vault_storage_key_view(&key), VAULT_PURGE_DUE_FORMAT,
        command->seed, hf_str_bytes(hf_str_from_c(vault->properties.name)), &sealed);
    if (err != HF_OK)
        return err;
    return store_put(txn, vault_storage_key_view(&key), hf_buf_view(&sealed));
}

/* The object's record decides, the index only finds it: so an entry may be missing. */
hf_err vault_purge_index_remove(const struct vault *vault, enum vault_collection collection,
                                struct store_txn *txn, const struct vault_object *object)
{
    const struct vault_storage_key key = index_key_of(vault, collection, object);
    hf_err err = store_delete(txn, vault_storage_key_view(&key));
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}
