/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backup of a whole server in one file: every record of the store, or what changed since another backup, encrypted once more
 * (names are readable in the store), with the seal that protects the root key.
 *
 *   file    = header || data chunks || end chunk
 *   header  = magic "HFARCHIV" || format (u16) || bytes of the header (u32) || kind (u8) || installation (16) || history (16) ||
 *             id (16) || base (16) || from (u64) || created (i64) || seal (field32) || wrapped file key (field16)
 *   wrapped = crypto_record of 32 random bytes under KDF(root, "holdfast server backup v1");
 *             its storage key is "archive" || SHA-256(header up to the wrapped file key)
 *   chunk   = crypto_stream under the file key, context SHA-256(header); ARCHIVE_CHUNK_BYTES plain, but for the last of the data
 *   data    = items: record (key, value) | entry of the journal (number, time, part, changes) | final record
 *   end     = to (u64) || to time (i64) || records (u64) || entries (u64) || plain bytes of the data (u64)
 *
 * A full backup holds records, copied while the server goes on, then the journal's entries from + 1 … to: applied in this order
 * they give the store as it was at `to`. An incremental one holds the entries after its base's `to`. A final record is the state
 * at `to` of what the journal does not hold.
 *
 * What is truncated, reordered, changed or added to is refused; nothing is believed before it is authenticated.
 *
 * Threads: one at a time. Memory: a few MiB and the largest record, whatever the size of the store.
 */
#pragma once

#include "archive/limits.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/store.h"

#include <stdatomic.h>

enum archive_kind {
    ARCHIVE_FULL = 1,
    ARCHIVE_INCREMENTAL = 2,
};

struct archive_header {
    enum archive_kind kind;
    struct hf_uuid installation;
    struct hf_uuid
        history; /* sequence numbers of one history fit together; each restore begins a new one */
    struct hf_uuid id;   /* of this backup, random */
    struct hf_uuid base; /* id of the backup that this one follows; zero if it is full */
    uint64_t from;       /* number of the last entry that is not in here */
    hf_usec created;
    hf_bytes seal; /* the file "seal"; at most ARCHIVE_SEAL_MAX_BYTES */
};

struct archive_end {
    uint64_t to;     /* number of the last entry in here */
    hf_usec to_time; /* when that was the newest one */
    uint64_t records;
    uint64_t entries;
    uint64_t data_bytes; /* plain */
};

/* The key under which file keys are wrapped, for the header of any backup. root: 32 bytes. */
HF_MUST hf_err archive_key(const struct hf_secret *root, struct hf_secret **out);

/* ---- writing ---- */

struct archive_writer;

/*
 * Begins folder/name as folder/name.partial, mode 0600. header is used during the call only. Fails: HF_E_EXISTS (the name is
 * taken), HF_E_TOO_LARGE (seal), HF_E_INVALID (path), HF_E_FORBIDDEN, HF_E_NOT_FOUND (no such folder), HF_E_DISK_FULL, HF_E_IO.
 */
HF_MUST hf_err archive_writer_open(const char *folder, const char *name,
                                   const struct archive_header *header, const struct hf_secret *key,
                                   struct archive_writer **out);
/* What is not finished is removed. */
void archive_writer_free(struct archive_writer *writer);
HF_DEFINE_FREEP(struct archive_writer, archive_writer_free)

/* The first failure is kept: later calls do nothing and archive_writer_finish() reports it. */
void archive_put_record(struct archive_writer *writer, hf_bytes key, hf_bytes value);
void archive_put_final(struct archive_writer *writer, hf_bytes key, hf_bytes value);
/* Parts of an entry follow each other, from part 0. */
void archive_put_entry(struct archive_writer *writer, uint64_t seq, hf_usec time, uint32_t part,
                       hf_bytes changes);
HF_MUST hf_err archive_writer_err(const struct archive_writer *writer);
/* Bytes written so far. */
uint64_t archive_writer_bytes(const struct archive_writer *writer);
/* Ends the file, makes it durable and gives it its name. On failure there is no such file. */
HF_MUST hf_err archive_writer_finish(struct archive_writer *writer, uint64_t to, hf_usec to_time,
                                     struct archive_end *out);

/* Removes what writers that were killed have left in the folder. */
HF_MUST hf_err archive_remove_partial(const char *folder);

/* ---- reading ---- */

struct archive_reader;

enum archive_item_kind {
    ARCHIVE_ITEM_RECORD = 1,
    ARCHIVE_ITEM_ENTRY = 2,
    ARCHIVE_ITEM_FINAL = 3,
};

struct archive_item {
    enum archive_item_kind kind;
    hf_bytes key; /* records */
    hf_bytes value;
    uint64_t seq; /* entries */
    hf_usec time;
    uint32_t part;
    hf_bytes changes; /* whole changes: see store_change_next() */
};

/*
 * Opens the file and reads its header. Fails: HF_E_CORRUPT (no backup, or cut off), HF_E_FORMAT (of another version),
 * HF_E_NOT_FOUND, HF_E_FORBIDDEN, HF_E_IO, HF_E_NOMEM.
 */
HF_MUST hf_err archive_reader_open(const char *path, struct hf_diag *diag,
                                   struct archive_reader **out);
void archive_reader_free(struct archive_reader *reader);
HF_DEFINE_FREEP(struct archive_reader, archive_reader_free)

/* Not authenticated before archive_reader_unlock(). The seal is valid as long as the reader. */
const struct archive_header *archive_reader_header(const struct archive_reader *reader);
uint64_t archive_reader_bytes(const struct archive_reader *reader); /* of the file */

/*
 * Checks header and end under the key of archive_key(). Fails: HF_E_CORRUPT (another root key, or damaged), HF_E_IO. May be tried
 * again with another key.
 */
HF_MUST hf_err archive_reader_unlock(struct archive_reader *reader, const struct hf_secret *key);
/* After archive_reader_unlock(). */
const struct archive_end *archive_reader_end(const struct archive_reader *reader);

/*
 * The next item, from the first after archive_reader_unlock() or archive_reader_rewind(); views are valid until the next call.
 * Entries come without gaps from header.from + 1 to end.to, in an order as above. HF_E_NOT_FOUND: that was all, and it is whole.
 * Fails: HF_E_CORRUPT, HF_E_IO, HF_E_NOMEM.
 */
HF_MUST hf_err archive_reader_next(struct archive_reader *reader, struct archive_item *out);
void archive_reader_rewind(struct archive_reader *reader);

/* ---- from and to the store ---- */

/*
 * Puts every record of the store but the journal, in many short snapshots; not of one moment. stop may be set by another thread:
 * HF_E_UNAVAILABLE.
 */
HF_MUST hf_err archive_copy_records(struct store *store, const atomic_bool *stop,
                                    struct archive_writer *writer);
/* The same of one moment, for a store without a journal: meanwhile the store cannot grow. */
HF_MUST hf_err archive_copy_snapshot(struct store_txn *snapshot, const atomic_bool *stop,
                                     struct archive_writer *writer);
/*
 * Puts the journal's entries from + 1 … to. Fails: HF_E_CONFLICT (there is a gap: entries were dropped or never written).
 */
HF_MUST hf_err archive_copy_journal(struct store *store, uint64_t from, uint64_t to,
                                    const atomic_bool *stop, struct archive_writer *writer);

struct archive_verdict {
    uint64_t entries;    /* in the file */
    uint64_t to_apply;   /* those up to the moment: the first ones */
    uint64_t last_seq;   /* the number of the last of them; header.from if there is none */
    uint64_t data_bytes; /* plain */
};

/*
 * Reads all of the file and checks each byte. moment: INT64_MAX for all entries; else the entries before the first one that is
 * later are counted as to apply. Ends rewound.
 */
HF_MUST hf_err archive_check(struct archive_reader *reader, hf_usec moment,
                             struct archive_verdict *out);
/*
 * Applies what archive_check() would count, in commits of bounded size. The store is nobody else's and keeps no journal; final
 * records are left out if entries are.
 */
HF_MUST hf_err archive_apply(struct archive_reader *reader, hf_usec moment, struct store *store);
