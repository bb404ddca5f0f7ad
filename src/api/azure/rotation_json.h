/* SPDX-License-Identifier: Apache-2.0 */
/* KeyRotationPolicy (Key Vault REST): the body of a PUT, and the answer. */
#pragma once

#include "base/json.h"
#include "vault/rotation_policy.h"

/*
 * Reads the body. Unknown members are ignored and null counts as absent; created and updated are left VAULT_TIME_NONE. The
 * caller adds what the service adds and checks: vault_rotation_policy_complete(), vault_rotation_policy_check(). Fails:
 * HF_E_INVALID (no object, a wrong type, an action twice or of another type, not exactly one trigger, a duration that is none)
 * with diag->field set.
 */
HF_MUST hf_err azure_rotation_policy_read(const struct hf_json *body, struct hf_diag *diag,
                                          struct vault_rotation_policy *out);
/* Writes the policy as an object; times in it that are VAULT_TIME_NONE are left out. id is the policy's URL. */
void azure_rotation_policy_write(const struct vault_rotation_policy *policy, hf_str id,
                                 struct hf_json_writer *w);
