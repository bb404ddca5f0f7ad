/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of the configuration file, as rows: the parser, docs/configuration.md and `holdfast serve
 * --example-config` come from
 * them.
 */
#pragma once

#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"

#define SERVER_PATH_MAX_BYTES 512

/* The choices of seal.kind. */
enum server_seal_kind {
    SERVER_SEAL_KEY_FILE,
    SERVER_SEAL_CREDENTIAL,
    SERVER_SEAL_PASSPHRASE,
    SERVER_SEAL_SHAMIR,
    SERVER_SEAL_PKCS11,
    SERVER_SEAL_TPM2,
};

struct server_settings {
    char data[SERVER_PATH_MAX_BYTES];
    struct hf_config_list listen;
    char domain[256];
    int64_t public_port;
    char location[64];
    char tls_certificate[SERVER_PATH_MAX_BYTES];
    char tls_key[SERVER_PATH_MAX_BYTES];
    int64_t seal_kind; /* enum server_seal_kind */
    char seal_key_file[SERVER_PATH_MAX_BYTES];
    char seal_credential[256];
    int64_t seal_argon2_memory; /* bytes */
    int64_t seal_argon2_passes;
    int64_t seal_argon2_lanes;
    int64_t seal_shares;
    int64_t seal_threshold;
    char seal_pkcs11_module[SERVER_PATH_MAX_BYTES];
    char seal_pkcs11_token[64];
    char seal_pkcs11_key[128];
    char seal_pkcs11_pin_file[SERVER_PATH_MAX_BYTES];
    char seal_tpm_tcti[256];
    char seal_tpm_pcrs[128];
    char admin_socket[SERVER_PATH_MAX_BYTES];
    char audit_folder[SERVER_PATH_MAX_BYTES];
    char backup_folder[SERVER_PATH_MAX_BYTES];
    int64_t audit_segment_bytes;
    int64_t audit_reserve_bytes;
    int64_t log_level;  /* index of choice: hf_log_level */
    int64_t log_format; /* 0 text, 1 json */
    int64_t loops;
    int64_t compute_threads;
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t max_header_bytes;
    int64_t max_headers;
    int64_t max_body_memory;
    hf_usec handshake_timeout;
    hf_usec header_timeout;
    hf_usec body_timeout;
    hf_usec idle_timeout;
    hf_usec write_timeout;
    hf_usec drain_timeout;
    hf_usec journal_keep;
    hf_usec target_delay;
    int64_t principal_rate;
    int64_t vault_rate;
    hf_usec token_lifetime;
    hf_usec token_clock_skew;
    hf_usec signing_key_lifetime;
    char process_user[64];
    int64_t sandbox;                       /* 0 off, 1 on */
    struct hf_config_list trusted_issuers; /* "https://issuer /path/to/jwks.json" */
};

extern const struct hf_config_row server_setting_rows[];
extern const size_t server_setting_count;

/* As seal.h and the configuration write it; "" if there is no such kind. */
const char *server_seal_kind_name(const struct server_settings *settings);

/* Reads the file, sets what depends on other settings (admin.socket, audit.folder), checks what rows cannot. */
HF_MUST hf_err server_settings_load(const char *path, struct hf_diag *diag,
                                    struct server_settings *out);
/* The same without a file: defaults for the data folder. */
HF_MUST hf_err server_settings_default(const char *data, struct hf_diag *diag,
                                       struct server_settings *out);
/* After changes by hand: derived settings and checks. */
HF_MUST hf_err server_settings_complete(struct server_settings *settings, struct hf_diag *diag);
