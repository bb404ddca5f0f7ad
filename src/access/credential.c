/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of principals: client secrets, identity headers, certificates. Of a secret only a salted digest is kept; it is
 * a plain SHA-256, because the secret is 240 random bits or more and cannot be guessed faster.
 */
#include "access/internal.h"

#include <string.h>

hf_err access_secret_digest(const uint8_t salt[ACCESS_SALT_BYTES],
                            const uint8_t digest[CRYPTO_SHA256_BYTES],
                            uint8_t out[CRYPTO_SHA256_BYTES])
{
    const hf_bytes parts[] = { { salt, ACCESS_SALT_BYTES }, { digest, CRYPTO_SHA256_BYTES } };
    return crypto_sha256(parts, HF_ARRAY_LEN(parts), out);
}

static bool kind_fits(enum access_credential_kind credential, enum access_principal_kind principal)
{
    switch (credential) {
    case ACCESS_CLIENT_SECRET:
    case ACCESS_CERTIFICATE:
        return principal == ACCESS_APPLICATION;
    case ACCESS_IDENTITY_HEADER:
        return principal == ACCESS_MANAGED_IDENTITY;
    }
    return false;
}

HF_MUST static hf_err apply_add(struct store_command *command, struct store_txn *txn)
{
    struct access_job *job = access_job_of(command);
    struct access_principal principal;
    hf_err err = access_principal_read(job->base.engine->writer_key, txn, &job->object_id, NULL,
                                       &principal);
    if (err != HF_OK)
        return err;
    if (!kind_fits(job->base.credential.kind, principal.kind))
        return HF_E_CONFLICT;
    const struct access_key prefix = access_key_credentials(&job->object_id);
    size_t count = 0;
    err = access_count(txn, &prefix, &count);
    if (err != HF_OK)
        return err;
    if (count >= ACCESS_CREDENTIALS_MAX)
        return HF_E_CONFLICT;
    return access_job_put_writes(job, txn);
}

/* Draws the id, and seals the record under it. */
HF_MUST static hf_err seal_credential(struct access_job *job,
                                      struct access_credential_record *record)
{
    hf_err err = crypto_random_uuid(&record->info.id);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init(&plain, ACCESS_RECORD_MAX_BYTES);
    err = access_credential_encode(record, &plain);
    if (err != HF_OK)
        return err;
    job->base.credential = record->info;
    const struct access_key key = access_key_credential(&job->object_id, &record->info.id);
    return access_job_seal(job, &key, ACCESS_FORMAT_CREDENTIAL, &plain);
}

/* Fills the text of a new secret: [object id in hex, '.',] base64url of random bytes. */
HF_MUST static hf_err make_text(enum access_credential_kind kind, const struct hf_uuid *object_id,
                                struct hf_secret *text)
{
    HF_CLEAN_SECRET(random, ACCESS_HEADER_RANDOM_BYTES);
    bool is_header = kind == ACCESS_IDENTITY_HEADER;
    size_t random_n = is_header ? ACCESS_HEADER_RANDOM_BYTES : ACCESS_CLIENT_SECRET_RANDOM_BYTES;
    hf_err err = crypto_random(random, random_n);
    if (err != HF_OK)
        return err;
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, hf_secret_edit(text), hf_secret_size(text));
    if (is_header) {
        hf_buf_put_hex(&buf, (hf_bytes){ object_id->b, sizeof(object_id->b) });
        hf_buf_put_u8(&buf, '.');
    }
    hf_buf_put_base64url(&buf, (hf_bytes){ random, random_n });
    HF_ASSERT(hf_buf_err(&buf) == HF_OK && buf.n == hf_secret_size(text));
    return HF_OK;
}

HF_MUST static hf_err make_secret(struct access_job *job, struct access_credential_record *record)
{
    bool is_header = record->info.kind == ACCESS_IDENTITY_HEADER;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
    hf_err err = hf_secret_new(is_header ? ACCESS_HEADER_BYTES : ACCESS_CLIENT_SECRET_BYTES, &text);
    if (err == HF_OK)
        err = make_text(record->info.kind, &job->object_id, text);
    uint8_t digest[CRYPTO_SHA256_BYTES];
    if (err == HF_OK)
        err = crypto_sha256_secret(text, digest);
    if (err == HF_OK)
        err = crypto_random(record->salt, sizeof(record->salt));
    if (err == HF_OK)
        err = access_secret_digest(record->salt, digest, record->digest);
    hf_wipe(digest, sizeof(digest));
    if (err != HF_OK)
        return err;
    job->base.secret = text;
    return hf_arena_own_secret(job->arena, hf_take(&text));
}

hf_err access_credential_add_secret(struct access_engine *engine, const struct hf_uuid *object_id,
                                    enum access_credential_kind kind, hf_usec now, hf_usec expires,
                                    struct hf_arena *arena, struct access_command **out)
{
    if ((kind != ACCESS_CLIENT_SECRET && kind != ACCESS_IDENTITY_HEADER) || expires <= now)
        return HF_E_INVALID;
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_add, &job);
    if (err != HF_OK)
        return err;
    job->object_id = *object_id;
    struct access_credential_record record = {
        .info = { .kind = kind, .created = now, .expires = expires },
    };
    err = make_secret(job, &record);
    if (err == HF_OK)
        err = seal_credential(job, &record);
    if (err == HF_OK)
        *out = &job->base;
    return err;
}

HF_MUST static hf_err read_certificate(hf_bytes pem_or_der, struct hf_diag *diag,
                                       struct hf_buf *der, struct crypto_certificate_info *info)
{
    hf_err err = crypto_certificate_read(pem_or_der, der);
    if (err == HF_OK)
        err = crypto_certificate_info(hf_buf_view(der), info);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    if (err == HF_OK)
        err = crypto_certificate_key(hf_buf_view(der), &key);
    if (err == HF_OK || err == HF_E_NOMEM)
        return err;
    return hf_fail(diag, HF_E_INVALID, "certificate",
                   "must be one X.509 certificate (PEM or DER) with an RSA or EC key");
}

hf_err access_credential_add_certificate(struct access_engine *engine,
                                         const struct hf_uuid *object_id, hf_bytes pem_or_der,
                                         hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                                         struct access_command **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&der, ACCESS_CERTIFICATE_MAX_BYTES);
    struct crypto_certificate_info info;
    hf_err err = read_certificate(pem_or_der, diag, &der, &info);
    if (err != HF_OK)
        return err;
    struct access_job *job = NULL;
    err = access_job_new(engine, arena, apply_add, &job);
    if (err != HF_OK)
        return err;
    job->object_id = *object_id;
    struct access_credential_record record = {
        .info = { .kind = ACCESS_CERTIFICATE, .created = now, .expires = info.not_after },
        .not_before = info.not_before,
        .certificate = hf_buf_view(&der),
    };
    memcpy(record.info.sha256, info.sha256, sizeof(record.info.sha256));
    memcpy(record.info.sha1, info.sha1, sizeof(record.info.sha1));
    err = seal_credential(job, &record);
    if (err == HF_OK)
        *out = &job->base;
    return err;
}

HF_MUST static hf_err apply_remove(struct store_command *command, struct store_txn *txn)
{
    const struct access_job *job = access_job_of(command);
    const struct access_key key = access_key_credential(&job->object_id, &job->other_id);
    return store_delete(txn, access_key_view(&key));
}

hf_err access_credential_delete(struct access_engine *engine, const struct hf_uuid *object_id,
                                const struct hf_uuid *credential_id, struct hf_arena *arena,
                                struct access_command **out)
{
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_remove, &job);
    if (err != HF_OK)
        return err;
    job->object_id = *object_id;
    job->other_id = *credential_id;
    *out = &job->base;
    return HF_OK;
}

HF_MUST static hf_err read_scanned(const struct access_scan *scan, struct access_credential *out)
{
    struct access_credential_record record;
    hf_err err = access_credential_decode(hf_buf_view(&scan->plain), &record);
    if (err != HF_OK)
        return err;
    struct hf_uuid owner;
    *out = record.info;
    return access_key_read_pair(scan->key, &owner, &out->id);
}

hf_err access_credential_list(struct access_view *view, struct store_txn *txn,
                              const struct hf_uuid *object_id, struct hf_arena *arena,
                              struct access_credential **out, size_t *out_count)
{
    const struct access_key prefix = access_key_credentials(object_id);
    size_t count = 0;
    hf_err err = access_count(txn, &prefix, &count);
    if (err != HF_OK)
        return err;
    struct access_credential *list = (struct access_credential *)hf_arena_alloc_array(
        arena, count, sizeof(*list));
    if (list == NULL && count > 0)
        return HF_E_NOMEM;
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_CREDENTIAL);
    for (size_t i = 0; err == HF_OK && i < count; i++) {
        err = access_scan_next(&scan);
        if (err == HF_OK)
            err = read_scanned(&scan, &list[i]);
    }
    if (err != HF_OK)
        return err;
    *out = list;
    *out_count = count;
    return HF_OK;
}
