/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordered, transactional key-value storage with snapshot reads and one commit pipeline. It does not
 * know what the bytes mean.
 *
 * All changes are commands, applied in order by one writer thread. A command validates against the
 * current state inside the transaction and changes it; it is acknowledged after the batch that
 * holds it is durable (group commit: one sync serves everyone who waited). There is no other
 * writer, so there are no write races and no lost updates.
 *
 * Reads see a snapshot: no lock and no system call after a reader's first use. Views of keys and
 * values die with the transaction.
 *
 * The data folder belongs to one process: a second one is refused (HF_E_BUSY). The map grows by
 * itself.
 */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"

struct store;
struct store_txn; /* read: a snapshot; write: only inside a command */

#define STORE_KEY_MAX_BYTES 511
#define STORE_VALUE_MAX_BYTES (64 * 1024 * 1024)

/*
 * First byte of every storage key: which layer and kind it is. Values never change; new ones are
 * added: to the table in server/rotate.c too, which seals them anew when the root key is rotated.
 */
enum store_class {
    STORE_CLASS_META = 0x01,        /* server: installation, format */
    STORE_CLASS_AUDIT_HEAD = 0x02,  /* audit: last sequence number and hash at the last commit */
    STORE_CLASS_JOURNAL = 0x03,     /* store: sequence number, part; see below */
    STORE_CLASS_TENANT = 0x10,      /* access */
    STORE_CLASS_PRINCIPAL = 0x11,   /* access: by object id */
    STORE_CLASS_CLIENT = 0x12,      /* access: application (client) id to object id */
    STORE_CLASS_CREDENTIAL = 0x13,  /* access: by object id, credential id */
    STORE_CLASS_ASSIGNMENT = 0x14,  /* access: by principal, assignment id */
    STORE_CLASS_SIGNING_KEY = 0x15, /* access: token signing keys */
    STORE_CLASS_VAULT = 0x20,       /* vault: by lower-case name */
    STORE_CLASS_OBJECT = 0x21,      /* vault: vault id, collection, state, lower-case name */
    STORE_CLASS_VERSION = 0x22,     /* vault: …, version id: metadata */
    STORE_CLASS_VALUE = 0x23,       /* vault: …, version id: value */
    STORE_CLASS_PURGE_DUE = 0x24,   /* vault: index by scheduled purge date */
    STORE_CLASS_BACKUP_KEYS = 0x25, /* vault: keys of backups from before a rotation; one record */
    STORE_CLASS_DEV = 0x7e,         /* server: the development server's own credentials */
};

struct store_config {
    const char *folder; /* made if missing (0700) */
    size_t map_bytes;   /* first size of the map; 0: default */
    size_t batch_max;   /* commands in one commit at most; 0: default */
    size_t queue_max;   /* commands waiting at most; beyond: HF_E_UNAVAILABLE; 0: default */
    bool no_sync;       /* tests only: durability off */
    bool journal;       /* keep every change as an entry of the journal */
    /* For the journal's entries and store_health(); moved, also retries come. Outlives the store.
     * NULL, without a journal: the system's. */
    const struct hf_clock *clock;
};

/*
 * Fails: HF_E_BUSY (another process has it), HF_E_FORMAT, HF_E_CORRUPT, HF_E_IO, HF_E_DISK_FULL,
 * HF_E_FORBIDDEN. Starts the writer.
 */
HF_MUST hf_err store_open(const struct store_config *config, struct hf_diag *diag,
                          struct store **out);
/* Finishes queued commands, stops the writer, closes. Every reader has been freed before. */
void store_close(struct store *store);
HF_DEFINE_FREEP(struct store, store_close)

/* ---- reading ---- */

/* A reading place of one thread. At most one transaction at a time. */
struct store_reader;
HF_MUST hf_err store_reader_new(struct store *store, struct store_reader **out);
void store_reader_free(struct store_reader *reader);
HF_DEFINE_FREEP(struct store_reader, store_reader_free)

/*
 * Fails: HF_E_UNAVAILABLE (the disk failed: see STORE_CLOSED; or the writer waits too long for the disk,
 * or for somebody who keeps a transaction). Keep it short, and wait for no command
 * inside: the map cannot grow, and so no command may finish, until every transaction that began
 * before has ended.
 */
HF_MUST hf_err store_read_begin(struct store_reader *reader, struct store_txn **out);
/* Cursors are closed before. NULL is fine. */
void store_read_end(struct store_txn *txn);

/*
 * HF_E_NOT_FOUND if absent. The view is valid until the transaction ends (or, in a command, until
 * the next change).
 */
HF_MUST hf_err store_get(struct store_txn *txn, hf_bytes key, hf_bytes *out);

/* Keys in memcmp order within a prefix. */
struct store_cursor;
/*
 * Positions before the first key >= from (or > from, if after is true) that starts with prefix.
 * from must start with prefix or be empty. An empty prefix is every key.
 */
HF_MUST hf_err store_cursor_open(struct store_txn *txn, hf_bytes prefix, hf_bytes from, bool after,
                                 struct store_cursor **out);
/* The next key and value; HF_E_NOT_FOUND at the end of the prefix. */
HF_MUST hf_err store_cursor_next(struct store_cursor *cursor, hf_bytes *key, hf_bytes *value);
void store_cursor_close(struct store_cursor *cursor);
HF_DEFINE_FREEP(struct store_cursor, store_cursor_close)

/* ---- changing: only from within a command's apply ---- */

/*
 * key and value may be views of this transaction. Fails: HF_E_INVALID (key), HF_E_TOO_LARGE
 * (value), or what spoils the command.
 */
HF_MUST hf_err store_put(struct store_txn *txn, hf_bytes key, hf_bytes value);
HF_MUST hf_err store_delete(struct store_txn *txn, hf_bytes key); /* HF_E_NOT_FOUND if absent */

/*
 * A command. Owned by the pipeline from submission until done. apply runs on the writer thread in a
 * transaction of its own: on failure nothing of it remains and done gets that error. apply may be
 * run again from the start (when the map had to grow), so it must not keep state from a failed run.
 * It closes the cursors it opened. done runs on the writer thread after the batch is durable (or
 * failed); it must not block.
 *
 * When a batch cannot be committed, done of each of its commands gets the batch's error:
 * HF_E_DISK_FULL (nothing changed, later commands may succeed) or HF_E_IO (it is in no snapshot of this
 * process, but may be there when the store is opened again; later commands get HF_E_UNAVAILABLE, with
 * nothing changed, until the store has recovered: see store_health()).
 */
struct store_command {
    struct hf_queue_item item; /* internal */
    hf_err (*apply)(struct store_command *command, struct store_txn *txn);
    void (*done)(struct store_command *command, hf_err result);
    void *context; /* the submitter's, for done */
    hf_err result; /* internal */
};

/*
 * Fails: HF_E_UNAVAILABLE when the queue is full or the store is closing; the command is the
 * caller's again, done is not called.
 */
HF_MUST hf_err store_submit(struct store *store, struct store_command *command);
/*
 * Submits and waits; for start-up, tools and tests. command->done must be NULL. Not from within a
 * command or a read transaction.
 */
HF_MUST hf_err store_apply(struct store *store, struct store_command *command);

/*
 * Runs on the writer thread inside each batch, just before it commits (audit puts its head there).
 * Set before the first command.
 */
struct store_hook {
    void *context;
    hf_err (*before_commit)(void *context, struct store_txn *txn);
};
void store_set_hook(struct store *store, const struct store_hook *hook);

/* ---- the journal ---- */

/*
 * With store_config.journal each commit leaves one entry: its sequence number, its time, and its
 * puts and deletes in order. A command that failed leaves nothing in it. Entries are written in the
 * same commit, so they are exactly as durable as the change. Changes of STORE_CLASS_JOURNAL and
 * STORE_CLASS_AUDIT_HEAD are left out; a commit with nothing else is no entry.
 *
 * The sequence number begins at 1 and goes on counting over trimming and restarts. A commit made
 * while the journal is off leaves a gap: entries before it cannot be joined with those after it.
 */
struct store_journal_range {
    uint64_t first; /* oldest entry from which on there is no gap; 0: none */
    uint64_t last;  /* newest number given; 0: none yet. The next entry's is one more */
};
HF_MUST hf_err store_journal_range(struct store_txn *txn, struct store_journal_range *out);

struct store_journal_entry {
    uint64_t seq;
    uint32_t part; /* a large entry has several, from 0, all with its number and time */
    hf_usec time;
    hf_bytes changes; /* a view; whole changes */
};
/*
 * The first part at or after (seq, part), gaps or not. HF_E_NOT_FOUND at the end; HF_E_CORRUPT.
 */
HF_MUST hf_err store_journal_next(struct store_txn *txn, uint64_t seq, uint32_t part,
                                  struct store_journal_entry *out);

struct store_change {
    bool is_delete;
    hf_bytes key;
    hf_bytes value; /* of a put */
};
/* Takes the next change off *changes; views of them. HF_E_NOT_FOUND at the end, HF_E_CORRUPT. */
HF_MUST hf_err store_change_next(hf_bytes *changes, struct store_change *out);
/*
 * Makes the changes again, inside a command. A delete of what is absent is passed over. Fails:
 * HF_E_CORRUPT, or as store_put().
 */
HF_MUST hf_err store_journal_apply(struct store_txn *txn, hf_bytes changes);

/*
 * Drops entries older than the time, a bounded number per call: *dropped 0 means that none is left.
 * The newest entry always stays. Waits for the commit, as store_apply().
 */
HF_MUST hf_err store_journal_trim(struct store *store, hf_usec older_than, size_t *dropped);

/*
 * Drops the entries before the newest gap, which nothing after it can be joined to: the newest one too. The rest as
 * store_journal_trim().
 */
HF_MUST hf_err store_journal_drop_before_gap(struct store *store, size_t *dropped);

/* ---- health ---- */

/*
 * After a failure the writer tries again by itself: at once, then after 1, 2, 4, … at most 30 seconds.
 */
enum store_condition {
    STORE_WELL,
    STORE_FULL,    /* the disk is full: each command tries, and most get HF_E_DISK_FULL */
    STORE_FAILING, /* the disk fails: commands get HF_E_UNAVAILABLE, reads go on */
    STORE_CLOSED,  /* the same, and the file cannot be opened: neither do reads go on */
};
struct store_health {
    enum store_condition condition;
    hf_err cause;   /* of the last attempt; HF_OK while well */
    hf_usec since;  /* wall time of the first failure; while well: of its end; 0: never */
    uint64_t count; /* how often it has stopped being well */
};
struct store_health store_health(struct store *store); /* Threads: any. */
/* Why changes are refused, as a sentence for clients; "" for STORE_WELL. */
const char *store_condition_text(enum store_condition condition);

struct store_stats {
    uint64_t commands; /* acknowledged since start */
    uint64_t batches;  /* commits since start */
    uint64_t map_bytes;
    uint64_t used_bytes; /* pages in use */
};
struct store_stats store_stats(struct store *store);
