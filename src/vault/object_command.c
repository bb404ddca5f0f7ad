/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame that all commands on objects share: what is drawn before submission, finding the vault
 * again on the writer thread, and storing versions with the object's copy of the newest.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#include <string.h>

/*
 * The vault as it is now, with the writer's own key. A vault of the same name is another one if its
 * id differs.
 */
static hf_err find_vault(const struct vault_object_command *command, struct store_txn *txn,
                         struct vault **out)
{
    struct vault *vault = NULL;
    hf_err err = vault_find(command->common.engine->writer, txn, hf_str_from_c(command->vault_name),
                            &vault);
    if (err != HF_OK)
        return err;
    if (!hf_uuid_equal(&vault->properties.id, &command->vault_id))
        return HF_E_NOT_FOUND;
    *out = vault;
    return HF_OK;
}

static hf_err apply_command(struct store_command *store_command, struct store_txn *txn)
{
    struct vault_object_command *command = HF_CONTAINER_OF(
        store_command, struct vault_object_command, common.store);
    struct vault *vault = NULL;
    hf_err err = find_vault(command, txn, &vault);
    if (err != HF_OK)
        return err;
    command->common.properties = vault->properties;
    memset(&command->common.diag, 0, sizeof(command->common.diag));
    return command->apply(command, vault, txn);
}

/* All at once: a draw costs more than its bytes. */
static hf_err draw(struct vault_object_command *command)
{
    struct {
        uint8_t seed[sizeof(command->seed)];
        uint8_t metadata_nonce[sizeof(command->metadata_nonce)];
        uint8_t value_nonce[sizeof(command->value_nonce)];
    } drawn;
    hf_err err = crypto_random(&drawn, sizeof(drawn));
    if (err != HF_OK)
        return err;
    memcpy(command->seed, drawn.seed, sizeof(command->seed));
    memcpy(command->metadata_nonce, drawn.metadata_nonce, sizeof(command->metadata_nonce));
    memcpy(command->value_nonce, drawn.value_nonce, sizeof(command->value_nonce));
    hf_wipe(&drawn, sizeof(drawn));
    return HF_OK;
}

hf_err vault_object_command_new(const struct vault *vault, const struct vault_kind *kind,
                                hf_str name, hf_usec now, struct hf_arena *arena,
                                vault_object_apply_fn apply, struct vault_object_command **out)
{
    if (!vault_object_name_is_valid(name))
        return HF_E_INVALID;
    struct vault_object_command *command = hf_arena_new_of(arena, struct vault_object_command);
    struct vault_version *version = hf_arena_new_of(arena, struct vault_version);
    const hf_str own_name = hf_arena_dup_str(arena, name);
    if (command == NULL || version == NULL || own_name.p == NULL)
        return HF_E_NOMEM;
    version->name = own_name;
    command->common.store.apply = apply_command;
    command->common.engine = vault->engine;
    command->common.properties = vault->properties;
    command->common.version = version;
    command->kind = kind;
    command->arena = arena;
    memcpy(command->vault_name, vault->properties.name, sizeof(command->vault_name));
    command->vault_id = vault->properties.id;
    command->name = own_name;
    command->now = now;
    command->apply = apply;
    hf_err err = draw(command);
    if (err != HF_OK)
        return err;
    *out = command;
    return HF_OK;
}

hf_err vault_object_command_clear_name(const struct vault_object_command *command,
                                       const struct vault *vault, struct store_txn *txn)
{
    const enum vault_collection collection = command->kind->collection;
    struct vault_object deleted;
    hf_err err = vault_object_find(vault, collection, txn, VAULT_STATE_DELETED, command->name,
                                   command->arena, &deleted);
    if (err == HF_E_NOT_FOUND)
        return HF_OK;
    if (err != HF_OK)
        return err;
    if (!vault_object_is_due(&deleted, command->now))
        return HF_E_DELETED;
    return vault_object_remove(vault, collection, txn, &deleted);
}

hf_err vault_object_command_admit(struct vault_object_command *command,
                                  const struct vault_object *object)
{
    if (command->admit == NULL)
        return HF_OK;
    if (object == NULL)
        return command->admit(command, NULL);
    struct vault_version newest;
    hf_err err = vault_object_newest(object, command->arena, &newest);
    return err == HF_OK ? command->admit(command, &newest) : err;
}

/* A version that is there already stays as it is: values are immutable. */
static hf_err put_value(const struct vault *vault, enum vault_collection collection,
                        struct store_txn *txn, hf_str name, const struct vault_new_version *version)
{
    const struct hf_uuid *id = &vault->properties.id;
    const struct vault_storage_key taken = vault_key_of_version(id, collection, name, &version->id);
    hf_bytes found = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&taken), &found);
    if (err != HF_E_NOT_FOUND)
        return err == HF_OK ? HF_E_CONFLICT : err;
    const struct vault_storage_key key = vault_key_of_value(id, collection, name, &version->id);
    return store_put(txn, vault_storage_key_view(&key), version->value);
}

hf_err vault_object_command_put_version(const struct vault_object_command *command,
                                        const struct vault *vault, struct store_txn *txn,
                                        struct vault_object *object,
                                        const struct vault_new_version *version)
{
    const enum vault_collection collection = command->kind->collection;
    hf_err err = HF_OK;
    if (version->value.p != NULL)
        err = put_value(vault, collection, txn, object->name, version);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_version(&vault->properties.id, collection,
                                                              object->name, &version->id);
    err = store_put(txn, vault_storage_key_view(&key), version->metadata);
    if (err != HF_OK || !hf_uuid_equal(&version->id, &object->newest))
        return err;
    object->copy = version->plain;
    return vault_object_put(command, vault, txn, object);
}
