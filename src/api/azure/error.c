/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors on the wire: status, code and message in Azure's form (Key Vault REST, error responses).
 */
#include "api/azure/internal.h"

struct error_row {
    int status;
    const char *code;
    const char *message; /* NULL: the error's own text */
};

/* One row for each hf_err: a test asserts that none is missing and that classes and statuses agree. What a handler
 * knows better it says with api_fail(). */
static const struct error_row error_rows[] = {
    [HF_OK] = { 500, "InternalServerError", NULL },
    [HF_E_INVALID] = { 400, "BadParameter", NULL },
    [HF_E_RANGE] = { 400, "BadParameter", NULL },
    [HF_E_TRUNCATED] = { 400, "BadParameter", NULL },
    [HF_E_TRAILING] = { 400, "BadParameter", NULL },
    [HF_E_BAD_BLOB] = { 400, "BadParameter", "Backup blob contains invalid or corrupt version." },
    [HF_E_DECRYPT] = { 400, "BadParameter", "The value could not be decrypted with this key." },
    [HF_E_TOO_LARGE] = { 413, "RequestEntityTooLarge", "The request body is too large." },
    [HF_E_UNAUTHENTICATED] = { 401, "Unauthorized",
                               "AKV10000: Request is missing a Bearer or PoP token." },
    [HF_E_TOKEN_MALFORMED] = { 401, "Unauthorized",
                               "Error validating token: IDX12741: the token is malformed." },
    [HF_E_TOKEN_SIGNATURE] = { 401, "Unauthorized",
                               "Error validating token: IDX10501: signature validation failed." },
    [HF_E_TOKEN_ISSUER] = { 401, "Unauthorized", "AKV10032: Invalid issuer." },
    [HF_E_TOKEN_AUDIENCE] = { 401, "Unauthorized", "AKV10022: Invalid audience." },
    [HF_E_TOKEN_EXPIRED] = { 401, "Unauthorized",
                             "[TokenExpired] Error validating token: 'S2S12086'." },
    [HF_E_TOKEN_NOT_YET_VALID] = { 401, "Unauthorized",
                                   "Error validating token: IDX10222: the token is not yet "
                                   "valid." },
    [HF_E_FORBIDDEN] = { 403, "Forbidden", NULL },
    [HF_E_DISABLED] = { 403, "Forbidden", NULL },
    [HF_E_PURGE_PROTECTED] = { 403, "Forbidden", NULL },
    [HF_E_NOT_FOUND] = { 404, "NotFound", "The requested resource was not found." },
    [HF_E_EXISTS] = { 409, "Conflict", NULL },
    [HF_E_DELETED] = { 409, "Conflict", NULL },
    [HF_E_CONFLICT] = { 409, "Conflict", NULL },
    [HF_E_THROTTLED] = { 429, "Throttled",
                         "Request was not processed because too many requests were received. "
                         "Reason: "
                         "VaultRequestTypeLimitReached" },
    [HF_E_UNSUPPORTED] = { 405, "MethodNotAllowed",
                           "The method is not allowed for this resource." },
    [HF_E_UNAVAILABLE] = { 503, "ServiceUnavailable",
                           "The service is not available now; try again later." },
    [HF_E_BUSY] = { 503, "ServiceUnavailable",
                    "The service is not available now; try again later." },
    [HF_E_DISK_FULL] = { 503, "ServiceUnavailable",
                         "The service cannot store changes: its disk is full." },
    [HF_E_IO] = { 503, "ServiceUnavailable",
                  "The service's disk failed; whether a change was made is not known." },
    [HF_E_NOMEM] = { 503, "ServiceUnavailable", "The service is out of memory; try again later." },
    [HF_E_CORRUPT] = { 500, "InternalServerError", "The stored object does not authenticate." },
    [HF_E_FORMAT] = { 500, "InternalServerError",
                      "The stored object has an unknown format version." },
    [HF_E_INTERNAL] = { 500, "InternalServerError", "An internal error occurred." },
};
_Static_assert(HF_ARRAY_LEN(error_rows) == HF_ERR_COUNT_, "one row for each hf_err");

/* Fills what the handler left open. */
static void complete_error(struct api_call *call, hf_err err)
{
    struct api_error *error = &call->error;
    const struct error_row *row = &error_rows[err < HF_ERR_COUNT_ ? err : HF_E_INTERNAL];
    if (error->status == 0)
        error->status = row->status;
    if (error->code.n == 0)
        error->code = hf_str_from_c(row->code);
    if (error->message.n == 0)
        error->message = hf_str_from_c(row->message != NULL ? row->message : hf_err_text(err));
}

void azure_write_error(struct api_call *call, hf_err err)
{
    complete_error(call, err);
    call->status = call->error.status;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "error");
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "code", call->error.code);
    hf_jw_member_str(&w, "message", call->error.message);
    if (call->error.inner.n > 0) {
        hf_jw_key(&w, "innererror");
        hf_jw_begin_object(&w);
        hf_jw_member_str(&w, "code", call->error.inner);
        hf_jw_end_object(&w);
    }
    hf_jw_end_object(&w);
    hf_jw_end_object(&w);
    if (call->status == 401)
        api_add_header(call, HF_LIT("www-authenticate"), call->service->challenge);
    if (call->status == 503 || call->status == 429)
        api_add_header(call, HF_LIT("retry-after"), HF_LIT("1"));
}
