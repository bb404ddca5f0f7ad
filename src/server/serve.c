/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands `holdfast serve` and `holdfast init`.
 */
#include "server/serve.h"

#include "base/file.h"
#include "base/log.h"
#include "server/instance.h"
#include "server/sandbox.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/holdfast/holdfast.conf"
#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define EXIT_FAILED 1
#define EXIT_USAGE 2

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_EXAMPLE,
    ACTION_MARKDOWN,
    ACTION_HELP,
    ACTION_USAGE,
};

struct serve_arguments {
    const char *config;
    enum action action;
    struct server_options options;
};

static void print_usage(const char *command, FILE *out)
{
    (void)fprintf(out, "Usage: holdfast %s [--config FILE]\n\n", command);
    (void)fputs("  --config FILE         configuration file (default: " DEFAULT_CONFIG ")\n"
                "  --check               only check the configuration file\n"
                "  --example-config      print an example configuration with every setting\n",
                out);
    if (strcmp(command, "serve") == 0)
        (void)fputs("  --accept-audit-loss   start although records at the end of the audit log "
                    "are missing\n",
                    out);
}

static struct serve_arguments parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "check", no_argument, NULL, 'k' },
        { "example-config", no_argument, NULL, 'x' },
        { "markdown-config", no_argument, NULL, 'd' },
        { "accept-audit-loss", no_argument, NULL, 'a' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    static const struct {
        int option;
        enum action action;
    } actions[] = {
        { 'k', ACTION_CHECK }, { 'x', ACTION_EXAMPLE }, { 'd', ACTION_MARKDOWN },
        { 'h', ACTION_HELP },  { '?', ACTION_USAGE },
    };
    struct serve_arguments out = { .config = DEFAULT_CONFIG, .action = ACTION_RUN };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            out.config = optarg;
        if (option == 'a')
            out.options.accept_audit_loss = true;
        for (size_t i = 0; i < HF_ARRAY_LEN(actions); i++) {
            if (actions[i].option == option)
                out.action = actions[i].action;
        }
    }
    if (optind != argc)
        out.action = ACTION_USAGE;
    return out;
}

static int print_settings(enum action action)
{
    struct hf_buf text;
    hf_buf_init(&text, TEXT_MAX_BYTES);
    if (action == ACTION_EXAMPLE)
        hf_config_write_example(server_setting_rows, server_setting_count, &text);
    else
        hf_config_write_markdown(server_setting_rows, server_setting_count, &text);
    hf_err err = hf_buf_err(&text);
    if (err == HF_OK)
        err = hf_fd_write_all(STDOUT_FILENO, hf_buf_view(&text));
    hf_buf_done(&text);
    return err == HF_OK ? 0 : EXIT_FAILED;
}

static int fail(const char *command, hf_err err, const struct hf_diag *diag)
{
    (void)fprintf(stderr, "holdfast %s: %s\n", command,
                  diag->text[0] != '\0' ? diag->text : hf_err_text(err));
    return EXIT_FAILED;
}

static hf_err serve(const struct server_settings *settings, const struct server_options *options,
                    struct hf_diag *diag)
{
    hf_log_configure((hf_log_level)settings->log_level, settings->log_format == 1);
    server_block_signals();
    const struct sandbox_extra extra = { 0 };
    struct sandbox_state sandbox;
    hf_err err = server_sandbox(settings, &extra, diag, &sandbox);
    if (err != HF_OK)
        return err;
    struct server_instance *instance = NULL;
    err = server_instance_new(settings, options, diag, &instance);
    if (err != HF_OK)
        return err;
    if (!hf_secret_stats().locked)
        hf_log(HF_LOG_WARN, "secret-memory-not-locked",
               HF_KV_C("continuing",
                       "secrets may reach swap; raise RLIMIT_MEMLOCK or switch swap off"));
    err = server_instance_start(instance);
    if (err == HF_OK) {
        hf_log(HF_LOG_NOTICE, "serving", HF_KV_C("listen", settings->listen.items[0]),
               HF_KV_INT("port", server_instance_port(instance)),
               HF_KV_C("domain", settings->domain));
        server_instance_wait(instance);
    }
    server_instance_free(instance);
    return err;
}

/* Everything but the printing of settings needs the configuration. */
static int with_settings(const char *command, const struct serve_arguments *arguments,
                         hf_err (*run)(const struct server_settings *,
                                       const struct server_options *, struct hf_diag *))
{
    struct server_settings *settings = calloc(1, sizeof(*settings));
    struct hf_diag diag = { 0 };
    hf_err err = settings == NULL ? HF_E_NOMEM
                                  : server_settings_load(arguments->config, &diag, settings);
    if (err == HF_OK && arguments->action == ACTION_RUN)
        err = run(settings, &arguments->options, &diag);
    free(settings);
    return err == HF_OK ? 0 : fail(command, err, &diag);
}

static int run_command(int argc, char **argv,
                       hf_err (*run)(const struct server_settings *, const struct server_options *,
                                     struct hf_diag *))
{
    struct serve_arguments arguments = parse_arguments(argc, argv);
    switch (arguments.action) {
    case ACTION_RUN:
    case ACTION_CHECK:
        return with_settings(argv[0], &arguments, run);
    case ACTION_EXAMPLE:
    case ACTION_MARKDOWN:
        return print_settings(arguments.action);
    case ACTION_HELP:
        print_usage(argv[0], stdout);
        return 0;
    case ACTION_USAGE:
        print_usage(argv[0], stderr);
        return EXIT_USAGE;
    }
    return EXIT_USAGE;
}

int server_serve_command(int argc, char **argv)
{
    return run_command(argc, argv, serve);
}

/* ---- init ---- */

static hf_err init(const struct server_settings *settings,
                   const struct server_options *options HF_UNUSED, struct hf_diag *diag)
{
    struct hf_clock clock = { 0 };
    struct server_installation installation;
    hf_err err = server_install(settings, &clock, diag, &installation);
    if (err == HF_E_EXISTS)
        return hf_fail(diag, err, "data", "%s is initialised already; nothing was changed",
                       settings->data);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: %s", settings->data, hf_err_text(err));
    char tenant[HF_UUID_TEXT_BYTES + 1];
    char subscription[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&installation.tenant, tenant);
    hf_uuid_format(&installation.subscription, subscription);
    const struct seal_config seal = server_seal_config(settings);
    const bool is_file = strcmp(seal.kind, "key-file") == 0;
    (void)printf("tenant        %s\nsubscription  %s\ndata          %s\nseal key      %s\n", tenant,
                 subscription, settings->data, is_file ? settings->seal_key_file : seal.kind);
    (void)printf("\nKeep a copy of the seal key apart from the data: without it nothing can be "
                 "read again.\n");
    return HF_OK;
}

int server_init_command(int argc, char **argv)
{
    return run_command(argc, argv, init);
}
