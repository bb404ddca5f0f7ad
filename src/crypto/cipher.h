/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The families of crypto_encrypt() and crypto_decrypt(), each with its own file. For crypto/ only; key and algorithm fit.
 */
#pragma once

#include "crypto/internal.h"
#include "crypto/operation.h"

HF_MUST hf_err crypto_rsa_encrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                                  const struct crypto_input *in, struct hf_diag *diag,
                                  struct hf_buf *out);
HF_MUST hf_err crypto_rsa_decrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                                  const struct crypto_input *in, struct hf_buf *out);
HF_MUST hf_err crypto_aes_encrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                                  const struct crypto_input *in, struct hf_diag *diag,
                                  struct crypto_extra *extra, struct hf_buf *out);
HF_MUST hf_err crypto_aes_decrypt(const struct crypto_key *key, const struct crypto_alg *alg,
                                  const struct crypto_input *in, struct hf_buf *out);
