/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal of an open server: what it is, the order to seal, and what operators' commands do to it.
 */
#include "api/sealing.h"
#include "api/admin/internal.h"

#include <string.h>

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

/* ---- what commands on the data folder do meanwhile ---- */

#define STATUS_LEAST 200
#define STATUS_MOST 599
#define DETAIL_MAX_BYTES 192

struct act_body {
    hf_str operation;
    hf_str detail;
    int64_t status;
};

static const struct api_field act_fields[] = {
    API_FIELD(struct act_body, operation, API_FIELD_IS_STR, "operation", true),
    API_FIELD(struct act_body, detail, API_FIELD_IS_STR, "detail", true),
    API_FIELD(struct act_body, status, API_FIELD_IS_INT, "status", true),
};
const struct api_body admin_act_body = API_BODY(struct act_body, act_fields);

/* Commands that a running server does not see otherwise. */
static bool is_act(hf_str operation)
{
    static const hf_str operations[] = { API_TEXT("SealRekey"), API_TEXT("SealMigrate") };
    for (size_t i = 0; i < HF_ARRAY_LEN(operations); i++) {
        if (hf_str_equal(operation, operations[i]))
            return true;
    }
    return false;
}

/* Words of commands: letters, digits and a few marks. */
static bool is_detail(hf_str detail)
{
    static const char marks[] = { '=', ',', '.', '+', '-' };
    for (size_t i = 0; i < detail.n; i++) {
        if (!hf_is_alnum(detail.p[i]) && memchr(marks, detail.p[i], sizeof(marks)) == NULL)
            return false;
    }
    return detail.n <= DETAIL_MAX_BYTES;
}

/* Pool thread: the disk is waited for. */
static void record_act(struct api_call *call)
{
    const struct api_sealing *sealing = call->service->sealing;
    call->result = sealing->record(sealing->context, call->state);
}

static hf_err answer_act(struct api_call *call)
{
    if (call->result != HF_OK)
        return call->result;
    call->skip_audit = true; /* the record is there */
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

hf_err admin_operator_act(struct api_call *call)
{
    struct act_body body = { 0 };
    hf_err err = admin_read(call, act_fields, HF_ARRAY_LEN(act_fields), &body);
    if (err != HF_OK)
        return err;
    if (!is_act(body.operation))
        return admin_invalid(call, "operation: no command that is recorded");
    if (!is_detail(body.detail))
        return admin_invalid(call, "detail: must be words of at most %d characters",
                             DETAIL_MAX_BYTES);
    if (body.status < STATUS_LEAST || body.status > STATUS_MOST)
        return admin_invalid(call, "status: must be from %d to %d", STATUS_LEAST, STATUS_MOST);
    struct api_operator_act *act = hf_arena_new_of(call->arena, struct api_operator_act);
    if (act == NULL)
        return HF_E_NOMEM;
    *act = (struct api_operator_act){ .operation = body.operation,
                                      .detail = body.detail,
                                      .status = (int)body.status,
                                      .uid = (int64_t)call->request->peer.uid,
                                      .time = call->now };
    call->state = act;
    call->compute = record_act;
    call->finish = answer_act;
    return HF_OK;
}
