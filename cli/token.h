/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a bearer token comes from: the managed-identity endpoint if IDENTITY_ENDPOINT and IDENTITY_HEADER are set, else the token
 * endpoint with a client secret.
 */
#pragma once

#include "base/buf.h"

#define CLI_TOKEN_MAX_BYTES ((size_t)64 * 1024)

/* Appends "Bearer …" to authorization, a secret buffer. Returns an exit code; messages name what is missing or was refused. */
int cli_token_get(const char *ca_file, hf_str resource, struct hf_buf *authorization);
