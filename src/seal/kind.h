/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one kind of seal provides: a way to keep a KEK. A new kind is one file and one row in the table in seal.c.
 */
#pragma once

#include "base/buf.h"
#include "seal/file.h"
#include "seal/private.h"
#include "seal/seal.h"

#define SEAL_KEK_BYTES 32

struct seal_kind {
    const char *name; /* in the configuration and in the seal */
    bool asks_people;
    /*
     * Makes a KEK, or takes one that exists, and appends to parameters what opening needs, which is not secret. A kind that asks
     * people has to be sure that what they know opens again; the others are opened once, as a proof, before the seal is written.
     */
    hf_err (*make)(const struct seal_config *config, const struct seal_people *people,
                   struct hf_diag *diag, struct hf_buf *parameters, struct hf_secret **kek);
    /* Gives the KEK back; a wrong passphrase or key may give a wrong one, which the caller finds out. */
    hf_err (*open)(const struct seal_config *config, const struct seal_people *people,
                   hf_bytes parameters, struct hf_diag *diag, struct hf_secret **kek);
    /* Checks the parameters and adds what people should know; optional. */
    hf_err (*describe)(hf_bytes parameters, struct hf_diag *diag, struct seal_info *info);
    const char *wrong; /* what people read if the KEK is not the one */
};

extern const struct seal_kind seal_key_file;
extern const struct seal_kind seal_credential;
extern const struct seal_kind seal_passphrase;
extern const struct seal_kind seal_shamir;
extern const struct seal_kind seal_pkcs11;
extern const struct seal_kind seal_tpm2;

/* For kinds without parameters. Fails: HF_E_CORRUPT. */
HF_MUST hf_err seal_expect_no_parameters(hf_bytes parameters, struct hf_diag *diag);

/*
 * A passphrase or a share from somebody. Fails: HF_E_UNAVAILABLE (nobody to ask, or none given), or as the asker says; diag is
 * filled.
 */
HF_MUST hf_err seal_ask(const struct seal_people *people, enum seal_ask what, size_t index,
                        struct hf_diag *diag, struct hf_secret **out);

/* ---- key_text.c: the text of a key file ---- */

#define SEAL_KEY_TEXT_MAX_BYTES 256

/* HF_E_NOT_FOUND if there is none; diag is left to the caller then. Fails also: HF_E_CORRUPT, HF_E_FORMAT. */
HF_MUST hf_err seal_read_key_text(const char *path, unsigned int modes, struct hf_diag *diag,
                                  struct hf_secret **out);
/* Appends the text of a new random key to out (secret memory). */
HF_MUST hf_err seal_make_key_text(struct hf_buf *out);
