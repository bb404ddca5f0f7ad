/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The people of a seal, as an operator's command meets them: they are asked at the terminal or answer in files and on standard
 * input, and shares go to them as files, encrypted or not, or on the screen.
 *
 * Threads: one. Passphrases and shares are in secret memory only.
 */
#pragma once

#include "seal/seal.h"
#include "server/operator_recipient.h"

/* The caller fills in the first part; all texts outlive it. Zeroed is a valid one: everything at the terminal. */
struct operator_people {
    const char *passphrase_file;     /* of the seal there is; NULL: asked for */
    const char *new_passphrase_file; /* of the one to be made; NULL: asked for */
    const char *const *share_files; /* the first shares to be handed in; the others are asked for */
    size_t share_file_count;
    /* of the seal there is, so that a wrong share is refused when it is typed; "" and 0: not known */
    char share_set[SEAL_SHARE_SET_BYTES + 1];
    uint32_t threshold;
    const char *share_folder;                     /* where new shares go; NULL: on the screen */
    const struct operator_recipients *recipients; /* NULL: not encrypted */
    struct hf_diag *diag; /* for what seal.h's errors do not say; the one that the seal gets too */

    /* what happened */
    size_t given;                           /* new shares handed out */
    char new_set[SEAL_SHARE_SET_BYTES + 1]; /* theirs */
    bool has[SEAL_SHARES_MAX + 1];          /* by number: handed in already */
};

/*
 * For seal_init() and its like; the struct stays the caller's. Asking: from the file; else, if standard input is a terminal,
 * there without echo, a new passphrase twice, until it is right or the input ends; else a line of standard input. Handing out
 * fails with anything but HF_E_EXISTS (which seal_init() has a meaning for).
 */
struct seal_people operator_people_seal(struct operator_people *people);

/* The file of share `index` (from 0) in share_folder. Fails: HF_E_TOO_LARGE. */
HF_MUST hf_err operator_share_path(const struct operator_people *people, size_t index, char *out,
                                   size_t size);
