/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts: versions, ciphers, ALPN, certificate, reload.
 */
#include "http/tls.h"

#include "http/limits.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing weak. */
static const char cipher_list[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* In our order of preference, as ALPN writes them: length, name (RFC 7301). */
static const unsigned char alpn_protocols[] = "\x02h2\x08http/1.1";

/* One read takes a record's header, its body and often the next one from the socket. */
#define READ_BUFFER_BYTES (HTTP_SCRATCH_BYTES + 1024)
#define SESSION_TICKETS 1

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                       const unsigned char *in, unsigned int in_n, void *argument)
{
    (void)ssl;
    (void)argument;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_n, alpn_protocols, sizeof(alpn_protocols) - 1, in,
                              in_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* An encrypted key file is refused; OpenSSL would ask on the terminal. */
static int refuse_passphrase(char *buffer, int size, int for_writing, void *argument)
{
    (void)buffer;
    (void)size;
    (void)for_writing;
    (void)argument;
    return -1;
}

static bool configure(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    SSL_CTX_set_alpn_select_cb(context, select_alpn, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_BUFFER_BYTES);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(context, SESSION_TICKETS) == 1 &&
           SSL_CTX_set_cipher_list(context, cipher_list) == 1;
}

static hf_err check_readable(const char *path, const char *field, struct hf_diag *diag)
{
    if (path == NULL)
        return hf_fail(diag, HF_E_INVALID, field, "must be set");
    if (access(path, R_OK) == 0)
        return HF_OK;
    return hf_fail(diag, hf_err_from_errno(errno), field, "cannot read %s", path);
}

static hf_err fail_with_reason(struct hf_diag *diag, const char *field, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return hf_fail(diag, HF_E_INVALID, field, "%s: %s", path,
                   reason == NULL ? "not usable" : reason);
}

static hf_err load_files(const struct http_tls *tls, SSL_CTX *context, struct hf_diag *diag)
{
    hf_err err = check_readable(tls->certificate_file, "certificate_file", diag);
    if (err == HF_OK)
        err = check_readable(tls->key_file, "key_file", diag);
    if (err != HF_OK)
        return err;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, tls->certificate_file) != 1)
        return fail_with_reason(diag, "certificate_file", tls->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail_with_reason(diag, "key_file", tls->key_file);
    return HF_OK;
}

static hf_err make_context(const struct http_tls *tls, struct hf_diag *diag, SSL_CTX **out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        return HF_E_NOMEM;
    hf_err err = HF_E_INTERNAL;
    if (configure(context))
        err = load_files(tls, context, diag);
    if (err != HF_OK) {
        SSL_CTX_free(context);
        return err;
    }
    *out = context;
    return HF_OK;
}

static char *dup_or_null(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

hf_err http_tls_init(struct http_tls *tls, const char *certificate_file, const char *key_file,
                     struct hf_diag *diag)
{
    memset(tls, 0, sizeof(*tls));
    pthread_mutex_init(&tls->m, NULL);
    tls->certificate_file = dup_or_null(certificate_file);
    tls->key_file = dup_or_null(key_file);
    const hf_err err = make_context(tls, diag, &tls->context);
    if (err != HF_OK)
        http_tls_done(tls);
    return err;
}

void http_tls_done(struct http_tls *tls)
{
    if (tls->context != NULL)
        SSL_CTX_free(tls->context);
    free(tls->certificate_file);
    free(tls->key_file);
    pthread_mutex_destroy(&tls->m);
    memset(tls, 0, sizeof(*tls));
}

hf_err http_tls_reload(struct http_tls *tls, struct hf_diag *diag)
{
    SSL_CTX *context = NULL;
    const hf_err err = make_context(tls, diag, &context);
    if (err != HF_OK)
        return err;
    pthread_mutex_lock(&tls->m);
    SSL_CTX *old = tls->context;
    tls->context = context;
    atomic_fetch_add(&tls->version, 1);
    pthread_mutex_unlock(&tls->m);
    SSL_CTX_free(old);
    return HF_OK;
}

SSL_CTX *http_tls_context(struct http_tls *tls, uint64_t *out_version)
{
    pthread_mutex_lock(&tls->m);
    SSL_CTX *context = tls->context;
    SSL_CTX_up_ref(context);
    *out_version = atomic_load(&tls->version);
    pthread_mutex_unlock(&tls->m);
    return context;
}

bool http_tls_serves(const struct http_tls *tls, int version)
{
    const long least = SSL_CTX_get_min_proto_version(tls->context);
    const long most = SSL_CTX_get_max_proto_version(tls->context); /* 0: the newest */
    return version >= least && (most == 0 || version <= most);
}
