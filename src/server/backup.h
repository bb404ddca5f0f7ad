/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of the whole server: the running server makes them (backup.c); the command line reads them without one
 * (backup_command.c, backup_restore.c).
 */
#pragma once

#include "api/backups.h"
#include "archive/archive.h"
#include "audit/audit.h"
#include "crypto/record.h"

/*
 * What a restore leaves in the store for the server that starts on it: whose sequence numbers these are, and where the audit log
 * goes on.
 */
struct server_restored {
    struct hf_uuid history;
    struct hf_uuid backup; /* id of the last file that was applied */
    uint64_t seq;          /* the last change in it that was applied */
    hf_usec time;          /* of the restore */
    struct audit_head head;
    bool is_recorded; /* in the audit log */
};

/* Its plain form (backup_restored.c); errors of encoding are out's, sticky. Decoding fails: HF_E_CORRUPT, HF_E_FORMAT. */
void server_restored_encode(const struct server_restored *restored, struct hf_buf *out);
HF_MUST hf_err server_restored_decode(hf_bytes plain, struct server_restored *out);
/* Fails: HF_E_NOT_FOUND if the store was never restored. */
HF_MUST hf_err server_restored_read(struct store *store, struct crypto_record_key *record_key,
                                    struct server_restored *out);
HF_MUST hf_err server_restored_write(struct store *store, struct crypto_record_key *record_key,
                                     const struct server_restored *restored);
/* The first record after a restore says so. Writes and syncs it, then notes in the store that it is there. */
HF_MUST hf_err server_restored_record(struct store *store, struct crypto_record_key *record_key,
                                      struct audit_log *log, struct server_restored *restored,
                                      hf_usec now);

struct server_backups;

/* What is pointed to outlives the backups. */
struct server_backups_config {
    struct store *store;
    struct audit_log *audit;
    const struct hf_clock *clock;
    const char *data;   /* the folder with the seal */
    const char *folder; /* where backups go; made when needed, 0700 */
    struct hf_uuid installation;
    struct hf_uuid history;
    const struct hf_secret *key; /* of archive_key() */
    bool journal;                /* the store keeps one */
};

HF_MUST hf_err server_backups_new(const struct server_backups_config *config,
                                  struct server_backups **out);
/* Gives up a backup that is being made: before the store is closed, when none is begun any more. NULL is fine. */
void server_backups_stop(struct server_backups *backups);
/* After it was stopped, when nobody asks for the list any more. NULL is fine. */
void server_backups_free(struct server_backups *backups);
/* For the local door; lives as long as the backups. */
const struct api_backups *server_backups_api(const struct server_backups *backups);

/* `holdfast backup …` */
int server_backup_command(int argc, char **argv);
