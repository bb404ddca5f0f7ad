/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary place with a data folder and keys, and people who answer from lists.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* nftw */
#endif
#include "support.h"

#include "base/file.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEVER SIZE_MAX
#define FOLDERS_OPEN 8

int place_set_up_library(void **state HF_UNUSED)
{
    struct hf_diag diag = { 0 };
    assert_int_equal(crypto_init(&diag), HF_OK);
    return 0;
}

void place_make(struct place *place)
{
    *place = (struct place){ 0 };
    const char *base = getenv("TMPDIR");
    (void)snprintf(place->root, sizeof(place->root), "%s/holdfast-seal-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(place->root));
    (void)snprintf(place->data, sizeof(place->data), "%s/data", place->root);
    (void)snprintf(place->key, sizeof(place->key), "%s/keys/wrapping", place->root);
    (void)snprintf(place->seal, sizeof(place->seal), "%s/seal", place->data);
    place->config = (struct seal_config){
        .kind = "key-file",
        .folder = place->data,
        .key_file = place->key,
    };
}

static int remove_one(const char *path, const struct stat *info HF_UNUSED, int type HF_UNUSED,
                      struct FTW *position HF_UNUSED)
{
    return remove(path);
}

void place_remove(struct place *place)
{
    assert_int_equal(nftw(place->root, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS), 0);
}

int place_set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place_make(place);
    *state = place;
    return 0;
}

int place_tear_down(void **state)
{
    place_remove(*state);
    free(*state);
    return 0;
}

size_t count_files(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    size_t count = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

void read_file(const char *path, struct hf_buf *out)
{
    hf_buf_init(out, SEAL_FILE_MAX_BYTES);
    assert_int_equal(hf_file_read(path, out), HF_OK);
}

void write_file(const char *path, hf_bytes content)
{
    assert_int_equal(hf_file_write(path, content, 0600), HF_OK);
}

void write_key(const struct place *place, hf_str text)
{
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof(keys), "%s/keys", place->root);
    assert_int_equal(hf_folder_make(keys, 0700), HF_OK);
    write_file(place->key, hf_str_bytes(text));
}

/* ---- people ---- */

static hf_err answer(void *context, enum seal_ask what, size_t index, struct hf_secret **out)
{
    struct crowd *crowd = context;
    crowd->asked++;
    if (what == SEAL_ASK_SHARE) {
        if (index >= crowd->willing)
            return HF_E_NOT_FOUND;
        return hf_secret_dup(crowd->shares[crowd->order[index]], out);
    }
    if (crowd->passphrase == NULL)
        return HF_E_NOT_FOUND;
    return hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(crowd->passphrase)), out);
}

static hf_err take_share(void *context, size_t index, size_t count, const struct hf_secret *share)
{
    struct crowd *crowd = context;
    assert_int_equal(index, crowd->given);
    assert_true(count <= SEAL_SHARES_MAX && index < count);
    if (index == crowd->refuse_at)
        return HF_E_IO;
    hf_secret_free(crowd->shares[index]);
    crowd->shares[index] = NULL;
    assert_int_equal(hf_secret_dup(share, &crowd->shares[index]), HF_OK);
    crowd->given++;
    return HF_OK;
}

void crowd_init(struct crowd *crowd, const char *passphrase)
{
    *crowd = (struct crowd){ .passphrase = passphrase, .refuse_at = NEVER };
    crowd->people =
        (struct seal_people){ .context = crowd, .ask = answer, .give_share = take_share };
}

void crowd_done(struct crowd *crowd)
{
    for (size_t i = 0; i < SEAL_SHARES_MAX; i++)
        hf_secret_free(crowd->shares[i]);
    *crowd = (struct crowd){ 0 };
}

void crowd_hand_in(struct crowd *crowd, size_t count, const size_t *numbers)
{
    crowd->willing = count;
    for (size_t i = 0; i < count; i++)
        crowd->order[i] = numbers[i] - 1;
}

/* ---- seals ---- */

static const struct seal_people *people_of(struct crowd *crowd)
{
    return crowd != NULL ? &crowd->people : NULL;
}

void make_seal(const struct seal_config *config, struct crowd *crowd, struct seal_roots *out)
{
    struct hf_diag diag = { 0 };
    hf_err err = seal_init(config, people_of(crowd), &diag, out);
    if (err != HF_OK)
        fail_msg("seal_init: %s (%s)", hf_err_name(err), diag.text);
    assert_int_equal(out->count, 1);
    assert_int_equal(out->root[0].generation, 1);
    assert_int_equal(hf_secret_size(out->root[0].key), SEAL_ROOT_KEY_BYTES);
}

void open_seal(const struct seal_config *config, struct crowd *crowd, struct seal_roots *out)
{
    struct hf_diag diag = { 0 };
    hf_err err = seal_open(config, people_of(crowd), &diag, out);
    if (err != HF_OK)
        fail_msg("seal_open: %s (%s)", hf_err_name(err), diag.text);
}

void expect_open(const struct seal_config *config, struct crowd *crowd, hf_err expected,
                 const char *name)
{
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    hf_err err = seal_open(config, people_of(crowd), &diag, &roots);
    if (err != expected)
        fail_msg("%s: %s, not %s (%s)", name, hf_err_name(err), hf_err_name(expected), diag.text);
    if (expected != HF_OK) {
        assert_int_equal(roots.count, 0);
        assert_null(roots.root[0].key);
        assert_true(diag.text[0] != '\0');
    }
    seal_roots_done(&roots);
}

void assert_same_roots(const struct seal_roots *a, const struct seal_roots *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->root[i].generation, b->root[i].generation);
        assert_true(hf_secret_equal(a->root[i].key, hf_secret_view(b->root[i].key)));
    }
}
