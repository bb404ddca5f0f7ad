/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON bodies against the rows of every operation; the first byte chooses it. A body is taken exactly if every row likes its
 * member; what is there arrives, what is not there is left alone. What a secret's body says and the domain allows can be stored
 * and read again.
 */
#include "api/admin/internal.h"
#include "api/azure/internal.h"
#include "base/assert.h"
#include "vault/internal.h"

#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES ((size_t)64 * 1024)
#define ARENA_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define UNTOUCHED 0xa5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct api_body *const bodies[] = {
    &secret_set_body,
    &secret_update_body,
    &azure_restore_body,
    &admin_assignment_body,
    &admin_backup_body,
    &admin_clock_body,
    &admin_credential_body,
    &admin_identity_create_body,
    &admin_identity_update_body,
    &admin_vault_body,
    &admin_act_body,
    &key_create_body,
    &key_import_body,
    &key_update_body,
    &key_operation_body,
};

static size_t member_size(enum api_field_kind kind)
{
    static const size_t sizes[] = {
        [API_FIELD_IS_STR] = sizeof(hf_str),
        [API_FIELD_IS_SECRET] = sizeof(struct hf_secret *),
        [API_FIELD_IS_BOOL] = sizeof(bool),
        [API_FIELD_IS_INT] = sizeof(int64_t),
        [API_FIELD_IS_TIME] = sizeof(hf_usec),
        [API_FIELD_IS_TAGS] = sizeof(struct vault_tags),
        [API_FIELD_IS_NODE] = sizeof(const struct hf_json *),
        [API_FIELD_IS_ARRAY] = sizeof(const struct hf_json *),
        [API_FIELD_IS_OBJECT] = 0,
    };
    return sizes[kind];
}

static bool is_there(const struct hf_json *node)
{
    return node != NULL && hf_json_type(node) != HF_JSON_NULL;
}

static bool tags_are_texts(const struct hf_json *node)
{
    void *iter = NULL;
    hf_str name;
    const struct hf_json *value;
    while (hf_json_next(node, &iter, &name, &value)) {
        if (hf_json_type(value) != HF_JSON_STRING)
            return false;
    }
    return true;
}

static bool rows_like(const struct api_field *fields, size_t count, const struct hf_json *object);

static bool row_likes(const struct api_field *field, const struct hf_json *node)
{
    const enum hf_json_type type = hf_json_type(node);
    switch (field->kind) {
    case API_FIELD_IS_STR:
    case API_FIELD_IS_SECRET:
        return type == HF_JSON_STRING;
    case API_FIELD_IS_BOOL:
        return type == HF_JSON_BOOL;
    case API_FIELD_IS_INT:
        return type == HF_JSON_INT;
    case API_FIELD_IS_TIME:
        return type == HF_JSON_INT && hf_json_int(node) >= 0 &&
               hf_json_int(node) <= API_TIME_MAX_SECONDS;
    case API_FIELD_IS_TAGS:
        return type == HF_JSON_OBJECT && tags_are_texts(node);
    case API_FIELD_IS_NODE:
        return type == HF_JSON_OBJECT;
    case API_FIELD_IS_ARRAY:
        return type == HF_JSON_ARRAY;
    case API_FIELD_IS_OBJECT:
        return type == HF_JSON_OBJECT && rows_like(field->fields, field->field_count, node);
    }
    return false;
}

static bool rows_like(const struct api_field *fields, size_t count, const struct hf_json *object)
{
    for (size_t i = 0; i < count; i++) {
        const struct hf_json *node = hf_json_member(object, fields[i].name);
        if (is_there(node) ? !row_likes(&fields[i], node) : fields[i].required)
            return false;
    }
    return true;
}

static void expect_tags(const struct vault_tags *tags, const struct hf_json *node)
{
    void *iter = NULL;
    hf_str name;
    const struct hf_json *value;
    size_t count = 0;
    for (; hf_json_next(node, &iter, &name, &value); count++) {
        HF_ASSERT(count < tags->count && hf_str_equal(tags->items[count].name, name));
        HF_ASSERT(hf_str_equal(tags->items[count].value, hf_json_str(value)));
    }
    HF_ASSERT(count == tags->count);
}

static void expect_value(const struct api_field *field, const struct hf_json *node,
                         const void *member)
{
    switch (field->kind) {
    case API_FIELD_IS_STR:
        HF_ASSERT(hf_str_equal(*(const hf_str *)member, hf_json_str(node)));
        break;
    case API_FIELD_IS_SECRET:
        HF_ASSERT(
            hf_secret_equal(*(struct hf_secret *const *)member, hf_str_bytes(hf_json_str(node))));
        break;
    case API_FIELD_IS_BOOL:
        HF_ASSERT(*(const bool *)member == hf_json_bool(node));
        break;
    case API_FIELD_IS_INT:
        HF_ASSERT(*(const int64_t *)member == hf_json_int(node));
        break;
    case API_FIELD_IS_TIME:
        HF_ASSERT(*(const hf_usec *)member == hf_usec_from_seconds(hf_json_int(node)));
        break;
    case API_FIELD_IS_TAGS:
        expect_tags(member, node);
        break;
    case API_FIELD_IS_NODE:
    case API_FIELD_IS_ARRAY:
        HF_ASSERT(*(const struct hf_json *const *)member == node);
        break;
    case API_FIELD_IS_OBJECT:
        break;
    }
}

static void expect_untouched(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        HF_ASSERT(bytes[i] == UNTOUCHED);
}

static void expect_members(const struct api_field *fields, size_t count,
                           const struct hf_json *object, const uint8_t *target)
{
    for (size_t i = 0; i < count; i++) {
        const struct api_field *field = &fields[i];
        const struct hf_json *node = hf_json_member(object, field->name);
        if (field->kind == API_FIELD_IS_OBJECT) {
            expect_members(field->fields, field->field_count, node, target);
        } else if (is_there(node)) {
            expect_value(field, node, target + field->offset);
            HF_ASSERT(field->flag_offset == API_FIELD_NO_FLAG || target[field->flag_offset] == 1);
        } else {
            expect_untouched(target + field->offset, member_size(field->kind));
            if (field->flag_offset != API_FIELD_NO_FLAG)
                expect_untouched(target + field->flag_offset, 1);
        }
    }
}

/* Target memory is of exactly the struct's size, so that a sanitizer sees a write behind its end. */
static void try_rows(const struct api_body *body, const struct hf_json *object,
                     struct hf_arena *arena)
{
    struct hf_diag diag = { 0 };
    uint8_t *target = malloc(body->size);
    HF_ASSERT(target != NULL);
    memset(target, UNTOUCHED, body->size);
    const hf_err err = api_fields_read(body->fields, body->field_count, object, arena, &diag,
                                       target);
    HF_ASSERT(err == HF_OK || err == HF_E_INVALID);
    HF_ASSERT((err == HF_OK) == rows_like(body->fields, body->field_count, object));
    if (err == HF_OK)
        expect_members(body->fields, body->field_count, object, target);
    else
        HF_ASSERT(diag.field[0] != '\0' && diag.text[0] != '\0');
    free(target);
}

static hf_usec time_or_none(bool has, hf_usec time)
{
    return has ? time : VAULT_TIME_NONE;
}

static void try_record(const struct vault_change *change, struct hf_arena *arena)
{
    const struct vault_version version = {
        .enabled = !change->has_enabled || change->enabled,
        .has_tags = change->has_tags,
        .tags = change->tags,
        .not_before = time_or_none(change->has_not_before, change->not_before),
        .expires = time_or_none(change->has_expires, change->expires),
    };
    struct vault_version again;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init(&plain, VAULT_VERSION_RECORD_MAX_BYTES);
    vault_version_encode(&version, &plain);
    HF_ASSERT(hf_buf_err(&plain) == HF_OK && plain.n == vault_version_size(&version));
    HF_ASSERT(vault_version_decode(hf_buf_view(&plain), arena, &again) == HF_OK);
    HF_ASSERT(again.enabled == version.enabled && again.has_tags == version.has_tags);
    HF_ASSERT(again.not_before == version.not_before && again.expires == version.expires);
    HF_ASSERT(again.tags.count == version.tags.count);
}

static void try_secret(const struct hf_json *object, struct hf_arena *arena)
{
    struct secret_body body = { 0 };
    struct hf_diag diag = { 0 };
    const struct vault_change *change = &body.change.common;
    if (api_fields_read(secret_update_body.fields, secret_update_body.field_count, object, arena,
                        &diag, &body) != HF_OK)
        return;
    if (vault_change_check(&vault_secrets, change, &diag) == HF_OK)
        try_record(change, arena);
}

/* What a key's body says is refused with a message, or has operations that a record can hold. */
static void try_key(const struct api_body *rows, struct hf_json *root, struct hf_arena *arena)
{
    struct api_call call = { .arena = arena, .body = root };
    struct key_body body;
    const hf_err err = key_body_read(&call, rows, &body);
    HF_ASSERT(err == HF_OK || (err == HF_E_INVALID && call.error.status == 400));
    if (err != HF_OK)
        return;
    const struct vault_key_ops *ops = &body.change.ops;
    HF_ASSERT(ops->count <= VAULT_KEY_OPS_MAX && (body.change.has_ops || ops->count == 0));
    for (size_t i = 0; i < ops->count; i++) {
        enum vault_key_op again = VAULT_KEY_ENCRYPT;
        HF_ASSERT(vault_key_op_parse(vault_key_op_name(ops->items[i]), &again) == HF_OK);
        HF_ASSERT(again == ops->items[i]);
    }
    HF_ASSERT(!body.exportable && body.release_policy == NULL);
    HF_ASSERT(rows != &key_import_body || body.jwk != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hf_arena *arena;
    if (size == 0 || size > INPUT_MAX_BYTES || data[0] >= HF_ARRAY_LEN(bodies) ||
        (arena == NULL && hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK))
        return 0;
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    if (hf_json_parse((hf_bytes){ data + 1, size - 1 }, NULL, &root) != HF_OK)
        return 0;
    try_rows(bodies[data[0]], root, arena);
    if (bodies[data[0]] == &secret_update_body)
        try_secret(root, arena);
    if (bodies[data[0]] == &key_create_body || bodies[data[0]] == &key_import_body ||
        bodies[data[0]] == &key_update_body)
        try_key(bodies[data[0]], root, arena);
    hf_arena_reset(arena);
    return 0;
}
