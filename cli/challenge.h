/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenge of a 401 answer: which resource a token must be for (RFC 9110 section 11.6.1; Key Vault REST, "Authentication,
 * requests and responses").
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct cli_challenge {
    hf_str authorization; /* URL of the issuer with the tenant; may be empty */
    hf_str resource;      /* URL; never empty */
};

/* Reads `Bearer name="value", …`. Views into text. Fails: HF_E_INVALID (not Bearer, malformed, twice the same, no resource). */
HF_MUST hf_err cli_challenge_parse(hf_str text, struct cli_challenge *out);

/*
 * True if the resource is an https URL whose host the vault's host lies below: then nobody but that resource's owner can have
 * named it, and a token for it may go to the vault. The same check that the clouds' SDKs make.
 */
bool cli_challenge_fits(const struct cli_challenge *challenge, hf_str vault_host);
