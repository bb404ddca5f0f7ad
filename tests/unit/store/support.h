/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's tests share: a folder of their own, and commands that put or get one text.
 */
#pragma once

#include "store/store.h"

#include <limits.h>

struct support_folder {
    char path[PATH_MAX / 2]; /* the temporary folder */
    char data[PATH_MAX / 2]; /* a data folder in it, not yet made */
};

void support_folder_make(struct support_folder *folder);
void support_folder_remove(struct support_folder *folder); /* with what is in it, two levels deep */

/* A path in the data folder. */
const char *support_data_path(const struct support_folder *folder, const char *name);

hf_bytes support_bytes(const char *text);

struct store *support_open(const struct support_folder *folder);
struct store *support_open_with(const struct support_folder *folder, struct store_config config);

/* One change, waited for. value NULL: delete. */
hf_err support_change(struct store *store, hf_bytes key, const hf_bytes *value);
hf_err support_put(struct store *store, const char *key, const char *value);
hf_err support_delete(struct store *store, const char *key);

/* Compares what a new snapshot holds. */
bool support_holds(struct store *store, const char *key, const char *value);
bool support_lacks(struct store *store, const char *key);
