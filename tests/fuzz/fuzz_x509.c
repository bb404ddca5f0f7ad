/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, DER or PEM: whatever is accepted survives the way through PEM unchanged, and its parts can be asked for.
 * The same bytes are also tried as a private key.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/x509.h"

#include <stddef.h>
#include <stdint.h>

#define DER_MAX_BYTES 65536
#define PEM_MAX_BYTES (2 * DER_MAX_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_private_key(hf_bytes input)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *from_pem = NULL;
    hf_ignore(crypto_key_from_pem(input, &from_pem)); /* only that it returns matters */
    HF_CLEANUP(hf_secret_freep) struct hf_secret *der = NULL;
    if (hf_secret_from_bytes(input, &der) != HF_OK)
        return;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *from_der = NULL;
    hf_ignore(crypto_key_from_pkcs8(der, &from_der)); /* only that it returns matters */
}

static void check_round_trip(hf_bytes der)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf pem;
    hf_buf_init(&pem, PEM_MAX_BYTES);
    HF_ASSERT(crypto_certificate_write_pem(der, &pem) == HF_OK);
    HF_CLEANUP(hf_buf_done) struct hf_buf again;
    hf_buf_init(&again, DER_MAX_BYTES);
    HF_ASSERT(crypto_certificate_read(hf_buf_view(&pem), &again) == HF_OK);
    HF_ASSERT(hf_bytes_equal(hf_buf_view(&again), der));
}

static void ask_for_parts(hf_bytes der)
{
    struct crypto_certificate_info info;
    hf_ignore(crypto_certificate_info(der, &info)); /* its times may be nonsense */
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    hf_ignore(crypto_certificate_key(der, &key)); /* its key may be of another kind */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    const hf_bytes input = { data, size };
    try_private_key(input);
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&der, DER_MAX_BYTES);
    if (crypto_certificate_read(input, &der) != HF_OK)
        return 0;
    check_round_trip(hf_buf_view(&der));
    ask_for_parts(hf_buf_view(&der));
    return 0;
}
