/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vaults over the local door: list, show, create, switch purge protection on.
 */
#include "api/admin/internal.h"

#define DEFAULT_RESOURCE_GROUP "holdfast"

struct vault_body {
    int64_t retention_days;
    bool purge_protection;
    hf_str resource_group;
    hf_str location;
};

static const struct api_field vault_fields[] = {
    API_FIELD(struct vault_body, retention_days, API_FIELD_IS_INT, "retentionDays", false),
    API_FIELD(struct vault_body, purge_protection, API_FIELD_IS_BOOL, "purgeProtection", false),
    API_FIELD(struct vault_body, resource_group, API_FIELD_IS_STR, "resourceGroup", false),
    API_FIELD(struct vault_body, location, API_FIELD_IS_STR, "location", false),
};
const struct api_body admin_vault_body = API_BODY(struct vault_body, vault_fields);

hf_str admin_vault_scope(struct api_call *call, const struct vault_properties *vault)
{
    char subscription[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&vault->subscription, subscription);
    return hf_arena_printf(
        call->arena, "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults/%s",
        subscription, vault->resource_group, vault->name);
}

static void write_vault(struct api_call *call, const struct vault_properties *vault,
                        struct hf_json_writer *w)
{
    const struct api_service *service = call->service;
    hf_jw_begin_object(w);
    hf_jw_member_c(w, "name", vault->name);
    hf_jw_member_str(w, "url",
                     hf_arena_printf(call->arena, "https://%s%.*s%s", vault->name,
                                     HF_STR_ARG(service->vault_suffix), service->url_port));
    hf_jw_member_str(w, "id", admin_vault_scope(call, vault));
    admin_member_uuid(w, "tenantId", &vault->tenant);
    hf_jw_member_c(w, "location", vault->location);
    hf_jw_member_int(w, "retentionDays", vault->retention_days);
    hf_jw_member_bool(w, "purgeProtection", vault->purge_protection);
    admin_member_time(w, "created", vault->created);
    hf_jw_end_object(w);
}

hf_err admin_vault_list(struct api_call *call)
{
    const struct vault_properties *vaults = NULL;
    size_t count = 0;
    hf_err err = vault_list(call->worker->vaults, call->txn, call->arena, &vaults, &count);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "value");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_vault(call, &vaults[i], &w);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

hf_err admin_vault_get(struct api_call *call)
{
    struct vault *vault = NULL;
    hf_err err = vault_find(call->worker->vaults, call->txn, call->params[0], &vault);
    if (err == HF_E_NOT_FOUND)
        return admin_not_found(call, "vault", call->params[0]);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_vault(call, vault_properties_of(vault), &w);
    return HF_OK;
}

static hf_err answer_vault(struct api_call *call)
{
    if (call->result == HF_E_EXISTS)
        return api_fail(call, call->result, 409, HF_LIT("VaultAlreadyExists"), HF_LIT(""),
                        "The vault name '%.*s' is taken.", HF_STR_ARG(call->params[0]));
    if (call->result == HF_E_NOT_FOUND)
        return admin_not_found(call, "vault", call->params[0]);
    if (call->result != HF_OK)
        return call->result;
    const struct vault_command *command = call->state;
    call->audit.resource_id = admin_vault_scope(call, &command->properties);
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_vault(call, &command->properties, &w);
    return HF_OK;
}

static hf_err hand_over(struct api_call *call, struct vault_command *command)
{
    call->state = command;
    call->command = &command->store;
    call->finish = answer_vault;
    return HF_OK;
}

/* Copies text into a fixed field; too long or with characters that do not belong into an ARM id is refused. */
static hf_err copy_text(struct api_call *call, const char *field, hf_str text, char *out,
                        size_t size)
{
    if (text.n == 0 || text.n >= size)
        return admin_invalid(call, "%s: must have 1 to %zu characters", field, size - 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!hf_is_alnum(c) && c != '-' && c != '_' && c != '.')
            return admin_invalid(call, "%s: only letters, digits, '-', '_' and '.' are allowed",
                                 field);
        out[i] = c;
    }
    out[text.n] = '\0';
    return HF_OK;
}

static hf_err make_properties(struct api_call *call, const struct vault_body *body,
                              struct vault_properties *out)
{
    *out = (struct vault_properties){ 0 };
    hf_str name = call->params[0];
    if (!vault_name_is_valid(name))
        return admin_invalid(call, "name: 3 to 24 letters, digits and single hyphens, starting "
                                   "with a letter and ending with "
                                   "a letter or digit");
    hf_err err = copy_text(call, "name", name, out->name, sizeof(out->name));
    if (err == HF_OK)
        err = copy_text(call, "resourceGroup", body->resource_group, out->resource_group,
                        sizeof(out->resource_group));
    if (err == HF_OK)
        err = copy_text(call, "location", body->location, out->location, sizeof(out->location));
    if (err != HF_OK)
        return err;
    if (body->retention_days < VAULT_RETENTION_MIN_DAYS ||
        body->retention_days > VAULT_RETENTION_MAX_DAYS)
        return admin_invalid(call, "retentionDays: must be between %d and %d",
                             VAULT_RETENTION_MIN_DAYS, VAULT_RETENTION_MAX_DAYS);
    out->retention_days = (int)body->retention_days;
    out->purge_protection = body->purge_protection;
    out->tenant = call->service->settings.tenant;
    out->subscription = call->service->settings.subscription;
    return HF_OK;
}

hf_err admin_vault_create(struct api_call *call)
{
    struct vault_body body = { .retention_days = VAULT_RETENTION_DEFAULT_DAYS,
                               .resource_group = HF_LIT(DEFAULT_RESOURCE_GROUP),
                               .location = hf_str_from_c(call->service->settings.location) };
    hf_err err = admin_read(call, vault_fields, HF_ARRAY_LEN(vault_fields), &body);
    if (err != HF_OK)
        return err;
    struct vault_properties properties;
    err = make_properties(call, &body, &properties);
    if (err != HF_OK)
        return err;
    struct vault_command *command = NULL;
    err = vault_create(call->service->vaults, &properties, call->now, call->arena, &call->diag,
                       &command);
    return err == HF_OK ? hand_over(call, command) : err;
}

hf_err admin_vault_protect(struct api_call *call)
{
    struct vault_command *command = NULL;
    hf_err err = vault_protect(call->service->vaults, call->params[0], call->arena, &command);
    return err == HF_OK ? hand_over(call, command) : err;
}
