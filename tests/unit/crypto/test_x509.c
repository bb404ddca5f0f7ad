/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: what is refused, what the issued ones contain, and that a strict verifier accepts the chain. */
#include "fixture.h"

#include "crypto/internal.h"
#include "crypto/x509.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#define Y2025 (INT64_C(1735689600) * HF_USEC_PER_SEC)
#define Y2049_LAST (INT64_C(2524607999) * HF_USEC_PER_SEC)
#define Y2050 (INT64_C(2524608000) * HF_USEC_PER_SEC)
#define Y2101 (INT64_C(4133980800) * HF_USEC_PER_SEC)
#define Y9999_LAST (INT64_C(253402300799) * HF_USEC_PER_SEC)

static struct crypto_key *ca_key;
static struct crypto_key *leaf_key;
static struct hf_buf ca_der;

static const char *const some_names[] = { "vault.localhost", "*.vault.localhost", NULL };
static const char *const some_addresses[] = { "127.0.0.1", "::1", NULL };

static struct crypto_certificate_request ca_request(void)
{
    return (struct crypto_certificate_request){
        .common_name = "Test CA",
        .not_before = Y2025,
        .not_after = Y2050,
        .is_ca = true,
    };
}

static struct crypto_certificate_request leaf_request(void)
{
    return (struct crypto_certificate_request){
        .common_name = "vault.localhost",
        .dns_names = some_names,
        .ip_addresses = some_addresses,
        .not_before = Y2025,
        .not_after = Y2050,
    };
}

static int start(void **state)
{
    hf_buf_init(&ca_der, TEST_BUF_MAX_BYTES);
    if (start_crypto(state) != 0 ||
        crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &leaf_key) != HF_OK ||
        crypto_key_generate_ec(CRYPTO_KEY_EC_P384, &ca_key) != HF_OK)
        return -1;
    struct crypto_certificate_request request = ca_request();
    return crypto_certificate_issue(&request, ca_key, NULL, (hf_bytes){ NULL, 0 }, &ca_der) == HF_OK
               ? 0
               : -1;
}

static int stop(void **state HF_UNUSED)
{
    crypto_key_free(ca_key);
    crypto_key_free(leaf_key);
    hf_buf_done(&ca_der);
    return 0;
}

static void issue_leaf(const struct crypto_certificate_request *request, struct hf_buf *out)
{
    EXPECT_OK(crypto_certificate_issue(request, leaf_key, ca_key, hf_buf_view(&ca_der), out));
}

static X509 *parse(const struct hf_buf *der)
{
    X509 *certificate = NULL;
    EXPECT_OK(crypto_x509_parse(hf_buf_view(der), &certificate));
    return certificate;
}

static void expect_request_refused(const char *name,
                                   const struct crypto_certificate_request *request)
{
    TEST_BUF(out);
    hf_err err = crypto_certificate_issue(request, leaf_key, ca_key, hf_buf_view(&ca_der), &out);
    if (err != HF_E_INVALID || out.n != 0)
        fail_msg("%s: %s", name, hf_err_name(err));
}

static void test_issue_bad_common_name_is_refused(void **state HF_UNUSED)
{
    static const char over[] = "12345678901234567890123456789012345678901234567890123456789012345";
    static const char *const names[] = { NULL, "", "\xff\xfe", over };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        struct crypto_certificate_request request = leaf_request();
        request.common_name = names[i];
        expect_request_refused("common name", &request);
    }
    struct crypto_certificate_request request = leaf_request();
    request.common_name = over + 1; /* 64: the limit */
    TEST_BUF(out);
    issue_leaf(&request, &out);
}

static void test_issue_bad_alternative_name_is_refused(void **state HF_UNUSED)
{
    static const char *const dns[] = { "", "a b", "a,DNS:b", "b\xc3\xbc.example", "a/b", "a\nb" };
    for (size_t i = 0; i < HF_ARRAY_LEN(dns); i++) {
        const char *const names[] = { "good.example", dns[i], NULL };
        struct crypto_certificate_request request = leaf_request();
        request.dns_names = names;
        expect_request_refused(dns[i], &request);
    }
    static const char *const ip[] = {
        "", "localhost", "256.0.0.1", "1.2.3", "::1::", "10.0.0.0/8"
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(ip); i++) {
        const char *const addresses[] = { ip[i], NULL };
        struct crypto_certificate_request request = leaf_request();
        request.ip_addresses = addresses;
        expect_request_refused(ip[i], &request);
    }
}

static void test_issue_bad_validity_is_refused(void **state HF_UNUSED)
{
    static const struct {
        hf_usec from;
        hf_usec until;
    } cases[] = { { Y2050, Y2025 }, { -1, Y2050 }, { Y2025, Y9999_LAST + HF_USEC_PER_SEC } };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct crypto_certificate_request request = leaf_request();
        request.not_before = cases[i].from;
        request.not_after = cases[i].until;
        expect_request_refused("validity", &request);
    }
}

static void test_issue_by_wrong_issuer_is_refused(void **state HF_UNUSED)
{
    struct crypto_certificate_request request = leaf_request();
    TEST_BUF(out);
    const hf_bytes none = { NULL, 0 };
    EXPECT_ERR(HF_E_INVALID, crypto_certificate_issue(&request, leaf_key, ca_key, none, &out));
    EXPECT_ERR(HF_E_INVALID,
               crypto_certificate_issue(&request, leaf_key, NULL, hf_buf_view(&ca_der), &out));
    EXPECT_ERR(HF_E_INVALID,
               crypto_certificate_issue(&request, leaf_key, leaf_key, hf_buf_view(&ca_der), &out));
    EXPECT_ERR(HF_E_INVALID, crypto_certificate_issue(&request, leaf_key, ca_key,
                                                      hf_str_bytes(HF_LIT("junk")), &out));
    assert_int_equal(out.n, 0);
    TEST_BUF(leaf);
    issue_leaf(&request, &leaf);
    EXPECT_ERR(HF_E_INVALID,
               crypto_certificate_issue(&request, ca_key, leaf_key, hf_buf_view(&leaf), &out));
}

static void test_issue_self_signed_needs_private_key(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *public_key = NULL;
    EXPECT_OK(crypto_certificate_key(hf_buf_view(&ca_der), &public_key));
    struct crypto_certificate_request request = ca_request();
    TEST_BUF(out);
    EXPECT_ERR(HF_E_INVALID,
               crypto_certificate_issue(&request, public_key, NULL, (hf_bytes){ NULL, 0 }, &out));
}

static void expect_unreadable(const char *name, hf_bytes text)
{
    TEST_BUF(out);
    hf_err err = crypto_certificate_read(text, &out);
    if (err != HF_E_INVALID || out.n != 0)
        fail_msg("%s: %s", name, hf_err_name(err));
}

static void test_read_garbage_is_refused(void **state HF_UNUSED)
{
    static const char *const texts[] = {
        "",
        "0",
        "text",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++)
        expect_unreadable(texts[i], hf_str_bytes(hf_str_from_c(texts[i])));
}

static void test_read_der_of_other_length_is_refused(void **state HF_UNUSED)
{
    for (size_t n = 0; n < ca_der.n; n++)
        expect_unreadable("cut", (hf_bytes){ ca_der.p, n });
    TEST_BUF(longer);
    hf_buf_put_bytes(&longer, hf_buf_view(&ca_der));
    hf_buf_put_u8(&longer, 0);
    expect_unreadable("longer", hf_buf_view(&longer));
    struct crypto_certificate_info info;
    EXPECT_ERR(HF_E_INVALID, crypto_certificate_info(hf_buf_view(&longer), &info));
    struct crypto_key *key = NULL;
    EXPECT_ERR(HF_E_INVALID, crypto_certificate_key(hf_buf_view(&longer), &key));
    TEST_BUF(pem);
    EXPECT_ERR(HF_E_INVALID, crypto_certificate_write_pem(hf_buf_view(&longer), &pem));
}

/* BER with a longer form of the outer length: the same certificate under another thumbprint. */
static void test_read_other_encoding_is_refused(void **state HF_UNUSED)
{
    assert_int_equal(ca_der.p[0], 0x30);
    assert_int_equal(ca_der.p[1], 0x82);
    TEST_BUF(ber);
    hf_buf_put_u8(&ber, 0x30);
    hf_buf_put_u8(&ber, 0x83);
    hf_buf_put_u8(&ber, 0);
    hf_buf_put(&ber, ca_der.p + 2, ca_der.n - 2);
    expect_unreadable("BER", hf_buf_view(&ber));
}

static void test_pem_round_trips(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf pem;
    hf_buf_init_secret(&pem, TEST_BUF_MAX_BYTES);
    EXPECT_OK(crypto_key_write_pem(ca_key, &pem)); /* other blocks may stand before it */
    EXPECT_OK(crypto_certificate_write_pem(hf_buf_view(&ca_der), &pem));
    TEST_BUF(der);
    EXPECT_OK(crypto_certificate_read(hf_buf_view(&pem), &der));
    assert_true(hf_bytes_equal(hf_buf_view(&der), hf_buf_view(&ca_der)));
    EXPECT_OK(crypto_certificate_read(hf_buf_view(&ca_der), &der));
    assert_int_equal(der.n, 2 * ca_der.n);
}

static void test_info_tells_validity_and_thumbprints(void **state HF_UNUSED)
{
    static const hf_usec ends[] = { Y2049_LAST, Y2050, Y2101, Y9999_LAST };
    for (size_t i = 0; i < HF_ARRAY_LEN(ends); i++) {
        struct crypto_certificate_request request = leaf_request();
        request.not_after = ends[i];
        TEST_BUF(der);
        issue_leaf(&request, &der);
        struct crypto_certificate_info info;
        EXPECT_OK(crypto_certificate_info(hf_buf_view(&der), &info));
        assert_true(info.not_before == Y2025 && info.not_after == ends[i]);
        uint8_t sha1[CRYPTO_SHA1_BYTES];
        EXPECT_OK(crypto_sha1(hf_buf_view(&der), sha1));
        assert_memory_equal(info.sha1, sha1, sizeof(sha1));
        hf_bytes part = hf_buf_view(&der);
        uint8_t sha256[CRYPTO_SHA256_BYTES];
        EXPECT_OK(crypto_sha256(&part, 1, sha256));
        assert_memory_equal(info.sha256, sha256, sizeof(sha256));
        HF_CLEANUP(X509_freep) X509 *certificate = parse(&der);
        assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(certificate)),
                         ends[i] < Y2050 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
    }
}

static void test_certificate_key_is_the_subjects(void **state HF_UNUSED)
{
    struct crypto_certificate_request request = leaf_request();
    TEST_BUF(der);
    issue_leaf(&request, &der);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    EXPECT_OK(crypto_certificate_key(hf_buf_view(&der), &key));
    assert_int_equal(EVP_PKEY_eq(key->pkey, leaf_key->pkey), 1);
    assert_false(key->has_private);
}

static bool is_critical(const X509 *certificate, int nid)
{
    int at = X509_get_ext_by_NID(certificate, nid, -1);
    assert_true(at >= 0);
    return X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 1;
}

static bool has(const X509 *certificate, int nid)
{
    return X509_get_ext_by_NID(certificate, nid, -1) >= 0;
}

static void test_issue_ca_has_the_extensions_of_a_ca(void **state HF_UNUSED)
{
    HF_CLEANUP(X509_freep) X509 *ca = parse(&ca_der);
    assert_int_equal(X509_get_version(ca), X509_VERSION_3);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_true(is_critical(ca, NID_basic_constraints));
    assert_true(is_critical(ca, NID_key_usage));
    assert_false(is_critical(ca, NID_subject_key_identifier));
    assert_false(is_critical(ca, NID_authority_key_identifier));
    assert_false(has(ca, NID_ext_key_usage));
    assert_false(has(ca, NID_subject_alt_name));
    assert_int_equal(X509_self_signed(ca, 1), 1);
}

static void test_issue_server_has_the_extensions_of_a_server(void **state HF_UNUSED)
{
    struct crypto_certificate_request request = leaf_request();
    TEST_BUF(der);
    issue_leaf(&request, &der);
    HF_CLEANUP(X509_freep) X509 *leaf = parse(&der);
    HF_CLEANUP(X509_freep) X509 *ca = parse(&ca_der);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    assert_true(is_critical(leaf, NID_basic_constraints));
    assert_true(is_critical(leaf, NID_key_usage));
    assert_false(is_critical(leaf, NID_subject_alt_name));
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(ca)), 0);
    assert_int_equal(X509_check_host(leaf, "vault.localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "dev.vault.localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "other.localhost", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.2", 0), 0);
}

static void test_issue_signer_is_self_signed_and_no_ca(void **state HF_UNUSED)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *rsa = NULL;
    EXPECT_OK(crypto_key_generate_rsa(2048, &rsa));
    const struct crypto_certificate_request request = {
        .common_name = "Token signer",
        .not_before = Y2025,
        .not_after = Y2050,
    };
    TEST_BUF(der);
    EXPECT_OK(crypto_certificate_issue(&request, rsa, NULL, (hf_bytes){ NULL, 0 }, &der));
    HF_CLEANUP(X509_freep) X509 *signer = parse(&der);
    assert_int_equal(X509_check_ca(signer), 0);
    assert_int_equal(X509_get_key_usage(signer), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_self_signed(signer, 1), 1);
    assert_false(has(signer, NID_ext_key_usage));
    assert_false(has(signer, NID_subject_alt_name));
}

static void test_issue_serials_are_long_positive_and_differ(void **state HF_UNUSED)
{
    struct crypto_certificate_request request = leaf_request();
    TEST_BUF(a);
    TEST_BUF(b);
    issue_leaf(&request, &a);
    issue_leaf(&request, &b);
    HF_CLEANUP(X509_freep) X509 *first = parse(&a);
    HF_CLEANUP(X509_freep) X509 *second = parse(&b);
    assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(first)), 16);
    assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(first)), V_ASN1_INTEGER);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
}

/* X509_V_FLAG_X509_STRICT checks the profile of RFC 5280. */
static int verify_chain(X509 *leaf, X509 *ca)
{
    X509_STORE *trusted = X509_STORE_new();
    assert_non_null(trusted);
    assert_int_equal(X509_STORE_add_cert(trusted, ca), 1);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_non_null(context);
    assert_int_equal(X509_STORE_CTX_init(context, trusted, leaf, NULL), 1);
    X509_VERIFY_PARAM *options = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(options, hf_usec_to_seconds(Y2025) + 60);
    assert_int_equal(X509_VERIFY_PARAM_set_flags(options, X509_V_FLAG_X509_STRICT), 1);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(options, X509_PURPOSE_SSL_SERVER), 1);
    (void)X509_verify_cert(context);
    int result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(trusted);
    return result;
}

static void test_issue_chain_passes_strict_verifier(void **state HF_UNUSED)
{
    struct crypto_certificate_request request = leaf_request();
    TEST_BUF(der);
    issue_leaf(&request, &der);
    HF_CLEANUP(X509_freep) X509 *leaf = parse(&der);
    HF_CLEANUP(X509_freep) X509 *ca = parse(&ca_der);
    assert_int_equal(verify_chain(leaf, ca), X509_V_OK);
}

static void test_x509_covers_hosts_as_clients_judge_them(void **state HF_UNUSED)
{
    static const struct {
        const char *host;
        bool is_covered;
    } rows[] = {
        { "localhost", false },
        { "evil.localhost", false },
        { "a.b.vault.localhost", false },
        { "avault.localhost", false },
        { "127.0.0.1", false }, /* is there, but as an address */
        { "vault.localhost", true },
        { "VAULT.localhost", true },
        { "payroll.vault.localhost", true },
    };
    struct hf_buf der;
    hf_buf_init(&der, TEST_BUF_MAX_BYTES);
    const struct crypto_certificate_request request = leaf_request();
    bool is_covered = true;
    EXPECT_ERR(HF_E_INVALID,
               crypto_certificate_covers(hf_buf_view(&der), "vault.localhost", &is_covered));
    issue_leaf(&request, &der);
    EXPECT_ERR(HF_E_INVALID, crypto_certificate_covers(hf_buf_view(&der), "", &is_covered));
    EXPECT_ERR(HF_E_INVALID,
               crypto_certificate_covers(hf_buf_view(&der), ".vault.localhost", &is_covered));
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        EXPECT_OK(crypto_certificate_covers(hf_buf_view(&der), rows[i].host, &is_covered));
        if (is_covered != rows[i].is_covered)
            fail_msg("%s", rows[i].host);
    }
    hf_buf_done(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issue_bad_common_name_is_refused),
        cmocka_unit_test(test_issue_bad_alternative_name_is_refused),
        cmocka_unit_test(test_issue_bad_validity_is_refused),
        cmocka_unit_test(test_issue_by_wrong_issuer_is_refused),
        cmocka_unit_test(test_issue_self_signed_needs_private_key),
        cmocka_unit_test(test_read_garbage_is_refused),
        cmocka_unit_test(test_read_der_of_other_length_is_refused),
        cmocka_unit_test(test_read_other_encoding_is_refused),
        cmocka_unit_test(test_pem_round_trips),
        cmocka_unit_test(test_info_tells_validity_and_thumbprints),
        cmocka_unit_test(test_certificate_key_is_the_subjects),
        cmocka_unit_test(test_issue_ca_has_the_extensions_of_a_ca),
        cmocka_unit_test(test_issue_server_has_the_extensions_of_a_server),
        cmocka_unit_test(test_issue_signer_is_self_signed_and_no_ca),
        cmocka_unit_test(test_issue_serials_are_long_positive_and_differ),
        cmocka_unit_test(test_issue_chain_passes_strict_verifier),
        cmocka_unit_test(test_x509_covers_hosts_as_clients_judge_them),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
