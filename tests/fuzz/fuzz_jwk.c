/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as JSON: whatever is accepted is written to JSON, and reading that gives the same key.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/key.h"

#include <stddef.h>
#include <stdint.h>

#define INPUT_MAX_BYTES 8192
#define OUTPUT_MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL if it is refused. */
static struct crypto_key *read_key(hf_bytes text)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = NULL;
    struct crypto_key *key = NULL;
    if (hf_json_parse(text, NULL, &jwk) != HF_OK || crypto_key_from_jwk(jwk, &key) != HF_OK)
        return NULL;
    return key;
}

static void write_key(const struct crypto_key *key, struct hf_buf *out)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    HF_ASSERT(crypto_key_write_jwk_members(key, &w) == HF_OK);
    hf_jw_end_object(&w);
    HF_ASSERT(hf_buf_err(out) == HF_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    if (size > INPUT_MAX_BYTES)
        return 0;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = read_key((hf_bytes){ data, size });
    if (key == NULL)
        return 0;
    HF_CLEANUP(hf_buf_done) struct hf_buf first;
    hf_buf_init(&first, OUTPUT_MAX_BYTES);
    write_key(key, &first);
    HF_CLEANUP(crypto_key_freep) struct crypto_key *again = read_key(hf_buf_view(&first));
    HF_ASSERT(again != NULL && crypto_key_bits(again) == crypto_key_bits(key));
    HF_CLEANUP(hf_buf_done) struct hf_buf second;
    hf_buf_init(&second, OUTPUT_MAX_BYTES);
    write_key(again, &second);
    HF_ASSERT(hf_bytes_equal(hf_buf_view(&first), hf_buf_view(&second)));
    return 0;
}
