/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: configuration checked and copied, trusted issuers' keys, the keys that seal records.
 */
#include "access/internal.h"

#include <stdlib.h>

#define ENGINE_ARENA_MAX_BYTES (1024 * 1024)
#define ROOT_KEY_BYTES 32
#define KEY_VAULT_APPLICATION_ID HF_LIT("cfa8b339-82a2-471a-a3c9-0fc0be7a4093")

HF_MUST static hf_err check_config(const struct access_config *config, struct hf_diag *diag)
{
    hf_str login = hf_str_from_c(config->login_url);
    if (!hf_str_starts(login, HF_LIT("https://")) || login.n == sizeof("https://") - 1)
        return hf_fail(diag, HF_E_INVALID, "login_url", "must be an https URL");
    if (config->audiences == NULL || config->audiences[0] == NULL)
        return hf_fail(diag, HF_E_INVALID, "audiences", "must name at least one");
    if (config->token_lifetime <= 0 || config->signing_key_lifetime <= 0)
        return hf_fail(diag, HF_E_INVALID, "lifetime", "must be positive");
    if (config->clock_skew < 0)
        return hf_fail(diag, HF_E_INVALID, "clock_skew", "must not be negative");
    if (config->store == NULL || hf_secret_size(config->root_key) != ROOT_KEY_BYTES)
        return hf_fail(diag, HF_E_INVALID, "root_key", "must have %d bytes", ROOT_KEY_BYTES);
    return HF_OK;
}

static hf_str without_slash(hf_str url)
{
    return hf_str_ends(url, HF_LIT("/")) ? hf_str_sub(url, 0, url.n - 1) : url;
}

HF_MUST static hf_err copy_texts(struct access_engine *engine, const struct access_config *config)
{
    char tenant[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&config->tenant, tenant);
    struct hf_arena *arena = engine->arena;
    engine->tenant_text = hf_arena_dup_str(arena, hf_str_from_c(tenant));
    engine->login_url = hf_arena_dup_str(arena, without_slash(hf_str_from_c(config->login_url)));
    if (engine->tenant_text.p == NULL || engine->login_url.p == NULL)
        return HF_E_NOMEM;
    engine->issuer_v1 = hf_arena_printf(arena, "https://sts.windows.net/%s/", tenant);
    engine->issuer_v2 = hf_arena_printf(arena, "%.*s/%s/v2.0", HF_STR_ARG(engine->login_url),
                                        tenant);
    if (engine->issuer_v1.p == NULL || engine->issuer_v2.p == NULL)
        return HF_E_NOMEM;
    return HF_OK;
}

HF_MUST static hf_err copy_audiences(struct access_engine *engine, const char *const *audiences)
{
    size_t count = 0;
    while (audiences[count] != NULL)
        count++;
    engine->audiences = (hf_str *)hf_arena_alloc_array(engine->arena, count, sizeof(hf_str));
    if (engine->audiences == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        hf_str text = without_slash(hf_str_from_c(audiences[i]));
        engine->audiences[i] = hf_arena_dup_str(engine->arena, text);
        if (engine->audiences[i].p == NULL)
            return HF_E_NOMEM;
    }
    engine->audience_count = count;
    return HF_OK;
}

static bool issuer_is_known(const struct access_engine *engine, hf_str issuer)
{
    if (hf_str_equal(issuer, engine->issuer_v1) || hf_str_equal(issuer, engine->issuer_v2))
        return true;
    for (size_t i = 0; i < engine->issuer_count; i++) {
        if (hf_str_equal(engine->issuers[i].issuer, issuer))
            return true;
    }
    return false;
}

HF_MUST static hf_err parse_issuers(struct access_engine *engine,
                                    const struct access_config *config, struct hf_diag *diag)
{
    if (config->trusted_count == 0)
        return HF_OK;
    engine->issuers = (struct access_issuer *)hf_arena_alloc_array(
        engine->arena, config->trusted_count, sizeof(*engine->issuers));
    if (engine->issuers == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < config->trusted_count; i++) {
        if (issuer_is_known(engine, hf_str_from_c(config->trusted[i].issuer)))
            return hf_fail(diag, HF_E_INVALID, "issuer", "\"%s\" is the own one or named twice",
                           config->trusted[i].issuer);
        hf_err err = access_issuer_parse(&config->trusted[i], engine->arena, diag,
                                         &engine->issuers[engine->issuer_count]);
        if (err != HF_OK)
            return err;
        engine->issuer_count++;
    }
    return HF_OK;
}

hf_err access_record_key_derive(const struct hf_secret *root_key, struct crypto_record_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *parent = NULL;
    hf_err err = crypto_kdf(root_key, HF_LIT("holdfast access v1"), (hf_bytes){ NULL, 0 }, &parent);
    return err == HF_OK ? crypto_record_key_new(parent, out) : err;
}

HF_MUST static hf_err derive_keys(struct access_engine *engine, const struct hf_secret *root_key)
{
    hf_err err = access_record_key_derive(root_key, &engine->record_key);
    if (err != HF_OK)
        return err;
    err = crypto_record_key_dup(engine->record_key, &engine->writer_key);
    return err == HF_OK ? crypto_record_key_keep(engine->writer_key) : err;
}

HF_MUST static hf_err fill_engine(struct access_engine *engine, const struct access_config *config,
                                  struct hf_diag *diag)
{
    hf_err err = hf_arena_new(ENGINE_ARENA_MAX_BYTES, &engine->arena);
    if (err != HF_OK)
        return err;
    engine->store = config->store;
    engine->tenant = config->tenant;
    engine->token_lifetime = config->token_lifetime;
    engine->clock_skew = config->clock_skew;
    engine->signing_key_lifetime = config->signing_key_lifetime;
    err = copy_texts(engine, config);
    if (err == HF_OK)
        err = copy_audiences(engine, config->audiences);
    if (err == HF_OK)
        err = parse_issuers(engine, config, diag);
    if (err == HF_OK)
        err = derive_keys(engine, config->root_key);
    return err;
}

hf_err access_engine_new(const struct access_config *config, struct hf_diag *diag,
                         struct access_engine **out)
{
    hf_err err = check_config(config, diag);
    if (err != HF_OK)
        return err;
    struct access_engine *engine = (struct access_engine *)calloc(1, sizeof(*engine));
    if (engine == NULL)
        return HF_E_NOMEM;
    err = fill_engine(engine, config, diag);
    if (err != HF_OK) {
        access_engine_free(engine);
        return err;
    }
    *out = engine;
    return HF_OK;
}

void access_engine_free(struct access_engine *engine)
{
    if (engine == NULL)
        return;
    crypto_record_key_free(engine->writer_key);
    crypto_record_key_free(engine->record_key);
    for (size_t i = 0; i < engine->issuer_count; i++)
        access_issuer_done(&engine->issuers[i]);
    hf_arena_free(engine->arena);
    free(engine);
}

const struct hf_uuid *access_tenant(const struct access_engine *engine)
{
    return &engine->tenant;
}

hf_str access_issuer_v1(const struct access_engine *engine)
{
    return engine->issuer_v1;
}

bool access_audience_accepted(const struct access_engine *engine, hf_str audience)
{
    hf_str bare = without_slash(audience);
    for (size_t i = 0; i < engine->audience_count; i++) {
        if (hf_str_equal(bare, engine->audiences[i]))
            return true;
    }
    return hf_str_equal(audience, KEY_VAULT_APPLICATION_ID);
}
