/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as JSON: KeyCreateParameters, KeyImportParameters, KeyUpdateParameters and
 * KeyOperationsParameters in; KeyBundle, KeyItem and their deleted forms out (Key Vault REST, models).
 */
#include "api/azure/internal.h"

#define HSM_PLATFORM_SOFTWARE "0" /* FIPS 140-2 level 1 at most: kept and used by this program */

/* ---- in ---- */

/* clang-format off */
static const struct key_type_row {
    hf_str name;
    enum crypto_key_family family;
    bool is_hsm;
} key_types[] = {
    { API_TEXT("RSA"),     CRYPTO_FAMILY_RSA, false },
    { API_TEXT("RSA-HSM"), CRYPTO_FAMILY_RSA, true },
    { API_TEXT("EC"),      CRYPTO_FAMILY_EC,  false },
    { API_TEXT("EC-HSM"),  CRYPTO_FAMILY_EC,  true },
    { API_TEXT("oct"),     CRYPTO_FAMILY_OCT, false },
    { API_TEXT("oct-HSM"), CRYPTO_FAMILY_OCT, true },
};
/* clang-format on */

static const struct api_field attribute_fields[] = {
    API_FIELD_FLAGGED(struct key_body, change.common.enabled, change.common.has_enabled,
                      API_FIELD_IS_BOOL, "enabled"),
    API_FIELD_FLAGGED(struct key_body, change.common.not_before, change.common.has_not_before,
                      API_FIELD_IS_TIME, "nbf"),
    API_FIELD_FLAGGED(struct key_body, change.common.expires, change.common.has_expires,
                      API_FIELD_IS_TIME, "exp"),
    API_FIELD(struct key_body, exportable, API_FIELD_IS_BOOL, "exportable", false),
};

#define KEY_CHANGE_FIELDS                                                                          \
    API_FIELD_FLAGGED(struct key_body, change.common.tags, change.common.has_tags,                 \
                      API_FIELD_IS_TAGS, "tags"),                                                  \
        API_FIELD(struct key_body, ops, API_FIELD_IS_ARRAY, "key_ops", false),                     \
        API_FIELD(struct key_body, release_policy, API_FIELD_IS_NODE, "release_policy", false),    \
        API_FIELD_OBJECT("attributes", attribute_fields)

static const struct api_field create_fields[] = {
    API_FIELD(struct key_body, type, API_FIELD_IS_STR, "kty", true),
    API_FIELD_FLAGGED(struct key_body, size, has_size, API_FIELD_IS_INT, "key_size"),
    API_FIELD_FLAGGED(struct key_body, exponent, has_exponent, API_FIELD_IS_INT, "public_exponent"),
    API_FIELD(struct key_body, curve, API_FIELD_IS_STR, "crv", false),
    KEY_CHANGE_FIELDS,
};
const struct api_body key_create_body = API_BODY(struct key_body, create_fields);

static const struct api_field jwk_fields[] = {
    API_FIELD(struct key_body, type, API_FIELD_IS_STR, "kty", true),
    API_FIELD(struct key_body, jwk_ops, API_FIELD_IS_ARRAY, "key_ops", false),
    API_FIELD(struct key_body, transfer, API_FIELD_IS_NODE, "key_hsm", false),
};

static const struct api_field import_fields[] = {
    API_FIELD(struct key_body, jwk, API_FIELD_IS_NODE, "key", true),
    API_FIELD_OBJECT("key", jwk_fields),
    API_FIELD(struct key_body, hsm, API_FIELD_IS_BOOL, "Hsm", false),
    KEY_CHANGE_FIELDS,
};
const struct api_body key_import_body = API_BODY(struct key_body, import_fields);

static const struct api_field update_fields[] = {
    KEY_CHANGE_FIELDS,
};
const struct api_body key_update_body = API_BODY(struct key_body, update_fields);

static const struct api_field operation_fields[] = {
    API_FIELD(struct key_operation_body, alg, API_FIELD_IS_STR, "alg", true),
    API_FIELD(struct key_operation_body, value, API_FIELD_IS_STR, "value", true),
    API_FIELD(struct key_operation_body, digest, API_FIELD_IS_STR, "digest", false),
    API_FIELD(struct key_operation_body, iv, API_FIELD_IS_STR, "iv", false),
    API_FIELD(struct key_operation_body, aad, API_FIELD_IS_STR, "aad", false),
    API_FIELD(struct key_operation_body, tag, API_FIELD_IS_STR, "tag", false),
};
const struct api_body key_operation_body = API_BODY(struct key_operation_body, operation_fields);

static hf_err read_ops(struct api_call *call, const struct hf_json *array,
                       struct vault_key_ops *out)
{
    for (size_t i = 0; i < hf_json_size(array); i++) {
        enum vault_key_op op = VAULT_KEY_ENCRYPT;
        if (vault_key_op_parse(hf_json_str(hf_json_at(array, i)), &op) != HF_OK)
            return azure_bad_property(call, "key_ops");
        if (vault_key_ops_have(out, op))
            continue;
        out->items[out->count++] = op;
    }
    return HF_OK;
}

/* Texts: Key Vault REST, secure key release. Keys here never leave, so neither is there. */
static hf_err refuse_release(struct api_call *call, const struct key_body *body)
{
    if (body->exportable)
        return azure_bad_parameter(call, "AKV.SKR.1001: The exportable attribute is only supported "
                                         "with premium vaults and API version >= "
                                         "'7.3-preview'.");
    if (body->release_policy != NULL)
        return azure_bad_parameter(
            call, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
    return HF_OK;
}

static hf_err read_type(struct api_call *call, struct key_body *body)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(key_types); i++) {
        if (!hf_str_equal(key_types[i].name, body->type))
            continue;
        body->family = key_types[i].family;
        if (key_types[i].is_hsm || body->hsm)
            return azure_bad_parameter(call,
                                       "A key of type %.*s needs a vault with a hardware security "
                                       "module, and this vault has none.",
                                       HF_STR_ARG(body->type));
        return HF_OK;
    }
    return azure_bad_property(call, "kty");
}

hf_err key_body_read(struct api_call *call, const struct api_body *rows, struct key_body *out)
{
    *out = (struct key_body){ .exportable = false };
    hf_err err = azure_read_fields(call, rows, rows != &key_update_body, out);
    if (err == HF_OK && rows != &key_update_body)
        err = read_type(call, out);
    if (err == HF_OK)
        err = refuse_release(call, out);
    if (err != HF_OK)
        return err;
    const struct hf_json *ops = out->ops != NULL ? out->ops : out->jwk_ops;
    out->change.has_ops = ops != NULL;
    return read_ops(call, ops, &out->change.ops);
}

/* ---- out ---- */

static hf_str type_name(const struct vault_key *key)
{
    const enum crypto_key_family family = crypto_key_family_of(key->type);
    for (size_t i = 0; i < HF_ARRAY_LEN(key_types); i++) {
        if (key_types[i].family == family && key_types[i].is_hsm == key->is_hsm)
            return key_types[i].name;
    }
    return HF_LIT("");
}

static hf_err write_jwk(struct api_call *call, const struct vault_key *key,
                        struct hf_json_writer *w)
{
    hf_jw_key(w, "key");
    hf_jw_begin_object(w);
    hf_jw_member_str(w, "kid", azure_object_id(call, &azure_keys, &key->version, true));
    hf_jw_member_str(w, "kty", type_name(key));
    hf_jw_key(w, "key_ops");
    hf_jw_begin_array(w);
    for (size_t i = 0; i < key->ops.count; i++)
        hf_jw_str(w, vault_key_op_name(key->ops.items[i]));
    hf_jw_end_array(w);
    hf_err err = crypto_public_write_members(key->type, key->public_part, w);
    hf_jw_end_object(w);
    return err;
}

static void write_rest(struct api_call *call, const struct vault_key *key, struct hf_json_writer *w)
{
    azure_begin_attributes(call, &key->version, w);
    hf_jw_member_bool(w, "exportable", false);
    hf_jw_member_c(w, "hsmPlatform", HSM_PLATFORM_SOFTWARE);
    hf_jw_end_object(w);
    azure_write_tags(&key->version, w);
    hf_jw_end_object(w);
}

hf_err key_write_bundle(struct api_call *call, const struct vault_key *key)
{
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    azure_write_deleted(call, &azure_keys, &key->version, &w);
    hf_err err = write_jwk(call, key, &w);
    if (err != HF_OK)
        return err;
    write_rest(call, key, &w);
    return hf_buf_err(call->out);
}

hf_err key_write_item(struct api_call *call, const struct vault_version *version, bool with_version,
                      struct hf_json_writer *w)
{
    struct vault_key key;
    hf_err err = vault_key_of(version, &key);
    if (err != HF_OK)
        return err;
    hf_jw_begin_object(w);
    azure_write_deleted(call, &azure_keys, version, w);
    hf_jw_member_str(w, "kid", azure_object_id(call, &azure_keys, version, with_version));
    write_rest(call, &key, w);
    return HF_OK;
}

void key_audit(struct api_call *call, const struct vault_key *key)
{
    call->audit.id = azure_object_id(call, &azure_keys, &key->version, true);
    call->audit.has_key_properties = true;
    call->audit.key_type = type_name(key);
    call->audit.key_size = key->bits;
    call->audit.enabled = key->version.enabled;
    call->audit.nbf = azure_audit_time(key->version.not_before);
    call->audit.exp = azure_audit_time(key->version.expires);
}
