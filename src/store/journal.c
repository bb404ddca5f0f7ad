/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal. Keys: class, sequence number, part; values: time, changes. A change is its kind, the
 * key's length (2 bytes) and the key, and for a put the value's length (4 bytes) and the value; all
 * numbers big-endian. The record of number 0 holds the number after which entries are missing. The
 * newest number is that of the last key: so an entry costs one put, and trimming keeps the last.
 */
#include "store/journal.h"

#include "base/assert.h"
#include "base/reader.h"
#include "store/limits.h"

#include <string.h>

#define KEY_BYTES 13
#define TIME_BYTES 8
#define GAP_BYTES 8

enum change_kind {
    CHANGE_PUT = 1,
    CHANGE_DELETE = 2,
};

static const uint8_t journal_class[] = { STORE_CLASS_JOURNAL };

/* ---- keys and values ---- */

static hf_bytes make_key(uint64_t seq, uint32_t part, uint8_t memory[KEY_BYTES])
{
    struct hf_buf key;
    hf_buf_init_fixed(&key, memory, KEY_BYTES);
    hf_buf_put_u8(&key, STORE_CLASS_JOURNAL);
    hf_buf_put_u64(&key, seq);
    hf_buf_put_u32(&key, part);
    HF_ASSERT(hf_buf_err(&key) == HF_OK);
    return hf_buf_view(&key);
}

static hf_err parse_entry(hf_bytes key, hf_bytes value, struct store_journal_entry *out)
{
    struct hf_reader reader = hf_reader_of(key);
    (void)hf_read_u8(&reader);
    out->seq = hf_read_u64(&reader);
    out->part = hf_read_u32(&reader);
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_CORRUPT;
    reader = hf_reader_of(value);
    out->time = hf_read_i64(&reader);
    out->changes = hf_read_bytes(&reader, hf_reader_left(&reader));
    return hf_reader_finish(&reader) == HF_OK ? HF_OK : HF_E_CORRUPT;
}

/* 0: no gap was ever left. */
static hf_err read_gap(struct store_txn *txn, uint64_t *out, bool *out_exists)
{
    uint8_t memory[KEY_BYTES];
    hf_bytes value = { 0 };
    *out = 0;
    hf_err err = store_get(txn, make_key(0, 0, memory), &value);
    *out_exists = err == HF_OK;
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_OK : err;
    struct hf_reader reader = hf_reader_of(value);
    *out = hf_read_u64(&reader);
    return hf_reader_finish(&reader) == HF_OK ? HF_OK : HF_E_CORRUPT;
}

static hf_err read_newest(struct store_txn *txn, uint64_t *out)
{
    hf_bytes key = { 0 };
    *out = 0;
    hf_err err = store_engine_last_below(
        txn, (hf_bytes){ (const uint8_t[]){ STORE_CLASS_JOURNAL + 1 }, 1 }, &key);
    if (err == HF_E_NOT_FOUND || (err == HF_OK && key.p[0] != STORE_CLASS_JOURNAL))
        return HF_OK;
    if (err != HF_OK)
        return err;
    if (key.n != KEY_BYTES)
        return HF_E_CORRUPT;
    struct hf_reader reader = hf_reader_of((hf_bytes){ key.p + 1, key.n - 1 });
    *out = hf_read_u64(&reader);
    return HF_OK;
}

/* ---- reading ---- */

hf_err store_journal_next(struct store_txn *txn, uint64_t seq, uint32_t part,
                          struct store_journal_entry *out)
{
    uint8_t memory[KEY_BYTES];
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    const hf_bytes prefix = { journal_class, sizeof(journal_class) };
    hf_err err = store_cursor_open(txn, prefix, make_key(seq > 0 ? seq : 1, part, memory), false,
                                   &cursor);
    if (err != HF_OK)
        return err;
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    err = store_cursor_next(cursor, &key, &value);
    return err == HF_OK ? parse_entry(key, value, out) : err;
}

hf_err store_journal_range(struct store_txn *txn, struct store_journal_range *out)
{
    uint64_t gap = 0;
    bool has_gap = false;
    struct store_journal_range range = { 0 };
    hf_err err = read_gap(txn, &gap, &has_gap);
    if (err == HF_OK)
        err = read_newest(txn, &range.last);
    if (err != HF_OK)
        return err;
    if (has_gap && range.last <= gap)
        range.last = gap + 1; /* the missing commits' one number */
    struct store_journal_entry entry;
    err = store_journal_next(txn, has_gap ? gap + 1 : 1, 0, &entry);
    if (err == HF_OK)
        range.first = entry.seq;
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return err;
    *out = range;
    return HF_OK;
}

/* ---- changes ---- */

hf_err store_journal_note(struct hf_buf *changes, hf_bytes key, const hf_bytes *value)
{
    if (key.p[0] == STORE_CLASS_JOURNAL || key.p[0] == STORE_CLASS_AUDIT_HEAD)
        return HF_OK;
    hf_buf_put_u8(changes, value != NULL ? CHANGE_PUT : CHANGE_DELETE);
    hf_buf_put_field16(changes, key);
    if (value != NULL)
        hf_buf_put_field32(changes, *value);
    return hf_buf_err(changes);
}

hf_err store_change_next(hf_bytes *changes, struct store_change *out)
{
    if (changes->n == 0)
        return HF_E_NOT_FOUND;
    struct hf_reader reader = hf_reader_of(*changes);
    uint8_t kind = hf_read_u8(&reader);
    struct store_change change = { .is_delete = kind == CHANGE_DELETE };
    change.key = hf_read_field16(&reader, STORE_KEY_MAX_BYTES);
    if (kind == CHANGE_PUT)
        change.value = hf_read_field32(&reader, STORE_VALUE_MAX_BYTES);
    bool is_known = kind == CHANGE_PUT || kind == CHANGE_DELETE;
    if (reader.err != HF_OK || !is_known || change.key.n == 0)
        return HF_E_CORRUPT;
    *changes = (hf_bytes){ reader.p, hf_reader_left(&reader) };
    *out = change;
    return HF_OK;
}

hf_err store_journal_apply(struct store_txn *txn, hf_bytes changes)
{
    struct store_change change;
    hf_err err = HF_OK;
    while ((err = store_change_next(&changes, &change)) == HF_OK) {
        err = change.is_delete ? store_delete(txn, change.key)
                               : store_put(txn, change.key, change.value);
        if (err != HF_OK && !(change.is_delete && err == HF_E_NOT_FOUND))
            return err;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* ---- writing ---- */

static hf_err load(struct store_journal *journal, struct store_txn *txn)
{
    struct store_journal_range range;
    hf_err err = store_journal_range(txn, &range);
    if (err != HF_OK)
        return err;
    journal->last = range.last;
    journal->must_mark_gap = journal->clock == NULL && range.first > 0;
    return HF_OK;
}

hf_err store_journal_init(struct store_journal *journal, const struct store_config *config,
                          struct store_engine *engine)
{
    if (config->journal && config->clock == NULL)
        return HF_E_INVALID;
    *journal = (struct store_journal){ .clock = config->journal ? config->clock : NULL };
    struct store_txn txn = { 0 };
    hf_err err = store_engine_reader_open(engine, &txn);
    if (err != HF_OK)
        return err;
    err = store_engine_reader_renew(&txn);
    if (err == HF_OK)
        err = load(journal, &txn);
    store_engine_reader_close(&txn);
    hf_buf_init(&journal->changes, STORE_JOURNAL_BATCH_MAX_BYTES);
    return err;
}

void store_journal_done(struct store_journal *journal)
{
    hf_buf_done(&journal->changes);
}

void store_journal_begin(struct store_journal *journal, struct store_txn *txn)
{
    journal->next = 0;
    if (journal->clock == NULL)
        return;
    hf_buf_reset(&journal->changes);
    txn->log = &journal->changes;
}

/* Takes whole changes off the list, about one part's worth. */
static hf_err cut_part(hf_bytes *changes, hf_bytes *part)
{
    struct store_change change;
    hf_bytes rest = *changes;
    *part = *changes;
    while (rest.n > 0 && changes->n - rest.n < STORE_JOURNAL_PART_BYTES) {
        hf_err err = store_change_next(&rest, &change);
        if (err != HF_OK)
            return err;
    }
    part->n = changes->n - rest.n;
    *changes = rest;
    return HF_OK;
}

static hf_err put_entry(struct store_txn *txn, uint64_t seq, hf_usec time, hf_bytes changes)
{
    uint8_t time_memory[TIME_BYTES];
    struct hf_buf head;
    hf_buf_init_fixed(&head, time_memory, sizeof(time_memory));
    hf_buf_put_i64(&head, time);
    for (uint32_t part = 0; changes.n > 0; part++) {
        uint8_t memory[KEY_BYTES];
        hf_bytes some = changes;
        if (part > 0 || changes.n > STORE_JOURNAL_PART_BYTES) {
            hf_err err = cut_part(&changes, &some);
            if (err != HF_OK)
                return err;
        } else {
            changes.n = 0;
        }
        hf_err err = store_engine_put_joined(txn, make_key(seq, part, memory), hf_buf_view(&head),
                                             some);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

static hf_err mark_gap(struct store_journal *journal, struct store_txn *txn)
{
    uint8_t memory[KEY_BYTES];
    uint8_t gap_memory[GAP_BYTES];
    struct hf_buf gap;
    hf_buf_init_fixed(&gap, gap_memory, sizeof(gap_memory));
    hf_buf_put_u64(&gap, journal->last);
    return store_put(txn, make_key(0, 0, memory), hf_buf_view(&gap));
}

hf_err store_journal_write(struct store_journal *journal, struct store_txn *txn)
{
    if (journal->must_mark_gap)
        return mark_gap(journal, txn);
    if (journal->clock == NULL || journal->changes.n == 0)
        return HF_OK;
    journal->next = journal->last + 1;
    return put_entry(txn, journal->next, hf_clock_now(journal->clock),
                     hf_buf_view(&journal->changes));
}

void store_journal_end(struct store_journal *journal, bool is_committed)
{
    if (journal->changes.cap > STORE_JOURNAL_KEPT_BYTES)
        hf_buf_done(&journal->changes);
    if (!is_committed)
        return;
    if (journal->next > 0)
        journal->last = journal->next;
    journal->must_mark_gap = false;
}

/* ---- trimming ---- */

struct trim {
    struct store_command command;
    bool before_gap; /* else by age */
    hf_usec older_than;
    size_t dropped;
};

static hf_err drop_entry(struct store_txn *txn, uint64_t seq)
{
    uint8_t memory[KEY_BYTES];
    hf_err err = HF_OK;
    for (uint32_t part = 0; err == HF_OK; part++)
        err = store_delete(txn, make_key(seq, part, memory));
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* By age the newest stays, whose number is where counting goes on; the record of a gap has a number too. */
static bool is_to_drop(const struct trim *trim, const struct store_journal_entry *entry,
                       uint64_t newest, uint64_t gap)
{
    if (trim->before_gap)
        return entry->seq <= gap;
    return entry->seq != newest && entry->time < trim->older_than;
}

static hf_err apply_trim(struct store_command *command, struct store_txn *txn)
{
    struct trim *trim = HF_CONTAINER_OF(command, struct trim, command);
    uint64_t newest = 0;
    uint64_t gap = 0;
    bool has_gap = false;
    struct store_journal_entry entry;
    trim->dropped = 0;
    hf_err err = read_newest(txn, &newest);
    if (err == HF_OK)
        err = read_gap(txn, &gap, &has_gap);
    while (err == HF_OK && trim->dropped < STORE_JOURNAL_TRIM_COUNT) {
        err = store_journal_next(txn, 1, 0, &entry);
        if (err != HF_OK || !is_to_drop(trim, &entry, newest, gap))
            break;
        err = drop_entry(txn, entry.seq);
        trim->dropped += err == HF_OK;
    }
    if (err == HF_E_NOT_FOUND && trim->dropped > 0)
        return HF_OK; /* that was all */
    if (err == HF_OK && trim->dropped == 0)
        return HF_E_NOT_FOUND; /* nothing to commit */
    return err;
}

static hf_err run_trim(struct store *store, struct trim *trim, size_t *dropped)
{
    hf_err err = store_apply(store, &trim->command);
    *dropped = err == HF_OK ? trim->dropped : 0;
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

hf_err store_journal_trim(struct store *store, hf_usec older_than, size_t *dropped)
{
    struct trim trim = { .command = { .apply = apply_trim }, .older_than = older_than };
    return run_trim(store, &trim, dropped);
}

hf_err store_journal_drop_before_gap(struct store *store, size_t *dropped)
{
    struct trim trim = { .command = { .apply = apply_trim }, .before_gap = true };
    return run_trim(store, &trim, dropped);
}
