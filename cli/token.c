/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: App Service's managed-identity protocol and OAuth 2.0 client credentials (RFC 6749 section 4.4, Entra's v2.0 endpoint).
 */
#include "cli/token.h"

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/message.h"
#include "cli/url.h"

#include <stdlib.h>

#define URL_MAX_BYTES ((size_t)8 * 1024)
#define FORM_MAX_BYTES ((size_t)64 * 1024)
#define TOKEN_TIMEOUT (60 * HF_USEC_PER_SEC)
#define IDENTITY_API_VERSION "2019-08-01"

/* Where the client's four values are; a set of names is used as a whole, so that no secret meets another's authority. */
struct client_names {
    const char *tenant;
    const char *client;
    const char *secret;
    const char *authority;
};

static const struct client_names name_sets[] = {
    { "HOLDFAST_TENANT_ID", "HOLDFAST_CLIENT_ID", "HOLDFAST_CLIENT_SECRET",
      "HOLDFAST_AUTHORITY_HOST" },
    { "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST" },
};

/* NULL if unset or empty. */
static const char *find_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int keep_token(const struct cli_answer *answer, const char *peer,
                      struct hf_buf *authorization)
{
    const hf_str token = hf_json_str(hf_json_member(answer->json, "access_token"));
    if (token.n == 0)
        return cli_fail(CLI_FAILED, "%s sent no access_token", peer);
    hf_buf_put_c(authorization, "Bearer ");
    hf_buf_put_str(authorization, token);
    return hf_buf_err(authorization) == HF_OK
               ? CLI_OK
               : cli_fail(CLI_FAILED, "the token: %s", hf_err_text(hf_buf_err(authorization)));
}

static int fetch(const struct http_client_request *request, struct hf_buf *authorization)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, 2 * CLI_TOKEN_MAX_BYTES);
    const int code = cli_answer_get(request, request->url, &answer);
    if (code != CLI_OK)
        return code;
    const int refusal = cli_answer_check(&answer, request->url);
    if (refusal == CLI_FAILED && answer.http.status == 400)
        return CLI_DENIED; /* OAuth 2.0 says 400 also to an unknown or disabled client */
    return refusal == CLI_OK ? keep_token(&answer, request->url, authorization) : refusal;
}

/* ---- managed identity ---- */

static int from_identity(const char *endpoint, const char *header, const char *ca_file,
                         hf_str resource, struct hf_buf *authorization)
{
    struct cli_url parts;
    if (cli_url_parse(hf_str_from_c(endpoint), &parts) != HF_OK)
        return cli_fail(CLI_USAGE, "IDENTITY_ENDPOINT: '%s' is no https URL", endpoint);
    HF_CLEANUP(hf_buf_done) struct hf_buf url;
    hf_buf_init(&url, URL_MAX_BYTES);
    const bool has_query = hf_str_find(parts.target, '?') < parts.target.n;
    hf_buf_putf(&url, "%s%capi-version=" IDENTITY_API_VERSION "&resource=", endpoint,
                has_query ? '&' : '?');
    hf_buf_put_percent(&url, resource);
    hf_buf_put_u8(&url, 0);
    if (hf_buf_err(&url) != HF_OK)
        return cli_fail(CLI_FAILED, "IDENTITY_ENDPOINT: %s", hf_err_text(hf_buf_err(&url)));
    const struct http_header headers[] = { { HF_LIT("x-identity-header"), hf_str_from_c(header) } };
    const struct http_client_request request = { .method = HTTP_GET,
                                                 .url = (const char *)url.p,
                                                 .headers = headers,
                                                 .header_count = HF_ARRAY_LEN(headers),
                                                 .ca_file = ca_file,
                                                 .timeout = TOKEN_TIMEOUT };
    return fetch(&request, authorization);
}

/* ---- client secret ---- */

struct client {
    const char *tenant;
    const char *id;
    const char *secret;
    const char *authority;
};

/* False if it said that something is missing. */
static bool find_client(struct client *out)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(name_sets); i++) {
        const struct client_names *names = &name_sets[i];
        const struct {
            const char *name;
            const char **slot;
        } rows[] = { { names->client, &out->id },
                     { names->secret, &out->secret },
                     { names->tenant, &out->tenant },
                     { names->authority, &out->authority } };
        if (find_variable(names->client) == NULL)
            continue;
        for (size_t k = 0; k < HF_ARRAY_LEN(rows); k++) {
            *rows[k].slot = find_variable(rows[k].name);
            if (*rows[k].slot == NULL) {
                (void)cli_fail(CLI_DENIED, "%s is set, but %s is not", names->client, rows[k].name);
                return false;
            }
        }
        return true;
    }
    (void)cli_fail(CLI_DENIED, "nobody to ask as: set IDENTITY_ENDPOINT and IDENTITY_HEADER, or "
                               "HOLDFAST_TENANT_ID, HOLDFAST_CLIENT_ID, HOLDFAST_CLIENT_SECRET "
                               "and HOLDFAST_AUTHORITY_HOST");
    return false;
}

static void put_form(const struct client *client, hf_str resource, struct hf_buf *form)
{
    hf_buf_put_c(form, "grant_type=client_credentials&client_id=");
    hf_buf_put_percent(form, hf_str_from_c(client->id));
    hf_buf_put_c(form, "&client_secret=");
    hf_buf_put_percent(form, hf_str_from_c(client->secret));
    hf_buf_put_c(form, "&scope=");
    hf_buf_put_percent(form, resource);
    hf_buf_put_percent(form, HF_LIT("/.default"));
}

/* {authority}/{tenant}/oauth2/v2.0/token; the authority may end in a slash. */
static int put_token_url(const struct client *client, struct hf_buf *url)
{
    struct cli_url parts;
    hf_str authority = hf_str_from_c(client->authority);
    if (cli_url_parse(authority, &parts) != HF_OK || hf_str_find(authority, '?') < authority.n)
        return cli_fail(CLI_USAGE, "the authority host '%s' is no https URL", client->authority);
    if (hf_str_ends(authority, HF_LIT("/")))
        authority.n--;
    hf_buf_put_str(url, authority);
    cli_put_segment(url, client->tenant);
    hf_buf_put_c(url, "/oauth2/v2.0/token");
    hf_buf_put_u8(url, 0);
    return hf_buf_err(url) == HF_OK
               ? CLI_OK
               : cli_fail(CLI_FAILED, "the authority host: %s", hf_err_text(hf_buf_err(url)));
}

static int from_client(const char *ca_file, hf_str resource, struct hf_buf *authorization)
{
    struct client client = { 0 };
    HF_CLEANUP(hf_buf_done) struct hf_buf url;
    HF_CLEANUP(hf_buf_done) struct hf_buf form;
    hf_buf_init(&url, URL_MAX_BYTES);
    hf_buf_init_secret(&form, FORM_MAX_BYTES);
    if (!find_client(&client))
        return CLI_DENIED;
    const int code = put_token_url(&client, &url);
    if (code != CLI_OK)
        return code;
    put_form(&client, resource, &form);
    if (hf_buf_err(&form) != HF_OK)
        return cli_fail(CLI_FAILED, "the client secret: %s", hf_err_text(hf_buf_err(&form)));
    const struct http_header headers[] = { { HF_LIT("content-type"),
                                             HF_LIT("application/x-www-form-urlencoded") } };
    const struct http_client_request request = { .method = HTTP_POST,
                                                 .url = (const char *)url.p,
                                                 .headers = headers,
                                                 .header_count = HF_ARRAY_LEN(headers),
                                                 .body = hf_buf_view(&form),
                                                 .ca_file = ca_file,
                                                 .timeout = TOKEN_TIMEOUT };
    return fetch(&request, authorization);
}

int cli_token_get(const char *ca_file, hf_str resource, struct hf_buf *authorization)
{
    const char *endpoint = find_variable("IDENTITY_ENDPOINT");
    const char *header = find_variable("IDENTITY_HEADER");
    if (endpoint != NULL && header != NULL)
        return from_identity(endpoint, header, ca_file, resource, authorization);
    return from_client(ca_file, resource, authorization);
}
