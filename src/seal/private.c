/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of secrets: making one that must not replace another, and reading one that nobody else can read.
 */
#include "seal/private.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static hf_err temporary_of(const char *path, char *out, size_t size)
{
    int n = snprintf(out, size, "%s.new", path);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_INVALID;
}

void seal_remove_leftover(const char *path)
{
    char temporary[PATH_MAX];
    if (temporary_of(path, temporary, sizeof(temporary)) == HF_OK)
        (void)unlink(temporary);
}

hf_err seal_create_file(const char *path, hf_bytes content)
{
    char temporary[PATH_MAX];
    hf_err err = temporary_of(path, temporary, sizeof(temporary));
    if (err != HF_OK)
        return err;
    err = hf_file_write(temporary, content, SEAL_FILE_MODE);
    if (err != HF_OK)
        return err;
    /* link, unlike rename, refuses a name that is taken */
    int error = link(temporary, path) == 0 ? 0 : errno;
    (void)unlink(temporary);
    return error == 0 ? sync_folder_of(path) : hf_err_from_errno(error);
}

static hf_err check_owner(int fd, const char *path, unsigned int modes, struct hf_diag *diag)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return hf_fail(diag, hf_err_from_errno(errno), "", "%s: %s", path, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return hf_fail(diag, HF_E_FORBIDDEN, "", "%s: is not a regular file", path);
    if ((file.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO) & ~modes) != 0)
        return hf_fail(diag, HF_E_FORBIDDEN, "",
                       "%s: mode is %04o; only its owner may have access (0600)", path,
                       (unsigned int)(file.st_mode & 07777));
    if (file.st_uid != geteuid() && file.st_uid != 0)
        return hf_fail(diag, HF_E_FORBIDDEN, "", "%s: belongs to neither this user nor root", path);
    return HF_OK;
}

hf_err seal_read_private(const char *path, unsigned int modes, struct hf_diag *diag,
                         struct hf_buf *out)
{
    /* not waiting, should somebody have put a pipe there */
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return HF_E_NOT_FOUND;
    if (fd < 0)
        return hf_fail(diag, hf_err_from_errno(errno), "", "%s: %s", path, strerror(errno));
    hf_err err = check_owner(fd, path, modes, diag);
    if (err != HF_OK)
        return err;
    err = hf_file_read_fd(fd, out);
    if (err != HF_OK && err != HF_E_TOO_LARGE)
        return hf_fail(diag, err, "", "%s: cannot be read: %s", path, hf_err_text(err));
    return err;
}
