/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored beside a private key. What is taken has one form: written again by its members it is the same bytes. Its public
 * part, whatever it is, is shown or found to be none.
 */
#include "base/assert.h"
#include "vault/key.h"

#include <stdlib.h>

#define OUT_MAX_BYTES ((size_t)128 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t stored_number(enum crypto_key_type type)
{
    static const uint8_t numbers[] = {
        [CRYPTO_KEY_RSA] = 0,     [CRYPTO_KEY_EC_P256] = 1,  [CRYPTO_KEY_EC_P384] = 2,
        [CRYPTO_KEY_EC_P521] = 3, [CRYPTO_KEY_EC_P256K] = 4, [CRYPTO_KEY_OCT] = 5,
    };
    return numbers[type];
}

static void expect_same(const struct vault_key *key, hf_bytes particulars)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf buf;
    hf_buf_init(&buf, OUT_MAX_BYTES);
    hf_buf_put_u8(&buf, stored_number(key->type));
    hf_buf_put_u16(&buf, (uint16_t)key->bits);
    hf_buf_put_u8(&buf, key->is_hsm ? 1 : 0);
    hf_buf_put_u8(&buf, (uint8_t)key->ops.count);
    for (size_t i = 0; i < key->ops.count; i++)
        hf_buf_put_u8(&buf, (uint8_t)key->ops.items[i]);
    hf_buf_put_field16(&buf, key->public_part);
    HF_ASSERT(hf_bytes_equal(hf_buf_view(&buf), particulars));
}

static void expect_operations(const struct vault_key_ops *ops)
{
    HF_ASSERT(ops->count <= VAULT_KEY_OPS_MAX);
    for (size_t i = 0; i < ops->count; i++) {
        HF_ASSERT(vault_key_op_name(ops->items[i]).n > 0);
        HF_ASSERT(vault_key_ops_have(ops, ops->items[i]));
        for (size_t k = 0; k < i; k++)
            HF_ASSERT(ops->items[k] != ops->items[i]);
    }
    HF_ASSERT(ops->count == 1 || !vault_key_ops_have(ops, VAULT_KEY_IMPORT));
}

static void show(const struct vault_key *key)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf buf;
    hf_buf_init(&buf, OUT_MAX_BYTES);
    struct hf_json_writer w = hf_json_writer_on(&buf);
    hf_jw_begin_object(&w);
    const hf_err err = crypto_public_write_members(key->type, key->public_part, &w);
    hf_jw_end_object(&w);
    HF_ASSERT(err == HF_OK || err == HF_E_CORRUPT);
    if (err != HF_OK)
        return;
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    HF_ASSERT(hf_json_parse(hf_buf_view(&buf), NULL, &root) == HF_OK);
}

/* The input is copied into memory of its own size, so that a sanitizer sees a read behind its end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    HF_ASSERT(copy != NULL);
    for (size_t i = 0; i < size; i++)
        copy[i + 1] = data[i];
    const struct vault_version version = { .particulars = { copy + 1, size } };
    struct vault_key key;
    const hf_err err = vault_key_of(&version, &key);
    HF_ASSERT(err == HF_OK || err == HF_E_CORRUPT);
    if (err == HF_OK) {
        expect_same(&key, version.particulars);
        expect_operations(&key.ops);
        show(&key);
    }
    free(copy);
    return 0;
}
