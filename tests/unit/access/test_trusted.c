/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of trusted foreign issuers with pinned keys. */
#include "support.h"

#define ISSUER "https://idp.example/realm"
#define SINGLE_ISSUER "https://single.example"
#define PERSON "7f1d4a52-0c3e-4b8f-9a11-d2e9b7c65f01"
#define GROUP "a2b6f0d4-5c7e-4e19-8f3b-1d0c9e8a7b66"
#define OTHER_GROUP "a2b6f0d4-5c7e-4e19-8f3b-1d0c9e8a7b67"

static struct crypto_key *rsa;
static struct crypto_key *ec;
static struct crypto_key *pinned; /* its JWK says alg PS256 */
static char jwks[8192];
static char single_jwks[2048];
static struct support s;

static void write_jwk(struct hf_json_writer *w, const struct crypto_key *key, const char *kid,
                      const char *use, const char *algorithm)
{
    hf_jw_begin_object(w);
    if (kid != NULL)
        hf_jw_member_c(w, "kid", kid);
    if (use != NULL)
        hf_jw_member_c(w, "use", use);
    if (algorithm != NULL)
        hf_jw_member_c(w, "alg", algorithm);
    EXPECT_OK(crypto_key_write_jwk_members(key, w));
    hf_jw_end_object(w);
}

static void write_sets(void)
{
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, jwks, sizeof(jwks) - 1);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "keys");
    hf_jw_begin_array(&w);
    write_jwk(&w, rsa, "r", "sig", NULL);
    write_jwk(&w, ec, "e", NULL, NULL);
    write_jwk(&w, pinned, "p", "sig", "PS256");
    write_jwk(&w, rsa, "enc", "enc", NULL);
    write_jwk(&w, rsa, "oaep", NULL, "RSA-OAEP");
    hf_jw_raw(&w, HF_LIT("{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"h\"}"));
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    EXPECT_OK(hf_buf_err(&buf));
    jwks[buf.n] = '\0';

    hf_buf_init_fixed(&buf, single_jwks, sizeof(single_jwks) - 1);
    w = hf_json_writer_on(&buf);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "keys");
    hf_jw_begin_array(&w);
    write_jwk(&w, ec, NULL, NULL, NULL);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    EXPECT_OK(hf_buf_err(&buf));
    single_jwks[buf.n] = '\0';
}

static int make_keys(void **state HF_UNUSED)
{
    EXPECT_OK(crypto_init(NULL));
    EXPECT_OK(crypto_key_generate_rsa(2048, &rsa));
    EXPECT_OK(crypto_key_generate_rsa(2048, &pinned));
    EXPECT_OK(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &ec));
    write_sets();
    return 0;
}

static int free_keys(void **state HF_UNUSED)
{
    crypto_key_free(rsa);
    crypto_key_free(pinned);
    crypto_key_free(ec);
    return 0;
}

static int setup(void **state HF_UNUSED)
{
    const struct access_trusted_issuer issuers[] = { { ISSUER, jwks },
                                                     { SINGLE_ISSUER, single_jwks } };
    support_open(&s, issuers, HF_ARRAY_LEN(issuers));
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

#define CLAIMS(issuer, rest)                                                                       \
    "{\"iss\":\"" issuer "\",\"aud\":\"" SUPPORT_AUDIENCE "\",\"exp\":4000000000" rest "}"
#define RIGHT CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\"")

static void test_trusted_wrong_signatures_are_refused(void **state HF_UNUSED)
{
    const struct {
        const struct crypto_key *key;
        enum crypto_signature algorithm;
        const char *header;
    } rows[] = {
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\"}" }, /* no kid, several keys */
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"x\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"p\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"e\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"enc\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"oaep\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"PS256\",\"kid\":\"r\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS384\",\"kid\":\"r\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"ES256\",\"kid\":\"r\"}" },
        { rsa, CRYPTO_RS256, "{\"alg\":\"ES256\",\"kid\":\"e\"}" },
        { ec, CRYPTO_ES256, "{\"alg\":\"RS256\",\"kid\":\"e\"}" },
        { ec, CRYPTO_ES256, "{\"alg\":\"ES384\",\"kid\":\"e\"}" },
        { ec, CRYPTO_ES256, "{\"alg\":\"ES256\",\"kid\":\"r\"}" },
        { pinned, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"p\"}" }, /* JWK says PS256 */
        { pinned, CRYPTO_PS384, "{\"alg\":\"PS384\",\"kid\":\"p\"}" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_str token = support_sign(&s, rows[i].key, rows[i].algorithm, rows[i].header, RIGHT);
        hf_err err = support_verify(&s, token);
        if (err != HF_E_TOKEN_SIGNATURE)
            fail_msg("row %zu: %s", i, hf_err_name(err));
    }
}

static void test_trusted_symmetric_key_is_no_key(void **state HF_UNUSED)
{
    /* {"alg":"HS256","kid":"h"} */
    EXPECT_ERR(HF_E_TOKEN_MALFORMED,
               support_verify(&s, HF_LIT("eyJhbGciOiJIUzI1NiIsImtpZCI6ImgifQ.e30.AAAA")));
}

static void test_trusted_right_signatures_are_accepted(void **state HF_UNUSED)
{
    const struct {
        const struct crypto_key *key;
        enum crypto_signature algorithm;
        const char *header;
    } rows[] = {
        { rsa, CRYPTO_RS256, "{\"alg\":\"RS256\",\"kid\":\"r\"}" },
        { rsa, CRYPTO_RS512, "{\"alg\":\"RS512\",\"kid\":\"r\"}" },
        { rsa, CRYPTO_PS256, "{\"alg\":\"PS256\",\"kid\":\"r\"}" },
        { ec, CRYPTO_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}" },
        { pinned, CRYPTO_PS256, "{\"alg\":\"PS256\",\"kid\":\"p\"}" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
        EXPECT_OK(support_verify(
            &s, support_sign(&s, rows[i].key, rows[i].algorithm, rows[i].header, RIGHT)));
    /* the issuer's only key needs no kid */
    EXPECT_OK(support_verify(&s, support_sign(&s, ec, CRYPTO_ES256, "{\"alg\":\"ES256\"}",
                                              CLAIMS(SINGLE_ISSUER, ",\"oid\":\"" PERSON "\""))));
    EXPECT_ERR(
        HF_E_TOKEN_SIGNATURE,
        support_verify(&s, support_sign(&s, ec, CRYPTO_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
                                        CLAIMS(SINGLE_ISSUER, ",\"oid\":\"" PERSON "\""))));
}

static hf_err verify_payload(const char *payload)
{
    return support_verify(
        &s, support_sign(&s, ec, CRYPTO_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}", payload));
}

static void test_trusted_claims(void **state HF_UNUSED)
{
    static const struct {
        const char *payload;
        hf_err err;
    } rows[] = {
        { CLAIMS("https://idp.example/realm/", ",\"oid\":\"" PERSON "\""), HF_E_TOKEN_ISSUER },
        { CLAIMS("https://IDP.example/realm", ",\"oid\":\"" PERSON "\""), HF_E_TOKEN_ISSUER },
        { CLAIMS(ISSUER, ""), HF_E_TOKEN_MALFORMED },
        { CLAIMS(ISSUER, ",\"sub\":\"anna\""), HF_E_TOKEN_MALFORMED },
        { CLAIMS(ISSUER, ",\"oid\":\"anna\",\"sub\":\"" PERSON "\""), HF_E_TOKEN_MALFORMED },
        { CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\",\"tid\":\"" PERSON "\""), HF_E_TOKEN_ISSUER },
        { CLAIMS(ISSUER, ",\"sub\":\"" PERSON "\""), HF_OK },
        { CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\",\"sub\":\"anna\""), HF_OK },
        { CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\",\"tid\":\"" SUPPORT_TENANT "\""), HF_OK },
        { CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\",\"groups\":\"x\""), HF_OK },
        { CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\",\"groups\":[1,null,\"x\"]"), HF_OK },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_err err = verify_payload(rows[i].payload);
        if (err != rows[i].err)
            fail_msg("row %zu: %s", i, hf_err_name(err));
    }
}

/* An issuer cannot speak for this installation's own principals, neither as oid nor as group. */
static void test_trusted_cannot_name_own_principals(void **state HF_UNUSED)
{
    struct access_principal app = support_principal(&s, ACCESS_APPLICATION, "app");
    (void)support_assign(&s, &app.object_id, "Key Vault Administrator", "/");
    char oid[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&app.object_id, oid);
    hf_str payload = hf_arena_printf(s.arena, CLAIMS(ISSUER, ",\"oid\":\"%s\""), oid);
    EXPECT_ERR(HF_E_TOKEN_ISSUER, verify_payload(payload.p));
    assert_string_equal(s.diag.text, ISSUER);
    payload = hf_arena_printf(s.arena,
                              CLAIMS(ISSUER, ",\"oid\":\"" PERSON "\",\"groups\":[\"%s\"]"), oid);
    hf_str token = support_sign(&s, ec, CRYPTO_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
                                payload.p);
    struct access_decision decision = support_decide(&s, token, ACCESS_SECRETS_GET, SUPPORT_VAULT);
    assert_false(decision.allowed);
}

static void test_trusted_groups_count_in_decisions(void **state HF_UNUSED)
{
    const struct hf_uuid group = support_uuid(GROUP);
    const struct hf_uuid other = support_uuid(OTHER_GROUP);
    (void)support_assign(&s, &other, "Key Vault Administrator", "/");
    struct hf_uuid id = support_assign(&s, &group, "Key Vault Secrets User", SUPPORT_VAULT);
    hf_str token = support_sign(
        &s, ec, CRYPTO_ES256, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
        CLAIMS(ISSUER, ",\"upn\":\"anna@example\",\"scp\":\"user_impersonation\",\"oid\":\"" PERSON
                       "\",\"groups\":[\"admins\",\"" GROUP "\"]"));
    struct access_decision decision = support_decide(&s, token, ACCESS_SECRETS_GET,
                                                     SUPPORT_VAULT "/secrets/x");
    assert_true(decision.allowed);
    assert_true(hf_uuid_equal(&decision.assignment_id, &id));
    decision = support_decide(&s, token, ACCESS_SECRETS_SET, SUPPORT_VAULT "/secrets/x");
    assert_int_equal(decision.reason, ACCESS_DENIED_ROLE_LACKS);

    const struct access_caller *caller = NULL;
    EXPECT_OK(access_token_verify(s.view, s.txn, token, s.now, s.arena, NULL, &caller));
    assert_int_equal(caller->group_count, 1);
    assert_true(hf_uuid_equal(&caller->groups[0], &group));
    assert_true(hf_str_equal(caller->upn, HF_LIT("anna@example")));
    assert_true(hf_str_equal(caller->scp, HF_LIT("user_impersonation")));
    assert_true(hf_str_equal(caller->oid, HF_LIT(PERSON)));
    access_caller_release(s.view, caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trusted_wrong_signatures_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trusted_symmetric_key_is_no_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trusted_right_signatures_are_accepted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_trusted_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trusted_cannot_name_own_principals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trusted_groups_count_in_decisions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
