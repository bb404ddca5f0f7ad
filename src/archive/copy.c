/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the store into a backup, while the server goes on. Each snapshot is ended before the disk is waited for: a long one would
 * keep the store from growing.
 */
#include "archive/internal.h"

#include <string.h>

/* What was copied in one snapshot, as items. */
struct copied {
    struct hf_buf items;
    uint8_t last[STORE_KEY_MAX_BYTES]; /* the last key looked at; last_n 0: none yet */
    size_t last_n;
    uint64_t records;
    bool is_end;
};

/* The journal may be longer than all the rest: the next snapshot goes on behind it. */
static void step_over_journal(struct copied *copied)
{
    memset(copied->last, UINT8_MAX, sizeof(copied->last));
    copied->last[0] = STORE_CLASS_JOURNAL;
    copied->last_n = sizeof(copied->last);
}

/* HF_E_NOT_FOUND: nothing more in this snapshot. */
static hf_err copy_next(struct store_cursor *cursor, struct copied *copied)
{
    struct archive_item item = { .kind = ARCHIVE_ITEM_RECORD };
    hf_err err = store_cursor_next(cursor, &item.key, &item.value);
    copied->is_end = err == HF_E_NOT_FOUND;
    if (err != HF_OK)
        return err;
    if (item.key.p[0] == STORE_CLASS_JOURNAL) {
        step_over_journal(copied);
        return HF_E_NOT_FOUND;
    }
    memcpy(copied->last, item.key.p, item.key.n);
    copied->last_n = item.key.n;
    archive_item_encode(&item, &copied->items);
    copied->records++;
    return hf_buf_err(&copied->items);
}

static hf_err copy_some(struct store_txn *txn, struct copied *copied)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    const hf_bytes from = { copied->last, copied->last_n };
    hf_err err = store_cursor_open(txn, (hf_bytes){ NULL, 0 }, from, copied->last_n > 0, &cursor);
    for (size_t i = 0; i < ARCHIVE_COPY_COUNT && err == HF_OK; i++) {
        if (copied->items.n >= ARCHIVE_COPY_BYTES)
            break;
        err = copy_next(cursor, copied);
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* In one snapshot, or, if it is NULL, in one for each piece. */
static hf_err copy_piece(struct store_reader *reader, struct store_txn *snapshot,
                         struct copied *copied)
{
    if (snapshot != NULL)
        return copy_some(snapshot, copied);
    struct store_txn *txn = NULL;
    hf_err err = store_read_begin(reader, &txn);
    if (err == HF_OK)
        err = copy_some(txn, copied);
    store_read_end(txn);
    return err;
}

static hf_err copy_all(struct store_reader *reader, struct store_txn *snapshot,
                       const atomic_bool *stop, struct archive_writer *writer)
{
    struct copied copied = { .last_n = 0 };
    hf_err err = HF_OK;
    hf_buf_init(&copied.items, ARCHIVE_COPY_BYTES + ARCHIVE_ITEM_MAX_BYTES);
    while (err == HF_OK && !copied.is_end) {
        hf_buf_reset(&copied.items);
        copied.records = 0;
        err = atomic_load(stop) ? HF_E_UNAVAILABLE : copy_piece(reader, snapshot, &copied);
        if (err == HF_OK) {
            archive_put_items(writer, hf_buf_view(&copied.items), copied.records);
            err = archive_writer_err(writer);
        }
    }
    hf_buf_done(&copied.items);
    return err;
}

hf_err archive_copy_records(struct store *store, const atomic_bool *stop,
                            struct archive_writer *writer)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    hf_err err = store_reader_new(store, &reader);
    return err == HF_OK ? copy_all(reader, NULL, stop, writer) : err;
}

hf_err archive_copy_snapshot(struct store_txn *snapshot, const atomic_bool *stop,
                             struct archive_writer *writer)
{
    return copy_all(NULL, snapshot, stop, writer);
}

/* ---- the journal ---- */

/* What comes next, and what was taken in one snapshot. */
struct journal_place {
    uint64_t seq; /* of the last entry taken */
    uint32_t next_part;
    uint64_t to;
    struct hf_buf items;
    uint64_t entries;
    bool is_end;
};

/* Every number from the first to the last, each from part 0. */
static bool follows(const struct journal_place *place, const struct store_journal_entry *entry)
{
    if (entry->seq == place->seq)
        return entry->part == place->next_part;
    return entry->seq == place->seq + 1 && entry->part == 0;
}

static hf_err take_entry(struct store_txn *txn, struct journal_place *place)
{
    struct store_journal_entry entry;
    const uint64_t seq = place->next_part > 0 ? place->seq : place->seq + 1;
    hf_err err = store_journal_next(txn, seq, place->next_part, &entry);
    if (err == HF_E_NOT_FOUND || (err == HF_OK && entry.seq > place->to)) {
        place->is_end = true;
        return place->seq == place->to ? HF_OK : HF_E_CONFLICT;
    }
    if (err != HF_OK)
        return err;
    if (!follows(place, &entry))
        return HF_E_CONFLICT;
    const struct archive_item item = { .kind = ARCHIVE_ITEM_ENTRY,
                                       .seq = entry.seq,
                                       .time = entry.time,
                                       .part = entry.part,
                                       .changes = entry.changes };
    archive_item_encode(&item, &place->items);
    place->entries += entry.part == 0;
    place->seq = entry.seq;
    place->next_part = entry.part + 1;
    return hf_buf_err(&place->items);
}

static hf_err take_some(struct store_reader *reader, struct journal_place *place)
{
    struct store_txn *txn = NULL;
    hf_err err = store_read_begin(reader, &txn);
    for (size_t i = 0; i < ARCHIVE_COPY_COUNT && err == HF_OK && !place->is_end; i++) {
        if (place->items.n >= ARCHIVE_COPY_BYTES)
            break;
        err = take_entry(txn, place);
    }
    store_read_end(txn);
    return err;
}

hf_err archive_copy_journal(struct store *store, uint64_t from, uint64_t to,
                            const atomic_bool *stop, struct archive_writer *writer)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    struct journal_place place = { .seq = from, .to = to, .is_end = from == to };
    hf_buf_init(&place.items, ARCHIVE_COPY_BYTES + ARCHIVE_ITEM_MAX_BYTES);
    hf_err err = store_reader_new(store, &reader);
    while (err == HF_OK && !place.is_end) {
        hf_buf_reset(&place.items);
        place.entries = 0;
        err = atomic_load(stop) ? HF_E_UNAVAILABLE : take_some(reader, &place);
        if (err == HF_OK) {
            archive_put_entries(writer, hf_buf_view(&place.items), place.entries);
            err = archive_writer_err(writer);
        }
    }
    hf_buf_done(&place.items);
    return err;
}
