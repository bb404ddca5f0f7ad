/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options and arguments of a command, read by rows. Every option has one row (name, value, help); a command names those it knows.
 * The help of a command comes from the same rows.
 */
#pragma once

#include "cli/cli.h"

#include <stddef.h>

enum cli_option {
    CLI_HELP,
    CLI_JSON,
    CLI_SOCKET,
    CLI_DATA,
    CLI_FOLDER,
    CLI_HEAD_SOCKET,
    CLI_LINES,
    CLI_RETENTION_DAYS,
    CLI_PURGE_PROTECTION,
    CLI_LOCATION,
    CLI_RESOURCE_GROUP,
    CLI_KIND,
    CLI_CREDENTIAL_KIND,
    CLI_CERTIFICATE,
    CLI_EXPIRES_IN,
    CLI_PRINCIPAL,
    CLI_ROLE,
    CLI_SCOPE,
    CLI_VAULT_URL,
    CLI_CA_FILE,
    CLI_VALUE_FILE,
    CLI_VALUE,
    CLI_CONTENT_TYPE,
    CLI_TAG,
    CLI_NOT_BEFORE,
    CLI_EXPIRES,
    CLI_DISABLED,
    CLI_VERSION,
    CLI_DELETED,
    CLI_VALUE_ONLY,
    CLI_SECRET_ONLY,
    CLI_BACKUP_TO,
    CLI_BACKUP_FROM,
    CLI_INCREMENTAL,
    CLI_INPUT_FILE,
    CLI_RESET,
    CLI_KEY_TYPE,
    CLI_KEY_SIZE,
    CLI_CURVE,
    CLI_OPS,
    CLI_ENABLE,
    CLI_DISABLE,
    CLI_PEM,
    CLI_ALGORITHM,
    CLI_DIGEST,
    CLI_SIGNATURE,
    CLI_BASE64URL,
    CLI_DER,
    CLI_IV,
    CLI_AAD,
    CLI_AUTH_TAG,
    CLI_OPTION_COUNT_,
};
_Static_assert(CLI_OPTION_COUNT_ <= 64, "options are bits of a uint64_t");

#define CLI_BIT(option) (UINT64_C(1) << (option))
#define CLI_ARGUMENTS_MAX 3
#define CLI_TAGS_MAX 64 /* bounds the array; the server has its own limit */

/* What was typed. Everything points into argv. */
struct cli_input {
    const struct cli_command *command;
    const char *arguments[CLI_ARGUMENTS_MAX];
    size_t argument_count;
    const char *values[CLI_OPTION_COUNT_]; /* NULL: not given; a flag that was given: "" */
    const char *tags[CLI_TAGS_MAX];        /* of --tag, which may stand several times */
    size_t tag_count;
};

static inline bool cli_has(const struct cli_input *input, enum cli_option option)
{
    return input->values[option] != NULL;
}

/*
 * Reads the words behind the command's name: `--name value`, `--name=value`, `--` ends the options. Returns CLI_OK or,
 * having told why, CLI_USAGE. With --help nothing else has to be complete.
 */
int cli_input_read(const struct cli_command *command, int argc, char **argv, struct cli_input *out);

/* Usage, summary and options of one command. Returns CLI_OK, or CLI_FAILED if out cannot be written. */
int cli_command_help(const struct cli_command *command, FILE *out);
