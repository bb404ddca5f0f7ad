/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup files. The first byte chooses: 0 is a header as it lies in the file, 1 the end, anything else items as they are after
 * decryption. What can be read must be written to the same bytes.
 */
#include "archive/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The wrapped key needs the root key, so a header is not written again. */
static void try_header(hf_bytes bytes)
{
    struct archive_header_view view;
    if (archive_header_parse(bytes, &view) != HF_OK)
        return;
    if (view.header.seal.n > ARCHIVE_SEAL_MAX_BYTES || view.before_key.n + view.wrapped.n > bytes.n)
        abort();
}

static void try_end(hf_bytes bytes)
{
    struct archive_end end;
    struct hf_buf out;
    uint8_t memory[ARCHIVE_END_BYTES];
    if (archive_end_decode(bytes, &end) != HF_OK)
        return;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    archive_end_encode(&end, &out);
    if (hf_buf_err(&out) != HF_OK || !hf_bytes_equal(hf_buf_view(&out), bytes))
        abort();
}

static void try_changes(hf_bytes changes)
{
    struct store_change change;
    while (store_change_next(&changes, &change) == HF_OK) {
        if (change.key.n == 0 || change.key.n > STORE_KEY_MAX_BYTES)
            abort();
    }
}

static void try_items(hf_bytes bytes)
{
    hf_bytes rest = bytes;
    struct archive_item item;
    struct hf_buf out;
    hf_buf_init(&out, bytes.n + 1);
    while (archive_item_next(&rest, &item) == HF_OK) {
        archive_item_encode(&item, &out);
        if (item.kind == ARCHIVE_ITEM_ENTRY)
            try_changes(item.changes);
    }
    const hf_bytes read = { bytes.p, bytes.n - rest.n };
    if (hf_buf_err(&out) != HF_OK || !hf_bytes_equal(hf_buf_view(&out), read))
        abort();
    hf_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    if (data[0] == 0)
        try_header(input);
    else if (data[0] == 1)
        try_end(input);
    else
        try_items(input);
    return 0;
}
