/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The login door's operations and its steps of the dispatcher. Nobody is admitted or refused here: handlers authenticate clients.
 */
#include "api/entra/internal.h"

/* A table is read by its columns. */
/* clang-format off */
static const struct api_op ops[] = {
    /* name, audit name, method, path, data action (unused), scope, how it runs, handler, state, body limit */
    { "TokenV2",              "Sign-in activity",  HTTP_POST, "/{tenant}/oauth2/v2.0/token",                     0, API_SCOPE_NONE, API_RUN_COMPUTE, entra_token_v2,       API_DONE,    0 },
    { "TokenV1",              "Sign-in activity",  HTTP_POST, "/{tenant}/oauth2/token",                          0, API_SCOPE_NONE, API_RUN_COMPUTE, entra_token_v1,       API_DONE,    0 },
    { "ManagedIdentityToken", "Sign-in activity",  HTTP_GET,  ENTRA_IDENTITY_PATH,                               0, API_SCOPE_NONE, API_RUN_COMPUTE, entra_identity_token, API_DONE,    0 },
    { "InstanceDiscovery",    "InstanceDiscovery", HTTP_GET,  "/{tenant}/discovery/instance",                    0, API_SCOPE_NONE, API_RUN_READ,    entra_instance,       API_DONE,    0 },
    { "OpenIdV2",             "OpenIdDiscovery",   HTTP_GET,  "/{tenant}/v2.0/.well-known/openid-configuration", 0, API_SCOPE_NONE, API_RUN_READ,    entra_openid_v2,      API_DONE,    0 },
    { "OpenIdV1",             "OpenIdDiscovery",   HTTP_GET,  "/{tenant}/.well-known/openid-configuration",      0, API_SCOPE_NONE, API_RUN_READ,    entra_openid_v1,      API_DONE,    0 },
    { "KeysV2",               "KeysDiscovery",     HTTP_GET,  "/{tenant}/discovery/v2.0/keys",                   0, API_SCOPE_NONE, API_RUN_READ,    entra_jwks,           API_DONE,    0 },
    { "KeysV1",               "KeysDiscovery",     HTTP_GET,  "/{tenant}/discovery/keys",                        0, API_SCOPE_NONE, API_RUN_READ,    entra_jwks,           API_DONE,    0 },
    { "Authorize",            "Sign-in activity",  HTTP_GET,  "/{tenant}/oauth2/v2.0/authorize",                 0, API_SCOPE_NONE, API_RUN_READ,    api_missing,          API_MISSING, 0 },
    { "DeviceCode",           "Sign-in activity",  HTTP_POST, "/{tenant}/oauth2/v2.0/devicecode",                0, API_SCOPE_NONE, API_RUN_READ,    api_missing,          API_MISSING, 0 },
};
/* clang-format on */

static hf_err pass(struct api_call *call HF_UNUSED)
{
    return HF_OK;
}

/* Nothing here may be kept by a cache. */
static void complete(struct api_call *call)
{
    static const struct http_header fixed[] = {
        { API_TEXT("content-type"), API_TEXT("application/json; charset=utf-8") },
        { API_TEXT("cache-control"), API_TEXT("no-store") },
        { API_TEXT("pragma"), API_TEXT("no-cache") },
        { API_TEXT("strict-transport-security"), API_TEXT("max-age=31536000;includeSubDomains") },
        { API_TEXT("x-content-type-options"), API_TEXT("nosniff") },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(fixed); i++)
        api_add_header(call, fixed[i].name, fixed[i].value);
    api_add_header(call, HF_LIT("x-ms-request-id"), hf_str_from_c(call->request_id));
    hf_str client_id = http_request_header(call->request, HF_LIT("client-request-id"));
    if (client_id.p != NULL)
        api_add_header(call, HF_LIT("client-request-id"), client_id);
}

const struct api_door entra_door = {
    .name = "entra",
    .ops = ops,
    .op_count = HF_ARRAY_LEN(ops),
    .admit = pass,
    .authorize = pass,
    .read_body = pass,
    .write_error = entra_write_error,
    .complete = complete,
};

const struct api_op *entra_ops(size_t *out_count)
{
    *out_count = HF_ARRAY_LEN(ops);
    return ops;
}
