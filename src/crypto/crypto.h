/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of the cryptographic library, random bytes, digests and key derivation.
 */
#pragma once

#include "base/bytes.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/secret.h"

/*
 * Once per process, before threads and before any other use of libcrypto, also by other libraries (libssl, libcurl): makes
 * the library clear what it frees, and fetches the algorithms that the request path uses. A second call does nothing.
 * Fails: HF_E_UNSUPPORTED naming what the provider lacks, HF_E_INTERNAL if libcrypto has been used already.
 */
HF_MUST hf_err crypto_init(struct hf_diag *diag);

/* From the system's generator through the library's DRBG. Fails: HF_E_INTERNAL; the output is zeroed then. */
HF_MUST hf_err crypto_random(void *out, size_t n);
/* Whether random bytes come at once: the system's generator has been seeded since the machine's start, and the library's too. */
bool crypto_random_is_ready(void);
/* Version 4, RFC 9562. */
HF_MUST hf_err crypto_random_uuid(struct hf_uuid *out);
/* n random bytes in secret memory. */
HF_MUST hf_err crypto_random_secret(size_t n, struct hf_secret **out);

#define CRYPTO_SHA1_BYTES 20
#define CRYPTO_SHA256_BYTES 32

/* Digests of the parts as if joined. */
HF_MUST hf_err crypto_sha256(const hf_bytes *parts, size_t count, uint8_t out[CRYPTO_SHA256_BYTES]);
HF_MUST hf_err crypto_sha256_secret(const struct hf_secret *data, uint8_t out[CRYPTO_SHA256_BYTES]);
/* For certificate thumbprints only. */
HF_MUST hf_err crypto_sha1(hf_bytes data, uint8_t out[CRYPTO_SHA1_BYTES]);

/*
 * 32 bytes derived from a 32-byte key: KDF in counter mode, HMAC-SHA-256, one block (NIST SP 800-108r1 §4.1):
 * HMAC(key, 0x00000001 || label || 0x00 || context || 0x00000100).
 */
HF_MUST hf_err crypto_kdf(const struct hf_secret *key, hf_str label, hf_bytes context,
                          struct hf_secret **out);

#define CRYPTO_ARGON2_KEY_BYTES 32
#define CRYPTO_ARGON2_LANES_MAX 0xffffff /* RFC 9106 */

struct crypto_argon2id_cost {
    uint32_t memory_kib; /* at least 8 for each lane */
    uint32_t passes;     /* from 1 */
    uint32_t lanes;      /* from 1 */
};
/*
 * 32 bytes from a passphrase: Argon2id version 0x13, RFC 9106, without secret and associated data. Takes the memory and the time
 * that cost says: bound it before. salt: 8 bytes or more. Fails: HF_E_UNSUPPORTED (neither libcrypto nor this build has it),
 * HF_E_RANGE (cost, salt), HF_E_NOMEM, HF_E_INTERNAL.
 */
HF_MUST hf_err crypto_argon2id(const struct hf_secret *passphrase, hf_bytes salt,
                               const struct crypto_argon2id_cost *cost, struct hf_secret **out);
