/* SPDX-License-Identifier: Apache-2.0 */
/* Client authentication by a certificate's assertion. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_URL SUPPORT_LOGIN "/" SUPPORT_TENANT "/oauth2/v2.0/token"

static struct support s;
static struct access_principal app;
static struct crypto_key *key;   /* registered */
static struct crypto_key *other; /* not registered */
static struct crypto_certificate_info info;
static char x5t[64];
static char x5t_s256[64];
static char client_text[HF_UUID_TEXT_BYTES + 1];

static int make_keys(void **state HF_UNUSED)
{
    EXPECT_OK(crypto_init(NULL));
    EXPECT_OK(crypto_key_generate_rsa(2048, &key));
    EXPECT_OK(crypto_key_generate_rsa(2048, &other));
    return 0;
}

static int free_keys(void **state HF_UNUSED)
{
    crypto_key_free(key);
    crypto_key_free(other);
    return 0;
}

static void write_thumbprint(const uint8_t *bytes, size_t n, char *out, size_t size)
{
    struct hf_buf buf;
    memset(out, 0, size);
    hf_buf_init_fixed(&buf, out, size - 1);
    hf_buf_put_base64url(&buf, (hf_bytes){ bytes, n });
    EXPECT_OK(hf_buf_err(&buf));
}

/* Valid from a day before to a day after the start. */
static void register_certificate(void)
{
    const struct crypto_certificate_request request = {
        .common_name = "client",
        .not_before = s.now - HF_USEC_PER_DAY,
        .not_after = s.now + HF_USEC_PER_DAY,
    };
    struct hf_buf der;
    hf_buf_init(&der, ACCESS_CERTIFICATE_MAX_BYTES);
    EXPECT_OK(crypto_certificate_issue(&request, key, NULL, (hf_bytes){ NULL, 0 }, &der));
    EXPECT_OK(crypto_certificate_info(hf_buf_view(&der), &info));
    struct hf_buf pem;
    hf_buf_init(&pem, ACCESS_CERTIFICATE_MAX_BYTES);
    EXPECT_OK(crypto_certificate_write_pem(hf_buf_view(&der), &pem));
    struct access_command *command = NULL;
    EXPECT_OK(access_credential_add_certificate(s.engine, &app.object_id, hf_buf_view(&pem), s.now,
                                                s.arena, &s.diag, &command));
    EXPECT_OK(support_apply(&s, command));
    hf_buf_done(&pem);
    hf_buf_done(&der);
    write_thumbprint(info.sha1, sizeof(info.sha1), x5t, sizeof(x5t));
    write_thumbprint(info.sha256, sizeof(info.sha256), x5t_s256, sizeof(x5t_s256));
}

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    hf_uuid_format(&app.client_id, client_text);
    register_certificate();
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

static const char *header_of(const char *algorithm, const char *name, const char *thumbprint)
{
    return hf_arena_printf(s.arena, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"%s\":\"%s\"}", algorithm,
                           name, thumbprint)
        .p;
}

/* exp in seconds from now */
static const char *payload_of(const char *audience, int64_t exp)
{
    long long now = (long long)hf_usec_to_seconds(s.now);
    return hf_arena_printf(s.arena,
                           "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"nbf\":%lld,"
                           "\"exp\":%lld,\"jti\":\"a\"}",
                           audience, client_text, client_text, now, now + (long long)exp)
        .p;
}

static hf_err authenticate(hf_str assertion)
{
    struct access_client client;
    hf_err err = access_client_by_assertion(s.view, s.txn, &app.client_id, assertion, s.now,
                                            s.arena, &client);
    if (err == HF_OK) {
        assert_true(hf_uuid_equal(&client.principal.object_id, &app.object_id));
        assert_true(hf_str_equal(client.appidacr, HF_LIT("2")));
    }
    return err;
}

static hf_str right_assertion(void)
{
    return support_sign(&s, key, CRYPTO_RS256, header_of("RS256", "x5t", x5t),
                        payload_of(TOKEN_URL, 600));
}

static void test_assertion_malformed_is_refused(void **state HF_UNUSED)
{
    static const char *const payloads[] = {
        "{}",
        "{\"exp\":4000000000}",
        "{\"iss\":\"x\",\"sub\":\"x\",\"exp\":4000000000}",
        "{\"iss\":\"" SUPPORT_TENANT "\",\"exp\":4000000000}",
        "{\"iss\":\"" SUPPORT_TENANT "\",\"sub\":\"11111111-2222-4333-8444-555555555555\","
        "\"exp\":4000000000}",
        "{\"iss\":\"" SUPPORT_TENANT "\",\"sub\":\"" SUPPORT_TENANT "\"}",
        /* right in itself, but not the client that asks */
        "{\"iss\":\"" SUPPORT_TENANT "\",\"sub\":\"" SUPPORT_TENANT "\",\"exp\":4000000000}",
    };
    const char *header = header_of("RS256", "x5t", x5t);
    for (size_t i = 0; i < HF_ARRAY_LEN(payloads); i++)
        EXPECT_ERR(HF_E_TOKEN_MALFORMED,
                   authenticate(support_sign(&s, key, CRYPTO_RS256, header, payloads[i])));
    EXPECT_ERR(HF_E_TOKEN_MALFORMED, authenticate(HF_LIT("")));
    EXPECT_ERR(HF_E_TOKEN_MALFORMED, authenticate(HF_LIT("a.b.c")));
}

static void test_assertion_of_unknown_client_is_not_found(void **state HF_UNUSED)
{
    hf_str assertion = support_sign(&s, key, CRYPTO_RS256, header_of("RS256", "x5t", x5t),
                                    "{\"iss\":\"" SUPPORT_TENANT "\",\"sub\":\"" SUPPORT_TENANT
                                    "\",\"exp\":4000000000}");
    struct access_client client;
    EXPECT_ERR(HF_E_NOT_FOUND,
               access_client_by_assertion(s.view, s.txn, NULL, assertion, s.now, s.arena, &client));
}

static void test_assertion_wrong_certificate_is_refused(void **state HF_UNUSED)
{
    const char *payload = payload_of(TOKEN_URL, 600);
    const struct {
        const struct crypto_key *signer;
        const char *header;
    } rows[] = {
        { other, header_of("RS256", "x5t", x5t) },
        { key, header_of("RS256", "x5t", "AAAAAAAAAAAAAAAAAAAAAAAAAAA") },
        { key, header_of("RS256", "x5t", x5t_s256) },
        { key, header_of("RS256", "x5t#S256", x5t) },
        { key, header_of("RS256", "x5t#S256", "") },
        { key, header_of("RS256", "kid", "1") },
        { key, header_of("RS256", "typ2", "x") },
        /* both thumbprints must fit */
        { key,
          hf_arena_printf(s.arena, "{\"alg\":\"RS256\",\"x5t\":\"%s\",\"x5t#S256\":\"%.42sA\"}",
                          x5t, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
              .p },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_err err = authenticate(
            support_sign(&s, rows[i].signer, CRYPTO_RS256, rows[i].header, payload));
        if (err != HF_E_TOKEN_SIGNATURE)
            fail_msg("row %zu: %s", i, hf_err_name(err));
    }
    EXPECT_ERR(
        HF_E_TOKEN_SIGNATURE,
        authenticate(support_sign(&s, key, CRYPTO_PS256, header_of("RS256", "x5t", x5t), payload)));
}

static void test_assertion_outside_certificate_validity_is_refused(void **state HF_UNUSED)
{
    hf_usec start = s.now;
    s.now = start + HF_USEC_PER_DAY + HF_USEC_PER_SEC;
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE, authenticate(right_assertion()));
    s.now = start - HF_USEC_PER_DAY - HF_USEC_PER_SEC;
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE, authenticate(right_assertion()));
    s.now = start + HF_USEC_PER_DAY;
    EXPECT_OK(authenticate(right_assertion()));
}

static void test_assertion_audience(void **state HF_UNUSED)
{
    static const struct {
        const char *audience;
        hf_err err;
    } rows[] = {
        { "", HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN, HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN "/", HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN "0/" SUPPORT_TENANT, HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT "x", HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN "/11111111-2222-4333-8444-555555555555/v2.0", HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT "/oauth2/v2.0/token/x", HF_E_TOKEN_AUDIENCE },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT "/oauth2/authorize", HF_E_TOKEN_AUDIENCE },
        { "https://login.microsoftonline.com/" SUPPORT_TENANT "/v2.0", HF_E_TOKEN_AUDIENCE },
        { TOKEN_URL, HF_OK },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT "/oauth2/token", HF_OK },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT "/v2.0", HF_OK },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT, HF_OK },
        { SUPPORT_LOGIN "/" SUPPORT_TENANT "/", HF_OK },
        { SUPPORT_LOGIN "/common/oauth2/v2.0/token", HF_OK },
        { "HTTPS://Login.Vault.Example:8443/3E0D8A2C-9F41-4A6E-8D53-6B0F2A1C7E94/OAuth2/Token",
          HF_OK },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        hf_err err = authenticate(support_sign(&s, key, CRYPTO_RS256,
                                               header_of("RS256", "x5t", x5t),
                                               payload_of(rows[i].audience, 600)));
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].audience, hf_err_name(err));
    }
}

static void test_assertion_times(void **state HF_UNUSED)
{
    const int64_t day = 86400;
    const int64_t skew = 300;
    const char *header = header_of("RS256", "x5t", x5t);
    const struct {
        int64_t exp;
        hf_err err;
    } rows[] = {
        { -skew, HF_E_TOKEN_EXPIRED },
        { -skew + 1, HF_OK },
        { day + skew, HF_OK },
        { day + skew + 1, HF_E_TOKEN_NOT_YET_VALID },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
        EXPECT_ERR(rows[i].err, authenticate(support_sign(&s, key, CRYPTO_RS256, header,
                                                          payload_of(TOKEN_URL, rows[i].exp))));
    hf_str assertion = right_assertion();
    s.now -= skew * HF_USEC_PER_SEC;
    EXPECT_OK(authenticate(assertion));
    s.now -= 1;
    EXPECT_ERR(HF_E_TOKEN_NOT_YET_VALID, authenticate(assertion));
}

static void test_assertion_right_forms_are_accepted(void **state HF_UNUSED)
{
    char hex[2 * CRYPTO_SHA1_BYTES + 1];
    for (size_t i = 0; i < CRYPTO_SHA1_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02X", (unsigned)info.sha1[i]);
    const struct {
        enum crypto_signature algorithm;
        const char *header;
    } rows[] = {
        { CRYPTO_RS256, header_of("RS256", "x5t", x5t) },
        { CRYPTO_PS256, header_of("PS256", "x5t", x5t) },
        { CRYPTO_PS256, header_of("PS256", "x5t#S256", x5t_s256) },
        { CRYPTO_RS256, header_of("RS256", "kid", x5t) },
        { CRYPTO_RS256, header_of("RS256", "kid", x5t_s256) },
        { CRYPTO_RS256, header_of("RS256", "kid", hex) },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
        EXPECT_OK(authenticate(
            support_sign(&s, key, rows[i].algorithm, rows[i].header, payload_of(TOKEN_URL, 600))));
    /* the client is in the assertion */
    struct access_client client;
    EXPECT_OK(access_client_by_assertion(s.view, s.txn, NULL, right_assertion(), s.now, s.arena,
                                         &client));
}

/* Segments with base64 padding, as old releases of azure-identity send them: the signature is over the padded text. */
static void test_assertion_padded_is_accepted(void **state HF_UNUSED)
{
    const char *header = header_of("RS256", "x5t", x5t);
    const char *payload = payload_of(TOKEN_URL, 600);
    struct hf_buf text;
    hf_buf_init(&text, CRYPTO_JWT_MAX_BYTES);
    const char *parts[] = { header, payload };
    for (size_t i = 0; i < HF_ARRAY_LEN(parts); i++) {
        if (i > 0)
            hf_buf_put_c(&text, ".");
        size_t start = text.n;
        hf_buf_put_base64url(&text, hf_str_bytes(hf_str_from_c(parts[i])));
        while ((text.n - start) % 4 != 0)
            hf_buf_put_c(&text, "=");
    }
    struct hf_buf signature;
    hf_buf_init(&signature, 1024);
    EXPECT_OK(crypto_sign(key, CRYPTO_RS256, hf_buf_view(&text), &signature));
    hf_buf_put_c(&text, ".");
    hf_buf_put_base64url(&text, hf_buf_view(&signature));
    hf_buf_put_c(&text, "==");
    EXPECT_OK(hf_buf_err(&text));
    EXPECT_OK(authenticate(hf_buf_str(&text)));
    hf_buf_done(&signature);
    hf_buf_done(&text);
}

static void test_assertion_of_disabled_client_is_refused(void **state HF_UNUSED)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_principal_set_enabled(s.engine, &app.object_id, false, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    EXPECT_ERR(HF_E_DISABLED, authenticate(right_assertion()));
}

static void test_assertion_list_tells_the_certificate(void **state HF_UNUSED)
{
    struct access_credential *list = NULL;
    size_t count = 0;
    EXPECT_OK(access_credential_list(s.view, s.txn, &app.object_id, s.arena, &list, &count));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].kind, ACCESS_CERTIFICATE);
    assert_memory_equal(list[0].sha1, info.sha1, sizeof(info.sha1));
    assert_memory_equal(list[0].sha256, info.sha256, sizeof(info.sha256));
    assert_true(list[0].expires == info.not_after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_assertion_malformed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion_of_unknown_client_is_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_assertion_wrong_certificate_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_assertion_outside_certificate_validity_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion_audience, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion_right_forms_are_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion_padded_is_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_assertion_of_disabled_client_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_assertion_list_tells_the_certificate, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
