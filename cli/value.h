/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a secret on its way in: from a file, from standard input, or, only if asked for, from the command line.
 */
#pragma once

#include "cli/options.h"

#include "base/buf.h"

#define CLI_VALUE_MAX_BYTES ((size_t)256 * 1024) /* ten times what the server accepts */

/* Appends the value to out, a secret buffer. A terminal is asked for one line without echo. Returns an exit code. */
int cli_value_read(const struct cli_input *input, struct hf_buf *out);
