/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiring: from settings to a running server, and back down in reverse order.
 */
#include "server/internal.h"

#include "api/admin/admin.h"
#include "api/azure/azure.h"
#include "api/entra/entra.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "server/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_FORMAT 1
#define HTTPS_PORT 443
#define JWKS_MAX_BYTES ((size_t)256 * 1024)

/* ---- the audit head in the store ---- */

/* Writer thread, in each batch: what was durable in the audit log at this commit. */
static hf_err put_audit_head(void *context, struct store_txn *txn)
{
    struct server_instance *instance = context;
    if (instance->service.audit == NULL)
        return HF_OK; /* commits before the log is open */
    struct audit_head head = audit_log_durable_head(instance->service.audit);
    static const uint8_t key_bytes[] = { STORE_CLASS_AUDIT_HEAD, 'a', 'u', 'd', 'i', 't' };
    hf_bytes key = { key_bytes, sizeof(key_bytes) };
    uint8_t plain[AUDIT_HEAD_BYTES];
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    uint8_t memory[AUDIT_HEAD_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES];
    struct hf_buf sealed;
    hf_buf_init_fixed(&sealed, memory, sizeof(memory));
    audit_head_encode(&head, plain);
    hf_err err = crypto_random(nonce, sizeof(nonce));
    if (err == HF_OK)
        err = crypto_record_seal(instance->hook_key, key, RECORD_FORMAT, nonce,
                                 (hf_bytes){ plain, sizeof(plain) }, &sealed);
    return err == HF_OK ? store_put(txn, key, hf_buf_view(&sealed)) : err;
}

/* A last commit, so that the store knows the audit log's end. */
static void note_audit_head(struct server_instance *instance)
{
    hf_err err = audit_sync(instance->service.audit);
    if (err == HF_OK)
        err = server_maintenance_note_head(&instance->maintenance);
    if (err != HF_OK)
        hf_log(HF_LOG_ERROR, "audit-head-not-noted", HF_KV_ERR(err));
}

/* ---- the parts, in the order they are made ---- */

static hf_err open_keys(struct server_instance *instance, const struct seal_roots *roots,
                        struct hf_diag *diag)
{
    struct hf_diag found = { 0 };
    hf_err err = server_open_roots(&instance->settings, &instance->clock, roots, &found,
                                   &instance->root, &instance->store);
    if (err != HF_OK)
        return hf_fail(diag, err, found.field, "%s", found.text);
    err = server_installation_read(instance->store, instance->root, &instance->installation);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, err, "data",
                       "%s was not initialised to the end; run 'holdfast init' again",
                       instance->settings.data);
    if (err == HF_OK)
        err = server_record_key(instance->root, &instance->record_key);
    if (err == HF_OK)
        err = crypto_record_key_dup(instance->record_key, &instance->hook_key);
    if (err == HF_OK)
        err = crypto_kdf(instance->root, HF_LIT("holdfast paging v1"), (hf_bytes){ NULL, 0 },
                         &instance->paging_key);
    if (err == HF_OK)
        err = archive_key(instance->root, &instance->backup_key);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: %s", instance->settings.data, hf_err_text(err));
    const struct store_hook hook = { .context = instance, .before_commit = put_audit_head };
    store_set_hook(instance->store, &hook);
    return HF_OK;
}

struct http_config server_http_config(const struct server_settings *settings,
                                      const char *listen[HF_CONFIG_LIST_MAX])
{
    for (size_t i = 0; i < settings->listen.count; i++)
        listen[i] = settings->listen.items[i];
    return (struct http_config){
        .listen = listen,
        .listen_count = settings->listen.count,
        .certificate_file = settings->tls_certificate,
        .key_file = settings->tls_key,
        .local_socket = settings->admin_socket,
        .loops = (size_t)settings->loops,
        .compute_threads = (size_t)settings->compute_threads,
        .max_connections = (size_t)settings->max_connections,
        .max_connections_per_address = (size_t)settings->max_connections_per_address,
        .max_header_bytes = (size_t)settings->max_header_bytes,
        .max_headers = (size_t)settings->max_headers,
        .max_body_memory = (size_t)settings->max_body_memory,
        .handshake_timeout = settings->handshake_timeout,
        .header_timeout = settings->header_timeout,
        .body_timeout = settings->body_timeout,
        .idle_timeout = settings->idle_timeout,
        .write_timeout = settings->write_timeout,
        .drain_timeout = settings->drain_timeout,
    };
}

static hf_err open_http(struct server_instance *instance, struct hf_diag *diag)
{
    const char *listen[HF_CONFIG_LIST_MAX];
    const struct http_config config = server_http_config(&instance->settings, listen);
    struct http_callbacks callbacks = api_http_callbacks;
    callbacks.context = &instance->service;
    hf_err err = http_server_new(&config, &callbacks, diag, &instance->http);
    if (err == HF_OK && instance->settings.public_port == 0)
        instance->settings.public_port = http_server_port(instance->http, 0);
    return err;
}

/* Tokens are for the vaults' resource, with and without the port, or for Azure's own name. */
static void make_audiences(struct server_instance *instance)
{
    char port[8] = "";
    if (instance->settings.public_port != HTTPS_PORT)
        (void)snprintf(port, sizeof(port), ":%d", (int)(instance->settings.public_port & 0xffff));
    const char *domain = instance->settings.domain;
    (void)snprintf(instance->login_url, sizeof(instance->login_url), "https://login.%s%s", domain,
                   port);
    (void)snprintf(instance->audiences[0], sizeof(instance->audiences[0]), "https://vault.%s%s",
                   domain, port);
    (void)snprintf(instance->audiences[1], sizeof(instance->audiences[1]), "https://vault.%s",
                   domain);
    (void)snprintf(instance->audiences[2], sizeof(instance->audiences[2]),
                   "https://vault.azure.net");
    for (size_t i = 0; i < SERVER_AUDIENCES - 2; i++)
        instance->audience_list[i] = instance->audiences[i];
}

/* "https://issuer /path/to/jwks.json" */
static hf_err load_issuer(char *line, struct hf_buf *jwks, struct access_trusted_issuer *out,
                          struct hf_diag *diag)
{
    char *blank = strchr(line, ' ');
    if (blank == NULL)
        return hf_fail(diag, HF_E_INVALID, "token.trusted_issuer",
                       "'%s': must be an issuer, a blank and a path", line);
    *blank = '\0';
    hf_err err = hf_file_read(blank + 1, jwks);
    if (err == HF_OK && jwks->n > 0 && memchr(jwks->p, '\0', jwks->n) != NULL)
        err = HF_E_INVALID; /* what follows would not be read */
    if (err == HF_OK) {
        hf_buf_put_u8(jwks, 0);
        err = hf_buf_err(jwks);
    }
    if (err != HF_OK)
        return hf_fail(diag, err, "token.trusted_issuer", "%s: %s", blank + 1, hf_err_text(err));
    *out = (struct access_trusted_issuer){ .issuer = line, .jwks_text = (const char *)jwks->p };
    return HF_OK;
}

static hf_err open_access(struct server_instance *instance, struct hf_diag *diag)
{
    struct access_trusted_issuer trusted[HF_CONFIG_LIST_MAX];
    struct hf_buf jwks[HF_CONFIG_LIST_MAX];
    size_t count = 0;
    hf_err err = HF_OK;
    for (; count < instance->settings.trusted_issuers.count && err == HF_OK; count++) {
        hf_buf_init(&jwks[count], JWKS_MAX_BYTES);
        err = load_issuer(instance->settings.trusted_issuers.items[count], &jwks[count],
                          &trusted[count], diag);
    }
    make_audiences(instance);
    struct access_config config = {
        .store = instance->store,
        .root_key = instance->root,
        .tenant = instance->installation.tenant,
        .login_url = instance->login_url,
        .audiences = instance->audience_list,
        .token_lifetime = instance->settings.token_lifetime,
        .clock_skew = instance->settings.token_clock_skew,
        .signing_key_lifetime = instance->settings.signing_key_lifetime,
        .trusted = trusted,
        .trusted_count = count,
    };
    if (err == HF_OK)
        err = access_engine_new(&config, diag, &instance->service.access);
    for (size_t i = 0; i < count; i++)
        hf_buf_done(&jwks[i]);
    return err;
}

/* What was done while the server was down is recorded before anything else. */
static hf_err open_audit(struct server_instance *instance, bool accept_loss, struct hf_diag *diag)
{
    struct server_audit audit = { .settings = &instance->settings,
                                  .store = instance->store,
                                  .record_key = instance->record_key,
                                  .accept_loss = accept_loss };
    hf_err err = server_audit_open(&audit, diag);
    if (err != HF_OK)
        return err;
    instance->service.audit = audit.log;
    const uint64_t set_aside = audit_recovered_bytes(audit.log);
    if (set_aside > 0)
        hf_log(HF_LOG_WARN, "audit-log-end-damaged",
               HF_KV_C("file", audit_recovered_file(audit.log)),
               HF_KV_INT("bytes", (int64_t)set_aside),
               HF_KV_C("continuing", "what was never durable is set aside in a file *.damaged"));
    err = server_audit_catch_up(&audit, hf_clock_now(&instance->clock), diag);
    instance->restored = audit.restored;
    return err;
}

static hf_err open_backups(struct server_instance *instance)
{
    const struct server_backups_config config = {
        .store = instance->store,
        .audit = instance->service.audit,
        .clock = &instance->clock,
        .data = instance->settings.data,
        .folder = instance->settings.backup_folder,
        .installation = instance->installation.tenant,
        .history = instance->restored.history, /* zero if it was never restored */
        .key = instance->backup_key,
        .journal = instance->settings.journal_keep > 0,
    };
    hf_err err = server_backups_new(&config, &instance->backups);
    if (err == HF_OK)
        instance->service.backups = server_backups_api(instance->backups);
    return err;
}

/* ---- the seal, as the local socket sees it ---- */

static hf_err seal_status(void *context, struct hf_diag *diag, struct api_seal_status *out)
{
    const struct server_instance *instance = context;
    return server_seal_status(instance->settings.data, diag, out);
}

/* Loop thread: the main thread does it. */
static void ask_to_seal(void *context)
{
    struct server_instance *instance = context;
    atomic_store(&instance->is_asked_to_seal, true);
    server_wake();
}

/* Pool thread. */
static hf_err record_act(void *context, const struct api_operator_act *told)
{
    struct server_instance *instance = context;
    const struct server_act act = { .operation = told->operation,
                                    .detail = told->detail,
                                    .status = told->status,
                                    .uid = told->uid,
                                    .time = told->time };
    return server_acts_write(instance->service.audit, &act, 1);
}

static hf_err open_service(struct server_instance *instance, const struct server_options *options)
{
    struct api_service *service = &instance->service;
    service->store = instance->store;
    service->clock = &instance->clock;
    service->paging_key = instance->paging_key;
    service->server = instance->http;
    service->vault_door = &azure_door;
    service->login_door = &entra_door;
    service->local_door = &admin_door;
    instance->sealing = (struct api_sealing){
        .context = instance, .status = seal_status, .seal = ask_to_seal, .record = record_act
    };
    service->sealing = &instance->sealing;
    service->settings = (struct api_settings){
        .domain = instance->settings.domain,
        .public_port = (int)instance->settings.public_port,
        .location = instance->settings.location,
        .tenant = instance->installation.tenant,
        .subscription = instance->installation.subscription,
        .movable_clock = options->movable_clock,
        .token_lifetime = instance->settings.token_lifetime,
        .target_delay = instance->settings.target_delay,
        .principal_rate = instance->settings.principal_rate,
        .vault_rate = instance->settings.vault_rate,
    };
    hf_err err = api_service_init(service, http_server_loops(instance->http));
    if (err == HF_OK)
        err = server_maintenance_init(&instance->maintenance, service);
    instance->maintenance.journal_keep = instance->settings.journal_keep;
    if (err != HF_OK)
        return err;
    instance->maintained = true;
    /* The log's end goes into the store at once: after an accepted loss it must not be missed again. */
    err = server_maintenance_note_head(&instance->maintenance);
    if (err != HF_OK)
        hf_log(HF_LOG_ERROR, "audit-head-not-noted", HF_KV_ERR(err),
               HF_KV_C("continuing", "next try in a minute"));
    return server_maintenance_keep_signing_keys(&instance->maintenance);
}

static hf_err open_parts(struct server_instance *instance, const struct seal_roots *roots,
                         const struct server_options *options, struct hf_diag *diag)
{
    hf_err err = open_keys(instance, roots, diag);
    if (err == HF_OK)
        err = open_http(instance, diag);
    if (err == HF_OK)
        err = vault_engine_new(instance->store, instance->root, &instance->service.vaults);
    if (err == HF_OK)
        err = open_access(instance, diag);
    if (err == HF_OK)
        err = open_audit(instance, options->accept_audit_loss, diag);
    if (err == HF_OK)
        err = open_backups(instance);
    if (err == HF_OK)
        err = open_service(instance, options);
    hf_secret_free(hf_take(&instance->root)); /* every part holds its own derived key by now */
    return err;
}

hf_err server_instance_new(const struct server_settings *settings, const struct seal_roots *roots,
                           const struct server_options *options, struct hf_diag *diag,
                           struct server_instance **out)
{
    struct server_instance *instance = calloc(1, sizeof(*instance));
    if (instance == NULL)
        return HF_E_NOMEM;
    instance->settings = *settings;
    hf_err err = open_parts(instance, roots, options, diag);
    if (err != HF_OK) {
        server_instance_free(instance);
        return hf_fail(diag, err, "", "%s", hf_err_text(err));
    }
    *out = instance;
    return HF_OK;
}

hf_err server_instance_start(struct server_instance *instance)
{
    hf_err err = server_maintenance_start(&instance->maintenance);
    return err == HF_OK ? http_server_start(instance->http) : err;
}

/*
 * The reverse of opening, with one exception: the store is closed before the HTTP server is freed,
 * because commands of requests given up by the drain live in its arenas until the writer is done.
 */
void server_instance_free(struct server_instance *instance)
{
    if (instance == NULL)
        return;
    if (instance->http != NULL)
        http_server_stop(instance->http);
    if (instance->maintained) {
        server_maintenance_stop(&instance->maintenance);
        note_audit_head(instance);
        server_maintenance_done(&instance->maintenance);
    }
    server_backups_stop(instance->backups);
    api_service_done(&instance->service);
    store_close(instance->store);
    http_server_free(instance->http);
    server_backups_free(instance->backups);
    audit_close(instance->service.audit);
    access_engine_free(instance->service.access);
    vault_engine_free(instance->service.vaults);
    hf_secret_free(instance->paging_key);
    hf_secret_free(instance->backup_key);
    hf_secret_free(instance->root);
    crypto_record_key_free(instance->hook_key);
    crypto_record_key_free(instance->record_key);
    free(instance);
}

/* ---- the end ---- */

void server_reload_certificate(struct http_server *http, const struct server_settings *settings)
{
    struct hf_diag diag = { 0 };
    hf_err err = http_server_reload_certificate(http, &diag);
    if (err == HF_OK)
        hf_log(HF_LOG_NOTICE, "certificate-reloaded", HF_KV_C("file", settings->tls_certificate));
    else
        hf_log(HF_LOG_ERROR, "certificate-not-reloaded", HF_KV_ERR(err),
               HF_KV_C("reason", diag.text), HF_KV_C("continuing", "with the certificate in use"));
}

enum server_end server_instance_wait(struct server_instance *instance)
{
    for (;;) {
        const enum server_signal came = server_wait_signal(INT64_MAX);
        if (came == SERVER_SIGNAL_STOP)
            return SERVER_END_STOPPED;
        if (came == SERVER_SIGNAL_RELOAD)
            server_reload_certificate(instance->http, &instance->settings);
        if (atomic_load(&instance->is_asked_to_seal))
            return SERVER_END_SEALED;
    }
}

int server_instance_port(const struct server_instance *instance)
{
    return http_server_port(instance->http, 0);
}

struct audit_log *server_instance_audit(struct server_instance *instance)
{
    return instance->service.audit;
}

struct api_service *server_instance_service(struct server_instance *instance)
{
    return &instance->service;
}

struct crypto_record_key *server_instance_record_key(struct server_instance *instance)
{
    return instance->record_key;
}
