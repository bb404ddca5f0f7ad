/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making backups: what can be joined to what, and what is told when it cannot.
 */
#include "support.h"

#include "base/file.h"
#include "base/log.h"
#include "server/backup.h"
#include "server/backup_chain.h"
#include "server/installation.h"
#include "server/rotate.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPECT_OK(call) assert_int_equal((call), HF_OK)
#define ARENA_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define WAIT_MS 2
#define SIDES 3 /* of two rotations */

struct world {
    struct place place;
    struct hf_clock clock;
    struct server_installation installation;
    struct hf_secret *root;
    struct hf_secret *key;
    struct store *store;
    struct audit_log *audit;
    struct server_backups *backups;
    struct hf_arena *arena;
};

static void open_backups(struct world *w, bool journal, struct hf_uuid history)
{
    struct hf_diag diag = { 0 };
    const struct store_config store = { .folder = w->place.settings.data,
                                        .journal = journal,
                                        .clock = journal ? &w->clock : NULL };
    const struct audit_config audit = { .folder = w->place.settings.audit_folder };
    EXPECT_OK(store_open(&store, &diag, &w->store));
    EXPECT_OK(audit_open(&audit, &diag, &w->audit));
    const struct server_backups_config config = {
        .store = w->store,
        .audit = w->audit,
        .clock = &w->clock,
        .data = w->place.settings.data,
        .folder = w->place.settings.backup_folder,
        .installation = w->installation.tenant,
        .history = history,
        .key = w->key,
        .journal = journal,
    };
    EXPECT_OK(server_backups_new(&config, &w->backups));
}

static void close_backups(struct world *w)
{
    server_backups_stop(w->backups);
    server_backups_free(w->backups);
    audit_close(w->audit);
    store_close(w->store);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    assert_non_null(w);
    hf_log_configure(HF_LOG_ERROR, false);
    place_init(&w->place);
    w->place.settings.journal_keep = 0; /* the first change is one of the tests' */
    EXPECT_OK(server_install(&w->place.settings, &w->clock, NULL, &diag, &w->installation));
    const struct seal_config seal = server_seal_config(&w->place.settings);
    EXPECT_OK(seal_open(&seal, NULL, &diag, &roots));
    w->root = hf_take(&roots.root[0].key);
    seal_roots_done(&roots);
    EXPECT_OK(archive_key(w->root, &w->key));
    EXPECT_OK(hf_arena_new(ARENA_MAX_BYTES, &w->arena));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    hf_arena_free(w->arena);
    hf_secret_free(w->key);
    hf_secret_free(w->root);
    place_done(&w->place);
    free(w);
    return 0;
}

/* Begins one and waits for its end. */
static struct api_backup make_at(struct world *w, bool incremental, hf_usec now)
{
    const struct api_backups *api = server_backups_api(w->backups);
    struct api_backup backup = { 0 };
    struct api_backup *found = NULL;
    size_t count = 0;
    EXPECT_OK(api->start(api->context, incremental, now, &backup));
    assert_int_equal(backup.state, API_BACKUP_RUNNING);
    do {
        (void)poll(NULL, 0, WAIT_MS);
        EXPECT_OK(api->list(api->context, hf_str_from_c(backup.name), w->arena, &found, &count));
        assert_int_equal(count, 1);
    } while (found->state == API_BACKUP_RUNNING);
    assert_string_equal(found->name, backup.name);
    return *found;
}

static struct api_backup make(struct world *w, bool incremental)
{
    return make_at(w, incremental, hf_clock_now(&w->clock));
}

static void expect_done(const struct api_backup *backup, uint64_t from, uint64_t to)
{
    if (backup->state != API_BACKUP_DONE)
        fail_msg("%.*s", HF_STR_ARG(backup->reason));
    assert_int_equal(backup->from, from);
    assert_int_equal(backup->to, to);
    assert_true(backup->bytes > 0);
}

static void expect_failed(const struct api_backup *backup, const char *reason)
{
    char text[HF_DIAG_TEXT_MAX_BYTES];
    assert_int_equal(backup->state, API_BACKUP_FAILED);
    (void)snprintf(text, sizeof(text), "%.*s", HF_STR_ARG(backup->reason));
    if (strstr(text, reason) == NULL)
        fail_msg("\"%s\" does not tell of \"%s\"", text, reason);
}

struct put {
    struct store_command command;
    uint8_t number;
};

static hf_err apply_put(struct store_command *command, struct store_txn *txn)
{
    const struct put *put = HF_CONTAINER_OF(command, struct put, command);
    return store_put(txn, (hf_bytes){ (const uint8_t *)"\x21k", 2 }, (hf_bytes){ &put->number, 1 });
}

/* Each leaves an entry in the journal, if there is one. */
static void change(struct world *w, uint8_t times)
{
    for (uint8_t i = 0; i < times; i++) {
        struct put put = { .command = { .apply = apply_put }, .number = i };
        EXPECT_OK(store_apply(w->store, &put.command));
        hf_clock_advance(&w->clock, HF_USEC_PER_SEC);
    }
}

static size_t count_list(struct world *w)
{
    const struct api_backups *api = server_backups_api(w->backups);
    struct api_backup *all = NULL;
    size_t count = 0;
    EXPECT_OK(api->list(api->context, HF_LIT(""), w->arena, &all, &count));
    for (size_t i = 1; i < count; i++)
        assert_true(all[i - 1].created >= all[i].created);
    return count;
}

/* ---- refused ---- */

static void test_incremental_without_a_base_fails(void **state)
{
    struct world *w = *state;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 3);
    const struct api_backup backup = make(w, true);
    expect_failed(&backup, "make a full one");
    assert_int_equal(count_list(w), 1);
    close_backups(w);
}

static void test_incremental_after_the_journal_was_trimmed_fails(void **state)
{
    struct world *w = *state;
    size_t dropped = 0;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 3);
    const struct api_backup full = make(w, false);
    expect_done(&full, 3, 3);
    change(w, 3);
    EXPECT_OK(store_journal_trim(w->store, hf_clock_now(&w->clock), &dropped));
    assert_true(dropped > 0);
    const struct api_backup backup = make(w, true);
    expect_failed(&backup, "the journal does not reach back");
    close_backups(w);
}

static void test_incremental_after_a_time_without_journal_fails(void **state)
{
    struct world *w = *state;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 3);
    const struct api_backup full = make(w, false);
    expect_done(&full, 3, 3);
    close_backups(w);
    open_backups(w, false, (struct hf_uuid){ .b = { 0 } });
    change(w, 1);
    const struct api_backup off = make(w, true);
    expect_failed(&off, "the journal is switched off");
    const struct api_backup snapshot = make(w, false);
    expect_done(&snapshot, 0, 0);
    close_backups(w);
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 2);
    const struct api_backup backup = make(w, true);
    expect_failed(&backup, "the journal does not reach back");
    close_backups(w);
}

static void test_incremental_of_another_history_fails(void **state)
{
    struct world *w = *state;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 3);
    const struct api_backup full = make(w, false);
    expect_done(&full, 3, 3);
    close_backups(w);
    open_backups(w, true, (struct hf_uuid){ .b = { 7 } });
    change(w, 3);
    const struct api_backup backup = make(w, true);
    expect_failed(&backup, "make a full one");
    close_backups(w);
}

static void test_folder_that_cannot_be_made_fails(void **state)
{
    struct world *w = *state;
    place_write(&w->place, "data/backups", "a file in its place");
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    const struct api_backup backup = make(w, false);
    assert_int_equal(backup.state, API_BACKUP_FAILED);
    assert_true(backup.reason.n > 0);
    close_backups(w);
}

/* ---- made ---- */

static void test_incrementals_follow_each_other(void **state)
{
    struct world *w = *state;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 3);
    const struct api_backup full = make(w, false);
    expect_done(&full, 3, 3);
    change(w, 4);
    const struct api_backup first = make(w, true);
    expect_done(&first, 3, 7);
    const struct api_backup empty = make(w, true);
    expect_done(&empty, 7, 7);
    change(w, 1);
    const struct api_backup second = make(w, true);
    expect_done(&second, 7, 8);
    assert_int_equal(count_list(w), 4);
    close_backups(w);
}

static void test_several_in_one_second_have_names_of_their_own(void **state)
{
    struct world *w = *state;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    const hf_usec now = hf_clock_now(&w->clock);
    for (size_t i = 1; i <= 3; i++) {
        const struct api_backup full = make_at(w, false, now);
        expect_done(&full, 0, 0);
        assert_int_equal(count_list(w), i);
    }
    close_backups(w);
}

static void test_foreign_files_are_passed_over(void **state)
{
    struct world *w = *state;
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    assert_int_equal(count_list(w), 0); /* there is no folder yet */
    change(w, 1);
    const struct api_backup full = make(w, false);
    expect_done(&full, 1, 1);
    place_write(&w->place, "data/backups/holdfast-x.backup", "no backup");
    place_write(&w->place, "data/backups/other", "nor this");
    assert_int_equal(count_list(w), 1);
    const struct api_backup first = make(w, true);
    expect_done(&first, 1, 1);
    close_backups(w);
}

/* ---- over a rotation of the root key ---- */

/* The roots that the seal holds, and the key for backups, as a server that starts has them. */
static void take_root(struct world *w)
{
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    const struct seal_config seal = server_seal_config(&w->place.settings);
    EXPECT_OK(seal_open(&seal, NULL, &diag, &roots));
    hf_secret_free(w->key);
    hf_secret_free(w->root);
    w->root = hf_take(&roots.root[roots.count - 1].key);
    seal_roots_done(&roots);
    EXPECT_OK(archive_key(w->root, &w->key));
}

static void rotate(struct world *w)
{
    struct hf_diag diag = { 0 };
    uint64_t generation = 0;
    close_backups(w);
    if (server_rotate_root(&w->place.settings, &w->clock, NULL, &diag, &generation) != HF_OK)
        fail_msg("%s", diag.text);
    take_root(w);
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
}

/* Into the folder "restored"; HF_OK: a server opens it with that root key. The reason of a failure is in diag. */
static hf_err restore(struct world *w, const struct api_backup *first,
                      const struct api_backup *second, hf_usec moment, struct hf_diag *diag)
{
    char paths[2][1024];
    char *list[2] = { paths[0], paths[1] };
    struct server_settings settings = w->place.settings;
    const struct seal_config seal = server_seal_config(&w->place.settings);
    struct backup_outcome outcome;
    struct backup_chain *chain = calloc(1, sizeof(*chain));
    assert_non_null(chain);
    (void)snprintf(paths[0], sizeof(paths[0]), "%s/%s", settings.backup_folder, first->name);
    (void)snprintf(paths[1], sizeof(paths[1]), "%s/%s", settings.backup_folder, second->name);
    place_path(&w->place, "restored", settings.data, sizeof(settings.data));
    hf_err err = backup_chain_open(chain, list, 2, &seal, NULL, diag);
    if (err == HF_OK)
        err = backup_chain_check(chain, moment, diag);
    if (err == HF_OK)
        err = backup_chain_restore(chain, moment, settings.data, 0, diag, &outcome);
    backup_chain_done(chain);
    free(chain);
    if (err != HF_OK)
        return err;
    struct hf_secret *root = NULL;
    struct store *store = NULL;
    struct server_installation read;
    EXPECT_OK(server_open(&settings, &w->clock, diag, &root, &store));
    EXPECT_OK(server_installation_read(store, root, &read));
    assert_true(hf_uuid_equal(&read.tenant, &w->installation.tenant));
    store_close(store);
    hf_secret_free(root);
    place_remove(&w->place, "restored/data.mdb");
    place_remove(&w->place, "restored/lock.mdb");
    place_remove(&w->place, "restored/lock");
    place_remove(&w->place, "restored/seal");
    place_remove(&w->place, "restored");
    return HF_OK;
}

static void test_incremental_after_a_rotation_fails(void **state)
{
    struct world *w = *state;
    struct hf_diag diag = { 0 };
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    change(w, 3);
    const struct api_backup full = make(w, false);
    expect_done(&full, 3, 3);
    rotate(w);
    change(w, 3);
    const struct api_backup refused = make(w, true);
    expect_failed(&refused, "the root key was rotated since the last backup; make a full one");
    const struct api_backup next = make(w, false);
    expect_done(&next, next.to, next.to);
    change(w, 2);
    const struct api_backup incremental = make(w, true);
    expect_done(&incremental, next.to, next.to + 2);
    assert_int_equal(restore(w, &full, &incremental, INT64_MAX, &diag), HF_E_CORRUPT);
    if (strstr(diag.text, "does not follow") == NULL)
        fail_msg("%s", diag.text);
    assert_false(place_has(&w->place, "restored"));
    close_backups(w);
}

/* Each side of a rotation by itself: to its end, and to a moment in between. */
static void test_backups_of_before_and_after_a_rotation_are_restored(void **state)
{
    struct world *w = *state;
    struct hf_diag diag = { 0 };
    open_backups(w, true, (struct hf_uuid){ .b = { 0 } });
    struct api_backup full[SIDES];
    struct api_backup incremental[SIDES];
    hf_usec moment[SIDES];
    for (size_t side = 0; side < SIDES; side++) {
        if (side > 0)
            rotate(w);
        change(w, 3);
        full[side] = make(w, false);
        change(w, 2);
        moment[side] = hf_clock_now(&w->clock);
        change(w, 2);
        incremental[side] = make(w, true);
        expect_done(&incremental[side], full[side].to, full[side].to + 4);
    }
    for (size_t side = 0; side < SIDES; side++) {
        EXPECT_OK(restore(w, &full[side], &incremental[side], moment[side], &diag));
        EXPECT_OK(restore(w, &full[side], &incremental[side], INT64_MAX, &diag));
    }
    close_backups(w);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_incremental_without_a_base_fails),
        TEST(test_incremental_after_the_journal_was_trimmed_fails),
        TEST(test_incremental_after_a_time_without_journal_fails),
        TEST(test_incremental_of_another_history_fails),
        TEST(test_incremental_after_a_rotation_fails),
        TEST(test_folder_that_cannot_be_made_fails),
        TEST(test_incrementals_follow_each_other),
        TEST(test_several_in_one_second_have_names_of_their_own),
        TEST(test_foreign_files_are_passed_over),
        TEST(test_backups_of_before_and_after_a_rotation_are_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
