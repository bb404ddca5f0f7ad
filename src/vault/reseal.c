/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another root key: what is sealed under the old one's keys is sealed under the new one's. The keys of vaults are among it;
 * what is sealed under those stays as it is. The key of backups made so far is kept, before those of earlier root keys:
 *
 *   backup keys   key (32) of the last root key but one, of the one before, …; at most VAULT_BACKUP_KEYS_MAX
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#define KEYS_BYTES (VAULT_BACKUP_KEYS_MAX * CRYPTO_RECORD_KEY_BYTES)
/* Records of vaults are the largest of the classes that are gone through. */
#define SEALED_MAX_BYTES (VAULT_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES)

static const uint8_t keys_place[] = { STORE_CLASS_BACKUP_KEYS };

struct reseal {
    struct store_txn *txn;
    struct crypto_record_key *from;
    struct crypto_record_key *to;
    const uint8_t *seed;
};

/* ---- keys of earlier backups ---- */

/* Keys, newest first, appended to plain; nothing if there are none. */
static hf_err read_keys(struct crypto_record_key *key, struct store_txn *txn, struct hf_buf *plain)
{
    const hf_bytes place = { keys_place, sizeof(keys_place) };
    const size_t before = plain->n;
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, place, &record);
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_OK : err;
    err = crypto_record_open(key, place, VAULT_BACKUP_KEYS_FORMAT, record, plain);
    const size_t n = plain->n - before;
    if (err == HF_E_TOO_LARGE ||
        (err == HF_OK && (n == 0 || n > KEYS_BYTES || n % CRYPTO_RECORD_KEY_BYTES != 0)))
        return HF_E_CORRUPT;
    return err;
}

hf_err vault_backup_keys_load(struct vault_engine *engine, struct store_txn *txn)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, KEYS_BYTES);
    hf_err err = read_keys(engine->key, txn, &plain);
    for (size_t at = 0; err == HF_OK && at < plain.n; at += CRYPTO_RECORD_KEY_BYTES) {
        err = hf_secret_from_bytes((hf_bytes){ plain.p + at, CRYPTO_RECORD_KEY_BYTES },
                                   &engine->earlier_keys[engine->earlier_count]);
        engine->earlier_count += err == HF_OK;
    }
    return err;
}

/* The old root key's comes first; what is too much falls out at the end. */
static hf_err keep_backup_key(const struct reseal *reseal, const struct hf_secret *old_root)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *old = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    HF_CLEANUP(hf_buf_done) struct hf_buf sealed;
    hf_buf_init_secret(&plain, KEYS_BYTES + CRYPTO_RECORD_KEY_BYTES);
    hf_buf_init(&sealed, KEYS_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES);
    const hf_bytes place = { keys_place, sizeof(keys_place) };
    hf_err err = vault_backup_key_derive(old_root, &old);
    if (err != HF_OK)
        return err;
    hf_buf_put_secret(&plain, old);
    err = read_keys(reseal->from, reseal->txn, &plain);
    if (err == HF_OK)
        err = hf_buf_err(&plain);
    if (err != HF_OK)
        return err;
    const hf_bytes kept = { plain.p, plain.n < KEYS_BYTES ? plain.n : KEYS_BYTES };
    err = vault_seal_seeded(reseal->to, place, VAULT_BACKUP_KEYS_FORMAT, reseal->seed, kept,
                            &sealed);
    return err == HF_OK ? store_put(reseal->txn, place, hf_buf_view(&sealed)) : err;
}

/* ---- the records ---- */

/* The cursor finds its place again after each change: see store.h. */
static hf_err reseal_class(const struct reseal *reseal, enum store_class class)
{
    const uint8_t prefix[] = { (uint8_t) class };
    uint8_t memory[SEALED_MAX_BYTES];
    struct hf_buf sealed;
    hf_buf_init_fixed(&sealed, memory, sizeof(memory));
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(reseal->txn, (hf_bytes){ prefix, sizeof(prefix) },
                                   (hf_bytes){ NULL, 0 }, false, &cursor);
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    while (err == HF_OK && (err = store_cursor_next(cursor, &key, &record)) == HF_OK) {
        hf_buf_reset(&sealed);
        err = crypto_record_reseal(reseal->from, reseal->to, key, reseal->seed, record, &sealed);
        if (err == HF_E_TOO_LARGE)
            return HF_E_CORRUPT;
        if (err == HF_OK)
            err = store_put(reseal->txn, key, hf_buf_view(&sealed));
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

hf_err vault_reseal(struct store_txn *txn, const struct hf_secret *old_root,
                    const struct hf_secret *new_root, const uint8_t seed[CRYPTO_RECORD_SEED_BYTES])
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *from = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *to = NULL;
    hf_err err = vault_record_key_derive(old_root, &from);
    if (err == HF_OK)
        err = vault_record_key_derive(new_root, &to);
    const struct reseal reseal = { .txn = txn, .from = from, .to = to, .seed = seed };
    if (err == HF_OK)
        err = reseal_class(&reseal, STORE_CLASS_VAULT);
    if (err == HF_OK)
        err = reseal_class(&reseal, STORE_CLASS_PURGE_DUE);
    return err == HF_OK ? keep_backup_key(&reseal, old_root) : err;
}
