/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading certificates. One certificate has one form here: DER that does not encode back to the same bytes is refused, so
 * that a thumbprint names exactly one certificate.
 */
#include "crypto/x509.h"

#include "crypto/internal.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define CERTIFICATE_MAX_BYTES 65536
#define PEM_MAX_BYTES                                                                              \
    (4 * CERTIFICATE_MAX_BYTES) /* a private key and a chain may stand beside it */
#define DER_SEQUENCE 0x30

hf_err crypto_x509_parse(hf_bytes der, X509 **out)
{
    if (der.n == 0 || der.n > CERTIFICATE_MAX_BYTES)
        return HF_E_INVALID;
    const uint8_t *next = der.p;
    HF_CLEANUP(X509_freep) X509 *certificate = d2i_X509(NULL, &next, (long)der.n);
    if (certificate == NULL)
        return crypto_err_refuse("x509", HF_E_INVALID);
    HF_CLEANUP(crypto_der_freep) uint8_t *again = NULL;
    int size = i2d_X509(certificate, &again);
    if (size <= 0)
        return crypto_err_refuse("x509", HF_E_INVALID);
    if (!hf_bytes_equal((hf_bytes){ again, (size_t)size }, der))
        return HF_E_INVALID;
    *out = hf_take(&certificate);
    return HF_OK;
}

hf_err crypto_certificate_write_pem(hf_bytes der, struct hf_buf *out)
{
    HF_CLEANUP(X509_freep) X509 *certificate = NULL;
    hf_err err = crypto_x509_parse(der, &certificate);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
        return crypto_err_take("x509");
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    if (size <= 0)
        return HF_E_INTERNAL;
    hf_buf_put(out, text, (size_t)size);
    return hf_buf_err(out);
}

/* Checks and appends. */
HF_MUST static hf_err read_der(hf_bytes der, struct hf_buf *out_der)
{
    HF_CLEANUP(X509_freep) X509 *certificate = NULL;
    hf_err err = crypto_x509_parse(der, &certificate);
    if (err != HF_OK)
        return err;
    hf_buf_put_bytes(out_der, der);
    return hf_buf_err(out_der);
}

hf_err crypto_certificate_read(hf_bytes pem_or_der, struct hf_buf *out_der)
{
    if (pem_or_der.n == 0 || pem_or_der.n > PEM_MAX_BYTES)
        return HF_E_INVALID;
    if (pem_or_der.p[0] == DER_SEQUENCE)
        return read_der(pem_or_der, out_der);
    HF_CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem_or_der.p, (int)pem_or_der.n);
    if (bio == NULL)
        return crypto_err_take("x509");
    HF_CLEANUP(crypto_der_freep) uint8_t *der = NULL;
    long size = 0;
    if (PEM_bytes_read_bio(&der, &size, NULL, PEM_STRING_X509, bio, crypto_no_password, NULL) != 1)
        return crypto_err_refuse("x509", HF_E_INVALID);
    return read_der((hf_bytes){ der, (size_t)size }, out_der);
}

HF_MUST static hf_err read_time(const ASN1_TIME *time, hf_usec *out)
{
    HF_CLEANUP(ASN1_TIME_freep) ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    if (epoch == NULL)
        return crypto_err_take("x509");
    int days = 0;
    int seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, epoch, time) != 1)
        return crypto_err_refuse("x509", HF_E_INVALID);
    *out = days * HF_USEC_PER_DAY + hf_usec_from_seconds(seconds); /* years 0 to 9999: fits */
    return HF_OK;
}

hf_err crypto_certificate_info(hf_bytes der, struct crypto_certificate_info *out)
{
    HF_CLEANUP(X509_freep) X509 *certificate = NULL;
    hf_err err = crypto_x509_parse(der, &certificate);
    if (err != HF_OK)
        return err;
    struct crypto_certificate_info info = { 0 };
    err = read_time(X509_get0_notBefore(certificate), &info.not_before);
    if (err != HF_OK)
        return err;
    err = read_time(X509_get0_notAfter(certificate), &info.not_after);
    if (err != HF_OK)
        return err;
    err = crypto_sha1(der, info.sha1);
    if (err != HF_OK)
        return err;
    err = crypto_sha256(&der, 1, info.sha256);
    if (err != HF_OK)
        return err;
    *out = info;
    return HF_OK;
}

hf_err crypto_certificate_key(hf_bytes der, struct crypto_key **out)
{
    HF_CLEANUP(X509_freep) X509 *certificate = NULL;
    hf_err err = crypto_x509_parse(der, &certificate);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = X509_get_pubkey(certificate);
    if (pkey == NULL)
        return crypto_err_refuse("x509", HF_E_INVALID);
    return crypto_key_adopt(&pkey, false, out);
}

hf_err crypto_certificate_covers(hf_bytes der, const char *host, bool *out)
{
    HF_CLEANUP(X509_freep) X509 *certificate = NULL;
    if (host[0] == '\0' || host[0] == '.') /* libcrypto takes a dot for "any host below" */
        return HF_E_INVALID;
    hf_err err = crypto_x509_parse(der, &certificate);
    if (err != HF_OK)
        return err;
    const unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    const int found = X509_check_host(certificate, host, strlen(host), flags, NULL);
    if (found < 0)
        return crypto_err_refuse("x509", HF_E_INVALID);
    *out = found == 1;
    return HF_OK;
}
