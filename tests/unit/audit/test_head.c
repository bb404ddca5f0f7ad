/* SPDX-License-Identifier: Apache-2.0 */
/* The head as a stored record. */
#include "support.h"

#include <string.h>

static void test_head_decode_wrong_bytes_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t format;
        uint8_t seq_top;
        size_t n;
        hf_err err;
    } cases[] = {
        { "empty", 1, 0, 0, HF_E_CORRUPT },
        { "one byte", 1, 0, 1, HF_E_CORRUPT },
        { "a byte short", 1, 0, AUDIT_HEAD_BYTES - 1, HF_E_CORRUPT },
        { "a byte more", 1, 0, AUDIT_HEAD_BYTES + 1, HF_E_CORRUPT },
        { "seq beyond the limit", 1, 0x80, AUDIT_HEAD_BYTES, HF_E_CORRUPT },
        { "format 0", 0, 0, AUDIT_HEAD_BYTES, HF_E_FORMAT },
        { "format 2", 2, 0, AUDIT_HEAD_BYTES, HF_E_FORMAT },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint8_t bytes[AUDIT_HEAD_BYTES + 1] = { cases[i].format, cases[i].seq_top };
        struct audit_head head = { .seq = 99 };
        hf_err err = audit_head_decode((hf_bytes){ bytes, cases[i].n }, &head);
        if (err != cases[i].err || head.seq != 99)
            fail_msg("%s: %s", cases[i].name, hf_err_name(err));
    }
}

static void test_head_encode_then_decode_is_the_same(void **state)
{
    (void)state;
    struct audit_head head = { .seq = UINT64_C(0x0102030405060708) };
    memset(head.hash, 0xA5, sizeof(head.hash));
    uint8_t bytes[AUDIT_HEAD_BYTES];
    audit_head_encode(&head, bytes);
    const uint8_t start[] = { 1, 1, 2, 3, 4, 5, 6, 7, 8, 0xA5 };
    assert_memory_equal(bytes, start, sizeof(start));

    struct audit_head decoded;
    assert_int_equal(audit_head_decode((hf_bytes){ bytes, sizeof(bytes) }, &decoded), HF_OK);
    assert_int_equal(decoded.seq, head.seq);
    assert_memory_equal(decoded.hash, head.hash, sizeof(head.hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_decode_wrong_bytes_is_refused),
        cmocka_unit_test(test_head_encode_then_decode_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
