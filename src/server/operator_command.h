/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast operator init|rekey|migrate-seal|rotate-root`, which work on the data folder itself; `holdfast init` is short for
 * the first.
 */
#pragma once

#include <stdbool.h>

/* Whether `holdfast operator NAME` is one of these; the others ask the running server (cli/). */
bool server_operator_knows(const char *name);

/* argv[0] is "init", or "operator" with the command's name behind it. Returns the exit code (enum cli_exit). */
int server_operator_command(int argc, char **argv);
