/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with a vault's keys: every algorithm there and back, damaged ciphertexts, and published vectors. */
#include "fixture.h"

#include "crypto/internal.h"
#include "crypto/key_material.h"
#include "crypto/operation.h"

#include <pthread.h>
#include <string.h>

#define SECRET_BUF(name)                                                                           \
    HF_CLEANUP(hf_buf_done) struct hf_buf name;                                                    \
    hf_buf_init_secret(&(name), TEST_BUF_MAX_BYTES)

static const struct crypto_alg *alg_of(const char *name)
{
    const struct crypto_alg *alg = crypto_alg_find(hf_str_from_c(name));
    if (alg == NULL)
        fail_msg("no algorithm %s", name);
    return alg;
}

static struct crypto_key *make_key_for(const struct crypto_alg *alg)
{
    const int aes_bits = alg->key_bits == 0 ? 256 : alg->key_bits;
    const struct crypto_key_spec spec = { alg->key_type,
                                          alg->key_type == CRYPTO_KEY_RSA ? 2048 : aes_bits, 0 };
    struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate(&spec, NULL, &key));
    return key;
}

static struct crypto_key *make_oct(const char *hex)
{
    uint8_t octets[CRYPTO_OCT_MAX_BYTES];
    const size_t n = strlen(hex) / 2;
    EXPECT_OK(hf_hex_decode(hf_str_from_c(hex), octets, n));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = make_secret(octets, n);
    struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_import_octets(secret, NULL, &key));
    return key;
}

static void test_operation_unknown_algorithms_are_not_found(void **state HF_UNUSED)
{
    static const char *const names[] = { "", "none", "rs256", "RS256 ", "RSA-OAEP-384", "A512GCM" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++)
        assert_null(crypto_alg_find(hf_str_from_c(names[i])));
    assert_null(crypto_alg_at(1000));
}

static void test_operation_key_that_does_not_fit_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *ec = make_key_for(alg_of("ES256"));
    HF_CLEANUP(crypto_key_freep)
    struct crypto_key *oct = make_oct("000102030405060708090a0b0c0d0e");
    static const uint8_t bytes[32];
    const struct crypto_input in = { .value = { bytes, 32 }, .iv = { bytes, 16 } };
    for (size_t i = 0; crypto_alg_at(i) != NULL; i++) {
        const struct crypto_alg *alg = crypto_alg_at(i);
        SECRET_BUF(out);
        struct crypto_extra extra;
        struct hf_diag diag = { 0 };
        EXPECT_ERR(HF_E_INVALID, crypto_encrypt(ec, alg, &in, &diag, &extra, &out));
        assert_string_equal(diag.field, "alg");
        EXPECT_ERR(HF_E_INVALID, crypto_encrypt(oct, alg, &in, NULL, &extra, &out));
        EXPECT_ERR(HF_E_INVALID, crypto_decrypt(ec, alg, &in, NULL, &out));
        EXPECT_ERR(HF_E_INVALID, crypto_decrypt(oct, alg, &in, NULL, &out));
        if (alg->key_type != CRYPTO_KEY_EC_P256)
            EXPECT_ERR(HF_E_INVALID, crypto_sign_digest(ec, alg, in.value, NULL, &out));
        assert_int_equal(out.n, 0);
    }
}

static void test_operation_wrong_digest_length_is_refused(void **state HF_UNUSED)
{
    static const uint8_t digest[600];
    for (size_t i = 0; crypto_alg_at(i) != NULL; i++) {
        const struct crypto_alg *alg = crypto_alg_at(i);
        if (alg->uses != CRYPTO_USE_SIGN || alg->method == CRYPTO_METHOD_HMAC)
            continue;
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key_for(alg);
        const size_t max = crypto_alg_digest_max(alg, crypto_key_bits(key));
        const size_t lengths[] = { 0, max + 1, alg->digest_bytes == 0 ? 0 : max - 1 };
        for (size_t j = 0; j < HF_ARRAY_LEN(lengths); j++) {
            TEST_BUF(out);
            struct hf_diag diag = { 0 };
            const hf_bytes value = { digest, lengths[j] };
            EXPECT_ERR(HF_E_INVALID, crypto_sign_digest(key, alg, value, &diag, &out));
            assert_string_equal(diag.field, "value");
            bool valid = true;
            struct hf_diag again = { 0 };
            EXPECT_ERR(HF_E_INVALID, crypto_verify_digest(key, alg, value, value, &again, &valid));
            assert_string_equal(again.field, "digest");
        }
    }
}

static bool verify(const struct crypto_key *key, const struct crypto_alg *alg, hf_bytes digest,
                   hf_bytes signature)
{
    bool valid = false;
    EXPECT_OK(crypto_verify_digest(key, alg, digest, signature, NULL, &valid));
    return valid;
}

static void expect_damage_shows(const struct crypto_key *key, const struct crypto_alg *alg,
                                hf_bytes digest, struct hf_buf *signature)
{
    for (size_t i = 0; i < signature->n; i += 7) {
        signature->p[i] ^= 1;
        assert_false(verify(key, alg, digest, hf_buf_view(signature)));
        signature->p[i] ^= 1;
    }
    assert_false(verify(key, alg, digest, (hf_bytes){ signature->p, signature->n - 1 }));
    assert_false(verify(key, alg, digest, (hf_bytes){ signature->p, 0 }));
    hf_buf_put_u8(signature, 0);
    assert_false(verify(key, alg, digest, hf_buf_view(signature)));
    signature->n--;
    memset(signature->p, 0, signature->n); /* r = s = 0 */
    assert_false(verify(key, alg, digest, hf_buf_view(signature)));
    memset(signature->p, 0xff, signature->n); /* beyond every order and modulus */
    assert_false(verify(key, alg, digest, hf_buf_view(signature)));
}

static void test_operation_signatures_verify_and_damaged_ones_do_not(void **state HF_UNUSED)
{
    static const uint8_t digest[64] = { 1, 2, 3 };
    for (size_t i = 0; crypto_alg_at(i) != NULL; i++) {
        const struct crypto_alg *alg = crypto_alg_at(i);
        if (alg->uses != CRYPTO_USE_SIGN)
            continue;
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key_for(alg);
        const hf_bytes value = { digest, alg->digest_bytes == 0 ? 20 : alg->digest_bytes };
        TEST_BUF(signature);
        EXPECT_OK(crypto_sign_digest(key, alg, value, NULL, &signature));
        assert_true(verify(key, alg, value, hf_buf_view(&signature)));
        expect_damage_shows(key, alg, value, &signature);
    }
}

static void expect_opens(const struct crypto_key *key, const struct crypto_alg *alg,
                         const struct crypto_input *in, hf_bytes plain)
{
    SECRET_BUF(out);
    EXPECT_OK(crypto_decrypt(key, alg, in, NULL, &out));
    assert_true(hf_bytes_equal(hf_buf_view(&out), plain));
}

static void expect_no_opening(const struct crypto_key *key, const struct crypto_alg *alg,
                              const struct crypto_input *in, hf_bytes plain)
{
    SECRET_BUF(out);
    const hf_err err = crypto_decrypt(key, alg, in, NULL, &out);
    if (err == HF_E_DECRYPT) {
        assert_int_equal(out.n, 0);
        return;
    }
    /* CBC authenticates nothing, and RSA1_5 may reject without saying so. */
    if (alg->method != CRYPTO_METHOD_CBC && alg->method != CRYPTO_METHOD_CBC_PAD &&
        alg->method != CRYPTO_METHOD_PKCS1_ENCRYPT)
        fail_msg("%s: %s", alg->name.p, hf_err_name(err));
    assert_int_equal(err, HF_OK);
    assert_false(hf_bytes_equal(hf_buf_view(&out), plain));
}

static void expect_each_damage_shows(const struct crypto_key *key, const struct crypto_alg *alg,
                                     struct hf_buf *sealed, struct crypto_extra *extra,
                                     struct crypto_input in, hf_bytes plain)
{
    for (size_t i = 0; i < sealed->n; i += 5) {
        sealed->p[i] ^= 0x10;
        expect_no_opening(key, alg, &in, plain);
        sealed->p[i] ^= 0x10;
    }
    for (size_t n = 0; n < sealed->n; n += 3) {
        struct crypto_input cut = in;
        cut.value.n = n;
        expect_no_opening(key, alg, &cut, plain);
    }
    for (size_t i = 0; i < extra->tag_bytes; i++) {
        extra->tag[i] ^= 1;
        expect_no_opening(key, alg, &in, plain);
        extra->tag[i] ^= 1;
    }
    for (size_t i = 0; i < extra->iv_bytes; i++) {
        extra->iv[i] ^= 1;
        expect_no_opening(key, alg, &in, plain);
        extra->iv[i] ^= 1;
    }
    struct crypto_input bare = in;
    bare.iv.n = 0;
    bare.tag.n = 0;
    SECRET_BUF(out);
    if (extra->iv_bytes > 0)
        EXPECT_ERR(HF_E_INVALID, crypto_decrypt(key, alg, &bare, NULL, &out));
    expect_opens(key, alg, &in, plain);
}

static void test_operation_ciphertexts_open_and_damaged_ones_do_not(void **state HF_UNUSED)
{
    static const uint8_t plain[32] = "thirty-two bytes to keep secret";
    static const uint8_t iv[16] = { 9, 8, 7 };
    for (size_t i = 0; crypto_alg_at(i) != NULL; i++) {
        const struct crypto_alg *alg = crypto_alg_at(i);
        if (alg->uses == CRYPTO_USE_SIGN)
            continue;
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key_for(alg);
        struct crypto_input in = { .value = { plain, 32 }, .iv = { iv, 16 }, .aad = { iv, 3 } };
        TEST_BUF(sealed);
        struct crypto_extra extra = { 0 };
        EXPECT_OK(crypto_encrypt(key, alg, &in, NULL, &extra, &sealed));
        in = (struct crypto_input){ .value = hf_buf_view(&sealed),
                                    .iv = { extra.iv, extra.iv_bytes },
                                    .aad = { iv, 3 },
                                    .tag = { extra.tag, extra.tag_bytes } };
        expect_each_damage_shows(key, alg, &sealed, &extra, in, (hf_bytes){ plain, 32 });
    }
}

static void test_operation_plaintext_of_wrong_length_is_refused(void **state HF_UNUSED)
{
    static const struct {
        const char *name;
        size_t bytes;
    } cases[] = {
        { "RSA1_5", 246 },         { "RSA-OAEP", 215 },
        { "RSA-OAEP-256", 191 },   { "A128CBC", 0 },
        { "A256CBC", 15 },         { "A192CBC", 17 },
        { "A128KW", 8 },           { "A256KW", 17 },
        { "CKM_AES_KEY_WRAP", 0 }, { "CKM_AES_KEY_WRAP_PAD", 0 },
    };
    static const uint8_t bytes[256];
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct crypto_alg *alg = alg_of(cases[i].name);
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key_for(alg);
        const struct crypto_input in = { .value = { bytes, cases[i].bytes }, .iv = { bytes, 16 } };
        struct crypto_extra extra;
        struct hf_diag diag = { 0 };
        TEST_BUF(out);
        EXPECT_ERR(HF_E_INVALID, crypto_encrypt(key, alg, &in, &diag, &extra, &out));
        assert_string_equal(diag.field, "value");
    }
}

/* Every last byte that is no padding, and each wrong byte inside a padding. */
static void test_operation_cbcpad_wrong_padding_does_not_decrypt(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep)
    struct crypto_key *key = make_oct("2b7e151628aed2a6abf7158809cf4f3c");
    static const uint8_t iv[16];
    for (unsigned size = 0; size < 256; size++) {
        for (unsigned wrong = 0; wrong <= 16; wrong++) {
            uint8_t block[16];
            memset(block, (int)size, sizeof(block));
            if (wrong > 0)
                block[16 - wrong] ^= 1;
            const struct crypto_input in = { .value = { block, 16 }, .iv = { iv, 16 } };
            struct crypto_extra extra;
            TEST_BUF(sealed);
            EXPECT_OK(crypto_encrypt(key, alg_of("A128CBC"), &in, NULL, &extra, &sealed));
            const struct crypto_input back = { .value = hf_buf_view(&sealed), .iv = { iv, 16 } };
            SECRET_BUF(out);
            const hf_err err = crypto_decrypt(key, alg_of("A128CBCPAD"), &back, NULL, &out);
            const unsigned last = block[15];
            bool is_right = last >= 1 && last <= 16;
            for (unsigned j = 0; is_right && j < last; j++)
                is_right = block[15 - j] == last;
            assert_int_equal(err, is_right ? HF_OK : HF_E_DECRYPT);
            assert_int_equal(out.n, is_right ? 16 - last : 0);
        }
    }
}

static const struct {
    const char *alg;
    const char *key;
    const char *iv;
    const char *plain;
    const char *sealed;
} vectors[] = {
    /* RFC 3394 §4.1, §4.6 */
    { "A128KW", "000102030405060708090a0b0c0d0e0f", "", "00112233445566778899aabbccddeeff",
      "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5" },
    { "CKM_AES_KEY_WRAP", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "",
      "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
      "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21" },
    /* RFC 5649 §6 */
    { "CKM_AES_KEY_WRAP_PAD", "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "",
      "c37b7e6492584340bed12207808941155068f738",
      "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a" },
    { "CKM_AES_KEY_WRAP_PAD", "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "",
      "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f" },
    /* SP 800-38A F.2.1 */
    { "A128CBC", "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
      "6bc1bee22e409f96e93d7e117393172a", "7649abac8119b246cee98e9b12e9197d" },
};

static void test_operation_published_vectors(void **state HF_UNUSED)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(vectors); i++) {
        uint8_t iv[16];
        uint8_t plain[64];
        uint8_t sealed[64];
        const size_t iv_n = strlen(vectors[i].iv) / 2;
        const size_t plain_n = strlen(vectors[i].plain) / 2;
        const size_t sealed_n = strlen(vectors[i].sealed) / 2;
        EXPECT_OK(hf_hex_decode(hf_str_from_c(vectors[i].iv), iv, iv_n));
        EXPECT_OK(hf_hex_decode(hf_str_from_c(vectors[i].plain), plain, plain_n));
        EXPECT_OK(hf_hex_decode(hf_str_from_c(vectors[i].sealed), sealed, sealed_n));
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_oct(vectors[i].key);
        const struct crypto_alg *alg = alg_of(vectors[i].alg);
        struct crypto_input in = { .value = { plain, plain_n }, .iv = { iv, iv_n } };
        struct crypto_extra extra;
        TEST_BUF(out);
        EXPECT_OK(crypto_encrypt(key, alg, &in, NULL, &extra, &out));
        assert_true(hf_bytes_equal(hf_buf_view(&out), (hf_bytes){ sealed, sealed_n }));
        in.value = hf_buf_view(&out);
        expect_opens(key, alg, &in, (hf_bytes){ plain, plain_n });
    }
}

/* Test case 2 of the GCM specification, decrypted, because the iv of encrypting is ours; and with another key. */
static void test_operation_published_gcm_vector_decrypts(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep)
    struct crypto_key *key = make_oct("feffe9928665731c6d6a8f9467308308");
    uint8_t iv[12];
    uint8_t tag[16];
    uint8_t sealed[16];
    uint8_t plain[16];
    HF_CLEANUP(crypto_key_freep)
    struct crypto_key *zero = make_oct("00000000000000000000000000000000");
    memset(iv, 0, sizeof(iv));
    memset(plain, 0, sizeof(plain));
    EXPECT_OK(hf_hex_decode(HF_LIT("0388dace60b6a392f328c2b971b2fe78"), sealed, 16));
    EXPECT_OK(hf_hex_decode(HF_LIT("ab6e47d42cec13bdf53a67b21257bddf"), tag, 16));
    const struct crypto_input in = { .value = { sealed, 16 },
                                     .iv = { iv, 12 },
                                     .tag = { tag, 16 } };
    expect_opens(zero, alg_of("A128GCM"), &in, (hf_bytes){ plain, 16 });
    SECRET_BUF(out);
    EXPECT_ERR(HF_E_DECRYPT, crypto_decrypt(key, alg_of("A128GCM"), &in, NULL, &out));
}

/* RFC 4231 §4.3 */
static void test_operation_published_hmac_vector(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_oct("4a656665");
    uint8_t mac[32];
    EXPECT_OK(hf_hex_decode(
        HF_LIT("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), mac, 32));
    TEST_BUF(out);
    EXPECT_OK(crypto_sign_digest(key, alg_of("HS256"),
                                 hf_str_bytes(HF_LIT("what do ya want for nothing?")), NULL, &out));
    assert_true(hf_bytes_equal(hf_buf_view(&out), (hf_bytes){ mac, 32 }));
}

struct shared {
    const struct crypto_key *key;
    const struct crypto_alg *alg;
};

/* NULL if all went well. */
static void *use_shared(void *argument)
{
    const struct shared *shared = argument;
    static const uint8_t digest[32] = { 5 };
    for (int i = 0; i < 20; i++) {
        uint8_t memory[256];
        struct hf_buf out;
        bool valid = false;
        hf_buf_init_fixed(&out, memory, sizeof(memory));
        const hf_bytes value = { digest, sizeof(digest) };
        if (crypto_sign_digest(shared->key, shared->alg, value, NULL, &out) != HF_OK ||
            crypto_verify_digest(shared->key, shared->alg, value, hf_buf_view(&out), NULL,
                                 &valid) != HF_OK ||
            !valid)
            return argument;
    }
    return NULL;
}

static void test_operation_threads_share_a_key(void **state HF_UNUSED)
{
    static const char *const names[] = { "ES256", "ES256K", "RS256", "PS256", "HS256" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = make_key_for(alg_of(names[i]));
        struct shared shared = { key, alg_of(names[i]) };
        pthread_t threads[4];
        for (size_t j = 0; j < HF_ARRAY_LEN(threads); j++)
            assert_int_equal(pthread_create(&threads[j], NULL, use_shared, &shared), 0);
        for (size_t j = 0; j < HF_ARRAY_LEN(threads); j++) {
            void *failed = &shared;
            assert_int_equal(pthread_join(threads[j], &failed), 0);
            assert_null(failed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operation_unknown_algorithms_are_not_found),
        cmocka_unit_test(test_operation_key_that_does_not_fit_is_refused),
        cmocka_unit_test(test_operation_wrong_digest_length_is_refused),
        cmocka_unit_test(test_operation_plaintext_of_wrong_length_is_refused),
        cmocka_unit_test(test_operation_cbcpad_wrong_padding_does_not_decrypt),
        cmocka_unit_test(test_operation_signatures_verify_and_damaged_ones_do_not),
        cmocka_unit_test(test_operation_ciphertexts_open_and_damaged_ones_do_not),
        cmocka_unit_test(test_operation_threads_share_a_key),
        cmocka_unit_test(test_operation_published_vectors),
        cmocka_unit_test(test_operation_published_gcm_vector_decrypts),
        cmocka_unit_test(test_operation_published_hmac_vector),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
