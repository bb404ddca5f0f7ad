/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotating the root key: a new one in the seal beside the old, every record that is sealed under a key derived from it sealed
 * anew in one commit, the old one out of the seal. Killed at any moment, the server opens (before the commit with the old
 * root key, after it with the new), and another call finishes what is left.
 *
 * Keys of vaults stay: only what wraps them changes. So do secrets, tokens and their signing keys. What ends with the old root
 * key: marks for the next page of a list (clients list again), and the journal's use for incremental backups (the first backup
 * after a rotation is a full one). Backups of single secrets are restored with the last 16 root keys' backup keys.
 */
#pragma once

#include "audit/audit.h"
#include "base/clock.h"
#include "crypto/record.h"
#include "seal/seal.h"
#include "server/settings.h"
#include "store/store.h"

/*
 * people may be NULL for a seal that opens by itself; each answer is asked for once. *out_generation: of the new root key.
 * Memory: the pages that change, about those of all vaults, principals and assignments (not of secrets).
 *
 * Fails, with diag: HF_E_BUSY (a server has the store open: stop or seal it first), HF_E_NOT_FOUND (not initialised),
 * HF_E_CONFLICT (seal and records do not belong together), HF_E_CORRUPT (a record does not authenticate: no record is changed),
 * HF_E_UNSUPPORTED (records of a kind that this version does not know: no record is changed), as seal_rotate_begin(),
 * store_open() and store_apply()
 */
HF_MUST hf_err server_rotate_root(const struct server_settings *settings,
                                  const struct hf_clock *clock, const struct seal_people *people,
                                  struct hf_diag *diag, uint64_t *out_generation);

/*
 * Its second step, the one commit: seals what is sealed under the first of two roots under the second. HF_OK also if that was
 * done before. The store is open without a journal, so that a gap shows that entries before and after it do not fit together;
 * the entries before are dropped. diag tells of data, the folder.
 */
HF_MUST hf_err server_rotate_records(struct store *store, const char *data,
                                     const struct seal_roots *roots, hf_usec now,
                                     struct hf_diag *diag);

/* What it leaves in the store for the server that starts next: a sealed record. */
struct server_rotated {
    uint64_t from; /* generations of the root key */
    uint64_t to;
    hf_usec time;
    bool is_recorded; /* in the audit log */
};

/* Errors of encoding are out's, sticky. Decoding fails: HF_E_CORRUPT. */
void server_rotated_encode(const struct server_rotated *rotated, struct hf_buf *out);
HF_MUST hf_err server_rotated_decode(hf_bytes plain, struct server_rotated *out);

/*
 * Writes into the audit log that the root key was rotated, if a rotation was not recorded yet: by the rotation itself, or if that
 * was interrupted at the start after it. uid: of who did it, or SERVER_ACT_NOBODY. HF_OK also if there was none.
 */
HF_MUST hf_err server_rotated_record(struct store *store, struct crypto_record_key *record_key,
                                     struct audit_log *log, int64_t uid, hf_usec now);
