/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations on secrets: each parses, calls the domain, answers. A continuation stands directly above its handler.
 */
#include "api/azure/internal.h"

static hf_err answer(struct api_call *call, const struct vault_version *version)
{
    struct vault_secret secret;
    hf_err err = vault_secret_of(version, &secret);
    if (err != HF_OK)
        return err;
    secret_audit(call, &secret);
    return secret_write_bundle(call, &secret);
}

const struct azure_collection azure_secrets = {
    .noun = "secret",
    .title = "Secret",
    .path = API_TEXT("secrets"),
    .deleted_path = API_TEXT("deletedsecrets"),
    .not_found = API_TEXT("SecretNotFound"),
    .list = vault_secret_list,
    .list_versions = vault_secret_list_versions,
    .backup = vault_secret_backup,
    .remove = vault_secret_delete,
    .recover = vault_secret_recover,
    .purge = vault_secret_purge,
    .restore = vault_secret_restore,
    .answer = answer,
    .write_item = secret_write_item,
};

static hf_err answer_changed(struct api_call *call)
{
    return azure_answer_changed(call, &azure_secrets);
}

/* ---- set ---- */

struct pending_set {
    struct vault_command *command;
    const struct hf_secret *value; /* the answer repeats it */
};

static hf_err answer_set(struct api_call *call)
{
    if (call->result != HF_OK)
        return azure_refuse(call, &azure_secrets, call->result);
    const struct pending_set *pending = call->state;
    struct vault_secret secret;
    hf_err err = vault_secret_of(pending->command->version, &secret);
    if (err != HF_OK)
        return err;
    secret_audit(call, &secret);
    secret.value = pending->value;
    return secret_write_bundle(call, &secret);
}

hf_err secret_set(struct api_call *call)
{
    call->object_text = call->params[0];
    struct secret_body body;
    hf_err err = secret_body_read_set(call, &body);
    if (err != HF_OK)
        return err;
    struct pending_set *pending = hf_arena_new_of(call->arena, struct pending_set);
    if (pending == NULL)
        return HF_E_NOMEM;
    err = vault_secret_set(call->vault, call->params[0], body.value, &body.change, call->now,
                           call->arena, &call->diag, &pending->command);
    if (err == HF_E_TOO_LARGE)
        return azure_bad_parameter(call, "The secret value is larger than the limit of %d bytes.",
                                   VAULT_SECRET_VALUE_MAX_BYTES);
    if (err != HF_OK)
        return azure_refuse(call, &azure_secrets, err);
    pending->value = body.value;
    call->state = pending;
    call->command = &pending->command->store;
    call->finish = answer_set;
    return HF_OK;
}

/* ---- update ---- */

hf_err secret_update(struct api_call *call)
{
    struct azure_ref ref;
    hf_err err = azure_read_ref(call, &azure_secrets, &ref);
    if (err != HF_OK)
        return err;
    struct secret_body body;
    err = secret_body_read_update(call, &body);
    if (err != HF_OK)
        return err;
    struct vault_command *command = NULL;
    err = vault_secret_update(call->vault, ref.name, ref.version, &body.change, call->now,
                              call->arena, &call->diag, &command);
    return err == HF_OK ? azure_hand_over(call, command, answer_changed)
                        : azure_refuse(call, &azure_secrets, err);
}

/* ---- get ---- */

/* Converts the secret of a certificate only (Key Vault REST, ContentType); there are no certificates yet. */
static hf_err check_out_content_type(struct api_call *call)
{
    hf_str type;
    hf_err err = api_query(call, HF_LIT("outContentType"), &type);
    if (err != HF_OK || type.p == NULL)
        return err;
    return azure_bad_parameter(call,
                               "outContentType is supported for the secrets of certificates only.");
}

hf_err secret_get(struct api_call *call)
{
    struct azure_ref ref;
    hf_err err = azure_read_ref(call, &azure_secrets, &ref);
    if (err == HF_OK)
        err = check_out_content_type(call);
    if (err != HF_OK)
        return err;
    struct vault_secret secret;
    err = vault_secret_get(call->vault, call->txn, ref.name, ref.version, call->now, call->arena,
                           &secret);
    if (err == HF_E_DISABLED)
        return api_fail(call, err, 403, HF_LIT("Forbidden"), HF_LIT("SecretDisabled"),
                        "Operation get is not allowed on a disabled secret.");
    if (err != HF_OK)
        return azure_refuse(call, &azure_secrets, err);
    secret_audit(call, &secret);
    return secret_write_bundle(call, &secret);
}

hf_err secret_get_deleted(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_secret secret;
    hf_err err = vault_secret_get_deleted(call->vault, call->txn, call->params[0], call->now,
                                          call->arena, &secret);
    return azure_answer_deleted(call, &azure_secrets, err, &secret.version);
}

/* ---- as for every collection ---- */

hf_err secret_list(struct api_call *call)
{
    return azure_list(call, &azure_secrets, false);
}

hf_err secret_list_deleted(struct api_call *call)
{
    return azure_list(call, &azure_secrets, true);
}

hf_err secret_list_versions(struct api_call *call)
{
    return azure_list_versions(call, &azure_secrets);
}

hf_err secret_delete(struct api_call *call)
{
    return azure_delete(call, &azure_secrets, answer_changed);
}

static hf_err answer_purge(struct api_call *call)
{
    return azure_answer_purge(call, &azure_secrets);
}

hf_err secret_purge(struct api_call *call)
{
    return azure_purge(call, &azure_secrets, answer_purge);
}

static hf_err answer_recover(struct api_call *call)
{
    return azure_answer_recover(call, &azure_secrets);
}

hf_err secret_recover(struct api_call *call)
{
    return azure_recover(call, &azure_secrets, answer_recover);
}

hf_err secret_backup(struct api_call *call)
{
    return azure_backup(call, &azure_secrets);
}

static hf_err answer_restore(struct api_call *call)
{
    return azure_answer_restore(call, &azure_secrets);
}

hf_err secret_restore(struct api_call *call)
{
    return azure_restore(call, &azure_secrets, answer_restore);
}
