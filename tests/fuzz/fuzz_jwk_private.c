/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys as JSON: whatever is accepted can be stored, and what was stored is the same key.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/key_material.h"

#include <stddef.h>
#include <stdint.h>

#define INPUT_MAX_BYTES 8192
#define PUBLIC_MAX_BYTES 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same_after_storing(const struct crypto_key *key)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *material = NULL;
    HF_ASSERT(crypto_key_to_material(key, &material) == HF_OK);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *again = NULL;
    HF_ASSERT(crypto_key_from_material(crypto_key_type_of(key), crypto_key_bits(key), material,
                                       &again) == HF_OK);
    HF_CLEANUP(hf_buf_done) struct hf_buf first;
    HF_CLEANUP(hf_buf_done) struct hf_buf second;
    hf_buf_init(&first, PUBLIC_MAX_BYTES);
    hf_buf_init(&second, PUBLIC_MAX_BYTES);
    HF_ASSERT(crypto_key_put_public(key, &first) == HF_OK);
    HF_ASSERT(crypto_key_put_public(again, &second) == HF_OK);
    HF_ASSERT(hf_bytes_equal(hf_buf_view(&first), hf_buf_view(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum crypto_key_family families[] = { CRYPTO_FAMILY_RSA, CRYPTO_FAMILY_EC,
                                                       CRYPTO_FAMILY_OCT };
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = NULL;
    if (size > INPUT_MAX_BYTES || hf_json_parse((hf_bytes){ data, size }, NULL, &jwk) != HF_OK)
        return 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(families); i++) {
        HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
        struct hf_diag diag = { 0 };
        const hf_err err = crypto_key_import_jwk(families[i], jwk, &diag, &key);
        HF_ASSERT(err == HF_OK || (key == NULL && diag.field[0] != '\0'));
        if (err == HF_OK)
            expect_same_after_storing(key);
    }
    return 0;
}
