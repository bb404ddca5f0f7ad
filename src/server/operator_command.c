/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's commands on the data folder: the seal is made, protected anew, or changed to another kind. Each can be run again
 * after an interruption.
 */
#include "server/operator_command.h"

#include "base/file.h"
#include "cli/message.h"
#include "server/acts.h"
#include "server/command.h"
#include "server/installation.h"
#include "server/operator_people.h"
#include "server/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the command line ---- */

enum verb_bit {
    INIT = 1,
    REKEY = 2,
    MIGRATE = 4,
    ROTATE = 8,
};

struct arguments {
    const char *config;
    const char *passphrase_file;
    const char *old_passphrase_file;
    const char *share_files[SEAL_SHARES_MAX];
    size_t share_file_count;
    const char *new_key_file;
    const char *new_credential;
    const char *shares;
    const char *threshold;
    const char *share_folder;
    const char *share_recipients;
    bool help;
};

struct option_row {
    const char *name;
    const char *value;  /* NULL: a flag */
    unsigned int verbs; /* that have it */
    size_t offset;      /* of the text in struct arguments */
    const char *help;
};

#define TEXT(member) offsetof(struct arguments, member)
#define REPEATED SIZE_MAX   /* --share-file */
#define FLAG (SIZE_MAX - 1) /* --help */

/* A table is read by its columns. */
/* clang-format off */
static const struct option_row option_rows[] = {
    { "config",              "FILE",   INIT | REKEY | MIGRATE | ROTATE, TEXT(config),              "the server's configuration (default: " SERVER_DEFAULT_CONFIG ")" },
    { "passphrase-file",     "FILE",   INIT | REKEY | MIGRATE | ROTATE, TEXT(passphrase_file),     "the new passphrase (rotate-root: the one there is): the file's first line; mode 0600" },
    { "old-passphrase-file", "FILE",   REKEY | MIGRATE,                 TEXT(old_passphrase_file), "the passphrase that the seal has" },
    { "share-file",          "FILE",   INIT | REKEY | MIGRATE | ROTATE, REPEATED,                  "a share of the seal there is: the file's first line; mode 0600; repeatable" },
    { "new-key-file",        "FILE",   REKEY,                           TEXT(new_key_file),        "key-file: the new key file; made unless it is there" },
    { "new-credential",      "NAME",   REKEY,                           TEXT(new_credential),      "systemd-credential: the name of the new one" },
    { "shares",              "N",      INIT | REKEY | MIGRATE,          TEXT(shares),              "shamir: how many new shares (default: seal.shares)" },
    { "threshold",           "K",      INIT | REKEY | MIGRATE,          TEXT(threshold),           "shamir: how many of them open the seal (default: seal.threshold)" },
    { "share-folder",        "FOLDER", INIT | REKEY | MIGRATE,          TEXT(share_folder),        "shamir: write the new shares there, each to a file; nothing is overwritten" },
    { "share-recipients",    "FILE",   INIT | REKEY | MIGRATE,          TEXT(share_recipients),    "shamir: encrypt each to its holder: on each line an age recipient or the fingerprint of an OpenPGP key" },
    { "help",                NULL,     INIT | REKEY | MIGRATE | ROTATE, FLAG,                      "show this" },
};
/* clang-format on */
#define OPTION_COLUMN_CHARS 30

static void print_usage(const char *name, unsigned int verb, const char *summary, FILE *out)
{
    (void)fprintf(out, "Usage: holdfast operator %s [options]\n\n%s\n\n", name, summary);
    for (size_t i = 0; i < HF_ARRAY_LEN(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        if ((row->verbs & verb) == 0)
            continue;
        const int used = fprintf(out, "  --%s %s", row->name, row->value == NULL ? "" : row->value);
        (void)fprintf(out, "%*s%s\n", used < OPTION_COLUMN_CHARS ? OPTION_COLUMN_CHARS - used : 1,
                      "", row->help);
    }
}

static int take_option(const struct option_row *row, const char *value, struct arguments *out)
{
    if (row->offset == FLAG) {
        out->help = true;
    } else if (row->offset == REPEATED) {
        if (out->share_file_count == SEAL_SHARES_MAX)
            return cli_fail(CLI_USAGE, "--%s: at most %d", row->name, SEAL_SHARES_MAX);
        out->share_files[out->share_file_count++] = value;
    } else {
        memcpy((char *)out + row->offset, &value, sizeof(value));
    }
    return CLI_OK;
}

static int parse_arguments(int argc, char **argv, unsigned int verb, struct arguments *out)
{
    struct option options[HF_ARRAY_LEN(option_rows) + 1] = { 0 };
    for (size_t i = 0; i < HF_ARRAY_LEN(option_rows); i++)
        options[i] = (struct option){
            .name = option_rows[i].name,
            .has_arg = option_rows[i].value == NULL ? no_argument : required_argument,
        };
    int at = 0;
    int code = CLI_OK;
    for (int option = 0; code == CLI_OK && option != -1;) {
        option = getopt_long(argc, argv, "", options, &at);
        if (option == '?')
            return CLI_USAGE;
        if (option == -1)
            break;
        if ((option_rows[at].verbs & verb) == 0)
            return cli_fail(CLI_USAGE, "--%s: not for this command", option_rows[at].name);
        code = take_option(&option_rows[at], optarg, out);
    }
    if (code == CLI_OK && optind != argc)
        return cli_fail(CLI_USAGE, "'%s': only options are expected", argv[optind]);
    return code;
}

/* ---- what a command works with ---- */

struct work {
    const struct arguments *arguments;
    struct server_settings *settings;
    const char *kind; /* of the seal at work, for advice; NULL: not known yet */
    struct operator_people people;
    struct hf_buf recipients_text;
    struct operator_recipients recipients;
    int folder; /* the data folder, locked against other operators; -1 */
    struct hf_diag diag;
};

static void work_freep(struct work **work)
{
    if (*work == NULL)
        return;
    free((*work)->settings);
    hf_buf_done(&(*work)->recipients_text);
    hf_fd_closep(&(*work)->folder);
    free(*work);
}

/* ---- failures ---- */

struct advice {
    hf_err err;
    const char *kind; /* NULL: any */
    const char *text;
};

/* What to do, behind what is wrong. A table is read by its columns. */
/* clang-format off */
static const struct advice advices[] = {
    { HF_E_UNAVAILABLE, "passphrase",         "type it at a terminal, or give --passphrase-file (for the one that the seal has: --old-passphrase-file)" },
    { HF_E_UNAVAILABLE, "shamir",             "hand in more: each in a file (--share-file), as a line of standard input, or typed at a terminal" },
    { HF_E_UNAVAILABLE, "key-file",           "mount or bring back the file that seal.key_file names" },
    { HF_E_UNAVAILABLE, "systemd-credential", "run the command with the unit's credential: systemd-run --pipe --wait -p LoadCredentialEncrypted=..." },
    { HF_E_UNAVAILABLE, "pkcs11",             "look whether the token is there, and at seal.pkcs11_module, seal.pkcs11_token and seal.pkcs11_pin_file" },
    { HF_E_UNAVAILABLE, "tpm2",               "look whether this user may use the TPM, and at seal.tpm_tcti" },
    { HF_E_FORBIDDEN,   "passphrase",         "nothing was changed; try again (after an interrupted rekey perhaps with the new one)" },
    { HF_E_FORBIDDEN,   "shamir",             "nothing was changed; use the shares of the newest set" },
    { HF_E_FORBIDDEN,   "key-file",           "nothing was changed; look which file seal.key_file names" },
    { HF_E_FORBIDDEN,   "systemd-credential", "nothing was changed; look which credential seal.credential names" },
    { HF_E_FORBIDDEN,   "pkcs11",             "nothing was changed; look at seal.pkcs11_key and at the PIN" },
    { HF_E_FORBIDDEN,   "tpm2",               "nothing was changed; if the PCRs were meant to change, go back to what was started before and migrate from there" },
    { HF_E_NOT_FOUND,   NULL,                 "make it with 'holdfast init', or look at 'data' in the configuration" },
    { HF_E_CORRUPT,     NULL,                 "bring the file back from a copy, or the server from a backup" },
    { HF_E_FORMAT,      NULL,                 "it was written by another version of holdfast; use that one" },
    { HF_E_DISK_FULL,   NULL,                 "make room, and run the command again" },
    { HF_E_IO,          NULL,                 "run the command again when the disk is well: it goes on from where it was" },
    { HF_E_NOMEM,       NULL,                 "give it more memory, or lower seal.argon2_memory" },
};
/* clang-format on */

static const char *advise(hf_err err, const char *kind)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(advices); i++) {
        if (advices[i].err == err &&
            (advices[i].kind == NULL || (kind != NULL && strcmp(advices[i].kind, kind) == 0)))
            return advices[i].text;
    }
    return NULL;
}

static int exit_of(hf_err err)
{
    return hf_err_class_of(err) == HF_CLASS_CORRUPT ? CLI_NOT_INTACT : (int)cli_exit_of_err(err);
}

/* A setting that the text does not name is put before it. */
static int tell(hf_err err, const struct work *work)
{
    const struct hf_diag *diag = &work->diag;
    const char *text = diag->text[0] != '\0' ? diag->text : hf_err_text(err);
    const bool is_named = strncmp(diag->field, "seal.", 5) != 0 ||
                          strstr(text, diag->field) != NULL;
    const char *advice = is_named ? advise(err, work->kind) : NULL;
    return cli_fail((enum cli_exit)exit_of(err), "%s%s%s%s%s", is_named ? "" : diag->field,
                    is_named ? "" : ": ", text, advice == NULL ? "" : "; ",
                    advice == NULL ? "" : advice);
}

/* ---- before the work ---- */

static int take_number(const char *name, const char *text, int64_t *out)
{
    uint64_t number = 0;
    if (text == NULL)
        return CLI_OK;
    if (!hf_str_parse_u64(hf_str_from_c(text), SEAL_SHARES_MAX, &number) || number == 0)
        return cli_fail(CLI_USAGE, "--%s: must be a number from 1 to %d", name, SEAL_SHARES_MAX);
    *out = (int64_t)number;
    return CLI_OK;
}

/* --shares and --threshold in place of the settings. */
static int override(struct work *work)
{
    struct server_settings *settings = work->settings;
    int code = take_number("shares", work->arguments->shares, &settings->seal_shares);
    if (code == CLI_OK)
        code = take_number("threshold", work->arguments->threshold, &settings->seal_threshold);
    if (code != CLI_OK)
        return code;
    hf_err err = server_settings_complete(settings, &work->diag);
    return err == HF_OK ? CLI_OK : tell(err, work);
}

static int read_recipients(struct work *work)
{
    const char *path = work->arguments->share_recipients;
    if (path == NULL)
        return CLI_OK;
    if (work->arguments->share_folder == NULL)
        return cli_fail(CLI_USAGE, "--share-recipients needs --share-folder, where the encrypted "
                                   "shares go");
    hf_err err = hf_file_read(path, &work->recipients_text);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "%s: %s", path, hf_err_text(err));
    err = operator_recipients_parse(hf_buf_str(&work->recipients_text), path, &work->diag,
                                    &work->recipients);
    if (err != HF_OK)
        return tell(err, work);
    if (work->recipients.count != (size_t)work->settings->seal_shares)
        return cli_fail(CLI_FAILED, "%s: names %zu holders for %d shares; give as many (--shares)",
                        path, work->recipients.count, (int)work->settings->seal_shares);
    work->people.recipients = &work->recipients;
    return CLI_OK;
}

/* Options that the new seal has no use for would be a misunderstanding. */
static int check_use(const struct arguments *arguments, const char *new_kind)
{
    const bool for_shares = arguments->shares != NULL || arguments->threshold != NULL ||
                            arguments->share_folder != NULL || arguments->share_recipients != NULL;
    if (for_shares && strcmp(new_kind, "shamir") != 0)
        return cli_fail(CLI_USAGE,
                        "--shares, --threshold, --share-folder and --share-recipients "
                        "are for seal.kind = shamir; the new seal is of kind %s",
                        new_kind);
    return CLI_OK;
}

/* What another user writes, the server cannot read. No folder yet: fine. */
static int check_owner(const struct work *work)
{
    const char *data = work->settings->data;
    struct stat folder;
    if (stat(data, &folder) != 0 || folder.st_uid == geteuid())
        return CLI_OK;
    char memory[PATH_MAX];
    struct passwd entry;
    struct passwd *owner = NULL;
    const char *name = "its owner";
    if (getpwuid_r(folder.st_uid, &entry, memory, sizeof(memory), &owner) == 0 && owner != NULL)
        name = owner->pw_name;
    return cli_fail(
        CLI_DENIED,
        "%s belongs to another user; run the command as %s (runuser -u %s -- holdfast ...)", data,
        name, name);
}

/* Settings and people; the caller frees *out in any case. */
static int begin(const struct arguments *arguments, struct work **out)
{
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL)
        return cli_fail(CLI_FAILED, "%s", hf_err_text(HF_E_NOMEM));
    *out = work;
    work->arguments = arguments;
    work->folder = -1;
    hf_buf_init(&work->recipients_text, OPERATOR_RECIPIENTS_FILE_MAX_BYTES);
    hf_err err = server_command_settings(arguments->config, &work->diag, &work->settings);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "%s", work->diag.text);
    work->people = (struct operator_people){
        .passphrase_file = arguments->old_passphrase_file,
        .new_passphrase_file = arguments->passphrase_file,
        .share_files = arguments->share_files,
        .share_file_count = arguments->share_file_count,
        .share_folder = arguments->share_folder,
        .diag = &work->diag,
    };
    int code = override(work);
    if (code == CLI_OK)
        code = read_recipients(work);
    return code == CLI_OK ? check_owner(work) : code;
}

static void note_seal(struct work *work, const struct seal_info *info)
{
    memcpy(work->people.share_set, info->share_set, sizeof(info->share_set));
    work->people.threshold = info->threshold;
}

/* The seal there is; nobody else changes it until the work is done. */
static int look_at_seal(struct work *work, struct seal_info *out)
{
    const char *data = work->settings->data;
    work->folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->folder < 0 && errno != ENOENT)
        return cli_fail(CLI_FAILED, "%s: %s; run the command as the server's user", data,
                        strerror(errno));
    if (work->folder >= 0 && flock(work->folder, LOCK_EX | LOCK_NB) != 0)
        return cli_fail(CLI_UNREACHABLE,
                        "%s: another operator command is at work on it; wait for its end", data);
    hf_err err = seal_read_info(data, &work->diag, out);
    if (err != HF_OK)
        return tell(err, work);
    work->kind = out->kind;
    note_seal(work, out);
    return CLI_OK;
}

/* ---- after the work ---- */

/* Where the new shares went, if any did. */
static void tell_shares(const struct work *work, const struct seal_config *made)
{
    const struct operator_people *people = &work->people;
    char first[PATH_MAX];
    char last[PATH_MAX];
    if (people->given == 0)
        return;
    (void)printf("shares        %u, any %u of which open the seal\n", (unsigned int)made->shares,
                 (unsigned int)made->threshold);
    if (people->share_folder != NULL &&
        operator_share_path(people, 0, first, sizeof(first)) == HF_OK &&
        operator_share_path(people, people->given - 1, last, sizeof(last)) == HF_OK)
        (void)printf("in            %s to %s; take each to its holder, and keep no copy here\n",
                     first, last);
}

/* A failure after shares were handed out: are they of use? */
static int tell_after_shares(hf_err err, struct work *work)
{
    const struct operator_people *people = &work->people;
    char first[PATH_MAX];
    const int code = tell(err, work);
    if (people->given == 0)
        return code;
    struct seal_info now;
    if (seal_read_info(work->settings->data, NULL, &now) == HF_OK &&
        strcmp(now.share_set, people->new_set) == 0)
        cli_note("the new shares open the seal nevertheless: keep them");
    else if (people->share_folder != NULL &&
             operator_share_path(people, 0, first, sizeof(first)) == HF_OK)
        cli_note("%zu of the new shares were written, from %s on; they open nothing, remove them",
                 people->given, first);
    else
        cli_note("the new shares open nothing; throw them away");
    return code;
}

/* ---- the audit log ---- */

/* What the record tells of the seal: nothing that opens it. */
static struct server_act make_act(const char *operation, int status, hf_err why, char *detail,
                                  size_t size, const struct seal_info *from, const char *to)
{
    const struct hf_clock clock = { 0 };
    (void)snprintf(detail, size, "from=%s,to=%s,generation=%" PRIu64, from->kind, to,
                   from->generation);
    return (struct server_act){
        .operation = hf_str_from_c(operation),
        .detail = hf_str_from_c(detail),
        .description = hf_str_from_c(why == HF_OK ? "" : hf_err_text(why)),
        .status = status,
        .uid = getuid(),
        .time = hf_clock_now(&clock),
    };
}

/* Without that record nothing is done. */
static int record_begin(struct work *work, const char *operation, const struct seal_roots *roots,
                        const struct seal_info *from, const char *to)
{
    char detail[SERVER_ACT_DETAIL_BYTES];
    struct hf_diag diag = { 0 };
    const struct server_act act = make_act(operation, SERVER_ACT_BEGUN, HF_OK, detail,
                                           sizeof(detail), from, to);
    hf_err err = server_act_record(work->settings, roots, &act, &diag);
    return err == HF_OK
               ? CLI_OK
               : cli_fail((enum cli_exit)exit_of(err), "%s; nothing was changed", diag.text);
}

/* What came of it. It has happened by now: that this record is missing is told, and the first one is there. */
static void record_end(struct work *work, const char *operation, const struct seal_roots *roots,
                       const struct seal_info *from, const char *to, hf_err result)
{
    char detail[SERVER_ACT_DETAIL_BYTES];
    struct hf_diag diag = { 0 };
    const struct server_act act = make_act(operation, server_act_status(result), result, detail,
                                           sizeof(detail), from, to);
    hf_err err = server_act_record(work->settings, roots, &act, &diag);
    if (err != HF_OK)
        cli_note("the audit log tells that this was begun, but not what came of it: %s", diag.text);
}

/* ---- init ---- */

static const struct {
    const char *kind;
    const char *text;
} keep_rows[] = {
    { "key-file", "Keep a copy of the seal key apart from the data: without it nothing can be read "
                  "again." },
    { "systemd-credential", "Keep a copy of the key in the credential apart from the data: without "
                            "it nothing can be read\nagain." },
    { "passphrase",
      "Without the passphrase nothing can be read again. The server asks for it after "
      "each start:\nholdfast operator unseal." },
    { "shamir",
      "Without enough of the shares nothing can be read again. The server needs them after "
      "each start:\nholdfast operator unseal." },
    { "pkcs11",
      "Without the token's key nothing can be read again: keep a copy of it by the token's "
      "own means." },
    { "tpm2", "The data and its backups open with this machine's TPM only. To have them elsewhere, "
              "change the kind\nof the seal first: holdfast operator migrate-seal." },
};

static void print_made(const struct work *work, const struct server_installation *installation,
                       const struct seal_config *seal)
{
    char tenant[HF_UUID_TEXT_BYTES + 1];
    char subscription[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&installation->tenant, tenant);
    hf_uuid_format(&installation->subscription, subscription);
    const bool is_file = strcmp(seal->kind, "key-file") == 0;
    (void)printf("tenant        %s\nsubscription  %s\ndata          %s\nseal key      %s\n", tenant,
                 subscription, work->settings->data, is_file ? seal->key_file : seal->kind);
    tell_shares(work, seal);
    for (size_t i = 0; i < HF_ARRAY_LEN(keep_rows); i++) {
        if (strcmp(keep_rows[i].kind, seal->kind) == 0)
            (void)printf("\n%s\n", keep_rows[i].text);
    }
}

/* An interrupted one has made the seal already, which the same people then open. */
static int init(struct work *work)
{
    const struct seal_config seal = server_seal_config(work->settings);
    const struct seal_people people = operator_people_seal(&work->people);
    const struct hf_clock clock = { 0 };
    struct server_installation installation;
    int code = check_use(work->arguments, seal.kind);
    if (code != CLI_OK)
        return code;
    work->kind = seal.kind;
    work->people.passphrase_file = work->people.new_passphrase_file;
    struct seal_info info = { 0 };
    if (seal_read_info(work->settings->data, NULL, &info) == HF_OK)
        note_seal(work, &info);
    hf_err err = server_install(work->settings, &clock, &people, &work->diag, &installation);
    if (err == HF_E_EXISTS)
        return cli_fail(CLI_CONFLICT, "%s is initialised already; nothing was changed",
                        work->settings->data);
    if (err != HF_OK)
        return tell_after_shares(err, work);
    print_made(work, &installation, &seal);
    return CLI_OK;
}

/* ---- rekey ---- */

static int need_new_key(const struct arguments *arguments, const char *kind)
{
    const bool is_file = strcmp(kind, "key-file") == 0;
    const bool is_credential = strcmp(kind, "systemd-credential") == 0;
    if (is_file && arguments->new_key_file == NULL)
        return cli_fail(CLI_USAGE, "the seal is of kind key-file: give --new-key-file FILE");
    if (is_credential && arguments->new_credential == NULL)
        return cli_fail(CLI_USAGE,
                        "the seal is of kind systemd-credential: give --new-credential NAME");
    if ((arguments->new_key_file != NULL && !is_file) ||
        (arguments->new_credential != NULL && !is_credential))
        return cli_fail(CLI_USAGE, "%s is not for a seal of kind %s",
                        is_file || arguments->new_key_file == NULL ? "--new-credential"
                                                                   : "--new-key-file",
                        kind);
    return CLI_OK;
}

static const char *setting_of_new_key(const struct arguments *arguments, const char **out_value)
{
    *out_value = arguments->new_key_file != NULL ? arguments->new_key_file
                                                 : arguments->new_credential;
    return arguments->new_key_file != NULL ? "seal.key_file" : "seal.credential";
}

static void print_rekeyed(const struct work *work, const struct seal_config *made)
{
    const char *value = NULL;
    const char *setting = setting_of_new_key(work->arguments, &value);
    (void)printf("seal          %s, protected anew\n", made->kind);
    tell_shares(work, made);
    char path[PATH_MAX];
    if (work->arguments->new_key_file != NULL && realpath(value, path) != NULL)
        value = path;
    if (value != NULL)
        (void)printf("\nSet %s = %s in %s now: the server opens with nothing else from its next "
                     "start on.\n",
                     setting, value, work->arguments->config);
    (void)printf("\nCopies and backups made before still open with what opened the seal until now. "
                 "If somebody has that who\nmust not, make a new root key too: holdfast operator "
                 "rotate-root.\n");
}

/* Interrupted behind its last step: the seal opens with the new key file, credential or passphrase. */
static bool is_rekeyed(const struct work *work, const struct seal_config *new_seal,
                       struct seal_roots *out)
{
    const char *value = NULL;
    (void)setting_of_new_key(work->arguments, &value);
    struct hf_diag ignored = { 0 };
    struct operator_people new_people = { .passphrase_file = work->people.new_passphrase_file,
                                          .diag = &ignored };
    const struct seal_people people = operator_people_seal(&new_people);
    return (value != NULL || new_people.passphrase_file != NULL) &&
           strcmp(work->kind, "shamir") != 0 &&
           seal_open(new_seal, &people, &ignored, out) == HF_OK;
}

static int rekey(struct work *work)
{
    struct seal_info info = { 0 };
    int code = look_at_seal(work, &info);
    if (code == CLI_OK)
        code = check_use(work->arguments, info.kind);
    if (code == CLI_OK)
        code = need_new_key(work->arguments, info.kind);
    if (code != CLI_OK)
        return code;
    const struct seal_config old_seal = server_seal_config(work->settings);
    struct seal_config new_seal = old_seal;
    if (work->arguments->new_key_file != NULL)
        new_seal.key_file = work->arguments->new_key_file;
    if (work->arguments->new_credential != NULL)
        new_seal.credential = work->arguments->new_credential;
    const struct seal_people people = operator_people_seal(&work->people);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_open(&old_seal, &people, &work->diag, &roots);
    const bool is_done = err != HF_OK && is_rekeyed(work, &new_seal, &roots);
    if (err != HF_OK && !is_done)
        return tell(err, work);
    if (!is_done)
        code = record_begin(work, SERVER_REKEY_OPERATION, &roots, &info, info.kind);
    if (code != CLI_OK)
        return code;
    err = is_done ? HF_OK : seal_rekey(&new_seal, &people, &roots, &work->diag);
    record_end(work, SERVER_REKEY_OPERATION, &roots, &info, info.kind, err);
    if (err == HF_E_EXISTS)
        return cli_fail(CLI_CONFLICT, "the seal opens with just this key already; nothing was "
                                      "changed: name a file or credential with another one");
    if (err != HF_OK)
        return tell_after_shares(err, work);
    print_rekeyed(work, &new_seal);
    return CLI_OK;
}

/* ---- migrate-seal ---- */

static int migrate(struct work *work)
{
    struct seal_info info = { 0 };
    int code = look_at_seal(work, &info);
    if (code != CLI_OK)
        return code;
    const struct seal_config new_seal = server_seal_config(work->settings);
    if (strcmp(info.kind, new_seal.kind) == 0) {
        (void)printf("The seal is of kind %s already; nothing was changed.\n", info.kind);
        return CLI_OK;
    }
    code = check_use(work->arguments, new_seal.kind);
    if (code != CLI_OK)
        return code;
    struct seal_config old_seal = new_seal;
    old_seal.kind = NULL;
    const struct seal_people people = operator_people_seal(&work->people);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_open(&old_seal, &people, &work->diag, &roots);
    if (err != HF_OK)
        return tell(err, work);
    work->kind = new_seal.kind;
    code = record_begin(work, SERVER_MIGRATE_OPERATION, &roots, &info, new_seal.kind);
    if (code != CLI_OK)
        return code;
    err = seal_rekey(&new_seal, &people, &roots, &work->diag);
    record_end(work, SERVER_MIGRATE_OPERATION, &roots, &info, new_seal.kind, err);
    if (err != HF_OK)
        return tell_after_shares(err, work);
    (void)printf("seal          %s, no longer %s\n", new_seal.kind, info.kind);
    tell_shares(work, &new_seal);
    (void)printf(
        "\nA server that runs goes on; from its next start or unsealing on it opens with the "
        "new kind only. It reads\nthe settings of the new kind at its start.\nCopies and backups "
        "made before still open with the old one.\n");
    return CLI_OK;
}

/* ---- rotate-root ---- */

static int rotate(struct work *work)
{
    struct seal_info info = { 0 };
    const int code = look_at_seal(work, &info);
    if (code != CLI_OK)
        return code;
    work->people.passphrase_file = work->people.new_passphrase_file;
    const struct seal_people people = operator_people_seal(&work->people);
    const struct hf_clock clock = { 0 };
    uint64_t generation = 0;
    hf_err err = server_rotate_root(work->settings, &clock, &people, &work->diag, &generation);
    if (err != HF_OK)
        return tell(err, work);
    (void)printf("root key      generation %" PRIu64
                 "\n\nThe next backup must be a full one. Backups made before still open with the "
                 "root key of their time.\n",
                 generation);
    if (info.roots > 1)
        (void)printf("\nThis finished a rotation begun before, with the root key made then. If "
                     "somebody may have seen the seal\nopen since, rotate once more.\n");
    return CLI_OK;
}

/* ---- the commands ---- */

static const struct verb {
    const char *name;
    unsigned int bit;
    int (*run)(struct work *work);
    const char *summary;
} verbs[] = {
    { "init", INIT, init,
      "Sets up the data folder and the seal of a new server. Run again after an interruption, it "
      "finishes." },
    { "rekey", REKEY, rekey,
      "Protects the same root key anew: a new passphrase, new shares, a new key file. The server "
      "may run." },
    { "migrate-seal", MIGRATE, migrate,
      "Changes the seal to the kind that seal.kind in the configuration names. The server may "
      "run." },
    { "rotate-root", ROTATE, rotate,
      "Makes a new root key and seals under it what the old one protected. The server must be "
      "stopped "
      "or sealed." },
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

bool server_operator_knows(const char *name)
{
    return find_verb(name) != NULL;
}

int server_operator_command(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[0], "operator") == 0) {
        argc--;
        argv++;
    }
    const struct verb *verb = find_verb(argv[0]);
    if (verb == NULL)
        return cli_fail(CLI_USAGE, "no command 'operator %s'; see holdfast --help", argv[0]);
    struct arguments arguments = { .config = SERVER_DEFAULT_CONFIG };
    int code = parse_arguments(argc, argv, verb->bit, &arguments);
    if (code != CLI_OK || arguments.help) {
        print_usage(verb->name, verb->bit, verb->summary, code == CLI_OK ? stdout : stderr);
        return code;
    }
    HF_CLEANUP(work_freep) struct work *work = NULL;
    code = begin(&arguments, &work);
    if (code == CLI_OK)
        code = verb->run(work);
    if (fflush(stdout) != 0 && code == CLI_OK)
        return cli_fail(CLI_FAILED, "standard output: %s", strerror(errno));
    return code;
}
