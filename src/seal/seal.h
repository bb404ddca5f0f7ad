/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the root key is protected while the server is down. A seal keeps 32 bytes; each kind is one
 * file and one row in the table of kinds. The key-file kind keeps a wrapping key in a file outside
 * the data folder (mode 0600) and the wrapped root key in <data>/seal.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#define SEAL_ROOT_KEY_BYTES 32

struct seal_config {
    const char *kind;     /* "key-file" */
    const char *folder;   /* the data folder: holds the file "seal" */
    const char *key_file; /* key-file kind: path of the wrapping key */
};

/*
 * Makes a new root key and protects it. A key file that exists is used, one that is missing is made
 * (and its folder). Nothing that exists is ever overwritten; after an interruption, calling it
 * again completes it.
 *
 * Fails: HF_E_EXISTS       the folder is sealed already; nothing is changed
 *        HF_E_UNSUPPORTED  no such kind
 *        HF_E_INVALID      a path is missing or too long
 *        HF_E_FORBIDDEN, HF_E_CORRUPT, HF_E_FORMAT  the key file that exists cannot be used (see seal_open)
 *        HF_E_IO, HF_E_DISK_FULL, HF_E_NOMEM, HF_E_INTERNAL
 */
HF_MUST hf_err seal_init(const struct seal_config *config, struct hf_diag *diag,
                         struct hf_secret **out_root_key);
/*
 * Fails: HF_E_NOT_FOUND    the folder is not initialised
 *        HF_E_UNAVAILABLE  it is, but the key file is missing
 *        HF_E_FORBIDDEN    the key file is readable by others, or not owned by this user or root
 *        HF_E_CORRUPT      wrong key file, or damaged seal
 *        HF_E_FORMAT       seal or key file of an unknown format version
 *        HF_E_UNSUPPORTED  no such kind, or the folder was sealed with another one
 *        HF_E_INVALID, HF_E_IO, HF_E_NOMEM, HF_E_INTERNAL
 */
HF_MUST hf_err seal_open(const struct seal_config *config, struct hf_diag *diag,
                         struct hf_secret **out_root_key);
