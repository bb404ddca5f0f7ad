/* SPDX-License-Identifier: Apache-2.0 */
/* Signing keys: the first one, rolling over with a moved clock, publishing. */
#include "support.h"

static struct support s;
static struct access_principal app;

static int setup(void **state HF_UNUSED)
{
    support_open(&s, NULL, 0);
    app = support_principal(&s, ACCESS_APPLICATION, "app");
    return 0;
}

static int teardown(void **state HF_UNUSED)
{
    support_close(&s);
    return 0;
}

/* True if something was due, and is done. */
static bool maintain(void)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_signing_key_maintain(s.view, s.txn, s.now, s.arena, &command));
    if (command == NULL)
        return false;
    EXPECT_OK(support_apply(&s, command));
    return true;
}

static size_t key_count(void)
{
    const struct access_signing_keys *keys = NULL;
    EXPECT_OK(access_view_signing_keys(s.view, s.txn, &keys));
    return keys->count;
}

/* kid of a token issued now, in the arena */
static hf_str signing_kid(void)
{
    struct crypto_jwt jwt = { .header = NULL };
    EXPECT_OK(crypto_jwt_parse(support_token(&s, &app), false, s.arena, &jwt));
    hf_str kid = hf_arena_dup_str(s.arena, jwt.kid);
    crypto_jwt_done(&jwt);
    return kid;
}

static void test_signing_key_is_made_once(void **state HF_UNUSED)
{
    assert_int_equal(key_count(), 0);
    assert_true(maintain());
    assert_false(maintain());
    assert_int_equal(key_count(), 1);
    s.now += SUPPORT_KEY_LIFETIME - HF_USEC_PER_DAY - 1;
    assert_false(maintain());
    assert_int_equal(key_count(), 1);
}

static void test_signing_key_rolls_over(void **state HF_UNUSED)
{
    hf_usec start = s.now;
    assert_true(maintain());
    hf_str first = signing_kid();

    /* a day ahead: published, not yet signing */
    s.now = start + SUPPORT_KEY_LIFETIME - HF_USEC_PER_DAY;
    assert_true(maintain());
    assert_false(maintain());
    assert_int_equal(key_count(), 2);
    assert_true(hf_str_equal(signing_kid(), first));

    s.now = start + SUPPORT_KEY_LIFETIME - 1;
    hf_str last_token = support_token(&s, &app);
    assert_true(hf_str_equal(signing_kid(), first));
    s.now = start + SUPPORT_KEY_LIFETIME;
    assert_false(hf_str_equal(signing_kid(), first));

    /* the old key verifies as long as its last token lives, and not longer */
    s.now = start + SUPPORT_KEY_LIFETIME + SUPPORT_LIFETIME + SUPPORT_SKEW - 2 * HF_USEC_PER_SEC;
    assert_false(maintain());
    EXPECT_OK(support_verify(&s, last_token));
    s.now = start + SUPPORT_KEY_LIFETIME + SUPPORT_LIFETIME + SUPPORT_SKEW;
    assert_true(support_verify(&s, last_token) != HF_OK);
    assert_true(maintain());
    assert_false(maintain());
    assert_int_equal(key_count(), 1);
    assert_false(hf_str_equal(signing_kid(), first));
}

/* Whoever has an old private key cannot make tokens that outlive it, cached or not. */
static void test_signing_key_retired_verifies_nothing(void **state HF_UNUSED)
{
    hf_usec start = s.now;
    assert_true(maintain());
    hf_str claims = support_claims(&s, &app);
    hf_str forever = support_sign_own(
        &s, hf_arena_printf(s.arena, "{%.*s,\"exp\":9000000000}", HF_STR_ARG(claims)).p);
    struct access_command *command = NULL;
    start += 1;
    s.now = start;
    EXPECT_OK(access_signing_key_rotate(s.engine, s.now, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    EXPECT_OK(support_verify(&s, forever));
    s.now = start + SUPPORT_LIFETIME + SUPPORT_SKEW;
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE, support_verify(&s, forever));
    assert_true(maintain());
    EXPECT_ERR(HF_E_TOKEN_SIGNATURE, support_verify(&s, forever));
}

static void test_signing_key_rotate_signs_at_once(void **state HF_UNUSED)
{
    assert_true(maintain());
    hf_str first = signing_kid();
    hf_str token = support_token(&s, &app);
    s.now += HF_USEC_PER_SEC;
    struct access_command *command = NULL;
    EXPECT_OK(access_signing_key_rotate(s.engine, s.now, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    assert_false(hf_str_equal(signing_kid(), first));
    EXPECT_OK(support_verify(&s, token));
    assert_int_equal(key_count(), 2);
}

/* The server was down when the key should have rolled over: the new one signs at once. */
static void test_signing_key_overdue_is_replaced(void **state HF_UNUSED)
{
    assert_true(maintain());
    hf_str first = signing_kid();
    s.now += 3 * SUPPORT_KEY_LIFETIME;
    assert_true(hf_str_equal(signing_kid(), first)); /* never without a key */
    assert_true(maintain());
    assert_false(hf_str_equal(signing_kid(), first));
    assert_int_equal(key_count(), 2);
    s.now += SUPPORT_LIFETIME + SUPPORT_SKEW;
    assert_true(maintain());
    assert_int_equal(key_count(), 1);
}

/* Verifies a token with nothing but the published document, as a client would. */
static void test_signing_key_jwks_verifies_tokens(void **state HF_UNUSED)
{
    struct hf_buf text;
    hf_buf_init(&text, 65536);
    EXPECT_OK(access_write_jwks(s.view, s.txn, HF_LIT("https://i.example"), &text));
    assert_true(hf_str_equal(hf_buf_str(&text), HF_LIT("{\"keys\":[]}")));
    assert_true(maintain());
    struct access_command *command = NULL;
    EXPECT_OK(access_signing_key_rotate(s.engine, s.now + 1, s.arena, &command));
    EXPECT_OK(support_apply(&s, command));
    hf_buf_reset(&text);
    EXPECT_OK(access_write_jwks(s.view, s.txn, HF_LIT("https://i.example"), &text));
    struct hf_json *set = NULL;
    EXPECT_OK(hf_json_parse(hf_buf_view(&text), NULL, &set));
    const struct hf_json *keys = hf_json_member(set, "keys");
    assert_int_equal(hf_json_size(keys), 2);
    hf_str kid = signing_kid();
    size_t verified = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct hf_json *jwk = hf_json_at(keys, i);
        hf_str jwk_kid = hf_json_str(hf_json_member(jwk, "kid"));
        assert_true(hf_str_equal(jwk_kid, hf_json_str(hf_json_member(jwk, "x5t"))));
        assert_true(hf_str_equal(hf_json_str(hf_json_member(jwk, "kty")), HF_LIT("RSA")));
        assert_true(hf_str_equal(hf_json_str(hf_json_member(jwk, "use")), HF_LIT("sig")));
        assert_true(
            hf_str_equal(hf_json_str(hf_json_member(jwk, "issuer")), HF_LIT("https://i.example")));
        assert_null(hf_json_member(jwk, "d"));
        hf_str x5c = hf_json_str(hf_json_at(hf_json_member(jwk, "x5c"), 0));
        struct hf_buf der;
        hf_buf_init(&der, 16384);
        EXPECT_OK(hf_base64_decode(x5c, &der));
        struct crypto_certificate_info info;
        EXPECT_OK(crypto_certificate_info(hf_buf_view(&der), &info));
        char sha1_text[64];
        struct hf_buf sha1;
        hf_buf_init_fixed(&sha1, sha1_text, sizeof(sha1_text));
        hf_buf_put_base64url(&sha1, (hf_bytes){ info.sha1, sizeof(info.sha1) });
        assert_true(hf_str_equal(hf_buf_str(&sha1), jwk_kid));
        hf_buf_done(&der);
        if (!hf_str_equal(jwk_kid, kid))
            continue;
        struct crypto_key *key = NULL;
        EXPECT_OK(crypto_key_from_jwk(jwk, &key));
        struct crypto_jwt jwt = { .header = NULL };
        EXPECT_OK(crypto_jwt_parse(support_token(&s, &app), false, s.arena, &jwt));
        EXPECT_OK(crypto_jwt_verify(&jwt, key));
        crypto_jwt_done(&jwt);
        crypto_key_free(key);
        verified++;
    }
    assert_int_equal(verified, 1);
    hf_json_free(set);
    hf_buf_done(&text);
}

/* Keys live in the store, not in the view. */
static void test_signing_key_survives_a_new_engine(void **state HF_UNUSED)
{
    assert_true(maintain());
    hf_str token = support_token(&s, &app);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(7);
    struct access_config config = support_config();
    config.store = s.store;
    config.root_key = root;
    struct access_engine *engine = NULL;
    struct access_view *view = NULL;
    EXPECT_OK(access_engine_new(&config, NULL, &engine));
    EXPECT_OK(access_view_new(engine, &view));
    const struct access_caller *caller = NULL;
    EXPECT_OK(access_token_verify(view, s.txn, token, s.now, s.arena, NULL, &caller));
    access_caller_release(view, caller);
    access_view_free(view);
    access_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signing_key_is_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_key_rolls_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_key_retired_verifies_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_key_rotate_signs_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_key_overdue_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_key_jwks_verifies_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_key_survives_a_new_engine, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
