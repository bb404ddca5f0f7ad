/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token request's form: any bytes are read or refused, and every refusal is explained.
 */
#include "api/entra/internal.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_arena *arena = NULL;
    if (hf_arena_new((size_t)4 * 1024 * 1024, &arena) != HF_OK)
        return 0;
    const struct http_header header = { HF_LIT("content-type"),
                                        HF_LIT("application/x-www-form-urlencoded") };
    struct http_exchange exchange = { .arena = arena };
    exchange.request =
        (struct http_request){ .headers = &header, .header_count = 1, .body = { data, size } };
    struct api_service service = { 0 };
    struct api_call call = { .exchange = &exchange,
                             .request = &exchange.request,
                             .arena = arena,
                             .service = &service,
                             .door = &entra_door };
    struct entra_form form;
    hf_err err = entra_form_read(&call, &form);
    HF_ASSERT(err == HF_OK || err == HF_E_NOMEM || call.error.status == 400);
    hf_arena_free(arena);
    return 0;
}
