/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program: hardening that must come first, then the command.
 */
#include "base/log.h"
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "server/audit_command.h"
#include "server/backup.h"
#include "server/dev.h"
#include "server/doctor.h"
#include "server/operator_command.h"
#include "server/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define EXIT_FAILED 1
#define EXIT_USAGE 2

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "serve", server_serve_command },   { "init", server_operator_command },
    { "dev", server_dev_command },       { "audit", server_audit_command },
    { "backup", server_backup_command }, { "doctor", server_doctor_command },
};

/* No core dumps, no reading of our memory by others of the same user, files for the owner only. */
static bool harden(void)
{
    umask(S_IRWXG | S_IRWXO);
    const struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        perror("holdfast: cannot switch core dumps off");
        return false;
    }
    /* secret memory is locked: as much as we may; a refusal shows in the log of the server */
    struct rlimit locked = none;
    if (getrlimit(RLIMIT_MEMLOCK, &locked) == 0) {
        locked.rlim_cur = locked.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &locked);
    }
    /* a closed pipe and a file-size limit are errors of write(), not an end */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    /* the TPM's library writes to standard error what it sends and receives, if its environment says so */
    return setenv("TSS2_LOG", "all+NONE", 1) == 0;
}

int main(int argc, char **argv)
{
    if (!harden())
        return EXIT_FAILED;
    if (argc < 2) {
        cli_help(stderr);
        return EXIT_USAGE;
    }
    struct hf_diag diag = { 0 };
    hf_err err = crypto_init(&diag);
    if (err != HF_OK) {
        (void)fprintf(stderr, "holdfast: %s\n",
                      diag.text[0] != '\0' ? diag.text : hf_err_text(err));
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < HF_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (argc > 2 && strcmp(argv[1], "operator") == 0 && server_operator_knows(argv[2]))
        return server_operator_command(argc - 1, argv + 1);
    return cli_run(argc, argv);
}
