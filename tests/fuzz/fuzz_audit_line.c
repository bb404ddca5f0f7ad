/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the audit log: what parses is written again as the same bytes, and a scan names or
 * takes it. */
#include "audit/internal.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan_from(const struct audit_line *line, hf_bytes text)
{
    struct audit_scan scan = { .head = { .seq = line->seq - 1 } };
    memcpy(scan.head.hash, line->prev, sizeof(line->prev));
    HF_ASSERT(audit_scan_line(&scan, text) == HF_OK);
    HF_ASSERT(scan.is_bad ? scan.reason[0] != 0 : scan.head.seq == line->seq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready) {
        struct hf_diag diag = { 0 };
        HF_ASSERT(crypto_init(&diag) == HF_OK);
        is_ready = true;
    }
    hf_bytes text = { data, size };
    struct audit_line line;
    if (audit_line_parse(text, &line) != HF_OK)
        return 0;

    uint8_t tail[AUDIT_TAIL_MAX_BYTES];
    struct audit_head head = { .seq = line.seq };
    memcpy(head.hash, line.hash, sizeof(head.hash));
    size_t n = audit_line_put_tail(tail, line.prev, &head);
    HF_ASSERT(line.body.p == data && line.body.n + n == size + 1);
    HF_ASSERT(memcmp(data + line.body.n, tail, n - 1) == 0);
    scan_from(&line, text);
    return 0;
}
