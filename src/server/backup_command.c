/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast backup verify` and `restore`, which need no server; `create` and `list` ask one, over its local socket.
 */
#include "server/backup.h"
#include "server/backup_chain.h"

#include "cli/message.h"
#include "cli/moment.h"
#include "cli/options.h"
#include "cli/output.h"
#include "server/command.h"
#include "server/installation.h"
#include "server/operator_people.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX_BYTES ((size_t)256 * 1024)

struct arguments {
    const char *config;
    const char *to; /* NULL: all there is */
    const char *passphrase_file;
    const char *share_files[SEAL_SHARES_MAX];
    size_t share_file_count;
    bool json;
    bool help;
    char **files;
    size_t file_count;
};

static void print_usage(const char *name, FILE *out)
{
    const bool restores = strcmp(name, "restore") == 0;
    (void)fprintf(
        out, "Usage: holdfast backup %s [options] FILE [INCREMENTAL...]\n\n%s", name,
        restores ? "Restores a server into the empty data folder of the configuration: the full "
                   "backup, then\nthe incremental ones that follow it, in order.\n\n"
                 : "Reads backups to the last byte and says whether they are whole and follow "
                   "each other.\n\n");
    (void)fputs(
        "  --config FILE           the server's configuration, for the seal "
        "(default: " SERVER_DEFAULT_CONFIG ")\n"
        "  --passphrase-file FILE  the seal's passphrase: the file's first line; mode 0600\n"
        "  --share-file FILE       a share of the seal: the file's first line; mode 0600; "
        "repeatable\n",
        out);
    if (restores)
        (void)fputs("  --to TIME               as it was at TIME, such as 2027-01-31T12:00:00Z\n",
                    out);
    else
        (void)fputs("  --json                  print JSON\n", out);
}

static int parse_arguments(int argc, char **argv, struct arguments *out)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "to", required_argument, NULL, 't' },
        { "passphrase-file", required_argument, NULL, 'p' },
        { "share-file", required_argument, NULL, 's' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const bool restores = strcmp(argv[0], "restore") == 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?' || (option == 't' && !restores) || (option == 'j' && restores) ||
            (option == 's' && out->share_file_count == SEAL_SHARES_MAX))
            return CLI_USAGE;
        if (option == 'c')
            out->config = optarg;
        if (option == 't')
            out->to = optarg;
        if (option == 'p')
            out->passphrase_file = optarg;
        if (option == 's')
            out->share_files[out->share_file_count++] = optarg;
        out->json = out->json || option == 'j';
        out->help = out->help || option == 'h';
    }
    out->files = argv + optind;
    out->file_count = (size_t)(argc - optind);
    return out->file_count > 0 || out->help ? CLI_OK : CLI_USAGE;
}

static int tell(hf_err err, const struct hf_diag *diag)
{
    const bool is_damaged = hf_err_class_of(err) == HF_CLASS_CORRUPT;
    return cli_fail(is_damaged ? CLI_NOT_INTACT : cli_exit_of_err(err), "%s",
                    diag->text[0] != '\0' ? diag->text : hf_err_text(err));
}

/* ---- verify ---- */

static const char *kind_name(const struct archive_header *header)
{
    return header->kind == ARCHIVE_FULL ? "full" : "incremental";
}

static void put_file_json(const struct backup_file *file, struct hf_json_writer *w)
{
    const struct archive_header *header = archive_reader_header(file->reader);
    const struct archive_end *end = archive_reader_end(file->reader);
    hf_jw_begin_object(w);
    hf_jw_member_c(w, "file", file->path);
    hf_jw_member_bool(w, "intact", true);
    hf_jw_member_c(w, "kind", kind_name(header));
    hf_jw_member_int(w, "bytes", (int64_t)archive_reader_bytes(file->reader));
    hf_jw_member_int(w, "from", (int64_t)header->from);
    hf_jw_member_int(w, "to", (int64_t)end->to);
    hf_jw_member_int(w, "toTime", hf_usec_to_seconds(end->to_time));
    hf_jw_member_int(w, "records", (int64_t)end->records);
    hf_jw_member_int(w, "changes", (int64_t)end->entries);
    hf_jw_end_object(w);
}

static void put_file(const struct backup_file *file, struct hf_buf *out)
{
    const struct archive_header *header = archive_reader_header(file->reader);
    const struct archive_end *end = archive_reader_end(file->reader);
    hf_buf_putf(out, "Intact: %s: %s, ", file->path, kind_name(header));
    if (header->kind == ARCHIVE_FULL)
        hf_buf_putf(out, "%" PRIu64 " records and ", end->records);
    hf_buf_putf(out, "%" PRIu64 " changes, up to change %" PRIu64 " at ", end->entries, end->to);
    hf_buf_put_plain_time(out, end->to_time);
    hf_buf_put_c(out, "\n");
}

static int print_files(const struct backup_chain *chain, bool json)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, OUTPUT_MAX_BYTES);
    struct hf_json_writer w = hf_json_writer_on(&out);
    if (json)
        hf_jw_begin_array(&w);
    for (size_t i = 0; i < chain->count; i++) {
        if (json)
            put_file_json(&chain->files[i], &w);
        else
            put_file(&chain->files[i], &out);
    }
    if (json) {
        hf_jw_end_array(&w);
        hf_buf_put_c(&out, "\n");
    }
    const hf_err err = hf_buf_err(&out);
    return err == HF_OK ? cli_print(hf_buf_view(&out))
                        : cli_fail(CLI_FAILED, "%s", hf_err_text(err));
}

/* ---- both ---- */

struct reading {
    struct server_settings settings;
    struct backup_chain chain;
};

static void reading_freep(struct reading **reading)
{
    if (*reading == NULL)
        return;
    backup_chain_done(&(*reading)->chain);
    free(*reading);
}

static int read_moment(const char *text, hf_usec *out)
{
    struct hf_clock clock = { 0 };
    int64_t seconds = 0;
    if (text == NULL) {
        *out = INT64_MAX;
        return CLI_OK;
    }
    if (hf_str_find(hf_str_from_c(text), '-') == strlen(text) ||
        cli_moment_parse(hf_str_from_c(text), hf_clock_now(&clock), &seconds) != HF_OK)
        return cli_fail(CLI_USAGE, "--to: '%s' is no time; write 2027-01-31T12:00:00Z", text);
    *out = hf_usec_from_seconds(seconds);
    return CLI_OK;
}

static hf_err open_and_check(const struct arguments *arguments, const struct seal_config *seal,
                             const struct seal_people *people, hf_usec moment,
                             struct reading *reading, struct hf_diag *diag)
{
    hf_err err = backup_chain_open(&reading->chain, arguments->files, arguments->file_count, seal,
                                   people, diag);
    return err == HF_OK ? backup_chain_check(&reading->chain, moment, diag) : err;
}

static int print_outcome(const struct server_settings *settings,
                         const struct backup_outcome *outcome)
{
    char memory[OUTPUT_MAX_BYTES / 64];
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    hf_buf_putf(&out,
                "Restored into %s: %" PRIu64 " records and %" PRIu64
                " changes, up to change %" PRIu64 ".\nThe audit log goes on after record %" PRIu64
                ": lay its files into %s before the first start, or it begins anew there.\n",
                settings->data, outcome->records, outcome->entries, outcome->seq,
                outcome->audit_seq, settings->audit_folder);
    return cli_print(hf_buf_view(&out));
}

static int read_and_restore(const struct arguments *arguments, bool restores, hf_usec moment,
                            struct reading *reading)
{
    struct hf_diag diag = { 0 };
    hf_err err = server_settings_load(arguments->config, &diag, &reading->settings);
    if (err != HF_OK)
        return tell(err, &diag);
    struct seal_config seal = server_seal_config(&reading->settings);
    seal.kind = NULL; /* each backup's own: it may have been changed since */
    struct operator_people holders = { .passphrase_file = arguments->passphrase_file,
                                       .share_files = arguments->share_files,
                                       .share_file_count = arguments->share_file_count,
                                       .diag = &diag };
    const struct seal_people people = operator_people_seal(&holders);
    err = open_and_check(arguments, &seal, &people, moment, reading, &diag);
    if (err != HF_OK)
        return tell(err, &diag);
    if (!restores)
        return print_files(&reading->chain, arguments->json);
    const struct hf_clock clock = { 0 };
    struct backup_outcome outcome;
    err = backup_chain_restore(&reading->chain, moment, reading->settings.data,
                               hf_clock_now(&clock), &diag, &outcome);
    return err == HF_OK ? print_outcome(&reading->settings, &outcome) : tell(err, &diag);
}

static int run(const struct arguments *arguments, bool restores)
{
    hf_usec moment = INT64_MAX;
    const int code = read_moment(arguments->to, &moment);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(reading_freep) struct reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL)
        return cli_fail(CLI_FAILED, "%s", hf_err_text(HF_E_NOMEM));
    return read_and_restore(arguments, restores, moment, reading);
}

static int run_here(int argc, char **argv)
{
    struct arguments arguments = { .config = SERVER_DEFAULT_CONFIG };
    const int code = parse_arguments(argc, argv, &arguments);
    if (code != CLI_OK || arguments.help) {
        print_usage(argv[0], code == CLI_OK ? stdout : stderr);
        return code;
    }
    return run(&arguments, strcmp(argv[0], "restore") == 0);
}

int server_backup_command(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "verify") == 0 || strcmp(argv[1], "restore") == 0))
        return run_here(argc - 1, argv + 1);
    int used = 0;
    const struct cli_command *command = cli_command_find(argc, argv, &used);
    if (command == NULL)
        return cli_explain(argc, argv);
    struct cli_input input;
    const int code = cli_input_read(command, argc - used, argv + used, &input);
    if (code != CLI_OK)
        return code;
    return cli_has(&input, CLI_HELP) ? cli_command_help(command, stdout) : command->run(&input);
}
