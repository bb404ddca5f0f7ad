/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes of role assignments: what is accepted stays the same when parsed again, and covers itself and what is below it,
 * but no sibling.
 */
#include "access/internal.h"

#define TAIL_MAX_BYTES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does the scope, in lower case, cover the scope with a tail? */
static bool covers(hf_str scope, const char *tail)
{
    char lower[ACCESS_SCOPE_MAX_BYTES];
    char memory[ACCESS_SCOPE_MAX_BYTES + TAIL_MAX_BYTES];
    HF_ASSERT(scope.n <= sizeof(lower));
    hf_str_lower_into(scope, lower);
    struct hf_buf resource;
    hf_buf_init_fixed(&resource, memory, sizeof(memory));
    hf_buf_put_str(&resource, scope);
    hf_buf_put_c(&resource, tail);
    HF_ASSERT(hf_buf_err(&resource) == HF_OK);
    return access_scope_covers((hf_str){ lower, scope.n }, hf_buf_str(&resource));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hf_str scope;
    if (access_scope_parse((hf_str){ (const char *)data, size }, &scope) != HF_OK)
        return 0;
    hf_str again;
    HF_ASSERT(access_scope_parse(scope, &again) == HF_OK);
    HF_ASSERT(hf_str_equal(scope, again));
    HF_ASSERT(covers(scope, ""));
    HF_ASSERT(covers(scope, "/secrets/x"));
    HF_ASSERT(covers(scope, "x") == (scope.n == 1));
    return 0;
}
