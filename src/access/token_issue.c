/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens of the embedded issuer, in the form that Key Vault gets them from Entra: version 1.0, RS256.
 */
#include "access/internal.h"

#define TOKEN_JSON_MAX_BYTES 4096
#define UTI_BYTES 16

static void write_header(struct hf_json_writer *w, const struct access_signing_key *key)
{
    hf_str kid = { key->kid, ACCESS_KID_BYTES };
    hf_jw_begin_object(w);
    hf_jw_member_c(w, "typ", "JWT");
    hf_jw_member_c(w, "alg", "RS256");
    hf_jw_member_str(w, "x5t", kid);
    hf_jw_member_str(w, "kid", kid);
    hf_jw_end_object(w);
}

/* uti: a unique name for the token, random. */
HF_MUST static hf_err write_uti(struct hf_json_writer *w)
{
    uint8_t random[UTI_BYTES];
    hf_err err = crypto_random(random, sizeof(random));
    if (err != HF_OK)
        return err;
    char memory[2 * UTI_BYTES];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    hf_buf_put_base64url(&text, (hf_bytes){ random, sizeof(random) });
    hf_jw_member_str(w, "uti", hf_buf_str(&text));
    return hf_buf_err(&text);
}

HF_MUST static hf_err write_payload(struct hf_json_writer *w, const struct access_engine *engine,
                                    const struct access_client *client, hf_str resource,
                                    const struct access_token_order *order)
{
    char object_id[HF_UUID_TEXT_BYTES + 1];
    char client_id[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&client->principal.object_id, object_id);
    hf_uuid_format(&client->principal.client_id, client_id);
    hf_jw_begin_object(w);
    hf_jw_member_str(w, "aud", resource);
    hf_jw_member_str(w, "iss", engine->issuer_v1);
    hf_jw_member_int(w, "iat", hf_usec_to_seconds(order->issued));
    hf_jw_member_int(w, "nbf", hf_usec_to_seconds(order->issued));
    hf_jw_member_int(w, "exp", hf_usec_to_seconds(order->expires));
    hf_jw_member_c(w, "appid", client_id);
    hf_jw_member_str(w, "appidacr", client->appidacr);
    hf_jw_member_str(w, "idp", engine->issuer_v1);
    hf_jw_member_c(w, "idtyp", "app");
    hf_jw_member_c(w, "oid", object_id);
    hf_jw_member_c(w, "sub", object_id);
    hf_jw_member_str(w, "tid", engine->tenant_text);
    hf_err err = write_uti(w);
    hf_jw_member_c(w, "ver", "1.0");
    hf_jw_end_object(w);
    return err;
}

HF_MUST static hf_err keep_json(struct hf_arena *arena, const struct hf_buf *json, hf_str *out)
{
    if (hf_buf_err(json) != HF_OK)
        return hf_buf_err(json);
    hf_str copy = hf_arena_dup_str(arena, hf_buf_str(json));
    if (copy.p == NULL)
        return HF_E_NOMEM;
    *out = copy;
    return HF_OK;
}

HF_MUST static hf_err write_order(struct access_token_order *order,
                                  const struct access_engine *engine,
                                  const struct access_signing_key *key,
                                  const struct access_client *client, hf_str resource,
                                  struct hf_arena *arena)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf json;
    hf_buf_init(&json, TOKEN_JSON_MAX_BYTES);
    struct hf_json_writer w = hf_json_writer_on(&json);
    write_header(&w, key);
    hf_err err = keep_json(arena, &json, &order->header_json);
    if (err != HF_OK)
        return err;
    hf_buf_reset(&json);
    w = hf_json_writer_on(&json);
    err = write_payload(&w, engine, client, resource, order);
    return err == HF_OK ? keep_json(arena, &json, &order->payload_json) : err;
}

hf_err access_token_prepare(struct access_view *view, struct store_txn *txn,
                            const struct access_client *client, hf_str resource, hf_usec now,
                            struct hf_arena *arena, struct access_token_order *out)
{
    if (!access_audience_accepted(view->engine, resource))
        return HF_E_TOKEN_AUDIENCE;
    const struct access_signing_keys *keys = NULL;
    hf_err err = access_view_signing_keys(view, txn, &keys);
    if (err != HF_OK)
        return err;
    const struct access_signing_key *key = access_signing_key_at(keys, now);
    if (key == NULL)
        return HF_E_UNAVAILABLE;
    struct access_token_order order = {
        .issued = now - ACCESS_TOKEN_BACKDATED,
        .expires = now + view->engine->token_lifetime,
        .result = HF_E_INTERNAL,
    };
    err = write_order(&order, view->engine, key, client, resource, arena);
    if (err != HF_OK)
        return err;
    hf_buf_init_secret(&order.text, CRYPTO_JWT_MAX_BYTES);
    order.key = crypto_key_ref(key->key);
    *out = order;
    return HF_OK;
}

void access_token_sign(struct access_token_order *order)
{
    order->result = crypto_jwt_sign(order->key, CRYPTO_RS256, order->header_json,
                                    order->payload_json, &order->text);
}

void access_token_order_done(struct access_token_order *order)
{
    crypto_key_free(order->key);
    order->key = NULL;
    hf_buf_done(&order->text);
}
