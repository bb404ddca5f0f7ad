/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of secrets and of versions. A page continues behind a name or version id, not at an offset,
 * so that changes between two pages neither skip nor repeat another item.
 */
#include "vault/internal.h"

static hf_err new_page(struct hf_arena *arena, size_t max, struct vault_secret_page *out)
{
    if (max == 0 || max > VAULT_PAGE_MAX_ITEMS)
        return HF_E_RANGE;
    struct vault_secret *items = hf_arena_alloc_array(arena, max, sizeof(*items));
    if (items == NULL)
        return HF_E_NOMEM;
    *out = (struct vault_secret_page){ .items = items };
    return HF_OK;
}

/* The next object that is not due. HF_E_NOT_FOUND behind the last one. */
static hf_err next_object(const struct vault *vault, struct store_cursor *cursor, hf_usec now,
                          struct vault_object *out)
{
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    hf_err err = HF_OK;
    while ((err = store_cursor_next(cursor, &key, &record)) == HF_OK) {
        struct vault_object object;
        err = vault_object_open(vault, key, record, &object);
        if (err != HF_OK)
            return err;
        if (!vault_object_is_due(&object, now)) {
            *out = object;
            return HF_OK;
        }
    }
    return err;
}

static hf_err fill_page(const struct vault *vault, struct store_txn *txn,
                        struct store_cursor *cursor, size_t max, hf_usec now,
                        struct hf_arena *arena, struct vault_secret_page *page)
{
    struct vault_object object;
    hf_err err = HF_OK;
    while ((err = next_object(vault, cursor, now, &object)) == HF_OK) {
        if (page->count == max) {
            page->more = true;
            return HF_OK;
        }
        err = vault_secret_load_newest(vault, txn, &object, arena, &page->items[page->count]);
        if (err != HF_OK)
            return err;
        page->count++;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

hf_err vault_secret_list(struct vault *vault, struct store_txn *txn, bool deleted, hf_str after,
                         size_t max, hf_usec now, struct hf_arena *arena,
                         struct vault_secret_page *out)
{
    if (after.n > 0 && !vault_object_name_is_valid(after))
        return HF_E_INVALID;
    struct vault_secret_page page;
    hf_err err = new_page(arena, max, &page);
    if (err != HF_OK)
        return err;
    const struct hf_uuid *id = &vault->properties.id;
    const enum vault_state state = deleted ? VAULT_STATE_DELETED : VAULT_STATE_ACTIVE;
    const struct vault_storage_key prefix = vault_key_of_objects(id, VAULT_COLLECTION_SECRETS,
                                                                 state);
    const struct vault_storage_key from =
        after.n > 0 ? vault_key_of_object(id, VAULT_COLLECTION_SECRETS, state, after) : prefix;
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    err = store_cursor_open(txn, vault_storage_key_view(&prefix), vault_storage_key_view(&from),
                            true, &cursor);
    if (err != HF_OK)
        return err;
    err = fill_page(vault, txn, cursor, max, now, arena, &page);
    if (err != HF_OK)
        return err;
    *out = page;
    return HF_OK;
}

static hf_err fill_version_page(const struct vault *vault, struct store_cursor *cursor,
                                const struct vault_storage_key *prefix,
                                const struct vault_object *object, size_t max,
                                struct hf_arena *arena, struct vault_secret_page *page)
{
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    hf_err err = HF_OK;
    while ((err = store_cursor_next(cursor, &key, &record)) == HF_OK) {
        if (page->count == max) {
            page->more = true;
            return HF_OK;
        }
        struct hf_uuid version;
        err = vault_key_parse_version(key, prefix, &version);
        if (err != HF_OK)
            return err;
        err = vault_secret_open(vault, key, record, object, &version, arena,
                                &page->items[page->count]);
        if (err != HF_OK)
            return err;
        page->count++;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

static hf_err list_versions_of(const struct vault *vault, struct store_txn *txn,
                               const struct vault_object *object, const struct hf_uuid *after,
                               size_t max, struct hf_arena *arena, struct vault_secret_page *page)
{
    const struct hf_uuid *id = &vault->properties.id;
    const hf_str name = hf_str_from_c(object->name);
    const struct vault_storage_key prefix = vault_key_of_versions(id, VAULT_COLLECTION_SECRETS,
                                                                  name);
    const struct vault_storage_key from =
        after != NULL ? vault_key_of_version(id, VAULT_COLLECTION_SECRETS, name, after) : prefix;
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, vault_storage_key_view(&prefix),
                                   vault_storage_key_view(&from), true, &cursor);
    if (err != HF_OK)
        return err;
    return fill_version_page(vault, cursor, &prefix, object, max, arena, page);
}

hf_err vault_secret_list_versions(struct vault *vault, struct store_txn *txn, hf_str name,
                                  const struct hf_uuid *after, size_t max, hf_usec now HF_UNUSED,
                                  struct hf_arena *arena, struct vault_secret_page *out)
{
    struct vault_secret_page page;
    hf_err err = new_page(arena, max, &page);
    if (err != HF_OK)
        return err;
    struct vault_object object;
    err = vault_object_find(vault, txn, VAULT_STATE_ACTIVE, name, &object);
    if (err == HF_OK)
        err = list_versions_of(vault, txn, &object, after, max, arena, &page);
    else if (err == HF_E_NOT_FOUND)
        err = HF_OK; /* Key Vault REST, Get Secret Versions: an empty list */
    if (err != HF_OK)
        return err;
    *out = page;
    return HF_OK;
}
