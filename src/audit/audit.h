/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: every attempt, allowed or not, is one record in an append-only, hash-chained log of JSON lines in the AuditEvent
 * schema (Azure Monitor, category AuditEvent), written before the response leaves. No value ever appears in it.
 *
 *   line = {…record members…,"holdfast":{"seq":N,"prev":"<hex>","hash":"<hex>"}}\n
 *   hash = SHA-256(prev (32 bytes) || seq (8 bytes, big-endian) || the line's bytes before `,"holdfast":`)
 *
 * prev of record 1 is 32 zero bytes. Segments are files audit-<20 digits: first seq>.jsonl in one folder; the chain
 * runs through them.
 * The head (seq, hash) is also kept in the store with every commit, so that a cut-off tail is noticed.
 *
 * Threads: one log per process; one batch per thread; audit_batch_write() takes the log's lock for one write.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/err.h"

#define AUDIT_HASH_BYTES 32
/*
 * Text is cut to what takes this many bytes in the log, escapes included: the larger for callers that are known, the smaller
 * for user agent and URI of everybody else, who could fill the disk.
 */
#define AUDIT_CLIENT_TEXT_MAX_BYTES 4096
#define AUDIT_UNKNOWN_TEXT_MAX_BYTES 512

/* The operation of the first record after a restore. A log may begin with it, and with no other. */
#define AUDIT_RESTORE_OPERATION "ServerRestore"

struct audit_log;
struct audit_batch;

struct audit_head {
    uint64_t seq; /* 0: no record yet */
    uint8_t hash[AUDIT_HASH_BYTES];
};

struct audit_config {
    const char *folder;
    /* a new segment begins when the current one reaches this; 0: default 256 MiB */
    uint64_t segment_bytes;
    /* What the store knows to be durable, or NULL if it says nothing: the log must reach at least it. Seq 0 is knowledge:
     * nothing was durable yet. */
    const struct audit_head *expected;
    /* Where a log begins whose earlier files are elsewhere, because the store was restored from a
     * backup: its first record follows this one. NULL: with record 1. */
    const struct audit_head *continue_from;
    /* open all the same if records that `expected` covers are gone or damaged: see audit_open() */
    bool accept_loss;
    /* bytes of the file "audit.reserve", given up when the disk is full; 0: none */
    uint64_t reserve_bytes;
};

/* What the log can do now. */
enum audit_condition {
    AUDIT_WRITABLE, /* takes records; the reserve is whole */
    /* The disk is full, records go into the room that the reserve gave up. Refuse changes: the rest
     * of the room is for the records of reads. */
    AUDIT_ON_RESERVE,
    AUDIT_DISK_FULL, /* takes none: the disk is full and the reserve used up */
    AUDIT_FAILING,   /* takes none: the last write or sync failed */
    AUDIT_TAMPERED,  /* takes none: somebody else has changed its file or folder */
};

/* What audit_maintain() finds changed behind the log's back. */
enum audit_change {
    AUDIT_UNCHANGED,
    AUDIT_FILE_GONE,      /* the current file was deleted or renamed */
    AUDIT_FILE_REPLACED,  /* another file has its name */
    AUDIT_FILE_CUT,       /* it is shorter than what was written */
    AUDIT_FILE_GROWN,     /* somebody else has written to it */
    AUDIT_FILE_REWRITTEN, /* its last line is not the one that was written */
    AUDIT_FOLDER_GONE,    /* the folder was deleted, renamed or replaced */
    /* An earlier file is gone, replaced or has another length. The log goes on: it is evidence that
     * is lost, not the place of new records. */
    AUDIT_EARLIER_FILE,
};

struct audit_report {
    enum audit_condition condition;
    enum audit_change change; /* found now, or before and still so */
    bool is_new;              /* it was not so at the last call */
    bool is_restored;         /* the deleted file was written anew from what is still open */
    uint64_t first;           /* of the file concerned: the number of its first record */
};

/* The authenticated caller, from the token's claims; empty members are left out of the record. */
struct audit_claims {
    hf_str oid;
    hf_str appid;
    hf_str appidacr;
    hf_str upn;
    hf_str scp;
    hf_str idtyp;
};

/* A flag that may be absent from the record. */
enum audit_flag {
    AUDIT_ABSENT,
    AUDIT_FALSE,
    AUDIT_TRUE,
};

/* One record. Empty text (n == 0) means absent. See AuditEvent in Azure Monitor's documentation for the meaning of members. */
struct audit_record {
    hf_usec time;
    hf_str category;          /* "AuditEvent"; sign-ins use Entra's category names */
    hf_str operation_name;    /* "SecretGet" */
    hf_str operation_version; /* api-version of the request */
    int status;               /* HTTP status; gives httpStatusCode and resultSignature */
    hf_str description;       /* error message on failure */
    hf_usec duration;
    hf_str caller_address;
    hf_str correlation_id;
    bool has_identity;
    struct audit_claims claims;
    hf_str resource_id; /* upper-cased when written */
    hf_str id;          /* object URI */
    hf_str client_info; /* User-Agent */
    hf_str request_uri;
    enum audit_flag rbac_authorized;
    hf_str assignment_id; /* appliedAssignmentId */
    enum audit_flag address_authorized;
    hf_str tls_version; /* "TLS1_2", "TLS1_3" */
    bool has_secret_properties;
    hf_str secret_type; /* content type */
    bool has_key_properties;
    hf_str key_type;  /* "RSA" */
    int64_t key_size; /* bits */
    hf_str algorithm; /* of what was done with a key: "RS256" */
    /* of the secret or key */
    bool enabled;
    int64_t nbf; /* seconds; INT64_MIN if none */
    int64_t exp; /* seconds; INT64_MIN if none */
};

/*
 * Opens for appending; checks the last segment and puts its end in order. The log is writable then.
 *
 * An unfinished last line, as a crash leaves it, is cut: its response never left. Other damage in the
 * last segment behind config->expected is what a power failure leaves of records that were written,
 * but not yet durable (zeros, lines out of order): from the first bad line on, the bytes go into a
 * file audit-<20 digits: the record missing first>.damaged (".damaged.2" and so on, if there is one
 * already), which nothing here reads again, and the log goes on in their place: see
 * audit_recovered_bytes(). Damage of what `expected` covers, or without `expected`, is HF_E_CORRUPT.
 *
 * accept_loss: damage anywhere in the last segment, also of what `expected` covers, is set aside like
 * that, and a log that ends before `expected` is taken. The caller should then note the new end in
 * the store. Damage of the segment before, or a missing one, is HF_E_CORRUPT even so.
 *
 * Fails: HF_E_CORRUPT (the chain is broken, or ends before config->expected: diag says where, nothing
 * was changed), HF_E_BUSY (another process writes to it), HF_E_IO, HF_E_DISK_FULL, HF_E_FORBIDDEN,
 * HF_E_NOMEM. Segments before the last are not read, but for the last line of the one before it: see
 * audit_verify().
 */
HF_MUST hf_err audit_open(const struct audit_config *config, struct hf_diag *diag,
                          struct audit_log **out);
void audit_close(struct audit_log *log); /* syncs */
struct audit_head audit_log_head(struct audit_log *log);
/* The head as of the last audit_sync(): what a power failure leaves. This one belongs into the store: a head that was
 * only written may
 * be gone after a power failure while the store's commit is not, and the next start would take it for a cut-off log. */
struct audit_head audit_log_durable_head(struct audit_log *log);

/* How many bytes audit_open() set aside as damaged, 0 for none, and the name of the file in the folder
 * that holds them, "" for none, valid until the log is closed. */
uint64_t audit_recovered_bytes(const struct audit_log *log);
const char *audit_recovered_file(const struct audit_log *log);

/*
 * Whether changes may be made: false while the log takes no records or is on its reserve. Known since
 * the last write, sync or probe. Any thread, without a lock: ask it before a change is committed that
 * could not be recorded.
 */
bool audit_is_writable(const struct audit_log *log);
/* More than that. Any thread, without a lock. Both texts are for people, static and never NULL. */
enum audit_condition audit_log_condition(const struct audit_log *log);
const char *audit_condition_text(enum audit_condition condition);
const char *audit_change_text(enum audit_change change);
/* Whether records can be expected to go in: the first two conditions. */
bool audit_takes_records(const struct audit_log *log);
/*
 * Each second, one thread: looks whether somebody changed the log (see enum audit_change), syncs,
 * mends what a failed write or sync has left, tries for room, makes the reserve again. *out is set in
 * any case. Fails: HF_E_DISK_FULL, HF_E_IO, HF_E_CORRUPT (changed by somebody else), HF_E_UNAVAILABLE.
 */
HF_MUST hf_err audit_maintain(struct audit_log *log, struct audit_report *out);
/*
 * Tries whether the log can take records (room on the disk for 256 KiB, limits, the next file if the
 * current one is full), and sets what audit_is_writable() says. First it mends what a failed write or
 * sync has left: README.md says how. Nothing is written to the log's lines and nothing a reader could
 * see; "audit.probe" may show up in the folder for a moment. For a timer, while the log is not
 * writable. Fails: HF_E_DISK_FULL, HF_E_IO.
 */
HF_MUST hf_err audit_probe(struct audit_log *log);

/* A per-thread collection of records on their way; freed before the log is closed. */
HF_MUST hf_err audit_batch_new(struct audit_log *log, struct audit_batch **out);
void audit_batch_free(struct audit_batch *batch);
/*
 * Serialises the record into the batch. Fails: HF_E_NOMEM, HF_E_TOO_LARGE (the batch is full: write it out and add
 * again); then the
 * request must be answered with an error.
 */
HF_MUST hf_err audit_batch_add(struct audit_batch *batch, const struct audit_record *record);
/*
 * Appends all of the batch to the log in one write; the batch is empty afterwards. On failure the log is as before (a
 * partial write is cut off) and the batch keeps its records for the next try, because what they tell of may have
 * happened: HF_E_IO, HF_E_DISK_FULL. A batch holds 8 MiB at most; see audit_batch_add().
 */
HF_MUST hf_err audit_batch_write(struct audit_batch *batch);
bool audit_batch_is_empty(const struct audit_batch *batch);

/* Makes what was written durable; called every second by a timer and at stop. Does not hold up writers. Fails: HF_E_IO, and
 * HF_E_UNAVAILABLE (no file descriptor free: try again). */
HF_MUST hf_err audit_sync(struct audit_log *log);

struct audit_verdict {
    bool intact;
    uint64_t records;      /* intact records from the start */
    uint64_t begins_after; /* 0, or the last record before a restore: up to it they are elsewhere */
    struct audit_head head; /* after them */
    uint64_t bad_seq;       /* the first record that is wrong, if not intact */
    char file[256];         /* and its file (name only) and line */
    uint64_t line;
    char reason[128]; /* "changed", "dropped or reordered: expected seq 7, found 9", "cut off: …" */
};

/* Reads the whole log without changing it, also while it is written to (then take expected from the store before). An
 * unfinished last
 * line, as a crash leaves it, is no record and no damage. expected as in audit_config, NULL if unknown. Fails only if
 * it cannot be read
 * at all: HF_E_NOT_FOUND (no such folder), HF_E_FORBIDDEN, HF_E_IO, HF_E_NOMEM. */
HF_MUST hf_err audit_verify(const char *folder, const struct audit_head *expected,
                            struct audit_verdict *out);

/* The head as a stored record, for STORE_CLASS_AUDIT_HEAD: format byte 1, seq (8 bytes big-endian), hash. */
#define AUDIT_HEAD_BYTES 41
void audit_head_encode(const struct audit_head *head, uint8_t out[AUDIT_HEAD_BYTES]);
/* HF_E_FORMAT, HF_E_CORRUPT */
HF_MUST hf_err audit_head_decode(hf_bytes bytes, struct audit_head *out);

/* The last `count` lines of the log, oldest first, appended to out with their newlines. Unchecked: see audit_verify(). Fails:
 * HF_E_NOT_FOUND (no such folder), HF_E_TOO_LARGE (more than out may hold), HF_E_FORBIDDEN, HF_E_IO, HF_E_NOMEM. */
HF_MUST hf_err audit_tail(const char *folder, size_t count, struct hf_buf *out);
