/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets as JSON: SecretSetParameters, SecretUpdateParameters, SecretRestoreParameters in; SecretBundle, SecretItem and their
 * deleted forms out (Key Vault REST, models).
 */
#include "api/azure/internal.h"

#include "api/fields.h"

static const struct api_field attribute_fields[] = {
    API_FIELD_FLAGGED(struct secret_body, change.common.enabled, change.common.has_enabled,
                      API_FIELD_IS_BOOL, "enabled"),
    API_FIELD_FLAGGED(struct secret_body, change.common.not_before, change.common.has_not_before,
                      API_FIELD_IS_TIME, "nbf"),
    API_FIELD_FLAGGED(struct secret_body, change.common.expires, change.common.has_expires,
                      API_FIELD_IS_TIME, "exp"),
};

#define SECRET_CHANGE_FIELDS                                                                       \
    API_FIELD_FLAGGED(struct secret_body, change.content_type, change.has_content_type,            \
                      API_FIELD_IS_STR, "contentType"),                                            \
        API_FIELD_FLAGGED(struct secret_body, change.common.tags, change.common.has_tags,          \
                          API_FIELD_IS_TAGS, "tags"),                                              \
        API_FIELD_OBJECT("attributes", attribute_fields)

static const struct api_field set_fields[] = {
    API_FIELD(struct secret_body, value, API_FIELD_IS_SECRET, "value", true),
    SECRET_CHANGE_FIELDS,
};
const struct api_body secret_set_body = API_BODY(struct secret_body, set_fields);

static const struct api_field update_fields[] = {
    SECRET_CHANGE_FIELDS,
};
const struct api_body secret_update_body = API_BODY(struct secret_body, update_fields);

static const struct api_field restore_fields[] = {
    API_FIELD(struct secret_body, blob, API_FIELD_IS_STR, "value", true),
};
const struct api_body secret_restore_body = API_BODY(struct secret_body, restore_fields);

static hf_err read_body(struct api_call *call, const struct api_field *fields, size_t count,
                        bool required, struct secret_body *out)
{
    *out = (struct secret_body){ 0 };
    if (required && call->body == NULL)
        return azure_bad_property(call, "");
    hf_err err = api_fields_read(fields, count, call->body, call->arena, &call->diag, out);
    return err == HF_E_INVALID ? azure_bad_property(call, call->diag.field) : err;
}

hf_err secret_body_read_set(struct api_call *call, struct secret_body *out)
{
    return read_body(call, set_fields, HF_ARRAY_LEN(set_fields), true, out);
}

hf_err secret_body_read_update(struct api_call *call, struct secret_body *out)
{
    return read_body(call, update_fields, HF_ARRAY_LEN(update_fields), false, out);
}

hf_err secret_body_read_restore(struct api_call *call, struct secret_body *out)
{
    return read_body(call, restore_fields, HF_ARRAY_LEN(restore_fields), true, out);
}

/* ---- out ---- */

/* Rule: Key Vault REST, DeletionRecoveryLevel: customised when the retention is not the default. */
static const char *recovery_level(const struct vault_properties *vault)
{
    bool custom = vault->retention_days != VAULT_RETENTION_DEFAULT_DAYS;
    if (vault->purge_protection)
        return custom ? "CustomizedRecoverable" : "Recoverable";
    return custom ? "CustomizedRecoverable+Purgeable" : "Recoverable+Purgeable";
}

static void write_time(struct hf_json_writer *w, const char *name, hf_usec time)
{
    if (time != VAULT_TIME_NONE)
        hf_jw_member_int(w, name, hf_usec_to_seconds(time));
}

static void write_attributes(const struct api_call *call, const struct vault_version *version,
                             struct hf_json_writer *w)
{
    hf_jw_key(w, "attributes");
    hf_jw_begin_object(w);
    hf_jw_member_bool(w, "enabled", version->enabled);
    write_time(w, "nbf", version->not_before);
    write_time(w, "exp", version->expires);
    write_time(w, "created", version->created);
    write_time(w, "updated", version->updated);
    hf_jw_member_c(w, "recoveryLevel", recovery_level(&call->vault_properties));
    hf_jw_member_int(w, "recoverableDays", call->vault_properties.retention_days);
    hf_jw_end_object(w);
}

static void write_tags(const struct vault_version *version, struct hf_json_writer *w)
{
    if (!version->has_tags)
        return;
    hf_jw_key(w, "tags");
    hf_jw_begin_object(w);
    for (size_t i = 0; i < version->tags.count; i++) {
        hf_jw_key_str(w, version->tags.items[i].name);
        hf_jw_str(w, version->tags.items[i].value);
    }
    hf_jw_end_object(w);
}

/* "https://dev.vault.example.org/secrets/name[/version]" */
static hf_str secret_id(struct api_call *call, const struct vault_version *version,
                        bool with_version)
{
    char id[HF_UUID_HEX_BYTES + 1] = "";
    if (with_version)
        hf_uuid_format_hex(&version->id, id);
    return HF_JOIN(call->arena, HF_LIT("https://"), call->vault_host,
                   hf_str_from_c(call->service->url_port), HF_LIT("/secrets/"), version->name,
                   with_version ? HF_LIT("/") : HF_LIT(""), hf_str_from_c(id));
}

static void write_deleted(struct api_call *call, const struct vault_version *version,
                          struct hf_json_writer *w)
{
    if (!version->is_deleted)
        return;
    hf_str id = HF_JOIN(call->arena, HF_LIT("https://"), call->vault_host,
                        hf_str_from_c(call->service->url_port), HF_LIT("/deletedsecrets/"),
                        version->name);
    hf_jw_member_str(w, "recoveryId", id);
    write_time(w, "deletedDate", version->deleted_at);
    write_time(w, "scheduledPurgeDate", version->scheduled_purge);
}

static void write_members(struct api_call *call, const struct vault_secret *secret, hf_str id,
                          struct hf_json_writer *w)
{
    write_deleted(call, &secret->version, w);
    if (secret->value != NULL) {
        hf_jw_key(w, "value");
        hf_jw_secret(w, secret->value);
    }
    if (secret->has_content_type)
        hf_jw_member_str(w, "contentType", secret->content_type);
    hf_jw_member_str(w, "id", id);
    write_attributes(call, &secret->version, w);
    write_tags(&secret->version, w);
}

hf_err secret_write_bundle(struct api_call *call, const struct vault_secret *secret)
{
    hf_str id = secret_id(call, &secret->version, true);
    if (id.p == NULL)
        return HF_E_NOMEM;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    write_members(call, secret, id, &w);
    hf_jw_end_object(&w);
    return hf_buf_err(call->out);
}

hf_err secret_write_item(struct api_call *call, const struct vault_version *version,
                         bool with_version, struct hf_json_writer *w)
{
    struct vault_secret secret;
    hf_err err = vault_secret_of(version, &secret);
    if (err != HF_OK)
        return err;
    hf_jw_begin_object(w);
    write_members(call, &secret, secret_id(call, version, with_version), w);
    hf_jw_end_object(w);
    return HF_OK;
}

static int64_t audit_time(hf_usec time)
{
    return time == VAULT_TIME_NONE ? INT64_MIN : hf_usec_to_seconds(time);
}

void secret_audit(struct api_call *call, const struct vault_secret *secret)
{
    call->audit.id = secret_id(call, &secret->version, true);
    call->audit.has_secret_properties = true;
    call->audit.secret_type = secret->content_type;
    call->audit.secret_enabled = secret->version.enabled;
    call->audit.secret_nbf = audit_time(secret->version.not_before);
    call->audit.secret_exp = audit_time(secret->version.expires);
}
