/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every storage key of this layer. Order and prefixes are the point of their layout:
 *
 *   vault      class, name                                          vaults by name
 *   object     class, vault id, collection, state, name, 0          objects of one state by name
 *   version    class, vault id, collection, name, 0, version id     versions of one name by id
 *   value      class, vault id, collection, name, 0, version id     beside its version
 *   purge due  class, time, vault id, collection, name, 0           what is due first, over all vaults
 *
 * Names are in lower case. The zero ends a name, so that no name is a prefix of another one's keys.
 */
#include "base/assert.h"
#include "base/reader.h"
#include "vault/internal.h"

#include <string.h>

#define TIME_SIGN_BIT (UINT64_C(1) << 63)

static void put(struct vault_storage_key *key, const void *bytes, size_t n)
{
    HF_ASSERT(n <= sizeof(key->p) - key->n);
    memcpy(key->p + key->n, bytes, n);
    key->n += n;
}

static void put_u8(struct vault_storage_key *key, unsigned value)
{
    const uint8_t byte = (uint8_t)value;
    put(key, &byte, sizeof(byte));
}

static void put_name(struct vault_storage_key *key, hf_str name)
{
    HF_ASSERT(name.n <= sizeof(key->p) - key->n);
    hf_str_lower_into(name, (char *)key->p + key->n);
    key->n += name.n;
}

/* Big-endian with the sign bit turned, so that memcmp order is the order of time. */
static void put_time(struct vault_storage_key *key, hf_usec t)
{
    const uint64_t ordered = (uint64_t)t ^ TIME_SIGN_BIT;
    for (int shift = 56; shift >= 0; shift -= 8)
        put_u8(key, (unsigned)(ordered >> shift) & 0xffU);
}

static struct vault_storage_key key_of_name(enum store_class class, const struct hf_uuid *vault,
                                            enum vault_collection collection, hf_str name)
{
    struct vault_storage_key key = { .n = 0 };
    put_u8(&key, class);
    put(&key, vault->b, sizeof(vault->b));
    put_u8(&key, collection);
    put_name(&key, name);
    put_u8(&key, 0);
    return key;
}

struct vault_storage_key vault_key_of_vault(hf_str name)
{
    struct vault_storage_key key = vault_key_of_vaults();
    put_name(&key, name);
    return key;
}

struct vault_storage_key vault_key_of_vaults(void)
{
    struct vault_storage_key key = { .n = 0 };
    put_u8(&key, STORE_CLASS_VAULT);
    return key;
}

struct vault_storage_key vault_key_of_object(const struct hf_uuid *vault,
                                             enum vault_collection collection,
                                             enum vault_state state, hf_str name)
{
    struct vault_storage_key key = vault_key_of_objects(vault, collection, state);
    put_name(&key, name);
    put_u8(&key, 0);
    return key;
}

struct vault_storage_key vault_key_of_objects(const struct hf_uuid *vault,
                                              enum vault_collection collection,
                                              enum vault_state state)
{
    struct vault_storage_key key = { .n = 0 };
    put_u8(&key, STORE_CLASS_OBJECT);
    put(&key, vault->b, sizeof(vault->b));
    put_u8(&key, collection);
    put_u8(&key, state);
    return key;
}

struct vault_storage_key vault_key_of_version(const struct hf_uuid *vault,
                                              enum vault_collection collection, hf_str name,
                                              const struct hf_uuid *version)
{
    struct vault_storage_key key = vault_key_of_versions(vault, collection, name);
    put(&key, version->b, sizeof(version->b));
    return key;
}

struct vault_storage_key vault_key_of_versions(const struct hf_uuid *vault,
                                               enum vault_collection collection, hf_str name)
{
    return key_of_name(STORE_CLASS_VERSION, vault, collection, name);
}

struct vault_storage_key vault_key_of_value(const struct hf_uuid *vault,
                                            enum vault_collection collection, hf_str name,
                                            const struct hf_uuid *version)
{
    struct vault_storage_key key = vault_key_of_values(vault, collection, name);
    put(&key, version->b, sizeof(version->b));
    return key;
}

struct vault_storage_key vault_key_of_values(const struct hf_uuid *vault,
                                             enum vault_collection collection, hf_str name)
{
    return key_of_name(STORE_CLASS_VALUE, vault, collection, name);
}

struct vault_storage_key vault_key_of_purge_due(const struct vault_purge_entry *entry)
{
    struct vault_storage_key key = vault_key_of_purge_dues();
    put_time(&key, entry->due);
    put(&key, entry->vault.b, sizeof(entry->vault.b));
    put_u8(&key, entry->collection);
    put_name(&key, entry->name);
    put_u8(&key, 0);
    return key;
}

struct vault_storage_key vault_key_of_purge_dues(void)
{
    struct vault_storage_key key = { .n = 0 };
    put_u8(&key, STORE_CLASS_PURGE_DUE);
    return key;
}

static bool is_collection(uint8_t byte)
{
    return byte == VAULT_COLLECTION_SECRETS || byte == VAULT_COLLECTION_KEYS;
}

hf_err vault_key_parse_purge_due(hf_bytes key, struct vault_purge_entry *out)
{
    struct hf_reader reader = hf_reader_of(key);
    struct vault_purge_entry entry = { .due = 0 };
    const uint8_t class = hf_read_u8(&reader);
    entry.due = (hf_usec)(hf_read_u64(&reader) ^ TIME_SIGN_BIT);
    hf_read_into(&reader, entry.vault.b, sizeof(entry.vault.b));
    const uint8_t collection = hf_read_u8(&reader);
    if (reader.err != HF_OK || hf_reader_left(&reader) == 0)
        return HF_E_CORRUPT;
    entry.name = hf_bytes_str(hf_read_bytes(&reader, hf_reader_left(&reader) - 1));
    const uint8_t end = hf_read_u8(&reader);
    if (hf_reader_finish(&reader) != HF_OK || class != STORE_CLASS_PURGE_DUE ||
        !is_collection(collection) || end != 0 || !vault_object_name_is_valid(entry.name))
        return HF_E_CORRUPT;
    entry.collection = collection;
    *out = entry;
    return HF_OK;
}

hf_err vault_key_parse_version(hf_bytes key, const struct vault_storage_key *prefix,
                               struct hf_uuid *out)
{
    if (key.n != prefix->n + sizeof(out->b) ||
        !hf_bytes_equal((hf_bytes){ key.p, prefix->n }, vault_storage_key_view(prefix)))
        return HF_E_CORRUPT;
    memcpy(out->b, key.p + prefix->n, sizeof(out->b));
    return HF_OK;
}
