/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures between the forms of files and those of JWKs, and digests in parts. */
#include "fixture.h"

#include "crypto/crypto.h"
#include "crypto/digest.h"
#include "crypto/key_material.h"
#include "crypto/operation.h"

#define TEXT_MAX_BYTES ((size_t)16 * 1024)

static const enum crypto_key_type types[] = { CRYPTO_KEY_RSA, CRYPTO_KEY_EC_P256,
                                              CRYPTO_KEY_EC_P384, CRYPTO_KEY_EC_P521,
                                              CRYPTO_KEY_EC_P256K };

static struct crypto_key *make_key(enum crypto_key_type type)
{
    const struct crypto_key_spec spec = { .type = type, .bits = 2048 };
    struct crypto_key *key = NULL;
    assert_int_equal(crypto_key_generate(&spec, NULL, &key), HF_OK);
    return key;
}

static void test_digest_other_lengths_are_refused(void **state HF_UNUSED)
{
    static const size_t lengths[] = { 0, 1, 20, 31, 33, 65 };
    for (size_t i = 0; i < HF_ARRAY_LEN(lengths); i++) {
        struct crypto_digest *digest = NULL;
        assert_int_equal(crypto_digest_new(lengths[i], &digest), HF_E_UNSUPPORTED);
        assert_null(digest);
    }
    crypto_digest_free(NULL);
}

static void test_digest_of_parts_is_that_of_the_whole(void **state HF_UNUSED)
{
    const hf_bytes parts[] = { hf_str_bytes(HF_LIT("one ")), hf_str_bytes(HF_LIT("")),
                               hf_str_bytes(HF_LIT("two")) };
    uint8_t expected[CRYPTO_SHA256_BYTES];
    assert_int_equal(crypto_sha256(parts, HF_ARRAY_LEN(parts), expected), HF_OK);
    HF_CLEANUP(crypto_digest_freep) struct crypto_digest *digest = NULL;
    assert_int_equal(crypto_digest_new(CRYPTO_SHA256_BYTES, &digest), HF_OK);
    for (size_t i = 0; i < HF_ARRAY_LEN(parts); i++)
        assert_int_equal(crypto_digest_add(digest, parts[i]), HF_OK);
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, CRYPTO_SHA256_BYTES);
    assert_int_equal(crypto_digest_end(digest, &out), HF_OK);
    assert_int_equal(out.n, sizeof(expected));
    assert_memory_equal(out.p, expected, sizeof(expected));
}

static void test_key_file_what_is_no_key_is_refused(void **state HF_UNUSED)
{
    static const hf_str cases[] = {
        { "", 0 },
        { "x", 1 },
        { "\x30\x03\x02\x01\x00", 5 },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 59 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct crypto_key *key = NULL;
        assert_int_equal(crypto_key_from_file(hf_str_bytes(cases[i]), &key), HF_E_INVALID);
        assert_null(key);
    }
}

/* Any byte behind a DER key is refused; a public PEM is no private key. */
static void test_key_file_more_than_a_key_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *made = make_key(CRYPTO_KEY_EC_P256);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf content;
    hf_buf_init_secret(&content, TEXT_MAX_BYTES);
    assert_int_equal(crypto_key_to_pkcs8(made, &der), HF_OK);
    hf_buf_put_secret(&content, der);
    struct crypto_key *key = NULL;
    assert_int_equal(crypto_key_from_file(hf_buf_view(&content), &key), HF_OK);
    crypto_key_free(key);
    key = NULL;
    hf_buf_put_u8(&content, 0);
    assert_int_equal(crypto_key_from_file(hf_buf_view(&content), &key), HF_E_INVALID);
    hf_buf_reset(&content);
    assert_int_equal(crypto_key_write_public_pem(made, &content), HF_OK);
    assert_int_equal(crypto_key_from_file(hf_buf_view(&content), &key), HF_E_INVALID);
    assert_null(key);
}

/* A key that went through a PEM file and a JWK is the same, as its public PEM says. */
static void check_round(enum crypto_key_type type)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *made = make_key(type);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *read = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *imported = NULL;
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    HF_CLEANUP(hf_buf_done) struct hf_buf before;
    HF_CLEANUP(hf_buf_done) struct hf_buf after;
    hf_buf_init_secret(&text, TEXT_MAX_BYTES);
    hf_buf_init(&before, TEXT_MAX_BYTES);
    hf_buf_init(&after, TEXT_MAX_BYTES);
    assert_int_equal(crypto_key_write_pem(made, &text), HF_OK);
    assert_int_equal(crypto_key_from_file(hf_buf_view(&text), &read), HF_OK);
    hf_buf_reset(&text);
    struct hf_json_writer w = hf_json_writer_on(&text);
    hf_jw_begin_object(&w);
    assert_int_equal(crypto_key_write_private_members(read, &w), HF_OK);
    hf_jw_end_object(&w);
    struct hf_diag diag = { 0 };
    assert_int_equal(hf_json_parse(hf_buf_view(&text), &diag, &jwk), HF_OK);
    assert_int_equal(crypto_key_import_jwk(crypto_key_family_of(type), jwk, &diag, &imported),
                     HF_OK);
    assert_int_equal(crypto_key_type_of(imported), type);
    assert_int_equal(crypto_key_write_public_pem(made, &before), HF_OK);
    assert_int_equal(crypto_key_write_public_pem(imported, &after), HF_OK);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
}

static void test_key_file_to_jwk_and_back(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(types); i++)
        check_round(types[i]);
}

static void test_key_file_half_a_key_has_no_jwk(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *made = make_key(CRYPTO_KEY_EC_P256);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *half = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf part;
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&part, TEXT_MAX_BYTES);
    hf_buf_init_secret(&out, TEXT_MAX_BYTES);
    assert_int_equal(crypto_key_put_public(made, &part), HF_OK);
    assert_int_equal(crypto_key_from_public(CRYPTO_KEY_EC_P256, hf_buf_view(&part), &half), HF_OK);
    struct hf_json_writer w = hf_json_writer_on(&out);
    assert_int_equal(crypto_key_write_private_members(half, &w), HF_E_INVALID);
    assert_int_equal(out.n, 0);
}

static void test_signature_wrong_forms_are_refused(void **state HF_UNUSED)
{
    static const uint8_t zeros[64] = { 0 };
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, TEXT_MAX_BYTES);
    const struct crypto_alg *es256 = crypto_alg_find(HF_LIT("ES256"));
    const struct crypto_alg *rs256 = crypto_alg_find(HF_LIT("RS256"));
    assert_int_equal(crypto_signature_to_der(rs256, (hf_bytes){ zeros, 64 }, &out),
                     HF_E_UNSUPPORTED);
    assert_int_equal(crypto_signature_from_der(rs256, (hf_bytes){ zeros, 64 }, &out),
                     HF_E_UNSUPPORTED);
    assert_int_equal(crypto_signature_to_der(es256, (hf_bytes){ zeros, 63 }, &out), HF_E_INVALID);
    assert_int_equal(crypto_signature_from_der(es256, (hf_bytes){ zeros, 64 }, &out), HF_E_INVALID);
    assert_int_equal(out.n, 0);
}

static void test_signature_forms_are_exchanged(void **state HF_UNUSED)
{
    static const uint8_t fixed[64] = { [31] = 1, [32] = 0x80 }; /* r = 1, s with its highest bit */
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    HF_CLEANUP(hf_buf_done) struct hf_buf back;
    hf_buf_init(&der, TEXT_MAX_BYTES);
    hf_buf_init(&back, TEXT_MAX_BYTES);
    const struct crypto_alg *es256 = crypto_alg_find(HF_LIT("ES256"));
    assert_int_equal(crypto_signature_to_der(es256, (hf_bytes){ fixed, 64 }, &der), HF_OK);
    assert_int_equal(der.n, 2 + 3 + 2 + 33); /* SEQUENCE, 1, and s behind a zero byte */
    assert_int_equal(crypto_signature_from_der(es256, hf_buf_view(&der), &back), HF_OK);
    assert_int_equal(back.n, sizeof(fixed));
    assert_memory_equal(back.p, fixed, sizeof(fixed));
    hf_buf_put_u8(&der, 0);
    assert_int_equal(crypto_signature_from_der(es256, hf_buf_view(&der), &back), HF_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_other_lengths_are_refused),
        cmocka_unit_test(test_digest_of_parts_is_that_of_the_whole),
        cmocka_unit_test(test_key_file_what_is_no_key_is_refused),
        cmocka_unit_test(test_key_file_more_than_a_key_is_refused),
        cmocka_unit_test(test_key_file_to_jwk_and_back),
        cmocka_unit_test(test_key_file_half_a_key_has_no_jwk),
        cmocka_unit_test(test_signature_wrong_forms_are_refused),
        cmocka_unit_test(test_signature_forms_are_exchanged),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
