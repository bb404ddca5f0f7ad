/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the vault's tests share: a world with a store in its own folder, an engine, two vaults of
 * one subscription ("Alpha", "beta"), one of another ("gamma"), a clock that tests move, and each
 * operation in one line.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "crypto/crypto.h"
#include "vault/internal.h"
#include "vault/secret.h"

#include <limits.h>
#include <string.h>

#define EXPECT_OK(call) assert_int_equal((call), HF_OK)
#define EXPECT_ERR(err, call) assert_int_equal((call), (err))
#define EXPECT_STR(text, str)                                                                      \
    do {                                                                                           \
        const hf_str expect_str_ = (str);                                                          \
        assert_int_equal(strlen(text), expect_str_.n);                                             \
        assert_memory_equal((text), expect_str_.p, expect_str_.n);                                 \
    } while (0)

#define START_TIME (INT64_C(1767225600) * HF_USEC_PER_SEC) /* 2026-01-01 */
#define ALPHA_RETENTION_DAYS 7

struct world {
    char folder[PATH_MAX / 2];
    char data[PATH_MAX / 2];
    struct store *store;
    struct vault_engine *engine;
    struct vault_view *view;
    struct store_reader *reader;
    struct store_txn *txn; /* between world_begin() and world_end() */
    struct hf_arena *arena;
    struct hf_diag diag;           /* of the last command made */
    struct vault_command *command; /* the last one run */
    size_t map_bytes;              /* for the next world_reopen(); 0: the store's default */
    hf_usec now;
};

/* For cmocka: *state becomes the world. */
int world_setup(void **state);
int world_teardown(void **state);
/* Closes everything and opens the folder again, with a root key of this byte. */
void world_reopen(struct world *w, uint8_t root_byte);
#define WORLD_ROOT_BYTE 7

/* A snapshot; the vault is valid in it. */
struct vault *world_begin(struct world *w, const char *vault);
void world_end(struct world *w);
/* The vault, outside of a snapshot: for making commands. */
struct vault *world_vault(struct world *w, const char *vault);

struct vault_properties world_properties(const char *name, uint8_t subscription_byte);
hf_err world_create(struct world *w, const struct vault_properties *properties);
hf_err world_run(struct world *w, struct vault_command *command);

/* On vault alpha, unless it is named. */
hf_err world_set(struct world *w, const char *name, const char *value);
hf_err world_set_in(struct world *w, const char *vault, const char *name, const char *value);
hf_err world_set_with(struct world *w, const char *name, const char *value,
                      const struct vault_secret_change *change);
hf_err world_update(struct world *w, const char *name, const struct hf_uuid *version,
                    const struct vault_secret_change *change);
hf_err world_delete(struct world *w, const char *name);
hf_err world_recover(struct world *w, const char *name);
hf_err world_purge(struct world *w, const char *name);
hf_err world_protect(struct world *w, const char *vault);
hf_err world_purge_due(struct world *w, size_t max, size_t *out_count);

/* Results stay in the arena. */
hf_err world_get(struct world *w, const char *name, struct vault_secret *out);
hf_err world_get_in(struct world *w, const char *vault, const char *name,
                    const struct hf_uuid *version, struct vault_secret *out);
hf_err world_get_deleted(struct world *w, const char *name, struct vault_secret *out);
hf_err world_list(struct world *w, bool deleted, const char *after, size_t max,
                  struct vault_page *out);
hf_err world_list_versions(struct world *w, const char *name, const struct hf_uuid *after,
                           size_t max, struct vault_page *out);
hf_err world_backup(struct world *w, const char *name, hf_bytes *out);
hf_err world_restore(struct world *w, const char *vault, hf_bytes blob);

/* Reads the newest value and compares. */
void world_expect_value(struct world *w, const char *name, const char *value);

/* Behind the layer's back. The record is a copy in the arena. */
hf_bytes world_raw_get(struct world *w, hf_bytes key);
hf_err world_raw_put(struct world *w, hf_bytes key, hf_bytes value);
hf_err world_raw_delete(struct world *w, hf_bytes key);
size_t world_raw_count(struct world *w, enum store_class class);
