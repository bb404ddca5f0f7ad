/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people give to open the seal, collected until it is enough for a try: a passphrase, or shares one by one. Everything given
 * is in secret memory and is cleared by the try it was for, right or wrong. Tries that fail are slowed down.
 *
 * Threads: one at a time; unseal_try() may run on another one while nothing else is called.
 */
#pragma once

#include "base/clock.h"
#include "seal/seal.h"

/* After the first try that failed, the next one has to wait this long; each further one twice as long, up to the most. */
#define UNSEAL_PAUSE_FIRST (HF_USEC_PER_SEC / 4)
#define UNSEAL_PAUSE_MOST (30 * HF_USEC_PER_SEC)

struct unseal {
    struct seal_info info;
    struct hf_secret *passphrase;
    struct hf_secret *shares[SEAL_SHARES_MAX];
    uint32_t numbers[SEAL_SHARES_MAX]; /* of the shares, in the order given */
    uint32_t shares_given;
    uint32_t failures;  /* in a row, of what people gave */
    hf_usec not_before; /* monotonic: no try before */
};

/* What somebody asks for; at most one of the three. The secrets are the caller's. */
struct unseal_request {
    const struct hf_secret *passphrase;
    const struct hf_secret *share;
    bool reset;
};

void unseal_init(struct unseal *unseal, const struct seal_info *info);
/* Clears what was given. */
void unseal_forget(struct unseal *unseal);
/* The seal as it is now: shares of another set are forgotten, a passphrase too if the kind has changed. */
void unseal_update(struct unseal *unseal, const struct seal_info *info);

/*
 * Takes what is asked for. *out_ready: it is time for unseal_try().
 *
 * Fails: HF_E_INVALID    more than one thing asked for; a share that is mistyped, of another set, or given already
 *        HF_E_CONFLICT   the kind asks for something else
 *        HF_E_THROTTLED  a try failed just now (unseal_wait() says how long it takes); nothing was taken
 *        HF_E_NOMEM
 */
HF_MUST hf_err unseal_take(struct unseal *unseal, const struct unseal_request *request, hf_usec now,
                           struct hf_diag *diag, bool *out_ready);
/* How long the next try has to wait; 0: not at all. */
hf_usec unseal_wait(const struct unseal *unseal, hf_usec now);

/* Opens the seal of config's folder with what was given. May block for seconds. Fails as seal_open(). */
HF_MUST hf_err unseal_try(struct unseal *unseal, const struct seal_config *config,
                          struct hf_diag *diag, struct seal_roots *out);
/* After each try, with its result: clears what was given, and counts failures of people. */
void unseal_tried(struct unseal *unseal, hf_err result, hf_usec now);
