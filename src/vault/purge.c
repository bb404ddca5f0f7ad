/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purging what is due, in order of time, over all vaults. Purge protection doesn't hold it up: the
 * retention has passed.
 *
 * An entry of the index is believed when it authenticates, and only says where to look: the
 * object's own record decides. A record that can't be opened is left where it is and does not keep
 * the others from being purged; it is reported once nothing else is left to do.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#include <string.h>

struct purge_due_command {
    struct vault_command common; /* first: see vault_purge_due_count() */
    hf_usec now;
    size_t max;
    struct hf_buf plain; /* room for one object */
    size_t count;        /* purged by the last run of apply */
};

/* The first entry behind `last`, copied. HF_E_NOT_FOUND behind the end. */
static hf_err next_entry(struct vault_engine *engine, struct store_txn *txn,
                         const struct vault_storage_key *last, struct vault_storage_key *out_key,
                         char out_vault[VAULT_NAME_MAX_CHARS + 1], hf_err *out_opened)
{
    const struct vault_storage_key prefix = vault_key_of_purge_dues();
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, vault_storage_key_view(&prefix),
                                   vault_storage_key_view(last), true, &cursor);
    if (err != HF_OK)
        return err;
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    err = store_cursor_next(cursor, &key, &record);
    if (err != HF_OK)
        return err;
    if (key.n > sizeof(out_key->p))
        return HF_E_CORRUPT;
    memcpy(out_key->p, key.p, key.n);
    out_key->n = key.n;
    struct hf_buf name;
    hf_buf_init_fixed(&name, out_vault, VAULT_NAME_MAX_CHARS);
    *out_opened = crypto_record_open(vault_view_key(engine->writer), key, VAULT_PURGE_DUE_FORMAT,
                                     record, &name);
    out_vault[name.n] = '\0';
    return HF_OK;
}

/* Opened in the command's room, so that what one command opens is not as much as all it purges. */
static hf_err open_deleted(struct purge_due_command *command, struct store_txn *txn,
                           const struct vault *vault, const struct vault_purge_entry *entry,
                           struct vault_object *out)
{
    const struct vault_storage_key key = vault_key_of_object(
        &vault->properties.id, entry->collection, VAULT_STATE_DELETED, entry->name);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err;
    hf_buf_reset(&command->plain);
    return vault_object_open(vault, vault_storage_key_view(&key), record, &command->plain, out);
}

/*
 * The object that the entry names, if it is due. Fails: HF_E_NOT_FOUND when the entry is out of
 * date.
 */
static hf_err find_due(struct purge_due_command *command, struct store_txn *txn,
                       const char *vault_name, const struct vault_purge_entry *entry,
                       struct vault **out_vault, struct vault_object *out)
{
    struct vault *vault = NULL;
    hf_err err = vault_find(command->common.engine->writer, txn, hf_str_from_c(vault_name), &vault);
    if (err != HF_OK)
        return err;
    if (!hf_uuid_equal(&vault->properties.id, &entry->vault))
        return HF_E_NOT_FOUND;
    struct vault_object object;
    err = open_deleted(command, txn, vault, entry, &object);
    if (err != HF_OK)
        return err;
    if (object.scheduled_purge != entry->due)
        return HF_E_NOT_FOUND;
    *out_vault = vault;
    *out = object;
    return HF_OK;
}

/*
 * Purges the object of one due entry, which is counted, or drops the entry if it is out of date.
 */
static hf_err purge_entry(struct purge_due_command *command, struct store_txn *txn,
                          const struct vault_storage_key *key, const char *vault_name,
                          const struct vault_purge_entry *entry)
{
    struct vault *vault = NULL;
    struct vault_object object;
    hf_err err = find_due(command, txn, vault_name, entry, &vault, &object);
    if (err == HF_E_NOT_FOUND)
        return store_delete(txn, vault_storage_key_view(key));
    if (err != HF_OK)
        return err;
    err = vault_object_remove(vault, entry->collection, txn, &object);
    if (err != HF_OK)
        return err;
    command->count++;
    return HF_OK;
}

/* One step through the index; HF_E_NOT_FOUND when nothing more is due. */
static hf_err purge_next(struct purge_due_command *command, struct store_txn *txn,
                         struct vault_storage_key *last, hf_err *out_trouble)
{
    struct vault_engine *engine = command->common.engine;
    struct vault_storage_key key = { .n = 0 };
    char vault_name[VAULT_NAME_MAX_CHARS + 1] = { 0 };
    hf_err opened = HF_OK;
    hf_err err = next_entry(engine, txn, last, &key, vault_name, &opened);
    if (err != HF_OK)
        return err;
    *last = key;
    struct vault_purge_entry entry;
    err = vault_key_parse_purge_due(vault_storage_key_view(&key), &entry);
    if (err != HF_OK)
        return err;
    if (entry.due > command->now)
        return HF_E_NOT_FOUND;
    err = opened;
    if (err == HF_OK)
        err = purge_entry(command, txn, &key, vault_name, &entry);
    if (hf_err_class_of(err) != HF_CLASS_CORRUPT)
        return err;
    *out_trouble = err;
    return HF_OK;
}

static hf_err apply_purge_due(struct store_command *store_command, struct store_txn *txn)
{
    struct purge_due_command *command = HF_CONTAINER_OF(store_command, struct purge_due_command,
                                                        common.store);
    command->count = 0;
    struct vault_storage_key last = vault_key_of_purge_dues();
    hf_err trouble = HF_OK;
    hf_err err = HF_OK;
    while (err == HF_OK && command->count < command->max)
        err = purge_next(command, txn, &last, &trouble);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return err;
    return command->count == 0 ? trouble : HF_OK;
}

hf_err vault_purge_due(struct vault_engine *engine, hf_usec now, size_t max, struct hf_arena *arena,
                       struct vault_command **out)
{
    struct purge_due_command *command = hf_arena_new_of(arena, struct purge_due_command);
    if (command == NULL)
        return HF_E_NOMEM;
    hf_err err = vault_arena_buf(arena, VAULT_OBJECT_RECORD_MAX_BYTES, &command->plain);
    if (err != HF_OK)
        return err;
    command->common.store.apply = apply_purge_due;
    command->common.engine = engine;
    command->now = now;
    command->max = max;
    *out = &command->common;
    return HF_OK;
}

size_t vault_purge_due_count(const struct vault_command *command)
{
    /* common is the first member */
    return ((const struct purge_due_command *)(const void *)command)->count;
}
