/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an object: what belongs to a name and not to one of its versions, and a copy of the
 * newest version's metadata, so that reading the newest and listing take one record less.
 *
 *   name (field16), newest version (16), number of versions (4), created (8), deleted at (8),
 *   scheduled purge (8), the copy: the rest, as in version_record.c
 */
#include "base/reader.h"
#include "vault/internal.h"

#define FIELD16_OVERHEAD_BYTES 2

size_t vault_object_size(const struct vault_object *object)
{
    return FIELD16_OVERHEAD_BYTES + object->name.n + VAULT_UUID_BYTES + sizeof(uint32_t) +
           3 * VAULT_TIME_BYTES + object->copy.n;
}

void vault_object_encode(const struct vault_object *object, struct hf_buf *out)
{
    hf_buf_put_field16(out, hf_str_bytes(object->name));
    hf_buf_put(out, object->newest.b, sizeof(object->newest.b));
    hf_buf_put_u32(out, object->version_count);
    hf_buf_put_i64(out, object->created);
    hf_buf_put_i64(out, object->deleted_at);
    hf_buf_put_i64(out, object->scheduled_purge);
    hf_buf_put_bytes(out, object->copy);
}

hf_err vault_object_decode(hf_bytes plain, struct vault_object *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_object object = { .version_count = 0 };
    object.name = hf_bytes_str(hf_read_field16(&reader, VAULT_OBJECT_NAME_MAX_CHARS));
    hf_read_into(&reader, object.newest.b, sizeof(object.newest.b));
    object.version_count = hf_read_u32(&reader);
    object.created = hf_read_i64(&reader);
    object.deleted_at = hf_read_i64(&reader);
    object.scheduled_purge = hf_read_i64(&reader);
    object.copy = hf_read_bytes(&reader, hf_reader_left(&reader));
    if (hf_reader_finish(&reader) != HF_OK || !vault_object_name_is_valid(object.name) ||
        object.version_count == 0 || object.scheduled_purge < object.deleted_at ||
        (object.deleted_at == VAULT_TIME_NONE) != (object.scheduled_purge == VAULT_TIME_NONE))
        return HF_E_CORRUPT;
    *out = object;
    return HF_OK;
}

void vault_object_describe(const struct vault_object *object, const struct hf_uuid *id,
                           struct vault_version *out)
{
    out->name = object->name;
    out->id = *id;
    out->is_deleted = object->deleted_at != VAULT_TIME_NONE;
    out->deleted_at = object->deleted_at;
    out->scheduled_purge = object->scheduled_purge;
}

hf_err vault_object_newest(const struct vault_object *object, struct hf_arena *arena,
                           struct vault_version *out)
{
    hf_err err = vault_version_decode(object->copy, arena, out);
    if (err == HF_OK)
        vault_object_describe(object, &object->newest, out);
    return err;
}
