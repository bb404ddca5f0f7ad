/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers on threads of their own, each with its view, while secrets and vaults change: each
 * snapshot is whole.
 */
#include "support.h"

#include <stdatomic.h>
#include <stdio.h>

#define READERS 2
#define CHANGES 200
#define ARENA_MAX_BYTES (1024 * 1024)

struct reader_thread {
    pthread_t thread;
    struct world *w;
    atomic_bool *stop;
    size_t reads;    /* the thread's own until it is joined */
    hf_err failure;  /* first thing that must not happen */
    bool protection; /* as seen last: never goes back */
};

/* A set writes its number into content type and value: both are of the same set. */
static hf_err check_whole(const struct vault_secret *secret)
{
    return hf_secret_equal(secret->value, hf_str_bytes(secret->content_type)) ? HF_OK
                                                                              : HF_E_CONFLICT;
}

static hf_err read_once(struct reader_thread *self, struct vault_view *view, struct store_txn *txn,
                        struct hf_arena *arena)
{
    struct vault *vault = NULL;
    hf_err err = vault_find(view, txn, HF_LIT("alpha"), &vault);
    if (err != HF_OK)
        return err;
    if (self->protection && !vault_properties_of(vault)->purge_protection)
        return HF_E_CONFLICT;
    self->protection = vault_properties_of(vault)->purge_protection;
    struct vault_secret secret;
    err = vault_secret_get(vault, txn, HF_LIT("name"), NULL, START_TIME, arena, &secret);
    return err != HF_OK ? err : check_whole(&secret);
}

static void *run_reader(void *argument)
{
    struct reader_thread *self = argument;
    struct vault_view *view = NULL;
    struct store_reader *reader = NULL;
    struct hf_arena *arena = NULL;
    self->failure = vault_view_new(self->w->engine, &view);
    if (self->failure == HF_OK)
        self->failure = store_reader_new(self->w->store, &reader);
    if (self->failure == HF_OK)
        self->failure = hf_arena_new(ARENA_MAX_BYTES, &arena);
    while (self->failure == HF_OK && !atomic_load(self->stop)) {
        struct store_txn *txn = NULL;
        self->failure = store_read_begin(reader, &txn);
        if (self->failure != HF_OK)
            break;
        self->failure = read_once(self, view, txn, arena);
        store_read_end(txn);
        hf_arena_reset(arena);
        self->reads++;
    }
    hf_arena_free(arena);
    store_reader_free(reader);
    vault_view_free(view);
    return NULL;
}

static void set_number(struct world *w, int number)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", number);
    const struct vault_secret_change change = { .has_content_type = true,
                                                .content_type = hf_str_from_c(text) };
    EXPECT_OK(world_set_with(w, "name", text, &change));
}

static void test_readers_see_whole_secrets_while_they_change(void **state)
{
    struct world *w = *state;
    atomic_bool stop = false;
    struct reader_thread readers[READERS] = { 0 };
    set_number(w, 0);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader_thread){ .w = w, .stop = &stop };
        EXPECT_OK(hf_thread_start(&readers[i].thread, "vault-reader", run_reader, &readers[i]));
    }
    for (int i = 1; i <= CHANGES; i++) {
        set_number(w, i);
        if (i == CHANGES / 2)
            EXPECT_OK(world_protect(w, "alpha"));
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        EXPECT_OK(readers[i].failure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_readers_see_whole_secrets_while_they_change,
                                        world_setup, world_teardown),
    };
    return cmocka_run_group_tests_name("vault/threads", tests, NULL, NULL);
}
