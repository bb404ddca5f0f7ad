/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holders of shares: their public keys, and encrypting to one of them with the program that its key belongs to. Nothing of
 * age or OpenPGP is done here.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "seal/seal.h"

#define OPERATOR_RECIPIENT_MAX_BYTES 2048
#define OPERATOR_RECIPIENTS_FILE_MAX_BYTES ((size_t)512 * 1024)

/* Views into the text that was parsed. */
struct operator_recipients {
    size_t count;
    hf_str item[SEAL_SHARES_MAX];
};

/*
 * One holder's key on each line, in the order of the shares: an age recipient ("age1…") or the whole fingerprint of an OpenPGP
 * key (40 or 64 hexadecimal digits, no blanks; perhaps "0x" before them). Blank lines and lines that begin with '#' are skipped.
 * name is the file's, for diag. Fails: HF_E_INVALID (no such key, the same one twice, too many, none); diag says the line.
 */
HF_MUST hf_err operator_recipients_parse(hf_str text, const char *name, struct hf_diag *diag,
                                         struct operator_recipients *out);

/* How a file for the recipient ends: ".age" or ".asc". */
const char *operator_recipient_suffix(hf_str recipient);

/*
 * Appends text, encrypted to one recipient and armored, to out. Runs `age` or `gpg`, found on PATH, without a shell; the text
 * goes through a pipe, what they say goes to standard error. Fails: HF_E_UNAVAILABLE (no such program, or it refused),
 * HF_E_NOMEM, HF_E_IO; diag says which.
 */
HF_MUST hf_err operator_encrypt(hf_str recipient, const struct hf_buf *text, struct hf_diag *diag,
                                struct hf_buf *out);
