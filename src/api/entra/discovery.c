/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public documents: OpenID Connect discovery in Entra's two versions, JWKS, instance discovery. Every endpoint named in them
 * is on the host and port of the authority, because MSAL compares.
 */
#include "api/entra/internal.h"

/* The tenant's GUID, or one of the aliases if the document is the same for all. */
static hf_err check_tenant(struct api_call *call, bool aliases)
{
    call->skip_audit = true; /* public documents */
    hf_str tenant = call->params[0];
    if (hf_str_equal_nocase(tenant, call->service->tenant))
        return HF_OK;
    bool alias = hf_str_equal_nocase(tenant, HF_LIT("common")) ||
                 hf_str_equal_nocase(tenant, HF_LIT("organizations"));
    if (aliases && alias)
        return HF_OK;
    return entra_fail(call, HF_E_NOT_FOUND, 400, "invalid_tenant", "90002",
                      "Tenant '%.*s' not found.", HF_STR_ARG(tenant));
}

static void write_url(struct api_call *call, struct hf_json_writer *w, const char *name,
                      const char *tail)
{
    hf_str url = hf_arena_printf(call->arena, "%.*s/%.*s%s", HF_STR_ARG(call->service->login_url),
                                 HF_STR_ARG(call->service->tenant), tail);
    hf_jw_member_str(w, name, url);
}

static void write_texts(struct hf_json_writer *w, const char *name, const char *const *texts)
{
    hf_jw_key(w, name);
    hf_jw_begin_array(w);
    for (; *texts != NULL; texts++)
        hf_jw_str(w, hf_str_from_c(*texts));
    hf_jw_end_array(w);
}

static void write_common(struct api_call *call, struct hf_json_writer *w)
{
    static const char *const auth_methods[] = { "client_secret_post", "private_key_jwt",
                                                "client_secret_basic", NULL };
    static const char *const response_modes[] = { "query", "fragment", "form_post", NULL };
    static const char *const subject_types[] = { "pairwise", NULL };
    static const char *const algorithms[] = { "RS256", NULL };
    static const char *const response_types[] = { "code", "id_token", "code id_token",
                                                  "id_token token", NULL };
    static const char *const scopes[] = { "openid", "profile", "email", "offline_access", NULL };
    static const char *const claims[] = { "sub",   "iss", "aud", "exp", "iat",
                                          "nonce", "tid", "ver", "oid", NULL };
    static const char *const grants[] = { "client_credentials", NULL };
    write_texts(w, "token_endpoint_auth_methods_supported", auth_methods);
    write_texts(w, "response_modes_supported", response_modes);
    write_texts(w, "subject_types_supported", subject_types);
    write_texts(w, "id_token_signing_alg_values_supported", algorithms);
    write_texts(w, "response_types_supported", response_types);
    write_texts(w, "scopes_supported", scopes);
    write_texts(w, "claims_supported", claims);
    write_texts(w, "grant_types_supported", grants);
    hf_jw_member_str(w, "cloud_instance_name", call->service->login_host);
}

static hf_err write_document(struct api_call *call, const char *version, const char *issuer_tail)
{
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    const struct {
        const char *name;
        const char *format;
    } endpoints[] = {
        { "token_endpoint", "/oauth2%s/token" },
        { "authorization_endpoint", "/oauth2%s/authorize" },
        { "device_authorization_endpoint", "/oauth2%s/devicecode" },
        { "end_session_endpoint", "/oauth2%s/logout" },
        { "jwks_uri", "/discovery%s/keys" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(endpoints); i++) {
        hf_str tail_format = hf_str_from_c(endpoints[i].format);
        size_t at = hf_str_find(tail_format, '%');
        hf_str tail = hf_arena_printf(call->arena, "%.*s%s%s", (int)at, tail_format.p, version,
                                      tail_format.p + at + 2);
        if (tail.p == NULL)
            return HF_E_NOMEM;
        write_url(call, &w, endpoints[i].name, tail.p);
    }
    write_url(call, &w, "issuer", issuer_tail);
    write_common(call, &w);
    hf_jw_end_object(&w);
    return HF_OK;
}

hf_err entra_openid_v2(struct api_call *call)
{
    hf_err err = check_tenant(call, true);
    return err == HF_OK ? write_document(call, "/v2.0", "/v2.0") : err;
}

hf_err entra_openid_v1(struct api_call *call)
{
    hf_err err = check_tenant(call, true);
    return err == HF_OK ? write_document(call, "", "/") : err;
}

hf_err entra_jwks(struct api_call *call)
{
    hf_err err = check_tenant(call, true);
    if (err != HF_OK)
        return err;
    hf_str issuer = hf_arena_printf(call->arena, "%.*s/%.*s/v2.0",
                                    HF_STR_ARG(call->service->login_url),
                                    HF_STR_ARG(call->service->tenant));
    return access_write_jwks(call->worker->access, call->txn, issuer, call->out);
}

/* The authority itself or something under it; not a longer host name or port. */
static bool is_under(hf_str url, hf_str authority)
{
    return hf_str_starts_nocase(url, authority) &&
           (url.n == authority.n || url.p[authority.n] == '/');
}

/* Answers for this authority only; everything else is an unknown instance, as at Microsoft's. */
hf_err entra_instance(struct api_call *call)
{
    call->skip_audit = true;
    hf_str endpoint;
    hf_err err = api_query(call, HF_LIT("authorization_endpoint"), &endpoint);
    if (err != HF_OK)
        return err;
    if (!is_under(endpoint, call->service->login_url))
        return entra_fail(call, HF_E_INVALID, 400, "invalid_instance", "50049",
                          "Unknown or invalid instance.");
    hf_str host = hf_str_sub(call->service->login_url, sizeof("https://") - 1, SIZE_MAX);
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    write_url(call, &w, "tenant_discovery_endpoint", "/v2.0/.well-known/openid-configuration");
    hf_jw_member_c(&w, "api-version", "1.1");
    hf_jw_key(&w, "metadata");
    hf_jw_begin_array(&w);
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "preferred_network", host);
    hf_jw_member_str(&w, "preferred_cache", host);
    hf_jw_key(&w, "aliases");
    hf_jw_begin_array(&w);
    hf_jw_str(&w, host);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}
