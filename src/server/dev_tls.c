/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development server's certificate authority and certificate.
 */
#include "server/dev_internal.h"

#include "base/file.h"
#include "crypto/x509.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define CA_LIFETIME (3650 * HF_USEC_PER_DAY)
#define SERVER_LIFETIME                                                                            \
    (397 * HF_USEC_PER_DAY) /* what browsers accept at most (CA/B Forum baseline before 2026) */
#define RENEW_BEFORE (30 * HF_USEC_PER_DAY)
#define BACKDATE HF_USEC_PER_DAY
#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define NAME_MAX_BYTES 300

struct pair {
    struct crypto_key *key;
    struct hf_buf der;
};

static void pair_init(struct pair *pair)
{
    pair->key = NULL;
    hf_buf_init(&pair->der, FILE_MAX_BYTES);
}

static void pair_done(struct pair *pair)
{
    crypto_key_free(pair->key);
    hf_buf_done(&pair->der);
}

static hf_err make_path(const char *folder, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/tls/%s", folder, name);
    return n < 0 || (size_t)n >= size ? HF_E_TOO_LARGE : HF_OK;
}

/* HF_E_NOT_FOUND if a file is missing or the certificate ends within a month. */
static hf_err read_pair(const char *certificate_path, const char *key_path, hf_usec now,
                        struct pair *out)
{
    struct hf_buf text;
    struct hf_buf key;
    hf_buf_init(&text, FILE_MAX_BYTES);
    hf_buf_init_secret(&key, FILE_MAX_BYTES);
    struct crypto_certificate_info info = { 0 };
    hf_err err = hf_file_read(certificate_path, &text);
    if (err == HF_OK)
        err = crypto_certificate_read(hf_buf_view(&text), &out->der);
    if (err == HF_OK)
        err = crypto_certificate_info(hf_buf_view(&out->der), &info);
    if (err == HF_OK && info.not_after < now + RENEW_BEFORE)
        err = HF_E_NOT_FOUND;
    if (err == HF_OK)
        err = hf_file_read(key_path, &key);
    if (err == HF_OK)
        err = crypto_key_from_pem(hf_buf_view(&key), &out->key);
    hf_buf_done(&text);
    hf_buf_done(&key);
    return err;
}

static hf_err write_pair(const char *certificate_path, const char *key_path,
                         const struct pair *pair)
{
    struct hf_buf text;
    struct hf_buf key;
    hf_buf_init(&text, FILE_MAX_BYTES);
    hf_buf_init_secret(&key, FILE_MAX_BYTES);
    hf_err err = crypto_certificate_write_pem(hf_buf_view(&pair->der), &text);
    if (err == HF_OK)
        err = crypto_key_write_pem(pair->key, &key);
    if (err == HF_OK)
        err = hf_file_write(key_path, hf_buf_view(&key), 0600);
    if (err == HF_OK)
        err = hf_file_write(certificate_path, hf_buf_view(&text), 0644);
    hf_buf_done(&text);
    hf_buf_done(&key);
    return err;
}

/*
 * A new CA makes the old server certificate worthless: it goes first, so that an interruption
 * leaves no pair that does not fit.
 */
static hf_err forget_server(const char *data)
{
    char path[SERVER_PATH_MAX_BYTES];
    char folder[SERVER_PATH_MAX_BYTES];
    hf_err err = make_path(data, "server.pem", path, sizeof(path));
    if (err == HF_OK)
        err = make_path(data, "", folder, sizeof(folder));
    if (err == HF_OK && unlink(path) != 0 && errno != ENOENT)
        err = hf_err_from_errno(errno);
    return err == HF_OK ? hf_folder_sync(folder) : err;
}

/* Missing, near its end, or damaged: made anew. What the disk or memory refuses is an error. */
static bool must_be_made(hf_err err)
{
    hf_err_class class_of = hf_err_class_of(err);
    return class_of == HF_CLASS_NOT_FOUND || class_of == HF_CLASS_INVALID ||
           class_of == HF_CLASS_UNSUPPORTED;
}

static hf_err make_pair(const char *data, const struct crypto_certificate_request *request,
                        const struct pair *issuer, struct pair *out)
{
    hf_err err = request->is_ca ? forget_server(data) : HF_OK;
    if (err == HF_OK)
        err = crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &out->key);
    if (err != HF_OK)
        return err;
    if (issuer == NULL)
        return crypto_certificate_issue(request, out->key, NULL, (hf_bytes){ NULL, 0 }, &out->der);
    return crypto_certificate_issue(request, out->key, issuer->key, hf_buf_view(&issuer->der),
                                    &out->der);
}

/* Reads the pair, or makes it with `request`, signed by the issuer (NULL: by itself). */
static hf_err keep_pair(const char *data, const char *name,
                        const struct crypto_certificate_request *request, const struct pair *issuer,
                        hf_usec now, struct pair *out)
{
    char certificate_path[SERVER_PATH_MAX_BYTES];
    char key_path[SERVER_PATH_MAX_BYTES];
    char file[32];
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    hf_err err = make_path(data, file, certificate_path, sizeof(certificate_path));
    (void)snprintf(file, sizeof(file), "%s.key", name);
    if (err == HF_OK)
        err = make_path(data, file, key_path, sizeof(key_path));
    if (err != HF_OK)
        return err;
    err = read_pair(certificate_path, key_path, now, out);
    if (!must_be_made(err))
        return err;
    pair_done(out);
    pair_init(out);
    err = make_pair(data, request, issuer, out);
    return err == HF_OK ? write_pair(certificate_path, key_path, out) : err;
}

static hf_err make_pairs(const char *data, const char *domain, hf_usec now)
{
    char wildcard[NAME_MAX_BYTES];
    char vault[NAME_MAX_BYTES];
    char login[NAME_MAX_BYTES];
    (void)snprintf(wildcard, sizeof(wildcard), "*.vault.%s", domain);
    (void)snprintf(vault, sizeof(vault), "vault.%s", domain);
    (void)snprintf(login, sizeof(login), "login.%s", domain);
    const char *const names[] = { wildcard, vault, login, "localhost", NULL };
    const char *const addresses[] = { "127.0.0.1", "::1", NULL };
    const struct crypto_certificate_request ca_request = { .common_name = "Holdfast development CA",
                                                           .not_before = now - BACKDATE,
                                                           .not_after = now + CA_LIFETIME,
                                                           .is_ca = true };
    const struct crypto_certificate_request request = { .common_name = login,
                                                        .dns_names = names,
                                                        .ip_addresses = addresses,
                                                        .not_before = now - BACKDATE,
                                                        .not_after = now + SERVER_LIFETIME };
    struct pair ca;
    struct pair server;
    pair_init(&ca);
    pair_init(&server);
    hf_err err = keep_pair(data, "ca", &ca_request, NULL, now, &ca);
    if (err == HF_OK)
        err = keep_pair(data, "server", &request, &ca, now, &server);
    pair_done(&server);
    pair_done(&ca);
    return err;
}

hf_err dev_tls_prepare(struct server_settings *settings, const struct hf_clock *clock,
                       char *ca_file, size_t ca_file_size, struct hf_diag *diag)
{
    char folder[SERVER_PATH_MAX_BYTES];
    hf_err err = make_path(settings->data, "", folder, sizeof(folder));
    if (err == HF_OK)
        err = hf_folder_make(folder, 0700);
    if (err == HF_OK)
        err = make_pairs(settings->data, settings->domain, hf_clock_now(clock));
    if (err == HF_OK)
        err = make_path(settings->data, "ca.pem", ca_file, ca_file_size);
    if (err == HF_OK)
        err = make_path(settings->data, "server.pem", settings->tls_certificate,
                        sizeof(settings->tls_certificate));
    if (err == HF_OK)
        err = make_path(settings->data, "server.key", settings->tls_key, sizeof(settings->tls_key));
    return err == HF_OK ? HF_OK : hf_fail(diag, err, "tls", "%s: %s", folder, hf_err_text(err));
}
