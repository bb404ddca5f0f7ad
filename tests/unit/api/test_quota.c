/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets with a clock of their own; the table stays small whoever asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "api/quota.h"
#include "base/thread.h"
#include "crypto/crypto.h"

#define RATE 10
#define BURST 5
#define START (1000 * HF_USEC_PER_SEC)
#define KEYS_MANY 100000
#define THREADS 4
#define TAKES_A_THREAD 2000

static int start_crypto(void **state)
{
    (void)state;
    struct hf_diag diag = { 0 };
    return crypto_init(&diag) == HF_OK ? 0 : -1;
}

static int count_taken(struct api_quota *quota, uint64_t key, hf_usec now, int tries)
{
    int taken = 0;
    for (int i = 0; i < tries; i++)
        taken += api_quota_take(quota, key, now) == API_QUOTA_TAKEN;
    return taken;
}

static void test_quota_rate_of_zero_limits_nothing(void **state)
{
    (void)state;
    struct api_quota quota;
    assert_int_equal(api_quota_init(&quota, 0, 0), HF_OK);
    assert_int_equal(count_taken(&quota, 7, START, 10000), 10000);
    api_quota_done(&quota);
}

static void test_quota_burst_then_rate(void **state)
{
    (void)state;
    struct api_quota quota;
    assert_int_equal(api_quota_init(&quota, RATE, BURST), HF_OK);
    assert_int_equal(count_taken(&quota, 7, START, 100), BURST);
    assert_int_equal(api_quota_take(&quota, 7, START), API_QUOTA_EXCEEDED);
    assert_int_equal(count_taken(&quota, 8, START, 100), BURST); /* another key */
    hf_usec now = START;
    for (int i = 0; i < 100; i++) {
        now += HF_USEC_PER_SEC / RATE;
        assert_int_equal(count_taken(&quota, 7, now, 10), 1);
    }
    assert_int_equal(count_taken(&quota, 7, now + HF_USEC_PER_SEC / RATE - 1, 10), 0);
    assert_int_equal(count_taken(&quota, 7, now + 3600 * HF_USEC_PER_SEC, 100), BURST);
    api_quota_done(&quota);
}

/* What was refused costs nothing: who waits gets in. */
static void test_quota_refused_requests_do_not_count(void **state)
{
    (void)state;
    struct api_quota quota;
    assert_int_equal(api_quota_init(&quota, 1, 1), HF_OK);
    assert_int_equal(count_taken(&quota, 7, START, 1000), 1);
    assert_int_equal(count_taken(&quota, 7, START + HF_USEC_PER_SEC, 1000), 1);
    api_quota_done(&quota);
}

/* Full buckets are forgotten; a table full of others has no place, and says so. */
static void test_quota_table_is_bounded(void **state)
{
    (void)state;
    struct api_quota quota;
    assert_int_equal(api_quota_init(&quota, 1, 2), HF_OK);
    int without_place = 0;
    for (uint64_t key = 1; key <= KEYS_MANY; key++) {
        enum api_quota_answer answer = api_quota_take(&quota, key, START);
        assert_int_not_equal(answer, API_QUOTA_EXCEEDED);
        without_place += answer == API_QUOTA_NO_PLACE;
    }
    assert_in_range(without_place, KEYS_MANY - 20000, KEYS_MANY - 1);
    hf_usec later = START + 10 * HF_USEC_PER_SEC;
    for (uint64_t key = 1; key <= 1000; key++)
        assert_int_equal(api_quota_take(&quota, KEYS_MANY + key, later), API_QUOTA_TAKEN);
    api_quota_done(&quota);
}

static void test_quota_keys_of_text_differ_and_repeat(void **state)
{
    (void)state;
    struct api_quota quota;
    struct api_quota other;
    static const char *const texts[] = { "",
                                         "a",
                                         "b",
                                         "ab",
                                         "12345678",
                                         "123456789",
                                         "12345678a",
                                         "00000000-0000-0000-0000-000000000001",
                                         "00000000-0000-0000-0000-000000000002" };
    assert_int_equal(api_quota_init(&quota, 1, 1), HF_OK);
    assert_int_equal(api_quota_init(&other, 1, 1), HF_OK);
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
        uint64_t key = api_quota_key(&quota, hf_str_from_c(texts[i]));
        assert_true(key == api_quota_key(&quota, hf_str_from_c(texts[i])));
        assert_true(key != api_quota_key(&other, hf_str_from_c(texts[i])));
        for (size_t j = 0; j < i; j++)
            assert_true(key != api_quota_key(&quota, hf_str_from_c(texts[j])));
    }
    api_quota_done(&quota);
    api_quota_done(&other);
}

struct taker {
    struct api_quota *quota;
    int taken;
};

static void *run_taker(void *argument)
{
    struct taker *taker = argument;
    taker->taken = count_taken(taker->quota, 7, START, TAKES_A_THREAD);
    return NULL;
}

static void test_quota_from_threads_gives_no_token_twice(void **state)
{
    (void)state;
    struct api_quota quota;
    struct taker takers[THREADS];
    pthread_t threads[THREADS];
    assert_int_equal(api_quota_init(&quota, RATE, 1000), HF_OK);
    for (size_t i = 0; i < THREADS; i++) {
        takers[i] = (struct taker){ .quota = &quota };
        assert_int_equal(hf_thread_start(&threads[i], "quota-test", run_taker, &takers[i]), HF_OK);
    }
    int taken = 0;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        taken += takers[i].taken;
    }
    assert_in_range(taken, 1000, 1000 + THREADS); /* a place may be found twice at the very first */
    api_quota_done(&quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quota_rate_of_zero_limits_nothing),
        cmocka_unit_test(test_quota_burst_then_rate),
        cmocka_unit_test(test_quota_refused_requests_do_not_count),
        cmocka_unit_test(test_quota_table_is_bounded),
        cmocka_unit_test(test_quota_keys_of_text_differ_and_repeat),
        cmocka_unit_test(test_quota_from_threads_gives_no_token_twice),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
