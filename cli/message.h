/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line says on standard error, and the exit codes that errors become. Text from outside is cleaned of control
 * characters before a terminal sees it.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

/* Prints "holdfast: …" and returns code, so that a refusal is one line. */
int cli_fail(enum cli_exit code, const char *format, ...) HF_PRINTF(2, 3);

/* Prints "holdfast: …" only. */
void cli_note(const char *format, ...) HF_PRINTF(1, 2);

enum cli_exit cli_exit_of_err(hf_err err);
enum cli_exit cli_exit_of_status(int http_status);

/* Appends text with line breaks as blanks and other control characters as '?'. */
void cli_put_clean(struct hf_buf *out, hf_str text);
