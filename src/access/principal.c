/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principals: applications and managed identities. A client index leads from the application id to the object id.
 */
#include "access/internal.h"

#include <string.h>

static bool has_control_character(hf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (c < 0x20 || c == 0x7f)
            return true;
        /* U+0080 to U+009F */
        if (c == 0xc2 && i + 1 < text.n && (uint8_t)text.p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

HF_MUST static hf_err check_name(hf_str name, struct hf_diag *diag)
{
    if (name.n == 0)
        return hf_fail(diag, HF_E_INVALID, "name", "must not be empty");
    if (!hf_utf8_valid(name) || has_control_character(name))
        return hf_fail(diag, HF_E_INVALID, "name", "must be text without control characters");
    if (hf_utf8_utf16_units(name) > ACCESS_NAME_MAX_CHARS)
        return hf_fail(diag, HF_E_INVALID, "name", "must have at most %d characters",
                       ACCESS_NAME_MAX_CHARS);
    return HF_OK;
}

hf_err access_principal_read(struct crypto_record_key *record_key, struct store_txn *txn,
                             const struct hf_uuid *object_id, struct hf_arena *arena,
                             struct access_principal *out)
{
    const struct access_key key = access_key_principal(object_id);
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_err err = access_record_read(record_key, txn, &key, ACCESS_FORMAT_PRINCIPAL, &plain);
    if (err != HF_OK)
        return err;
    struct access_principal principal;
    err = access_principal_decode(hf_buf_view(&plain), &principal);
    if (err != HF_OK)
        return err;
    principal.object_id = *object_id;
    principal.name = arena != NULL ? hf_arena_dup_str(arena, principal.name) : (hf_str){ NULL, 0 };
    if (arena != NULL && principal.name.p == NULL)
        return HF_E_NOMEM;
    *out = principal;
    return HF_OK;
}

/* ---- commands ---- */

HF_MUST static hf_err apply_create(struct store_command *command, struct store_txn *txn)
{
    const struct access_job *job = access_job_of(command);
    hf_err err = access_job_put_writes(job, txn);
    return err == HF_OK ? access_generation_raise(txn) : err;
}

HF_MUST static hf_err seal_principal(struct access_job *job)
{
    const struct access_principal *principal = &job->base.principal;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init(&plain, ACCESS_RECORD_MAX_BYTES);
    hf_err err = access_principal_encode(principal, &plain);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_principal(&principal->object_id);
    err = access_job_seal(job, &key, ACCESS_FORMAT_PRINCIPAL, &plain);
    if (err != HF_OK)
        return err;
    hf_buf_reset(&plain);
    err = access_client_encode(&principal->object_id, &plain);
    if (err != HF_OK)
        return err;
    const struct access_key client = access_key_client(&principal->client_id);
    return access_job_seal(job, &client, ACCESS_FORMAT_CLIENT, &plain);
}

hf_err access_principal_create(struct access_engine *engine, enum access_principal_kind kind,
                               hf_str name, hf_usec now, struct hf_arena *arena,
                               struct hf_diag *diag, struct access_command **out)
{
    hf_err err = check_name(name, diag);
    if (err != HF_OK)
        return err;
    struct access_job *job = NULL;
    err = access_job_new(engine, arena, apply_create, &job);
    if (err != HF_OK)
        return err;
    struct access_principal *principal = &job->base.principal;
    principal->kind = kind;
    principal->enabled = true;
    principal->created = now;
    principal->name = hf_arena_dup_str(arena, name);
    if (principal->name.p == NULL)
        return HF_E_NOMEM;
    err = crypto_random_uuid(&principal->object_id);
    if (err == HF_OK)
        err = crypto_random_uuid(&principal->client_id);
    if (err == HF_OK)
        err = seal_principal(job);
    if (err == HF_OK)
        *out = &job->base;
    return err;
}

HF_MUST static hf_err apply_delete(struct store_command *command, struct store_txn *txn)
{
    struct access_job *job = access_job_of(command);
    struct access_principal principal;
    hf_err err = access_principal_read(job->base.engine->writer_key, txn, &job->object_id, NULL,
                                       &principal);
    if (err != HF_OK)
        return err;
    const struct access_key keys[] = { access_key_principal(&job->object_id),
                                       access_key_client(&principal.client_id) };
    for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++) {
        err = store_delete(txn, access_key_view(&keys[i]));
        if (err != HF_OK)
            return err;
    }
    const struct access_key credentials = access_key_credentials(&job->object_id);
    err = access_delete_prefix(txn, &credentials);
    if (err != HF_OK)
        return err;
    const struct access_key assignments = access_key_assignments(&job->object_id);
    err = access_delete_prefix(txn, &assignments);
    return err == HF_OK ? access_generation_raise(txn) : err;
}

hf_err access_principal_delete(struct access_engine *engine, const struct hf_uuid *object_id,
                               struct hf_arena *arena, struct access_command **out)
{
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_delete, &job);
    if (err != HF_OK)
        return err;
    job->object_id = *object_id;
    *out = &job->base;
    return HF_OK;
}

/* See command.c on nonces. */
HF_MUST static hf_err derive_nonce(const struct access_job *job, const struct hf_buf *plain,
                                   uint8_t out[CRYPTO_RECORD_NONCE_BYTES])
{
    const hf_bytes parts[] = { { job->seed, sizeof(job->seed) }, hf_buf_view(plain) };
    uint8_t digest[CRYPTO_SHA256_BYTES];
    hf_err err = crypto_sha256(parts, HF_ARRAY_LEN(parts), digest);
    if (err == HF_OK)
        memcpy(out, digest, CRYPTO_RECORD_NONCE_BYTES);
    return err;
}

HF_MUST static hf_err put_principal(struct access_job *job, struct store_txn *txn,
                                    const struct access_principal *principal)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init(&plain, ACCESS_RECORD_MAX_BYTES);
    hf_err err = access_principal_encode(principal, &plain);
    if (err != HF_OK)
        return err;
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    err = derive_nonce(job, &plain, nonce);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_principal(&principal->object_id);
    HF_CLEANUP(hf_buf_done) struct hf_buf sealed;
    hf_buf_init(&sealed, ACCESS_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES);
    err = crypto_record_seal(job->base.engine->writer_key, access_key_view(&key),
                             ACCESS_FORMAT_PRINCIPAL, nonce, hf_buf_view(&plain), &sealed);
    return err == HF_OK ? store_put(txn, access_key_view(&key), hf_buf_view(&sealed)) : err;
}

HF_MUST static hf_err apply_set_enabled(struct store_command *command, struct store_txn *txn)
{
    struct access_job *job = access_job_of(command);
    struct access_principal principal;
    hf_err err = access_principal_read(job->base.engine->writer_key, txn, &job->object_id,
                                       job->arena, &principal);
    if (err != HF_OK)
        return err;
    principal.enabled = job->enabled;
    err = put_principal(job, txn, &principal);
    return err == HF_OK ? access_generation_raise(txn) : err;
}

hf_err access_principal_set_enabled(struct access_engine *engine, const struct hf_uuid *object_id,
                                    bool enabled, struct hf_arena *arena,
                                    struct access_command **out)
{
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_set_enabled, &job);
    if (err != HF_OK)
        return err;
    job->object_id = *object_id;
    job->enabled = enabled;
    err = crypto_random(job->seed, sizeof(job->seed));
    if (err == HF_OK)
        *out = &job->base;
    return err;
}

/* ---- reading ---- */

hf_err access_principal_get(struct access_view *view, struct store_txn *txn,
                            const struct hf_uuid *object_id, struct hf_arena *arena,
                            struct access_principal *out)
{
    return access_principal_read(view->record_key, txn, object_id, arena, out);
}

hf_err access_principal_by_client(struct access_view *view, struct store_txn *txn,
                                  const struct hf_uuid *client_id, struct hf_arena *arena,
                                  struct access_principal *out)
{
    const struct access_key key = access_key_client(client_id);
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_err err = access_record_read(view->record_key, txn, &key, ACCESS_FORMAT_CLIENT, &plain);
    if (err != HF_OK)
        return err;
    struct hf_uuid object_id;
    err = access_client_decode(hf_buf_view(&plain), &object_id);
    if (err != HF_OK)
        return err;
    err = access_principal_read(view->record_key, txn, &object_id, arena, out);
    return err == HF_E_NOT_FOUND ? HF_E_CORRUPT : err; /* the index leads nowhere */
}

HF_MUST static hf_err read_scanned(const struct access_scan *scan, struct hf_arena *arena,
                                   struct access_principal *out)
{
    hf_err err = access_principal_decode(hf_buf_view(&scan->plain), out);
    if (err != HF_OK)
        return err;
    out->name = hf_arena_dup_str(arena, out->name);
    if (out->name.p == NULL)
        return HF_E_NOMEM;
    return access_key_read_principal(scan->key, &out->object_id);
}

hf_err access_principal_list(struct access_view *view, struct store_txn *txn,
                             struct hf_arena *arena, struct access_principal **out,
                             size_t *out_count)
{
    const struct access_key prefix = access_key_class(STORE_CLASS_PRINCIPAL);
    size_t count = 0;
    hf_err err = access_count(txn, &prefix, &count);
    if (err != HF_OK)
        return err;
    struct access_principal *list = (struct access_principal *)hf_arena_alloc_array(arena, count,
                                                                                    sizeof(*list));
    if (list == NULL && count > 0)
        return HF_E_NOMEM;
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_PRINCIPAL);
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
