/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What secrets and keys have in common as JSON: ids, attributes, tags, and what a deleted object says of its deletion (Key Vault
 * REST, models); and bodies read by their rows.
 */
#include "api/azure/internal.h"

/* Rule: Key Vault REST, DeletionRecoveryLevel: customised when the retention is not the default. */
static const char *recovery_level(const struct vault_properties *vault)
{
    bool custom = vault->retention_days != VAULT_RETENTION_DEFAULT_DAYS;
    if (vault->purge_protection)
        return custom ? "CustomizedRecoverable" : "Recoverable";
    return custom ? "CustomizedRecoverable+Purgeable" : "Recoverable+Purgeable";
}

void azure_write_time(struct hf_json_writer *w, const char *name, hf_usec time)
{
    if (time != VAULT_TIME_NONE)
        hf_jw_member_int(w, name, hf_usec_to_seconds(time));
}

void azure_begin_attributes(const struct api_call *call, const struct vault_version *version,
                            struct hf_json_writer *w)
{
    hf_jw_key(w, "attributes");
    hf_jw_begin_object(w);
    hf_jw_member_bool(w, "enabled", version->enabled);
    azure_write_time(w, "nbf", version->not_before);
    azure_write_time(w, "exp", version->expires);
    azure_write_time(w, "created", version->created);
    azure_write_time(w, "updated", version->updated);
    hf_jw_member_c(w, "recoveryLevel", recovery_level(&call->vault_properties));
    hf_jw_member_int(w, "recoverableDays", call->vault_properties.retention_days);
}

void azure_write_tags(const struct vault_version *version, struct hf_json_writer *w)
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

hf_str azure_object_id(struct api_call *call, const struct azure_collection *collection,
                       const struct vault_version *version, bool with_version)
{
    char id[HF_UUID_HEX_BYTES + 1] = "";
    if (with_version)
        hf_uuid_format_hex(&version->id, id);
    return HF_JOIN(call->arena, HF_LIT("https://"), call->vault_host,
                   hf_str_from_c(call->service->url_port), HF_LIT("/"), collection->path,
                   HF_LIT("/"), version->name, with_version ? HF_LIT("/") : HF_LIT(""),
                   hf_str_from_c(id));
}

void azure_write_deleted(struct api_call *call, const struct azure_collection *collection,
                         const struct vault_version *version, struct hf_json_writer *w)
{
    if (!version->is_deleted)
        return;
    hf_str id = HF_JOIN(call->arena, HF_LIT("https://"), call->vault_host,
                        hf_str_from_c(call->service->url_port), HF_LIT("/"),
                        collection->deleted_path, HF_LIT("/"), version->name);
    hf_jw_member_str(w, "recoveryId", id);
    azure_write_time(w, "deletedDate", version->deleted_at);
    azure_write_time(w, "scheduledPurgeDate", version->scheduled_purge);
}

int64_t azure_audit_time(hf_usec time)
{
    return time == VAULT_TIME_NONE ? INT64_MIN : hf_usec_to_seconds(time);
}

hf_err azure_read_fields(struct api_call *call, const struct api_body *body, bool required,
                         void *target)
{
    if (required && call->body == NULL)
        return azure_bad_property(call, "");
    hf_err err = api_fields_read(body->fields, body->field_count, call->body, call->arena,
                                 &call->diag, target);
    return err == HF_E_INVALID ? azure_bad_property(call, call->diag.field) : err;
}
