/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a TPM 2.0.
 */
#include "seal/tpm2_device.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define FORMAT_ONE_BITS 0xbfU /* of a code that also says which handle, session or parameter */
#define SESSION_HASH TPM2_ALG_SHA256
#define SESSION_KEY_BITS 128

/* The storage key of the TCG's provisioning guidance: ECC P-256, AES-128-CFB inside. */
static const TPM2B_PUBLIC primary_template = {
    .publicArea = {
        .type = TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                            TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                            TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
        .parameters.eccDetail = {
            .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
            .scheme = { .scheme = TPM2_ALG_NULL },
            .curveID = TPM2_ECC_NIST_P256,
            .kdf = { .scheme = TPM2_ALG_NULL },
        },
    },
};

/* ---- errors ---- */

static hf_err err_of_tpm(TSS2_RC code)
{
    switch (code) {
    case TPM2_RC_PCR_CHANGED:
    case TPM2_RC_AUTH_UNAVAILABLE:
        return HF_E_FORBIDDEN;
    case TPM2_RC_RETRY:
    case TPM2_RC_LOCKOUT:
    case TPM2_RC_TESTING:
    case TPM2_RC_INITIALIZE:
        return HF_E_UNAVAILABLE;
    default:
        break;
    }
    switch ((code & TPM2_RC_FMT1) != 0 ? code & FORMAT_ONE_BITS : 0) {
    case TPM2_RC_POLICY_FAIL:
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
    case TPM2_RC_INTEGRITY:
        return HF_E_FORBIDDEN;
    default:
        return HF_E_UNAVAILABLE;
    }
}

hf_err seal_tpm_fail(struct hf_diag *diag, TSS2_RC code, const char *operation)
{
    const TSS2_RC layer = code & TSS2_RC_LAYER_MASK;
    hf_err err = HF_E_UNAVAILABLE;
    if (layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER)
        err = err_of_tpm(code & ~TSS2_RC_LAYER_MASK);
    else if ((code & ~TSS2_RC_LAYER_MASK) == TSS2_BASE_RC_MEMORY)
        err = HF_E_NOMEM;
    return hf_fail(diag, err, "", "TPM: %s: %s", operation, Tss2_RC_Decode(code));
}

/* ---- connection ---- */

static hf_err make_primary(struct seal_tpm *tpm, struct hf_diag *diag)
{
    const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    const TPM2B_DATA info = { 0 };
    const TPML_PCR_SELECTION no_pcrs = { 0 };
    TSS2_RC code = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                      ESYS_TR_NONE, &sensitive, &primary_template, &info, &no_pcrs,
                                      &tpm->primary, NULL, NULL, NULL, NULL);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "making the storage key");
    return HF_OK;
}

hf_err seal_tpm_open(const char *tcti, struct hf_diag *diag, struct seal_tpm *out)
{
    *out = (struct seal_tpm){ .primary = ESYS_TR_NONE,
                              .session = ESYS_TR_NONE,
                              .object = ESYS_TR_NONE };
    if (tcti == NULL || tcti[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "seal.tpm_tcti", "no way to the TPM given");
    TSS2_RC code = Tss2_TctiLdr_Initialize(tcti, &out->transport);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "connecting");
    code = Esys_Initialize(&out->esys, out->transport, NULL);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "connecting");
    return make_primary(out, diag);
}

static void flush(struct seal_tpm *tpm, ESYS_TR *handle)
{
    if (*handle != ESYS_TR_NONE)
        (void)Esys_FlushContext(tpm->esys, *handle);
    *handle = ESYS_TR_NONE;
}

void seal_tpm_close(struct seal_tpm *tpm)
{
    if (tpm->esys != NULL) {
        flush(tpm, &tpm->object);
        flush(tpm, &tpm->session);
        flush(tpm, &tpm->primary);
        Esys_Finalize(&tpm->esys);
    }
    if (tpm->transport != NULL)
        Tss2_TctiLdr_Finalize(&tpm->transport);
    *tpm = (struct seal_tpm){ 0 };
}

hf_err seal_tpm_start_session(struct seal_tpm *tpm, TPM2_SE type, struct hf_diag *diag)
{
    const TPMT_SYM_DEF cipher = { .algorithm = TPM2_ALG_AES,
                                  .keyBits.aes = SESSION_KEY_BITS,
                                  .mode.aes = TPM2_ALG_CFB };
    const TPMA_SESSION attributes = TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT |
                                    TPMA_SESSION_CONTINUESESSION;
    TSS2_RC code = Esys_StartAuthSession(tpm->esys, tpm->primary, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &cipher,
                                         SESSION_HASH, &tpm->session);
    if (code == TSS2_RC_SUCCESS)
        code = Esys_TRSess_SetAttributes(tpm->esys, tpm->session, attributes, 0xff);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "starting a session");
    return HF_OK;
}
