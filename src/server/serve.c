/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `holdfast serve`.
 */
#include "server/serve.h"

#include "base/file.h"
#include "base/log.h"
#include "http/http.h"
#include "server/command.h"
#include "server/phases.h"
#include "server/privileges.h"
#include "server/sandbox.h"
#include "server/signals.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

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

static void print_usage(FILE *out)
{
    (void)fputs(
        "Usage: holdfast serve [--config FILE]\n\n"
        "  --config FILE         configuration file (default: " SERVER_DEFAULT_CONFIG ")\n"
        "  --check               only check the configuration, the addresses and the certificate\n"
        "  --example-config      print an example configuration with every setting\n"
        "  --accept-audit-loss   start although records at the end of the audit log are missing\n",
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
    struct serve_arguments out = { .config = SERVER_DEFAULT_CONFIG, .action = ACTION_RUN };
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

/* What starting would refuse of the addresses and of the certificate; nothing is bound and no data opened. */
static hf_err check(const struct server_settings *settings, struct hf_diag *diag)
{
    const char *listen[HF_CONFIG_LIST_MAX];
    for (size_t i = 0; i < settings->listen.count; i++)
        listen[i] = settings->listen.items[i];
    const struct http_config config = {
        .listen = listen,
        .listen_count = settings->listen.count,
        .certificate_file = settings->tls_certificate,
        .key_file = settings->tls_key,
    };
    return http_server_check(&config, diag);
}

struct serving {
    const struct server_settings *settings;
};

static hf_err tell_serving(void *context, struct server_instance *instance, bool is_first)
{
    const struct serving *serving = context;
    const struct server_settings *settings = serving->settings;
    if (is_first && !hf_secret_stats().locked)
        hf_log(HF_LOG_WARN, "secret-memory-not-locked",
               HF_KV_C("continuing",
                       "secrets may reach swap; raise RLIMIT_MEMLOCK or switch swap off"));
    hf_log(HF_LOG_NOTICE, "serving", HF_KV_C("listen", settings->listen.items[0]),
           HF_KV_INT("port", server_instance_port(instance)), HF_KV_C("domain", settings->domain));
    return HF_OK;
}

static hf_err serve(const struct server_settings *settings, const struct server_options *options,
                    struct hf_diag *diag)
{
    hf_log_configure((hf_log_level)settings->log_level, settings->log_format == 1);
    server_block_signals();
    const struct sandbox_extra extra = { 0 };
    struct sandbox_state sandbox;
    hf_err err = server_privileges_drop(settings, diag);
    if (err == HF_OK)
        err = server_sandbox(settings, &extra, diag, &sandbox);
    if (err != HF_OK)
        return err;
    struct serving serving = { .settings = settings };
    const struct server_run run = {
        .settings = settings, .options = options, .context = &serving, .started = tell_serving
    };
    return server_run(&run, diag);
}

static int check_or_serve(const struct serve_arguments *arguments)
{
    HF_CLEANUP(server_settings_freep) struct server_settings *settings = NULL;
    struct hf_diag diag = { 0 };
    hf_err err = server_command_settings(arguments->config, &diag, &settings);
    if (err == HF_OK)
        err = arguments->action == ACTION_CHECK ? check(settings, &diag)
                                                : serve(settings, &arguments->options, &diag);
    if (err == HF_OK)
        return 0;
    (void)fprintf(stderr, "holdfast serve: %s\n",
                  diag.text[0] != '\0' ? diag.text : hf_err_text(err));
    return EXIT_FAILED;
}

int server_serve_command(int argc, char **argv)
{
    const struct serve_arguments arguments = parse_arguments(argc, argv);
    switch (arguments.action) {
    case ACTION_RUN:
    case ACTION_CHECK:
        return check_or_serve(&arguments);
    case ACTION_EXAMPLE:
    case ACTION_MARKDOWN:
        return print_settings(arguments.action);
    case ACTION_HELP:
        print_usage(stdout);
        return 0;
    case ACTION_USAGE:
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return EXIT_USAGE;
}
