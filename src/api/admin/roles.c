/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles and assignments over the local door. A scope is given as an ARM id ("/subscriptions/…"), as a vault's name, or as
 * "name/secrets/object".
 */
#include "api/admin/internal.h"

struct assignment_body {
    hf_str principal;
    hf_str role;
    hf_str scope;
};

static const struct api_field assignment_fields[] = {
    API_FIELD(struct assignment_body, principal, API_FIELD_IS_STR, "principal", true),
    API_FIELD(struct assignment_body, role, API_FIELD_IS_STR, "role", true),
    API_FIELD(struct assignment_body, scope, API_FIELD_IS_STR, "scope", true),
};
const struct api_body admin_assignment_body = API_BODY(struct assignment_body, assignment_fields);

hf_err admin_role_list(struct api_call *call)
{
    size_t count = 0;
    const struct access_role *roles = access_roles(&count);
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "value");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        hf_jw_begin_object(&w);
        hf_jw_member_str(&w, "name", roles[i].name);
        admin_member_uuid(&w, "id", &roles[i].id);
        hf_jw_member_str(&w, "description", roles[i].description);
        hf_jw_key(&w, "dataActions");
        hf_jw_begin_array(&w);
        for (const char *const *action = roles[i].data_actions; action != NULL && *action != NULL;
             action++)
            hf_jw_str(&w, hf_arena_printf(call->arena, "Microsoft.KeyVault/vaults/%s", *action));
        hf_jw_end_array(&w);
        hf_jw_end_object(&w);
    }
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

static void write_principal_name(struct api_call *call, const struct hf_uuid *id,
                                 struct hf_json_writer *w)
{
    struct access_principal principal;
    if (access_principal_get(call->worker->access, call->txn, id, call->arena, &principal) == HF_OK)
        hf_jw_member_str(w, "principalName", principal.name);
}

hf_err admin_assignment_list(struct api_call *call)
{
    struct access_assignment *all = NULL;
    size_t count = 0;
    hf_err err = access_assignment_list(call->worker->access, call->txn, call->arena, &all, &count);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "value");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        hf_jw_begin_object(&w);
        admin_member_uuid(&w, "id", &all[i].id);
        admin_member_uuid(&w, "principalId", &all[i].principal);
        write_principal_name(call, &all[i].principal, &w);
        hf_jw_member_str(&w, "role", all[i].role->name);
        hf_jw_member_str(&w, "scope", all[i].scope);
        admin_member_time(&w, "created", all[i].created);
        hf_jw_end_object(&w);
    }
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

/* "dev" and "dev/secrets/x" become ARM ids; what starts with '/' stays. */
static hf_err resolve_scope(struct api_call *call, hf_str text, hf_str *out)
{
    if (text.n == 0)
        return admin_invalid(call, "scope: is empty");
    if (text.p[0] == '/') {
        *out = text;
        return HF_OK;
    }
    size_t slash = hf_str_find(text, '/');
    hf_str name = hf_str_sub(text, 0, slash);
    struct vault *vault = NULL;
    hf_err err = vault_find(call->worker->vaults, call->txn, name, &vault);
    if (err == HF_E_NOT_FOUND)
        return admin_not_found(call, "vault", name);
    if (err != HF_OK)
        return err;
    hf_str id = admin_vault_scope(call, vault_properties_of(vault));
    *out = hf_arena_printf(call->arena, "%.*s%.*s", HF_STR_ARG(id),
                           HF_STR_ARG(hf_str_sub(text, slash, text.n)));
    return out->p == NULL ? HF_E_NOMEM : HF_OK;
}

static hf_err answer_created(struct api_call *call)
{
    if (call->result == HF_E_EXISTS)
        return api_fail(call, call->result, 409, HF_LIT("RoleAssignmentExists"), HF_LIT(""),
                        "The role assignment already exists.");
    if (call->result != HF_OK)
        return call->result;
    const struct access_command *command = call->state;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    admin_member_uuid(&w, "id", &command->assignment_id);
    hf_jw_end_object(&w);
    return HF_OK;
}

/*
 * An identity of this installation by object id, client id or name; any other GUID is the object id of a trusted
 * issuer's principal or group, which this server has no record of.
 */
static hf_err find_principal(struct api_call *call, hf_str text, struct hf_uuid *out)
{
    struct access_principal principal;
    struct hf_uuid id;
    hf_err err = HF_OK;
    if (hf_uuid_parse(text, &id) != HF_OK) {
        err = admin_find_identity(call, text, &principal);
        if (err == HF_OK)
            *out = principal.object_id;
        return err;
    }
    err = access_principal_by_client(call->worker->access, call->txn, &id, call->arena, &principal);
    if (err == HF_OK)
        *out = principal.object_id;
    else if (err == HF_E_NOT_FOUND)
        *out = id;
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

static void audit_assignment(struct api_call *call, const struct hf_uuid *principal,
                             const struct access_role *role)
{
    char id[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(principal, id);
    admin_audit(call, "principal=%s;role=%.*s", id, HF_STR_ARG(role->name));
}

hf_err admin_assignment_create(struct api_call *call)
{
    struct assignment_body body = { 0 };
    hf_err err = admin_read(call, assignment_fields, HF_ARRAY_LEN(assignment_fields), &body);
    struct hf_uuid principal = { { 0 } };
    if (err == HF_OK)
        err = find_principal(call, body.principal, &principal);
    hf_str scope = { NULL, 0 };
    if (err == HF_OK)
        err = resolve_scope(call, body.scope, &scope);
    if (err != HF_OK)
        return err;
    const struct access_role *role = NULL;
    if (access_role_find(body.role, &role) != HF_OK)
        return admin_not_found(call, "role", body.role);
    call->audit.resource_id = scope;
    audit_assignment(call, &principal, role);
    struct access_command *command = NULL;
    err = access_assign(call->service->access, &principal, role, scope, call->now, call->arena,
                        &call->diag, &command);
    if (err == HF_E_INVALID)
        return admin_invalid(call, "scope: %s", call->diag.text);
    if (err != HF_OK)
        return err;
    call->state = command;
    call->command = &command->store;
    call->finish = answer_created;
    return HF_OK;
}

static hf_err answer_deleted(struct api_call *call)
{
    if (call->result == HF_E_NOT_FOUND)
        return admin_not_found(call, "role assignment", call->params[0]);
    hf_buf_put_c(call->out, "{}");
    return call->result;
}

/* The record tells what is taken away. */
static hf_err audit_unassigned(struct api_call *call, const struct hf_uuid *id)
{
    struct access_assignment *all = NULL;
    size_t count = 0;
    hf_err err = access_assignment_list(call->worker->access, call->txn, call->arena, &all, &count);
    for (size_t i = 0; err == HF_OK && i < count; i++) {
        if (!hf_uuid_equal(&all[i].id, id))
            continue;
        call->audit.resource_id = all[i].scope;
        audit_assignment(call, &all[i].principal, all[i].role);
    }
    return err;
}

hf_err admin_assignment_delete(struct api_call *call)
{
    struct hf_uuid id;
    if (hf_uuid_parse(call->params[0], &id) != HF_OK)
        return admin_not_found(call, "role assignment", call->params[0]);
    hf_err err = audit_unassigned(call, &id);
    if (err != HF_OK)
        return err;
    struct access_command *command = NULL;
    err = access_unassign(call->service->access, &id, call->arena, &command);
    if (err != HF_OK)
        return err;
    call->state = command;
    call->command = &command->store;
    call->finish = answer_deleted;
    return HF_OK;
}
