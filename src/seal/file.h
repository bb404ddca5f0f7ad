/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file "seal": its layout, apart from any disk.
 *
 *   magic "HFSEAL" || format version 2 (u16) || kind (field16) || the kind's parameters (field32)
 *   || id (16) || check of the KEK (32) || number of roots (u8)                                                 the prefix
 *   || for each root: generation (u64) || sealed root key (field16)
 *   || SHA-256 of everything before (32)                                                       all numbers big-endian
 *
 *   check = KDF(KEK, "holdfast seal v2 check", id)
 *   sealed root key = record (crypto/record.h, format 2) under KDF(KEK, "holdfast seal v2"), storage key prefix || generation
 *
 * The digest tells damage from a wrong passphrase before anybody is asked; what protects the content is the records' tags, which
 * cover the prefix.
 */
#pragma once

#include "base/buf.h"
#include "seal/seal.h"

#define SEAL_ID_BYTES 16
#define SEAL_CHECK_BYTES 32
#define SEAL_PARAMETERS_MAX_BYTES 4096

/* The parts of a file, as views into its bytes. */
struct seal_file {
    hf_str kind;
    hf_bytes parameters;
    hf_bytes id;
    hf_bytes check;
    hf_bytes prefix;
    size_t count; /* 1 or 2 */
    struct {
        uint64_t generation;
        hf_bytes sealed;
    } root[SEAL_ROOTS_MAX];
};

/* Fails: HF_E_CORRUPT, HF_E_FORMAT, HF_E_INTERNAL. name: what diag calls the file, a path perhaps. */
HF_MUST hf_err seal_file_parse(hf_bytes bytes, const char *name, struct hf_diag *diag,
                               struct seal_file *out);
/* Appends a file to out, which holds SEAL_FILE_MAX_BYTES. id: SEAL_ID_BYTES, new for each KEK. */
HF_MUST hf_err seal_file_build(hf_str kind, hf_bytes parameters, hf_bytes id,
                               const struct hf_secret *kek, const struct seal_roots *roots,
                               struct hf_buf *out);
/* Whether this is the file's KEK. Fails: HF_E_FORBIDDEN (it is not), HF_E_NOMEM, HF_E_INTERNAL. */
HF_MUST hf_err seal_file_check(const struct seal_file *file, const struct hf_secret *kek);
/* Fails: HF_E_FORBIDDEN (wrong KEK), HF_E_CORRUPT (right KEK, but something was changed), HF_E_NOMEM, HF_E_INTERNAL. */
HF_MUST hf_err seal_file_open(const struct seal_file *file, const struct hf_secret *kek,
                              struct seal_roots *out);
