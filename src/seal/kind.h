/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one kind of seal provides. A new kind is one file and one row in the table in seal.c.
 */
#pragma once

#include "base/buf.h"
#include "seal/seal.h"

#define SEAL_BODY_MAX_BYTES 4096

struct seal_kind {
    const char *name; /* in the configuration and in the seal */
    /* Protects the root key; appends to body what opening needs, which is not secret. */
    hf_err (*wrap)(const struct seal_config *config, const struct hf_secret *root_key,
                   struct hf_buf *body, struct hf_diag *diag);
    /* Gives the root key back from the body. */
    hf_err (*unwrap)(const struct seal_config *config, hf_bytes body, struct hf_diag *diag,
                     struct hf_secret **out_root_key);
};

extern const struct seal_kind seal_key_file;

/*
 * Makes a file (mode 0600) at once with its whole content, durable, and never in place of another. Fails: HF_E_EXISTS,
 * HF_E_DISK_FULL, HF_E_IO, …
 */
HF_MUST hf_err seal_create_file(const char *path, hf_bytes content);
