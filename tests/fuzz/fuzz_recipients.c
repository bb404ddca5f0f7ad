/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of the holders of shares: whatever is accepted can be a program's argument, and is read again as the same holders.
 */
#include "base/assert.h"
#include "server/operator_recipient.h"

#define AGAIN_MAX_BYTES ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(hf_str item)
{
    HF_ASSERT(item.n > 0 && item.n <= OPERATOR_RECIPIENT_MAX_BYTES);
    for (size_t i = 0; i < item.n; i++)
        HF_ASSERT(hf_is_digit(item.p[i]) || (item.p[i] >= 'a' && item.p[i] <= 'z') ||
                  (item.p[i] >= 'A' && item.p[i] <= 'F'));
    HF_ASSERT(operator_recipient_suffix(item)[0] == '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_diag diag = { 0 };
    struct operator_recipients list;
    const hf_str text = { (const char *)data, size };
    if (operator_recipients_parse(text, "list", &diag, &list) != HF_OK) {
        HF_ASSERT(diag.text[0] != '\0');
        return 0;
    }
    HF_ASSERT(list.count > 0 && list.count <= SEAL_SHARES_MAX);
    HF_CLEANUP(hf_buf_done) struct hf_buf again;
    hf_buf_init(&again, AGAIN_MAX_BYTES);
    for (size_t i = 0; i < list.count; i++) {
        check_item(list.item[i]);
        hf_buf_put_str(&again, list.item[i]);
        hf_buf_put_u8(&again, '\n');
    }
    HF_ASSERT(hf_buf_err(&again) == HF_OK);
    struct operator_recipients second;
    HF_ASSERT(operator_recipients_parse(hf_buf_str(&again), "list", NULL, &second) == HF_OK);
    HF_ASSERT(second.count == list.count);
    for (size_t i = 0; i < list.count; i++)
        HF_ASSERT(hf_str_equal(second.item[i], list.item[i]));
    return 0;
}
