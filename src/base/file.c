/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: bounded reading, durable replacing. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* mkostemp */
#endif
#include "base/file.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)16 * 1024)

void hf_fd_closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static hf_err errno_err(void)
{
    return hf_err_from_errno(errno);
}

/* read(2) that is not disturbed by signals. */
static hf_err read_some(int fd, void *out, size_t size, size_t *out_n)
{
    ssize_t n = 0;
    do
        n = read(fd, out, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno_err();
    *out_n = (size_t)n;
    return HF_OK;
}

/* Reads until the end, and one byte beyond the buffer's maximum to see that there is none. */
static hf_err read_to_end(int fd, struct hf_buf *out)
{
    for (;;) {
        const size_t room = out->max - out->n;
        uint8_t beyond = 0;
        const size_t wanted = room < READ_BYTES ? room : READ_BYTES;
        uint8_t *to = room == 0 ? &beyond : hf_buf_reserve(out, wanted);
        if (to == NULL)
            return hf_buf_err(out);
        size_t n = 0;
        const hf_err err = read_some(fd, to, room == 0 ? 1 : wanted, &n);
        if (err != HF_OK || n == 0)
            return err;
        if (room == 0)
            return HF_E_TOO_LARGE;
        hf_buf_commit(out, n);
    }
}

hf_err hf_file_read_fd(int fd, struct hf_buf *out)
{
    if (hf_buf_err(out) != HF_OK)
        return hf_buf_err(out);
    const size_t before = out->n;
    const hf_err err = read_to_end(fd, out);
    if (err == HF_OK)
        return HF_OK;
    if (out->secret && out->n > before)
        hf_wipe(out->p + before, out->n - before);
    out->n = before;
    return err;
}

hf_err hf_file_read(const char *path, struct hf_buf *out)
{
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno_err();
    return hf_file_read_fd(fd, out);
}

hf_err hf_fd_write_all(int fd, hf_bytes bytes)
{
    while (bytes.n > 0) {
        const ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno_err();
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return HF_OK;
}

hf_err hf_folder_sync(const char *path)
{
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return errno_err();
    return HF_OK;
}

static hf_err sync_parent(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    if (n >= sizeof folder)
        return HF_E_INVALID;
    if (slash == NULL)
        return hf_folder_sync(".");
    if (n == 0)
        return hf_folder_sync("/");
    memcpy(folder, path, n);
    folder[n] = '\0';
    return hf_folder_sync(folder);
}

static hf_err fill_file(int fd, hf_bytes content, mode_t mode)
{
    if (fchmod(fd, mode) != 0)
        return errno_err();
    const hf_err err = hf_fd_write_all(fd, content);
    if (err != HF_OK)
        return err;
    return fsync(fd) == 0 ? HF_OK : errno_err();
}

hf_err hf_file_write(const char *path, hf_bytes content, mode_t mode)
{
    char temporary[PATH_MAX];
    const int length = snprintf(temporary, sizeof temporary, "%s" HF_FILE_MARKER "XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return HF_E_INVALID;
    HF_CLEANUP(hf_fd_closep) int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return errno_err();
    hf_err err = fill_file(fd, content, mode);
    if (err == HF_OK && rename(temporary, path) != 0)
        err = errno_err();
    if (err != HF_OK) {
        (void)unlink(temporary); /* the error already tells; a leftover is harmless */
        return err;
    }
    return sync_parent(path);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static hf_err make_one_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0)
        return HF_OK;
    const hf_err err = errno_err();
    return is_folder(path) ? HF_OK : err;
}

hf_err hf_folder_make(const char *path, mode_t mode)
{
    char prefix[PATH_MAX];
    const size_t n = strlen(path);
    if (n == 0 || n >= sizeof prefix)
        return HF_E_INVALID;
    memcpy(prefix, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (prefix[i] != '/')
            continue;
        prefix[i] = '\0';
        const hf_err err = make_one_folder(prefix, mode);
        if (err != HF_OK)
            return err;
        prefix[i] = '/';
    }
    return make_one_folder(prefix, mode);
}
