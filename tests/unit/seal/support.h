/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary place with a data folder and keys, and people who answer from lists.
 */
#pragma once

#include "seal/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "base/buf.h"

#include <limits.h>
#include <sys/types.h>

#define KEY_TEXT "holdfast-key-file-v1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
#define SKIPPED 77 /* exit status that the build takes for "skipped" */

struct place {
    char root[PATH_MAX / 4];
    char data[PATH_MAX / 2];
    char key[PATH_MAX / 2]; /* root/keys/wrapping; does not exist yet */
    char seal[PATH_MAX];
    struct seal_config config; /* key-file */
};

/* For cmocka: crypto_init(); a place in *state; and away with all of it. */
int place_set_up_library(void **state);
int place_set_up(void **state);
int place_tear_down(void **state);
void place_make(struct place *place);
void place_remove(struct place *place);

/* How many files a folder holds. */
size_t count_files(const char *path);
void read_file(const char *path, struct hf_buf *out);
void write_file(const char *path, hf_bytes content);
void write_key(const struct place *place, hf_str text);

/* What people know and get. */
struct crowd {
    struct seal_people people;
    const char *passphrase; /* NULL: none is given */
    struct hf_secret *shares[SEAL_SHARES_MAX];
    size_t given;                  /* to people */
    size_t order[SEAL_SHARES_MAX]; /* share `order[i]` is the i-th handed in */
    size_t willing;                /* so many are handed in */
    size_t refuse_at;              /* taking this share fails */
    size_t asked;
};
void crowd_init(struct crowd *crowd, const char *passphrase);
void crowd_done(struct crowd *crowd);
/* Hands in the shares of these numbers (from 1). */
void crowd_hand_in(struct crowd *crowd, size_t count, const size_t *numbers);

/* These must succeed. */
void make_seal(const struct seal_config *config, struct crowd *crowd, struct seal_roots *out);
void open_seal(const struct seal_config *config, struct crowd *crowd, struct seal_roots *out);
/* Opening must fail with this error and say why; nothing comes out. */
void expect_open(const struct seal_config *config, struct crowd *crowd, hf_err expected,
                 const char *name);
void assert_same_roots(const struct seal_roots *a, const struct seal_roots *b);
