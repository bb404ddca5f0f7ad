/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast audit verify` and `holdfast audit tail`: they read the log's files, and ask the running server only for its head.
 */
#pragma once

/* argv[0] is "audit". Returns the exit code (enum cli_exit). */
int server_audit_command(int argc, char **argv);
