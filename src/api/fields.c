/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON bodies by rows of struct api_field.
 */
#include "api/fields.h"

static hf_err refuse(const struct api_field *field, struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_INVALID, field->name, "wrong type or value");
}

static hf_err read_time(const struct api_field *field, const struct hf_json *node,
                        struct hf_diag *diag, void *member)
{
    int64_t seconds = hf_json_int(node);
    if (hf_json_type(node) != HF_JSON_INT || seconds < 0 || seconds > API_TIME_MAX_SECONDS)
        return refuse(field, diag);
    *(hf_usec *)member = hf_usec_from_seconds(seconds);
    return HF_OK;
}

static hf_err read_secret(const struct hf_json *node, struct hf_arena *arena, void *member)
{
    struct hf_secret *secret = NULL;
    hf_err err = hf_secret_from_bytes(hf_str_bytes(hf_json_str(node)), &secret);
    if (err != HF_OK)
        return err;
    err = hf_arena_own_secret(arena, secret);
    if (err != HF_OK)
        return err;
    *(struct hf_secret **)member = secret;
    return HF_OK;
}

/* The count is checked by the domain; here it only bounds the memory. */
static hf_err read_tags(const struct api_field *field, const struct hf_json *node,
                        struct hf_arena *arena, struct hf_diag *diag, void *member)
{
    if (hf_json_type(node) != HF_JSON_OBJECT)
        return refuse(field, diag);
    struct vault_tags *out = member;
    size_t count = hf_json_size(node);
    struct vault_tag *items = hf_arena_alloc_array(arena, count + 1, sizeof(*items));
    if (items == NULL)
        return HF_E_NOMEM;
    void *iter = NULL;
    hf_str name;
    const struct hf_json *value;
    for (size_t i = 0; i < count && hf_json_next(node, &iter, &name, &value); i++) {
        if (hf_json_type(value) != HF_JSON_STRING)
            return refuse(field, diag);
        items[i] = (struct vault_tag){ name, hf_json_str(value) };
    }
    *out = (struct vault_tags){ items, count };
    return HF_OK;
}

static hf_err read_member(const struct api_field *field, const struct hf_json *node,
                          struct hf_arena *arena, struct hf_diag *diag, void *target)
{
    void *member = (char *)target + field->offset;
    enum hf_json_type type = hf_json_type(node);
    switch (field->kind) {
    case API_FIELD_IS_STR:
        if (type != HF_JSON_STRING)
            return refuse(field, diag);
        *(hf_str *)member = hf_json_str(node);
        return HF_OK;
    case API_FIELD_IS_SECRET:
        return type == HF_JSON_STRING ? read_secret(node, arena, member) : refuse(field, diag);
    case API_FIELD_IS_BOOL:
        if (type != HF_JSON_BOOL)
            return refuse(field, diag);
        *(bool *)member = hf_json_bool(node);
        return HF_OK;
    case API_FIELD_IS_INT:
        if (type != HF_JSON_INT)
            return refuse(field, diag);
        *(int64_t *)member = hf_json_int(node);
        return HF_OK;
    case API_FIELD_IS_TIME:
        return read_time(field, node, diag, member);
    case API_FIELD_IS_TAGS:
        return read_tags(field, node, arena, diag, member);
    case API_FIELD_IS_NODE:
    case API_FIELD_IS_ARRAY:
        if (type != (field->kind == API_FIELD_IS_NODE ? HF_JSON_OBJECT : HF_JSON_ARRAY))
            return refuse(field, diag);
        *(const struct hf_json **)member = node;
        return HF_OK;
    case API_FIELD_IS_OBJECT:
        if (type != HF_JSON_OBJECT)
            return refuse(field, diag);
        return api_fields_read(field->fields, field->field_count, node, arena, diag, target);
    }
    return HF_E_INTERNAL;
}

hf_err api_fields_read(const struct api_field *fields, size_t count, const struct hf_json *object,
                       struct hf_arena *arena, struct hf_diag *diag, void *target)
{
    for (size_t i = 0; i < count; i++) {
        const struct api_field *field = &fields[i];
        const struct hf_json *node = hf_json_member(object, field->name);
        if (node == NULL || hf_json_type(node) == HF_JSON_NULL) {
            if (field->required)
                return hf_fail(diag, HF_E_INVALID, field->name, "is required");
            continue;
        }
        hf_err err = read_member(field, node, arena, diag, target);
        if (err != HF_OK)
            return err;
        if (field->flag_offset != API_FIELD_NO_FLAG)
            *(bool *)(void *)((char *)target + field->flag_offset) = true;
    }
    return HF_OK;
}
