/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all commands of access/ share: making them, sealing their records, the generation.
 *
 * Nonces: a record whose content is known is sealed before submission, under a fresh nonce, so apply only puts bytes and
 * may run any number of times. A record that depends on the state (principal.c: enabling) takes its nonce from a digest over
 * the command's seed and the plain text: the same run gives the same bytes, another plain text another nonce.
 */
#include "access/internal.h"

#include <string.h>

struct access_job *access_job_of(struct store_command *command)
{
    struct access_command *base = HF_CONTAINER_OF(command, struct access_command, store);
    return HF_CONTAINER_OF(base, struct access_job, base);
}

hf_err access_job_new(struct access_engine *engine, struct hf_arena *arena,
                      hf_err (*apply)(struct store_command *, struct store_txn *),
                      struct access_job **out)
{
    struct access_job *job = hf_arena_new_of(arena, struct access_job);
    if (job == NULL)
        return HF_E_NOMEM;
    job->base.store.apply = apply;
    job->base.engine = engine;
    job->arena = arena;
    *out = job;
    return HF_OK;
}

HF_MUST static hf_err add_write(struct access_job *job, const struct access_key *key,
                                const struct hf_buf *sealed)
{
    HF_ASSERT(job->write_count < HF_ARRAY_LEN(job->writes));
    struct access_write *write = &job->writes[job->write_count];
    write->key = hf_arena_dup_bytes(job->arena, access_key_view(key));
    write->value = hf_arena_dup_bytes(job->arena, hf_buf_view(sealed));
    if (write->key.p == NULL || write->value.p == NULL)
        return HF_E_NOMEM;
    job->write_count++;
    return HF_OK;
}

hf_err access_job_seal(struct access_job *job, const struct access_key *key, uint8_t format,
                       const struct hf_buf *plain)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *record_key = NULL;
    hf_err err = crypto_record_key_dup(job->base.engine->record_key, &record_key);
    if (err != HF_OK)
        return err;
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    err = crypto_random(nonce, sizeof(nonce));
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf sealed;
    hf_buf_init(&sealed, ACCESS_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES);
    err = crypto_record_seal(record_key, access_key_view(key), format, nonce, hf_buf_view(plain),
                             &sealed);
    return err == HF_OK ? add_write(job, key, &sealed) : err;
}

hf_err access_job_seal_secret(struct access_job *job, const struct access_key *key, uint8_t format,
                              const struct hf_secret *plain)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *record_key = NULL;
    hf_err err = crypto_record_key_dup(job->base.engine->record_key, &record_key);
    if (err != HF_OK)
        return err;
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    err = crypto_random(nonce, sizeof(nonce));
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf sealed;
    hf_buf_init(&sealed, ACCESS_RECORD_MAX_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES);
    err = crypto_record_seal_secret(record_key, access_key_view(key), format, nonce, plain,
                                    &sealed);
    return err == HF_OK ? add_write(job, key, &sealed) : err;
}

hf_err access_job_put_writes(const struct access_job *job, struct store_txn *txn)
{
    for (size_t i = 0; i < job->write_count; i++) {
        hf_err err = store_put(txn, job->writes[i].key, job->writes[i].value);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

/* The first key under a prefix, as a copy: a deletion ends the life of every view. */
HF_MUST static hf_err first_key(struct store_txn *txn, const struct access_key *prefix,
                                struct access_key *out)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, access_key_view(prefix), (hf_bytes){ NULL, 0 }, false,
                                   &cursor);
    if (err != HF_OK)
        return err;
    hf_bytes key = { NULL, 0 };
    hf_bytes value = { NULL, 0 };
    err = store_cursor_next(cursor, &key, &value);
    if (err != HF_OK)
        return err;
    if (key.n > sizeof(out->b))
        return HF_E_CORRUPT;
    memcpy(out->b, key.p, key.n);
    out->n = key.n;
    return HF_OK;
}

hf_err access_delete_prefix(struct store_txn *txn, const struct access_key *prefix)
{
    for (;;) {
        struct access_key key;
        hf_err err = first_key(txn, prefix, &key);
        if (err == HF_E_NOT_FOUND)
            return HF_OK;
        if (err == HF_OK)
            err = store_delete(txn, access_key_view(&key));
        if (err != HF_OK)
            return err;
    }
}

hf_err access_generation_read(struct store_txn *txn, uint64_t *out)
{
    const struct access_key key = access_key_generation();
    hf_bytes value = { NULL, 0 };
    hf_err err = store_get(txn, access_key_view(&key), &value);
    if (err == HF_E_NOT_FOUND) {
        *out = 0;
        return HF_OK;
    }
    if (err != HF_OK)
        return err;
    struct hf_reader reader = hf_reader_of(value);
    uint64_t generation = hf_read_u64(&reader);
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_CORRUPT;
    *out = generation;
    return HF_OK;
}

hf_err access_generation_raise(struct store_txn *txn)
{
    uint64_t generation = 0;
    hf_err err = access_generation_read(txn, &generation);
    if (err != HF_OK)
        return err;
    uint8_t memory[sizeof(generation)];
    struct hf_buf value;
    hf_buf_init_fixed(&value, memory, sizeof(memory));
    hf_buf_put_u64(&value, generation + 1);
    const struct access_key key = access_key_generation();
    return store_put(txn, access_key_view(&key), hf_buf_view(&value));
}
