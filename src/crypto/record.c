/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening of stored records. Each request opens several, so the contexts are prepared once per thread's key:
 * the HMAC is keyed already, the cipher chosen already, and the keys derived last may be kept (record_keys.c).
 */
#include "crypto/record.h"

#include "base/assert.h"
#include "crypto/internal.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_MAGIC 'H'
#define RECORD_TAG_BYTES 16
#define RECORD_HEADER_BYTES 2 /* magic, format version */
#define SMALL_DATA_BYTES 256
#define RECORD_NONCE_AT RECORD_HEADER_BYTES
#define RECORD_CIPHERTEXT_AT (RECORD_NONCE_AT + CRYPTO_RECORD_NONCE_BYTES)

_Static_assert(CRYPTO_RECORD_OVERHEAD_BYTES == RECORD_CIPHERTEXT_AT + RECORD_TAG_BYTES,
               "the layout in record.h");

/* One thread at a time. */
struct crypto_record_key {
    struct hf_secret *parent; /* immutable, so that another thread may dup the key meanwhile */
    EVP_MAC_CTX *mac;         /* HMAC-SHA-256, keyed with parent */
    EVP_CIPHER_CTX *cipher;   /* holds the last record's key until the next or the end */
    struct crypto_record_keys *known; /* NULL: nothing is kept */
    uint64_t owner;                   /* our number in known */
    bool owns_known;
};

/* What the tag covers beside the ciphertext, and how long both are. */
struct record_call {
    hf_bytes storage_key;
    uint8_t header[RECORD_HEADER_BYTES];
    int storage_key_size;
    int text_size; /* of plaintext and ciphertext alike */
};

HF_MUST static hf_err prepare_call(hf_bytes storage_key, uint8_t format, size_t text_size,
                                   struct record_call *out)
{
    out->storage_key = storage_key;
    out->header[0] = RECORD_MAGIC;
    out->header[1] = format;
    if (!hf_int_from_size(storage_key.n, &out->storage_key_size) ||
        !hf_int_from_size(text_size, &out->text_size))
        return HF_E_TOO_LARGE;
    return HF_OK;
}

void crypto_record_key_free(struct crypto_record_key *key)
{
    if (key == NULL)
        return;
    if (key->known != NULL)
        crypto_record_keys_forget(key->known, key->owner);
    if (key->owns_known)
        crypto_record_keys_free(key->known);
    EVP_CIPHER_CTX_free(key->cipher);
    EVP_MAC_CTX_free(key->mac);
    hf_secret_free(key->parent);
    free(key);
}

hf_err crypto_record_key_new(const struct hf_secret *parent, struct crypto_record_key **out)
{
    HF_CLEANUP(crypto_record_key_freep)
    struct crypto_record_key *key = calloc(1, sizeof(*key));
    if (key == NULL)
        return HF_E_NOMEM;
    hf_err err = crypto_kdf_prepare(parent, &key->mac);
    if (err != HF_OK)
        return err;
    err = hf_secret_from_bytes(hf_secret_view(parent), &key->parent);
    if (err != HF_OK)
        return err;
    key->cipher = EVP_CIPHER_CTX_new();
    if (key->cipher == NULL ||
        EVP_CipherInit_ex2(key->cipher, crypto_algorithms()->aes_256_gcm, NULL, NULL, 0, NULL) != 1)
        return crypto_err_take("record");
    *out = hf_take(&key);
    return HF_OK;
}

hf_err crypto_record_key_dup(const struct crypto_record_key *key, struct crypto_record_key **out)
{
    return crypto_record_key_new(key->parent, out);
}

hf_err crypto_record_key_keep(struct crypto_record_key *key)
{
    HF_ASSERT(key->known == NULL);
    hf_err err = crypto_record_keys_new(&key->known);
    if (err != HF_OK)
        return err;
    key->owns_known = true;
    key->owner = crypto_record_keys_join(key->known);
    return HF_OK;
}

void crypto_record_key_keep_with(struct crypto_record_key *key,
                                 const struct crypto_record_key *keeper)
{
    HF_ASSERT(key->known == NULL && keeper->owns_known);
    key->known = keeper->known;
    key->owner = crypto_record_keys_join(key->known);
}

/*
 * The associated data, at once if it is small: each call costs more than what it brings. libcrypto takes a null input for
 * the end of the message, so an empty storage key must not be passed on alone.
 */
static bool add_associated_data(EVP_CIPHER_CTX *cipher, const struct record_call *call)
{
    uint8_t memory[SMALL_DATA_BYTES];
    struct hf_buf joined;
    hf_buf_init_fixed(&joined, memory, sizeof(memory));
    hf_buf_put(&joined, call->header, RECORD_HEADER_BYTES);
    hf_buf_put_bytes(&joined, call->storage_key);
    int n = 0;
    if (hf_buf_err(&joined) == HF_OK)
        return EVP_CipherUpdate(cipher, NULL, &n, joined.p,
                                RECORD_HEADER_BYTES + call->storage_key_size) == 1;
    return EVP_CipherUpdate(cipher, NULL, &n, call->header, RECORD_HEADER_BYTES) == 1 &&
           EVP_CipherUpdate(cipher, NULL, &n, call->storage_key.p, call->storage_key_size) == 1;
}

/* Derives the record's key, and keeps it for the next time. */
HF_MUST static hf_err derive(struct crypto_record_key *key, hf_bytes storage_key,
                             uint8_t out[CRYPTO_SHA256_BYTES])
{
    hf_err err = crypto_kdf_derive(key->mac, HF_LIT("holdfast record v1"), storage_key, out);
    if (err == HF_OK && key->known != NULL)
        crypto_record_keys_put(key->known, key->owner, storage_key, out);
    return err;
}

/* Readies the cipher for one record: derived key, nonce, associated data. */
HF_MUST static hf_err begin(struct crypto_record_key *key, const struct record_call *call,
                            const uint8_t *nonce, bool sealing)
{
    HF_CLEAN_SECRET(derived, CRYPTO_SHA256_BYTES);
    const uint8_t *record_key = NULL;
    if (key->known != NULL)
        record_key = crypto_record_keys_find(key->known, key->owner, call->storage_key);
    if (record_key == NULL) {
        hf_err err = derive(key, call->storage_key, derived);
        if (err != HF_OK)
            return err;
        record_key = derived;
    }
    if (EVP_CipherInit_ex2(key->cipher, NULL, record_key, nonce, sealing ? 1 : 0, NULL) != 1 ||
        !add_associated_data(key->cipher, call))
        return crypto_err_take("record");
    return HF_OK;
}

HF_MUST static hf_err encrypt(struct crypto_record_key *key, const struct record_call *call,
                              const uint8_t *plain, uint8_t *ciphertext)
{
    int n = 0;
    if (call->text_size > 0 &&
        EVP_CipherUpdate(key->cipher, ciphertext, &n, plain, call->text_size) != 1)
        return crypto_err_take("record");
    uint8_t *tag = ciphertext + call->text_size;
    if (EVP_CipherFinal_ex(key->cipher, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(key->cipher, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG_BYTES, tag) != 1)
        return crypto_err_take("record");
    return HF_OK;
}

hf_err crypto_record_seal(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                          const uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES], hf_bytes plain,
                          struct hf_buf *out)
{
    struct record_call call = { 0 };
    hf_err err = prepare_call(storage_key, format, plain.n, &call);
    if (err != HF_OK)
        return err;
    size_t size = CRYPTO_RECORD_OVERHEAD_BYTES + plain.n;
    uint8_t *record = hf_buf_reserve(out, size);
    if (record == NULL)
        return hf_buf_err(out);
    err = begin(key, &call, nonce, true);
    if (err != HF_OK)
        return err;
    memcpy(record, call.header, RECORD_HEADER_BYTES);
    memcpy(record + RECORD_NONCE_AT, nonce, CRYPTO_RECORD_NONCE_BYTES);
    err = encrypt(key, &call, plain.p, record + RECORD_CIPHERTEXT_AT);
    if (err != HF_OK)
        return err;
    hf_buf_commit(out, size);
    return HF_OK;
}

hf_err crypto_record_seal_secret(struct crypto_record_key *key, hf_bytes storage_key,
                                 uint8_t format, const uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES],
                                 const struct hf_secret *plain, struct hf_buf *out)
{
    return crypto_record_seal(key, storage_key, format, nonce, hf_secret_view(plain), out);
}

hf_err crypto_record_format(hf_bytes record, uint8_t *out)
{
    if (record.n < CRYPTO_RECORD_OVERHEAD_BYTES || record.p[0] != RECORD_MAGIC)
        return HF_E_CORRUPT;
    *out = record.p[1];
    return HF_OK;
}

/* Checks what comes before decryption, and tells how long the plaintext is. */
HF_MUST static hf_err check_record(hf_bytes record, uint8_t format, size_t *out_plain_size)
{
    uint8_t found = 0;
    hf_err err = crypto_record_format(record, &found);
    if (err != HF_OK)
        return err;
    if (found != format)
        return HF_E_FORMAT;
    *out_plain_size = record.n - CRYPTO_RECORD_OVERHEAD_BYTES;
    return HF_OK;
}

HF_MUST static hf_err decrypt(struct crypto_record_key *key, const struct record_call *call,
                              const uint8_t *ciphertext, uint8_t *plain)
{
    uint8_t tag[RECORD_TAG_BYTES]; /* the interface wants it writable */
    memcpy(tag, ciphertext + call->text_size, RECORD_TAG_BYTES);
    int n = 0;
    if (EVP_CIPHER_CTX_ctrl(key->cipher, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG_BYTES, tag) != 1)
        return crypto_err_take("record");
    if (call->text_size > 0 &&
        EVP_CipherUpdate(key->cipher, plain, &n, ciphertext, call->text_size) != 1)
        return crypto_err_refuse("record", HF_E_CORRUPT);
    if (EVP_CipherFinal_ex(key->cipher, tag, &n) != 1)
        return crypto_err_refuse("record", HF_E_CORRUPT);
    return HF_OK;
}

/* plain has room for the record's plaintext; it is wiped on failure, since nothing in it is authentic. */
HF_MUST static hf_err open_into(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                                hf_bytes record, size_t plain_size, uint8_t *plain)
{
    struct record_call call = { 0 };
    hf_err err = prepare_call(storage_key, format, plain_size, &call);
    if (err != HF_OK)
        return err;
    err = begin(key, &call, record.p + RECORD_NONCE_AT, false);
    if (err != HF_OK)
        return err;
    err = decrypt(key, &call, record.p + RECORD_CIPHERTEXT_AT, plain);
    if (err != HF_OK)
        hf_wipe(plain, plain_size);
    return err;
}

hf_err crypto_record_open(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                          hf_bytes record, struct hf_buf *out)
{
    size_t plain_size = 0;
    hf_err err = check_record(record, format, &plain_size);
    if (err != HF_OK)
        return err;
    uint8_t nothing = 0; /* an empty buffer need not have memory for an empty text */
    uint8_t *plain = plain_size > 0 ? hf_buf_reserve(out, plain_size) : &nothing;
    if (plain == NULL)
        return hf_buf_err(out);
    err = open_into(key, storage_key, format, record, plain_size, plain);
    if (err != HF_OK)
        return err;
    if (plain_size > 0)
        hf_buf_commit(out, plain_size);
    return hf_buf_err(out);
}

hf_err crypto_record_open_kept(struct crypto_record_key *key, hf_bytes storage_key, uint8_t format,
                               hf_bytes record, struct hf_buf *out)
{
    size_t plain_size = 0;
    hf_bytes plain = { NULL, 0 };
    hf_err err = check_record(record, format, &plain_size);
    if (err != HF_OK)
        return err;
    if (key->known != NULL &&
        crypto_record_keys_find_plain(key->known, key->owner, storage_key, record, &plain)) {
        hf_buf_put_bytes(out, plain);
        return hf_buf_err(out);
    }
    const size_t before = out->n;
    err = crypto_record_open(key, storage_key, format, record, out);
    if (err == HF_OK && plain_size > 0 && key->known != NULL)
        crypto_record_keys_put_plain(key->known, key->owner, storage_key, record,
                                     (hf_bytes){ out->p + before, out->n - before });
    return err;
}

hf_err crypto_record_open_secret(struct crypto_record_key *key, hf_bytes storage_key,
                                 uint8_t format, hf_bytes record, struct hf_secret **out)
{
    size_t plain_size = 0;
    hf_err err = check_record(record, format, &plain_size);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    err = hf_secret_new(plain_size, &secret);
    if (err != HF_OK)
        return err;
    err = open_into(key, storage_key, format, record, plain_size, hf_secret_edit(secret));
    if (err != HF_OK)
        return err;
    *out = hf_take(&secret);
    return HF_OK;
}

/* The storage key's length keeps it apart from the plaintext. */
HF_MUST static hf_err compute_nonce(const uint8_t *seed, hf_bytes storage_key,
                                    const struct hf_secret *plain,
                                    uint8_t out[CRYPTO_RECORD_NONCE_BYTES])
{
    uint8_t length_bytes[sizeof(uint32_t)];
    struct hf_buf length;
    uint32_t n = 0;
    if (!hf_u32_from_size(storage_key.n, &n))
        return HF_E_TOO_LARGE;
    hf_buf_init_fixed(&length, length_bytes, sizeof(length_bytes));
    hf_buf_put_u32(&length, n);
    const hf_bytes parts[] = {
        { seed, CRYPTO_RECORD_SEED_BYTES }, hf_buf_view(&length), storage_key, hf_secret_view(plain)
    };
    HF_CLEAN_SECRET(digest, CRYPTO_SHA256_BYTES);
    hf_err err = crypto_sha256(parts, HF_ARRAY_LEN(parts), digest);
    if (err == HF_OK)
        memcpy(out, digest, CRYPTO_RECORD_NONCE_BYTES);
    return err;
}

hf_err crypto_record_reseal(struct crypto_record_key *from, struct crypto_record_key *to,
                            hf_bytes storage_key, const uint8_t seed[CRYPTO_RECORD_SEED_BYTES],
                            hf_bytes record, struct hf_buf *out)
{
    uint8_t format = 0;
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    HF_CLEANUP(hf_secret_freep) struct hf_secret *plain = NULL;
    hf_err err = crypto_record_format(record, &format);
    if (err == HF_OK)
        err = crypto_record_open_secret(from, storage_key, format, record, &plain);
    if (err == HF_OK)
        err = compute_nonce(seed, storage_key, plain, nonce);
    return err == HF_OK ? crypto_record_seal_secret(to, storage_key, format, nonce, plain, out)
                        : err;
}
