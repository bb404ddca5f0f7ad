/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tpm2 kind in a build without tpm2-tss.
 */
#include "seal/kind.h"

static hf_err refuse(struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_UNSUPPORTED, "seal.kind",
                   "seals of kind \"tpm2\" are not in this build");
}

static hf_err make_none(const struct seal_config *config HF_UNUSED,
                        const struct seal_people *people HF_UNUSED, struct hf_diag *diag,
                        struct hf_buf *parameters HF_UNUSED, struct hf_secret **kek HF_UNUSED)
{
    return refuse(diag);
}

static hf_err open_none(const struct seal_config *config HF_UNUSED,
                        const struct seal_people *people HF_UNUSED, hf_bytes parameters HF_UNUSED,
                        struct hf_diag *diag, struct hf_secret **kek HF_UNUSED)
{
    return refuse(diag);
}

static hf_err describe_none(hf_bytes parameters HF_UNUSED, struct hf_diag *diag HF_UNUSED,
                            struct seal_info *info HF_UNUSED)
{
    return HF_OK;
}

const struct seal_kind seal_tpm2 = {
    .name = "tpm2",
    .make = make_none,
    .open = open_none,
    .describe = describe_none,
    .wrong = "the TPM is not the one that it was sealed with",
};
