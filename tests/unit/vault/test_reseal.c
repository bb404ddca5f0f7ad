/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another root key: everything is read with the new one and nothing with the old, and backups of before are restored.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#define NEXT_ROOT_BYTE 8
#define VAULTS 20
#define SECRETS 50 /* in each */
#define MANY_VAULTS 1000
#define RAW_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct rotation {
    struct store_command command;
    struct hf_secret *from;
    struct hf_secret *to;
    uint8_t seed[CRYPTO_RECORD_SEED_BYTES];
};

static hf_err apply_rotation(struct store_command *command, struct store_txn *txn)
{
    const struct rotation *rotation = HF_CONTAINER_OF(command, struct rotation, command);
    return vault_reseal(txn, rotation->from, rotation->to, rotation->seed);
}

static struct hf_secret *root_of(uint8_t byte)
{
    uint8_t bytes[CRYPTO_RECORD_KEY_BYTES];
    struct hf_secret *root = NULL;
    memset(bytes, byte, sizeof(bytes));
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ bytes, sizeof(bytes) }, &root));
    return root;
}

static hf_err reseal(struct world *w, uint8_t from, uint8_t to)
{
    struct rotation rotation = { .command = { .apply = apply_rotation },
                                 .from = root_of(from),
                                 .to = root_of(to) };
    EXPECT_OK(crypto_random(rotation.seed, sizeof(rotation.seed)));
    hf_err err = store_apply(w->store, &rotation.command);
    hf_secret_free(rotation.from);
    hf_secret_free(rotation.to);
    return err;
}

static void rotate(struct world *w, uint8_t from, uint8_t to)
{
    EXPECT_OK(reseal(w, from, to));
    world_reopen(w, to);
}

/* Every record of the store, byte for byte. */
static void dump(struct world *w, struct hf_buf *out)
{
    struct store_cursor *cursor = NULL;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    hf_buf_init(out, RAW_MAX_BYTES);
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    EXPECT_OK(
        store_cursor_open(w->txn, (hf_bytes){ NULL, 0 }, (hf_bytes){ NULL, 0 }, false, &cursor));
    while (store_cursor_next(cursor, &key, &value) == HF_OK) {
        hf_buf_put_field16(out, key);
        hf_buf_put_field32(out, value);
    }
    store_cursor_close(cursor);
    world_end(w);
    EXPECT_OK(hf_buf_err(out));
}

static void expect_refused_unchanged(struct world *w, uint8_t from, hf_err expected)
{
    struct hf_buf before;
    struct hf_buf after;
    dump(w, &before);
    EXPECT_ERR(expected, reseal(w, from, NEXT_ROOT_BYTE));
    dump(w, &after);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    hf_buf_done(&before);
    hf_buf_done(&after);
}

static hf_err open_engine(struct world *w, uint8_t root_byte)
{
    struct vault_engine *engine = NULL;
    struct hf_secret *root = root_of(root_byte);
    hf_err err = vault_engine_new(w->store, root, &engine);
    vault_engine_free(engine);
    hf_secret_free(root);
    return err;
}

/* What each record is sealed under, tried without the engine. */
static hf_err open_vault_record(struct world *w, const char *name, uint8_t root_byte)
{
    const struct vault_storage_key key = vault_key_of_vault(hf_str_from_c(name));
    struct crypto_record_key *record_key = NULL;
    struct hf_secret *root = root_of(root_byte);
    struct hf_buf plain;
    hf_buf_init_secret(&plain, VAULT_RECORD_MAX_BYTES);
    EXPECT_OK(vault_record_key_derive(root, &record_key));
    const hf_bytes record = world_raw_get(w, vault_storage_key_view(&key));
    hf_err err = crypto_record_open(record_key, vault_storage_key_view(&key), VAULT_RECORD_FORMAT,
                                    record, &plain);
    hf_buf_done(&plain);
    crypto_record_key_free(record_key);
    hf_secret_free(root);
    return err;
}

static void name_vault(size_t i, char out[16])
{
    (void)snprintf(out, 16, "vault-%zu", i);
}

/* ---- refused ---- */

static void test_reseal_with_another_old_root_changes_nothing(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "value"));
    expect_refused_unchanged(w, NEXT_ROOT_BYTE + 1, HF_E_CORRUPT);
    world_expect_value(w, "name", "value");
}

static void test_reseal_with_a_damaged_record_changes_nothing(void **state)
{
    struct world *w = *state;
    const struct vault_storage_key middle = vault_key_of_vault(HF_LIT("beta"));
    const hf_bytes key = vault_storage_key_view(&middle);
    const hf_bytes record = world_raw_get(w, key);
    uint8_t large[1024] = { 'H', 1 };
    uint8_t turned[512];
    memcpy(turned, record.p, record.n);
    turned[record.n / 2] ^= 1;
    const hf_bytes damaged[] = {
        { record.p, record.n - 1 }, { record.p, 3 }, { turned, record.n }, { large, sizeof(large) }
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(damaged); i++) {
        EXPECT_OK(world_raw_put(w, key, damaged[i]));
        expect_refused_unchanged(w, WORLD_ROOT_BYTE, HF_E_CORRUPT);
    }
    EXPECT_OK(world_raw_put(w, key, record));
    EXPECT_OK(reseal(w, WORLD_ROOT_BYTE, NEXT_ROOT_BYTE));
}

static void test_damaged_backup_keys_are_corrupt(void **state)
{
    struct world *w = *state;
    const uint8_t place[] = { STORE_CLASS_BACKUP_KEYS };
    const hf_bytes key = { place, sizeof(place) };
    rotate(w, WORLD_ROOT_BYTE, NEXT_ROOT_BYTE);
    const hf_bytes record = world_raw_get(w, key);
    assert_int_equal(record.n, CRYPTO_RECORD_KEY_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES);
    EXPECT_OK(world_raw_put(w, key, (hf_bytes){ record.p, record.n - 1 }));
    EXPECT_ERR(HF_E_CORRUPT, open_engine(w, NEXT_ROOT_BYTE));
    expect_refused_unchanged(w, NEXT_ROOT_BYTE, HF_E_CORRUPT);
    EXPECT_OK(world_raw_put(w, key, record));
    EXPECT_OK(open_engine(w, NEXT_ROOT_BYTE));
}

/* Sealed with the right key, but no keys inside: not a whole number of them, none, too many. */
static void test_backup_keys_of_a_wrong_size_are_corrupt(void **state)
{
    struct world *w = *state;
    const uint8_t place[] = { STORE_CLASS_BACKUP_KEYS };
    const size_t sizes[] = { 0, CRYPTO_RECORD_KEY_BYTES + 1,
                             (VAULT_BACKUP_KEYS_MAX + 1) * CRYPTO_RECORD_KEY_BYTES };
    static const uint8_t plain[(VAULT_BACKUP_KEYS_MAX + 1) * CRYPTO_RECORD_KEY_BYTES];
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        struct hf_buf sealed;
        hf_buf_init(&sealed, 4096);
        EXPECT_OK(vault_seal_drawn(vault_view_key(w->view), (hf_bytes){ place, sizeof(place) },
                                   VAULT_BACKUP_KEYS_FORMAT, (hf_bytes){ plain, sizes[i] },
                                   &sealed));
        EXPECT_OK(world_raw_put(w, (hf_bytes){ place, sizeof(place) }, hf_buf_view(&sealed)));
        hf_buf_done(&sealed);
        EXPECT_ERR(HF_E_CORRUPT, open_engine(w, WORLD_ROOT_BYTE));
        expect_refused_unchanged(w, WORLD_ROOT_BYTE, HF_E_CORRUPT);
    }
}

/* ---- done ---- */

static void test_everything_is_read_with_the_new_root_and_nothing_with_the_old(void **state)
{
    struct world *w = *state;
    char vault[16];
    char name[16];
    for (size_t i = 0; i < VAULTS; i++) {
        name_vault(i, vault);
        const struct vault_properties properties = world_properties(vault, 1);
        EXPECT_OK(world_create(w, &properties));
        for (size_t j = 0; j < SECRETS; j++) {
            (void)snprintf(name, sizeof(name), "secret-%zu", j);
            EXPECT_OK(world_set_in(w, vault, name, name));
        }
    }
    for (uint8_t root = WORLD_ROOT_BYTE; root < WORLD_ROOT_BYTE + 2; root++) {
        rotate(w, root, root + 1);
        for (size_t i = 0; i < VAULTS; i++) {
            name_vault(i, vault);
            EXPECT_OK(open_vault_record(w, vault, root + 1));
            EXPECT_ERR(HF_E_CORRUPT, open_vault_record(w, vault, root));
            for (size_t j = 0; j < SECRETS; j++) {
                struct vault_secret secret;
                (void)snprintf(name, sizeof(name), "secret-%zu", j);
                EXPECT_OK(world_get_in(w, vault, name, NULL, &secret));
                assert_true(hf_secret_equal(secret.value, hf_str_bytes(hf_str_from_c(name))));
            }
        }
        EXPECT_ERR(HF_E_CORRUPT, open_engine(w, root));
    }
    EXPECT_OK(world_set_in(w, "vault-3", "new", "changes go on"));
}

static void test_deleted_secrets_are_recovered_and_purged_after_it(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    size_t purged = 0;
    EXPECT_OK(world_set(w, "one", "1"));
    EXPECT_OK(world_set(w, "two", "2"));
    EXPECT_OK(world_delete(w, "one"));
    EXPECT_OK(world_delete(w, "two"));
    rotate(w, WORLD_ROOT_BYTE, NEXT_ROOT_BYTE);
    EXPECT_OK(world_get_deleted(w, "one", &secret));
    EXPECT_OK(world_recover(w, "one"));
    world_expect_value(w, "one", "1");
    w->now += (ALPHA_RETENTION_DAYS + 1) * HF_USEC_PER_DAY;
    EXPECT_OK(world_purge_due(w, 10, &purged));
    assert_int_equal(purged, 1);
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
}

/* The command is run again in a larger map. */
static void test_reseal_that_outgrows_the_map(void **state)
{
    struct world *w = *state;
    char vault[16];
    for (size_t i = 0; i < MANY_VAULTS; i++) {
        name_vault(i, vault);
        const struct vault_properties properties = world_properties(vault, 1);
        EXPECT_OK(world_create(w, &properties));
    }
    w->map_bytes = store_stats(w->store).used_bytes;
    world_reopen(w, WORLD_ROOT_BYTE);
    const uint64_t before = store_stats(w->store).map_bytes;
    EXPECT_OK(reseal(w, WORLD_ROOT_BYTE, NEXT_ROOT_BYTE));
    assert_true(store_stats(w->store).map_bytes > before);
    for (size_t i = 0; i < MANY_VAULTS; i++) {
        name_vault(i, vault);
        EXPECT_OK(open_vault_record(w, vault, NEXT_ROOT_BYTE));
    }
    world_reopen(w, NEXT_ROOT_BYTE);
}

static void test_backups_of_the_last_root_keys_are_restored(void **state)
{
    struct world *w = *state;
    hf_bytes blobs[VAULT_BACKUP_KEYS_MAX + 2];
    char name[16];
    uint8_t root = WORLD_ROOT_BYTE;
    for (size_t i = 0; i < HF_ARRAY_LEN(blobs); i++) {
        if (i > 0) {
            rotate(w, root, root + 1);
            root++;
        }
        (void)snprintf(name, sizeof(name), "of-root-%zu", i);
        EXPECT_OK(world_set(w, name, name));
        EXPECT_OK(world_backup(w, name, &blobs[i]));
        EXPECT_OK(world_delete(w, name));
        EXPECT_OK(world_purge(w, name));
    }
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "alpha", blobs[0])); /* fell out */
    for (size_t i = 1; i < HF_ARRAY_LEN(blobs); i++) {
        (void)snprintf(name, sizeof(name), "of-root-%zu", i);
        EXPECT_OK(world_restore(w, "alpha", blobs[i]));
        world_expect_value(w, name, name);
    }
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "gamma", blobs[1])); /* another subscription */
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_reseal_with_another_old_root_changes_nothing),
        WORLD_TEST(test_reseal_with_a_damaged_record_changes_nothing),
        WORLD_TEST(test_damaged_backup_keys_are_corrupt),
        WORLD_TEST(test_backup_keys_of_a_wrong_size_are_corrupt),
        WORLD_TEST(test_everything_is_read_with_the_new_root_and_nothing_with_the_old),
        WORLD_TEST(test_deleted_secrets_are_recovered_and_purged_after_it),
        WORLD_TEST(test_reseal_that_outgrows_the_map),
        WORLD_TEST(test_backups_of_the_last_root_keys_are_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
