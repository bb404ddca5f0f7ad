/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tpm2 kind: a random KEK as a sealed data object under the TPM's storage key, if wanted bound to the values of PCRs, which
 * say what was started. The KEK crosses the bus encrypted only. Parameters:
 *
 *   PCR bank (u16, TPM_ALG_ID; 0: no policy) || PCRs (3 bytes, bit n of byte n / 8) || name of the storage key (field16)
 *   || TPM2B_PUBLIC (field16) || TPM2B_PRIVATE (field16)
 *
 * The name is compared before anything is asked of the storage key, so that nobody between us and the TPM can put in a key of his
 * own when a seal is opened.
 */
#include "seal/kind.h"

#include "base/reader.h"
#include "crypto/crypto.h"
#include "seal/tpm2_device.h"

#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define PCR_BYTES 3
#define PCR_MAX 23
#define BLOB_MAX_BYTES 1024
#define OVERWRITE_BYTES 48 /* more than an answer with the KEK has */

struct pcr_choice {
    uint16_t bank; /* 0: none */
    uint8_t bits[PCR_BYTES];
};

struct sealed_object {
    struct pcr_choice pcrs;
    hf_bytes primary_name;
    TPM2B_PUBLIC public;
    TPM2B_PRIVATE private;
};

static const struct {
    const char *name;
    uint16_t bank;
} pcr_banks[] = {
    { "sha256", TPM2_ALG_SHA256 },
    { "sha384", TPM2_ALG_SHA384 },
    { "sha512", TPM2_ALG_SHA512 },
};

/* ---- the choice of PCRs ---- */

static bool is_bank(uint16_t bank)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(pcr_banks); i++) {
        if (pcr_banks[i].bank == bank)
            return true;
    }
    return false;
}

static bool parse_pcr_numbers(hf_str numbers, struct pcr_choice *out)
{
    hf_str item = { 0 };
    while (hf_str_next(&numbers, ',', &item)) {
        uint64_t n = 0;
        if (!hf_str_parse_u64(item, PCR_MAX, &n))
            return false;
        const uint8_t bit = (uint8_t)(1U << (n % 8));
        if ((out->bits[n / 8] & bit) != 0)
            return false;
        out->bits[n / 8] |= bit;
    }
    return true;
}

/* "sha256:0,2,7" */
static bool parse_pcrs(hf_str text, struct pcr_choice *out)
{
    if (text.n == 0)
        return true;
    const size_t colon = hf_str_find(text, ':');
    if (colon + 1 >= text.n)
        return false;
    for (size_t i = 0; i < HF_ARRAY_LEN(pcr_banks); i++) {
        if (hf_str_equal(hf_str_sub(text, 0, colon), hf_str_from_c(pcr_banks[i].name)))
            out->bank = pcr_banks[i].bank;
    }
    return out->bank != 0 && parse_pcr_numbers(hf_str_sub(text, colon + 1, text.n), out);
}

static TPML_PCR_SELECTION selection_of(const struct pcr_choice *pcrs)
{
    TPML_PCR_SELECTION selection = { .count = 1 };
    selection.pcrSelections[0].hash = pcrs->bank;
    selection.pcrSelections[0].sizeofSelect = PCR_BYTES;
    memcpy(selection.pcrSelections[0].pcrSelect, pcrs->bits, PCR_BYTES);
    return selection;
}

/* ---- parameters ---- */

static bool read_pcrs(struct hf_reader *reader, struct pcr_choice *out)
{
    out->bank = hf_read_u16(reader);
    hf_read_into(reader, out->bits, PCR_BYTES);
    const bool is_empty = (out->bits[0] | out->bits[1] | out->bits[2]) == 0;
    return out->bank == 0 ? is_empty : !is_empty && is_bank(out->bank);
}

static bool unmarshal(hf_bytes public, hf_bytes private, struct sealed_object *out)
{
    size_t public_n = 0;
    size_t private_n = 0;
    return public.n > 0 && private.n > 0 &&
           Tss2_MU_TPM2B_PUBLIC_Unmarshal(public.p, public.n, &public_n, &out->public) ==
               TSS2_RC_SUCCESS &&
           public_n == public.n &&
           Tss2_MU_TPM2B_PRIVATE_Unmarshal(private.p, private.n, &private_n, &out->private) ==
               TSS2_RC_SUCCESS &&
           private_n == private.n;
}

static hf_err parse(hf_bytes parameters, struct hf_diag *diag, struct sealed_object *out)
{
    struct hf_reader reader = hf_reader_of(parameters);
    const bool has_pcrs = read_pcrs(&reader, &out->pcrs);
    out->primary_name = hf_read_field16(&reader, BLOB_MAX_BYTES);
    const hf_bytes public = hf_read_field16(&reader, BLOB_MAX_BYTES);
    const hf_bytes private = hf_read_field16(&reader, BLOB_MAX_BYTES);
    if (hf_reader_finish(&reader) != HF_OK || !has_pcrs || !unmarshal(public, private, out))
        return hf_fail(diag, HF_E_CORRUPT, "", "the seal's TPM object is not usable");
    return HF_OK;
}

static hf_err put_parameters(const struct pcr_choice *pcrs, hf_bytes primary_name,
                             const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
                             struct hf_buf *out)
{
    uint8_t public_bytes[BLOB_MAX_BYTES];
    uint8_t private_bytes[BLOB_MAX_BYTES];
    size_t public_n = 0;
    size_t private_n = 0;
    if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, public_bytes, sizeof(public_bytes), &public_n) !=
            TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Marshal(private, private_bytes, sizeof(private_bytes), &private_n) !=
            TSS2_RC_SUCCESS)
        return HF_E_INTERNAL;
    hf_buf_put_u16(out, pcrs->bank);
    hf_buf_put(out, pcrs->bits, PCR_BYTES);
    hf_buf_put_field16(out, primary_name);
    hf_buf_put_field16(out, (hf_bytes){ public_bytes, public_n });
    hf_buf_put_field16(out, (hf_bytes){ private_bytes, private_n });
    return hf_buf_err(out);
}

/* ---- making ---- */

/* The digest of a policy on the PCRs as they are now. */
static hf_err compute_policy(struct seal_tpm *tpm, const struct pcr_choice *pcrs,
                             struct hf_diag *diag, TPM2B_DIGEST *out)
{
    const TPMT_SYM_DEF cipher = { .algorithm = TPM2_ALG_NULL };
    const TPML_PCR_SELECTION selection = selection_of(pcrs);
    ESYS_TR trial = ESYS_TR_NONE;
    TSS2_RC code = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_TRIAL, &cipher,
                                         TPM2_ALG_SHA256, &trial);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "starting a policy");
    HF_CLEANUP(seal_esys_freep) TPM2B_DIGEST *digest = NULL;
    code = Esys_PolicyPCR(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
                          &selection);
    if (code == TSS2_RC_SUCCESS)
        code = Esys_PolicyGetDigest(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                    &digest);
    (void)Esys_FlushContext(tpm->esys, trial);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "computing the policy");
    *out = *digest;
    return HF_OK;
}

static hf_err make_template(struct seal_tpm *tpm, const struct pcr_choice *pcrs,
                            struct hf_diag *diag, TPM2B_PUBLIC *out)
{
    *out = (TPM2B_PUBLIC){
        .publicArea = { .type = TPM2_ALG_KEYEDHASH,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                            TPMA_OBJECT_NODA,
                        .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL },
    };
    if (pcrs->bank != 0)
        return compute_policy(tpm, pcrs, diag, &out->publicArea.authPolicy);
    out->publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
    return HF_OK;
}

static hf_err create_object(struct seal_tpm *tpm, const TPM2B_PUBLIC *template,
                            struct hf_secret *kek, struct hf_diag *diag, TPM2B_PUBLIC **out_public,
                            TPM2B_PRIVATE **out_private)
{
    const TPM2B_DATA info = { 0 };
    const TPML_PCR_SELECTION no_pcrs = { 0 };
    TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    sensitive.sensitive.data.size = SEAL_KEK_BYTES;
    memcpy(sensitive.sensitive.data.buffer, hf_secret_edit(kek), SEAL_KEK_BYTES);
    TSS2_RC code = Esys_Create(tpm->esys, tpm->primary, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE,
                               &sensitive, template, &info, &no_pcrs, out_private, out_public, NULL,
                               NULL, NULL);
    hf_wipe(&sensitive, sizeof(sensitive));
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "sealing");
    return HF_OK;
}

static hf_err read_primary_name(struct seal_tpm *tpm, struct hf_diag *diag, TPM2B_NAME **out)
{
    TSS2_RC code = Esys_TR_GetName(tpm->esys, tpm->primary, out);
    return code == TSS2_RC_SUCCESS ? HF_OK : seal_tpm_fail(diag, code, "naming the storage key");
}

static hf_err seal_in(struct seal_tpm *tpm, const struct pcr_choice *pcrs, struct hf_secret *kek,
                      struct hf_diag *diag, struct hf_buf *parameters)
{
    TPM2B_PUBLIC template = { 0 };
    HF_CLEANUP(seal_esys_freep) TPM2B_PUBLIC *public = NULL;
    HF_CLEANUP(seal_esys_freep) TPM2B_PRIVATE *private = NULL;
    HF_CLEANUP(seal_esys_freep) TPM2B_NAME *name = NULL;
    hf_err err = make_template(tpm, pcrs, diag, &template);
    if (err == HF_OK)
        err = seal_tpm_start_session(tpm, TPM2_SE_HMAC, diag);
    if (err == HF_OK)
        err = create_object(tpm, &template, kek, diag, &public, &private);
    if (err == HF_OK)
        err = read_primary_name(tpm, diag, &name);
    if (err != HF_OK)
        return err;
    return put_parameters(pcrs, (hf_bytes){ name->name, name->size }, public, private, parameters);
}

static hf_err make_tpm2(const struct seal_config *config,
                        const struct seal_people *people HF_UNUSED, struct hf_diag *diag,
                        struct hf_buf *parameters, struct hf_secret **kek)
{
    struct pcr_choice pcrs = { 0 };
    if (!parse_pcrs(hf_str_from_c(config->tpm_pcrs), &pcrs))
        return hf_fail(diag, HF_E_INVALID, "seal.tpm_pcrs",
                       "must be like sha256:7 or sha256:0,2,7 (banks sha256, sha384, sha512; PCRs "
                       "0 to %d)",
                       PCR_MAX);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *made = NULL;
    hf_err err = crypto_random_secret(SEAL_KEK_BYTES, &made);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(seal_tpm_close) struct seal_tpm tpm = { 0 };
    err = seal_tpm_open(config->tpm_tcti, diag, &tpm);
    if (err == HF_OK)
        err = seal_in(&tpm, &pcrs, made, diag, parameters);
    if (err == HF_OK)
        *kek = hf_take(&made);
    return err;
}

/* ---- opening ---- */

static hf_err check_primary(struct seal_tpm *tpm, const struct sealed_object *object,
                            struct hf_diag *diag)
{
    HF_CLEANUP(seal_esys_freep) TPM2B_NAME *name = NULL;
    hf_err err = read_primary_name(tpm, diag, &name);
    if (err != HF_OK)
        return err;
    if (!hf_bytes_equal(object->primary_name, (hf_bytes){ name->name, name->size }))
        return hf_fail(diag, HF_E_FORBIDDEN, "",
                       "the seal was made with another TPM, or this one was cleared since");
    return HF_OK;
}

static hf_err satisfy_policy(struct seal_tpm *tpm, const struct pcr_choice *pcrs,
                             struct hf_diag *diag)
{
    hf_err err = seal_tpm_start_session(tpm, pcrs->bank != 0 ? TPM2_SE_POLICY : TPM2_SE_HMAC, diag);
    if (err != HF_OK || pcrs->bank == 0)
        return err;
    const TPML_PCR_SELECTION selection = selection_of(pcrs);
    TSS2_RC code = Esys_PolicyPCR(tpm->esys, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                  NULL, &selection);
    return code == TSS2_RC_SUCCESS ? HF_OK : seal_tpm_fail(diag, code, "applying the policy");
}

/* The library's buffer still has the answer; a longer one takes its place. */
static void overwrite_answer(struct seal_tpm *tpm)
{
    HF_CLEANUP(seal_esys_freep) TPM2B_DIGEST *random = NULL;
    (void)Esys_GetRandom(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, OVERWRITE_BYTES,
                         &random);
}

static hf_err unseal(struct seal_tpm *tpm, struct hf_diag *diag, struct hf_secret **out)
{
    TPM2B_SENSITIVE_DATA *data = NULL;
    TSS2_RC code = Esys_Unseal(tpm->esys, tpm->object, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE,
                               &data);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "unsealing (have the PCRs changed?)");
    overwrite_answer(tpm);
    hf_err err = data->size == SEAL_KEK_BYTES
                     ? hf_secret_from_bytes((hf_bytes){ data->buffer, data->size }, out)
                     : hf_fail(diag, HF_E_CORRUPT, "", "the TPM gives a key of a wrong size");
    hf_wipe(data, sizeof(*data));
    Esys_Free(data);
    return err;
}

static hf_err open_tpm2(const struct seal_config *config,
                        const struct seal_people *people HF_UNUSED, hf_bytes parameters,
                        struct hf_diag *diag, struct hf_secret **kek)
{
    struct sealed_object object = { 0 };
    hf_err err = parse(parameters, diag, &object);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(seal_tpm_close) struct seal_tpm tpm = { 0 };
    err = seal_tpm_open(config->tpm_tcti, diag, &tpm);
    if (err == HF_OK)
        err = check_primary(&tpm, &object, diag);
    if (err != HF_OK)
        return err;
    TSS2_RC code = Esys_Load(tpm.esys, tpm.primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                             &object.private, &object.public, &tpm.object);
    if (code != TSS2_RC_SUCCESS)
        return seal_tpm_fail(diag, code, "loading the sealed object");
    err = satisfy_policy(&tpm, &object.pcrs, diag);
    return err == HF_OK ? unseal(&tpm, diag, kek) : err;
}

static hf_err describe_tpm2(hf_bytes parameters, struct hf_diag *diag,
                            struct seal_info *info HF_UNUSED)
{
    struct sealed_object ignored = { 0 };
    return parse(parameters, diag, &ignored);
}

const struct seal_kind seal_tpm2 = {
    .name = "tpm2",
    .make = make_tpm2,
    .open = open_tpm2,
    .describe = describe_tpm2,
    .wrong = "the TPM is not the one that it was sealed with",
};
