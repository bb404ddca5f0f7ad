/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast vault …`: vaults over the local socket.
 */
#include "cli/commands.h"
#include "cli/message.h"

#define BODY_MAX_BYTES ((size_t)4 * 1024)
#define RETENTION_NUMBER_MAX UINT64_C(1000000) /* bounds the number; the server knows the limits */

static const struct cli_column list_columns[] = {
    { "NAME", "name", CLI_CELL_PLAIN },
    { "URL", "url", CLI_CELL_PLAIN },
    { "RETENTION", "retentionDays", CLI_CELL_PLAIN },
    { "PURGE PROTECTION", "purgeProtection", CLI_CELL_PLAIN },
    { "LOCATION", "location", CLI_CELL_PLAIN },
    { "CREATED", "created", CLI_CELL_TIME },
};

static const struct cli_column show_columns[] = {
    { "Name", "name", CLI_CELL_PLAIN },
    { "URL", "url", CLI_CELL_PLAIN },
    { "Id", "id", CLI_CELL_PLAIN },
    { "Tenant", "tenantId", CLI_CELL_PLAIN },
    { "Location", "location", CLI_CELL_PLAIN },
    { "Retention days", "retentionDays", CLI_CELL_PLAIN },
    { "Purge protection", "purgeProtection", CLI_CELL_PLAIN },
    { "Created", "created", CLI_CELL_TIME },
};

int cli_vault_list(const struct cli_input *input)
{
    return cli_show_list(input, "/vaults", list_columns, HF_ARRAY_LEN(list_columns));
}

/* /vaults/{name}{tail} with an optional body; shows the vault in the answer. */
static int send_vault(const struct cli_input *input, enum http_method method, const char *tail,
                      const struct hf_buf *body)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&path, "/vaults");
    cli_put_segment(&path, input->arguments[0]);
    hf_buf_put_c(&path, tail);
    const struct cli_local_call call = { .method = method, .path = &path, .body = body };
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = cli_local_send(input, &call, &answer);
    return code == CLI_OK
               ? cli_show_answer(input, show_columns, HF_ARRAY_LEN(show_columns), &answer)
               : code;
}

int cli_vault_show(const struct cli_input *input)
{
    return send_vault(input, HTTP_GET, "", NULL);
}

int cli_vault_protect(const struct cli_input *input)
{
    return send_vault(input, HTTP_POST, "/protect", NULL);
}

static int put_retention(const struct cli_input *input, struct hf_json_writer *w)
{
    const char *text = input->values[CLI_RETENTION_DAYS];
    uint64_t days = 0;
    if (text == NULL)
        return CLI_OK;
    if (!hf_str_parse_u64(hf_str_from_c(text), RETENTION_NUMBER_MAX, &days))
        return cli_fail(CLI_USAGE, "--retention-days: '%s' is no number of days", text);
    hf_jw_member_int(w, "retentionDays", (int64_t)days);
    return CLI_OK;
}

int cli_vault_create(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    hf_buf_init(&body, BODY_MAX_BYTES);
    struct hf_json_writer w = hf_json_writer_on(&body);
    hf_jw_begin_object(&w);
    const int code = put_retention(input, &w);
    if (code != CLI_OK)
        return code;
    if (cli_has(input, CLI_PURGE_PROTECTION))
        hf_jw_member_bool(&w, "purgeProtection", true);
    if (cli_has(input, CLI_LOCATION))
        hf_jw_member_c(&w, "location", input->values[CLI_LOCATION]);
    if (cli_has(input, CLI_RESOURCE_GROUP))
        hf_jw_member_c(&w, "resourceGroup", input->values[CLI_RESOURCE_GROUP]);
    hf_jw_end_object(&w);
    return send_vault(input, HTTP_PUT, "", &body);
}
