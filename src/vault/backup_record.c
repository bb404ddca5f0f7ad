/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a backup blob.
 *
 *   blob     "HFBACKUP", format (1), subscription (16), backup id (16), sealed record
 *   content  collection (1), name (field16), created (8), newest version (16),
 *            number of versions (2), versions
 *   version  id (16), metadata as in a record of VAULT_VERSION_FORMAT (field32), value (field32)
 *
 * The head is the record's storage key, so it is authenticated, and the backup id gives each blob a
 * key of its own. Another metadata format means another blob format.
 */
#include "base/reader.h"
#include "vault/internal.h"

#define BACKUP_MAGIC HF_LIT("HFBACKUP")

_Static_assert(VAULT_BACKUP_VERSIONS_MAX *(VAULT_UUID_BYTES + 4 + VAULT_VERSION_RECORD_MAX_BYTES +
                                           4 + VAULT_VALUE_MAX_BYTES) +
                       VAULT_BACKUP_HEAD_BYTES + 256 <
                   VAULT_BACKUP_BLOB_MAX_BYTES,
               "the largest object can be backed up");

void vault_backup_put_head(const struct hf_uuid *subscription,
                           const uint8_t id[VAULT_BACKUP_ID_BYTES], struct hf_buf *out)
{
    hf_buf_put_str(out, BACKUP_MAGIC);
    hf_buf_put_u8(out, VAULT_BACKUP_FORMAT);
    hf_buf_put(out, subscription->b, sizeof(subscription->b));
    hf_buf_put(out, id, VAULT_BACKUP_ID_BYTES);
}

hf_err vault_backup_parse(hf_bytes blob, const struct hf_uuid *subscription, hf_bytes *out_head,
                          hf_bytes *out_record)
{
    if (blob.n > VAULT_BACKUP_BLOB_MAX_BYTES)
        return HF_E_BAD_BLOB;
    struct hf_reader reader = hf_reader_of(blob);
    struct hf_uuid blob_subscription;
    const hf_bytes magic = hf_read_bytes(&reader, BACKUP_MAGIC.n);
    const uint8_t format = hf_read_u8(&reader);
    hf_read_into(&reader, blob_subscription.b, sizeof(blob_subscription.b));
    (void)hf_read_bytes(&reader, VAULT_BACKUP_ID_BYTES);
    const hf_bytes record = hf_read_bytes(&reader, hf_reader_left(&reader));
    if (hf_reader_finish(&reader) != HF_OK || !hf_str_equal(hf_bytes_str(magic), BACKUP_MAGIC) ||
        format != VAULT_BACKUP_FORMAT || !hf_uuid_equal(&blob_subscription, subscription))
        return HF_E_BAD_BLOB;
    *out_head = (hf_bytes){ blob.p, VAULT_BACKUP_HEAD_BYTES };
    *out_record = record;
    return HF_OK;
}

void vault_backup_put_object(const struct vault_backup *backup, struct hf_buf *out)
{
    hf_buf_put_u8(out, (uint8_t)backup->collection);
    hf_buf_put_field16(out, hf_str_bytes(backup->name));
    hf_buf_put_i64(out, backup->created);
    hf_buf_put(out, backup->newest.b, sizeof(backup->newest.b));
    hf_buf_put_u16(out, (uint16_t)backup->version_count);
}

void vault_backup_encode(const struct vault_backup *backup, struct hf_buf *out)
{
    vault_backup_put_object(backup, out);
    for (size_t i = 0; i < backup->version_count; i++) {
        hf_buf_put(out, backup->versions[i].id.b, sizeof(backup->versions[i].id.b));
        hf_buf_put_field32(out, backup->versions[i].metadata);
        hf_buf_put_field32(out, backup->versions[i].value);
    }
}

static hf_err read_version(const struct vault_kind *kind, struct hf_reader *reader,
                           struct hf_arena *arena, struct vault_backup_version *out)
{
    struct vault_version version;
    hf_read_into(reader, out->id.b, sizeof(out->id.b));
    out->metadata = hf_read_field32(reader, VAULT_VERSION_RECORD_MAX_BYTES);
    out->value = hf_read_field32(reader, kind->value_max_bytes);
    if (reader->err != HF_OK)
        return HF_E_BAD_BLOB;
    hf_err err = vault_version_decode(out->metadata, arena, &version);
    if (err == HF_OK && vault_tags_check(&version.tags, kind->tag_max_chars, NULL) != HF_OK)
        err = HF_E_CORRUPT;
    if (err == HF_OK)
        err = kind->check(version.particulars, out->value);
    return err == HF_E_CORRUPT ? HF_E_BAD_BLOB : err;
}

static bool is_before(const struct hf_uuid *a, const struct hf_uuid *b)
{
    return hf_str_compare(hf_bytes_str((hf_bytes){ a->b, sizeof(a->b) }),
                          hf_bytes_str((hf_bytes){ b->b, sizeof(b->b) })) < 0;
}

/* In strict order of id, so none stands twice; the newest is one of them. */
static hf_err read_versions(const struct vault_kind *kind, struct hf_reader *reader,
                            struct hf_arena *arena, struct vault_backup *backup)
{
    bool is_newest_there = false;
    for (size_t i = 0; i < backup->version_count; i++) {
        struct vault_backup_version *version = &backup->versions[i];
        hf_err err = read_version(kind, reader, arena, version);
        if (err != HF_OK)
            return err;
        if (i > 0 && !is_before(&version[-1].id, &version->id))
            return HF_E_BAD_BLOB;
        is_newest_there |= hf_uuid_equal(&version->id, &backup->newest);
    }
    return is_newest_there ? HF_OK : HF_E_BAD_BLOB;
}

hf_err vault_backup_decode(const struct vault_kind *kind, hf_bytes plain, struct hf_arena *arena,
                           struct vault_backup *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_backup backup = { .collection = kind->collection };
    const uint8_t collection = hf_read_u8(&reader);
    backup.name = hf_bytes_str(hf_read_field16(&reader, VAULT_OBJECT_NAME_MAX_CHARS));
    backup.created = hf_read_i64(&reader);
    hf_read_into(&reader, backup.newest.b, sizeof(backup.newest.b));
    backup.version_count = hf_read_u16(&reader);
    if (reader.err != HF_OK || collection != kind->collection ||
        !vault_object_name_is_valid(backup.name) || backup.version_count == 0 ||
        backup.version_count > VAULT_BACKUP_VERSIONS_MAX)
        return HF_E_BAD_BLOB;
    backup.versions = hf_arena_alloc_array(arena, backup.version_count, sizeof(*backup.versions));
    if (backup.versions == NULL)
        return HF_E_NOMEM;
    hf_err err = read_versions(kind, &reader, arena, &backup);
    if (err != HF_OK)
        return err;
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_BAD_BLOB;
    *out = backup;
    return HF_OK;
}
