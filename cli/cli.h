/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: every command that talks to a running server. It is a client like any other: administration goes over the
 * server's unix socket, secrets over HTTPS with a token. `serve`, `dev`, `init` and `audit` run in the program itself; they have
 * rows here too, so that one table makes all help.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The exit codes, as holdfast(1) lists them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* refused by the server, or failed here */
    CLI_USAGE = 2,       /* the command line is wrong; nothing was sent */
    CLI_NOT_FOUND = 3,   /* no such vault, identity, secret, … */
    CLI_DENIED = 4,      /* not authenticated, or not allowed */
    CLI_UNREACHABLE = 5, /* no connection, no trust in the certificate, or not available now */
    CLI_CONFLICT = 6,    /* exists already, or is deleted but recoverable */
    CLI_NOT_INTACT = 7,  /* `audit verify` found a wrong record; a backup is damaged */
};

struct cli_input; /* cli/options.h */

/* Runs one command; returns the exit code and has told on standard error why, unless it is CLI_OK. */
typedef int (*cli_run_fn)(const struct cli_input *input);

struct cli_command {
    const char *name; /* the words of the command: "vault create" */
    const char *
        arguments; /* what follows, blank-separated: "NAME [FILE]"; without brackets it must be given */
    uint64_t required; /* options that must be given: CLI_BIT(…) | … */
    uint64_t options;  /* options that may be given besides */
    cli_run_fn run;
    bool is_hidden; /* left out of the list of all commands */
    const char *summary;
    const char *details; /* further paragraphs for --help, or NULL */
};

/* Runs the command that argv[1] and the words after it name; returns the exit code. */
int cli_run(int argc, char **argv);

/* Lists all commands; returns CLI_OK, or CLI_FAILED if out cannot be written. */
int cli_help(FILE *out);

/* The row whose name the first words spell (the longest such); *out_used says how many words that are. NULL if none. */
const struct cli_command *cli_command_find(int count, char **words, int *out_used);

/* For words that are no command: lists the group that words[0] names ("secret"), or says that there is none. Returns the
 * exit code: CLI_OK if the list was asked for with --help, else CLI_USAGE. */
int cli_explain(int count, char **words);

/* All rows, for documentation and its checks. */
const struct cli_command *cli_commands(size_t *out_count);
