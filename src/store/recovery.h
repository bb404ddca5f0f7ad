/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's way back after its disk was full or failed. Writer thread, but for store_recovery_health().
 */
#pragma once

#include "store/engine.h"
#include "store/gate.h"
#include "store/store.h"

struct store_recovery {
    const struct hf_clock *clock;
    bool is_well;
    hf_usec due;      /* of the next attempt, by store_recovery_now() */
    hf_usec interval; /* between the last attempt and the next */
    pthread_mutex_t m;
    struct store_health health; /* under m */
};

/* clock NULL: the system's. */
void store_recovery_init(struct store_recovery *recovery, const struct hf_clock *clock);
void store_recovery_done(struct store_recovery *recovery);

/* Monotonic, and moved with the clock. */
hf_usec store_recovery_now(const struct store_recovery *recovery);

/* What came of a batch. is_committed: something was. */
void store_recovery_note(struct store_recovery *recovery, struct store_engine *engine,
                         struct store_gate *gate, hf_err err, bool is_committed);
/* Tries, if it is time. */
void store_recovery_run(struct store_recovery *recovery, struct store_engine *engine,
                        struct store_gate *gate);
struct store_health store_recovery_health(struct store_recovery *recovery);
