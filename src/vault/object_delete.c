/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft delete, recovery and purge. Only the object's record moves between the states; its versions
 * and values stay where they are, and can't be reached while there is no active object of their
 * name.
 */
#include "vault/internal.h"

static hf_err delete_record(const struct vault_object_command *command, struct store_txn *txn,
                            enum vault_state state)
{
    const struct vault_storage_key key = vault_key_of_object(
        &command->vault_id, command->kind->collection, state, command->name);
    return store_delete(txn, vault_storage_key_view(&key));
}

static hf_err apply_delete(struct vault_object_command *command, const struct vault *vault,
                           struct store_txn *txn)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, command->kind->collection, txn, VAULT_STATE_ACTIVE,
                                   command->name, command->arena, &object);
    if (err == HF_OK)
        err = vault_object_command_admit(command, &object);
    if (err != HF_OK)
        return err;
    object.deleted_at = command->now;
    object.scheduled_purge = command->now + vault->properties.retention_days * HF_USEC_PER_DAY;
    err = vault_object_newest(&object, command->arena, command->common.version);
    if (err == HF_OK)
        err = delete_record(command, txn, VAULT_STATE_ACTIVE);
    if (err == HF_OK)
        err = vault_object_put(command, vault, txn, &object);
    return err == HF_OK ? vault_purge_index_put(command, vault, txn, &object) : err;
}

static hf_err apply_recover(struct vault_object_command *command, const struct vault *vault,
                            struct store_txn *txn)
{
    const enum vault_collection collection = command->kind->collection;
    struct vault_object object;
    hf_err err = vault_object_find_recoverable(vault, collection, txn, command->name, command->now,
                                               command->arena, &object);
    if (err == HF_OK)
        err = vault_object_command_admit(command, &object);
    if (err == HF_OK)
        err = vault_purge_index_remove(vault, collection, txn, &object);
    if (err == HF_OK)
        err = delete_record(command, txn, VAULT_STATE_DELETED);
    if (err != HF_OK)
        return err;
    object.deleted_at = VAULT_TIME_NONE;
    object.scheduled_purge = VAULT_TIME_NONE;
    err = vault_object_newest(&object, command->arena, command->common.version);
    return err == HF_OK ? vault_object_put(command, vault, txn, &object) : err;
}

static hf_err apply_purge(struct vault_object_command *command, const struct vault *vault,
                          struct store_txn *txn)
{
    const enum vault_collection collection = command->kind->collection;
    struct vault_object object;
    hf_err err = vault_object_find_recoverable(vault, collection, txn, command->name, command->now,
                                               command->arena, &object);
    if (err == HF_OK)
        err = vault_object_command_admit(command, &object);
    if (err != HF_OK)
        return err;
    if (vault->properties.purge_protection)
        return HF_E_PURGE_PROTECTED;
    return vault_object_remove(vault, collection, txn, &object);
}

hf_err vault_object_delete(const struct vault *vault, const struct vault_kind *kind, hf_str name,
                           hf_usec now, struct hf_arena *arena, struct vault_object_command **out)
{
    return vault_object_command_new(vault, kind, name, now, arena, apply_delete, out);
}

hf_err vault_object_recover(const struct vault *vault, const struct vault_kind *kind, hf_str name,
                            hf_usec now, struct hf_arena *arena, struct vault_object_command **out)
{
    return vault_object_command_new(vault, kind, name, now, arena, apply_recover, out);
}

hf_err vault_object_purge(const struct vault *vault, const struct vault_kind *kind, hf_str name,
                          hf_usec now, struct hf_arena *arena, struct vault_object_command **out)
{
    return vault_object_command_new(vault, kind, name, now, arena, apply_purge, out);
}
