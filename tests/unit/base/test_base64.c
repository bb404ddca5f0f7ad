/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 in both alphabets. */
#include "support.h"

#include "base/encode.h"

static const struct {
    const char *plain;
    const char *standard;
    const char *url;
} examples[] = {
    /* RFC 4648, section 10 */
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    /* the characters in which the alphabets differ */
    { "\xfb\xff\xbf\xfb\xff\xbf\xfb\xff\xbf", "+/+/+/+/+/+/", "-_-_-_-_-_-_" },
};

static void test_base64_decode_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "A",        "AAAAA",     "A=",
        "=",        "==",        "====",
        "A===",     "AA=",       "AA=A",
        "AAA==",    "AAAA=",     "AAAA====",
        "AA===",    "Zh==",      "Zm9=",
        "Zh",       "Zm9",       "AAAAAA=",
        "AAAA AAA", "AAAA\nAAA", " AAAA",
        "AAAA ",    "AA.A",      "AAAAAAA\x80",
        "\301AAA",  "AA@A",      "AA[A",
        "AA`A",     "AA{A",      "AA:A",
        "AA,A",     "AA\177A",   "AAAAAAAA!AAAAAAA",
        "AAAA=AAA", "AAA=AAAA",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_buf buf;
        hf_buf_init(&buf, 100);
        hf_buf_put_c(&buf, "kept");
        const hf_err err = hf_base64_decode(hf_str_from_c(cases[i]), &buf);
        if (err != HF_E_INVALID)
            fail_msg("accepted \"%s\"", cases[i]);
        EXPECT_STR("kept", hf_buf_str(&buf));
        EXPECT_OK(hf_buf_err(&buf));
        hf_buf_done(&buf);
    }
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    EXPECT_ERR(HF_E_INVALID, hf_base64_decode(HF_LIT("AA\0A"), &buf));
    hf_buf_done(&buf);
}

static void test_base64_strict_other_forms_are_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = { "Zg==", "+/+/", "Zm8=", "A", "Zh" };
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
        EXPECT_ERR(HF_E_INVALID, hf_base64url_decode_strict(hf_str_from_c(cases[i]), &buf));
    hf_buf_done(&buf);
}

static void test_base64_decode_over_max_is_refused(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 2);
    EXPECT_ERR(HF_E_TOO_LARGE, hf_base64_decode(HF_LIT("Zm9v"), &buf));
    hf_buf_reset(&buf);
    EXPECT_OK(hf_base64_decode(HF_LIT("Zm8="), &buf));
    hf_buf_put_base64url(&buf, hf_str_bytes(HF_LIT("x")));
    EXPECT_ERR(HF_E_TOO_LARGE, hf_buf_err(&buf));
    hf_buf_done(&buf);
}

static void test_base64_published_examples_match(void **state HF_UNUSED)
{
    struct hf_buf buf;
    hf_buf_init(&buf, 100);
    for (size_t i = 0; i < HF_ARRAY_LEN(examples); i++) {
        const hf_bytes plain = hf_str_bytes(hf_str_from_c(examples[i].plain));
        hf_buf_reset(&buf);
        hf_buf_put_base64(&buf, plain);
        EXPECT_STR(examples[i].standard, hf_buf_str(&buf));
        hf_buf_reset(&buf);
        hf_buf_put_base64url(&buf, plain);
        EXPECT_STR(examples[i].url, hf_buf_str(&buf));
        assert_int_equal(hf_base64url_size(plain.n), buf.n);

        const char *const texts[] = { examples[i].standard, examples[i].url };
        for (size_t t = 0; t < HF_ARRAY_LEN(texts); t++) {
            hf_buf_reset(&buf);
            EXPECT_OK(hf_base64_decode(hf_str_from_c(texts[t]), &buf));
            assert_true(hf_bytes_equal(plain, hf_buf_view(&buf)));
        }
        hf_buf_reset(&buf);
        EXPECT_OK(hf_base64url_decode_strict(hf_str_from_c(examples[i].url), &buf));
        assert_true(hf_bytes_equal(plain, hf_buf_view(&buf)));
    }
    hf_buf_done(&buf);
}

/* Every character in every place of a group stands for its index, or is refused. */
static void test_base64_every_character_in_every_place_is_known(void **state HF_UNUSED)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (unsigned c = 0; c < 256; c++) {
        for (size_t place = 0; place < 12; place++) {
            char text[12];
            memset(text, 'A', sizeof text);
            text[place] = (char)c;
            struct hf_buf buf;
            hf_buf_init(&buf, 100);
            const hf_err err = hf_base64url_decode_strict((hf_str){ text, sizeof text }, &buf);
            const char *known = c == 0 ? NULL : strchr(alphabet, (int)c);
            assert_true((err == HF_OK) == (known != NULL));
            if (known != NULL) {
                const size_t quantum = place / 4 * 3;
                const unsigned bits = (unsigned)buf.p[quantum] << 16 |
                                      (unsigned)buf.p[quantum + 1] << 8 | buf.p[quantum + 2];
                assert_int_equal(bits, (unsigned)(known - alphabet) << (18 - 6 * (place % 4)));
            }
            hf_buf_done(&buf);
        }
    }
}

static void test_base64_any_length_comes_back(void **state HF_UNUSED)
{
    for (size_t n = 0; n < 200; n++) {
        uint8_t *exact = malloc(n == 0 ? 1 : n); /* so that a sanitizer sees every overrun */
        assert_non_null(exact);
        for (size_t i = 0; i < n; i++)
            exact[i] = (uint8_t)(i * 151 + n);
        struct hf_buf text;
        struct hf_buf back;
        hf_buf_init(&text, 1000);
        hf_buf_init_secret(&back, n);
        hf_buf_put_base64url(&text, (hf_bytes){ exact, n });
        EXPECT_OK(hf_base64_decode(hf_buf_str(&text), &back));
        assert_true(hf_bytes_equal((hf_bytes){ exact, n }, hf_buf_view(&back)));
        hf_buf_done(&back);
        hf_buf_done(&text);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_decode_wrong_text_is_refused),
        cmocka_unit_test(test_base64_strict_other_forms_are_refused),
        cmocka_unit_test(test_base64_decode_over_max_is_refused),
        cmocka_unit_test(test_base64_published_examples_match),
        cmocka_unit_test(test_base64_every_character_in_every_place_is_known),
        cmocka_unit_test(test_base64_any_length_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
