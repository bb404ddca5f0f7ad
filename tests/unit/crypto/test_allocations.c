/* SPDX-License-Identifier: Apache-2.0 */
/* What libcrypto allocates on the hot paths: a known small number of blocks. */
#include "fixture.h"

#include "crypto/record.h"

#include <stdlib.h>

/* The digest's state: OpenSSL 3.0 makes it anew at each start, later ones need not. */
#define SHA256_ALLOCATIONS_MAX 1

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

static size_t allocations;

void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

static void test_sha256_second_digest_allocates_one_block(void **state HF_UNUSED)
{
    const hf_bytes part = hf_str_bytes(HF_LIT("audit record"));
    uint8_t digest[CRYPTO_SHA256_BYTES];
    EXPECT_OK(crypto_sha256(&part, 1, digest));
    size_t before = allocations;
    EXPECT_OK(crypto_sha256(&part, 1, digest));
    size_t used = allocations - before;
    assert_in_range(used, 0, SHA256_ALLOCATIONS_MAX);
}

static void test_record_open_with_a_known_key_allocates_nothing(void **state HF_UNUSED)
{
    static const uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES] = { 1 };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = make_filled_secret(1, 32);
    struct crypto_record_key *key = NULL;
    EXPECT_OK(crypto_record_key_new(parent, &key));
    EXPECT_OK(crypto_record_key_keep(key));
    TEST_BUF(record);
    hf_bytes name = hf_str_bytes(HF_LIT("name"));
    EXPECT_OK(crypto_record_seal(key, name, 1, nonce, hf_str_bytes(HF_LIT("value")), &record));
    uint8_t memory[64];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    size_t before = allocations;
    EXPECT_OK(crypto_record_open(key, name, 1, hf_buf_view(&record), &plain));
    size_t used = allocations - before;
    assert_int_equal(used, 0);
    crypto_record_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_second_digest_allocates_one_block),
        cmocka_unit_test(test_record_open_with_a_known_key_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
