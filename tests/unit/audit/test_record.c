/* SPDX-License-Identifier: Apache-2.0 */
/* A record's text: members, types, limits, and hostile text. */
#include "support.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES ((size_t)1024 * 1024)
/* 2026-01-05T10:11:12.123456Z */
#define SAMPLE_TIME INT64_C(1767607872123456)

/* The record's text, its object closed. Free with hf_buf_done(). */
static struct hf_buf write_record(const struct audit_record *record)
{
    struct hf_buf buf;
    hf_buf_init(&buf, TEXT_MAX_BYTES);
    audit_record_put(&buf, record);
    hf_buf_put_c(&buf, "}");
    assert_int_equal(hf_buf_err(&buf), HF_OK);
    return buf;
}

static void expect_text(const struct audit_record *record, const char *expected)
{
    struct hf_buf buf = write_record(record);
    hf_buf_put_u8(&buf, 0);
    assert_string_equal((const char *)buf.p, expected);
    hf_buf_done(&buf);
}

/* The record parsed back; free with hf_json_free(). */
static struct hf_json *read_back(const struct audit_record *record)
{
    struct hf_buf buf = write_record(record);
    struct hf_diag diag = { 0 };
    struct hf_json *root = NULL;
    hf_err err = hf_json_parse(hf_buf_view(&buf), &diag, &root);
    if (err != HF_OK)
        fail_msg("%s: %s", hf_err_name(err), diag.text);
    assert_null(memchr(buf.p, '\n', buf.n));
    hf_buf_done(&buf);
    return root;
}

static struct audit_record minimal_record(void)
{
    return (struct audit_record){
        .time = SAMPLE_TIME,
        .category = HF_LIT("AuditEvent"),
        .operation_name = HF_LIT("Authentication"),
        .status = 401,
        .nbf = INT64_MIN,
        .exp = INT64_MIN,
    };
}

static void test_record_nothing_optional_leaves_members_out(void **state)
{
    (void)state;
    struct audit_record record = minimal_record();
    expect_text(&record,
                "{\"time\":\"2026-01-05T10:11:12.1234560Z\",\"category\":\"AuditEvent\","
                "\"operationName\":\"Authentication\",\"resultType\":\"Success\","
                "\"resultSignature\":\"Unauthorized\",\"durationMs\":\"0\",\"identity\":{},"
                "\"properties\":{\"httpStatusCode\":401}}");
}

static void test_record_read_of_a_secret_is_as_in_the_specification(void **state)
{
    (void)state;
    struct audit_record record = minimal_record();
    record.operation_name = HF_LIT("SecretGet");
    record.operation_version = HF_LIT("2025-07-01");
    record.status = 200;
    record.duration = 12999;
    record.caller_address = HF_LIT("192.0.2.10");
    record.correlation_id = HF_LIT("0c2a4b1e-1111-4222-8333-0123456789ab");
    record.has_identity = true;
    record.claims.oid = HF_LIT("11111111-2222-3333-4444-555555555555");
    record.claims.appid = HF_LIT("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    record.claims.appidacr = HF_LIT("2");
    record.resource_id = HF_LIT(
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/"
        "providers/Microsoft.KeyVault/vaults/hf-demo");
    record.id = HF_LIT(
        "https://hf-demo.vault.example.test/secrets/db/0123456789abcdef0123456789abcdef");
    record.client_info = HF_LIT("azsdk-js-keyvault-secrets/4.11.2");
    record.request_uri = HF_LIT(
        "https://hf-demo.vault.example.test/secrets/db?api-version=2025-07-01");
    record.rbac_authorized = AUDIT_TRUE;
    record.assignment_id = HF_LIT("99999999-8888-7777-6666-555555555555");
    record.address_authorized = AUDIT_TRUE;
    record.tls_version = HF_LIT("TLS1_3");
    record.has_secret_properties = true;
    record.enabled = true;
    expect_text(
        &record,
        "{\"time\":\"2026-01-05T10:11:12.1234560Z\",\"category\":\"AuditEvent\",\"operationName\":"
        "\"SecretGet\","
        "\"operationVersion\":\"2025-07-01\",\"resultType\":\"Success\",\"resultSignature\":\"OK\","
        "\"durationMs\":\"12\",\"callerIpAddress\":\"192.0.2.10\","
        "\"correlationId\":\"0c2a4b1e-1111-4222-8333-0123456789ab\","
        "\"identity\":{\"claim\":{\"oid\":\"11111111-2222-3333-4444-555555555555\","
        "\"appid\":\"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\",\"appidacr\":\"2\"}},"
        "\"resourceId\":\"/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000001/RESOURCEGROUPS/RG1/"
        "PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/HF-DEMO\","
        "\"properties\":{\"id\":\"https://hf-demo.vault.example.test/secrets/db/"
        "0123456789abcdef0123456789abcdef\","
        "\"clientInfo\":\"azsdk-js-keyvault-secrets/4.11.2\","
        "\"requestUri\":\"https://hf-demo.vault.example.test/secrets/db?api-version=2025-07-01\","
        "\"httpStatusCode\":200,\"isRbacAuthorized\":true,"
        "\"appliedAssignmentId\":\"99999999-8888-7777-6666-555555555555\",\"isAddressAuthorized\":"
        "true,"
        "\"tlsVersion\":\"TLS1_3\",\"secretProperties\":{\"attributes\":{\"enabled\":true}}}}");
}

static void test_record_refusal_with_all_members_has_them_in_order(void **state)
{
    (void)state;
    struct audit_record record = minimal_record();
    record.operation_name = HF_LIT("SecretSet");
    record.status = 403;
    record.duration = -5;
    record.description = HF_LIT("Client address is not authorized.\r\nClient address: 192.0.2.1");
    record.has_identity = true;
    record.claims.upn = HF_LIT("ada@example.test");
    record.claims.scp = HF_LIT("user_impersonation");
    record.claims.idtyp = HF_LIT("user");
    record.rbac_authorized = AUDIT_FALSE;
    record.address_authorized = AUDIT_FALSE;
    record.has_secret_properties = true;
    record.secret_type = HF_LIT("text/plain");
    record.nbf = 0;
    record.exp = 4102444800;
    expect_text(&record,
                "{\"time\":\"2026-01-05T10:11:12.1234560Z\",\"category\":\"AuditEvent\","
                "\"operationName\":\"SecretSet\",\"resultType\":\"Success\",\"resultSignature\":"
                "\"Forbidden\","
                "\"resultDescription\":\"Client address is not authorized.\\r\\nClient address: "
                "192.0.2.1\","
                "\"durationMs\":\"0\",\"identity\":{\"claim\":{\"upn\":\"ada@example.test\","
                "\"scp\":\"user_impersonation\",\"idtyp\":\"user\"}},"
                "\"properties\":{\"httpStatusCode\":403,\"isRbacAuthorized\":false,"
                "\"isAddressAuthorized\":false,"
                "\"secretProperties\":{\"type\":\"text/plain\","
                "\"attributes\":{\"enabled\":false,\"nbf\":0,\"exp\":4102444800}}}}");
}

static void test_record_use_of_a_key_names_algorithm_and_key(void **state)
{
    (void)state;
    struct audit_record record = minimal_record();
    record.operation_name = HF_LIT("KeySign");
    record.status = 200;
    record.id = HF_LIT(
        "https://hf-demo.vault.example.test/keys/k/0123456789abcdef0123456789abcdef");
    record.algorithm = HF_LIT("ES256");
    record.has_key_properties = true;
    record.key_type = HF_LIT("EC");
    record.key_size = 256;
    record.enabled = true;
    record.exp = 4102444800;
    expect_text(&record, "{\"time\":\"2026-01-05T10:11:12.1234560Z\",\"category\":\"AuditEvent\","
                         "\"operationName\":\"KeySign\",\"resultType\":\"Success\","
                         "\"resultSignature\":\"OK\",\"durationMs\":\"0\",\"identity\":{},"
                         "\"properties\":{\"id\":\"https://hf-demo.vault.example.test/keys/k/"
                         "0123456789abcdef0123456789abcdef\",\"httpStatusCode\":200,"
                         "\"algorithm\":\"ES256\",\"keyProperties\":{\"type\":\"EC\",\"size\":256,"
                         "\"attributes\":{\"enabled\":true,\"exp\":4102444800}}}}");
}

/* A refusal before the key was read tells nothing of it; an unknown algorithm is not repeated. */
static void test_record_refused_use_of_a_key_has_no_key(void **state)
{
    (void)state;
    struct audit_record record = minimal_record();
    record.operation_name = HF_LIT("KeyDecrypt");
    record.status = 404;
    record.key_type = HF_LIT("RSA");
    record.key_size = 2048;
    expect_text(&record, "{\"time\":\"2026-01-05T10:11:12.1234560Z\",\"category\":\"AuditEvent\","
                         "\"operationName\":\"KeyDecrypt\",\"resultType\":\"Success\","
                         "\"resultSignature\":\"Not Found\",\"durationMs\":\"0\",\"identity\":{},"
                         "\"properties\":{\"httpStatusCode\":404}}");
}

static void test_record_status_gives_reason_phrase(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *phrase;
    } cases[] = {
        { 0, "0" },
        { 299, "299" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 400, "Bad Request" },
        { 404, "Not Found" },
        { 409, "Conflict" },
        { 429, "Too Many Requests" },
        { 500, "Internal Server Error" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct audit_record record = minimal_record();
        record.status = cases[i].status;
        HF_CLEANUP(hf_json_freep) struct hf_json *root = read_back(&record);
        hf_str phrase = hf_json_str(hf_json_member(root, "resultSignature"));
        assert_true(hf_str_equal(phrase, hf_str_from_c(cases[i].phrase)));
    }
}

static void test_record_hostile_text_stays_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        hf_str text;
        hf_str expected;
    } cases[] = {
        { "newlines", { "a\nb\r\nc", 6 }, { "a\nb\r\nc", 6 } },
        { "quotes", { "\"}}\n{\"seq\":1", 12 }, { "\"}}\n{\"seq\":1", 12 } },
        { "backslash at the end", { "a\\", 2 }, { "a\\", 2 } },
        { "tail", { ",\"holdfast\":{\"seq\":1", 20 }, { ",\"holdfast\":{\"seq\":1", 20 } },
        { "control characters", { "\x01\x1f\x7f", 3 }, { "\x01\x1f\x7f", 3 } },
        { "lone continuation", { "a\x80z", 3 }, { "a\xEF\xBF\xBDz", 5 } },
        { "unfinished character", { "a\xE2\x82", 3 }, { "a\xEF\xBF\xBD", 4 } },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct audit_record record = minimal_record();
        record.client_info = cases[i].text;
        record.request_uri = cases[i].text;
        HF_CLEANUP(hf_json_freep) struct hf_json *root = read_back(&record);
        const struct hf_json *properties = hf_json_member(root, "properties");
        hf_str client = hf_json_str(hf_json_member(properties, "clientInfo"));
        /* How many U+FFFD stand for a broken sequence is the writer's choice; the first must be
         * there. */
        if (!hf_str_starts(client, cases[i].expected))
            fail_msg("%s: %.*s", cases[i].name, HF_STR_ARG(client));
        assert_true(hf_str_equal(client, hf_json_str(hf_json_member(properties, "requestUri"))));
    }
}

static void test_record_resource_id_escapes_survive_upper_case(void **state)
{
    (void)state;
    struct audit_record record = minimal_record();
    record.resource_id = HF_LIT("/a\nb\"c\\n\x01z\xC3\xA9");
    HF_CLEANUP(hf_json_freep) struct hf_json *root = read_back(&record);
    hf_str id = hf_json_str(hf_json_member(root, "resourceId"));
    assert_true(hf_str_equal(id, HF_LIT("/A\nB\"C\\N\x01Z\xC3\xA9")));
}

static void test_record_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *character;
        size_t before; /* plain bytes before the characters */
        size_t expected;
    } cases[] = {
        { "x", 0, 4096 },
        { "\xC3\xA9", 0, 4096 },
        { "\xC3\xA9", 1, 4095 },
        { "\xE2\x82\xAC", 0, 4095 },
        { "\xE2\x82\xAC", 1, 4096 },
        { "\xE2\x82\xAC", 2, 4094 },
        { "\xF0\x9F\x94\x91", 0, 4096 },
        { "\xF0\x9F\x94\x91", 1, 4093 },
        { "\xF0\x9F\x94\x91", 3, 4095 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct hf_buf text;
        hf_buf_init(&text, TEXT_MAX_BYTES);
        for (size_t n = 0; n < cases[i].before; n++)
            hf_buf_put_c(&text, "-");
        while (text.n < AUDIT_CLIENT_TEXT_MAX_BYTES + 100)
            hf_buf_put_c(&text, cases[i].character);
        struct audit_record record = minimal_record();
        record.has_identity = true;
        record.client_info = hf_buf_str(&text);
        HF_CLEANUP(hf_json_freep) struct hf_json *root = read_back(&record);
        hf_str client = hf_json_str(
            hf_json_member(hf_json_member(root, "properties"), "clientInfo"));
        assert_int_equal(client.n, cases[i].expected);
        assert_true(hf_str_starts(hf_buf_str(&text), client));
        hf_buf_done(&text);
    }
}

static void test_record_text_at_the_limit_is_whole_and_bytes_beyond_any_character_are_cut(
    void **state)
{
    (void)state;
    static char text[AUDIT_CLIENT_TEXT_MAX_BYTES + 1];
    struct audit_record record = minimal_record();
    record.has_identity = true;
    memset(text, 'x', sizeof(text));
    record.request_uri = (hf_str){ text, AUDIT_CLIENT_TEXT_MAX_BYTES };
    HF_CLEANUP(hf_json_freep) struct hf_json *whole = read_back(&record);
    hf_str uri = hf_json_str(hf_json_member(hf_json_member(whole, "properties"), "requestUri"));
    assert_int_equal(uri.n, AUDIT_CLIENT_TEXT_MAX_BYTES);

    memset(text, 0x80, sizeof(text));
    record.request_uri = (hf_str){ text, sizeof(text) };
    HF_CLEANUP(hf_json_freep) struct hf_json *broken = read_back(&record);
    uri = hf_json_str(hf_json_member(hf_json_member(broken, "properties"), "requestUri"));
    assert_true(uri.n > 0 && uri.n <= AUDIT_CLIENT_TEXT_MAX_BYTES);

    record.has_identity = false; /* anybody: the disk is not theirs to fill */
    HF_CLEANUP(hf_json_freep) struct hf_json *unknown = read_back(&record);
    uri = hf_json_str(hf_json_member(hf_json_member(unknown, "properties"), "requestUri"));
    assert_true(uri.n > 0 && uri.n <= AUDIT_UNKNOWN_TEXT_MAX_BYTES);
}

/* The longest line there can be: every text is over its limit and of bytes that are escaped
 * longest. */
static void test_record_all_texts_too_long_fit_a_line(void **state)
{
    (void)state;
    static char text[(size_t)2 * AUDIT_CLIENT_TEXT_MAX_BYTES];
    memset(text, 0x01, sizeof(text));
    const hf_str t = { text, sizeof(text) };
    struct audit_record record = minimal_record();
    record.has_identity = true;
    record.has_secret_properties = true;
    record.has_key_properties = true;
    hf_str *const texts[] = {
        &record.category,          &record.operation_name,
        &record.operation_version, &record.description,
        &record.caller_address,    &record.correlation_id,
        &record.resource_id,       &record.id,
        &record.client_info,       &record.request_uri,
        &record.assignment_id,     &record.tls_version,
        &record.secret_type,       &record.claims.oid,
        &record.claims.appid,      &record.claims.appidacr,
        &record.claims.upn,        &record.claims.scp,
        &record.claims.idtyp,      &record.key_type,
        &record.algorithm,
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++)
        *texts[i] = t;
    struct hf_buf buf = write_record(&record);
    /* each is cut to whole escapes of six bytes */
    assert_true(buf.n > (size_t)(AUDIT_CLIENT_TEXT_MAX_BYTES / 6 * 6) * HF_ARRAY_LEN(texts));
    assert_true(buf.n < AUDIT_LINE_MAX_BYTES - AUDIT_TAIL_MAX_BYTES);
    hf_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_nothing_optional_leaves_members_out),
        cmocka_unit_test(test_record_read_of_a_secret_is_as_in_the_specification),
        cmocka_unit_test(test_record_refusal_with_all_members_has_them_in_order),
        cmocka_unit_test(test_record_use_of_a_key_names_algorithm_and_key),
        cmocka_unit_test(test_record_refused_use_of_a_key_has_no_key),
        cmocka_unit_test(test_record_status_gives_reason_phrase),
        cmocka_unit_test(test_record_hostile_text_stays_one_line),
        cmocka_unit_test(test_record_resource_id_escapes_survive_upper_case),
        cmocka_unit_test(test_record_long_text_is_cut_between_characters),
        cmocka_unit_test(
            test_record_text_at_the_limit_is_whole_and_bytes_beyond_any_character_are_cut),
        cmocka_unit_test(test_record_all_texts_too_long_fit_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
