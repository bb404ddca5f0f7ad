/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading one secret: three lookups and three records to open (object, version, value).
 */
#include "vault/internal.h"

hf_err vault_secret_open(const struct vault *vault, hf_bytes storage_key, hf_bytes record,
                         const struct vault_object *object, const struct hf_uuid *version,
                         struct hf_arena *arena, struct vault_secret *out)
{
    hf_bytes plain = { NULL, 0 };
    hf_err err = vault_open_arena(vault->key, storage_key, VAULT_SECRET_FORMAT, record, arena,
                                  &plain);
    if (err != HF_OK)
        return err;
    struct vault_secret secret;
    err = vault_secret_record_decode(plain, arena, &secret);
    if (err != HF_OK)
        return err;
    secret.name = hf_arena_dup_str(arena, hf_str_from_c(object->name));
    if (secret.name.p == NULL)
        return HF_E_NOMEM;
    secret.version = *version;
    secret.is_deleted = object->deleted_at != VAULT_TIME_NONE;
    secret.deleted_at = object->deleted_at;
    secret.scheduled_purge = object->scheduled_purge;
    *out = secret;
    return HF_OK;
}

hf_err vault_secret_load(const struct vault *vault, struct store_txn *txn,
                         const struct vault_object *object, const struct hf_uuid *version,
                         struct hf_arena *arena, struct vault_secret *out)
{
    const struct vault_storage_key key = vault_key_of_version(
        &vault->properties.id, VAULT_COLLECTION_SECRETS, hf_str_from_c(object->name), version);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err;
    return vault_secret_open(vault, vault_storage_key_view(&key), record, object, version, arena,
                             out);
}

hf_err vault_secret_load_newest(const struct vault *vault, struct store_txn *txn,
                                const struct vault_object *object, struct hf_arena *arena,
                                struct vault_secret *out)
{
    hf_err err = vault_secret_load(vault, txn, object, &object->newest, arena, out);
    return err == HF_E_NOT_FOUND ? HF_E_CORRUPT : err;
}

static hf_err open_value(const struct vault *vault, struct store_txn *txn,
                         const struct vault_secret *secret, struct hf_arena *arena,
                         const struct hf_secret **out)
{
    const struct vault_storage_key key = vault_key_of_value(
        &vault->properties.id, VAULT_COLLECTION_SECRETS, secret->name, &secret->version);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_E_CORRUPT : err;
    struct hf_secret *value = NULL;
    err = crypto_record_open_secret(vault->key, vault_storage_key_view(&key), VAULT_VALUE_FORMAT,
                                    record, &value);
    if (err != HF_OK)
        return err;
    err = hf_arena_own_secret(arena, value);
    if (err != HF_OK)
        return err;
    *out = value;
    return HF_OK;
}

hf_err vault_secret_get(struct vault *vault, struct store_txn *txn, hf_str name,
                        const struct hf_uuid *version, hf_usec now HF_UNUSED,
                        struct hf_arena *arena, struct vault_secret *out)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, txn, VAULT_STATE_ACTIVE, name, &object);
    if (err != HF_OK)
        return err;
    struct vault_secret secret;
    if (version != NULL)
        err = vault_secret_load(vault, txn, &object, version, arena, &secret);
    else
        err = vault_secret_load_newest(vault, txn, &object, arena, &secret);
    if (err != HF_OK)
        return err;
    if (!secret.enabled)
        return HF_E_DISABLED;
    err = open_value(vault, txn, &secret, arena, &secret.value);
    if (err != HF_OK)
        return err;
    *out = secret;
    return HF_OK;
}

hf_err vault_secret_get_deleted(struct vault *vault, struct store_txn *txn, hf_str name,
                                hf_usec now, struct hf_arena *arena, struct vault_secret *out)
{
    struct vault_object object;
    hf_err err = vault_object_find_recoverable(vault, txn, name, now, &object);
    if (err != HF_OK)
        return err;
    struct vault_secret secret;
    err = vault_secret_load_newest(vault, txn, &object, arena, &secret);
    if (err != HF_OK)
        return err;
    if (!secret.enabled)
        return HF_E_DISABLED;
    *out = secret;
    return HF_OK;
}
