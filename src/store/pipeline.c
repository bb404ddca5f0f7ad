/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread. It takes up to batch_max commands, runs each in a child of one transaction,
 * commits, and only then tells the submitters. A batch that does not fit the map is dropped as a
 * whole and run again in a larger one.
 */
#include "store/pipeline.h"

#include "base/assert.h"
#include "store/limits.h"

#include <stdlib.h>

#define WRITER_THREAD_NAME "store-writer"

struct batch {
    struct store_command **commands;
    size_t count;
    size_t ran; /* how many of them the last attempt ran; the others wait for the next batch */
    size_t succeeded; /* of those that ran */
};

static hf_err run_command(struct store_txn *parent, struct store_command *command)
{
    struct store_txn txn = { 0 };
    hf_err err = store_engine_begin_child(parent, &txn);
    if (err != HF_OK)
        return err;
    return store_engine_end_child(parent, &txn, command->apply(command, &txn));
}

static void run_commands(struct store_txn *parent, struct batch *batch)
{
    batch->ran = 0;
    batch->succeeded = 0;
    while (batch->ran < batch->count && parent->written < STORE_BATCH_MAX_BYTES &&
           !parent->map_full) {
        struct store_command *command = batch->commands[batch->ran++];
        command->result = run_command(parent, command);
        batch->succeeded += command->result == HF_OK;
    }
}

static hf_err run_hook(const struct store_hook *hook, struct store_txn *txn)
{
    if (hook->before_commit == NULL)
        return HF_OK;
    hf_err err = hook->before_commit(hook->context, txn);
    HF_ASSERT(txn->open_cursors == 0);
    return txn->failure != HF_OK ? txn->failure : err;
}

/* One attempt. A batch in which no command succeeded has nothing to commit. */
static hf_err try_batch(struct store_pipeline *pipeline, struct batch *batch, bool *out_map_full)
{
    batch->ran = batch->count;
    struct store_txn txn = { 0 };
    hf_err err = store_engine_begin(pipeline->engine, &txn);
    if (err != HF_OK)
        return err;

    store_journal_begin(&pipeline->journal, &txn);
    run_commands(&txn, batch);
    if (!txn.map_full && batch->succeeded > 0)
        err = run_hook(&pipeline->hook, &txn);
    if (!txn.map_full && err == HF_OK && batch->succeeded > 0)
        err = store_journal_write(&pipeline->journal, &txn);
    if (txn.map_full || err != HF_OK || batch->succeeded == 0)
        store_engine_abort(&txn);
    else
        err = store_engine_commit(&txn);
    store_journal_end(&pipeline->journal, err == HF_OK && batch->succeeded > 0 && !txn.map_full);
    *out_map_full = txn.map_full;
    return err;
}

static hf_err grow_map(struct store_pipeline *pipeline)
{
    store_gate_close(pipeline->gate);
    hf_err err = store_engine_grow(pipeline->engine);
    store_gate_open(pipeline->gate);
    atomic_store(&pipeline->map_bytes, store_engine_map_bytes(pipeline->engine));
    return err;
}

static hf_err run_batch(struct store_pipeline *pipeline, struct batch *batch)
{
    for (;;) {
        bool map_full = false;
        hf_err err = try_batch(pipeline, batch, &map_full);
        if (!map_full)
            return err;
        err = grow_map(pipeline);
        if (err != HF_OK)
            return err;
    }
}

/*
 * Tells the submitters, in order. A batch that failed fails for all: even a command's own refusal
 * may rest on what an earlier one of the same batch had done.
 */
static void finish_batch(struct store_pipeline *pipeline, const struct batch *batch, hf_err err)
{
    if (err == HF_OK && batch->succeeded > 0) {
        atomic_fetch_add(&pipeline->batches, 1);
        atomic_fetch_add(&pipeline->commands, batch->succeeded);
        atomic_store(&pipeline->used_bytes, store_engine_used_bytes(pipeline->engine));
    }
    atomic_fetch_sub(&pipeline->waiting, batch->ran);
    for (size_t i = 0; i < batch->ran; i++) {
        struct store_command *command = batch->commands[i];
        command->done(command, err != HF_OK ? err : command->result);
    }
}

/* While the disk is in trouble, not for longer than until the next attempt. */
static struct hf_queue_item *wait_for_commands(struct store_pipeline *pipeline, bool *out_closed)
{
    const struct store_recovery *recovery = &pipeline->recovery;
    *out_closed = false;
    if (recovery->is_well) {
        struct hf_queue_item *list = hf_queue_wait_all(&pipeline->queue);
        *out_closed = list == NULL;
        return list;
    }
    hf_usec left = recovery->due - store_recovery_now(recovery);
    return hf_queue_wait_until(&pipeline->queue, 1, hf_monotonic_now() + left, out_closed);
}

/* Moves commands from the backlog and the queue into the batch. */
static size_t fill_batch(struct store_pipeline *pipeline, size_t count)
{
    if (pipeline->backlog == NULL)
        pipeline->backlog = hf_queue_take_all(&pipeline->queue);
    while (pipeline->backlog != NULL && count < pipeline->batch_max) {
        struct hf_queue_item *item = pipeline->backlog;
        pipeline->backlog = item->next;
        pipeline->batch[count++] = HF_CONTAINER_OF(item, struct store_command, item);
        if (pipeline->backlog == NULL && count < pipeline->batch_max)
            pipeline->backlog = hf_queue_take_all(&pipeline->queue);
    }
    return count;
}

/*
 * Those who were told of the last batch are about to send their next commands. Whoever of them comes
 * just after the batch has begun waits for two commits; so the first ones wait for the others, for as
 * many as there were last time, and for a part of what a commit costs.
 */
static size_t gather(struct store_pipeline *pipeline, size_t count)
{
    hf_usec patience = pipeline->commit_cost / STORE_GATHER_PART;
    if (patience > STORE_GATHER_MAX)
        patience = STORE_GATHER_MAX;
    if (count >= pipeline->expected || count >= pipeline->batch_max || patience == 0)
        return count;
    bool is_closed = false;
    pipeline->backlog = hf_queue_wait_until(&pipeline->queue, pipeline->expected - count,
                                            hf_monotonic_now() + patience, &is_closed);
    return fill_batch(pipeline, count);
}

/* In order of submission; waits for the first one. */
static size_t collect_commands(struct store_pipeline *pipeline, bool *out_closed)
{
    *out_closed = false;
    if (pipeline->backlog == NULL)
        pipeline->backlog = wait_for_commands(pipeline, out_closed);
    if (pipeline->backlog == NULL)
        return 0;
    size_t count = gather(pipeline, fill_batch(pipeline, 0));
    pipeline->expected = count;
    return count;
}

static void measure_commit(struct store_pipeline *pipeline, hf_usec cost)
{
    pipeline->commit_cost += (cost - pipeline->commit_cost) / STORE_COST_WEIGHT;
}

static void run_collected(struct store_pipeline *pipeline, size_t count)
{
    size_t start = 0;
    while (start < count) {
        struct batch batch = { .commands = pipeline->batch + start, .count = count - start };
        hf_usec started = hf_monotonic_now();
        hf_err err = run_batch(pipeline, &batch);
        if (err == HF_OK && batch.succeeded > 0)
            measure_commit(pipeline, hf_monotonic_now() - started);
        store_recovery_note(&pipeline->recovery, pipeline->engine, pipeline->gate, err,
                            batch.succeeded > 0);
        finish_batch(pipeline, &batch, err);
        start += batch.ran;
    }
}

static void *run_writer(void *argument)
{
    struct store_pipeline *pipeline = argument;
    bool is_closed = false;
    while (!is_closed) {
        size_t count = collect_commands(pipeline, &is_closed);
        if (!is_closed)
            store_recovery_run(&pipeline->recovery, pipeline->engine, pipeline->gate);
        run_collected(pipeline, count);
    }
    return NULL;
}

hf_err store_pipeline_start(struct store_pipeline *pipeline, const struct store_config *config,
                            struct store_engine *engine, struct store_gate *gate)
{
    pipeline->engine = engine;
    pipeline->gate = gate;
    pipeline->batch_max = config->batch_max > 0 ? config->batch_max : STORE_BATCH_DEFAULT_COUNT;
    if (pipeline->batch_max > STORE_BATCH_MAX_COUNT)
        pipeline->batch_max = STORE_BATCH_MAX_COUNT;
    pipeline->queue_max = config->queue_max > 0 ? config->queue_max : STORE_QUEUE_DEFAULT_COUNT;
    atomic_store(&pipeline->map_bytes, store_engine_map_bytes(engine));
    atomic_store(&pipeline->used_bytes, store_engine_used_bytes(engine));
    hf_err err = store_journal_init(&pipeline->journal, config, engine);
    if (err != HF_OK)
        return err;
    pipeline->batch = calloc(pipeline->batch_max, sizeof(pipeline->batch[0]));
    if (pipeline->batch == NULL)
        return HF_E_NOMEM;
    hf_queue_init(&pipeline->queue);
    store_recovery_init(&pipeline->recovery, config->clock);
    err = hf_thread_start(&pipeline->thread, WRITER_THREAD_NAME, run_writer, pipeline);
    if (err != HF_OK) {
        hf_queue_done(&pipeline->queue);
        free(pipeline->batch);
        pipeline->batch = NULL;
    }
    return err;
}

void store_pipeline_stop(struct store_pipeline *pipeline)
{
    if (pipeline->batch == NULL)
        return;
    hf_queue_close(&pipeline->queue);
    (void)pthread_join(pipeline->thread, NULL);
    store_journal_done(&pipeline->journal);
    store_recovery_done(&pipeline->recovery);
    hf_queue_done(&pipeline->queue);
    free(pipeline->batch);
}

hf_err store_pipeline_submit(struct store_pipeline *pipeline, struct store_command *command)
{
    HF_ASSERT(command->apply != NULL && command->done != NULL);
    if (atomic_fetch_add(&pipeline->waiting, 1) >= pipeline->queue_max) {
        atomic_fetch_sub(&pipeline->waiting, 1);
        return HF_E_UNAVAILABLE;
    }
    bool is_closed = false;
    (void)hf_queue_push(&pipeline->queue, &command->item, &is_closed);
    if (is_closed) {
        atomic_fetch_sub(&pipeline->waiting, 1);
        return HF_E_UNAVAILABLE;
    }
    return HF_OK;
}
