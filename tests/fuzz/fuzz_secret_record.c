/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plaintext of the vault layer's records. The first byte chooses the kind: version, object,
 * vault, or the key of an entry in the purge index. What decodes must encode to the same bytes.
 */
#include "vault/internal.h"
#include "vault/secret.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX_BYTES (1024 * 1024)
#define RECORD_MAX_BYTES (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct hf_buf *encoded, hf_bytes input)
{
    if (hf_buf_err(encoded) != HF_OK || !hf_bytes_equal(hf_buf_view(encoded), input))
        abort();
}

/* The particulars are the secrets': any bytes are to be taken or refused. */
static void try_version(hf_bytes input, struct hf_arena *arena, struct hf_buf *out)
{
    struct vault_version version;
    struct vault_secret secret;
    if (vault_version_decode(input, arena, &version) != HF_OK)
        return;
    vault_version_encode(&version, out);
    expect_same(out, input);
    if (vault_version_size(&version) != input.n)
        abort();
    if (vault_secret_of(&version, &secret) == HF_OK &&
        secret.content_type.n >= version.particulars.n)
        abort();
}

static void try_object(hf_bytes input, struct hf_arena *arena, struct hf_buf *out)
{
    struct vault_object object;
    struct vault_version newest;
    if (vault_object_decode(input, &object) != HF_OK)
        return;
    vault_object_encode(&object, out);
    expect_same(out, input);
    if (vault_object_size(&object) != input.n)
        abort();
    if (vault_object_newest(&object, arena, &newest) != HF_OK)
        return;
    hf_buf_reset(out);
    vault_version_encode(&newest, out);
    expect_same(out, object.copy);
}

static void try_vault(hf_bytes input, struct hf_buf *out)
{
    struct vault_properties properties;
    hf_bytes key = { NULL, 0 };
    if (vault_record_decode(input, &properties, &key) != HF_OK)
        return;
    vault_record_encode(&properties, key, out);
    expect_same(out, input);
}

/* Names in keys are in lower case when written, in any case when read. */
static void try_purge_key(hf_bytes input)
{
    struct vault_purge_entry entry;
    if (vault_key_parse_purge_due(input, &entry) != HF_OK)
        return;
    const struct vault_storage_key key = vault_key_of_purge_due(&entry);
    if (!hf_str_equal_nocase(hf_bytes_str(vault_storage_key_view(&key)), hf_bytes_str(input)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hf_arena *arena;
    if (size == 0 || (arena == NULL && hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK))
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    struct hf_buf out;
    hf_buf_init(&out, RECORD_MAX_BYTES);
    if (data[0] == 0)
        try_version(input, arena, &out);
    else if (data[0] == 1)
        try_object(input, arena, &out);
    else if (data[0] == 2)
        try_vault(input, &out);
    else
        try_purge_key(input);
    hf_buf_done(&out);
    hf_arena_reset(arena);
    return 0;
}
