/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from libcrypto's generators (SP 800-90A), one per thread, seeded by the system.
 */
#include "crypto/crypto.h"

#include "crypto/internal.h"

#include <openssl/rand.h>
#include <string.h>

#define STRENGTH_DEFAULT 0

hf_err crypto_random(void *out, size_t n)
{
    if (RAND_bytes_ex(NULL, out, n, STRENGTH_DEFAULT) == 1)
        return HF_OK;
    memset(out, 0, n);
    hf_ignore(crypto_err_take("random")); /* only HF_E_INTERNAL is promised */
    return HF_E_INTERNAL;
}

hf_err crypto_random_uuid(struct hf_uuid *out)
{
    struct hf_uuid uuid;
    hf_err err = crypto_random(uuid.b, sizeof(uuid.b));
    if (err != HF_OK)
        return err;
    uuid.b[6] = (uint8_t)((uuid.b[6] & 0x0f) | 0x40); /* version 4, RFC 9562 §5.4 */
    uuid.b[8] = (uint8_t)((uuid.b[8] & 0x3f) | 0x80); /* variant, §4.1 */
    *out = uuid;
    return HF_OK;
}

hf_err crypto_random_secret(size_t n, struct hf_secret **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *secret = NULL;
    hf_err err = hf_secret_new(n, &secret);
    if (err != HF_OK)
        return err;
    if (RAND_priv_bytes_ex(NULL, hf_secret_edit(secret), n, STRENGTH_DEFAULT) != 1)
        return crypto_err_take("random");
    *out = hf_take(&secret);
    return HF_OK;
}
