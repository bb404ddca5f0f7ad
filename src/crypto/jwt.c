/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens as text: RFC 7515 §7.1 (compact serialisation), with the advice of RFC 8725 on what to refuse.
 */
#include "crypto/jwt.h"

#include "base/secret.h"
#include "crypto/internal.h"

#define JWT_PARTS 3
#define PADDING_MAX_CHARS 2
#define BASE64_GROUP_CHARS 4

/* Exactly three parts, none empty. */
HF_MUST static hf_err split(hf_str text, hf_str parts[JWT_PARTS])
{
    hf_str rest = text;
    for (size_t i = 0; i < JWT_PARTS; i++) {
        if (!hf_str_next(&rest, '.', &parts[i]) || parts[i].n == 0)
            return HF_E_TOKEN_MALFORMED;
    }
    return rest.p == NULL ? HF_OK : HF_E_TOKEN_MALFORMED;
}

/* Without correct padding; wrong padding stays and fails to decode. */
static hf_str strip_padding(hf_str part)
{
    if (part.n % BASE64_GROUP_CHARS != 0)
        return part;
    for (int i = 0; i < PADDING_MAX_CHARS && part.n > 0 && part.p[part.n - 1] == '='; i++)
        part.n--;
    return part;
}

HF_MUST static hf_err decode_part(hf_str part, bool padded, struct hf_arena *arena,
                                  struct hf_buf *out)
{
    uint8_t *memory = hf_arena_alloc(arena, part.n); /* decoding shortens */
    if (memory == NULL)
        return HF_E_NOMEM;
    hf_buf_init_fixed(out, memory, part.n);
    if (hf_base64url_decode_strict(padded ? strip_padding(part) : part, out) != HF_OK)
        return HF_E_TOKEN_MALFORMED;
    return HF_OK;
}

HF_MUST static hf_err parse_object(hf_str part, bool padded, struct hf_arena *arena,
                                   struct hf_json **out)
{
    struct hf_buf text;
    hf_err err = decode_part(part, padded, arena, &text);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    err = hf_json_parse(hf_buf_view(&text), NULL, &root);
    if (err != HF_OK)
        return err == HF_E_NOMEM ? err : HF_E_TOKEN_MALFORMED;
    if (hf_json_type(root) != HF_JSON_OBJECT)
        return HF_E_TOKEN_MALFORMED;
    *out = hf_take(&root);
    return HF_OK;
}

/* "" if the header has no such member. */
HF_MUST static hf_err read_text(const struct hf_json *header, const char *name, hf_str *out)
{
    const struct hf_json *member = hf_json_member(header, name);
    if (member != NULL && hf_json_type(member) != HF_JSON_STRING)
        return HF_E_TOKEN_MALFORMED;
    *out = member == NULL ? HF_LIT("") : hf_json_str(member);
    return HF_OK;
}

HF_MUST static hf_err read_header(const struct hf_json *header, struct crypto_jwt *jwt)
{
    /* No extension is understood here, so any critical one is refused: RFC 7515 §4.1.11. */
    if (hf_json_member(header, "crit") != NULL)
        return HF_E_TOKEN_MALFORMED;
    hf_str algorithm = { 0 };
    hf_err err = read_text(header, "alg", &algorithm);
    if (err != HF_OK)
        return err;
    if (crypto_signature_parse(algorithm, &jwt->algorithm) != HF_OK)
        return HF_E_TOKEN_MALFORMED;
    err = read_text(header, "kid", &jwt->kid);
    if (err != HF_OK)
        return err;
    err = read_text(header, "x5t", &jwt->x5t);
    if (err != HF_OK)
        return err;
    return read_text(header, "x5t#S256", &jwt->x5t_s256);
}

hf_err crypto_jwt_parse(hf_str text, bool padded, struct hf_arena *arena, struct crypto_jwt *out)
{
    if (text.n > CRYPTO_JWT_MAX_BYTES)
        return HF_E_TOO_LARGE;
    hf_str parts[JWT_PARTS] = { 0 };
    hf_err err = split(text, parts);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_json_freep) struct hf_json *header = NULL;
    err = parse_object(parts[0], padded, arena, &header);
    if (err != HF_OK)
        return err;
    struct crypto_jwt jwt = { 0 };
    err = read_header(header, &jwt);
    if (err != HF_OK)
        return err;
    jwt.signing_input = hf_str_sub(text, 0, parts[0].n + 1 + parts[1].n);
    HF_CLEANUP(hf_json_freep) struct hf_json *payload = NULL;
    err = parse_object(parts[1], padded, arena, &payload);
    if (err != HF_OK)
        return err;
    err = decode_part(parts[2], padded, arena, &jwt.signature); /* last: what fails leaves none */
    if (err != HF_OK)
        return err;
    jwt.payload = hf_take(&payload);
    jwt.header = hf_take(&header);
    *out = jwt;
    return HF_OK;
}

void crypto_jwt_done(struct crypto_jwt *jwt)
{
    hf_json_free(jwt->payload);
    hf_json_free(jwt->header);
    if (jwt->signature.p != NULL)
        hf_wipe(jwt->signature.p, jwt->signature.n);
    *jwt = (struct crypto_jwt){ 0 };
}

hf_err crypto_jwt_verify(const struct crypto_jwt *jwt, const struct crypto_key *key)
{
    if (!crypto_signature_fits(jwt->algorithm, key))
        return HF_E_TOKEN_SIGNATURE;
    return crypto_verify(key, jwt->algorithm, hf_str_bytes(jwt->signing_input),
                         hf_buf_view(&jwt->signature));
}

HF_MUST static hf_err append_token(const struct crypto_key *key, enum crypto_signature algorithm,
                                   hf_str header_json, hf_str payload_json, struct hf_buf *out)
{
    size_t start = out->n;
    hf_buf_put_base64url(out, hf_str_bytes(header_json));
    hf_buf_put_u8(out, '.');
    hf_buf_put_base64url(out, hf_str_bytes(payload_json));
    hf_err err = hf_buf_err(out);
    if (err != HF_OK)
        return err;
    /* the part of a bearer token that cannot be guessed: nothing of it stays on the stack */
    HF_CLEAN_SECRET(memory, CRYPTO_SIGNATURE_MAX_BYTES);
    struct hf_buf signature;
    hf_buf_init_fixed(&signature, memory, sizeof(memory));
    err = crypto_sign(key, algorithm, (hf_bytes){ out->p + start, out->n - start }, &signature);
    if (err != HF_OK)
        return err;
    hf_buf_put_u8(out, '.');
    hf_buf_put_base64url(out, hf_buf_view(&signature));
    return hf_buf_err(out);
}

hf_err crypto_jwt_sign(const struct crypto_key *key, enum crypto_signature algorithm,
                       hf_str header_json, hf_str payload_json, struct hf_buf *out)
{
    size_t start = out->n;
    hf_err err = append_token(key, algorithm, header_json, payload_json, out);
    if (err != HF_OK)
        out->n = start; /* no half token stays behind */
    return err;
}
