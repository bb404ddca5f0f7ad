/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vault's tests share.
 */
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_MAX_BYTES ((size_t)256 * 1024 * 1024)
#define SUBSCRIPTION_ONE 1
#define SUBSCRIPTION_TWO 2

static void make_folder(struct world *w)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(w->folder, sizeof(w->folder), "%s/holdfast-vault-XXXXXX",
                     base != NULL ? base : "/tmp");
    assert_true(n > 0 && (size_t)n < sizeof(w->folder) - sizeof("/data"));
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->data, sizeof(w->data), "%.*s/data", n, w->folder);
}

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    (void)rmdir(path);
}

static void open_world(struct world *w, uint8_t root_byte)
{
    const struct store_config config = { .folder = w->data,
                                         .map_bytes = w->map_bytes,
                                         .no_sync = true };
    EXPECT_OK(store_open(&config, &w->diag, &w->store));
    uint8_t root_bytes[CRYPTO_RECORD_KEY_BYTES];
    memset(root_bytes, root_byte, sizeof(root_bytes));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ root_bytes, sizeof(root_bytes) }, &root));
    EXPECT_OK(vault_engine_new(w->store, root, &w->engine));
    EXPECT_OK(vault_view_new(w->engine, &w->view));
    EXPECT_OK(store_reader_new(w->store, &w->reader));
}

static void close_world(struct world *w)
{
    if (w->txn != NULL)
        world_end(w);
    store_reader_free(w->reader);
    vault_view_free(w->view);
    store_close(w->store);
    vault_engine_free(w->engine);
}

int world_setup(void **state)
{
    EXPECT_OK(crypto_init(NULL));
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->now = START_TIME;
    EXPECT_OK(hf_arena_new(ARENA_MAX_BYTES, &w->arena));
    make_folder(w);
    open_world(w, WORLD_ROOT_BYTE);
    struct vault_properties alpha = world_properties("Alpha", SUBSCRIPTION_ONE);
    alpha.retention_days = ALPHA_RETENTION_DAYS;
    const struct vault_properties beta = world_properties("beta", SUBSCRIPTION_ONE);
    const struct vault_properties gamma = world_properties("gamma", SUBSCRIPTION_TWO);
    EXPECT_OK(world_create(w, &alpha));
    EXPECT_OK(world_create(w, &beta));
    EXPECT_OK(world_create(w, &gamma));
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    close_world(w);
    hf_arena_free(w->arena);
    remove_folder(w->data);
    remove_folder(w->folder);
    free(w);
    return 0;
}

void world_reopen(struct world *w, uint8_t root_byte)
{
    close_world(w);
    open_world(w, root_byte);
}

struct vault *world_begin(struct world *w, const char *vault)
{
    assert_null(w->txn);
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    struct vault *found = NULL;
    EXPECT_OK(vault_find(w->view, w->txn, hf_str_from_c(vault), &found));
    return found;
}

void world_end(struct world *w)
{
    store_read_end(w->txn);
    w->txn = NULL;
}

struct vault *world_vault(struct world *w, const char *vault)
{
    struct vault *found = world_begin(w, vault);
    world_end(w);
    return found;
}

struct vault_properties world_properties(const char *name, uint8_t subscription_byte)
{
    struct vault_properties properties = {
        .resource_group = "rg-test",
        .location = "westeurope",
        .retention_days = VAULT_RETENTION_DEFAULT_DAYS,
    };
    (void)snprintf(properties.name, sizeof(properties.name), "%s", name);
    memset(properties.tenant.b, 0x77, sizeof(properties.tenant.b));
    memset(properties.subscription.b, subscription_byte, sizeof(properties.subscription.b));
    return properties;
}

hf_err world_run(struct world *w, struct vault_command *command)
{
    w->command = command;
    return store_apply(w->store, &command->store);
}

hf_err world_create(struct world *w, const struct vault_properties *properties)
{
    struct vault_command *command = NULL;
    memset(&w->diag, 0, sizeof(w->diag));
    hf_err err = vault_create(w->engine, properties, w->now, w->arena, &w->diag, &command);
    return err != HF_OK ? err : world_run(w, command);
}

static hf_err set(struct world *w, const char *vault, const char *name, const char *value,
                  const struct vault_secret_change *change)
{
    struct vault_command *command = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(value)), &secret));
    memset(&w->diag, 0, sizeof(w->diag));
    hf_err err = vault_secret_set(world_vault(w, vault), hf_str_from_c(name), secret, change,
                                  w->now, w->arena, &w->diag, &command);
    return err != HF_OK ? err : world_run(w, command);
}

hf_err world_set(struct world *w, const char *name, const char *value)
{
    return world_set_in(w, "alpha", name, value);
}

hf_err world_set_in(struct world *w, const char *vault, const char *name, const char *value)
{
    const struct vault_secret_change change = { .common.has_enabled = false };
    return set(w, vault, name, value, &change);
}

hf_err world_set_with(struct world *w, const char *name, const char *value,
                      const struct vault_secret_change *change)
{
    return set(w, "alpha", name, value, change);
}

hf_err world_update(struct world *w, const char *name, const struct hf_uuid *version,
                    const struct vault_secret_change *change)
{
    struct vault_command *command = NULL;
    memset(&w->diag, 0, sizeof(w->diag));
    hf_err err = vault_secret_update(world_vault(w, "alpha"), hf_str_from_c(name), version, change,
                                     w->now, w->arena, &w->diag, &command);
    return err != HF_OK ? err : world_run(w, command);
}

hf_err world_delete(struct world *w, const char *name)
{
    struct vault_command *command = NULL;
    hf_err err = vault_secret_delete(world_vault(w, "alpha"), hf_str_from_c(name), w->now, w->arena,
                                     &command);
    return err != HF_OK ? err : world_run(w, command);
}

hf_err world_recover(struct world *w, const char *name)
{
    struct vault_command *command = NULL;
    hf_err err = vault_secret_recover(world_vault(w, "alpha"), hf_str_from_c(name), w->now,
                                      w->arena, &command);
    return err != HF_OK ? err : world_run(w, command);
}

hf_err world_purge(struct world *w, const char *name)
{
    struct vault_command *command = NULL;
    hf_err err = vault_secret_purge(world_vault(w, "alpha"), hf_str_from_c(name), w->now, w->arena,
                                    &command);
    return err != HF_OK ? err : world_run(w, command);
}

hf_err world_protect(struct world *w, const char *vault)
{
    struct vault_command *command = NULL;
    hf_err err = vault_protect(w->engine, hf_str_from_c(vault), w->arena, &command);
    return err != HF_OK ? err : world_run(w, command);
}

hf_err world_purge_due(struct world *w, size_t max, size_t *out_count)
{
    struct vault_command *command = NULL;
    EXPECT_OK(vault_purge_due(w->engine, w->now, max, w->arena, &command));
    hf_err err = world_run(w, command);
    *out_count = vault_purge_due_count(command);
    return err;
}

hf_err world_get_in(struct world *w, const char *vault, const char *name,
                    const struct hf_uuid *version, struct vault_secret *out)
{
    struct vault *found = world_begin(w, vault);
    hf_err err = vault_secret_get(found, w->txn, hf_str_from_c(name), version, w->now, w->arena,
                                  out);
    world_end(w);
    return err;
}

hf_err world_get(struct world *w, const char *name, struct vault_secret *out)
{
    return world_get_in(w, "alpha", name, NULL, out);
}

hf_err world_get_deleted(struct world *w, const char *name, struct vault_secret *out)
{
    struct vault *found = world_begin(w, "alpha");
    hf_err err = vault_secret_get_deleted(found, w->txn, hf_str_from_c(name), w->now, w->arena,
                                          out);
    world_end(w);
    return err;
}

hf_err world_list(struct world *w, bool deleted, const char *after, size_t max,
                  struct vault_page *out)
{
    struct vault *found = world_begin(w, "alpha");
    hf_err err = vault_secret_list(found, w->txn, deleted, hf_str_from_c(after), max, w->now,
                                   w->arena, out);
    world_end(w);
    return err;
}

hf_err world_list_versions(struct world *w, const char *name, const struct hf_uuid *after,
                           size_t max, struct vault_page *out)
{
    struct vault *found = world_begin(w, "alpha");
    hf_err err = vault_secret_list_versions(found, w->txn, hf_str_from_c(name), after, max, w->now,
                                            w->arena, out);
    world_end(w);
    return err;
}

hf_err world_backup(struct world *w, const char *name, hf_bytes *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault *found = world_begin(w, "alpha");
    hf_err err = vault_secret_backup(found, w->txn, hf_str_from_c(name), w->now, w->arena, &blob);
    world_end(w);
    if (err != HF_OK)
        return err;
    *out = hf_arena_dup_bytes(w->arena, hf_buf_view(&blob));
    return out->p != NULL ? HF_OK : HF_E_NOMEM;
}

hf_err world_restore(struct world *w, const char *vault, hf_bytes blob)
{
    struct vault_command *command = NULL;
    hf_err err = vault_secret_restore(world_vault(w, vault), blob, w->now, w->arena, &command);
    return err != HF_OK ? err : world_run(w, command);
}

void world_expect_value(struct world *w, const char *name, const char *value)
{
    struct vault_secret secret;
    EXPECT_OK(world_get(w, name, &secret));
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(hf_str_from_c(value))));
}

/* ---- behind the layer's back ---- */

hf_bytes world_raw_get(struct world *w, hf_bytes key)
{
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    hf_bytes value = { NULL, 0 };
    EXPECT_OK(store_get(w->txn, key, &value));
    const hf_bytes copy = hf_arena_dup_bytes(w->arena, value);
    world_end(w);
    assert_non_null(copy.p);
    return copy;
}

size_t world_raw_count(struct world *w, enum store_class class)
{
    const uint8_t prefix[] = { (uint8_t) class };
    EXPECT_OK(store_read_begin(w->reader, &w->txn));
    struct store_cursor *cursor = NULL;
    EXPECT_OK(store_cursor_open(w->txn, (hf_bytes){ prefix, sizeof(prefix) }, (hf_bytes){ NULL, 0 },
                                false, &cursor));
    size_t count = 0;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    while (store_cursor_next(cursor, &key, &value) == HF_OK)
        count++;
    store_cursor_close(cursor);
    world_end(w);
    return count;
}

struct raw_command {
    struct store_command store;
    hf_bytes key;
    hf_bytes value; /* p NULL: delete */
};

static hf_err apply_raw(struct store_command *store_command, struct store_txn *txn)
{
    const struct raw_command *command = HF_CONTAINER_OF(store_command, struct raw_command, store);
    if (command->value.p == NULL)
        return store_delete(txn, command->key);
    return store_put(txn, command->key, command->value);
}

hf_err world_raw_put(struct world *w, hf_bytes key, hf_bytes value)
{
    struct raw_command command = { .store = { .apply = apply_raw }, .key = key, .value = value };
    return store_apply(w->store, &command.store);
}

hf_err world_raw_delete(struct world *w, hf_bytes key)
{
    struct raw_command command = { .store = { .apply = apply_raw }, .key = key };
    return store_apply(w->store, &command.store);
}
