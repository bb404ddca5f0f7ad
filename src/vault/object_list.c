/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of objects and of versions. A page continues behind a name or version id, not at an offset,
 * so that changes between two pages neither skip nor repeat another item. An item of a page is one
 * record, opened into the arena, which the item points into.
 */
#include "vault/internal.h"

/* A walk over objects of one state. */
struct walk {
    const struct vault *vault;
    struct store_cursor *cursor;
    hf_usec now;
    struct hf_arena *arena;
    struct hf_buf spare; /* memory of an object that was due */
};

static hf_err new_page(struct hf_arena *arena, size_t max, struct vault_page *out)
{
    if (max == 0 || max > VAULT_PAGE_MAX_ITEMS)
        return HF_E_RANGE;
    struct vault_version *items = hf_arena_alloc_array(arena, max, sizeof(*items));
    if (items == NULL)
        return HF_E_NOMEM;
    *out = (struct vault_page){ .items = items };
    return HF_OK;
}

/*
 * Room for an object's plaintext. What one that was due took serves the next; growing doubles, so
 * that any number of them takes less than twice the largest.
 */
static hf_err make_room(struct walk *walk, size_t n)
{
    hf_buf_reset(&walk->spare);
    if (n <= walk->spare.cap)
        return HF_OK;
    return vault_arena_buf(walk->arena, n > 2 * walk->spare.cap ? n : 2 * walk->spare.cap,
                           &walk->spare);
}

/* The next object that is not due. HF_E_NOT_FOUND behind the last one. */
static hf_err next_object(struct walk *walk, struct vault_object *out)
{
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    hf_err err = HF_OK;
    while ((err = store_cursor_next(walk->cursor, &key, &record)) == HF_OK) {
        size_t size = 0;
        err = vault_object_plain_size(record, &size);
        if (err == HF_OK)
            err = make_room(walk, size);
        if (err == HF_OK)
            err = vault_object_open(walk->vault, key, record, &walk->spare, out);
        if (err != HF_OK)
            return err;
        if (vault_object_is_due(out, walk->now))
            continue;
        hf_buf_init_fixed(&walk->spare, NULL, 0);
        return HF_OK;
    }
    return err;
}

static hf_err fill_page(struct walk *walk, size_t max, struct vault_page *page)
{
    struct vault_object object;
    hf_err err = HF_OK;
    while ((err = next_object(walk, &object)) == HF_OK) {
        if (page->count == max) {
            page->more = true;
            return HF_OK;
        }
        err = vault_object_newest(&object, walk->arena, &page->items[page->count]);
        if (err != HF_OK)
            return err;
        page->count++;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

hf_err vault_object_list(const struct vault *vault, const struct vault_kind *kind,
                         struct store_txn *txn, bool deleted, hf_str after, size_t max, hf_usec now,
                         struct hf_arena *arena, struct vault_page *out)
{
    if (after.n > 0 && !vault_object_name_is_valid(after))
        return HF_E_INVALID;
    struct vault_page page;
    hf_err err = new_page(arena, max, &page);
    if (err != HF_OK)
        return err;
    const struct hf_uuid *id = &vault->properties.id;
    const enum vault_state state = deleted ? VAULT_STATE_DELETED : VAULT_STATE_ACTIVE;
    const struct vault_storage_key prefix = vault_key_of_objects(id, kind->collection, state);
    const struct vault_storage_key from =
        after.n > 0 ? vault_key_of_object(id, kind->collection, state, after) : prefix;
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    err = store_cursor_open(txn, vault_storage_key_view(&prefix), vault_storage_key_view(&from),
                            true, &cursor);
    if (err != HF_OK)
        return err;
    struct walk walk = { .vault = vault, .cursor = cursor, .now = now, .arena = arena };
    hf_buf_init_fixed(&walk.spare, NULL, 0);
    err = fill_page(&walk, max, &page);
    if (err == HF_OK)
        *out = page;
    return err;
}

/* ---- versions ---- */

static hf_err fill_version_page(const struct vault *vault, struct store_cursor *cursor,
                                const struct vault_storage_key *prefix,
                                const struct vault_object *object, size_t max,
                                struct hf_arena *arena, struct vault_page *page)
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
        if (err == HF_OK)
            err = vault_version_open(vault, key, record, object, &version, arena,
                                     &page->items[page->count]);
        if (err != HF_OK)
            return err;
        page->count++;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

static hf_err list_versions_of(const struct vault *vault, const struct vault_kind *kind,
                               struct store_txn *txn, const struct vault_object *object,
                               const struct hf_uuid *after, size_t max, struct hf_arena *arena,
                               struct vault_page *page)
{
    const struct hf_uuid *id = &vault->properties.id;
    const struct vault_storage_key prefix = vault_key_of_versions(id, kind->collection,
                                                                  object->name);
    const struct vault_storage_key from =
        after != NULL ? vault_key_of_version(id, kind->collection, object->name, after) : prefix;
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, vault_storage_key_view(&prefix),
                                   vault_storage_key_view(&from), true, &cursor);
    if (err != HF_OK)
        return err;
    return fill_version_page(vault, cursor, &prefix, object, max, arena, page);
}

hf_err vault_object_list_versions(const struct vault *vault, const struct vault_kind *kind,
                                  struct store_txn *txn, hf_str name, const struct hf_uuid *after,
                                  size_t max, struct hf_arena *arena, struct vault_page *out)
{
    struct vault_page page;
    hf_err err = new_page(arena, max, &page);
    if (err != HF_OK)
        return err;
    struct vault_object object;
    err = vault_object_find(vault, kind->collection, txn, VAULT_STATE_ACTIVE, name, arena, &object);
    if (err == HF_OK)
        err = list_versions_of(vault, kind, txn, &object, after, max, arena, &page);
    else if (err == HF_E_NOT_FOUND)
        err = HF_OK; /* Key Vault REST, Get Secret Versions: an empty list */
    if (err == HF_OK)
        *out = page;
    return err;
}
