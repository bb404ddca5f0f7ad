/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2id from libargon2, for a libcrypto without it.
 */
#include "crypto/internal.h"

#include <argon2.h>

hf_err crypto_argon2id_library(const struct hf_secret *passphrase, hf_bytes salt,
                               const struct crypto_argon2id_cost *cost, struct hf_secret *out)
{
    hf_bytes plain = hf_secret_view(passphrase);
    argon2_context context = {
        .out = hf_secret_edit(out),
        .pwd = (uint8_t *)(uintptr_t)plain.p, /* read only, unless a flag says otherwise */
        .salt = (uint8_t *)(uintptr_t)salt.p,
        .t_cost = cost->passes,
        .m_cost = cost->memory_kib,
        .lanes = cost->lanes,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_DEFAULT_FLAGS, /* its memory is cleared in any case */
    };
    if (!hf_u32_from_size(hf_secret_size(out), &context.outlen) ||
        !hf_u32_from_size(plain.n, &context.pwdlen) || !hf_u32_from_size(salt.n, &context.saltlen))
        return HF_E_TOO_LARGE;
    int code = argon2id_ctx(&context);
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
        return HF_E_NOMEM;
    return code == ARGON2_OK ? HF_OK : HF_E_INTERNAL;
}
