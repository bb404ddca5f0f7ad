/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an installation is: its tenant and subscription, made once by `holdfast init` and kept sealed in the store; and
 * the keys that
 * the server itself derives from the root key.
 */
#pragma once

#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "crypto/record.h"
#include "seal/seal.h"
#include "server/settings.h"
#include "store/store.h"

/* The settings' seal, with the texts of the settings (which outlive it) and of the environment. */
struct seal_config server_seal_config(const struct server_settings *settings);

struct server_installation {
    struct hf_uuid tenant;
    struct hf_uuid subscription;
    hf_usec created;
};

/* Its record's plain form: tenant (16) || subscription (16) || created (i64). Errors are out's, sticky. */
void server_installation_encode(const struct server_installation *installation, struct hf_buf *out);
HF_MUST hf_err server_installation_decode(hf_bytes plain,
                                          struct server_installation *out); /* HF_E_CORRUPT */

/*
 * Makes the seal and the installation record. people may be NULL for a seal that opens by itself; their failures must not be
 * HF_E_EXISTS. Fails: HF_E_EXISTS if both are there (nothing is changed); else as seal_init(), seal_open() and store_open(), with
 * diag. An init that was interrupted is finished by the next one.
 */
HF_MUST hf_err server_install(const struct server_settings *settings, const struct hf_clock *clock,
                              const struct seal_people *people, struct hf_diag *diag,
                              struct server_installation *out);
/*
 * The generation of the root key that the store's records are sealed under; 1 if it is not noted. It is not sealed: who
 * changes it on disk makes that no record authenticates. get and put are for use in a transaction. Fails: HF_E_CORRUPT.
 */
HF_MUST hf_err server_generation_read(struct store *store, uint64_t *out);
HF_MUST hf_err server_generation_get(struct store_txn *txn, uint64_t *out);
HF_MUST hf_err server_generation_put(struct store_txn *txn, uint64_t generation);
/* HF_E_CONFLICT, with diag saying that seal and records do not belong together. */
HF_MUST hf_err server_generation_mismatch(const char *data, uint64_t generation,
                                          const struct seal_info *seal, struct hf_diag *diag);
/* The one of the roots that the store's records are sealed under; a copy, the caller's. Fails with diag, as below. */
HF_MUST hf_err server_choose_root(struct store *store, const char *data,
                                  const struct seal_roots *roots, struct hf_diag *diag,
                                  struct hf_secret **out);
/*
 * Opens the store under the one of the seal's roots that its records are sealed under. The clock is for the store's
 * journal and outlives the store. *out_root (a copy) is the caller's to free; *out_store to close. Fails: HF_E_CONFLICT
 * (none of the roots is that one; diag tells), HF_E_CORRUPT, as store_open()
 */
HF_MUST hf_err server_open_roots(const struct server_settings *settings,
                                 const struct hf_clock *clock, const struct seal_roots *roots,
                                 struct hf_diag *diag, struct hf_secret **out_root,
                                 struct store **out_store);
/* Opens seal and store. The clock is for the store's journal and outlives the store. *out_root is the
 * caller's to free; *out_store to close. */
HF_MUST hf_err server_open(const struct server_settings *settings, const struct hf_clock *clock,
                           struct hf_diag *diag, struct hf_secret **out_root,
                           struct store **out_store);
/* Fails: HF_E_NOT_FOUND if init was not finished. */
HF_MUST hf_err server_installation_read(struct store *store, const struct hf_secret *root,
                                        struct server_installation *out);

/* Whether there is an installation record; it is not opened. */
HF_MUST hf_err server_is_installed(struct store *store, bool *out);

/* The record key of the server's own records (META, AUDIT_HEAD, DEV). */
HF_MUST hf_err server_record_key(const struct hf_secret *root, struct crypto_record_key **out);
/* One sealed record of the server's, written synchronously / read. key: class byte and name. */
HF_MUST hf_err server_record_put(struct store *store, struct crypto_record_key *record_key,
                                 enum store_class class_byte, const char *name, hf_bytes plain);
HF_MUST hf_err server_record_get(struct store *store, struct crypto_record_key *record_key,
                                 enum store_class class_byte, const char *name, struct hf_buf *out);
