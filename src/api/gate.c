/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is turned away before anything is done for them, and whose attempts are only counted. The local
 * socket is never turned away: whoever looks into an overload needs it.
 */
#include "api/internal.h"

#include "base/log.h"

/* Before authentication: only the table of operations is looked at, and only while something waits
 * too long. */
static bool is_behind(struct api_service *service, struct http_exchange *exchange,
                      const struct api_door *door, enum http_method method)
{
    hf_usec target = service->settings.target_delay;
    bool commits_wait = !api_backlog_admit(&service->commits, target);
    bool computes_wait = !api_backlog_admit(&service->computes, target);
    bool makings_wait = !api_backlog_admit(&service->makings, target);
    if (!commits_wait && !computes_wait && !makings_wait)
        return false;
    struct api_call call = { .exchange = exchange,
                             .request = &exchange->request,
                             .arena = exchange->arena,
                             .service = service,
                             .door = door,
                             .method = method };
    if (api_route(&call) != HF_OK)
        return false;
    return (commits_wait && call.op->run == API_RUN_COMMIT) ||
           (computes_wait && call.op->run == API_RUN_COMPUTE) ||
           (makings_wait && call.op->run == API_RUN_MAKE);
}

bool api_gate_refuses(struct api_service *service, struct http_exchange *exchange,
                      const struct api_door *door, enum http_method method)
{
    if (exchange->request.peer.is_local)
        return false;
    bool is_login = door == service->login_door;
    if (!audit_takes_records(service->audit)) {
        api_refusals_count(&service->refusals, API_REFUSED_AUDIT);
        api_refuse(exchange, is_login, audit_condition_text(audit_log_condition(service->audit)));
        return true;
    }
    struct api_overload *overload = &service->workers[exchange->loop_index].overload;
    hf_usec elapsed = exchange->started - http_loop_turn_started(exchange->loop);
    if (api_overload_admit(overload, elapsed, exchange->held_back) &&
        !is_behind(service, exchange, door, method))
        return false;
    api_overload_note_refused(overload);
    api_refusals_count(&service->refusals, API_REFUSED_OVERLOAD);
    api_refuse(exchange, is_login, "The service is overloaded; try again later.");
    return true;
}

/* ---- quotas ---- */

static bool exceeds(struct api_quota *quota, hf_str who, hf_usec now)
{
    return quota->places != NULL &&
           api_quota_take(quota, api_quota_key(quota, who), now) == API_QUOTA_EXCEEDED;
}

hf_err api_gate_take_quota(struct api_call *call)
{
    struct api_service *service = call->service;
    if (call->caller == NULL ||
        (service->principal_quota.places == NULL && service->vault_quota.places == NULL))
        return HF_OK;
    hf_usec now = hf_monotonic_now();
    bool is_principal = exceeds(&service->principal_quota, call->caller->oid, now);
    hf_str vault = hf_str_from_c(call->vault_properties.name);
    if (!is_principal && !exceeds(&service->vault_quota, vault, now))
        return HF_OK;
    api_refusals_count(&service->refusals, API_REFUSED_QUOTA);
    call->skip_audit = true;
    hf_log(HF_LOG_WARN, "quota-exceeded", HF_KV_C("of", is_principal ? "principal" : "vault"),
           HF_KV_STR("principal", call->caller->oid), HF_KV_STR("vault", vault),
           HF_KV_C("continuing", "answered with 429"));
    return HF_E_THROTTLED;
}

/* ---- strangers ---- */

bool api_gate_records(struct api_call *call)
{
    struct api_service *service = call->service;
    const struct http_peer *peer = &call->request->peer;
    if (peer->is_local || call->caller != NULL || call->status < 400)
        return true;
    hf_usec now = hf_monotonic_now();
    if (api_quota_take(&service->strangers, peer->key, now) == API_QUOTA_TAKEN &&
        api_quota_take(&service->all_strangers, 1, now) == API_QUOTA_TAKEN)
        return true;
    api_refusals_count(&service->refusals, API_REFUSED_STRANGER);
    return false;
}

/* ---- commands and computations ---- */

hf_err api_gate_enter(struct api_call *call, struct api_backlog *backlog)
{
    struct api_service *service = call->service;
    bool is_local = call->request->peer.is_local;
    if (!is_local && !api_backlog_admit(backlog, service->settings.target_delay)) {
        api_refusals_count(&service->refusals, API_REFUSED_OVERLOAD);
        call->skip_audit = true;
        return HF_E_UNAVAILABLE;
    }
    call->ticket = api_backlog_enter(backlog, hf_monotonic_now());
    return HF_OK;
}

void api_gate_leave(struct api_call *call, struct api_backlog *backlog)
{
    api_backlog_leave(backlog, &call->ticket, hf_monotonic_now());
}
