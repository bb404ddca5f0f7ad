/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotating the root key: refused before anything is changed, whole or not at all, finished after an interruption at any of its
 * steps, and nothing of the store opens with the old root key any more.
 */
#include "support.h"

#include "access/access.h"
#include "archive/archive.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "server/acts.h"
#include "server/backup.h"
#include "server/installation.h"
#include "server/rotate.h"
#include "vault/secret.h"
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT_OK(call) assert_int_equal((call), HF_OK)
#define ARENA_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define DUMP_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define VAULTS 20
#define SECRETS 50 /* in each */
#define PRINCIPALS 100
#define NAME_BYTES 24
#define PASSPHRASE "correct horse battery"

struct world {
    struct place place;
    struct hf_clock clock;
    struct server_installation installation;
    struct hf_arena *arena;
    struct hf_diag diag;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    place_init(&w->place);
    EXPECT_OK(hf_arena_new(ARENA_MAX_BYTES, &w->arena));
    EXPECT_OK(server_install(&w->place.settings, &w->clock, NULL, &w->diag, &w->installation));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    hf_arena_free(w->arena);
    place_done(&w->place);
    free(w);
    return 0;
}

/* ---- the store as a server opens it ---- */

struct opened {
    struct store *store;
    struct hf_secret *root;
    struct vault_engine *vaults;
    struct vault_view *view;
    struct access_engine *access;
    struct access_view *access_view;
    struct store_reader *reader;
};

static void open_access(struct world *w, struct opened *out)
{
    static const char *const audiences[] = { "https://vault.example", NULL };
    const struct access_config config = { .store = out->store,
                                          .root_key = out->root,
                                          .tenant = w->installation.tenant,
                                          .login_url = "https://login.vault.example",
                                          .audiences = audiences,
                                          .token_lifetime = HF_USEC_PER_SEC,
                                          .signing_key_lifetime = HF_USEC_PER_DAY };
    EXPECT_OK(access_engine_new(&config, &w->diag, &out->access));
    EXPECT_OK(access_view_new(out->access, &out->access_view));
}

static void open_layers(struct world *w, struct opened *opened)
{
    struct server_installation read;
    EXPECT_OK(server_installation_read(opened->store, opened->root, &read));
    assert_true(hf_uuid_equal(&read.tenant, &w->installation.tenant));
    EXPECT_OK(vault_engine_new(opened->store, opened->root, &opened->vaults));
    EXPECT_OK(vault_view_new(opened->vaults, &opened->view));
    open_access(w, opened);
    EXPECT_OK(store_reader_new(opened->store, &opened->reader));
}

static struct opened open_server(struct world *w)
{
    struct opened opened = { .store = NULL };
    hf_err err = server_open(&w->place.settings, &w->clock, &w->diag, &opened.root, &opened.store);
    if (err != HF_OK)
        fail_msg("%s", w->diag.text);
    open_layers(w, &opened);
    return opened;
}

/* The same without waiting for the disk, for many changes. */
static struct opened open_quick(struct world *w)
{
    struct opened opened = { .store = NULL };
    const struct store_config config = {
        .folder = w->place.settings.data, .no_sync = true, .journal = true, .clock = &w->clock
    };
    EXPECT_OK(server_open(&w->place.settings, &w->clock, &w->diag, &opened.root, &opened.store));
    store_close(opened.store);
    EXPECT_OK(store_open(&config, &w->diag, &opened.store));
    open_layers(w, &opened);
    return opened;
}

static void close_server(struct opened *opened)
{
    store_reader_free(opened->reader);
    access_view_free(opened->access_view);
    access_engine_free(opened->access);
    vault_view_free(opened->view);
    vault_engine_free(opened->vaults);
    store_close(opened->store);
    hf_secret_free(opened->root);
}

static struct vault *find_vault(struct opened *opened, const char *name, struct store_txn **txn)
{
    struct vault *vault = NULL;
    EXPECT_OK(store_read_begin(opened->reader, txn));
    EXPECT_OK(vault_find(opened->view, *txn, hf_str_from_c(name), &vault));
    return vault;
}

static void set_secret(struct world *w, struct opened *opened, const char *vault, const char *name)
{
    const struct vault_secret_change change = { .common.has_enabled = false };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *value = NULL;
    struct vault_command *command = NULL;
    struct store_txn *txn = NULL;
    EXPECT_OK(hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(name)), &value));
    struct vault *found = find_vault(opened, vault, &txn);
    store_read_end(txn);
    EXPECT_OK(vault_secret_set(found, hf_str_from_c(name), value, &change, 0, w->arena, &w->diag,
                               &command));
    EXPECT_OK(store_apply(opened->store, &command->store));
}

static void add_vault(struct world *w, struct opened *opened, const char *name)
{
    struct vault_properties properties = { .subscription = w->installation.subscription,
                                           .tenant = w->installation.tenant,
                                           .resource_group = "rg",
                                           .location = "here",
                                           .retention_days = VAULT_RETENTION_MIN_DAYS };
    struct vault_command *command = NULL;
    (void)snprintf(properties.name, sizeof(properties.name), "%s", name);
    EXPECT_OK(vault_create(opened->vaults, &properties, 0, w->arena, &w->diag, &command));
    EXPECT_OK(store_apply(opened->store, &command->store));
}

static void fill(struct world *w, size_t vaults, size_t secrets, size_t principals)
{
    struct opened opened = open_quick(w);
    char vault[NAME_BYTES];
    char name[NAME_BYTES];
    for (size_t i = 0; i < vaults; i++) {
        (void)snprintf(vault, sizeof(vault), "vault-%zu", i);
        add_vault(w, &opened, vault);
        for (size_t j = 0; j < secrets; j++) {
            (void)snprintf(name, sizeof(name), "secret-%zu-%zu", i, j);
            set_secret(w, &opened, vault, name);
        }
    }
    for (size_t i = 0; i < principals; i++) {
        struct access_command *command = NULL;
        EXPECT_OK(access_principal_create(opened.access, ACCESS_APPLICATION, HF_LIT("someone"), 0,
                                          w->arena, &w->diag, &command));
        EXPECT_OK(store_apply(opened.store, &command->store));
    }
    close_server(&opened);
}

static void expect_filled(struct world *w, size_t vaults, size_t secrets, size_t principals)
{
    struct opened opened = open_server(w);
    char vault[NAME_BYTES];
    char name[NAME_BYTES];
    struct access_principal *found = NULL;
    size_t count = 0;
    struct store_txn *txn = NULL;
    for (size_t i = 0; i < vaults; i++) {
        (void)snprintf(vault, sizeof(vault), "vault-%zu", i);
        struct vault *place = find_vault(&opened, vault, &txn);
        for (size_t j = 0; j < secrets; j++) {
            struct vault_secret secret;
            (void)snprintf(name, sizeof(name), "secret-%zu-%zu", i, j);
            EXPECT_OK(
                vault_secret_get(place, txn, hf_str_from_c(name), NULL, 0, w->arena, &secret));
            assert_true(hf_secret_equal(secret.value, hf_str_bytes(hf_str_from_c(name))));
        }
        store_read_end(txn);
    }
    EXPECT_OK(store_read_begin(opened.reader, &txn));
    EXPECT_OK(access_principal_list(opened.access_view, txn, w->arena, &found, &count));
    assert_int_equal(count, principals);
    store_read_end(txn);
    close_server(&opened);
}

/* ---- behind its back ---- */

static struct store *open_store(struct world *w)
{
    struct store *store = NULL;
    const struct store_config config = { .folder = w->place.settings.data };
    EXPECT_OK(store_open(&config, &w->diag, &store));
    return store;
}

struct put {
    struct store_command command;
    hf_bytes key;
    hf_bytes value; /* p NULL: delete */
};

static hf_err apply_put(struct store_command *command, struct store_txn *txn)
{
    const struct put *put = HF_CONTAINER_OF(command, struct put, command);
    return put->value.p != NULL ? store_put(txn, put->key, put->value)
                                : store_delete(txn, put->key);
}

static void put_raw(struct world *w, hf_bytes key, hf_bytes value)
{
    struct store *store = open_store(w);
    struct put put = { .command = { .apply = apply_put }, .key = key, .value = value };
    EXPECT_OK(store_apply(store, &put.command));
    store_close(store);
}

/* A copy in the arena. */
static hf_bytes get_raw(struct world *w, hf_bytes key)
{
    struct store *store = open_store(w);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_bytes value = { NULL, 0 };
    EXPECT_OK(store_reader_new(store, &reader));
    EXPECT_OK(store_read_begin(reader, &txn));
    EXPECT_OK(store_get(txn, key, &value));
    const hf_bytes copy = hf_arena_dup_bytes(w->arena, value);
    store_read_end(txn);
    store_reader_free(reader);
    store_close(store);
    return copy;
}

/* What of the data folder is not to change: every record, and perhaps the seal. */
static void dump(struct world *w, bool with_seal, struct hf_buf *out)
{
    struct store *store = open_store(w);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    struct store_cursor *cursor = NULL;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    hf_buf_init(out, DUMP_MAX_BYTES);
    EXPECT_OK(store_reader_new(store, &reader));
    EXPECT_OK(store_read_begin(reader, &txn));
    EXPECT_OK(store_cursor_open(txn, (hf_bytes){ NULL, 0 }, (hf_bytes){ NULL, 0 }, false, &cursor));
    while (store_cursor_next(cursor, &key, &value) == HF_OK) {
        hf_buf_put_field16(out, key);
        hf_buf_put_field32(out, value);
    }
    store_cursor_close(cursor);
    store_read_end(txn);
    store_reader_free(reader);
    store_close(store);
    EXPECT_OK(hf_buf_err(out));
    if (with_seal)
        EXPECT_OK(seal_export(w->place.settings.data, &w->diag, out));
}

static hf_err rotate(struct world *w, const struct seal_people *people, uint64_t *out)
{
    w->diag = (struct hf_diag){ 0 };
    *out = 0;
    return server_rotate_root(&w->place.settings, &w->clock, people, &w->diag, out);
}

static void expect_rotates(struct world *w, uint64_t generation)
{
    uint64_t made = 0;
    if (rotate(w, NULL, &made) != HF_OK)
        fail_msg("%s", w->diag.text);
    assert_int_equal(made, generation);
}

static void expect_told(const struct world *w, const char *text)
{
    if (strstr(w->diag.text, text) == NULL)
        fail_msg("\"%s\" does not tell of \"%s\"", w->diag.text, text);
}

static void expect_refused(struct world *w, bool before_the_seal, hf_err expected, const char *text)
{
    struct hf_buf before;
    struct hf_buf after;
    uint64_t made = 0;
    dump(w, before_the_seal, &before);
    assert_int_equal(rotate(w, NULL, &made), expected);
    expect_told(w, text);
    dump(w, before_the_seal, &after);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    hf_buf_done(&before);
    hf_buf_done(&after);
}

/* ---- roots ---- */

static struct seal_roots open_seal(struct world *w)
{
    const struct seal_config seal = server_seal_config(&w->place.settings);
    struct seal_roots roots = { 0 };
    EXPECT_OK(seal_open(&seal, NULL, &w->diag, &roots));
    return roots;
}

static struct seal_roots begin(struct world *w)
{
    const struct seal_config seal = server_seal_config(&w->place.settings);
    struct seal_roots roots = { 0 };
    EXPECT_OK(seal_rotate_begin(&seal, NULL, &w->diag, &roots));
    assert_int_equal(roots.count, 2);
    return roots;
}

static void expect_root(struct world *w, const struct hf_secret *root)
{
    struct opened opened = open_server(w);
    assert_true(hf_secret_equal(opened.root, hf_secret_view(root)));
    close_server(&opened);
}

static void expect_seal(struct world *w, size_t count, uint64_t generation)
{
    struct seal_info info;
    EXPECT_OK(seal_read_info(w->place.settings.data, &w->diag, &info));
    assert_int_equal(info.roots, count);
    assert_int_equal(info.generation, generation);
}

/* Labels as in each layer: written down again, so that a new one here and there is noticed. */
static size_t count_opened(struct world *w, const struct hf_secret *root, size_t *out_records)
{
    static const char *const labels[] = { "holdfast server v1", "holdfast access v1",
                                          "holdfast vaults v1" };
    struct crypto_record_key *keys[HF_ARRAY_LEN(labels)];
    struct hf_buf all;
    size_t opened = 0;
    *out_records = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(labels); i++) {
        struct hf_secret *derived = NULL;
        EXPECT_OK(crypto_kdf(root, hf_str_from_c(labels[i]), (hf_bytes){ NULL, 0 }, &derived));
        EXPECT_OK(crypto_record_key_new(derived, &keys[i]));
        hf_secret_free(derived);
    }
    dump(w, false, &all);
    const uint8_t *p = all.p;
    while (p < all.p + all.n) {
        const hf_bytes key = { p + 2, (size_t)(p[0] << 8 | p[1]) };
        const uint8_t *length = key.p + key.n;
        const hf_bytes value = { length + 4, (size_t)length[0] << 24 | (size_t)length[1] << 16 |
                                                 (size_t)length[2] << 8 | length[3] };
        uint8_t format = 0;
        p = value.p + value.n;
        ++*out_records;
        for (size_t i = 0; i < HF_ARRAY_LEN(labels); i++) {
            struct hf_secret *plain = NULL;
            if (crypto_record_format(value, &format) == HF_OK &&
                crypto_record_open_secret(keys[i], key, format, value, &plain) == HF_OK)
                opened++;
            hf_secret_free(plain);
        }
    }
    hf_buf_done(&all);
    for (size_t i = 0; i < HF_ARRAY_LEN(labels); i++)
        crypto_record_key_free(keys[i]);
    return opened;
}

/* ---- refused ---- */

static void test_folder_without_a_server_is_not_made(void **state)
{
    struct world *w = *state;
    uint64_t made = 0;
    place_path(&w->place, "nothing", w->place.settings.data, sizeof(w->place.settings.data));
    assert_int_equal(rotate(w, NULL, &made), HF_E_NOT_FOUND);
    expect_told(w, "is not initialised; run 'holdfast init' first");
    assert_false(place_has(&w->place, "nothing"));
}

static void test_server_that_runs_is_left_alone(void **state)
{
    struct world *w = *state;
    uint64_t made = 0;
    struct store *store = open_store(w);
    assert_int_equal(rotate(w, NULL, &made), HF_E_BUSY);
    expect_told(w, "is in use: stop the server or seal it, then rotate the root key");
    expect_seal(w, 1, 1);
    store_close(store);
}

static void test_seal_of_another_time_is_left_alone(void **state)
{
    struct world *w = *state;
    const hf_bytes key = { (const uint8_t *)"\x01root-generation", 16 };
    uint8_t number[8] = { 0 };
    for (uint8_t roots = 1; roots <= 2; roots++) {
        number[7] = 3; /* ahead of the seal */
        put_raw(w, key, (hf_bytes){ number, sizeof(number) });
        expect_refused(w, true, HF_E_CONFLICT, "they are not of the same time");
        number[7] = 0;
        put_raw(w, key, (hf_bytes){ number, sizeof(number) });
        expect_refused(w, true, HF_E_CORRUPT, "");
        number[7] = 1;
        put_raw(w, key, (hf_bytes){ number, sizeof(number) });
        struct seal_roots begun = begin(w);
        seal_roots_done(&begun);
    }
    expect_rotates(w, 2);
    put_raw(w, key, (hf_bytes){ number, sizeof(number) }); /* behind it */
    expect_refused(w, true, HF_E_CONFLICT,
                   "are sealed under root key 1, and the file seal holds root key 2:");
}

static void test_init_that_was_interrupted_is_left_alone(void **state)
{
    struct world *w = *state;
    put_raw(w, (hf_bytes){ (const uint8_t *)"\x01installation", 13 }, (hf_bytes){ NULL, 0 });
    expect_refused(w, true, HF_E_NOT_FOUND, "run 'holdfast init' again");
}

static void test_record_of_an_unknown_kind_changes_no_record(void **state)
{
    struct world *w = *state;
    for (unsigned class = 0x26; class <= 0xff; class += 0xff - 0x26) {
        const uint8_t key[] = { (uint8_t) class, 'x' };
        put_raw(w, (hf_bytes){ key, 2 }, (hf_bytes){ key, 2 });
        expect_refused(w, false, HF_E_UNSUPPORTED, "of a kind that this version does not know");
        put_raw(w, (hf_bytes){ key, 2 }, (hf_bytes){ NULL, 0 });
    }
    expect_rotates(w, 2);
}

static void test_damaged_record_in_the_middle_changes_no_record(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *key;
        const char *stage;
    } places[] = {
        { "\x20vault-1", "the vaults could not be sealed anew" },
        { "\x01installation", "the installation could not be sealed anew" },
    };
    fill(w, 3, 1, 3);
    for (size_t i = 0; i < HF_ARRAY_LEN(places); i++) {
        const hf_bytes key = { (const uint8_t *)places[i].key, strlen(places[i].key) };
        const hf_bytes record = get_raw(w, key);
        put_raw(w, key, (hf_bytes){ record.p, record.n - 1 });
        expect_refused(w, false, HF_E_CORRUPT, places[i].stage);
        expect_seal(w, 2, 2);
        put_raw(w, key, record);
        expect_filled(w, 3, 1, 3); /* with the old root key, beside the new one */
    }
    expect_rotates(w, 2);
    expect_filled(w, 3, 1, 3);
}

/* ---- done ---- */

/* What a server leaves that has run, was restored, or is one for development. */
static void put_server_records(struct world *w)
{
    static const struct {
        enum store_class class;
        const char *name;
    } places[] = { { STORE_CLASS_META, "some note" }, { STORE_CLASS_DEV, "client" } };
    const struct audit_head none = { .seq = 0 };
    uint8_t head[AUDIT_HEAD_BYTES];
    audit_head_encode(&none, head);
    struct opened opened = open_quick(w);
    struct crypto_record_key *key = NULL;
    EXPECT_OK(server_record_key(opened.root, &key));
    for (size_t i = 0; i < HF_ARRAY_LEN(places); i++)
        EXPECT_OK(server_record_put(opened.store, key, places[i].class, places[i].name,
                                    hf_str_bytes(HF_LIT("some text"))));
    EXPECT_OK(server_record_put(opened.store, key, STORE_CLASS_AUDIT_HEAD, "audit",
                                (hf_bytes){ head, sizeof(head) }));
    crypto_record_key_free(key);
    close_server(&opened);
}

static void test_everything_opens_with_the_new_root_and_nothing_with_the_old(void **state)
{
    struct world *w = *state;
    fill(w, VAULTS, SECRETS, PRINCIPALS);
    put_server_records(w);
    for (uint64_t generation = 2; generation <= 3; generation++) {
        size_t records = 0;
        struct seal_roots before = open_seal(w);
        const size_t sealed = count_opened(w, before.root[0].key, &records);
        assert_true(sealed >= VAULTS + 2 * PRINCIPALS + 4);
        expect_rotates(w, generation);
        expect_seal(w, 1, generation);
        struct seal_roots after = open_seal(w);
        assert_int_equal(count_opened(w, before.root[0].key, &records), 0);
        /* besides, what the first one leaves: the note of it, the backup keys */
        assert_int_equal(count_opened(w, after.root[0].key, &records),
                         sealed + (generation == 2 ? 2 : 0));
        expect_root(w, after.root[0].key);
        expect_filled(w, VAULTS, SECRETS, PRINCIPALS);
        seal_roots_done(&before);
        seal_roots_done(&after);
    }
}

static void test_interrupted_after_the_first_step_it_is_finished(void **state)
{
    struct world *w = *state;
    fill(w, 2, 2, 2);
    struct seal_roots roots = begin(w);
    expect_root(w, roots.root[0].key);
    expect_filled(w, 2, 2, 2);
    expect_rotates(w, 2); /* not 3 */
    expect_root(w, roots.root[1].key);
    expect_filled(w, 2, 2, 2);
    expect_seal(w, 1, 2);
    seal_roots_done(&roots);
}

static void test_interrupted_after_the_second_step_it_is_finished(void **state)
{
    struct world *w = *state;
    fill(w, 2, 2, 2);
    struct seal_roots roots = begin(w);
    struct store *store = open_store(w);
    EXPECT_OK(server_rotate_records(store, w->place.settings.data, &roots, 0, &w->diag));
    EXPECT_OK(server_rotate_records(store, w->place.settings.data, &roots, 0, &w->diag));
    store_close(store);
    expect_root(w, roots.root[1].key);
    fill(w, 0, 0, 1); /* a server that runs in between */
    expect_filled(w, 2, 2, 3);
    expect_rotates(w, 2);
    expect_root(w, roots.root[1].key);
    expect_filled(w, 2, 2, 3);
    expect_seal(w, 1, 2);
    expect_rotates(w, 3); /* and after the third it is a new one */
    expect_filled(w, 2, 2, 3);
    seal_roots_done(&roots);
}

/* Records of another pair of root keys than the seal's; and one that is no pair. */
static void test_second_step_with_roots_that_do_not_fit_changes_nothing(void **state)
{
    struct world *w = *state;
    struct hf_buf before;
    struct hf_buf after;
    struct seal_roots roots = begin(w);
    dump(w, true, &before);
    struct store *store = open_store(w);
    roots.root[0].generation = 4;
    roots.root[1].generation = 5;
    assert_int_equal(server_rotate_records(store, "data", &roots, 0, &w->diag), HF_E_CONFLICT);
    roots.root[0].generation = 1;
    roots.root[1].generation = 2;
    struct hf_secret *first = roots.root[0].key;
    roots.root[0].key = roots.root[1].key;
    roots.root[1].key = first;
    assert_int_equal(server_rotate_records(store, "data", &roots, 0, &w->diag), HF_E_CORRUPT);
    store_close(store);
    dump(w, true, &after);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, before.n);
    hf_buf_done(&before);
    hf_buf_done(&after);
    seal_roots_done(&roots);
}

/* ---- the journal ---- */

static size_t count_entries(struct world *w)
{
    struct store *store = open_store(w);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    struct store_journal_entry entry = { .seq = 0 };
    size_t count = 0;
    EXPECT_OK(store_reader_new(store, &reader));
    EXPECT_OK(store_read_begin(reader, &txn));
    while (store_journal_next(txn, entry.seq + 1, 0, &entry) == HF_OK)
        count++;
    store_read_end(txn);
    store_reader_free(reader);
    store_close(store);
    return count;
}

/* They hold records sealed under the old root key, and nothing made later can be joined to them. */
static void test_journal_of_before_is_dropped_and_of_later_is_kept(void **state)
{
    struct world *w = *state;
    assert_true(w->place.settings.journal_keep > 0);
    fill(w, 2, 2, 2);
    assert_true(count_entries(w) >= 8);
    struct seal_roots roots = begin(w);
    struct store *store = open_store(w);
    EXPECT_OK(server_rotate_records(store, w->place.settings.data, &roots, 0, &w->diag));
    store_close(store);
    assert_int_equal(count_entries(w), 0);
    fill(w, 0, 0, 3);
    assert_int_equal(count_entries(w), 3);
    expect_rotates(w, 2); /* finishes; what was made meanwhile is of the new root key */
    assert_int_equal(count_entries(w), 3);
    seal_roots_done(&roots);
}

/* ---- people ---- */

struct asked {
    size_t passphrases;
    const char *text;
};

static hf_err answer(void *context, enum seal_ask what, size_t index HF_UNUSED,
                     struct hf_secret **out)
{
    struct asked *asked = context;
    assert_true(what == SEAL_ASK_PASSPHRASE || what == SEAL_ASK_NEW_PASSPHRASE);
    asked->passphrases += what == SEAL_ASK_PASSPHRASE;
    return hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(asked->text)), out);
}

static void test_people_are_asked_once(void **state)
{
    struct world *w = *state;
    struct asked asked = { .text = PASSPHRASE };
    const struct seal_people people = { .context = &asked, .ask = answer };
    const struct seal_config seal = { .kind = "passphrase",
                                      .folder = w->place.settings.data,
                                      .argon2_memory_kib = 64,
                                      .argon2_passes = 1,
                                      .argon2_lanes = 1 };
    struct seal_roots roots = open_seal(w);
    hf_err err = seal_rekey(&seal, &people, &roots, &w->diag);
    seal_roots_done(&roots);
    if (err == HF_E_UNSUPPORTED)
        skip();
    EXPECT_OK(err);
    uint64_t made = 0;
    w->place.settings.seal_kind = SERVER_SEAL_PASSPHRASE;
    assert_int_equal(rotate(w, NULL, &made), HF_E_UNAVAILABLE);
    asked.text = "another one altogether";
    assert_int_equal(rotate(w, &people, &made), HF_E_FORBIDDEN);
    expect_seal(w, 1, 1);
    asked = (struct asked){ .text = PASSPHRASE };
    EXPECT_OK(rotate(w, &people, &made));
    assert_int_equal(made, 2);
    assert_int_equal(asked.passphrases, 1);
    expect_seal(w, 1, 2);
}

/* ---- the audit log ---- */

static void expect_log(struct world *w, const char *text, size_t times)
{
    struct hf_buf lines;
    hf_buf_init(&lines, 65536);
    EXPECT_OK(audit_tail(w->place.settings.audit_folder, 100, &lines));
    hf_buf_put_u8(&lines, 0);
    EXPECT_OK(hf_buf_err(&lines));
    size_t count = 0;
    for (const char *at = (const char *)lines.p; (at = strstr(at, text)) != NULL; at++)
        count++;
    if (count != times)
        fail_msg("\"%s\" is there %zu times, not %zu, in %s", text, count, times, lines.p);
    hf_buf_done(&lines);
}

static void test_without_an_audit_log_nothing_is_sealed_anew(void **state)
{
    struct world *w = *state;
    struct audit_log *log = NULL;
    uint64_t made = 0;
    const struct audit_config config = { .folder = w->place.settings.audit_folder };
    EXPECT_OK(audit_open(&config, &w->diag, &log));
    assert_int_equal(rotate(w, NULL, &made), HF_E_BUSY);
    audit_close(log);
    expect_seal(w, 2, 2); /* the new one is there and nothing is under it */
    expect_log(w, SERVER_ROTATE_OPERATION, 0);
    expect_rotates(w, 2);
    expect_log(w, "from=1,to=2", 2);
}

static void test_rotation_is_recorded_when_it_begins_and_when_it_is_done(void **state)
{
    struct world *w = *state;
    expect_rotates(w, 2);
    expect_log(w, "from=1,to=2", 2);
    expect_log(w, "\"httpStatusCode\":202", 1);
    expect_rotates(w, 3);
    expect_log(w, "from=2,to=3", 2);
    expect_log(w, SERVER_ROTATE_OPERATION, 4);
    expect_log(w, SERVER_INIT_OPERATION, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_folder_without_a_server_is_not_made),
        TEST(test_server_that_runs_is_left_alone),
        TEST(test_seal_of_another_time_is_left_alone),
        TEST(test_init_that_was_interrupted_is_left_alone),
        TEST(test_record_of_an_unknown_kind_changes_no_record),
        TEST(test_damaged_record_in_the_middle_changes_no_record),
        TEST(test_second_step_with_roots_that_do_not_fit_changes_nothing),
        TEST(test_everything_opens_with_the_new_root_and_nothing_with_the_old),
        TEST(test_interrupted_after_the_first_step_it_is_finished),
        TEST(test_interrupted_after_the_second_step_it_is_finished),
        TEST(test_journal_of_before_is_dropped_and_of_later_is_kept),
        TEST(test_people_are_asked_once),
        TEST(test_without_an_audit_log_nothing_is_sealed_anew),
        TEST(test_rotation_is_recorded_when_it_begins_and_when_it_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
