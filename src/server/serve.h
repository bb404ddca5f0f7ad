/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast serve` and `holdfast init`: the server in production, from its configuration file.
 */
#pragma once

/* argv[0] is the command's name. Both return the exit code. */
int server_serve_command(int argc, char **argv);
int server_init_command(int argc, char **argv);
