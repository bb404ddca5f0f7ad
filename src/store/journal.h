/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's side of the journal: it notes the changes of a batch and puts them into its commit.
 * Writer thread, but for init and done.
 */
#pragma once

#include "base/buf.h"
#include "store/engine.h"
#include "store/store.h"

struct store_journal {
    const struct hf_clock *clock; /* NULL: the journal is off */
    struct hf_buf changes;        /* of the batch */
    uint64_t last;                /* newest number given */
    uint64_t next;                /* number written by the running batch; 0: none */
    bool must_mark_gap;           /* off, and there are entries that a commit would not follow */
};

/* HF_E_INVALID: journal without a clock. On failure there is nothing to clean up. */
HF_MUST hf_err store_journal_init(struct store_journal *journal, const struct store_config *config,
                                  struct store_engine *engine);
void store_journal_done(struct store_journal *journal);

/* Around each attempt to run a batch; write is the last before the commit. */
void store_journal_begin(struct store_journal *journal, struct store_txn *txn);
HF_MUST hf_err store_journal_write(struct store_journal *journal, struct store_txn *txn);
void store_journal_end(struct store_journal *journal, bool is_committed);

/* Adds a change to the list, unless its class is left out. value NULL: delete. */
HF_MUST hf_err store_journal_note(struct hf_buf *changes, hf_bytes key, const hf_bytes *value);
