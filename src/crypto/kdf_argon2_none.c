/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build without libargon2: Argon2id is there if libcrypto has it.
 */
#include "crypto/internal.h"

hf_err crypto_argon2id_library(const struct hf_secret *passphrase HF_UNUSED,
                               hf_bytes salt HF_UNUSED,
                               const struct crypto_argon2id_cost *cost HF_UNUSED,
                               struct hf_secret *out HF_UNUSED)
{
    return HF_E_UNSUPPORTED;
}
