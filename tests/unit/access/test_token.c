/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of the embedded issuer: what they say, and which ones are refused. */
#include "support.h"

#include <string.h>

static struct support s;
static struct access_principal app;

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    support_signing_key(&s);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static int64_t seconds(hf_usec t)
{
    return hf_usec_to_seconds(t);
}

/* A token of the own issuer with the right claims and any exp and nbf (INT64_MIN: none). */
static hf_str token_with_times(int64_t exp, int64_t nbf)
{
    hf_str claims = support_claims(&s, &app);
    hf_str payload = nbf == INT64_MIN
                         ? hf_arena_printf(s.arena, "{%.*s,\"exp\":%lld}", HF_STR_ARG(claims),
                                           (long long)exp)
                         : hf_arena_printf(s.arena, "{%.*s,\"exp\":%lld,\"nbf\":%lld}",
                                           HF_STR_ARG(claims), (long long)exp, (long long)nbf);
    return support_sign_own(&s, payload.p);
}

static hf_str token_of_payload(const char *header, const char *payload, const char *signature)
{
    struct hf_buf text;
    hf_buf_init(&text, CRYPTO_JWT_MAX_BYTES);
    hf_buf_put_base64url(&text, hf_str_bytes(hf_str_from_c(header)));
    hf_buf_put_c(&text, ".");
    hf_buf_put_base64url(&text, hf_str_bytes(hf_str_from_c(payload)));
    hf_buf_put_c(&text, ".");
    hf_buf_put_c(&text, signature);
    hf_str copy = hf_arena_dup_str(s.arena, hf_buf_str(&text));
    hf_buf_done(&text);
    return copy;
}

/* The payload that support_token() would be right with, and the header with this alg. */
static const char *right_payload(void)
{
    hf_str claims = support_claims(&s, &app);
    return hf_arena_printf(s.arena, "{%.*s,\"exp\":%lld}", HF_STR_ARG(claims),
                           (long long)seconds(s.now + SUPPORT_LIFETIME))
        .p;
}

static const char *header_with(const char *algorithm)
{
    const struct access_signing_keys *keys = NULL;
    EXPECT_OK(access_view_signing_keys(s.view, s.txn, &keys));
    return hf_arena_printf(s.arena, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"kid\":\"%.*s\"}", algorithm,
                           ACCESS_KID_BYTES, keys->items[0].kid)
        .p;
}

static void test_token_not_a_token_is_malformed(void **state HF_UNUSED)
{
    static const char *const rows[] = {
        "", "x", "..", "a.b.c", "e30.e30.", "e30.e30", ".e30.AAAA"
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
        EXPECT_ERR(HF_E_TOKEN_MALFORMED, support_verify(&s, hf_str_from_c(rows[i])));
    char *large = (char *)hf_arena_alloc(s.arena, CRYPTO_JWT_MAX_BYTES + 1);
    memset(large, 'a', CRYPTO_JWT_MAX_BYTES + 1);
    EXPECT_ERR(HF_E_TOKEN_MALFORMED,
               support_verify(&s, (hf_str){ large, CRYPTO_JWT_MAX_BYTES + 1 }));
}

static void test_token_unsigned_is_malformed(void **state HF_UNUSED)
{
    static const char *const algorithms[] = { "none",  "None",  "NONE",  "",   "HS256",
                                              "HS384", "HS512", "rs256", "RS1" };
    static const char *const signatures[] = { "", "AAAA" };
    for (size_t i = 0; i < HF_ARRAY_LEN(algorithms); i++) {
        for (size_t j = 0; j < HF_ARRAY_LEN(signatures); j++)
            EXPECT_ERR(HF_E_TOKEN_MALFORMED,
                       support_verify(&s, token_of_payload(header_with(algorithms[i]),
                                                           right_payload(), signatures[j])));
    }
}

static void test_token_other_algorithm_of_the_right_key_is_refused(void **state HF_UNUSED)
{
    const struct access_signing_keys *keys = NULL;
    EXPECT_OK(access_view_signing_keys(s.view, s.txn, &keys));
    const struct crypto_key *key = keys->items[0].key;
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
               support_verify(
                   &s, support_sign(&s, key, CRYPTO_PS256, header_with("PS256"), right_payload())));
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
               support_verify(
                   &s, support_sign(&s, key, CRYPTO_PS256, header_with("RS256"), right_payload())));
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
               support_verify(
                   &s, support_sign(&s, key, CRYPTO_RS512, header_with("RS512"), right_payload())));
    EXPECT_OK(support_verify(
        &s, support_sign(&s, key, CRYPTO_RS256, header_with("RS256"), right_payload())));
}

static void test_token_of_wrong_key_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *ec = NULL;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *rsa = NULL;
    EXPECT_OK(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &ec));
    EXPECT_OK(crypto_key_generate_rsa(2048, &rsa));
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
               support_verify(
                   &s, support_sign(&s, ec, CRYPTO_ES256, header_with("ES256"), right_payload())));
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
               support_verify(
                   &s, support_sign(&s, rsa, CRYPTO_RS256, header_with("RS256"), right_payload())));
}

static void test_token_of_wrong_kid_is_refused(void **state HF_UNUSED)
{
    const struct access_signing_keys *keys = NULL;
    EXPECT_OK(access_view_signing_keys(s.view, s.txn, &keys));
    static const char *const headers[] = {
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"kid\":\"\"}",
        "{\"alg\":\"RS256\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(headers); i++)
        EXPECT_ERR(HF_E_TOKEN_SIGNATURE,
                   support_verify(&s, support_sign(&s, keys->items[0].key, CRYPTO_RS256, headers[i],
                                                   right_payload())));
}

static void test_token_changed_anywhere_is_refused(void **state HF_UNUSED)
{
    hf_str token = support_token(&s, &app);
    EXPECT_OK(support_verify(&s, token));
    for (size_t i = 0; i < token.n; i += 41) {
        hf_str changed = hf_arena_dup_str(s.arena, token);
        char *at = (char *)hf_arena_alloc(s.arena, token.n);
        memcpy(at, changed.p, token.n);
        at[i] = at[i] == 'A' ? 'B' : 'A';
        hf_err err = support_verify(&s, (hf_str){ at, token.n });
        assert_true(err == HF_E_TOKEN_SIGNATURE || err == HF_E_TOKEN_MALFORMED ||
                    err == HF_E_TOKEN_ISSUER);
    }
}

#define RIGHT_ISS "\"iss\":\"https://sts.windows.net/" SUPPORT_TENANT "/\""
#define RIGHT_AUD "\"aud\":\"" SUPPORT_AUDIENCE "\""
#define RIGHT_TID "\"tid\":\"" SUPPORT_TENANT "\""
#define RIGHT_EXP "\"exp\":4000000000"
#define OID "\"oid\":\"%s\""
#define OTHER "11111111-2222-4333-8444-555555555555"

static const struct {
    const char *payload; /* with the object id */
    hf_err err;
    const char *text; /* of the diag */
} wrong_claims[] = {
    { "{" RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP "," OID "}", HF_E_TOKEN_ISSUER, "" },
    { "{" RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP "," OID ",\"iss\":\"https://sts.windows.net/" OTHER
      "/\"}",
      HF_E_TOKEN_ISSUER, "https://sts.windows.net/" OTHER "/" },
    { "{" RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP "," OID
      ",\"iss\":\"https://sts.windows.net/" SUPPORT_TENANT "\"}",
      HF_E_TOKEN_ISSUER, "https://sts.windows.net/" SUPPORT_TENANT },
    { "{" RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP "," OID ",\"iss\":1}", HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_EXP "," OID "}", HF_E_TOKEN_ISSUER,
      "https://sts.windows.net/" SUPPORT_TENANT "/" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_EXP "," OID ",\"tid\":\"" OTHER "\"}",
      HF_E_TOKEN_ISSUER, "https://sts.windows.net/" SUPPORT_TENANT "/" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID "}", HF_E_TOKEN_AUDIENCE, "" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID ",\"aud\":\"\"}", HF_E_TOKEN_AUDIENCE, "" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID ",\"aud\":\"https://vault.example\"}",
      HF_E_TOKEN_AUDIENCE, "https://vault.example" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID ",\"aud\":\"" SUPPORT_AUDIENCE "//\"}",
      HF_E_TOKEN_AUDIENCE, SUPPORT_AUDIENCE "//" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID
      ",\"aud\":[\"https://a.example\",\"https://b.example\"]}",
      HF_E_TOKEN_AUDIENCE, "https://a.example" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID ",\"aud\":[1,{}]}", HF_E_TOKEN_AUDIENCE,
      "" },
    { "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP "," OID ",\"aud\":{}}", HF_E_TOKEN_AUDIENCE, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," OID "}", HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," OID ",\"exp\":\"4000000000\"}",
      HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," OID ",\"exp\":-1.5}", HF_E_TOKEN_MALFORMED,
      "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," OID ",\"exp\":1e300}", HF_E_TOKEN_MALFORMED,
      "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," OID ",\"exp\":-1}", HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," OID ",\"exp\":9223372036854775807}",
      HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP "," OID ",\"nbf\":\"0\"}",
      HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP ",\"x\":\"%s\"}",
      HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP ",\"sub\":\"%s\"}",
      HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP ",\"oid\":\"x%s\"}",
      HF_E_TOKEN_MALFORMED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP ",\"oid\":\"" OTHER
      "\",\"x\":\"%s\"}",
      HF_E_UNAUTHENTICATED, "" },
    { "{" RIGHT_ISS "," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP "," OID ",\"exp\":1}",
      HF_E_TOKEN_MALFORMED, "" },
    { "[\"%s\"]", HF_E_TOKEN_MALFORMED, "" },
};

static void test_token_wrong_claims_are_refused(void **state HF_UNUSED)
{
    char oid[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&app.object_id, oid);
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong_claims); i++) {
        /* each row has exactly one %s */
        const char *at = strstr(wrong_claims[i].payload, "%s");
        assert_non_null(at);
        hf_str payload = hf_arena_printf(s.arena, "%.*s%s%s", (int)(at - wrong_claims[i].payload),
                                         wrong_claims[i].payload, oid, at + 2);
        hf_err err = support_verify(&s, support_sign_own(&s, payload.p));
        if (err != wrong_claims[i].err)
            fail_msg("row %zu: %s instead of %s", i, hf_err_name(err),
                     hf_err_name(wrong_claims[i].err));
        assert_string_equal(s.diag.text, wrong_claims[i].text);
    }
}

static void test_token_audience_forms_are_accepted(void **state HF_UNUSED)
{
    static const char *const rows[] = {
        "\"" SUPPORT_AUDIENCE "\"",
        "\"" SUPPORT_AUDIENCE "/\"",
        "\"https://vault.azure.net\"",
        "\"https://vault.azure.net/\"",
        "\"cfa8b339-82a2-471a-a3c9-0fc0be7a4093\"",
        "[\"https://other.example\",\"https://vault.azure.net\"]",
    };
    char oid[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&app.object_id, oid);
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_str payload = hf_arena_printf(
            s.arena, "{" RIGHT_ISS "," RIGHT_TID "," RIGHT_EXP ",\"oid\":\"%s\",\"aud\":%s}", oid,
            rows[i]);
        EXPECT_OK(support_verify(&s, support_sign_own(&s, payload.p)));
    }
}

static void test_token_version_2_issuer_is_accepted(void **state HF_UNUSED)
{
    char oid[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&app.object_id, oid);
    hf_str payload = hf_arena_printf(s.arena,
                                     "{\"iss\":\"" SUPPORT_LOGIN "/" SUPPORT_TENANT
                                     "/v2.0\"," RIGHT_AUD "," RIGHT_TID "," RIGHT_EXP
                                     ",\"oid\":\"%s\",\"azp\":\"x\",\"azpacr\":\"1\"}",
                                     oid);
    const struct access_caller *caller = NULL;
    EXPECT_OK(access_token_verify(s.view, s.txn, support_sign_own(&s, payload.p), s.now, s.arena,
                                  NULL, &caller));
    assert_true(hf_str_equal(caller->appid, HF_LIT("x")));
    assert_true(hf_str_equal(caller->appidacr, HF_LIT("1")));
    access_caller_release(s.view, caller);
}

/* Both at first sight and from the cache: the view remembers the token after the first success. */
static void test_token_time_boundaries(void **state HF_UNUSED)
{
    int64_t exp = seconds(s.now) + 1000;
    int64_t nbf = seconds(s.now) + 500;
    hf_usec last = hf_usec_from_seconds(exp) + SUPPORT_SKEW;
    hf_usec first = hf_usec_from_seconds(nbf) - SUPPORT_SKEW;
    const struct {
        hf_usec now;
        hf_err err;
    } rows[] = {
        { first - 1, HF_E_TOKEN_NOT_YET_VALID },
        { last, HF_E_TOKEN_EXPIRED },
        { last + HF_USEC_PER_DAY, HF_E_TOKEN_EXPIRED },
        { first, HF_OK },
        { last - 1, HF_OK },
        { first - 1, HF_E_TOKEN_NOT_YET_VALID },
        { first, HF_OK },
        { last, HF_E_TOKEN_EXPIRED },
        { last, HF_E_TOKEN_EXPIRED },
    };
    hf_str token = token_with_times(exp, nbf);
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        s.now = rows[i].now;
        EXPECT_ERR(rows[i].err, support_verify(&s, token));
    }
}

static void test_token_without_nbf_is_accepted(void **state HF_UNUSED)
{
    EXPECT_OK(support_verify(&s, token_with_times(seconds(s.now) + 10, INT64_MIN)));
    EXPECT_ERR(HF_E_TOKEN_EXPIRED, support_verify(&s, token_with_times(0, INT64_MIN)));
}

static void apply(hf_err made, struct access_command *command)
{
    EXPECT_OK(made);
    EXPECT_OK(support_apply(&s, command));
}

static void test_token_of_disabled_principal_is_refused_though_cached(void **state HF_UNUSED)
{
    hf_str token = support_token(&s, &app);
    EXPECT_OK(support_verify(&s, token));
    EXPECT_OK(support_verify(&s, token));
    struct access_command *command = NULL;
    hf_err err = access_principal_set_enabled(s.engine, &app.object_id, false, s.arena, &command);
    apply(err, command);
    EXPECT_ERR(HF_E_UNAUTHENTICATED, support_verify(&s, token));
    err = access_principal_set_enabled(s.engine, &app.object_id, true, s.arena, &command);
    apply(err, command);
    EXPECT_OK(support_verify(&s, token));
    err = access_principal_delete(s.engine, &app.object_id, s.arena, &command);
    apply(err, command);
    EXPECT_ERR(HF_E_UNAUTHENTICATED, support_verify(&s, token));
}

/* A snapshot taken before the change still answers as before, one taken after it never does. */
static void test_token_old_snapshot_does_not_spoil_the_cache(void **state HF_UNUSED)
{
    hf_str token = support_token(&s, &app);
    struct store_reader *reader = NULL;
    struct store_txn *old = NULL;
    EXPECT_OK(store_reader_new(s.store, &reader));
    struct access_command *command = NULL;
    EXPECT_OK(access_principal_set_enabled(s.engine, &app.object_id, false, s.arena, &command));
    EXPECT_OK(store_read_begin(reader, &old));
    EXPECT_OK(support_apply(&s, command));
    const struct access_caller *caller = NULL;
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(access_token_verify(s.view, old, token, s.now, s.arena, NULL, &caller));
        access_caller_release(s.view, caller);
        EXPECT_ERR(HF_E_UNAUTHENTICATED, support_verify(&s, token));
    }
    store_read_end(old);
    store_reader_free(reader);
}

static void test_token_prepare_wrong_resource_is_refused(void **state HF_UNUSED)
{
    static const char *const rows[] = { "", "https://vault.example", "https://graph.example",
                                        "https://vault.azure.net//" };
    const struct access_client client = { .principal = app, .appidacr = HF_LIT("1") };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        struct access_token_order order;
        EXPECT_ERR(HF_E_TOKEN_AUDIENCE,
                   access_token_prepare(s.view, s.txn, &client, hf_str_from_c(rows[i]), s.now,
                                        s.arena, &order));
    }
}

static void test_token_prepare_without_key_is_unavailable(void **state HF_UNUSED)
{
    struct support fresh;
    support_open(&fresh, NULL, 0);
    const struct access_client client = { .principal = app, .appidacr = HF_LIT("1") };
    struct access_token_order order;
    EXPECT_ERR(HF_E_UNAVAILABLE,
               access_token_prepare(fresh.view, fresh.txn, &client, HF_LIT(SUPPORT_AUDIENCE),
                                    fresh.now, fresh.arena, &order));
    support_close(&fresh);
}

static void expect_text(const struct hf_json *payload, const char *name, const char *value)
{
    hf_str found = hf_json_str(hf_json_member(payload, name));
    if (!hf_str_equal(found, hf_str_from_c(value)))
        fail_msg("%s: %.*s instead of %s", name, HF_STR_ARG(found), value);
}

static void test_token_says_what_key_vault_expects(void **state HF_UNUSED)
{
    const struct access_client client = { .principal = app, .appidacr = HF_LIT("2") };
    struct access_token_order order;
    EXPECT_OK(access_token_prepare(s.view, s.txn, &client, HF_LIT(SUPPORT_AUDIENCE "/"), s.now,
                                   s.arena, &order));
    assert_true(order.expires == s.now + SUPPORT_LIFETIME);
    assert_true(order.issued == s.now - 300 * HF_USEC_PER_SEC);
    access_token_sign(&order);
    EXPECT_OK(order.result);
    struct crypto_jwt jwt = { .header = NULL };
    EXPECT_OK(crypto_jwt_parse(hf_buf_str(&order.text), false, s.arena, &jwt));
    assert_int_equal(jwt.algorithm, CRYPTO_RS256);
    assert_true(hf_str_equal(jwt.kid, jwt.x5t));
    assert_int_equal(jwt.kid.n, ACCESS_KID_BYTES);
    expect_text(jwt.header, "typ", "JWT");
    char oid[HF_UUID_TEXT_BYTES + 1];
    char client_id[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&app.object_id, oid);
    hf_uuid_format(&app.client_id, client_id);
    expect_text(jwt.payload, "aud", SUPPORT_AUDIENCE "/");
    expect_text(jwt.payload, "iss", "https://sts.windows.net/" SUPPORT_TENANT "/");
    expect_text(jwt.payload, "idp", "https://sts.windows.net/" SUPPORT_TENANT "/");
    expect_text(jwt.payload, "appid", client_id);
    expect_text(jwt.payload, "appidacr", "2");
    expect_text(jwt.payload, "idtyp", "app");
    expect_text(jwt.payload, "oid", oid);
    expect_text(jwt.payload, "sub", oid);
    expect_text(jwt.payload, "tid", SUPPORT_TENANT);
    expect_text(jwt.payload, "ver", "1.0");
    assert_int_equal(hf_json_str(hf_json_member(jwt.payload, "uti")).n, 22);
    int64_t issued = seconds(s.now) - 300;
    assert_int_equal(hf_json_int(hf_json_member(jwt.payload, "iat")), issued);
    assert_int_equal(hf_json_int(hf_json_member(jwt.payload, "nbf")), issued);
    assert_int_equal(hf_json_int(hf_json_member(jwt.payload, "exp")), issued + 3900);
    EXPECT_OK(support_verify(&s, hf_buf_str(&order.text)));
    crypto_jwt_done(&jwt);
    access_token_order_done(&order);
}

static void test_token_caller_tells_the_claims(void **state HF_UNUSED)
{
    hf_str token = support_token(&s, &app);
    char oid[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&app.object_id, oid);
    for (int i = 0; i < 2; i++) { /* new, then from the cache */
        const struct access_caller *caller = NULL;
        EXPECT_OK(access_token_verify(s.view, s.txn, token, s.now, s.arena, NULL, &caller));
        assert_true(hf_uuid_equal(&caller->object_id, &app.object_id));
        assert_true(hf_uuid_equal(&caller->tenant, access_tenant(s.engine)));
        assert_true(hf_str_equal(caller->oid, hf_str_from_c(oid)));
        assert_true(hf_str_equal(caller->appidacr, HF_LIT("1")));
        assert_true(hf_str_equal(caller->idtyp, HF_LIT("app")));
        assert_true(hf_str_equal(caller->issuer, access_issuer_v1(s.engine)));
        assert_int_equal(caller->upn.n + caller->scp.n + caller->group_count, 0);
        assert_true(caller->expires == s.now + SUPPORT_LIFETIME);
        access_caller_release(s.view, caller);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_token_not_a_token_is_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_unsigned_is_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_other_algorithm_of_the_right_key_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_of_wrong_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_of_wrong_kid_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_changed_anywhere_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_wrong_claims_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_audience_forms_are_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_version_2_issuer_is_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_time_boundaries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_without_nbf_is_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_of_disabled_principal_is_refused_though_cached,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_old_snapshot_does_not_spoil_the_cache, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_token_prepare_wrong_resource_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_token_prepare_without_key_is_unavailable, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_token_says_what_key_vault_expects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token_caller_tells_the_claims, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
