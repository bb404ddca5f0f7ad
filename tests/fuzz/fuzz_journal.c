/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of changes: each step takes something off, and views lie within what was given.
 */
#include "base/assert.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hf_bytes changes = { data, size };
    struct store_change change;
    size_t left = size;
    while (store_change_next(&changes, &change) == HF_OK) {
        HF_ASSERT(changes.n < left && changes.p + changes.n == data + size);
        HF_ASSERT(change.key.n > 0 && change.key.n <= STORE_KEY_MAX_BYTES);
        HF_ASSERT(change.key.p > data && change.key.p + change.key.n <= changes.p);
        HF_ASSERT(!change.is_delete || change.value.n == 0);
        HF_ASSERT(change.value.n == 0 || change.value.p + change.value.n == changes.p);
        left = changes.n;
    }
    return 0;
}
