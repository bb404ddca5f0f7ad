/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process-wide service and its per-thread workers: made once, then read only.
 */
#include "api/internal.h"

#include "base/log.h"

#include <stdlib.h>

#define AZURE_HTTPS_PORT 443
/*
 * Records of attempts without a valid caller: of one address (an IPv4 address, an IPv6 /64 network) a
 * thousand at once and one a second, of all together five thousand and twenty a second: with lines of
 * at most 1.5 KiB less than 3 GB a day. What is above is recorded as a sum.
 */
#define STRANGER_RATE 1
#define STRANGER_BURST 1000
#define ALL_STRANGERS_RATE 20
#define ALL_STRANGERS_BURST 5000
#define TEXTS_MAX_BYTES ((size_t)16 * 1024)
#define SCRATCH_KEEP_BYTES ((size_t)64 * 1024)

/* What is made from the settings once, in the service's own arena. */
static hf_err make_texts(struct api_service *service)
{
    const struct api_settings *settings = &service->settings;
    struct hf_buf port;
    hf_buf_init_fixed(&port, service->url_port, sizeof(service->url_port) - 1);
    if (settings->public_port != AZURE_HTTPS_PORT)
        hf_buf_putf(&port, ":%d", settings->public_port);
    hf_err err = hf_buf_err(&port);
    if (err == HF_OK)
        err = hf_arena_new(TEXTS_MAX_BYTES, &service->texts);
    if (err != HF_OK)
        return err;
    char tenant[HF_UUID_TEXT_BYTES + 1];
    char subscription[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&settings->tenant, tenant);
    hf_uuid_format(&settings->subscription, subscription);

    struct hf_arena *texts = service->texts;
    hf_str domain = hf_str_from_c(settings->domain);
    hf_str url_port = hf_str_from_c(service->url_port);
    service->vault_suffix = HF_JOIN(texts, HF_LIT(".vault."), domain);
    service->login_host = HF_JOIN(texts, HF_LIT("login."), domain);
    service->login_url = HF_JOIN(texts, HF_LIT("https://login."), domain, url_port);
    service->vault_resource = HF_JOIN(texts, HF_LIT("https://vault."), domain, url_port);
    service->tenant = HF_JOIN(texts, hf_str_from_c(tenant));
    service->subscription = HF_JOIN(texts, hf_str_from_c(subscription));
    service->challenge = HF_JOIN(texts, HF_LIT("Bearer authorization=\""), service->login_url,
                                 HF_LIT("/"), service->tenant, HF_LIT("\", resource=\""),
                                 service->vault_resource, HF_LIT("\""));
    return service->challenge.p == NULL ? HF_E_NOMEM : HF_OK; /* the arena fails for good */
}

hf_err api_worker_init(struct api_service *service, struct api_worker *worker)
{
    hf_buf_init_secret(&worker->scratch, API_ANSWER_MAX_BYTES);
    worker->overload.target = service->settings.target_delay;
    hf_err err = store_reader_new(service->store, &worker->reader);
    if (err == HF_OK)
        err = vault_view_new(service->vaults, &worker->vaults);
    if (err == HF_OK)
        err = access_view_new(service->access, &worker->access);
    if (err == HF_OK)
        err = audit_batch_new(service->audit, &worker->audit);
    if (err == HF_OK)
        err = crypto_record_key_new(service->paging_key, &worker->paging);
    if (err == HF_OK)
        err = vault_key_cache_new(&worker->keys);
    if (err == HF_OK)
        err = crypto_record_key_keep(worker->paging);
    return err;
}

static hf_err make_limits(struct api_service *service)
{
    const struct api_settings *settings = &service->settings;
    service->commits.floor = API_BACKLOG_COMMITS_FLOOR;
    service->computes.floor = API_BACKLOG_COMPUTES_FLOOR;
    service->makings.floor = API_BACKLOG_MAKINGS_FLOOR;
    /* what a second allows may come at once */
    hf_err err = api_quota_init(&service->principal_quota, settings->principal_rate,
                                settings->principal_rate);
    if (err == HF_OK)
        err = api_quota_init(&service->vault_quota, settings->vault_rate, settings->vault_rate);
    if (err == HF_OK)
        err = api_quota_init(&service->strangers, STRANGER_RATE, STRANGER_BURST);
    if (err == HF_OK)
        err = api_quota_init(&service->all_strangers, ALL_STRANGERS_RATE, ALL_STRANGERS_BURST);
    return err;
}

void api_worker_done(struct api_worker *worker)
{
    hf_err err = worker->audit == NULL ? HF_OK : audit_batch_write(worker->audit);
    if (err != HF_OK)
        hf_log(HF_LOG_ERROR, "audit-records-lost", HF_KV_ERR(err), HF_KV_C("when", "at stop"));
    vault_key_cache_free(worker->keys);
    crypto_record_key_free(worker->paging);
    audit_batch_free(worker->audit);
    access_view_free(worker->access);
    vault_view_free(worker->vaults);
    store_reader_free(worker->reader);
    hf_buf_done(&worker->scratch);
    *worker = (struct api_worker){ 0 };
}

void api_worker_reset_scratch(struct api_worker *worker)
{
    if (worker->scratch.cap > SCRATCH_KEEP_BYTES)
        hf_buf_done(&worker->scratch);
    else
        hf_buf_reset(&worker->scratch);
}

hf_err api_service_init(struct api_service *service, size_t workers)
{
    hf_err err = make_texts(service);
    if (err == HF_OK)
        err = make_limits(service);
    if (err != HF_OK)
        return err;
    service->workers = calloc(workers, sizeof(*service->workers));
    if (service->workers == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < workers; i++) {
        service->worker_count = i + 1;
        err = api_worker_init(service, &service->workers[i]);
        if (err != HF_OK)
            return err;
    }
    service->started = hf_clock_now(service->clock);
    return HF_OK;
}

void api_service_done(struct api_service *service)
{
    for (size_t i = 0; i < service->worker_count; i++)
        api_worker_done(&service->workers[i]);
    free(service->workers);
    service->workers = NULL;
    service->worker_count = 0;
    api_quota_done(&service->principal_quota);
    api_quota_done(&service->vault_quota);
    api_quota_done(&service->strangers);
    api_quota_done(&service->all_strangers);
    hf_arena_free(service->texts);
    service->texts = NULL;
}
