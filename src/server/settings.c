/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings and the checks that go across rows.
 */
#include "server/settings.h"

#include "base/buf.h"
#include "base/file.h"
#include "seal/seal.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_FILE_MAX_BYTES ((size_t)256 * 1024)
#define KIB INT64_C(1024)
#define MIB (KIB * 1024)
#define SEC HF_USEC_PER_SEC
#define DAY HF_USEC_PER_DAY
#define ARGON2_MAX (SEAL_ARGON2_MEMORY_MAX_KIB * KIB)
#define ARGON2_BYTES_PER_LANE (8 * KIB) /* RFC 9106 §3.1 */

static const char *const log_levels[] = { "error", "warn", "notice", "info", "debug", NULL };
/* in the order of enum server_seal_kind */
static const char *const seal_kinds[] = {
    "key-file", "systemd-credential", "passphrase", "shamir", "pkcs11", "tpm2", NULL
};
static const char *const switches[] = { "off", "on", NULL };
static const char *const log_formats[] = { "text", "json", NULL };

#define MEMBER(name)                                                                               \
    offsetof(struct server_settings, name), sizeof(((struct server_settings *)NULL)->name)

/* A table is read by its columns. */
/* clang-format off */
const struct hf_config_row server_setting_rows[] = {
    /* name, kind, offset and size, min, max, default, choices, required, help */
    { "data",                           HF_CONFIG_TEXT,     MEMBER(data),                        0,         0,           "/var/lib/holdfast",      NULL,        false, "Folder of the store, the seal and (by default) the audit log and the local socket."                                    },
    { "listen",                         HF_CONFIG_LIST,     MEMBER(listen),                      0,         0,           NULL,                     NULL,        false, "Address and port to serve, such as 0.0.0.0:443 or [::]:443; may stand several times; 127.0.0.1:8443 if there is none." },
    { "domain",                         HF_CONFIG_TEXT,     MEMBER(domain),                      0,         0,           "localhost",              NULL,        false, "Vaults are served as <name>.vault.<domain>, the token endpoint as login.<domain>."                                     },
    { "public_port",                    HF_CONFIG_INT,      MEMBER(public_port),                 0,         65535,       "0",                      NULL,        false, "Port that clients use, shown in URLs; 0 is the port of the first listener."                                            },
    { "location",                       HF_CONFIG_TEXT,     MEMBER(location),                    0,         0,           "local",                  NULL,        false, "Region name shown to clients for vaults made without one."                                                             },
    { "tls.certificate",                HF_CONFIG_TEXT,     MEMBER(tls_certificate),             0,         0,           NULL,                     NULL,        true,  "PEM file with the certificate chain for *.vault.<domain>, vault.<domain> and login.<domain>; read again on SIGHUP."    },
    { "tls.key",                        HF_CONFIG_TEXT,     MEMBER(tls_key),                     0,         0,           NULL,                     NULL,        true,  "PEM file with the certificate's private key."                                                                          },
    { "seal.kind",                      HF_CONFIG_CHOICE,   MEMBER(seal_kind),                   0,         0,           "key-file",                seal_kinds,  false, "How the root key is protected while the server is down." },
    { "seal.key_file",                  HF_CONFIG_TEXT,     MEMBER(seal_key_file),               0,         0,           "/etc/holdfast/seal.key", NULL,        false, "Key file of the seal, mode 0600; keep it off the data folder's disk and backups."                                      },
    { "seal.credential",                 HF_CONFIG_TEXT,     MEMBER(seal_credential),             0,         0,           "holdfast-seal",          NULL,        false, "systemd-credential: name of the credential (LoadCredentialEncrypted= of the unit) that holds the key." },
    { "seal.argon2_memory",             HF_CONFIG_SIZE,     MEMBER(seal_argon2_memory),          8 * KIB,   ARGON2_MAX,  "64M",                    NULL,        false, "passphrase: memory that one guess costs (Argon2id), at least 8K for each lane; of a new seal." },
    { "seal.argon2_passes",             HF_CONFIG_INT,      MEMBER(seal_argon2_passes),          1,         SEAL_ARGON2_PASSES_MAX, "3",           NULL,        false, "passphrase: how often that memory is gone through; of a new seal." },
    { "seal.argon2_lanes",              HF_CONFIG_INT,      MEMBER(seal_argon2_lanes),           1,         SEAL_ARGON2_LANES_MAX, "4",            NULL,        false, "passphrase: threads that a guess can use; of a new seal." },
    { "seal.shares",                    HF_CONFIG_INT,      MEMBER(seal_shares),                 1,         SEAL_SHARES_MAX, "5",                  NULL,        false, "shamir: how many shares are made of a new seal, each for its own holder." },
    { "seal.threshold",                 HF_CONFIG_INT,      MEMBER(seal_threshold),              1,         SEAL_SHARES_MAX, "3",                  NULL,        false, "shamir: how many of the shares open it; at least 2 if there are more than one." },
    { "seal.pkcs11_module",             HF_CONFIG_TEXT,     MEMBER(seal_pkcs11_module),          0,         0,           "",                       NULL,        false, "pkcs11: path of the token's library." },
    { "seal.pkcs11_token",              HF_CONFIG_TEXT,     MEMBER(seal_pkcs11_token),           0,         0,           "",                       NULL,        false, "pkcs11: label of the token." },
    { "seal.pkcs11_key",                HF_CONFIG_TEXT,     MEMBER(seal_pkcs11_key),             0,         0,           "holdfast",               NULL,        false, "pkcs11: label of the AES-256 key in the token; made there if it is missing." },
    { "seal.pkcs11_pin_file",           HF_CONFIG_TEXT,     MEMBER(seal_pkcs11_pin_file),        0,         0,           "",                       NULL,        false, "pkcs11: file with the token's PIN, mode 0600." },
    { "seal.tpm_tcti",                  HF_CONFIG_TEXT,     MEMBER(seal_tpm_tcti),               0,         0,           "device:/dev/tpmrm0",     NULL,        false, "tpm2: the way to the TPM." },
    { "seal.tpm_pcrs",                  HF_CONFIG_TEXT,     MEMBER(seal_tpm_pcrs),               0,         0,           "",                       NULL,        false, "tpm2: registers that must be as they were when the seal was made, such as sha256:7 or sha256:0,2,7; empty for none; of a new seal." },
    { "admin.socket",                   HF_CONFIG_TEXT,     MEMBER(admin_socket),                0,         0,           "",                       NULL,        false, "Unix socket for the command line; empty means admin.sock in the data folder."                                          },
    { "audit.folder",                   HF_CONFIG_TEXT,     MEMBER(audit_folder),                0,         0,           "",                       NULL,        false, "Folder of the audit log; empty means audit in the data folder."                                                        },
    { "backup.folder",                  HF_CONFIG_TEXT,     MEMBER(backup_folder),               0,         0,           "",                       NULL,        false, "Folder of the server's backups; empty means backups in the data folder; any other must exist when the server starts." },
    { "journal.keep",                   HF_CONFIG_DURATION, MEMBER(journal_keep),                0,         3650 * DAY,  "7d",                     NULL,        false, "How long each change stays in the journal, for incremental backups and recovery to a point in time; 0 for no journal." },
    { "audit.segment_size",             HF_CONFIG_SIZE,     MEMBER(audit_segment_bytes),         64 * KIB,  4096 * MIB,  "256M",                   NULL,        false, "A new file of the audit log begins at this size."                                                                      },
    { "audit.reserve",                  HF_CONFIG_SIZE,     MEMBER(audit_reserve_bytes),         0,         4096 * MIB,  "16M",                    NULL,        false, "Room on the disk that is kept free for the records of reads when the disk is full; changes are refused then; 0 for none." },
    { "log.level",                      HF_CONFIG_CHOICE,   MEMBER(log_level),                   0,         0,           "notice",                 log_levels,  false, "Least important lines to log."                                                                                         },
    { "log.format",                     HF_CONFIG_CHOICE,   MEMBER(log_format),                  0,         0,           "text",                   log_formats, false, "Log lines as key=value text or as JSON."                                                                               },
    { "threads.loops",                  HF_CONFIG_INT,      MEMBER(loops),                       0,         256,         "0",                      NULL,        false, "Threads that serve connections; 0 is one per core."                                                                    },
    { "threads.compute",                HF_CONFIG_INT,      MEMBER(compute_threads),             0,         256,         "0",                      NULL,        false, "Threads for slow cryptography; 0 is one per core."                                                                     },
    { "limits.connections",             HF_CONFIG_INT,      MEMBER(max_connections),             1,         1000000,     "20000",                  NULL,        false, "Open connections in all."                                                                                              },
    { "limits.connections_per_address", HF_CONFIG_INT,      MEMBER(max_connections_per_address), 1,         1000000,     "2000",                   NULL,        false, "Open connections from one IPv4 address or one IPv6 /64 network."                                                       },
    { "limits.header_size",             HF_CONFIG_SIZE,     MEMBER(max_header_bytes),            4 * KIB,   64 * KIB,    "64K",                    NULL,        false, "Bytes of a request's line and headers."                                                                                },
    { "limits.headers",                 HF_CONFIG_INT,      MEMBER(max_headers),                 16,        256,         "100",                    NULL,        false, "Headers of a request."                                                                                                 },
    { "limits.body_memory",             HF_CONFIG_SIZE,     MEMBER(max_body_memory),             16 * MIB,  16384 * MIB, "256M",                   NULL,        false, "Bytes of all requests not answered yet, and once more for answers not sent yet; one address gets a quarter, which should hold the largest backup."                                                                           },
    { "timeouts.handshake",             HF_CONFIG_DURATION, MEMBER(handshake_timeout),           SEC / 100, 600 * SEC,   "10s",                    NULL,        false, "Time for the TLS handshake."                                                                                           },
    { "timeouts.header",                HF_CONFIG_DURATION, MEMBER(header_timeout),              SEC / 100, 600 * SEC,   "10s",                    NULL,        false, "Time from a request's first byte to its complete headers."                                                             },
    { "timeouts.body",                  HF_CONFIG_DURATION, MEMBER(body_timeout),                SEC / 100, 3600 * SEC,  "60s",                    NULL,        false, "Time from the headers to the complete body."                                                                           },
    { "timeouts.idle",                  HF_CONFIG_DURATION, MEMBER(idle_timeout),                SEC / 100, 86400 * SEC, "2m",                     NULL,        false, "Time a kept connection may wait for its next request."                                                                 },
    { "timeouts.write",                 HF_CONFIG_DURATION, MEMBER(write_timeout),               SEC / 100, 3600 * SEC,  "30s",                    NULL,        false, "Time without progress in sending an answer."                                                                           },
    { "timeouts.drain",                 HF_CONFIG_DURATION, MEMBER(drain_timeout),               0,         3600 * SEC,  "20s",                    NULL,        false, "Time for requests under way when the server stops."                                                                    },
    { "overload.target_delay",          HF_CONFIG_DURATION, MEMBER(target_delay),                0,         60 * SEC,    "50ms",                   NULL,        false, "While requests wait longer than this all the time, those that would wait still longer are answered with 503 at once; 0 for never." },
    { "quota.principal_rate",           HF_CONFIG_INT,      MEMBER(principal_rate),              0,         1000000,     "0",                      NULL,        false, "Requests per second to vaults that one caller may make, and that many at once; beyond: 429; 0 for no limit." },
    { "quota.vault_rate",               HF_CONFIG_INT,      MEMBER(vault_rate),                  0,         1000000,     "0",                      NULL,        false, "Requests per second that one vault takes from all callers together, and that many at once; beyond: 429; 0 for no limit." },
    { "token.lifetime",                 HF_CONFIG_DURATION, MEMBER(token_lifetime),              60 * SEC,  DAY,         "1h",                     NULL,        false, "Lifetime of tokens that the embedded issuer signs."                                                                    },
    { "token.clock_skew",               HF_CONFIG_DURATION, MEMBER(token_clock_skew),            0,         600 * SEC,   "5m",                     NULL,        false, "Leeway for a token's nbf and exp."                                                                                     },
    { "token.signing_key_lifetime",     HF_CONFIG_DURATION, MEMBER(signing_key_lifetime),        2 * DAY,   3650 * DAY,  "90d",                    NULL,        false, "A new token signing key is made after this time."                                                                      },
    { "process.user",                   HF_CONFIG_TEXT,     MEMBER(process_user),                0,         0,           "",                       NULL,        false, "User that the server becomes when root starts it, before it opens or makes any file; of the capabilities only that of ports below 1024 is kept, if one is listened on. Empty: it stays who it is." },
    { "process.sandbox",                HF_CONFIG_CHOICE,   MEMBER(sandbox),                     0,         0,           "on",                     switches,    false, "Before the first thread: no new privileges, only the files and ports of these settings, and a filter of system calls."   },
    { "token.trusted_issuer",           HF_CONFIG_LIST,     MEMBER(trusted_issuers),             0,         0,           NULL,                     NULL,        false, "Another issuer whose tokens are accepted: its iss value, a blank, and the path of a file with its JWK Set."            },
};
/* clang-format on */
const size_t server_setting_count = HF_ARRAY_LEN(server_setting_rows);

const char *server_seal_kind_name(const struct server_settings *settings)
{
    const size_t kind = (size_t)settings->seal_kind;
    return kind < HF_ARRAY_LEN(seal_kinds) - 1 ? seal_kinds[kind] : "";
}

/* path = folder/name, if path is empty. */
static hf_err default_path(char *path, const char *folder, const char *name, struct hf_diag *diag)
{
    if (path[0] != '\0')
        return HF_OK;
    int n = snprintf(path, SERVER_PATH_MAX_BYTES, "%s/%s", folder, name);
    if (n < 0 || n >= SERVER_PATH_MAX_BYTES)
        return hf_fail(diag, HF_E_TOO_LARGE, "data", "the path is too long");
    return HF_OK;
}

/* Lower-case DNS labels (RFC 1035 §2.3.1), because hosts are compared with it. */
static bool is_domain(const char *domain)
{
    size_t n = strlen(domain);
    if (n == 0 || domain[0] == '.' || domain[n - 1] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = domain[i];
        bool lower = (c >= 'a' && c <= 'z') || hf_is_digit(c) || c == '-';
        if (!lower && (c != '.' || domain[i - 1] == '.'))
            return false;
    }
    return true;
}

/* Kept for a later `operator` command too, so checked whatever the kind. */
static hf_err check_seal(const struct server_settings *settings, struct hf_diag *diag)
{
    const int64_t threshold = settings->seal_threshold;
    if (threshold > settings->seal_shares || (threshold < 2 && settings->seal_shares > 1))
        return hf_fail(diag, HF_E_INVALID, "seal.threshold",
                       "seal.threshold: %d does not go with %d shares (seal.shares); it must be at "
                       "most their number, and at least 2 if there are more than one",
                       (int)threshold, (int)settings->seal_shares);
    if (settings->seal_argon2_memory < ARGON2_BYTES_PER_LANE * settings->seal_argon2_lanes)
        return hf_fail(diag, HF_E_INVALID, "seal.argon2_memory",
                       "seal.argon2_memory: must be at least %dK for %d lanes "
                       "(seal.argon2_lanes)",
                       (int)(ARGON2_BYTES_PER_LANE / KIB * settings->seal_argon2_lanes),
                       (int)settings->seal_argon2_lanes);
    return HF_OK;
}

hf_err server_settings_complete(struct server_settings *settings, struct hf_diag *diag)
{
    hf_err err = default_path(settings->admin_socket, settings->data, "admin.sock", diag);
    if (err == HF_OK)
        err = default_path(settings->audit_folder, settings->data, "audit", diag);
    if (err == HF_OK)
        err = default_path(settings->backup_folder, settings->data, "backups", diag);
    if (err != HF_OK)
        return err;
    if (!is_domain(settings->domain))
        return hf_fail(
            diag, HF_E_INVALID, "domain",
            "domain: '%s' is not a domain name; allowed: lower-case letters, digits, '-' and '.'",
            settings->domain);
    if (settings->listen.count == 0) {
        settings->listen.count = 1;
        (void)snprintf(settings->listen.items[0], sizeof(settings->listen.items[0]),
                       "127.0.0.1:8443");
    }
    return check_seal(settings, diag);
}

hf_err server_settings_load(const char *path, struct hf_diag *diag, struct server_settings *out)
{
    struct hf_buf text;
    hf_buf_init(&text, CONFIG_FILE_MAX_BYTES);
    hf_err err = hf_file_read(path, &text);
    if (err != HF_OK)
        err = hf_fail(diag, err, "", "%s: %s", path, hf_err_text(err));
    if (err == HF_OK)
        err = hf_config_parse(server_setting_rows, server_setting_count, path, hf_buf_str(&text),
                              out, diag);
    hf_buf_done(&text);
    if (err != HF_OK)
        return err;
    struct hf_diag found = { 0 };
    err = server_settings_complete(out, &found);
    return err == HF_OK ? HF_OK : hf_fail(diag, err, found.field, "%s: %s", path, found.text);
}

hf_err server_settings_default(const char *data, struct hf_diag *diag, struct server_settings *out)
{
    hf_err err = hf_config_defaults(server_setting_rows, server_setting_count, out);
    if (err != HF_OK)
        return err;
    int n = snprintf(out->data, sizeof(out->data), "%s", data);
    if (n < 0 || (size_t)n >= sizeof(out->data))
        return hf_fail(diag, HF_E_TOO_LARGE, "data", "the path is too long");
    return server_settings_complete(out, diag);
}
