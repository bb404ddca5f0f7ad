/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation policies: what is refused, their records, and years of moved clock. */
#include "support.h"

#include "vault/rotation_policy.h"

#define START (INT64_C(1767225600) * HF_USEC_PER_SEC) /* 2026-01-01 */
#define MINUTE (60 * HF_USEC_PER_SEC)

static struct vault_rotation_policy policy_of(enum vault_rotation_trigger rotate, uint16_t days,
                                              uint16_t notify, uint16_t expiry)
{
    return (struct vault_rotation_policy){
        .rotate = { rotate, { 0, 0, days } },
        .notify = { notify > 0 ? VAULT_TRIGGER_BEFORE_EXPIRY : VAULT_TRIGGER_NONE,
                    { 0, 0, notify } },
        .expiry_time = { 0, 0, expiry },
        .created = 1,
        .updated = 2,
    };
}

static void test_rotation_policy_outside_its_limits_is_refused(void **state HF_UNUSED)
{
    static const struct {
        enum vault_rotation_rules rules;
        enum vault_rotation_trigger rotate;
        uint16_t days, notify, expiry;
        const char *field; /* NULL: allowed */
    } cases[] = {
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_AFTER_CREATE, 6, 0, 0,
          "lifetimeActions.trigger.timeAfterCreate" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_AFTER_CREATE, 7, 0, 0, NULL },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_AFTER_CREATE, 22, 0, 28,
          "lifetimeActions.trigger.timeAfterCreate" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_AFTER_CREATE, 21, 0, 28, NULL },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_BEFORE_EXPIRY, 30, 0, 0,
          "lifetimeActions.trigger.timeBeforeExpiry" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_BEFORE_EXPIRY, 6, 0, 90,
          "lifetimeActions.trigger.timeBeforeExpiry" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_BEFORE_EXPIRY, 7, 0, 90, NULL },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_BEFORE_EXPIRY, 84, 0, 90,
          "lifetimeActions.trigger.timeBeforeExpiry" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_NONE, 0, 6, 0,
          "lifetimeActions.trigger.timeBeforeExpiry" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_NONE, 0, 7, 0, NULL },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_NONE, 1, 0, 0, "lifetimeActions.action.type" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_AFTER_CREATE, 0, 0, 0,
          "lifetimeActions.trigger.timeAfterCreate" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_NONE, 0, 0, 27, "attributes.expiryTime" },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_NONE, 0, 0, 28, NULL },
        { VAULT_ROTATION_OF_VAULT, VAULT_TRIGGER_NONE, 0, 0, 36601, "attributes.expiryTime" },
        { VAULT_ROTATION_OF_HSM, VAULT_TRIGGER_AFTER_CREATE, 27, 0, 0,
          "lifetimeActions.trigger.timeAfterCreate" },
        { VAULT_ROTATION_OF_HSM, VAULT_TRIGGER_AFTER_CREATE, 28, 0, 0, NULL },
        { VAULT_ROTATION_OF_HSM, VAULT_TRIGGER_BEFORE_EXPIRY, 63, 0, 90,
          "lifetimeActions.trigger.timeBeforeExpiry" },
        { VAULT_ROTATION_OF_HSM, VAULT_TRIGGER_BEFORE_EXPIRY, 62, 0, 90, NULL },
        { VAULT_ROTATION_OF_HSM, VAULT_TRIGGER_NONE, 0, 30, 0, "lifetimeActions.action.type" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct vault_rotation_policy policy = policy_of(cases[i].rotate, cases[i].days,
                                                              cases[i].notify, cases[i].expiry);
        struct hf_diag diag = { 0 };
        const hf_err err = vault_rotation_policy_check(&policy, cases[i].rules, &diag);
        EXPECT_ERR(cases[i].field == NULL ? HF_OK : HF_E_INVALID, err);
        assert_string_equal(diag.field, cases[i].field == NULL ? "" : cases[i].field);
    }
    struct vault_rotation_policy policy = policy_of(VAULT_TRIGGER_BEFORE_EXPIRY, 30, 0, 90);
    EXPECT_ERR(HF_E_INVALID, vault_rotation_policy_check_key(&policy, VAULT_TIME_NONE, NULL));
    EXPECT_OK(vault_rotation_policy_check_key(&policy, START, NULL));
    policy.notify = (struct vault_rotation_action){ VAULT_TRIGGER_AFTER_CREATE, { 0, 0, 30 } };
    EXPECT_ERR(HF_E_INVALID, vault_rotation_policy_check(&policy, VAULT_ROTATION_OF_VAULT, NULL));
}

static void test_rotation_record_is_exact(void **state HF_UNUSED)
{
    const struct vault_rotation_policy policy = policy_of(VAULT_TRIGGER_BEFORE_EXPIRY, 30, 40, 90);
    uint8_t memory[VAULT_ROTATION_RECORD_MAX_BYTES + 1];
    struct hf_buf buf;
    struct vault_rotation_policy out;
    hf_buf_init_fixed(&buf, memory, sizeof memory);
    vault_rotation_policy_encode(&policy, &buf);
    const size_t n = buf.n;
    for (size_t i = 0; i < n; i++)
        EXPECT_ERR(HF_E_CORRUPT, vault_rotation_policy_decode((hf_bytes){ memory, i },
                                                              VAULT_ROTATION_OF_VAULT, &out));
    memory[n] = 0;
    EXPECT_ERR(HF_E_CORRUPT, vault_rotation_policy_decode((hf_bytes){ memory, n + 1 },
                                                          VAULT_ROTATION_OF_VAULT, &out));
    const uint8_t flags = memory[0];
    static const uint8_t wrong[] = { 0x10, 0x01,
                                     0x08 }; /* unknown, both triggers, no expiry time */
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        memory[0] = flags ^ wrong[i];
        EXPECT_ERR(HF_E_CORRUPT, vault_rotation_policy_decode((hf_bytes){ memory, n },
                                                              VAULT_ROTATION_OF_VAULT, &out));
    }
    memory[0] = flags;
    EXPECT_ERR(HF_E_CORRUPT,
               vault_rotation_policy_decode((hf_bytes){ memory, n }, VAULT_ROTATION_OF_HSM, &out));
    EXPECT_OK(vault_rotation_policy_decode((hf_bytes){ memory, n }, VAULT_ROTATION_OF_VAULT, &out));
    assert_true(out.rotate.trigger == VAULT_TRIGGER_BEFORE_EXPIRY && out.rotate.time.days == 30);
    assert_true(out.notify.time.days == 40 && out.expiry_time.days == 90);
    assert_true(out.created == 1 && out.updated == 2);
}

struct counts {
    int versions, near, expired;
    hf_usec last; /* creation of the newest version */
};

/* What a scheduler does that looks once in `step`. */
static struct counts run(const struct vault_rotation_policy *policy, hf_usec expires, hf_usec until,
                         hf_usec step)
{
    struct counts counts = { 0 };
    struct vault_rotation_version version = { START, expires, VAULT_TIME_NONE, VAULT_TIME_NONE,
                                              true };
    for (hf_usec now = START; now <= until; now += step) {
        struct vault_rotation_plan plan;
        vault_rotation_plan(policy, &version, now, &plan);
        if ((plan.due & VAULT_DUE_NEAR_EXPIRY) != 0) {
            counts.near++;
            version.near_expiry_told = version.expires;
        }
        if ((plan.due & VAULT_DUE_EXPIRED) != 0) {
            counts.expired++;
            version.expired_told = version.expires;
        }
        if ((plan.due & VAULT_DUE_ROTATE) != 0) {
            counts.versions++;
            version = (struct vault_rotation_version){ now, 0, VAULT_TIME_NONE, VAULT_TIME_NONE,
                                                       true };
            EXPECT_OK(vault_rotation_expiry(policy, now, &version.expires));
        }
    }
    counts.last = version.created;
    return counts;
}

/* Counts worked out by hand: versions are `period` apart, rounded up to the step. */
static void test_rotation_over_years_is_what_the_policy_says(void **state HF_UNUSED)
{
    const struct {
        struct vault_rotation_policy policy;
        int days;
        hf_usec step;
        int versions, near, expired;
    } cases[] = {
        /* every 90 days, expiring after 120, told 30 before: each version is told as it is replaced */
        { policy_of(VAULT_TRIGGER_AFTER_CREATE, 90, 30, 120), 365, MINUTE, 4, 4, 0 },
        { policy_of(VAULT_TRIGGER_AFTER_CREATE, 90, 30, 120), 365, HF_USEC_PER_DAY, 4, 4, 0 },
        { policy_of(VAULT_TRIGGER_AFTER_CREATE, 90, 30, 120), 365, 40 * HF_USEC_PER_DAY, 3, 3, 0 },
        { policy_of(VAULT_TRIGGER_AFTER_CREATE, 90, 30, 120), 3650, HF_USEC_PER_DAY, 40, 40, 0 },
        { policy_of(VAULT_TRIGGER_AFTER_CREATE, 90, 30, 120), 3650, 40 * HF_USEC_PER_DAY, 30, 30,
          0 },
        /* 40 days before an expiry of 90, told 10 before: the rotation is always first */
        { policy_of(VAULT_TRIGGER_BEFORE_EXPIRY, 40, 10, 90), 365, MINUTE, 7, 0, 0 },
        { policy_of(VAULT_TRIGGER_BEFORE_EXPIRY, 40, 10, 90), 3650, HF_USEC_PER_DAY, 73, 0, 0 },
        { policy_of(VAULT_TRIGGER_BEFORE_EXPIRY, 40, 10, 90), 3650, 40 * HF_USEC_PER_DAY, 45, 0,
          0 },
        /* no rotation: told and expired, once each */
        { policy_of(VAULT_TRIGGER_NONE, 0, 30, 120), 365, MINUTE, 0, 1, 1 },
        { policy_of(VAULT_TRIGGER_NONE, 0, 30, 120), 3650, 40 * HF_USEC_PER_DAY, 0, 1, 1 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const hf_usec expires = START + cases[i].policy.expiry_time.days * HF_USEC_PER_DAY;
        const struct counts counts = run(&cases[i].policy, expires,
                                         START + cases[i].days * HF_USEC_PER_DAY, cases[i].step);
        assert_int_equal(counts.versions, cases[i].versions);
        assert_int_equal(counts.near, cases[i].near);
        assert_int_equal(counts.expired, cases[i].expired);
    }
}

static void test_rotation_missed_for_years_happens_once(void **state HF_UNUSED)
{
    const struct vault_rotation_policy policy = policy_of(VAULT_TRIGGER_AFTER_CREATE, 30, 0, 0);
    const struct counts counts = run(&policy, VAULT_TIME_NONE, START + 1100 * HF_USEC_PER_DAY,
                                     1000 * HF_USEC_PER_DAY);
    assert_int_equal(counts.versions, 1);
    assert_int_equal(counts.last, START + 1000 * HF_USEC_PER_DAY);
}

static void test_rotation_that_cannot_be_is_told_as_expired(void **state HF_UNUSED)
{
    const struct vault_rotation_policy policy = policy_of(VAULT_TRIGGER_BEFORE_EXPIRY, 40, 10, 90);
    struct vault_rotation_version version = { START, START + 90 * HF_USEC_PER_DAY, VAULT_TIME_NONE,
                                              VAULT_TIME_NONE, false };
    struct vault_rotation_plan plan;
    vault_rotation_plan(&policy, &version, START + 90 * HF_USEC_PER_DAY, &plan);
    assert_int_equal(plan.due, VAULT_DUE_NEAR_EXPIRY | VAULT_DUE_EXPIRED);
    version.can_rotate = true;
    vault_rotation_plan(&policy, &version, START, &plan);
    assert_true(plan.due == 0 && plan.next == START + 50 * HF_USEC_PER_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rotation_policy_outside_its_limits_is_refused),
        cmocka_unit_test(test_rotation_record_is_exact),
        cmocka_unit_test(test_rotation_over_years_is_what_the_policy_says),
        cmocka_unit_test(test_rotation_missed_for_years_happens_once),
        cmocka_unit_test(test_rotation_that_cannot_be_is_told_as_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
