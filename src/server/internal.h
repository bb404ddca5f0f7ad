/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of server/ share.
 */
#pragma once

#include "api/sealing.h"
#include "server/backup.h"
#include "server/instance.h"
#include "server/signals.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERVER_AUDIENCES 5

/* Runs what is due by time: audit sync each second; purges and signing keys each minute. */
struct server_maintenance {
    struct api_service *service;
    struct api_worker worker;
    pthread_t thread;
    uint64_t noted_seq;               /* of the audit head in the store */
    enum audit_condition condition;   /* of the audit log, as last told */
    hf_usec told;                     /* when; monotonic */
    struct store_health store;        /* of the store, as last told */
    hf_usec summed;                   /* when refusals were recorded last; monotonic */
    uint64_t recorded[API_REFUSALS_]; /* of each cause */
    hf_usec journal_keep;             /* 0: no journal */
    bool running;
    pthread_mutex_t m;
    pthread_cond_t wake;
    bool stop; /* under m */
};

HF_MUST hf_err server_maintenance_init(struct server_maintenance *maintenance,
                                       struct api_service *service);
HF_MUST hf_err server_maintenance_start(struct server_maintenance *maintenance);
/* Ends the thread; the worker stays usable for the caller. */
void server_maintenance_stop(struct server_maintenance *maintenance);
void server_maintenance_done(struct server_maintenance *maintenance);
/* Makes the next signing key when it is due; also at start, so that there is one before the first request. */
HF_MUST hf_err server_maintenance_keep_signing_keys(struct server_maintenance *maintenance);
/* Puts the audit log's durable head into the store, if it has moved. */
HF_MUST hf_err server_maintenance_note_head(struct server_maintenance *maintenance);

struct server_instance {
    struct server_settings settings;
    struct hf_clock clock;
    struct server_installation installation;
    struct hf_secret *root;
    struct crypto_record_key *record_key; /* main thread */
    struct crypto_record_key *hook_key;   /* writer thread */
    struct hf_secret *paging_key;
    struct hf_secret *backup_key;
    struct server_backups *backups;
    struct server_restored restored; /* zero if the store does not come from a backup */
    struct store *store;
    struct http_server *http;
    struct api_service service;
    struct server_maintenance maintenance;
    bool maintained; /* maintenance is initialised */
    struct api_sealing sealing;
    atomic_bool is_asked_to_seal;
    char login_url[512];
    char audiences[SERVER_AUDIENCES - 1][512];
    const char *audience_list[SERVER_AUDIENCES];
};

/*
 * The listeners and limits of the settings; listen is room for their texts, which outlive http_server_new() as the
 * settings do.
 */
struct http_config server_http_config(const struct server_settings *settings,
                                      const char *listen[HF_CONFIG_LIST_MAX]);
/* On SIGHUP; a failure is logged. */
void server_reload_certificate(struct http_server *http, const struct server_settings *settings);

/* What the seal in the folder says; as if the server were open. Fails as seal_read_info(). */
HF_MUST hf_err server_seal_status(const char *folder, struct hf_diag *diag,
                                  struct api_seal_status *out);
void server_seal_describe(const struct seal_info *info, struct api_seal_status *out);
