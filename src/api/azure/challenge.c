/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication of the data plane: the bearer token, or 401 with the challenge from which SDKs learn where to get one (Key Vault
 * REST, "Authentication, requests and responses").
 */
#include "api/azure/internal.h"

static hf_err bearer_token(struct api_call *call, hf_str *out)
{
    hf_str value = http_request_header(call->request, HF_LIT("authorization"));
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
    hf_err err = bearer_token(call, &token);
    if (err != HF_OK)
        return err;
    err = access_token_verify(call->worker->access, call->txn, token, call->now, call->arena,
                              &call->diag, &call->caller);
    if (err != HF_OK)
        return explain(call, err);
    call->audit.operation_name = HF_LIT("");
    return HF_OK;
}
