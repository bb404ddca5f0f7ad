/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: a collection whose values are private keys (crypto_key_to_material()). Their particulars:
 *
 *   type (1), bits (2), flags (1), number of operations (1), operations (1 each), public part (field16)
 */
#include "vault/key.h"

#include "base/reader.h"
#include "vault/internal.h"

enum {
    FLAG_HSM = 1U << 0,
    FLAGS_ALL = (1U << 1) - 1,
};

#define FIXED_BYTES (1 + 2 + 1 + 1 + VAULT_KEY_OPS_MAX + 2)
/* RSA-4096: length of n, n, e */
#define PUBLIC_MAX_BYTES (2 + 512 + 8)

/* The numbers under which key types are stored: never change. */
static const enum crypto_key_type stored_types[] = {
    CRYPTO_KEY_RSA,     CRYPTO_KEY_EC_P256,  CRYPTO_KEY_EC_P384,
    CRYPTO_KEY_EC_P521, CRYPTO_KEY_EC_P256K, CRYPTO_KEY_OCT,
};

/* ---- operations ---- */

/* clang-format off */
static const struct {
    hf_str name;
    unsigned families; /* bits by enum crypto_key_family */
} op_rows[VAULT_KEY_OPS_MAX] = {
#define FAMILY(which) (1U << CRYPTO_FAMILY_##which)
    [VAULT_KEY_ENCRYPT] = { { "encrypt", 7 },   FAMILY(RSA) | FAMILY(OCT) },
    [VAULT_KEY_DECRYPT] = { { "decrypt", 7 },   FAMILY(RSA) | FAMILY(OCT) },
    [VAULT_KEY_SIGN]    = { { "sign", 4 },      FAMILY(RSA) | FAMILY(EC) | FAMILY(OCT) },
    [VAULT_KEY_VERIFY]  = { { "verify", 6 },    FAMILY(RSA) | FAMILY(EC) | FAMILY(OCT) },
    [VAULT_KEY_WRAP]    = { { "wrapKey", 7 },   FAMILY(RSA) | FAMILY(OCT) },
    [VAULT_KEY_UNWRAP]  = { { "unwrapKey", 9 }, FAMILY(RSA) | FAMILY(OCT) },
    [VAULT_KEY_IMPORT]  = { { "import", 6 },    FAMILY(RSA) },
#undef FAMILY
};

/* What a key can do if nothing is said (Key Vault REST, Create Key). */
static const struct vault_key_ops default_ops[] = {
    [CRYPTO_FAMILY_RSA] = { { VAULT_KEY_ENCRYPT, VAULT_KEY_DECRYPT, VAULT_KEY_SIGN, VAULT_KEY_VERIFY, VAULT_KEY_WRAP, VAULT_KEY_UNWRAP }, 6 },
    [CRYPTO_FAMILY_EC]  = { { VAULT_KEY_SIGN, VAULT_KEY_VERIFY }, 2 },
    [CRYPTO_FAMILY_OCT] = { { VAULT_KEY_ENCRYPT, VAULT_KEY_DECRYPT, VAULT_KEY_WRAP, VAULT_KEY_UNWRAP }, 4 },
};
/* clang-format on */

hf_str vault_key_op_name(enum vault_key_op op)
{
    return op_rows[op].name;
}

hf_err vault_key_op_parse(hf_str name, enum vault_key_op *out)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(op_rows); i++) {
        if (hf_str_equal(op_rows[i].name, name)) {
            *out = (enum vault_key_op)i;
            return HF_OK;
        }
    }
    return HF_E_UNSUPPORTED;
}

bool vault_key_ops_have(const struct vault_key_ops *ops, enum vault_key_op op)
{
    for (size_t i = 0; i < ops->count; i++) {
        if (ops->items[i] == op)
            return true;
    }
    return false;
}

/* Fit the type, are given once, and "import" stands alone. */
static bool ops_fit(const struct vault_key_ops *ops, enum crypto_key_type type)
{
    const unsigned family = 1U << crypto_key_family_of(type);
    for (size_t i = 0; i < ops->count; i++) {
        if ((op_rows[ops->items[i]].families & family) == 0)
            return false;
        for (size_t j = 0; j < i; j++) {
            if (ops->items[j] == ops->items[i])
                return false;
        }
    }
    return ops->count <= 1 || !vault_key_ops_have(ops, VAULT_KEY_IMPORT);
}

/* ---- particulars ---- */

static uint8_t stored_number(enum crypto_key_type type)
{
    size_t i = 0;
    while (stored_types[i] != type)
        i++;
    return (uint8_t)i;
}

static hf_err encode(struct hf_arena *arena, const struct vault_key *key, hf_bytes *out)
{
    struct hf_buf buf;
    hf_err err = vault_arena_buf(arena, FIXED_BYTES + key->public_part.n, &buf);
    if (err != HF_OK)
        return err;
    hf_buf_put_u8(&buf, stored_number(key->type));
    hf_buf_put_u16(&buf, (uint16_t)key->bits);
    hf_buf_put_u8(&buf, key->is_hsm ? FLAG_HSM : 0);
    hf_buf_put_u8(&buf, (uint8_t)key->ops.count);
    for (size_t i = 0; i < key->ops.count; i++)
        hf_buf_put_u8(&buf, (uint8_t)key->ops.items[i]);
    hf_buf_put_field16(&buf, key->public_part);
    *out = hf_buf_view(&buf);
    return hf_buf_err(&buf);
}

static void read_ops(struct hf_reader *reader, struct vault_key_ops *out)
{
    const size_t count = hf_read_u8(reader);
    for (size_t i = 0; i < count && reader->err == HF_OK; i++) {
        const uint8_t op = hf_read_u8(reader);
        if (i >= VAULT_KEY_OPS_MAX || op >= VAULT_KEY_OPS_MAX)
            reader->err = HF_E_CORRUPT;
        else
            out->items[out->count++] = (enum vault_key_op)op;
    }
}

static hf_err decode(hf_bytes particulars, struct vault_key *key)
{
    struct hf_reader reader = hf_reader_of(particulars);
    const size_t type = hf_read_u8(&reader);
    key->bits = hf_read_u16(&reader);
    const unsigned flags = hf_read_u8(&reader);
    key->ops.count = 0;
    read_ops(&reader, &key->ops);
    key->public_part = hf_read_field16(&reader, PUBLIC_MAX_BYTES);
    if (hf_reader_finish(&reader) != HF_OK || type >= HF_ARRAY_LEN(stored_types) ||
        (flags & ~(unsigned)FLAGS_ALL) != 0)
        return HF_E_CORRUPT;
    key->type = stored_types[type];
    key->is_hsm = (flags & FLAG_HSM) != 0;
    return ops_fit(&key->ops, key->type) ? HF_OK : HF_E_CORRUPT;
}

hf_err vault_key_of(const struct vault_version *version, struct vault_key *out)
{
    struct vault_key key = { .version = *version };
    hf_err err = decode(version->particulars, &key);
    if (err == HF_OK)
        *out = key;
    return err;
}

/* The value is opened and compared with them when it is used. */
static hf_err check(hf_bytes particulars, hf_bytes value)
{
    struct vault_key key;
    if (value.n == 0)
        return HF_E_CORRUPT;
    return decode(particulars, &key);
}

static const struct vault_kind keys = {
    .collection = VAULT_COLLECTION_KEYS,
    .value_format = VAULT_KEY_VALUE_FORMAT,
    .value_max_bytes = VAULT_KEY_VALUE_MAX_BYTES,
    .tag_max_chars = VAULT_KEY_TAG_MAX_CHARS,
    .check = check,
};

/* ---- reading ---- */

hf_err vault_key_get(struct vault *vault, struct store_txn *txn, hf_str name,
                     const struct hf_uuid *version, struct hf_arena *arena, struct vault_key *out)
{
    struct vault_version found;
    hf_err err = vault_object_get(vault, &keys, txn, name, version, arena, &found);
    return err == HF_OK ? vault_key_of(&found, out) : err;
}

hf_err vault_key_get_deleted(struct vault *vault, struct store_txn *txn, hf_str name, hf_usec now,
                             struct hf_arena *arena, struct vault_key *out)
{
    struct vault_version found;
    hf_err err = vault_object_get_deleted(vault, &keys, txn, name, now, arena, &found);
    return err == HF_OK ? vault_key_of(&found, out) : err;
}

hf_err vault_key_list(struct vault *vault, struct store_txn *txn, bool deleted, hf_str after,
                      size_t max, hf_usec now, struct hf_arena *arena, struct vault_page *out)
{
    return vault_object_list(vault, &keys, txn, deleted, after, max, now, arena, out);
}

hf_err vault_key_list_versions(struct vault *vault, struct store_txn *txn, hf_str name,
                               const struct hf_uuid *after, size_t max, hf_usec now HF_UNUSED,
                               struct hf_arena *arena, struct vault_page *out)
{
    return vault_object_list_versions(vault, &keys, txn, name, after, max, arena, out);
}

hf_err vault_key_backup(struct vault *vault, struct store_txn *txn, hf_str name,
                        hf_usec now HF_UNUSED, struct hf_arena *arena, struct hf_buf *out)
{
    return vault_object_backup(vault, &keys, txn, name, arena, out);
}

hf_err vault_key_load(struct vault *vault, struct store_txn *txn, const struct vault_key *key,
                      struct hf_arena *arena, struct crypto_key **out)
{
    const struct hf_secret *material = NULL;
    hf_err err = vault_object_read_value(vault, &keys, txn, &key->version, arena, &material);
    return err == HF_OK ? crypto_key_from_material(key->type, key->bits, material, out) : err;
}

/* ---- changing ---- */

static hf_err refuse_ops(struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_INVALID, "key_ops", "do not fit the type of the key");
}

/* What is stored beside the private key. */
static hf_err describe(const struct crypto_key *key, const struct vault_key_change *change,
                       struct hf_arena *arena, struct hf_diag *diag, hf_bytes *out)
{
    struct hf_buf public_part;
    hf_err err = vault_arena_buf(arena, PUBLIC_MAX_BYTES, &public_part);
    if (err == HF_OK)
        err = crypto_key_put_public(key, &public_part);
    if (err != HF_OK)
        return err;
    struct vault_key described = { .type = crypto_key_type_of(key),
                                   .bits = crypto_key_bits(key),
                                   .public_part = hf_buf_view(&public_part) };
    described.ops = change->has_ops ? change->ops
                                    : default_ops[crypto_key_family_of(described.type)];
    if (!ops_fit(&described.ops, described.type))
        return refuse_ops(diag);
    return encode(arena, &described, out);
}

static hf_err admit_existing(struct vault_object_command *command HF_UNUSED,
                             const struct vault_version *newest)
{
    return newest != NULL ? HF_OK : HF_E_NOT_FOUND;
}

hf_err vault_key_create(struct vault *vault, hf_str name, const struct crypto_key *key,
                        const struct vault_key_change *change, bool must_exist, hf_usec now,
                        struct hf_arena *arena, struct hf_diag *diag, struct vault_command **out)
{
    hf_bytes particulars = { NULL, 0 };
    hf_err err = describe(key, change, arena, diag, &particulars);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *material = NULL;
    err = crypto_key_to_material(key, &material);
    if (err != HF_OK)
        return err;
    struct vault_object_command *command = NULL;
    err = vault_object_new_version(vault, &keys, name, &change->common, particulars, material, now,
                                   arena, diag, &command);
    if (err != HF_OK)
        return err;
    command->admit = must_exist ? admit_existing : NULL;
    *out = &command->common;
    return HF_OK;
}

/* `what` are the operations given. */
static hf_err merge(struct vault_object_command *command, bool is_newest HF_UNUSED,
                    struct vault_version *version)
{
    const struct vault_key_ops *ops = command->what;
    if (ops == NULL)
        return HF_OK;
    struct vault_key key;
    hf_err err = vault_key_of(version, &key);
    if (err != HF_OK)
        return err;
    key.ops = *ops;
    if (!ops_fit(&key.ops, key.type))
        return refuse_ops(&command->common.diag);
    return encode(command->arena, &key, &version->particulars);
}

hf_err vault_key_update(struct vault *vault, hf_str name, const struct hf_uuid *version,
                        const struct vault_key_change *change, hf_usec now, struct hf_arena *arena,
                        struct hf_diag *diag, struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_update(vault, &keys, name, version, &change->common, now, arena, diag,
                                     &command);
    if (err != HF_OK)
        return err;
    if (change->has_ops) {
        struct vault_key_ops *ops = hf_arena_new_of(arena, struct vault_key_ops);
        if (ops == NULL)
            return HF_E_NOMEM;
        *ops = change->ops;
        command->what = ops;
    }
    command->merge = merge;
    *out = &command->common;
    return HF_OK;
}

hf_err vault_key_delete(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                        struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_delete(vault, &keys, name, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

hf_err vault_key_recover(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                         struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_recover(vault, &keys, name, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

hf_err vault_key_purge(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                       struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_purge(vault, &keys, name, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}

hf_err vault_key_restore(struct vault *vault, hf_bytes blob, hf_usec now, struct hf_arena *arena,
                         struct vault_command **out)
{
    struct vault_object_command *command = NULL;
    hf_err err = vault_object_restore(vault, &keys, blob, now, arena, &command);
    if (err == HF_OK)
        *out = &command->common;
    return err;
}
