/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking people.
 */
#include "seal/kind.h"

hf_err seal_ask(const struct seal_people *people, enum seal_ask what, size_t index,
                struct hf_diag *diag, struct hf_secret **out)
{
    const char *wanted = what == SEAL_ASK_SHARE ? "share" : "passphrase";
    if (people == NULL || people->ask == NULL)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "the seal needs a %s, and nobody can be asked",
                       wanted);
    hf_err err = people->ask(people->context, what, index, out);
    if (err == HF_E_NOT_FOUND && what == SEAL_ASK_SHARE)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "too few shares: %zu given", index);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "no passphrase given");
    if (err != HF_OK)
        return hf_fail(diag, err, "", "no %s: %s", wanted, hf_err_text(err));
    return HF_OK;
}
