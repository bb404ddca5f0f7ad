/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame that all commands on secrets share: what is drawn before submission, finding the vault
 * again on the writer thread, and storing versions that were sealed before.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#include <string.h>

/*
 * The vault as it is now, with the writer's own key. A vault of the same name is another one if its
 * id differs.
 */
static hf_err find_vault(const struct vault_secret_command *command, struct store_txn *txn,
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

static hf_err apply_change(struct store_command *store_command, struct store_txn *txn)
{
    struct vault_secret_command *command = HF_CONTAINER_OF(
        store_command, struct vault_secret_command, common.store);
    struct vault *vault = NULL;
    hf_err err = find_vault(command, txn, &vault);
    if (err != HF_OK)
        return err;
    command->common.properties = vault->properties;
    memset(&command->common.diag, 0, sizeof(command->common.diag));
    return command->change(command, vault, txn);
}

/* All at once: a draw costs more than its bytes. */
static hf_err draw(struct vault_secret_command *command)
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

hf_err vault_secret_command_new(const struct vault *vault, hf_str name, hf_usec now,
                                struct hf_arena *arena,
                                hf_err (*change)(struct vault_secret_command *command,
                                                 const struct vault *vault, struct store_txn *txn),
                                struct vault_secret_command **out)
{
    if (!vault_object_name_is_valid(name))
        return HF_E_INVALID;
    struct vault_secret_command *command = hf_arena_new_of(arena, struct vault_secret_command);
    struct vault_secret *secret = hf_arena_new_of(arena, struct vault_secret);
    const hf_str own_name = hf_arena_dup_str(arena, name);
    if (command == NULL || secret == NULL || own_name.p == NULL)
        return HF_E_NOMEM;
    secret->name = own_name;
    command->common.store.apply = apply_change;
    command->common.engine = vault->engine;
    command->common.properties = vault->properties;
    command->common.secret = secret;
    command->arena = arena;
    memcpy(command->vault_name, vault->properties.name, sizeof(command->vault_name));
    command->vault_id = vault->properties.id;
    command->name = own_name;
    command->now = now;
    command->change = change;
    hf_err err = draw(command);
    if (err != HF_OK)
        return err;
    *out = command;
    return HF_OK;
}

hf_err vault_secret_command_clear_name(const struct vault_secret_command *command,
                                       const struct vault *vault, struct store_txn *txn)
{
    struct vault_object deleted;
    hf_err err = vault_object_find(vault, txn, VAULT_STATE_DELETED, command->name, &deleted);
    if (err == HF_E_NOT_FOUND)
        return HF_OK;
    if (err != HF_OK)
        return err;
    if (!vault_object_is_due(&deleted, command->now))
        return HF_E_DELETED;
    return vault_object_remove(vault, txn, &deleted);
}

/* A version that is there already stays as it is: values are immutable. */
static hf_err put_version(const struct vault_secret_command *command, const struct vault *vault,
                          struct store_txn *txn, const struct vault_new_version *version)
{
    const struct hf_uuid *id = &vault->properties.id;
    const struct vault_storage_key key = vault_key_of_version(id, VAULT_COLLECTION_SECRETS,
                                                              command->name, &version->id);
    hf_bytes found = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &found);
    if (err != HF_E_NOT_FOUND)
        return err == HF_OK ? HF_E_CONFLICT : err;
    err = store_put(txn, vault_storage_key_view(&key), version->metadata);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key value_key = vault_key_of_value(id, VAULT_COLLECTION_SECRETS,
                                                                  command->name, &version->id);
    return store_put(txn, vault_storage_key_view(&value_key), version->value);
}

hf_err vault_secret_command_put_versions(const struct vault_secret_command *command,
                                         const struct vault *vault, struct store_txn *txn)
{
    for (size_t i = 0; i < command->version_count; i++) {
        hf_err err = put_version(command, vault, txn, &command->versions[i]);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}
