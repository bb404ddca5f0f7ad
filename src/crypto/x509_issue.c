/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issuing certificates by the profile of RFC 5280 §4: version 3, random serial number, the extensions that strict
 * verifiers ask for.
 */
#include "crypto/internal.h"
#include "crypto/x509.h"

#include <openssl/x509v3.h>

#define SERIAL_BYTES 16
#define TIME_MAX_SECONDS INT64_C(253402300799) /* 9999-12-31T23:59:59Z: four digits of year */
#define DNS_NAME_MAX_CHARS 253                 /* RFC 1035 §2.3.4, as text */
#define CRITICAL 1
#define USUAL 0

/* Bits of keyUsage: RFC 5280 §4.2.1.3. */
#define USAGE_DIGITAL_SIGNATURE 0
#define USAGE_KEY_CERT_SIGN 5
#define USAGE_CRL_SIGN 6

HF_DEFINE_FREEP(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)
HF_DEFINE_FREEP(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
HF_DEFINE_FREEP(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
HF_DEFINE_FREEP(GENERAL_NAME, GENERAL_NAME_free)
HF_DEFINE_FREEP(GENERAL_NAMES, GENERAL_NAMES_free)

/* Who signs: the CA, or the certificate itself. */
struct issuer {
    const struct crypto_key *key;
    X509 *certificate; /* NULL: self-signed */
};

HF_MUST static hf_err add_extension(X509 *certificate, int nid, void *value, int critical)
{
    if (X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_DEFAULT) != 1)
        return crypto_err_take("x509");
    return HF_OK;
}

/* 128 bits, positive, always of full length: RFC 5280 §4.1.2.2 */
HF_MUST static hf_err set_serial(X509 *certificate)
{
    uint8_t octets[SERIAL_BYTES];
    hf_err err = crypto_random(octets, sizeof(octets));
    if (err != HF_OK)
        return err;
    octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40);
    HF_CLEANUP(BN_clear_freep) BIGNUM *number = BN_bin2bn(octets, SERIAL_BYTES, NULL);
    HF_CLEANUP(ASN1_INTEGER_freep)
    ASN1_INTEGER *serial = number == NULL ? NULL : BN_to_ASN1_INTEGER(number, NULL);
    if (serial == NULL || X509_set_serialNumber(certificate, serial) != 1)
        return crypto_err_take("x509");
    return HF_OK;
}

/* UTCTime until 2049 and GeneralizedTime after, as RFC 5280 §4.1.2.5 wants, is ASN1_TIME_set()'s work. */
HF_MUST static hf_err set_validity(X509 *certificate,
                                   const struct crypto_certificate_request *request)
{
    if (request->not_before < 0 || request->not_after < request->not_before ||
        hf_usec_to_seconds(request->not_after) > TIME_MAX_SECONDS)
        return HF_E_INVALID;
    HF_CLEANUP(ASN1_TIME_freep)
    ASN1_TIME *from = ASN1_TIME_set(NULL, hf_usec_to_seconds(request->not_before));
    HF_CLEANUP(ASN1_TIME_freep)
    ASN1_TIME *until = ASN1_TIME_set(NULL, hf_usec_to_seconds(request->not_after));
    if (from == NULL || until == NULL)
        return crypto_err_take("x509");
    if (X509_set1_notBefore(certificate, from) != 1 || X509_set1_notAfter(certificate, until) != 1)
        return crypto_err_take("x509");
    return HF_OK;
}

HF_MUST static hf_err set_names(X509 *certificate, const char *common_name,
                                const struct issuer *issuer)
{
    if (common_name == NULL || common_name[0] == '\0')
        return HF_E_INVALID;
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)common_name, -1, -1, 0) != 1)
        return crypto_err_refuse("x509", HF_E_INVALID); /* bad UTF-8, or over 64 characters */
    const X509_NAME *issued_by = issuer->certificate == NULL
                                     ? subject
                                     : X509_get_subject_name(issuer->certificate);
    if (X509_set_issuer_name(certificate, issued_by) != 1)
        return crypto_err_take("x509");
    return HF_OK;
}

HF_MUST static hf_err add_basic_constraints(X509 *certificate, bool is_ca)
{
    HF_CLEANUP(BASIC_CONSTRAINTS_freep) BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
    if (value == NULL)
        return crypto_err_take("x509");
    value->ca = is_ca ? 0xff : 0;
    if (is_ca) {
        value->pathlen = ASN1_INTEGER_new();
        if (value->pathlen == NULL || ASN1_INTEGER_set(value->pathlen, 0) != 1)
            return crypto_err_take("x509");
    }
    return add_extension(certificate, NID_basic_constraints, value, CRITICAL);
}

HF_MUST static hf_err add_key_usage(X509 *certificate, bool is_ca)
{
    HF_CLEANUP(ASN1_BIT_STRING_freep) ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
    if (value == NULL)
        return crypto_err_take("x509");
    int set = is_ca ? ASN1_BIT_STRING_set_bit(value, USAGE_KEY_CERT_SIGN, 1) &
                          ASN1_BIT_STRING_set_bit(value, USAGE_CRL_SIGN, 1)
                    : ASN1_BIT_STRING_set_bit(value, USAGE_DIGITAL_SIGNATURE, 1);
    if (set != 1)
        return crypto_err_take("x509");
    return add_extension(certificate, NID_key_usage, value, CRITICAL);
}

/* The identifier is SHA-1 of the public key's bits: RFC 5280 §4.2.1.2, method 1. */
HF_MUST static hf_err add_subject_key_id(X509 *certificate)
{
    uint8_t digest[CRYPTO_SHA1_BYTES];
    if (X509_pubkey_digest(certificate, crypto_algorithms()->sha1, digest, NULL) != 1)
        return crypto_err_take("x509");
    HF_CLEANUP(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    if (value == NULL || ASN1_OCTET_STRING_set(value, digest, sizeof(digest)) != 1)
        return crypto_err_take("x509");
    return add_extension(certificate, NID_subject_key_identifier, value, USUAL);
}

HF_MUST static hf_err add_authority_key_id(X509 *certificate, const struct issuer *issuer)
{
    const X509 *source = issuer->certificate == NULL ? certificate : issuer->certificate;
    HF_CLEANUP(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();
    if (value == NULL)
        return crypto_err_take("x509");
    value->keyid = X509_get_ext_d2i(source, NID_subject_key_identifier, NULL, NULL);
    if (value->keyid == NULL)
        return crypto_err_refuse("x509", HF_E_INVALID); /* a CA without identifier */
    return add_extension(certificate, NID_authority_key_identifier, value, USUAL);
}

HF_MUST static hf_err add_server_auth(X509 *certificate)
{
    HF_CLEANUP(EXTENDED_KEY_USAGE_freep) EXTENDED_KEY_USAGE *value = EXTENDED_KEY_USAGE_new();
    if (value == NULL || sk_ASN1_OBJECT_push(value, OBJ_nid2obj(NID_server_auth)) <= 0)
        return crypto_err_take("x509");
    return add_extension(certificate, NID_ext_key_usage, value, USUAL);
}

/* Takes *text, the name's value. */
HF_MUST static hf_err push_name(GENERAL_NAMES *names, int type, ASN1_STRING **text)
{
    HF_CLEANUP(GENERAL_NAME_freep) GENERAL_NAME *name = GENERAL_NAME_new();
    if (name == NULL)
        return crypto_err_take("x509");
    GENERAL_NAME_set0_value(name, type, hf_take(text));
    if (sk_GENERAL_NAME_push(names, name) <= 0)
        return crypto_err_take("x509");
    name = NULL; /* names owns it now */
    return HF_OK;
}

/* Letters, digits, hyphens, dots and the wildcard. */
static bool is_dns_name(hf_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!hf_is_alnum(c) && c != '-' && c != '.' && c != '*')
            return false;
    }
    return name.n > 0 && name.n <= DNS_NAME_MAX_CHARS;
}

HF_MUST static hf_err push_dns_name(GENERAL_NAMES *names, const char *dns_name)
{
    hf_str text = hf_str_from_c(dns_name);
    if (!is_dns_name(text))
        return HF_E_INVALID;
    HF_CLEANUP(ASN1_OCTET_STRING_freep) ASN1_STRING *value = ASN1_IA5STRING_new();
    if (value == NULL || ASN1_STRING_set(value, text.p, (int)text.n) != 1)
        return crypto_err_take("x509");
    return push_name(names, GEN_DNS, &value);
}

HF_MUST static hf_err push_ip_address(GENERAL_NAMES *names, const char *ip_address)
{
    HF_CLEANUP(ASN1_OCTET_STRING_freep) ASN1_STRING *value = a2i_IPADDRESS(ip_address);
    if (value == NULL)
        return crypto_err_refuse("x509", HF_E_INVALID);
    return push_name(names, GEN_IPADD, &value);
}

typedef hf_err push_fn(GENERAL_NAMES *names, const char *text);

HF_MUST static hf_err push_all(GENERAL_NAMES *names, const char *const *list, push_fn *push)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        hf_err err = push(names, list[i]);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

/* subjectAltName, and with it serverAuth: without names no server can be authenticated. */
HF_MUST static hf_err add_server_names(X509 *certificate,
                                       const struct crypto_certificate_request *request)
{
    HF_CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();
    if (names == NULL)
        return crypto_err_take("x509");
    hf_err err = push_all(names, request->dns_names, push_dns_name);
    if (err != HF_OK)
        return err;
    err = push_all(names, request->ip_addresses, push_ip_address);
    if (err != HF_OK)
        return err;
    if (sk_GENERAL_NAME_num(names) == 0)
        return HF_OK;
    err = add_extension(certificate, NID_subject_alt_name, names, USUAL);
    if (err != HF_OK || request->is_ca)
        return err;
    return add_server_auth(certificate);
}

HF_MUST static hf_err add_extensions(X509 *certificate,
                                     const struct crypto_certificate_request *request,
                                     const struct issuer *issuer)
{
    hf_err err = add_basic_constraints(certificate, request->is_ca);
    if (err != HF_OK)
        return err;
    err = add_key_usage(certificate, request->is_ca);
    if (err != HF_OK)
        return err;
    err = add_subject_key_id(certificate);
    if (err != HF_OK)
        return err;
    err = add_authority_key_id(certificate, issuer);
    if (err != HF_OK)
        return err;
    return add_server_names(certificate, request);
}

static const EVP_MD *find_digest(const struct crypto_key *key)
{
    switch (key->type) {
    case CRYPTO_KEY_EC_P384:
        return EVP_sha384();
    case CRYPTO_KEY_EC_P521:
        return EVP_sha512();
    case CRYPTO_KEY_RSA:
    case CRYPTO_KEY_EC_P256:
    case CRYPTO_KEY_EC_P256K:
    case CRYPTO_KEY_OCT:
        break;
    }
    return EVP_sha256();
}

HF_MUST static hf_err sign_and_write(X509 *certificate, const struct issuer *issuer,
                                     struct hf_buf *out)
{
    if (X509_sign(certificate, issuer->key->pkey, find_digest(issuer->key)) <= 0)
        return crypto_err_take("x509");
    HF_CLEANUP(crypto_der_freep) uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);
    if (size <= 0)
        return crypto_err_take("x509");
    hf_buf_put(out, der, (size_t)size);
    return hf_buf_err(out);
}

HF_MUST static hf_err issue(const struct crypto_certificate_request *request,
                            const struct crypto_key *subject_key, const struct issuer *issuer,
                            struct hf_buf *out)
{
    HF_CLEANUP(X509_freep) X509 *certificate = X509_new();
    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        X509_set_pubkey(certificate, subject_key->pkey) != 1)
        return crypto_err_take("x509");
    hf_err err = set_serial(certificate);
    if (err != HF_OK)
        return err;
    err = set_validity(certificate, request);
    if (err != HF_OK)
        return err;
    err = set_names(certificate, request->common_name, issuer);
    if (err != HF_OK)
        return err;
    err = add_extensions(certificate, request, issuer);
    if (err != HF_OK)
        return err;
    return sign_and_write(certificate, issuer, out);
}

hf_err crypto_certificate_issue(const struct crypto_certificate_request *request,
                                const struct crypto_key *subject_key,
                                const struct crypto_key *issuer_key, hf_bytes issuer_der,
                                struct hf_buf *out)
{
    const struct crypto_key *signing_key = issuer_key == NULL ? subject_key : issuer_key;
    if (!signing_key->has_private || (issuer_key == NULL) != (issuer_der.n == 0))
        return HF_E_INVALID;
    HF_CLEANUP(X509_freep) X509 *ca = NULL;
    if (issuer_key != NULL) {
        hf_err err = crypto_x509_parse(issuer_der, &ca);
        if (err != HF_OK)
            return err;
        if ((X509_get_extension_flags(ca) & EXFLAG_CA) == 0 ||
            X509_check_private_key(ca, issuer_key->pkey) != 1)
            return crypto_err_refuse("x509", HF_E_INVALID);
    }
    const struct issuer issuer = { signing_key, ca };
    return issue(request, subject_key, &issuer, out);
}
