/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden input.
 */
#include "cli/terminal.h"

#include "base/secret.h"

#include <errno.h>
#include <stdio.h>
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

hf_err cli_terminal_ask(const char *prompt, struct hf_buf *out)
{
    HF_CLEAN_SECRET(line, LINE_MAX_BYTES);
    struct termios shown;
    size_t n = 0;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return HF_E_INVALID;
    (void)fputs(prompt, stderr);
    (void)fflush(stderr);
    const hf_err err = read_hidden(&shown, line, sizeof(line), &n);
    if (err != HF_OK)
        return err;
    if (n == 0 || line[n - 1] != '\n')
        return HF_E_NOT_FOUND;
    hf_buf_put(out, line, n - 1);
    return hf_buf_err(out);
}
