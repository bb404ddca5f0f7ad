/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's view of the vaults: a bounded cache of opened ones, by name. An entry is good while
 * the stored record is byte for byte the one it was opened from, which a lookup in the caller's own
 * transaction shows. So a view never tells more or less than its snapshot, and the writer sees the
 * changes of earlier commands in its batch.
 */
#include "vault/internal.h"

#include <stdlib.h>
#include <string.h>

#define VIEW_SETS 64
#define VIEW_WAYS 4 /* 256 vaults in all */

struct vault_view {
    struct vault_engine *engine;
    struct crypto_record_key *key; /* keeps, also for the cached vaults' keys */
    struct vault *cached[VIEW_SETS][VIEW_WAYS];
    uint8_t next_way[VIEW_SETS]; /* where the next one goes, in turn */
};

static void free_vault(struct vault *vault)
{
    if (vault == NULL)
        return;
    crypto_record_key_free(vault->key);
    free(vault);
}

HF_DEFINE_FREEP(struct vault, free_vault)

hf_err vault_view_new(struct vault_engine *engine, struct vault_view **out)
{
    HF_CLEANUP(vault_view_freep) struct vault_view *view = calloc(1, sizeof(*view));
    if (view == NULL)
        return HF_E_NOMEM;
    view->engine = engine;
    hf_err err = crypto_record_key_dup(engine->key, &view->key);
    if (err == HF_OK)
        err = crypto_record_key_keep(view->key);
    if (err != HF_OK)
        return err;
    *out = hf_take(&view);
    return HF_OK;
}

void vault_view_free(struct vault_view *view)
{
    if (view == NULL)
        return;
    for (size_t set = 0; set < VIEW_SETS; set++) {
        for (size_t way = 0; way < VIEW_WAYS; way++)
            free_vault(view->cached[set][way]);
    }
    crypto_record_key_free(view->key);
    free(view);
}

struct crypto_record_key *vault_view_key(struct vault_view *view)
{
    return view->key;
}

size_t vault_view_count_for_test(const struct vault_view *view)
{
    size_t count = 0;
    for (size_t set = 0; set < VIEW_SETS; set++) {
        for (size_t way = 0; way < VIEW_WAYS; way++)
            count += view->cached[set][way] != NULL ? 1 : 0;
    }
    return count;
}

/*
 * FNV-1a, without case. Someone who may create vaults gains nothing by collisions but slower reads
 * of them.
 */
static size_t set_of(hf_str name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (uint8_t)hf_lower(name.p[i])) * UINT32_C(16777619);
    return (hash ^ hash >> 16) % VIEW_SETS;
}

static struct vault **find_cached(struct vault_view *view, hf_str name)
{
    struct vault **ways = view->cached[set_of(name)];
    for (size_t way = 0; way < VIEW_WAYS; way++) {
        if (ways[way] != NULL &&
            hf_str_equal_nocase(hf_str_from_c(ways[way]->properties.name), name))
            return &ways[way];
    }
    return NULL;
}

static void forget(struct vault_view *view, hf_str name)
{
    struct vault **place = find_cached(view, name);
    if (place == NULL)
        return;
    free_vault(*place);
    *place = NULL;
}

static void keep(struct vault_view *view, struct vault *vault)
{
    const size_t set = set_of(hf_str_from_c(vault->properties.name));
    const size_t way = view->next_way[set];
    view->next_way[set] = (uint8_t)((way + 1) % VIEW_WAYS);
    free_vault(view->cached[set][way]);
    view->cached[set][way] = vault;
}

/* Opens and decodes a vault's record. *plain takes the plaintext, *out_key is a view into it. */
static hf_err open_record(struct vault_view *view, hf_bytes storage_key, hf_bytes record,
                          struct hf_buf *plain, struct vault_properties *out, hf_bytes *out_key)
{
    hf_err err = crypto_record_open(view->key, storage_key, VAULT_RECORD_FORMAT, record, plain);
    if (err == HF_E_TOO_LARGE)
        return HF_E_CORRUPT;
    if (err != HF_OK)
        return err;
    return vault_record_decode(hf_buf_view(plain), out, out_key);
}

static hf_err open_vault(struct vault_view *view, hf_bytes storage_key, hf_bytes record,
                         struct vault **out)
{
    if (record.n > VAULT_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES)
        return HF_E_CORRUPT;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_RECORD_MAX_BYTES);
    struct vault_properties properties;
    hf_bytes key_bytes = { NULL, 0 };
    hf_err err = open_record(view, storage_key, record, &plain, &properties, &key_bytes);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    err = hf_secret_from_bytes(key_bytes, &key);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(free_vaultp) struct vault *vault = calloc(1, sizeof(*vault));
    if (vault == NULL)
        return HF_E_NOMEM;
    err = crypto_record_key_new(key, &vault->key);
    if (err != HF_OK)
        return err;
    crypto_record_key_keep_with(vault->key, view->key);
    vault->engine = view->engine;
    vault->properties = properties;
    vault->record_n = record.n;
    memcpy(vault->record, record.p, record.n);
    *out = hf_take(&vault);
    return HF_OK;
}

hf_err vault_find(struct vault_view *view, struct store_txn *txn, hf_str name, struct vault **out)
{
    if (!vault_name_is_valid(name))
        return HF_E_NOT_FOUND;
    const struct vault_storage_key key = vault_key_of_vault(name);
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, vault_storage_key_view(&key), &record);
    if (err != HF_OK)
        return err;
    struct vault **place = find_cached(view, name);
    if (place != NULL &&
        hf_bytes_equal((hf_bytes){ (*place)->record, (*place)->record_n }, record)) {
        *out = *place;
        return HF_OK;
    }
    struct vault *vault = NULL;
    err = open_vault(view, vault_storage_key_view(&key), record, &vault);
    if (err != HF_OK)
        return err;
    forget(view, name);
    keep(view, vault);
    *out = vault;
    return HF_OK;
}

const struct vault_properties *vault_properties_of(const struct vault *vault)
{
    return &vault->properties;
}

static hf_err count_keys(struct store_txn *txn, hf_bytes prefix, size_t *out)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, prefix, (hf_bytes){ NULL, 0 }, false, &cursor);
    if (err != HF_OK)
        return err;
    size_t count = 0;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    while ((err = store_cursor_next(cursor, &key, &value)) == HF_OK)
        count++;
    if (err != HF_E_NOT_FOUND)
        return err;
    *out = count;
    return HF_OK;
}

static hf_err read_properties(struct vault_view *view, struct store_txn *txn, hf_bytes prefix,
                              struct vault_properties *list, size_t count)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, prefix, (hf_bytes){ NULL, 0 }, false, &cursor);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_RECORD_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        hf_bytes key = { NULL, 0 };
        hf_bytes record = { NULL, 0 };
        hf_bytes vault_key = { NULL, 0 };
        err = store_cursor_next(cursor, &key, &record);
        if (err != HF_OK)
            return err;
        hf_buf_reset(&plain);
        err = open_record(view, key, record, &plain, &list[i], &vault_key);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

hf_err vault_list(struct vault_view *view, struct store_txn *txn, struct hf_arena *arena,
                  const struct vault_properties **out, size_t *out_count)
{
    const struct vault_storage_key prefix = vault_key_of_vaults();
    size_t count = 0;
    hf_err err = count_keys(txn, vault_storage_key_view(&prefix), &count);
    if (err != HF_OK)
        return err;
    struct vault_properties *list = hf_arena_alloc_array(arena, count + 1, sizeof(*list));
    if (list == NULL)
        return HF_E_NOMEM;
    err = read_properties(view, txn, vault_storage_key_view(&prefix), list, count);
    if (err != HF_OK)
        return err;
    *out = list;
    *out_count = count;
    return HF_OK;
}
