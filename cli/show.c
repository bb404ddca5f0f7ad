/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that administration commands share: showing an object, a list, or nothing.
 */
#include "base/config.h"
#include "cli/commands.h"
#include "cli/message.h"

int cli_show_answer(const struct cli_input *input, const struct cli_column *columns, size_t count,
                    const struct cli_answer *answer)
{
    if (cli_has(input, CLI_JSON))
        return cli_print_line(hf_buf_view(&answer->http.body));
    return cli_print_object(columns, count, answer->json);
}

static int print_array(const struct hf_json *array)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, 2 * CLI_LOCAL_ANSWER_MAX_BYTES);
    cli_put_json(&out, array, NULL);
    if (hf_buf_err(&out) != HF_OK)
        return cli_fail(CLI_FAILED, "the answer: %s", hf_err_text(hf_buf_err(&out)));
    return cli_print_line(hf_buf_view(&out));
}

int cli_show_list_at(const struct cli_input *input, const struct hf_buf *path,
                     const struct cli_column *columns, size_t count)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const struct cli_local_call call = { .method = HTTP_GET, .path = path };
    const int code = cli_local_send(input, &call, &answer);
    if (code != CLI_OK)
        return code;
    const struct hf_json *array = hf_json_member(answer.json, "value");
    if (array == NULL || hf_json_type(array) != HF_JSON_ARRAY)
        return cli_fail(CLI_FAILED, "the answer is no list");
    if (cli_has(input, CLI_JSON))
        return print_array(array);
    HF_CLEANUP(cli_table_done) struct cli_table table;
    cli_table_init(&table, columns, count);
    for (size_t i = 0; i < hf_json_size(array); i++)
        cli_table_add(&table, hf_json_at(array, i));
    return cli_table_print(&table);
}

int cli_show_list(const struct cli_input *input, const char *path, const struct cli_column *columns,
                  size_t count)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&text, path);
    return cli_show_list_at(input, &text, columns, count);
}

int cli_send_change(const struct cli_input *input, const struct cli_local_call *call)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = cli_local_send(input, call, &answer);
    if (code != CLI_OK || !cli_has(input, CLI_JSON))
        return code;
    return cli_print_line(hf_buf_view(&answer.http.body));
}

int cli_read_duration(const char *option, const char *text, int64_t *out)
{
    if (hf_parse_duration(hf_str_from_c(text), out) != HF_OK)
        return cli_fail(CLI_USAGE, "%s: '%s' is no duration; write 30s, 10m, 2h or 90d", option,
                        text);
    return CLI_OK;
}
