/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking somebody at the terminal for what the terminal must not show.
 */
#pragma once

#include "base/buf.h"

/*
 * Writes the prompt to standard error and appends one line from the terminal on standard input, without its end, to out, a secret
 * buffer. Up to 4095 bytes (the terminal's own limit). Fails: HF_E_NOT_FOUND (interrupted, or the input ended before the line
 * did; nothing is appended), HF_E_INVALID (no terminal), HF_E_IO, …
 */
HF_MUST hf_err cli_terminal_ask(const char *prompt, struct hf_buf *out);
