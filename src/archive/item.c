/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of a backup's data, and its end, as bytes.
 *
 *   record, final   kind (u8) || key (field16) || value (field32)
 *   entry           kind (u8) || number (u64) || time (i64) || part (u32) || changes (field32)
 */
#include "archive/internal.h"
#include "base/reader.h"

void archive_item_encode(const struct archive_item *item, struct hf_buf *out)
{
    hf_buf_put_u8(out, (uint8_t)item->kind);
    if (item->kind == ARCHIVE_ITEM_ENTRY) {
        hf_buf_put_u64(out, item->seq);
        hf_buf_put_i64(out, item->time);
        hf_buf_put_u32(out, item->part);
        hf_buf_put_field32(out, item->changes);
    } else {
        hf_buf_put_field16(out, item->key);
        hf_buf_put_field32(out, item->value);
    }
}

static void read_record(struct hf_reader *reader, struct archive_item *out)
{
    out->key = hf_read_field16(reader, STORE_KEY_MAX_BYTES);
    out->value = hf_read_field32(reader, STORE_VALUE_MAX_BYTES);
}

static void read_entry(struct hf_reader *reader, struct archive_item *out)
{
    out->seq = hf_read_u64(reader);
    out->time = hf_read_i64(reader);
    out->part = hf_read_u32(reader);
    out->changes = hf_read_field32(reader, ARCHIVE_CHANGES_MAX_BYTES);
}

/* A record has a key, and never one of the journal's: a restored store begins its own. */
static bool is_sane(const struct archive_item *item)
{
    if (item->kind == ARCHIVE_ITEM_ENTRY)
        return item->seq > 0 && item->changes.n > 0;
    return item->key.n > 0 && item->key.p[0] != STORE_CLASS_JOURNAL;
}

hf_err archive_item_next(hf_bytes *rest, struct archive_item *out)
{
    struct hf_reader reader = hf_reader_of(*rest);
    struct archive_item item = { .kind = (enum archive_item_kind)hf_read_u8(&reader) };
    if (reader.err != HF_OK)
        return HF_E_TRUNCATED;
    switch (item.kind) {
    case ARCHIVE_ITEM_RECORD:
    case ARCHIVE_ITEM_FINAL:
        read_record(&reader, &item);
        break;
    case ARCHIVE_ITEM_ENTRY:
        read_entry(&reader, &item);
        break;
    default:
        return HF_E_CORRUPT;
    }
    if (reader.err != HF_OK)
        return reader.err == HF_E_TRUNCATED ? HF_E_TRUNCATED : HF_E_CORRUPT;
    if (!is_sane(&item))
        return HF_E_CORRUPT;
    *rest = (hf_bytes){ reader.p, hf_reader_left(&reader) };
    *out = item;
    return HF_OK;
}

void archive_end_encode(const struct archive_end *end, struct hf_buf *out)
{
    hf_buf_put_u64(out, end->to);
    hf_buf_put_i64(out, end->to_time);
    hf_buf_put_u64(out, end->records);
    hf_buf_put_u64(out, end->entries);
    hf_buf_put_u64(out, end->data_bytes);
}

hf_err archive_end_decode(hf_bytes bytes, struct archive_end *out)
{
    struct hf_reader reader = hf_reader_of(bytes);
    struct archive_end end = { 0 };
    end.to = hf_read_u64(&reader);
    end.to_time = hf_read_i64(&reader);
    end.records = hf_read_u64(&reader);
    end.entries = hf_read_u64(&reader);
    end.data_bytes = hf_read_u64(&reader);
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_CORRUPT;
    *out = end;
    return HF_OK;
}
