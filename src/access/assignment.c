/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Role assignments: a principal or group, a role, a scope. They may name what does not exist (yet): a group known to a
 * foreign issuer, an object that comes later.
 */
#include "access/internal.h"

static bool is_same(const struct access_assignment *a, const struct access_assignment *b)
{
    return a->role == b->role && hf_str_equal_nocase(a->scope, b->scope);
}

HF_MUST static hf_err apply_assign(struct store_command *command, struct store_txn *txn)
{
    struct access_job *job = access_job_of(command);
    const struct access_key prefix = access_key_assignments(&job->assignment.principal);
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    hf_err err = access_scan_open(&scan, job->base.engine->writer_key, txn, &prefix,
                                  ACCESS_FORMAT_ASSIGNMENT);
    size_t count = 0;
    while (err == HF_OK) {
        err = access_scan_next(&scan);
        struct access_assignment present;
        if (err == HF_OK)
            err = access_assignment_decode(hf_buf_view(&scan.plain), &present);
        if (err == HF_OK && is_same(&present, &job->assignment))
            return HF_E_EXISTS;
        count += err == HF_OK ? 1 : 0;
    }
    if (err != HF_E_NOT_FOUND)
        return err;
    if (count >= ACCESS_ASSIGNMENTS_MAX)
        return HF_E_CONFLICT;
    access_scan_close(&scan);
    err = access_job_put_writes(job, txn);
    return err == HF_OK ? access_generation_raise(txn) : err;
}

HF_MUST static hf_err seal_assignment(struct access_job *job)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init(&plain, ACCESS_RECORD_MAX_BYTES);
    hf_err err = access_assignment_encode(&job->assignment, &plain);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_assignment(&job->assignment.principal,
                                                        &job->assignment.id);
    return access_job_seal(job, &key, ACCESS_FORMAT_ASSIGNMENT, &plain);
}

hf_err access_assign(struct access_engine *engine, const struct hf_uuid *principal,
                     const struct access_role *role, hf_str scope, hf_usec now,
                     struct hf_arena *arena, struct hf_diag *diag, struct access_command **out)
{
    hf_str parsed = { NULL, 0 };
    if (access_scope_parse(scope, &parsed) != HF_OK)
        return hf_fail(
            diag, HF_E_INVALID, "scope",
            "must be /, a subscription, a resource group, a vault, or one of its objects");
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_assign, &job);
    if (err != HF_OK)
        return err;
    job->assignment = (struct access_assignment){
        .principal = *principal,
        .role = role,
        .scope = hf_arena_dup_str(arena, parsed),
        .created = now,
    };
    if (job->assignment.scope.p == NULL)
        return HF_E_NOMEM;
    err = crypto_random_uuid(&job->assignment.id);
    if (err == HF_OK)
        err = seal_assignment(job);
    if (err != HF_OK)
        return err;
    job->base.assignment_id = job->assignment.id;
    *out = &job->base;
    return HF_OK;
}

/* Keys start with the principal, so an assignment's own id is searched for. */
HF_MUST static hf_err find_by_id(struct store_txn *txn, const struct hf_uuid *id,
                                 struct access_key *out)
{
    const struct access_key prefix = access_key_class(STORE_CLASS_ASSIGNMENT);
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, access_key_view(&prefix), (hf_bytes){ NULL, 0 }, false,
                                   &cursor);
    while (err == HF_OK) {
        hf_bytes key = { NULL, 0 };
        hf_bytes value = { NULL, 0 };
        struct hf_uuid principal;
        struct hf_uuid found;
        err = store_cursor_next(cursor, &key, &value);
        if (err == HF_OK)
            err = access_key_read_pair(key, &principal, &found);
        if (err == HF_OK && hf_uuid_equal(&found, id)) {
            *out = access_key_assignment(&principal, id);
            return HF_OK;
        }
    }
    return err;
}

HF_MUST static hf_err apply_unassign(struct store_command *command, struct store_txn *txn)
{
    const struct access_job *job = access_job_of(command);
    struct access_key key;
    hf_err err = find_by_id(txn, &job->other_id, &key);
    if (err == HF_OK)
        err = store_delete(txn, access_key_view(&key));
    return err == HF_OK ? access_generation_raise(txn) : err;
}

hf_err access_unassign(struct access_engine *engine, const struct hf_uuid *assignment_id,
                       struct hf_arena *arena, struct access_command **out)
{
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_unassign, &job);
    if (err != HF_OK)
        return err;
    job->other_id = *assignment_id;
    *out = &job->base;
    return HF_OK;
}

HF_MUST static hf_err read_scanned(const struct access_scan *scan, struct hf_arena *arena,
                                   struct access_assignment *out)
{
    hf_err err = access_assignment_decode(hf_buf_view(&scan->plain), out);
    if (err != HF_OK)
        return err;
    out->scope = hf_arena_dup_str(arena, out->scope);
    if (out->scope.p == NULL)
        return HF_E_NOMEM;
    return access_key_read_pair(scan->key, &out->principal, &out->id);
}

hf_err access_assignment_list(struct access_view *view, struct store_txn *txn,
                              struct hf_arena *arena, struct access_assignment **out,
                              size_t *out_count)
{
    const struct access_key prefix = access_key_class(STORE_CLASS_ASSIGNMENT);
    size_t count = 0;
    hf_err err = access_count(txn, &prefix, &count);
    if (err != HF_OK)
        return err;
    struct access_assignment *list = (struct access_assignment *)hf_arena_alloc_array(
        arena, count, sizeof(*list));
    if (list == NULL && count > 0)
        return HF_E_NOMEM;
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_ASSIGNMENT);
    for (size_t i = 0; err == HF_OK && i < count; i++) {
        err = access_scan_next(&scan);
        if (err == HF_OK)
            err = read_scanned(&scan, arena, &list[i]);
    }
    if (err != HF_OK)
        return err;
    *out = list;
    *out_count = count;
    return HF_OK;
}
