/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWS compact serialisation of JWTs (RFC 7515, RFC 7519): taking apart, signing, checking the signature. Which issuer,
 * audience and time are acceptable is decided in access/.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "crypto/key.h"

#define CRYPTO_JWT_MAX_BYTES 16384

/*
 * A parsed, not yet verified token. crypto_jwt_done() frees the JSON trees and clears the signature: with the claims, which are
 * no secret, it is a token again.
 */
struct crypto_jwt {
    struct hf_json *header;
    struct hf_json *payload;
    enum crypto_signature algorithm;
    hf_str kid;              /* "" if absent */
    hf_str x5t;              /* "" if absent */
    hf_str x5t_s256;         /* "" if absent */
    hf_str signing_input;    /* view into the text: header.payload */
    struct hf_buf signature; /* decoded, in the arena */
};

/*
 * Strict: three parts, base64url without padding, JSON objects, alg from the signature table (never "none" or HMAC), no `crit`
 * member. With padded == true, '=' at the end of parts is tolerated (old azure-identity assertions). text must outlive
 * *out. Fails: HF_E_TOKEN_MALFORMED, HF_E_TOO_LARGE, HF_E_NOMEM.
 */
HF_MUST hf_err crypto_jwt_parse(hf_str text, bool padded, struct hf_arena *arena,
                                struct crypto_jwt *out);
void crypto_jwt_done(struct crypto_jwt *jwt);

/* Fails: HF_E_TOKEN_SIGNATURE, also when the algorithm does not fit the key's type (algorithm confusion). */
HF_MUST hf_err crypto_jwt_verify(const struct crypto_jwt *jwt, const struct crypto_key *key);

/* header_json and payload_json are complete JSON objects. Appends the token text to out. */
HF_MUST hf_err crypto_jwt_sign(const struct crypto_key *key, enum crypto_signature algorithm,
                               hf_str header_json, hf_str payload_json, struct hf_buf *out);
