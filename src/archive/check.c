/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a whole backup before anything is done with it.
 */
#include "archive/internal.h"

static hf_err check_changes(hf_bytes changes)
{
    hf_err err = HF_OK;
    struct store_change change;
    while (err == HF_OK)
        err = store_change_next(&changes, &change);
    return err == HF_E_NOT_FOUND ? HF_OK : HF_E_CORRUPT;
}

static hf_err check_entry(const struct archive_item *item, hf_usec moment, bool *is_later,
                          struct archive_verdict *verdict)
{
    if (item->part == 0) {
        verdict->entries++;
        *is_later = *is_later || item->time > moment;
        if (!*is_later) {
            verdict->to_apply++;
            verdict->last_seq = item->seq;
        }
    }
    return check_changes(item->changes);
}

hf_err archive_check(struct archive_reader *reader, hf_usec moment, struct archive_verdict *out)
{
    struct archive_verdict verdict = { .last_seq = archive_reader_header(reader)->from,
                                       .data_bytes = archive_reader_end(reader)->data_bytes };
    struct archive_item item;
    bool is_later = false;
    hf_err err = HF_OK;
    archive_reader_rewind(reader);
    while (err == HF_OK) {
        err = archive_reader_next(reader, &item);
        if (err == HF_OK && item.kind == ARCHIVE_ITEM_ENTRY)
            err = check_entry(&item, moment, &is_later, &verdict);
    }
    archive_reader_rewind(reader);
    if (err != HF_E_NOT_FOUND)
        return err;
    *out = verdict;
    return HF_OK;
}
