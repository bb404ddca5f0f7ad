/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain forms of access/'s records, and reading them from the store. All are sealed (crypto/record.h); a record that
 * authenticates but does not parse is corrupt all the same.
 */
#include "access/internal.h"

static void put_uuid(struct hf_buf *out, const struct hf_uuid *uuid)
{
    hf_buf_put(out, uuid->b, sizeof(uuid->b));
}

static void read_uuid(struct hf_reader *reader, struct hf_uuid *out)
{
    hf_read_into(reader, out->b, sizeof(out->b));
}

/* Whatever is wrong with a record's plain form, it is corrupt. */
HF_MUST static hf_err finish(const struct hf_reader *reader)
{
    return hf_reader_finish(reader) == HF_OK ? HF_OK : HF_E_CORRUPT;
}

hf_err access_principal_encode(const struct access_principal *principal, struct hf_buf *out)
{
    hf_buf_put_u8(out, (uint8_t)principal->kind);
    hf_buf_put_u8(out, principal->enabled ? 1 : 0);
    put_uuid(out, &principal->client_id);
    hf_buf_put_i64(out, principal->created);
    hf_buf_put_field16(out, hf_str_bytes(principal->name));
    return hf_buf_err(out);
}

hf_err access_principal_decode(hf_bytes plain, struct access_principal *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct access_principal principal = { .enabled = false };
    uint8_t kind = hf_read_u8(&reader);
    uint8_t enabled = hf_read_u8(&reader);
    read_uuid(&reader, &principal.client_id);
    principal.created = hf_read_i64(&reader);
    principal.name = hf_bytes_str(hf_read_field16(&reader, ACCESS_RECORD_MAX_BYTES));
    hf_err err = finish(&reader);
    if (err != HF_OK)
        return err;
    if (enabled > 1 || (kind != ACCESS_APPLICATION && kind != ACCESS_MANAGED_IDENTITY))
        return HF_E_CORRUPT;
    principal.kind = (enum access_principal_kind)kind;
    principal.enabled = enabled == 1;
    *out = principal;
    return HF_OK;
}

hf_err access_client_encode(const struct hf_uuid *object_id, struct hf_buf *out)
{
    put_uuid(out, object_id);
    return hf_buf_err(out);
}

hf_err access_client_decode(hf_bytes plain, struct hf_uuid *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct hf_uuid object_id;
    read_uuid(&reader, &object_id);
    hf_err err = finish(&reader);
    if (err == HF_OK)
        *out = object_id;
    return err;
}

hf_err access_credential_encode(const struct access_credential_record *record, struct hf_buf *out)
{
    hf_buf_put_u8(out, (uint8_t)record->info.kind);
    hf_buf_put_i64(out, record->info.created);
    hf_buf_put_i64(out, record->info.expires);
    if (record->info.kind == ACCESS_CERTIFICATE) {
        hf_buf_put_i64(out, record->not_before);
        hf_buf_put(out, record->info.sha256, sizeof(record->info.sha256));
        hf_buf_put(out, record->info.sha1, sizeof(record->info.sha1));
        hf_buf_put_field32(out, record->certificate);
    } else {
        hf_buf_put(out, record->salt, sizeof(record->salt));
        hf_buf_put(out, record->digest, sizeof(record->digest));
    }
    return hf_buf_err(out);
}

hf_err access_credential_decode(hf_bytes plain, struct access_credential_record *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct access_credential_record record = { .not_before = 0 };
    uint8_t kind = hf_read_u8(&reader);
    record.info.created = hf_read_i64(&reader);
    record.info.expires = hf_read_i64(&reader);
    if (kind == ACCESS_CERTIFICATE) {
        record.not_before = hf_read_i64(&reader);
        hf_read_into(&reader, record.info.sha256, sizeof(record.info.sha256));
        hf_read_into(&reader, record.info.sha1, sizeof(record.info.sha1));
        record.certificate = hf_read_field32(&reader, ACCESS_CERTIFICATE_MAX_BYTES);
    } else if (kind == ACCESS_CLIENT_SECRET || kind == ACCESS_IDENTITY_HEADER) {
        hf_read_into(&reader, record.salt, sizeof(record.salt));
        hf_read_into(&reader, record.digest, sizeof(record.digest));
    } else {
        return HF_E_CORRUPT;
    }
    record.info.kind = (enum access_credential_kind)kind;
    hf_err err = finish(&reader);
    if (err == HF_OK)
        *out = record;
    return err;
}

hf_err access_assignment_encode(const struct access_assignment *assignment, struct hf_buf *out)
{
    put_uuid(out, &assignment->role->id);
    hf_buf_put_i64(out, assignment->created);
    hf_buf_put_field16(out, hf_str_bytes(assignment->scope));
    return hf_buf_err(out);
}

hf_err access_assignment_decode(hf_bytes plain, struct access_assignment *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct access_assignment assignment = { .role = NULL };
    struct hf_uuid role_id;
    read_uuid(&reader, &role_id);
    assignment.created = hf_read_i64(&reader);
    assignment.scope = hf_bytes_str(hf_read_field16(&reader, ACCESS_SCOPE_MAX_BYTES));
    hf_err err = finish(&reader);
    if (err != HF_OK)
        return err;
    /* A role that a newer version knows: not guessed at. */
    if (access_role_by_id(&role_id, &assignment.role) != HF_OK)
        return HF_E_FORMAT;
    if (assignment.scope.n == 0)
        return HF_E_CORRUPT;
    *out = assignment;
    return HF_OK;
}

hf_err access_signing_encode(const struct access_signing_record *record, struct hf_buf *out)
{
    hf_buf_put_i64(out, record->created);
    hf_buf_put_i64(out, record->signs_from);
    hf_buf_put_i64(out, record->token_lifetime);
    hf_buf_put_field32(out, record->certificate);
    return hf_buf_err(out);
}

hf_err access_signing_decode(hf_bytes plain, struct access_signing_record *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct access_signing_record record = { .created = hf_read_i64(&reader) };
    record.signs_from = hf_read_i64(&reader);
    record.token_lifetime = hf_read_i64(&reader);
    record.certificate = hf_read_field32(&reader, ACCESS_CERTIFICATE_MAX_BYTES);
    hf_err err = finish(&reader);
    if (err == HF_OK)
        *out = record;
    return err;
}

hf_err access_record_read(struct crypto_record_key *record_key, struct store_txn *txn,
                          const struct access_key *key, uint8_t format, struct hf_buf *plain)
{
    hf_buf_init(plain, ACCESS_RECORD_MAX_BYTES);
    hf_bytes value = { NULL, 0 };
    hf_err err = store_get(txn, access_key_view(key), &value);
    if (err != HF_OK)
        return err;
    return crypto_record_open(record_key, access_key_view(key), format, value, plain);
}

hf_err access_scan_open(struct access_scan *scan, struct crypto_record_key *record_key,
                        struct store_txn *txn, const struct access_key *prefix, uint8_t format)
{
    *scan = (struct access_scan){ .record_key = record_key, .prefix = *prefix, .format = format };
    hf_buf_init(&scan->plain, ACCESS_RECORD_MAX_BYTES);
    return store_cursor_open(txn, access_key_view(&scan->prefix), (hf_bytes){ NULL, 0 }, false,
                             &scan->cursor);
}

hf_err access_scan_next(struct access_scan *scan)
{
    hf_bytes value = { NULL, 0 };
    hf_err err = store_cursor_next(scan->cursor, &scan->key, &value);
    if (err != HF_OK)
        return err;
    hf_buf_reset(&scan->plain);
    return crypto_record_open(scan->record_key, scan->key, scan->format, value, &scan->plain);
}

void access_scan_close(struct access_scan *scan)
{
    store_cursor_close(scan->cursor);
    scan->cursor = NULL;
    hf_buf_done(&scan->plain);
}

hf_err access_count(struct store_txn *txn, const struct access_key *prefix, size_t *out)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, access_key_view(prefix), (hf_bytes){ NULL, 0 }, false,
                                   &cursor);
    size_t count = 0;
    while (err == HF_OK) {
        hf_bytes key = { NULL, 0 };
        hf_bytes value = { NULL, 0 };
        err = store_cursor_next(cursor, &key, &value);
        count += err == HF_OK ? 1 : 0;
    }
    if (err != HF_E_NOT_FOUND)
        return err;
    *out = count;
    return HF_OK;
}
