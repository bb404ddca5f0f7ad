/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the files of a store. The library writes the first pages of a new file in place, and refuses a file that holds
 * only a part of them; so it is made under another name, and gets its own when it is whole and on disk.
 */
#include "store/engine.h"

#include "base/file.h"
#include "store/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENGINE_FILE_MODE 0600
#define LOCK_BYTES                                                                                 \
    ((off_t)STORE_READERS_MAX_COUNT * 64 + 4096) /* what the library needs, and a little */

static int fill_file(MDB_env *env, const char *path, bool no_sync)
{
    /* Nobody else knows the name: no locks. Its size is that of the two pages that the library writes first. */
    const int code = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, ENGINE_FILE_MODE);
    return code == MDB_SUCCESS && !no_sync ? mdb_env_sync(env, 1) : code;
}

static int make_file(const char *path, bool no_sync)
{
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);
    if (code != MDB_SUCCESS)
        return code;
    code = fill_file(env, path, no_sync);
    mdb_env_close(env);
    return code;
}

/*
 * The library writes its table of readers through a mapping: a page of it that the disk has no room for would kill the process.
 * So all of it gets its room first; nothing happens if it has it.
 */
static hf_err reserve_lock(const char *folder, struct hf_diag *diag)
{
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof(path), "%s/lock.mdb", folder);
    if (n < 0 || (size_t)n >= sizeof(path))
        return HF_E_INVALID;
    HF_CLEANUP(hf_fd_closep)
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, ENGINE_FILE_MODE);
    int error = fd < 0 ? errno : posix_fallocate(fd, 0, LOCK_BYTES);
    if (error != 0)
        return hf_fail(diag, hf_err_from_errno(error), "", "%s: cannot be made: %s", path,
                       strerror(error));
    return HF_OK;
}

hf_err store_engine_create(const char *folder, bool no_sync, struct hf_diag *diag)
{
    hf_err err = reserve_lock(folder, diag);
    if (err != HF_OK)
        return err;
    char file[PATH_MAX];
    char other[PATH_MAX];
    const int n = snprintf(file, sizeof(file), "%s/data.mdb", folder);
    const int other_n = snprintf(other, sizeof(other), "%s/data.mdb.new", folder);
    if (n < 0 || other_n < 0 || (size_t)other_n >= sizeof(other))
        return HF_E_INVALID;
    struct stat info;
    if (stat(file, &info) == 0 || errno != ENOENT)
        return HF_OK; /* it is there, or opening it will tell why not */
    int code = unlink(other) == 0 || errno == ENOENT ? make_file(other, no_sync) : errno;
    if (code == MDB_SUCCESS && rename(other, file) != 0)
        code = errno;
    if (code == MDB_SUCCESS)
        return HF_OK;
    (void)unlink(other); /* else the next attempt does */
    return hf_fail(diag, store_err_from_lmdb(code), "", "%s: cannot be made: %s", file,
                   mdb_strerror(code));
}
