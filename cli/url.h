/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of an https URL, read strictly: what this parser and the one that connects could understand differently is refused.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct cli_url {
    hf_str host;   /* a name, an IPv4 address, or an IPv6 address in brackets */
    uint16_t port; /* 443 if there is none */
    hf_str target; /* path and query, from the first '/' or '?' on; may be empty */
};

/* Views into text. Fails: HF_E_INVALID (not https, user name, odd characters, fragment, port out of range). */
HF_MUST hf_err cli_url_parse(hf_str text, struct cli_url *out);

/* The same host (case does not count) and port. */
bool cli_url_same_place(const struct cli_url *a, const struct cli_url *b);
