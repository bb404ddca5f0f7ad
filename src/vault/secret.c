/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: a collection whose values are texts. Their particulars:
 *
 *   flags (1), content type (field16, if its flag is set)
 */
#include "vault/secret.h"

#include "base/reader.h"
#include "vault/internal.h"

enum {
    FLAG_CONTENT_TYPE = 1U << 0,
    FLAGS_ALL = (1U << 1) - 1,
};

#define PARTICULARS_MAX_BYTES (1 + 2 + VAULT_TEXT_BYTES(VAULT_CONTENT_TYPE_MAX_CHARS))

/* ---- particulars ---- */

static hf_err encode(struct hf_arena *arena, bool has_content_type, hf_str content_type,
                     hf_bytes *out)
{
    struct hf_buf buf;
    hf_err err = vault_arena_buf(arena, has_content_type ? 1 + 2 + content_type.n : 1, &buf);
    if (err != HF_OK)
        return err;
    hf_buf_put_u8(&buf, has_content_type ? FLAG_CONTENT_TYPE : 0);
    if (has_content_type)
        hf_buf_put_field16(&buf, hf_str_bytes(content_type));
    *out = hf_buf_view(&buf);
    return hf_buf_err(&buf);
}

static hf_err decode(hf_bytes particulars, struct vault_secret *out)
{
    struct hf_reader reader = hf_reader_of(particulars);
    hf_str content_type = { NULL, 0 };
    const unsigned flags = hf_read_u8(&reader);
    if ((flags & FLAG_CONTENT_TYPE) != 0)
        content_type = hf_bytes_str(hf_read_field16(&reader, PARTICULARS_MAX_BYTES));
    if (hf_reader_finish(&reader) != HF_OK || (flags & ~(unsigned)FLAGS_ALL) != 0 ||
        !vault_text_fits(content_type, VAULT_CONTENT_TYPE_MAX_CHARS))
        return HF_E_CORRUPT;
    out->has_content_type = (flags & FLAG_CONTENT_TYPE) != 0;
    out->content_type = content_type;
    return HF_OK;
}

hf_err vault_secret_of(const struct vault_version *version, struct vault_secret *out)
{
    struct vault_secret secret = { .version = *version };
    hf_err err = decode(version->particulars, &secret);
    if (err == HF_OK)
        *out = secret;
    return err;
}

static hf_err check(hf_bytes particulars, hf_bytes value)
{
    struct vault_secret secret;
    hf_err err = decode(particulars, &secret);
    if (err != HF_OK)
        return err;
    return hf_utf8_valid(hf_bytes_str(value)) ? HF_OK : HF_E_CORRUPT;
}

const struct vault_kind vault_secrets = {
    .collection = VAULT_COLLECTION_SECRETS,
    .value_format = VAULT_SECRET_VALUE_FORMAT,
    .value_max_bytes = VAULT_SECRET_VALUE_MAX_BYTES,
    .tag_max_chars = VAULT_TAG_MAX_CHARS,
    .check = check,
};

/* ---- reading ---- */

hf_err vault_secret_get(struct vault *vault, struct store_txn *txn, hf_str name,
                        const struct hf_uuid *version, hf_usec now HF_UNUSED,
                        struct hf_arena *arena, struct vault_secret *out)
{
    struct vault_secret secret = { .value = NULL };
    hf_err err = vault_object_get(vault, &vault_secrets, txn, name, version, arena,
                                  &secret.version);
    if (err == HF_OK)
        err = decode(secret.version.particulars, &secret);
    if (err != HF_OK)
        return err;
    if (!secret.version.enabled)
        return HF_E_DISABLED;
    err = vault_object_read_value(vault, &vault_secrets, txn, &secret.version, arena,
                                  &secret.value);
    if (err == HF_OK)
        *out = secret;
    return err;
}

hf_err vault_secret_get_deleted(struct vault *vault, struct store_txn *txn, hf_str name,
                                hf_usec now, struct hf_arena *arena, struct vault_secret *out)
{
    struct vault_version version;
    hf_err err = vault_object_get_deleted(vault, &vault_secrets, txn, name, now, arena, &version);
    if (err != HF_OK)
        return err;
    return version.enabled ? vault_secret_of(&version, out) : HF_E_DISABLED;
}

hf_err vault_secret_list(struct vault *vault, struct store_txn *txn, bool deleted, hf_str after,
                         size_t max, hf_usec now, struct hf_arena *arena, struct vault_page *out)
{
    return vault_object_list(vault, &vault_secrets, txn, deleted, after, max, now, arena, out);
}

hf_err vault_secret_list_versions(struct vault *vault, struct store_txn *txn, hf_str name,
                                  const struct hf_uuid *after, size_t max, hf_usec now HF_UNUSED,
                                  struct hf_arena *arena, struct vault_page *out)
{
    return vault_object_list_versions(vault, &vault_secrets, txn, name, after, max, arena, out);
}

hf_err vault_secret_backup(struct vault *vault, struct store_txn *txn, hf_str name,
                           hf_usec now HF_UNUSED, struct hf_arena *arena, struct hf_buf *out)
{
    return vault_object_backup(vault, &vault_secrets, txn, name, arena, out);
}

/* ---- changing ---- */

static hf_err check_content_type(const struct vault_secret_change *change, struct hf_diag *diag)
{
    if (change->has_content_type &&
        !vault_text_fits(change->content_type, VAULT_CONTENT_TYPE_MAX_CHARS))
        return hf_fail(diag, HF_E_INVALID, "contentType", "must be UTF-8 of at most %d characters",
                       VAULT_CONTENT_TYPE_MAX_CHARS);
    return HF_OK;
}

hf_err vault_secret_set(struct vault *vault, hf_str name, const struct hf_secret *value,
                        const struct vault_secret_change *change, hf_usec now,
                        struct hf_arena *arena, struct hf_diag *diag, struct vault_command **out)
{
    hf_err err = check_content_type(change, diag);
    if (err != HF_OK)
        return err;
    /* a value that came from elsewhere than JSON is looked at too; one that is too long is refused below */
    if (hf_secret_size(value) <= VAULT_SECRET_VALUE_MAX_BYTES && !hf_secret_is_utf8(value))
        return hf_fail(diag, HF_E_INVALID, "value", "must be UTF-8");
    hf_bytes particulars = { NULL, 0 };
    err = encode(arena, change->has_content_type, change->content_type, &particulars);
    if (err != HF_OK)
        return err;
    struct vault_object_command *command = NULL;
    err = vault_object_new_version(vault, &vault_secrets, name, &change->common, particulars, value,
                                   now, arena, diag, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

/* `what` are the particulars with the content type given. */
static hf_err merge(struct vault_object_command *command, bool is_newest HF_UNUSED,
                    struct vault_version *version)
{
    if (command->what != NULL)
        version->particulars = *(const hf_bytes *)command->what;
    return HF_OK;
}

hf_err vault_secret_update(struct vault *vault, hf_str name, const struct hf_uuid *version,
                           const struct vault_secret_change *change, hf_usec now,
                           struct hf_arena *arena, struct hf_diag *diag, struct vault_command **out)
{
    hf_err err = check_content_type(change, diag);
    if (err != HF_OK)
        return err;
    struct vault_object_command *command = NULL;
    err = vault_object_update(vault, &vault_secrets, name, version, &change->common, now, arena,
                              diag, &command);
    if (err != HF_OK)
        return err;
    if (change->has_content_type) {
        hf_bytes *particulars = hf_arena_new_of(arena, hf_bytes);
        if (particulars == NULL)
            return HF_E_NOMEM;
        err = encode(arena, true, change->content_type, particulars);
        if (err != HF_OK)
            return err;
        command->what = particulars;
    }
    command->merge = merge;
    *out = &command->common;
    return HF_OK;
}

hf_err vault_secret_delete(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                           struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_delete(vault, &vault_secrets, name, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

hf_err vault_secret_recover(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                            struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_recover(vault, &vault_secrets, name, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

hf_err vault_secret_purge(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                          struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_purge(vault, &vault_secrets, name, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

hf_err vault_secret_restore(struct vault *vault, hf_bytes blob, hf_usec now, struct hf_arena *arena,
                            struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_restore(vault, &vault_secrets, blob, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}
