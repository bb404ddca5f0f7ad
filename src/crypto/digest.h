/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-2 digests of what is too long to hold in memory.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

struct crypto_digest;

/* digest_bytes: 32, 48 or 64, for SHA-256, SHA-384 and SHA-512. Fails: HF_E_UNSUPPORTED (other lengths), HF_E_NOMEM. */
HF_MUST hf_err crypto_digest_new(size_t digest_bytes, struct crypto_digest **out);
/* NULL is fine. */
void crypto_digest_free(struct crypto_digest *digest);
HF_DEFINE_FREEP(struct crypto_digest, crypto_digest_free)

HF_MUST hf_err crypto_digest_add(struct crypto_digest *digest, hf_bytes part);
/* Appends the digest of all parts; then nothing can be added any more. */
HF_MUST hf_err crypto_digest_end(struct crypto_digest *digest, struct hf_buf *out);
