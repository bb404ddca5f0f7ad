/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with keys of a vault: encrypt and decrypt (which wrap and unwrap are too), sign and verify a digest. The algorithm
 * is a row of one table; key type, curve, size and padding follow from it and never from the input.
 *
 * Threads: any; several may use one key at the same time.
 */
#pragma once

#include "crypto/key.h"

/* Flags: what a row may be used for, each with its reverse. */
#define CRYPTO_USE_ENCRYPT 1u
#define CRYPTO_USE_WRAP 2u
#define CRYPTO_USE_SIGN 4u

enum crypto_method {
    CRYPTO_METHOD_PKCS1_ENCRYPT,
    CRYPTO_METHOD_OAEP,
    CRYPTO_METHOD_GCM,
    CRYPTO_METHOD_CBC,
    CRYPTO_METHOD_CBC_PAD,
    CRYPTO_METHOD_WRAP,
    CRYPTO_METHOD_WRAP_PAD,
    CRYPTO_METHOD_PKCS1_SIGN,
    CRYPTO_METHOD_PKCS1_BARE, /* RSNULL: no DigestInfo */
    CRYPTO_METHOD_PSS,
    CRYPTO_METHOD_ECDSA,
    CRYPTO_METHOD_HMAC,
};

struct crypto_alg {
    hf_str name; /* as on the wire */
    enum crypto_method method;
    enum crypto_key_type key_type; /* for EC the curve */
    int key_bits;                  /* that an oct key must have; 0: 128, 192 or 256, for HMAC any */
    unsigned uses;                 /* CRYPTO_USE_* */
    const char *digest;            /* the provider's name; NULL if there is none */
    size_t digest_bytes;           /* that sign and verify take; 0: see crypto_alg_digest_max() */
};

/* Names compare exactly. NULL if there is no such algorithm. */
const struct crypto_alg *crypto_alg_find(hf_str name);
/* The rows in the table's order; NULL behind the last. */
const struct crypto_alg *crypto_alg_at(size_t index);

enum crypto_fit {
    CRYPTO_FITS,
    CRYPTO_FIT_WRONG_TYPE, /* or curve */
    CRYPTO_FIT_WRONG_SIZE, /* of an oct key */
};
/* Whether a key of this type and these bits can be used with the algorithm; asked without opening the key. */
enum crypto_fit crypto_alg_fit(const struct crypto_alg *alg, enum crypto_key_type type, int bits);

/* The longest digest in bytes: digest_bytes, k - 11 for RSNULL, SIZE_MAX for HMAC, which takes a message of any length. */
size_t crypto_alg_digest_max(const struct crypto_alg *alg, int bits);
/* The longest plaintext in bytes for a key of these bits; SIZE_MAX if the algorithm sets no limit. */
size_t crypto_alg_plain_max(const struct crypto_alg *alg, int bits);

#define CRYPTO_IV_MAX_BYTES 16
#define CRYPTO_TAG_MAX_BYTES 16
/* Bytes of iv and tag that go with a ciphertext; 0 if there is none. iv: made by encrypt if needs_iv is false there. */
size_t crypto_alg_iv_bytes(const struct crypto_alg *alg);
size_t crypto_alg_tag_bytes(const struct crypto_alg *alg);
/* Encrypt needs the caller's iv (CBC). GCM makes its own, 12 random bytes: no more than 2^32 under one key. */
bool crypto_alg_needs_iv(const struct crypto_alg *alg);
/* Additional data is authenticated (GCM); other algorithms ignore it. */
bool crypto_alg_takes_aad(const struct crypto_alg *alg);

/* Members that the algorithm has no use for are ignored. */
struct crypto_input {
    hf_bytes value; /* plaintext or ciphertext */
    hf_bytes iv;
    hf_bytes aad;
    hf_bytes tag;
};
struct crypto_extra {
    uint8_t iv[CRYPTO_IV_MAX_BYTES];
    size_t iv_bytes; /* 0: the algorithm has none */
    uint8_t tag[CRYPTO_TAG_MAX_BYTES];
    size_t tag_bytes;
};
/*
 * Appends the ciphertext to out; extra is what has to be kept with it. A public RSA key is enough. Fails: HF_E_INVALID with
 * diag->field "value" or "iv" (length), or "alg" (does not fit the key or this use).
 */
HF_MUST hf_err crypto_encrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                              const struct crypto_input *in, struct hf_diag *diag,
                              struct crypto_extra *extra, struct hf_buf *out);
/*
 * Appends the plaintext to out, a buffer of secret memory or borrowed (asserted). Fails: HF_E_DECRYPT whatever is wrong with
 * the value, its padding or its tag, in the same time as far as libcrypto has it; HF_E_INVALID with diag->field "iv" or "tag"
 * (length) or "alg". RSA1_5 with libcrypto from 3.2 on: a wrong padding yields a random plaintext instead (implicit rejection);
 * before, libcrypto looks at the padding in constant time, but that it was wrong is told.
 */
HF_MUST hf_err crypto_decrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                              const struct crypto_input *in, struct hf_diag *diag,
                              struct hf_buf *out);

/*
 * Appends the signature of a digest: k bytes (RSA), r || s of fixed width (EC, never DER) or the MAC. HS*: the MAC of `digest` as
 * it is given. Fails: HF_E_INVALID with diag->field "value" (length; the row has what is required) or "alg".
 */
HF_MUST hf_err crypto_sign_digest(const struct crypto_key *key, const struct crypto_alg *alg,
                                  hf_bytes digest, struct hf_diag *diag, struct hf_buf *out);
/* A signature that is wrong in any way, also in length, is *valid = false. Fails as signing does, with diag->field "digest". */
HF_MUST hf_err crypto_verify_digest(const struct crypto_key *key, const struct crypto_alg *alg,
                                    hf_bytes digest, hf_bytes signature, struct hf_diag *diag,
                                    bool *valid);

/*
 * key_file.c. ECDSA signatures between r || s and DER, appended to out. Fails: HF_E_INVALID (the length, no DER of that curve),
 * HF_E_UNSUPPORTED (alg is not ECDSA).
 */
HF_MUST hf_err crypto_signature_to_der(const struct crypto_alg *alg, hf_bytes signature,
                                       struct hf_buf *out);
HF_MUST hf_err crypto_signature_from_der(const struct crypto_alg *alg, hf_bytes der,
                                         struct hf_buf *out);
