/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations on secrets: each parses, calls the domain, answers. A continuation stands directly above its handler.
 */
#include "api/azure/internal.h"

#include <string.h>

/* What the version segment of the path says. */
struct secret_ref {
    hf_str name;
    bool has_version;
    struct hf_uuid version;
};

/* ---- refusals, in the service's words ---- */

static hf_err not_found(struct api_call *call)
{
    return api_fail(call, HF_E_NOT_FOUND, 404, HF_LIT("SecretNotFound"), HF_LIT(""),
                    "A secret with (name/id) %.*s was not found in this key vault. If you recently "
                    "deleted this secret "
                    "you may be able to recover it using the correct recovery command. For help "
                    "resolving this issue, "
                    "please see https://go.microsoft.com/fwlink/?linkid=2125182",
                    HF_STR_ARG(call->object_text));
}

static hf_err deleted_not_found(struct api_call *call)
{
    return api_fail(call, HF_E_NOT_FOUND, 404, HF_LIT("SecretNotFound"), HF_LIT(""),
                    "Deleted Secret not found: %.*s", HF_STR_ARG(call->object_text));
}

static hf_err name_is_deleted(struct api_call *call)
{
    return api_fail(call, HF_E_DELETED, 409, HF_LIT("Conflict"),
                    HF_LIT("ObjectIsDeletedButRecoverable"),
                    "Secret %.*s is currently in a deleted but recoverable state, and its name "
                    "cannot be reused; in "
                    "this state, the secret can only be recovered or purged.",
                    HF_STR_ARG(call->object_text));
}

static hf_err restore_conflict(struct api_call *call, const struct vault_version *version)
{
    char id[HF_UUID_HEX_BYTES + 1];
    hf_uuid_format_hex(&version->id, id);
    hf_str url = azure_vault_url(call);
    return api_fail(call, HF_E_EXISTS, 409, HF_LIT("Conflict"), HF_LIT(""),
                    "There was a conflict restoring the secret '%.*s/secrets/%.*s/%s'. This can "
                    "happen if either: a "
                    "second secret with the same name was created after the first secret was "
                    "deleted; thus trying to "
                    "restore a secret whose name is already in use. To fix this, rename the second "
                    "secret to something "
                    "else so that the restore works. The second probable cause of this exception "
                    "is when multiple "
                    "operations are performed in parallel against the secret. To avoid this error, "
                    "perform operations "
                    "against a secret in a sequential manner.",
                    HF_STR_ARG(url), HF_STR_ARG(version->name), id);
}

/* "exp" of "attributes.exp", as the service names properties. */
static const char *last_part(const char *field)
{
    const char *dot = strrchr(field, '.');
    return dot == NULL ? field : dot + 1;
}

/* The errors that mean the same in every operation. */
static hf_err refuse(struct api_call *call, hf_err err)
{
    if (err == HF_E_NOT_FOUND)
        return not_found(call);
    if (err == HF_E_DELETED)
        return name_is_deleted(call);
    if (err == HF_E_INVALID)
        return azure_bad_property(call, last_part(call->diag.field));
    return err;
}

/* ---- shared steps ---- */

/* A version that is no 32 hexadecimal digits cannot exist. */
static hf_err read_ref(struct api_call *call, struct secret_ref *out)
{
    *out = (struct secret_ref){ .name = call->params[0] };
    call->object_text = out->name;
    hf_str version = call->param_count > 1 ? call->params[1] : (hf_str){ NULL, 0 };
    if (version.n == 0)
        return HF_OK;
    call->object_text = HF_JOIN(call->arena, out->name, HF_LIT("/"), version);
    out->has_version = true;
    return hf_uuid_parse_hex(version, &out->version) == HF_OK ? HF_OK : not_found(call);
}

static const struct hf_uuid *ref_version(const struct secret_ref *ref)
{
    return ref->has_version ? &ref->version : NULL;
}

/* Leaves the command to the dispatcher; finish answers. */
static hf_err hand_over(struct api_call *call, struct vault_command *command, api_handler_fn finish)
{
    call->state = command;
    call->command = &command->store;
    call->finish = finish;
    return HF_OK;
}

static hf_err answer_changed(struct api_call *call)
{
    const struct vault_command *command = call->state;
    if (call->result == HF_E_INVALID)
        call->diag = command->diag; /* what the writer found */
    if (call->result != HF_OK)
        return refuse(call, call->result);
    struct vault_secret secret;
    hf_err err = vault_secret_of(command->version, &secret);
    if (err != HF_OK)
        return err;
    secret_audit(call, &secret);
    return secret_write_bundle(call, &secret);
}

/* ---- set ---- */

struct pending_set {
    struct vault_command *command;
    const struct hf_secret *value; /* the answer repeats it */
};

static hf_err answer_set(struct api_call *call)
{
    if (call->result != HF_OK)
        return refuse(call, call->result);
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
        return refuse(call, err);
    pending->value = body.value;
    call->state = pending;
    call->command = &pending->command->store;
    call->finish = answer_set;
    return HF_OK;
}

/* ---- update ---- */

hf_err secret_update(struct api_call *call)
{
    struct secret_ref ref;
    hf_err err = read_ref(call, &ref);
    if (err != HF_OK)
        return err;
    struct secret_body body;
    err = secret_body_read_update(call, &body);
    if (err != HF_OK)
        return err;
    struct vault_command *command = NULL;
    err = vault_secret_update(call->vault, ref.name, ref_version(&ref), &body.change, call->now,
                              call->arena, &call->diag, &command);
    return err == HF_OK ? hand_over(call, command, answer_changed) : refuse(call, err);
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
    struct secret_ref ref;
    hf_err err = read_ref(call, &ref);
    if (err == HF_OK)
        err = check_out_content_type(call);
    if (err != HF_OK)
        return err;
    struct vault_secret secret;
    err = vault_secret_get(call->vault, call->txn, ref.name, ref_version(&ref), call->now,
                           call->arena, &secret);
    if (err == HF_E_DISABLED)
        return api_fail(call, err, 403, HF_LIT("Forbidden"), HF_LIT("SecretDisabled"),
                        "Operation get is not allowed on a disabled secret.");
    if (err != HF_OK)
        return refuse(call, err);
    secret_audit(call, &secret);
    return secret_write_bundle(call, &secret);
}

/* ---- lists ---- */

static hf_err write_items(struct api_call *call, const struct vault_page *page, bool with_version,
                          struct hf_json_writer *w)
{
    hf_err err = HF_OK;
    hf_jw_begin_object(w);
    hf_jw_key(w, "value");
    hf_jw_begin_array(w);
    for (size_t i = 0; i < page->count && err == HF_OK; i++)
        err = secret_write_item(call, &page->items[i], with_version, w);
    hf_jw_end_array(w);
    return err;
}

static hf_err list_names(struct api_call *call, bool deleted, hf_str list)
{
    struct azure_page_request request;
    hf_err err = azure_page_read(call, list, &request);
    if (err != HF_OK)
        return err;
    struct vault_page page;
    err = vault_secret_list(call->vault, call->txn, deleted, hf_bytes_str(request.after),
                            request.max, call->now, call->arena, &page);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    err = write_items(call, &page, false, &w);
    if (err != HF_OK)
        return err;
    hf_str last = page.count > 0 ? page.items[page.count - 1].name : HF_LIT("");
    err = azure_page_write_next(call, list, &request, page.more, hf_str_bytes(last), &w);
    hf_jw_end_object(&w);
    return err;
}

hf_err secret_list(struct api_call *call)
{
    return list_names(call, false, HF_LIT("secrets"));
}

hf_err secret_list_deleted(struct api_call *call)
{
    return list_names(call, true, HF_LIT("deletedsecrets"));
}

hf_err secret_list_versions(struct api_call *call)
{
    hf_str list = HF_JOIN(call->arena, HF_LIT("secrets/"), call->params[0], HF_LIT("/versions"));
    struct azure_page_request request;
    hf_err err = azure_page_read(call, list, &request);
    if (err != HF_OK)
        return err;
    const struct hf_uuid *after = request.after.n == sizeof(*after)
                                      ? (const struct hf_uuid *)request.after.p
                                      : NULL;
    struct vault_page page;
    err = vault_secret_list_versions(call->vault, call->txn, call->params[0], after, request.max,
                                     call->now, call->arena, &page);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    err = write_items(call, &page, true, &w);
    if (err != HF_OK)
        return err;
    hf_bytes last = { NULL, 0 };
    if (page.count > 0)
        last = (hf_bytes){ page.items[page.count - 1].id.b, sizeof(struct hf_uuid) };
    err = azure_page_write_next(call, list, &request, page.more, last, &w);
    hf_jw_end_object(&w);
    return err;
}

/* ---- soft delete ---- */

hf_err secret_delete(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_command *command = NULL;
    hf_err err = vault_secret_delete(call->vault, call->params[0], call->now, call->arena,
                                     &command);
    return err == HF_OK ? hand_over(call, command, answer_changed) : refuse(call, err);
}

hf_err secret_get_deleted(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_secret secret;
    hf_err err = vault_secret_get_deleted(call->vault, call->txn, call->params[0], call->now,
                                          call->arena, &secret);
    if (err == HF_E_NOT_FOUND)
        return deleted_not_found(call);
    if (err == HF_E_DISABLED)
        return api_fail(call, err, 403, HF_LIT("Forbidden"), HF_LIT("AccessDenied"),
                        "Operation get is not permitted on this object.");
    if (err != HF_OK)
        return err;
    secret_audit(call, &secret);
    return secret_write_bundle(call, &secret);
}

static void audit_deleted_id(struct api_call *call)
{
    hf_str url = azure_vault_url(call);
    call->audit.id = HF_JOIN(call->arena, url, HF_LIT("/deletedsecrets/"), call->params[0]);
}

static hf_err answer_purge(struct api_call *call)
{
    audit_deleted_id(call);
    if (call->result == HF_E_NOT_FOUND)
        return deleted_not_found(call);
    if (call->result == HF_E_PURGE_PROTECTED)
        return api_fail(call, call->result, 403, HF_LIT("Forbidden"), HF_LIT("ForbiddenByPolicy"),
                        "Operation \"purge\" is not allowed because purge protection is enabled "
                        "for this vault. Key "
                        "Vault service will automatically purge it after the retention period has "
                        "passed.\r\nVault: "
                        "%s;location=%s",
                        call->vault_properties.name, call->vault_properties.location);
    call->status = 204;
    return call->result;
}

hf_err secret_purge(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_command *command = NULL;
    hf_err err = vault_secret_purge(call->vault, call->params[0], call->now, call->arena, &command);
    return err == HF_OK ? hand_over(call, command, answer_purge) : refuse(call, err);
}

static hf_err answer_recover(struct api_call *call)
{
    return call->result == HF_E_NOT_FOUND ? deleted_not_found(call) : answer_changed(call);
}

hf_err secret_recover(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_command *command = NULL;
    hf_err err = vault_secret_recover(call->vault, call->params[0], call->now, call->arena,
                                      &command);
    return err == HF_OK ? hand_over(call, command, answer_recover) : refuse(call, err);
}

/* ---- backup ---- */

/* BackupSecretResult: {"value":"<base64url>"}. */
hf_err secret_backup(struct api_call *call)
{
    call->object_text = call->params[0];
    struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    hf_err err = vault_secret_backup(call->vault, call->txn, call->params[0], call->now,
                                     call->arena, &blob);
    if (err == HF_OK) {
        hf_buf_put_c(call->out, "{\"value\":\"");
        hf_buf_put_base64url(call->out, hf_buf_view(&blob));
        hf_buf_put_c(call->out, "\"}");
    }
    hf_buf_done(&blob);
    if (err == HF_E_TOO_LARGE)
        return azure_bad_parameter(call,
                                   "The secret has more than %d versions and cannot be backed up.",
                                   VAULT_BACKUP_VERSIONS_MAX);
    return err == HF_OK ? HF_OK : refuse(call, err);
}

static hf_err answer_restore(struct api_call *call)
{
    const struct vault_command *command = call->state;
    if (command->version != NULL)
        call->object_text = command->version->name;
    if (call->result == HF_E_EXISTS && command->version != NULL)
        return restore_conflict(call, command->version);
    return answer_changed(call);
}

hf_err secret_restore(struct api_call *call)
{
    struct secret_body body;
    hf_err err = secret_body_read_restore(call, &body);
    if (err != HF_OK)
        return err;
    struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault_command *command = NULL;
    err = hf_base64_decode(body.blob, &blob);
    if (err == HF_OK)
        err = vault_secret_restore(call->vault, hf_buf_view(&blob), call->now, call->arena,
                                   &command);
    hf_buf_done(&blob);
    if (err == HF_E_INVALID || err == HF_E_TOO_LARGE)
        err = HF_E_BAD_BLOB;
    return err == HF_OK ? hand_over(call, command, answer_restore) : err;
}
