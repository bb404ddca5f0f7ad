/* SPDX-License-Identifier: Apache-2.0 */
/* One line: parsing its tail from the end, and its hash. */
#include "support.h"

#include <string.h>

#define ZERO_HEX "0000000000000000000000000000000000000000000000000000000000000000"
#define HASH_HEX "7035a8e8dc157cb78de946d037147fc3d654c1560ce6e7d6ed0d0a4b2bb0abe2"
#define UPPER_HEX "A000000000000000000000000000000000000000000000000000000000000000"
#define LINE(body, seq, prev, hash)                                                                \
    body ",\"holdfast\":{\"seq\":" seq ",\"prev\":\"" prev "\",\"hash\":\"" hash "\"}}"
/* Calculated with another program. */
#define LINE_1 LINE("{\"a\":1", "1", ZERO_HEX, HASH_HEX)

static void test_line_parse_wrong_text_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } cases[] = {
        { "empty", "" },
        { "only the tail's end", "\"}}" },
        { "no tail", "{\"a\":1}" },
        { "no body", LINE("", "1", ZERO_HEX, HASH_HEX) },
        { "body is no object", LINE("[1", "1", ZERO_HEX, HASH_HEX) },
        { "seq 0", LINE("{", "0", ZERO_HEX, HASH_HEX) },
        { "no seq", LINE("{", "", ZERO_HEX, HASH_HEX) },
        { "leading zero", LINE("{", "01", ZERO_HEX, HASH_HEX) },
        { "negative seq", LINE("{", "-1", ZERO_HEX, HASH_HEX) },
        { "blank before seq", LINE("{", " 1", ZERO_HEX, HASH_HEX) },
        { "seq above the maximum", LINE("{", "9223372036854775808", ZERO_HEX, HASH_HEX) },
        { "seq of 20 digits", LINE("{", "10000000000000000000", ZERO_HEX, HASH_HEX) },
        { "upper-case hash", LINE("{", "1", ZERO_HEX, UPPER_HEX) },
        { "upper-case prev", LINE("{", "1", UPPER_HEX, HASH_HEX) },
        { "short hash", LINE("{", "1", ZERO_HEX, "00") },
        { "short prev", LINE("{", "1", "00", HASH_HEX) },
        { "byte behind", LINE_1 " " },
        { "carriage return", LINE_1 "\r" },
        { "end missing",
          "{,\"holdfast\":{\"seq\":1,\"prev\":\"" ZERO_HEX "\",\"hash\":\"" HASH_HEX },
        { "other member",
          "{,\"holdfasT\":{\"seq\":1,\"prev\":\"" ZERO_HEX "\",\"hash\":\"" HASH_HEX "\"}}" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct audit_line line = { .seq = 99 };
        hf_str text = hf_str_from_c(cases[i].text);
        if (audit_line_parse(hf_str_bytes(text), &line) != HF_E_INVALID || line.seq != 99)
            fail_msg("%s", cases[i].name);
    }
}

static void test_line_parse_each_cut_is_refused(void **state)
{
    (void)state;
    struct audit_line line;
    hf_str text = HF_LIT(LINE_1);
    for (size_t n = 0; n < text.n; n++)
        assert_int_equal(audit_line_parse(hf_str_bytes(hf_str_sub(text, 0, n)), &line),
                         HF_E_INVALID);
}

static void test_line_parse_right_text_gives_parts(void **state)
{
    (void)state;
    struct audit_line line;
    assert_int_equal(audit_line_parse(hf_str_bytes(HF_LIT(LINE_1)), &line), HF_OK);
    assert_true(hf_str_equal(hf_bytes_str(line.body), HF_LIT("{\"a\":1")));
    assert_int_equal(line.seq, 1);
    assert_int_equal(line.prev[31], 0);
    assert_int_equal(line.hash[0], 0x70);
    assert_int_equal(line.hash[31], 0xe2);
}

static void test_line_parse_tail_in_the_text_is_not_taken(void **state)
{
    (void)state;
    struct audit_line line;
    hf_str text = HF_LIT(LINE(LINE_1, "2", HASH_HEX, ZERO_HEX));
    assert_int_equal(audit_line_parse(hf_str_bytes(text), &line), HF_OK);
    assert_int_equal(line.seq, 2);
    assert_int_equal(line.body.n, strlen(LINE_1));
}

static void test_line_hash_known_lines_are_as_calculated_elsewhere(void **state)
{
    (void)state;
    const uint8_t zero[AUDIT_HASH_BYTES] = { 0 };
    uint8_t first[AUDIT_HASH_BYTES];
    uint8_t second[AUDIT_HASH_BYTES];
    uint8_t expected[AUDIT_HASH_BYTES];
    hf_bytes body = hf_str_bytes(HF_LIT("{\"a\":1"));
    assert_int_equal(audit_line_hash(zero, 1, body, first), HF_OK);
    assert_int_equal(hf_hex_decode(HF_LIT(HASH_HEX), expected, sizeof(expected)), HF_OK);
    assert_memory_equal(first, expected, sizeof(first));

    body = hf_str_bytes(HF_LIT("{\"b\":\"x\""));
    assert_int_equal(audit_line_hash(first, 258, body, second), HF_OK);
    hf_str hex = HF_LIT("9b01eb74e769b29c093c6debd673fc6ba7ca35c830a31d14f3c585b010b5828c");
    assert_int_equal(hf_hex_decode(hex, expected, sizeof(expected)), HF_OK);
    assert_memory_equal(second, expected, sizeof(second));
}

static void test_line_put_tail_at_the_largest_seq_fits_and_parses(void **state)
{
    (void)state;
    static const uint64_t seqs[] = { 1, 9, 10, UINT64_C(12345678901), AUDIT_SEQ_MAX };
    for (size_t i = 0; i < HF_ARRAY_LEN(seqs); i++) {
        uint8_t text[1 + AUDIT_TAIL_MAX_BYTES] = "{";
        uint8_t prev[AUDIT_HASH_BYTES];
        struct audit_head head = { .seq = seqs[i] };
        memset(prev, 0xAB, sizeof(prev));
        memset(head.hash, 0x0F, sizeof(head.hash));
        size_t n = audit_line_put_tail(text + 1, prev, &head);
        assert_int_equal(text[n], '\n');

        struct audit_line line;
        assert_int_equal(audit_line_parse((hf_bytes){ text, n }, &line), HF_OK);
        assert_int_equal(line.seq, seqs[i]);
        assert_memory_equal(line.prev, prev, sizeof(prev));
        assert_memory_equal(line.hash, head.hash, sizeof(head.hash));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_parse_wrong_text_is_refused),
        cmocka_unit_test(test_line_parse_each_cut_is_refused),
        cmocka_unit_test(test_line_parse_right_text_gives_parts),
        cmocka_unit_test(test_line_parse_tail_in_the_text_is_not_taken),
        cmocka_unit_test(test_line_hash_known_lines_are_as_calculated_elsewhere),
        cmocka_unit_test(test_line_put_tail_at_the_largest_seq_fits_and_parses),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
