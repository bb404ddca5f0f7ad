/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast backup create` and `list`: backups of the whole server, made by the server itself.
 */
#include "base/encode.h"
#include "cli/commands.h"
#include "cli/message.h"

#include <poll.h>

#define FIRST_WAIT_MS 20
#define WAIT_MAX_MS 1000

static const struct cli_column list_columns[] = {
    { "NAME", "name", CLI_CELL_PLAIN },   { "KIND", "kind", CLI_CELL_PLAIN },
    { "STATE", "state", CLI_CELL_PLAIN }, { "BYTES", "bytes", CLI_CELL_PLAIN },
    { "FROM", "from", CLI_CELL_PLAIN },   { "TO", "to", CLI_CELL_PLAIN },
    { "UNTIL", "toTime", CLI_CELL_TIME },
};

int cli_backup_list(const struct cli_input *input)
{
    return cli_show_list(input, "/backups", list_columns, HF_ARRAY_LEN(list_columns));
}

static hf_str member(const struct cli_answer *answer, const char *name)
{
    return hf_json_str(hf_json_member(answer->json, name));
}

static int begin(const struct cli_input *input, struct cli_answer *answer)
{
    char path_memory[16];
    char body_memory[64];
    struct hf_buf path;
    struct hf_buf body;
    hf_buf_init_fixed(&path, path_memory, sizeof(path_memory));
    hf_buf_init_fixed(&body, body_memory, sizeof(body_memory));
    hf_buf_put_c(&path, "/backups");
    hf_buf_putf(&body, "{\"kind\":\"%s\"}",
                cli_has(input, CLI_INCREMENTAL) ? "incremental" : "full");
    const struct cli_local_call call = { .method = HTTP_POST, .path = &path, .body = &body };
    return cli_local_send(input, &call, answer);
}

static int print_made(const struct cli_input *input, const struct cli_answer *answer)
{
    if (cli_has(input, CLI_JSON))
        return cli_print_line(hf_buf_view(&answer->http.body));
    return cli_print_line(hf_str_bytes(member(answer, "path")));
}

/* Asks until it is done; each time a little later. */
static int wait_for(const struct cli_input *input, const struct hf_buf *path)
{
    for (int wait = FIRST_WAIT_MS;; wait = 2 * wait < WAIT_MAX_MS ? 2 * wait : WAIT_MAX_MS) {
        HF_CLEANUP(cli_answer_done) struct cli_answer answer;
        cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
        const struct cli_local_call call = { .method = HTTP_GET, .path = path };
        const int code = cli_local_send(input, &call, &answer);
        if (code != CLI_OK)
            return code;
        const hf_str state = member(&answer, "state");
        if (hf_str_equal(state, HF_LIT("done")))
            return print_made(input, &answer);
        if (!hf_str_equal(state, HF_LIT("running")))
            return cli_fail(CLI_FAILED, "the backup failed: %.*s",
                            HF_STR_ARG(member(&answer, "reason")));
        (void)poll(NULL, 0, wait);
    }
}

int cli_backup_create(const struct cli_input *input)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = begin(input, &answer);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&path, "/backups/");
    hf_buf_put_percent(&path, member(&answer, "name"));
    return wait_for(input, &path);
}
