/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed records: every change is found, nothing opens under another name, the bytes are what record.h says. */
#include "fixture.h"

#include "crypto/internal.h"
#include "crypto/record.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FORMAT 3

static const uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static hf_bytes storage_key(void)
{
    return hf_str_bytes(HF_LIT("vault/1/secret/name/0001"));
}

static struct crypto_record_key *make_key(uint8_t value)
{
    HF_CLEANUP(hf_secret_freep)
    struct hf_secret *parent = make_filled_secret(value, CRYPTO_RECORD_KEY_BYTES);
    struct crypto_record_key *key = NULL;
    EXPECT_OK(crypto_record_key_new(parent, &key));
    EXPECT_OK(crypto_record_key_keep(key));
    return key;
}

static struct crypto_record_key *make_key_kept_with(uint8_t value,
                                                    const struct crypto_record_key *keeper)
{
    HF_CLEANUP(hf_secret_freep)
    struct hf_secret *parent = make_filled_secret(value, CRYPTO_RECORD_KEY_BYTES);
    struct crypto_record_key *key = NULL;
    EXPECT_OK(crypto_record_key_new(parent, &key));
    crypto_record_key_keep_with(key, keeper);
    return key;
}

static void seal_text(struct crypto_record_key *key, const char *text, struct hf_buf *out)
{
    EXPECT_OK(crypto_record_seal(key, storage_key(), FORMAT, nonce,
                                 hf_str_bytes(hf_str_from_c(text)), out));
}

/* Both forms of opening fail alike and leave the output alone. */
static void expect_refused(struct crypto_record_key *key, hf_bytes name, uint8_t format,
                           hf_bytes record, hf_err expected)
{
    TEST_BUF(out);
    hf_buf_put_c(&out, "before");
    EXPECT_ERR(expected, crypto_record_open(key, name, format, record, &out));
    assert_true(hf_str_equal(hf_buf_str(&out), HF_LIT("before")));
    struct hf_secret *secret = NULL;
    EXPECT_ERR(expected, crypto_record_open_secret(key, name, format, record, &secret));
    assert_null(secret);
}

static void test_record_key_of_wrong_size_is_refused(void **state HF_UNUSED)
{
    static const size_t sizes[] = { 0, 31, 33 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = make_filled_secret(1, sizes[i]);
        struct crypto_record_key *key = NULL;
        EXPECT_ERR(HF_E_INVALID, crypto_record_key_new(parent, &key));
        assert_null(key);
    }
}

static void test_record_any_byte_changed_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    seal_text(key, "a small secret", &record);
    for (size_t i = 0; i < record.n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            record.p[i] ^= (uint8_t)(1 << bit);
            hf_err expected = i == 1 ? HF_E_FORMAT : HF_E_CORRUPT;
            expect_refused(key, storage_key(), FORMAT, hf_buf_view(&record), expected);
            record.p[i] ^= (uint8_t)(1 << bit);
        }
    }
    TEST_BUF(plain);
    EXPECT_OK(crypto_record_open(key, storage_key(), FORMAT, hf_buf_view(&record), &plain));
    assert_true(hf_str_equal(hf_buf_str(&plain), HF_LIT("a small secret")));
}

static void test_record_of_other_length_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    seal_text(key, "a small secret", &record);
    for (size_t n = 0; n < record.n; n++)
        expect_refused(key, storage_key(), FORMAT, (hf_bytes){ record.p, n }, HF_E_CORRUPT);
    hf_buf_put_u8(&record, 0);
    expect_refused(key, storage_key(), FORMAT, hf_buf_view(&record), HF_E_CORRUPT);
}

static void test_record_under_another_storage_key_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    seal_text(key, "value", &record);
    static const char *const others[] = { "", "vault/1/secret/name/0002", "vault/1/secret/name/000",
                                          "vault/1/secret/name/00010" };
    for (size_t i = 0; i < HF_ARRAY_LEN(others); i++)
        expect_refused(key, hf_str_bytes(hf_str_from_c(others[i])), FORMAT, hf_buf_view(&record),
                       HF_E_CORRUPT);
}

static void test_record_under_another_parent_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *other = make_key(2);
    TEST_BUF(record);
    seal_text(key, "value", &record);
    expect_refused(other, storage_key(), FORMAT, hf_buf_view(&record), HF_E_CORRUPT);
}

static void test_record_of_unknown_format_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    seal_text(key, "value", &record);
    expect_refused(key, storage_key(), FORMAT + 1, hf_buf_view(&record), HF_E_FORMAT);
    record.p[1] = FORMAT + 1; /* relabelled: the format is authenticated too */
    expect_refused(key, storage_key(), FORMAT + 1, hf_buf_view(&record), HF_E_CORRUPT);
}

static void test_record_format_of_garbage_is_refused(void **state HF_UNUSED)
{
    uint8_t garbage[CRYPTO_RECORD_OVERHEAD_BYTES] = { 'H', FORMAT };
    uint8_t format = 99;
    EXPECT_ERR(HF_E_CORRUPT, crypto_record_format((hf_bytes){ NULL, 0 }, &format));
    EXPECT_ERR(HF_E_CORRUPT,
               crypto_record_format((hf_bytes){ garbage, sizeof(garbage) - 1 }, &format));
    assert_int_equal(format, 99);
    EXPECT_OK(crypto_record_format((hf_bytes){ garbage, sizeof(garbage) }, &format));
    assert_int_equal(format, FORMAT);
    garbage[0] = 'h';
    EXPECT_ERR(HF_E_CORRUPT, crypto_record_format((hf_bytes){ garbage, sizeof(garbage) }, &format));
}

static void test_record_into_full_buffer_is_too_large(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    seal_text(key, "value", &record);
    uint8_t memory[CRYPTO_RECORD_OVERHEAD_BYTES + 4];
    struct hf_buf small;
    hf_buf_init_fixed(&small, memory, sizeof(memory));
    EXPECT_ERR(HF_E_TOO_LARGE, crypto_record_seal(key, storage_key(), FORMAT, nonce,
                                                  hf_str_bytes(HF_LIT("value")), &small));
    hf_buf_init_fixed(&small, memory, 4);
    EXPECT_ERR(HF_E_TOO_LARGE,
               crypto_record_open(key, storage_key(), FORMAT, hf_buf_view(&record), &small));
}

static void round_trip(struct crypto_record_key *key, hf_bytes name, hf_bytes plain)
{
    TEST_BUF(record);
    hf_buf_put_c(&record, "prefix");
    EXPECT_OK(crypto_record_seal(key, name, FORMAT, nonce, plain, &record));
    assert_int_equal(record.n, 6 + plain.n + CRYPTO_RECORD_OVERHEAD_BYTES);
    hf_bytes sealed = { record.p + 6, record.n - 6 };
    TEST_BUF(opened);
    EXPECT_OK(crypto_record_open(key, name, FORMAT, sealed, &opened));
    assert_true(hf_bytes_equal(hf_buf_view(&opened), plain));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    EXPECT_OK(crypto_record_open_secret(key, name, FORMAT, sealed, &secret));
    assert_true(hf_secret_equal(secret, plain));
    TEST_BUF(again);
    EXPECT_OK(crypto_record_seal_secret(key, name, FORMAT, nonce, secret, &again));
    assert_true(hf_bytes_equal(hf_buf_view(&again), sealed));
}

static void test_record_any_size_round_trips(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    static uint8_t plain[70000];
    EXPECT_OK(crypto_random(plain, sizeof(plain)));
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, sizeof(plain) };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++)
        round_trip(key, storage_key(), (hf_bytes){ plain, sizes[i] });
}

static void test_record_empty_storage_key_round_trips(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    round_trip(key, (hf_bytes){ NULL, 0 }, hf_str_bytes(HF_LIT("value")));
    round_trip(key, (hf_bytes){ NULL, 0 }, (hf_bytes){ NULL, 0 });
}

/* Seals by the description in record.h alone. */
static void seal_independently(const struct hf_secret *parent, hf_bytes name, hf_bytes plain,
                               struct hf_buf *out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *derived = NULL;
    EXPECT_OK(crypto_kdf(parent, HF_LIT("holdfast record v1"), name, &derived));
    const uint8_t header[] = { 'H', FORMAT };
    TEST_BUF(aad);
    hf_buf_put(&aad, header, sizeof(header));
    hf_buf_put_bytes(&aad, name);
    hf_buf_put(out, header, sizeof(header));
    hf_buf_put(out, nonce, sizeof(nonce));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_non_null(ctx);
    uint8_t text[64];
    uint8_t tag[16];
    int n = 0;
    assert_int_equal(
        EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), hf_secret_view(derived).p, nonce, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, text, &n, plain.p, (int)plain.n), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, tag, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag), 1);
    EVP_CIPHER_CTX_free(ctx);
    hf_buf_put(out, text, plain.n);
    hf_buf_put(out, tag, sizeof(tag));
}

static void test_record_bytes_are_as_described(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = make_filled_secret(1, 32);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    seal_text(key, "value", &record);
    TEST_BUF(expected);
    seal_independently(parent, storage_key(), hf_str_bytes(HF_LIT("value")), &expected);
    assert_true(hf_bytes_equal(hf_buf_view(&record), hf_buf_view(&expected)));
}

/* Long ones go another way to libcrypto than short ones. */
static void test_record_storage_key_of_any_size_is_as_described(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = make_filled_secret(1, 32);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    const hf_bytes plain = hf_str_bytes(HF_LIT("value"));
    static uint8_t bytes[1000];
    for (size_t n = 1; n < sizeof(bytes); n += n < 300 ? 1 : 100) {
        bytes[n - 1] = (uint8_t)n;
        const hf_bytes name = { bytes, n };
        TEST_BUF(expected);
        TEST_BUF(record);
        seal_independently(parent, name, plain, &expected);
        EXPECT_OK(crypto_record_seal(key, name, FORMAT, nonce, plain, &record));
        assert_true(hf_bytes_equal(hf_buf_view(&record), hf_buf_view(&expected)));
    }
}

static void *use_often(void *argument)
{
    struct crypto_record_key *key = argument;
    hf_bytes plain = hf_str_bytes(HF_LIT("value"));
    for (int i = 0; i < 500; i++) {
        TEST_BUF(record);
        TEST_BUF(opened);
        if (crypto_record_seal(key, storage_key(), FORMAT, nonce, plain, &record) != HF_OK ||
            crypto_record_open(key, storage_key(), FORMAT, hf_buf_view(&record), &opened) !=
                HF_OK ||
            !hf_bytes_equal(hf_buf_view(&opened), plain))
            return argument;
    }
    return NULL;
}

static void test_record_key_dups_work_in_threads(void **state HF_UNUSED)
{
    struct crypto_record_key *key = make_key(1);
    pthread_t threads[3];
    struct crypto_record_key *keys[HF_ARRAY_LEN(threads)] = { NULL };
    for (size_t i = 0; i < HF_ARRAY_LEN(threads); i++) {
        EXPECT_OK(crypto_record_key_dup(key, &keys[i]));
        assert_int_equal(pthread_create(&threads[i], NULL, use_often, keys[i]), 0);
    }
    assert_null(use_often(key));
    crypto_record_key_free(key);
    for (size_t i = 0; i < HF_ARRAY_LEN(threads); i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        crypto_record_key_free(keys[i]);
    }
}

static void open_kept(struct crypto_record_key *key, hf_bytes record, const char *expected)
{
    TEST_BUF(plain);
    hf_buf_put_c(&plain, "before");
    EXPECT_OK(crypto_record_open_kept(key, storage_key(), FORMAT, record, &plain));
    const hf_str opened = hf_str_sub(hf_buf_str(&plain), sizeof("before") - 1, plain.n);
    assert_true(hf_str_equal(opened, hf_str_from_c(expected)));
}

#define KEPT_MAX_BYTES 224 /* PLAIN_MAX_BYTES of record_keys.c */

/* What is kept of a record is given for exactly that record. */
static void test_record_kept_other_bytes_are_refused(void **state HF_UNUSED)
{
    static char longest[KEPT_MAX_BYTES + 1];
    static char too_long[KEPT_MAX_BYTES + 2];
    memset(longest, 'l', KEPT_MAX_BYTES);
    memset(too_long, 't', KEPT_MAX_BYTES + 1);
    const char *const texts[] = { "", "x", longest, too_long };
    for (size_t t = 0; t < HF_ARRAY_LEN(texts); t++) {
        HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
        TEST_BUF(record);
        seal_text(key, texts[t], &record);
        open_kept(key, hf_buf_view(&record), texts[t]);
        for (size_t i = 0; i < record.n; i++) {
            open_kept(key, hf_buf_view(&record), texts[t]);
            TEST_BUF(plain);
            record.p[i] ^= 1;
            EXPECT_ERR(
                i == 1 ? HF_E_FORMAT : HF_E_CORRUPT,
                crypto_record_open_kept(key, storage_key(), FORMAT, hf_buf_view(&record), &plain));
            record.p[i] ^= 1;
        }
        TEST_BUF(plain);
        EXPECT_ERR(HF_E_CORRUPT, crypto_record_open_kept(key, hf_str_bytes(HF_LIT("other")), FORMAT,
                                                         hf_buf_view(&record), &plain));
        EXPECT_ERR(HF_E_FORMAT, crypto_record_open_kept(key, storage_key(), FORMAT + 1,
                                                        hf_buf_view(&record), &plain));
        assert_int_equal(plain.n, 0);
        uint8_t memory[1];
        struct hf_buf small;
        hf_buf_init_fixed(&small, memory, sizeof(memory));
        if (strlen(texts[t]) > sizeof(memory))
            EXPECT_ERR(HF_E_TOO_LARGE, crypto_record_open_kept(key, storage_key(), FORMAT,
                                                               hf_buf_view(&record), &small));
    }
}

static void refuse_kept(struct crypto_record_key *key, hf_bytes record)
{
    TEST_BUF(plain);
    for (int i = 0; i < 2; i++) {
        EXPECT_ERR(HF_E_CORRUPT,
                   crypto_record_open_kept(key, storage_key(), FORMAT, record, &plain));
        EXPECT_ERR(HF_E_CORRUPT, crypto_record_open(key, storage_key(), FORMAT, record, &plain));
    }
    assert_int_equal(plain.n, 0);
}

/* Keys that keep in one memory: the same storage key is another record under each, also after one of them is gone. */
static void test_record_keys_that_keep_together_never_meet(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *keeper = make_key(1);
    struct crypto_record_key *second = make_key_kept_with(2, keeper);
    TEST_BUF(first_record);
    TEST_BUF(second_record);
    seal_text(keeper, "first", &first_record);
    seal_text(second, "second", &second_record);
    for (int i = 0; i < 3; i++) {
        open_kept(keeper, hf_buf_view(&first_record), "first");
        open_kept(second, hf_buf_view(&second_record), "second");
        refuse_kept(keeper, hf_buf_view(&second_record));
        refuse_kept(second, hf_buf_view(&first_record));
    }
    open_kept(second, hf_buf_view(&second_record), "second");
    crypto_record_key_free(second);
    HF_CLEANUP(crypto_record_key_freep)
    struct crypto_record_key *third = make_key_kept_with(3, keeper);
    refuse_kept(third, hf_buf_view(&second_record));
    HF_CLEANUP(crypto_record_key_freep)
    struct crypto_record_key *again = make_key_kept_with(2, keeper);
    open_kept(again, hf_buf_view(&second_record), "second");
    open_kept(keeper, hf_buf_view(&first_record), "first");
}

/* More names than keys are kept: each opens under its own, known or not, in any order. */
static void test_record_many_storage_keys_open_each_under_its_own(void **state HF_UNUSED)
{
    enum { NAMES = 400 };
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    uint8_t first[NAMES][CRYPTO_RECORD_OVERHEAD_BYTES];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < NAMES; i++) {
            char name[32];
            (void)snprintf(name, sizeof(name), "name-%d", i * (round + 1) % NAMES);
            TEST_BUF(record);
            const hf_bytes storage = hf_str_bytes(hf_str_from_c(name));
            EXPECT_OK(
                crypto_record_seal(key, storage, FORMAT, nonce, (hf_bytes){ NULL, 0 }, &record));
            const int at = i * (round + 1) % NAMES;
            if (round == 0)
                memcpy(first[at], record.p, record.n);
            assert_memory_equal(first[at], record.p, record.n);
        }
    }
    for (int i = 1; i < NAMES; i++)
        assert_memory_not_equal(first[i], first[i - 1], CRYPTO_RECORD_OVERHEAD_BYTES);
}

/* The memory of names is small, so that another name soon stands where the record's was kept. */
static void test_record_kept_opens_under_no_name_that_comes_after_it(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    TEST_BUF(out);
    seal_text(key, "text", &record);
    EXPECT_OK(crypto_record_open_kept(key, storage_key(), FORMAT, hf_buf_view(&record), &out));
    for (unsigned int i = 0; i < 2000; i++) {
        char name[32];
        const int n = snprintf(name, sizeof(name), "other-%u", i);
        const hf_bytes other = { (const uint8_t *)name, (size_t)n };
        for (int again = 0; again < 2; again++) {
            hf_buf_reset(&out);
            EXPECT_ERR(HF_E_CORRUPT,
                       crypto_record_open_kept(key, other, FORMAT, hf_buf_view(&record), &out));
            assert_int_equal(out.n, 0);
        }
    }
}

static void test_record_keys_forgotten_are_wiped(void **state HF_UNUSED)
{
    static const uint8_t derived[CRYPTO_SHA256_BYTES] = { 1, 2, 3 };
    static const uint8_t zeros[CRYPTO_SHA256_BYTES];
    struct crypto_record_keys *known = NULL;
    EXPECT_OK(crypto_record_keys_new(&known));
    const uint64_t gone = crypto_record_keys_join(known);
    const uint64_t other = crypto_record_keys_join(known);
    crypto_record_keys_put(known, gone, hf_str_bytes(HF_LIT("a")), derived);
    crypto_record_keys_put(known, other, hf_str_bytes(HF_LIT("b")), derived);
    const uint8_t *place = crypto_record_keys_find(known, gone, hf_str_bytes(HF_LIT("a")));
    assert_non_null(place);
    crypto_record_keys_forget(known, gone);
    assert_memory_equal(place, zeros, sizeof(zeros));
    assert_null(crypto_record_keys_find(known, gone, hf_str_bytes(HF_LIT("a"))));
    assert_non_null(crypto_record_keys_find(known, other, hf_str_bytes(HF_LIT("b"))));
    crypto_record_keys_forget(known, other);
    crypto_record_keys_free(known);
}

/* Decrypted, but not authentic: nobody may find it in the buffer's memory. */
static void test_record_refused_leaves_no_plaintext(void **state HF_UNUSED)
{
    static const uint8_t zeros[16];
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = make_key(1);
    TEST_BUF(record);
    uint8_t memory[sizeof(zeros)] = { 0 };
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof(memory));
    seal_text(key, "a text of 16 by.", &record);
    record.p[record.n - 1] ^= 1;
    EXPECT_ERR(HF_E_CORRUPT,
               crypto_record_open(key, storage_key(), FORMAT, hf_buf_view(&record), &out));
    assert_memory_equal(memory, zeros, sizeof(zeros));
}

/* A run that is made again on the same place with another plaintext: see nonces in vault/seal.c. */
static void test_record_resealed_with_one_seed_has_a_nonce_for_each_plaintext(
    void **state HF_UNUSED)
{
    static const uint8_t seed[CRYPTO_RECORD_SEED_BYTES] = { 7 };
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *from = make_key(1);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *to = make_key(2);
    TEST_BUF(first);
    TEST_BUF(second);
    TEST_BUF(first_anew);
    TEST_BUF(second_anew);
    seal_text(from, "one", &first);
    seal_text(from, "two", &second);
    EXPECT_OK(
        crypto_record_reseal(from, to, storage_key(), seed, hf_buf_view(&first), &first_anew));
    EXPECT_OK(
        crypto_record_reseal(from, to, storage_key(), seed, hf_buf_view(&second), &second_anew));
    assert_memory_not_equal(first_anew.p + 2, second_anew.p + 2, CRYPTO_RECORD_NONCE_BYTES);
}

static void test_record_key_free_of_null_is_fine(void **state HF_UNUSED)
{
    crypto_record_key_free(NULL);
}

static void test_record_resealed_from_another_key_or_damaged_is_refused(void **state HF_UNUSED)
{
    static const uint8_t seed[CRYPTO_RECORD_SEED_BYTES] = { 1 };
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *from = make_key(1);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *to = make_key(2);
    TEST_BUF(record);
    TEST_BUF(out);
    seal_text(from, "text", &record);
    EXPECT_ERR(HF_E_CORRUPT,
               crypto_record_reseal(to, from, storage_key(), seed, hf_buf_view(&record), &out));
    EXPECT_ERR(HF_E_CORRUPT, crypto_record_reseal(from, to, hf_str_bytes(HF_LIT("other")), seed,
                                                  hf_buf_view(&record), &out));
    for (size_t i = 0; i < record.n; i++) {
        record.p[i] ^= 1;
        EXPECT_ERR(HF_E_CORRUPT,
                   crypto_record_reseal(from, to, storage_key(), seed, hf_buf_view(&record), &out));
        record.p[i] ^= 1;
        EXPECT_ERR(HF_E_CORRUPT, crypto_record_reseal(from, to, storage_key(), seed,
                                                      (hf_bytes){ record.p, i }, &out));
    }
    assert_int_equal(out.n, 0);
}

static void test_record_resealed_opens_under_the_new_key_only(void **state HF_UNUSED)
{
    static const uint8_t seeds[2][CRYPTO_RECORD_SEED_BYTES] = { { 1 }, { 2 } };
    static const char *const texts[] = { "", "a small secret" };
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *from = make_key(1);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *to = make_key(2);
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        TEST_BUF(record);
        TEST_BUF(one);
        TEST_BUF(same);
        TEST_BUF(other);
        TEST_BUF(plain);
        seal_text(from, texts[i], &record);
        const hf_bytes sealed = hf_buf_view(&record);
        EXPECT_OK(crypto_record_reseal(from, to, storage_key(), seeds[0], sealed, &one));
        EXPECT_OK(crypto_record_reseal(from, to, storage_key(), seeds[0], sealed, &same));
        EXPECT_OK(crypto_record_reseal(from, to, storage_key(), seeds[1], sealed, &other));
        assert_true(hf_bytes_equal(hf_buf_view(&one), hf_buf_view(&same)));
        assert_false(hf_bytes_equal(hf_buf_view(&one), hf_buf_view(&other)));
        EXPECT_OK(crypto_record_open(to, storage_key(), FORMAT, hf_buf_view(&one), &plain));
        assert_true(hf_str_equal(hf_buf_str(&plain), hf_str_from_c(texts[i])));
        expect_refused(from, storage_key(), FORMAT, hf_buf_view(&one), HF_E_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_key_of_wrong_size_is_refused),
        cmocka_unit_test(test_record_any_byte_changed_is_refused),
        cmocka_unit_test(test_record_of_other_length_is_refused),
        cmocka_unit_test(test_record_under_another_storage_key_is_refused),
        cmocka_unit_test(test_record_under_another_parent_is_refused),
        cmocka_unit_test(test_record_of_unknown_format_is_refused),
        cmocka_unit_test(test_record_format_of_garbage_is_refused),
        cmocka_unit_test(test_record_into_full_buffer_is_too_large),
        cmocka_unit_test(test_record_resealed_from_another_key_or_damaged_is_refused),
        cmocka_unit_test(test_record_any_size_round_trips),
        cmocka_unit_test(test_record_resealed_opens_under_the_new_key_only),
        cmocka_unit_test(test_record_empty_storage_key_round_trips),
        cmocka_unit_test(test_record_bytes_are_as_described),
        cmocka_unit_test(test_record_storage_key_of_any_size_is_as_described),
        cmocka_unit_test(test_record_key_dups_work_in_threads),
        cmocka_unit_test(test_record_kept_other_bytes_are_refused),
        cmocka_unit_test(test_record_keys_that_keep_together_never_meet),
        cmocka_unit_test(test_record_many_storage_keys_open_each_under_its_own),
        cmocka_unit_test(test_record_kept_opens_under_no_name_that_comes_after_it),
        cmocka_unit_test(test_record_keys_forgotten_are_wiped),
        cmocka_unit_test(test_record_refused_leaves_no_plaintext),
        cmocka_unit_test(test_record_resealed_with_one_seed_has_a_nonce_for_each_plaintext),
        cmocka_unit_test(test_record_key_free_of_null_is_fine),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
