/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a share, as people keep and type it:
 *
 *   hfs1-<set: 8 hexadecimal digits>-<number: 1 to 255>-<base64url of 32 bytes>-<checksum: 8 hexadecimal digits>
 *
 * The checksum is the start of SHA-256 over everything before its hyphen. The set tells shares of several seals apart.
 */
#pragma once

#include "seal/seal.h"

#define SEAL_SHARE_BYTES 32
#define SEAL_SET_BYTES 4

struct seal_share {
    uint8_t set[SEAL_SET_BYTES];
    uint8_t number;         /* from 1 */
    struct hf_secret *data; /* SEAL_SHARE_BYTES */
};
void seal_share_done(struct seal_share *share);

/* Blanks around it are fine. Fails: HF_E_INVALID, HF_E_FORMAT (of a later version), HF_E_NOMEM, HF_E_INTERNAL. */
HF_MUST hf_err seal_share_parse(const struct hf_secret *text, struct hf_diag *diag,
                                struct seal_share *out);
HF_MUST hf_err seal_share_write(const struct seal_share *share, struct hf_secret **out_text);
