/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token request: application/x-www-form-urlencoded, and HTTP Basic client credentials (RFC 6749 §2.3.1). Unknown members are
 * ignored: MSAL sends many.
 */
#include "api/entra/internal.h"

#include "crypto/jwt.h"

#define VALUE_MAX_BYTES CRYPTO_JWT_MAX_BYTES

/* Decodes a value that is no secret. */
static hf_err decode_text(struct api_call *call, hf_str raw, hf_str *out)
{
    uint8_t *memory = hf_arena_alloc(call->arena, raw.n + 1);
    if (memory == NULL)
        return HF_E_NOMEM;
    struct hf_buf decoded;
    hf_buf_init_fixed(&decoded, memory, raw.n + 1);
    hf_err err = hf_percent_decode(raw, true, &decoded);
    if (err == HF_OK)
        *out = hf_buf_str(&decoded);
    return err == HF_OK ? HF_OK : HF_E_INVALID;
}

/* Decodes the client secret in secret memory; the arena owns it. */
static hf_err decode_secret(struct api_call *call, hf_str raw, struct hf_secret **out)
{
    if (raw.n > (size_t)VALUE_MAX_BYTES * 3)
        return HF_E_INVALID;
    struct hf_buf decoded;
    hf_buf_init_secret(&decoded, VALUE_MAX_BYTES);
    hf_err err = hf_percent_decode(raw, true, &decoded);
    struct hf_secret *secret = NULL;
    if (err == HF_OK)
        err = hf_secret_from_bytes(hf_buf_view(&decoded), &secret);
    hf_buf_done(&decoded);
    if (err != HF_OK)
        return err == HF_E_NOMEM ? err : HF_E_INVALID;
    err = hf_arena_own_secret(call->arena, secret);
    if (err == HF_OK)
        *out = secret;
    return err;
}

static hf_err malformed(struct api_call *call)
{
    return entra_fail(call, HF_E_INVALID, 400, "invalid_request", "9002313",
                      "Invalid request. Request is malformed or invalid.");
}

/* Takes one `name=value`. */
static hf_err take_pair(struct api_call *call, hf_str pair, struct entra_form *form)
{
    struct {
        const char *name;
        hf_str *target;
    } members[] = {
        { "grant_type", &form->grant_type },
        { "client_id", &form->client_id },
        { "client_assertion_type", &form->client_assertion_type },
        { "client_assertion", &form->client_assertion },
        { "scope", &form->scope },
        { "resource", &form->resource },
    };
    size_t equals = hf_str_find(pair, '=');
    hf_str name = hf_str_sub(pair, 0, equals);
    hf_str value = hf_str_sub(pair, equals + 1, pair.n);
    if (hf_str_equal(name, HF_LIT("client_secret")))
        return form->client_secret != NULL ? malformed(call)
                                           : decode_secret(call, value, &form->client_secret);
    for (size_t i = 0; i < HF_ARRAY_LEN(members); i++) {
        if (!hf_str_equal(name, hf_str_from_c(members[i].name)))
            continue;
        if (members[i].target->p != NULL)
            return malformed(call);
        return decode_text(call, value, members[i].target);
    }
    return HF_OK;
}

/* "Basic base64(id:secret)", both form-encoded. */
static hf_err take_basic(struct api_call *call, struct entra_form *form)
{
    hf_str value = http_request_header(call->request, HF_LIT("authorization"));
    if (value.p == NULL || !hf_str_starts_nocase(value, HF_LIT("basic ")))
        return HF_OK;
    struct hf_buf decoded;
    hf_buf_init_secret(&decoded, VALUE_MAX_BYTES);
    hf_err err = hf_base64_decode(hf_str_trim(hf_str_sub(value, sizeof("basic ") - 1, value.n)),
                                  &decoded);
    hf_str text = hf_buf_str(&decoded);
    size_t colon = hf_str_find(text, ':');
    hf_str client_id = { NULL, 0 };
    if (err == HF_OK && (colon == text.n || form->client_secret != NULL))
        err = HF_E_INVALID;
    if (err == HF_OK)
        err = decode_text(call, hf_str_sub(text, 0, colon), &client_id);
    if (err == HF_OK)
        err = decode_secret(call, hf_str_sub(text, colon + 1, text.n), &form->client_secret);
    hf_buf_done(&decoded);
    if (err != HF_OK)
        return err == HF_E_NOMEM ? err : malformed(call);
    form->client_id = client_id;
    return HF_OK;
}

hf_err entra_form_read(struct api_call *call, struct entra_form *out)
{
    *out = (struct entra_form){ 0 };
    hf_str type = http_request_header(call->request, HF_LIT("content-type"));
    type = hf_str_trim(hf_str_sub(type, 0, hf_str_find(type, ';')));
    if (call->request->body.n > 0 &&
        !hf_str_equal_nocase(type, HF_LIT("application/x-www-form-urlencoded")))
        return malformed(call);
    hf_str rest = hf_bytes_str(call->request->body);
    hf_str pair;
    while (hf_str_next(&rest, '&', &pair)) {
        hf_err err = take_pair(call, pair, out);
        if (err != HF_OK)
            return err == HF_E_INVALID ? malformed(call) : err;
    }
    return take_basic(call, out);
}
