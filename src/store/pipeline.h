/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit pipeline: a queue of commands and the one thread that runs them in batches.
 */
#pragma once

#include "store/engine.h"
#include "store/gate.h"
#include "store/journal.h"
#include "store/recovery.h"
#include "store/store.h"

#include <stdatomic.h>

struct store_pipeline {
    struct store_engine *engine; /* immutable after start */
    struct store_gate *gate;     /* immutable after start */
    pthread_t thread;
    struct hf_queue queue; /* any thread */
    size_t batch_max;
    size_t queue_max;
    atomic_size_t waiting;          /* commands submitted and not finished */
    struct store_journal journal;   /* writer */
    struct store_recovery recovery; /* writer; its health: any thread */
    struct store_hook hook;         /* set before the first command */

    struct store_command **batch;  /* writer: batch_max places */
    struct hf_queue_item *backlog; /* writer: taken from the queue, not yet in a batch */
    size_t expected;               /* writer: commands in the last batch */
    hf_usec commit_cost;           /* writer: of one batch, smoothed */

    atomic_uint_fast64_t commands;
    atomic_uint_fast64_t batches;
    atomic_size_t map_bytes;
    atomic_size_t used_bytes;
};

HF_MUST hf_err store_pipeline_start(struct store_pipeline *pipeline,
                                    const struct store_config *config, struct store_engine *engine,
                                    struct store_gate *gate);
/* Runs what was submitted, then ends the thread. */
void store_pipeline_stop(struct store_pipeline *pipeline);
HF_MUST hf_err store_pipeline_submit(struct store_pipeline *pipeline,
                                     struct store_command *command);
