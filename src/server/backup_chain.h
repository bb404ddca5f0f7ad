/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup files as the command line reads them: a full backup and the incremental ones after it, opened with what the seal in them
 * asks for, checked to the last byte, and restored into a data folder.
 */
#pragma once

#include "archive/archive.h"
#include "seal/seal.h"

#define BACKUP_CHAIN_MAX 500 /* files: each is held open */
#define BACKUP_ROOTS_MAX 64  /* root keys in all the seals */

struct backup_file {
    const char *path;
    struct archive_reader *reader;
    struct archive_verdict verdict;
    bool is_open; /* its seal was opened, or one of the same bytes */
};

struct backup_chain {
    struct backup_file files[BACKUP_CHAIN_MAX];
    size_t count;
    const struct seal_config *seal;
    const struct seal_people *people;
    struct hf_secret *roots[BACKUP_ROOTS_MAX];
    struct hf_secret *keys[BACKUP_ROOTS_MAX]; /* archive_key() of each */
    size_t root_count;
};

void backup_chain_done(struct backup_chain *chain); /* for HF_CLEANUP */
/*
 * Opens the files, in order, and their seals; checks that they follow each other. chain is zeroed; paths, seal and people outlive
 * it. Fails with diag telling which file and why: HF_E_CORRUPT (damaged, or does not fit), as archive_reader_open() and
 * seal_open_bytes().
 */
HF_MUST hf_err backup_chain_open(struct backup_chain *chain, char *const *paths, size_t count,
                                 const struct seal_config *seal, const struct seal_people *people,
                                 struct hf_diag *diag);
/*
 * Reads everything. moment: as archive_check(); if it is not INT64_MAX it must lie in what the files reach: HF_E_RANGE. Fails:
 * HF_E_CORRUPT, HF_E_IO.
 */
HF_MUST hf_err backup_chain_check(struct backup_chain *chain, hf_usec moment, struct hf_diag *diag);

struct backup_outcome {
    uint64_t records;
    uint64_t entries;   /* applied */
    uint64_t seq;       /* of the last change */
    uint64_t audit_seq; /* the audit log goes on after this record */
};
/*
 * Makes the data folder out of a chain that was checked with the same moment. The folder is missing or
 * empty before; on failure it still is. Killed at any time, there is nothing, or the whole, and perhaps
 * FOLDER.restoring, which the next run removes.
 *
 * Fails: HF_E_EXISTS (the folder holds something), HF_E_BUSY (another restore), HF_E_UNSUPPORTED (moment
 * lies within a rotation of the root key, or no full backup), as backup_chain_open(), store_open()
 */
HF_MUST hf_err backup_chain_restore(struct backup_chain *chain, hf_usec moment, const char *data,
                                    hf_usec now, struct hf_diag *diag, struct backup_outcome *out);

/* For the restore: asks for the seal of a file unless it was opened. */
HF_MUST hf_err backup_chain_open_seal(struct backup_chain *chain, struct backup_file *file,
                                      struct hf_diag *diag);
