/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At rest: records that were changed, moved or of an unknown format; what survives closing; that no
 * plaintext is on disk; and nonces made inside apply.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "support.h"

#include "base/file.h"

#include <stdio.h>

#define SMALL_MAP_BYTES ((size_t)1024 * 1024)
#define GROWTH_SECRETS 200 /* with their values several times the small map */
#define GROWTH_NAMES 20
#define DISK_MAX_BYTES ((size_t)256 * 1024 * 1024)

struct place {
    const char *what;
    struct vault_storage_key key;
    hf_err (*read)(struct world *w); /* something that needs the record */
};

static hf_err begin_read(struct world *w, struct vault **out)
{
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    return vault_find(w->view, w->txn, HF_LIT("alpha"), out);
}

/* Reads the secret with whatever the store holds now. */
static hf_err read_name(struct world *w)
{
    struct vault_secret secret;
    struct vault *vault = NULL;
    hf_err err = begin_read(w, &vault);
    if (err == HF_OK)
        err = vault_secret_get(vault, w->txn, HF_LIT("name"), NULL, w->now, w->arena, &secret);
    world_end(w);
    return err;
}

/* The newest version is read from the object's record, its own record with the list of all. */
static hf_err read_versions(struct world *w)
{
    struct vault_page page;
    struct vault *vault = NULL;
    hf_err err = begin_read(w, &vault);
    if (err == HF_OK)
        err = vault_secret_list_versions(vault, w->txn, HF_LIT("name"), NULL, VAULT_PAGE_MAX_ITEMS,
                                         w->now, w->arena, &page);
    world_end(w);
    return err;
}

/* Where the records of alpha's secret "name" are. */
static void find_places(struct world *w, const struct hf_uuid *version, struct place out[4])
{
    const struct hf_uuid id = world_vault(w, "alpha")->properties.id;
    const hf_str name = HF_LIT("name");
    out[0] = (struct place){
        "object",
        vault_key_of_object(&id, VAULT_COLLECTION_SECRETS, VAULT_STATE_ACTIVE, name),
        read_name,
    };
    out[1] = (struct place){
        "version",
        vault_key_of_version(&id, VAULT_COLLECTION_SECRETS, name, version),
        read_versions,
    };
    out[2] = (struct place){
        "value",
        vault_key_of_value(&id, VAULT_COLLECTION_SECRETS, name, version),
        read_name,
    };
    out[3] = (struct place){ "vault", vault_key_of_vault(HF_LIT("alpha")), read_name };
}

static void expect_read(struct world *w, const struct place *place, hf_err expected)
{
    const hf_err err = place->read(w);
    if (err != expected)
        fail_msg("%s: %s", place->what, hf_err_name(err));
}

static void test_any_changed_byte_of_any_record_is_corrupt(void **state)
{
    struct world *w = *state;
    struct place places[4];
    EXPECT_OK(world_set(w, "name", "v"));
    find_places(w, &w->command->version->id, places);
    for (size_t i = 0; i < HF_ARRAY_LEN(places); i++) {
        const hf_bytes key = vault_storage_key_view(&places[i].key);
        const hf_bytes record = world_raw_get(w, key);
        uint8_t changed[512];
        assert_true(record.n <= sizeof(changed));
        for (size_t at = 0; at < record.n; at += at < 4 ? 1 : 7) {
            memcpy(changed, record.p, record.n);
            changed[at] ^= 0x40;
            EXPECT_OK(world_raw_put(w, key, (hf_bytes){ changed, record.n }));
            expect_read(w, &places[i], at == 1 ? HF_E_FORMAT : HF_E_CORRUPT);
        }
        EXPECT_OK(world_raw_put(w, key, (hf_bytes){ record.p, record.n - 1 }));
        expect_read(w, &places[i], HF_E_CORRUPT);
        EXPECT_OK(world_raw_put(w, key, (hf_bytes){ record.p, 3 }));
        expect_read(w, &places[i], HF_E_CORRUPT);
        EXPECT_OK(world_raw_put(w, key, record));
        expect_read(w, &places[i], HF_OK);
    }
}

static void test_oversized_record_is_corrupt(void **state)
{
    struct world *w = *state;
    struct place places[4];
    EXPECT_OK(world_set(w, "name", "v"));
    find_places(w, &w->command->version->id, places);
    static uint8_t large[100 * 1024] = { 'H', 1 };
    for (size_t i = 0; i < HF_ARRAY_LEN(places); i++) {
        const hf_bytes key = vault_storage_key_view(&places[i].key);
        const hf_bytes record = world_raw_get(w, key);
        large[1] = record.p[1]; /* the format, so that it is not that which is refused */
        EXPECT_OK(world_raw_put(w, key, (hf_bytes){ large, sizeof(large) }));
        expect_read(w, &places[i], HF_E_CORRUPT);
        EXPECT_OK(world_raw_put(w, key, record));
    }
}

static void test_record_moved_to_another_name_is_corrupt(void **state)
{
    struct world *w = *state;
    const struct hf_uuid id = world_vault(w, "alpha")->properties.id;
    EXPECT_OK(world_set(w, "other", "v"));
    const struct vault_storage_key other = vault_key_of_object(&id, VAULT_COLLECTION_SECRETS,
                                                               VAULT_STATE_ACTIVE, HF_LIT("other"));
    const struct vault_storage_key name = vault_key_of_object(&id, VAULT_COLLECTION_SECRETS,
                                                              VAULT_STATE_ACTIVE, HF_LIT("name"));
    const hf_bytes record = world_raw_get(w, vault_storage_key_view(&other));
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&name), record));
    EXPECT_ERR(HF_E_CORRUPT, read_name(w));
}

static void test_value_swapped_between_versions_is_corrupt(void **state)
{
    struct world *w = *state;
    struct place one[4];
    struct place two[4];
    EXPECT_OK(world_set(w, "name", "one"));
    find_places(w, &w->command->version->id, one);
    EXPECT_OK(world_set(w, "name", "two"));
    find_places(w, &w->command->version->id, two);
    const hf_bytes old = world_raw_get(w, vault_storage_key_view(&one[2].key));
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&two[2].key), old));
    EXPECT_ERR(HF_E_CORRUPT, read_name(w));
}

static void test_missing_value_is_corrupt(void **state)
{
    struct world *w = *state;
    struct place places[4];
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "v"));
    find_places(w, &w->command->version->id, places);
    EXPECT_OK(world_raw_delete(w, vault_storage_key_view(&places[2].key)));
    EXPECT_ERR(HF_E_CORRUPT, read_name(w));
    EXPECT_ERR(HF_E_CORRUPT, world_backup(w, "name", &blob));
}

/* Reading the newest does without it, a backup does not. */
static void test_missing_version_is_corrupt_in_a_backup(void **state)
{
    struct world *w = *state;
    struct place places[4];
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "v"));
    find_places(w, &w->command->version->id, places);
    EXPECT_OK(world_raw_delete(w, vault_storage_key_view(&places[1].key)));
    EXPECT_OK(read_name(w));
    EXPECT_ERR(HF_E_CORRUPT, world_backup(w, "name", &blob));
}

static void test_command_on_a_corrupt_record_is_refused_and_changes_nothing(void **state)
{
    struct world *w = *state;
    struct place places[4];
    static uint8_t broken[64] = { 'H', VAULT_OBJECT_FORMAT };
    EXPECT_OK(world_set(w, "name", "v"));
    find_places(w, &w->command->version->id, places);
    const hf_bytes key = vault_storage_key_view(&places[0].key);
    const hf_bytes record = world_raw_get(w, key);
    EXPECT_OK(world_raw_put(w, key, (hf_bytes){ broken, sizeof(broken) }));
    EXPECT_ERR(HF_E_CORRUPT, world_set(w, "name", "new"));
    EXPECT_ERR(HF_E_CORRUPT, world_delete(w, "name"));
    EXPECT_OK(world_raw_put(w, key, record));
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 1);
    world_expect_value(w, "name", "v");
}

static void test_everything_survives_closing(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    EXPECT_OK(world_set(w, "active", "kept"));
    EXPECT_OK(world_set(w, "deleted", "kept too"));
    EXPECT_OK(world_delete(w, "deleted"));
    world_reopen(w, WORLD_ROOT_BYTE);
    world_expect_value(w, "active", "kept");
    EXPECT_OK(world_get_deleted(w, "deleted", &secret));
    EXPECT_OK(world_recover(w, "deleted"));
    world_expect_value(w, "deleted", "kept too");
}

static bool disk_holds(struct world *w, hf_str text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/data.mdb", w->data);
    HF_CLEANUP(hf_buf_done) struct hf_buf content;
    hf_buf_init(&content, DISK_MAX_BYTES);
    EXPECT_OK(hf_file_read(path, &content));
    return memmem(content.p, content.n, text.p, text.n) != NULL;
}

static void test_no_plaintext_is_on_disk(void **state)
{
    struct world *w = *state;
    const struct vault_tag tags[] = { { HF_LIT("planted-tag"), HF_LIT("planted-text") } };
    const struct vault_secret_change change = { .has_content_type = true,
                                                .common.has_tags = true,
                                                .content_type = HF_LIT("planted-type"),
                                                .common.tags = { tags, 1 } };
    EXPECT_OK(world_set_with(w, "findable-name", "planted-value", &change));
    EXPECT_OK(world_update(w, "findable-name", NULL, &change));
    EXPECT_OK(world_delete(w, "findable-name"));
    EXPECT_OK(world_recover(w, "findable-name"));
    world_reopen(w, WORLD_ROOT_BYTE);
    assert_true(disk_holds(w, HF_LIT("findable-name"))); /* names are keys: the search works */
    assert_false(disk_holds(w, HF_LIT("planted-value")));
    assert_false(disk_holds(w, HF_LIT("planted-t")));
    assert_false(disk_holds(w, HF_LIT("rg-test")));
}

static void test_commands_survive_the_growth_of_the_map(void **state)
{
    struct world *w = *state;
    static char value[VAULT_SECRET_VALUE_MAX_BYTES + 1];
    char name[16];
    memset(value, 'x', VAULT_SECRET_VALUE_MAX_BYTES);
    w->map_bytes = SMALL_MAP_BYTES;
    world_reopen(w, WORLD_ROOT_BYTE);
    const uint64_t map_bytes = store_stats(w->store).map_bytes;
    for (int i = 0; i < GROWTH_SECRETS; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i % GROWTH_NAMES);
        EXPECT_OK(world_set(w, name, value));
        if (i % GROWTH_NAMES == 0) {
            EXPECT_OK(world_delete(w, name));
            EXPECT_OK(world_recover(w, name));
        }
        hf_arena_reset(w->arena);
    }
    assert_true(store_stats(w->store).map_bytes > map_bytes);
    for (int i = 0; i < GROWTH_NAMES; i++) {
        struct vault_page page;
        (void)snprintf(name, sizeof(name), "s%d", i);
        world_expect_value(w, name, value);
        EXPECT_OK(world_list_versions(w, name, NULL, VAULT_PAGE_MAX_ITEMS, &page));
        assert_int_equal(page.count, GROWTH_SECRETS / GROWTH_NAMES);
    }
}

/* ---- nonces in apply ---- */

static void seal(struct crypto_record_key *key, const uint8_t *seed, const char *storage_key,
                 const char *plain, uint8_t out[64])
{
    struct hf_buf sealed;
    hf_buf_init_fixed(&sealed, out, 64);
    EXPECT_OK(vault_seal_seeded(key, hf_str_bytes(hf_str_from_c(storage_key)), 1, seed,
                                hf_str_bytes(hf_str_from_c(plain)), &sealed));
}

static void test_seeded_nonce_is_never_used_for_two_plaintexts(void **state HF_UNUSED)
{
    EXPECT_OK(crypto_init(NULL));
    const uint8_t key_bytes[CRYPTO_RECORD_KEY_BYTES] = { 1 };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ key_bytes, sizeof(key_bytes) }, &parent));
    EXPECT_OK(crypto_record_key_new(parent, &key));
    const uint8_t seed[VAULT_SEED_BYTES] = { 1 };
    const uint8_t other_seed[VAULT_SEED_BYTES] = { 2 };
    uint8_t base[64] = { 0 };
    uint8_t again[64] = { 0 };
    uint8_t other[3][64] = { { 0 } };
    seal(key, seed, "key", "plain", base);
    seal(key, seed, "key", "plain", again);
    assert_memory_equal(base, again, sizeof(base)); /* every node and every run gives the same */
    seal(key, seed, "key", "plain2", other[0]);
    seal(key, seed, "keyp", "lain", other[1]);
    seal(key, other_seed, "key", "plain", other[2]);
    for (size_t i = 0; i < HF_ARRAY_LEN(other); i++)
        assert_memory_not_equal(base + 2, other[i] + 2, CRYPTO_RECORD_NONCE_BYTES);
}

static void test_drawn_nonce_is_another_each_time(void **state HF_UNUSED)
{
    EXPECT_OK(crypto_init(NULL));
    const uint8_t key_bytes[CRYPTO_RECORD_KEY_BYTES] = { 1 };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ key_bytes, sizeof(key_bytes) }, &parent));
    EXPECT_OK(crypto_record_key_new(parent, &key));
    uint8_t sealed[2][64];
    for (size_t i = 0; i < HF_ARRAY_LEN(sealed); i++) {
        struct hf_buf out;
        hf_buf_init_fixed(&out, sealed[i], sizeof(sealed[i]));
        EXPECT_OK(vault_seal_drawn(key, hf_str_bytes(HF_LIT("key")), 1,
                                   hf_str_bytes(HF_LIT("plain")), &out));
    }
    assert_memory_not_equal(sealed[0] + 2, sealed[1] + 2, CRYPTO_RECORD_NONCE_BYTES);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_any_changed_byte_of_any_record_is_corrupt),
        WORLD_TEST(test_oversized_record_is_corrupt),
        WORLD_TEST(test_record_moved_to_another_name_is_corrupt),
        WORLD_TEST(test_value_swapped_between_versions_is_corrupt),
        WORLD_TEST(test_missing_value_is_corrupt),
        WORLD_TEST(test_missing_version_is_corrupt_in_a_backup),
        WORLD_TEST(test_command_on_a_corrupt_record_is_refused_and_changes_nothing),
        WORLD_TEST(test_everything_survives_closing),
        WORLD_TEST(test_no_plaintext_is_on_disk),
        WORLD_TEST(test_commands_survive_the_growth_of_the_map),
        cmocka_unit_test(test_seeded_nonce_is_never_used_for_two_plaintexts),
        cmocka_unit_test(test_drawn_nonce_is_another_each_time),
    };
    return cmocka_run_group_tests_name("vault/rest", tests, NULL, NULL);
}
