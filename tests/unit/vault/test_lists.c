/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of secrets and versions.
 */
#include "support.h"

#include <stdio.h>

#define MANY 60

static void set_many(struct world *w, int count)
{
    char name[24];
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "Secret-%03d", i);
        EXPECT_OK(world_set(w, name, "v"));
    }
}

static void expect_name(const struct vault_page *page, size_t index, int number)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "Secret-%03d", number);
    assert_true(index < page->count);
    EXPECT_STR(name, page->items[index].name);
}

static void test_list_bad_arguments_are_refused(void **state)
{
    struct world *w = *state;
    struct vault_page page;
    EXPECT_ERR(HF_E_RANGE, world_list(w, false, "", 0, &page));
    EXPECT_ERR(HF_E_RANGE, world_list(w, false, "", VAULT_PAGE_MAX_ITEMS + 1, &page));
    EXPECT_ERR(HF_E_INVALID, world_list(w, false, "a/b", 1, &page));
    EXPECT_ERR(HF_E_RANGE, world_list_versions(w, "name", NULL, 0, &page));
    EXPECT_ERR(HF_E_RANGE, world_list_versions(w, "name", NULL, VAULT_PAGE_MAX_ITEMS + 1, &page));
}

static void test_list_of_nothing_is_empty(void **state)
{
    struct world *w = *state;
    struct vault_page page;
    EXPECT_OK(world_set_in(w, "beta", "elsewhere", "v"));
    EXPECT_OK(world_list(w, false, "", 1, &page));
    assert_int_equal(page.count, 0);
    assert_false(page.more);
    EXPECT_OK(world_list(w, true, "", 1, &page));
    assert_int_equal(page.count, 0);
    EXPECT_OK(world_list_versions(w, "unknown", NULL, 1, &page));
    assert_int_equal(page.count, 0);
    EXPECT_OK(world_list_versions(w, "not/a/name", NULL, 1, &page));
    assert_int_equal(page.count, 0);
}

static void test_list_pages_until_the_end(void **state)
{
    struct world *w = *state;
    set_many(w, MANY);
    static const size_t counts[] = { 25, 25, 10 };
    char after[24] = "";
    int number = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(counts); i++) {
        struct vault_page page;
        EXPECT_OK(world_list(w, false, after, VAULT_PAGE_MAX_ITEMS, &page));
        assert_int_equal(page.count, counts[i]);
        assert_int_equal(page.more, i + 1 < HF_ARRAY_LEN(counts));
        for (size_t j = 0; j < page.count; j++)
            expect_name(&page, j, number++);
        (void)snprintf(after, sizeof(after), "%.*s", HF_STR_ARG(page.items[page.count - 1].name));
    }
    assert_int_equal(number, MANY);
}

static void test_list_exactly_full_page_has_no_more(void **state)
{
    struct world *w = *state;
    set_many(w, 3);
    struct vault_page page;
    EXPECT_OK(world_list(w, false, "", 3, &page));
    assert_int_equal(page.count, 3);
    assert_false(page.more);
    EXPECT_OK(world_list(w, false, "", 2, &page));
    assert_true(page.more);
}

static void test_list_while_deleting_neither_skips_nor_repeats(void **state)
{
    struct world *w = *state;
    set_many(w, 10);
    struct vault_page page;
    EXPECT_OK(world_list(w, false, "", 4, &page)); /* 0 to 3 */
    EXPECT_OK(world_delete(w, "secret-001"));
    EXPECT_OK(world_delete(w, "secret-003")); /* the very one that the page ended with */
    EXPECT_OK(world_delete(w, "secret-005"));
    EXPECT_OK(world_set(w, "secret-000a", "v"));
    EXPECT_OK(world_list(w, false, "SECRET-003", 4, &page));
    assert_int_equal(page.count, 4);
    expect_name(&page, 0, 4);
    expect_name(&page, 1, 6);
    expect_name(&page, 3, 8);
    assert_true(page.more);
    EXPECT_OK(world_list(w, true, "", 4, &page));
    assert_int_equal(page.count, 3);
    expect_name(&page, 0, 1);
    assert_true(page.items[0].is_deleted);
    assert_int_equal(page.items[0].scheduled_purge,
                     START_TIME + ALPHA_RETENTION_DAYS * HF_USEC_PER_DAY);
}

static void test_list_deleted_skips_what_is_due(void **state)
{
    struct world *w = *state;
    set_many(w, 4);
    EXPECT_OK(world_delete(w, "secret-000"));
    EXPECT_OK(world_delete(w, "secret-003"));
    w->now += HF_USEC_PER_DAY;
    EXPECT_OK(world_delete(w, "secret-001"));
    EXPECT_OK(world_delete(w, "secret-002"));
    w->now = START_TIME + ALPHA_RETENTION_DAYS * HF_USEC_PER_DAY;
    struct vault_page page;
    EXPECT_OK(world_list(w, true, "", 2, &page));
    assert_int_equal(page.count, 2);
    expect_name(&page, 0, 1);
    expect_name(&page, 1, 2);
    assert_false(page.more); /* what is left is due */
}

static void test_list_shows_the_newest_version_even_if_disabled(void **state)
{
    struct world *w = *state;
    const struct vault_secret_change disabled = { .common.has_enabled = true,
                                                  .common.enabled = false };
    EXPECT_OK(world_set(w, "name", "one"));
    EXPECT_OK(world_set_with(w, "name", "two", &disabled));
    struct vault_page page;
    EXPECT_OK(world_list(w, false, "", 5, &page));
    assert_int_equal(page.count, 1);
    assert_false(page.items[0].enabled);
    assert_true(hf_uuid_equal(&page.items[0].id, &w->command->version->id));
}

static void test_versions_are_in_order_of_id_and_page(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 7; i++)
        EXPECT_OK(world_set(w, "Name", "v"));
    EXPECT_OK(world_set(w, "Name-2", "v"));
    struct hf_uuid last = { .b = { 0 } };
    const struct hf_uuid *after = NULL;
    size_t count = 0;
    bool more = true;
    while (more) {
        struct vault_page page;
        EXPECT_OK(world_list_versions(w, "NAME", after, 3, &page));
        for (size_t i = 0; i < page.count; i++) {
            assert_true(memcmp(last.b, page.items[i].id.b, sizeof(last.b)) < 0);
            EXPECT_STR("Name", page.items[i].name);
            last = page.items[i].id;
        }
        after = &last;
        count += page.count;
        more = page.more;
    }
    assert_int_equal(count, 7);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_list_bad_arguments_are_refused),
        WORLD_TEST(test_list_of_nothing_is_empty),
        WORLD_TEST(test_list_pages_until_the_end),
        WORLD_TEST(test_list_exactly_full_page_has_no_more),
        WORLD_TEST(test_list_while_deleting_neither_skips_nor_repeats),
        WORLD_TEST(test_list_deleted_skips_what_is_due),
        WORLD_TEST(test_list_shows_the_newest_version_even_if_disabled),
        WORLD_TEST(test_versions_are_in_order_of_id_and_page),
    };
    return cmocka_run_group_tests_name("vault/lists", tests, NULL, NULL);
}
