/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of server/ share.
 */
#pragma once

#include "server/instance.h"

#include <pthread.h>

#define SERVER_AUDIENCES 5

/* Runs what is due by time: audit sync each second; purges and signing keys each minute. */
struct server_maintenance {
    struct api_service *service;
    struct api_worker worker;
    pthread_t thread;
    bool running;
    pthread_mutex_t m;
    pthread_cond_t wake;
    bool stop; /* under m */
};

HF_MUST hf_err server_maintenance_init(struct server_maintenance *maintenance,
                                       struct api_service *service);
HF_MUST hf_err server_maintenance_start(struct server_maintenance *maintenance);
void server_maintenance_done(struct server_maintenance *maintenance);
/* One round of the jobs; also at start, so that there is a signing key before the first request. */
HF_MUST hf_err server_maintenance_run(struct server_maintenance *maintenance);

struct server_instance {
    struct server_settings settings;
    struct hf_clock clock;
    struct server_installation installation;
    struct hf_secret *root;
    struct crypto_record_key *record_key; /* main thread */
    struct crypto_record_key *hook_key;   /* writer thread */
    struct hf_secret *paging_key;
    struct store *store;
    struct http_server *http;
    struct api_service service;
    struct server_maintenance maintenance;
    bool maintained; /* maintenance is initialised */
    char login_url[512];
    char audiences[SERVER_AUDIENCES - 1][512];
    const char *audience_list[SERVER_AUDIENCES];
};
