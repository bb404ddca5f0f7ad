/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotation policies of keys: what may stand in one, its record, and when what is due. Pure functions: no store, no clock.
 *
 * Rule: Key Vault docs, configure key rotation; Key Vault REST, Update Key Rotation Policy.
 */
#pragma once

#include "base/duration.h"
#include "vault/secret.h"

enum vault_rotation_trigger {
    VAULT_TRIGGER_NONE, /* there is no such action */
    VAULT_TRIGGER_AFTER_CREATE,
    VAULT_TRIGGER_BEFORE_EXPIRY,
};

struct vault_rotation_action {
    enum vault_rotation_trigger trigger;
    struct hf_duration time; /* none if there is no trigger */
};

struct vault_rotation_policy {
    struct vault_rotation_action rotate;
    struct vault_rotation_action notify; /* before expiry only */
    struct hf_duration expiry_time;      /* of new versions; none: they do not expire */
    hf_usec created;                     /* VAULT_TIME_NONE in a policy that nobody has set */
    hf_usec updated;                     /* the same */
};

enum vault_rotation_rules {
    VAULT_ROTATION_OF_VAULT,
    VAULT_ROTATION_OF_HSM, /* Managed HSM: no Notify, longer minima */
};

#define VAULT_ROTATION_MIN_DAYS                                                                    \
    7 /* after creation, before expiry, and between a rotation and either */
#define VAULT_ROTATION_HSM_MIN_DAYS 28 /* after creation */
#define VAULT_EXPIRY_TIME_MIN_DAYS 28  /* "P28D" */
#define VAULT_ROTATION_NOTIFY_DAYS 30  /* when the policy says nothing else */
#define VAULT_ROTATION_MAX_DAYS 36600 /* ours: 100 years, so that the dates of new versions exist */

/* What a key has before a policy was set: for a vault Notify 30 days before expiry, for an HSM nothing. */
struct vault_rotation_policy vault_rotation_policy_default(enum vault_rotation_rules rules);
/* Adds what the service adds itself to a policy without it: the same Notify. */
void vault_rotation_policy_complete(struct vault_rotation_policy *policy,
                                    enum vault_rotation_rules rules);
/*
 * All rules that need no key. diag->field is "lifetimeActions.trigger.timeAfterCreate",
 * "lifetimeActions.trigger.timeBeforeExpiry", "lifetimeActions.action.type" or "attributes.expiryTime". Fails: HF_E_INVALID.
 */
HF_MUST hf_err vault_rotation_policy_check(const struct vault_rotation_policy *policy,
                                           enum vault_rotation_rules rules, struct hf_diag *diag);
/* A rotation before expiry needs a newest version that expires (VAULT_TIME_NONE: does not). Fails: HF_E_INVALID. */
HF_MUST hf_err vault_rotation_policy_check_key(const struct vault_rotation_policy *policy,
                                               hf_usec expires, struct hf_diag *diag);
/*
 * The expiry of a version made now by rotation, in whole seconds; VAULT_TIME_NONE if the policy sets none. Fails: HF_E_RANGE
 * (after the year 9999).
 */
HF_MUST hf_err vault_rotation_expiry(const struct vault_rotation_policy *policy, hf_usec now,
                                     hf_usec *out);

/* ---- record ---- */

#define VAULT_ROTATION_RECORD_MAX_BYTES (1 + 2 * 8 + 3 * 6)

/* A policy that passes the check, with both times. */
void vault_rotation_policy_encode(const struct vault_rotation_policy *policy, struct hf_buf *out);
/* Fails: HF_E_CORRUPT (also if the policy does not pass the check). */
HF_MUST hf_err vault_rotation_policy_decode(hf_bytes plain, enum vault_rotation_rules rules,
                                            struct vault_rotation_policy *out);

/* ---- schedule (rotation_schedule.c) ---- */

/* The newest version of a key, as the schedule sees it. */
struct vault_rotation_version {
    hf_usec created;
    hf_usec expires; /* VAULT_TIME_NONE: never */
    /* The `expires` for which the event was emitted, VAULT_TIME_NONE for none: another date is told anew. */
    hf_usec near_expiry_told;
    hf_usec expired_told;
    /* False if the key is disabled or managed, or its rotation has just failed: then Rotate is never due. */
    bool can_rotate;
};

enum vault_rotation_due {
    VAULT_DUE_NEAR_EXPIRY = 1U << 0, /* emit KeyNearExpiry, and remember it in near_expiry_told */
    VAULT_DUE_EXPIRED = 1U << 1,     /* emit KeyExpired, and remember it in expired_told */
    VAULT_DUE_ROTATE = 1U << 2,      /* make a version, created now */
};

/* Times are VAULT_TIME_NONE if that never comes. */
struct vault_rotation_plan {
    hf_usec near_expiry;
    hf_usec expired;
    hf_usec rotate;
    unsigned due; /* enum vault_rotation_due: events first, then the rotation */
    hf_usec
        next; /* when something is due next; NONE beside VAULT_DUE_ROTATE, as the new version has a plan of its own */
};

/*
 * What is due now, each once, however late it is. What would not have happened had the rotation come in time (an event dated
 * after a rotation that is due) is not due: a late clock yields the events of one that came in time.
 */
void vault_rotation_plan(const struct vault_rotation_policy *policy,
                         const struct vault_rotation_version *version, hf_usec now,
                         struct vault_rotation_plan *out);
