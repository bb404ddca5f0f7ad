/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's way back. The order of the steps is what makes it safe: README.md, "When the disk is
 * full or fails".
 */
#include "store/recovery.h"

#include "store/limits.h"

static const struct hf_clock system_clock;

static const char *const condition_texts[] = {
    [STORE_WELL] = "",
    [STORE_FULL] = "The service cannot store changes: its disk is full.",
    [STORE_FAILING] = "The service cannot store changes: its disk fails. Nothing was changed.",
    [STORE_CLOSED] = "The service cannot reach its storage: its disk fails. Nothing was changed.",
};

const char *store_condition_text(enum store_condition condition)
{
    return condition_texts[condition];
}

void store_recovery_init(struct store_recovery *recovery, const struct hf_clock *clock)
{
    *recovery = (struct store_recovery){
        .clock = clock != NULL ? clock : &system_clock,
        .is_well = true,
        .m = PTHREAD_MUTEX_INITIALIZER,
    };
}

void store_recovery_done(struct store_recovery *recovery)
{
    (void)pthread_mutex_destroy(&recovery->m);
}

hf_usec store_recovery_now(const struct store_recovery *recovery)
{
    return hf_monotonic_now() + atomic_load(&recovery->clock->offset);
}

struct store_health store_recovery_health(struct store_recovery *recovery)
{
    (void)pthread_mutex_lock(&recovery->m);
    struct store_health health = recovery->health;
    (void)pthread_mutex_unlock(&recovery->m);
    return health;
}

/* ---- the steps ---- */

/* A full map is no fault of the disk. */
static hf_err probe(struct store_engine *engine, struct store_gate *gate)
{
    for (;;) {
        bool is_map_full = false;
        hf_err err = store_engine_probe(engine, &is_map_full);
        if (!is_map_full)
            return err;
        store_gate_close(gate);
        err = store_engine_grow(engine);
        store_gate_open(gate);
        if (err != HF_OK)
            return err;
    }
}

static hf_err reopen(struct store_engine *engine, struct store_gate *gate)
{
    store_gate_close(gate);
    store_gate_visit(gate, store_engine_reader_close);
    hf_err err = store_engine_reopen(engine);
    store_gate_open(gate);
    return err;
}

/* Its commit may fail like any other; then readers are refused by this environment, too. */
static hf_err probe_or_reopen(struct store_engine *engine, struct store_gate *gate)
{
    hf_err err = probe(engine, gate);
    if (err == HF_OK || store_engine_is_readable(engine))
        return err;
    hf_ignore(store_engine_settle(engine));
    hf_ignore(reopen(engine, gate));
    return err;
}

/*
 * Readers keep the environment they have while the disk does not answer; one that refuses them too is
 * replaced at once, by one that shows the same commit or none.
 */
static hf_err recover(struct store_engine *engine, struct store_gate *gate)
{
    if (!store_engine_is_suspect(engine))
        return probe_or_reopen(engine, gate);
    hf_err err = store_engine_settle(engine);
    if (err == HF_OK || !store_engine_is_readable(engine)) {
        hf_err reopened = reopen(engine, gate);
        err = err == HF_OK ? reopened : err;
    }
    return err == HF_OK ? probe_or_reopen(engine, gate) : err;
}

/* ---- when ---- */

static enum store_condition condition_of(const struct store_engine *engine, hf_err err)
{
    if (!store_engine_is_readable(engine))
        return STORE_CLOSED;
    if (store_engine_is_suspect(engine))
        return STORE_FAILING;
    return err == HF_OK ? STORE_WELL : STORE_FULL;
}

static void set_health(struct store_recovery *recovery, enum store_condition condition, hf_err err)
{
    bool is_well = condition == STORE_WELL;
    (void)pthread_mutex_lock(&recovery->m);
    struct store_health *health = &recovery->health;
    if (is_well != recovery->is_well)
        health->since = hf_clock_now(recovery->clock);
    if (recovery->is_well && !is_well)
        health->count++;
    health->condition = condition;
    health->cause = err;
    (void)pthread_mutex_unlock(&recovery->m);
    recovery->is_well = is_well;
}

static void schedule(struct store_recovery *recovery, hf_usec interval)
{
    recovery->interval = interval < STORE_RETRY_MAX ? interval : STORE_RETRY_MAX;
    recovery->due = store_recovery_now(recovery) + recovery->interval;
}

static void attempt(struct store_recovery *recovery, struct store_engine *engine,
                    struct store_gate *gate)
{
    hf_err err = recover(engine, gate);
    set_health(recovery, condition_of(engine, err), err);
}

void store_recovery_note(struct store_recovery *recovery, struct store_engine *engine,
                         struct store_gate *gate, hf_err err, bool is_committed)
{
    bool is_suspect = store_engine_is_suspect(engine);
    bool was_suspect = recovery->health.condition >= STORE_FAILING;
    if (is_suspect && !was_suspect) {
        set_health(recovery, condition_of(engine, err), err);
        attempt(recovery, engine, gate);
        schedule(recovery, STORE_RETRY_FIRST);
    } else if (err == HF_E_DISK_FULL && recovery->is_well) {
        set_health(recovery, STORE_FULL, err);
        schedule(recovery, STORE_RETRY_FIRST);
    } else if (err == HF_OK && is_committed && !recovery->is_well) {
        set_health(recovery, STORE_WELL, HF_OK);
    }
}

void store_recovery_run(struct store_recovery *recovery, struct store_engine *engine,
                        struct store_gate *gate)
{
    if (recovery->is_well || store_recovery_now(recovery) < recovery->due)
        return;
    attempt(recovery, engine, gate);
    schedule(recovery, recovery->interval * 2);
}
