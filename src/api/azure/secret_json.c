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

hf_err secret_body_read_set(struct api_call *call, struct secret_body *out)
{
    *out = (struct secret_body){ 0 };
    return azure_read_fields(call, &secret_set_body, true, out);
}

hf_err secret_body_read_update(struct api_call *call, struct secret_body *out)
{
    *out = (struct secret_body){ 0 };
    return azure_read_fields(call, &secret_update_body, false, out);
}

/* ---- out ---- */

static void write_members(struct api_call *call, const struct vault_secret *secret, hf_str id,
                          struct hf_json_writer *w)
{
    azure_write_deleted(call, &azure_secrets, &secret->version, w);
    if (secret->value != NULL) {
        hf_jw_key(w, "value");
        hf_jw_secret(w, secret->value);
    }
    if (secret->has_content_type)
        hf_jw_member_str(w, "contentType", secret->content_type);
    hf_jw_member_str(w, "id", id);
    azure_begin_attributes(call, &secret->version, w);
    hf_jw_end_object(w);
    azure_write_tags(&secret->version, w);
}

hf_err secret_write_bundle(struct api_call *call, const struct vault_secret *secret)
{
    hf_str id = azure_object_id(call, &azure_secrets, &secret->version, true);
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
    write_members(call, &secret, azure_object_id(call, &azure_secrets, version, with_version), w);
    hf_jw_end_object(w);
    return HF_OK;
}

void secret_audit(struct api_call *call, const struct vault_secret *secret)
{
    call->audit.id = azure_object_id(call, &azure_secrets, &secret->version, true);
    call->audit.has_secret_properties = true;
    call->audit.secret_type = secret->content_type;
    call->audit.enabled = secret->version.enabled;
    call->audit.nbf = azure_audit_time(secret->version.not_before);
    call->audit.exp = azure_audit_time(secret->version.expires);
}
