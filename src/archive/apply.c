/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a backup into a store that nobody else uses.
 */
#include "archive/internal.h"

/* The store writes this record itself when it is made. */
static const uint8_t format_key[] = { STORE_CLASS_META, 'f', 'o', 'r', 'm', 'a', 't' };

/* Items to be applied in one commit. */
struct batch {
    struct store_command command;
    struct hf_buf items;
};

static hf_err put_record(struct store_txn *txn, hf_bytes key, hf_bytes value)
{
    if (!hf_bytes_equal(key, (hf_bytes){ format_key, sizeof(format_key) }))
        return store_put(txn, key, value);
    hf_bytes own;
    hf_err err = store_get(txn, key, &own);
    if (err != HF_OK)
        return err;
    return hf_bytes_equal(own, value) ? HF_OK : HF_E_FORMAT;
}

static hf_err apply_batch(struct store_command *command, struct store_txn *txn)
{
    const struct batch *batch = HF_CONTAINER_OF(command, struct batch, command);
    hf_bytes rest = hf_buf_view(&batch->items);
    while (rest.n > 0) {
        struct archive_item item;
        hf_err err = archive_item_next(&rest, &item);
        if (err == HF_OK)
            err = item.kind == ARCHIVE_ITEM_ENTRY ? store_journal_apply(txn, item.changes)
                                                  : put_record(txn, item.key, item.value);
        if (err != HF_OK)
            return err == HF_E_TRUNCATED ? HF_E_CORRUPT : err;
    }
    return HF_OK;
}

static hf_err commit(struct batch *batch, struct store *store)
{
    if (batch->items.n == 0)
        return HF_OK;
    hf_err err = hf_buf_err(&batch->items);
    if (err == HF_OK)
        err = store_apply(store, &batch->command);
    hf_buf_reset(&batch->items);
    return err;
}

hf_err archive_apply(struct archive_reader *reader, hf_usec moment, struct store *store)
{
    struct batch batch = { .command = { .apply = apply_batch } };
    hf_buf_init(&batch.items, ARCHIVE_APPLY_BYTES + ARCHIVE_ITEM_MAX_BYTES);
    struct archive_item item;
    hf_err err = HF_OK;
    archive_reader_rewind(reader);
    while (err == HF_OK) {
        err = archive_reader_next(reader, &item);
        if (err != HF_OK)
            break;
        if (item.kind == ARCHIVE_ITEM_ENTRY && item.time > moment) {
            err = HF_E_NOT_FOUND; /* and so all that follow */
            break;
        }
        archive_item_encode(&item, &batch.items);
        if (batch.items.n >= ARCHIVE_APPLY_BYTES)
            err = commit(&batch, store);
    }
    if (err == HF_E_NOT_FOUND)
        err = commit(&batch, store);
    hf_buf_done(&batch.items);
    archive_reader_rewind(reader);
    return err;
}
