/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a vault: made here or brought in from outside, turned into bytes for storing and back. Their private parts leave
 * crypto/ in a struct hf_secret only. What is done with such keys is in operation.h; keys are freed and shared as in key.h.
 *
 * Threads: any.
 */
#pragma once

#include "crypto/key.h"

enum crypto_key_family {
    CRYPTO_FAMILY_RSA,
    CRYPTO_FAMILY_EC,
    CRYPTO_FAMILY_OCT,
};
enum crypto_key_family crypto_key_family_of(enum crypto_key_type type);

/* "P-256", "P-384", "P-521", "P-256K". The name of a type that is no curve is empty; parse is exact: HF_E_UNSUPPORTED. */
hf_str crypto_curve_name(enum crypto_key_type type);
HF_MUST hf_err crypto_curve_parse(hf_str name, enum crypto_key_type *out);

#define CRYPTO_OCT_MAX_BYTES 64 /* of an imported key; made ones have 16, 24 or 32 */

struct crypto_key_spec {
    enum crypto_key_type type;
    int bits;          /* RSA: 2048, 3072 or 4096; OCT: 128, 192 or 256; ignored for EC */
    uint32_t exponent; /* RSA: 3 or 65537; 0 means 65537 */
};
/*
 * Makes a key. An RSA key takes from a tenth of a second (2048 bit) to several seconds (4096): not on a loop's thread.
 * Fails: HF_E_INVALID with diag->field "key_size" or "public_exponent".
 */
HF_MUST hf_err crypto_key_generate(const struct crypto_key_spec *spec, struct hf_diag *diag,
                                   struct crypto_key **out);

/*
 * A private JWK (RFC 7517, RFC 7518 §6), read strictly: RSA n, e, d, p, q, dp, dq, qi of 2048, 3072 or 4096 bit; EC crv, x, y, d;
 * oct k of 1 to 64 bytes. kty is the caller's business. Numbers may have zero bytes in front, and EC numbers may be shorter than
 * the field, because client libraries send them so; x, y and d must be the key they say. Slow for RSA (p and q are tested).
 * Fails: HF_E_INVALID with diag->field naming the member, also for an unknown crv.
 */
HF_MUST hf_err crypto_key_import_jwk(enum crypto_key_family family, const struct hf_json *jwk,
                                     struct hf_diag *diag, struct crypto_key **out);
/* The same from unencrypted PKCS#8 DER, and from the bytes of an oct key. diag->field is a JWK member's name or empty. */
HF_MUST hf_err crypto_key_import_pkcs8(const struct hf_secret *der, struct hf_diag *diag,
                                       struct crypto_key **out);
HF_MUST hf_err crypto_key_import_octets(const struct hf_secret *octets, struct hf_diag *diag,
                                        struct crypto_key **out);

/*
 * The private key as bytes to be sealed and stored: PKCS#8 DER, or the bytes of an oct key. Back: every relation between the
 * numbers is checked again except that the primes are prime, and that the key has the type and bits that were stored beside it.
 * to fails: HF_E_INVALID (public key); from fails: HF_E_CORRUPT.
 */
HF_MUST hf_err crypto_key_to_material(const struct crypto_key *key, struct hf_secret **out);
HF_MUST hf_err crypto_key_from_material(enum crypto_key_type type, int bits,
                                        const struct hf_secret *material, struct crypto_key **out);

/*
 * The public part as bytes to be stored beside it, so that a key can be shown, verified with and encrypted to without opening
 * it. RSA: length of n as u16, n, e. EC: x, y, each of the field's size. oct: nothing.
 */
HF_MUST hf_err crypto_key_put_public(const struct crypto_key *key, struct hf_buf *out);
/* A key without its private part. Fails: HF_E_CORRUPT, HF_E_INVALID for oct. */
HF_MUST hf_err crypto_key_from_public(enum crypto_key_type type, hf_bytes part,
                                      struct crypto_key **out);
/* Writes n and e, or crv, x and y, or nothing (oct) into the object that w is in; not kty. Fails: HF_E_CORRUPT. */
HF_MUST hf_err crypto_public_write_members(enum crypto_key_type type, hf_bytes part,
                                           struct hf_json_writer *w);

/*
 * key_file.c. A private key as people keep it: PEM or DER; PKCS#8, PKCS#1 or SEC 1; not encrypted. What a vault takes is
 * the vault's business. Fails: HF_E_INVALID, HF_E_UNSUPPORTED (neither RSA nor one of the curves).
 */
HF_MUST hf_err crypto_key_from_file(hf_bytes content, struct crypto_key **out);
/* SubjectPublicKeyInfo as PEM text. Fails: HF_E_INVALID for oct. */
HF_MUST hf_err crypto_key_write_public_pem(const struct crypto_key *key, struct hf_buf *out);
/*
 * Writes the members of a private JWK, kty and the public ones included, into the object that w is in; w's buffer is secret
 * (asserted). Fails: HF_E_INVALID (oct, no private part, RSA without its primes).
 */
HF_MUST hf_err crypto_key_write_private_members(const struct crypto_key *key,
                                                struct hf_json_writer *w);
