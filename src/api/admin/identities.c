/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities (applications and managed identities) over the local door.
 */
#include "api/admin/internal.h"

struct identity_body {
    hf_str name;
    hf_str kind;
    bool enabled;
};

static const struct api_field create_fields[] = {
    API_FIELD(struct identity_body, name, API_FIELD_IS_STR, "name", true),
    API_FIELD(struct identity_body, kind, API_FIELD_IS_STR, "kind", true),
};
const struct api_body admin_identity_create_body = API_BODY(struct identity_body, create_fields);

static const struct api_field update_fields[] = {
    API_FIELD(struct identity_body, enabled, API_FIELD_IS_BOOL, "enabled", true),
};
const struct api_body admin_identity_update_body = API_BODY(struct identity_body, update_fields);

static const struct {
    const char *name;
    enum access_principal_kind kind;
} kinds[] = {
    { "application", ACCESS_APPLICATION },
    { "managed-identity", ACCESS_MANAGED_IDENTITY },
};

static const char *kind_name(enum access_principal_kind kind)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].name;
    }
    return "unknown";
}

static void write_identity(struct api_call *call, const struct access_principal *identity,
                           struct hf_json_writer *w)
{
    hf_jw_begin_object(w);
    hf_jw_member_str(w, "name", identity->name);
    hf_jw_member_c(w, "kind", kind_name(identity->kind));
    admin_member_uuid(w, "objectId", &identity->object_id);
    admin_member_uuid(w, "clientId", &identity->client_id);
    hf_jw_member_str(w, "tenantId", call->service->tenant);
    hf_jw_member_bool(w, "enabled", identity->enabled);
    admin_member_time(w, "created", identity->created);
    hf_jw_end_object(w);
}

static void audit_identity(struct api_call *call, const struct access_principal *identity)
{
    char id[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&identity->object_id, id);
    admin_audit(call, "identity=%s;name=%.*s", id, HF_STR_ARG(identity->name));
}

/* By name; HF_E_CONFLICT if several have it. */
static hf_err find_by_name(struct api_call *call, hf_str name, struct access_principal *out)
{
    struct access_principal *all = NULL;
    size_t count = 0;
    hf_err err = access_principal_list(call->worker->access, call->txn, call->arena, &all, &count);
    if (err != HF_OK)
        return err;
    const struct access_principal *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!hf_str_equal_nocase(all[i].name, name))
            continue;
        if (found != NULL)
            return api_fail(call, HF_E_CONFLICT, 409, HF_LIT("Ambiguous"), HF_LIT(""),
                            "Several identities are called '%.*s'; use the object id.",
                            HF_STR_ARG(name));
        found = &all[i];
    }
    if (found == NULL)
        return admin_not_found(call, "identity", name);
    *out = *found;
    audit_identity(call, out);
    return HF_OK;
}

hf_err admin_find_identity(struct api_call *call, hf_str text, struct access_principal *out)
{
    struct hf_uuid id;
    if (hf_uuid_parse(text, &id) != HF_OK)
        return find_by_name(call, text, out);
    hf_err err = access_principal_get(call->worker->access, call->txn, &id, call->arena, out);
    if (err == HF_E_NOT_FOUND)
        err = access_principal_by_client(call->worker->access, call->txn, &id, call->arena, out);
    if (err == HF_OK)
        audit_identity(call, out);
    return err == HF_E_NOT_FOUND ? admin_not_found(call, "identity", text) : err;
}

hf_err admin_identity_list(struct api_call *call)
{
    struct access_principal *all = NULL;
    size_t count = 0;
    hf_err err = access_principal_list(call->worker->access, call->txn, call->arena, &all, &count);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "value");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_identity(call, &all[i], &w);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

hf_err admin_identity_get(struct api_call *call)
{
    struct access_principal identity;
    hf_err err = admin_find_identity(call, call->params[0], &identity);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_identity(call, &identity, &w);
    return HF_OK;
}

static hf_err hand_over(struct api_call *call, struct access_command *command,
                        api_handler_fn finish)
{
    call->state = command;
    call->command = &command->store;
    call->finish = finish;
    return HF_OK;
}

static hf_err answer_created(struct api_call *call)
{
    if (call->result != HF_OK)
        return call->result;
    const struct access_command *command = call->state;
    audit_identity(call, &command->principal);
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_identity(call, &command->principal, &w);
    return HF_OK;
}

static hf_err answer_empty(struct api_call *call)
{
    if (call->result == HF_E_NOT_FOUND)
        return admin_not_found(call, "identity", call->params[0]);
    hf_buf_put_c(call->out, "{}");
    return call->result;
}

hf_err admin_identity_create(struct api_call *call)
{
    struct identity_body body = { 0 };
    hf_err err = admin_read(call, create_fields, HF_ARRAY_LEN(create_fields), &body);
    if (err != HF_OK)
        return err;
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        if (!hf_str_equal(body.kind, hf_str_from_c(kinds[i].name)))
            continue;
        struct access_command *command = NULL;
        err = access_principal_create(call->service->access, kinds[i].kind, body.name, call->now,
                                      call->arena, &call->diag, &command);
        return err == HF_OK ? hand_over(call, command, answer_created) : err;
    }
    return admin_invalid(call, "kind: must be 'application' or 'managed-identity'");
}

hf_err admin_identity_update(struct api_call *call)
{
    struct identity_body body = { 0 };
    hf_err err = admin_read(call, update_fields, HF_ARRAY_LEN(update_fields), &body);
    struct access_principal identity;
    if (err == HF_OK)
        err = admin_find_identity(call, call->params[0], &identity);
    struct access_command *command = NULL;
    if (err == HF_OK)
        err = access_principal_set_enabled(call->service->access, &identity.object_id, body.enabled,
                                           call->arena, &command);
    return err == HF_OK ? hand_over(call, command, answer_empty) : err;
}

hf_err admin_identity_delete(struct api_call *call)
{
    struct access_principal identity;
    hf_err err = admin_find_identity(call, call->params[0], &identity);
    struct access_command *command = NULL;
    if (err == HF_OK)
        err = access_principal_delete(call->service->access, &identity.object_id, call->arena,
                                      &command);
    return err == HF_OK ? hand_over(call, command, answer_empty) : err;
}
