/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All storage keys of access/: a class byte, then identifiers of fixed size, so that a prefix never runs into another.
 */
#include "access/internal.h"

#include <string.h>

#define UUID_BYTES sizeof(struct hf_uuid)

static void key_put(struct access_key *key, const void *bytes, size_t n)
{
    HF_ASSERT(n <= sizeof(key->b) - key->n);
    memcpy(key->b + key->n, bytes, n);
    key->n += n;
}

static struct access_key key_of(enum store_class class, const struct hf_uuid *first,
                                const struct hf_uuid *second)
{
    struct access_key key = access_key_class(class);
    if (first != NULL)
        key_put(&key, first->b, UUID_BYTES);
    if (second != NULL)
        key_put(&key, second->b, UUID_BYTES);
    return key;
}

hf_bytes access_key_view(const struct access_key *key)
{
    return (hf_bytes){ key->b, key->n };
}

struct access_key access_key_class(enum store_class class)
{
    struct access_key key = { .n = 0 };
    uint8_t byte = (uint8_t) class;
    key_put(&key, &byte, 1);
    return key;
}

struct access_key access_key_generation(void)
{
    static const char name[] = "generation";
    struct access_key key = access_key_class(STORE_CLASS_TENANT);
    key_put(&key, name, sizeof(name) - 1);
    return key;
}

struct access_key access_key_principal(const struct hf_uuid *object_id)
{
    return key_of(STORE_CLASS_PRINCIPAL, object_id, NULL);
}

struct access_key access_key_client(const struct hf_uuid *client_id)
{
    return key_of(STORE_CLASS_CLIENT, client_id, NULL);
}

struct access_key access_key_credentials(const struct hf_uuid *object_id)
{
    return key_of(STORE_CLASS_CREDENTIAL, object_id, NULL);
}

struct access_key access_key_credential(const struct hf_uuid *object_id, const struct hf_uuid *id)
{
    return key_of(STORE_CLASS_CREDENTIAL, object_id, id);
}

struct access_key access_key_assignments(const struct hf_uuid *principal)
{
    return key_of(STORE_CLASS_ASSIGNMENT, principal, NULL);
}

struct access_key access_key_assignment(const struct hf_uuid *principal, const struct hf_uuid *id)
{
    return key_of(STORE_CLASS_ASSIGNMENT, principal, id);
}

struct access_key access_key_signing_keys(enum access_signing_part part)
{
    struct access_key key = access_key_class(STORE_CLASS_SIGNING_KEY);
    uint8_t byte = (uint8_t)part;
    key_put(&key, &byte, 1);
    return key;
}

struct access_key access_key_signing_key(enum access_signing_part part,
                                         const uint8_t kid[CRYPTO_SHA1_BYTES])
{
    struct access_key key = access_key_signing_keys(part);
    key_put(&key, kid, CRYPTO_SHA1_BYTES);
    return key;
}

hf_err access_key_read_principal(hf_bytes key, struct hf_uuid *out)
{
    if (key.n != 1 + UUID_BYTES)
        return HF_E_CORRUPT;
    memcpy(out->b, key.p + 1, UUID_BYTES);
    return HF_OK;
}

hf_err access_key_read_pair(hf_bytes key, struct hf_uuid *out_owner, struct hf_uuid *out_id)
{
    if (key.n != 1 + 2 * UUID_BYTES)
        return HF_E_CORRUPT;
    memcpy(out_owner->b, key.p + 1, UUID_BYTES);
    memcpy(out_id->b, key.p + 1 + UUID_BYTES, UUID_BYTES);
    return HF_OK;
}

hf_err access_key_read_kid(hf_bytes key, uint8_t out[CRYPTO_SHA1_BYTES])
{
    if (key.n != 2 + CRYPTO_SHA1_BYTES)
        return HF_E_CORRUPT;
    memcpy(out, key.p + 2, CRYPTO_SHA1_BYTES);
    return HF_OK;
}
