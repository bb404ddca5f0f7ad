/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outgoing HTTPS through libcurl: one request, one answer, bounded. Used by the command line (also
 * over the server's local socket). HTTPS only, except over the local socket; certificates are
 * always verified.
 *
 * Threads: each call its own.
 */
#pragma once

#include "base/buf.h"
#include "http/http.h"

struct http_client_request {
    enum http_method method;
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    hf_bytes body;            /* p == NULL for none */
    const char *local_socket; /* path of a unix socket to speak to instead of TCP; NULL for none */
    /* PEM; NULL: SSL_CERT_FILE if the caller passes it, or the system's store */
    const char *ca_file;
    hf_usec timeout;
};

struct http_client_response {
    int status;
    struct hf_buf body; /* the caller inits (with its maximum, secret or not) and frees */
    struct hf_buf www_authenticate; /* value of that header; the caller inits and frees */
};

/* Fails: HF_E_UNAVAILABLE (cannot connect), HF_E_UNAUTHENTICATED (certificate), HF_E_TOO_LARGE,
 * HF_E_IO; diag says why. */
HF_MUST hf_err http_client_send(const struct http_client_request *request, struct hf_diag *diag,
                                struct http_client_response *response);
