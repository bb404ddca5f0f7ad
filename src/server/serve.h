/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast serve`: the server in production, from its configuration file.
 */
#pragma once

/* argv[0] is the command's name. Returns the exit code. */
int server_serve_command(int argc, char **argv);
