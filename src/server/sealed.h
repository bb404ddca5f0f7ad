/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server while it is sealed: the same listeners and local socket as the instance, but neither store nor audit log
 * nor any key. Over TLS it answers 503; on the local socket it takes what opens the seal.
 */
#pragma once

#include "http/http.h"
#include "seal/seal.h"
#include "server/settings.h"
#include "server/tries.h"

struct server_sealed;

/* The first pause before the seal is tried again without anybody asking, and the longest; each is twice the one before. */
#define SERVER_SEALED_RETRY_FIRST HF_USEC_PER_SEC
#define SERVER_SEALED_RETRY_MOST (60 * HF_USEC_PER_SEC)

struct server_sealed_start {
    const char *reason; /* why it is not open, for people */
    bool retries;       /* it opens by itself as soon as that is gone */
    struct server_tries
        *tries; /* where what is asked is noted; the caller's until the server is freed */
};

/* Binds the listeners; nothing is answered yet. Fails as seal_read_info() and http_server_new(), with diag. */
HF_MUST hf_err server_sealed_new(const struct server_settings *settings,
                                 const struct server_sealed_start *start, struct hf_diag *diag,
                                 struct server_sealed **out);
HF_MUST hf_err server_sealed_start(struct server_sealed *sealed);
/*
 * Until the seal is open: true, and *out has the roots, which are the caller's. False after SIGTERM or SIGINT. Nothing
 * is answered any more in either case. SIGHUP reads the certificate again.
 */
HF_MUST bool server_sealed_wait(struct server_sealed *sealed, struct seal_roots *out);
/* Clears everything that was given. Accepts NULL. */
void server_sealed_free(struct server_sealed *sealed);

struct http_server *server_sealed_http(struct server_sealed *sealed);
