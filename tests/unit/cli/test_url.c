/* SPDX-License-Identifier: Apache-2.0 */
/* https URLs. */
#include "support.h"

#include "cli/url.h"

static void test_url_wrong_text_is_refused(void **state HF_UNUSED)
{
    static const char *const cases[] = {
        "",
        "https://",
        "http://a.example",
        "ftp://a.example",
        "//a.example",
        "a.example",
        "https:/a.example",
        "https://:443",
        "https://a.example:0",
        "https://a.example:",
        "https://a.example:65536",
        "https://a.example:44x",
        "https://a.example:-1",
        "https://user@a.example",
        "https://user:pw@a.example",
        "https://a.example\\@b.example",
        "https://a.example/x#y",
        "https://a.example#y",
        "https://a.example/a b",
        "https://a.example/\r\nx: y",
        "https://a.exa mple",
        "https://a.example%2eb",
        "https://.example",
        "https://[::1",
        "https://[::1]x",
        "https://[]",
        "https://[::1%25eth0]",
        "https://\xc3\xa4.example",
        "https://a.example/\xc3\xa4",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_url url = { .port = 7 };
        assert_int_equal(cli_url_parse(hf_str_from_c(cases[i]), &url), HF_E_INVALID);
        assert_int_equal(url.port, 7);
    }
}

static void test_url_parts_are_found(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        const char *target;
    } cases[] = {
        { "https://dev.vault.example.org", "dev.vault.example.org", 443, "" },
        { "HTTPS://Dev.Example/", "Dev.Example", 443, "/" },
        { "https://a.example:8443/secrets?x=1", "a.example", 8443, "/secrets?x=1" },
        { "https://a.example?x=/y", "a.example", 443, "?x=/y" },
        { "https://127.0.0.1:1", "127.0.0.1", 1, "" },
        { "https://[::1]:8443/a:b", "[::1]", 8443, "/a:b" },
        { "https://[::1]", "[::1]", 443, "" },
        { "https://a.example/user@b.example", "a.example", 443, "/user@b.example" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_url url;
        assert_int_equal(cli_url_parse(hf_str_from_c(cases[i].text), &url), HF_OK);
        assert_text(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_text(url.target, cases[i].target);
    }
}

static void test_url_place_is_host_and_port(void **state HF_UNUSED)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } cases[] = {
        { "https://a.example", "https://A.EXAMPLE:443/x", true },
        { "https://a.example", "https://a.example:444", false },
        { "https://a.example", "https://b.a.example", false },
        { "https://a.example", "https://a.example.b", false },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct cli_url a;
        struct cli_url b;
        assert_int_equal(cli_url_parse(hf_str_from_c(cases[i].a), &a), HF_OK);
        assert_int_equal(cli_url_parse(hf_str_from_c(cases[i].b), &b), HF_OK);
        assert_int_equal(cli_url_same_place(&a, &b), cases[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_url_wrong_text_is_refused),
        cmocka_unit_test(test_url_parts_are_found),
        cmocka_unit_test(test_url_place_is_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
