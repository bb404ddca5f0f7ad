/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting what opens the seal.
 */
#include "server/unseal.h"

#include <string.h>

void unseal_init(struct unseal *unseal, const struct seal_info *info)
{
    *unseal = (struct unseal){ .info = *info };
}

void unseal_forget(struct unseal *unseal)
{
    hf_secret_free(hf_take(&unseal->passphrase));
    for (size_t i = 0; i < unseal->shares_given; i++)
        hf_secret_free(hf_take(&unseal->shares[i]));
    unseal->shares_given = 0;
}

void unseal_update(struct unseal *unseal, const struct seal_info *info)
{
    const bool is_other = strcmp(unseal->info.kind, info->kind) != 0 ||
                          strcmp(unseal->info.share_set, info->share_set) != 0;
    if (is_other)
        unseal_forget(unseal);
    unseal->info = *info;
}

/* ---- taking ---- */

static bool takes_shares(const struct unseal *unseal)
{
    return unseal->info.threshold > 0;
}

/* Whether the kind asks for just this. */
static hf_err check_kind(const struct unseal *unseal, const struct unseal_request *request,
                         struct hf_diag *diag)
{
    const struct seal_info *info = &unseal->info;
    if (request->share != NULL && takes_shares(unseal))
        return HF_OK;
    if (request->passphrase != NULL && info->asks_people && !takes_shares(unseal))
        return HF_OK;
    if (request->share == NULL && request->passphrase == NULL && !info->asks_people)
        return HF_OK;
    return hf_fail(diag, HF_E_CONFLICT, "", "the seal is of kind \"%s\": it opens with %s",
                   info->kind,
                   takes_shares(unseal) ? "shares"
                   : info->asks_people  ? "a passphrase"
                                        : "nothing that people know");
}

static hf_err check_share(const struct unseal *unseal, const struct hf_secret *share,
                          struct hf_diag *diag, uint32_t *out_number)
{
    struct seal_share_info info = { 0 };
    hf_err err = seal_share_read_info(share, diag, &info);
    if (err != HF_OK)
        return err == HF_E_FORMAT ? HF_E_INVALID : err;
    if (strcmp(info.set, unseal->info.share_set) != 0)
        return hf_fail(diag, HF_E_INVALID, "share",
                       "the share is of the set %s; the seal needs shares of the set %s", info.set,
                       unseal->info.share_set);
    for (size_t i = 0; i < unseal->shares_given; i++) {
        if (unseal->numbers[i] == info.number)
            return hf_fail(diag, HF_E_INVALID, "share", "share %u was given already",
                           (unsigned int)info.number);
    }
    *out_number = info.number;
    return HF_OK;
}

static hf_err check_pause(const struct unseal *unseal, hf_usec now, struct hf_diag *diag)
{
    if (unseal_wait(unseal, now) == 0)
        return HF_OK;
    return hf_fail(diag, HF_E_THROTTLED, "",
                   "a try has just failed; the next one has to wait a moment");
}

static hf_err take_share(struct unseal *unseal, const struct hf_secret *share, hf_usec now,
                         struct hf_diag *diag, bool *out_ready)
{
    uint32_t number = 0;
    hf_err err = check_share(unseal, share, diag, &number);
    const uint32_t given = unseal->shares_given;
    if (err == HF_OK && given + 1 >= unseal->info.threshold)
        err = check_pause(unseal, now, diag);
    if (err == HF_OK && given >= SEAL_SHARES_MAX)
        err = HF_E_INTERNAL;
    if (err == HF_OK)
        err = hf_secret_dup(share, &unseal->shares[given]);
    if (err != HF_OK)
        return err;
    unseal->numbers[given] = number;
    unseal->shares_given = given + 1;
    *out_ready = unseal->shares_given >= unseal->info.threshold;
    return HF_OK;
}

static hf_err take_passphrase(struct unseal *unseal, const struct hf_secret *passphrase,
                              hf_usec now, struct hf_diag *diag, bool *out_ready)
{
    hf_secret_free(hf_take(&unseal->passphrase));
    hf_err err = check_pause(unseal, now, diag);
    if (err == HF_OK)
        err = hf_secret_dup(passphrase, &unseal->passphrase);
    *out_ready = err == HF_OK;
    return err;
}

hf_err unseal_take(struct unseal *unseal, const struct unseal_request *request, hf_usec now,
                   struct hf_diag *diag, bool *out_ready)
{
    const int asked = (request->passphrase != NULL) + (request->share != NULL) + request->reset;
    *out_ready = false;
    if (asked > 1)
        return hf_fail(diag, HF_E_INVALID, "",
                       "one of passphrase, share and reset, not several of them");
    if (request->reset) {
        unseal_forget(unseal);
        return HF_OK;
    }
    hf_err err = check_kind(unseal, request, diag);
    if (err != HF_OK)
        return err;
    if (request->share != NULL)
        return take_share(unseal, request->share, now, diag, out_ready);
    if (request->passphrase != NULL)
        return take_passphrase(unseal, request->passphrase, now, diag, out_ready);
    *out_ready = true;
    return HF_OK;
}

/* ---- trying ---- */

hf_usec unseal_wait(const struct unseal *unseal, hf_usec now)
{
    return unseal->failures > 0 && now < unseal->not_before ? unseal->not_before - now : 0;
}

static hf_err give(void *context, enum seal_ask what, size_t index, struct hf_secret **out)
{
    const struct unseal *unseal = context;
    const struct hf_secret *given = NULL;
    if (what == SEAL_ASK_PASSPHRASE)
        given = unseal->passphrase;
    else if (what == SEAL_ASK_SHARE && index < unseal->shares_given)
        given = unseal->shares[index];
    return given == NULL ? HF_E_NOT_FOUND : hf_secret_dup(given, out);
}

hf_err unseal_try(struct unseal *unseal, const struct seal_config *config, struct hf_diag *diag,
                  struct seal_roots *out)
{
    const struct seal_people people = { .context = unseal, .ask = give };
    return seal_open(config, &people, diag, out);
}

void unseal_tried(struct unseal *unseal, hf_err result, hf_usec now)
{
    unseal_forget(unseal);
    if (result == HF_OK || !unseal->info.asks_people) {
        unseal->failures = 0;
        return;
    }
    hf_usec pause = UNSEAL_PAUSE_FIRST;
    for (uint32_t i = 0; i < unseal->failures && pause < UNSEAL_PAUSE_MOST; i++)
        pause *= 2;
    if (unseal->failures < UINT32_MAX)
        unseal->failures++;
    unseal->not_before = now + (pause < UNSEAL_PAUSE_MOST ? pause : UNSEAL_PAUSE_MOST);
}
