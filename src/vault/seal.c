/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening of this layer's records, and where their nonces come from.
 *
 * A record that is made before its command is submitted gets a random nonce. A record that depends
 * on the state found by apply can't be sealed before, and its nonce must not be drawn in apply
 * either: a command gives the same result on every node and in every run. A nonce carried as it is
 * would be unsafe. apply may run again after the map grew, on the same storage key with another
 * plaintext, while pages of the first run may have reached the disk already; that is two plaintexts
 * under one key and nonce. So the command carries a random seed, and
 *
 *   nonce = first 12 bytes of SHA-256(seed || length of storage key (4) || storage key || plaintext)
 *
 * The same plaintext gives the same record, which tells nothing new; another plaintext gives
 * another nonce. The seed is not stored, so the nonce says nothing about the plaintext. One seed
 * serves all records of a command.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#include <string.h>

#define KEY_LENGTH_BYTES 4

hf_err vault_seal_drawn(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                        hf_bytes plain, struct hf_buf *out)
{
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    hf_err err = crypto_random(nonce, sizeof(nonce));
    if (err != HF_OK)
        return err;
    return crypto_record_seal(key, storage_key, format, nonce, plain, out);
}

hf_err vault_seal_drawn_arena(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                              hf_bytes plain, struct hf_arena *arena, hf_bytes *out)
{
    struct hf_buf buf;
    hf_err err = vault_arena_buf(arena, plain.n + CRYPTO_RECORD_OVERHEAD_BYTES, &buf);
    if (err != HF_OK)
        return err;
    err = vault_seal_drawn(key, storage_key, format, plain, &buf);
    if (err != HF_OK)
        return err;
    *out = hf_buf_view(&buf);
    return HF_OK;
}

static hf_err compute_nonce(const uint8_t seed[VAULT_SEED_BYTES], hf_bytes storage_key,
                            hf_bytes plain, uint8_t out[CRYPTO_RECORD_NONCE_BYTES])
{
    uint8_t length_bytes[KEY_LENGTH_BYTES];
    struct hf_buf length;
    uint32_t n = 0;
    if (!hf_u32_from_size(storage_key.n, &n))
        return HF_E_TOO_LARGE;
    hf_buf_init_fixed(&length, length_bytes, sizeof(length_bytes));
    hf_buf_put_u32(&length, n);
    const hf_bytes parts[] = {
        { seed, VAULT_SEED_BYTES }, hf_buf_view(&length), storage_key, plain
    };
    HF_CLEAN_SECRET(digest, CRYPTO_SHA256_BYTES);
    hf_err err = crypto_sha256(parts, HF_ARRAY_LEN(parts), digest);
    if (err != HF_OK)
        return err;
    memcpy(out, digest, CRYPTO_RECORD_NONCE_BYTES);
    return HF_OK;
}

hf_err vault_seal_seeded(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                         const uint8_t seed[VAULT_SEED_BYTES], hf_bytes plain, struct hf_buf *out)
{
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES] = { 0 };
    hf_err err = compute_nonce(seed, storage_key, plain, nonce);
    if (err != HF_OK)
        return err;
    return crypto_record_seal(key, storage_key, format, nonce, plain, out);
}

hf_err vault_arena_buf(struct hf_arena *arena, size_t n, struct hf_buf *out)
{
    void *memory = hf_arena_alloc(arena, n > 0 ? n : 1);
    if (memory == NULL)
        return HF_E_NOMEM;
    hf_buf_init_fixed(out, memory, n);
    return HF_OK;
}

hf_err vault_open_arena(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                        hf_bytes record, struct hf_arena *arena, hf_bytes *out)
{
    if (record.n < CRYPTO_RECORD_OVERHEAD_BYTES)
        return HF_E_CORRUPT;
    struct hf_buf buf;
    hf_err err = vault_arena_buf(arena, record.n - CRYPTO_RECORD_OVERHEAD_BYTES, &buf);
    if (err != HF_OK)
        return err;
    err = crypto_record_open_kept(key, storage_key, format, record, &buf);
    if (err != HF_OK)
        return err;
    *out = hf_buf_view(&buf);
    return HF_OK;
}
