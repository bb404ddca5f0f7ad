/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to listen on, and the local socket.
 */
#define _GNU_SOURCE
#include "base/file.h"
#include "server/doctor_internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_MAX_BYTES 1024
#define PRIVILEGED_PORTS_END 1024
#define TABLE_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define STATE_LISTEN "0A" /* of /proc/net/tcp */
#define UID_FIELD 7
#define SOCKET_MODE 0600

/* ---- listening ---- */

struct address {
    struct sockaddr_storage at;
    socklen_t n;
    uint16_t port;
};

/* "127.0.0.1:8443", "[::]:443" */
static bool parse_address(const char *text, struct address *out)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || !hf_str_parse_u64(hf_str_from_c(colon + 1), UINT16_MAX, &port))
        return false;
    hf_str name = { text, (size_t)(colon - text) };
    if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = hf_str_sub(name, 1, name.n - 2);
    if (name.n >= sizeof(host))
        return false;
    (void)snprintf(host, sizeof(host), "%.*s", HF_STR_ARG(name));
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return false;
    *out = (struct address){ .n = found->ai_addrlen, .port = (uint16_t)port };
    memcpy(&out->at, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

/* 0, or why the address cannot be had now. Nothing listens, so that no client is misled. */
static int try_bind(const struct address *address)
{
    const int on = 1;
    HF_CLEANUP(hf_fd_closep)
    int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->at.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    return bind(fd, (const struct sockaddr *)&address->at, address->n) == 0 ? 0 : errno;
}

/* A row of /proc/net/tcp or tcp6: "sl local remote state … uid …". */
static bool row_listens(hf_str row, const char *port_hex, uint64_t *out_uid)
{
    hf_str word;
    size_t field = 0;
    bool is_wanted = true;
    bool has_uid = false;
    while (is_wanted && hf_str_next(&row, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (field == 1)
            is_wanted = hf_str_ends(word, hf_str_from_c(port_hex));
        if (field == 3)
            is_wanted = hf_str_equal(word, HF_LIT(STATE_LISTEN));
        if (field == UID_FIELD)
            has_uid = hf_str_parse_u64(word, UINT32_MAX, out_uid);
        field++;
    }
    return is_wanted && has_uid;
}

/* Whose process listens on that port; false if it does not show. */
static bool find_listener(const struct doctor *d, uint16_t port, uint64_t *out_uid)
{
    static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
    char port_hex[8];
    (void)snprintf(port_hex, sizeof(port_hex), ":%04X", (unsigned int)port);
    for (size_t i = 0; i < HF_ARRAY_LEN(tables); i++) {
        HF_CLEANUP(hf_buf_done) struct hf_buf text;
        hf_buf_init(&text, TABLE_MAX_BYTES);
        if (doctor_read(d, tables[i], &text) != HF_OK)
            continue;
        hf_str rest = hf_buf_str(&text);
        hf_str row;
        while (hf_str_next(&rest, '\n', &row)) {
            if (row_listens(row, port_hex, out_uid))
                return true;
        }
    }
    return false;
}

static void tell_held(struct doctor *d, const char *text, uint16_t port)
{
    uint64_t uid = 0;
    const bool is_known = find_listener(d, port, &uid);
    if (d->server.answers && is_known && uid == d->server.uid) {
        doctor_tell(d, DOCTOR_OK, "%s is held by %s, the running server's user", text, d->user);
        return;
    }
    if (is_known)
        doctor_tell(d, DOCTOR_FAILED, "%s is held by another process, of user %llu", text,
                    (unsigned long long)uid);
    else
        doctor_tell(d, DOCTOR_FAILED, "%s is held by another process", text);
    doctor_mend(d, "ss -ltnp 'sport = :%u', and stop that process or change: listen = …",
                (unsigned int)port);
}

static bool needs_right(const struct doctor *d, uint16_t port)
{
    uint64_t first = PRIVILEGED_PORTS_END;
    if (!doctor_read_number(d, "/proc/sys/net/ipv4/ip_unprivileged_port_start", &first))
        first = PRIVILEGED_PORTS_END;
    return port != 0 && port < first && d->uid != 0;
}

static void check_address(struct doctor *d, const char *text)
{
    struct address address;
    if (!parse_address(text, &address)) {
        doctor_tell(d, DOCTOR_FAILED, "'%s' is no address and port", text);
        doctor_mend(d, "listen = 0.0.0.0:443");
        return;
    }
    const int error = try_bind(&address);
    if (error == EADDRINUSE) {
        tell_held(d, text, address.port);
    } else if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT) {
        doctor_tell(d, DOCTOR_FAILED, "no interface of this machine has the address of %s", text);
        doctor_mend(d, "ip address; listen = an address that is there, or 0.0.0.0:%u",
                    (unsigned int)address.port);
    } else if (needs_right(d, address.port)) {
        doctor_tell(d, DOCTOR_OK, "%s needs CAP_NET_BIND_SERVICE, which holdfast.service gives %s",
                    text, d->user);
    } else if (error == EACCES || error == EPERM) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "%s: only root may try that port", text);
    } else if (error != 0) {
        doctor_tell(d, DOCTOR_FAILED, "%s: %s", text, strerror(error));
    } else {
        doctor_tell(d, DOCTOR_OK, "%s is free", text);
    }
}

void doctor_check_listen(struct doctor *d)
{
    for (size_t i = 0; i < d->settings->listen.count; i++)
        check_address(d, d->settings->listen.items[i]);
}

/* ---- the local socket ---- */

static void check_socket_file(struct doctor *d, const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        doctor_tell(d, DOCTOR_OK, "%s can be made", path);
    } else if (!S_ISSOCK(info.st_mode)) {
        doctor_tell(d, DOCTOR_FAILED, "%s is there and no socket", path);
        doctor_mend(d, "admin.socket = a path that is free");
    } else if ((info.st_mode & 0777 & ~(mode_t)SOCKET_MODE) != 0) {
        doctor_tell(d, DOCTOR_FAILED, "%s is open to others than its owner (mode %04o)", path,
                    (unsigned int)(info.st_mode & 07777));
        doctor_mend(d, "chmod 0600 %s", path);
    } else if (info.st_uid != d->uid) {
        doctor_tell(d, DOCTOR_FAILED, "%s belongs to user %u, the server is %s", path,
                    (unsigned int)info.st_uid, d->user);
        doctor_mend(d, "chown %s: %s", d->user, path);
    } else {
        doctor_tell(d, DOCTOR_OK, "%s belongs to %s alone", path, d->user);
    }
}

void doctor_check_admin_socket(struct doctor *d)
{
    const char *path = d->settings->admin_socket;
    const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    char folder[PATH_MAX_BYTES];
    if (strlen(path) > longest || !doctor_folder_of(path, folder, sizeof(folder))) {
        doctor_tell(d, DOCTOR_FAILED, "the path has %zu bytes, a socket's has at most %zu",
                    strlen(path), longest);
        doctor_mend(d, "admin.socket = /run/holdfast/admin.sock");
        return;
    }
    switch (doctor_user_can(d, folder, W_OK | X_OK)) {
    case DOCTOR_YES:
        check_socket_file(d, path);
        return;
    case DOCTOR_UNKNOWN:
        doctor_tell(d, DOCTOR_NOT_CHECKED, "whether %s may write in %s shows only to root", d->user,
                    folder);
        return;
    case DOCTOR_NO:
        doctor_tell(d, DOCTOR_FAILED, "%s may not make a socket in %s", d->user, folder);
        doctor_mend(d, "install -d -o %s -m 0700 %s", d->user, folder);
        return;
    }
}
