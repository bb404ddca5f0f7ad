/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a server's process: sealed and open in turn, until a signal ends it. Used by `holdfast serve` and `holdfast dev`.
 */
#pragma once

#include "server/instance.h"

struct server_run {
    const struct server_settings *settings;
    const struct server_options *options;
    void *context;
    /* When an instance is open but does not answer yet; NULL for none. A failure ends the process. */
    hf_err (*opened)(void *context, struct server_instance *instance);
    /* When it answers; is_first: for the first time. A failure ends the process. */
    hf_err (*started)(void *context, struct server_instance *instance, bool is_first);
};

/*
 * Opens the seal, or waits sealed for those who can, and serves. A seal that opens by itself and does not is a failure,
 * except that a token or TPM that cannot be reached is waited for. The signals must be blocked
 * (server_block_signals()). Returns HF_OK after SIGTERM or SIGINT; fails with diag.
 */
HF_MUST hf_err server_run(const struct server_run *run, struct hf_diag *diag);
