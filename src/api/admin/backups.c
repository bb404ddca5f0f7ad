/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of the whole server: beginning one, and what there is.
 */
#include "api/backups.h"
#include "api/admin/internal.h"

struct backup_body {
    hf_str kind;
};

static const struct api_field backup_fields[] = {
    API_FIELD(struct backup_body, kind, API_FIELD_IS_STR, "kind", true),
};
const struct api_body admin_backup_body = API_BODY(struct backup_body, backup_fields);

#define STATUS_ACCEPTED 202

static const char *state_name(enum api_backup_state state)
{
    switch (state) {
    case API_BACKUP_RUNNING:
        return "running";
    case API_BACKUP_DONE:
        return "done";
    case API_BACKUP_FAILED:
        return "failed";
    }
    return "";
}

static void write_backup(const struct api_call *call, const struct api_backup *backup,
                         struct hf_json_writer *w)
{
    hf_jw_begin_object(w);
    hf_jw_member_c(w, "name", backup->name);
    hf_jw_member_str(w, "path",
                     hf_arena_printf(call->arena, "%.*s/%s",
                                     HF_STR_ARG(call->service->backups->folder), backup->name));
    hf_jw_member_c(w, "kind", backup->incremental ? "incremental" : "full");
    hf_jw_member_c(w, "state", state_name(backup->state));
    hf_jw_member_int(w, "bytes", (int64_t)backup->bytes);
    hf_jw_member_int(w, "from", (int64_t)backup->from);
    hf_jw_member_int(w, "to", (int64_t)backup->to);
    admin_member_time(w, "created", backup->created);
    admin_member_time(w, "toTime", backup->to_time);
    if (backup->reason.n > 0)
        hf_jw_member_str(w, "reason", backup->reason);
    hf_jw_end_object(w);
}

hf_err admin_backup_create(struct api_call *call)
{
    struct backup_body body = { 0 };
    hf_err err = admin_read(call, backup_fields, HF_ARRAY_LEN(backup_fields), &body);
    if (err != HF_OK)
        return err;
    const bool incremental = hf_str_equal(body.kind, HF_LIT("incremental"));
    if (!incremental && !hf_str_equal(body.kind, HF_LIT("full")))
        return admin_invalid(call, "kind: must be full or incremental");
    const struct api_backups *backups = call->service->backups;
    struct api_backup backup = { 0 };
    err = backups->start(backups->context, incremental, call->now, &backup);
    if (err == HF_E_CONFLICT)
        return api_fail(call, err, 409, HF_LIT("Conflict"), HF_LIT(""),
                        "A backup is being made already.");
    if (err != HF_OK)
        return err;
    admin_audit(call, "backup=%s", backup.name);
    call->status = STATUS_ACCEPTED;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_backup(call, &backup, &w);
    return HF_OK;
}

/* ---- what there is ---- */

struct listing {
    struct api_backup *items;
    size_t count;
};

/* Pool thread: files are read. */
static void find_backups(struct api_call *call)
{
    const struct api_backups *backups = call->service->backups;
    struct listing *listing = call->state;
    const hf_str name = call->param_count > 0 ? call->params[0] : HF_LIT("");
    call->result = backups->list(backups->context, name, call->arena, &listing->items,
                                 &listing->count);
}

static hf_err list_with(struct api_call *call, api_handler_fn finish)
{
    call->state = hf_arena_new_of(call->arena, struct listing);
    if (call->state == NULL)
        return HF_E_NOMEM;
    call->compute = find_backups;
    call->finish = finish;
    return HF_OK;
}

static hf_err answer_list(struct api_call *call)
{
    if (call->result != HF_OK)
        return call->result;
    const struct listing *listing = call->state;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "value");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < listing->count; i++)
        write_backup(call, &listing->items[i], &w);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

hf_err admin_backup_list(struct api_call *call)
{
    return list_with(call, answer_list);
}

static hf_err answer_one(struct api_call *call)
{
    if (call->result == HF_E_NOT_FOUND)
        return admin_not_found(call, "backup", call->params[0]);
    if (call->result != HF_OK)
        return call->result;
    const struct listing *listing = call->state;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_backup(call, &listing->items[0], &w);
    return HF_OK;
}

hf_err admin_backup_get(struct api_call *call)
{
    return list_with(call, answer_one);
}
