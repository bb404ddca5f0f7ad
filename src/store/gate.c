/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers' gate: one atomic store and one atomic load on the way in, the same on the way out.
 */
#include "store/gate.h"

#include "base/assert.h"
#include "base/clock.h"
#include "store/limits.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

void store_gate_init(struct store_gate *gate)
{
    HF_ASSERT(pthread_mutex_init(&gate->m, NULL) == 0);
    pthread_condattr_t attributes;
    HF_ASSERT(pthread_condattr_init(&attributes) == 0);
    HF_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    HF_ASSERT(pthread_cond_init(&gate->changed, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
    atomic_init(&gate->closed, false);
    atomic_init(&gate->openings, 0);
    gate->places = NULL;
}

void store_gate_done(struct store_gate *gate)
{
    HF_ASSERT(gate->places == NULL);
    (void)pthread_cond_destroy(&gate->changed);
    (void)pthread_mutex_destroy(&gate->m);
}

void store_gate_add(struct store_gate *gate, struct store_gate_place *place, struct store_txn *txn)
{
    atomic_init(&place->active, false);
    place->txn = txn;
    place->has_given_up = false;
    (void)pthread_mutex_lock(&gate->m);
    place->next = gate->places;
    gate->places = place;
    (void)pthread_mutex_unlock(&gate->m);
}

void store_gate_remove(struct store_gate *gate, struct store_gate_place *place)
{
    (void)pthread_mutex_lock(&gate->m);
    struct store_gate_place **link = &gate->places;
    while (*link != NULL && *link != place)
        link = &(*link)->next;
    HF_ASSERT(*link == place);
    *link = place->next;
    (void)pthread_mutex_unlock(&gate->m);
}

static struct timespec end_of_patience(void)
{
    hf_usec until = hf_monotonic_now() + STORE_READER_PATIENCE;
    return (struct timespec){ .tv_sec = until / HF_USEC_PER_SEC,
                              .tv_nsec = until % HF_USEC_PER_SEC * 1000 };
}

/* Once is enough: the writer may be waiting for a disk that does not answer, and a loop has other requests. */
static bool gave_up_already(const struct store_gate_place *place, size_t openings)
{
    return place->has_given_up && place->openings == openings;
}

static bool note_wait(struct store_gate_place *place, size_t openings, bool is_over)
{
    place->has_given_up = !is_over;
    place->openings = openings;
    return is_over;
}

/* False: in vain. */
static bool wait_until_open(struct store_gate *gate, struct store_gate_place *place)
{
    const struct timespec until = end_of_patience();
    (void)pthread_mutex_lock(&gate->m);
    (void)pthread_cond_broadcast(&gate->changed);
    size_t openings = atomic_load(&gate->openings);
    int error = gave_up_already(place, openings) ? ETIMEDOUT : 0;
    while (atomic_load(&gate->closed) && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&gate->changed, &gate->m, &until);
    bool is_open = !atomic_load(&gate->closed);
    (void)pthread_mutex_unlock(&gate->m);
    return note_wait(place, openings, is_open);
}

bool store_gate_try_enter(struct store_gate *gate, struct store_gate_place *place)
{
    for (;;) {
        atomic_store(&place->active, true);
        if (!atomic_load(&gate->closed))
            return true;
        atomic_store(&place->active, false);
        if (!wait_until_open(gate, place))
            return false;
    }
}

void store_gate_enter(struct store_gate *gate, struct store_gate_place *place)
{
    while (!store_gate_try_enter(gate, place))
        place->has_given_up = false;
}

void store_gate_leave(struct store_gate *gate, struct store_gate_place *place)
{
    atomic_store(&place->active, false);
    if (!atomic_load(&gate->closed))
        return;
    (void)pthread_mutex_lock(&gate->m);
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->m);
}

/* While it is inside, the gate is neither closed nor opened: so the count read here is that of now. */
bool store_gate_leave_until_opened(struct store_gate *gate, struct store_gate_place *place)
{
    size_t openings = atomic_load(&gate->openings);
    store_gate_leave(gate, place);
    if (gave_up_already(place, openings))
        return false;
    const struct timespec until = end_of_patience();
    int error = 0;
    (void)pthread_mutex_lock(&gate->m);
    while (atomic_load(&gate->openings) == openings && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&gate->changed, &gate->m, &until);
    bool has_opened = atomic_load(&gate->openings) != openings;
    (void)pthread_mutex_unlock(&gate->m);
    return note_wait(place, openings, has_opened);
}

static bool is_anyone_inside(const struct store_gate *gate)
{
    for (const struct store_gate_place *place = gate->places; place != NULL; place = place->next) {
        if (atomic_load(&place->active))
            return true;
    }
    return false;
}

void store_gate_close(struct store_gate *gate)
{
    (void)pthread_mutex_lock(&gate->m);
    atomic_store(&gate->closed, true);
    while (is_anyone_inside(gate))
        (void)pthread_cond_wait(&gate->changed, &gate->m);
    (void)pthread_mutex_unlock(&gate->m);
}

void store_gate_open(struct store_gate *gate)
{
    (void)pthread_mutex_lock(&gate->m);
    atomic_store(&gate->closed, false);
    atomic_fetch_add(&gate->openings, 1);
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->m);
}

void store_gate_visit(struct store_gate *gate, void (*visit)(struct store_txn *txn))
{
    (void)pthread_mutex_lock(&gate->m);
    HF_ASSERT(atomic_load(&gate->closed));
    for (const struct store_gate_place *place = gate->places; place != NULL; place = place->next)
        visit(place->txn);
    (void)pthread_mutex_unlock(&gate->m);
}
