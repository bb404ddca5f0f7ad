/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft delete, recovery, purge, and what passes by itself when time does.
 */
#include "support.h"

#include <semaphore.h>
#include <stdio.h>

#define RETENTION (ALPHA_RETENTION_DAYS * HF_USEC_PER_DAY)

static void expect_empty(struct world *w)
{
    assert_int_equal(world_raw_count(w, STORE_CLASS_OBJECT), 0);
    assert_int_equal(world_raw_count(w, STORE_CLASS_VERSION), 0);
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 0);
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
}

/* ---- wrong inputs and states ---- */

static void test_deletion_of_unknown_or_invalid_names_is_refused(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    EXPECT_ERR(HF_E_NOT_FOUND, world_delete(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_recover(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_purge(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "name", &secret));
    EXPECT_ERR(HF_E_INVALID, world_delete(w, "a/b"));
    EXPECT_ERR(HF_E_INVALID, world_recover(w, ""));
    EXPECT_ERR(HF_E_INVALID, world_purge(w, "a b"));
}

static void test_recover_and_purge_of_active_are_not_found(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_recover(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_purge(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "name", &secret));
    world_expect_value(w, "name", "v");
}

static void test_deleted_name_is_taken_but_not_there(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    struct vault_page page;
    hf_bytes blob = { NULL, 0 };
    const struct vault_secret_change change = { .common.has_enabled = true };
    EXPECT_OK(world_set(w, "name", "v"));
    const struct hf_uuid version = w->command->version->id;
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get(w, "name", &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_in(w, "alpha", "name", &version, &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_update(w, "name", NULL, &change));
    EXPECT_ERR(HF_E_NOT_FOUND, world_delete(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_backup(w, "name", &blob));
    EXPECT_ERR(HF_E_DELETED, world_set(w, "NAME", "again"));
    EXPECT_OK(world_list(w, false, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 0);
    EXPECT_OK(world_list_versions(w, "name", NULL, VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 0);
}

static void test_purge_in_protected_vault_is_refused(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_protect(w, "alpha"));
    EXPECT_ERR(HF_E_PURGE_PROTECTED, world_purge(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_purge(w, "other"));
    EXPECT_OK(world_recover(w, "name"));
    world_expect_value(w, "name", "v");
}

static void test_get_deleted_with_newest_disabled_is_refused(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change disabled = { .common.has_enabled = true,
                                                  .common.enabled = false };
    struct vault_secret secret;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_set_with(w, "name", "v", &disabled));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_ERR(HF_E_DISABLED, world_get_deleted(w, "name", &secret));
}

/* ---- delete, recover, purge ---- */

static void test_delete_answers_with_the_deleted_secret(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "Name", "one"));
    EXPECT_OK(world_set(w, "Name", "two"));
    const struct hf_uuid newest = w->command->version->id;
    w->now += HF_USEC_PER_SEC;
    EXPECT_OK(world_delete(w, "NAME"));
    struct vault_secret secret;
    EXPECT_OK(world_get_deleted(w, "naME", &secret));
    const struct vault_version *both[] = { w->command->version, &secret.version };
    for (size_t i = 0; i < HF_ARRAY_LEN(both); i++) {
        EXPECT_STR("Name", both[i]->name);
        assert_true(hf_uuid_equal(&both[i]->id, &newest));
        assert_true(both[i]->is_deleted);
        assert_int_equal(both[i]->deleted_at, w->now);
        assert_int_equal(both[i]->scheduled_purge, w->now + RETENTION);
    }
}

static void test_recover_brings_back_all_versions(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "Name", "one"));
    const struct hf_uuid first = w->command->version->id;
    EXPECT_OK(world_set(w, "Name", "two"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_recover(w, "name"));
    EXPECT_STR("Name", w->command->version->name);
    assert_false(w->command->version->is_deleted);
    world_expect_value(w, "name", "two");
    struct vault_secret secret;
    EXPECT_OK(world_get_in(w, "alpha", "name", &first, &secret));
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(HF_LIT("one"))));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "name", &secret));
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
    w->now += 2 * RETENTION;
    world_expect_value(w, "name", "two");
}

static void test_purge_removes_everything_of_the_name_alone(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 30; i++)
        EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_set(w, "nam", "shorter"));
    EXPECT_OK(world_set(w, "name-2", "longer"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_purge(w, "name"));
    struct vault_secret secret;
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "name", &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_recover(w, "name"));
    world_expect_value(w, "nam", "shorter");
    world_expect_value(w, "name-2", "longer");
    assert_int_equal(world_raw_count(w, STORE_CLASS_VERSION), 2);
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 2);
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
    EXPECT_OK(world_set(w, "NAME", "new"));
    EXPECT_STR("NAME", w->command->version->name);
}

/* ---- order within a batch ---- */

struct waiting {
    struct store_command gate;
    sem_t go;
    sem_t finished;
    hf_err results[2];
    size_t count;
};

static hf_err wait_at_gate(struct store_command *command, struct store_txn *txn HF_UNUSED)
{
    struct waiting *waiting = HF_CONTAINER_OF(command, struct waiting, gate);
    while (sem_wait(&waiting->go) != 0)
        continue;
    return HF_OK;
}

static void note_gate(struct store_command *command HF_UNUSED, hf_err result HF_UNUSED) {}

static void note_result(struct store_command *command, hf_err result)
{
    const struct vault_command *common = HF_CONTAINER_OF(command, struct vault_command, store);
    struct waiting *waiting = common->context;
    waiting->results[waiting->count++] = result;
    if (waiting->count == HF_ARRAY_LEN(waiting->results))
        (void)sem_post(&waiting->finished);
}

/* Submits both while the writer is held up, so that they share a batch. */
static void run_in_one_batch(struct world *w, struct vault_command *first,
                             struct vault_command *second, struct waiting *waiting)
{
    *waiting = (struct waiting){ .gate = { .apply = wait_at_gate, .done = note_gate } };
    assert_int_equal(sem_init(&waiting->go, 0, 0), 0);
    assert_int_equal(sem_init(&waiting->finished, 0, 0), 0);
    EXPECT_OK(store_submit(w->store, &waiting->gate));
    struct vault_command *commands[] = { first, second };
    for (size_t i = 0; i < HF_ARRAY_LEN(commands); i++) {
        commands[i]->context = waiting;
        commands[i]->store.done = note_result;
        EXPECT_OK(store_submit(w->store, &commands[i]->store));
    }
    assert_int_equal(sem_post(&waiting->go), 0);
    while (sem_wait(&waiting->finished) != 0)
        continue;
    (void)sem_destroy(&waiting->go);
    (void)sem_destroy(&waiting->finished);
}

static void test_purge_behind_protection_in_one_batch_is_refused(void **state)
{
    struct world *w = *state;
    struct waiting waiting;
    struct vault_command *protect = NULL;
    struct vault_command *purge = NULL;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(vault_protect(w->engine, HF_LIT("alpha"), w->arena, &protect));
    EXPECT_OK(
        vault_secret_purge(world_vault(w, "alpha"), HF_LIT("name"), w->now, w->arena, &purge));
    run_in_one_batch(w, protect, purge, &waiting);
    EXPECT_OK(waiting.results[0]);
    EXPECT_ERR(HF_E_PURGE_PROTECTED, waiting.results[1]);
}

static void test_delete_twice_in_one_batch_finds_it_once(void **state)
{
    struct world *w = *state;
    struct waiting waiting;
    struct vault_command *first = NULL;
    struct vault_command *second = NULL;
    EXPECT_OK(world_set(w, "name", "v"));
    struct vault *vault = world_vault(w, "alpha");
    EXPECT_OK(vault_secret_delete(vault, HF_LIT("name"), w->now, w->arena, &first));
    EXPECT_OK(vault_secret_delete(vault, HF_LIT("name"), w->now, w->arena, &second));
    run_in_one_batch(w, first, second, &waiting);
    EXPECT_OK(waiting.results[0]);
    EXPECT_ERR(HF_E_NOT_FOUND, waiting.results[1]);
    EXPECT_OK(world_recover(w, "name"));
}

/* ---- time ---- */

static void test_due_object_is_gone_before_it_is_purged(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    struct vault_page page;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    w->now = START_TIME + RETENTION - 1;
    EXPECT_OK(world_get_deleted(w, "name", &secret));
    EXPECT_ERR(HF_E_DELETED, world_set(w, "name", "v"));
    w->now = START_TIME + RETENTION;
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "name", &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_recover(w, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_purge(w, "name"));
    EXPECT_OK(world_list(w, true, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 0);
    assert_false(page.more);
}

static void test_set_on_due_name_starts_anew(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "Name", "old"));
    const struct hf_uuid old = w->command->version->id;
    EXPECT_OK(world_delete(w, "name"));
    w->now = START_TIME + RETENTION;
    EXPECT_OK(world_set(w, "NAME", "new"));
    EXPECT_STR("NAME", w->command->version->name);
    world_expect_value(w, "name", "new");
    struct vault_secret secret;
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_in(w, "alpha", "name", &old, &secret));
    assert_int_equal(world_raw_count(w, STORE_CLASS_VERSION), 1);
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 1);
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
}

static void test_purge_due_takes_what_is_due_in_steps_and_in_all_vaults(void **state)
{
    struct world *w = *state;
    char name[16];
    size_t count = 0;
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        EXPECT_OK(world_set(w, name, "v"));
        EXPECT_OK(world_delete(w, name));
    }
    EXPECT_OK(world_set_in(w, "beta", "other", "v"));
    struct vault_command *command = NULL;
    EXPECT_OK(
        vault_secret_delete(world_vault(w, "beta"), HF_LIT("other"), w->now, w->arena, &command));
    EXPECT_OK(world_run(w, command));
    EXPECT_OK(world_set(w, "active", "v"));
    EXPECT_OK(world_purge_due(w, 100, &count));
    assert_int_equal(count, 0);
    w->now = START_TIME + RETENTION;
    EXPECT_OK(world_purge_due(w, 2, &count));
    assert_int_equal(count, 2);
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 4);
    EXPECT_OK(world_purge_due(w, 100, &count));
    assert_int_equal(count, 3);
    w->now = START_TIME + VAULT_RETENTION_DEFAULT_DAYS * HF_USEC_PER_DAY;
    EXPECT_OK(world_purge_due(w, 100, &count));
    assert_int_equal(count, 1);
    assert_int_equal(world_raw_count(w, STORE_CLASS_OBJECT), 1);
    world_expect_value(w, "active", "v");
}

static void test_purge_due_works_under_purge_protection(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    EXPECT_OK(world_protect(w, "alpha"));
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    w->now = START_TIME + RETENTION;
    EXPECT_OK(world_purge_due(w, 1, &count));
    assert_int_equal(count, 1);
    expect_empty(w);
}

static void test_purge_due_passes_over_an_entry_that_is_corrupt(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    EXPECT_OK(world_set(w, "first", "v"));
    EXPECT_OK(world_delete(w, "first"));
    w->now += 1;
    EXPECT_OK(world_set(w, "second", "v"));
    EXPECT_OK(world_delete(w, "second"));
    const struct vault_purge_entry entry = {
        .due = START_TIME + RETENTION,
        .vault = world_vault(w, "alpha")->properties.id,
        .collection = VAULT_COLLECTION_SECRETS,
        .name = HF_LIT("first"),
    };
    const struct vault_storage_key key = vault_key_of_purge_due(&entry);
    hf_bytes record = world_raw_get(w, vault_storage_key_view(&key));
    uint8_t changed[128];
    memcpy(changed, record.p, record.n);
    changed[record.n - 1] ^= 1;
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&key), (hf_bytes){ changed, record.n }));
    w->now = START_TIME + 2 * RETENTION;
    EXPECT_OK(world_purge_due(w, 10, &count));
    assert_int_equal(count, 1);
    EXPECT_ERR(HF_E_CORRUPT, world_purge_due(w, 10, &count)); /* said once nothing else is left */
    assert_int_equal(world_raw_count(w, STORE_CLASS_OBJECT), 1);
}

static void test_purge_due_drops_an_entry_that_is_out_of_date(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    const struct vault_purge_entry entry = {
        .due = START_TIME + RETENTION,
        .vault = world_vault(w, "alpha")->properties.id,
        .collection = VAULT_COLLECTION_SECRETS,
        .name = HF_LIT("name"),
    };
    const struct vault_storage_key key = vault_key_of_purge_due(&entry);
    const hf_bytes record = world_raw_get(w, vault_storage_key_view(&key));
    EXPECT_OK(world_recover(w, "name"));
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&key), record));
    w->now = START_TIME + 2 * RETENTION;
    EXPECT_OK(world_purge_due(w, 10, &count));
    assert_int_equal(count, 0);
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
    world_expect_value(w, "name", "v");
}

static void test_purge_due_takes_nothing_a_moment_early(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    w->now = START_TIME + RETENTION - 1;
    EXPECT_OK(world_purge_due(w, 10, &count));
    assert_int_equal(count, 0);
    EXPECT_OK(world_recover(w, "name"));
    world_expect_value(w, "name", "v");
}

/* Deleted, recovered and deleted again: what was due after the first time is not purged by it. */
static void test_purge_due_leaves_what_an_old_entry_names(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_delete(w, "name"));
    const struct vault_purge_entry entry = {
        .due = START_TIME + RETENTION,
        .vault = world_vault(w, "alpha")->properties.id,
        .collection = VAULT_COLLECTION_SECRETS,
        .name = HF_LIT("name"),
    };
    const struct vault_storage_key key = vault_key_of_purge_due(&entry);
    const hf_bytes record = world_raw_get(w, vault_storage_key_view(&key));
    EXPECT_OK(world_recover(w, "name"));
    w->now += HF_USEC_PER_DAY;
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&key), record));
    w->now = START_TIME + RETENTION;
    EXPECT_OK(world_purge_due(w, 10, &count));
    assert_int_equal(count, 0);
    EXPECT_OK(world_recover(w, "name"));
    world_expect_value(w, "name", "v");
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_deletion_of_unknown_or_invalid_names_is_refused),
        WORLD_TEST(test_recover_and_purge_of_active_are_not_found),
        WORLD_TEST(test_deleted_name_is_taken_but_not_there),
        WORLD_TEST(test_purge_in_protected_vault_is_refused),
        WORLD_TEST(test_get_deleted_with_newest_disabled_is_refused),
        WORLD_TEST(test_delete_answers_with_the_deleted_secret),
        WORLD_TEST(test_recover_brings_back_all_versions),
        WORLD_TEST(test_purge_removes_everything_of_the_name_alone),
        WORLD_TEST(test_purge_behind_protection_in_one_batch_is_refused),
        WORLD_TEST(test_delete_twice_in_one_batch_finds_it_once),
        WORLD_TEST(test_due_object_is_gone_before_it_is_purged),
        WORLD_TEST(test_set_on_due_name_starts_anew),
        WORLD_TEST(test_purge_due_takes_what_is_due_in_steps_and_in_all_vaults),
        WORLD_TEST(test_purge_due_works_under_purge_protection),
        WORLD_TEST(test_purge_due_passes_over_an_entry_that_is_corrupt),
        WORLD_TEST(test_purge_due_drops_an_entry_that_is_out_of_date),
        WORLD_TEST(test_purge_due_takes_nothing_a_moment_early),
        WORLD_TEST(test_purge_due_leaves_what_an_old_entry_names),
    };
    return cmocka_run_group_tests_name("vault/deletion", tests, NULL, NULL);
}
