/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders for the tests of server/.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* nftw */
#endif

#include "support.h"

#include "base/file.h"
#include "crypto/crypto.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 512

void place_init(struct place *place)
{
    struct hf_diag diag = { 0 };
    assert_int_equal(crypto_init(&diag), HF_OK);
    memset(place, 0, sizeof(*place));
    const char *base = getenv("TMPDIR");
    (void)snprintf(place->folder, sizeof(place->folder), "%s/hf-server-XXXXXX",
                   base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(place->folder));
    char data[PATH_BYTES];
    place_path(place, "data", data, sizeof(data));
    assert_int_equal(server_settings_default(data, &diag, &place->settings), HF_OK);
    place_path(place, "seal.key", place->settings.seal_key_file,
               sizeof(place->settings.seal_key_file));
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void place_done(struct place *place)
{
    assert_int_equal(nftw(place->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void place_path(const struct place *place, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/%s", place->folder, name);
    assert_true(n > 0 && (size_t)n < size);
}

bool place_has(const struct place *place, const char *name)
{
    char path[PATH_BYTES];
    place_path(place, name, path, sizeof(path));
    return access(path, F_OK) == 0;
}

void place_read(const struct place *place, const char *name, struct hf_buf *out)
{
    char path[PATH_BYTES];
    place_path(place, name, path, sizeof(path));
    assert_int_equal(hf_file_read(path, out), HF_OK);
}

void place_write(const struct place *place, const char *name, const char *text)
{
    char path[PATH_BYTES];
    place_path(place, name, path, sizeof(path));
    assert_int_equal(hf_file_write(path, hf_str_bytes(hf_str_from_c(text)), 0600), HF_OK);
}

void place_remove(const struct place *place, const char *name)
{
    char path[PATH_BYTES];
    place_path(place, name, path, sizeof(path));
    assert_int_equal(remove(path), 0);
}
