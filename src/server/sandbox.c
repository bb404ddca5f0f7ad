/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the sandbox: no new privileges first, because both filters need it.
 */
#define _GNU_SOURCE
#include "server/sandbox.h"

#include "base/log.h"
#include "server/sandbox_internal.h"

#include <sys/prctl.h>

static void log_missing(const struct sandbox_state *state)
{
    static const struct {
        const char *event;
        const char *continuing;
        size_t member;
    } rows[] = {
        { "sandbox-without-files", "the process can open any file its user may open",
          offsetof(struct sandbox_state, files) },
        { "sandbox-without-ports", "TCP ports are not limited to the configured ones",
          offsetof(struct sandbox_state, ports) },
        { "sandbox-without-calls", "system calls are not filtered",
          offsetof(struct sandbox_state, calls) },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        if (!*(const bool *)((const char *)state + rows[i].member))
            hf_log(HF_LOG_NOTICE, rows[i].event, HF_KV_INT("landlock", state->landlock_abi),
                   HF_KV_C("continuing", rows[i].continuing));
    }
}

hf_err server_sandbox(const struct server_settings *settings, const struct sandbox_extra *extra,
                      struct hf_diag *diag, struct sandbox_state *out)
{
    *out = (struct sandbox_state){ 0 };
    if (settings->sandbox == 0)
        return HF_OK;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return hf_fail(diag, HF_E_IO, "process.sandbox", "the kernel refuses no_new_privs");
    hf_err err = sandbox_limit_files(settings, extra, diag, out);
    if (err == HF_OK)
        err = sandbox_limit_calls(settings, diag, out);
    if (err == HF_OK)
        log_missing(out);
    return err;
}
