/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing and query parameters: the input is a method letter, then a request target.
 */
#include "api/azure/azure.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_query(struct api_call *call, hf_str name)
{
    hf_str value = { NULL, 0 };
    hf_err err = api_query(call, name, &value);
    HF_ASSERT(err == HF_OK || err == HF_E_INVALID || err == HF_E_NOMEM);
    HF_ASSERT(value.n <= call->request->query.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_arena *arena = NULL;
    if (size < 1 || hf_arena_new((size_t)4 * 1024 * 1024, &arena) != HF_OK)
        return 0;
    hf_str target = { (const char *)data + 1, size - 1 };
    size_t mark = hf_str_find(target, '?');
    struct http_exchange exchange = { .arena = arena };
    exchange.request =
        (struct http_request){ .method = (enum http_method)(data[0] % (HTTP_OTHER + 1)),
                               .path = hf_str_sub(target, 0, mark),
                               .query = hf_str_sub(target, mark + 1, target.n) };
    struct api_call call = { .exchange = &exchange,
                             .request = &exchange.request,
                             .arena = arena,
                             .door = &azure_door,
                             .method = exchange.request.method };
    hf_err err = api_route(&call);
    HF_ASSERT((err == HF_OK) == (call.op != NULL) || err == HF_E_INVALID || err == HF_E_NOMEM);
    check_query(&call, HF_LIT("api-version"));
    check_query(&call, HF_LIT("$skiptoken"));
    hf_arena_free(arena);
    return 0;
}
