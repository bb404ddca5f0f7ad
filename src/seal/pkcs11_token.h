/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a PKCS#11 token: its library, logging in, and the AES key inside. What is done with the key is pkcs11.c.
 */
#pragma once

#include "seal/seal.h"

#include <p11-kit/pkcs11.h>

struct seal_token {
    void *library; /* stays loaded: few of these libraries survive being unloaded */
    CK_FUNCTION_LIST *call;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    bool is_initialised;
    bool has_session;
};

/* Logs in with the PIN from config's file. out: zeroed before; to be closed by the caller also after a failure. */
HF_MUST hf_err seal_token_open(const struct seal_config *config, struct hf_diag *diag,
                               struct seal_token *out);
void seal_token_close(struct seal_token *token);

/*
 * Fails: HF_E_NOT_FOUND (diag is left to the caller), HF_E_FORBIDDEN (there is one, but it could be read out or is no AES-256
 * key), HF_E_INVALID (no label, several keys), HF_E_UNAVAILABLE.
 */
HF_MUST hf_err seal_token_find_key(const struct seal_token *token, const char *label,
                                   struct hf_diag *diag, CK_OBJECT_HANDLE *out);
HF_MUST hf_err seal_token_make_key(const struct seal_token *token, const char *label,
                                   struct hf_diag *diag, CK_OBJECT_HANDLE *out);
bool seal_token_can(const struct seal_token *token, CK_MECHANISM_TYPE mechanism, CK_FLAGS flags);

/* Fills diag with what was tried and the code; gives the error that fits it, `refusal` if none does better. */
hf_err seal_token_fail(struct hf_diag *diag, CK_RV code, hf_err refusal, const char *operation);
