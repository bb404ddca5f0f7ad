/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A release policy, a zero byte, and claims. A policy that is taken is written as a text that reads and writes as itself, and
 * both allow the same.
 */
#include "access/release_policy.h"
#include "base/assert.h"

#define ARENA_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define AUTHORITY HF_LIT("https://a")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_policy(hf_bytes text, hf_bytes claims_text, struct hf_arena *arena,
                       struct hf_buf *once, struct hf_buf *twice)
{
    const struct access_release_policy *first = NULL;
    const struct access_release_policy *second = NULL;
    struct hf_diag diag = { 0 };
    const hf_err err = access_release_policy_parse(text, arena, &diag, &first);
    if (err != HF_OK) {
        HF_ASSERT(err == HF_E_NOMEM || diag.text[0] != '\0');
        return;
    }
    access_release_policy_write(first, once);
    HF_ASSERT(hf_buf_err(once) == HF_OK);
    if (once->n > ACCESS_RELEASE_POLICY_MAX_BYTES)
        return;
    HF_ASSERT(access_release_policy_parse(hf_buf_view(once), arena, NULL, &second) == HF_OK);
    access_release_policy_write(second, twice);
    HF_ASSERT(hf_bytes_equal(hf_buf_view(once), hf_buf_view(twice)));
    HF_CLEANUP(hf_json_freep) struct hf_json *claims = NULL;
    if (hf_json_parse(claims_text, NULL, &claims) != HF_OK)
        return;
    HF_ASSERT(access_release_policy_allows(first, AUTHORITY, claims) ==
              access_release_policy_allows(second, AUTHORITY, claims));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hf_arena *arena;
    if (arena == NULL && hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK)
        return 0;
    const size_t n = hf_str_find((hf_str){ (const char *)data, size }, '\0');
    const size_t behind = n < size ? n + 1 : size;
    struct hf_buf once;
    struct hf_buf twice;
    hf_buf_init(&once, (size_t)8 * ACCESS_RELEASE_POLICY_MAX_BYTES);
    hf_buf_init(&twice, (size_t)8 * ACCESS_RELEASE_POLICY_MAX_BYTES);
    try_policy((hf_bytes){ data, n }, (hf_bytes){ data + behind, size - behind }, arena, &once,
               &twice);
    hf_buf_done(&once);
    hf_buf_done(&twice);
    hf_arena_reset(arena);
    return 0;
}
