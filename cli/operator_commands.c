/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast operator status`, `unseal` and `seal`: the seal of a running server, over its local socket. What people know is read
 * from the terminal, standard input or a file, never from the command line. Our copies are in secret memory; libcurl has one of
 * its own while it sends.
 */
#include "base/encode.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/terminal.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX_BYTES ((size_t)4096)
#define BODY_MAX_BYTES (6 * INPUT_MAX_BYTES + 64) /* every byte escaped */
#define STATUS_PATH "/operator/status"
#define FIRST_WAIT_MS 20
#define WAIT_MAX_MS 500
/* How long the server may take to open or to drain, and not answer meanwhile. */
#define PATIENCE_MS (120 * 1000)

static const struct cli_column status_columns[] = {
    { "Sealed", "sealed", CLI_CELL_PLAIN },
    { "Reason", "reason", CLI_CELL_PLAIN },
    { "Kind of seal", "kind", CLI_CELL_PLAIN },
    { "Shares given", "sharesGiven", CLI_CELL_PLAIN },
    { "Shares needed", "threshold", CLI_CELL_PLAIN },
    { "Shares in all", "shares", CLI_CELL_PLAIN },
    { "Set of shares", "shareSet", CLI_CELL_PLAIN },
    { "Root key", "generation", CLI_CELL_PLAIN },
    { "Being rotated", "rotating", CLI_CELL_PLAIN },
};

int cli_operator_status(const struct cli_input *input)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = cli_local_get(input, STATUS_PATH, &answer);
    return code == CLI_OK
               ? cli_show_answer(input, status_columns, HF_ARRAY_LEN(status_columns), &answer)
               : code;
}

static const struct hf_json *member(const struct cli_answer *answer, const char *name)
{
    return hf_json_member(answer->json, name);
}

static bool is_sealed(const struct cli_answer *answer)
{
    return hf_json_bool(member(answer, "sealed"));
}

static bool takes_shares(const struct cli_answer *status)
{
    return hf_json_int(member(status, "threshold")) > 0;
}

/* ---- waiting ---- */

static int tell_sealed_again(const struct cli_answer *status)
{
    const hf_str reason = hf_json_str(member(status, "reason"));
    return cli_fail(CLI_UNREACHABLE, "the seal opens, and the server does not: %.*s",
                    HF_STR_ARG(reason));
}

/* Asks until the server is as wanted; between its two states it does not answer at all. */
static int wait_until(const struct cli_input *input, bool wanted, const char *done)
{
    int wait = FIRST_WAIT_MS;
    bool was_away = false;
    for (int waited = 0; waited < PATIENCE_MS; waited += wait) {
        HF_CLEANUP(cli_answer_done) struct cli_answer answer;
        cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
        const hf_err err = cli_local_try(cli_local_socket(input), STATUS_PATH, &answer);
        if (err == HF_OK && is_sealed(&answer) == wanted) {
            return cli_has(input, CLI_JSON) ? cli_print_line(hf_buf_view(&answer.http.body))
                                            : cli_print_line(hf_str_bytes(hf_str_from_c(done)));
        }
        if (err == HF_OK && was_away && !wanted)
            return tell_sealed_again(&answer);
        was_away = was_away || err != HF_OK;
        (void)poll(NULL, 0, wait);
        wait = 2 * wait < WAIT_MAX_MS ? 2 * wait : WAIT_MAX_MS;
    }
    return cli_fail(CLI_UNREACHABLE, "the server took the order, and does not answer; see its log");
}

/* ---- what somebody knows ---- */

static int tell_reading(const char *source, hf_err err)
{
    if (err == HF_E_TOO_LARGE)
        return cli_fail(CLI_FAILED, "%s: more than %zu bytes are no passphrase and no share",
                        source, INPUT_MAX_BYTES);
    return err == HF_OK ? CLI_OK : cli_fail(CLI_FAILED, "%s: %s", source, hf_err_text(err));
}

static int read_source(const struct cli_input *input, bool is_share, struct hf_buf *out)
{
    const char *file = input->values[CLI_INPUT_FILE];
    if (file != NULL && strcmp(file, "-") != 0)
        return tell_reading(file, hf_file_read(file, out));
    if (file != NULL || !isatty(STDIN_FILENO))
        return tell_reading("standard input", hf_file_read_fd(STDIN_FILENO, out));
    const hf_err err = cli_terminal_ask(
        is_share ? "Share (not shown): " : "Passphrase (not shown): ", out);
    if (err == HF_E_NOT_FOUND)
        return cli_fail(CLI_FAILED, "nothing was sent");
    return tell_reading("the terminal", err);
}

/* The body, in secret memory. */
static int read_known(const struct cli_input *input, bool is_share, struct hf_buf *body)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf known;
    hf_buf_init_secret(&known, INPUT_MAX_BYTES);
    const int code = read_source(input, is_share, &known);
    if (code != CLI_OK)
        return code;
    hf_str text = hf_buf_str(&known);
    text.n = hf_str_find(text, '\n'); /* its first line, as when the seal was made */
    if (text.n == 0)
        return cli_fail(CLI_FAILED, "nothing was given; nothing was sent");
    if (!hf_utf8_valid(text))
        return cli_fail(CLI_FAILED, "what was given is not UTF-8 text; nothing was sent");
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, is_share ? "share" : "passphrase", text);
    hf_jw_end_object(&w);
    return CLI_OK;
}

/* ---- unseal ---- */

static int send_unseal(const struct cli_input *input, const struct hf_buf *body,
                       struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&path, "/operator/unseal");
    const struct cli_local_call call = { .method = HTTP_POST, .path = &path, .body = body };
    return cli_local_send(input, &call, answer);
}

static int tell_progress(const struct cli_input *input, const struct cli_answer *answer)
{
    if (cli_has(input, CLI_JSON))
        return cli_print_line(hf_buf_view(&answer->http.body));
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, INPUT_MAX_BYTES);
    hf_buf_putf(&text, "%lld of %lld shares given; the server is still sealed.",
                (long long)hf_json_int(member(answer, "sharesGiven")),
                (long long)hf_json_int(member(answer, "threshold")));
    return cli_print_line(hf_buf_view(&text));
}

static int tell_forgotten(const struct cli_input *input, const struct cli_answer *answer)
{
    if (cli_has(input, CLI_JSON))
        return cli_print_line(hf_buf_view(&answer->http.body));
    return cli_print_line(hf_str_bytes(HF_LIT("What was given is forgotten.")));
}

/* The order as JSON; asks for what the seal asks for. */
static int make_order(const struct cli_input *input, const struct cli_answer *status,
                      struct hf_buf *body)
{
    if (cli_has(input, CLI_RESET)) {
        hf_buf_put_c(body, "{\"reset\":true}");
        return CLI_OK;
    }
    if (hf_json_bool(member(status, "asksPeople")))
        return read_known(input, takes_shares(status), body);
    hf_buf_put_c(body, "{}");
    return CLI_OK;
}

int cli_operator_unseal(const struct cli_input *input)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer status;
    cli_answer_init(&status, CLI_LOCAL_ANSWER_MAX_BYTES);
    int code = cli_local_get(input, STATUS_PATH, &status);
    if (code == CLI_OK && !is_sealed(&status))
        code = cli_fail(CLI_CONFLICT, "the server is not sealed");
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    hf_buf_init_secret(&body, BODY_MAX_BYTES);
    code = make_order(input, &status, &body);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    code = send_unseal(input, &body, &answer);
    if (code != CLI_OK)
        return code;
    if (cli_has(input, CLI_RESET))
        return tell_forgotten(input, &answer);
    return is_sealed(&answer) ? tell_progress(input, &answer)
                              : wait_until(input, false, "The server is unsealed.");
}

/* ---- seal ---- */

int cli_operator_seal(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&path, "/operator/seal");
    const struct cli_local_call call = { .method = HTTP_POST, .path = &path };
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = cli_local_send(input, &call, &answer);
    return code == CLI_OK ? wait_until(input, true, "The server is sealed.") : code;
}
