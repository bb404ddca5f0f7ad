/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plaintext of records: what is not exactly one of ours is refused.
 */
#include "support.h"

#define ARENA_MAX_BYTES (1024 * 1024)
#define PLAIN_MAX_BYTES (64 * 1024)

struct fixture {
    struct hf_arena *arena;
    struct hf_buf plain;
};

static int setup(void **state)
{
    static struct fixture fixture;
    EXPECT_OK(hf_arena_new(ARENA_MAX_BYTES, &fixture.arena));
    hf_buf_init(&fixture.plain, PLAIN_MAX_BYTES);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hf_buf_done(&f->plain);
    hf_arena_free(f->arena);
    return 0;
}

static struct vault_secret make_secret(void)
{
    static const struct vault_tag tags[] = { { { "a", 1 }, { "1", 1 } },
                                             { { "b", 1 }, { "", 0 } } };
    return (struct vault_secret){
        .enabled = true,
        .has_content_type = true,
        .has_tags = true,
        .not_before = 10,
        .expires = 20,
        .created = 1,
        .updated = 2,
        .content_type = HF_LIT("text/plain"),
        .tags = { tags, HF_ARRAY_LEN(tags) },
    };
}

/* ---- version ---- */

static void test_secret_record_cut_or_longer_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_secret secret = make_secret();
    struct vault_secret out;
    vault_secret_record_encode(&secret, &f->plain);
    const size_t n = f->plain.n;
    for (size_t i = 0; i < n; i++)
        EXPECT_ERR(HF_E_CORRUPT,
                   vault_secret_record_decode((hf_bytes){ f->plain.p, i }, f->arena, &out));
    hf_buf_put_u8(&f->plain, 0);
    EXPECT_ERR(HF_E_CORRUPT, vault_secret_record_decode(hf_buf_view(&f->plain), f->arena, &out));
}

static void test_secret_record_unknown_flag_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_secret secret = make_secret();
    struct vault_secret out;
    vault_secret_record_encode(&secret, &f->plain);
    f->plain.p[0] |= 0x20;
    EXPECT_ERR(HF_E_CORRUPT, vault_secret_record_decode(hf_buf_view(&f->plain), f->arena, &out));
}

static void test_secret_record_none_as_date_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vault_secret secret = make_secret();
    struct vault_secret out;
    secret.not_before = 0;
    vault_secret_record_encode(&secret, &f->plain);
    f->plain.p[17] = 0x80; /* the first byte of not_before: INT64_MIN */
    EXPECT_ERR(HF_E_CORRUPT, vault_secret_record_decode(hf_buf_view(&f->plain), f->arena, &out));
}

static void test_secret_record_breaking_a_rule_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_tag twice[] = { { HF_LIT("a"), HF_LIT("1") }, { HF_LIT("a"), HF_LIT("2") } };
    struct vault_secret bad[3] = { make_secret(), make_secret(), make_secret() };
    bad[0].tags = (struct vault_tags){ twice, 2 };
    bad[1].content_type = HF_LIT("\xff");
    bad[2].expires = bad[2].not_before;
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
        struct vault_secret out;
        hf_buf_reset(&f->plain);
        vault_secret_record_encode(&bad[i], &f->plain);
        EXPECT_ERR(HF_E_CORRUPT,
                   vault_secret_record_decode(hf_buf_view(&f->plain), f->arena, &out));
    }
}

static void test_secret_record_round_trip(void **state)
{
    struct fixture *f = *state;
    const struct vault_secret secret = make_secret();
    vault_secret_record_encode(&secret, &f->plain);
    assert_int_equal(f->plain.n, vault_secret_record_size(&secret));
    struct vault_secret out;
    EXPECT_OK(vault_secret_record_decode(hf_buf_view(&f->plain), f->arena, &out));
    assert_true(out.enabled && out.has_content_type && out.has_tags);
    assert_int_equal(out.not_before, 10);
    assert_int_equal(out.expires, 20);
    assert_int_equal(out.created, 1);
    assert_int_equal(out.updated, 2);
    EXPECT_STR("text/plain", out.content_type);
    assert_int_equal(out.tags.count, 2);
    EXPECT_STR("b", out.tags.items[1].name);
    EXPECT_STR("", out.tags.items[1].value);
}

static void test_secret_record_smallest_round_trip(void **state)
{
    struct fixture *f = *state;
    const struct vault_secret secret = { .not_before = VAULT_TIME_NONE,
                                         .expires = VAULT_TIME_NONE };
    vault_secret_record_encode(&secret, &f->plain);
    assert_int_equal(f->plain.n, vault_secret_record_size(&secret));
    struct vault_secret out;
    EXPECT_OK(vault_secret_record_decode(hf_buf_view(&f->plain), f->arena, &out));
    assert_false(out.enabled || out.has_content_type || out.has_tags);
    assert_true(out.not_before == VAULT_TIME_NONE && out.expires == VAULT_TIME_NONE);
}

/* ---- object ---- */

static struct vault_object make_object(void)
{
    return (struct vault_object){ .name = "Name-1",
                                  .newest = { .b = { 9 } },
                                  .version_count = 3,
                                  .created = 5,
                                  .deleted_at = 6,
                                  .scheduled_purge = 7 };
}

static void test_object_record_cut_or_longer_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_object object = make_object();
    struct vault_object out;
    vault_object_encode(&object, &f->plain);
    const size_t n = f->plain.n;
    for (size_t i = 0; i < n; i++)
        EXPECT_ERR(HF_E_CORRUPT, vault_object_decode((hf_bytes){ f->plain.p, i }, &out));
    hf_buf_put_u8(&f->plain, 0);
    EXPECT_ERR(HF_E_CORRUPT, vault_object_decode(hf_buf_view(&f->plain), &out));
}

static void test_object_record_breaking_a_rule_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vault_object bad[5];
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
        bad[i] = make_object();
    bad[0].version_count = 0;
    bad[1].name[0] = '/';
    bad[2].deleted_at = VAULT_TIME_NONE;
    bad[3].scheduled_purge = VAULT_TIME_NONE;
    bad[4].scheduled_purge = bad[4].deleted_at - 1;
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
        struct vault_object out;
        hf_buf_reset(&f->plain);
        vault_object_encode(&bad[i], &f->plain);
        EXPECT_ERR(HF_E_CORRUPT, vault_object_decode(hf_buf_view(&f->plain), &out));
    }
}

static void test_object_record_round_trip(void **state)
{
    struct fixture *f = *state;
    const struct vault_object object = make_object();
    struct vault_object out;
    vault_object_encode(&object, &f->plain);
    EXPECT_OK(vault_object_decode(hf_buf_view(&f->plain), &out));
    assert_string_equal(out.name, "Name-1");
    assert_int_equal(out.newest.b[0], 9);
    assert_int_equal(out.version_count, 3);
    assert_int_equal(out.created, 5);
    assert_int_equal(out.deleted_at, 6);
    assert_int_equal(out.scheduled_purge, 7);
}

/* ---- vault ---- */

static const uint8_t vault_key_bytes[VAULT_KEY_BYTES] = { 1, 2, 3 };

static void encode_vault(struct fixture *f, const struct vault_properties *properties)
{
    hf_buf_reset(&f->plain);
    vault_record_encode(properties, (hf_bytes){ vault_key_bytes, VAULT_KEY_BYTES }, &f->plain);
}

static void test_vault_record_cut_or_longer_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_properties properties = world_properties("name", 1);
    struct vault_properties out;
    hf_bytes key = { NULL, 0 };
    encode_vault(f, &properties);
    const size_t n = f->plain.n;
    for (size_t i = 0; i < n; i++)
        EXPECT_ERR(HF_E_CORRUPT, vault_record_decode((hf_bytes){ f->plain.p, i }, &out, &key));
    hf_buf_put_u8(&f->plain, 0);
    EXPECT_ERR(HF_E_CORRUPT, vault_record_decode(hf_buf_view(&f->plain), &out, &key));
}

static void test_vault_record_breaking_a_rule_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vault_properties bad[4];
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
        bad[i] = world_properties("name", 1);
    bad[0].name[0] = '1';
    bad[1].retention_days = VAULT_RETENTION_MAX_DAYS + 1;
    bad[2].resource_group[0] = '/';
    bad[3].location[0] = '\0';
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
        struct vault_properties out;
        hf_bytes key = { NULL, 0 };
        encode_vault(f, &bad[i]);
        EXPECT_ERR(HF_E_CORRUPT, vault_record_decode(hf_buf_view(&f->plain), &out, &key));
    }
}

static void test_vault_record_protection_neither_on_nor_off_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_properties properties = world_properties("name", 1);
    struct vault_properties out;
    hf_bytes key = { NULL, 0 };
    encode_vault(f, &properties);
    f->plain.p[f->plain.n - VAULT_KEY_BYTES - 1] = 2;
    EXPECT_ERR(HF_E_CORRUPT, vault_record_decode(hf_buf_view(&f->plain), &out, &key));
}

static void test_vault_record_nul_in_text_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_properties properties = world_properties("name", 1);
    struct vault_properties out;
    hf_bytes key = { NULL, 0 };
    encode_vault(f, &properties);
    f->plain.p[VAULT_UUID_BYTES + 2 + 3] = '\0'; /* the end of "name" */
    EXPECT_ERR(HF_E_CORRUPT, vault_record_decode(hf_buf_view(&f->plain), &out, &key));
}

static void test_vault_record_round_trip_at_the_limits(void **state)
{
    struct fixture *f = *state;
    struct vault_properties properties = world_properties("abcdefghijklmnopqrstuvwx", 3);
    memset(properties.resource_group, 'r', VAULT_RESOURCE_GROUP_MAX_CHARS);
    memset(properties.location, 'l', VAULT_LOCATION_MAX_CHARS);
    properties.purge_protection = true;
    properties.created = START_TIME;
    encode_vault(f, &properties);
    assert_int_equal(f->plain.n, VAULT_RECORD_MAX_BYTES);
    struct vault_properties out;
    hf_bytes key = { NULL, 0 };
    EXPECT_OK(vault_record_decode(hf_buf_view(&f->plain), &out, &key));
    assert_string_equal(out.name, properties.name);
    assert_string_equal(out.resource_group, properties.resource_group);
    assert_string_equal(out.location, properties.location);
    assert_true(out.purge_protection);
    assert_int_equal(out.created, START_TIME);
    assert_int_equal(key.n, VAULT_KEY_BYTES);
    assert_memory_equal(key.p, vault_key_bytes, VAULT_KEY_BYTES);
}

#define RECORD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_TEST(test_secret_record_cut_or_longer_is_refused),
        RECORD_TEST(test_secret_record_unknown_flag_is_refused),
        RECORD_TEST(test_secret_record_none_as_date_is_refused),
        RECORD_TEST(test_secret_record_breaking_a_rule_is_refused),
        RECORD_TEST(test_secret_record_round_trip),
        RECORD_TEST(test_secret_record_smallest_round_trip),
        RECORD_TEST(test_object_record_cut_or_longer_is_refused),
        RECORD_TEST(test_object_record_breaking_a_rule_is_refused),
        RECORD_TEST(test_object_record_round_trip),
        RECORD_TEST(test_vault_record_cut_or_longer_is_refused),
        RECORD_TEST(test_vault_record_breaking_a_rule_is_refused),
        RECORD_TEST(test_vault_record_protection_neither_on_nor_off_is_refused),
        RECORD_TEST(test_vault_record_nul_in_text_is_refused),
        RECORD_TEST(test_vault_record_round_trip_at_the_limits),
    };
    return cmocka_run_group_tests_name("vault/records", tests, NULL, NULL);
}
