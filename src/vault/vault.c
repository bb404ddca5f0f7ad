/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine with its derived keys, and the commands that change vaults themselves.
 */
#include "vault/vault.h"

#include "crypto/crypto.h"
#include "vault/internal.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_RECORDS HF_LIT("holdfast vaults v1")
#define LABEL_BACKUPS HF_LIT("holdfast backups v1")

struct vault_properties_command {
    struct vault_command common;
    struct vault_storage_key storage_key;
    hf_bytes sealed;                /* create */
    uint8_t seed[VAULT_SEED_BYTES]; /* protect */
};

hf_err vault_record_key_derive(const struct hf_secret *root_key, struct crypto_record_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *records = NULL;
    hf_err err = crypto_kdf(root_key, LABEL_RECORDS, (hf_bytes){ NULL, 0 }, &records);
    if (err != HF_OK)
        return err;
    return crypto_record_key_new(records, out);
}

hf_err vault_backup_key_derive(const struct hf_secret *root_key, struct hf_secret **out)
{
    return crypto_kdf(root_key, LABEL_BACKUPS, (hf_bytes){ NULL, 0 }, out);
}

static hf_err load_backup_keys(struct vault_engine *engine)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_err err = store_reader_new(engine->store, &reader);
    if (err == HF_OK)
        err = store_read_begin(reader, &txn);
    if (err == HF_OK)
        err = vault_backup_keys_load(engine, txn);
    store_read_end(txn);
    return err;
}

hf_err vault_engine_new(struct store *store, const struct hf_secret *root_key,
                        struct vault_engine **out)
{
    HF_CLEANUP(vault_engine_freep) struct vault_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return HF_E_NOMEM;
    engine->store = store;
    hf_err err = vault_backup_key_derive(root_key, &engine->backup_key);
    if (err != HF_OK)
        return err;
    err = vault_record_key_derive(root_key, &engine->key);
    if (err != HF_OK)
        return err;
    err = load_backup_keys(engine);
    if (err != HF_OK)
        return err;
    err = vault_view_new(engine, &engine->writer);
    if (err != HF_OK)
        return err;
    *out = hf_take(&engine);
    return HF_OK;
}

void vault_engine_free(struct vault_engine *engine)
{
    if (engine == NULL)
        return;
    vault_view_free(engine->writer);
    for (size_t i = 0; i < engine->earlier_count; i++)
        hf_secret_free(engine->earlier_keys[i]);
    hf_secret_free(engine->backup_key);
    crypto_record_key_free(engine->key);
    free(engine);
}

static struct vault_properties_command *properties_command_of(struct store_command *command)
{
    return HF_CONTAINER_OF(command, struct vault_properties_command, common.store);
}

static hf_err apply_create(struct store_command *store_command, struct store_txn *txn)
{
    struct vault_properties_command *command = properties_command_of(store_command);
    const hf_bytes key = vault_storage_key_view(&command->storage_key);
    hf_bytes found = { NULL, 0 };
    hf_err err = store_get(txn, key, &found);
    if (err != HF_E_NOT_FOUND)
        return err == HF_OK ? HF_E_EXISTS : err;
    return store_put(txn, key, command->sealed);
}

/* Draws the vault's key and seals the record. */
static hf_err seal_new_vault(struct vault_properties_command *command, struct hf_arena *arena)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_RECORD_MAX_BYTES);
    HF_CLEAN_SECRET(vault_key, VAULT_KEY_BYTES);
    hf_err err = crypto_random(vault_key, VAULT_KEY_BYTES);
    if (err != HF_OK)
        return err;
    vault_record_encode(&command->common.properties, (hf_bytes){ vault_key, VAULT_KEY_BYTES },
                        &plain);
    err = hf_buf_err(&plain);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    err = crypto_record_key_dup(command->common.engine->key, &key);
    if (err != HF_OK)
        return err;
    return vault_seal_drawn_arena(key, vault_storage_key_view(&command->storage_key),
                                  VAULT_RECORD_FORMAT, hf_buf_view(&plain), arena,
                                  &command->sealed);
}

hf_err vault_create(struct vault_engine *engine, const struct vault_properties *properties,
                    hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                    struct vault_command **out)
{
    hf_err err = vault_properties_check(properties, diag);
    if (err != HF_OK)
        return err;
    struct vault_properties_command *command = hf_arena_new_of(arena,
                                                               struct vault_properties_command);
    if (command == NULL)
        return HF_E_NOMEM;
    command->common.store.apply = apply_create;
    command->common.engine = engine;
    command->common.properties = *properties;
    command->common.properties.created = now;
    err = crypto_random_uuid(&command->common.properties.id);
    if (err != HF_OK)
        return err;
    command->storage_key = vault_key_of_vault(hf_str_from_c(properties->name));
    err = seal_new_vault(command, arena);
    if (err != HF_OK)
        return err;
    *out = &command->common;
    return HF_OK;
}

/*
 * Seals the vault's record anew with other properties. plain is the old plaintext, key a view into
 * it.
 */
static hf_err put_properties(const struct vault_properties_command *command, struct store_txn *txn,
                             const struct vault_properties *properties, hf_bytes key)
{
    const hf_bytes storage_key = vault_storage_key_view(&command->storage_key);
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_RECORD_MAX_BYTES);
    vault_record_encode(properties, key, &plain);
    hf_err err = hf_buf_err(&plain);
    if (err != HF_OK)
        return err;
    uint8_t memory[VAULT_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES];
    struct hf_buf sealed;
    hf_buf_init_fixed(&sealed, memory, sizeof(memory));
    err = vault_seal_seeded(vault_view_key(command->common.engine->writer), storage_key,
                            VAULT_RECORD_FORMAT, command->seed, hf_buf_view(&plain), &sealed);
    if (err != HF_OK)
        return err;
    return store_put(txn, storage_key, hf_buf_view(&sealed));
}

static hf_err apply_protect(struct store_command *store_command, struct store_txn *txn)
{
    struct vault_properties_command *command = properties_command_of(store_command);
    const hf_bytes storage_key = vault_storage_key_view(&command->storage_key);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, storage_key, &record);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_RECORD_MAX_BYTES);
    err = crypto_record_open(vault_view_key(command->common.engine->writer), storage_key,
                             VAULT_RECORD_FORMAT, record, &plain);
    if (err != HF_OK)
        return err == HF_E_TOO_LARGE ? HF_E_CORRUPT : err;
    struct vault_properties properties;
    hf_bytes key = { NULL, 0 };
    err = vault_record_decode(hf_buf_view(&plain), &properties, &key);
    if (err != HF_OK)
        return err;
    if (!properties.purge_protection) {
        properties.purge_protection = true;
        err = put_properties(command, txn, &properties, key);
        if (err != HF_OK)
            return err;
    }
    command->common.properties = properties;
    return HF_OK;
}

hf_err vault_protect(struct vault_engine *engine, hf_str name, struct hf_arena *arena,
                     struct vault_command **out)
{
    if (!vault_name_is_valid(name))
        return HF_E_NOT_FOUND;
    struct vault_properties_command *command = hf_arena_new_of(arena,
                                                               struct vault_properties_command);
    if (command == NULL)
        return HF_E_NOMEM;
    command->common.store.apply = apply_protect;
    command->common.engine = engine;
    command->storage_key = vault_key_of_vault(name);
    hf_err err = crypto_random(command->seed, sizeof(command->seed));
    if (err != HF_OK)
        return err;
    *out = &command->common;
    return HF_OK;
}
