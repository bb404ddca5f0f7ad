/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Release policies of keys: which attested environment may be given the key. The text is JSON:
 *
 *   {"version":"1.0.0","anyOf":[{"authority":"https://…","allOf" or "anyOf":[CONDITION,…]},…]}
 *   CONDITION = {"claim":"a.b.c","equals":text, integer or boolean} | {"allOf":[…]} | {"anyOf":[…]}
 *
 * Rule: Key Vault docs, secure key release policy grammar.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"

#define ACCESS_RELEASE_POLICY_MAX_BYTES 32768
/* Conditions inside each other; what JSON's own depth leaves room for. */
#define ACCESS_RELEASE_DEPTH_MAX 6
#define ACCESS_RELEASE_CLAIM_MAX_BYTES 256
#define ACCESS_RELEASE_AUTHORITY_MAX_BYTES 2048

struct access_release_policy; /* in the arena */

/*
 * Everything else than the grammar is refused: unknown or missing members, empty lists, operators but equals, numbers with a
 * fraction, an authority that is no https URL. Version "1.0" counts as "1.0.0". Fails: HF_E_INVALID (diag->text is the cause),
 * HF_E_TOO_LARGE, HF_E_NOMEM.
 */
HF_MUST hf_err access_release_policy_parse(hf_bytes text, struct hf_arena *arena,
                                           struct hf_diag *diag,
                                           const struct access_release_policy **out);
/* The policy's one text, members in the service's order (version, anyOf, authority, …). */
void access_release_policy_write(const struct access_release_policy *policy, struct hf_buf *out);
/*
 * Whether the verified claims of a token of that authority (its iss) satisfy the policy. Authorities compare exactly, but for
 * the slash behind a bare host. A claim that is missing, null, a list, an object or a fraction satisfies nothing; types must be
 * the same, but the texts "true" and "false" also stand for the booleans, as in the service.
 */
bool access_release_policy_allows(const struct access_release_policy *policy, hf_str authority,
                                  const struct hf_json *claims);
