/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as percent-encoded text: what is decoded is encoded and decoded again, and must be the same. */
#include "base/assert.h"
#include "base/encode.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(hf_str text, bool form)
{
    struct hf_buf plain;
    struct hf_buf again;
    struct hf_buf back;
    hf_buf_init(&plain, text.n);
    hf_buf_init(&again, 3 * text.n);
    hf_buf_init(&back, text.n);
    if (hf_percent_decode(text, form, &plain) == HF_OK) {
        hf_buf_put_percent(&again, hf_buf_str(&plain));
        /* A NUL may stand in the text as it is, but not as an escape. */
        const bool has_nul = hf_str_find(hf_buf_str(&plain), '\0') < plain.n;
        HF_ASSERT((hf_percent_decode(hf_buf_str(&again), form, &back) == HF_OK) == !has_nul);
        HF_ASSERT(has_nul || hf_bytes_equal(hf_buf_view(&plain), hf_buf_view(&back)));
    } else {
        HF_ASSERT(plain.n == 0);
    }
    hf_buf_done(&plain);
    hf_buf_done(&again);
    hf_buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const hf_str text = hf_bytes_str((hf_bytes){ data, size });
    check(text, false);
    check(text, true);
    (void)hf_utf8_valid(text);
    return 0;
}
