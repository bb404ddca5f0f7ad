/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `holdfast dev`.
 */
#include "server/dev.h"

#include "base/file.h"
#include "base/log.h"
#include "seal/seal.h"
#include "server/dev_internal.h"
#include "server/phases.h"
#include "server/sandbox.h"
#include "server/signals.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_DATA "holdfast-dev"
#define DEFAULT_PORT "8443"
#define OUTPUT_MAX_BYTES ((size_t)64 * 1024)
#define CHANGES_MAX 32
#define EXIT_FAILED 1
#define EXIT_USAGE 2

struct dev_arguments {
    const char *data;
    const char *port;
    const char *env_file;
    const char *changes[CHANGES_MAX]; /* of settings: "name=value" */
    size_t change_count;
    struct server_options options;
};

static void print_usage(FILE *out)
{
    (void)fputs(
        "Usage: holdfast dev [--data DIR] [--port N] [--env-file FILE] [--movable-clock]\n"
        "                    [--set NAME=VALUE]...\n\n"
        "A complete server for development: own CA, tenant, vault 'dev' and two identities.\n\n"
        "  --data DIR        where everything is kept (default: " DEFAULT_DATA ")\n"
        "  --port N          port on 127.0.0.1; 0 takes any free one (default: " DEFAULT_PORT ")\n"
        "  --env-file FILE   written when the server is ready: lines KEY=VALUE for programs\n"
        "  --movable-clock   let 'holdfast clock advance' move the server's clock (for tests)\n"
        "  --set NAME=VALUE  change a setting, as in a configuration file; several times\n"
        "  --accept-audit-loss   start although the audit log's end is damaged or missing\n",
        out);
}

/* 0 to go on, else an exit code + 1. */
static int parse_arguments(int argc, char **argv, struct dev_arguments *out)
{
    static const struct option options[] = {
        { "data", required_argument, NULL, 'd' },
        { "port", required_argument, NULL, 'p' },
        { "env-file", required_argument, NULL, 'e' },
        { "movable-clock", no_argument, NULL, 'm' },
        { "set", required_argument, NULL, 's' },
        { "accept-audit-loss", no_argument, NULL, 'a' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    *out = (struct dev_arguments){ .data = DEFAULT_DATA, .port = DEFAULT_PORT };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            out->data = optarg;
        else if (option == 'p')
            out->port = optarg;
        else if (option == 'e')
            out->env_file = optarg;
        else if (option == 'm')
            out->options.movable_clock = true;
        else if (option == 's' && out->change_count < CHANGES_MAX)
            out->changes[out->change_count++] = optarg;
        else if (option == 'a')
            out->options.accept_audit_loss = true;
        else {
            print_usage(option == 'h' ? stdout : stderr);
            return (option == 'h' ? 0 : EXIT_USAGE) + 1;
        }
    }
    uint64_t port = 0;
    if (optind == argc && hf_str_parse_u64(hf_str_from_c(out->port), UINT16_MAX, &port))
        return 0;
    print_usage(stderr);
    return EXIT_USAGE + 1;
}

static hf_err make_settings(const struct dev_arguments *arguments, struct hf_diag *diag,
                            struct server_settings *out)
{
    hf_err err = server_settings_default(arguments->data, diag, out);
    if (err != HF_OK)
        return err;
    for (size_t i = 0; i < arguments->change_count; i++) {
        err = hf_config_change(server_setting_rows, server_setting_count, "--set",
                               hf_str_from_c(arguments->changes[i]), out, diag);
        if (err != HF_OK)
            return err;
    }
    (void)snprintf(out->listen.items[0], sizeof(out->listen.items[0]), "127.0.0.1:%s",
                   arguments->port);
    int n = snprintf(out->seal_key_file, sizeof(out->seal_key_file), "%s/seal.key",
                     arguments->data);
    return n > 0 && (size_t)n < sizeof(out->seal_key_file)
               ? HF_OK
               : hf_fail(diag, HF_E_TOO_LARGE, "data", "the path is too long");
}

/* The folder, the installation, the certificate: made if missing. */
static hf_err prepare(struct server_settings *settings, char *ca_file, size_t ca_file_size,
                      struct hf_diag *diag)
{
    struct hf_clock clock = { 0 };
    struct server_installation installation;
    hf_err err = hf_folder_make(settings->data, 0700);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: %s", settings->data, hf_err_text(err));
    err = server_install(settings, &clock, NULL, diag, &installation);
    if (err != HF_OK && err != HF_E_EXISTS)
        return err;
    return dev_tls_prepare(settings, &clock, ca_file, ca_file_size, diag);
}

static hf_err announce(const struct dev_arguments *arguments, const char *admin_socket,
                       struct server_instance *instance, const struct dev_credentials *credentials,
                       const char *ca_file)
{
    const struct dev_output output = { .service = server_instance_service(instance),
                                       .credentials = credentials,
                                       .data = arguments->data,
                                       .ca_file = ca_file,
                                       .admin_socket = admin_socket };
    struct hf_buf text;
    hf_buf_init_secret(&text, OUTPUT_MAX_BYTES);
    hf_err err = HF_OK;
    if (arguments->env_file != NULL) {
        err = dev_write_env(&output, &text);
        if (err == HF_OK)
            err = hf_file_write(arguments->env_file, hf_buf_view(&text), 0600);
        hf_buf_reset(&text);
    } else {
        err = dev_write_banner(&output, &text);
        if (err == HF_OK)
            err = hf_fd_write_all(STDOUT_FILENO, hf_buf_view(&text));
    }
    hf_buf_done(&text);
    return err;
}

/* What the phases of the server hand on. */
struct dev_server {
    const struct dev_arguments *arguments;
    const struct server_settings *settings;
    const char *ca_file;
    struct dev_credentials credentials;
};

static hf_err set_up(void *context, struct server_instance *instance)
{
    struct dev_server *dev = context;
    return dev_setup(instance, &dev->credentials);
}

static hf_err tell(void *context, struct server_instance *instance, bool is_first)
{
    struct dev_server *dev = context;
    hf_err err = HF_OK;
    if (is_first)
        err = announce(dev->arguments, dev->settings->admin_socket, instance, &dev->credentials,
                       dev->ca_file);
    dev_credentials_done(&dev->credentials);
    return err;
}

static hf_err serve(const struct dev_arguments *arguments, const struct server_settings *settings,
                    const char *ca_file, struct hf_diag *diag)
{
    struct dev_server dev = { .arguments = arguments, .settings = settings, .ca_file = ca_file };
    const struct server_run run = { .settings = settings,
                                    .options = &arguments->options,
                                    .context = &dev,
                                    .opened = set_up,
                                    .started = tell };
    hf_err err = server_run(&run, diag);
    dev_credentials_done(&dev.credentials);
    return err;
}

/* The sandbox; the env file is written later. */
static hf_err confine(const struct dev_arguments *arguments, const struct server_settings *settings,
                      struct hf_diag *diag)
{
    char folder[SERVER_PATH_MAX_BYTES] = ".";
    const char *file = arguments->env_file;
    const char *slash = file == NULL ? NULL : strrchr(file, '/');
    if (slash != NULL)
        (void)snprintf(folder, sizeof(folder), "%.*s", slash == file ? 1 : (int)(slash - file),
                       file);
    const struct sandbox_extra extra = { .write_folder = file == NULL ? NULL : folder };
    struct sandbox_state state;
    return server_sandbox(settings, &extra, diag, &state);
}

int server_dev_command(int argc, char **argv)
{
    struct dev_arguments arguments;
    int code = parse_arguments(argc, argv, &arguments);
    if (code != 0)
        return code - 1;
    server_block_signals();
    /* A file of an earlier run would tell programs a wrong port before this server is ready. */
    if (arguments.env_file != NULL && unlink(arguments.env_file) != 0 && errno != ENOENT) {
        perror(arguments.env_file);
        return EXIT_FAILED;
    }
    struct hf_diag diag = { 0 };
    struct server_settings *settings = calloc(1, sizeof(*settings));
    char ca_file[SERVER_PATH_MAX_BYTES] = "";
    hf_err err = settings == NULL ? HF_E_NOMEM : make_settings(&arguments, &diag, settings);
    if (err == HF_OK)
        err = prepare(settings, ca_file, sizeof(ca_file), &diag);
    if (err == HF_OK)
        err = confine(&arguments, settings, &diag);
    if (err == HF_OK)
        err = serve(&arguments, settings, ca_file, &diag);
    if (err != HF_OK)
        (void)fprintf(stderr, "holdfast dev: %s\n",
                      diag.text[0] != '\0' ? diag.text : hf_err_text(err));
    free(settings);
    return err == HF_OK ? 0 : EXIT_FAILED;
}
