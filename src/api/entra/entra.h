/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The login front door: an Entra-compatible token endpoint per tenant (client credentials with a secret or a
 * certificate assertion),
 * discovery documents, JWKS, and the managed-identity endpoint that IDENTITY_ENDPOINT and IDENTITY_HEADER name.
 */
#pragma once

#include "api/api.h"

/* Path of the managed-identity endpoint on the login host. */
#define ENTRA_IDENTITY_PATH "/msi/token"

extern const struct api_door entra_door;

/* All operations of this door, for docs/compatibility.md. */
const struct api_op *entra_ops(size_t *out_count);
