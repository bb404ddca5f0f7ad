/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal of an open server: what it is, and the order to seal.
 */
#include "api/sealing.h"
#include "api/admin/internal.h"

/* Pool thread: a file is read. */
static void find_status(struct api_call *call)
{
    const struct api_sealing *sealing = call->service->sealing;
    call->result = sealing->status(sealing->context, &call->diag, call->state);
}

static hf_err answer_status(struct api_call *call)
{
    if (call->result != HF_OK)
        return call->result;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    api_seal_status_write(call->state, &w);
    return HF_OK;
}

hf_err admin_operator_status(struct api_call *call)
{
    call->state = hf_arena_new_of(call->arena, struct api_seal_status);
    if (call->state == NULL)
        return HF_E_NOMEM;
    call->compute = find_status;
    call->finish = answer_status;
    return HF_OK;
}

/*
 * What could not be unsealed again is not sealed: the seal must be readable. The small file is read here, because whoever
 * seals in an emergency does not wait behind what overloads the pool.
 */
hf_err admin_operator_seal(struct api_call *call)
{
    const struct api_sealing *sealing = call->service->sealing;
    struct api_seal_status status = { 0 };
    hf_err err = sealing->status(sealing->context, &call->diag, &status);
    if (err != HF_OK)
        return err;
    status.sealed = true; /* as soon as requests under way are answered, this one first */
    struct hf_json_writer w = hf_json_writer_on(call->out);
    api_seal_status_write(&status, &w);
    sealing->seal(sealing->context);
    return HF_OK;
}
