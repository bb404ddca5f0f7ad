/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's tests share.
 */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void support_folder_make(struct support_folder *folder)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(folder->path, sizeof(folder->path), "%s/holdfast-store-XXXXXX",
                     base != NULL ? base : "/tmp");
    assert_true(n > 0 && (size_t)n < sizeof(folder->path) - sizeof("/data"));
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->data, sizeof(folder->data), "%.*s/data", n, folder->path);
}

static void remove_files(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
}

void support_folder_remove(struct support_folder *folder)
{
    remove_files(folder->data);
    (void)rmdir(folder->data);
    remove_files(folder->path);
    assert_int_equal(rmdir(folder->path), 0);
}

const char *support_data_path(const struct support_folder *folder, const char *name)
{
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder->data, name);
    return path;
}

hf_bytes support_bytes(const char *text)
{
    return hf_str_bytes(hf_str_from_c(text));
}

struct store *support_open_with(const struct support_folder *folder, struct store_config config)
{
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    config.folder = folder->data;
    hf_err err = store_open(&config, &diag, &store);
    if (err != HF_OK)
        fail_msg("store_open: %s (%s)", hf_err_name(err), diag.text);
    return store;
}

struct store *support_open(const struct support_folder *folder)
{
    return support_open_with(folder, (struct store_config){ .no_sync = true });
}

struct change {
    struct store_command command;
    hf_bytes key;
    const hf_bytes *value;
};

static hf_err apply_change(struct store_command *command, struct store_txn *txn)
{
    const struct change *change = HF_CONTAINER_OF(command, struct change, command);
    if (change->value == NULL)
        return store_delete(txn, change->key);
    return store_put(txn, change->key, *change->value);
}

hf_err support_change(struct store *store, hf_bytes key, const hf_bytes *value)
{
    struct change change = { .command = { .apply = apply_change }, .key = key, .value = value };
    return store_apply(store, &change.command);
}

hf_err support_put(struct store *store, const char *key, const char *value)
{
    hf_bytes bytes = support_bytes(value);
    return support_change(store, support_bytes(key), &bytes);
}

hf_err support_delete(struct store *store, const char *key)
{
    return support_change(store, support_bytes(key), NULL);
}

static hf_err compare(struct store *store, const char *key, const char *value, bool *out_equal)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    assert_int_equal(store_reader_new(store, &reader), HF_OK);
    struct store_txn *txn = NULL;
    assert_int_equal(store_read_begin(reader, &txn), HF_OK);
    hf_bytes found = { 0 };
    hf_err err = store_get(txn, support_bytes(key), &found);
    *out_equal = err == HF_OK && hf_bytes_equal(found, support_bytes(value));
    store_read_end(txn);
    return err;
}

bool support_holds(struct store *store, const char *key, const char *value)
{
    bool is_equal = false;
    return compare(store, key, value, &is_equal) == HF_OK && is_equal;
}

bool support_lacks(struct store *store, const char *key)
{
    bool is_equal = false;
    return compare(store, key, "", &is_equal) == HF_E_NOT_FOUND;
}
