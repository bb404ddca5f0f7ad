/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `holdfast doctor`: the table of checks, in the order in which they are told.
 */
#include "server/doctor.h"

#include "cli/message.h"
#include "cli/output.h"
#include "server/doctor_internal.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/holdfast/holdfast.conf"
#define OUTPUT_MAX_BYTES ((size_t)1024 * 1024)

static const struct {
    const char *name;
    void (*run)(struct doctor *d);
} checks[] = {
    { "data-folder", doctor_check_data_folder },
    { "file-system", doctor_check_file_system },
    { "seal", doctor_check_seal },
    { "seal-key", doctor_check_seal_key },
    { "pin-file", doctor_check_pin_file },
    { "audit-log", doctor_check_audit_log },
    { "backups", doctor_check_backups },
    { "journal", doctor_check_journal },
    { "disk-space", doctor_check_disk_space },
    { "tls-files", doctor_check_tls_files },
    { "tls-time", doctor_check_tls_time },
    { "tls-names", doctor_check_tls_names },
    { "tls-key", doctor_check_tls_key },
    { "tls-versions", doctor_check_tls_versions },
    { "listen", doctor_check_listen },
    { "admin-socket", doctor_check_admin_socket },
    { "clock-source", doctor_check_clock_source },
    { "clock-time", doctor_check_clock_time },
    { "entropy", doctor_check_entropy },
    { "open-files", doctor_check_open_files },
    { "locked-memory", doctor_check_locked_memory },
    { "swap", doctor_check_swap },
    { "core-dumps", doctor_check_core_dumps },
    { "ptrace", doctor_check_ptrace },
    { "overcommit", doctor_check_overcommit },
    { "landlock", doctor_check_landlock },
    { "seccomp", doctor_check_seccomp },
    { "user", doctor_check_user },
    { "server", doctor_check_server },
    { "process", doctor_check_process },
};

struct arguments {
    const char *config;
    bool json;
    bool help;
};

static void print_usage(FILE *out)
{
    (void)fputs("Usage: holdfast doctor [--config FILE] [--json]\n\n"
                "Looks at what the server needs: its files and their rights, certificate, "
                "addresses, clock,\n"
                "memory, disk, kernel, backups, and at the server itself if it runs; says what is "
                "wrong and\n"
                "how to mend it. Changes nothing. Run it as root, or as the server's user.\n\n"
                "  --config FILE         configuration file (default: " DEFAULT_CONFIG ")\n"
                "  --json                print JSON\n",
                out);
}

static int parse_arguments(int argc, char **argv, struct arguments *out)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return CLI_USAGE;
        if (option == 'c')
            out->config = optarg;
        out->json = out->json || option == 'j';
        out->help = out->help || option == 'h';
    }
    return optind == argc ? CLI_OK : CLI_USAGE;
}

/* Whoever can change the file rules the server. */
static void look_at_config_rights(struct doctor *d)
{
    struct stat info;
    if (stat(d->config, &info) == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        doctor_tell(d, DOCTOR_FAILED, "%s may be changed by others than its owner (mode %04o)",
                    d->config, (unsigned int)(info.st_mode & 07777));
        doctor_mend(d, "chmod go-w %s", d->config);
        return;
    }
    doctor_tell(d, DOCTOR_OK, "%s has no mistake", d->config);
}

static void run_checks(struct doctor *d)
{
    look_at_config_rights(d);
    doctor_ask_server(d);
    doctor_find_user(d);
    for (size_t i = 0; i < HF_ARRAY_LEN(checks); i++) {
        d->check = checks[i].name;
        checks[i].run(d);
    }
}

static void examine(struct doctor *d, struct server_settings *settings)
{
    const struct hf_clock clock = { 0 };
    struct hf_diag diag = { 0 };
    d->root = "";
    d->now = hf_clock_now(&clock);
    d->check = "configuration";
    const hf_err err = server_settings_load(d->config, &diag, settings);
    if (err == HF_OK) {
        d->settings = settings;
        run_checks(d);
        return;
    }
    doctor_tell(d, DOCTOR_FAILED, "%s", diag.text[0] != '\0' ? diag.text : hf_err_text(err));
    doctor_mend(d, "holdfast serve --check --config %s", d->config);
    for (size_t i = 0; i < HF_ARRAY_LEN(checks); i++) {
        d->check = checks[i].name;
        doctor_tell(d, DOCTOR_NOT_CHECKED, "needs the configuration");
    }
}

struct consultation {
    struct server_settings settings;
    struct doctor doctor;
};

static void consultation_free(struct consultation *consultation)
{
    free(consultation);
}
HF_DEFINE_FREEP(struct consultation, consultation_free)

static int run(const struct arguments *arguments)
{
    HF_CLEANUP(consultation_freep)
    struct consultation *consultation = calloc(1, sizeof(*consultation));
    if (consultation == NULL)
        return cli_fail(CLI_FAILED, "%s", hf_err_text(HF_E_NOMEM));
    struct doctor *d = &consultation->doctor;
    d->config = arguments->config;
    examine(d, &consultation->settings);
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, OUTPUT_MAX_BYTES);
    doctor_write(d, arguments->json, &out);
    const hf_err err = hf_buf_err(&out);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "%s", hf_err_text(err));
    const int code = cli_print(hf_buf_view(&out));
    return code == CLI_OK && doctor_count(d, DOCTOR_FAILED) > 0 ? CLI_FAILED : code;
}

int server_doctor_command(int argc, char **argv)
{
    struct arguments arguments = { .config = DEFAULT_CONFIG };
    const int code = parse_arguments(argc, argv, &arguments);
    if (code == CLI_OK && !arguments.help)
        return run(&arguments);
    print_usage(code == CLI_OK ? stdout : stderr);
    return code;
}
