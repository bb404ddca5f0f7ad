/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft delete, recovery and purge. Only the object's record moves between the states; its versions
 * and values stay where they are, and can't be reached while there is no active object of their
 * name.
 */
#include "vault/internal.h"

static hf_err delete_object_record(const struct vault *vault, struct store_txn *txn,
                                   enum vault_state state, hf_str name)
{
    const struct vault_storage_key key = vault_key_of_object(&vault->properties.id,
                                                             VAULT_COLLECTION_SECRETS, state, name);
    return store_delete(txn, vault_storage_key_view(&key));
}

static hf_err change_delete(struct vault_secret_command *command, const struct vault *vault,
                            struct store_txn *txn)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, txn, VAULT_STATE_ACTIVE, command->name, &object);
    if (err != HF_OK)
        return err;
    object.deleted_at = command->now;
    object.scheduled_purge = command->now + vault->properties.retention_days * HF_USEC_PER_DAY;
    err = vault_secret_load_newest(vault, txn, &object, command->arena, command->common.secret);
    if (err != HF_OK)
        return err;
    err = delete_object_record(vault, txn, VAULT_STATE_ACTIVE, command->name);
    if (err != HF_OK)
        return err;
    err = vault_object_put(vault, txn, command->seed, &object);
    if (err != HF_OK)
        return err;
    return vault_purge_index_put(vault, txn, command->seed, &object);
}

static hf_err change_recover(struct vault_secret_command *command, const struct vault *vault,
                             struct store_txn *txn)
{
    struct vault_object object;
    hf_err err = vault_object_find_recoverable(vault, txn, command->name, command->now, &object);
    if (err != HF_OK)
        return err;
    err = vault_purge_index_remove(vault, txn, &object);
    if (err != HF_OK)
        return err;
    err = delete_object_record(vault, txn, VAULT_STATE_DELETED, command->name);
    if (err != HF_OK)
        return err;
    object.deleted_at = VAULT_TIME_NONE;
    object.scheduled_purge = VAULT_TIME_NONE;
    err = vault_object_put(vault, txn, command->seed, &object);
    if (err != HF_OK)
        return err;
    return vault_secret_load_newest(vault, txn, &object, command->arena, command->common.secret);
}

static hf_err change_purge(struct vault_secret_command *command, const struct vault *vault,
                           struct store_txn *txn)
{
    struct vault_object object;
    hf_err err = vault_object_find_recoverable(vault, txn, command->name, command->now, &object);
    if (err != HF_OK)
        return err;
    if (vault->properties.purge_protection)
        return HF_E_PURGE_PROTECTED;
    return vault_object_remove(vault, txn, &object);
}

static hf_err new_command(const struct vault *vault, hf_str name, hf_usec now,
                          struct hf_arena *arena,
                          hf_err (*change)(struct vault_secret_command *command,
                                           const struct vault *vault, struct store_txn *txn),
                          struct vault_command **out)
{
    struct vault_secret_command *command = NULL;
    hf_err err = vault_secret_command_new(vault, name, now, arena, change, &command);
    if (err != HF_OK)
        return err;
    *out = &command->common;
    return HF_OK;
}

hf_err vault_secret_delete(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                           struct vault_command **out)
{
    return new_command(vault, name, now, arena, change_delete, out);
}

hf_err vault_secret_recover(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                            struct vault_command **out)
{
    return new_command(vault, name, now, arena, change_recover, out);
}

hf_err vault_secret_purge(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                          struct vault_command **out)
{
    return new_command(vault, name, now, arena, change_purge, out);
}
