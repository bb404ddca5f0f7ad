/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing of stored records, the one way plaintext goes to disk. Each record is sealed under its own key, derived from a
 * parent key (the root key or a vault key) and the record's full storage key; the storage key and the format version are also the
 * associated data. So no ciphertext can be moved, swapped or replayed under another name.
 *
 *   record = magic 'H' (1) || format version (1) || nonce (12) || ciphertext || tag (16)        AES-256-GCM, SP 800-38D
 *   key    = KDF(parent, "holdfast record v1", storage key)
 *   aad    = magic || format version || storage key
 *
 * Threads: a crypto_record_key is used by one thread at a time; make one per thread with crypto_record_key_dup().
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#define CRYPTO_RECORD_KEY_BYTES 32
#define CRYPTO_RECORD_NONCE_BYTES 12
#define CRYPTO_RECORD_OVERHEAD_BYTES 30

struct crypto_record_key;

/* parent: 32 bytes, copied. */
HF_MUST hf_err crypto_record_key_new(const struct hf_secret *parent,
                                     struct crypto_record_key **out);
HF_MUST hf_err crypto_record_key_dup(const struct crypto_record_key *key,
                                     struct crypto_record_key **out);
/*
 * Keeps what key derives and opens again and again: 180 KB, 64 of them of secret memory. For keys that many records are read
 * with. Once per key. Fails: HF_E_NOMEM.
 */
HF_MUST hf_err crypto_record_key_keep(struct crypto_record_key *key);
/* The same, in the memory of keeper, which keeps already, outlives key and is of the same thread. */
void crypto_record_key_keep_with(struct crypto_record_key *key,
                                 const struct crypto_record_key *keeper);
void crypto_record_key_free(struct crypto_record_key *key);
HF_DEFINE_FREEP(struct crypto_record_key, crypto_record_key_free)

/*
 * Appends the sealed record to out. The nonce is drawn by the caller (commands carry their randomness) from crypto_random() and
 * never used twice for one storage key. Fails: HF_E_INTERNAL, HF_E_NOMEM, HF_E_TOO_LARGE (out's maximum).
 */
HF_MUST hf_err crypto_record_seal(struct crypto_record_key *key, hf_bytes storage_key,
                                  uint8_t format, const uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES],
                                  hf_bytes plain, struct hf_buf *out);
HF_MUST hf_err crypto_record_seal_secret(struct crypto_record_key *key, hf_bytes storage_key,
                                         uint8_t format,
                                         const uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES],
                                         const struct hf_secret *plain, struct hf_buf *out);

/* The format version byte, before anything is believed. Fails: HF_E_CORRUPT if too short or wrong magic. */
HF_MUST hf_err crypto_record_format(hf_bytes record, uint8_t *out);

/*
 * Opens a record of exactly this format. Fails: HF_E_FORMAT (another format version), HF_E_CORRUPT (does not authenticate),
 * HF_E_NOMEM. The first form appends to a buffer, for metadata; the second is for values and keys.
 */
HF_MUST hf_err crypto_record_open(struct crypto_record_key *key, hf_bytes storage_key,
                                  uint8_t format, hf_bytes record, struct hf_buf *out);
/*
 * As crypto_record_open(), for short records that hold no secret and are read again and again: what was opened is kept if the
 * key keeps, in secret memory, and given again for the very same bytes under the same storage key.
 */
HF_MUST hf_err crypto_record_open_kept(struct crypto_record_key *key, hf_bytes storage_key,
                                       uint8_t format, hf_bytes record, struct hf_buf *out);
HF_MUST hf_err crypto_record_open_secret(struct crypto_record_key *key, hf_bytes storage_key,
                                         uint8_t format, hf_bytes record, struct hf_secret **out);

#define CRYPTO_RECORD_SEED_BYTES 32
/*
 * Opens a record of any format and appends it to out, sealed under another key in the same format. The nonce is computed from the
 * seed (random, of the command; it is stored nowhere), the storage key and the plaintext: so a command that is run again gives
 * the same bytes, and another plaintext another nonce. Fails: HF_E_CORRUPT, HF_E_NOMEM, HF_E_TOO_LARGE (out's maximum),
 * HF_E_INTERNAL.
 */
HF_MUST hf_err crypto_record_reseal(struct crypto_record_key *from, struct crypto_record_key *to,
                                    hf_bytes storage_key,
                                    const uint8_t seed[CRYPTO_RECORD_SEED_BYTES], hf_bytes record,
                                    struct hf_buf *out);
