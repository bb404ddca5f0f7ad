/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal as the local socket shows it, whether the server is open or sealed, and the order to seal an open one. What opens and
 * seals stands above: server/ fills in the functions.
 */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

#define API_SEAL_KIND_BYTES 32
#define API_SHARE_SET_BYTES 16
#define API_SEAL_REASON_BYTES 512

struct api_seal_status {
    bool sealed;
    char kind[API_SEAL_KIND_BYTES];
    uint64_t generation; /* of the newest root key */
    bool rotating;
    uint32_t shares; /* shamir; else 0 */
    uint32_t threshold;
    uint32_t shares_given;
    char share_set[API_SHARE_SET_BYTES]; /* empty if there is none */
    bool asks_people;
    char reason[API_SEAL_REASON_BYTES]; /* why it is not open; empty: not known, or it is open */
};

/* What an operator's command on the data folder tells an open server, whose audit log it cannot write itself. */
struct api_operator_act {
    hf_str operation; /* the caller has checked it */
    hf_str detail;
    int status;
    int64_t uid;
    hf_usec time;
};

/* Threads: any. */
struct api_sealing {
    void *context;
    /* Reads a small file. Fails as seal_read_info(), with diag. */
    hf_err (*status)(void *context, struct hf_diag *diag, struct api_seal_status *out);
    /* The server is drained, closed and sealed after this call; it cannot be taken back. */
    void (*seal)(void *context);
    /* Durable when it returns. Blocks. Fails: HF_E_IO, HF_E_DISK_FULL, HF_E_NOMEM, HF_E_UNAVAILABLE. */
    hf_err (*record)(void *context, const struct api_operator_act *act);
};

/* Writes the object. */
void api_seal_status_write(const struct api_seal_status *status, struct hf_json_writer *w);
