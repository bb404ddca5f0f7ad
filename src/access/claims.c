/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims of access tokens and client assertions: types and ranges, audience, times. Who may sign them is not decided here.
 */
#include "access/internal.h"

/* The end of the year 9999 in seconds: far enough, and times with skew stay in range. */
#define CLAIM_TIME_MAX_SECONDS INT64_C(253402300799)

/* Absent and null are empty; any other type than text is refused. */
HF_MUST static hf_err read_text(const struct hf_json *payload, const char *name, hf_str *out)
{
    const struct hf_json *node = hf_json_member(payload, name);
    if (node == NULL || hf_json_type(node) == HF_JSON_NULL) {
        *out = (hf_str){ NULL, 0 };
        return HF_OK;
    }
    if (hf_json_type(node) != HF_JSON_STRING)
        return HF_E_TOKEN_MALFORMED;
    *out = hf_json_str(node);
    return HF_OK;
}

/* NumericDate may have a fraction (RFC 7519 §2), and MSAL for Python sends one; a second more or less does not matter. */
HF_MUST static hf_err read_time(const struct hf_json *payload, const char *name, hf_usec *out)
{
    const struct hf_json *node = hf_json_member(payload, name);
    if (node == NULL)
        return HF_E_NOT_FOUND;
    int64_t seconds = 0;
    if (!hf_json_whole(node, &seconds) || seconds < 0 || seconds > CLAIM_TIME_MAX_SECONDS)
        return HF_E_TOKEN_MALFORMED;
    *out = hf_usec_from_seconds(seconds);
    return HF_OK;
}

HF_MUST static hf_err read_texts(const struct hf_json *payload, struct access_claims *claims)
{
    hf_str azp = { NULL, 0 };
    hf_str azpacr = { NULL, 0 };
    const struct {
        const char *name;
        hf_str *out;
    } rows[] = {
        { "iss", &claims->issuer },  { "tid", &claims->tid },
        { "oid", &claims->oid },     { "sub", &claims->sub },
        { "appid", &claims->appid }, { "appidacr", &claims->appidacr },
        { "upn", &claims->upn },     { "scp", &claims->scp },
        { "idtyp", &claims->idtyp }, { "azp", &azp },
        { "azpacr", &azpacr },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_err err = read_text(payload, rows[i].name, rows[i].out);
        if (err != HF_OK)
            return err;
    }
    if (claims->appid.n == 0)
        claims->appid = azp;
    if (claims->appidacr.n == 0)
        claims->appidacr = azpacr;
    return HF_OK;
}

hf_err access_claims_parse(const struct hf_json *payload, struct access_claims *out)
{
    struct access_claims claims = { .not_before = INT64_MIN };
    hf_err err = read_texts(payload, &claims);
    if (err != HF_OK)
        return err;
    err = read_time(payload, "exp", &claims.expires);
    if (err != HF_OK)
        return HF_E_TOKEN_MALFORMED;
    err = read_time(payload, "nbf", &claims.not_before);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return err;
    claims.audience = hf_json_member(payload, "aud");
    claims.groups = hf_json_member(payload, "groups");
    *out = claims;
    return HF_OK;
}

hf_err access_claims_check_audience(const struct access_claims *claims,
                                    const struct access_engine *engine,
                                    bool (*accepts)(const struct access_engine *, hf_str),
                                    struct hf_diag *diag)
{
    hf_str first = hf_json_str(claims->audience);
    if (first.p != NULL && accepts(engine, first))
        return HF_OK;
    size_t count = hf_json_type(claims->audience) == HF_JSON_ARRAY ? hf_json_size(claims->audience)
                                                                   : 0;
    for (size_t i = 0; i < count; i++) {
        hf_str text = hf_json_str(hf_json_at(claims->audience, i));
        if (text.p != NULL && accepts(engine, text))
            return HF_OK;
        if (first.p == NULL)
            first = text;
    }
    return hf_fail(diag, HF_E_TOKEN_AUDIENCE, "aud", "%.*s", HF_STR_ARG(first));
}

hf_err access_claims_check_times(const struct access_claims *claims, hf_usec now, hf_usec skew)
{
    if (now >= claims->expires + skew)
        return HF_E_TOKEN_EXPIRED;
    if (claims->not_before != INT64_MIN && now < claims->not_before - skew)
        return HF_E_TOKEN_NOT_YET_VALID;
    return HF_OK;
}
