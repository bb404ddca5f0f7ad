/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast secret …`: secrets through a vault's public API. A value is printed only by `show`, and there only if asked for.
 */
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/object.h"
#include "cli/value.h"

#include <unistd.h>

#define BODY_MAX_BYTES                                                                             \
    ((size_t)4 * 1024 * 1024) /* the value with every byte escaped, and the rest */

#define ATTRIBUTE_COLUMNS                                                                          \
    { "Enabled", "attributes.enabled", CLI_CELL_PLAIN },                                           \
        { "Not before", "attributes.nbf", CLI_CELL_TIME },                                         \
        { "Expires", "attributes.exp", CLI_CELL_TIME },                                            \
        { "Created", "attributes.created", CLI_CELL_TIME },                                        \
    {                                                                                              \
        "Updated", "attributes.updated", CLI_CELL_TIME                                             \
    }

static const struct cli_column show_columns[] = {
    { "Name", "id", CLI_CELL_NAME },
    { "Version", "id", CLI_CELL_VERSION },
    { "Id", "id", CLI_CELL_PLAIN },
    { "Content type", "contentType", CLI_CELL_PLAIN },
    ATTRIBUTE_COLUMNS,
    { "Recovery level", "attributes.recoveryLevel", CLI_CELL_PLAIN },
    { "Tags", "tags", CLI_CELL_TAGS },
};

static const struct cli_column deleted_columns[] = {
    { "Name", "id", CLI_CELL_NAME },
    { "Recovery id", "recoveryId", CLI_CELL_PLAIN },
    { "Deleted", "deletedDate", CLI_CELL_TIME },
    { "Purge scheduled", "scheduledPurgeDate", CLI_CELL_TIME },
};

static const struct cli_column list_columns[] = {
    { "NAME", "id", CLI_CELL_NAME },
    { "ENABLED", "attributes.enabled", CLI_CELL_PLAIN },
    { "UPDATED", "attributes.updated", CLI_CELL_TIME },
    { "EXPIRES", "attributes.exp", CLI_CELL_TIME },
    { "CONTENT TYPE", "contentType", CLI_CELL_PLAIN },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_column version_columns[] = {
    { "VERSION", "id", CLI_CELL_VERSION },
    { "ENABLED", "attributes.enabled", CLI_CELL_PLAIN },
    { "CREATED", "attributes.created", CLI_CELL_TIME },
    { "UPDATED", "attributes.updated", CLI_CELL_TIME },
    { "EXPIRES", "attributes.exp", CLI_CELL_TIME },
    { "CONTENT TYPE", "contentType", CLI_CELL_PLAIN },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_column deleted_list_columns[] = {
    { "NAME", "id", CLI_CELL_NAME },
    { "DELETED", "deletedDate", CLI_CELL_TIME },
    { "PURGE SCHEDULED", "scheduledPurgeDate", CLI_CELL_TIME },
    { "CONTENT TYPE", "contentType", CLI_CELL_PLAIN },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_collection secrets = {
    .path = "/secrets",
    .deleted_path = "/deletedsecrets",
    .show = CLI_COLUMNS(show_columns),
    .deleted = CLI_COLUMNS(deleted_columns),
    .list = CLI_COLUMNS(list_columns),
    .versions = CLI_COLUMNS(version_columns),
    .deleted_list = CLI_COLUMNS(deleted_list_columns),
};

/* ---- set ---- */

static int put_secret(const struct cli_input *input, struct hf_buf *body)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf value;
    hf_buf_init_secret(&value, CLI_VALUE_MAX_BYTES);
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    int code = cli_object_put_attributes(input, &w);
    if (code == CLI_OK)
        code = cli_object_put_tags(input, &w);
    if (code == CLI_OK && cli_has(input, CLI_CONTENT_TYPE))
        hf_jw_member_c(&w, "contentType", input->values[CLI_CONTENT_TYPE]);
    if (code == CLI_OK)
        code = cli_value_read(input, &value);
    hf_jw_member_str(&w, "value", hf_buf_str(&value));
    hf_jw_end_object(&w);
    return code;
}

/* The service repeats the value; it is known, and need not end in a build's log. */
static int print_without_value(const struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, BODY_MAX_BYTES);
    cli_put_json(&out, answer->json, "value");
    if (hf_buf_err(&out) != HF_OK)
        return cli_fail(CLI_FAILED, "the answer: %s", hf_err_text(hf_buf_err(&out)));
    return cli_print_line(hf_buf_view(&out));
}

int cli_secret_set(const struct cli_input *input)
{
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_object_path(&path, "/secrets", input, "");
    hf_buf_init_secret(&body, BODY_MAX_BYTES);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = cli_keyvault_open(input, &vault); /* before a person types a value */
    if (code == CLI_OK)
        code = put_secret(input, &body);
    const struct cli_keyvault_call call = { .method = HTTP_PUT, .path = &path, .body = &body };
    if (code == CLI_OK)
        code = cli_keyvault_send(&vault, &call, &answer);
    if (code != CLI_OK)
        return code;
    if (cli_has(input, CLI_JSON))
        return print_without_value(&answer);
    return cli_print_object(show_columns, HF_ARRAY_LEN(show_columns), answer.json);
}

/* ---- show ---- */

/* Byte for byte; a terminal gets a line's end besides. */
static int print_value(const struct cli_answer *answer)
{
    const struct hf_json *value = hf_json_member(answer->json, "value");
    if (value == NULL || hf_json_type(value) != HF_JSON_STRING)
        return cli_fail(CLI_FAILED, "the answer holds no value");
    const hf_bytes bytes = hf_str_bytes(hf_json_str(value));
    return isatty(STDOUT_FILENO) ? cli_print_line(bytes) : cli_print(bytes);
}

static int show_deleted(const struct cli_input *input)
{
    if (cli_has(input, CLI_VERSION) || cli_has(input, CLI_VALUE_ONLY))
        return cli_fail(CLI_USAGE, "a deleted secret shows neither versions nor its value");
    return cli_object_show_deleted(input, &secrets);
}

int cli_secret_show(const struct cli_input *input)
{
    if (cli_has(input, CLI_JSON) && cli_has(input, CLI_VALUE_ONLY))
        return cli_fail(CLI_USAGE, "--json and --value-only exclude each other");
    if (cli_has(input, CLI_DELETED))
        return show_deleted(input);
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_object_path(&path, "/secrets", input, "");
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = cli_object_put_version(input, &path);
    const struct cli_keyvault_call call = { .method = HTTP_GET, .path = &path };
    if (code == CLI_OK)
        code = cli_object_send(input, &call, &answer);
    if (code != CLI_OK)
        return code;
    return cli_has(input, CLI_VALUE_ONLY)
               ? print_value(&answer)
               : cli_show_answer(input, show_columns, HF_ARRAY_LEN(show_columns), &answer);
}

/* ---- as for every collection ---- */

int cli_secret_list(const struct cli_input *input)
{
    return cli_object_list(input, &secrets);
}

int cli_secret_versions(const struct cli_input *input)
{
    return cli_object_versions(input, &secrets);
}

int cli_secret_delete(const struct cli_input *input)
{
    return cli_object_delete(input, &secrets);
}

int cli_secret_recover(const struct cli_input *input)
{
    return cli_object_recover(input, &secrets);
}

int cli_secret_purge(const struct cli_input *input)
{
    return cli_object_purge(input, &secrets);
}
