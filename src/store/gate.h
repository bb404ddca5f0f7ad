/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets readers in without a lock, and keeps them all out for the moment in which the memory map
 * moves.
 *
 * A reader's place says "active" before it looks whether the gate is closed; whoever closes the
 * gate says "closed" before looking at the places. Both orders are sequentially consistent, so at
 * least one of the two sees the other.
 */
#pragma once

#include "base/attr.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct store_txn;

/* Written by its reader's thread; listed under the gate's m. */
struct store_gate_place {
    atomic_bool active;
    struct store_txn *txn;         /* the reader's, used inside only; immutable */
    bool has_given_up;             /* the reader's: it waited in vain */
    size_t openings;               /* how many there had been then */
    struct store_gate_place *next; /* under m */
};

/* Threads: any. */
struct store_gate {
    pthread_mutex_t m;
    pthread_cond_t changed; /* the gate opened, or a place became inactive while it is closed */
    atomic_bool closed;     /* written under m */
    atomic_size_t openings; /* how often it was opened again; written under m */
    struct store_gate_place *places; /* under m */
};

void store_gate_init(struct store_gate *gate);
void store_gate_done(struct store_gate *gate); /* all places have left the list */

void store_gate_add(struct store_gate *gate, struct store_gate_place *place, struct store_txn *txn);
void store_gate_remove(struct store_gate *gate, struct store_gate_place *place);

/* Around each use of the map. enter waits only while the gate is closed. */
void store_gate_enter(struct store_gate *gate, struct store_gate_place *place);
void store_gate_leave(struct store_gate *gate, struct store_gate_place *place);

/*
 * These wait not for longer than STORE_READER_PATIENCE, and not again where this reader waited so long in
 * vain, until the gate is opened the next time. False: in vain, and the reader is outside.
 */
HF_MUST bool store_gate_try_enter(struct store_gate *gate, struct store_gate_place *place);
/* Leaves, and waits until the gate has been closed and opened. */
HF_MUST bool store_gate_leave_until_opened(struct store_gate *gate, struct store_gate_place *place);

/*
 * Returns when nobody is inside; nobody gets in until store_gate_open(). One thread at a time (the
 * writer).
 */
void store_gate_close(struct store_gate *gate);
void store_gate_open(struct store_gate *gate);
/* For each reader. Only while the gate is closed, by whoever closed it. */
void store_gate_visit(struct store_gate *gate, void (*visit)(struct store_txn *txn));
