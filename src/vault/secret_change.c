/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting and updating secrets.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

#include <string.h>

static hf_err check_change(hf_str name, const struct vault_secret_change *change,
                           struct hf_diag *diag)
{
    if (!vault_object_name_is_valid(name))
        return hf_fail(diag, HF_E_INVALID, "name", "must have 1 to %d letters, digits and hyphens",
                       VAULT_OBJECT_NAME_MAX_CHARS);
    if (change->has_content_type) {
        hf_err err = vault_content_type_check(change->content_type, diag);
        if (err != HF_OK)
            return err;
    }
    if (change->has_tags) {
        hf_err err = vault_tags_check(&change->tags, diag);
        if (err != HF_OK)
            return err;
    }
    if (change->has_not_before && change->has_expires)
        return vault_dates_check(change->not_before, change->expires, diag);
    return HF_OK;
}

/*
 * The one look at a value outside of cryptography: a value that came from elsewhere than JSON is
 * checked too.
 */
static hf_err check_value(const struct hf_secret *value, struct hf_diag *diag)
{
    if (hf_secret_size(value) > VAULT_SECRET_VALUE_MAX_BYTES)
        return hf_fail(diag, HF_E_TOO_LARGE, "value", "must have at most %d bytes",
                       VAULT_SECRET_VALUE_MAX_BYTES);
    if (!hf_secret_is_utf8(value))
        return hf_fail(diag, HF_E_INVALID, "value", "must be UTF-8");
    return HF_OK;
}

static void merge_change(const struct vault_secret_change *change, struct vault_secret *secret)
{
    if (change->has_enabled)
        secret->enabled = change->enabled;
    if (change->has_not_before)
        secret->not_before = change->not_before;
    if (change->has_expires)
        secret->expires = change->expires;
    if (change->has_content_type) {
        secret->has_content_type = true;
        secret->content_type = change->content_type;
    }
    if (change->has_tags) {
        secret->has_tags = true;
        secret->tags = change->tags;
    }
}

/*
 * The record's plaintext in the arena; the secret's texts become views of it, so that they last as
 * long.
 */
static hf_err encode_in_arena(struct hf_arena *arena, struct vault_secret *secret, hf_bytes *out)
{
    struct hf_buf plain;
    hf_err err = vault_arena_buf(arena, vault_secret_record_size(secret), &plain);
    if (err != HF_OK)
        return err;
    vault_secret_record_encode(secret, &plain);
    err = hf_buf_err(&plain);
    if (err != HF_OK)
        return err;
    struct vault_secret own;
    err = vault_secret_record_decode(hf_buf_view(&plain), arena, &own);
    if (err != HF_OK)
        return err;
    secret->content_type = own.content_type;
    secret->tags = own.tags;
    *out = hf_buf_view(&plain);
    return HF_OK;
}

/* ---- set ---- */

static hf_err seal_metadata(const struct vault *vault, struct vault_secret_command *command,
                            struct vault_new_version *version)
{
    hf_bytes plain = { NULL, 0 };
    hf_err err = encode_in_arena(command->arena, command->common.secret, &plain);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_version(
        &command->vault_id, VAULT_COLLECTION_SECRETS, command->name, &version->id);
    struct hf_buf sealed;
    err = vault_arena_buf(command->arena, plain.n + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    err = crypto_record_seal(vault->key, vault_storage_key_view(&key), VAULT_SECRET_FORMAT,
                             command->metadata_nonce, plain, &sealed);
    if (err != HF_OK)
        return err;
    version->metadata = hf_buf_view(&sealed);
    return HF_OK;
}

static hf_err seal_value(const struct vault *vault, struct vault_secret_command *command,
                         const struct hf_secret *value, struct vault_new_version *version)
{
    struct hf_buf sealed;
    hf_err err = vault_arena_buf(command->arena,
                                 hf_secret_size(value) + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_value(
        &command->vault_id, VAULT_COLLECTION_SECRETS, command->name, &version->id);
    err = crypto_record_seal_secret(vault->key, vault_storage_key_view(&key), VAULT_VALUE_FORMAT,
                                    command->value_nonce, value, &sealed);
    if (err != HF_OK)
        return err;
    version->value = hf_buf_view(&sealed);
    return HF_OK;
}

/* The object gets a new newest version, and comes to be if it was not there. */
static hf_err change_set(struct vault_secret_command *command, const struct vault *vault,
                         struct store_txn *txn)
{
    hf_err err = vault_secret_command_clear_name(command, vault, txn);
    if (err != HF_OK)
        return err;
    struct vault_object object;
    err = vault_object_find(vault, txn, VAULT_STATE_ACTIVE, command->name, &object);
    if (err == HF_E_NOT_FOUND) {
        object = (struct vault_object){ .created = command->now,
                                        .deleted_at = VAULT_TIME_NONE,
                                        .scheduled_purge = VAULT_TIME_NONE };
        memcpy(object.name, command->name.p, command->name.n);
    } else if (err != HF_OK) {
        return err;
    }
    if (object.version_count == UINT32_MAX)
        return HF_E_TOO_LARGE;
    object.version_count++;
    object.newest = command->versions[0].id;
    const hf_str name = hf_arena_dup_str(command->arena, hf_str_from_c(object.name));
    if (name.p == NULL)
        return HF_E_NOMEM;
    command->common.secret->name = name;
    err = vault_secret_command_put_versions(command, vault, txn);
    if (err != HF_OK)
        return err;
    return vault_object_put(vault, txn, command->seed, &object);
}

static hf_err prepare_version(const struct vault *vault, struct vault_secret_command *command,
                              const struct hf_secret *value,
                              const struct vault_secret_change *change)
{
    struct vault_new_version *version = hf_arena_new_of(command->arena, struct vault_new_version);
    if (version == NULL)
        return HF_E_NOMEM;
    hf_err err = crypto_random_uuid(&version->id);
    if (err != HF_OK)
        return err;
    struct vault_secret *secret = command->common.secret;
    secret->version = version->id;
    secret->enabled = true;
    secret->not_before = VAULT_TIME_NONE;
    secret->expires = VAULT_TIME_NONE;
    secret->deleted_at = VAULT_TIME_NONE;
    secret->scheduled_purge = VAULT_TIME_NONE;
    secret->created = command->now;
    secret->updated = command->now;
    merge_change(change, secret);
    err = seal_metadata(vault, command, version);
    if (err != HF_OK)
        return err;
    err = seal_value(vault, command, value, version);
    if (err != HF_OK)
        return err;
    command->versions = version;
    command->version_count = 1;
    return HF_OK;
}

hf_err vault_secret_set(struct vault *vault, hf_str name, const struct hf_secret *value,
                        const struct vault_secret_change *change, hf_usec now,
                        struct hf_arena *arena, struct hf_diag *diag, struct vault_command **out)
{
    hf_err err = check_change(name, change, diag);
    if (err != HF_OK)
        return err;
    err = check_value(value, diag);
    if (err != HF_OK)
        return err;
    struct vault_secret_command *command = NULL;
    err = vault_secret_command_new(vault, name, now, arena, change_set, &command);
    if (err != HF_OK)
        return err;
    err = prepare_version(vault, command, value, change);
    if (err != HF_OK)
        return err;
    *out = &command->common;
    return HF_OK;
}

/* ---- update ---- */

static hf_err put_metadata(const struct vault_secret_command *command, const struct vault *vault,
                           struct store_txn *txn, struct vault_secret *secret)
{
    hf_bytes plain = { NULL, 0 };
    hf_err err = encode_in_arena(command->arena, secret, &plain);
    if (err != HF_OK)
        return err;
    struct hf_buf sealed;
    err = vault_arena_buf(command->arena, plain.n + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_version(
        &command->vault_id, VAULT_COLLECTION_SECRETS, command->name, &secret->version);
    err = vault_seal_seeded(vault->key, vault_storage_key_view(&key), VAULT_SECRET_FORMAT,
                            command->seed, plain, &sealed);
    if (err != HF_OK)
        return err;
    return store_put(txn, vault_storage_key_view(&key), hf_buf_view(&sealed));
}

static hf_err change_update(struct vault_secret_command *command, const struct vault *vault,
                            struct store_txn *txn)
{
    struct vault_object object;
    hf_err err = vault_object_find(vault, txn, VAULT_STATE_ACTIVE, command->name, &object);
    if (err != HF_OK)
        return err;
    struct vault_secret secret;
    if (command->has_version)
        err = vault_secret_load(vault, txn, &object, &command->version, command->arena, &secret);
    else
        err = vault_secret_load_newest(vault, txn, &object, command->arena, &secret);
    if (err != HF_OK)
        return err;
    merge_change(&command->what, &secret);
    secret.updated = command->now;
    err = vault_dates_check(secret.not_before, secret.expires, &command->common.diag);
    if (err != HF_OK)
        return err;
    err = put_metadata(command, vault, txn, &secret);
    if (err != HF_OK)
        return err;
    *command->common.secret = secret;
    return HF_OK;
}

/* A copy of what change points to. */
static hf_err dup_change(struct hf_arena *arena, const struct vault_secret_change *change,
                         struct vault_secret_change *out)
{
    struct vault_secret texts = {
        .not_before = VAULT_TIME_NONE,
        .expires = VAULT_TIME_NONE,
        .has_content_type = change->has_content_type,
        .has_tags = change->has_tags,
        .content_type = change->content_type,
        .tags = change->tags,
    };
    hf_bytes plain = { NULL, 0 };
    hf_err err = encode_in_arena(arena, &texts, &plain);
    if (err != HF_OK)
        return err;
    *out = *change;
    out->content_type = texts.content_type;
    out->tags = texts.tags;
    return HF_OK;
}

hf_err vault_secret_update(struct vault *vault, hf_str name, const struct hf_uuid *version,
                           const struct vault_secret_change *change, hf_usec now,
                           struct hf_arena *arena, struct hf_diag *diag, struct vault_command **out)
{
    hf_err err = check_change(name, change, diag);
    if (err != HF_OK)
        return err;
    struct vault_secret_command *command = NULL;
    err = vault_secret_command_new(vault, name, now, arena, change_update, &command);
    if (err != HF_OK)
        return err;
    err = dup_change(arena, change, &command->what);
    if (err != HF_OK)
        return err;
    if (version != NULL) {
        command->has_version = true;
        command->version = *version;
    }
    *out = &command->common;
    return HF_OK;
}
