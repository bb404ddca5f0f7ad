/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoints. The client is authenticated and the claims are made on the loop; the RSA signature on the compute pool;
 * the answer on the loop again.
 */
#include "api/entra/internal.h"

#define DEFAULT_SCOPE "/.default"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum token_form {
    TOKEN_V2,       /* numbers as numbers */
    TOKEN_V1,       /* numbers as strings */
    TOKEN_IDENTITY, /* App Service's managed-identity answer */
};

/* What the continuation needs. */
struct token_request {
    enum token_form form;
    hf_str resource;
    hf_str client_id;
    struct access_client client;
    struct access_token_order order;
};

/* ---- refusals ---- */

static hf_err missing(struct api_call *call, const char *name)
{
    return entra_fail(call, HF_E_INVALID, 400, "invalid_request", "900144",
                      "The request body must contain the following parameter: '%s'.", name);
}

struct refusal_row {
    hf_err err;
    int status;
    const char *oauth_error;
    const char *number;
    const char *text;
};

static const struct refusal_row secret_refusals[] = {
    { HF_E_NOT_FOUND, 400, "unauthorized_client", "700016",
      "Application was not found in the directory." },
    { HF_E_DISABLED, 400, "unauthorized_client", "7000112", "The application is disabled." },
    { HF_E_UNAUTHENTICATED, 401, "invalid_client", "7000215", "Invalid client secret provided." },
    { HF_E_TOKEN_EXPIRED, 401, "invalid_client", "7000222",
      "The provided client secret keys are expired." },
};

static const struct refusal_row assertion_refusals[] = {
    { HF_E_NOT_FOUND, 400, "unauthorized_client", "700016",
      "Application was not found in the directory." },
    { HF_E_DISABLED, 400, "unauthorized_client", "7000112", "The application is disabled." },
    { HF_E_TOKEN_MALFORMED, 400, "invalid_request", "50027", "The client assertion is malformed." },
    { HF_E_TOO_LARGE, 400, "invalid_request", "50027", "The client assertion is too large." },
    { HF_E_TOKEN_SIGNATURE, 401, "invalid_client", "700027",
      "The client assertion's signature failed, or its certificate is not registered or not valid "
      "now." },
    { HF_E_TOKEN_ISSUER, 401, "invalid_client", "50012",
      "The client assertion is not of this client." },
    { HF_E_TOKEN_AUDIENCE, 401, "invalid_client", "50012",
      "The client assertion is for another audience." },
    { HF_E_TOKEN_EXPIRED, 401, "invalid_client", "700024",
      "The client assertion is not within its valid time range." },
    { HF_E_TOKEN_NOT_YET_VALID, 401, "invalid_client", "700024",
      "The client assertion is not within its valid time range." },
};

static hf_err refuse(struct api_call *call, hf_err err, const struct refusal_row *rows,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct refusal_row *row = &rows[i];
        if (row->err == err)
            return entra_fail(call, err, row->status, row->oauth_error, row->number, "%s",
                              row->text);
    }
    return err;
}

/* ---- what is asked for ---- */

static hf_err check_tenant(struct api_call *call)
{
    if (hf_str_equal_nocase(call->params[0], call->service->tenant))
        return HF_OK;
    return entra_fail(call, HF_E_INVALID, 400, "invalid_request", "90002",
                      "Tenant '%.*s' not found.", HF_STR_ARG(call->params[0]));
}

/* Scopes of OpenID Connect: MSAL for Go sends them with every request; they change nothing here. */
static bool is_openid_scope(hf_str scope)
{
    static const char *const names[] = { "openid", "profile", "email", "offline_access" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        if (hf_str_equal(scope, hf_str_from_c(names[i])))
            return true;
    }
    return false;
}

/* The one scope of a blank-separated list that names a resource; empty if there is none. */
static hf_err resource_scope(struct api_call *call, hf_str list, hf_str *out)
{
    hf_str found = { NULL, 0 };
    hf_str part = { NULL, 0 };
    while (hf_str_next(&list, ' ', &part)) {
        if (part.n == 0 || is_openid_scope(part))
            continue;
        if (found.n > 0)
            return entra_fail(call, HF_E_INVALID, 400, "invalid_request", "700022",
                              "The provided value for scope names more than one resource.");
        found = part;
    }
    *out = found;
    return HF_OK;
}

/* The resource is everything before the last "/.default". */
static hf_err resource_of_scope(struct api_call *call, const struct entra_form *form, hf_str *out)
{
    if (form->resource.n > 0)
        return entra_fail(call, HF_E_INVALID, 400, "invalid_request", "901002",
                          "The 'resource' request parameter is not supported.");
    if (form->scope.n == 0)
        return missing(call, "scope");
    hf_str scope = { NULL, 0 };
    hf_err err = resource_scope(call, form->scope, &scope);
    if (err != HF_OK)
        return err;
    if (!hf_str_ends(scope, HF_LIT(DEFAULT_SCOPE)))
        return entra_fail(call, HF_E_INVALID, 400, "invalid_scope", "1002012",
                          "The provided value for scope is not valid. Client credential flows must "
                          "have a scope value "
                          "with /.default suffixed to the resource identifier.");
    *out = hf_str_sub(scope, 0, scope.n - (sizeof(DEFAULT_SCOPE) - 1));
    return HF_OK;
}

static hf_err find_resource(struct api_call *call, const struct entra_form *form,
                            enum token_form kind, hf_str *out)
{
    if (kind == TOKEN_V2)
        return resource_of_scope(call, form, out);
    if (form->resource.n == 0)
        return missing(call, "resource");
    *out = form->resource;
    return HF_OK;
}

/* ---- who asks ---- */

static hf_err client_by_assertion(struct api_call *call, const struct entra_form *form,
                                  const struct hf_uuid *client_id, struct access_client *out)
{
    if (!hf_str_equal(form->client_assertion_type, HF_LIT(ASSERTION_TYPE)))
        return entra_fail(call, HF_E_INVALID, 400, "invalid_request", "90014",
                          "The value of 'client_assertion_type' is not supported.");
    hf_err err = access_client_by_assertion(call->worker->access, call->txn, client_id,
                                            form->client_assertion, call->now, call->arena, out);
    return refuse(call, err, assertion_refusals, HF_ARRAY_LEN(assertion_refusals));
}

static hf_err authenticate(struct api_call *call, const struct entra_form *form,
                           struct access_client *out)
{
    if (form->client_id.n == 0 && form->client_assertion.n == 0)
        return missing(call, "client_id");
    struct hf_uuid client_id;
    bool has_id = form->client_id.n > 0;
    if (has_id && hf_uuid_parse(form->client_id, &client_id) != HF_OK)
        return entra_fail(call, HF_E_INVALID, 400, "unauthorized_client", "700016",
                          "Application with identifier '%.*s' was not found in the directory.",
                          HF_STR_ARG(form->client_id));
    if (form->client_secret != NULL && has_id) {
        hf_err err = access_client_by_secret(call->worker->access, call->txn, &client_id,
                                             form->client_secret, call->now, call->arena, out);
        return refuse(call, err, secret_refusals, HF_ARRAY_LEN(secret_refusals));
    }
    if (form->client_assertion.n > 0)
        return client_by_assertion(call, form, has_id ? &client_id : NULL, out);
    return entra_fail(call, HF_E_UNAUTHENTICATED, 401, "invalid_client", "7000218",
                      "The request body must contain the following parameter: 'client_assertion' "
                      "or 'client_secret'.");
}

/* ---- the answer ---- */

static void member_text_number(struct hf_json_writer *w, const char *name, int64_t number)
{
    char memory[24];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    hf_buf_put_dec(&text, number);
    hf_jw_member_str(w, name, hf_buf_str(&text));
}

static void write_v2(const struct token_request *request, int64_t expires_in,
                     struct hf_json_writer *w)
{
    (void)request;
    hf_jw_member_int(w, "expires_in", expires_in);
    hf_jw_member_int(w, "ext_expires_in", expires_in);
}

static void write_v1(const struct token_request *request, int64_t expires_in,
                     struct hf_json_writer *w)
{
    member_text_number(w, "expires_in", expires_in);
    member_text_number(w, "ext_expires_in", expires_in);
    member_text_number(w, "expires_on", hf_usec_to_seconds(request->order.expires));
    member_text_number(w, "not_before", hf_usec_to_seconds(request->order.issued));
    hf_jw_member_str(w, "resource", request->resource);
}

static hf_err answer(struct api_call *call)
{
    struct token_request *request = call->state;
    hf_err err = request->order.result;
    if (err == HF_OK) {
        /* A second less than the token's life, as Entra counts. */
        int64_t expires_in = hf_usec_to_seconds(request->order.expires - call->now) - 1;
        struct hf_json_writer w = hf_json_writer_on(call->out);
        hf_jw_begin_object(&w);
        hf_jw_member_c(&w, "token_type", "Bearer");
        if (request->form == TOKEN_V2)
            write_v2(request, expires_in, &w);
        else
            write_v1(request, expires_in, &w);
        if (request->form == TOKEN_IDENTITY)
            hf_jw_member_str(&w, "client_id", request->client_id);
        hf_jw_member_str(&w, "access_token", hf_buf_str(&request->order.text));
        hf_jw_end_object(&w);
    }
    return err;
}

static void release(struct api_call *call)
{
    struct token_request *request = call->state;
    access_token_order_done(&request->order);
}

static void sign(struct api_call *call)
{
    struct token_request *request = call->state;
    access_token_sign(&request->order);
}

static hf_str uuid_text(struct api_call *call, const struct hf_uuid *uuid)
{
    char text[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(uuid, text);
    return hf_arena_dup_str(call->arena, (hf_str){ text, HF_UUID_TEXT_BYTES });
}

static void audit_client(struct api_call *call, struct token_request *request)
{
    request->client_id = uuid_text(call, &request->client.principal.client_id);
    call->audit.has_identity = true;
    call->audit.claims =
        (struct audit_claims){ .oid = uuid_text(call, &request->client.principal.object_id),
                               .appid = request->client_id,
                               .appidacr = request->client.appidacr };
}

/* Who the client says it is: the record of a refused sign-in names it. */
static void audit_claimed(struct api_call *call, const struct entra_form *form)
{
    call->audit.has_identity = form->client_id.n > 0;
    call->audit.claims.appid = form->client_id;
}

/* From an authenticated client to a token being signed. */
static hf_err order(struct api_call *call, struct token_request *request)
{
    audit_client(call, request);
    hf_err err = access_token_prepare(call->worker->access, call->txn, &request->client,
                                      request->resource, call->now, call->arena, &request->order);
    if (err == HF_E_TOKEN_AUDIENCE)
        return entra_fail(call, err, 400, "invalid_resource", "500011",
                          "The resource principal named %.*s was not found in the tenant.",
                          HF_STR_ARG(request->resource));
    if (err != HF_OK)
        return err;
    call->audit.id = request->resource;
    call->state = request;
    call->compute = sign;
    call->release = release;
    call->finish = answer;
    return HF_OK;
}

static hf_err issue(struct api_call *call, enum token_form kind)
{
    call->audit.category = HF_LIT("ServicePrincipalSignInLogs");
    hf_err err = check_tenant(call);
    if (err != HF_OK)
        return err;
    struct entra_form form;
    err = entra_form_read(call, &form);
    if (err != HF_OK)
        return err;
    if (form.grant_type.n == 0)
        return missing(call, "grant_type");
    if (!hf_str_equal(form.grant_type, HF_LIT("client_credentials")))
        return entra_fail(call, HF_E_INVALID, 400, "unsupported_grant_type", "70003",
                          "The app requested an unsupported grant type '%.*s'.",
                          HF_STR_ARG(form.grant_type));
    struct token_request *request = hf_arena_new_of(call->arena, struct token_request);
    if (request == NULL)
        return HF_E_NOMEM;
    request->form = kind;
    audit_claimed(call, &form);
    err = find_resource(call, &form, kind, &request->resource);
    if (err != HF_OK)
        return err;
    call->audit.id = request->resource;
    err = authenticate(call, &form, &request->client);
    return err == HF_OK ? order(call, request) : err;
}

hf_err entra_token_v2(struct api_call *call)
{
    return issue(call, TOKEN_V2);
}

hf_err entra_token_v1(struct api_call *call)
{
    return issue(call, TOKEN_V1);
}

/* ---- managed identity (App Service form) ---- */

static hf_err identity_client(struct api_call *call, struct access_client *out)
{
    hf_str value = http_request_header(call->request, HF_LIT("x-identity-header"));
    if (value.p == NULL)
        return api_fail(call, HF_E_INVALID, 400, HF_LIT("invalid_request"), HF_LIT("0"),
                        "The header X-IDENTITY-HEADER is missing.");
    struct hf_secret *header = NULL;
    hf_err err = hf_secret_from_bytes(hf_str_bytes(value), &header);
    if (err == HF_OK)
        err = hf_arena_own_secret(call->arena, header);
    if (err != HF_OK)
        return err;
    err = access_client_by_header(call->worker->access, call->txn, header, call->now, call->arena,
                                  out);
    if (err == HF_E_UNAUTHENTICATED || err == HF_E_DISABLED || err == HF_E_TOKEN_EXPIRED)
        return api_fail(call, err, 401, HF_LIT("unauthorized"), HF_LIT("0"),
                        "The value of X-IDENTITY-HEADER is not that of an enabled identity.");
    return err;
}

/* A caller that names an identity must name the one its header is for. */
static hf_err check_asked_identity(struct api_call *call, const struct access_client *client)
{
    const struct {
        const char *name;
        const struct hf_uuid *expected;
    } rows[] = {
        { "client_id", &client->principal.client_id },
        { "object_id", &client->principal.object_id },
        { "principal_id", &client->principal.object_id },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_str asked;
        hf_err err = api_query(call, hf_str_from_c(rows[i].name), &asked);
        if (err != HF_OK)
            return err;
        struct hf_uuid id;
        if (asked.n > 0 &&
            (hf_uuid_parse(asked, &id) != HF_OK || !hf_uuid_equal(&id, rows[i].expected)))
            return api_fail(call, HF_E_INVALID, 400, HF_LIT("invalid_request"), HF_LIT("0"),
                            "Identity not found");
    }
    return HF_OK;
}

hf_err entra_identity_token(struct api_call *call)
{
    call->audit.category = HF_LIT("ManagedIdentitySignInLogs");
    if (http_request_header(call->request, HF_LIT("x-forwarded-for")).p != NULL)
        return api_fail(call, HF_E_INVALID, 400, HF_LIT("invalid_request"), HF_LIT("0"),
                        "Forwarded requests are not accepted.");
    struct token_request *request = hf_arena_new_of(call->arena, struct token_request);
    if (request == NULL)
        return HF_E_NOMEM;
    request->form = TOKEN_IDENTITY;
    hf_err err = identity_client(call, &request->client);
    if (err == HF_OK)
        err = check_asked_identity(call, &request->client);
    if (err == HF_OK)
        err = api_query(call, HF_LIT("resource"), &request->resource);
    if (err != HF_OK)
        return err;
    if (request->resource.n == 0)
        return api_fail(call, HF_E_INVALID, 400, HF_LIT("invalid_request"), HF_LIT("0"),
                        "The query parameter 'resource' is missing.");
    return order(call, request);
}
