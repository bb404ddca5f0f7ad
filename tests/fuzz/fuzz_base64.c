/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as base64, and as bytes to encode: each form must come back. */
#include "base/assert.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Strict text has exactly one form, so encoding gives it back. */
static void check_strict(hf_str text)
{
    struct hf_buf plain;
    struct hf_buf again;
    hf_buf_init(&plain, text.n);
    hf_buf_init(&again, text.n);
    if (hf_base64url_decode_strict(text, &plain) == HF_OK) {
        hf_buf_put_base64url(&again, hf_buf_view(&plain));
        HF_ASSERT(hf_str_equal(text, hf_buf_str(&again)));
    }
    hf_buf_done(&plain);
    hf_buf_done(&again);
}

static void check_lenient(hf_str text)
{
    struct hf_buf plain;
    struct hf_buf again;
    hf_buf_init(&plain, text.n);
    hf_buf_init(&again, 2 * text.n + 4);
    if (hf_base64_decode(text, &plain) == HF_OK) {
        hf_buf_put_base64url(&again, hf_buf_view(&plain));
        HF_ASSERT(again.n <= text.n);
    } else {
        HF_ASSERT(plain.n == 0);
    }
    hf_buf_done(&plain);
    hf_buf_done(&again);
}

static void check_encode(hf_bytes plain)
{
    struct hf_buf text;
    struct hf_buf back;
    hf_buf_init(&text, 2 * plain.n + 4);
    hf_buf_init(&back, plain.n);
    hf_buf_put_base64(&text, plain);
    HF_ASSERT(hf_base64_decode(hf_buf_str(&text), &back) == HF_OK);
    HF_ASSERT(hf_bytes_equal(plain, hf_buf_view(&back)));
    hf_buf_done(&text);
    hf_buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const hf_bytes input = { data, size };
    check_strict(hf_bytes_str(input));
    check_lenient(hf_bytes_str(input));
    check_encode(input);
    return 0;
}
