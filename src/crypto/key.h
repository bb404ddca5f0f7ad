/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asymmetric key pairs and signatures. A private key exists as EVP_PKEY inside crypto/ only; others hold struct crypto_key
 * and ask for an operation. Immutable after creation; signing and verifying are safe from any thread.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"

struct crypto_key;

enum crypto_key_type {
    CRYPTO_KEY_RSA,
    CRYPTO_KEY_EC_P256,
    CRYPTO_KEY_EC_P384,
    CRYPTO_KEY_EC_P521,
    CRYPTO_KEY_EC_P256K, /* secp256k1 */
    CRYPTO_KEY_OCT, /* bytes, for AES and HMAC; of the functions here it has type and bits only */
};

/* RFC 7518 §3.1 */
enum crypto_signature {
    CRYPTO_RS256,
    CRYPTO_RS384,
    CRYPTO_RS512,
    CRYPTO_PS256,
    CRYPTO_PS384,
    CRYPTO_PS512,
    CRYPTO_ES256,
    CRYPTO_ES384,
    CRYPTO_ES512,
};

/* The JWA name; parse is exact. "none" and HMAC names are not in the table: HF_E_UNSUPPORTED. */
hf_str crypto_signature_name(enum crypto_signature algorithm);
HF_MUST hf_err crypto_signature_parse(hf_str name, enum crypto_signature *out);
/* The algorithm's key type (and for EC its curve) fits the key. */
bool crypto_signature_fits(enum crypto_signature algorithm, const struct crypto_key *key);

HF_MUST hf_err crypto_key_generate_rsa(int bits, struct crypto_key **out);
HF_MUST hf_err crypto_key_generate_ec(enum crypto_key_type curve, struct crypto_key **out);
void crypto_key_free(struct crypto_key *key);
HF_DEFINE_FREEP(struct crypto_key, crypto_key_free)
struct crypto_key *crypto_key_ref(struct crypto_key *key); /* one more owner; never fails */

enum crypto_key_type crypto_key_type_of(const struct crypto_key *key);
int crypto_key_bits(const struct crypto_key *key);

/* Unencrypted PKCS#8 DER. */
HF_MUST hf_err crypto_key_to_pkcs8(const struct crypto_key *key, struct hf_secret **out);
HF_MUST hf_err crypto_key_from_pkcs8(const struct hf_secret *der, struct crypto_key **out);
/* PEM private key text into a secret buffer. */
HF_MUST hf_err crypto_key_write_pem(const struct crypto_key *key, struct hf_buf *out);
HF_MUST hf_err crypto_key_from_pem(hf_bytes pem, struct crypto_key **out); /* private key */

/*
 * A public JWK (RFC 7517): RSA n, e (2048 to 8192 bit, e odd and > 1) or EC crv, x, y (point checked). Fails: HF_E_INVALID,
 * HF_E_UNSUPPORTED (other kty or crv).
 */
HF_MUST hf_err crypto_key_from_jwk(const struct hf_json *jwk, struct crypto_key **out);
/* Writes the members kty, n, e or crv, x, y into the object that w is in. */
HF_MUST hf_err crypto_key_write_jwk_members(const struct crypto_key *key, struct hf_json_writer *w);

/* Signs the message; EC signatures are r || s (RFC 7518 §3.4). Appends to out. Fails: HF_E_INVALID if it does not fit. */
HF_MUST hf_err crypto_sign(const struct crypto_key *key, enum crypto_signature algorithm,
                           hf_bytes message, struct hf_buf *out);
/* Fails: HF_E_TOKEN_SIGNATURE if it does not verify (wrong lengths included), HF_E_INVALID if the algorithm does not fit. */
HF_MUST hf_err crypto_verify(const struct crypto_key *key, enum crypto_signature algorithm,
                             hf_bytes message, hf_bytes signature);
