/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of all options, and the parser that they drive.
 */
#include "cli/options.h"

#include "base/encode.h"
#include "cli/message.h"

#include <string.h>

struct option_row {
    const char *name;
    const char *value; /* what it takes, for help; NULL for a flag */
    const char *help;
};

/* A table is read by its columns. */
/* clang-format off */
static const struct option_row rows[CLI_OPTION_COUNT_] = {
    [CLI_HELP]               = { "--help", NULL, "Show this help." },
    [CLI_JSON]               = { "--json", NULL, "Print JSON; a list is one array." },
    [CLI_SOCKET]             = { "--socket", "PATH", "The server's unix socket; else HOLDFAST_SOCKET, else /var/lib/holdfast/admin.sock." },
    [CLI_DATA]               = { "--data", "DIR", "The server's data folder, with the log in DIR/audit; default /var/lib/holdfast." },
    [CLI_FOLDER]             = { "--folder", "DIR", "The folder of the log itself, wherever it came from." },
    [CLI_HEAD_SOCKET]        = { "--socket", "PATH", "The server that writes this log; default admin.sock in the data folder, none with --folder." },
    [CLI_LINES]              = { "--lines", "N", "How many records, 1 to 100000; default 10." },
    [CLI_RETENTION_DAYS]     = { "--retention-days", "N", "Days a deleted object can be recovered, 7 to 90; default 90." },
    [CLI_PURGE_PROTECTION]   = { "--purge-protection", NULL, "Nobody can purge before the retention ends; cannot be switched off." },
    [CLI_LOCATION]           = { "--location", "NAME", "Region name shown to clients." },
    [CLI_RESOURCE_GROUP]     = { "--resource-group", "NAME", "Resource group in the vault's id; default holdfast." },
    [CLI_KIND]               = { "--kind", "KIND", "application or managed-identity." },
    [CLI_CREDENTIAL_KIND]    = { "--kind", "KIND", "client-secret, certificate or identity-header." },
    [CLI_CERTIFICATE]        = { "--certificate", "FILE", "PEM file; its first certificate is registered, anything else in it is not sent." },
    [CLI_EXPIRES_IN]         = { "--expires-in", "DURATION", "When the new secret ends, such as 90d or 12h; default never." },
    [CLI_PRINCIPAL]          = { "--principal", "ID", "Identity by object id, client id or name." },
    [CLI_ROLE]               = { "--role", "ROLE", "Role by name or id, such as 'Key Vault Secrets User'." },
    [CLI_SCOPE]              = { "--scope", "SCOPE", "Vault name, VAULT/secrets/NAME, or a resource id that begins with /." },
    [CLI_VAULT_URL]          = { "--vault-url", "URL", "The vault, https://…; else AZURE_KEYVAULT_URL." },
    [CLI_CA_FILE]            = { "--ca-file", "FILE", "PEM file of trusted authorities; else SSL_CERT_FILE, else the system's." },
    [CLI_VALUE_FILE]         = { "--file", "FILE", "Read the value from FILE, byte for byte; - is standard input." },
    [CLI_VALUE]              = { "--value", "VALUE", "The value itself. Careful: other users see argument lists, shells keep them." },
    [CLI_CONTENT_TYPE]       = { "--content-type", "TYPE", "What the value is, such as text/plain." },
    [CLI_TAG]                = { "--tag", "NAME=VALUE", "A tag; may stand several times." },
    [CLI_NOT_BEFORE]         = { "--not-before", "TIME", "Not usable before TIME: as --expires." },
    [CLI_EXPIRES]            = { "--expires", "TIME", "Not usable after TIME: 2027-01-31, 2027-01-31T12:00:00Z, seconds since 1970, or 90d from now." },
    [CLI_DISABLED]           = { "--disabled", NULL, "Store it disabled." },
    [CLI_VERSION]            = { "--version", "VERSION", "This version instead of the newest." },
    [CLI_DELETED]            = { "--deleted", NULL, "Deleted, recoverable ones instead." },
    [CLI_VALUE_ONLY]         = { "--value-only", NULL, "Print the value and nothing else, byte for byte." },
    [CLI_SECRET_ONLY]        = { "--value-only", NULL, "Print the new secret and nothing else." },
    [CLI_BACKUP_TO]          = { "--file", "FILE", "Write the backup to FILE, mode 0600; default standard output, unless a terminal." },
    [CLI_BACKUP_FROM]        = { "--file", "FILE", "Read the backup from FILE; default standard input." },
    [CLI_INCREMENTAL]        = { "--incremental", NULL, "Only what changed since the last backup." },
    [CLI_INPUT_FILE]         = { "--input-file", "FILE", "Read the passphrase or share from FILE: its first line." },
    [CLI_RESET]              = { "--reset", NULL, "Forget the shares given so far." },
    [CLI_KEY_TYPE]           = { "--type", "TYPE", "RSA, EC or oct." },
    [CLI_KEY_SIZE]           = { "--size", "BITS", "RSA: 2048 (the default), 3072 or 4096; oct: 128, 192 or 256 (the default)." },
    [CLI_CURVE]              = { "--curve", "CURVE", "EC: P-256 (the default), P-384, P-521 or P-256K." },
    [CLI_OPS]                = { "--ops", "OP,…", "What the key may do: encrypt, decrypt, sign, verify, wrapKey, unwrapKey; default what its type can." },
    [CLI_ENABLE]             = { "--enabled", NULL, "Enable it." },
    [CLI_DISABLE]            = { "--disabled", NULL, "Disable it." },
    [CLI_PEM]                = { "--pem", NULL, "Print the public key as PEM and nothing else." },
    [CLI_ALGORITHM]          = { "--alg", "ALG", "The algorithm, such as RS256, ES256, RSA-OAEP-256 or A256GCM." },
    [CLI_DIGEST]             = { "--digest", "DIGEST", "This digest, hexadecimal or base64url, instead of a file." },
    [CLI_SIGNATURE]          = { "--signature", "FILE", "The signature." },
    [CLI_BASE64URL]          = { "--base64url", NULL, "Signature or ciphertext as base64url text." },
    [CLI_DER]                = { "--der", NULL, "ECDSA signature in DER, as OpenSSL has it, instead of r and s." },
    [CLI_IV]                 = { "--iv", "IV", "Initialization vector, hexadecimal or base64url." },
    [CLI_AAD]                = { "--aad", "TEXT", "Additional data that is authenticated (GCM)." },
    [CLI_AUTH_TAG]           = { "--tag", "TAG", "Authentication tag, hexadecimal or base64url (GCM)." },
};
/* clang-format on */

#define OPTION_COLUMN_CHARS 28

static const char vault_access[] =
    "The vault is --vault-url or AZURE_KEYVAULT_URL. The token comes from the managed identity\n"
    "if IDENTITY_ENDPOINT and IDENTITY_HEADER are set, else from HOLDFAST_TENANT_ID,\n"
    "HOLDFAST_CLIENT_ID, HOLDFAST_CLIENT_SECRET and HOLDFAST_AUTHORITY_HOST, else from the same\n"
    "names with AZURE_.";

/* ---- reading ---- */

static bool is_known(const struct cli_command *command, size_t option)
{
    return option == CLI_HELP || ((command->required | command->options) & CLI_BIT(option)) != 0;
}

/* Among the command's own: several rows share a name. CLI_OPTION_COUNT_ if there is none. */
static size_t find_option(const struct cli_command *command, hf_str name)
{
    for (size_t i = 0; i < CLI_OPTION_COUNT_; i++) {
        if (is_known(command, i) && hf_str_equal(name, hf_str_from_c(rows[i].name)))
            return i;
    }
    return CLI_OPTION_COUNT_;
}

static int keep_value(struct cli_input *input, size_t option, const char *value)
{
    if (option == CLI_TAG) {
        if (input->tag_count == CLI_TAGS_MAX)
            return cli_fail(CLI_USAGE, "too many tags");
        input->tags[input->tag_count++] = value;
    } else if (input->values[option] != NULL) {
        return cli_fail(CLI_USAGE, "%s stands twice", rows[option].name);
    }
    input->values[option] = value;
    return CLI_OK;
}

/* What is sent as JSON must be text. */
static int refuse_encoding(const struct cli_command *command)
{
    return cli_fail(CLI_USAGE, "%s: an argument is not UTF-8 text", command->name);
}

/* Reads the option at argv[*at] and moves *at to its last word. */
static int read_option(struct cli_input *input, int argc, char **argv, int *at)
{
    const hf_str word = hf_str_from_c(argv[*at]);
    const size_t equals = hf_str_find(word, '=');
    const hf_str name = hf_str_equal(word, HF_LIT("-h")) ? HF_LIT("--help")
                                                         : hf_str_sub(word, 0, equals);
    const size_t option = find_option(input->command, name);
    if (option == CLI_OPTION_COUNT_)
        return cli_fail(CLI_USAGE, "%s: unknown option %.*s; see holdfast %s --help",
                        input->command->name, HF_STR_ARG(name), input->command->name);
    const bool has_value = equals < word.n;
    if (rows[option].value == NULL)
        return has_value ? cli_fail(CLI_USAGE, "%s takes no value", rows[option].name)
                         : keep_value(input, option, "");
    if (has_value)
        return keep_value(input, option, argv[*at] + equals + 1);
    if (*at + 1 >= argc)
        return cli_fail(CLI_USAGE, "%s needs %s", rows[option].name, rows[option].value);
    *at += 1;
    if (!hf_utf8_valid(hf_str_from_c(argv[*at])))
        return refuse_encoding(input->command);
    return keep_value(input, option, argv[*at]);
}

/* Empty ones and dots would change the path they become a part of. */
static int read_argument(struct cli_input *input, const char *word)
{
    const hf_str text = hf_str_from_c(word);
    if (text.n == 0 || hf_str_equal(text, HF_LIT(".")) || hf_str_equal(text, HF_LIT("..")))
        return cli_fail(CLI_USAGE, "%s: '%s' is no name", input->command->name, word);
    if (input->argument_count == CLI_ARGUMENTS_MAX)
        return cli_fail(CLI_USAGE, "%s: too many arguments", input->command->name);
    input->arguments[input->argument_count++] = word;
    return CLI_OK;
}

/* The first argument that must be given but was not, or empty text. */
static hf_str missing_argument(const struct cli_input *input, size_t *out_expected)
{
    hf_str rest = hf_str_from_c(input->command->arguments);
    hf_str missing = { NULL, 0 };
    hf_str name;
    size_t expected = 0;
    while (rest.n > 0 && hf_str_next(&rest, ' ', &name)) {
        if (expected == input->argument_count && name.p[0] != '[')
            missing = name;
        expected++;
    }
    *out_expected = expected;
    return missing;
}

static int check_complete(const struct cli_input *input)
{
    size_t expected = 0;
    const hf_str missing = missing_argument(input, &expected);
    if (missing.n > 0)
        return cli_fail(CLI_USAGE, "%s: %.*s is missing; see holdfast %s --help",
                        input->command->name, HF_STR_ARG(missing), input->command->name);
    if (input->argument_count > expected)
        return cli_fail(CLI_USAGE, "%s: '%s' is one argument too many", input->command->name,
                        input->arguments[expected]);
    for (size_t i = 0; i < CLI_OPTION_COUNT_; i++) {
        if ((input->command->required & CLI_BIT(i)) != 0 && input->values[i] == NULL)
            return cli_fail(CLI_USAGE, "%s: %s %s is missing", input->command->name, rows[i].name,
                            rows[i].value);
    }
    return CLI_OK;
}

int cli_input_read(const struct cli_command *command, int argc, char **argv, struct cli_input *out)
{
    struct cli_input input = { .command = command };
    bool is_option_allowed = true;
    int code = CLI_OK;
    for (int i = 0; i < argc && code == CLI_OK; i++) {
        if (!hf_utf8_valid(hf_str_from_c(argv[i])))
            return refuse_encoding(command);
        const bool is_option = is_option_allowed && argv[i][0] == '-' && argv[i][1] != '\0';
        if (is_option && strcmp(argv[i], "--") == 0)
            is_option_allowed = false;
        else if (is_option)
            code = read_option(&input, argc, argv, &i);
        else
            code = read_argument(&input, argv[i]);
    }
    if (code == CLI_OK && !cli_has(&input, CLI_HELP))
        code = check_complete(&input);
    if (code == CLI_OK)
        *out = input;
    return code;
}

/* ---- help ---- */

static void print_option(const struct option_row *row, bool is_required, FILE *out)
{
    const char *value = row->value != NULL ? row->value : "";
    const int used = fprintf(out, "  %s %s", row->name, value);
    const int pad = used < OPTION_COLUMN_CHARS ? OPTION_COLUMN_CHARS - used : 1;
    (void)fprintf(out, "%*s%s%s\n", pad, "", row->help, is_required ? " (required)" : "");
}

int cli_command_help(const struct cli_command *command, FILE *out)
{
    (void)fprintf(out, "Usage: holdfast %s%s%s", command->name,
                  command->arguments[0] != '\0' ? " " : "", command->arguments);
    for (size_t i = 0; i < CLI_OPTION_COUNT_; i++) {
        if ((command->required & CLI_BIT(i)) != 0)
            (void)fprintf(out, " %s %s", rows[i].name, rows[i].value);
    }
    (void)fprintf(out, " [options]\n\n%s.\n", command->summary);
    if (command->details != NULL)
        (void)fprintf(out, "\n%s\n", command->details);
    if (is_known(command, CLI_VAULT_URL))
        (void)fprintf(out, "\n%s\n", vault_access);
    (void)fputs("\nOptions:\n", out);
    for (size_t i = 0; i < CLI_OPTION_COUNT_; i++) {
        if (is_known(command, i))
            print_option(&rows[i], (command->required & CLI_BIT(i)) != 0, out);
    }
    return fflush(out) == 0 ? CLI_OK : CLI_FAILED;
}
