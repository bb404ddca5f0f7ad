/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals and shares. The first byte chooses: 0 is a file as it comes from outside, 1 the same with its digest mended, so that the
 * kinds' parameters are reached; anything else is the text of a share, which must be written to the same text if it is read.
 */
#include "crypto/crypto.h"
#include "seal/file.h"
#include "seal/share.h"

#include <stdlib.h>
#include <string.h>

#define ROOT_HEAD_BYTES 10 /* generation, length */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_file(hf_bytes bytes)
{
    struct seal_file file = { 0 };
    struct seal_info info = { 0 };
    hf_err err = seal_read_info_bytes(bytes, NULL, &info);
    if (seal_file_parse(bytes, "seal", NULL, &file) != HF_OK) {
        if (err == HF_OK)
            abort();
        return;
    }
    size_t n = file.prefix.n + CRYPTO_SHA256_BYTES;
    for (size_t i = 0; i < file.count; i++)
        n += ROOT_HEAD_BYTES + file.root[i].sealed.n;
    if (n != bytes.n)
        abort();
    if (err == HF_OK && (info.roots != file.count || info.threshold > info.shares))
        abort();
}

static void try_mended(hf_bytes bytes)
{
    uint8_t copy[SEAL_FILE_MAX_BYTES];
    if (bytes.n < CRYPTO_SHA256_BYTES || bytes.n > sizeof(copy))
        return;
    memcpy(copy, bytes.p, bytes.n);
    const hf_bytes content = { copy, bytes.n - CRYPTO_SHA256_BYTES };
    if (crypto_sha256(&content, 1, copy + content.n) == HF_OK)
        try_file((hf_bytes){ copy, bytes.n });
}

static void try_share(hf_bytes bytes)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *again = NULL;
    HF_CLEANUP(seal_share_done) struct seal_share share = { 0 };
    if (hf_secret_from_bytes(bytes, &text) != HF_OK ||
        seal_share_parse(text, NULL, &share) != HF_OK)
        return;
    const hf_str trimmed = hf_str_trim(hf_bytes_str(bytes));
    if (seal_share_write(&share, &again) != HF_OK || !hf_secret_equal(again, hf_str_bytes(trimmed)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || crypto_init(NULL) != HF_OK)
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    if (data[0] == 0)
        try_file(input);
    else if (data[0] == 1)
        try_mended(input);
    else
        try_share(input);
    return 0;
}
