/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations on keys but those done with them (key_use.c): each parses, calls the domain, answers.
 * Keys are made and read from JWKs on the compute pool, since that takes long; then the vault is looked
 * for again. A continuation stands directly above its handler.
 */
#include "api/azure/internal.h"

#define RSA_DEFAULT_BITS 2048 /* Key Vault REST, Create Key */
#define OCT_DEFAULT_BITS 256

static hf_err answer(struct api_call *call, const struct vault_version *version)
{
    struct vault_key key;
    hf_err err = vault_key_of(version, &key);
    if (err != HF_OK)
        return err;
    key_audit(call, &key);
    return key_write_bundle(call, &key);
}

const struct azure_collection azure_keys = {
    .noun = "key",
    .title = "Key",
    .path = API_TEXT("keys"),
    .deleted_path = API_TEXT("deletedkeys"),
    .not_found = API_TEXT("KeyNotFound"),
    .list = vault_key_list,
    .list_versions = vault_key_list_versions,
    .backup = vault_key_backup,
    .remove = vault_key_delete,
    .recover = vault_key_recover,
    .purge = vault_key_purge,
    .restore = vault_key_restore,
    .answer = answer,
    .write_item = key_write_item,
};

static hf_err answer_changed(struct api_call *call)
{
    return azure_answer_changed(call, &azure_keys);
}

/* ---- new versions: create, import, rotate ---- */

struct making {
    struct crypto_key_spec spec; /* create, rotate */
    const struct hf_json *jwk;   /* import */
    enum crypto_key_family family;
    bool must_exist; /* rotate */
    struct vault_key_change change;
    struct crypto_key *key;
    struct hf_diag diag;
    struct vault_command *command;
};

/* Pool thread. */
static void make_key(struct api_call *call)
{
    struct making *making = call->state;
    if (making->jwk != NULL)
        call->result = crypto_key_import_jwk(making->family, making->jwk, &making->diag,
                                             &making->key);
    else
        call->result = crypto_key_generate(&making->spec, &making->diag, &making->key);
}

static hf_err store_key(struct api_call *call)
{
    struct making *making = call->state;
    hf_err err = azure_find_vault_again(call);
    if (err != HF_OK)
        return err;
    err = vault_key_create(call->vault, call->params[0], making->key, &making->change,
                           making->must_exist, call->now, call->arena, &making->diag,
                           &making->command);
    crypto_key_free(
        hf_take(&making->key)); /* it is sealed: no need to keep it while it is stored */
    if (err == HF_OK)
        call->command = &making->command->store;
    return err;
}

static hf_err answer_made(struct api_call *call)
{
    struct making *making = call->state;
    if (call->result != HF_OK)
        call->diag = making->command != NULL ? making->command->diag : making->diag;
    if (call->result != HF_OK)
        return azure_refuse(call, &azure_keys, call->result);
    return answer(call, making->command->version);
}

static void release_making(struct api_call *call)
{
    struct making *making = call->state;
    crypto_key_free(hf_take(&making->key));
}

static hf_err start_making(struct api_call *call, const struct making *what)
{
    struct making *making = hf_arena_new_of(call->arena, struct making);
    if (making == NULL)
        return HF_E_NOMEM;
    *making = *what;
    call->state = making;
    call->compute = make_key;
    call->prepare = store_key;
    call->finish = answer_made;
    call->release = release_making;
    return HF_OK;
}

/* What has no meaning for the type is ignored (Key Vault REST, Create Key). */
static hf_err read_spec(struct api_call *call, const struct key_body *body,
                        struct crypto_key_spec *out)
{
    *out = (struct crypto_key_spec){ .type = CRYPTO_KEY_EC_P256 };
    if (body->family == CRYPTO_FAMILY_EC) {
        if (body->curve.p != NULL && crypto_curve_parse(body->curve, &out->type) != HF_OK)
            return azure_bad_property(call, "crv");
        return HF_OK;
    }
    if (body->has_size && (body->size <= 0 || body->size > UINT16_MAX))
        return azure_bad_property(call, "key_size");
    out->bits = (int)body->size;
    if (body->family == CRYPTO_FAMILY_OCT) {
        out->type = CRYPTO_KEY_OCT;
        out->bits = body->has_size ? out->bits : OCT_DEFAULT_BITS;
        return HF_OK;
    }
    if (body->has_exponent && (body->exponent <= 0 || body->exponent > UINT32_MAX))
        return azure_bad_property(call, "public_exponent");
    out->type = CRYPTO_KEY_RSA;
    out->bits = body->has_size ? out->bits : RSA_DEFAULT_BITS;
    out->exponent = (uint32_t)body->exponent;
    return HF_OK;
}

hf_err key_create(struct api_call *call)
{
    call->object_text = call->params[0];
    struct key_body body;
    hf_err err = key_body_read(call, &key_create_body, &body);
    if (err != HF_OK)
        return err;
    struct making making = { .change = body.change };
    err = read_spec(call, &body, &making.spec);
    return err == HF_OK ? start_making(call, &making) : err;
}

hf_err key_import(struct api_call *call)
{
    call->object_text = call->params[0];
    struct key_body body;
    hf_err err = key_body_read(call, &key_import_body, &body);
    if (err != HF_OK)
        return err;
    if (body.transfer != NULL)
        return azure_bad_property(call, "key_hsm");
    const struct making making = { .jwk = body.jwk, .family = body.family, .change = body.change };
    return start_making(call, &making);
}

/* The new version is made as the newest is: type, size, operations and tags; it is enabled and has no dates. */
hf_err key_rotate(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_key key;
    hf_err err = vault_key_get(call->vault, call->txn, call->params[0], NULL, call->arena, &key);
    if (err != HF_OK)
        return azure_refuse(call, &azure_keys, err);
    const struct making making = {
        .spec = { .type = key.type, .bits = key.bits, .exponent = 0 },
        .must_exist = true,
        .change = { .common = { .has_tags = key.version.has_tags, .tags = key.version.tags },
                    .has_ops = true,
                    .ops = key.ops },
    };
    return start_making(call, &making);
}

/* ---- update ---- */

hf_err key_update(struct api_call *call)
{
    struct azure_ref ref;
    hf_err err = azure_read_ref(call, &azure_keys, &ref);
    if (err != HF_OK)
        return err;
    struct key_body body;
    err = key_body_read(call, &key_update_body, &body);
    if (err != HF_OK)
        return err;
    struct vault_command *command = NULL;
    err = vault_key_update(call->vault, ref.name, ref.version, &body.change, call->now, call->arena,
                           &call->diag, &command);
    return err == HF_OK ? azure_hand_over(call, command, answer_changed)
                        : azure_refuse(call, &azure_keys, err);
}

/* ---- get ---- */

hf_err key_get(struct api_call *call)
{
    struct azure_ref ref;
    hf_err err = azure_read_ref(call, &azure_keys, &ref);
    if (err != HF_OK)
        return err;
    struct vault_key key;
    err = vault_key_get(call->vault, call->txn, ref.name, ref.version, call->arena, &key);
    if (err != HF_OK)
        return azure_refuse(call, &azure_keys, err);
    key_audit(call, &key);
    return key_write_bundle(call, &key);
}

hf_err key_get_deleted(struct api_call *call)
{
    call->object_text = call->params[0];
    struct vault_key key;
    hf_err err = vault_key_get_deleted(call->vault, call->txn, call->params[0], call->now,
                                       call->arena, &key);
    return azure_answer_deleted(call, &azure_keys, err, &key.version);
}

/* ---- as for every collection ---- */

hf_err key_list(struct api_call *call)
{
    return azure_list(call, &azure_keys, false);
}

hf_err key_list_deleted(struct api_call *call)
{
    return azure_list(call, &azure_keys, true);
}

hf_err key_list_versions(struct api_call *call)
{
    return azure_list_versions(call, &azure_keys);
}

hf_err key_delete(struct api_call *call)
{
    return azure_delete(call, &azure_keys, answer_changed);
}

static hf_err answer_purge(struct api_call *call)
{
    return azure_answer_purge(call, &azure_keys);
}

hf_err key_purge(struct api_call *call)
{
    return azure_purge(call, &azure_keys, answer_purge);
}

static hf_err answer_recover(struct api_call *call)
{
    return azure_answer_recover(call, &azure_keys);
}

hf_err key_recover(struct api_call *call)
{
    return azure_recover(call, &azure_keys, answer_recover);
}

hf_err key_backup(struct api_call *call)
{
    return azure_backup(call, &azure_keys);
}

static hf_err answer_restore(struct api_call *call)
{
    return azure_answer_restore(call, &azure_keys);
}

hf_err key_restore(struct api_call *call)
{
    return azure_restore(call, &azure_keys, answer_restore);
}
