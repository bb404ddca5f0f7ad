/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another root key: all records of access/ are sealed under one key derived from it, and sealed anew under the new one's.
 */
#include "access/internal.h"

struct reseal {
    struct store_txn *txn;
    struct crypto_record_key *from;
    struct crypto_record_key *to;
    const uint8_t *seed;
    struct hf_buf sealed; /* of one record */
};

/* The cursor finds its place again after each change: see store.h. */
HF_MUST static hf_err reseal_class(struct reseal *reseal, enum store_class class)
{
    const struct access_key prefix = access_key_class(class);
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(reseal->txn, access_key_view(&prefix), (hf_bytes){ NULL, 0 },
                                   false, &cursor);
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    while (err == HF_OK && (err = store_cursor_next(cursor, &key, &record)) == HF_OK) {
        hf_buf_reset(&reseal->sealed);
        err = crypto_record_reseal(reseal->from, reseal->to, key, reseal->seed, record,
                                   &reseal->sealed);
        if (err == HF_E_TOO_LARGE)
            return HF_E_CORRUPT;
        if (err == HF_OK)
            err = store_put(reseal->txn, key, hf_buf_view(&reseal->sealed));
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* All but STORE_CLASS_TENANT: the generation of caches is not sealed. */
HF_MUST static hf_err reseal_all(struct reseal *reseal)
{
    static const enum store_class classes[] = {
        STORE_CLASS_PRINCIPAL,  STORE_CLASS_CLIENT,      STORE_CLASS_CREDENTIAL,
        STORE_CLASS_ASSIGNMENT, STORE_CLASS_SIGNING_KEY,
    };
    hf_err err = HF_OK;
    for (size_t i = 0; i < HF_ARRAY_LEN(classes) && err == HF_OK; i++)
        err = reseal_class(reseal, classes[i]);
    return err;
}

hf_err access_reseal(struct store_txn *txn, const struct hf_secret *old_root,
                     const struct hf_secret *new_root, const uint8_t seed[CRYPTO_RECORD_SEED_BYTES])
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *from = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *to = NULL;
    hf_err err = access_record_key_derive(old_root, &from);
    if (err == HF_OK)
        err = access_record_key_derive(new_root, &to);
    if (err != HF_OK)
        return err;
    struct reseal reseal = { .txn = txn, .from = from, .to = to, .seed = seed };
    hf_buf_init(&reseal.sealed, ACCESS_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES);
    err = reseal_all(&reseal);
    hf_buf_done(&reseal.sealed);
    return err;
}
