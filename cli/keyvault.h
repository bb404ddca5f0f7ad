/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault's public API over HTTPS, used as any SDK uses it: the first request carries neither token nor body and brings
 * the challenge; the token is fetched for the resource it names, if the vault's host lies below that; then requests carry
 * the token, to this vault's host and port and nowhere else. Redirects are not followed.
 */
#pragma once

#include "cli/answer.h"
#include "cli/options.h"
#include "cli/url.h"

#define CLI_KEYVAULT_ANSWER_MAX_BYTES ((size_t)96 * 1024 * 1024)

struct cli_keyvault {
    struct cli_url url;
    hf_str base;                 /* "https://host:port", into argv or the environment */
    const char *ca_file;         /* NULL: the system's */
    struct hf_buf authorization; /* secret; "Bearer …", empty before the first call */
};

/* Takes --vault-url or AZURE_KEYVAULT_URL, --ca-file or SSL_CERT_FILE. Returns an exit code. */
int cli_keyvault_open(const struct cli_input *input, struct cli_keyvault *out);
void cli_keyvault_done(struct cli_keyvault *vault);

struct cli_keyvault_call {
    enum http_method method;
    const struct hf_buf
        *path; /* "/secrets/name"; the api-version is added unless there is a query */
    const struct hf_buf *body; /* JSON; NULL for none */
};

/* Sends and checks; returns an exit code. */
int cli_keyvault_send(struct cli_keyvault *vault, const struct cli_keyvault_call *call,
                      struct cli_answer *answer);

/* Calls visit for each element of the list at path, following its pages. */
typedef void (*cli_visit_fn)(const struct hf_json *item, void *context);
int cli_keyvault_list(struct cli_keyvault *vault, const struct hf_buf *path, cli_visit_fn visit,
                      void *context);
