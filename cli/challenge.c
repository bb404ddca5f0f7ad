/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading WWW-Authenticate.
 */
#include "cli/challenge.h"

#include "cli/url.h"

static void skip_blanks(hf_str *rest)
{
    while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t' || rest->p[0] == ','))
        *rest = hf_str_sub(*rest, 1, SIZE_MAX);
}

/* A quoted value ends at the next quote; one with a backslash is refused: none of ours has it. */
static hf_err read_value(hf_str *rest, hf_str *out)
{
    const bool is_quoted = rest->n > 0 && rest->p[0] == '"';
    if (is_quoted)
        *rest = hf_str_sub(*rest, 1, SIZE_MAX);
    size_t end = 0;
    while (end < rest->n &&
           (is_quoted ? rest->p[end] != '"' : rest->p[end] != ',' && rest->p[end] != ' '))
        end++;
    const hf_str value = hf_str_sub(*rest, 0, end);
    if (hf_str_find(value, '\\') < value.n || (is_quoted && end == rest->n))
        return HF_E_INVALID;
    *rest = hf_str_sub(*rest, end + (is_quoted ? 1 : 0), SIZE_MAX);
    *out = value;
    return HF_OK;
}

static hf_err keep(hf_str name, hf_str value, struct cli_challenge *challenge)
{
    hf_str *const slot = hf_str_equal_nocase(name, HF_LIT("resource")) ? &challenge->resource
                         : hf_str_equal_nocase(name, HF_LIT("authorization"))
                             ? &challenge->authorization
                             : NULL;
    if (slot == NULL)
        return HF_OK; /* RFC 9110: unknown parameters are ignored */
    if (slot->p != NULL)
        return HF_E_INVALID;
    *slot = value;
    return HF_OK;
}

hf_err cli_challenge_parse(hf_str text, struct cli_challenge *out)
{
    const hf_str scheme = HF_LIT("Bearer ");
    if (!hf_str_starts_nocase(text, scheme))
        return HF_E_INVALID;
    struct cli_challenge challenge = { { NULL, 0 }, { NULL, 0 } };
    hf_str rest = hf_str_sub(text, scheme.n, SIZE_MAX);
    for (skip_blanks(&rest); rest.n > 0; skip_blanks(&rest)) {
        const size_t equals = hf_str_find(rest, '=');
        if (equals == rest.n)
            return HF_E_INVALID;
        const hf_str name = hf_str_trim(hf_str_sub(rest, 0, equals));
        rest = hf_str_sub(rest, equals + 1, SIZE_MAX);
        hf_str value = { NULL, 0 };
        hf_err err = read_value(&rest, &value);
        if (err == HF_OK)
            err = keep(name, value, &challenge);
        if (err != HF_OK)
            return err;
    }
    if (challenge.resource.n == 0)
        return HF_E_INVALID;
    *out = challenge;
    return HF_OK;
}

bool cli_challenge_fits(const struct cli_challenge *challenge, hf_str vault_host)
{
    struct cli_url resource;
    if (cli_url_parse(challenge->resource, &resource) != HF_OK)
        return false;
    if (vault_host.n <= resource.host.n || !hf_str_ends_nocase(vault_host, resource.host))
        return false;
    return vault_host.p[vault_host.n - resource.host.n - 1] == '.';
}
