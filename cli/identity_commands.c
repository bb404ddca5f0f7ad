/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast identity …`: applications and managed identities over the local socket, and the key that signs their tokens.
 */
#include "cli/commands.h"
#include "cli/message.h"

#define BODY_MAX_BYTES ((size_t)4 * 1024)

static const struct cli_column list_columns[] = {
    { "NAME", "name", CLI_CELL_PLAIN },          { "KIND", "kind", CLI_CELL_PLAIN },
    { "OBJECT ID", "objectId", CLI_CELL_PLAIN }, { "CLIENT ID", "clientId", CLI_CELL_PLAIN },
    { "ENABLED", "enabled", CLI_CELL_PLAIN },    { "CREATED", "created", CLI_CELL_TIME },
};

static const struct cli_column show_columns[] = {
    { "Name", "name", CLI_CELL_PLAIN },          { "Kind", "kind", CLI_CELL_PLAIN },
    { "Object id", "objectId", CLI_CELL_PLAIN }, { "Client id", "clientId", CLI_CELL_PLAIN },
    { "Tenant", "tenantId", CLI_CELL_PLAIN },    { "Enabled", "enabled", CLI_CELL_PLAIN },
    { "Created", "created", CLI_CELL_TIME },
};

int cli_identity_list(const struct cli_input *input)
{
    return cli_show_list(input, "/identities", list_columns, HF_ARRAY_LEN(list_columns));
}

static int send_and_show(const struct cli_input *input, const struct cli_local_call *call)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = cli_local_send(input, call, &answer);
    return code == CLI_OK
               ? cli_show_answer(input, show_columns, HF_ARRAY_LEN(show_columns), &answer)
               : code;
}

int cli_identity_create(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_init(&body, BODY_MAX_BYTES);
    hf_buf_put_c(&path, "/identities");
    struct hf_json_writer w = hf_json_writer_on(&body);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "name", input->arguments[0]);
    hf_jw_member_c(&w, "kind", input->values[CLI_KIND]);
    hf_jw_end_object(&w);
    return send_and_show(
        input, &(struct cli_local_call){ .method = HTTP_POST, .path = &path, .body = &body });
}

static void put_identity_path(struct hf_buf *path, const struct cli_input *input)
{
    hf_buf_init(path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(path, "/identities");
    cli_put_segment(path, input->arguments[0]);
}

int cli_identity_show(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_identity_path(&path, input);
    return send_and_show(input, &(struct cli_local_call){ .method = HTTP_GET, .path = &path });
}

static int set_enabled(const struct cli_input *input, const char *json)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    put_identity_path(&path, input);
    hf_buf_init(&body, BODY_MAX_BYTES);
    hf_buf_put_c(&body, json);
    return cli_send_change(
        input, &(struct cli_local_call){ .method = HTTP_PATCH, .path = &path, .body = &body });
}

int cli_identity_enable(const struct cli_input *input)
{
    return set_enabled(input, "{\"enabled\":true}");
}

int cli_identity_disable(const struct cli_input *input)
{
    return set_enabled(input, "{\"enabled\":false}");
}

int cli_identity_delete(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_identity_path(&path, input);
    return cli_send_change(input, &(struct cli_local_call){ .method = HTTP_DELETE, .path = &path });
}

int cli_identity_rotate_signing_key(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&path, "/signing-keys");
    return cli_send_change(input, &(struct cli_local_call){ .method = HTTP_POST, .path = &path });
}
