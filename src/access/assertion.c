/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client assertions (RFC 7523) in the form that the Azure identity libraries send: taking apart, and what their header and
 * audience may say. The signature is checked in client_auth.c, once the certificate is known.
 */
#include "access/internal.h"

#define THUMBPRINT_TEXT_BYTES                                                                      \
    64 /* the longest form: 43 characters of base64url, or 40 of hexadecimal */

hf_err access_assertion_parse(hf_str text, struct hf_arena *arena, struct access_assertion *out)
{
    if (text.n > CRYPTO_JWT_MAX_BYTES)
        return HF_E_TOKEN_MALFORMED;
    struct access_assertion assertion = { .client_id = { { 0 } } };
    /* Old azure-identity releases leave the '=' of base64 in place. */
    hf_err err = crypto_jwt_parse(text, true, arena, &assertion.jwt);
    if (err != HF_OK)
        return err == HF_E_TOO_LARGE ? HF_E_TOKEN_MALFORMED : err;
    err = access_claims_parse(assertion.jwt.payload, &assertion.claims);
    if (err == HF_OK && !hf_str_equal_nocase(assertion.claims.issuer, assertion.claims.sub))
        err = HF_E_TOKEN_MALFORMED;
    if (err == HF_OK && hf_uuid_parse(assertion.claims.sub, &assertion.client_id) != HF_OK)
        err = HF_E_TOKEN_MALFORMED;
    if (err != HF_OK) {
        crypto_jwt_done(&assertion.jwt);
        return err;
    }
    *out = assertion;
    return HF_OK;
}

void access_assertion_done(struct access_assertion *assertion)
{
    crypto_jwt_done(&assertion->jwt);
}

static bool is_base64url_of(hf_str text, const uint8_t *bytes, size_t n)
{
    char memory[THUMBPRINT_TEXT_BYTES];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof(memory));
    hf_buf_put_base64url(&buf, (hf_bytes){ bytes, n });
    hf_str plain = hf_str_ends(text, HF_LIT("=")) ? hf_str_sub(text, 0, text.n - 1) : text;
    return hf_buf_err(&buf) == HF_OK && hf_str_equal(plain, hf_buf_str(&buf));
}

static bool is_hex_of(hf_str text, const uint8_t *bytes, size_t n)
{
    char memory[THUMBPRINT_TEXT_BYTES];
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, sizeof(memory));
    hf_buf_put_hex(&buf, (hf_bytes){ bytes, n });
    return hf_buf_err(&buf) == HF_OK && hf_str_equal_nocase(text, hf_buf_str(&buf));
}

bool access_assertion_names(const struct access_assertion *assertion,
                            const struct access_credential *credential)
{
    const struct crypto_jwt *jwt = &assertion->jwt;
    const uint8_t *sha1 = credential->sha1;
    const uint8_t *sha256 = credential->sha256;
    if (jwt->x5t_s256.n > 0 && !is_base64url_of(jwt->x5t_s256, sha256, sizeof(credential->sha256)))
        return false;
    if (jwt->x5t.n > 0 && !is_base64url_of(jwt->x5t, sha1, sizeof(credential->sha1)))
        return false;
    if (jwt->x5t_s256.n > 0 || jwt->x5t.n > 0)
        return true;
    return is_base64url_of(jwt->kid, sha1, sizeof(credential->sha1)) ||
           is_hex_of(jwt->kid, sha1, sizeof(credential->sha1)) ||
           is_base64url_of(jwt->kid, sha256, sizeof(credential->sha256));
}

bool access_assertion_audience_accepted(const struct access_engine *engine, hf_str audience)
{
    static const char *const tails[] = { "", "/", "/v2.0", "/oauth2/token", "/oauth2/v2.0/token" };
    if (!hf_str_starts_nocase(audience, engine->login_url))
        return false;
    hf_str rest = hf_str_sub(audience, engine->login_url.n, SIZE_MAX);
    if (!hf_str_starts(rest, HF_LIT("/")))
        return false;
    rest = hf_str_sub(rest, 1, SIZE_MAX);
    size_t tenant_n = hf_str_find(rest, '/');
    hf_str tenant = hf_str_sub(rest, 0, tenant_n);
    if (!hf_str_equal_nocase(tenant, engine->tenant_text) &&
        !hf_str_equal_nocase(tenant, HF_LIT("common")))
        return false;
    hf_str tail = hf_str_sub(rest, tenant_n, SIZE_MAX);
    for (size_t i = 0; i < HF_ARRAY_LEN(tails); i++) {
        if (hf_str_equal_nocase(tail, hf_str_from_c(tails[i])))
            return true;
    }
    return false;
}
