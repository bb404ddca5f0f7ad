/* SPDX-License-Identifier: Apache-2.0 */
/* The path of every request, verify and decide from the cache: how often it allocates, and (printed, not asserted) its time. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

/* Starting a digest costs OpenSSL 3.0 one block; see tests/unit/crypto/test_allocations.c. Our own code allocates nothing. */
#define REQUEST_ALLOCATIONS_MAX 1
#define ROUNDS 20000

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n);

static size_t allocations;

void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    allocations++;
    return __real_calloc(count, n);
}

static struct support s;
static struct access_principal app;

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    support_signing_key(&s);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static void request(hf_str token)
{
    const struct access_caller *caller = NULL;
    struct access_decision decision = { .allowed = false };
    EXPECT_OK(access_token_verify(s.view, s.txn, token, s.now, s.arena, &s.diag, &caller));
    EXPECT_OK(access_decide(s.view, s.txn, caller, ACCESS_SECRETS_GET,
                            HF_LIT(SUPPORT_VAULT "/secrets/database"), &decision));
    assert_true(decision.allowed);
    access_caller_release(s.view, caller);
}

static void test_hot_request_allocates_one_digest(void **state HF_UNUSED)
{
    (void)support_assign(&s, &app.object_id, "Key Vault Secrets User", SUPPORT_VAULT);
    hf_str token = support_token(&s, &app);
    request(token);
    request(token);
    size_t used = hf_arena_used(s.arena);
    size_t before = allocations;
    request(token);
    size_t made = allocations - before;
    assert_in_range(made, 0, REQUEST_ALLOCATIONS_MAX);
    assert_int_equal(hf_arena_used(s.arena), used);

    hf_usec start = hf_monotonic_now();
    for (int i = 0; i < ROUNDS; i++)
        request(token);
    hf_usec elapsed = hf_monotonic_now() - start;
    printf("verify and decide, cached, token of %zu bytes: %lld ns, %zu allocation(s)\n", token.n,
           (long long)(elapsed * 1000 / ROUNDS), made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hot_request_allocates_one_digest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
