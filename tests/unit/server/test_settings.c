/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: what is wrong is refused with file, line (where there is one) and what is allowed.
 */
#include "support.h"

#include "server/installation.h"

#include <stdio.h>
#include <string.h>

#define REQUIRED "tls.certificate = c.pem\ntls.key = k.pem\n"

static hf_err load(const struct place *place, const char *text, struct hf_diag *diag,
                   struct server_settings *out)
{
    char path[512];
    place_write(place, "conf", text);
    place_path(place, "conf", path, sizeof(path));
    memset(diag, 0, sizeof(*diag));
    return server_settings_load(path, diag, out);
}

static void test_settings_wrong_ones_are_refused_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected; /* in the message */
    } wrong[] = {
        { REQUIRED "nonsense = 1\n", "conf:3: nonsense" },
        { REQUIRED "domain\n", "conf:3" },
        { REQUIRED "public_port = 65536\n", "conf:3: public_port" },
        { REQUIRED "public_port = x\n", "conf:3: public_port" },
        { REQUIRED "log.level = loud\n", "conf:3: log.level" },
        { REQUIRED "seal.kind = wax\n", "conf:3: seal.kind" },
        { REQUIRED "seal.argon2_memory = 7K\n", "conf:3: seal.argon2_memory" },
        { REQUIRED "seal.argon2_memory = 5G\n", "conf:3: seal.argon2_memory" },
        { REQUIRED "seal.argon2_memory = 31K\n", "conf: seal.argon2_memory" },
        { REQUIRED "seal.argon2_passes = 0\n", "conf:3: seal.argon2_passes" },
        { REQUIRED "seal.argon2_passes = 65\n", "conf:3: seal.argon2_passes" },
        { REQUIRED "seal.argon2_lanes = 65\n", "conf:3: seal.argon2_lanes" },
        { REQUIRED "seal.shares = 0\n", "conf:3: seal.shares" },
        { REQUIRED "seal.shares = 256\n", "conf:3: seal.shares" },
        { REQUIRED "seal.threshold = 0\n", "conf:3: seal.threshold" },
        { REQUIRED "seal.threshold = 1\n", "conf: seal.threshold" },
        { REQUIRED "seal.threshold = 6\n", "conf: seal.threshold" },
        { REQUIRED "seal.shares = 2\n", "conf: seal.threshold" },
        { REQUIRED "timeouts.idle = 5\n", "conf:3: timeouts.idle" },
        { REQUIRED "limits.header_size = 2G\n", "conf:3: limits.header_size" },
        { REQUIRED "domain = a\ndomain = b\n", "conf:4: domain" },
        { REQUIRED "domain = Example.org\n", "domain" },
        { REQUIRED "domain = a..b\n", "domain" },
        { "tls.key = k.pem\n", "tls.certificate" },
    };
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        struct hf_diag diag;
        struct server_settings settings;
        print_message("%s", wrong[i].text +
                                (strlen(wrong[i].text) > strlen(REQUIRED) ? strlen(REQUIRED) : 0));
        assert_int_not_equal(load(&place, wrong[i].text, &diag, &settings), HF_OK);
        if (strstr(diag.text, wrong[i].expected) == NULL)
            fail_msg("\"%s\" does not name \"%s\"", diag.text, wrong[i].expected);
        assert_non_null(strstr(diag.text, "conf"));
    }
    place_done(&place);
}

static void test_settings_missing_file_is_named(void **state)
{
    (void)state;
    struct hf_diag diag = { 0 };
    struct server_settings settings;
    assert_int_equal(server_settings_load("/nowhere/holdfast.conf", &diag, &settings),
                     HF_E_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nowhere/holdfast.conf"));
}

static void test_settings_paths_follow_the_data_folder(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct hf_diag diag;
    struct server_settings settings;
    assert_int_equal(load(&place, REQUIRED "data = /d\nlisten = [::1]:1\nlisten = 127.0.0.1:2\n",
                          &diag, &settings),
                     HF_OK);
    assert_string_equal(settings.admin_socket, "/d/admin.sock");
    assert_string_equal(settings.audit_folder, "/d/audit");
    assert_int_equal(settings.listen.count, 2);
    assert_string_equal(settings.listen.items[1], "127.0.0.1:2");
    place_done(&place);
}

/* Every kind of seal gets what it needs from the settings of its own. */
static void test_settings_of_the_seal_reach_it(void **state)
{
    (void)state;
    static const char *const kinds[] = { "key-file",   "systemd-credential",
                                         "passphrase", "shamir",
                                         "pkcs11",     "tpm2" };
    struct place place;
    place_init(&place);
    struct hf_diag diag;
    struct server_settings settings;
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), REQUIRED "seal.kind = %s\n", kinds[i]);
        assert_int_equal(load(&place, text, &diag, &settings), HF_OK);
        assert_string_equal(server_seal_config(&settings).kind, kinds[i]);
    }
    struct seal_config seal = server_seal_config(&settings);
    assert_int_equal(seal.argon2_memory_kib, 64 * 1024);
    assert_int_equal(seal.argon2_passes, 3);
    assert_int_equal(seal.argon2_lanes, 4);
    assert_int_equal(seal.shares, 5);
    assert_int_equal(seal.threshold, 3);
    assert_string_equal(seal.pkcs11_key, "holdfast");
    assert_string_equal(seal.tpm_tcti, "device:/dev/tpmrm0");
    assert_string_equal(seal.tpm_pcrs, "");

    assert_int_equal(load(&place,
                          REQUIRED "seal.key_file = /k\nseal.credential = c\n"
                                   "seal.argon2_memory = 16K\nseal.argon2_passes = 1\n"
                                   "seal.argon2_lanes = 2\nseal.shares = 255\n"
                                   "seal.threshold = 254\nseal.pkcs11_module = /m\n"
                                   "seal.pkcs11_token = t\nseal.pkcs11_key = a\n"
                                   "seal.pkcs11_pin_file = /p\n"
                                   "seal.tpm_tcti = swtpm:port=1\nseal.tpm_pcrs = sha256:7\n",
                          &diag, &settings),
                     HF_OK);
    seal = server_seal_config(&settings);
    assert_string_equal(seal.folder, settings.data);
    assert_string_equal(seal.key_file, "/k");
    assert_string_equal(seal.credential, "c");
    assert_int_equal(seal.argon2_memory_kib, 16);
    assert_int_equal(seal.argon2_passes, 1);
    assert_int_equal(seal.argon2_lanes, 2);
    assert_int_equal(seal.shares, 255);
    assert_int_equal(seal.threshold, 254);
    assert_string_equal(seal.pkcs11_module, "/m");
    assert_string_equal(seal.pkcs11_token, "t");
    assert_string_equal(seal.pkcs11_key, "a");
    assert_string_equal(seal.pkcs11_pin_file, "/p");
    assert_string_equal(seal.tpm_tcti, "swtpm:port=1");
    assert_string_equal(seal.tpm_pcrs, "sha256:7");
    place_done(&place);
}

/* Gives the settings that must be set a value: "name =" becomes "name = x". */
static void fill_in(hf_str example, struct hf_buf *out)
{
    hf_str line;
    while (hf_str_next(&example, '\n', &line)) {
        hf_buf_put_str(out, line);
        if (!hf_str_starts(line, HF_LIT("#")) && hf_str_ends(line, HF_LIT("=")))
            hf_buf_put_c(out, " x");
        hf_buf_put_u8(out, '\n');
    }
}

/* The example with every setting is itself a correct file, once the required ones are filled in. */
static void test_settings_example_is_accepted(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct hf_buf raw;
    struct hf_buf example;
    hf_buf_init(&raw, (size_t)256 * 1024);
    hf_buf_init(&example, (size_t)256 * 1024);
    hf_config_write_example(server_setting_rows, server_setting_count, &raw);
    fill_in(hf_buf_str(&raw), &example);
    hf_buf_done(&raw);
    hf_buf_put_u8(&example, 0);
    assert_int_equal(hf_buf_err(&example), HF_OK);
    struct hf_diag diag;
    struct server_settings settings;
    hf_err err = load(&place, (const char *)example.p, &diag, &settings);
    if (err != HF_OK)
        fail_msg("%s", diag.text);
    for (size_t i = 0; i < server_setting_count; i++)
        assert_non_null(strstr((const char *)example.p, server_setting_rows[i].name));
    hf_buf_done(&example);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_wrong_ones_are_refused_with_file_and_line),
        cmocka_unit_test(test_settings_missing_file_is_named),
        cmocka_unit_test(test_settings_paths_follow_the_data_folder),
        cmocka_unit_test(test_settings_of_the_seal_reach_it),
        cmocka_unit_test(test_settings_example_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
