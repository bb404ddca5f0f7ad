/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading values.
 */
#include "cli/value.h"

#include "base/encode.h"
#include "base/file.h"
#include "cli/message.h"
#include "cli/terminal.h"

#include <string.h>
#include <unistd.h>

static int read_terminal(struct hf_buf *out)
{
    const hf_err err = cli_terminal_ask("Value (not shown, ends with the line): ", out);
    if (err == HF_E_NOT_FOUND)
        return cli_fail(CLI_FAILED, "nothing was stored");
    return err == HF_OK ? CLI_OK : cli_fail(CLI_FAILED, "the terminal: %s", hf_err_text(err));
}

static int read_stream(hf_err err, const char *name)
{
    if (err == HF_E_TOO_LARGE)
        return cli_fail(CLI_FAILED, "%s: the value is larger than %zu bytes", name,
                        CLI_VALUE_MAX_BYTES);
    return err == HF_OK ? CLI_OK : cli_fail(CLI_FAILED, "%s: %s", name, hf_err_text(err));
}

static int read_source(const struct cli_input *input, struct hf_buf *out)
{
    const char *file = input->values[CLI_VALUE_FILE];
    if (file != NULL && strcmp(file, "-") != 0)
        return read_stream(hf_file_read(file, out), file);
    if (file == NULL && cli_has(input, CLI_VALUE)) {
        hf_buf_put_c(out, input->values[CLI_VALUE]);
        return CLI_OK;
    }
    if (file == NULL && isatty(STDIN_FILENO))
        return read_terminal(out);
    return read_stream(hf_file_read_fd(STDIN_FILENO, out), "standard input");
}

/* A command that failed at the other end of a pipe must not replace a secret by nothing. */
static int check_not_empty(const struct cli_input *input, const struct hf_buf *value)
{
    if (value->n > 0 || (cli_has(input, CLI_VALUE) && input->values[CLI_VALUE][0] == '\0'))
        return CLI_OK;
    return cli_fail(CLI_FAILED, "the value is empty; nothing was stored (--value '' stores it)");
}

/* JSON carries text only; a value of other bytes must be encoded by its owner. */
static int check_text(const struct hf_buf *value)
{
    const hf_str text = hf_buf_str(value);
    if (!hf_utf8_valid(text) || hf_str_find(text, '\0') < text.n)
        return cli_fail(CLI_FAILED,
                        "the value is not UTF-8 text; encode it, for example in base64");
    return CLI_OK;
}

int cli_value_read(const struct cli_input *input, struct hf_buf *out)
{
    if (cli_has(input, CLI_VALUE_FILE) && cli_has(input, CLI_VALUE))
        return cli_fail(CLI_USAGE, "--file and --value exclude each other");
    int code = read_source(input, out);
    if (code == CLI_OK && hf_buf_err(out) != HF_OK)
        code = cli_fail(CLI_FAILED, "the value: %s", hf_err_text(hf_buf_err(out)));
    if (code == CLI_OK)
        code = check_not_empty(input, out);
    return code == CLI_OK ? check_text(out) : code;
}
