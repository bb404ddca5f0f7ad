/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication of the data plane: the bearer token, or 401 with the challenge from which SDKs learn where to get one (Key Vault
 * REST, "Authentication, requests and responses").
 */
#include "api/azure/internal.h"

static hf_err bearer_token(const struct http_request *request, hf_str *out)
{
    hf_str value = http_request_header(request, HF_LIT("authorization"));
    if (value.p == NULL || !hf_str_starts_nocase(value, HF_LIT("bearer ")))
        return HF_E_UNAUTHENTICATED;
    *out = hf_str_trim(hf_str_sub(value, sizeof("bearer ") - 1, value.n));
    return out->n == 0 ? HF_E_UNAUTHENTICATED : HF_OK;
}

/* The texts that name what was expected and what was found. */
static hf_err explain(struct api_call *call, hf_err err)
{
    hf_str found = hf_str_from_c(call->diag.text);
    if (err == HF_E_UNAUTHENTICATED) /* the token is good, but its principal is gone or disabled */
        return api_fail(call, err, 401, HF_LIT("Unauthorized"), HF_LIT(""),
                        "Error validating token: the principal does not exist or is disabled.");
    if (err == HF_E_TOKEN_ISSUER)
        return api_fail(call, err, 401, HF_LIT("Unauthorized"), HF_LIT(""),
                        "AKV10032: Invalid issuer. Expected one of %.*s, found %.*s.",
                        HF_STR_ARG(access_issuer_v1(call->service->access)), HF_STR_ARG(found));
    if (err == HF_E_TOKEN_AUDIENCE)
        return api_fail(call, err, 401, HF_LIT("Unauthorized"), HF_LIT(""),
                        "AKV10022: Invalid audience. Expected %.*s, found: %.*s.",
                        HF_STR_ARG(call->service->vault_resource), HF_STR_ARG(found));
    return err;
}

hf_err azure_authenticate(struct api_call *call)
{
    call->audit.operation_name = HF_LIT("Authentication"); /* until it has succeeded */
    hf_str token;
    hf_err err = bearer_token(call->request, &token);
    if (err != HF_OK)
        return err;
    err = access_token_verify(call->worker->access, call->txn, token, call->now, call->arena,
                              &call->diag, &call->caller);
    if (err != HF_OK)
        return explain(call, err);
    call->audit.operation_name = HF_LIT("");
    return HF_OK;
}

bool azure_is_known(struct api_service *service, struct http_exchange *exchange)
{
    struct api_worker *worker = &service->workers[exchange->loop_index];
    hf_str token;
    struct store_txn *txn = NULL;
    if (bearer_token(&exchange->request, &token) != HF_OK ||
        store_read_begin(worker->reader, &txn) != HF_OK)
        return false;
    const struct access_caller *caller = NULL;
    struct hf_diag diag = { 0 };
    hf_err err = access_token_verify(worker->access, txn, token, hf_clock_now(service->clock),
                                     exchange->arena, &diag, &caller);
    if (err == HF_OK)
        access_caller_release(worker->access, caller);
    store_read_end(txn);
    return err == HF_OK;
}
