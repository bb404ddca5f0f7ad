/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local socket: a file only its owner can open. A file left behind is replaced; one that a
 * living process listens on is not.
 */
#include "http/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE 0600

static hf_err fill_address(const char *path, struct hf_diag *diag, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    const size_t n = strlen(path);
    if (n == 0 || n >= sizeof(out->sun_path))
        return hf_fail(diag, HF_E_INVALID, "local_socket", "path must have 1 to %zu bytes",
                       sizeof(out->sun_path) - 1);
    memcpy(out->sun_path, path, n);
    return HF_OK;
}

static bool is_answered(const struct sockaddr_un *address)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    const int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    const bool is_refused = result != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return !is_refused;
}

/* Makes room for the socket's name. */
static hf_err remove_stale(const char *path, const struct sockaddr_un *address,
                           struct hf_diag *diag)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? HF_OK
                               : hf_fail(diag, hf_err_from_errno(errno), "local_socket",
                                         "cannot look at %s", path);
    if (!S_ISSOCK(info.st_mode))
        return hf_fail(diag, HF_E_INVALID, "local_socket", "%s exists and is no socket", path);
    if (is_answered(address))
        return hf_fail(diag, HF_E_BUSY, "local_socket", "another process listens on %s", path);
    if (unlink(path) != 0)
        return hf_fail(diag, hf_err_from_errno(errno), "local_socket", "cannot remove the old %s",
                       path);
    return HF_OK;
}

/* The mode is set before bind(): the file never exists with a wider one. */
static hf_err bind_local(struct http_local *local, const struct sockaddr_un *address,
                         struct hf_diag *diag)
{
    struct stat info;
    local->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (local->fd < 0 || fchmod(local->fd, SOCKET_MODE) != 0 ||
        bind(local->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
        chmod(address->sun_path, SOCKET_MODE) != 0 || lstat(address->sun_path, &info) != 0 ||
        listen(local->fd, HTTP_LISTEN_BACKLOG) != 0)
        return hf_fail(diag, hf_err_from_errno(errno), "local_socket", "cannot listen on %s",
                       address->sun_path);
    local->device = info.st_dev;
    local->inode = info.st_ino;
    return HF_OK;
}

hf_err http_local_open(struct http_local *local, const char *path, struct hf_diag *diag)
{
    struct sockaddr_un address;
    hf_err err = fill_address(path, diag, &address);
    if (err == HF_OK)
        err = remove_stale(path, &address, diag);
    if (err == HF_OK)
        err = bind_local(local, &address, diag);
    if (err != HF_OK)
        return err;
    local->path = strdup(path);
    return local->path == NULL ? HF_E_NOMEM : HF_OK;
}

void http_local_close(struct http_local *local)
{
    if (local->fd >= 0)
        (void)close(local->fd);
    local->fd = -1;
    if (local->path == NULL)
        return;
    struct stat info;
    if (lstat(local->path, &info) == 0 && info.st_dev == local->device &&
        info.st_ino == local->inode)
        (void)unlink(local->path);
    free(local->path);
    local->path = NULL;
}
