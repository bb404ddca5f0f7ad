/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the development server.
 */
#pragma once

#include "server/instance.h"

/* ---- dev_tls.c ---- */

/*
 * Makes <data>/tls/{ca.pem,ca.key,server.pem,server.key} for *.vault.<domain> and login.<domain>, or keeps what is there while it
 * is valid for another month. ca_file gets the path of the CA certificate.
 */
HF_MUST hf_err dev_tls_prepare(struct server_settings *settings, const struct hf_clock *clock,
                               char *ca_file, size_t ca_file_size, struct hf_diag *diag);

/* ---- dev_setup.c ---- */

struct dev_credentials {
    struct hf_uuid client_id;          /* of the application */
    struct hf_uuid identity_client_id; /* of the managed identity */
    struct hf_secret *client_secret;
    struct hf_secret *identity_header;
};

/* Makes the vault, the identities and their roles if they are not there yet; reads their credentials, kept sealed in
 * the store. */
HF_MUST hf_err dev_setup(struct server_instance *instance, struct dev_credentials *out);
void dev_credentials_done(struct dev_credentials *credentials);
/* The record's plain form; out is secret memory, its errors are sticky. */
void dev_credentials_encode(const struct dev_credentials *credentials, struct hf_buf *out);
/* Fails: HF_E_CORRUPT, HF_E_NOMEM. */
HF_MUST hf_err dev_credentials_decode(hf_bytes plain, struct dev_credentials *out);

/* ---- dev_output.c ---- */

struct dev_output {
    const struct api_service *service;
    const struct dev_credentials *credentials;
    const char *data;
    const char *ca_file;
    const char *admin_socket;
};

/* The lines KEY=VALUE for programs, into a secret buffer. */
HF_MUST hf_err dev_write_env(const struct dev_output *output, struct hf_buf *out);
/* The lines to paste, for people. */
HF_MUST hf_err dev_write_banner(const struct dev_output *output, struct hf_buf *out);
