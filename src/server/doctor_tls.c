/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate and its key, as the server would load them.
 */
#define _GNU_SOURCE
#include "base/file.h"
#include "crypto/x509.h"
#include "http/tls.h"
#include "server/doctor_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CERTIFICATE_FILE_MAX_BYTES ((size_t)256 * 1024)
#define EXPIRES_SOON (30 * HF_USEC_PER_DAY)
#define RSA_BITS_LEAST 2048
#define HOST_MAX_BYTES 320

#define MEND_RENEW "renew it, then: systemctl reload holdfast"

/* ---- files ---- */

/* True if the server's user can read it; tells if not. */
static bool is_readable(struct doctor *d, const char *path)
{
    const enum doctor_answer can = doctor_user_can(d, path, R_OK);
    if (can == DOCTOR_UNKNOWN)
        doctor_tell(d, DOCTOR_NOT_CHECKED, "whether %s can read %s shows only to root", d->user,
                    path);
    if (can == DOCTOR_NO) {
        doctor_tell(d, DOCTOR_FAILED, "%s cannot read %s", d->user, path);
        doctor_mend(d, "setfacl -m u:%s:r %s (and x for the folders above it)", d->user, path);
    }
    return can == DOCTOR_YES;
}

static bool is_key_private(struct doctor *d)
{
    const char *path = d->settings->tls_key;
    struct stat info;
    if (stat(path, &info) != 0 || (info.st_mode & (S_IRWXO | S_IWGRP)) == 0)
        return true;
    doctor_tell(d, DOCTOR_FAILED, "the key %s is open to everybody (mode %04o)", path,
                (unsigned int)(info.st_mode & 07777));
    doctor_mend(d, "chmod go-w,o-rwx %s", path);
    return false;
}

void doctor_check_tls_files(struct doctor *d)
{
    const struct server_settings *settings = d->settings;
    const bool has_certificate = is_readable(d, settings->tls_certificate);
    const bool has_key = is_readable(d, settings->tls_key);
    if (!has_certificate || !has_key || !is_key_private(d))
        return;
    struct hf_diag diag = { 0 };
    struct http_tls tls;
    const hf_err err = http_tls_init(&tls, settings->tls_certificate, settings->tls_key, &diag);
    if (err != HF_OK) {
        doctor_tell(d, DOCTOR_FAILED, "the certificate and its key cannot be used: %s",
                    diag.text[0] != '\0' ? diag.text : hf_err_text(err));
        doctor_mend(d, "tls.certificate = the chain in PEM, its own certificate first; tls.key = "
                       "its key, without a passphrase");
        return;
    }
    http_tls_done(&tls);
    doctor_tell(d, DOCTOR_OK, "%s and its key belong together", settings->tls_certificate);
}

/* ---- the certificate ---- */

/* The server's own, the first of the file. Tells if there is none. */
static bool read_certificate(struct doctor *d, struct hf_buf *der)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, CERTIFICATE_FILE_MAX_BYTES); /* a key may stand beside it */
    hf_err err = hf_file_read(d->settings->tls_certificate, &text);
    if (err == HF_OK)
        err = crypto_certificate_read(hf_buf_view(&text), der);
    if (err != HF_OK)
        doctor_tell(d, DOCTOR_NOT_CHECKED, "no certificate can be read from %s: %s",
                    d->settings->tls_certificate, hf_err_text(err));
    return err == HF_OK;
}

static void tell_time(struct doctor *d, const struct crypto_certificate_info *info)
{
    char memory[64];
    struct hf_buf end;
    hf_buf_init_fixed(&end, memory, sizeof(memory));
    hf_buf_put_plain_time(&end, info->not_after);
    const hf_str until = hf_buf_str(&end);
    if (info->not_before > d->now) {
        doctor_tell(d, DOCTOR_FAILED, "the certificate is not valid yet");
        doctor_mend(d, "date; set the clock if it is wrong");
    } else if (info->not_after <= d->now) {
        doctor_tell(d, DOCTOR_FAILED, "the certificate has expired: %.*s", HF_STR_ARG(until));
        doctor_mend(d, MEND_RENEW);
    } else if (info->not_after - d->now < EXPIRES_SOON) {
        doctor_tell(d, DOCTOR_WARNING, "the certificate expires in %lld days: %.*s",
                    (long long)((info->not_after - d->now) / HF_USEC_PER_DAY), HF_STR_ARG(until));
        doctor_mend(d, MEND_RENEW);
    } else {
        doctor_tell(d, DOCTOR_OK, "the certificate is valid until %.*s", HF_STR_ARG(until));
    }
}

void doctor_check_tls_time(struct doctor *d)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&der, CERTIFICATE_FILE_MAX_BYTES);
    struct crypto_certificate_info info;
    if (!read_certificate(d, &der))
        return;
    if (crypto_certificate_info(hf_buf_view(&der), &info) == HF_OK)
        tell_time(d, &info);
    else
        doctor_tell(d, DOCTOR_FAILED, "the certificate's times cannot be read");
}

void doctor_check_tls_names(struct doctor *d)
{
    static const struct {
        const char *host; /* put before the domain */
        const char *name;
    } wanted[] = {
        { "any-vault.vault.", "*.vault." },
        { "vault.", "vault." },
        { "login.", "login." },
    };
    const char *domain = d->settings->domain;
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&der, CERTIFICATE_FILE_MAX_BYTES);
    if (!read_certificate(d, &der))
        return;
    const size_t before = d->count;
    for (size_t i = 0; i < HF_ARRAY_LEN(wanted); i++) {
        char host[HOST_MAX_BYTES];
        bool covers = false;
        (void)snprintf(host, sizeof(host), "%s%s", wanted[i].host, domain);
        if (crypto_certificate_covers(hf_buf_view(&der), host, &covers) == HF_OK && covers)
            continue;
        doctor_tell(d, DOCTOR_FAILED, "the certificate is not for %s%s", wanted[i].name, domain);
        doctor_mend(d, "have one made for *.vault.%s, vault.%s and login.%s", domain, domain,
                    domain);
    }
    if (d->count == before)
        doctor_tell(d, DOCTOR_OK, "the certificate is for *.vault.%s, vault.%s and login.%s",
                    domain, domain, domain);
}

void doctor_check_tls_key(struct doctor *d)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&der, CERTIFICATE_FILE_MAX_BYTES);
    if (!read_certificate(d, &der))
        return;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    if (crypto_certificate_key(hf_buf_view(&der), &key) != HF_OK) {
        doctor_tell(d, DOCTOR_WARNING, "the key is neither RSA nor P-256, P-384 or P-521");
        doctor_mend(d, "have a certificate made for such a key: not all clients know others");
        return;
    }
    const bool is_rsa = crypto_key_type_of(key) == CRYPTO_KEY_RSA;
    const int bits = crypto_key_bits(key);
    const bool is_weak = is_rsa && bits < RSA_BITS_LEAST;
    doctor_tell(d, is_weak ? DOCTOR_FAILED : DOCTOR_OK, "%s, %d bits", is_rsa ? "RSA" : "EC", bits);
    if (is_weak)
        doctor_mend(d, "have a certificate made for a key of 2048 bits or more");
}

void doctor_check_tls_versions(struct doctor *d)
{
    struct hf_diag ignored = { 0 };
    struct http_tls tls;
    if (http_tls_init(&tls, d->settings->tls_certificate, d->settings->tls_key, &ignored) !=
        HF_OK) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "needs a certificate that can be used");
        return;
    }
    const bool has_12 = http_tls_serves(&tls, TLS1_2_VERSION);
    const bool has_13 = http_tls_serves(&tls, TLS1_3_VERSION);
    http_tls_done(&tls);
    if (has_12 && has_13) {
        doctor_tell(d, DOCTOR_OK, "TLS 1.2 and 1.3, nothing older");
        return;
    }
    doctor_tell(d, has_13 ? DOCTOR_WARNING : DOCTOR_FAILED,
                "the machine's configuration of OpenSSL leaves out %s",
                has_13 ? "TLS 1.2, which some clients need" : "TLS 1.3");
    doctor_mend(d, "MinProtocol = TLSv1.2 and no MaxProtocol in /etc/ssl/openssl.cnf");
}
