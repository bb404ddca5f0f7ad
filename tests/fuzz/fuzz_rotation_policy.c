/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses: a duration's text, or a rotation policy's record by the rules of a vault or an HSM. What is taken is
 * written as the same bytes. Of a
 * policy's plan: what was told is not due again, and a new version is not rotated at once.
 */
#include "base/assert.h"
#include "base/reader.h"
#include "vault/rotation_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_duration(hf_bytes input, struct hf_buf *out)
{
    struct hf_duration duration;
    if (hf_duration_parse(hf_bytes_str(input), &duration) != HF_OK)
        return;
    hf_buf_put_duration(out, &duration);
    HF_ASSERT(hf_buf_err(out) == HF_OK && hf_bytes_equal(hf_buf_view(out), input));
    HF_ASSERT(hf_duration_min_days(&duration) <= hf_duration_max_days(&duration));
}

static void try_plan(const struct vault_rotation_policy *policy)
{
    struct vault_rotation_version version = { policy->created, policy->updated, VAULT_TIME_NONE,
                                              VAULT_TIME_NONE, true };
    struct vault_rotation_plan plan;
    vault_rotation_plan(policy, &version, policy->updated, &plan);
    HF_ASSERT(plan.next == VAULT_TIME_NONE || plan.next > policy->updated);
    version.near_expiry_told = version.expires;
    version.expired_told = version.expires;
    vault_rotation_plan(policy, &version, INT64_MAX, &plan);
    HF_ASSERT((plan.due & ~(unsigned)VAULT_DUE_ROTATE) == 0);
    hf_usec expires = 0;
    if (vault_rotation_expiry(policy, policy->created, &expires) != HF_OK)
        return;
    /* A new version is never due for rotation at once. */
    version = (struct vault_rotation_version){ policy->created, expires, VAULT_TIME_NONE,
                                               VAULT_TIME_NONE, true };
    vault_rotation_plan(policy, &version, policy->created, &plan);
    HF_ASSERT((plan.due & VAULT_DUE_ROTATE) == 0);
}

static void try_record(hf_bytes input, enum vault_rotation_rules rules, struct hf_buf *out)
{
    struct vault_rotation_policy policy;
    if (vault_rotation_policy_decode(input, rules, &policy) != HF_OK)
        return;
    vault_rotation_policy_encode(&policy, out);
    HF_ASSERT(hf_buf_err(out) == HF_OK && hf_bytes_equal(hf_buf_view(out), input));
    try_plan(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    uint8_t memory[64];
    struct hf_buf out;
    hf_buf_init_fixed(&out, memory, sizeof memory);
    if (data[0] == 'd')
        try_duration(input, &out);
    else
        try_record(input, data[0] == 'h' ? VAULT_ROTATION_OF_HSM : VAULT_ROTATION_OF_VAULT, &out);
    return 0;
}
