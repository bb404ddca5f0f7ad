/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked of a sealed server: bounded in memory, whole in the audit log.
 */
#include "support.h"

#include "server/tries.h"

#include <stdio.h>
#include <string.h>

#define MANY 1000

struct world {
    struct place place;
    struct audit_log *log;
    struct server_tries tries;
};

static struct world world;

static int set_up(void **state)
{
    struct hf_diag diag = { 0 };
    memset(&world, 0, sizeof(world));
    place_init(&world.place);
    const struct audit_config config = { .folder = world.place.settings.audit_folder };
    assert_int_equal(audit_open(&config, &diag, &world.log), HF_OK);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    audit_close(w->log);
    place_done(&w->place);
    return 0;
}

static void note(struct world *w, hf_usec time, int64_t uid, uint32_t share, hf_err result)
{
    const struct server_try what = {
        .first = time, .last = time, .times = 1, .uid = uid, .share = share, .result = result
    };
    server_tries_note(&w->tries, &what);
}

static bool log_has(struct world *w, const char *text)
{
    struct hf_buf lines;
    hf_buf_init(&lines, (size_t)1024 * 1024);
    assert_int_equal(audit_tail(w->place.settings.audit_folder, MANY, &lines), HF_OK);
    hf_buf_put_u8(&lines, 0);
    const bool found = strstr((const char *)lines.p, text) != NULL;
    hf_buf_done(&lines);
    return found;
}

static void test_more_than_fit_are_counted(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < MANY; i++)
        note(w, i, i % 2, 0, HF_E_FORBIDDEN);
    assert_int_equal(w->tries.count, SERVER_TRIES_KEPT);
    assert_int_equal(server_tries_record(&w->tries, w->log), HF_OK);
    assert_int_equal(audit_log_head(w->log).seq, SERVER_TRIES_KEPT + 1);
    assert_true(log_has(w, "further,times=872,"));
    assert_int_equal(w->tries.count, 0);
}

static void test_what_is_alike_is_one_record(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < MANY; i++)
        note(w, i, 7, 0, HF_E_FORBIDDEN);
    note(w, MANY, 7, 3, HF_OK);
    assert_int_equal(server_tries_record(&w->tries, w->log), HF_OK);
    assert_int_equal(audit_log_head(w->log).seq, 2);
    assert_true(log_has(w, "times=1000,until="));
    assert_true(log_has(w, "share=3,times=1"));
    assert_true(log_has(w, "local:uid=7"));
}

static void test_nothing_is_no_record(void **state)
{
    struct world *w = *state;
    assert_int_equal(server_tries_record(&w->tries, w->log), HF_OK);
    assert_int_equal(audit_log_head(w->log).seq, 0);
}

static void test_opening_by_all_shares_there_can_be(void **state)
{
    struct world *w = *state;
    note(w, 1, 7, 0, HF_E_FORBIDDEN);
    w->tries.is_open = true;
    w->tries.opening = (struct server_try){ .first = 2, .last = 2, .times = 1, .uid = 7 };
    (void)snprintf(w->tries.kind, sizeof(w->tries.kind), "shamir");
    for (uint32_t i = 0; i < SEAL_SHARES_MAX; i++)
        w->tries.shares[w->tries.share_count++] = i + 1;
    assert_int_equal(server_tries_record(&w->tries, w->log), HF_OK);
    assert_int_equal(audit_log_head(w->log).seq, 2);
    assert_true(log_has(w, "kind=shamir,failed=1,shares=1+2+3+"));
    assert_true(log_has(w, "+254+255\""));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_more_than_fit_are_counted),
        TEST(test_what_is_alike_is_one_record),
        TEST(test_nothing_is_no_record),
        TEST(test_opening_by_all_shares_there_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
