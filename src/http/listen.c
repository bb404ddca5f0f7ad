/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening on TCP: reading "address:port" and binding one socket per loop (SO_REUSEPORT), so that
 * the kernel spreads connections and loops share nothing.
 */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_MAX 65535

/* Where the colon before the port is; text.n if there is none. */
static size_t find_port_colon(hf_str text)
{
    for (size_t i = text.n; i > 0; i--) {
        if (text.p[i - 1] == ':')
            return i - 1;
    }
    return text.n;
}

static bool parse_ipv4(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (inet_pton(AF_INET, text, &in.sin_addr) != 1)
        return false;
    memcpy(out, &in, sizeof(in));
    return true;
}

static bool parse_ipv6(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        return false;
    memcpy(out, &in6, sizeof(in6));
    return true;
}

hf_err http_listen_parse(hf_str text, struct sockaddr_storage *out, socklen_t *out_n)
{
    const size_t colon = find_port_colon(text);
    uint64_t port = 0;
    if (colon == text.n || !hf_str_parse_u64(hf_str_sub(text, colon + 1, text.n), PORT_MAX, &port))
        return HF_E_INVALID;
    hf_str host = hf_str_sub(text, 0, colon);
    const bool is_ipv6 = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (is_ipv6)
        host = hf_str_sub(host, 1, host.n - 2);
    char address[INET6_ADDRSTRLEN] = { 0 };
    if (host.n >= sizeof(address))
        return HF_E_INVALID;
    memcpy(address, host.p, host.n);
    struct sockaddr_storage parsed = { .ss_family = AF_UNSPEC };
    if (!(is_ipv6 ? parse_ipv6(address, (uint16_t)port, &parsed)
                  : parse_ipv4(address, (uint16_t)port, &parsed)))
        return HF_E_INVALID;
    *out = parsed;
    *out_n = is_ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return HF_OK;
}

static int port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return ntohs(in.sin_port);
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    return ntohs(in6.sin6_port);
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "the port is at the same place in both");

static void set_port(struct sockaddr_storage *address, int port)
{
    const uint16_t be = htons((uint16_t)port);
    memcpy((char *)address + offsetof(struct sockaddr_in, sin_port), &be, sizeof(be));
}

/* "[::]:443" takes IPv4 as well, unless an IPv4 listener has that port. */
static bool is_ipv6_only(const struct http_config *config, int port)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        struct sockaddr_storage address;
        socklen_t n = 0;
        if (http_listen_parse(hf_str_from_c(config->listen[i]), &address, &n) == HF_OK &&
            address.ss_family == AF_INET && port != 0 && port_of(&address) == port)
            return true;
    }
    return false;
}

static bool set_options(int fd, const struct sockaddr_storage *address, bool is_shared,
                        bool is_ipv6_alone)
{
    const int on = 1;
    const int v6only = is_ipv6_alone ? 1 : 0;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           (!is_shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
           (address->ss_family != AF_INET6 ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) == 0);
}

/* A bound socket, or -1 with errno. Not listening yet. */
static int bind_socket(const struct sockaddr_storage *address, socklen_t n, bool is_shared,
                       bool is_ipv6_alone)
{
    const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (set_options(fd, address, is_shared, is_ipv6_alone) &&
        bind(fd, (const struct sockaddr *)address, n) == 0)
        return fd;
    const int error_number = errno;
    (void)close(fd);
    errno = error_number;
    return -1;
}

static hf_err fail_bind(struct hf_diag *diag, const char *text, int error_number)
{
    hf_err err = hf_err_from_errno(error_number);
    if (error_number == EADDRINUSE)
        err = HF_E_BUSY;
    else if (error_number == EADDRNOTAVAIL)
        err = HF_E_INVALID;
    return hf_fail(diag, err, "listen", "cannot listen on %s: %s", text, hf_err_text(err));
}

/* With SO_REUSEPORT a second server of the same user would share our port in silence: ask
 * without it first. */
static hf_err check_unused(const struct sockaddr_storage *address, socklen_t n, bool is_ipv6_alone,
                           const char *text, struct hf_diag *diag)
{
    if (port_of(address) == 0)
        return HF_OK;
    const int fd = bind_socket(address, n, false, is_ipv6_alone);
    if (fd < 0)
        return fail_bind(diag, text, errno);
    (void)close(fd);
    return HF_OK;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t n = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &n) == 0 ? port_of(&address) : 0;
}

static hf_err parse_or_fail(const char *text, struct hf_diag *diag, struct sockaddr_storage *out,
                            socklen_t *out_n)
{
    const hf_err err = http_listen_parse(hf_str_from_c(text), out, out_n);
    return err == HF_OK ? HF_OK
                        : hf_fail(diag, err, "listen", "%s is not a numeric ADDRESS:PORT", text);
}

hf_err http_listen_check(const struct http_config *config, struct hf_diag *diag)
{
    if (config->listen_count > HTTP_LISTEN_MAX ||
        (config->listen_count == 0 && config->local_socket == NULL))
        return hf_fail(diag, HF_E_INVALID, "listen", "must be given 1 to %d times",
                       HTTP_LISTEN_MAX);
    hf_err err = HF_OK;
    struct sockaddr_storage address;
    socklen_t n = 0;
    for (size_t i = 0; i < config->listen_count && err == HF_OK; i++)
        err = parse_or_fail(config->listen[i], diag, &address, &n);
    return err;
}

hf_err http_listen_bind(const struct http_config *config, size_t index, size_t loops,
                        struct hf_diag *diag, int *fds, int *out_port)
{
    const char *text = config->listen[index];
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t n = 0;
    hf_err err = parse_or_fail(text, diag, &address, &n);
    if (err != HF_OK)
        return err;
    const bool is_ipv6_alone = is_ipv6_only(config, port_of(&address));
    err = check_unused(&address, n, is_ipv6_alone, text, diag);
    if (err != HF_OK)
        return err;
    for (size_t i = 0; i < loops; i++) {
        fds[i] = bind_socket(&address, n, true, is_ipv6_alone);
        if (fds[i] < 0 || listen(fds[i], HTTP_LISTEN_BACKLOG) != 0)
            return fail_bind(diag, text, errno);
        set_port(&address, bound_port(fds[i]));
    }
    *out_port = port_of(&address);
    return HF_OK;
}
