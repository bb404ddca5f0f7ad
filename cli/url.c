/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https URLs.
 */
#include "cli/url.h"

#define HTTPS_PORT 443
#define URL_MAX_BYTES ((size_t)8 * 1024)

static bool is_host(hf_str host)
{
    const bool is_bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    const hf_str inner = is_bracketed ? hf_str_sub(host, 1, host.n - 2) : host;
    if (inner.n == 0 || inner.p[0] == '.')
        return false;
    for (size_t i = 0; i < inner.n; i++) {
        const char c = inner.p[i];
        const bool fits = is_bracketed ? hf_is_alnum(c) || c == ':' || c == '.'
                                       : hf_is_alnum(c) || c == '-' || c == '_' || c == '.';
        if (!fits)
            return false;
    }
    return true;
}

/* Printable ASCII without what has a meaning of its own elsewhere. */
static bool is_target(hf_str target)
{
    for (size_t i = 0; i < target.n; i++) {
        const char c = target.p[i];
        if (c <= ' ' || c >= 0x7F || c == '#' || c == '\\')
            return false;
    }
    return true;
}

static size_t find_target(hf_str rest)
{
    const size_t slash = hf_str_find(rest, '/');
    const size_t question = hf_str_find(rest, '?');
    return slash < question ? slash : question;
}

/* Where the ':' of the port is, or the end. */
static size_t find_port(hf_str authority)
{
    const size_t bracket = hf_str_find(authority, ']');
    const size_t from = bracket < authority.n ? bracket : 0;
    return from + hf_str_find(hf_str_sub(authority, from, SIZE_MAX), ':');
}

hf_err cli_url_parse(hf_str text, struct cli_url *out)
{
    const hf_str scheme = HF_LIT("https://");
    if (text.n > URL_MAX_BYTES || !hf_str_starts_nocase(text, scheme))
        return HF_E_INVALID;
    const hf_str rest = hf_str_sub(text, scheme.n, SIZE_MAX);
    const size_t target_at = find_target(rest);
    const hf_str authority = hf_str_sub(rest, 0, target_at);
    const size_t port_at = find_port(authority);
    uint64_t port = HTTPS_PORT;
    if (port_at < authority.n &&
        !hf_str_parse_u64(hf_str_sub(authority, port_at + 1, SIZE_MAX), UINT16_MAX, &port))
        return HF_E_INVALID;
    const struct cli_url url = { .host = hf_str_sub(authority, 0, port_at),
                                 .port = (uint16_t)port,
                                 .target = hf_str_sub(rest, target_at, SIZE_MAX) };
    if (port == 0 || !is_host(url.host) || !is_target(url.target))
        return HF_E_INVALID;
    *out = url;
    return HF_OK;
}

bool cli_url_same_place(const struct cli_url *a, const struct cli_url *b)
{
    return a->port == b->port && hf_str_equal_nocase(a->host, b->host);
}
