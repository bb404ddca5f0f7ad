/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a rotation policy, and its record:
 *
 *   flags (1), created (8), updated (8), time of Rotate (6), time of Notify (6), expiry time (6)
 *
 * A duration is years (2), months (2), days (2); one whose flag is not set is left out. There is one encoding of each policy.
 */
#include "vault/rotation_policy.h"

#include "base/reader.h"

enum {
    FLAG_ROTATE_AFTER_CREATE = 1U << 0,
    FLAG_ROTATE_BEFORE_EXPIRY = 1U << 1,
    FLAG_NOTIFY = 1U << 2,
    FLAG_EXPIRY_TIME = 1U << 3,
    FLAGS_ALL = (1U << 4) - 1,
    FLAGS_ROTATE = FLAG_ROTATE_AFTER_CREATE | FLAG_ROTATE_BEFORE_EXPIRY,
};

#define FIELD_AFTER_CREATE "lifetimeActions.trigger.timeAfterCreate"
#define FIELD_BEFORE_EXPIRY "lifetimeActions.trigger.timeBeforeExpiry"
#define FIELD_ACTION "lifetimeActions.action.type"
#define FIELD_EXPIRY_TIME "attributes.expiryTime"

static const struct hf_duration default_notify = { 0, 0, VAULT_ROTATION_NOTIFY_DAYS };

void vault_rotation_policy_complete(struct vault_rotation_policy *policy,
                                    enum vault_rotation_rules rules)
{
    if (rules == VAULT_ROTATION_OF_VAULT && policy->notify.trigger == VAULT_TRIGGER_NONE)
        policy->notify = (struct vault_rotation_action){ VAULT_TRIGGER_BEFORE_EXPIRY,
                                                         default_notify };
}

struct vault_rotation_policy vault_rotation_policy_default(enum vault_rotation_rules rules)
{
    struct vault_rotation_policy policy = { .created = VAULT_TIME_NONE,
                                            .updated = VAULT_TIME_NONE };
    vault_rotation_policy_complete(&policy, rules);
    return policy;
}

static const char *field_of(enum vault_rotation_trigger trigger)
{
    return trigger == VAULT_TRIGGER_AFTER_CREATE ? FIELD_AFTER_CREATE : FIELD_BEFORE_EXPIRY;
}

HF_MUST static hf_err check_length(const struct hf_duration *duration, int64_t min_days,
                                   const char *field, struct hf_diag *diag)
{
    if (duration->years > HF_DURATION_NUMBER_MAX || duration->months > HF_DURATION_NUMBER_MAX ||
        duration->days > HF_DURATION_NUMBER_MAX ||
        hf_duration_max_days(duration) > VAULT_ROTATION_MAX_DAYS)
        return hf_fail(diag, HF_E_INVALID, field, "must be at most 100 years");
    if (hf_duration_min_days(duration) < min_days)
        return hf_fail(diag, HF_E_INVALID, field, "must be at least P%dD", (int)min_days);
    return HF_OK;
}

/* A trigger has a time, and no trigger has none. */
HF_MUST static hf_err check_action(const struct vault_rotation_action *action, int64_t min_days,
                                   struct hf_diag *diag)
{
    if (action->trigger == VAULT_TRIGGER_NONE) {
        if (!hf_duration_is_none(&action->time))
            return hf_fail(diag, HF_E_INVALID, FIELD_ACTION, "has a time but no trigger");
        return HF_OK;
    }
    return check_length(&action->time, min_days, field_of(action->trigger), diag);
}

/* From a rotation to the creation or the expiry of its version, whichever the trigger does not name. */
HF_MUST static hf_err check_distance(const struct vault_rotation_policy *policy,
                                     enum vault_rotation_rules rules, struct hf_diag *diag)
{
    const bool before_expiry = policy->rotate.trigger == VAULT_TRIGGER_BEFORE_EXPIRY;
    if (hf_duration_is_none(&policy->expiry_time))
        return before_expiry
                   ? hf_fail(diag, HF_E_INVALID, FIELD_BEFORE_EXPIRY, "needs " FIELD_EXPIRY_TIME)
                   : HF_OK;
    if (rules == VAULT_ROTATION_OF_HSM && !before_expiry)
        return HF_OK;
    const int min_days = rules == VAULT_ROTATION_OF_HSM ? VAULT_ROTATION_HSM_MIN_DAYS
                                                        : VAULT_ROTATION_MIN_DAYS;
    if (hf_duration_min_days(&policy->expiry_time) - hf_duration_max_days(&policy->rotate.time) <
        min_days)
        return hf_fail(diag, HF_E_INVALID, field_of(policy->rotate.trigger),
                       "must lie at least %d days %s", min_days,
                       before_expiry ? "after creation" : "before expiry");
    return HF_OK;
}

HF_MUST static hf_err check_rotate(const struct vault_rotation_policy *policy,
                                   enum vault_rotation_rules rules, struct hf_diag *diag)
{
    int64_t min_days = VAULT_ROTATION_MIN_DAYS;
    if (rules == VAULT_ROTATION_OF_HSM)
        min_days = policy->rotate.trigger == VAULT_TRIGGER_AFTER_CREATE
                       ? VAULT_ROTATION_HSM_MIN_DAYS
                       : 1;
    const hf_err err = check_action(&policy->rotate, min_days, diag);
    if (err != HF_OK || policy->rotate.trigger == VAULT_TRIGGER_NONE)
        return err;
    return check_distance(policy, rules, diag);
}

HF_MUST static hf_err check_notify(const struct vault_rotation_policy *policy,
                                   enum vault_rotation_rules rules, struct hf_diag *diag)
{
    if (policy->notify.trigger == VAULT_TRIGGER_AFTER_CREATE)
        return hf_fail(diag, HF_E_INVALID, FIELD_AFTER_CREATE, "is for Rotate only");
    if (policy->notify.trigger != VAULT_TRIGGER_NONE && rules == VAULT_ROTATION_OF_HSM)
        return hf_fail(diag, HF_E_INVALID, FIELD_ACTION, "Notify is not for Managed HSM");
    return check_action(&policy->notify, VAULT_ROTATION_MIN_DAYS, diag);
}

hf_err vault_rotation_policy_check(const struct vault_rotation_policy *policy,
                                   enum vault_rotation_rules rules, struct hf_diag *diag)
{
    hf_err err = HF_OK;
    if (!hf_duration_is_none(&policy->expiry_time))
        err = check_length(&policy->expiry_time, VAULT_EXPIRY_TIME_MIN_DAYS, FIELD_EXPIRY_TIME,
                           diag);
    if (err == HF_OK)
        err = check_rotate(policy, rules, diag);
    return err == HF_OK ? check_notify(policy, rules, diag) : err;
}

hf_err vault_rotation_policy_check_key(const struct vault_rotation_policy *policy, hf_usec expires,
                                       struct hf_diag *diag)
{
    if (policy->rotate.trigger == VAULT_TRIGGER_BEFORE_EXPIRY && expires == VAULT_TIME_NONE)
        return hf_fail(diag, HF_E_INVALID, FIELD_BEFORE_EXPIRY, "needs a key that expires");
    return HF_OK;
}

hf_err vault_rotation_expiry(const struct vault_rotation_policy *policy, hf_usec now, hf_usec *out)
{
    hf_usec expires = VAULT_TIME_NONE;
    if (!hf_duration_is_none(&policy->expiry_time)) {
        const hf_err err = hf_date_add(now, &policy->expiry_time, &expires);
        if (err != HF_OK)
            return err;
        expires = hf_usec_from_seconds(hf_usec_to_seconds(expires));
    }
    *out = expires;
    return HF_OK;
}

/* ---- record ---- */

static uint8_t flags_of(const struct vault_rotation_policy *policy)
{
    unsigned flags = 0;
    flags |= policy->rotate.trigger == VAULT_TRIGGER_AFTER_CREATE ? FLAG_ROTATE_AFTER_CREATE : 0;
    flags |= policy->rotate.trigger == VAULT_TRIGGER_BEFORE_EXPIRY ? FLAG_ROTATE_BEFORE_EXPIRY : 0;
    flags |= policy->notify.trigger != VAULT_TRIGGER_NONE ? FLAG_NOTIFY : 0;
    flags |= !hf_duration_is_none(&policy->expiry_time) ? FLAG_EXPIRY_TIME : 0;
    return (uint8_t)flags;
}

static void put_duration(struct hf_buf *out, const struct hf_duration *duration)
{
    if (hf_duration_is_none(duration))
        return;
    hf_buf_put_u16(out, duration->years);
    hf_buf_put_u16(out, duration->months);
    hf_buf_put_u16(out, duration->days);
}

void vault_rotation_policy_encode(const struct vault_rotation_policy *policy, struct hf_buf *out)
{
    hf_buf_put_u8(out, flags_of(policy));
    hf_buf_put_i64(out, policy->created);
    hf_buf_put_i64(out, policy->updated);
    put_duration(out, &policy->rotate.time);
    put_duration(out, &policy->notify.time);
    put_duration(out, &policy->expiry_time);
}

/* A duration whose flag is set is one. */
static struct hf_duration read_duration(struct hf_reader *reader, bool is_there)
{
    struct hf_duration duration = { 0 };
    if (!is_there)
        return duration;
    duration.years = hf_read_u16(reader);
    duration.months = hf_read_u16(reader);
    duration.days = hf_read_u16(reader);
    if (hf_duration_is_none(&duration) && reader->err == HF_OK)
        reader->err = HF_E_INVALID;
    return duration;
}

static enum vault_rotation_trigger rotate_trigger(unsigned flags)
{
    if ((flags & FLAGS_ROTATE) == 0)
        return VAULT_TRIGGER_NONE;
    return (flags & FLAG_ROTATE_AFTER_CREATE) != 0 ? VAULT_TRIGGER_AFTER_CREATE
                                                   : VAULT_TRIGGER_BEFORE_EXPIRY;
}

hf_err vault_rotation_policy_decode(hf_bytes plain, enum vault_rotation_rules rules,
                                    struct vault_rotation_policy *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_rotation_policy policy = { 0 };
    const unsigned flags = hf_read_u8(&reader);
    policy.created = hf_read_i64(&reader);
    policy.updated = hf_read_i64(&reader);
    policy.rotate.trigger = rotate_trigger(flags);
    policy.rotate.time = read_duration(&reader, (flags & FLAGS_ROTATE) != 0);
    if ((flags & FLAG_NOTIFY) != 0)
        policy.notify.trigger = VAULT_TRIGGER_BEFORE_EXPIRY;
    policy.notify.time = read_duration(&reader, (flags & FLAG_NOTIFY) != 0);
    policy.expiry_time = read_duration(&reader, (flags & FLAG_EXPIRY_TIME) != 0);
    if (hf_reader_finish(&reader) != HF_OK || (flags & ~(unsigned)FLAGS_ALL) != 0 ||
        (flags & FLAGS_ROTATE) == FLAGS_ROTATE || policy.created == VAULT_TIME_NONE ||
        policy.updated == VAULT_TIME_NONE ||
        vault_rotation_policy_check(&policy, rules, NULL) != HF_OK)
        return HF_E_CORRUPT;
    *out = policy;
    return HF_OK;
}
