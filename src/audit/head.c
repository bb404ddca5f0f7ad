/* SPDX-License-Identifier: Apache-2.0 */
/* The log's head as a record of the store. */
#include "audit/audit.h"

#include "base/reader.h"

#include <string.h>

#define HEAD_FORMAT 1

void audit_head_encode(const struct audit_head *head, uint8_t out[AUDIT_HEAD_BYTES])
{
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, out, AUDIT_HEAD_BYTES);
    hf_buf_put_u8(&buf, HEAD_FORMAT);
    hf_buf_put_u64(&buf, head->seq);
    hf_buf_put(&buf, head->hash, sizeof(head->hash));
}

hf_err audit_head_decode(hf_bytes bytes, struct audit_head *out)
{
    struct hf_reader reader = hf_reader_of(bytes);
    uint8_t format = hf_read_u8(&reader);
    if (bytes.n > 0 && format != HEAD_FORMAT)
        return HF_E_FORMAT;
    struct audit_head head;
    head.seq = hf_read_u64(&reader);
    hf_read_into(&reader, head.hash, sizeof(head.hash));
    if (hf_reader_finish(&reader) != HF_OK || head.seq > INT64_MAX)
        return HF_E_CORRUPT;
    *out = head;
    return HF_OK;
}
