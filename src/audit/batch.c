/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on their way. A record is written out when it is added, with room for its tail behind it;
 * only the tail, which needs the record before it, is filled in under the log's lock. Once the
 * buffer has grown to the size in use, nothing is allocated.
 */
#include "audit/internal.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX_BYTES ((size_t)8 * 1024 * 1024)
/* What one unusual batch took beyond this goes back. */
#define BATCH_KEEP_BYTES ((size_t)1024 * 1024)
#define PIECES_START 16

/* A record in the buffer; AUDIT_TAIL_MAX_BYTES of room follow it. */
struct piece {
    size_t start;
    size_t n;
    size_t sealed; /* where seal() moved it to */
};

struct audit_batch {
    struct audit_log *log; /* outlives the batch */
    struct hf_buf lines;
    struct piece *pieces;
    size_t count;
    size_t cap;
};

hf_err audit_batch_new(struct audit_log *log, struct audit_batch **out)
{
    struct audit_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return HF_E_NOMEM;
    batch->log = log;
    hf_buf_init(&batch->lines, BATCH_MAX_BYTES);
    *out = batch;
    return HF_OK;
}

void audit_batch_free(struct audit_batch *batch)
{
    if (batch == NULL)
        return;
    hf_buf_done(&batch->lines);
    free(batch->pieces);
    free(batch);
}

bool audit_batch_is_empty(const struct audit_batch *batch)
{
    return batch->count == 0;
}

static hf_err make_room(struct audit_batch *batch)
{
    if (batch->count < batch->cap)
        return HF_OK;
    size_t cap = batch->cap == 0 ? PIECES_START : batch->cap * 2;
    struct piece *pieces = reallocarray(batch->pieces, cap, sizeof(*pieces));
    if (pieces == NULL)
        return HF_E_NOMEM;
    batch->pieces = pieces;
    batch->cap = cap;
    return HF_OK;
}

/* Takes back what was put behind the first n bytes. */
static void rewind_to(struct hf_buf *buf, size_t n)
{
    buf->n = n;
    buf->err = HF_OK;
}

hf_err audit_batch_add(struct audit_batch *batch, const struct audit_record *record)
{
    hf_err err = make_room(batch);
    if (err != HF_OK)
        return err;
    struct piece piece = { .start = batch->lines.n };
    audit_record_put(&batch->lines, record);
    piece.n = batch->lines.n - piece.start;
    if (hf_buf_reserve(&batch->lines, AUDIT_TAIL_MAX_BYTES) != NULL)
        hf_buf_commit(&batch->lines, AUDIT_TAIL_MAX_BYTES);
    err = hf_buf_err(&batch->lines);
    if (err == HF_OK && piece.n > AUDIT_LINE_MAX_BYTES - AUDIT_TAIL_MAX_BYTES)
        err = HF_E_TOO_LARGE;
    if (err != HF_OK) {
        rewind_to(&batch->lines, piece.start);
        return err;
    }
    batch->pieces[batch->count++] = piece;
    return HF_OK;
}

/* Chains the records to head, moves them together, and moves head on. They only ever move down,
 * over room not needed. */
static hf_err seal(struct audit_batch *batch, struct audit_head *head, hf_bytes *out)
{
    uint8_t *p = batch->lines.p;
    size_t at = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct piece *piece = &batch->pieces[i];
        if (at != piece->start)
            memmove(p + at, p + piece->start, piece->n);
        piece->sealed = at;
        struct audit_head next = { .seq = head->seq + 1 };
        hf_err err = audit_line_hash(head->hash, next.seq, (hf_bytes){ p + at, piece->n },
                                     next.hash);
        if (err != HF_OK)
            return err;
        at += piece->n;
        at += audit_line_put_tail(p + at, head->hash, &next);
        *head = next;
    }
    *out = (hf_bytes){ p, at };
    return HF_OK;
}

/* Back to where they were, the last one first: each goes up, over nothing that is still needed. */
static void unseal(struct audit_batch *batch)
{
    uint8_t *p = batch->lines.p;
    for (size_t i = batch->count; i > 0; i--) {
        const struct piece *piece = &batch->pieces[i - 1];
        memmove(p + piece->start, p + piece->sealed, piece->n);
    }
}

static hf_err write_batch(struct audit_batch *batch)
{
    struct audit_head head;
    hf_err err = audit_log_begin(batch->log, &head);
    if (err != HF_OK)
        return err;
    hf_bytes lines = { 0 };
    if (seal(batch, &head, &lines) != HF_OK) {
        audit_log_abort(batch->log); /* the batch is lost: libcrypto has failed in the middle */
        batch->count = 0;
        return HF_E_IO;
    }
    err = audit_log_commit(batch->log, lines, &head);
    if (err != HF_OK)
        unseal(batch);
    return err;
}

hf_err audit_batch_write(struct audit_batch *batch)
{
    if (batch->count == 0)
        return HF_OK;
    hf_err err = write_batch(batch);
    if (err != HF_OK && batch->count > 0)
        return err; /* kept: what they tell of may have happened */
    batch->count = 0;
    if (batch->lines.cap > BATCH_KEEP_BYTES)
        hf_buf_done(&batch->lines);
    else
        hf_buf_reset(&batch->lines);
    return err;
}
