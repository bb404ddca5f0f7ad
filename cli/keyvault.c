/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to a vault.
 */
#include "cli/keyvault.h"

#include "cli/challenge.h"
#include "cli/message.h"
#include "cli/token.h"

#include <stdlib.h>

#define API_VERSION "7.6"
#define URL_MAX_BYTES ((size_t)16 * 1024)
#define CALL_TIMEOUT (120 * HF_USEC_PER_SEC)
#define PAGES_MAX 100000 /* a server that never ends its list */

/* ---- open ---- */

static const char *find_setting(const struct cli_input *input, enum cli_option option,
                                const char *variable)
{
    if (cli_has(input, option))
        return input->values[option];
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

int cli_keyvault_open(const struct cli_input *input, struct cli_keyvault *out)
{
    *out = (struct cli_keyvault){ 0 };
    hf_buf_init_secret(&out->authorization, CLI_TOKEN_MAX_BYTES);
    const char *text = find_setting(input, CLI_VAULT_URL, "AZURE_KEYVAULT_URL");
    if (text == NULL)
        return cli_fail(CLI_USAGE, "which vault? Give --vault-url or set AZURE_KEYVAULT_URL");
    const hf_str url = hf_str_from_c(text);
    if (cli_url_parse(url, &out->url) != HF_OK ||
        (out->url.target.n > 0 && !hf_str_equal(out->url.target, HF_LIT("/"))))
        return cli_fail(CLI_USAGE, "'%s' is no vault URL such as https://dev.vault.example.org",
                        text);
    out->base = hf_str_sub(url, 0, url.n - out->url.target.n);
    out->ca_file = find_setting(input, CLI_CA_FILE, "SSL_CERT_FILE");
    return CLI_OK;
}

void cli_keyvault_done(struct cli_keyvault *vault)
{
    hf_buf_done(&vault->authorization);
}

/* ---- the token ---- */

/* From the answer to a request without token. */
static int take_challenge(const struct cli_keyvault *vault, const struct cli_answer *answer,
                          const char *peer, struct cli_challenge *out)
{
    if (answer->http.status != 401) {
        const int code = cli_answer_check(answer, peer);
        return code != CLI_OK ? code
                              : cli_fail(CLI_DENIED,
                                         "%s answers without asking who calls: that is "
                                         "no vault",
                                         peer);
    }
    if (cli_challenge_parse(hf_buf_str(&answer->http.www_authenticate), out) != HF_OK)
        return cli_fail(CLI_DENIED, "%s does not say which token it wants", peer);
    if (!cli_challenge_fits(out, vault->url.host))
        return cli_fail(CLI_DENIED,
                        "%s wants a token for %.*s, which is not its own domain: no "
                        "token is sent",
                        peer, HF_STR_ARG(out->resource));
    return CLI_OK;
}

static int log_in(struct cli_keyvault *vault, enum http_method method, const char *url)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    const struct http_client_request request = {
        .method = method, .url = url, .ca_file = vault->ca_file, .timeout = CALL_TIMEOUT
    };
    int code = cli_answer_get(&request, url, &answer);
    struct cli_challenge challenge = { { NULL, 0 }, { NULL, 0 } };
    if (code == CLI_OK)
        code = take_challenge(vault, &answer, url, &challenge);
    return code == CLI_OK ? cli_token_get(vault->ca_file, challenge.resource, &vault->authorization)
                          : code;
}

/* ---- calls ---- */

static int send_with_token(struct cli_keyvault *vault, const struct cli_keyvault_call *call,
                           const char *url, struct cli_answer *answer)
{
    const struct http_header headers[] = {
        { HF_LIT("authorization"), hf_buf_str(&vault->authorization) },
        { HF_LIT("content-type"), HF_LIT("application/json") },
    };
    const bool has_body = call->body != NULL;
    const struct http_client_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .header_count = has_body ? HF_ARRAY_LEN(headers) : HF_ARRAY_LEN(headers) - 1,
        .body = has_body ? hf_buf_view(call->body) : (hf_bytes){ NULL, 0 },
        .ca_file = vault->ca_file,
        .timeout = CALL_TIMEOUT,
    };
    return cli_answer_send(&request, url, answer);
}

int cli_keyvault_send(struct cli_keyvault *vault, const struct cli_keyvault_call *call,
                      struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf url;
    hf_buf_init(&url, URL_MAX_BYTES);
    const hf_str path = hf_buf_str(call->path);
    hf_buf_put_str(&url, vault->base);
    hf_buf_put_str(&url, path);
    if (hf_str_find(path, '?') == path.n)
        hf_buf_put_c(&url, "?api-version=" API_VERSION);
    hf_buf_put_u8(&url, 0);
    hf_err err = hf_buf_err(call->path);
    if (err == HF_OK && call->body != NULL)
        err = hf_buf_err(call->body);
    if (err == HF_OK)
        err = hf_buf_err(&url);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "the request: %s", hf_err_text(err));
    const char *text = (const char *)url.p;
    const int code = vault->authorization.n == 0 ? log_in(vault, call->method, text) : CLI_OK;
    return code == CLI_OK ? send_with_token(vault, call, text, answer) : code;
}

/* ---- lists ---- */

/* The next page's path, if the link leads to this vault and nowhere else. Empty when there is none. */
static int take_next(const struct cli_keyvault *vault, const struct hf_json *page,
                     struct hf_buf *path)
{
    const hf_str link = hf_json_str(hf_json_member(page, "nextLink"));
    hf_buf_reset(path);
    if (link.n == 0)
        return CLI_OK;
    struct cli_url next;
    if (cli_url_parse(link, &next) != HF_OK || !cli_url_same_place(&next, &vault->url) ||
        !hf_str_starts(next.target, HF_LIT("/")))
        return cli_fail(CLI_FAILED,
                        "the list goes on at %.*s, which is not this vault: not followed",
                        HF_STR_ARG(link));
    hf_buf_put_str(path, next.target);
    return CLI_OK;
}

static int visit_page(const struct hf_json *page, cli_visit_fn visit, void *context)
{
    const struct hf_json *items = hf_json_member(page, "value");
    if (items == NULL || hf_json_type(items) != HF_JSON_ARRAY)
        return cli_fail(CLI_FAILED, "the answer is no list");
    for (size_t i = 0; i < hf_json_size(items); i++)
        visit(hf_json_at(items, i), context);
    return CLI_OK;
}

int cli_keyvault_list(struct cli_keyvault *vault, const struct hf_buf *path, cli_visit_fn visit,
                      void *context)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf next;
    hf_buf_init(&next, URL_MAX_BYTES);
    hf_buf_put_str(&next, hf_buf_str(path));
    for (int page = 0; page < PAGES_MAX && next.n > 0; page++) {
        HF_CLEANUP(cli_answer_done) struct cli_answer answer;
        cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
        const struct cli_keyvault_call call = { .method = HTTP_GET, .path = &next };
        int code = cli_keyvault_send(vault, &call, &answer);
        if (code == CLI_OK)
            code = visit_page(answer.json, visit, context);
        if (code == CLI_OK)
            code = take_next(vault, answer.json, &next);
        if (code != CLI_OK)
            return code;
    }
    return next.n == 0 ? CLI_OK : cli_fail(CLI_FAILED, "the list does not end");
}
