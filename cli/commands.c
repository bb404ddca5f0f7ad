/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all commands, and what is made from it: finding a command, its help, the list of all.
 */
#include "cli/commands.h"

#include "base/version.h"

#include "base/bytes.h"
#include "cli/message.h"

#include <string.h>

#define LOCAL (CLI_BIT(CLI_SOCKET) | CLI_BIT(CLI_JSON))
#define VAULT (CLI_BIT(CLI_VAULT_URL) | CLI_BIT(CLI_CA_FILE) | CLI_BIT(CLI_JSON))
#define LOG (CLI_BIT(CLI_DATA) | CLI_BIT(CLI_FOLDER) | CLI_BIT(CLI_JSON))
#define KEY_NEW                                                                                    \
    (CLI_BIT(CLI_OPS) | CLI_BIT(CLI_TAG) | CLI_BIT(CLI_NOT_BEFORE) | CLI_BIT(CLI_EXPIRES) |        \
     CLI_BIT(CLI_DISABLED))
#define KEY_ENCRYPT                                                                                \
    (VAULT | CLI_BIT(CLI_VERSION) | CLI_BIT(CLI_IV) | CLI_BIT(CLI_AAD) | CLI_BIT(CLI_BASE64URL))
#define KEY_DECRYPT (KEY_ENCRYPT | CLI_BIT(CLI_AUTH_TAG))
#define KEY_SIGN                                                                                   \
    (VAULT | CLI_BIT(CLI_VERSION) | CLI_BIT(CLI_DIGEST) | CLI_BIT(CLI_BASE64URL) | CLI_BIT(CLI_DER))
#define NAME_COLUMN_CHARS 44

static const char set_details[] =
    "The value is standard input, byte for byte, or --file. A terminal is asked for one line,\n"
    "which is not shown; its end is no part of the value. The value is never printed.";
static const char show_details[] = "Without --value-only or --json the value is not printed.";
static const char credential_details[] =
    "Client secrets and certificates are for applications, identity headers for managed\n"
    "identities. A new secret is printed once; the server keeps only its hash.";
static const char backup_details[] =
    "Waits until it is made and prints its path. The server goes on meanwhile. The file holds\n"
    "everything but the audit log, and opens with what unseals the server.";
static const char verify_details[] =
    "Reads the whole log and names the first record that was changed, dropped or reordered; then\n"
    "the exit code is 7. Whether records are missing at the end only the running server knows;\n"
    "without one this is not checked, and said.";
static const char unseal_details[] =
    "Asks for the passphrase or one share, which is not shown, or reads it from standard input if\n"
    "that is no terminal. Each holder of a share runs it once; the last one waits until the\n"
    "server answers. For a seal that asks nobody it is a new try.";
static const char seal_details[] =
    "Requests under way are answered first; then all keys are cleared, and every request is\n"
    "answered with 503 until somebody unseals the server. A restart opens a seal that asks nobody.";
static const char rotate_details[] =
    "New tokens are signed with a new key; tokens already issued stay valid until they expire.";

static const char key_import_details[] =
    "FILE, or standard input, is a private key: PEM or DER in PKCS#8, PKCS#1 or SEC 1 form, not\n"
    "encrypted, or a JWK, which is the form for oct keys.";
static const char key_show_details[] =
    "--json prints the public key as a JWK, in the member \"key\"; --pem prints it as PEM.";
static const char key_encrypt_details[] =
    "The result is the ciphertext as it is, or, if an initialization vector belongs to it "
    "(AES-GCM\n"
    "and AES-CBC) or with --json, the vault's answer: JSON with the members kid, value, iv, tag "
    "and\n"
    "aad. The reverse command takes either, and knows from kid which version of the key it needs.";
static const char key_decrypt_details[] =
    "Takes what the reverse command printed, or a bare ciphertext with --iv and --tag as the\n"
    "algorithm needs them. The result is printed byte for byte.";
static const char key_sign_details[] =
    "Digests FILE, or standard input, of any size here and lets the vault sign the digest; for\n"
    "RSNULL and HS256 to HS512 the content itself is sent. Prints the signature as bytes.";
static const char key_verify_details[] =
    "Prints whether the signature is valid; the exit code is 0 if it is, and 1 if it is not.";

/* Commands that the program runs itself, before cli_run() is asked. */
static int run_elsewhere(const struct cli_input *input)
{
    return cli_fail(CLI_FAILED, "%s cannot be run from here", input->command->name);
}

/* A table is read by its columns. */
/* clang-format off */
static const struct cli_command rows[] = {
    /* name, arguments, required options, further options, function, hidden, summary, details */
    { "dev", "[options]", 0, 0, run_elsewhere, false, "Run a complete development server", NULL },
    { "init", "[options]", 0, 0, run_elsewhere, false, "Set up the data folder and the seal of a new server", NULL },
    { "serve", "[options]", 0, 0, run_elsewhere, false, "Run the server", NULL },
    { "doctor", "[options]", 0, 0, run_elsewhere, false, "Look for what is wrong with a server, and say how to mend it", NULL },
    { "status", "", 0, LOCAL, cli_status, false, "Show the running server's state", NULL },

    { "vault create", "NAME", 0, LOCAL | CLI_BIT(CLI_RETENTION_DAYS) | CLI_BIT(CLI_PURGE_PROTECTION) | CLI_BIT(CLI_LOCATION) | CLI_BIT(CLI_RESOURCE_GROUP), cli_vault_create, false, "Make a vault", NULL },
    { "vault list", "", 0, LOCAL, cli_vault_list, false, "List all vaults", NULL },
    { "vault show", "NAME", 0, LOCAL, cli_vault_show, false, "Show a vault", NULL },
    { "vault protect", "NAME", 0, LOCAL, cli_vault_protect, false, "Switch purge protection on, for good", NULL },

    { "identity create", "NAME", CLI_BIT(CLI_KIND), LOCAL, cli_identity_create, false, "Make an application or a managed identity", NULL },
    { "identity list", "", 0, LOCAL, cli_identity_list, false, "List all identities", NULL },
    { "identity show", "ID", 0, LOCAL, cli_identity_show, false, "Show an identity (ID: object id, client id or name)", NULL },
    { "identity enable", "ID", 0, LOCAL, cli_identity_enable, false, "Let an identity get tokens again", NULL },
    { "identity disable", "ID", 0, LOCAL, cli_identity_disable, false, "Refuse an identity", NULL },
    { "identity delete", "ID", 0, LOCAL, cli_identity_delete, false, "Delete an identity", NULL },
    { "identity credential add", "ID", CLI_BIT(CLI_CREDENTIAL_KIND), LOCAL | CLI_BIT(CLI_CERTIFICATE) | CLI_BIT(CLI_EXPIRES_IN) | CLI_BIT(CLI_SECRET_ONLY), cli_credential_add, false, "Give an identity a credential", credential_details },
    { "identity credential list", "ID", 0, LOCAL, cli_credential_list, false, "List an identity's credentials", NULL },
    { "identity credential delete", "ID KEY", 0, LOCAL, cli_credential_delete, false, "Take a credential away", NULL },
    { "identity rotate-signing-key", "", 0, LOCAL, cli_identity_rotate_signing_key, false, "Make a new key for signing tokens", rotate_details },

    { "role list", "", 0, LOCAL, cli_role_list, false, "List the roles", NULL },
    { "role assign", "", CLI_BIT(CLI_PRINCIPAL) | CLI_BIT(CLI_ROLE) | CLI_BIT(CLI_SCOPE), LOCAL, cli_role_assign, false, "Give an identity a role", NULL },
    { "role assignments", "", 0, LOCAL, cli_role_assignments, false, "List who has which role where", NULL },
    { "role unassign", "ID", 0, LOCAL, cli_role_unassign, false, "Take an assigned role away (ID: the assignment's)", NULL },

    { "secret set", "NAME", 0, VAULT | CLI_BIT(CLI_VALUE_FILE) | CLI_BIT(CLI_VALUE) | CLI_BIT(CLI_CONTENT_TYPE) | CLI_BIT(CLI_TAG) | CLI_BIT(CLI_NOT_BEFORE) | CLI_BIT(CLI_EXPIRES) | CLI_BIT(CLI_DISABLED), cli_secret_set, false, "Store a secret, as a new version", set_details },
    { "secret show", "NAME", 0, VAULT | CLI_BIT(CLI_VERSION) | CLI_BIT(CLI_VALUE_ONLY) | CLI_BIT(CLI_DELETED), cli_secret_show, false, "Show a secret", show_details },
    { "secret list", "", 0, VAULT | CLI_BIT(CLI_DELETED), cli_secret_list, false, "List a vault's secrets", NULL },
    { "secret versions", "NAME", 0, VAULT, cli_secret_versions, false, "List a secret's versions", NULL },
    { "secret delete", "NAME", 0, VAULT, cli_secret_delete, false, "Delete a secret; it can be recovered", NULL },
    { "secret recover", "NAME", 0, VAULT, cli_secret_recover, false, "Bring a deleted secret back", NULL },
    { "secret purge", "NAME", 0, VAULT, cli_secret_purge, false, "Destroy a deleted secret for good", NULL },
    { "secret backup", "NAME", 0, VAULT | CLI_BIT(CLI_BACKUP_TO), cli_secret_backup, false, "Write all versions of a secret to a file, encrypted", NULL },
    { "secret restore", "", 0, VAULT | CLI_BIT(CLI_BACKUP_FROM), cli_secret_restore, false, "Bring a secret back from a backup", NULL },

    { "key create", "NAME", CLI_BIT(CLI_KEY_TYPE), VAULT | KEY_NEW | CLI_BIT(CLI_KEY_SIZE) | CLI_BIT(CLI_CURVE), cli_key_create, false, "Make a key, or a new version of it", NULL },
    { "key import", "NAME [FILE]", 0, VAULT | KEY_NEW, cli_key_import, false, "Bring a private key into the vault", key_import_details },
    { "key show", "NAME", 0, VAULT | CLI_BIT(CLI_VERSION) | CLI_BIT(CLI_PEM) | CLI_BIT(CLI_DELETED), cli_key_show, false, "Show a key, its public part included", key_show_details },
    { "key list", "", 0, VAULT | CLI_BIT(CLI_DELETED), cli_key_list, false, "List a vault's keys", NULL },
    { "key versions", "NAME", 0, VAULT, cli_key_versions, false, "List a key's versions", NULL },
    { "key update", "NAME", 0, VAULT | CLI_BIT(CLI_VERSION) | CLI_BIT(CLI_OPS) | CLI_BIT(CLI_TAG) | CLI_BIT(CLI_NOT_BEFORE) | CLI_BIT(CLI_EXPIRES) | CLI_BIT(CLI_ENABLE) | CLI_BIT(CLI_DISABLE), cli_key_update, false, "Change a key's attributes, tags or operations", NULL },
    { "key rotate", "NAME", 0, VAULT, cli_key_rotate, false, "Make a new version like the newest one", NULL },
    { "key delete", "NAME", 0, VAULT, cli_key_delete, false, "Delete a key; it can be recovered", NULL },
    { "key recover", "NAME", 0, VAULT, cli_key_recover, false, "Bring a deleted key back", NULL },
    { "key purge", "NAME", 0, VAULT, cli_key_purge, false, "Destroy a deleted key for good", NULL },
    { "key backup", "NAME", 0, VAULT | CLI_BIT(CLI_BACKUP_TO), cli_key_backup, false, "Write all versions of a key to a file, encrypted", NULL },
    { "key restore", "", 0, VAULT | CLI_BIT(CLI_BACKUP_FROM), cli_key_restore, false, "Bring a key back from a backup", NULL },
    { "key encrypt", "NAME [FILE]", CLI_BIT(CLI_ALGORITHM), KEY_ENCRYPT, cli_key_encrypt, false, "Encrypt a short text", key_encrypt_details },
    { "key decrypt", "NAME [FILE]", CLI_BIT(CLI_ALGORITHM), KEY_DECRYPT, cli_key_decrypt, false, "Decrypt what was encrypted", key_decrypt_details },
    { "key wrap", "NAME [FILE]", CLI_BIT(CLI_ALGORITHM), KEY_ENCRYPT, cli_key_wrap, false, "Encrypt another key", key_encrypt_details },
    { "key unwrap", "NAME [FILE]", CLI_BIT(CLI_ALGORITHM), KEY_DECRYPT, cli_key_unwrap, false, "Decrypt a wrapped key", key_decrypt_details },
    { "key sign", "NAME [FILE]", CLI_BIT(CLI_ALGORITHM), KEY_SIGN, cli_key_sign, false, "Sign a file or a digest", key_sign_details },
    { "key verify", "NAME [FILE]", CLI_BIT(CLI_ALGORITHM) | CLI_BIT(CLI_SIGNATURE), KEY_SIGN, cli_key_verify, false, "Verify the signature of a file or a digest", key_verify_details },

    { "backup create", "", 0, LOCAL | CLI_BIT(CLI_INCREMENTAL), cli_backup_create, false, "Back the whole server up, encrypted, into its folder of backups", backup_details },
    { "backup list", "", 0, LOCAL, cli_backup_list, false, "List the backups of the whole server", NULL },
    { "backup verify", "[options] FILE...", 0, 0, run_elsewhere, false, "Check that backups are whole and follow each other", NULL },
    { "backup restore", "[options] FILE...", 0, 0, run_elsewhere, false, "Make a server's data out of a backup and those that follow it", NULL },

    { "operator init", "[options]", 0, 0, run_elsewhere, false, "The same as init", NULL },
    { "operator rekey", "[options]", 0, 0, run_elsewhere, false, "Protect the root key anew: new passphrase, shares or key file", NULL },
    { "operator rotate-root", "[options]", 0, 0, run_elsewhere, false, "Make a new root key; the server is stopped or sealed", NULL },
    { "operator migrate-seal", "[options]", 0, 0, run_elsewhere, false, "Change the seal to the configured kind", NULL },
    { "operator status", "", 0, LOCAL, cli_operator_status, false, "Show whether the server is sealed, and what its seal is", NULL },
    { "operator unseal", "", 0, LOCAL | CLI_BIT(CLI_INPUT_FILE) | CLI_BIT(CLI_RESET), cli_operator_unseal, false, "Open a sealed server: with the passphrase, or one share after the other", unseal_details },
    { "operator seal", "", 0, LOCAL, cli_operator_seal, false, "Close a running server's seal and forget all keys", seal_details },

    { "audit tail", "", 0, LOG | CLI_BIT(CLI_LINES), run_elsewhere, false, "Show the last records of the audit log", NULL },
    { "audit verify", "", 0, LOG | CLI_BIT(CLI_HEAD_SOCKET), run_elsewhere, false, "Check that the audit log is intact", verify_details },

    { "clock advance", "STEP", 0, LOCAL, cli_clock_advance, true, "Move a test server's clock (STEP: seconds, or 90d)", NULL },
};
/* clang-format on */

const struct cli_command *cli_commands(size_t *out_count)
{
    *out_count = HF_ARRAY_LEN(rows);
    return rows;
}

/* How many words the name has, if the first words are the name; else 0. */
static int match(const char *name, int count, char **words)
{
    hf_str rest = hf_str_from_c(name);
    hf_str word;
    int used = 0;
    while (hf_str_next(&rest, ' ', &word)) {
        if (used == count || !hf_str_equal(word, hf_str_from_c(words[used])))
            return 0;
        used++;
    }
    return used;
}

const struct cli_command *cli_command_find(int count, char **words, int *out_used)
{
    const struct cli_command *found = NULL;
    int longest = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        const int used = match(rows[i].name, count, words);
        if (used > longest) {
            longest = used;
            found = &rows[i];
        }
    }
    if (found != NULL)
        *out_used = longest;
    return found;
}

/* ---- help ---- */

static void print_row(const struct cli_command *row, FILE *out)
{
    const int used = fprintf(out, "  %s %s", row->name, row->arguments);
    (void)fprintf(out, "%*s%s\n", used < NAME_COLUMN_CHARS ? NAME_COLUMN_CHARS - used : 1, "",
                  row->summary);
}

/* Lists the commands whose name begins with that word; false if there are none. */
static bool print_group(const char *group, FILE *out)
{
    bool has_any = false;
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_str rest = hf_str_from_c(rows[i].name);
        hf_str word;
        if (!hf_str_next(&rest, ' ', &word) || !hf_str_equal(word, hf_str_from_c(group)))
            continue;
        if (!has_any)
            (void)fprintf(out, "Commands of holdfast %s:\n", group);
        print_row(&rows[i], out);
        has_any = true;
    }
    return has_any;
}

int cli_help(FILE *out)
{
    (void)fputs("Holdfast, a key vault of your own. Usage: holdfast COMMAND [options]\n\n", out);
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        if (!rows[i].is_hidden)
            print_row(&rows[i], out);
    }
    (void)fputs("\nholdfast COMMAND --help shows a command's options; holdfast(1) has it all.\n",
                out);
    return fflush(out) == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- run ---- */

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int cli_explain(int count, char **words)
{
    const char *word = words[0];
    const bool is_asked = count == 2 && is_help(words[1]);
    if ((count == 1 || is_asked) && print_group(word, is_asked ? stdout : stderr))
        return is_asked ? CLI_OK : CLI_USAGE;
    return cli_fail(CLI_USAGE, "no command '%s%s%s'; see holdfast --help", word,
                    count > 1 ? " " : "", count > 1 ? words[1] : "");
}

int cli_run(int argc, char **argv)
{
    if (argc < 2) {
        (void)cli_help(stderr);
        return CLI_USAGE;
    }
    if (is_help(argv[1]))
        return cli_help(stdout);
    if (strcmp(argv[1], "--version") == 0)
        return cli_print_line(hf_str_bytes(HF_LIT("holdfast " HF_VERSION HF_VERSION_NOTE)));
    int used = 0;
    const struct cli_command *command = cli_command_find(argc - 1, argv + 1, &used);
    if (command == NULL)
        return cli_explain(argc - 1, argv + 1);
    struct cli_input input;
    const int code = cli_input_read(command, argc - 1 - used, argv + 1 + used, &input);
    if (code != CLI_OK)
        return code;
    if (!cli_has(&input, CLI_HELP))
        return command->run(&input);
    return cli_command_help(command, stdout);
}
