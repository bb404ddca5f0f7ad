/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals with a PKCS#11 token, which SoftHSM plays: wrong settings, PINs and keys, both ways of wrapping.
 */
#include "support.h"

#include "program.h"
#include "seal/pkcs11_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN "holdfast test"
#define PIN "471147"
#define KEY "holdfast seal"

/* HOLDFAST_WEAK_MODULE: the library without AES-GCM, from the build. */
static const char *softhsm;

struct token_place {
    struct place place;
    char pin_file[PATH_MAX];
    struct seal_config config;
};

static const char *find_softhsm(void)
{
    static const char *const paths[] = {
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    };
    const char *given = getenv("HOLDFAST_SOFTHSM");
    if (given != NULL)
        return given;
    for (size_t i = 0; i < HF_ARRAY_LEN(paths); i++) {
        if (access(paths[i], R_OK) == 0)
            return paths[i];
    }
    return NULL;
}

static void make_token(const char *label)
{
    const char *const arguments[] = { "softhsm2-util", "--init-token", "--free", "--label", label,
                                      "--so-pin",      "123456",       "--pin",  PIN,       NULL };
    assert_true(program_run(arguments));
}

static int set_up(void **state)
{
    struct token_place *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    place_make(&it->place);
    char path[PATH_MAX];
    char text[2 * PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/tokens", it->place.root);
    assert_int_equal(mkdir(path, 0700), 0);
    int n = snprintf(text, sizeof(text),
                     "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
                     path);
    (void)snprintf(path, sizeof(path), "%s/softhsm2.conf", it->place.root);
    write_file(path, (hf_bytes){ (const uint8_t *)text, (size_t)n });
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    (void)snprintf(it->pin_file, sizeof(it->pin_file), "%s/pin", it->place.root);
    write_file(it->pin_file, hf_str_bytes(HF_LIT(PIN "\n")));
    make_token(TOKEN);
    it->config = (struct seal_config){ .kind = "pkcs11",
                                       .folder = it->place.data,
                                       .pkcs11_module = softhsm,
                                       .pkcs11_token = TOKEN,
                                       .pkcs11_key = KEY,
                                       .pkcs11_pin_file = it->pin_file };
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    struct token_place *it = *state;
    place_remove(&it->place);
    free(it);
    return 0;
}

static void expect_init(const struct seal_config *config, hf_err expected, const char *field)
{
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    hf_err err = seal_init(config, NULL, &diag, &roots);
    if (err != expected)
        fail_msg("%s, not %s (%s)", hf_err_name(err), hf_err_name(expected), diag.text);
    assert_string_equal(diag.field, field);
    assert_true(diag.text[0] != '\0');
}

static void test_token_with_wrong_settings_is_refused(void **state)
{
    const struct token_place *it = *state;
    struct seal_config config = it->config;
    config.pkcs11_module = NULL;
    expect_init(&config, HF_E_INVALID, "seal.pkcs11_module");
    config.pkcs11_module = "/nowhere/libtoken.so";
    expect_init(&config, HF_E_UNAVAILABLE, "seal.pkcs11_module");
    config.pkcs11_module = "libm.so.6"; /* a library, but no token's */
    expect_init(&config, HF_E_UNAVAILABLE, "seal.pkcs11_module");
    config = it->config;
    config.pkcs11_token = "";
    expect_init(&config, HF_E_INVALID, "seal.pkcs11_token");
    config.pkcs11_token = "holdfast";
    expect_init(&config, HF_E_UNAVAILABLE, "seal.pkcs11_token");
    config = it->config;
    config.pkcs11_key = NULL;
    expect_init(&config, HF_E_INVALID, "seal.pkcs11_key");
    config = it->config;
    config.pkcs11_pin_file = NULL;
    expect_init(&config, HF_E_INVALID, "seal.pkcs11_pin_file");
    config.pkcs11_pin_file = "/nowhere/pin";
    expect_init(&config, HF_E_UNAVAILABLE, "seal.pkcs11_pin_file");
    assert_int_not_equal(access(it->place.seal, F_OK), 0);
    make_token(TOKEN);
    expect_init(&it->config, HF_E_INVALID, "seal.pkcs11_token"); /* two of that name */
}

static void test_token_with_wrong_pin_is_forbidden(void **state)
{
    const struct token_place *it = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&it->config, NULL, &made);
    write_file(it->pin_file, hf_str_bytes(HF_LIT("000000\n")));
    expect_open(&it->config, NULL, HF_E_FORBIDDEN, "wrong PIN");
    write_file(it->pin_file, hf_str_bytes(HF_LIT("")));
    expect_open(&it->config, NULL, HF_E_FORBIDDEN, "empty PIN");
    write_file(it->pin_file, hf_str_bytes(HF_LIT(PIN)));
    expect_open(&it->config, NULL, HF_OK, "without a line's end");
    assert_int_equal(chmod(it->pin_file, 0640), 0);
    expect_open(&it->config, NULL, HF_E_FORBIDDEN, "PIN file open to others");
}

/* Makes a key as somebody else might have, in a session of the same code. */
static void make_other_key(const struct seal_config *config, const char *label,
                           CK_BBOOL extractable, CK_ULONG size)
{
    HF_CLEANUP(seal_token_close) struct seal_token token = { 0 };
    assert_int_equal(seal_token_open(config, NULL, &token), HF_OK);
    CK_BBOOL yes = CK_TRUE;
    CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
    char text[64];
    (void)snprintf(text, sizeof(text), "%s", label);
    CK_ATTRIBUTE attributes[] = {
        { CKA_TOKEN, &yes, sizeof(yes) },       { CKA_PRIVATE, &yes, sizeof(yes) },
        { CKA_SENSITIVE, &yes, sizeof(yes) },   { CKA_EXTRACTABLE, &extractable, sizeof(yes) },
        { CKA_VALUE_LEN, &size, sizeof(size) }, { CKA_LABEL, text, strlen(text) },
        { CKA_ENCRYPT, &yes, sizeof(yes) },     { CKA_DECRYPT, &yes, sizeof(yes) },
    };
    CK_OBJECT_HANDLE key = 0;
    assert_int_equal(token.call->C_GenerateKey(token.session, &mechanism, attributes,
                                               HF_ARRAY_LEN(attributes), &key),
                     CKR_OK);
}

static void test_key_that_could_be_read_out_is_forbidden(void **state)
{
    const struct token_place *it = *state;
    struct seal_config config = it->config;
    make_other_key(&config, "loose", CK_TRUE, 32);
    config.pkcs11_key = "loose";
    expect_init(&config, HF_E_FORBIDDEN, "seal.pkcs11_key");
    make_other_key(&config, "short", CK_FALSE, 16);
    config.pkcs11_key = "short";
    expect_init(&config, HF_E_FORBIDDEN, "seal.pkcs11_key");
    make_other_key(&config, "twice", CK_FALSE, 32);
    make_other_key(&config, "twice", CK_FALSE, 32);
    config.pkcs11_key = "twice";
    expect_init(&config, HF_E_INVALID, "seal.pkcs11_key");
    make_other_key(&config, "good", CK_FALSE, 32);
    config.pkcs11_key = "good";
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, NULL, &made);
}

static void test_key_made_by_us_cannot_be_read_out(void **state)
{
    const struct token_place *it = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&it->config, NULL, &made);
    HF_CLEANUP(seal_token_close) struct seal_token token = { 0 };
    assert_int_equal(seal_token_open(&it->config, NULL, &token), HF_OK);
    CK_OBJECT_HANDLE key = 0;
    assert_int_equal(seal_token_find_key(&token, KEY, NULL, &key), HF_OK);
    uint8_t value[64];
    CK_ATTRIBUTE attribute = { CKA_VALUE, value, sizeof(value) };
    assert_int_equal(token.call->C_GetAttributeValue(token.session, key, &attribute, 1),
                     CKR_ATTRIBUTE_SENSITIVE);
    CK_BBOOL yes = CK_TRUE;
    attribute = (CK_ATTRIBUTE){ CKA_EXTRACTABLE, &yes, sizeof(yes) };
    assert_int_not_equal(token.call->C_SetAttributeValue(token.session, key, &attribute, 1),
                         CKR_OK);
}

/* Init, open, another key, no key, rekey to a key of another name. */
static void go_through(const struct token_place *it, struct seal_config config)
{
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    make_seal(&config, NULL, &made);
    open_seal(&config, NULL, &opened);
    assert_same_roots(&made, &opened);
    config.pkcs11_key = "another";
    expect_open(&config, NULL, HF_E_UNAVAILABLE, "no such key");
    make_other_key(&it->config, "another", CK_FALSE, 32);
    expect_open(&config, NULL, HF_E_FORBIDDEN, "another key");
    config.pkcs11_key = "new";
    assert_int_equal(seal_rekey(&config, NULL, &made, NULL), HF_OK);
    expect_open(&config, NULL, HF_OK, "the new key");
    config.pkcs11_key = it->config.pkcs11_key;
    expect_open(&config, NULL, HF_E_FORBIDDEN, "the old key");
}

static void test_token_seals_and_opens(void **state)
{
    const struct token_place *it = *state;
    go_through(it, it->config);
}

static void test_token_without_gcm_seals_and_opens(void **state)
{
    const struct token_place *it = *state;
    struct seal_config config = it->config;
    config.pkcs11_module = HOLDFAST_WEAK_MODULE;
    HF_CLEANUP(seal_token_close) struct seal_token token = { 0 };
    assert_int_equal(seal_token_open(&config, NULL, &token), HF_OK);
    assert_false(seal_token_can(&token, CKM_AES_GCM, CKF_ENCRYPT));
    seal_token_close(&token);
    go_through(it, config);
    /* the way is the seal's, not what the token can today */
    config.pkcs11_module = softhsm;
    config.pkcs11_key = "new";
    expect_open(&config, NULL, HF_OK, "with AES-GCM there again");
}

int main(void)
{
    softhsm = find_softhsm();
    if (softhsm == NULL || !program_is_there("softhsm2-util")) {
        (void)fprintf(stderr, "skipped: SoftHSM is not installed\n");
        return SKIPPED;
    }
    assert_int_equal(setenv("HOLDFAST_TEST_MODULE", softhsm, 1), 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_token_with_wrong_settings_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_token_with_wrong_pin_is_forbidden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_that_could_be_read_out_is_forbidden, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_key_made_by_us_cannot_be_read_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_token_seals_and_opens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_token_without_gcm_seals_and_opens, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("seal pkcs11", tests, place_set_up_library, NULL);
}
