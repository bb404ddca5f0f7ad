/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading values.
 */
#include "cli/value.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/message.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096 /* of a terminal's line (MAX_CANON) */

/* Reads a line that the terminal does not show. An interrupt ends the line instead of the process, so that the echo comes
 * back. */
static hf_err read_hidden(const struct termios *shown, uint8_t *line, size_t size, size_t *out_n)
{
    struct termios hidden = *shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    hidden.c_lflag |= ICANON | ECHONL;
    hidden.c_cc[VEOL] = shown->c_cc[VINTR];
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
        return hf_err_from_errno(errno);
    ssize_t n = -1;
    do
        n = read(STDIN_FILENO, line, size);
    while (n < 0 && errno == EINTR);
    const int read_errno = errno;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, shown);
    if (n < 0)
        return hf_err_from_errno(read_errno);
    *out_n = (size_t)n;
    return HF_OK;
}

static int read_terminal(struct hf_buf *out)
{
    static const char prompt[] = "Value (not shown, ends with the line): ";
    HF_CLEAN_SECRET(line, LINE_MAX_BYTES);
    struct termios shown;
    size_t n = 0;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return cli_fail(CLI_FAILED, "the terminal: %s", strerror(errno));
    (void)fputs(prompt, stderr);
    (void)fflush(stderr);
    const hf_err err = read_hidden(&shown, line, sizeof(line), &n);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "the terminal: %s", hf_err_text(err));
    if (n == 0 || line[n - 1] != '\n')
        return cli_fail(CLI_FAILED, "nothing was stored");
    hf_buf_put(out, line, n - 1);
    return CLI_OK;
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
