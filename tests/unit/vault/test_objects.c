/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of any collection: the object's copy of its newest version, two collections in one vault, and what a collection
 * decides of its own. The other collection beside the secrets is made here.
 */
#include "support.h"

#define RETENTION (ALPHA_RETENTION_DAYS * HF_USEC_PER_DAY)
#define OTHER_VALUE_MAX_BYTES 16
#define OTHER_TAG_MAX_CHARS 256
#define OTHER_PARTICULARS "own"
#define FIRST_FORMAT 1 /* of an object: without a copy */

/* ---- the other collection ---- */

static hf_err check_other(hf_bytes particulars, hf_bytes value)
{
    const hf_str text = hf_bytes_str(particulars);
    return hf_str_equal(text, HF_LIT(OTHER_PARTICULARS)) && value.n > 0 ? HF_OK : HF_E_CORRUPT;
}

static const struct vault_kind others = {
    .collection = VAULT_COLLECTION_KEYS,
    .value_format = 7,
    .value_max_bytes = OTHER_VALUE_MAX_BYTES,
    .tag_max_chars = OTHER_TAG_MAX_CHARS,
    .check = check_other,
};

/* err: of making it. */
static hf_err run(struct world *w, hf_err err, struct vault_object_command *const *command)
{
    return err == HF_OK ? world_run(w, &(*command)->common) : err;
}

static hf_err make_version(struct world *w, const struct vault_kind *kind, const char *name,
                           const struct vault_change *change, size_t particulars_n,
                           const char *value, struct vault_object_command **out)
{
    static const uint8_t zeros[VAULT_PARTICULARS_MAX_BYTES + 1];
    const hf_str own = HF_LIT(OTHER_PARTICULARS);
    const hf_bytes particulars = particulars_n == own.n ? hf_str_bytes(own)
                                                        : (hf_bytes){ zeros, particulars_n };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(value)), &secret));
    memset(&w->diag, 0, sizeof(w->diag));
    return vault_object_new_version(world_vault(w, "alpha"), kind, hf_str_from_c(name), change,
                                    particulars, secret, w->now, w->arena, &w->diag, out);
}

static hf_err set_other_with(struct world *w, const struct vault_kind *kind, const char *name,
                             const struct vault_change *change, const char *value)
{
    struct vault_object_command *command = NULL;
    const size_t n = sizeof(OTHER_PARTICULARS) - 1;
    return run(w, make_version(w, kind, name, change, n, value, &command), &command);
}

static hf_err set_other(struct world *w, const char *name, const char *value)
{
    const struct vault_change change = { .has_enabled = false };
    return set_other_with(w, &others, name, &change, value);
}

static hf_err make_update(struct world *w, const char *name, const struct vault_change *change,
                          struct vault_object_command **out)
{
    memset(&w->diag, 0, sizeof(w->diag));
    return vault_object_update(world_vault(w, "alpha"), &others, hf_str_from_c(name), NULL, change,
                               w->now, w->arena, &w->diag, out);
}

typedef hf_err (*simple_fn)(const struct vault *vault, const struct vault_kind *kind, hf_str name,
                            hf_usec now, struct hf_arena *arena, struct vault_object_command **out);

static hf_err on_other(struct world *w, simple_fn make, const char *name)
{
    struct vault_object_command *command = NULL;
    return run(
        w, make(world_vault(w, "alpha"), &others, hf_str_from_c(name), w->now, w->arena, &command),
        &command);
}

static hf_err get_other(struct world *w, const char *name, struct vault_version *out)
{
    struct vault *vault = world_begin(w, "alpha");
    hf_err err = vault_object_get(vault, &others, w->txn, hf_str_from_c(name), NULL, w->arena, out);
    world_end(w);
    return err;
}

static hf_err get_deleted_other(struct world *w, const char *name, struct vault_version *out)
{
    struct vault *vault = world_begin(w, "alpha");
    hf_err err = vault_object_get_deleted(vault, &others, w->txn, hf_str_from_c(name), w->now,
                                          w->arena, out);
    world_end(w);
    return err;
}

static void expect_other_value(struct world *w, const char *name, const char *value)
{
    struct vault_version version;
    const struct hf_secret *found = NULL;
    struct vault *vault = world_begin(w, "alpha");
    EXPECT_OK(
        vault_object_get(vault, &others, w->txn, hf_str_from_c(name), NULL, w->arena, &version));
    EXPECT_STR(OTHER_PARTICULARS, hf_bytes_str(version.particulars));
    EXPECT_OK(vault_object_read_value(vault, &others, w->txn, &version, w->arena, &found));
    world_end(w);
    assert_true(hf_secret_equal(found, hf_str_bytes(hf_str_from_c(value))));
}

static void list_others(struct world *w, bool deleted, struct vault_page *out)
{
    struct vault *vault = world_begin(w, "alpha");
    EXPECT_OK(vault_object_list(vault, &others, w->txn, deleted, HF_LIT(""), VAULT_PAGE_MAX_ITEMS,
                                w->now, w->arena, out));
    world_end(w);
}

static hf_bytes backup_other(struct world *w, const struct vault_kind *kind, const char *name)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault *vault = world_begin(w, "alpha");
    EXPECT_OK(vault_object_backup(vault, kind, w->txn, hf_str_from_c(name), w->arena, &blob));
    world_end(w);
    const hf_bytes copy = hf_arena_dup_bytes(w->arena, hf_buf_view(&blob));
    assert_non_null(copy.p);
    return copy;
}

static hf_err restore_other(struct world *w, const char *vault, hf_bytes blob)
{
    struct vault_object_command *command = NULL;
    return run(
        w, vault_object_restore(world_vault(w, vault), &others, blob, w->now, w->arena, &command),
        &command);
}

/* ---- the copy, from below ---- */

/* The object of alpha's secret "name", in the arena. */
static struct vault_object read_object(struct world *w, const char *vault_name,
                                       enum vault_state state)
{
    struct vault_object object;
    struct vault *vault = world_begin(w, vault_name);
    EXPECT_OK(vault_object_find(vault, VAULT_COLLECTION_SECRETS, w->txn, state, HF_LIT("name"),
                                w->arena, &object));
    world_end(w);
    return object;
}

/* The copy is what the newest version's own record holds. Gives the object. */
static struct vault_object expect_in_step(struct world *w, const char *vault_name,
                                          enum vault_state state)
{
    const struct vault_object object = read_object(w, vault_name, state);
    struct vault *vault = world_begin(w, vault_name);
    const struct vault_storage_key key = vault_key_of_version(
        &vault->properties.id, VAULT_COLLECTION_SECRETS, object.name, &object.newest);
    hf_bytes record = { NULL, 0 };
    hf_bytes plain = { NULL, 0 };
    EXPECT_OK(store_get(w->txn, vault_storage_key_view(&key), &record));
    EXPECT_OK(vault_open_arena(vault->key, vault_storage_key_view(&key), VAULT_VERSION_FORMAT,
                               record, w->arena, &plain));
    world_end(w);
    assert_true(plain.n > 0);
    assert_true(hf_bytes_equal(plain, object.copy));
    return object;
}

/* Stores alpha's secret as an object like this, sealed as it should be. */
static void forge_object(struct world *w, const struct vault_object *object, uint8_t format)
{
    uint8_t memory[2][1024];
    struct hf_buf plain;
    struct hf_buf sealed;
    hf_buf_init_fixed(&plain, memory[0], sizeof(memory[0]));
    hf_buf_init_fixed(&sealed, memory[1], sizeof(memory[1]));
    struct vault *vault = world_vault(w, "alpha");
    const struct vault_storage_key key = vault_key_of_object(
        &vault->properties.id, VAULT_COLLECTION_SECRETS, VAULT_STATE_ACTIVE, object->name);
    vault_object_encode(object, &plain);
    EXPECT_OK(vault_seal_drawn(vault->key, vault_storage_key_view(&key), format,
                               hf_buf_view(&plain), &sealed));
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&key), hf_buf_view(&sealed)));
}

static void break_version(struct world *w, const struct hf_uuid *version)
{
    static const uint8_t broken[64] = { 'H', VAULT_VERSION_FORMAT };
    const struct hf_uuid id = world_vault(w, "alpha")->properties.id;
    const struct vault_storage_key key = vault_key_of_version(&id, VAULT_COLLECTION_SECRETS,
                                                              HF_LIT("name"), version);
    EXPECT_OK(world_raw_put(w, vault_storage_key_view(&key), (hf_bytes){ broken, sizeof(broken) }));
}

static void expect_all_refuse(struct world *w, hf_err expected)
{
    struct vault_secret secret;
    struct vault_page page;
    const struct vault_secret_change change = { .common.has_enabled = true };
    EXPECT_ERR(expected, world_get(w, "name", &secret));
    EXPECT_ERR(expected, world_list(w, false, "", VAULT_PAGE_MAX_ITEMS, &page));
    EXPECT_ERR(expected, world_update(w, "name", NULL, &change));
    EXPECT_ERR(expected, world_delete(w, "name"));
}

/* ---- wrong inputs ---- */

static void test_object_with_a_broken_copy_is_corrupt(void **state)
{
    struct world *w = *state;
    static const uint8_t unknown_flag[19] = { 0x10 };
    EXPECT_OK(world_set(w, "name", "v"));
    const struct vault_object good = read_object(w, "alpha", VAULT_STATE_ACTIVE);
    struct vault_object bad = good;
    forge_object(w, &good, VAULT_OBJECT_FORMAT);
    world_expect_value(w, "name", "v");
    bad.copy.n--;
    forge_object(w, &bad, VAULT_OBJECT_FORMAT);
    expect_all_refuse(w, HF_E_CORRUPT);
    bad.copy.n = 0;
    forge_object(w, &bad, VAULT_OBJECT_FORMAT);
    expect_all_refuse(w, HF_E_CORRUPT);
    bad.copy = (hf_bytes){ unknown_flag, sizeof(unknown_flag) };
    forge_object(w, &bad, VAULT_OBJECT_FORMAT);
    expect_all_refuse(w, HF_E_CORRUPT);
}

/* Metadata in order, with the particulars of another collection. */
static void test_object_with_a_foreign_copy_is_corrupt(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "v"));
    struct vault_object object = read_object(w, "alpha", VAULT_STATE_ACTIVE);
    struct vault_version version = { .not_before = VAULT_TIME_NONE,
                                     .expires = VAULT_TIME_NONE,
                                     .enabled = true,
                                     .particulars = hf_str_bytes(HF_LIT(OTHER_PARTICULARS)) };
    EXPECT_OK(vault_version_encode_arena(&version, w->arena, &object.copy));
    forge_object(w, &object, VAULT_OBJECT_FORMAT);
    struct vault_secret secret;
    struct vault_page page;
    EXPECT_ERR(HF_E_CORRUPT, world_get(w, "name", &secret));
    EXPECT_OK(world_list(w, false, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 1);
    EXPECT_ERR(HF_E_CORRUPT, vault_secret_of(&page.items[0], &secret));
}

static void test_object_of_the_first_format_is_refused(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "v"));
    const struct vault_object object = read_object(w, "alpha", VAULT_STATE_ACTIVE);
    forge_object(w, &object, FIRST_FORMAT);
    expect_all_refuse(w, HF_E_FORMAT);
    EXPECT_ERR(HF_E_FORMAT, world_set(w, "name", "new"));
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 1);
}

static void expect_tags_refused(struct world *w, const struct vault_change *change)
{
    struct vault_object_command *command = NULL;
    EXPECT_ERR(HF_E_INVALID, set_other_with(w, &others, "name", change, "v"));
    assert_string_equal(w->diag.field, "tags");
    EXPECT_ERR(HF_E_INVALID, make_update(w, "name", change, &command));
    assert_string_equal(w->diag.field, "tags");
}

static void test_tags_over_the_collections_limit_are_refused(void **state)
{
    struct world *w = *state;
    static char text[OTHER_TAG_MAX_CHARS + 1];
    memset(text, 't', sizeof(text));
    struct vault_tag tag = { { text, sizeof(text) }, HF_LIT("v") };
    const struct vault_change change = { .has_tags = true, .tags = { &tag, 1 } };
    const struct vault_secret_change secret_change = { .common = change };
    expect_tags_refused(w, &change);
    EXPECT_OK(world_set_with(w, "name", "v", &secret_change)); /* a secret's are longer */
    tag = (struct vault_tag){ HF_LIT("t"), { text, sizeof(text) } };
    expect_tags_refused(w, &change);
    tag = (struct vault_tag){ { text, OTHER_TAG_MAX_CHARS }, { text, OTHER_TAG_MAX_CHARS } };
    EXPECT_OK(set_other_with(w, &others, "name", &change, "v"));
    struct vault_version version;
    EXPECT_OK(get_other(w, "name", &version));
    assert_int_equal(version.tags.items[0].value.n, OTHER_TAG_MAX_CHARS);
}

/* A backup of ours, made when the collection allowed more. */
static void test_restore_over_the_collections_limits_is_refused(void **state)
{
    struct world *w = *state;
    struct vault_kind wider = others;
    wider.tag_max_chars = VAULT_TAG_MAX_CHARS;
    wider.value_max_bytes = OTHER_VALUE_MAX_BYTES + 1;
    static char text[OTHER_TAG_MAX_CHARS + 1];
    memset(text, 't', sizeof(text));
    const struct vault_tag tag = { HF_LIT("t"), { text, sizeof(text) } };
    const struct vault_change tagged = { .has_tags = true, .tags = { &tag, 1 } };
    const struct vault_change nothing = { .has_enabled = false };
    EXPECT_OK(set_other_with(w, &wider, "tagged", &tagged, "v"));
    EXPECT_ERR(HF_E_BAD_BLOB, restore_other(w, "beta", backup_other(w, &wider, "tagged")));
    EXPECT_OK(set_other_with(w, &wider, "long", &nothing, "seventeen bytes !"));
    EXPECT_ERR(HF_E_BAD_BLOB, restore_other(w, "beta", backup_other(w, &wider, "long")));
    EXPECT_OK(set_other_with(w, &wider, "good", &nothing, "sixteen bytes..."));
    EXPECT_OK(restore_other(w, "beta", backup_other(w, &wider, "good")));
}

static void test_value_and_particulars_over_the_limit_are_refused(void **state)
{
    struct world *w = *state;
    struct vault_object_command *command = NULL;
    const struct vault_change change = { .has_enabled = false };
    EXPECT_ERR(HF_E_TOO_LARGE, set_other(w, "name", "seventeen bytes !"));
    assert_string_equal(w->diag.field, "value");
    EXPECT_ERR(HF_E_TOO_LARGE, make_version(w, &others, "name", &change,
                                            VAULT_PARTICULARS_MAX_BYTES + 1, "v", &command));
    EXPECT_OK(run(
        w, make_version(w, &others, "name", &change, VAULT_PARTICULARS_MAX_BYTES, "v", &command),
        &command));
    struct vault_version version;
    EXPECT_OK(get_other(w, "name", &version));
    assert_int_equal(version.particulars.n, VAULT_PARTICULARS_MAX_BYTES);
}

/* What backup and restore ask of the particulars and the value. */
static void test_restore_of_what_the_collection_refuses_is_refused(void **state)
{
    struct world *w = *state;
    EXPECT_OK(set_other(w, "name", ""));
    EXPECT_ERR(HF_E_BAD_BLOB, restore_other(w, "beta", backup_other(w, &others, "name")));
}

static void test_backup_of_another_collection_is_refused(void **state)
{
    struct world *w = *state;
    hf_bytes secret_blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "secret"));
    EXPECT_OK(set_other(w, "name", "other"));
    EXPECT_OK(world_backup(w, "name", &secret_blob));
    const hf_bytes other_blob = backup_other(w, &others, "name");
    EXPECT_ERR(HF_E_BAD_BLOB, world_restore(w, "beta", other_blob));
    EXPECT_ERR(HF_E_BAD_BLOB, restore_other(w, "beta", secret_blob));
    EXPECT_OK(world_restore(w, "beta", secret_blob));
    EXPECT_OK(restore_other(w, "beta", other_blob));
    EXPECT_ERR(HF_E_EXISTS, restore_other(w, "beta", other_blob));
}

/* ---- the copy ---- */

static void test_copy_is_in_step_after_set_and_update(void **state)
{
    struct world *w = *state;
    const struct vault_tag tags[] = { { HF_LIT("k"), HF_LIT("v") } };
    const struct vault_secret_change tagged = { .common.has_tags = true,
                                                .common.tags = { tags, 1 } };
    const struct vault_secret_change typed = { .has_content_type = true,
                                               .content_type = HF_LIT("text/plain") };
    EXPECT_OK(world_set_with(w, "name", "one", &tagged));
    const struct hf_uuid first = w->command->version->id;
    (void)expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    EXPECT_OK(world_set(w, "name", "two"));
    const struct hf_uuid second = w->command->version->id;
    const struct vault_object before = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    assert_true(hf_uuid_equal(&before.newest, &second));
    w->now += 1;
    EXPECT_OK(world_update(w, "name", NULL, &typed));
    const struct vault_object after = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    assert_false(hf_bytes_equal(before.copy, after.copy));
    EXPECT_OK(world_update(w, "name", &second, &tagged)); /* the newest by its id */
    const struct vault_object by_id = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    assert_false(hf_bytes_equal(after.copy, by_id.copy));
    w->now += 1;
    EXPECT_OK(world_update(w, "name", &first, &typed)); /* an older one */
    const struct vault_object untouched = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    assert_true(hf_bytes_equal(by_id.copy, untouched.copy));
    struct vault_secret secret;
    EXPECT_OK(world_get_in(w, "alpha", "name", &first, &secret));
    EXPECT_STR("text/plain", secret.content_type);
    assert_int_equal(secret.version.updated, w->now);
    EXPECT_OK(world_get(w, "name", &secret));
    assert_int_equal(secret.version.updated, w->now - 1);
}

static void test_copy_is_in_step_after_delete_recover_and_restore(void **state)
{
    struct world *w = *state;
    hf_bytes blob = { NULL, 0 };
    const struct vault_secret_change typed = { .has_content_type = true,
                                               .content_type = HF_LIT("text/plain") };
    for (int i = 0; i < 8; i++) /* the newest is somewhere in the order of ids */
        EXPECT_OK(world_set(w, "name", "old"));
    EXPECT_OK(world_set_with(w, "name", "new", &typed));
    EXPECT_OK(world_backup(w, "name", &blob));
    const struct vault_object made = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    EXPECT_OK(world_delete(w, "name"));
    const struct vault_object deleted = expect_in_step(w, "alpha", VAULT_STATE_DELETED);
    assert_true(hf_bytes_equal(made.copy, deleted.copy));
    EXPECT_OK(world_recover(w, "name"));
    const struct vault_object recovered = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    assert_true(hf_bytes_equal(made.copy, recovered.copy));
    EXPECT_OK(world_restore(w, "beta", blob));
    const struct vault_object restored = expect_in_step(w, "beta", VAULT_STATE_ACTIVE);
    assert_true(hf_bytes_equal(made.copy, restored.copy));
    assert_true(hf_uuid_equal(&made.newest, &restored.newest));
}

static void test_copy_is_in_step_after_purge_and_set(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change typed = { .has_content_type = true,
                                               .content_type = HF_LIT("text/plain") };
    EXPECT_OK(world_set_with(w, "name", "old", &typed));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_purge(w, "name"));
    EXPECT_OK(world_set(w, "name", "new"));
    const struct vault_object object = expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    assert_int_equal(object.version_count, 1);
    EXPECT_OK(world_delete(w, "name"));
    w->now += RETENTION;
    EXPECT_OK(world_set_with(w, "name", "newer", &typed)); /* what was due is purged with it */
    (void)expect_in_step(w, "alpha", VAULT_STATE_ACTIVE);
    world_expect_value(w, "name", "newer");
}

/* The newest version's own record is looked at by nothing that asks for the newest. */
static void test_newest_is_read_from_the_object_alone(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    struct vault_page page;
    hf_bytes blob = { NULL, 0 };
    EXPECT_OK(world_set(w, "name", "one"));
    const struct hf_uuid first = w->command->version->id;
    break_version(w, &first);
    world_expect_value(w, "name", "one");
    EXPECT_OK(world_get_in(w, "alpha", "name", &first, &secret)); /* it is the newest too */
    EXPECT_OK(world_list(w, false, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 1);
    EXPECT_ERR(HF_E_CORRUPT, world_list_versions(w, "name", NULL, VAULT_PAGE_MAX_ITEMS, &page));
    EXPECT_ERR(HF_E_CORRUPT, world_backup(w, "name", &blob));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_get_deleted(w, "name", &secret));
    EXPECT_OK(world_list(w, true, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 1);
    EXPECT_OK(world_recover(w, "name"));
    EXPECT_OK(world_set(w, "name", "two"));
    world_expect_value(w, "name", "two");
    EXPECT_ERR(HF_E_CORRUPT, world_get_in(w, "alpha", "name", &first, &secret));
}

/* ---- two collections ---- */

static void test_collections_are_name_spaces_of_their_own(void **state)
{
    struct world *w = *state;
    struct vault_version version;
    struct vault_secret secret;
    struct vault_page page;
    EXPECT_OK(world_set(w, "name", "secret"));
    EXPECT_ERR(HF_E_NOT_FOUND, get_other(w, "name", &version));
    EXPECT_ERR(HF_E_NOT_FOUND, on_other(w, vault_object_delete, "name"));
    list_others(w, false, &page);
    assert_int_equal(page.count, 0);
    EXPECT_OK(set_other(w, "NAME", "other"));
    EXPECT_OK(set_other(w, "only-other", "other"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get(w, "only-other", &secret));
    expect_other_value(w, "name", "other");
    world_expect_value(w, "name", "secret");
    list_others(w, false, &page);
    assert_int_equal(page.count, 2);
    EXPECT_STR("NAME", page.items[0].name);
    EXPECT_OK(world_list(w, false, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 1);
    EXPECT_STR("name", page.items[0].name);
    EXPECT_OK(world_list_versions(w, "name", NULL, VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 1);
}

static void test_deletion_in_one_collection_leaves_the_other(void **state)
{
    struct world *w = *state;
    struct vault_version version;
    struct vault_secret secret;
    struct vault_page page;
    EXPECT_OK(world_set(w, "name", "secret"));
    EXPECT_OK(set_other(w, "name", "other"));
    EXPECT_OK(on_other(w, vault_object_delete, "name"));
    world_expect_value(w, "name", "secret");
    EXPECT_ERR(HF_E_NOT_FOUND, get_other(w, "name", &version));
    EXPECT_OK(get_deleted_other(w, "name", &version));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_deleted(w, "name", &secret));
    EXPECT_OK(world_list(w, true, "", VAULT_PAGE_MAX_ITEMS, &page));
    assert_int_equal(page.count, 0);
    EXPECT_ERR(HF_E_NOT_FOUND, world_recover(w, "name"));
    EXPECT_ERR(HF_E_DELETED, set_other(w, "name", "again"));
    EXPECT_OK(world_set(w, "name", "secret 2"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(on_other(w, vault_object_purge, "name"));
    EXPECT_ERR(HF_E_NOT_FOUND, get_deleted_other(w, "name", &version));
    EXPECT_OK(world_recover(w, "name"));
    world_expect_value(w, "name", "secret 2");
    EXPECT_OK(set_other(w, "name", "new"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(world_purge(w, "name"));
    expect_other_value(w, "name", "new");
    assert_int_equal(world_raw_count(w, STORE_CLASS_VERSION), 1);
}

static void test_due_purge_takes_each_collection_by_itself(void **state)
{
    struct world *w = *state;
    struct vault_version version;
    size_t count = 0;
    EXPECT_OK(world_set(w, "name", "secret"));
    EXPECT_OK(set_other(w, "name", "other"));
    EXPECT_OK(world_delete(w, "name"));
    EXPECT_OK(on_other(w, vault_object_delete, "name"));
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 2);
    EXPECT_OK(world_recover(w, "name"));
    w->now += RETENTION;
    EXPECT_ERR(HF_E_NOT_FOUND, get_deleted_other(w, "name", &version));
    EXPECT_OK(world_purge_due(w, 10, &count));
    assert_int_equal(count, 1);
    world_expect_value(w, "name", "secret");
    assert_int_equal(world_raw_count(w, STORE_CLASS_VALUE), 1);
    EXPECT_OK(set_other(w, "name", "new"));
    EXPECT_OK(world_delete(w, "name"));
    w->now += RETENTION;
    EXPECT_OK(world_purge_due(w, 10, &count));
    assert_int_equal(count, 1);
    expect_other_value(w, "name", "new");
    assert_int_equal(world_raw_count(w, STORE_CLASS_PURGE_DUE), 0);
}

/* ---- what a collection decides ---- */

struct asked {
    hf_err answer;
    bool is_newest;
    bool was_there; /* a version, the last time */
    bool was_deleted;
    int times;
};

static hf_err admit(struct vault_object_command *command, const struct vault_version *newest)
{
    struct asked *asked = command->common.context;
    asked->times++;
    asked->was_there = newest != NULL;
    asked->was_deleted = newest != NULL && newest->is_deleted;
    return asked->answer;
}

static hf_err merge(struct vault_object_command *command, bool is_newest,
                    struct vault_version *version)
{
    struct asked *asked = command->common.context;
    asked->is_newest = is_newest;
    version->particulars = hf_str_bytes(HF_LIT("merged"));
    return asked->answer;
}

static hf_err run_asking(struct world *w, struct vault_object_command *command, struct asked *asked)
{
    command->admit = admit;
    command->common.context = asked;
    return world_run(w, &command->common);
}

static void test_admit_decides_over_new_versions_and_deletion(void **state)
{
    struct world *w = *state;
    struct asked asked = { .answer = HF_E_FORBIDDEN };
    const struct vault_change change = { .has_enabled = false };
    const size_t own = sizeof(OTHER_PARTICULARS) - 1;
    struct vault_object_command *command = NULL;
    EXPECT_OK(make_version(w, &others, "name", &change, own, "one", &command));
    EXPECT_ERR(HF_E_FORBIDDEN, run_asking(w, command, &asked));
    assert_int_equal(world_raw_count(w, STORE_CLASS_OBJECT), 0);
    assert_false(asked.was_there);
    EXPECT_OK(set_other(w, "name", "one"));
    EXPECT_OK(make_version(w, &others, "name", &change, own, "two", &command));
    EXPECT_ERR(HF_E_FORBIDDEN, run_asking(w, command, &asked));
    assert_true(asked.was_there && !asked.was_deleted);
    expect_other_value(w, "name", "one");
    static const simple_fn makers[] = { vault_object_delete, vault_object_recover,
                                        vault_object_purge };
    for (size_t i = 0; i < HF_ARRAY_LEN(makers); i++) {
        EXPECT_OK(makers[i](world_vault(w, "alpha"), &others, HF_LIT("name"), w->now, w->arena,
                            &command));
        asked.answer = HF_E_FORBIDDEN;
        EXPECT_ERR(HF_E_FORBIDDEN, run_asking(w, command, &asked));
        assert_int_equal(asked.was_deleted, i > 0);
        asked.answer = HF_OK;
        EXPECT_OK(run_asking(w, command, &asked));
        if (i == 1)
            EXPECT_OK(on_other(w, vault_object_delete, "name"));
    }
    assert_int_equal(asked.times, 8);
    assert_int_equal(world_raw_count(w, STORE_CLASS_OBJECT), 0);
}

static void test_merge_decides_over_an_update(void **state)
{
    struct world *w = *state;
    struct asked asked = { .answer = HF_E_FORBIDDEN };
    const struct vault_change change = { .has_enabled = true, .enabled = false };
    struct vault_object_command *command = NULL;
    struct vault_version version;
    EXPECT_OK(set_other(w, "name", "one"));
    EXPECT_OK(make_update(w, "name", &change, &command));
    command->merge = merge;
    EXPECT_ERR(HF_E_FORBIDDEN, run_asking(w, command, &asked));
    assert_int_equal(asked.times, 0); /* an update has merge instead */
    expect_other_value(w, "name", "one");
    EXPECT_OK(get_other(w, "name", &version));
    assert_true(version.enabled);
    asked.answer = HF_OK;
    EXPECT_OK(run_asking(w, command, &asked));
    assert_true(asked.is_newest);
    EXPECT_OK(get_other(w, "name", &version));
    assert_false(version.enabled);
    EXPECT_STR("merged", hf_bytes_str(version.particulars));
    EXPECT_STR("merged", hf_bytes_str(command->common.version->particulars));
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_object_with_a_broken_copy_is_corrupt),
        WORLD_TEST(test_object_with_a_foreign_copy_is_corrupt),
        WORLD_TEST(test_object_of_the_first_format_is_refused),
        WORLD_TEST(test_tags_over_the_collections_limit_are_refused),
        WORLD_TEST(test_restore_over_the_collections_limits_is_refused),
        WORLD_TEST(test_value_and_particulars_over_the_limit_are_refused),
        WORLD_TEST(test_restore_of_what_the_collection_refuses_is_refused),
        WORLD_TEST(test_backup_of_another_collection_is_refused),
        WORLD_TEST(test_copy_is_in_step_after_set_and_update),
        WORLD_TEST(test_copy_is_in_step_after_delete_recover_and_restore),
        WORLD_TEST(test_copy_is_in_step_after_purge_and_set),
        WORLD_TEST(test_newest_is_read_from_the_object_alone),
        WORLD_TEST(test_collections_are_name_spaces_of_their_own),
        WORLD_TEST(test_deletion_in_one_collection_leaves_the_other),
        WORLD_TEST(test_due_purge_takes_each_collection_by_itself),
        WORLD_TEST(test_admit_decides_over_new_versions_and_deletion),
        WORLD_TEST(test_merge_decides_over_an_update),
    };
    return cmocka_run_group_tests_name("vault/objects", tests, NULL, NULL);
}
