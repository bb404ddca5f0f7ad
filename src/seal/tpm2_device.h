/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a TPM 2.0 with the storage key that everything of ours hangs on, and encrypted sessions. What is kept in
 * the TPM's care is tpm2.c.
 */
#pragma once

#include "seal/seal.h"

#include <tss2/tss2_esys.h>

struct seal_tpm {
    TSS2_TCTI_CONTEXT *transport;
    ESYS_CONTEXT *esys;
    ESYS_TR primary; /* ESYS_TR_NONE before it is made, as the others */
    ESYS_TR session;
    ESYS_TR object;
};

/*
 * Connects and makes the primary storage key in the owner hierarchy: the same key each time, until the TPM is cleared.
 * out: to be closed by the caller also after a failure.
 */
HF_MUST hf_err seal_tpm_open(const char *tcti, struct hf_diag *diag, struct seal_tpm *out);
void seal_tpm_close(struct seal_tpm *tpm);

/*
 * Starts tpm->session: salted by the primary key, so that only this TPM can follow, and with both directions encrypted.
 * type: TPM2_SE_HMAC or TPM2_SE_POLICY.
 */
HF_MUST hf_err seal_tpm_start_session(struct seal_tpm *tpm, TPM2_SE type, struct hf_diag *diag);

/* Fills diag with what was tried and the code; gives the error that fits. */
hf_err seal_tpm_fail(struct hf_diag *diag, TSS2_RC code, const char *operation);

/* Memory that the library gave out. */
static inline void seal_esys_freep(void *pointer)
{
    void **p = pointer;
    Esys_Free(*p);
}
