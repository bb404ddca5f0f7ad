/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of the dispatcher as Key Vault's data plane takes them: the vault by host, authentication, api-version,
 * authorisation,
 * JSON body, response headers.
 */
#include "api/azure/internal.h"

#include "base/version.h"

#include <stdarg.h>
#include <stdio.h>

#define API_VERSION_LATEST "2026-04-01"
#define MESSAGE_MAX_BYTES ((size_t)1024)
#define SERVICE_VERSION HF_VERSION ".0" /* four numbers, as clients may expect */

/* All that the service's stable clients send, and the dated previews between them (azure-sdk, Key Vault client versions). */
static const char *const api_versions[] = {
    "2015-06-01",
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-06-01-preview",
    "2025-07-01",
    "2026-01-01-preview",
    "2026-03-01-preview",
    API_VERSION_LATEST,
};

hf_err azure_bad_parameter(struct api_call *call, const char *format, ...)
{
    char text[MESSAGE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return api_fail(call, HF_E_INVALID, 400, HF_LIT("BadParameter"), HF_LIT(""), "%s",
                    n < 0 ? "" : text);
}

hf_err azure_bad_property(struct api_call *call, const char *name)
{
    return azure_bad_parameter(call, "Property %s has invalid value\r\n", name);
}

hf_err azure_not_on_vault(struct api_call *call)
{
    return api_fail(call, HF_E_NOT_FOUND, 404, HF_LIT("NotFound"), HF_LIT(""),
                    "The operation %s is available on a managed HSM only.", call->op->name);
}

hf_str azure_vault_url(struct api_call *call)
{
    return HF_JOIN(call->arena, HF_LIT("https://"), call->vault_host,
                   hf_str_from_c(call->service->url_port));
}

/* ---- admit ---- */

static hf_err find_vault(struct api_call *call)
{
    hf_str host = call->request->host;
    hf_str suffix = call->service->vault_suffix;
    if (!hf_str_ends(host, suffix) || host.n == suffix.n)
        return api_fail(call, HF_E_NOT_FOUND, 421, HF_LIT("MisdirectedRequest"), HF_LIT(""),
                        "This server does not serve the host '%.*s'.", HF_STR_ARG(host));
    hf_str name = hf_str_sub(host, 0, host.n - suffix.n);
    hf_err err = vault_find(call->worker->vaults, call->txn, name, &call->vault);
    if (err == HF_E_NOT_FOUND)
        return api_fail(call, err, 404, HF_LIT("VaultNotFound"), HF_LIT(""),
                        "There is no vault '%.*s' on this server.", HF_STR_ARG(name));
    if (err != HF_OK)
        return err;
    call->vault_properties = *vault_properties_of(call->vault);
    call->vault_host = host;
    char subscription[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&call->vault_properties.subscription, subscription);
    call->resource_id = HF_JOIN(call->arena, HF_LIT("/subscriptions/"), hf_str_from_c(subscription),
                                HF_LIT("/resourcegroups/"),
                                hf_str_from_c(call->vault_properties.resource_group),
                                HF_LIT("/providers/microsoft.keyvault/vaults/"),
                                hf_str_from_c(call->vault_properties.name));
    call->audit.resource_id = call->resource_id;
    return call->resource_id.p == NULL ? HF_E_NOMEM : HF_OK;
}

hf_err azure_find_vault_again(struct api_call *call)
{
    hf_err err = vault_find(call->worker->vaults, call->txn,
                            hf_str_from_c(call->vault_properties.name), &call->vault);
    if (err != HF_OK)
        return err;
    return hf_uuid_equal(&vault_properties_of(call->vault)->id, &call->vault_properties.id)
               ? HF_OK
               : HF_E_NOT_FOUND;
}

/* "7.x-preview" and "7.x-preview.n" are accepted, as the service does. */
static bool is_preview(hf_str version)
{
    if (version.n < sizeof("7.0-preview") - 1 || !hf_str_starts(version, HF_LIT("7.")) ||
        !hf_is_digit(version.p[2]))
        return false;
    hf_str rest = hf_str_sub(version, 3, version.n);
    if (hf_str_equal(rest, HF_LIT("-preview")))
        return true;
    return rest.n == sizeof("-preview.0") - 1 && hf_str_starts(rest, HF_LIT("-preview.")) &&
           hf_is_digit(rest.p[rest.n - 1]);
}

static hf_err check_api_version(struct api_call *call)
{
    hf_str version;
    hf_err err = api_query(call, HF_LIT("api-version"), &version);
    if (err != HF_OK)
        return azure_bad_parameter(call, "The query string is not well-formed.");
    for (size_t i = 0; i < HF_ARRAY_LEN(api_versions); i++) {
        if (hf_str_equal(version, hf_str_from_c(api_versions[i]))) {
            call->api_version = version;
            return HF_OK;
        }
    }
    if (is_preview(version)) {
        call->api_version = version;
        return HF_OK;
    }
    return azure_bad_parameter(
        call,
        "The specified version (%.*s) is not recognized. Consider using the latest supported "
        "version (%s).",
        HF_STR_ARG(version), API_VERSION_LATEST);
}

hf_err azure_admit(struct api_call *call)
{
    hf_err err = find_vault(call);
    if (err != HF_OK)
        return err;
    err = azure_authenticate(call);
    if (err != HF_OK)
        return err;
    return check_api_version(call);
}

/* ---- authorize ---- */

/* "secrets" of "Microsoft.KeyVault/vaults/secrets/getSecret/action". */
static hf_str collection_of(enum access_action action)
{
    hf_str name = hf_str_sub(access_action_name(action), sizeof("Microsoft.KeyVault/vaults/") - 1,
                             SIZE_MAX);
    return hf_str_sub(name, 0, hf_str_find(name, '/'));
}

/* Text: recorded traffic of the real service. */
static hf_err forbid(struct api_call *call, hf_str resource)
{
    const struct access_caller *caller = call->caller;
    hf_str action = access_action_name(call->op->action);
    return api_fail(
        call, HF_E_FORBIDDEN, 403, HF_LIT("Forbidden"), HF_LIT("ForbiddenByRbac"),
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
        "assignments "
        "or role definitions were changed recently, please observe propagation time.\r\nCaller: "
        "appid=%.*s;oid=%.*s;iss=%.*s\r\nAction: '%.*s'\r\nResource: '%.*s'\r\nAssignment: (not "
        "found)\r\n"
        "DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: %s;location=%s\r\n",
        HF_STR_ARG(caller->appid), HF_STR_ARG(caller->oid), HF_STR_ARG(caller->issuer),
        HF_STR_ARG(action), HF_STR_ARG(resource), call->vault_properties.name,
        call->vault_properties.location);
}

hf_err azure_authorize(struct api_call *call)
{
    const struct api_op *op = call->op;
    if (op->scope == API_SCOPE_NONE)
        return HF_OK;
    hf_str resource = call->resource_id;
    if (op->scope == API_SCOPE_OBJECT) {
        hf_str name = call->params[0];
        if (!vault_object_name_is_valid(name))
            return azure_bad_parameter(call, "The request URI contains an invalid name: %.*s",
                                       HF_STR_ARG(name));
        resource = HF_JOIN(call->arena, call->resource_id, HF_LIT("/"), collection_of(op->action),
                           HF_LIT("/"), name);
        if (resource.p == NULL)
            return HF_E_NOMEM;
    }
    hf_err err = access_decide(call->worker->access, call->txn, call->caller, op->action, resource,
                               &call->decision);
    if (err != HF_OK)
        return err;
    call->decided = true;
    return call->decision.allowed ? HF_OK : forbid(call, resource);
}

/* ---- body ---- */

hf_err azure_read_body(struct api_call *call)
{
    hf_bytes body = call->request->body;
    bool takes_body = call->method == HTTP_PUT || call->method == HTTP_POST ||
                      call->method == HTTP_PATCH;
    if (!takes_body || body.n == 0)
        return HF_OK;
    hf_str type = http_request_header(call->request, HF_LIT("content-type"));
    type = hf_str_trim(hf_str_sub(type, 0, hf_str_find(type, ';')));
    if (!hf_str_equal_nocase(type, HF_LIT("application/json")))
        return api_fail(call, HF_E_INVALID, 415, HF_LIT("UnsupportedMediaType"), HF_LIT(""),
                        "The content type must be application/json.");
    hf_err err = hf_json_parse(body, NULL, &call->body);
    if (err == HF_E_NOMEM)
        return err;
    if (err != HF_OK || hf_json_type(call->body) != HF_JSON_OBJECT)
        return azure_bad_property(call, "");
    return HF_OK;
}

/* ---- complete ---- */

static void add_rbac_headers(struct api_call *call)
{
    if (!call->decided || !call->decision.allowed)
        return;
    char *hex = hf_arena_alloc(call->arena, HF_UUID_HEX_BYTES + 1);
    if (hex == NULL)
        return;
    hf_uuid_format_hex(&call->decision.assignment_id, hex);
    call->audit.assignment_id = hf_str_from_c(hex);
    api_add_header(call, HF_LIT("x-ms-keyvault-rbac-assignment-id"), call->audit.assignment_id);
}

static void add_vault_headers(struct api_call *call)
{
    hf_str address = hf_str_from_c(call->request->peer.address);
    bool is_v6 = hf_str_find(address, ':') < address.n;
    hf_str network = HF_JOIN(
        call->arena, is_v6 ? HF_LIT("conn_type=Ipv6;addr=") : HF_LIT("conn_type=Ipv4;addr="),
        address,
        is_v6 ? HF_LIT(";act_addr_fam=InterNetworkV6;") : HF_LIT(";act_addr_fam=InterNetwork;"));
    if (call->vault_host.n > 0)
        api_add_header(call, HF_LIT("x-ms-keyvault-region"),
                       hf_str_from_c(call->vault_properties.location));
    if (network.p != NULL)
        api_add_header(call, HF_LIT("x-ms-keyvault-network-info"), network);
}

/* What was asked for, when the answer does not say it: after a denial or an error. */
static void fill_object_id(struct api_call *call)
{
    if (call->audit.id.n > 0 || call->op == NULL || call->op->scope != API_SCOPE_OBJECT)
        return;
    hf_str path = hf_str_from_c(call->op->path); /* "/secrets/{name}…" */
    hf_str collection = hf_str_sub(path, 0, hf_str_find(path, '{'));
    call->audit.id = HF_JOIN(call->arena, azure_vault_url(call), collection, call->params[0]);
}

static void fill_identity(struct api_call *call)
{
    const struct access_caller *caller = call->caller;
    if (caller == NULL)
        return;
    call->audit.has_identity = true;
    call->audit.claims = (struct audit_claims){ .oid = caller->oid,
                                                .appid = caller->appid,
                                                .appidacr = caller->appidacr,
                                                .upn = caller->upn,
                                                .scp = caller->scp,
                                                .idtyp = caller->idtyp };
    call->audit.address_authorized = AUDIT_TRUE; /* no network rules yet: every address may ask */
    if (call->decided)
        call->audit.rbac_authorized = call->decision.allowed ? AUDIT_TRUE : AUDIT_FALSE;
}

/* An empty answer (204) has no type. */
void azure_complete(struct api_call *call)
{
    static const struct http_header fixed[] = {
        { API_TEXT("cache-control"), API_TEXT("no-cache") },
        { API_TEXT("pragma"), API_TEXT("no-cache") },
        { API_TEXT("expires"), API_TEXT("-1") },
        { API_TEXT("strict-transport-security"), API_TEXT("max-age=31536000;includeSubDomains") },
        { API_TEXT("x-content-type-options"), API_TEXT("nosniff") },
        { API_TEXT("x-ms-keyvault-service-version"), API_TEXT(SERVICE_VERSION) },
    };
    if (call->out->n > 0)
        api_add_header(call, HF_LIT("content-type"), HF_LIT("application/json; charset=utf-8"));
    for (size_t i = 0; i < HF_ARRAY_LEN(fixed); i++)
        api_add_header(call, fixed[i].name, fixed[i].value);
    api_add_header(call, HF_LIT("x-ms-request-id"), hf_str_from_c(call->request_id));
    hf_str client_id = http_request_header(call->request, HF_LIT("x-ms-client-request-id"));
    if (client_id.p != NULL)
        api_add_header(call, HF_LIT("x-ms-client-request-id"), client_id);
    add_vault_headers(call);
    add_rbac_headers(call);
    fill_object_id(call);
    fill_identity(call);
}
