/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of secrets: making one that must not replace another, and reading one that nobody else can read.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* O_TMPFILE */
#endif
#include "seal/private.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEAL_FILE_MODE 0600

static hf_err folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    int n = slash == NULL ? 1 : (int)(slash - path) + 1;
    n = snprintf(out, size, "%.*s", n, slash == NULL ? "." : path);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_INVALID;
}

static hf_err sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    hf_err err = folder_of(path, folder, sizeof(folder));
    return err == HF_OK ? hf_folder_sync(folder) : err;
}

static hf_err temporary_of(const char *path, char *out, size_t size)
{
    int n = snprintf(out, size, "%s.new", path);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_INVALID;
}

/* The end of a name that begins as the file's: ".new", ".tmp-XXXXXX", ".new.tmp-XXXXXX". */
static bool is_leftover(hf_str end)
{
    const hf_str second = HF_LIT(".new");
    const hf_str marker = HF_LIT(HF_FILE_MARKER);
    if (hf_str_starts(end, second))
        end = hf_str_sub(end, second.n, end.n - second.n);
    return end.n == 0 || (hf_str_starts(end, marker) && end.n == marker.n + HF_FILE_MARKED_BYTES);
}

void seal_remove_leftovers(const char *path)
{
    char folder[PATH_MAX];
    if (folder_of(path, folder, sizeof(folder)) != HF_OK)
        return;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    const char *slash = strrchr(path, '/');
    const hf_str file = hf_str_from_c(slash == NULL ? path : slash + 1);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        const hf_str name = hf_str_from_c(entry->d_name);
        if (name.n > file.n && hf_str_starts(name, file) &&
            is_leftover(hf_str_sub(name, file.n, name.n - file.n)))
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    (void)closedir(entries);
}

/* HF_E_UNSUPPORTED: the file system has no files without a name. */
static hf_err open_nameless(const char *path, int *out)
{
    char folder[PATH_MAX];
    hf_err err = folder_of(path, folder, sizeof(folder));
    if (err != HF_OK)
        return err;
    const int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, SEAL_FILE_MODE);
    if (fd < 0)
        return errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL ? HF_E_UNSUPPORTED
                                                                         : hf_err_from_errno(errno);
    *out = fd;
    return HF_OK;
}

static hf_err fill_nameless(int fd, hf_bytes content)
{
    if (fchmod(fd, SEAL_FILE_MODE) != 0)
        return hf_err_from_errno(errno);
    hf_err err = hf_fd_write_all(fd, content);
    return err != HF_OK || fsync(fd) == 0 ? err : hf_err_from_errno(errno);
}

/* Killed at any moment, it leaves nothing or all. */
static hf_err create_at_once(const char *path, hf_bytes content)
{
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    char link_path[64];
    hf_err err = open_nameless(path, &fd);
    if (err == HF_OK)
        err = fill_nameless(fd, content);
    if (err != HF_OK)
        return err;
    (void)snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, link_path, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return HF_OK;
    /* ENOENT: there is no /proc */
    return errno == ENOENT ? HF_E_UNSUPPORTED : hf_err_from_errno(errno);
}

/*
 * The same where files need a name from the start. It is a fixed one, so that what an interrupted attempt left can be found;
 * but somebody may have given it to a file of his own.
 */
static hf_err create_beside(const char *path, hf_bytes content)
{
    char temporary[PATH_MAX];
    hf_err err = temporary_of(path, temporary, sizeof(temporary));
    if (err != HF_OK)
        return err;
    if (access(temporary, F_OK) == 0)
        return HF_E_CONFLICT;
    err = hf_file_write(temporary, content, SEAL_FILE_MODE);
    if (err != HF_OK)
        return err;
    /* link, unlike rename, refuses a name that is taken */
    const int error = link(temporary, path) == 0 ? 0 : errno;
    (void)unlink(temporary);
    return error == 0 ? HF_OK : hf_err_from_errno(error);
}

hf_err seal_create_file(const char *path, hf_bytes content)
{
    hf_err err = create_at_once(path, content);
    if (err == HF_E_UNSUPPORTED)
        err = create_beside(path, content);
    return err == HF_OK ? sync_folder_of(path) : err;
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
