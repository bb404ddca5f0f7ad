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

static struct vault_version make_version(void)
{
    static const struct vault_tag tags[] = { { { "a", 1 }, { "1", 1 } },
                                             { { "b", 1 }, { "", 0 } } };
    return (struct vault_version){
        .enabled = true,
        .has_tags = true,
        .not_before = 10,
        .expires = 20,
        .created = 1,
        .updated = 2,
        .particulars = { (const uint8_t *)"own", 3 },
        .tags = { tags, HF_ARRAY_LEN(tags) },
    };
}

/* ---- version ---- */

static void test_version_record_cut_or_longer_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_version version = make_version();
    struct vault_version out;
    vault_version_encode(&version, &f->plain);
    const size_t n = f->plain.n;
    for (size_t i = 0; i < n; i++)
        EXPECT_ERR(HF_E_CORRUPT, vault_version_decode((hf_bytes){ f->plain.p, i }, f->arena, &out));
    hf_buf_put_u8(&f->plain, 0);
    EXPECT_ERR(HF_E_CORRUPT, vault_version_decode(hf_buf_view(&f->plain), f->arena, &out));
}

static void test_version_record_unknown_flag_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_version version = make_version();
    struct vault_version out;
    vault_version_encode(&version, &f->plain);
    f->plain.p[0] |= 0x10;
    EXPECT_ERR(HF_E_CORRUPT, vault_version_decode(hf_buf_view(&f->plain), f->arena, &out));
}

static void test_version_record_none_as_date_is_refused(void **state)
{
    struct fixture *f = *state;
    struct vault_version version = make_version();
    struct vault_version out;
    version.not_before = 0;
    vault_version_encode(&version, &f->plain);
    f->plain.p[17] = 0x80; /* the first byte of not_before: INT64_MIN */
    EXPECT_ERR(HF_E_CORRUPT, vault_version_decode(hf_buf_view(&f->plain), f->arena, &out));
}

static void test_version_record_breaking_a_rule_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_tag twice[] = { { HF_LIT("a"), HF_LIT("1") }, { HF_LIT("a"), HF_LIT("2") } };
    const struct vault_tag not_text[] = { { HF_LIT("a"), HF_LIT("\xff") } };
    struct vault_version bad[3] = { make_version(), make_version(), make_version() };
    bad[0].tags = (struct vault_tags){ twice, 2 };
    bad[1].tags = (struct vault_tags){ not_text, 1 };
    bad[2].expires = bad[2].not_before;
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
        struct vault_version out;
        hf_buf_reset(&f->plain);
        vault_version_encode(&bad[i], &f->plain);
        EXPECT_ERR(HF_E_CORRUPT, vault_version_decode(hf_buf_view(&f->plain), f->arena, &out));
    }
}

static void test_version_record_round_trip(void **state)
{
    struct fixture *f = *state;
    const struct vault_version version = make_version();
    vault_version_encode(&version, &f->plain);
    assert_int_equal(f->plain.n, vault_version_size(&version));
    struct vault_version out;
    EXPECT_OK(vault_version_decode(hf_buf_view(&f->plain), f->arena, &out));
    assert_true(out.enabled && out.has_tags);
    assert_int_equal(out.not_before, 10);
    assert_int_equal(out.expires, 20);
    assert_int_equal(out.created, 1);
    assert_int_equal(out.updated, 2);
    EXPECT_STR("own", hf_bytes_str(out.particulars));
    assert_int_equal(out.tags.count, 2);
    EXPECT_STR("b", out.tags.items[1].name);
    EXPECT_STR("", out.tags.items[1].value);
}

static void test_version_record_smallest_round_trip(void **state)
{
    struct fixture *f = *state;
    const struct vault_version version = { .not_before = VAULT_TIME_NONE,
                                           .expires = VAULT_TIME_NONE };
    vault_version_encode(&version, &f->plain);
    assert_int_equal(f->plain.n, vault_version_size(&version));
    struct vault_version out;
    EXPECT_OK(vault_version_decode(hf_buf_view(&f->plain), f->arena, &out));
    assert_false(out.enabled || out.has_tags);
    assert_true(out.not_before == VAULT_TIME_NONE && out.expires == VAULT_TIME_NONE);
}

/* ---- object ---- */

/* The smallest metadata: disabled, no dates, no tags, no particulars. */
static const uint8_t smallest[1 + 2 * VAULT_TIME_BYTES + 2] = { 0 };

static struct vault_object make_object(void)
{
    return (struct vault_object){ .name = HF_LIT("Name-1"),
                                  .newest = { .b = { 9 } },
                                  .version_count = 3,
                                  .created = 5,
                                  .deleted_at = 6,
                                  .scheduled_purge = 7,
                                  .copy = { smallest, sizeof(smallest) } };
}

/* Decodes the object and the copy in it. */
static hf_err decode_whole(struct fixture *f, size_t n)
{
    struct vault_object object;
    struct vault_version newest;
    hf_err err = vault_object_decode((hf_bytes){ f->plain.p, n }, &object);
    return err == HF_OK ? vault_object_newest(&object, f->arena, &newest) : err;
}

static void test_object_record_cut_or_longer_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct vault_object object = make_object();
    struct vault_object out;
    vault_object_encode(&object, &f->plain);
    const size_t n = f->plain.n;
    for (size_t i = 0; i < n - sizeof(smallest); i++)
        EXPECT_ERR(HF_E_CORRUPT, vault_object_decode((hf_bytes){ f->plain.p, i }, &out));
    for (size_t i = 0; i < n; i++)
        EXPECT_ERR(HF_E_CORRUPT, decode_whole(f, i));
    EXPECT_OK(decode_whole(f, n));
    hf_buf_put_u8(&f->plain, 0);
    EXPECT_ERR(HF_E_CORRUPT, decode_whole(f, n + 1));
}

static void test_object_record_breaking_a_rule_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t unknown_flag[sizeof(smallest)] = { 0x10 };
    struct vault_object bad[6];
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++)
        bad[i] = make_object();
    bad[0].version_count = 0;
    bad[1].name = HF_LIT("/ame-1");
    bad[2].deleted_at = VAULT_TIME_NONE;
    bad[3].scheduled_purge = VAULT_TIME_NONE;
    bad[4].scheduled_purge = bad[4].deleted_at - 1;
    bad[5].copy.p = unknown_flag;
    for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
        hf_buf_reset(&f->plain);
        vault_object_encode(&bad[i], &f->plain);
        EXPECT_ERR(HF_E_CORRUPT, decode_whole(f, f->plain.n));
    }
}

static void test_object_record_round_trip(void **state)
{
    struct fixture *f = *state;
    const struct vault_object object = make_object();
    struct vault_object out;
    vault_object_encode(&object, &f->plain);
    assert_int_equal(f->plain.n, vault_object_size(&object));
    EXPECT_OK(vault_object_decode(hf_buf_view(&f->plain), &out));
    EXPECT_STR("Name-1", out.name);
    assert_int_equal(out.newest.b[0], 9);
    assert_int_equal(out.version_count, 3);
    assert_int_equal(out.created, 5);
    assert_int_equal(out.deleted_at, 6);
    assert_int_equal(out.scheduled_purge, 7);
    assert_true(hf_bytes_equal(out.copy, object.copy));
    struct vault_version newest;
    EXPECT_OK(vault_object_newest(&out, f->arena, &newest));
    EXPECT_STR("Name-1", newest.name);
    assert_int_equal(newest.id.b[0], 9);
    assert_true(newest.is_deleted);
    assert_int_equal(newest.deleted_at, 6);
    assert_int_equal(newest.scheduled_purge, 7);
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
        RECORD_TEST(test_version_record_cut_or_longer_is_refused),
        RECORD_TEST(test_version_record_unknown_flag_is_refused),
        RECORD_TEST(test_version_record_none_as_date_is_refused),
        RECORD_TEST(test_version_record_breaking_a_rule_is_refused),
        RECORD_TEST(test_version_record_round_trip),
        RECORD_TEST(test_version_record_smallest_round_trip),
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
