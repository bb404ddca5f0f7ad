/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a file that must not replace another.
 */
#include "seal/kind.h"

#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEAL_FILE_MODE 0600

static hf_err sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash == NULL ? 1 : (int)(slash - path) + 1;
    n = snprintf(folder, sizeof(folder), "%.*s", n, slash == NULL ? "." : path);
    if (n <= 0 || (size_t)n >= sizeof(folder))
        return HF_E_INVALID;
    return hf_folder_sync(folder);
}

hf_err seal_create_file(const char *path, hf_bytes content)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (n <= 0 || (size_t)n >= sizeof(temporary))
        return HF_E_INVALID;
    hf_err err = hf_file_write(temporary, content, SEAL_FILE_MODE);
    if (err != HF_OK)
        return err;
    /* link, unlike rename, refuses a name that is taken */
    int error = link(temporary, path) == 0 ? 0 : errno;
    (void)unlink(temporary);
    return error == 0 ? sync_folder_of(path) : hf_err_from_errno(error);
}
