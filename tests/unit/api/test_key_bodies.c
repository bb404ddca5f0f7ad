/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as JSON, in and out: what a body may not say, what arrives, and the life of a key between the steps of its making.
 */
#include "support.h"

#include "api/azure/azure.h"
#include "api/azure/internal.h"
#include "crypto/crypto.h"

#include <string.h>

#define BAD(property) "Property " property " has invalid value\r\n"
#define NO_HSM(kty)                                                                                \
    "A key of type " kty " needs a vault with a hardware security module, and this vault has "     \
    "none."
#define EXPORTABLE                                                                                 \
    "AKV.SKR.1001: The exportable attribute is only supported with premium vaults and API "        \
    "version >= '7.3-preview'."
#define RELEASE "AKV.SKR.1005: Non-exportable keys must not have release policy."

/* json NULL: no body. */
static void start(struct fixture *fixture, const char *json)
{
    assert_int_equal(crypto_init(NULL), HF_OK);
    fixture_init(fixture, &azure_door, HTTP_POST, "/keys/k/create", "");
    fixture->call.params[0] = HF_LIT("k");
    fixture->call.param_count = 1;
    if (json != NULL)
        assert_int_equal(
            hf_json_parse(hf_str_bytes(hf_str_from_c(json)), NULL, &fixture->call.body), HF_OK);
}

static void expect_refused(struct fixture *fixture, hf_err err, const char *message)
{
    assert_int_not_equal(err, HF_OK);
    assert_int_equal(fixture->call.error.status, 400);
    EXPECT_STR(message, fixture->call.error.message);
}

static void test_key_bodies_wrong_ones_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const struct api_body *rows;
        const char *json;
        const char *message;
    } wrong[] = {
        { &key_create_body, NULL, BAD("") },
        { &key_create_body, "{}", BAD("kty") },
        { &key_create_body, "{\"kty\":1}", BAD("kty") },
        { &key_create_body, "{\"kty\":\"\"}", BAD("kty") },
        { &key_create_body, "{\"kty\":\"rsa\"}", BAD("kty") },
        { &key_create_body, "{\"kty\":\"OKP\"}", BAD("kty") },
        { &key_create_body, "{\"kty\":\"RSA\",\"key_size\":\"2048\"}", BAD("key_size") },
        { &key_create_body, "{\"kty\":\"RSA\",\"key_size\":2048.0}", BAD("key_size") },
        { &key_create_body, "{\"kty\":\"RSA\",\"public_exponent\":{}}", BAD("public_exponent") },
        { &key_create_body, "{\"kty\":\"EC\",\"crv\":256}", BAD("crv") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":\"sign\"}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":[1]}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":[null]}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":[[\"sign\"]]}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":[\"\"]}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":[\"sign\",\"Sign\"]}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"key_ops\":[\"export\"]}", BAD("key_ops") },
        { &key_create_body, "{\"kty\":\"EC\",\"attributes\":[]}", BAD("attributes") },
        { &key_create_body, "{\"kty\":\"EC\",\"attributes\":{\"exp\":\"1\"}}", BAD("exp") },
        { &key_create_body, "{\"kty\":\"EC\",\"attributes\":{\"exportable\":1}}",
          BAD("exportable") },
        { &key_create_body, "{\"kty\":\"EC\",\"tags\":{\"a\":1}}", BAD("tags") },
        { &key_create_body, "{\"kty\":\"EC\",\"release_policy\":\"\"}", BAD("release_policy") },
        { &key_create_body, "{\"kty\":\"EC\",\"attributes\":{\"exportable\":true}}", EXPORTABLE },
        { &key_create_body, "{\"kty\":\"EC\",\"release_policy\":{}}", RELEASE },
        { &key_create_body, "{\"kty\":\"RSA-HSM\"}", NO_HSM("RSA-HSM") },
        { &key_create_body, "{\"kty\":\"oct-HSM\"}", NO_HSM("oct-HSM") },
        { &key_import_body, NULL, BAD("") },
        { &key_import_body, "{}", BAD("key") },
        { &key_import_body, "{\"key\":[]}", BAD("key") },
        { &key_import_body, "{\"key\":null}", BAD("key") },
        { &key_import_body, "{\"key\":{}}", BAD("kty") },
        { &key_import_body, "{\"kty\":\"EC\",\"key\":{}}", BAD("kty") },
        { &key_import_body, "{\"key\":{\"kty\":\"EC\",\"key_ops\":{}}}", BAD("key_ops") },
        { &key_import_body, "{\"key\":{\"kty\":\"EC\",\"key_ops\":[\"x\"]}}", BAD("key_ops") },
        { &key_import_body, "{\"key\":{\"kty\":\"EC\"},\"Hsm\":1}", BAD("Hsm") },
        { &key_import_body, "{\"key\":{\"kty\":\"EC\"},\"Hsm\":true}", NO_HSM("EC") },
        { &key_import_body, "{\"key\":{\"kty\":\"EC-HSM\"}}", NO_HSM("EC-HSM") },
        { &key_update_body, "{\"key_ops\":{}}", BAD("key_ops") },
        { &key_update_body, "{\"attributes\":{\"nbf\":-1}}", BAD("nbf") },
        { &key_update_body, "{\"attributes\":{\"exportable\":true}}", EXPORTABLE },
        { &key_update_body, "{\"release_policy\":{\"data\":\"\"}}", RELEASE },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        struct key_body body;
        print_message("%s\n", wrong[i].json == NULL ? "no body" : wrong[i].json);
        start(&fixture, wrong[i].json);
        expect_refused(&fixture, key_body_read(&fixture.call, wrong[i].rows, &body),
                       wrong[i].message);
        fixture_done(&fixture);
    }
}

static void test_key_bodies_create_arrives(void **state)
{
    (void)state;
    struct fixture fixture;
    struct key_body body;
    start(&fixture, "{\"kty\":\"RSA\",\"key_size\":3072,\"public_exponent\":3,\"crv\":null,"
                    "\"key_ops\":[\"verify\",\"sign\",\"verify\"],\"unknown\":[],"
                    "\"attributes\":{\"enabled\":false,\"nbf\":1,\"exp\":2,\"exportable\":false},"
                    "\"tags\":{\"a\":\"b\"}}");
    assert_int_equal(key_body_read(&fixture.call, &key_create_body, &body), HF_OK);
    assert_int_equal(body.family, CRYPTO_FAMILY_RSA);
    assert_true(body.has_size && body.size == 3072);
    assert_true(body.has_exponent && body.exponent == 3);
    assert_null(body.curve.p);
    const struct vault_key_change *change = &body.change;
    assert_true(change->has_ops);
    assert_int_equal(change->ops.count, 2); /* each once, in the order of their first mention */
    assert_int_equal(change->ops.items[0], VAULT_KEY_VERIFY);
    assert_int_equal(change->ops.items[1], VAULT_KEY_SIGN);
    assert_true(change->common.has_enabled && !change->common.enabled);
    assert_int_equal(change->common.not_before, HF_USEC_PER_SEC);
    assert_int_equal(change->common.expires, 2 * HF_USEC_PER_SEC);
    assert_int_equal(change->common.tags.count, 1);
    fixture_done(&fixture);
}

static void test_key_bodies_all_operations_over_and_over_are_seven(void **state)
{
    (void)state;
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, (size_t)64 * 1024);
    hf_buf_put_c(&text, "{\"key_ops\":[");
    for (size_t i = 0; i < 1000; i++)
        hf_buf_putf(&text, "%s\"%.*s\"", i == 0 ? "" : ",",
                    HF_STR_ARG(vault_key_op_name((enum vault_key_op)(i % VAULT_KEY_OPS_MAX))));
    hf_buf_put_c(&text, "]}");
    hf_buf_put_u8(&text, 0);
    assert_int_equal(hf_buf_err(&text), HF_OK);
    struct fixture fixture;
    struct key_body body;
    start(&fixture, (const char *)text.p);
    assert_int_equal(key_body_read(&fixture.call, &key_update_body, &body), HF_OK);
    assert_int_equal(body.change.ops.count, VAULT_KEY_OPS_MAX);
    fixture_done(&fixture);
}

static void test_key_bodies_an_update_may_say_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = { NULL, "{}", "{\"key_ops\":null,\"tags\":null}" };
    for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++) {
        struct fixture fixture;
        struct key_body body;
        start(&fixture, bodies[i]);
        assert_int_equal(key_body_read(&fixture.call, &key_update_body, &body), HF_OK);
        assert_false(body.change.has_ops || body.change.common.has_tags);
        fixture_done(&fixture);
    }
    struct fixture fixture;
    struct key_body body;
    start(&fixture, "{\"key_ops\":[]}");
    assert_int_equal(key_body_read(&fixture.call, &key_update_body, &body), HF_OK);
    assert_true(body.change.has_ops && body.change.ops.count == 0);
    fixture_done(&fixture);
}

static void test_key_bodies_operations_need_alg_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *message;
    } wrong[] = {
        { NULL, BAD("") },
        { "{}", BAD("alg") },
        { "{\"alg\":\"RS256\"}", BAD("value") },
        { "{\"alg\":null,\"value\":\"\"}", BAD("alg") },
        { "{\"alg\":\"RS256\",\"value\":[]}", BAD("value") },
        { "{\"alg\":\"RS256\",\"value\":\"\",\"digest\":1}", BAD("digest") },
        { "{\"alg\":\"A128GCM\",\"value\":\"\",\"iv\":{}}", BAD("iv") },
        { "{\"alg\":\"A128GCM\",\"value\":\"\",\"aad\":false}", BAD("aad") },
        { "{\"alg\":\"A128GCM\",\"value\":\"\",\"tag\":0}", BAD("tag") },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        struct key_operation_body body;
        start(&fixture, wrong[i].json);
        expect_refused(&fixture, azure_read_fields(&fixture.call, &key_operation_body, true, &body),
                       wrong[i].message);
        fixture_done(&fixture);
    }
}

/* ---- making ---- */

static void test_key_bodies_create_that_cannot_be_starts_no_computation(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *message;
    } wrong[] = {
        { "{\"kty\":\"RSA\",\"key_size\":0}", BAD("key_size") },
        { "{\"kty\":\"RSA\",\"key_size\":-2048}", BAD("key_size") },
        { "{\"kty\":\"RSA\",\"key_size\":4294969344}", BAD("key_size") },
        { "{\"kty\":\"oct\",\"key_size\":65536}", BAD("key_size") },
        { "{\"kty\":\"RSA\",\"public_exponent\":0}", BAD("public_exponent") },
        { "{\"kty\":\"RSA\",\"public_exponent\":4295032833}", BAD("public_exponent") },
        { "{\"kty\":\"EC\",\"crv\":\"\"}", BAD("crv") },
        { "{\"kty\":\"EC\",\"crv\":\"p-256\"}", BAD("crv") },
        { "{\"kty\":\"EC\",\"crv\":\"SECP256K1\"}", BAD("crv") },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        print_message("%s\n", wrong[i].json);
        start(&fixture, wrong[i].json);
        expect_refused(&fixture, key_create(&fixture.call), wrong[i].message);
        assert_true(fixture.call.compute == NULL && fixture.call.release == NULL);
        fixture_done(&fixture);
    }
}

/* What the pool's thread finds is told when the call goes on, and nothing is stored: prepare is not called then. */
static void test_key_bodies_create_of_a_size_that_is_none_is_refused_after_it(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *message;
    } wrong[] = {
        { "{\"kty\":\"RSA\",\"key_size\":1024}", BAD("key_size") },
        { "{\"kty\":\"RSA\",\"key_size\":65535}", BAD("key_size") },
        { "{\"kty\":\"oct\",\"key_size\":512}", BAD("key_size") },
        { "{\"kty\":\"RSA\",\"public_exponent\":5}", BAD("public_exponent") },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        print_message("%s\n", wrong[i].json);
        start(&fixture, wrong[i].json);
        struct api_call *call = &fixture.call;
        assert_int_equal(key_create(call), HF_OK);
        call->compute(call);
        assert_int_equal(call->result, HF_E_INVALID);
        expect_refused(&fixture, call->finish(call), wrong[i].message);
        call->release(call);
        fixture_done(&fixture);
    }
}

/* A call may end at any step: release frees the key whether there is one or not, and again does no harm. */
static void test_key_bodies_create_given_up_leaves_no_key(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"kty\":\"EC\"}",
        "{\"kty\":\"EC\",\"key_size\":0,\"public_exponent\":-1,\"crv\":\"P-521\"}",
        "{\"kty\":\"oct\",\"public_exponent\":-1}",
        "{\"kty\":\"oct\",\"key_size\":128}",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++) {
        for (int computes = 0; computes <= 1; computes++) {
            struct fixture fixture;
            start(&fixture, bodies[i]);
            struct api_call *call = &fixture.call;
            assert_int_equal(key_create(call), HF_OK);
            if (computes != 0)
                call->compute(call);
            assert_int_equal(call->result, HF_OK);
            call->release(call);
            call->release(call);
            fixture_done(&fixture);
        }
    }
}

static void test_key_bodies_import_says_what_is_wrong_with_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *message;
    } wrong[] = {
        { "{\"key\":{\"kty\":\"oct\"}}", BAD("k") },
        { "{\"key\":{\"kty\":\"oct\",\"k\":\"\"}}", BAD("k") },
        { "{\"key\":{\"kty\":\"EC\"}}", BAD("crv") },
        { "{\"key\":{\"kty\":\"RSA\",\"k\":\"AAAA\"}}", BAD("n") },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct fixture fixture;
        print_message("%s\n", wrong[i].json);
        start(&fixture, wrong[i].json);
        struct api_call *call = &fixture.call;
        assert_int_equal(key_import(call), HF_OK);
        call->compute(call);
        expect_refused(&fixture, call->finish(call), wrong[i].message);
        call->release(call);
        fixture_done(&fixture);
    }
    struct fixture fixture;
    start(&fixture, "{\"key\":{\"kty\":\"oct\",\"k\":\"AAAA\",\"key_hsm\":{}}}");
    expect_refused(&fixture, key_import(&fixture.call), BAD("key_hsm"));
    fixture_done(&fixture);
}

/* ---- out ---- */

static struct vault_key sample_key(const uint8_t *public_part, size_t n)
{
    return (struct vault_key){
        .version = { .name = HF_LIT("Key"),
                     .id = { { 0x01, 0x23 } },
                     .enabled = true,
                     .not_before = VAULT_TIME_NONE,
                     .expires = 3 * HF_USEC_PER_SEC,
                     .created = HF_USEC_PER_SEC,
                     .updated = 2 * HF_USEC_PER_SEC },
        .type = CRYPTO_KEY_EC_P256,
        .bits = 256,
        .ops = { { VAULT_KEY_VERIFY, VAULT_KEY_SIGN }, 2 },
        .public_part = { public_part, n },
    };
}

static void start_answer(struct fixture *fixture)
{
    start(fixture, NULL);
    fixture->call.vault_host = HF_LIT("v.vault.example.test");
    fixture->call.vault_properties.retention_days = VAULT_RETENTION_DEFAULT_DAYS;
}

static void test_key_bodies_bundle_has_no_private_member(void **state)
{
    (void)state;
    static const uint8_t public_part[64];
    struct fixture fixture;
    start_answer(&fixture);
    const struct vault_key key = sample_key(public_part, sizeof(public_part));
    assert_int_equal(key_write_bundle(&fixture.call, &key), HF_OK);
    EXPECT_STR("{\"key\":{\"kid\":\"https://v.vault.example.test/keys/Key/"
               "01230000000000000000000000000000\",\"kty\":\"EC\","
               "\"key_ops\":[\"verify\",\"sign\"],\"crv\":\"P-256\","
               "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
               "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"},"
               "\"attributes\":{\"enabled\":true,\"exp\":3,\"created\":1,\"updated\":2,"
               "\"recoveryLevel\":\"Recoverable+Purgeable\",\"recoverableDays\":90,"
               "\"exportable\":false,\"hsmPlatform\":\"0\"}}",
               hf_buf_str(&fixture.out));
    key_audit(&fixture.call, &key);
    EXPECT_STR("EC", fixture.call.audit.key_type);
    assert_int_equal(fixture.call.audit.key_size, 256);
    assert_true(fixture.call.audit.nbf == INT64_MIN && fixture.call.audit.exp == 3);
    assert_int_equal(fixture.call.audit.algorithm.n, 0);
    fixture_done(&fixture);
}

static void test_key_bodies_bundle_of_a_public_part_that_is_none_is_corrupt(void **state)
{
    (void)state;
    static const uint8_t public_part[65];
    static const size_t sizes[] = { 0, 1, 63, 65 };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++) {
        struct fixture fixture;
        start_answer(&fixture);
        const struct vault_key key = sample_key(public_part, sizes[i]);
        assert_int_equal(key_write_bundle(&fixture.call, &key), HF_E_CORRUPT);
        fixture_done(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_bodies_wrong_ones_are_refused_by_name),
        cmocka_unit_test(test_key_bodies_create_arrives),
        cmocka_unit_test(test_key_bodies_all_operations_over_and_over_are_seven),
        cmocka_unit_test(test_key_bodies_an_update_may_say_nothing),
        cmocka_unit_test(test_key_bodies_operations_need_alg_and_value),
        cmocka_unit_test(test_key_bodies_create_that_cannot_be_starts_no_computation),
        cmocka_unit_test(test_key_bodies_create_of_a_size_that_is_none_is_refused_after_it),
        cmocka_unit_test(test_key_bodies_create_given_up_leaves_no_key),
        cmocka_unit_test(test_key_bodies_import_says_what_is_wrong_with_the_key),
        cmocka_unit_test(test_key_bodies_bundle_has_no_private_member),
        cmocka_unit_test(test_key_bodies_bundle_of_a_public_part_that_is_none_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
