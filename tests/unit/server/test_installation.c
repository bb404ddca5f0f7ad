/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast init`: once, never over data that is there, and finished when it was interrupted.
 */
#include "support.h"

#include "crypto/crypto.h"
#include "seal/seal.h"
#include "server/installation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct hf_clock test_clock = { 0 };

static hf_err install(struct place *place, struct server_installation *out)
{
    struct hf_clock clock = { 0 };
    struct hf_diag diag = { 0 };
    return server_install(&place->settings, &clock, NULL, &diag, out);
}

static void read_back(struct place *place, struct server_installation *out)
{
    struct hf_secret *root = NULL;
    struct store *store = NULL;
    struct hf_diag diag = { 0 };
    assert_int_equal(server_open(&place->settings, &test_clock, &diag, &root, &store), HF_OK);
    assert_int_equal(server_installation_read(store, root, out), HF_OK);
    hf_secret_free(root);
    store_close(store);
}

static void test_install_second_time_changes_nothing(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct server_installation first = { 0 };
    struct server_installation second = { 0 };
    struct server_installation stored = { 0 };
    assert_int_equal(install(&place, &first), HF_OK);
    assert_int_equal(install(&place, &second), HF_E_EXISTS);
    read_back(&place, &stored);
    assert_memory_equal(&stored.tenant, &first.tenant, sizeof(first.tenant));
    assert_memory_equal(&stored.subscription, &first.subscription, sizeof(first.subscription));
    assert_int_equal(stored.created, first.created);
    place_done(&place);
}

static void test_install_without_seal_over_data_makes_no_new_seal(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct server_installation installation;
    assert_int_equal(install(&place, &installation), HF_OK);
    place_remove(&place, "data/seal");
    assert_int_equal(install(&place, &installation), HF_E_EXISTS);
    assert_false(place_has(&place, "data/seal"));
    place_done(&place);
}

/* Interrupted after the seal, before the record: the same root key goes on. */
static void test_install_interrupted_after_the_seal_is_finished(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    const struct store_config store_config = { .folder = place.settings.data };
    assert_int_equal(store_open(&store_config, &diag, &store),
                     HF_OK); /* makes the folder, as init does */
    store_close(store);
    const struct seal_config seal = { .kind = "key-file",
                                      .folder = place.settings.data,
                                      .key_file = place.settings.seal_key_file };
    struct seal_roots made = { 0 };
    assert_int_equal(seal_init(&seal, NULL, &diag, &made), HF_OK);

    struct server_installation installation;
    struct server_installation stored;
    assert_int_equal(install(&place, &installation), HF_OK);
    struct seal_roots opened = { 0 };
    assert_int_equal(seal_open(&seal, NULL, &diag, &opened), HF_OK);
    assert_true(hf_secret_equal(made.root[0].key, hf_secret_view(opened.root[0].key)));
    read_back(&place, &stored);
    assert_memory_equal(&stored.tenant, &installation.tenant, sizeof(stored.tenant));
    seal_roots_done(&opened);
    seal_roots_done(&made);
    place_done(&place);
}

static void test_open_before_install_says_so(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct hf_secret *root = NULL;
    struct store *store = NULL;
    struct hf_diag diag = { 0 };
    assert_int_equal(server_open(&place.settings, &test_clock, &diag, &root, &store),
                     HF_E_NOT_FOUND);
    assert_null(root);
    assert_null(store);
    place_done(&place);
}

/* Never another kind's settings: the seal made is the one that was asked for, or none. */
static void test_install_with_a_credential_needs_it_and_opens_with_it(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    const struct hf_clock clock = { 0 };
    struct hf_diag diag = { 0 };
    struct server_installation installation;
    place.settings.seal_kind = 1;
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_not_equal(server_install(&place.settings, &clock, NULL, &diag, &installation),
                         HF_OK);
    assert_false(place_has(&place, "data/seal"));

    /* A key file is what the credential holds. */
    const struct seal_config other = { .kind = "key-file",
                                       .folder = place.folder,
                                       .key_file = place.settings.seal_key_file };
    struct seal_roots made = { 0 };
    assert_int_equal(seal_init(&other, NULL, &diag, &made), HF_OK);
    seal_roots_done(&made);
    assert_int_equal(chmod(place.settings.seal_key_file, 0400),
                     0); /* as the service manager does */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", place.folder, 1), 0);
    (void)snprintf(place.settings.seal_credential, sizeof(place.settings.seal_credential),
                   "seal.key");
    assert_int_equal(server_install(&place.settings, &clock, NULL, &diag, &installation), HF_OK);
    struct hf_secret *root = NULL;
    struct store *store = NULL;
    assert_int_equal(server_open(&place.settings, &test_clock, &diag, &root, &store), HF_OK);
    store_close(store);
    hf_secret_free(root);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    place_remove(&place, "seal");
    place_done(&place);
}

/* ---- which root key ---- */

struct put {
    struct store_command command;
    hf_bytes value; /* n 0: delete */
};

static hf_err apply_put(struct store_command *command, struct store_txn *txn)
{
    const struct put *put = HF_CONTAINER_OF(command, struct put, command);
    const hf_bytes key = { (const uint8_t *)"\x01root-generation", 16 };
    return put->value.n > 0 ? store_put(txn, key, put->value) : store_delete(txn, key);
}

static void note_generation(struct place *place, hf_bytes value)
{
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    const struct store_config config = { .folder = place->settings.data };
    struct put put = { .command = { .apply = apply_put }, .value = value };
    assert_int_equal(store_open(&config, &diag, &store), HF_OK);
    assert_int_equal(store_apply(store, &put.command), HF_OK);
    store_close(store);
}

static void expect_open_fails(struct place *place, hf_err expected, const char *text)
{
    struct hf_secret *root = NULL;
    struct store *store = NULL;
    struct hf_diag diag = { 0 };
    assert_int_equal(server_open(&place->settings, &test_clock, &diag, &root, &store), expected);
    assert_null(root);
    assert_null(store);
    if (strstr(diag.text, text) == NULL)
        fail_msg("\"%s\" does not tell of \"%s\"", diag.text, text);
}

static void expect_opens_with(struct place *place, const struct hf_secret *expected)
{
    struct hf_secret *root = NULL;
    struct store *store = NULL;
    struct hf_diag diag = { 0 };
    assert_int_equal(server_open(&place->settings, &test_clock, &diag, &root, &store), HF_OK);
    assert_true(hf_secret_equal(root, hf_secret_view(expected)));
    hf_secret_free(root);
    store_close(store);
}

static hf_bytes generation_of(uint8_t number)
{
    static uint8_t memory[8];
    memory[7] = number;
    return (hf_bytes){ memory, sizeof(memory) };
}

static void test_open_with_a_seal_of_another_time_says_so(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct server_installation installation;
    assert_int_equal(install(&place, &installation), HF_OK);
    note_generation(&place, generation_of(7));
    expect_open_fails(&place, HF_E_CONFLICT,
                      "under root key 7, and the file seal holds root key 1:");
    const struct seal_config seal = server_seal_config(&place.settings);
    struct seal_roots roots = { 0 };
    struct hf_diag diag = { 0 };
    assert_int_equal(seal_rotate_begin(&seal, NULL, &diag, &roots), HF_OK);
    seal_roots_done(&roots);
    expect_open_fails(&place, HF_E_CONFLICT, "root key 2 and the one before:");
    note_generation(&place, generation_of(0));
    expect_open_fails(&place, HF_E_CORRUPT, "the number of the root key");
    note_generation(&place, (hf_bytes){ (const uint8_t *)"short", 5 });
    expect_open_fails(&place, HF_E_CORRUPT, "the number of the root key");
    place_done(&place);
}

static void test_open_takes_the_root_key_of_the_records(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct server_installation installation;
    assert_int_equal(install(&place, &installation), HF_OK);
    const struct seal_config seal = server_seal_config(&place.settings);
    struct seal_roots roots = { 0 };
    struct hf_diag diag = { 0 };
    assert_int_equal(seal_rotate_begin(&seal, NULL, &diag, &roots), HF_OK);
    assert_int_equal(roots.count, 2);
    expect_opens_with(&place, roots.root[0].key); /* as the install noted it */
    note_generation(&place, (hf_bytes){ NULL, 0 });
    expect_opens_with(&place, roots.root[0].key); /* of before it was noted */
    note_generation(&place, generation_of(2));
    expect_opens_with(&place, roots.root[1].key);
    seal_roots_done(&roots);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_install_second_time_changes_nothing),
        cmocka_unit_test(test_install_without_seal_over_data_makes_no_new_seal),
        cmocka_unit_test(test_install_interrupted_after_the_seal_is_finished),
        cmocka_unit_test(test_install_with_a_credential_needs_it_and_opens_with_it),
        cmocka_unit_test(test_open_before_install_says_so),
        cmocka_unit_test(test_open_with_a_seal_of_another_time_says_so),
        cmocka_unit_test(test_open_takes_the_root_key_of_the_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
