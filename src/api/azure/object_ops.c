/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations that are the same for secrets and keys: lists, soft delete, backup; and the refusals
 * in the service's words. What differs is in the collection's row. A continuation stands directly above
 * its handler.
 */
#include "api/azure/internal.h"

#include <string.h>

/* ---- refusals ---- */

static hf_err not_found(struct api_call *call, const struct azure_collection *collection)
{
    return api_fail(call, HF_E_NOT_FOUND, 404, collection->not_found, HF_LIT(""),
                    "A %s with (name/id) %.*s was not found in this key vault. If you recently "
                    "deleted this %s you may be able to recover it using the correct recovery "
                    "command. For help resolving this issue, please see "
                    "https://go.microsoft.com/fwlink/?linkid=2125182",
                    collection->noun, HF_STR_ARG(call->object_text), collection->noun);
}

static hf_err deleted_not_found(struct api_call *call, const struct azure_collection *collection)
{
    return api_fail(call, HF_E_NOT_FOUND, 404, collection->not_found, HF_LIT(""),
                    "Deleted %s not found: %.*s", collection->title, HF_STR_ARG(call->object_text));
}

static hf_err name_is_deleted(struct api_call *call, const struct azure_collection *collection)
{
    return api_fail(call, HF_E_DELETED, 409, HF_LIT("Conflict"),
                    HF_LIT("ObjectIsDeletedButRecoverable"),
                    "%s %.*s is currently in a deleted but recoverable state, and its name cannot "
                    "be reused; in this state, the %s can only be recovered or purged.",
                    collection->title, HF_STR_ARG(call->object_text), collection->noun);
}

static hf_err restore_conflict(struct api_call *call, const struct azure_collection *collection,
                               const struct vault_version *version)
{
    const char *noun = collection->noun;
    return api_fail(call, HF_E_EXISTS, 409, HF_LIT("Conflict"), HF_LIT(""),
                    "There was a conflict restoring the %s '%.*s'. This can happen if either: a "
                    "second %s with the same name was created after the first %s was deleted; thus "
                    "trying to restore a %s whose name is already in use. To fix this, rename the "
                    "second %s to something else so that the restore works. The second probable "
                    "cause of this exception is when multiple operations are performed in parallel "
                    "against the %s. To avoid this error, perform operations against a %s in a "
                    "sequential manner.",
                    noun, HF_STR_ARG(azure_object_id(call, collection, version, true)), noun, noun,
                    noun, noun, noun, noun);
}

/* "exp" of "attributes.exp", as the service names properties. */
static const char *last_part(const char *field)
{
    const char *dot = strrchr(field, '.');
    return dot == NULL ? field : dot + 1;
}

hf_err azure_refuse(struct api_call *call, const struct azure_collection *collection, hf_err err)
{
    if (err == HF_E_NOT_FOUND)
        return not_found(call, collection);
    if (err == HF_E_DELETED)
        return name_is_deleted(call, collection);
    if (err == HF_E_INVALID)
        return azure_bad_property(call, last_part(call->diag.field));
    return err;
}

/* ---- shared steps ---- */

/* A version that is no 32 hexadecimal digits cannot exist. */
hf_err azure_read_ref(struct api_call *call, const struct azure_collection *collection,
                      struct azure_ref *out)
{
    *out = (struct azure_ref){ .name = call->params[0] };
    call->object_text = out->name;
    hf_str version = call->param_count > 1 ? call->params[1] : (hf_str){ NULL, 0 };
    if (version.n == 0)
        return HF_OK;
    call->object_text = HF_JOIN(call->arena, out->name, HF_LIT("/"), version);
    out->version = &out->id;
    return hf_uuid_parse_hex(version, &out->id) == HF_OK ? HF_OK : not_found(call, collection);
}

hf_err azure_hand_over(struct api_call *call, struct vault_command *command, api_handler_fn finish)
{
    call->state = command;
    call->command = &command->store;
    call->finish = finish;
    return HF_OK;
}

hf_err azure_answer_changed(struct api_call *call, const struct azure_collection *collection)
{
    const struct vault_command *command = call->state;
    if (call->result == HF_E_INVALID)
        call->diag = command->diag; /* what the writer found */
    if (call->result != HF_OK)
        return azure_refuse(call, collection, call->result);
    return collection->answer(call, command->version);
}

/* ---- lists ---- */

static hf_err write_items(struct api_call *call, const struct azure_collection *collection,
                          const struct vault_page *page, bool with_version,
                          struct hf_json_writer *w)
{
    hf_err err = HF_OK;
    hf_jw_begin_object(w);
    hf_jw_key(w, "value");
    hf_jw_begin_array(w);
    for (size_t i = 0; i < page->count && err == HF_OK; i++)
        err = collection->write_item(call, &page->items[i], with_version, w);
    hf_jw_end_array(w);
    return err;
}

hf_err azure_list(struct api_call *call, const struct azure_collection *collection, bool deleted)
{
    const hf_str list = deleted ? collection->deleted_path : collection->path;
    struct azure_page_request request;
    hf_err err = azure_page_read(call, list, &request);
    if (err != HF_OK)
        return err;
    struct vault_page page;
    err = collection->list(call->vault, call->txn, deleted, hf_bytes_str(request.after),
                           request.max, call->now, call->arena, &page);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    err = write_items(call, collection, &page, false, &w);
    if (err != HF_OK)
        return err;
    hf_str last = page.count > 0 ? page.items[page.count - 1].name : HF_LIT("");
    err = azure_page_write_next(call, list, &request, page.more, hf_str_bytes(last), &w);
    hf_jw_end_object(&w);
    return err;
}

hf_err azure_list_versions(struct api_call *call, const struct azure_collection *collection)
{
    hf_str list = HF_JOIN(call->arena, collection->path, HF_LIT("/"), call->params[0],
                          HF_LIT("/versions"));
    struct azure_page_request request;
    hf_err err = azure_page_read(call, list, &request);
    if (err != HF_OK)
        return err;
    const struct hf_uuid *after = request.after.n == sizeof(*after)
                                      ? (const struct hf_uuid *)request.after.p
                                      : NULL;
    struct vault_page page;
    err = collection->list_versions(call->vault, call->txn, call->params[0], after, request.max,
                                    call->now, call->arena, &page);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    err = write_items(call, collection, &page, true, &w);
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

hf_err azure_delete(struct api_call *call, const struct azure_collection *collection,
                    api_handler_fn finish)
{
    call->object_text = call->params[0];
    struct vault_command *command = NULL;
    hf_err err = collection->remove(call->vault, call->params[0], call->now, call->arena, &command);
    return err == HF_OK ? azure_hand_over(call, command, finish)
                        : azure_refuse(call, collection, err);
}

hf_err azure_answer_deleted(struct api_call *call, const struct azure_collection *collection,
                            hf_err err, const struct vault_version *version)
{
    if (err == HF_E_NOT_FOUND)
        return deleted_not_found(call, collection);
    if (err == HF_E_DISABLED)
        return api_fail(call, err, 403, HF_LIT("Forbidden"), HF_LIT("AccessDenied"),
                        "Operation get is not permitted on this object.");
    return err == HF_OK ? collection->answer(call, version) : err;
}

hf_err azure_answer_purge(struct api_call *call, const struct azure_collection *collection)
{
    call->audit.id = HF_JOIN(call->arena, azure_vault_url(call), HF_LIT("/"),
                             collection->deleted_path, HF_LIT("/"), call->params[0]);
    if (call->result == HF_E_NOT_FOUND)
        return deleted_not_found(call, collection);
    if (call->result == HF_E_PURGE_PROTECTED)
        return api_fail(call, call->result, 403, HF_LIT("Forbidden"), HF_LIT("ForbiddenByPolicy"),
                        "Operation \"purge\" is not allowed because purge protection is enabled "
                        "for this vault. Key Vault service will automatically purge it after the "
                        "retention period has passed.\r\nVault: %s;location=%s",
                        call->vault_properties.name, call->vault_properties.location);
    call->status = 204;
    return call->result;
}

hf_err azure_purge(struct api_call *call, const struct azure_collection *collection,
                   api_handler_fn finish)
{
    call->object_text = call->params[0];
    struct vault_command *command = NULL;
    hf_err err = collection->purge(call->vault, call->params[0], call->now, call->arena, &command);
    return err == HF_OK ? azure_hand_over(call, command, finish)
                        : azure_refuse(call, collection, err);
}

hf_err azure_answer_recover(struct api_call *call, const struct azure_collection *collection)
{
    return call->result == HF_E_NOT_FOUND ? deleted_not_found(call, collection)
                                          : azure_answer_changed(call, collection);
}

hf_err azure_recover(struct api_call *call, const struct azure_collection *collection,
                     api_handler_fn finish)
{
    call->object_text = call->params[0];
    struct vault_command *command = NULL;
    hf_err err = collection->recover(call->vault, call->params[0], call->now, call->arena,
                                     &command);
    return err == HF_OK ? azure_hand_over(call, command, finish)
                        : azure_refuse(call, collection, err);
}

/* ---- backup ---- */

/* BackupSecretResult, BackupKeyResult: {"value":"<base64url>"}. */
hf_err azure_backup(struct api_call *call, const struct azure_collection *collection)
{
    call->object_text = call->params[0];
    struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    hf_err err = collection->backup(call->vault, call->txn, call->params[0], call->now, call->arena,
                                    &blob);
    if (err == HF_OK) {
        hf_buf_put_c(call->out, "{\"value\":\"");
        hf_buf_put_base64url(call->out, hf_buf_view(&blob));
        hf_buf_put_c(call->out, "\"}");
    }
    hf_buf_done(&blob);
    if (err == HF_E_TOO_LARGE)
        return azure_bad_parameter(call,
                                   "The %s has more than %d versions and cannot be backed up.",
                                   collection->noun, VAULT_BACKUP_VERSIONS_MAX);
    return err == HF_OK ? HF_OK : azure_refuse(call, collection, err);
}

hf_err azure_answer_restore(struct api_call *call, const struct azure_collection *collection)
{
    const struct vault_command *command = call->state;
    if (command->version != NULL)
        call->object_text = command->version->name;
    if (call->result == HF_E_EXISTS && command->version != NULL)
        return restore_conflict(call, collection, command->version);
    return azure_answer_changed(call, collection);
}

struct restore_body {
    hf_str blob;
};

static const struct api_field restore_fields[] = {
    API_FIELD(struct restore_body, blob, API_FIELD_IS_STR, "value", true),
};
const struct api_body azure_restore_body = API_BODY(struct restore_body, restore_fields);

hf_err azure_restore(struct api_call *call, const struct azure_collection *collection,
                     api_handler_fn finish)
{
    struct restore_body body = { { NULL, 0 } };
    hf_err err = azure_read_fields(call, &azure_restore_body, true, &body);
    if (err != HF_OK)
        return err;
    struct hf_buf blob;
    hf_buf_init_secret(&blob, VAULT_BACKUP_BLOB_MAX_BYTES);
    struct vault_command *command = NULL;
    err = hf_base64_decode(body.blob, &blob);
    if (err == HF_OK)
        err = collection->restore(call->vault, hf_buf_view(&blob), call->now, call->arena,
                                  &command);
    hf_buf_done(&blob);
    if (err == HF_E_INVALID || err == HF_E_TOO_LARGE)
        err = HF_E_BAD_BLOB;
    return err == HF_OK ? azure_hand_over(call, command, finish) : err;
}
