/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting, reading and updating secrets.
 */
#include "support.h"

#define THREE_BYTE_CHAR "\xe2\x82\xac"    /* one UTF-16 unit */
#define FOUR_BYTE_CHAR "\xf0\x9f\x94\x91" /* two UTF-16 units */

/* n times the text, terminated, in the arena. */
static char *repeat(struct world *w, const char *text, size_t n)
{
    const size_t size = strlen(text);
    char *out = hf_arena_alloc(w->arena, n * size + 1);
    assert_non_null(out);
    for (size_t i = 0; i < n * size; i++)
        out[i] = text[i % size];
    return out;
}

static struct vault_secret_change content_type_change(const char *text)
{
    return (struct vault_secret_change){ .has_content_type = true,
                                         .content_type = hf_str_from_c(text) };
}

static struct vault_secret_change tags_change(const struct vault_tag *tags, size_t count)
{
    return (struct vault_secret_change){ .common.has_tags = true, .common.tags = { tags, count } };
}

static void expect_refused(struct world *w, const struct vault_secret_change *change,
                           const char *field)
{
    EXPECT_ERR(HF_E_INVALID, world_set_with(w, "name", "v", change));
    assert_string_equal(w->diag.field, field);
    EXPECT_ERR(HF_E_INVALID, world_update(w, "name", NULL, change));
    assert_string_equal(w->diag.field, field);
}

/* ---- wrong inputs ---- */

static void test_secret_set_bad_name_is_refused(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change change = { .common.has_enabled = false };
    EXPECT_ERR(HF_E_INVALID, world_set(w, "", "v"));
    assert_string_equal(w->diag.field, "name");
    EXPECT_ERR(HF_E_INVALID, world_set(w, "a_b", "v"));
    EXPECT_ERR(HF_E_INVALID, world_set(w, repeat(w, "a", VAULT_OBJECT_NAME_MAX_CHARS + 1), "v"));
    EXPECT_ERR(HF_E_INVALID, world_update(w, "a b", NULL, &change));
    EXPECT_OK(world_set(w, repeat(w, "a", VAULT_OBJECT_NAME_MAX_CHARS), "v"));
}

static void test_secret_set_value_over_limit_is_refused(void **state)
{
    struct world *w = *state;
    EXPECT_ERR(HF_E_TOO_LARGE,
               world_set(w, "name", repeat(w, "x", VAULT_SECRET_VALUE_MAX_BYTES + 1)));
    assert_string_equal(w->diag.field, "value");
    const char *largest = repeat(w, "x", VAULT_SECRET_VALUE_MAX_BYTES);
    EXPECT_OK(world_set(w, "name", largest));
    world_expect_value(w, "name", largest);
}

static void test_secret_set_value_not_utf8_is_refused(void **state)
{
    struct world *w = *state;
    EXPECT_ERR(HF_E_INVALID, world_set(w, "name", "\xc3("));
    assert_string_equal(w->diag.field, "value");
}

static void test_secret_content_type_rules(void **state)
{
    struct world *w = *state;
    struct vault_secret_change change = content_type_change("\xff");
    expect_refused(w, &change, "contentType");
    change = content_type_change(repeat(w, "x", VAULT_CONTENT_TYPE_MAX_CHARS + 1));
    expect_refused(w, &change, "contentType");
    change = content_type_change(repeat(w, FOUR_BYTE_CHAR, VAULT_CONTENT_TYPE_MAX_CHARS / 2 + 1));
    expect_refused(w, &change, "contentType");
    change = content_type_change(repeat(w, THREE_BYTE_CHAR, VAULT_CONTENT_TYPE_MAX_CHARS));
    EXPECT_OK(world_set_with(w, "name", "v", &change));
}

static void test_secret_tag_rules(void **state)
{
    struct world *w = *state;
    static char names[VAULT_TAGS_MAX + 1][2];
    struct vault_tag tags[VAULT_TAGS_MAX + 1];
    for (size_t i = 0; i < HF_ARRAY_LEN(tags); i++) {
        names[i][0] = (char)('a' + (int)i);
        tags[i] = (struct vault_tag){ { names[i], 1 }, HF_LIT("v") };
    }
    struct vault_secret_change change = tags_change(tags, VAULT_TAGS_MAX + 1);
    expect_refused(w, &change, "tags");
    change = tags_change(tags, VAULT_TAGS_MAX);
    tags[0].name = hf_str_from_c(repeat(w, "n", VAULT_TAG_MAX_CHARS + 1));
    expect_refused(w, &change, "tags");
    tags[0].name = hf_str_from_c(repeat(w, THREE_BYTE_CHAR, VAULT_TAG_MAX_CHARS));
    tags[1].value = hf_str_from_c(repeat(w, "v", VAULT_TAG_MAX_CHARS + 1));
    expect_refused(w, &change, "tags");
    tags[1].value = HF_LIT("\xff");
    expect_refused(w, &change, "tags");
    tags[1] = tags[2];
    expect_refused(w, &change, "tags"); /* a name twice */
    tags[1] = (struct vault_tag){ HF_LIT("B"),
                                  hf_str_from_c(repeat(w, THREE_BYTE_CHAR, VAULT_TAG_MAX_CHARS)) };
    EXPECT_OK(world_set_with(w, "name", "v", &change));
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    assert_int_equal(secret.version.tags.count, VAULT_TAGS_MAX);
}

static void test_secret_expires_not_after_not_before_is_refused(void **state)
{
    struct world *w = *state;
    struct vault_secret_change change = { .common.has_not_before = true,
                                          .common.has_expires = true,
                                          .common.not_before = 100,
                                          .common.expires = 100 };
    expect_refused(w, &change, "attributes.exp");
    change.common.expires = 99;
    expect_refused(w, &change, "attributes.exp");
    change.common.expires = 101;
    EXPECT_OK(world_set_with(w, "name", "v", &change));
    change.common.expires = VAULT_TIME_NONE;
    EXPECT_OK(world_set_with(w, "name", "v", &change));
}

static void test_secret_get_unknown_is_not_found(void **state)
{
    struct world *w = *state;
    struct vault_secret secret;
    const struct hf_uuid version = { .b = { 1 } };
    EXPECT_ERR(HF_E_NOT_FOUND, world_get(w, "name", &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get(w, "not/a/name", &secret));
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_in(w, "alpha", "name", &version, &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get_in(w, "beta", "name", NULL, &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get(w, "nam", &secret));
    EXPECT_ERR(HF_E_NOT_FOUND, world_get(w, "names", &secret));
}

static void test_secret_update_unknown_is_not_found(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change change = { .common.has_enabled = true };
    const struct hf_uuid version = { .b = { 1 } };
    EXPECT_ERR(HF_E_NOT_FOUND, world_update(w, "name", NULL, &change));
    EXPECT_OK(world_set(w, "name", "v"));
    EXPECT_ERR(HF_E_NOT_FOUND, world_update(w, "name", &version, &change));
    world_expect_value(w, "name", "v");
}

static void test_secret_update_dates_against_stored_ones_is_refused(void **state)
{
    struct world *w = *state;
    struct vault_secret_change change = { .common.has_not_before = true, .common.not_before = 100 };
    EXPECT_OK(world_set_with(w, "name", "v", &change));
    change = (struct vault_secret_change){ .common.has_expires = true, .common.expires = 100 };
    EXPECT_ERR(HF_E_INVALID, world_update(w, "name", NULL, &change));
    assert_string_equal(w->command->diag.field, "attributes.exp");
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    assert_true(secret.version.expires == VAULT_TIME_NONE);
    change = (struct vault_secret_change){ .common.has_not_before = true,
                                           .common.has_expires = true,
                                           .common.not_before = VAULT_TIME_NONE,
                                           .common.expires = 100 };
    EXPECT_OK(world_update(w, "name", NULL, &change));
    EXPECT_OK(world_get(w, "name", &secret));
    assert_true(secret.version.not_before == VAULT_TIME_NONE);
    assert_int_equal(secret.version.expires, 100);
}

/* ---- set and get ---- */

static void test_secret_set_then_get_returns_it(void **state)
{
    struct world *w = *state;
    const struct vault_tag tags[] = { { HF_LIT("k"), HF_LIT("v") } };
    const struct vault_secret_change change = {
        .common.has_enabled = true,
        .common.enabled = true,
        .common.has_not_before = true,
        .common.has_expires = true,
        .has_content_type = true,
        .common.has_tags = true,
        .common.not_before = START_TIME + 1000, /* not yet valid, which doesn't hinder reading */
        .common.expires = START_TIME + 2000,
        .content_type = HF_LIT("text/plain"),
        .common.tags = { tags, 1 },
    };
    EXPECT_OK(world_set_with(w, "Name", "the value", &change));
    struct vault_secret made;
    EXPECT_OK(vault_secret_of(w->command->version, &made));
    assert_null(made.value);
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "nAME", &secret));
    EXPECT_STR("Name", secret.version.name);
    EXPECT_STR("Name", made.version.name);
    assert_true(hf_uuid_equal(&secret.version.id, &made.version.id));
    assert_true(secret.version.enabled && made.version.enabled);
    assert_int_equal(secret.version.created, START_TIME);
    assert_int_equal(secret.version.updated, START_TIME);
    assert_int_equal(secret.version.not_before, START_TIME + 1000);
    assert_int_equal(secret.version.expires, START_TIME + 2000);
    EXPECT_STR("text/plain", secret.content_type);
    EXPECT_STR("text/plain", made.content_type);
    assert_int_equal(secret.version.tags.count, 1);
    EXPECT_STR("k", made.version.tags.items[0].name);
    EXPECT_STR("v", secret.version.tags.items[0].value);
    assert_false(secret.version.is_deleted);
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(HF_LIT("the value"))));
    w->now = START_TIME + 3000; /* expired, which doesn't either */
    world_expect_value(w, "name", "the value");
}

static void test_secret_set_nothing_but_value_takes_defaults(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", ""));
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    assert_true(secret.version.enabled);
    assert_false(secret.has_content_type || secret.version.has_tags);
    assert_true(secret.version.not_before == VAULT_TIME_NONE &&
                secret.version.expires == VAULT_TIME_NONE);
    assert_int_equal(hf_secret_size(secret.value), 0);
}

static void test_secret_set_again_makes_a_version_and_keeps_the_first_name(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change change = content_type_change("text/plain");
    EXPECT_OK(world_set_with(w, "Name", "one", &change));
    const struct hf_uuid first = w->command->version->id;
    w->now += HF_USEC_PER_SEC;
    EXPECT_OK(world_set(w, "NAME", "two"));
    const struct hf_uuid second = w->command->version->id;
    EXPECT_STR("Name", w->command->version->name);
    assert_false(hf_uuid_equal(&first, &second));
    world_expect_value(w, "name", "two");
    struct vault_secret secret;
    EXPECT_OK(world_get_in(w, "alpha", "name", &first, &secret));
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(HF_LIT("one"))));
    EXPECT_STR("Name", secret.version.name);
    assert_int_equal(secret.version.created, START_TIME);
    EXPECT_OK(world_get_in(w, "alpha", "name", &second, &secret));
    assert_int_equal(secret.version.created, START_TIME + HF_USEC_PER_SEC);
    assert_false(secret.has_content_type); /* nothing is inherited */
}

static void test_secret_same_name_in_two_vaults_are_two(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set_in(w, "alpha", "name", "in alpha"));
    EXPECT_OK(world_set_in(w, "beta", "name", "in beta"));
    world_expect_value(w, "name", "in alpha");
}

static void test_secret_newest_disabled_is_not_replaced_by_an_older_one(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change disabled = { .common.has_enabled = true,
                                                  .common.enabled = false };
    struct vault_secret secret;
    EXPECT_OK(world_set(w, "name", "one"));
    const struct hf_uuid first = w->command->version->id;
    EXPECT_OK(world_set_with(w, "name", "two", &disabled));
    EXPECT_ERR(HF_E_DISABLED, world_get(w, "name", &secret));
    EXPECT_ERR(HF_E_DISABLED, world_get_in(w, "alpha", "name", &w->command->version->id, &secret));
    EXPECT_OK(world_get_in(w, "alpha", "name", &first, &secret));
}

/* ---- update ---- */

static void test_secret_update_changes_only_what_is_given(void **state)
{
    struct world *w = *state;
    const struct vault_tag tags[] = { { HF_LIT("a"), HF_LIT("1") }, { HF_LIT("b"), HF_LIT("2") } };
    const struct vault_secret_change all = {
        .common.has_expires = true,
        .has_content_type = true,
        .common.has_tags = true,
        .common.expires = 500,
        .content_type = HF_LIT("old"),
        .common.tags = { tags, 2 },
    };
    EXPECT_OK(world_set_with(w, "name", "v", &all));
    w->now += HF_USEC_PER_SEC;
    const struct vault_secret_change change = { .common.has_tags = true,
                                                .common.tags = { tags + 1, 1 } };
    EXPECT_OK(world_update(w, "NAME", NULL, &change));
    struct vault_secret answer;
    EXPECT_OK(vault_secret_of(w->command->version, &answer));
    assert_null(answer.value);
    EXPECT_STR("name", answer.version.name);
    EXPECT_STR("old", answer.content_type);
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    assert_int_equal(secret.version.created, START_TIME);
    assert_int_equal(secret.version.updated, START_TIME + HF_USEC_PER_SEC);
    assert_int_equal(secret.version.expires, 500);
    EXPECT_STR("old", secret.content_type);
    assert_int_equal(secret.version.tags.count, 1); /* replaced as a whole */
    EXPECT_STR("b", secret.version.tags.items[0].name);
    assert_true(hf_secret_equal(secret.value, hf_str_bytes(HF_LIT("v"))));
}

static void test_secret_update_with_nothing_changes_the_time_only(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change nothing = { .common.has_enabled = false };
    const struct vault_secret_change type = content_type_change("t");
    EXPECT_OK(world_set_with(w, "name", "v", &type));
    w->now += 1;
    EXPECT_OK(world_update(w, "name", NULL, &nothing));
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    assert_int_equal(secret.version.updated, START_TIME + 1);
    EXPECT_STR("t", secret.content_type);
    assert_false(secret.version.has_tags);
}

static void test_secret_update_of_a_version_leaves_the_others(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change disabled = { .common.has_enabled = true,
                                                  .common.enabled = false };
    const struct vault_secret_change enabled = { .common.has_enabled = true,
                                                 .common.enabled = true };
    struct vault_secret secret;
    EXPECT_OK(world_set(w, "name", "one"));
    const struct hf_uuid first = w->command->version->id;
    EXPECT_OK(world_set(w, "name", "two"));
    EXPECT_OK(world_update(w, "name", &first, &disabled));
    EXPECT_ERR(HF_E_DISABLED, world_get_in(w, "alpha", "name", &first, &secret));
    world_expect_value(w, "name", "two");
    EXPECT_OK(world_update(w, "name", &first, &enabled));
    EXPECT_OK(world_get_in(w, "alpha", "name", &first, &secret));
}

static void test_secret_update_with_empty_tags_clears_them(void **state)
{
    struct world *w = *state;
    const struct vault_tag tags[] = { { HF_LIT("a"), HF_LIT("1") } };
    const struct vault_secret_change with = tags_change(tags, 1);
    const struct vault_secret_change without = tags_change(NULL, 0);
    EXPECT_OK(world_set_with(w, "name", "v", &with));
    EXPECT_OK(world_update(w, "name", NULL, &without));
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    assert_true(secret.version.has_tags);
    assert_int_equal(secret.version.tags.count, 0);
}

static void test_secret_update_change_may_be_freed_before_it_runs(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "v"));
    char text[] = "kept";
    struct vault_tag tags[] = { { { text, 4 }, { text, 4 } } };
    struct vault_secret_change change = tags_change(tags, 1);
    change.has_content_type = true;
    change.content_type = (hf_str){ text, 4 };
    struct vault_command *command = NULL;
    EXPECT_OK(vault_secret_update(world_vault(w, "alpha"), HF_LIT("name"), NULL, &change, w->now,
                                  w->arena, NULL, &command));
    memset(text, 'x', 4);
    memset(tags, 0, sizeof(tags));
    EXPECT_OK(world_run(w, command));
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    EXPECT_STR("kept", secret.content_type);
    EXPECT_STR("kept", secret.version.tags.items[0].name);
}

static void test_secret_get_of_a_cached_vault_is_cheap_in_memory(void **state)
{
    struct world *w = *state;
    EXPECT_OK(world_set(w, "name", "v"));
    struct vault_secret secret;
    EXPECT_OK(world_get(w, "name", &secret));
    const size_t before = hf_arena_used(w->arena);
    EXPECT_OK(world_get(w, "name", &secret));
    assert_in_range(hf_arena_used(w->arena) - before, 1, 256);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_secret_set_bad_name_is_refused),
        WORLD_TEST(test_secret_set_value_over_limit_is_refused),
        WORLD_TEST(test_secret_set_value_not_utf8_is_refused),
        WORLD_TEST(test_secret_content_type_rules),
        WORLD_TEST(test_secret_tag_rules),
        WORLD_TEST(test_secret_expires_not_after_not_before_is_refused),
        WORLD_TEST(test_secret_get_unknown_is_not_found),
        WORLD_TEST(test_secret_update_unknown_is_not_found),
        WORLD_TEST(test_secret_update_dates_against_stored_ones_is_refused),
        WORLD_TEST(test_secret_set_then_get_returns_it),
        WORLD_TEST(test_secret_set_nothing_but_value_takes_defaults),
        WORLD_TEST(test_secret_set_again_makes_a_version_and_keeps_the_first_name),
        WORLD_TEST(test_secret_same_name_in_two_vaults_are_two),
        WORLD_TEST(test_secret_newest_disabled_is_not_replaced_by_an_older_one),
        WORLD_TEST(test_secret_update_changes_only_what_is_given),
        WORLD_TEST(test_secret_update_with_nothing_changes_the_time_only),
        WORLD_TEST(test_secret_update_of_a_version_leaves_the_others),
        WORLD_TEST(test_secret_update_with_empty_tags_clears_them),
        WORLD_TEST(test_secret_update_change_may_be_freed_before_it_runs),
        WORLD_TEST(test_secret_get_of_a_cached_vault_is_cheap_in_memory),
    };
    return cmocka_run_group_tests_name("vault/secrets", tests, NULL, NULL);
}
