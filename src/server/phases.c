/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From sealed to open and back. Each phase gives everything back before the next begins: listeners, threads, keys.
 */
#include "server/phases.h"

#include "base/log.h"
#include "server/internal.h"
#include "server/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one phase leaves to the next. */
struct phases {
    const struct server_run *run;
    struct server_settings *settings; /* a copy: with the ports that were taken */
    struct seal_roots roots;          /* of an open seal; else none */
    struct server_sealed_start sealed;
    struct hf_diag why;        /* the seal did not open */
    struct server_tries tries; /* until they are in the audit log */
    bool was_sealed;
    bool was_open;
    bool is_over;
};

/* "127.0.0.1:0" becomes "127.0.0.1:40123": the next phase listens where this one did. */
static void keep_ports(struct server_settings *settings, const struct http_server *http)
{
    for (size_t i = 0; i < settings->listen.count; i++) {
        char *item = settings->listen.items[i];
        char *colon = strrchr(item, ':');
        if (colon != NULL && strcmp(colon, ":0") == 0)
            (void)snprintf(colon, sizeof(settings->listen.items[i]) - (size_t)(colon - item), ":%d",
                           http_server_port(http, i));
    }
}

/* ---- the first opening ---- */

static hf_err read_seal(const struct server_settings *settings, struct hf_diag *diag,
                        struct seal_info *out)
{
    struct hf_diag found = { 0 };
    hf_err err = seal_read_info(settings->data, &found, out);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, err, "data", "%s is not initialised; run 'holdfast init' first",
                       settings->data);
    if (err != HF_OK)
        return hf_fail(diag, err, found.field, "%s", found.text);
    const char *wanted = server_seal_kind_name(settings);
    if (strcmp(out->kind, wanted) != 0)
        return hf_fail(diag, HF_E_UNSUPPORTED, "seal.kind",
                       "seal.kind is %s, but the seal in %s is of kind %s; set seal.kind to that, "
                       "or change the seal with 'holdfast operator migrate-seal'",
                       wanted, settings->data, out->kind);
    return HF_OK;
}

/* What may be away for a while, and come back: a token, a TPM. */
static bool is_waited_for(const struct server_settings *settings, hf_err err)
{
    return err == HF_E_UNAVAILABLE &&
           (settings->seal_kind == SERVER_SEAL_PKCS11 || settings->seal_kind == SERVER_SEAL_TPM2);
}

/* The roots, or why there are none yet. */
static hf_err open_first(struct phases *phases, struct hf_diag *diag)
{
    struct seal_info info = { 0 };
    hf_err err = read_seal(phases->settings, diag, &info);
    if (err != HF_OK)
        return err;
    if (info.asks_people) {
        phases->sealed = (struct server_sealed_start){
            .reason = info.threshold > 0 ? "waiting for shares" : "waiting for the passphrase"
        };
        return HF_OK;
    }
    const struct seal_config config = server_seal_config(phases->settings);
    err = seal_open(&config, NULL, &phases->why, &phases->roots);
    if (is_waited_for(phases->settings, err)) {
        phases->sealed = (struct server_sealed_start){ .reason = phases->why.text,
                                                       .retries = true };
        return HF_OK;
    }
    return err == HF_OK ? HF_OK : hf_fail(diag, err, phases->why.field, "%s", phases->why.text);
}

/* ---- the phases ---- */

static hf_err be_sealed(struct phases *phases, struct hf_diag *diag)
{
    struct server_sealed *sealed = NULL;
    phases->sealed.tries = &phases->tries;
    hf_err err = server_sealed_new(phases->settings, &phases->sealed, diag, &sealed);
    if (err != HF_OK)
        return err;
    phases->was_sealed = true;
    keep_ports(phases->settings, server_sealed_http(sealed));
    err = server_sealed_start(sealed);
    if (err == HF_OK)
        phases->is_over = !server_sealed_wait(sealed, &phases->roots);
    server_sealed_free(sealed);
    return err;
}

static hf_err start(struct phases *phases, struct server_instance *instance)
{
    const struct server_run *run = phases->run;
    hf_err err = run->opened == NULL ? HF_OK : run->opened(run->context, instance);
    if (err == HF_OK)
        err = server_instance_start(instance);
    if (err == HF_OK)
        err = run->started(run->context, instance, !phases->was_open);
    phases->was_open = true;
    return err;
}

/* While a server is sealed an operator's command may have the store: what was given must not end the process. */
static hf_err seal_again(struct phases *phases, struct hf_diag *diag)
{
    phases->why = *diag;
    *diag = (struct hf_diag){ 0 };
    phases->sealed = (struct server_sealed_start){ .reason = phases->why.text };
    hf_log(HF_LOG_WARN, "unseal-failed", HF_KV_C("reason", phases->why.text),
           HF_KV_C("continuing", "sealed"));
    return HF_OK;
}

/* Before anybody is served. Not opened is what is not recorded: what was tried stays in memory. */
static hf_err record_tries(struct phases *phases, struct server_instance *instance,
                           struct hf_diag *diag)
{
    hf_err err = server_tries_record(&phases->tries, server_instance_audit(instance));
    if (err == HF_OK)
        return HF_OK;
    phases->tries.is_open = false;
    return hf_fail(diag, err, "audit", "the unsealing cannot be recorded in the audit log: %s",
                   hf_err_text(err));
}

static hf_err be_open(struct phases *phases, struct hf_diag *diag)
{
    struct server_instance *instance = NULL;
    hf_err err = server_instance_new(phases->settings, &phases->roots, phases->run->options, diag,
                                     &instance);
    seal_roots_done(&phases->roots);
    if (err == HF_E_BUSY && phases->was_sealed)
        return seal_again(phases, diag);
    if (err != HF_OK)
        return err;
    keep_ports(phases->settings, instance->http);
    err = record_tries(phases, instance, diag);
    if (err != HF_OK) {
        server_instance_free(instance);
        return seal_again(phases, diag);
    }
    err = start(phases, instance);
    if (err == HF_OK)
        phases->is_over = server_instance_wait(instance) == SERVER_END_STOPPED;
    server_instance_free(instance);
    phases->sealed = (struct server_sealed_start){ .reason = "sealed by its operator" };
    return err;
}

hf_err server_run(const struct server_run *run, struct hf_diag *diag)
{
    struct phases phases = { .run = run, .settings = calloc(1, sizeof(*run->settings)) };
    if (phases.settings == NULL)
        return HF_E_NOMEM;
    *phases.settings = *run->settings;
    hf_err err = open_first(&phases, diag);
    while (err == HF_OK && !phases.is_over)
        err = phases.roots.count == 0 ? be_sealed(&phases, diag) : be_open(&phases, diag);
    seal_roots_done(&phases.roots);
    free(phases.settings);
    return err == HF_OK ? HF_OK : hf_fail(diag, err, "", "%s", hf_err_text(err));
}
