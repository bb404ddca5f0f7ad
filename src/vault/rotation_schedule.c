/* SPDX-License-Identifier: Apache-2.0 */
/* When a key's rotation and the events before its expiry are due. */
#include "vault/rotation_policy.h"

/* That long before the expiry, but not before the version was there. NONE if it does not expire. */
static hf_usec before_expiry(const struct vault_rotation_version *version,
                             const struct hf_duration *time)
{
    if (version->expires == VAULT_TIME_NONE)
        return VAULT_TIME_NONE;
    hf_usec t = version->created;
    if (hf_date_subtract(version->expires, time, &t) != HF_OK || t < version->created)
        return version->created;
    return t;
}

static hf_usec rotate_time(const struct vault_rotation_policy *policy,
                           const struct vault_rotation_version *version)
{
    if (!version->can_rotate || policy->rotate.trigger == VAULT_TRIGGER_NONE)
        return VAULT_TIME_NONE;
    if (policy->rotate.trigger == VAULT_TRIGGER_BEFORE_EXPIRY)
        return before_expiry(version, &policy->rotate.time);
    hf_usec t = VAULT_TIME_NONE;
    return hf_date_add(version->created, &policy->rotate.time, &t) == HF_OK ? t : VAULT_TIME_NONE;
}

static hf_usec near_expiry_time(const struct vault_rotation_policy *policy,
                                const struct vault_rotation_version *version)
{
    static const struct hf_duration otherwise = { 0, 0, VAULT_ROTATION_NOTIFY_DAYS };
    return before_expiry(
        version, policy->notify.trigger == VAULT_TRIGGER_NONE ? &otherwise : &policy->notify.time);
}

static void plan_one(struct vault_rotation_plan *plan, hf_usec t, unsigned bit, hf_usec now)
{
    if (t == VAULT_TIME_NONE)
        return;
    if (t <= now)
        plan->due |= bit;
    else if (plan->next == VAULT_TIME_NONE || t < plan->next)
        plan->next = t;
}

/* An event that was told already, or comes after a rotation that is due, is not planned. */
static void plan_event(struct vault_rotation_plan *plan, hf_usec t, bool is_told, unsigned bit,
                       hf_usec now)
{
    const bool replaced = (plan->due & VAULT_DUE_ROTATE) != 0 && t > plan->rotate;
    if (!is_told && !replaced)
        plan_one(plan, t, bit, now);
}

void vault_rotation_plan(const struct vault_rotation_policy *policy,
                         const struct vault_rotation_version *version, hf_usec now,
                         struct vault_rotation_plan *out)
{
    struct vault_rotation_plan plan = {
        .near_expiry = near_expiry_time(policy, version),
        .expired = version->expires,
        .rotate = rotate_time(policy, version),
        .next = VAULT_TIME_NONE,
    };
    plan_one(&plan, plan.rotate, VAULT_DUE_ROTATE, now);
    plan_event(&plan, plan.near_expiry, version->near_expiry_told == version->expires,
               VAULT_DUE_NEAR_EXPIRY, now);
    plan_event(&plan, plan.expired, version->expired_told == version->expires, VAULT_DUE_EXPIRED,
               now);
    if ((plan.due & VAULT_DUE_ROTATE) != 0)
        plan.next = VAULT_TIME_NONE;
    *out = plan;
}
