/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: hostile ones first, then RFC 7515's examples and our own signatures. */
#include "fixture.h"

#include "crypto/jwt.h"

#include <openssl/evp.h>
#include <string.h>

#define HEADER_RS256 "{\"alg\":\"RS256\"}"
#define ARENA_MAX_BYTES (256 * 1024)

static struct hf_arena *arena;
static struct crypto_key *rsa;
static struct crypto_key *ec;

/* RFC 7515 A.2 and A.3 */
#define EXAMPLE_PAYLOAD                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define EXAMPLE_RS256                                                                              \
    "eyJhbGciOiJSUzI1NiJ9." EXAMPLE_PAYLOAD                                                        \
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp" \
    "5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl" \
    "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9Q" \
    "OYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define EXAMPLE_RS256_JWK                                                                          \
    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W2" \
    "6mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47s" \
    "oMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQ" \
    "Y4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g" \
    "b54h4FRWyuXpoQ\"}"
#define EXAMPLE_ES256                                                                              \
    "eyJhbGciOiJFUzI1NiJ9." EXAMPLE_PAYLOAD                                                        \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define EXAMPLE_ES256_JWK                                                                          \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

static int start(void **state)
{
    if (start_crypto(state) != 0 || hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK ||
        crypto_key_generate_rsa(2048, &rsa) != HF_OK)
        return -1;
    return crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &ec) == HF_OK ? 0 : -1;
}

static int stop(void **state HF_UNUSED)
{
    crypto_key_free(rsa);
    crypto_key_free(ec);
    hf_arena_free(arena);
    return 0;
}

static int reset_arena(void **state HF_UNUSED)
{
    hf_arena_reset(arena);
    return 0;
}

/* base64url(header).base64url(payload).signature, with a signature that decodes */
static void write_token(const char *header, const char *payload, struct hf_buf *out)
{
    hf_buf_put_base64url(out, hf_str_bytes(hf_str_from_c(header)));
    hf_buf_put_c(out, ".");
    hf_buf_put_base64url(out, hf_str_bytes(hf_str_from_c(payload)));
    hf_buf_put_c(out, ".AAAA");
    EXPECT_OK(hf_buf_err(out));
}

/* Refused, and the output is untouched. */
static void expect_refused(const char *name, hf_str text, bool padded, hf_err expected)
{
    struct crypto_jwt jwt = { .kid = HF_LIT("untouched") };
    hf_err err = crypto_jwt_parse(text, padded, arena, &jwt);
    if (err != expected || jwt.header != NULL || jwt.payload != NULL || jwt.kid.n != 9)
        fail_msg("%s: %s", name, hf_err_name(err));
}

static void test_jwt_of_wrong_shape_is_malformed(void **state HF_UNUSED)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        "a",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJhbGciOiJSUzI1NiJ9.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.",
        "eyJhbGciOiJSUzI1NiJ9..AAAA",
        ".e30.AAAA",
        ".eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
        "eyJhbGciOiJSUzI1NiJ9.e30.AAAA.",
        "eyJhbGciOiJSUzI1NiJ9.e30.AAAA.AAAA",
        "eyJhbGciOiJSUzI1NiJ9.e30.AAAA.AAAA.AAAA",
        " eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
        "eyJhbGciOiJSUzI1NiJ9.e30.AAAA\n",
        "eyJhbGciOiJSUzI1NiJ9.e30.AA+/",
        "eyJhbGciOiJSUzI1NiJ9.e30.AAB",
        "eyJhbGciOiJSUzI1NiJ9.e30.A",
        "eyJhbGciOiJSUzI1NiJ9.e3.AAAA",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        expect_refused(texts[i], hf_str_from_c(texts[i]), false, HF_E_TOKEN_MALFORMED);
        expect_refused(texts[i], hf_str_from_c(texts[i]), true, HF_E_TOKEN_MALFORMED);
    }
    expect_refused("null", (hf_str){ NULL, 0 }, false, HF_E_TOKEN_MALFORMED);
    expect_refused("NUL inside", HF_LIT("eyJhbGciOiJSUzI1NiJ9.e30.AA\0A"), false,
                   HF_E_TOKEN_MALFORMED);
}

static void test_jwt_of_hostile_json_is_malformed(void **state HF_UNUSED)
{
    static const struct {
        const char *name;
        const char *header;
        const char *payload;
    } cases[] = {
        { "alg none", "{\"alg\":\"none\"}", "{}" },
        { "alg None", "{\"alg\":\"None\"}", "{}" },
        { "alg empty", "{\"alg\":\"\"}", "{}" },
        { "alg HS256", "{\"alg\":\"HS256\"}", "{}" },
        { "alg rs256", "{\"alg\":\"rs256\"}", "{}" },
        { "alg absent", "{\"typ\":\"JWT\"}", "{}" },
        { "alg null", "{\"alg\":null}", "{}" },
        { "alg a list", "{\"alg\":[\"RS256\"]}", "{}" },
        { "alg with NUL", "{\"alg\":\"RS256\\u0000\"}", "{}" },
        { "alg twice", "{\"alg\":\"RS256\",\"alg\":\"none\"}", "{}" },
        { "kid twice", "{\"alg\":\"RS256\",\"kid\":\"a\",\"kid\":\"b\"}", "{}" },
        { "kid a number", "{\"alg\":\"RS256\",\"kid\":1}", "{}" },
        { "x5t an object", "{\"alg\":\"RS256\",\"x5t\":{}}", "{}" },
        { "x5t#S256 null", "{\"alg\":\"RS256\",\"x5t#S256\":null}", "{}" },
        { "crit", "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", "{}" },
        { "crit empty", "{\"alg\":\"RS256\",\"crit\":[]}", "{}" },
        { "crit null", "{\"alg\":\"RS256\",\"crit\":null}", "{}" },
        { "header a list", "[\"RS256\"]", "{}" },
        { "header text", "\"RS256\"", "{}" },
        { "header with rest", "{\"alg\":\"RS256\"} {}", "{}" },
        { "header cut", "{\"alg\":\"RS256\"", "{}" },
        { "header bad UTF-8", "{\"alg\":\"RS256\",\"kid\":\"\xff\"}", "{}" },
        { "payload a list", HEADER_RS256, "[]" },
        { "payload a number", HEADER_RS256, "1" },
        { "payload text", HEADER_RS256, "Payload" },
        { "payload twice aud", HEADER_RS256, "{\"aud\":\"a\",\"aud\":\"b\"}" },
        { "payload too deep", HEADER_RS256,
          "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        TEST_BUF(text);
        write_token(cases[i].header, cases[i].payload, &text);
        expect_refused(cases[i].name, hf_buf_str(&text), false, HF_E_TOKEN_MALFORMED);
    }
}

static void test_jwt_at_size_limit_is_parsed_and_beyond_refused(void **state HF_UNUSED)
{
    TEST_BUF(text);
    hf_buf_put_base64url(&text, hf_str_bytes(HF_LIT(HEADER_RS256)));
    hf_buf_put_c(&text, ".e30.");
    while (text.n < CRYPTO_JWT_MAX_BYTES)
        hf_buf_put_c(&text, "A");
    struct crypto_jwt jwt;
    EXPECT_OK(crypto_jwt_parse(hf_buf_str(&text), false, arena, &jwt));
    crypto_jwt_done(&jwt);
    hf_buf_put_c(&text, "A");
    expect_refused("over the limit", hf_buf_str(&text), false, HF_E_TOO_LARGE);
}

static void test_jwt_beyond_arena_is_out_of_memory(void **state HF_UNUSED)
{
    struct hf_arena *small = NULL;
    EXPECT_OK(hf_arena_new(16, &small));
    struct crypto_jwt jwt;
    EXPECT_ERR(HF_E_NOMEM, crypto_jwt_parse(HF_LIT(EXAMPLE_RS256), false, small, &jwt));
    hf_arena_free(small);
}

static void test_jwt_padding_is_tolerated_only_if_asked(void **state HF_UNUSED)
{
    /* {"alg":"RS256","kid":"k"} needs two characters, {"a":1} two, the signature one */
    static const char good[] = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ==.eyJhIjoxfQ==.AAA=";
    expect_refused("strict", hf_str_from_c(good), false, HF_E_TOKEN_MALFORMED);
    struct crypto_jwt jwt;
    EXPECT_OK(crypto_jwt_parse(hf_str_from_c(good), true, arena, &jwt));
    assert_true(hf_str_equal(jwt.kid, HF_LIT("k")));
    assert_int_equal(jwt.signature.n, 2);
    assert_true(hf_str_equal(jwt.signing_input,
                             HF_LIT("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ==.eyJhIjoxfQ==")));
    crypto_jwt_done(&jwt);
    static const char *const bad[] = {
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ=.eyJhIjoxfQ==.AAA=",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ===.eyJhIjoxfQ==.AAA=",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ==.eyJhIjoxfQ==.AAAA====",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ==.eyJhIjoxfQ==.====",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ==.eyJhIjoxfQ==.=AAA",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ==.eyJhIjoxfQ==.AA=A",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
        expect_refused(bad[i], hf_str_from_c(bad[i]), true, HF_E_TOKEN_MALFORMED);
}

static void sign_token(const struct crypto_key *key, enum crypto_signature algorithm,
                       const char *header, struct hf_buf *out)
{
    EXPECT_OK(
        crypto_jwt_sign(key, algorithm, hf_str_from_c(header), HF_LIT("{\"sub\":\"x\"}"), out));
}

static void expect_not_verified(hf_str text, const struct crypto_key *key)
{
    struct crypto_jwt jwt;
    EXPECT_OK(crypto_jwt_parse(text, false, arena, &jwt));
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE, crypto_jwt_verify(&jwt, key));
    crypto_jwt_done(&jwt);
}

/* The arena is used again by later requests and is not cleared by itself. */
static void test_jwt_signature_does_not_outlive_the_token(void **state HF_UNUSED)
{
    struct crypto_jwt jwt;
    EXPECT_OK(
        crypto_jwt_parse(HF_LIT("eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2lnbmVk"), false, arena, &jwt));
    const uint8_t *const signature = jwt.signature.p;
    assert_memory_equal(signature, "signed", 6);
    crypto_jwt_done(&jwt);
    assert_memory_equal(signature, "\0\0\0\0\0\0", 6);
}

/* The public key as the secret of an HMAC, under both names: the classic confusion. */
static void test_jwt_hmac_with_public_key_is_refused(void **state HF_UNUSED)
{
    TEST_BUF(secret);
    struct hf_json_writer w = hf_json_writer_on(&secret);
    hf_jw_begin_object(&w);
    EXPECT_OK(crypto_key_write_jwk_members(rsa, &w));
    hf_jw_end_object(&w);
    static const char *const headers[] = { "{\"alg\":\"HS256\"}", HEADER_RS256 };
    for (size_t i = 0; i < HF_ARRAY_LEN(headers); i++) {
        TEST_BUF(text);
        write_token(headers[i], "{\"sub\":\"x\"}", &text);
        text.n -= strlen(".AAAA");
        uint8_t mac[32];
        size_t n = 0;
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret.p, secret.n, text.p,
                                  text.n, mac, sizeof(mac), &n));
        hf_buf_put_c(&text, ".");
        hf_buf_put_base64url(&text, (hf_bytes){ mac, n });
        if (i == 0)
            expect_refused("HS256", hf_buf_str(&text), false, HF_E_TOKEN_MALFORMED);
        else
            expect_not_verified(hf_buf_str(&text), rsa);
    }
}

/* The header says one algorithm, the key is of another kind, or the signature was made by another. */
static void test_jwt_algorithm_confusion_is_refused(void **state HF_UNUSED)
{
    TEST_BUF(for_ec);
    sign_token(ec, CRYPTO_ES256, "{\"alg\":\"ES256\"}", &for_ec);
    expect_not_verified(hf_buf_str(&for_ec), rsa);
    TEST_BUF(said_rsa);
    sign_token(ec, CRYPTO_ES256, HEADER_RS256, &said_rsa);
    expect_not_verified(hf_buf_str(&said_rsa), rsa);
    expect_not_verified(hf_buf_str(&said_rsa), ec);
    TEST_BUF(said_pss);
    sign_token(rsa, CRYPTO_RS256, "{\"alg\":\"PS256\"}", &said_pss);
    expect_not_verified(hf_buf_str(&said_pss), rsa);
    TEST_BUF(said_sha512);
    sign_token(rsa, CRYPTO_RS256, "{\"alg\":\"RS512\"}", &said_sha512);
    expect_not_verified(hf_buf_str(&said_sha512), rsa);
    TEST_BUF(said_p384);
    sign_token(ec, CRYPTO_ES256, "{\"alg\":\"ES384\"}", &said_p384);
    expect_not_verified(hf_buf_str(&said_p384), ec);
}

static void test_jwt_of_another_key_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *other = NULL;
    EXPECT_OK(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &other));
    TEST_BUF(text);
    sign_token(other, CRYPTO_ES256, "{\"alg\":\"ES256\"}", &text);
    expect_not_verified(hf_buf_str(&text), ec);
}

static void test_jwt_changed_anywhere_is_refused(void **state HF_UNUSED)
{
    TEST_BUF(text);
    sign_token(ec, CRYPTO_ES256, "{\"alg\":\"ES256\"}", &text);
    for (size_t i = 0; i < text.n; i++) {
        uint8_t original = text.p[i];
        text.p[i] = original == 'A' ? 'B' : 'A';
        struct crypto_jwt jwt;
        if (crypto_jwt_parse(hf_buf_str(&text), false, arena, &jwt) == HF_OK) {
            EXPECT_ERR(HF_E_TOKEN_SIGNATURE, crypto_jwt_verify(&jwt, ec));
            crypto_jwt_done(&jwt);
        }
        text.p[i] = original;
        hf_arena_reset(arena);
    }
}

static void test_jwt_sign_of_unfitting_key_leaves_output(void **state HF_UNUSED)
{
    TEST_BUF(out);
    hf_buf_put_c(&out, "before");
    EXPECT_ERR(HF_E_INVALID,
               crypto_jwt_sign(ec, CRYPTO_RS256, HF_LIT(HEADER_RS256), HF_LIT("{}"), &out));
    assert_true(hf_str_equal(hf_buf_str(&out), HF_LIT("before")));
    char memory[60];
    struct hf_buf small;
    hf_buf_init_fixed(&small, memory, sizeof(memory));
    EXPECT_ERR(HF_E_TOO_LARGE,
               crypto_jwt_sign(ec, CRYPTO_ES256, HF_LIT(HEADER_RS256), HF_LIT("{}"), &small));
    assert_int_equal(small.n, 0);
}

static void test_jwt_published_examples_verify(void **state HF_UNUSED)
{
    static const struct {
        const char *token;
        const char *jwk;
        enum crypto_signature algorithm;
    } cases[] = {
        { EXAMPLE_RS256, EXAMPLE_RS256_JWK, CRYPTO_RS256 },
        { EXAMPLE_ES256, EXAMPLE_ES256_JWK, CRYPTO_ES256 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(hf_json_freep) struct hf_json *jwk = make_json(cases[i].jwk);
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
        EXPECT_OK(crypto_key_from_jwk(jwk, &key));
        struct crypto_jwt jwt;
        EXPECT_OK(crypto_jwt_parse(hf_str_from_c(cases[i].token), false, arena, &jwt));
        assert_int_equal(jwt.algorithm, cases[i].algorithm);
        assert_true(hf_str_equal(hf_json_str(hf_json_member(jwt.payload, "iss")), HF_LIT("joe")));
        EXPECT_OK(crypto_jwt_verify(&jwt, key));
        crypto_jwt_done(&jwt);
    }
}

static void test_jwt_signed_is_parsed_and_verifies(void **state HF_UNUSED)
{
    TEST_BUF(text);
    hf_buf_put_c(&text, "Bearer ");
    sign_token(
        rsa, CRYPTO_PS256,
        "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"x5t\":\"t\",\"x5t#S256\":\"s\"}",
        &text);
    struct crypto_jwt jwt;
    EXPECT_OK(crypto_jwt_parse(hf_str_sub(hf_buf_str(&text), 7, text.n), false, arena, &jwt));
    assert_int_equal(jwt.algorithm, CRYPTO_PS256);
    assert_true(hf_str_equal(jwt.kid, HF_LIT("k1")));
    assert_true(hf_str_equal(jwt.x5t, HF_LIT("t")));
    assert_true(hf_str_equal(jwt.x5t_s256, HF_LIT("s")));
    assert_true(hf_str_equal(hf_json_str(hf_json_member(jwt.payload, "sub")), HF_LIT("x")));
    EXPECT_OK(crypto_jwt_verify(&jwt, rsa));
    crypto_jwt_done(&jwt);
    assert_null(jwt.header);
}

static void test_jwt_absent_names_are_empty(void **state HF_UNUSED)
{
    struct crypto_jwt jwt;
    EXPECT_OK(crypto_jwt_parse(HF_LIT(EXAMPLE_ES256), false, arena, &jwt));
    assert_int_equal(jwt.kid.n + jwt.x5t.n + jwt.x5t_s256.n, 0);
    assert_non_null(jwt.kid.p);
    crypto_jwt_done(&jwt);
}

#define JWT_TEST(function) cmocka_unit_test_teardown(function, reset_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JWT_TEST(test_jwt_of_wrong_shape_is_malformed),
        JWT_TEST(test_jwt_of_hostile_json_is_malformed),
        JWT_TEST(test_jwt_at_size_limit_is_parsed_and_beyond_refused),
        JWT_TEST(test_jwt_beyond_arena_is_out_of_memory),
        JWT_TEST(test_jwt_padding_is_tolerated_only_if_asked),
        JWT_TEST(test_jwt_signature_does_not_outlive_the_token),
        JWT_TEST(test_jwt_hmac_with_public_key_is_refused),
        JWT_TEST(test_jwt_algorithm_confusion_is_refused),
        JWT_TEST(test_jwt_of_another_key_is_refused),
        JWT_TEST(test_jwt_changed_anywhere_is_refused),
        JWT_TEST(test_jwt_sign_of_unfitting_key_leaves_output),
        JWT_TEST(test_jwt_published_examples_verify),
        JWT_TEST(test_jwt_signed_is_parsed_and_verifies),
        JWT_TEST(test_jwt_absent_names_are_empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
