/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two halves of the sandbox.
 */
#pragma once

#include "server/sandbox.h"

/* Landlock: files and ports. Sets landlock_abi, files and ports of *state. Needs no_new_privs. */
HF_MUST hf_err sandbox_limit_files(const struct server_settings *settings,
                                   const struct sandbox_extra *extra, struct hf_diag *diag,
                                   struct sandbox_state *state);
/* seccomp: system calls. Sets calls of *state; a sanitizer's build goes without. Needs no_new_privs. */
HF_MUST hf_err sandbox_limit_calls(const struct server_settings *settings, struct hf_diag *diag,
                                   struct sandbox_state *state);
