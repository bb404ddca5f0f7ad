/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators do, in the audit log: unsealing and what was tried before, and commands on the data folder, with a server or
 * without. The same log is written by whoever has the store open: the server, or a command.
 *
 * Nothing that somebody typed gets into a record: operations, numbers, names of kinds, and texts of this program.
 */
#pragma once

#include "audit/audit.h"
#include "server/backup.h"
#include "server/installation.h"

#define SERVER_INIT_OPERATION "ServerInit"
#define SERVER_UNSEAL_OPERATION "ServerUnseal"
#define SERVER_REKEY_OPERATION "SealRekey"
#define SERVER_MIGRATE_OPERATION "SealMigrate"
#define SERVER_ROTATE_OPERATION "RootKeyRotate"

#define SERVER_ACT_BEGUN 202 /* the status of an act that another record tells the end of */
#define SERVER_ACT_DONE 200
#define SERVER_ACT_NOBODY (-1)
#define SERVER_ACT_DETAIL_BYTES 192

struct server_act {
    hf_str operation;
    hf_str detail;      /* "kind=shamir,generation=1" */
    hf_str description; /* of a failure; else empty */
    int status;         /* as a request's */
    int64_t uid;        /* of who did it; SERVER_ACT_NOBODY: the server itself, or not known */
    hf_usec time;
};

/* As a request's that fails like this. */
int server_act_status(hf_err err);

/* All of them or none, in one write, and syncs. Fails as audit_batch_write() and audit_sync(). */
HF_MUST hf_err server_acts_write(struct audit_log *log, const struct server_act *acts,
                                 size_t count);

/* The audit log of an installation whose store is open. */
struct server_audit {
    /* the caller's */
    const struct server_settings *settings;
    struct store *store;
    struct crypto_record_key *record_key;
    bool accept_loss; /* see audit_open() */
    /* what is found */
    struct server_restored restored; /* if was_restored; else zero */
    bool was_restored;
    struct audit_log *log; /* the caller's to close */
};

/* Fails as audit_open(), with diag. */
HF_MUST hf_err server_audit_open(struct server_audit *audit, struct hf_diag *diag);
/* Records what was done before and is not recorded yet: a restore (before anything else), a rotation. Fails with diag. */
HF_MUST hf_err server_audit_catch_up(struct server_audit *audit, hf_usec now, struct hf_diag *diag);
/* Puts the log's durable end into the store, so that it is noticed if that is cut off. */
HF_MUST hf_err server_audit_note_head(struct server_audit *audit);

/*
 * Records an act of a command on the data folder, durable when it returns: in the log itself, or through the server if one is
 * open. roots: of the seal. Fails, with diag: HF_E_BUSY (the store or the log is in use, and no server answers), as
 * server_open_roots(), server_audit_open() and server_acts_write()
 */
HF_MUST hf_err server_act_record(const struct server_settings *settings,
                                 const struct seal_roots *roots, const struct server_act *act,
                                 struct hf_diag *diag);
