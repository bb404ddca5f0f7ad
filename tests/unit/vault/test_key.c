/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: their particulars as bytes, the rules for operations, versions, and what is stored with a value that is not theirs.
 */
#include "support.h"

#include "crypto/operation.h"

#define RSA_BITS 2048
#define OCT_BITS 256
#define STORED_P256 1
#define STORED_OCT 5

/* ---- each operation in one line ---- */

static struct crypto_key *generate(enum crypto_key_type type)
{
    const struct crypto_key_spec spec = { .type = type,
                                          .bits = type == CRYPTO_KEY_OCT ? OCT_BITS : RSA_BITS };
    struct crypto_key *key = NULL;
    EXPECT_OK(crypto_key_generate(&spec, NULL, &key));
    return key;
}

static hf_err create_with(struct world *w, const char *name, const struct crypto_key *key,
                          const struct vault_key_change *change, bool must_exist)
{
    struct vault_command *command = NULL;
    memset(&w->diag, 0, sizeof(w->diag));
    hf_err err = vault_key_create(world_vault(w, "alpha"), hf_str_from_c(name), key, change,
                                  must_exist, w->now, w->arena, &w->diag, &command);
    return err != HF_OK ? err : world_run(w, command);
}

/* A new version with a new key. */
static hf_err create(struct world *w, const char *name, enum crypto_key_type type)
{
    const struct vault_key_change change = { .has_ops = false };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(type);
    return create_with(w, name, key, &change, false);
}

static hf_err update(struct world *w, const char *name, const struct hf_uuid *version,
                     const struct vault_key_change *change)
{
    struct vault_command *command = NULL;
    memset(&w->diag, 0, sizeof(w->diag));
    hf_err err = vault_key_update(world_vault(w, "alpha"), hf_str_from_c(name), version, change,
                                  w->now, w->arena, &w->diag, &command);
    return err != HF_OK ? err : world_run(w, command);
}

typedef hf_err (*change_fn)(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                            struct vault_command **out);

static hf_err change_name(struct world *w, change_fn change, const char *name)
{
    struct vault_command *command = NULL;
    hf_err err = change(world_vault(w, "alpha"), hf_str_from_c(name), w->now, w->arena, &command);
    return err != HF_OK ? err : world_run(w, command);
}

static hf_err get_in(struct world *w, const char *vault, const char *name,
                     const struct hf_uuid *version, struct vault_key *out)
{
    struct vault *found = world_begin(w, vault);
    hf_err err = vault_key_get(found, w->txn, hf_str_from_c(name), version, w->arena, out);
    world_end(w);
    return err;
}

static hf_err get(struct world *w, const char *name, struct vault_key *out)
{
    return get_in(w, "alpha", name, NULL, out);
}

static hf_err get_deleted(struct world *w, const char *name, struct vault_key *out)
{
    struct vault *found = world_begin(w, "alpha");
    hf_err err = vault_key_get_deleted(found, w->txn, hf_str_from_c(name), w->now, w->arena, out);
    world_end(w);
    return err;
}

static hf_err load_in(struct world *w, const char *vault, const struct vault_key *key,
                      struct crypto_key **out)
{
    struct vault *found = world_begin(w, vault);
    hf_err err = vault_key_load(found, w->txn, key, w->arena, out);
    world_end(w);
    return err;
}

static hf_err backup(struct world *w, const char *name, hf_bytes *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault *found = world_begin(w, "alpha");
    hf_err err = vault_key_backup(found, w->txn, hf_str_from_c(name), w->now, w->arena, &blob);
    world_end(w);
    if (err == HF_OK)
        *out = hf_arena_dup_bytes(w->arena, hf_buf_view(&blob));
    return err;
}

static hf_err restore(struct world *w, const char *vault, hf_bytes blob)
{
    struct vault_command *command = NULL;
    hf_err err = vault_key_restore(world_vault(w, vault), blob, w->now, w->arena, &command);
    return err != HF_OK ? err : world_run(w, command);
}

/* What is stored is this private key: its public part is in front, and both are one pair. */
static void expect_private(struct world *w, const char *vault, const struct vault_key *found,
                           const struct crypto_key *key)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *opened = NULL;
    EXPECT_OK(load_in(w, vault, found, &opened));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *a = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *b = NULL;
    EXPECT_OK(crypto_key_to_material(opened, &a));
    EXPECT_OK(crypto_key_to_material(key, &b));
    assert_true(hf_secret_equal(a, hf_secret_view(b)));
    HF_CLEANUP(hf_buf_done) struct hf_buf part;
    hf_buf_init(&part, 1024);
    EXPECT_OK(crypto_key_put_public(key, &part));
    assert_true(hf_bytes_equal(hf_buf_view(&part), found->public_part));
}

/* ---- particulars ---- */

static bool same_ops(const struct vault_key_ops *a, const struct vault_key_ops *b)
{
    for (size_t i = 0; i < a->count && a->count == b->count; i++) {
        if (a->items[i] != b->items[i])
            return false;
    }
    return a->count == b->count;
}

/* The stored numbers are written down here once more: they never change. */
static uint8_t number_of(enum crypto_key_type type)
{
    static const uint8_t numbers[] = {
        [CRYPTO_KEY_RSA] = 0,     [CRYPTO_KEY_EC_P256] = 1,  [CRYPTO_KEY_EC_P384] = 2,
        [CRYPTO_KEY_EC_P521] = 3, [CRYPTO_KEY_EC_P256K] = 4, [CRYPTO_KEY_OCT] = 5,
    };
    return numbers[type];
}

static void expect_bytes(const struct vault_key *key, hf_bytes particulars)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf buf;
    hf_buf_init(&buf, 4096);
    hf_buf_put_u8(&buf, number_of(key->type));
    hf_buf_put_u16(&buf, (uint16_t)key->bits);
    hf_buf_put_u8(&buf, key->is_hsm ? 1 : 0);
    hf_buf_put_u8(&buf, (uint8_t)key->ops.count);
    for (size_t i = 0; i < key->ops.count; i++)
        hf_buf_put_u8(&buf, (uint8_t)key->ops.items[i]);
    hf_buf_put_field16(&buf, key->public_part);
    assert_true(hf_bytes_equal(hf_buf_view(&buf), particulars));
}

static hf_err decode(hf_bytes particulars, struct vault_key *out)
{
    const struct vault_version version = { .particulars = particulars };
    return vault_key_of(&version, out);
}

static void test_key_particulars_that_are_cut_or_longer_are_corrupt(void **state)
{
    struct world *w = *state;
    static const enum crypto_key_type types[] = { CRYPTO_KEY_RSA, CRYPTO_KEY_EC_P521,
                                                  CRYPTO_KEY_OCT };
    for (size_t t = 0; t < HF_ARRAY_LEN(types); t++) {
        struct vault_key key;
        EXPECT_OK(create(w, "k", types[t]));
        EXPECT_OK(get(w, "k", &key));
        const hf_bytes whole = key.version.particulars;
        expect_bytes(&key, whole);
        for (size_t n = 0; n < whole.n; n++)
            EXPECT_ERR(HF_E_CORRUPT, decode((hf_bytes){ whole.p, n }, &key));
        uint8_t longer[1024] = { 0 };
        memcpy(longer, whole.p, whole.n);
        EXPECT_ERR(HF_E_CORRUPT, decode((hf_bytes){ longer, whole.n + 1 }, &key));
        EXPECT_OK(decode((hf_bytes){ longer, whole.n }, &key));
    }
}

/* Nothing has two forms: what is still taken after a change is what the changed bytes say. */
static void test_key_particulars_with_a_changed_bit_are_corrupt_or_say_so(void **state)
{
    struct world *w = *state;
    static const enum crypto_key_type types[] = { CRYPTO_KEY_RSA, CRYPTO_KEY_EC_P256,
                                                  CRYPTO_KEY_OCT };
    size_t refused = 0;
    for (size_t t = 0; t < HF_ARRAY_LEN(types); t++) {
        struct vault_key key;
        EXPECT_OK(create(w, "k", types[t]));
        EXPECT_OK(get(w, "k", &key));
        const hf_bytes whole = key.version.particulars;
        uint8_t changed[1024];
        for (size_t bit = 0; bit < 8 * whole.n; bit++) {
            memcpy(changed, whole.p, whole.n);
            changed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            struct vault_key other = { .bits = -1 };
            hf_err err = decode((hf_bytes){ changed, whole.n }, &other);
            if (err == HF_OK) {
                expect_bytes(&other, (hf_bytes){ changed, whole.n });
                continue;
            }
            assert_int_equal(err, HF_E_CORRUPT);
            assert_int_equal(other.bits, -1);
            refused++;
        }
    }
    assert_true(refused > 0);
}

static void test_key_particulars_that_no_key_has_are_corrupt(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t p[16];
        size_t n;
    } wrong[] = {
        { "no such type", { 6, 1, 0, 0, 0, 0, 0 }, 7 },
        { "no such flag", { STORED_OCT, 1, 0, 2, 0, 0, 0 }, 7 },
        { "no such operation", { STORED_OCT, 1, 0, 0, 1, 7, 0, 0 }, 8 },
        { "an operation twice", { STORED_OCT, 1, 0, 0, 2, 2, 2, 0, 0 }, 9 },
        { "a curve that encrypts", { STORED_P256, 1, 0, 0, 1, 0, 0, 0 }, 8 },
        { "an oct key that imports", { STORED_OCT, 1, 0, 0, 1, 6, 0, 0 }, 8 },
        { "import beside another", { 0, 8, 0, 0, 2, 6, 2, 0, 0 }, 9 },
        { "eight operations", { 0, 8, 0, 0, 8, 0, 1, 2, 3, 4, 5, 5, 5, 0, 0 }, 15 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct vault_key key;
        print_message("%s\n", wrong[i].what);
        EXPECT_ERR(HF_E_CORRUPT, decode((hf_bytes){ wrong[i].p, wrong[i].n }, &key));
    }
    static const uint8_t right[] = { STORED_OCT, 1, 0, 1, 2, 3, 2, 0, 0 };
    struct vault_key key;
    EXPECT_OK(decode((hf_bytes){ right, sizeof(right) }, &key));
    assert_true(key.type == CRYPTO_KEY_OCT && key.bits == OCT_BITS && key.is_hsm);
    assert_int_equal(key.ops.items[0], VAULT_KEY_VERIFY);
    assert_int_equal(key.public_part.n, 0);
}

/* ---- operations ---- */

static void test_key_operations_names_are_exact(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "Sign", "sign ", "signn", "wrapkey", "export", "*" };
    enum vault_key_op op = VAULT_KEY_ENCRYPT;
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++)
        EXPECT_ERR(HF_E_UNSUPPORTED, vault_key_op_parse(hf_str_from_c(wrong[i]), &op));
    static const char *const names[VAULT_KEY_OPS_MAX] = {
        "encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        EXPECT_OK(vault_key_op_parse(hf_str_from_c(names[i]), &op));
        assert_int_equal(op, i);
        EXPECT_STR(names[i], vault_key_op_name(op));
    }
}

static void test_key_operations_that_do_not_fit_are_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        enum crypto_key_type type;
        struct vault_key_ops ops;
    } wrong[] = {
        { CRYPTO_KEY_EC_P256, { { VAULT_KEY_ENCRYPT }, 1 } },
        { CRYPTO_KEY_EC_P256, { { VAULT_KEY_SIGN, VAULT_KEY_UNWRAP }, 2 } },
        { CRYPTO_KEY_EC_P256, { { VAULT_KEY_IMPORT }, 1 } },
        { CRYPTO_KEY_OCT, { { VAULT_KEY_IMPORT }, 1 } },
        { CRYPTO_KEY_OCT, { { VAULT_KEY_SIGN, VAULT_KEY_SIGN }, 2 } },
        { CRYPTO_KEY_RSA, { { VAULT_KEY_IMPORT, VAULT_KEY_SIGN }, 2 } },
        { CRYPTO_KEY_RSA, { { VAULT_KEY_SIGN, VAULT_KEY_IMPORT }, 2 } },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        const struct vault_key_change change = { .has_ops = true, .ops = wrong[i].ops };
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(wrong[i].type);
        EXPECT_ERR(HF_E_INVALID, create_with(w, "k", key, &change, false));
        assert_string_equal(w->diag.field, "key_ops");
        struct vault_key found;
        EXPECT_ERR(HF_E_NOT_FOUND, get(w, "k", &found));
        /* the same for what is there: only then its type is known, and nothing has changed */
        char name[] = "there0";
        name[sizeof(name) - 2] = (char)('0' + i);
        EXPECT_OK(create(w, name, wrong[i].type));
        struct vault_key before;
        EXPECT_OK(get(w, name, &before));
        EXPECT_ERR(HF_E_INVALID, update(w, name, NULL, &change));
        assert_string_equal(w->command->diag.field, "key_ops");
        EXPECT_OK(get(w, name, &found));
        assert_true(same_ops(&found.ops, &before.ops));
    }
}

static void test_key_operations_are_what_was_given_in_its_order(void **state)
{
    struct world *w = *state;
    const struct vault_key_change sign = {
        .has_ops = true,
        .ops = { { VAULT_KEY_UNWRAP, VAULT_KEY_SIGN, VAULT_KEY_ENCRYPT }, 3 },
    };
    const struct vault_key_change none = { .has_ops = true };
    const struct vault_key_change import = { .has_ops = true, .ops = { { VAULT_KEY_IMPORT }, 1 } };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(CRYPTO_KEY_RSA);
    struct vault_key found;
    EXPECT_OK(create_with(w, "k", key, &sign, false));
    EXPECT_OK(get(w, "k", &found));
    assert_true(same_ops(&found.ops, &sign.ops));
    assert_true(vault_key_ops_have(&found.ops, VAULT_KEY_SIGN));
    assert_false(vault_key_ops_have(&found.ops, VAULT_KEY_VERIFY));
    EXPECT_OK(update(w, "k", NULL, &import));
    EXPECT_OK(get(w, "k", &found));
    assert_true(same_ops(&found.ops, &import.ops));
    EXPECT_OK(update(w, "k", NULL, &none));
    EXPECT_OK(get(w, "k", &found));
    assert_int_equal(found.ops.count, 0);
    expect_private(w, "alpha", &found, key);
}

static void test_key_operations_without_a_word_are_what_the_type_can_do(void **state)
{
    struct world *w = *state;
    static const struct {
        enum crypto_key_type type;
        int bits;
        size_t count;
        bool signs;
        bool encrypts;
    } rows[] = {
        { CRYPTO_KEY_RSA, RSA_BITS, 6, true, true },  { CRYPTO_KEY_EC_P256, 256, 2, true, false },
        { CRYPTO_KEY_EC_P384, 384, 2, true, false },  { CRYPTO_KEY_EC_P521, 521, 2, true, false },
        { CRYPTO_KEY_EC_P256K, 256, 2, true, false }, { CRYPTO_KEY_OCT, OCT_BITS, 4, false, true },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        struct vault_key key;
        EXPECT_OK(create(w, "k", rows[i].type));
        EXPECT_OK(get(w, "k", &key));
        assert_int_equal(key.type, rows[i].type);
        assert_int_equal(key.bits, rows[i].bits);
        assert_int_equal(key.ops.count, rows[i].count);
        assert_true(vault_key_ops_have(&key.ops, VAULT_KEY_SIGN) == rows[i].signs);
        assert_true(vault_key_ops_have(&key.ops, VAULT_KEY_WRAP) == rows[i].encrypts);
        assert_false(vault_key_ops_have(&key.ops, VAULT_KEY_IMPORT));
        assert_false(key.is_hsm);
    }
}

/* ---- versions ---- */

static void test_key_create_refuses_bad_names_dates_and_tags(void **state)
{
    struct world *w = *state;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(CRYPTO_KEY_OCT);
    struct vault_key_change change = { .has_ops = false };
    static const char *const names[] = { "", "a b", "a/b", "\xc3\xa4" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        EXPECT_ERR(HF_E_INVALID, create_with(w, names[i], key, &change, false));
        assert_string_equal(w->diag.field, "name");
    }
    change.common = (struct vault_change){
        .has_not_before = true, .not_before = w->now, .has_expires = true, .expires = w->now
    };
    EXPECT_ERR(HF_E_INVALID, create_with(w, "k", key, &change, false));
    char text[VAULT_KEY_TAG_MAX_CHARS + 2];
    memset(text, 't', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    const struct vault_tag tag = { hf_str_from_c(text), hf_str_from_c(text) };
    change.common = (struct vault_change){ .has_tags = true, .tags = { &tag, 1 } };
    EXPECT_ERR(HF_E_INVALID, create_with(w, "k", key, &change, false));
    assert_string_equal(w->diag.field, "tags");
}

/* A secret's tags may be twice as long. */
static void test_key_tags_have_up_to_256_characters(void **state)
{
    struct world *w = *state;
    char text[VAULT_KEY_TAG_MAX_CHARS + 2];
    memset(text, 't', sizeof(text));
    text[VAULT_KEY_TAG_MAX_CHARS] = '\0';
    const struct vault_tag fits = { hf_str_from_c(text), hf_str_from_c(text) };
    const struct vault_tag long_value = { fits.name, { text, VAULT_KEY_TAG_MAX_CHARS + 1 } };
    const struct vault_tag long_name = { { text, VAULT_KEY_TAG_MAX_CHARS + 1 }, fits.value };
    struct vault_key_change change = { .common = { .has_tags = true, .tags = { &fits, 1 } } };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(CRYPTO_KEY_OCT);
    EXPECT_OK(create_with(w, "k", key, &change, false));
    struct vault_key found;
    EXPECT_OK(get(w, "k", &found));
    assert_int_equal(found.version.tags.count, 1);
    assert_true(hf_str_equal(found.version.tags.items[0].value, fits.value));
    text[VAULT_KEY_TAG_MAX_CHARS] = 't';
    change.common.tags.items = &long_value;
    EXPECT_ERR(HF_E_INVALID, update(w, "k", NULL, &change));
    change.common.tags.items = &long_name;
    EXPECT_ERR(HF_E_INVALID, update(w, "k", NULL, &change));
    const struct vault_secret_change secret = { .common = change.common };
    EXPECT_OK(world_set_with(w, "k", "value", &secret));
}

static void test_key_create_adds_versions_that_keep_their_keys(void **state)
{
    struct world *w = *state;
    const struct vault_key_change change = { .has_ops = false };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *rsa = generate(CRYPTO_KEY_RSA);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *ec = generate(CRYPTO_KEY_EC_P384);
    struct vault_key first;
    struct vault_key second;
    struct vault_key again;
    EXPECT_OK(create_with(w, "Key", rsa, &change, false));
    EXPECT_OK(get(w, "key", &first));
    EXPECT_STR("Key", first.version.name);
    assert_true(first.version.enabled);
    assert_true(first.version.created == w->now);
    expect_private(w, "alpha", &first, rsa);
    EXPECT_OK(create_with(w, "KEY", ec, &change, false));
    EXPECT_OK(get(w, "key", &second));
    assert_false(hf_uuid_equal(&first.version.id, &second.version.id));
    expect_private(w, "alpha", &second, ec);
    EXPECT_OK(get_in(w, "alpha", "key", &first.version.id, &again));
    assert_int_equal(again.type, CRYPTO_KEY_RSA);
    expect_private(w, "alpha", &again, rsa);
    EXPECT_ERR(HF_E_NOT_FOUND, get_in(w, "beta", "key", NULL, &again));
    EXPECT_ERR(HF_E_NOT_FOUND, get_in(w, "beta", "key", &first.version.id, &again));
}

/* A rotation comes after a computation: the key may be gone by then. */
static void test_key_create_with_must_exist_makes_no_key(void **state)
{
    struct world *w = *state;
    const struct vault_key_change change = { .has_ops = false };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(CRYPTO_KEY_EC_P256);
    struct vault_key found;
    EXPECT_OK(world_set(w, "k", "a secret of this name is no key"));
    EXPECT_ERR(HF_E_NOT_FOUND, create_with(w, "k", key, &change, true));
    EXPECT_ERR(HF_E_NOT_FOUND, get(w, "k", &found));
    EXPECT_OK(create(w, "k", CRYPTO_KEY_EC_P256));
    EXPECT_OK(create_with(w, "k", key, &change, true));
    EXPECT_OK(get(w, "k", &found));
    expect_private(w, "alpha", &found, key);
    EXPECT_OK(change_name(w, vault_key_delete, "k"));
    EXPECT_ERR(HF_E_DELETED, create_with(w, "k", key, &change, true));
    EXPECT_OK(change_name(w, vault_key_purge, "k"));
    EXPECT_ERR(HF_E_NOT_FOUND, create_with(w, "k", key, &change, true));
}

static void test_key_update_changes_what_is_given_and_no_key(void **state)
{
    struct world *w = *state;
    const struct vault_key_change nothing = { .has_ops = false };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(CRYPTO_KEY_EC_P256);
    EXPECT_ERR(HF_E_NOT_FOUND, update(w, "k", NULL, &nothing));
    EXPECT_OK(create_with(w, "k", key, &nothing, false));
    struct vault_key first;
    EXPECT_OK(get(w, "k", &first));
    EXPECT_OK(create(w, "k", CRYPTO_KEY_OCT));
    w->now += HF_USEC_PER_SEC;
    const struct vault_key_change disable = { .common = { .has_enabled = true },
                                              .has_ops = true,
                                              .ops = { { VAULT_KEY_VERIFY }, 1 } };
    EXPECT_OK(update(w, "k", &first.version.id, &disable));
    struct vault_key changed;
    EXPECT_OK(get_in(w, "alpha", "k", &first.version.id, &changed));
    assert_false(changed.version.enabled);
    assert_true(same_ops(&changed.ops, &disable.ops));
    assert_true(changed.version.updated == w->now && changed.version.created < w->now);
    assert_int_equal(changed.type, CRYPTO_KEY_EC_P256);
    expect_private(w, "alpha", &changed, key);
    struct vault_key newest;
    EXPECT_OK(get(w, "k", &newest));
    assert_true(newest.version.enabled && newest.type == CRYPTO_KEY_OCT);
    assert_int_equal(newest.ops.count, 4);
    const struct hf_uuid unknown = { { 1 } };
    EXPECT_ERR(HF_E_NOT_FOUND, update(w, "k", &unknown, &nothing));
}

static void test_key_of_a_secrets_name_leaves_the_secret_alone(void **state)
{
    struct world *w = *state;
    struct vault_key key;
    struct vault_secret secret;
    EXPECT_OK(world_set(w, "twin", "value"));
    EXPECT_ERR(HF_E_NOT_FOUND, get(w, "twin", &key));
    EXPECT_ERR(HF_E_NOT_FOUND, change_name(w, vault_key_delete, "twin"));
    EXPECT_OK(create(w, "twin", CRYPTO_KEY_EC_P256));
    world_expect_value(w, "twin", "value");
    EXPECT_OK(change_name(w, vault_key_delete, "twin"));
    world_expect_value(w, "twin", "value");
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "twin", &secret));
    EXPECT_OK(world_delete(w, "twin"));
    EXPECT_OK(change_name(w, vault_key_purge, "twin"));
    EXPECT_ERR(HF_E_NOT_FOUND, get_deleted(w, "twin", &key));
    EXPECT_OK(world_recover(w, "twin"));
    world_expect_value(w, "twin", "value");
    EXPECT_ERR(HF_E_NOT_FOUND, get(w, "twin", &key));
}

static void test_key_deleted_recovered_and_purged(void **state)
{
    struct world *w = *state;
    const struct vault_key_change change = { .has_ops = false };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = generate(CRYPTO_KEY_EC_P256);
    struct vault_key found;
    EXPECT_ERR(HF_E_NOT_FOUND, change_name(w, vault_key_delete, "k"));
    EXPECT_ERR(HF_E_NOT_FOUND, change_name(w, vault_key_recover, "k"));
    EXPECT_ERR(HF_E_NOT_FOUND, change_name(w, vault_key_purge, "k"));
    const size_t nothing = world_raw_count(w, STORE_CLASS_VALUE);
    EXPECT_OK(create_with(w, "k", key, &change, false));
    EXPECT_OK(change_name(w, vault_key_delete, "k"));
    EXPECT_ERR(HF_E_NOT_FOUND, get(w, "k", &found));
    EXPECT_ERR(HF_E_DELETED, create(w, "k", CRYPTO_KEY_OCT));
    EXPECT_OK(get_deleted(w, "k", &found));
    assert_true(found.version.is_deleted && found.type == CRYPTO_KEY_EC_P256);
    EXPECT_OK(change_name(w, vault_key_recover, "k"));
    EXPECT_OK(get(w, "k", &found));
    assert_false(found.version.is_deleted);
    expect_private(w, "alpha", &found, key);
    EXPECT_OK(change_name(w, vault_key_delete, "k"));
    EXPECT_OK(change_name(w, vault_key_purge, "k"));
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), nothing);
    EXPECT_ERR(HF_E_NOT_FOUND, change_name(w, vault_key_recover, "k"));
}

static void test_key_lists_have_keys_only(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "a-secret", "value"));
    EXPECT_OK(create(w, "one", CRYPTO_KEY_EC_P256));
    EXPECT_OK(create(w, "one", CRYPTO_KEY_OCT));
    EXPECT_OK(create(w, "two", CRYPTO_KEY_OCT));
    EXPECT_OK(change_name(w, vault_key_delete, "two"));
    struct vault *vault = world_begin(w, "alpha");
    struct vault_page page;
    struct vault_key key;
    EXPECT_OK(vault_key_list(vault, w->txn, false, HF_LIT(""), 25, w->now, w->arena, &page));
    assert_int_equal(page.count, 1);
    EXPECT_STR("one", page.items[0].name);
    EXPECT_OK(vault_key_of(&page.items[0], &key));
    assert_int_equal(key.type, CRYPTO_KEY_OCT);
    EXPECT_OK(vault_key_list(vault, w->txn, true, HF_LIT(""), 25, w->now, w->arena, &page));
    assert_int_equal(page.count, 1);
    EXPECT_STR("two", page.items[0].name);
    EXPECT_OK(
        vault_key_list_versions(vault, w->txn, HF_LIT("one"), NULL, 25, w->now, w->arena, &page));
    assert_int_equal(page.count, 2);
    world_end(w);
}

static void test_key_backup_comes_back_with_all_versions(void **state)
{
    struct world *w = *state;
    const struct vault_key_change change = { .has_ops = true, .ops = { { VAULT_KEY_SIGN }, 1 } };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *old = generate(CRYPTO_KEY_OCT);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *new = generate(CRYPTO_KEY_EC_P521);
    hf_bytes blob = { NULL, 0 };
    struct vault_key first;
    struct vault_key found;
    EXPECT_ERR(HF_E_NOT_FOUND, backup(w, "k", &blob));
    EXPECT_OK(create_with(w, "k", old, &change, false));
    EXPECT_OK(get(w, "k", &first));
    EXPECT_OK(create_with(w, "k", new, &change, false));
    EXPECT_OK(backup(w, "k", &blob));
    EXPECT_ERR(HF_E_EXISTS, restore(w, "alpha", blob));
    EXPECT_ERR(HF_E_BAD_BLOB, restore(w, "gamma", blob));      /* another subscription */
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "beta", blob)); /* as a secret */
    EXPECT_ERR(HF_E_BAD_BLOB, restore(w, "beta", (hf_bytes){ blob.p, blob.n - 1 }));
    EXPECT_OK(restore(w, "beta", blob));
    EXPECT_OK(get_in(w, "beta", "k", NULL, &found));
    assert_true(same_ops(&found.ops, &change.ops));
    expect_private(w, "beta", &found, new);
    EXPECT_OK(get_in(w, "beta", "k", &first.version.id, &found));
    expect_private(w, "beta", &found, old);
    EXPECT_OK(world_set(w, "s", "value"));
    EXPECT_OK(world_backup(w, "s", &blob));
    EXPECT_ERR(HF_E_BAD_BLOB, restore(w, "beta", blob)); /* a secret as a key */
}

/* ---- a value that is not what stands beside it ---- */

static hf_err take_any(hf_bytes particulars HF_UNUSED, hf_bytes value HF_UNUSED)
{
    return HF_OK;
}

/* As a key is stored, with particulars of another. */
static void store_mixed(struct world *w, const char *name, const struct crypto_key *key,
                        hf_bytes particulars)
{
    static const struct vault_kind any = {
        .collection = VAULT_COLLECTION_KEYS,
        .value_format = VAULT_KEY_VALUE_FORMAT,
        .value_max_bytes = VAULT_KEY_VALUE_MAX_BYTES,
        .tag_max_chars = VAULT_KEY_TAG_MAX_CHARS,
        .check = take_any,
    };
    const struct vault_change change = { .has_enabled = false };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *material = NULL;
    EXPECT_OK(crypto_key_to_material(key, &material));
    struct vault_object_command *command = NULL;
    EXPECT_OK(vault_object_new_version(world_vault(w, "alpha"), &any, hf_str_from_c(name), &change,
                                       particulars, material, w->now, w->arena, &w->diag,
                                       &command));
    EXPECT_OK(world_run(w, &command->common));
}

static void test_key_value_of_another_type_or_size_is_corrupt(void **state)
{
    struct world *w = *state;
    struct vault_key p256;
    struct vault_key oct;
    EXPECT_OK(create(w, "p256", CRYPTO_KEY_EC_P256));
    EXPECT_OK(get(w, "p256", &p256));
    EXPECT_OK(create(w, "oct", CRYPTO_KEY_OCT));
    EXPECT_OK(get(w, "oct", &oct));
    static const enum crypto_key_type others[] = { CRYPTO_KEY_RSA, CRYPTO_KEY_EC_P256K,
                                                   CRYPTO_KEY_OCT };
    struct vault_key found;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *opened = NULL;
    for (size_t i = 0; i < HF_ARRAY_LEN(others); i++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *other = generate(others[i]);
        store_mixed(w, "mixed", other, p256.version.particulars);
        EXPECT_OK(get(w, "mixed", &found));
        EXPECT_ERR(HF_E_CORRUPT, load_in(w, "alpha", &found, &opened));
        assert_null(opened);
    }
    const struct crypto_key_spec spec = { .type = CRYPTO_KEY_OCT, .bits = OCT_BITS / 2 };
    HF_CLEANUP(crypto_key_freep) struct crypto_key *shorter = NULL;
    EXPECT_OK(crypto_key_generate(&spec, NULL, &shorter));
    store_mixed(w, "mixed", shorter, oct.version.particulars);
    EXPECT_OK(get(w, "mixed", &found));
    EXPECT_ERR(HF_E_CORRUPT, load_in(w, "alpha", &found, &opened));
    store_mixed(w, "mixed", shorter, (hf_bytes){ oct.version.particulars.p, 3 });
    EXPECT_ERR(HF_E_CORRUPT, get(w, "mixed", &found));
}

static void test_key_without_its_value_is_corrupt(void **state)
{
    struct world *w = *state;
    struct vault_key key;
    EXPECT_OK(create(w, "k", CRYPTO_KEY_OCT));
    EXPECT_OK(get(w, "k", &key));
    const struct vault_storage_key at = vault_key_of_value(&world_vault(w, "alpha")->properties.id,
                                                           VAULT_COLLECTION_KEYS, key.version.name,
                                                           &key.version.id);
    EXPECT_OK(world_raw_delete(w, vault_storage_key_view(&at)));
    struct crypto_key *opened = NULL;
    EXPECT_ERR(HF_E_CORRUPT, load_in(w, "alpha", &key, &opened));
    assert_null(opened);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_key_particulars_that_are_cut_or_longer_are_corrupt),
        WITH_WORLD(test_key_particulars_with_a_changed_bit_are_corrupt_or_say_so),
        cmocka_unit_test(test_key_particulars_that_no_key_has_are_corrupt),
        cmocka_unit_test(test_key_operations_names_are_exact),
        WITH_WORLD(test_key_operations_that_do_not_fit_are_refused),
        WITH_WORLD(test_key_operations_are_what_was_given_in_its_order),
        WITH_WORLD(test_key_operations_without_a_word_are_what_the_type_can_do),
        WITH_WORLD(test_key_create_refuses_bad_names_dates_and_tags),
        WITH_WORLD(test_key_tags_have_up_to_256_characters),
        WITH_WORLD(test_key_create_adds_versions_that_keep_their_keys),
        WITH_WORLD(test_key_create_with_must_exist_makes_no_key),
        WITH_WORLD(test_key_update_changes_what_is_given_and_no_key),
        WITH_WORLD(test_key_of_a_secrets_name_leaves_the_secret_alone),
        WITH_WORLD(test_key_deleted_recovered_and_purged),
        WITH_WORLD(test_key_lists_have_keys_only),
        WITH_WORLD(test_key_backup_comes_back_with_all_versions),
        WITH_WORLD(test_key_value_of_another_type_or_size_is_corrupt),
        WITH_WORLD(test_key_without_its_value_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
