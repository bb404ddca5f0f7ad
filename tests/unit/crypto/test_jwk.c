/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JSON: hostile ones, and that writing and reading give the same key. */
#include "fixture.h"

#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <string.h>

#define P256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU" /* RFC 7515 A.3 */
#define P256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

/* RFC 7515 A.2 */
#define RSA_N                                                                                      \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4" \
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re" \
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX" \
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"

static const struct {
    const char *name;
    const char *text;
    hf_err expected;
} hostile[] = {
    { "no object", "[]", HF_E_INVALID },
    { "text", "\"RSA\"", HF_E_INVALID },
    { "empty", "{}", HF_E_INVALID },
    { "kty is a number", "{\"kty\":1}", HF_E_INVALID },
    { "kty is null", "{\"kty\":null}", HF_E_INVALID },
    { "kty is symmetric", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", HF_E_UNSUPPORTED },
    { "kty in lower case", "{\"kty\":\"rsa\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}",
      HF_E_UNSUPPORTED },
    { "kty OKP", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", HF_E_UNSUPPORTED },
    { "RSA without n", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", HF_E_INVALID },
    { "RSA without e", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}", HF_E_INVALID },
    { "RSA e empty", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"\"}", HF_E_INVALID },
    { "RSA e is 0", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AA\"}", HF_E_INVALID },
    { "RSA e is 1", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}", HF_E_INVALID },
    { "RSA e is even", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAC\"}", HF_E_INVALID },
    { "RSA e with zero in front", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAEAAQ\"}",
      HF_E_INVALID },
    { "RSA e too long", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAAAAAAB\"}",
      HF_E_INVALID },
    { "RSA e as long as n", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"" RSA_N "\"}",
      HF_E_INVALID },
    { "RSA e padded", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Aw==\"}", HF_E_INVALID },
    { "RSA e is a number", "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":65537}", HF_E_INVALID },
    { "RSA n small", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", HF_E_INVALID },
    { "RSA n with zero in front", "{\"kty\":\"RSA\",\"n\":\"AAAA" RSA_N "\",\"e\":\"AQAB\"}",
      HF_E_INVALID },
    { "RSA n in the other alphabet", "{\"kty\":\"RSA\",\"n\":\"++++" RSA_N "\",\"e\":\"AQAB\"}",
      HF_E_INVALID },
    { "EC without crv", "{\"kty\":\"EC\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}",
      HF_E_INVALID },
    { "EC unknown crv",
      "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}",
      HF_E_UNSUPPORTED },
    { "EC crv of another size",
      "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}",
      HF_E_INVALID },
    { "EC without y", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\"}", HF_E_INVALID },
    { "EC not on the curve",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_Y "\",\"y\":\"" P256_X "\"}",
      HF_E_INVALID },
    { "EC x at zero",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
      "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
      HF_E_INVALID },
    { "EC x beyond the field",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"__________________________________________8\","
      "\"y\":\"" P256_Y "\"}",
      HF_E_INVALID },
    { "EC x short", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83O\",\"y\":\"" P256_Y "\"}",
      HF_E_INVALID },
    { "EC x longer than any field",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RSA_N "\",\"y\":\"" P256_Y "\"}", HF_E_INVALID },
};

static void test_jwk_hostile_is_refused(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(hostile); i++) {
        HF_CLEANUP(hf_json_freep) struct hf_json *jwk = make_json(hostile[i].text);
        struct crypto_key *key = NULL;
        hf_err err = crypto_key_from_jwk(jwk, &key);
        if (err != hostile[i].expected || key != NULL)
            fail_msg("%s: %s", hostile[i].name, hf_err_name(err));
    }
}

static void test_jwk_null_is_refused(void **state HF_UNUSED)
{
    struct crypto_key *key = NULL;
    EXPECT_ERR(HF_E_INVALID, crypto_key_from_jwk(NULL, &key));
}

/* n = 2^8192 - 1 has 8192 bits; one byte more is over the limit. */
static void write_rsa_of_bytes(size_t n_bytes, struct hf_buf *text)
{
    static uint8_t n[1026];
    memset(n, 0xff, sizeof(n));
    hf_buf_put_c(text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
    hf_buf_put_base64url(text, (hf_bytes){ n, n_bytes });
    hf_buf_put_c(text, "\"}");
    hf_buf_put_u8(text, 0);
    EXPECT_OK(hf_buf_err(text));
}

static void test_jwk_rsa_over_size_limit_is_refused(void **state HF_UNUSED)
{
    for (size_t n = 1025; n <= 1026; n++) {
        TEST_BUF(text);
        write_rsa_of_bytes(n, &text);
        HF_CLEANUP(hf_json_freep) struct hf_json *jwk = make_json(hf_buf_str(&text).p);
        struct crypto_key *key = NULL;
        EXPECT_ERR(HF_E_INVALID, crypto_key_from_jwk(jwk, &key));
    }
}

static void test_jwk_rsa_at_size_limit_is_read(void **state HF_UNUSED)
{
    TEST_BUF(text);
    write_rsa_of_bytes(1024, &text);
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = make_json(hf_buf_str(&text).p);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_from_jwk(jwk, &key));
    assert_int_equal(crypto_key_bits(key), 8192);
}

static void write_jwk(const struct crypto_key *key, struct hf_buf *out)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "use", "sig");
    EXPECT_OK(crypto_key_write_jwk_members(key, &w));
    hf_jw_end_object(&w);
    hf_buf_put_u8(out, 0);
    EXPECT_OK(hf_buf_err(out));
}

static void expect_round_trips(const struct crypto_key *key)
{
    TEST_BUF(text);
    write_jwk(key, &text);
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = make_json(hf_buf_str(&text).p);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *found = NULL;
    EXPECT_OK(crypto_key_from_jwk(jwk, &found));
    assert_int_equal(EVP_PKEY_eq(key->pkey, found->pkey), 1);
    assert_int_equal(crypto_key_type_of(found), crypto_key_type_of(key));
    assert_int_equal(crypto_key_bits(found), crypto_key_bits(key));
    assert_false(found->has_private);
    TEST_BUF(again);
    write_jwk(found, &again);
    assert_int_equal(text.n, again.n);
    assert_memory_equal(text.p, again.p, text.n);
    assert_null(hf_json_member(jwk, "d"));
}

static void test_jwk_generated_keys_round_trip(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *rsa = NULL;
    EXPECT_OK(crypto_key_generate_rsa(2048, &rsa));
    expect_round_trips(rsa);
    for (enum crypto_key_type type = CRYPTO_KEY_EC_P256; type <= CRYPTO_KEY_EC_P521; type++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
        EXPECT_OK(crypto_key_generate_ec(type, &key));
        expect_round_trips(key);
    }
}

static void test_jwk_published_rsa_key_is_written_unchanged(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_json_freep)
    struct hf_json *jwk = make_json("{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"" RSA_N
                                    "\",\"e\":\"AQAB\"}");
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_from_jwk(jwk, &key));
    assert_int_equal(crypto_key_bits(key), 2048);
    TEST_BUF(text);
    write_jwk(key, &text);
    text.n--; /* its NUL */
    assert_true(hf_str_equal(
        hf_buf_str(&text),
        HF_LIT("{\"use\":\"sig\",\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}")));
}

static void test_jwk_into_full_buffer_is_too_large(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &key));
    char memory[40];
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    struct hf_json_writer w = hf_json_writer_on(&out);
    hf_jw_begin_object(&w);
    EXPECT_ERR(HF_E_TOO_LARGE, crypto_key_write_jwk_members(key, &w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jwk_hostile_is_refused),
        cmocka_unit_test(test_jwk_null_is_refused),
        cmocka_unit_test(test_jwk_rsa_over_size_limit_is_refused),
        cmocka_unit_test(test_jwk_rsa_at_size_limit_is_read),
        cmocka_unit_test(test_jwk_into_full_buffer_is_too_large),
        cmocka_unit_test(test_jwk_generated_keys_round_trip),
        cmocka_unit_test(test_jwk_published_rsa_key_is_written_unchanged),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
