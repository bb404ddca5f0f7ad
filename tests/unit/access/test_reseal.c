/* SPDX-License-Identifier: Apache-2.0 */
/* Another root key: principals, credentials, assignments and signing keys go on, and nothing opens with the old one. */
#include "support.h"

#include <string.h>

#define OLD_BYTE 7 /* as support_open() */
#define PRINCIPALS 200

static struct support s;

struct rotation {
    struct store_command command;
    struct hf_secret *from;
    struct hf_secret *to;
    uint8_t seed[CRYPTO_RECORD_SEED_BYTES];
};

struct raw_put {
    struct store_command command;
    hf_bytes key;
    hf_bytes value;
};

static hf_err apply_rotation(struct store_command *command, struct store_txn *txn)
{
    const struct rotation *rotation = HF_CONTAINER_OF(command, struct rotation, command);
    return access_reseal(txn, rotation->from, rotation->to, rotation->seed);
}

static hf_err apply_put(struct store_command *command, struct store_txn *txn)
{
    const struct raw_put *put = HF_CONTAINER_OF(command, struct raw_put, command);
    return store_put(txn, put->key, put->value);
}

static hf_err apply(struct store_command *command)
{
    store_read_end(s.txn);
    hf_err err = store_apply(s.store, command);
    EXPECT_OK(store_read_begin(s.reader, &s.txn));
    return err;
}

static hf_err reseal(uint8_t from, uint8_t to)
{
    struct rotation rotation = { .command = { .apply = apply_rotation },
                                 .from = support_root_key(from),
                                 .to = support_root_key(to) };
    EXPECT_OK(crypto_random(rotation.seed, sizeof(rotation.seed)));
    hf_err err = apply(&rotation.command);
    hf_secret_free(rotation.from);
    hf_secret_free(rotation.to);
    return err;
}

/* Another engine and view on the same store. */
static void open_engine(uint8_t root_byte)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(root_byte);
    struct access_config config = support_config();
    config.store = s.store;
    config.root_key = root;
    access_view_free(s.view);
    access_engine_free(s.engine);
    EXPECT_OK(access_engine_new(&config, &s.diag, &s.engine));
    EXPECT_OK(access_view_new(s.engine, &s.view));
}

/* Tries every sealed record of the layer; how many open. */
static size_t count_opened(uint8_t root_byte, size_t *out_all)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(root_byte);
    struct crypto_record_key *record_key = NULL;
    struct store_cursor *cursor = NULL;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    size_t opened = 0;
    *out_all = 0;
    EXPECT_OK(access_record_key_derive(root, &record_key));
    EXPECT_OK(
        store_cursor_open(s.txn, (hf_bytes){ NULL, 0 }, (hf_bytes){ NULL, 0 }, false, &cursor));
    while (store_cursor_next(cursor, &key, &value) == HF_OK) {
        struct hf_secret *plain = NULL;
        if (key.p[0] < STORE_CLASS_PRINCIPAL || key.p[0] > STORE_CLASS_SIGNING_KEY)
            continue;
        ++*out_all;
        opened += crypto_record_open_secret(record_key, key, 1, value, &plain) == HF_OK;
        hf_secret_free(plain);
    }
    store_cursor_close(cursor);
    crypto_record_key_free(record_key);
    return opened;
}

static struct hf_secret *add(const struct access_principal *principal,
                             enum access_credential_kind kind)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_credential_add_secret(s.engine, &principal->object_id, kind, s.now, INT64_MAX,
                                           s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    return command->secret;
}

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static void expect_refused_unchanged(uint8_t from, size_t opened)
{
    size_t all = 0;
    EXPECT_ERR(HF_E_CORRUPT, reseal(from, OLD_BYTE + 1));
    assert_int_equal(count_opened(OLD_BYTE, &all), opened);
    assert_int_equal(count_opened(OLD_BYTE + 1, &all), 0);
}

static void test_reseal_with_another_old_root_changes_nothing(void **state HF_UNUSED)
{
    (void)support_principal(&s, ACCESS_APPLICATION, "app");
    support_signing_key(&s);
    expect_refused_unchanged(OLD_BYTE + 2, 4); /* principal, client, two of the signing key */
}

static void test_reseal_with_a_damaged_record_changes_nothing(void **state HF_UNUSED)
{
    const struct access_principal app = support_principal(&s, ACCESS_APPLICATION, "app");
    const struct access_key key = access_key_client(&app.client_id);
    support_signing_key(&s);
    static uint8_t large[2 * ACCESS_RECORD_MAX_BYTES] = { 'H', 1 };
    const hf_bytes damaged[] = { { large, 0 }, { large, 40 }, { large, sizeof(large) } };
    for (size_t i = 0; i < HF_ARRAY_LEN(damaged); i++) {
        struct raw_put put = { .command = { .apply = apply_put },
                               .key = access_key_view(&key),
                               .value = damaged[i] };
        EXPECT_OK(apply(&put.command));
        expect_refused_unchanged(OLD_BYTE, 3);
    }
}

static void test_everything_goes_on_with_the_new_root(void **state HF_UNUSED)
{
    const struct access_principal app = support_principal(&s, ACCESS_APPLICATION, "app");
    const struct access_principal identity = support_principal(&s, ACCESS_MANAGED_IDENTITY, "id");
    const struct hf_secret *secret = add(&app, ACCESS_CLIENT_SECRET);
    const struct hf_secret *header = add(&identity, ACCESS_IDENTITY_HEADER);
    (void)support_assign(&s, &app.object_id, "Key Vault Secrets User", SUPPORT_VAULT);
    for (size_t i = 0; i < PRINCIPALS; i++)
        (void)support_principal(&s, ACCESS_APPLICATION, "another");
    support_signing_key(&s);
    const hf_str token = support_token(&s, &app);
    for (uint8_t root = OLD_BYTE; root < OLD_BYTE + 2; root++) {
        size_t all = 0;
        struct access_client client;
        EXPECT_OK(reseal(root, root + 1));
        const size_t opened = count_opened(root + 1, &all);
        assert_int_equal(opened, all);
        assert_true(all >= 2 * PRINCIPALS + 5);
        assert_int_equal(count_opened(root, &all), 0);
        open_engine(root + 1);
        EXPECT_OK(access_client_by_secret(s.view, s.txn, &app.client_id, secret, s.now, s.arena,
                                          &client));
        EXPECT_OK(access_client_by_header(s.view, s.txn, header, s.now, s.arena, &client));
        EXPECT_OK(support_verify(&s, token)); /* of before */
        EXPECT_OK(support_verify(&s, support_token(&s, &app)));
        assert_true(support_decide(&s, token, ACCESS_SECRETS_GET, SUPPORT_VAULT).allowed);
    }
    (void)support_principal(&s, ACCESS_APPLICATION, "changes go on");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reseal_with_another_old_root_changes_nothing),
        TEST(test_reseal_with_a_damaged_record_changes_nothing),
        TEST(test_everything_goes_on_with_the_new_root),
    };
    return cmocka_run_group_tests_name("access_reseal", tests, NULL, NULL);
}
