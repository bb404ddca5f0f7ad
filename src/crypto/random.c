/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from libcrypto's generators (SP 800-90A), one per thread, seeded by the system.
 */
#include "crypto/crypto.h"

#include "crypto/internal.h"

#include <openssl/rand.h>
#include <string.h>
#include <sys/random.h>

#define STRENGTH_DEFAULT 0
#define UUIDS_PER_DRAW 32

hf_err crypto_random(void *out, size_t n)
{
    if (RAND_bytes_ex(NULL, out, n, STRENGTH_DEFAULT) == 1)
        return HF_OK;
    memset(out, 0, n);
    hf_ignore(crypto_err_take("random")); /* only HF_E_INTERNAL is promised */
    return HF_E_INTERNAL;
}

bool crypto_random_is_ready(void)
{
    uint8_t byte = 0;
    return getrandom(&byte, sizeof(byte), GRND_NONBLOCK) == (ssize_t)sizeof(byte) &&
           RAND_status() == 1;
}

/*
 * Random bytes for identifiers, drawn for several at once: a draw costs more than its bytes, and
 * every request needs an identifier. These are no secrets; keys, nonces and seeds are never taken
 * from here. A child of fork() would repeat them, but no process of ours forks.
 */
struct uuid_stock {
    uint8_t bytes[UUIDS_PER_DRAW * sizeof(struct hf_uuid)];
    size_t left; /* bytes not yet given out, at the front */
};
static _Thread_local struct uuid_stock uuid_stock;

static hf_err take_uuid(struct hf_uuid *out)
{
    struct uuid_stock *stock = &uuid_stock;
    if (stock->left == 0) {
        hf_err err = crypto_random(stock->bytes, sizeof(stock->bytes));
        if (err != HF_OK)
            return err;
        stock->left = sizeof(stock->bytes);
    }
    stock->left -= sizeof(*out);
    memcpy(out->b, stock->bytes + stock->left, sizeof(*out));
    hf_wipe(stock->bytes + stock->left, sizeof(*out));
    return HF_OK;
}

hf_err crypto_random_uuid(struct hf_uuid *out)
{
    struct hf_uuid uuid;
    hf_err err = take_uuid(&uuid);
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
