/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client assertions, and the claims of any token: the input once as a whole JWT, once as its payload.
 */
#include "access/internal.h"

#define ARENA_MAX_BYTES (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct access_engine engine = {
    .login_url = { "https://login.example", 21 },
    .tenant_text = { "3e0d8a2c-9f41-4a6e-8d53-6b0f2a1c7e94", 36 },
};

static void check_claims(const struct access_claims *claims)
{
    struct hf_diag diag = { .field = "" };
    hf_err err = access_claims_check_audience(claims, &engine, access_assertion_audience_accepted,
                                              &diag);
    HF_ASSERT(err == HF_OK || err == HF_E_TOKEN_AUDIENCE);
    HF_ASSERT(access_claims_check_times(claims, claims->expires, 0) == HF_E_TOKEN_EXPIRED);
}

static void try_assertion(hf_str text, struct hf_arena *arena)
{
    struct access_assertion assertion;
    hf_err err = access_assertion_parse(text, arena, &assertion);
    if (err != HF_OK) {
        HF_ASSERT(err == HF_E_TOKEN_MALFORMED || err == HF_E_NOMEM);
        return;
    }
    const struct access_credential credential = { .kind = ACCESS_CERTIFICATE };
    (void)access_assertion_names(&assertion, &credential);
    check_claims(&assertion.claims);
    access_assertion_done(&assertion);
}

static void try_payload(hf_bytes text)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *payload = NULL;
    struct access_claims claims;
    if (hf_json_parse(text, NULL, &payload) == HF_OK &&
        access_claims_parse(payload, &claims) == HF_OK)
        check_claims(&claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    if (hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK)
        return 0;
    const hf_bytes bytes = { data, size };
    try_assertion(hf_bytes_str(bytes), arena);
    try_payload(bytes);
    return 0;
}
