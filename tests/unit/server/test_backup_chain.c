/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups over changes of the seal: a new key file, a rotated root key. What is restored opens with the seal that is restored
 * with it.
 */
#include "support.h"

#include "base/file.h"
#include "crypto/crypto.h"
#include "server/backup.h"
#include "server/backup_chain.h"
#include "server/installation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME(seconds) ((seconds)*HF_USEC_PER_SEC)
#define FILES 2
#define EXPECT_OK(call) assert_int_equal((call), HF_OK)

static const uint8_t record_key[] = {
    STORE_CLASS_META, 'i', 'n', 's', 't', 'a', 'l', 'l', 'a', 't', 'i', 'o', 'n'
};

/* A server's folder, and what was backed up of it. */
struct world {
    struct place place;
    struct server_installation installation;
    char paths[FILES][512];
    char *path_list[FILES];
    void (*change)(
        struct archive_header *header); /* of the incremental one; NULL: as it should be */
    struct backup_chain *chain;
    struct seal_config seal;
};

static struct seal_config seal_of(struct world *w)
{
    return server_seal_config(&w->place.settings);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    const struct hf_clock clock = { 0 };
    struct hf_diag diag = { 0 };
    assert_non_null(w);
    place_init(&w->place);
    EXPECT_OK(server_install(&w->place.settings, &clock, NULL, &diag, &w->installation));
    for (size_t i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "file-%zu", i);
        place_path(&w->place, name, w->paths[i], sizeof(w->paths[i]));
        w->path_list[i] = w->paths[i];
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    if (w->chain != NULL)
        backup_chain_done(w->chain);
    free(w->chain);
    place_done(&w->place);
    free(w);
    return 0;
}

static struct store *open_store(const char *folder)
{
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    const struct store_config config = { .folder = folder };
    EXPECT_OK(store_open(&config, &diag, &store));
    return store;
}

/* The newest root key of the folder's seal. */
static struct hf_secret *open_root(struct world *w)
{
    const struct seal_config seal = seal_of(w);
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    EXPECT_OK(seal_open(&seal, NULL, &diag, &roots));
    struct hf_secret *root = hf_take(&roots.root[roots.count - 1].key);
    seal_roots_done(&roots);
    return root;
}

/* The installation record as a rotation leaves it: sealed under that root key. */
static void seal_again(struct world *w, const struct hf_secret *old_root,
                       const struct hf_secret *new_root)
{
    struct store *store = open_store(w->place.settings.data);
    struct crypto_record_key *old_key = NULL;
    struct crypto_record_key *new_key = NULL;
    uint8_t memory[128];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    EXPECT_OK(server_record_key(old_root, &old_key));
    EXPECT_OK(server_record_key(new_root, &new_key));
    EXPECT_OK(server_record_get(store, old_key, STORE_CLASS_META, "installation", &plain));
    EXPECT_OK(
        server_record_put(store, new_key, STORE_CLASS_META, "installation", hf_buf_view(&plain)));
    crypto_record_key_free(old_key);
    crypto_record_key_free(new_key);
    store_close(store);
}

/* A put of the installation record as it is now. */
static void put_change(struct world *w, struct hf_buf *out)
{
    struct store *store = open_store(w->place.settings.data);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_bytes value = { NULL, 0 };
    EXPECT_OK(store_reader_new(store, &reader));
    EXPECT_OK(store_read_begin(reader, &txn));
    EXPECT_OK(store_get(txn, (hf_bytes){ record_key, sizeof(record_key) }, &value));
    hf_buf_put_u8(out, 1);
    hf_buf_put_field16(out, (hf_bytes){ record_key, sizeof(record_key) });
    hf_buf_put_field32(out, value);
    store_read_end(txn);
    store_reader_free(reader);
    store_close(store);
}

static struct archive_writer *begin(struct world *w, enum archive_kind kind, uint64_t from)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf seal;
    struct hf_diag diag = { 0 };
    struct hf_secret *root = open_root(w);
    struct hf_secret *key = NULL;
    struct archive_writer *writer = NULL;
    hf_buf_init(&seal, SEAL_FILE_MAX_BYTES);
    EXPECT_OK(seal_export(w->place.settings.data, &diag, &seal));
    struct archive_header header = {
        .kind = kind,
        .installation = w->installation.tenant,
        .id = { .b = { (uint8_t)kind } },
        .base = { .b = { kind == ARCHIVE_FULL ? 0 : ARCHIVE_FULL } },
        .from = from,
        .seal = hf_buf_view(&seal),
    };
    if (kind == ARCHIVE_INCREMENTAL && w->change != NULL)
        w->change(&header);
    EXPECT_OK(archive_key(root, &key));
    EXPECT_OK(archive_writer_open(w->place.folder, kind == ARCHIVE_FULL ? "file-0" : "file-1",
                                  &header, key, &writer));
    hf_secret_free(key);
    hf_secret_free(root);
    return writer;
}

static void finish(struct archive_writer *writer, uint64_t to, int64_t seconds)
{
    struct archive_end end;
    EXPECT_OK(archive_writer_finish(writer, to, TIME(seconds), &end));
    archive_writer_free(writer);
}

/* All records, at second 10. */
static void back_up_full(struct world *w)
{
    const atomic_bool stop = false;
    struct archive_writer *writer = begin(w, ARCHIVE_FULL, 0);
    struct store *store = open_store(w->place.settings.data);
    EXPECT_OK(archive_copy_records(store, &stop, writer));
    store_close(store);
    finish(writer, 0, 10);
}

/* Two changes, at seconds 20 and 30, of which the second is the record as it is now; until second 40. */
static void back_up_changes(struct world *w)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf change;
    hf_buf_init(&change, 4096);
    struct archive_writer *writer = begin(w, ARCHIVE_INCREMENTAL, 0);
    put_change(w, &change);
    archive_put_entry(writer, 1, TIME(20), 0, hf_buf_view(&change));
    archive_put_entry(writer, 2, TIME(30), 0, hf_buf_view(&change));
    finish(writer, 2, 40);
}

/* Opens, checks and restores into "restored". */
static hf_err restore(struct world *w, size_t count, hf_usec moment)
{
    char data[512];
    struct hf_diag diag = { 0 };
    struct backup_outcome outcome;
    w->seal = seal_of(w);
    w->chain = calloc(1, sizeof(*w->chain));
    assert_non_null(w->chain);
    place_path(&w->place, "restored", data, sizeof(data));
    hf_err err = backup_chain_open(w->chain, w->path_list, count, &w->seal, NULL, &diag);
    if (err == HF_OK)
        err = backup_chain_check(w->chain, moment, &diag);
    if (err == HF_OK)
        err = backup_chain_restore(w->chain, moment, data, 0, &diag, &outcome);
    return err;
}

/* What was restored opens with the seal that lies with it. */
static void expect_opens(struct world *w, uint64_t generation)
{
    char data[512];
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    struct server_installation read;
    struct server_restored restored;
    struct crypto_record_key *key = NULL;
    place_path(&w->place, "restored", data, sizeof(data));
    struct seal_config seal = seal_of(w);
    seal.folder = data;
    EXPECT_OK(seal_open(&seal, NULL, &diag, &roots));
    const size_t newest = roots.count - 1;
    assert_int_equal(roots.root[newest].generation, generation);
    struct store *store = open_store(data);
    EXPECT_OK(server_installation_read(store, roots.root[newest].key, &read));
    assert_true(hf_uuid_equal(&read.tenant, &w->installation.tenant));
    EXPECT_OK(server_record_key(roots.root[newest].key, &key));
    EXPECT_OK(server_restored_read(store, key, &restored));
    assert_false(restored.is_recorded);
    crypto_record_key_free(key);
    store_close(store);
    seal_roots_done(&roots);
}

static void rotate_root(struct world *w)
{
    const struct seal_config seal = seal_of(w);
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    EXPECT_OK(seal_rotate_begin(&seal, NULL, &diag, &roots));
    assert_int_equal(roots.count, 2);
    seal_again(w, roots.root[0].key, roots.root[1].key);
    EXPECT_OK(seal_rotate_end(&seal, NULL, &diag));
    seal_roots_done(&roots);
}

/* ---- wrong inputs ---- */

static void test_moment_within_a_rotation_is_refused(void **state)
{
    struct world *w = *state;
    back_up_full(w);
    rotate_root(w);
    back_up_changes(w);
    assert_int_equal(restore(w, 2, TIME(25)), HF_E_UNSUPPORTED);
    assert_false(place_has(&w->place, "restored"));
    assert_false(place_has(&w->place, "restored.restoring"));
}

static void of_another_installation(struct archive_header *header)
{
    header->installation.b[0] ^= 1;
}

static void of_another_base(struct archive_header *header)
{
    header->base.b[1] ^= 1;
}

static void of_another_history(struct archive_header *header)
{
    header->history.b[0] ^= 1;
}

static void of_later_entries(struct archive_header *header)
{
    header->from = 5;
}

/* Each authenticates, and none is what comes after the first file. */
static void test_files_that_do_not_follow_are_refused(void **state)
{
    struct world *w = *state;
    static void (*const changes[])(struct archive_header *) = { of_another_installation,
                                                                of_another_base, of_another_history,
                                                                of_later_entries };
    back_up_full(w);
    for (size_t i = 0; i < HF_ARRAY_LEN(changes); i++) {
        struct archive_end end;
        w->change = changes[i];
        const uint64_t from = changes[i] == of_later_entries ? 5 : 0;
        struct archive_writer *writer = begin(w, ARCHIVE_INCREMENTAL, 0);
        EXPECT_OK(archive_writer_finish(writer, from, TIME(40), &end));
        archive_writer_free(writer);
        assert_int_equal(restore(w, 2, INT64_MAX), HF_E_CORRUPT);
        assert_false(place_has(&w->place, "restored"));
        backup_chain_done(w->chain);
        free(hf_take(&w->chain));
        place_remove(&w->place, "file-1");
    }
}

static void test_full_backup_behind_another_is_refused(void **state)
{
    struct world *w = *state;
    back_up_full(w);
    w->path_list[1] = w->paths[0];
    assert_int_equal(restore(w, 2, INT64_MAX), HF_E_CORRUPT);
}

static void test_incremental_backup_alone_is_refused(void **state)
{
    struct world *w = *state;
    back_up_changes(w);
    w->path_list[0] = w->paths[1];
    assert_int_equal(restore(w, 1, INT64_MAX), HF_E_UNSUPPORTED);
}

static void test_moment_outside_of_the_files_is_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        hf_usec moment;
        hf_err expected;
    } cases[] = {
        { TIME(10) - 1, HF_E_RANGE },
        { TIME(40) + 1, HF_E_RANGE },
        { TIME(10), HF_OK },
    };
    back_up_full(w);
    back_up_changes(w);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        assert_int_equal(restore(w, 2, cases[i].moment), cases[i].expected);
        backup_chain_done(w->chain);
        free(hf_take(&w->chain));
    }
    /* and now the folder is in use */
    assert_int_equal(restore(w, 2, TIME(10)), HF_E_EXISTS);
}

/* An entry of just that moment belongs to it. */
static void test_moment_of_an_entry_holds_it(void **state)
{
    struct world *w = *state;
    static const struct {
        hf_usec moment;
        uint64_t seq;
    } cases[] = { { TIME(20) - 1, 0 }, { TIME(20), 1 }, { TIME(30) - 1, 1 }, { TIME(30), 2 } };
    back_up_full(w);
    back_up_changes(w);
    w->seal = seal_of(w);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_diag diag = { 0 };
        w->chain = calloc(1, sizeof(*w->chain));
        assert_non_null(w->chain);
        EXPECT_OK(backup_chain_open(w->chain, w->path_list, 2, &w->seal, NULL, &diag));
        EXPECT_OK(backup_chain_check(w->chain, cases[i].moment, &diag));
        assert_int_equal(w->chain->files[1].verdict.last_seq, cases[i].seq);
        backup_chain_done(w->chain);
        free(hf_take(&w->chain));
    }
}

static void test_seal_whose_key_file_is_gone_is_refused(void **state)
{
    struct world *w = *state;
    back_up_full(w);
    place_remove(&w->place, "seal.key");
    assert_int_equal(restore(w, 1, INT64_MAX), HF_E_UNAVAILABLE);
    assert_false(place_has(&w->place, "restored"));
}

static void test_store_without_installation_is_refused(void **state)
{
    struct world *w = *state;
    struct archive_writer *writer = begin(w, ARCHIVE_FULL, 0);
    archive_put_record(writer, (hf_bytes){ (const uint8_t *)"k", 1 }, (hf_bytes){ NULL, 0 });
    finish(writer, 0, 10);
    assert_int_equal(restore(w, 1, INT64_MAX), HF_E_CORRUPT);
    assert_false(place_has(&w->place, "restored"));
    assert_false(place_has(&w->place, "restored.restoring"));
}

/* ---- over changes of the seal ---- */

static void test_restore_before_a_rotation_has_the_old_root(void **state)
{
    struct world *w = *state;
    back_up_full(w);
    rotate_root(w);
    back_up_changes(w);
    EXPECT_OK(restore(w, 2, TIME(15)));
    expect_opens(w, 1);
}

static void test_restore_after_a_rotation_has_the_new_root(void **state)
{
    struct world *w = *state;
    back_up_full(w);
    rotate_root(w);
    back_up_changes(w);
    EXPECT_OK(restore(w, 2, TIME(35)));
    expect_opens(w, 2);
}

static void test_restore_takes_the_newest_seal_of_the_same_root(void **state)
{
    struct world *w = *state;
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    back_up_full(w);
    struct seal_config seal = seal_of(w);
    EXPECT_OK(seal_open(&seal, NULL, &diag, &roots));
    place_path(&w->place, "other.key", w->place.settings.seal_key_file,
               sizeof(w->place.settings.seal_key_file));
    EXPECT_OK(seal_rekey(&seal, NULL, &roots, &diag)); /* the path behind it is the new one */
    seal_roots_done(&roots);
    place_remove(&w->place, "seal.key");
    back_up_changes(w);
    EXPECT_OK(restore(w, 2, TIME(15))); /* the state of the first file, the key of the second */
    expect_opens(w, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_moment_within_a_rotation_is_refused),
        TEST(test_files_that_do_not_follow_are_refused),
        TEST(test_full_backup_behind_another_is_refused),
        TEST(test_incremental_backup_alone_is_refused),
        TEST(test_moment_outside_of_the_files_is_refused),
        TEST(test_moment_of_an_entry_holds_it),
        TEST(test_seal_whose_key_file_is_gone_is_refused),
        TEST(test_store_without_installation_is_refused),
        TEST(test_restore_before_a_rotation_has_the_old_root),
        TEST(test_restore_after_a_rotation_has_the_new_root),
        TEST(test_restore_takes_the_newest_seal_of_the_same_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
