/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long text sealed in chunks that cannot be reordered, dropped, cut off or added to (the STREAM construction of Hoang,
 * Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015).
 *
 *   chunk = ciphertext || tag (16)                                                       AES-256-GCM, SP 800-38D
 *   nonce = 00000000 || index (8 bytes, big-endian, from 0)
 *   aad   = "holdfast stream v1" || context (32) || 1 for the last chunk, else 0
 *
 * Nonces are counted, so each text needs a random key of its own. context ties the chunks to what comes before them, such as the
 * digest of a file's header.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#define CRYPTO_STREAM_KEY_BYTES 32
#define CRYPTO_STREAM_CONTEXT_BYTES 32
#define CRYPTO_STREAM_OVERHEAD_BYTES 16

struct crypto_stream;

/* key: 32 bytes, for this one text. Fails: HF_E_INVALID (other length), HF_E_NOMEM, HF_E_INTERNAL. */
HF_MUST hf_err crypto_stream_new(const struct hf_secret *key,
                                 const uint8_t context[CRYPTO_STREAM_CONTEXT_BYTES],
                                 struct crypto_stream **out);
void crypto_stream_free(struct crypto_stream *stream);
HF_DEFINE_FREEP(struct crypto_stream, crypto_stream_free)

/*
 * Appends the next chunk, sealed; nothing follows the last one. Fails: HF_E_TOO_LARGE (out's maximum), HF_E_NOMEM, HF_E_INTERNAL;
 * the stream is of no use then.
 */
HF_MUST hf_err crypto_stream_seal(struct crypto_stream *stream, bool is_last, hf_bytes plain,
                                  struct hf_buf *out);
/* Appends what is in the chunk that is number `index`. Fails: HF_E_CORRUPT (does not authenticate in this place). */
HF_MUST hf_err crypto_stream_open(struct crypto_stream *stream, uint64_t index, bool is_last,
                                  hf_bytes sealed, struct hf_buf *out);
