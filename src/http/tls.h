/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's TLS context, exchangeable while connections go on.
 *
 * Threads: any, under m. Loops keep their own reference and look at the generation first.
 */
#pragma once

#include "base/err.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

struct http_tls {
    pthread_mutex_t m;
    SSL_CTX *context;             /* under m */
    atomic_uint_fast64_t version; /* grows with each reload */
    char *certificate_file;
    char *key_file;
};

/* Fails: HF_E_INVALID, HF_E_NOT_FOUND, HF_E_FORBIDDEN; diag names http_config's member. */
HF_MUST hf_err http_tls_init(struct http_tls *tls, const char *certificate_file,
                             const char *key_file, struct hf_diag *diag);
void http_tls_done(struct http_tls *tls);
HF_MUST hf_err http_tls_reload(struct http_tls *tls, struct hf_diag *diag);

/* Whether a client that speaks only this version is served: TLS1_2_VERSION, TLS1_3_VERSION. The library's own configuration
 * (openssl.cnf) can narrow what this server offers. */
bool http_tls_serves(const struct http_tls *tls, int version);

/* A new reference, and which version it is. Free with SSL_CTX_free(). */
SSL_CTX *http_tls_context(struct http_tls *tls, uint64_t *out_version);
