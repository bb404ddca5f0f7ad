/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For crypto/'s own files: the fetched algorithms, the translation of libcrypto's errors, what is inside a key, and
 * cleanup of libcrypto's objects. Nothing outside the layer includes this.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdatomic.h>

/* Fetched once by crypto_init(): a fetch per use would cost more than the operation itself. */
enum crypto_aes_mode {
    CRYPTO_AES_GCM,
    CRYPTO_AES_CBC,
    CRYPTO_AES_WRAP,     /* RFC 3394 */
    CRYPTO_AES_WRAP_PAD, /* RFC 5649 */
    CRYPTO_AES_MODE_COUNT,
};
#define CRYPTO_AES_SIZE_COUNT 3 /* 128, 192 and 256 bit */

struct crypto_algorithms {
    EVP_CIPHER *aes_256_gcm;
    EVP_MAC *hmac;
    EVP_MD *sha256;
    EVP_MD *sha1;
    EVP_CIPHER *aes[CRYPTO_AES_MODE_COUNT][CRYPTO_AES_SIZE_COUNT];
};
const struct crypto_algorithms *crypto_algorithms(void);

/* The part of crypto_init() that hash.c needs. */
HF_MUST hf_err crypto_hash_init(void);

/*
 * Empties libcrypto's error queue into the log (debug) and translates it: HF_E_NOMEM if memory was the cause, else
 * HF_E_INTERNAL. The caller may return a better code.
 */
hf_err crypto_err_take(const char *operation);
/* The same for a refusal of input: HF_E_NOMEM if memory was the cause, else `refusal`. */
hf_err crypto_err_refuse(const char *operation, hf_err refusal);

/* A context of HMAC-SHA-256 under the 32-byte key, for crypto_kdf_derive(). Fails: HF_E_INVALID (other length). */
HF_MUST hf_err crypto_kdf_prepare(const struct hf_secret *key, EVP_MAC_CTX **out);
/* crypto_kdf() with a prepared context, which stays usable. */
HF_MUST hf_err crypto_kdf_derive(EVP_MAC_CTX *keyed, hf_str label, hf_bytes context,
                                 uint8_t out[CRYPTO_SHA256_BYTES]);

/*
 * The keys that were derived last, by record key and storage key. A record key that joins gets a number that no other one had
 * or will have; what it put is cleared when it is forgotten, or at the end. find: NULL if it is not there; valid until the next
 * put or forget.
 */
struct crypto_record_keys;
HF_MUST hf_err crypto_record_keys_new(struct crypto_record_keys **out);
void crypto_record_keys_free(struct crypto_record_keys *known);
uint64_t crypto_record_keys_join(struct crypto_record_keys *known);
void crypto_record_keys_forget(struct crypto_record_keys *known, uint64_t owner);
const uint8_t *crypto_record_keys_find(struct crypto_record_keys *known, uint64_t owner,
                                       hf_bytes name);
void crypto_record_keys_put(struct crypto_record_keys *known, uint64_t owner, hf_bytes name,
                            const uint8_t key[CRYPTO_SHA256_BYTES]);
/*
 * The plaintext of exactly this record, kept beside its key, valid until the next put or forget; false if it is not there. What
 * is long, and what has no key here, is not kept.
 */
bool crypto_record_keys_find_plain(struct crypto_record_keys *known, uint64_t owner, hf_bytes name,
                                   hf_bytes sealed, hf_bytes *out);
void crypto_record_keys_put_plain(struct crypto_record_keys *known, uint64_t owner, hf_bytes name,
                                  hf_bytes sealed, hf_bytes plain);

/* The two origins of crypto_argon2id(); out has its size. Fails: HF_E_UNSUPPORTED (not there), HF_E_NOMEM, HF_E_INTERNAL. */
HF_MUST hf_err crypto_argon2id_openssl(const struct hf_secret *passphrase, hf_bytes salt,
                                       const struct crypto_argon2id_cost *cost,
                                       struct hf_secret *out);
HF_MUST hf_err crypto_argon2id_library(const struct hf_secret *passphrase, hf_bytes salt,
                                       const struct crypto_argon2id_cost *cost,
                                       struct hf_secret *out);

#define CRYPTO_RSA_BITS_MIN 2048
#define CRYPTO_RSA_BITS_MAX 8192 /* the work of verifying grows with the square */
#define CRYPTO_SIGNATURE_MAX_BYTES (CRYPTO_RSA_BITS_MAX / 8)

/* Immutable after creation but for the count. */
struct crypto_key {
    EVP_PKEY *pkey;           /* NULL for CRYPTO_KEY_OCT */
    struct hf_secret *octets; /* CRYPTO_KEY_OCT only */
    enum crypto_key_type type;
    int bits;
    bool has_private;
    atomic_uint owners;
};

/* Takes *pkey, also on failure. Fails: HF_E_UNSUPPORTED (type or curve), HF_E_INVALID (RSA size), HF_E_NOMEM. */
HF_MUST hf_err crypto_key_adopt(EVP_PKEY **pkey, bool has_private, struct crypto_key **out);
/* A key of the provider's type from its parameters. selection: EVP_PKEY_PUBLIC_KEY or EVP_PKEY_KEYPAIR. Fails: HF_E_INVALID. */
HF_MUST hf_err crypto_pkey_from_params(const char *type, int selection, OSSL_PARAM_BLD *builder,
                                       EVP_PKEY **out);
/* PKCS#8 DER and nothing behind it. Fails: HF_E_INVALID. */
HF_MUST hf_err crypto_pkey_from_pkcs8(const struct hf_secret *der, EVP_PKEY **out);
/* A password prompt that refuses, so that libcrypto never asks on the terminal. */
int crypto_no_password(char *buf, int size, int writing, void *user);

/* key_rsa.c */
HF_MUST hf_err crypto_rsa_from_jwk(const struct hf_json *jwk, struct crypto_key **out);
HF_MUST hf_err crypto_rsa_write_jwk(const struct crypto_key *key, struct hf_json_writer *w);
HF_MUST hf_err crypto_rsa_from_public(const BIGNUM *n, const BIGNUM *e, struct crypto_key **out);

/*
 * key_rsa_private.c: an RSA key pair of 2048, 3072 or 4096 bit with its six private members (RFC 7518 §6.3.2). Every relation
 * between them is checked; that p and q are prime only when the key comes from outside, because that takes a tenth of a second.
 * Fails: HF_E_INVALID with diag->field naming the JWK member.
 */
HF_MUST hf_err crypto_rsa_import_jwk(const struct hf_json *jwk, struct hf_diag *diag,
                                     struct crypto_key **out);
HF_MUST hf_err crypto_rsa_import_pkey(EVP_PKEY *pkey, struct hf_diag *diag,
                                      struct crypto_key **out);
HF_MUST hf_err crypto_rsa_check_pair(EVP_PKEY *pkey);
bool crypto_rsa_bits_allowed(int bits); /* in a vault */
bool crypto_aes_bits_allowed(int bits);

/* key_ec.c */
#define CRYPTO_EC_FIELD_MAX_BYTES 66
#define CRYPTO_POINT_UNCOMPRESSED 0x04 /* SEC 1 §2.3.3 */
struct crypto_curve {
    enum crypto_key_type type;
    const char *jwk_name;   /* RFC 7518 §6.2.1.1 */
    const char *group_name; /* the provider's */
    size_t field_bytes;     /* of one coordinate, and of r and s */
};
/* NULL if there is none. */
const struct crypto_curve *crypto_curve_of_type(enum crypto_key_type type);
const struct crypto_curve *crypto_curve_of_group(hf_str group_name);

HF_MUST hf_err crypto_ec_from_jwk(const struct hf_json *jwk, struct crypto_key **out);
HF_MUST hf_err crypto_ec_write_jwk(const struct crypto_key *key, struct hf_json_writer *w);
const struct crypto_curve *crypto_curve_of_jwk_name(hf_str jwk_name);
/* x || y, each of the field's size; the point is checked. Fails: HF_E_INVALID. */
HF_MUST hf_err crypto_ec_from_public(const struct crypto_curve *curve, hf_bytes coordinates,
                                     struct crypto_key **out);

/* key_ec_private.c: an EC key pair; range, point and that d belongs to it are checked. Fails as for RSA. */
HF_MUST hf_err crypto_ec_import_jwk(const struct hf_json *jwk, struct hf_diag *diag,
                                    struct crypto_key **out);
HF_MUST hf_err crypto_ec_import_pkey(EVP_PKEY *pkey, struct hf_diag *diag, struct crypto_key **out);
HF_MUST hf_err crypto_ec_check_pair(EVP_PKEY *pkey);
/* r || s of fixed width from DER, appended; and back. Fails: HF_E_INVALID. */
HF_MUST hf_err crypto_ec_signature_from_der(const struct crypto_curve *curve, hf_bytes der,
                                            struct hf_buf *out);
HF_MUST hf_err crypto_ec_signature_to_der(const struct crypto_curve *curve, hf_bytes signature,
                                          struct hf_buf *out);

/* jwk.c: a member that is base64url text. Fails: HF_E_INVALID (absent, no string, empty, bad), HF_E_TOO_LARGE. */
HF_MUST hf_err crypto_jwk_decode_member(const struct hf_json *jwk, const char *name,
                                        struct hf_buf *out);
/*
 * The same as a number or bytes of at most `max_bytes`, for members that may be private: nothing of them stays behind. Accepts
 * what hf_base64_decode() does, and zero bytes in front of a number. Fails: HF_E_INVALID with diag->field (also: zero).
 */
HF_MUST hf_err crypto_jwk_read_number(const struct hf_json *jwk, const char *name, size_t max_bytes,
                                      struct hf_diag *diag, BIGNUM **out);
HF_MUST hf_err crypto_jwk_read_octets(const struct hf_json *jwk, const char *name, size_t max_bytes,
                                      struct hf_diag *diag, struct hf_secret **out);
/* The number as `size` big-endian bytes, or as few as it needs if size is 0. */
HF_MUST hf_err crypto_jwk_write_number(struct hf_json_writer *w, const char *name,
                                       const BIGNUM *number, size_t size);

/* x509.c: DER that encodes back to itself. Fails: HF_E_INVALID. */
HF_MUST hf_err crypto_x509_parse(hf_bytes der, X509 **out);

HF_DEFINE_FREEP(EVP_PKEY, EVP_PKEY_free)
HF_DEFINE_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
HF_DEFINE_FREEP(EVP_MD_CTX, EVP_MD_CTX_free)
HF_DEFINE_FREEP(EVP_MAC_CTX, EVP_MAC_CTX_free)
HF_DEFINE_FREEP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
HF_DEFINE_FREEP(BN_CTX, BN_CTX_free)
HF_DEFINE_FREEP(BIGNUM, BN_clear_free)
HF_DEFINE_FREEP(BIO, BIO_free_all)
HF_DEFINE_FREEP(ECDSA_SIG, ECDSA_SIG_free)
HF_DEFINE_FREEP(OSSL_PARAM, OSSL_PARAM_free)
HF_DEFINE_FREEP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
HF_DEFINE_FREEP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
HF_DEFINE_FREEP(X509, X509_free)
HF_DEFINE_FREEP(ASN1_TIME, ASN1_TIME_free)
HF_DEFINE_FREEP(ASN1_INTEGER, ASN1_INTEGER_free)
HF_DEFINE_FREEP(ASN1_BIT_STRING, ASN1_BIT_STRING_free)
HF_DEFINE_FREEP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)

/* Memory that libcrypto allocated for us, as from the i2d functions. */
static inline void crypto_der_freep(uint8_t **der)
{
    OPENSSL_free(*der);
}
