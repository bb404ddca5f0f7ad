/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup and restore.
 */
#include "support.h"

#define HEAD_SUBSCRIPTION_AT 9

static hf_bytes copy_blob(struct world *w, hf_bytes blob, size_t n)
{
    const hf_bytes copy = hf_arena_dup_bytes(w->arena, (hf_bytes){ blob.p, n });
    assert_non_null(copy.p);
    return copy;
}

/* The blob with one bit turned. */
static hf_bytes turn_bit(struct world *w, hf_bytes blob, size_t at)
{
    uint8_t *changed = hf_arena_alloc(w->arena, blob.n);
    assert_non_null(changed);
    memcpy(changed, blob.p, blob.n);
    changed[at] ^= 1;
    return (hf_bytes){ changed, blob.n };
}

static void purge(struct world *w, const char *name)
{
    EXPECT_OK(world_delete(w, name));
    EXPECT_OK(world_purge(w, name));
}

/* ---- wrong inputs ---- */

static void test_backup_of_unknown_is_not_found(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    EXPECT_ERR(HF_E_NOT_FOUND, world_backup(w, "name", &blob));
    EXPECT_ERR(HF_E_NOT_FOUND, world_backup(w, "a/b", &blob));
}

static void test_restore_of_changed_or_cut_blob_is_refused(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_backup(w, "name", &blob));
    purge(w, "name");
    for (size_t i = 0; i < blob.n; i++) {
        EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "alpha", turn_bit(w, blob, i)));
        EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "alpha", copy_blob(w, blob, i)));
    }
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "alpha", hf_str_bytes(HF_LIT("no blob at all"))));
    assert_int_equal(world_raw_count(w, STORE_CLASS_VERSION), 0);
    EXPECT_OK(world_restore(w, "alpha", blob));
}

static void test_restore_in_other_subscription_is_refused(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_backup(w, "name", &blob));
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "gamma", blob));
    /* nor does it help to write the other subscription into the head */
    uint8_t *forged = hf_arena_alloc(w->arena, blob.n);
    assert_non_null(forged);
    memcpy(forged, blob.p, blob.n);
    memset(forged + HEAD_SUBSCRIPTION_AT, 2, VAULT_UUID_BYTES);
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "gamma", (hf_bytes){ forged, blob.n }));
}

static void test_restore_of_other_installation_is_refused(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_backup(w, "name", &blob));
    struct vault *vault = world_vault(w, "alpha");
    const uint8_t root_bytes[CRYPTO_RECORD_KEY_BYTES] = { 99 };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ root_bytes, sizeof(root_bytes) }, &root));
    HF_CLEANUP(vault_engine_freep) struct vault_engine *other = NULL;
    EXPECT_OK(vault_engine_new(w->store, root, &other));
    vault->engine = other;
    struct vault_command *command = NULL;
    EXPECT_ERR(HF_E_BAD_BLOB, vault_secret_restore(vault, blob, w->now, w->arena, &command));
    vault->engine = w->engine;
}

static void test_restore_onto_a_taken_name_is_refused(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "Name", "old"));
    EXPECT_OK(world_backup(w, "name", &blob));
    EXPECT_OK(world_set(w, "name", "new"));
    EXPECT_ERR(HF_E_EXISTS, world_restore(w, "alpha", blob));
    EXPECT_STR("Name", w->command->version->name);
    world_expect_value(w, "name", "new");
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_ERR(HF_E_DELETED, world_restore(w, "alpha", blob));
    EXPECT_STR("Name", w->command->version->name);
}

static void test_backup_over_the_version_limit_is_refused(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    for (int i = 0; i < VAULT_BACKUP_VERSIONS_MAX; i++)
        EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_backup(w, "name", &blob));
    EXPECT_OK(world_restore(w, "beta", blob));
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 2 * VAULT_BACKUP_VERSIONS_MAX);
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_ERR(HF_E_TOO_LARGE, world_backup(w, "name", &blob));
}

/* What decodes must obey every rule, even if it was sealed by us. */
static void test_backup_content_breaking_a_rule_is_refused(void **state)
{
    struct world *w = *state;
    static const uint8_t metadata[20] = { 1, [18] = 1 }; /* with particulars of one byte, 0 */
    struct vault_backup_version versions[2] = {
        { .id = { { 1 } }, .metadata = { metadata, sizeof(metadata) } },
        { .id = { { 2 } }, .metadata = { metadata, sizeof(metadata) } },
    };
    const struct vault_backup good = { .collection = VAULT_COLLECTION_SECRETS,
                                       .name = HF_LIT("name"),
                                       .newest = { { 1 } },
                                       .version_count = 2,
                                       .versions = versions };
    enum {
        BAD_COLLECTION,
        BAD_NAME,
        BAD_NEWEST,
        BAD_COUNT,
        BAD_ORDER,
        BAD_METADATA,
        BAD_PARTICULARS,
        BAD_VALUE,
        GOOD
    };
    static const uint8_t bad_particulars[20] = { 1, [18] = 1, [19] = 2 };
    for (int which = BAD_COLLECTION; which <= GOOD; which++) {
        struct vault_backup backup = good;
        struct vault_backup_version changed[2] = { versions[0], versions[1] };
        backup.versions = changed;
        if (which == BAD_COLLECTION)
            backup.collection = VAULT_COLLECTION_KEYS;
        if (which == BAD_NAME)
            backup.name = HF_LIT("a/b");
        if (which == BAD_NEWEST)
            backup.newest.b[0] = 3;
        if (which == BAD_COUNT)
            backup.version_count = 0;
        if (which == BAD_ORDER)
            changed[1].id = changed[0].id;
        if (which == BAD_METADATA)
            changed[1].metadata.n--;
        if (which == BAD_PARTICULARS)
            changed[1].metadata.p = bad_particulars;
        if (which == BAD_VALUE)
            changed[0].value = hf_str_bytes(HF_LIT("\xff"));
        HF_CLEANUP(hf_buf_done) struct hf_buf plain;
        hf_buf_init(&plain, 1024);
        vault_backup_encode(&backup, &plain);
        struct vault_backup out;
        EXPECT_ERR(which == GOOD ? HF_OK : HF_E_BAD_BLOB,
                   vault_backup_decode(&vault_secrets, hf_buf_view(&plain), w->arena, &out));
        hf_buf_put_u8(&plain, 0);
        EXPECT_ERR(HF_E_BAD_BLOB,
                   vault_backup_decode(&vault_secrets, hf_buf_view(&plain), w->arena, &out));
    }
}

/* ---- restore ---- */

static void expect_restored(struct world *w, const char *vault, const struct hf_uuid *first,
                            const struct hf_uuid *second)
{
    struct vault_secret secret;
    EXPECT_OK(world_get_in(w, vault, "name", NULL, &secret));
    EXPECT_STR("Name", secret.version.name);
    assert_true(hf_uuid_equal(&secret.version.id, second));
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(HF_LIT("two"))));
    EXPECT_STR("text/plain", secret.content_type);
    EXPECT_STR("v", secret.version.tags.items[0].value);
    assert_int_equal(secret.version.created, START_TIME + 1);
    assert_int_equal(secret.version.updated, START_TIME + 1);
    EXPECT_OK(world_get_in(w, vault, "name", first, &secret));
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(HF_LIT("one"))));
    assert_int_equal(secret.version.created, START_TIME);
}

static void test_restore_brings_back_everything_in_any_vault_of_the_subscription(void **state)
{
    struct world *w = *state;
    const struct vault_tag tags[] = { { HF_LIT("k"), HF_LIT("v") } };
    const struct vault_secret_change change = { .has_content_type = true,
                                                .common.has_tags = true,
                                                .content_type = HF_LIT("text/plain"),
                                                .common.tags = { tags, 1 } };
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "Name", "one"));
    const struct hf_uuid first = w->command->version->id;
    w->now += 1;
    EXPECT_OK(world_set_with(w, "name", "two", &change));
    const struct hf_uuid second = w->command->version->id;
    EXPECT_OK(world_backup(w, "name", &blob));
    w->now += HF_USEC_PER_DAY;
    EXPECT_OK(world_restore(w, "beta", blob));
    struct vault_secret answer;
    EXPECT_OK(vault_secret_of(w->command->version, &answer));
    EXPECT_STR("Name", answer.version.name);
    assert_true(hf_uuid_equal(&answer.version.id, &second));
    assert_null(answer.value);
    EXPECT_STR("text/plain", answer.content_type);
    expect_restored(w, "beta", &first, &second);
    purge(w, "name");
    EXPECT_OK(world_restore(w, "alpha", blob));
    expect_restored(w, "alpha", &first, &second);
    EXPECT_OK(world_set(w, "name", "three"));
    EXPECT_OK(world_backup(w, "name", &blob)); /* the number of versions is right */
}

static void test_restore_onto_a_due_name_purges_it(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "kept"));
    EXPECT_OK(world_backup(w, "name", &blob));
    EXPECT_OK(world_set(w, "name", "lost"));
    EXPECT_OK(world_delete(w, "name"));
    w->now += ALPHA_RETENTION_DAYS * HF_USEC_PER_DAY;
    EXPECT_OK(world_restore(w, "alpha", blob));
    world_expect_value(w, "name", "kept");
    assert_int_equal(world_raw_count(w, STORE_CLASS_VERSION), 1);
}

static void test_backup_twice_gives_two_blobs(void **state)
{
    struct world *w = *state;
    hf_bytes one = { NULL, 0 };
    hf_bytes two = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_OK(world_backup(w, "name", &one));
    EXPECT_OK(world_backup(w, "name", &two));
    assert_false(hf_bytes_equal(one, two));
}

static void test_backup_into_a_buffer_too_small_leaves_it_empty(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "v"));
    HF_CLEANUP(hf_buf_done) struct hf_buf small;
    hf_buf_init_secret(&small, 100);
    struct vault *vault = world_begin(w, "alpha");
    EXPECT_ERR(HF_E_TOO_LARGE,
               vault_secret_backup(vault, w->txn, HF_LIT("name"), w->now, w->arena, &small));
    world_end(w);
    assert_int_equal(small.n, 0);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_backup_of_unknown_is_not_found),
        WORLD_TEST(test_restore_of_changed_or_cut_blob_is_refused),
        WORLD_TEST(test_restore_in_other_subscription_is_refused),
        WORLD_TEST(test_restore_of_other_installation_is_refused),
        WORLD_TEST(test_restore_onto_a_taken_name_is_refused),
        WORLD_TEST(test_backup_over_the_version_limit_is_refused),
        WORLD_TEST(test_backup_content_breaking_a_rule_is_refused),
        WORLD_TEST(test_restore_brings_back_everything_in_any_vault_of_the_subscription),
        WORLD_TEST(test_restore_onto_a_due_name_purges_it),
        WORLD_TEST(test_backup_twice_gives_two_blobs),
        WORLD_TEST(test_backup_into_a_buffer_too_small_leaves_it_empty),
    };
    return cmocka_run_group_tests_name("vault/backup", tests, NULL, NULL);
}
