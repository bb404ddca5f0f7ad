/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the serving process gives up before its first thread: new privileges, files it does not need, programs, other
 * processes, new kinds of sockets. All threads inherit it; nothing can be taken back.
 */
#pragma once

#include "base/err.h"
#include "server/settings.h"

struct sandbox_extra {
    const char *write_folder; /* may be written besides data and audit; NULL: none */
};

/* What is in force afterwards. */
struct sandbox_state {
    int landlock_abi; /* 0: the kernel has no Landlock */
    bool files;       /* files are limited to those of the settings */
    bool ports;       /* TCP: bind to the configured ports only, no connections out */
    bool calls;       /* system calls are filtered */
};

/*
 * Does nothing with process.sandbox = off. Must be called while the process has one thread; the data folder must exist.
 * What the kernel lacks is not an error: it is logged and missing in *out. Fails: HF_E_IO, with diag, where the kernel
 * refuses what it says it has.
 */
HF_MUST hf_err server_sandbox(const struct server_settings *settings,
                              const struct sandbox_extra *extra, struct hf_diag *diag,
                              struct sandbox_state *out);
