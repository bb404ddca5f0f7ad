/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local door's operations and its steps of the dispatcher.
 */
#include "api/admin/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define MESSAGE_MAX_BYTES ((size_t)1024)

/* A table is read by its columns. */
/* clang-format off */
static const struct api_op ops[] = {
    /* name, audit name, method, path, data action (unused), scope, how it runs, handler, state, body limit */
    { "Status",           "ServerStatusGet",      HTTP_GET,    "/status",                            0, API_SCOPE_NONE, API_RUN_READ,    admin_status,             API_DONE, 0 },
    { "VaultList",        "VaultList",            HTTP_GET,    "/vaults",                            0, API_SCOPE_NONE, API_RUN_READ,    admin_vault_list,         API_DONE, 0 },
    { "VaultGet",         "VaultGet",             HTTP_GET,    "/vaults/{name}",                     0, API_SCOPE_NONE, API_RUN_READ,    admin_vault_get,          API_DONE, 0 },
    { "VaultCreate",      "VaultPut",             HTTP_PUT,    "/vaults/{name}",                     0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_vault_create,       API_DONE, 0 },
    { "VaultProtect",     "VaultPatch",           HTTP_POST,   "/vaults/{name}/protect",             0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_vault_protect,      API_DONE, 0 },
    { "IdentityList",     "IdentityList",         HTTP_GET,    "/identities",                        0, API_SCOPE_NONE, API_RUN_READ,    admin_identity_list,      API_DONE, 0 },
    { "IdentityCreate",   "IdentityCreate",       HTTP_POST,   "/identities",                        0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_identity_create,    API_DONE, 0 },
    { "IdentityGet",      "IdentityGet",          HTTP_GET,    "/identities/{id}",                   0, API_SCOPE_NONE, API_RUN_READ,    admin_identity_get,       API_DONE, 0 },
    { "IdentityUpdate",   "IdentityUpdate",       HTTP_PATCH,  "/identities/{id}",                   0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_identity_update,    API_DONE, 0 },
    { "IdentityDelete",   "IdentityDelete",       HTTP_DELETE, "/identities/{id}",                   0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_identity_delete,    API_DONE, 0 },
    { "CredentialList",   "CredentialList",       HTTP_GET,    "/identities/{id}/credentials",       0, API_SCOPE_NONE, API_RUN_READ,    admin_credential_list,    API_DONE, 0 },
    { "CredentialAdd",    "CredentialAdd",        HTTP_POST,   "/identities/{id}/credentials",       0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_credential_add,     API_DONE, 0 },
    { "CredentialDelete", "CredentialDelete",     HTTP_DELETE, "/identities/{id}/credentials/{key}", 0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_credential_delete,  API_DONE, 0 },
    { "RoleList",         "RoleDefinitionList",   HTTP_GET,    "/roles",                             0, API_SCOPE_NONE, API_RUN_READ,    admin_role_list,          API_DONE, 0 },
    { "AssignmentList",   "RoleAssignmentList",   HTTP_GET,    "/assignments",                       0, API_SCOPE_NONE, API_RUN_READ,    admin_assignment_list,    API_DONE, 0 },
    { "AssignmentCreate", "RoleAssignmentPut",    HTTP_POST,   "/assignments",                       0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_assignment_create,  API_DONE, 0 },
    { "AssignmentDelete", "RoleAssignmentDelete", HTTP_DELETE, "/assignments/{id}",                  0, API_SCOPE_NONE, API_RUN_COMMIT,  admin_assignment_delete,  API_DONE, 0 },
    { "SigningKeyRotate", "SigningKeyRotate",     HTTP_POST,   "/signing-keys",                      0, API_SCOPE_NONE, API_RUN_COMPUTE, admin_signing_key_rotate, API_DONE, 0 },
    { "BackupList",       "BackupList",           HTTP_GET,    "/backups",                           0, API_SCOPE_NONE, API_RUN_COMPUTE, admin_backup_list,        API_DONE, 0 },
    { "BackupGet",        "BackupGet",            HTTP_GET,    "/backups/{name}",                    0, API_SCOPE_NONE, API_RUN_COMPUTE, admin_backup_get,         API_DONE, 0 },
    { "BackupCreate",     "BackupPut",            HTTP_POST,   "/backups",                           0, API_SCOPE_NONE, API_RUN_READ,    admin_backup_create,      API_DONE, 0 },
    { "OperatorStatus",   "SealStatusGet",        HTTP_GET,    "/operator/status",                   0, API_SCOPE_NONE, API_RUN_COMPUTE, admin_operator_status,    API_DONE, 0 },
    { "OperatorSeal",     "ServerSeal",           HTTP_POST,   "/operator/seal",                     0, API_SCOPE_NONE, API_RUN_READ,    admin_operator_seal,      API_DONE, 0 },
    { "OperatorAct",      "OperatorAct",          HTTP_POST,   "/operator/acts",                     0, API_SCOPE_NONE, API_RUN_COMPUTE, admin_operator_act,       API_DONE, 0 },
    { "AuditHead",        "AuditHeadGet",         HTTP_GET,    "/audit/head",                        0, API_SCOPE_NONE, API_RUN_READ,    admin_audit_head,         API_DONE, 0 },
    { "ClockAdvance",     "ClockAdvance",         HTTP_POST,   "/clock",                             0, API_SCOPE_NONE, API_RUN_READ,    admin_clock_advance,      API_DONE, 0 },
};
/* clang-format on */

/* ---- for the handlers ---- */

hf_err admin_invalid(struct api_call *call, const char *format, ...)
{
    char text[MESSAGE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return api_fail(call, HF_E_INVALID, 400, HF_LIT("Invalid"), HF_LIT(""), "%s",
                    n < 0 ? "" : text);
}

hf_err admin_not_found(struct api_call *call, const char *what, hf_str name)
{
    return api_fail(call, HF_E_NOT_FOUND, 404, HF_LIT("NotFound"), HF_LIT(""),
                    "There is no %s '%.*s'.", what, HF_STR_ARG(name));
}

void admin_audit(struct api_call *call, const char *format, ...)
{
    char text[MESSAGE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (n > 0)
        call->audit.id = hf_arena_dup_str(call->arena, hf_str_from_c(text));
}

hf_err admin_read(struct api_call *call, const struct api_field *fields, size_t count, void *target)
{
    hf_err err = api_fields_read(fields, count, call->body, call->arena, &call->diag, target);
    return err == HF_E_INVALID ? admin_invalid(call, "%s: %s", call->diag.field, call->diag.text)
                               : err;
}

void admin_member_uuid(struct hf_json_writer *w, const char *name, const struct hf_uuid *uuid)
{
    char text[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(uuid, text);
    hf_jw_member_c(w, name, text);
}

void admin_member_time(struct hf_json_writer *w, const char *name, hf_usec time)
{
    hf_jw_key(w, name);
    if (time == INT64_MAX || time == INT64_MIN)
        hf_jw_null(w);
    else
        hf_jw_int(w, hf_usec_to_seconds(time));
}

/* ---- the steps ---- */

static hf_err admit(struct api_call *call)
{
    const struct http_peer *peer = &call->request->peer;
    call->audit.category = HF_LIT("Administrative");
    call->audit.has_identity = true;
    call->audit.claims.upn = hf_arena_printf(call->arena, "local:uid=%lu",
                                             (unsigned long)peer->uid);
    if (peer->is_local && (peer->uid == 0 || peer->uid == geteuid()))
        return HF_OK;
    return api_fail(call, HF_E_FORBIDDEN, 403, HF_LIT("Forbidden"), HF_LIT(""),
                    "Only root and the server's own user may administer it.");
}

static hf_err authorize(struct api_call *call HF_UNUSED)
{
    return HF_OK; /* admission is all there is */
}

static hf_err read_body(struct api_call *call)
{
    if (call->request->body.n == 0)
        return HF_OK;
    hf_err err = hf_json_parse(call->request->body, &call->diag, &call->body);
    if (err == HF_E_NOMEM)
        return err;
    if (err != HF_OK || hf_json_type(call->body) != HF_JSON_OBJECT)
        return admin_invalid(call, "The body must be a JSON object. %s", call->diag.text);
    return HF_OK;
}

/* Statuses by class; people read the message, programs the code. */
static int status_of(hf_err err)
{
    switch (hf_err_class_of(err)) {
    case HF_CLASS_OK:
        return 200;
    case HF_CLASS_INVALID:
        return 400;
    case HF_CLASS_TOO_LARGE:
        return 413;
    case HF_CLASS_UNAUTHENTICATED:
        return 401;
    case HF_CLASS_FORBIDDEN:
        return 403;
    case HF_CLASS_NOT_FOUND:
        return 404;
    case HF_CLASS_CONFLICT:
        return 409;
    case HF_CLASS_THROTTLED:
        return 429;
    case HF_CLASS_UNSUPPORTED:
        return 405;
    case HF_CLASS_UNAVAILABLE:
        return 503;
    case HF_CLASS_CORRUPT:
    case HF_CLASS_INTERNAL:
        return 500;
    }
    return 500;
}

static void write_error(struct api_call *call, hf_err err)
{
    if (call->error.status == 0)
        hf_ignore(api_fail(call, err, status_of(err), hf_str_from_c(hf_err_name(err)), HF_LIT(""),
                           "%s%s%s", hf_err_text(err), call->diag.text[0] != '\0' ? ": " : "",
                           call->diag.text));
    call->status = call->error.status;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "error");
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "code", call->error.code);
    hf_jw_member_str(&w, "message", call->error.message);
    hf_jw_end_object(&w);
    hf_jw_end_object(&w);
}

static void complete(struct api_call *call)
{
    api_add_header(call, HF_LIT("content-type"), HF_LIT("application/json; charset=utf-8"));
    api_add_header(call, HF_LIT("cache-control"), HF_LIT("no-store"));
}

const struct api_door admin_door = {
    .name = "admin",
    .ops = ops,
    .op_count = HF_ARRAY_LEN(ops),
    .admit = admit,
    .authorize = authorize,
    .read_body = read_body,
    .write_error = write_error,
    .complete = complete,
};
