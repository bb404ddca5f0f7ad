/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log on disk, checked and shown. The head of a running server, asked for before the log is read, tells whether records
 * are missing at the end.
 */
#include "server/audit_command.h"

#include "audit/audit.h"
#include "base/encode.h"
#include "cli/local.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_DATA "/var/lib/holdfast"
#define PATH_MAX_BYTES 1024
#define TAIL_LINES_DEFAULT 10
#define TAIL_LINES_MAX 100000
#define TAIL_MAX_BYTES ((size_t)512 * 1024 * 1024)
#define OUTPUT_MAX_BYTES ((size_t)4 * 1024)

/* ---- where the log is ---- */

struct place {
    char folder[PATH_MAX_BYTES];
    char socket[PATH_MAX_BYTES]; /* empty: the folder may be a copy of any server's log */
};

/* The environment's socket is not asked: it may be that of a server with another log. */
static int find_place(const struct cli_input *input, struct place *out)
{
    const char *data = cli_has(input, CLI_DATA) ? input->values[CLI_DATA] : DEFAULT_DATA;
    const char *folder = input->values[CLI_FOLDER];
    const char *socket = input->values[CLI_HEAD_SOCKET];
    if (folder != NULL && cli_has(input, CLI_DATA))
        return cli_fail(CLI_USAGE, "--data and --folder exclude each other");
    const int folder_n = snprintf(out->folder, sizeof(out->folder), "%s%s",
                                  folder != NULL ? folder : data, folder != NULL ? "" : "/audit");
    int socket_n = 0;
    out->socket[0] = '\0';
    if (socket != NULL)
        socket_n = snprintf(out->socket, sizeof(out->socket), "%s", socket);
    else if (folder == NULL)
        socket_n = snprintf(out->socket, sizeof(out->socket), "%s/admin.sock", data);
    if (folder_n < 0 || folder_n >= PATH_MAX_BYTES || socket_n < 0 || socket_n >= PATH_MAX_BYTES)
        return cli_fail(CLI_USAGE, "the path is too long");
    return CLI_OK;
}

static int tell_unreadable(const char *folder, hf_err err)
{
    return cli_fail(cli_exit_of_err(err), "%s: the audit log cannot be read: %s", folder,
                    hf_err_text(err));
}

/* ---- verify ---- */

static hf_err read_head(const struct hf_json *json, struct audit_head *out)
{
    const struct hf_json *seq = hf_json_member(json, "seq");
    struct audit_head head = { 0 };
    if (seq == NULL || hf_json_type(seq) != HF_JSON_INT || hf_json_int(seq) < 0)
        return HF_E_INVALID;
    head.seq = (uint64_t)hf_json_int(seq);
    const hf_err err = hf_hex_decode(hf_json_str(hf_json_member(json, "hash")), head.hash,
                                     sizeof(head.hash));
    if (err == HF_OK)
        *out = head;
    return err;
}

/* False if no server says how long its log is. */
static bool find_expected(const struct place *place, struct audit_head *out)
{
    if (place->socket[0] == '\0')
        return false;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, OUTPUT_MAX_BYTES);
    return cli_local_try(place->socket, "/audit/head", &answer) == HF_OK &&
           read_head(answer.json, out) == HF_OK;
}

static void put_verdict_json(const struct audit_verdict *verdict, bool is_end_checked,
                             struct hf_buf *out)
{
    char memory[2 * AUDIT_HASH_BYTES];
    struct hf_buf hex;
    hf_buf_init_fixed(&hex, memory, sizeof(memory));
    hf_buf_put_hex(&hex, (hf_bytes){ verdict->head.hash, sizeof(verdict->head.hash) });
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_member_bool(&w, "intact", verdict->intact);
    hf_jw_member_int(&w, "records", (int64_t)verdict->records);
    hf_jw_member_str(&w, "hash", hf_buf_str(&hex));
    hf_jw_member_bool(&w, "endChecked", is_end_checked);
    if (verdict->begins_after > 0)
        hf_jw_member_int(&w, "beginsAfter", (int64_t)verdict->begins_after);
    if (!verdict->intact) {
        hf_jw_member_int(&w, "badRecord", (int64_t)verdict->bad_seq);
        hf_jw_member_c(&w, "file", verdict->file);
        hf_jw_member_int(&w, "line", (int64_t)verdict->line);
        hf_jw_member_c(&w, "reason", verdict->reason);
    }
    hf_jw_end_object(&w);
    hf_buf_put_c(out, "\n");
}

static void put_verdict(const struct audit_verdict *verdict, bool is_end_checked,
                        struct hf_buf *out)
{
    if (!verdict->intact) {
        hf_buf_putf(out, "Not intact: record %" PRIu64 " (%s, line %" PRIu64 "): %s\n",
                    verdict->bad_seq, verdict->file, verdict->line, verdict->reason);
        return;
    }
    hf_buf_putf(out, "Intact: %" PRIu64 " records%s\n", verdict->records,
                is_end_checked ? ", as many as the server has written" : "");
    if (verdict->begins_after > 0)
        hf_buf_putf(out,
                    "Begins with a restore, after record %" PRIu64
                    ": earlier records are in the files of before\n",
                    verdict->begins_after);
    if (!is_end_checked)
        hf_buf_put_c(out, "Not checked: whether records are missing at the end, which only the "
                          "running server knows\n");
}

static int verify(const struct cli_input *input)
{
    struct place place = { .folder = "" };
    const int code = find_place(input, &place);
    if (code != CLI_OK)
        return code;
    struct audit_head expected;
    const bool is_end_checked = find_expected(&place, &expected);
    if (!is_end_checked && cli_has(input, CLI_HEAD_SOCKET))
        return cli_fail(CLI_UNREACHABLE, "no server answers at %s", place.socket);
    struct audit_verdict verdict;
    const hf_err err = audit_verify(place.folder, is_end_checked ? &expected : NULL, &verdict);
    if (err != HF_OK)
        return tell_unreadable(place.folder, err);
    char memory[OUTPUT_MAX_BYTES];
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    if (cli_has(input, CLI_JSON))
        put_verdict_json(&verdict, is_end_checked, &out);
    else
        put_verdict(&verdict, is_end_checked, &out);
    const int printed = cli_print(hf_buf_view(&out));
    return printed != CLI_OK || verdict.intact ? printed : CLI_NOT_INTACT;
}

/* ---- tail ---- */

static const struct cli_column tail_columns[] = {
    { "TIME", "time", CLI_CELL_PLAIN },
    { "STATUS", "properties.httpStatusCode", CLI_CELL_PLAIN },
    { "OPERATION", "operationName", CLI_CELL_PLAIN },
    { "CALLER", "identity.claim.upn|identity.claim.appid|identity.claim.oid", CLI_CELL_PLAIN },
    { "ADDRESS", "callerIpAddress", CLI_CELL_PLAIN },
    { "OBJECT", "properties.id|properties.requestUri", CLI_CELL_PLAIN },
};

static int read_count(const struct cli_input *input, size_t *out)
{
    uint64_t count = TAIL_LINES_DEFAULT;
    const char *text = input->values[CLI_LINES];
    if (text != NULL &&
        (!hf_str_parse_u64(hf_str_from_c(text), TAIL_LINES_MAX, &count) || count == 0))
        return cli_fail(CLI_USAGE, "--lines: '%s' is no number from 1 to %d", text, TAIL_LINES_MAX);
    *out = (size_t)count;
    return CLI_OK;
}

/* Each line into the table, or into the array. */
static hf_err add_lines(hf_str lines, struct cli_table *table, struct hf_json_writer *array)
{
    hf_str line;
    while (hf_str_next(&lines, '\n', &line)) {
        if (line.n == 0)
            continue;
        struct hf_diag diag = { 0 };
        HF_CLEANUP(hf_json_freep) struct hf_json *json = NULL;
        const hf_err err = hf_json_parse(hf_str_bytes(line), &diag, &json);
        if (err != HF_OK)
            return err;
        cli_table_add(table, json);
        hf_jw_raw(array, line);
    }
    return HF_OK;
}

static int print_lines(const struct cli_input *input, hf_str lines)
{
    HF_CLEANUP(cli_table_done) struct cli_table table;
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    cli_table_init(&table, tail_columns, HF_ARRAY_LEN(tail_columns));
    hf_buf_init(&text, TAIL_MAX_BYTES);
    struct hf_json_writer array = hf_json_writer_on(&text);
    hf_jw_begin_array(&array);
    hf_err err = add_lines(lines, &table, &array);
    hf_jw_end_array(&array);
    if (err == HF_OK)
        err = hf_buf_err(&text);
    if (err != HF_OK)
        return cli_fail(hf_err_class_of(err) == HF_CLASS_INVALID ? CLI_NOT_INTACT : CLI_FAILED,
                        "a record is not readable (%s); see holdfast audit verify",
                        hf_err_text(err));
    return cli_has(input, CLI_JSON) ? cli_print_line(hf_buf_view(&text)) : cli_table_print(&table);
}

static int tail(const struct cli_input *input)
{
    struct place place = { .folder = "" };
    size_t count = 0;
    int code = find_place(input, &place);
    if (code == CLI_OK)
        code = read_count(input, &count);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(hf_buf_done) struct hf_buf lines;
    hf_buf_init(&lines, TAIL_MAX_BYTES);
    const hf_err err = audit_tail(place.folder, count, &lines);
    return err == HF_OK ? print_lines(input, hf_buf_str(&lines))
                        : tell_unreadable(place.folder, err);
}

/* ---- dispatch ---- */

static const struct {
    const char *name;
    cli_run_fn run;
} commands[] = {
    { "audit tail", tail },
    { "audit verify", verify },
};

static int run(const struct cli_input *input)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(commands); i++) {
        if (strcmp(input->command->name, commands[i].name) == 0)
            return commands[i].run(input);
    }
    return cli_fail(CLI_USAGE, "no command '%s'", input->command->name);
}

int server_audit_command(int argc, char **argv)
{
    int used = 0;
    const struct cli_command *command = cli_command_find(argc, argv, &used);
    if (command == NULL)
        return cli_explain(argc, argv);
    struct cli_input input;
    const int code = cli_input_read(command, argc - used, argv + used, &input);
    if (code != CLI_OK)
        return code;
    if (!cli_has(&input, CLI_HELP))
        return run(&input);
    return cli_command_help(command, stdout);
}
