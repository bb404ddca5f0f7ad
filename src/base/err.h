/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error type. *What* went wrong is the code; *where and why*, for people, goes into struct hf_diag.
 * Every function that can fail returns hf_err and is HF_MUST; results go through the last parameters, which are
 * untouched on failure.
 */
#pragma once

#include "base/attr.h"
#include "base/bytes.h"

#include <stdbool.h>

typedef enum hf_err_class {
    HF_CLASS_OK,
    HF_CLASS_INVALID,
    HF_CLASS_TOO_LARGE,
    HF_CLASS_UNAUTHENTICATED,
    HF_CLASS_FORBIDDEN,
    HF_CLASS_NOT_FOUND,
    HF_CLASS_CONFLICT,
    HF_CLASS_THROTTLED,
    HF_CLASS_UNSUPPORTED,
    HF_CLASS_UNAVAILABLE,
    HF_CLASS_CORRUPT,
    HF_CLASS_INTERNAL,
} hf_err_class;

/* code, class, text. A front door maps every code in one table of its own; a test asserts that none is missing. */
#define HF_ERR_LIST(X)                                                                             \
    X(HF_OK, HF_CLASS_OK, "success")                                                               \
    X(HF_E_INVALID, HF_CLASS_INVALID, "invalid input")                                             \
    X(HF_E_RANGE, HF_CLASS_INVALID, "number out of range")                                         \
    X(HF_E_TRUNCATED, HF_CLASS_INVALID, "input ends too early")                                    \
    X(HF_E_TRAILING, HF_CLASS_INVALID, "unexpected bytes after the end of the input")              \
    X(HF_E_BAD_BLOB, HF_CLASS_INVALID, "backup blob is invalid or corrupt")                        \
    X(HF_E_DECRYPT, HF_CLASS_INVALID, "ciphertext does not decrypt with this key")                 \
    X(HF_E_TOO_LARGE, HF_CLASS_TOO_LARGE, "input is larger than the limit")                        \
    X(HF_E_UNAUTHENTICATED, HF_CLASS_UNAUTHENTICATED, "credentials missing or wrong")              \
    X(HF_E_TOKEN_MALFORMED, HF_CLASS_UNAUTHENTICATED, "token is malformed")                        \
    X(HF_E_TOKEN_SIGNATURE, HF_CLASS_UNAUTHENTICATED, "token signature is not valid")              \
    X(HF_E_TOKEN_ISSUER, HF_CLASS_UNAUTHENTICATED, "token issuer is not trusted")                  \
    X(HF_E_TOKEN_AUDIENCE, HF_CLASS_UNAUTHENTICATED, "token is for another audience")              \
    X(HF_E_TOKEN_EXPIRED, HF_CLASS_UNAUTHENTICATED, "token has expired")                           \
    X(HF_E_TOKEN_NOT_YET_VALID, HF_CLASS_UNAUTHENTICATED, "token is not yet valid")                \
    X(HF_E_FORBIDDEN, HF_CLASS_FORBIDDEN, "not allowed")                                           \
    X(HF_E_DISABLED, HF_CLASS_FORBIDDEN, "object is disabled")                                     \
    X(HF_E_PURGE_PROTECTED, HF_CLASS_FORBIDDEN, "purge protection is on")                          \
    X(HF_E_NOT_FOUND, HF_CLASS_NOT_FOUND, "not found")                                             \
    X(HF_E_EXISTS, HF_CLASS_CONFLICT, "exists already")                                            \
    X(HF_E_DELETED, HF_CLASS_CONFLICT, "object is deleted but recoverable")                        \
    X(HF_E_CONFLICT, HF_CLASS_CONFLICT, "conflict")                                                \
    X(HF_E_THROTTLED, HF_CLASS_THROTTLED, "too many requests")                                     \
    X(HF_E_UNSUPPORTED, HF_CLASS_UNSUPPORTED, "not supported")                                     \
    X(HF_E_UNAVAILABLE, HF_CLASS_UNAVAILABLE, "not available now")                                 \
    X(HF_E_BUSY, HF_CLASS_UNAVAILABLE, "in use by another process")                                \
    X(HF_E_DISK_FULL, HF_CLASS_UNAVAILABLE, "disk is full")                                        \
    X(HF_E_IO, HF_CLASS_UNAVAILABLE, "input/output error")                                         \
    X(HF_E_NOMEM, HF_CLASS_UNAVAILABLE, "out of memory")                                           \
    X(HF_E_CORRUPT, HF_CLASS_CORRUPT, "stored data does not authenticate")                         \
    X(HF_E_FORMAT, HF_CLASS_CORRUPT, "stored data has an unknown format version")                  \
    X(HF_E_INTERNAL, HF_CLASS_INTERNAL, "internal error")

typedef enum hf_err {
#define HF_ERR_ENUM(code, class, text) code,
    HF_ERR_LIST(HF_ERR_ENUM)
#undef HF_ERR_ENUM
        HF_ERR_COUNT_,
} hf_err;

/* The text of a code, in English, without a final stop. Never NULL. */
const char *hf_err_text(hf_err err);

/* The code's name ("HF_E_INVALID"), for logs and tests. Never NULL. */
const char *hf_err_name(hf_err err);

hf_err_class hf_err_class_of(hf_err err);

/* Translates an errno value: ENOSPC and EDQUOT to HF_E_DISK_FULL, ENOMEM to HF_E_NOMEM, ENOENT to HF_E_NOT_FOUND, EEXIST to
 * HF_E_EXISTS, EACCES and EPERM to HF_E_FORBIDDEN, EAGAIN to HF_E_UNAVAILABLE, everything else to HF_E_IO. */
hf_err hf_err_from_errno(int error_number);

#define HF_DIAG_FIELD_MAX_BYTES 64
#define HF_DIAG_TEXT_MAX_BYTES 512

/* Where and why, for people. The caller provides it zeroed; the first writer wins. Never holds a secret. */
struct hf_diag {
    char field[HF_DIAG_FIELD_MAX_BYTES]; /* e.g. "attributes.exp"; may be empty */
    char text[HF_DIAG_TEXT_MAX_BYTES];   /* e.g. "must be after nbf"; cut at the size */
};

/* Fills diag (unless NULL or already filled) and returns err, so that a refusal is one line. */
hf_err hf_fail(struct hf_diag *diag, hf_err err, const char *field, const char *format, ...)
    HF_PRINTF(4, 5);

/* Marks an ignored error; a comment beside the call says why it may be. */
static inline void hf_ignore(hf_err err HF_UNUSED) {}
