/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Azure Key Vault front door: the data plane of vaults. It only translates: wire to domain calls and back.
 */
#pragma once

#include "api/api.h"

extern const struct api_door azure_door;

/* All operations of the Key Vault data plane, done and missing, for docs/compatibility.md. */
const struct api_op *azure_ops(size_t *out_count);
