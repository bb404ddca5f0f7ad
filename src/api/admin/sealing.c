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

static hf_err answer_sealing(struct api_call *call)
{
    struct api_seal_status *status = call->state;
    status->sealed = true; /* as soon as requests under way are answered, this one first */
    hf_err err = answer_status(call);
    if (err != HF_OK)
        return err;
    const struct api_sealing *sealing = call->service->sealing;
    sealing->seal(sealing->context);
    return HF_OK;
}

static hf_err ask(struct api_call *call, api_handler_fn finish)
{
    call->state = hf_arena_new_of(call->arena, struct api_seal_status);
    if (call->state == NULL)
        return HF_E_NOMEM;
    call->compute = find_status;
    call->finish = finish;
    return HF_OK;
}

hf_err admin_operator_status(struct api_call *call)
{
    return ask(call, answer_status);
}

/* What could not be unsealed again is not sealed: the seal must be readable. */
hf_err admin_operator_seal(struct api_call *call)
{
    return ask(call, answer_sealing);
}
