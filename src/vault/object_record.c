/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an object: what belongs to a name and not to one of its versions.
 *
 *   name (field16), newest version (16), number of versions (4), created (8), deleted at (8),
 *   scheduled purge (8)
 */
#include "base/reader.h"
#include "vault/internal.h"

#include <string.h>

void vault_object_encode(const struct vault_object *object, struct hf_buf *out)
{
    hf_buf_put_field16(out, hf_str_bytes(hf_str_from_c(object->name)));
    hf_buf_put(out, object->newest.b, sizeof(object->newest.b));
    hf_buf_put_u32(out, object->version_count);
    hf_buf_put_i64(out, object->created);
    hf_buf_put_i64(out, object->deleted_at);
    hf_buf_put_i64(out, object->scheduled_purge);
}

hf_err vault_object_decode(hf_bytes plain, struct vault_object *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_object object = { .version_count = 0 };
    const hf_str name = hf_bytes_str(hf_read_field16(&reader, VAULT_OBJECT_NAME_MAX_CHARS));
    hf_read_into(&reader, object.newest.b, sizeof(object.newest.b));
    object.version_count = hf_read_u32(&reader);
    object.created = hf_read_i64(&reader);
    object.deleted_at = hf_read_i64(&reader);
    object.scheduled_purge = hf_read_i64(&reader);
    if (hf_reader_finish(&reader) != HF_OK || !vault_object_name_is_valid(name) ||
        object.version_count == 0 || object.scheduled_purge < object.deleted_at ||
        (object.deleted_at == VAULT_TIME_NONE) != (object.scheduled_purge == VAULT_TIME_NONE))
        return HF_E_CORRUPT;
    memcpy(object.name, name.p, name.n);
    *out = object;
    return HF_OK;
}
