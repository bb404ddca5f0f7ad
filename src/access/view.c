/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's view: its record key, signing keys and verified tokens. All of that is good for one generation, which the
 * view reads from the very snapshot that it is asked about: so a cache can never be newer or older than what it answers for.
 */
#include "access/internal.h"

#include <stdlib.h>

hf_err access_view_new(struct access_engine *engine, struct access_view **out)
{
    struct access_view *view = (struct access_view *)calloc(1, sizeof(*view));
    if (view == NULL)
        return HF_E_NOMEM;
    view->engine = engine;
    hf_err err = crypto_record_key_dup(engine->record_key, &view->record_key);
    if (err == HF_OK)
        err = crypto_record_key_keep(view->record_key);
    if (err != HF_OK) {
        access_view_free(view);
        return err;
    }
    *out = view;
    return HF_OK;
}

void access_view_free(struct access_view *view)
{
    if (view == NULL)
        return;
    access_cache_clear(&view->cache);
    access_known_clear(view->known);
    access_signing_keys_done(&view->keys);
    crypto_record_key_free(view->record_key);
    free(view);
}

hf_err access_view_sync(struct access_view *view, struct store_txn *txn)
{
    uint64_t generation = 0;
    hf_err err = access_generation_read(txn, &generation);
    if (err != HF_OK)
        return err;
    if (view->synced && view->generation == generation)
        return HF_OK;
    access_cache_clear(&view->cache);
    access_known_clear(view->known);
    view->keys_loaded = false;
    view->generation = generation;
    view->synced = true;
    return HF_OK;
}

hf_err access_view_signing_keys(struct access_view *view, struct store_txn *txn,
                                const struct access_signing_keys **out)
{
    hf_err err = access_view_sync(view, txn);
    if (err != HF_OK)
        return err;
    if (!view->keys_loaded) {
        struct access_signing_keys keys = { NULL, 0 };
        err = access_signing_keys_load(view, txn, &view->keys, &keys);
        if (err != HF_OK)
            return err;
        access_signing_keys_done(&view->keys);
        view->keys = keys;
        view->keys_loaded = true;
    }
    *out = &view->keys;
    return HF_OK;
}
