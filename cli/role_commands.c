/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast role …`: roles and their assignments over the local socket.
 */
#include "cli/commands.h"

#define BODY_MAX_BYTES ((size_t)8 * 1024)

static const struct cli_column role_columns[] = {
    { "ROLE", "name", CLI_CELL_PLAIN },
    { "ID", "id", CLI_CELL_PLAIN },
    { "DESCRIPTION", "description", CLI_CELL_PLAIN },
};

static const struct cli_column assignment_columns[] = {
    { "ID", "id", CLI_CELL_PLAIN },
    { "PRINCIPAL", "principalName", CLI_CELL_PLAIN },
    { "PRINCIPAL ID", "principalId", CLI_CELL_PLAIN },
    { "ROLE", "role", CLI_CELL_PLAIN },
    { "CREATED", "created", CLI_CELL_TIME },
    { "SCOPE", "scope", CLI_CELL_PLAIN },
};

static const struct cli_column assigned_columns[] = { { "Assignment", "id", CLI_CELL_PLAIN } };

int cli_role_list(const struct cli_input *input)
{
    return cli_show_list(input, "/roles", role_columns, HF_ARRAY_LEN(role_columns));
}

int cli_role_assignments(const struct cli_input *input)
{
    return cli_show_list(input, "/assignments", assignment_columns,
                         HF_ARRAY_LEN(assignment_columns));
}

int cli_role_assign(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_init(&body, BODY_MAX_BYTES);
    hf_buf_put_c(&path, "/assignments");
    struct hf_json_writer w = hf_json_writer_on(&body);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "principal", input->values[CLI_PRINCIPAL]);
    hf_jw_member_c(&w, "role", input->values[CLI_ROLE]);
    hf_jw_member_c(&w, "scope", input->values[CLI_SCOPE]);
    hf_jw_end_object(&w);
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const struct cli_local_call call = { .method = HTTP_POST, .path = &path, .body = &body };
    const int code = cli_local_send(input, &call, &answer);
    return code == CLI_OK
               ? cli_show_answer(input, assigned_columns, HF_ARRAY_LEN(assigned_columns), &answer)
               : code;
}

int cli_role_unassign(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&path, "/assignments");
    cli_put_segment(&path, input->arguments[0]);
    return cli_send_change(input, &(struct cli_local_call){ .method = HTTP_DELETE, .path = &path });
}
