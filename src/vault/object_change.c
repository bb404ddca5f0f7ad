/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New versions, and updates of versions that are there.
 */
#include "crypto/crypto.h"
#include "vault/internal.h"

static hf_err check(const struct vault_kind *kind, hf_str name, const struct vault_change *change,
                    struct hf_diag *diag)
{
    if (!vault_object_name_is_valid(name))
        return hf_fail(diag, HF_E_INVALID, "name", "must have 1 to %d letters, digits and hyphens",
                       VAULT_OBJECT_NAME_MAX_CHARS);
    return vault_change_check(kind, change, diag);
}

static void merge_change(const struct vault_change *change, struct vault_version *version)
{
    if (change->has_enabled)
        version->enabled = change->enabled;
    if (change->has_not_before)
        version->not_before = change->not_before;
    if (change->has_expires)
        version->expires = change->expires;
    if (change->has_tags) {
        version->has_tags = true;
        version->tags = change->tags;
    }
}

/* ---- a new version ---- */

/* The plaintext is kept for the object's copy. */
static hf_err seal_metadata(const struct vault *vault, struct vault_object_command *command,
                            struct vault_new_version *version)
{
    hf_err err = vault_version_encode_arena(command->common.version, command->arena,
                                            &version->plain);
    if (err != HF_OK)
        return err;
    struct hf_buf sealed;
    err = vault_arena_buf(command->arena, version->plain.n + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_version(
        &command->vault_id, command->kind->collection, command->name, &version->id);
    err = crypto_record_seal(vault->key, vault_storage_key_view(&key), VAULT_VERSION_FORMAT,
                             command->metadata_nonce, version->plain, &sealed);
    if (err != HF_OK)
        return err;
    version->metadata = hf_buf_view(&sealed);
    return HF_OK;
}

static hf_err seal_value(const struct vault *vault, struct vault_object_command *command,
                         const struct hf_secret *value, struct vault_new_version *version)
{
    struct hf_buf sealed;
    hf_err err = vault_arena_buf(command->arena,
                                 hf_secret_size(value) + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_value(
        &command->vault_id, command->kind->collection, command->name, &version->id);
    err = crypto_record_seal_secret(vault->key, vault_storage_key_view(&key),
                                    command->kind->value_format, command->value_nonce, value,
                                    &sealed);
    if (err != HF_OK)
        return err;
    version->value = hf_buf_view(&sealed);
    return HF_OK;
}

/* The object gets a new newest version, and comes to be if it was not there. */
static hf_err apply_new_version(struct vault_object_command *command, const struct vault *vault,
                                struct store_txn *txn)
{
    hf_err err = vault_object_command_clear_name(command, vault, txn);
    if (err != HF_OK)
        return err;
    struct vault_object object;
    err = vault_object_find(vault, command->kind->collection, txn, VAULT_STATE_ACTIVE,
                            command->name, command->arena, &object);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return err;
    const bool is_there = err == HF_OK;
    err = vault_object_command_admit(command, is_there ? &object : NULL);
    if (err != HF_OK)
        return err;
    if (!is_there)
        object = (struct vault_object){ .name = command->name,
                                        .created = command->now,
                                        .deleted_at = VAULT_TIME_NONE,
                                        .scheduled_purge = VAULT_TIME_NONE };
    if (object.version_count == UINT32_MAX)
        return HF_E_TOO_LARGE;
    object.version_count++;
    object.newest = command->versions[0].id;
    command->common.version->name = object.name;
    return vault_object_command_put_version(command, vault, txn, &object, &command->versions[0]);
}

static hf_err prepare_version(const struct vault *vault, struct vault_object_command *command,
                              const struct vault_change *change, hf_bytes particulars,
                              const struct hf_secret *value)
{
    struct vault_new_version *new_version = hf_arena_new_of(command->arena,
                                                            struct vault_new_version);
    if (new_version == NULL)
        return HF_E_NOMEM;
    hf_err err = crypto_random_uuid(&new_version->id);
    if (err != HF_OK)
        return err;
    struct vault_version *version = command->common.version;
    version->id = new_version->id;
    version->enabled = true;
    version->not_before = VAULT_TIME_NONE;
    version->expires = VAULT_TIME_NONE;
    version->deleted_at = VAULT_TIME_NONE;
    version->scheduled_purge = VAULT_TIME_NONE;
    version->created = command->now;
    version->updated = command->now;
    version->particulars = particulars;
    merge_change(change, version);
    err = seal_metadata(vault, command, new_version);
    if (err == HF_OK)
        err = seal_value(vault, command, value, new_version);
    command->versions = new_version;
    command->version_count = 1;
    return err;
}

hf_err vault_object_new_version(const struct vault *vault, const struct vault_kind *kind,
                                hf_str name, const struct vault_change *change,
                                hf_bytes particulars, const struct hf_secret *value, hf_usec now,
                                struct hf_arena *arena, struct hf_diag *diag,
                                struct vault_object_command **out)
{
    hf_err err = check(kind, name, change, diag);
    if (err != HF_OK)
        return err;
    if (hf_secret_size(value) > kind->value_max_bytes)
        return hf_fail(diag, HF_E_TOO_LARGE, "value", "must have at most %zu bytes",
                       kind->value_max_bytes);
    struct vault_object_command *command = NULL;
    err = vault_object_command_new(vault, kind, name, now, arena, apply_new_version, &command);
    if (err == HF_OK)
        err = prepare_version(vault, command, change, particulars, value);
    if (err == HF_OK)
        *out = command;
    return err;
}

/* ---- update ---- */

static hf_err seal_update(const struct vault_object_command *command, const struct vault *vault,
                          struct vault_version *version, struct vault_new_version *out)
{
    hf_err err = vault_version_encode_arena(version, command->arena, &out->plain);
    if (err != HF_OK)
        return err;
    struct hf_buf sealed;
    err = vault_arena_buf(command->arena, out->plain.n + CRYPTO_RECORD_OVERHEAD_BYTES, &sealed);
    if (err != HF_OK)
        return err;
    const struct vault_storage_key key = vault_key_of_version(
        &command->vault_id, command->kind->collection, command->name, &version->id);
    err = vault_seal_seeded(vault->key, vault_storage_key_view(&key), VAULT_VERSION_FORMAT,
                            command->seed, out->plain, &sealed);
    out->id = version->id;
    out->metadata = hf_buf_view(&sealed);
    return err;
}

static hf_err merge(struct vault_object_command *command, const struct vault_object *object,
                    struct vault_version *version)
{
    merge_change(&command->change, version);
    version->updated = command->now;
    hf_err err = vault_dates_check(version->not_before, version->expires, &command->common.diag);
    if (err != HF_OK || command->merge == NULL)
        return err;
    return command->merge(command, hf_uuid_equal(&version->id, &object->newest), version);
}

static hf_err apply_update(struct vault_object_command *command, const struct vault *vault,
                           struct store_txn *txn)
{
    const enum vault_collection collection = command->kind->collection;
    struct vault_object object;
    struct vault_version version;
    hf_err err = vault_object_find(vault, collection, txn, VAULT_STATE_ACTIVE, command->name,
                                   command->arena, &object);
    if (err == HF_OK)
        err = vault_version_load(vault, collection, txn, &object,
                                 command->has_version ? &command->version : &object.newest,
                                 command->arena, &version);
    if (err == HF_OK)
        err = merge(command, &object, &version);
    struct vault_new_version changed = { .value = { NULL, 0 } };
    if (err == HF_OK)
        err = seal_update(command, vault, &version, &changed);
    if (err == HF_OK)
        err = vault_object_command_put_version(command, vault, txn, &object, &changed);
    if (err == HF_OK)
        *command->common.version = version;
    return err;
}

/* A copy of what change points to: as the record of a version that has nothing but its tags. */
static hf_err dup_change(struct hf_arena *arena, const struct vault_change *change,
                         struct vault_change *out)
{
    struct vault_version tagged = {
        .not_before = VAULT_TIME_NONE,
        .expires = VAULT_TIME_NONE,
        .has_tags = change->has_tags,
        .tags = change->tags,
    };
    hf_bytes plain = { NULL, 0 };
    hf_err err = vault_version_encode_arena(&tagged, arena, &plain);
    if (err != HF_OK)
        return err;
    *out = *change;
    out->tags = tagged.tags;
    return HF_OK;
}

hf_err vault_object_update(const struct vault *vault, const struct vault_kind *kind, hf_str name,
                           const struct hf_uuid *version, const struct vault_change *change,
                           hf_usec now, struct hf_arena *arena, struct hf_diag *diag,
                           struct vault_object_command **out)
{
    hf_err err = check(kind, name, change, diag);
    if (err != HF_OK)
        return err;
    struct vault_object_command *command = NULL;
    err = vault_object_command_new(vault, kind, name, now, arena, apply_update, &command);
    if (err == HF_OK)
        err = dup_change(arena, change, &command->change);
    if (err != HF_OK)
        return err;
    if (version != NULL) {
        command->has_version = true;
        command->version = *version;
    }
    *out = command;
    return HF_OK;
}
