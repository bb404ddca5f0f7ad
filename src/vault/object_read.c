/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one object. Its newest version takes one lookup and one record to open, another one of each; a value one more.
 */
#include "vault/internal.h"

hf_err vault_version_open(const struct vault *vault, hf_bytes storage_key, hf_bytes record,
                          const struct vault_object *object, const struct hf_uuid *id,
                          struct hf_arena *arena, struct vault_version *out)
{
    hf_bytes plain = { NULL, 0 };
    hf_err err = vault_open_arena(vault->key, storage_key, VAULT_VERSION_FORMAT, record, arena,
                                  &plain);
    if (err == HF_OK)
        err = vault_version_decode(plain, arena, out);
    if (err == HF_OK)
        vault_object_describe(object, id, out);
    return err;
}

hf_err vault_version_load(const struct vault *vault, enum vault_collection collection,
                          struct store_txn *txn, const struct vault_object *object,
                          const struct hf_uuid *id, struct hf_arena *arena,
                          struct vault_version *out)
{
    if (hf_uuid_equal(id, &object->newest))
        return vault_object_newest(object, arena, out);
    const struct vault_storage_key key = vault_key_of_version(&vault->properties.id, collection,
                                                              object->name, id);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err;
    return vault_version_open(vault, vault_storage_key_view(&key), record, object, id, arena, out);
}

hf_err vault_object_get(const struct vault *vault, const struct vault_kind *kind,
                        struct store_txn *txn, hf_str name, const struct hf_uuid *version,
                        struct hf_arena *arena, struct vault_version *out)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, kind->collection, txn, VAULT_STATE_ACTIVE, name, arena,
                                   &object);
    if (err != HF_OK)
        return err;
    return vault_version_load(vault, kind->collection, txn, &object,
                              version != NULL ? version : &object.newest, arena, out);
}

hf_err vault_object_get_deleted(const struct vault *vault, const struct vault_kind *kind,
                                struct store_txn *txn, hf_str name, hf_usec now,
                                struct hf_arena *arena, struct vault_version *out)
{
    struct vault_object object;
    hf_err err = vault_object_find_recoverable(vault, kind->collection, txn, name, now, arena,
                                               &object);
    return err == HF_OK ? vault_object_newest(&object, arena, out) : err;
}

hf_err vault_object_read_value(const struct vault *vault, const struct vault_kind *kind,
                               struct store_txn *txn, const struct vault_version *version,
                               struct hf_arena *arena, const struct hf_secret **out)
{
    const struct vault_storage_key key = vault_key_of_value(&vault->properties.id, kind->collection,
                                                            version->name, &version->id);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_E_CORRUPT : err;
    struct hf_secret *value = NULL;
    err = crypto_record_open_secret(vault->key, vault_storage_key_view(&key), kind->value_format,
                                    record, &value);
    if (err != HF_OK)
        return err;
    err = hf_arena_own_secret(arena, value);
    if (err != HF_OK)
        return err;
    *out = value;
    return HF_OK;
}
