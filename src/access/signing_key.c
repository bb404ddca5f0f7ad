/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that sign this installation's tokens: making, rolling over, publishing (RFC 7517).
 *
 * A key signs from `signs_from` until the next one does. It verifies, and is published, until the last token it can have
 * signed has expired. The private key is a record of its own, beside the one with the certificate and the times.
 */
#include "access/internal.h"

#include <stdlib.h>
#include <string.h>

#define SIGNING_KEY_BITS 2048
/* The certificate carries the key in x5c; nobody checks its validity, so it is generous. */
#define CERTIFICATE_DAYS 3650
#define JWKS_ALGORITHM HF_LIT("RS256")

static void key_done(struct access_signing_key *key)
{
    crypto_key_free(key->key);
    free(key->certificate);
}

void access_signing_keys_done(struct access_signing_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        key_done(&keys->items[i]);
    free(keys->items);
    *keys = (struct access_signing_keys){ NULL, 0 };
}

const struct access_signing_key *access_signing_key_at(const struct access_signing_keys *keys,
                                                       hf_usec now)
{
    const struct access_signing_key *found = keys->count > 0 ? &keys->items[0] : NULL;
    for (size_t i = 1; i < keys->count; i++) {
        if (keys->items[i].signs_from <= now)
            found = &keys->items[i];
    }
    return found;
}

const struct access_signing_key *access_signing_key_find(const struct access_signing_keys *keys,
                                                         hf_str kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (hf_str_equal(kid, (hf_str){ keys->items[i].kid, ACCESS_KID_BYTES }))
            return &keys->items[i];
    }
    return NULL;
}

/* ---- loading ---- */

static void write_kid(const uint8_t sha1[CRYPTO_SHA1_BYTES], char out[ACCESS_KID_BYTES])
{
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, out, ACCESS_KID_BYTES);
    hf_buf_put_base64url(&buf, (hf_bytes){ sha1, CRYPTO_SHA1_BYTES });
    HF_ASSERT(hf_buf_err(&buf) == HF_OK && buf.n == ACCESS_KID_BYTES);
}

HF_MUST static hf_err load_private(struct access_view *view, struct store_txn *txn,
                                   const uint8_t sha1[CRYPTO_SHA1_BYTES], struct crypto_key **out)
{
    const struct access_key key = access_key_signing_key(ACCESS_SIGNING_PRIVATE, sha1);
    hf_bytes value = { NULL, 0 };
    hf_err err = store_get(txn, access_key_view(&key), &value);
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_E_CORRUPT : err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *pkcs8 = NULL;
    err = crypto_record_open_secret(view->record_key, access_key_view(&key),
                                    ACCESS_FORMAT_SIGNING_KEY, value, &pkcs8);
    return err == HF_OK ? crypto_key_from_pkcs8(pkcs8, out) : err;
}

/* kid names the key for ever, so a key that is loaded already is the same one. */
HF_MUST static hf_err share_or_load(struct access_view *view, struct store_txn *txn,
                                    const struct access_signing_keys *old,
                                    struct access_signing_key *key)
{
    const struct access_signing_key *known = access_signing_key_find(
        old, (hf_str){ key->kid, ACCESS_KID_BYTES });
    if (known == NULL)
        return load_private(view, txn, key->sha1, &key->key);
    key->key = crypto_key_ref(known->key);
    return HF_OK;
}

HF_MUST static hf_err load_key(struct access_view *view, struct store_txn *txn,
                               const struct access_scan *scan,
                               const struct access_signing_keys *old,
                               struct access_signing_key *out)
{
    struct access_signing_record record;
    hf_err err = access_signing_decode(hf_buf_view(&scan->plain), &record);
    if (err != HF_OK)
        return err;
    struct access_signing_key key = { .created = record.created,
                                      .signs_from = record.signs_from,
                                      .token_lifetime = record.token_lifetime };
    err = access_key_read_kid(scan->key, key.sha1);
    if (err != HF_OK)
        return err;
    write_kid(key.sha1, key.kid);
    key.certificate = (uint8_t *)malloc(record.certificate.n + 1);
    if (key.certificate == NULL)
        return HF_E_NOMEM;
    if (record.certificate.n > 0)
        memcpy(key.certificate, record.certificate.p, record.certificate.n);
    key.certificate_n = record.certificate.n;
    err = share_or_load(view, txn, old, &key);
    if (err != HF_OK) {
        key_done(&key);
        return err;
    }
    *out = key;
    return HF_OK;
}

static int compare_keys(const void *left, const void *right)
{
    const struct access_signing_key *a = (const struct access_signing_key *)left;
    const struct access_signing_key *b = (const struct access_signing_key *)right;
    if (a->signs_from != b->signs_from)
        return a->signs_from < b->signs_from ? -1 : 1;
    if (a->created != b->created)
        return a->created < b->created ? -1 : 1;
    return hf_str_compare((hf_str){ a->kid, ACCESS_KID_BYTES },
                          (hf_str){ b->kid, ACCESS_KID_BYTES });
}

/* A key retires when the tokens it signed before its successor took over have expired. */
static void set_retirements(const struct access_engine *engine, struct access_signing_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct access_signing_key *key = &keys->items[i];
        hf_usec lifetime = key->token_lifetime > engine->token_lifetime ? key->token_lifetime
                                                                        : engine->token_lifetime;
        bool is_newest = i + 1 == keys->count;
        key->retire_at = is_newest ? INT64_MAX
                                   : keys->items[i + 1].signs_from + lifetime + engine->clock_skew;
    }
}

/* Fills keys, which has room for `count`; keys->count tells how many there are, also on failure. */
HF_MUST static hf_err load_keys(struct access_view *view, struct store_txn *txn, size_t count,
                                const struct access_signing_keys *old,
                                struct access_signing_keys *keys)
{
    const struct access_key prefix = access_key_signing_keys(ACCESS_SIGNING_PUBLIC);
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    hf_err err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_SIGNING_KEY);
    while (err == HF_OK && keys->count < count) {
        err = access_scan_next(&scan);
        if (err == HF_OK)
            err = load_key(view, txn, &scan, old, &keys->items[keys->count]);
        if (err == HF_OK)
            keys->count++;
    }
    return err;
}

hf_err access_signing_keys_load(struct access_view *view, struct store_txn *txn,
                                const struct access_signing_keys *old,
                                struct access_signing_keys *out)
{
    const struct access_key prefix = access_key_signing_keys(ACCESS_SIGNING_PUBLIC);
    size_t count = 0;
    hf_err err = access_count(txn, &prefix, &count);
    if (err != HF_OK)
        return err;
    struct access_signing_keys keys = { NULL, 0 };
    keys.items = (struct access_signing_key *)calloc(count + 1, sizeof(*keys.items));
    if (keys.items == NULL)
        return HF_E_NOMEM;
    err = load_keys(view, txn, count, old, &keys);
    if (err != HF_OK) {
        access_signing_keys_done(&keys);
        return err;
    }
    qsort(keys.items, keys.count, sizeof(*keys.items), compare_keys);
    set_retirements(view->engine, &keys);
    *out = keys;
    return HF_OK;
}

/* ---- making and dropping ---- */

HF_MUST static hf_err apply_keys(struct store_command *command, struct store_txn *txn)
{
    const struct access_job *job = access_job_of(command);
    for (size_t i = 0; i < job->drop_count; i++) {
        hf_err err = store_delete(txn, job->drops[i]);
        if (err != HF_OK && err != HF_E_NOT_FOUND)
            return err;
    }
    hf_err err = access_job_put_writes(job, txn);
    return err == HF_OK ? access_generation_raise(txn) : err;
}

HF_MUST static hf_err issue_certificate(const struct crypto_key *key, hf_usec now,
                                        struct hf_buf *out)
{
    const struct crypto_certificate_request request = {
        .common_name = "Holdfast token signing",
        .not_before = now - HF_USEC_PER_DAY,
        .not_after = now + CERTIFICATE_DAYS * HF_USEC_PER_DAY,
    };
    return crypto_certificate_issue(&request, key, NULL, (hf_bytes){ NULL, 0 }, out);
}

HF_MUST static hf_err seal_public(struct access_job *job, const uint8_t sha1[CRYPTO_SHA1_BYTES],
                                  const struct access_signing_record *record)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init(&plain, ACCESS_RECORD_MAX_BYTES);
    hf_err err = access_signing_encode(record, &plain);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_signing_key(ACCESS_SIGNING_PUBLIC, sha1);
    return access_job_seal(job, &key, ACCESS_FORMAT_SIGNING_KEY, &plain);
}

HF_MUST static hf_err seal_private(struct access_job *job, const uint8_t sha1[CRYPTO_SHA1_BYTES],
                                   const struct crypto_key *key)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *pkcs8 = NULL;
    hf_err err = crypto_key_to_pkcs8(key, &pkcs8);
    if (err != HF_OK)
        return err;
    const struct access_key storage_key = access_key_signing_key(ACCESS_SIGNING_PRIVATE, sha1);
    return access_job_seal_secret(job, &storage_key, ACCESS_FORMAT_SIGNING_KEY, pkcs8);
}

/* Generates a key pair and adds its two records to the job. */
HF_MUST static hf_err add_new_key(struct access_job *job, hf_usec now, hf_usec signs_from)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    hf_err err = crypto_key_generate_rsa(SIGNING_KEY_BITS, &key);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&der, ACCESS_CERTIFICATE_MAX_BYTES);
    err = issue_certificate(key, now, &der);
    struct crypto_certificate_info info;
    if (err == HF_OK)
        err = crypto_certificate_info(hf_buf_view(&der), &info);
    if (err != HF_OK)
        return err;
    const struct access_signing_record record = {
        .created = now,
        .signs_from = signs_from,
        .token_lifetime = job->base.engine->token_lifetime,
        .certificate = hf_buf_view(&der),
    };
    err = seal_public(job, info.sha1, &record);
    return err == HF_OK ? seal_private(job, info.sha1, key) : err;
}

/* Both records of every key that has retired. */
HF_MUST static hf_err collect_drops(struct access_job *job, const struct access_signing_keys *keys,
                                    hf_usec now)
{
    hf_bytes *drops = (hf_bytes *)hf_arena_alloc_array(job->arena, 2 * keys->count + 1,
                                                       sizeof(*drops));
    if (drops == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < keys->count; i++) {
        if (now < keys->items[i].retire_at)
            continue;
        const uint8_t *sha1 = keys->items[i].sha1;
        const struct access_key parts[] = { access_key_signing_key(ACCESS_SIGNING_PUBLIC, sha1),
                                            access_key_signing_key(ACCESS_SIGNING_PRIVATE, sha1) };
        for (size_t part = 0; part < HF_ARRAY_LEN(parts); part++) {
            hf_bytes copy = hf_arena_dup_bytes(job->arena, access_key_view(&parts[part]));
            if (copy.p == NULL)
                return HF_E_NOMEM;
            drops[job->drop_count++] = copy;
        }
    }
    job->drops = drops;
    return HF_OK;
}

/* Is a new key due, and from when does it sign? */
static bool is_due(const struct access_engine *engine, const struct access_signing_keys *keys,
                   hf_usec now, hf_usec *out_signs_from)
{
    if (keys->count == 0) {
        *out_signs_from = now;
        return true;
    }
    hf_usec lifetime = engine->signing_key_lifetime;
    hf_usec lead = lifetime / 2 < ACCESS_SIGNING_KEY_LEAD ? lifetime / 2 : ACCESS_SIGNING_KEY_LEAD;
    hf_usec end = keys->items[keys->count - 1].signs_from + lifetime;
    if (now < end - lead)
        return false;
    *out_signs_from = end > now ? end : now;
    return true;
}

hf_err access_signing_key_maintain(struct access_view *view, struct store_txn *txn, hf_usec now,
                                   struct hf_arena *arena, struct access_command **out)
{
    const struct access_signing_keys *keys = NULL;
    hf_err err = access_view_signing_keys(view, txn, &keys);
    if (err != HF_OK)
        return err;
    struct access_job *job = NULL;
    err = access_job_new(view->engine, arena, apply_keys, &job);
    if (err == HF_OK)
        err = collect_drops(job, keys, now);
    if (err != HF_OK)
        return err;
    hf_usec signs_from = 0;
    bool due = is_due(view->engine, keys, now, &signs_from);
    if (due)
        err = add_new_key(job, now, signs_from);
    if (err != HF_OK)
        return err;
    *out = due || job->drop_count > 0 ? &job->base : NULL;
    return HF_OK;
}

hf_err access_signing_key_rotate(struct access_engine *engine, hf_usec now, struct hf_arena *arena,
                                 struct access_command **out)
{
    struct access_job *job = NULL;
    hf_err err = access_job_new(engine, arena, apply_keys, &job);
    if (err == HF_OK)
        err = add_new_key(job, now, now);
    if (err == HF_OK)
        *out = &job->base;
    return err;
}

/* ---- publishing ---- */

HF_MUST static hf_err write_jwk(const struct access_signing_key *key, hf_str issuer,
                                struct hf_json_writer *w)
{
    hf_str kid = { key->kid, ACCESS_KID_BYTES };
    hf_jw_begin_object(w);
    hf_jw_member_c(w, "use", "sig");
    hf_jw_member_str(w, "alg", JWKS_ALGORITHM);
    hf_jw_member_str(w, "kid", kid);
    hf_jw_member_str(w, "x5t", kid);
    hf_err err = crypto_key_write_jwk_members(key->key, w);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf x5c;
    hf_buf_init(&x5c, 2 * ACCESS_CERTIFICATE_MAX_BYTES);
    hf_buf_put_base64(&x5c, (hf_bytes){ key->certificate, key->certificate_n });
    if (hf_buf_err(&x5c) != HF_OK)
        return hf_buf_err(&x5c);
    hf_jw_key(w, "x5c");
    hf_jw_begin_array(w);
    hf_jw_str(w, hf_buf_str(&x5c));
    hf_jw_end_array(w);
    hf_jw_member_str(w, "issuer", issuer);
    hf_jw_end_object(w);
    return HF_OK;
}

hf_err access_write_jwks(struct access_view *view, struct store_txn *txn, hf_str issuer,
                         struct hf_buf *out)
{
    const struct access_signing_keys *keys = NULL;
    hf_err err = access_view_signing_keys(view, txn, &keys);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "keys");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < keys->count; i++) {
        err = write_jwk(&keys->items[i], issuer, &w);
        if (err != HF_OK)
            return err;
    }
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return hf_buf_err(out);
}
