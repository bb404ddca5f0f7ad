/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the login door share.
 */
#pragma once

#include "api/entra/entra.h"

/* ---- error.c ---- */

/* An AADSTS error: status, OAuth 2.0 error code (RFC 6749 §5.2), number, text. */
hf_err entra_fail(struct api_call *call, hf_err err, int status, const char *oauth_error,
                  const char *number, const char *format, ...) HF_PRINTF(6, 7);
void entra_write_error(struct api_call *call, hf_err err);

/* ---- discovery.c ---- */

hf_err entra_openid_v2(struct api_call *call);
hf_err entra_openid_v1(struct api_call *call);
hf_err entra_jwks(struct api_call *call);
hf_err entra_instance(struct api_call *call);

/* ---- form.c ---- */

/* The members of a token request that matter; views into the body or the arena. Empty if absent. */
struct entra_form {
    hf_str grant_type;
    hf_str client_id;
    hf_str client_assertion_type;
    hf_str client_assertion;
    hf_str scope;
    hf_str resource;
    struct hf_secret *client_secret; /* NULL if absent; owned by the arena */
};

/* Body and HTTP Basic credentials. A member given twice is refused. */
HF_MUST hf_err entra_form_read(struct api_call *call, struct entra_form *out);

/* ---- token.c ---- */

hf_err entra_token_v2(struct api_call *call);
hf_err entra_token_v1(struct api_call *call);
hf_err entra_identity_token(struct api_call *call);
