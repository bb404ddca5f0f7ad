/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the layer share: header (header.c) and items (item.c) as bytes.
 */
#pragma once

#include "archive/archive.h"
#include "base/buf.h"
#include "crypto/crypto.h"
#include "crypto/record.h"
#include "crypto/stream.h"

#define ARCHIVE_FORMAT 1
#define ARCHIVE_PREFIX_BYTES 14 /* magic, format, bytes of the header */
#define ARCHIVE_END_BYTES 40
#define ARCHIVE_END_SEALED_BYTES (ARCHIVE_END_BYTES + CRYPTO_STREAM_OVERHEAD_BYTES)
#define ARCHIVE_CHUNK_SEALED_BYTES (ARCHIVE_CHUNK_BYTES + CRYPTO_STREAM_OVERHEAD_BYTES)
/* A part of an entry: the store cuts it behind the change that exceeds a MiB. */
#define ARCHIVE_CHANGES_MAX_BYTES ((size_t)STORE_VALUE_MAX_BYTES + 2 * 1024 * 1024)
#define ARCHIVE_ITEM_MAX_BYTES (ARCHIVE_CHANGES_MAX_BYTES + STORE_KEY_MAX_BYTES + 64)
#define ARCHIVE_PARTIAL ".partial"

/* ---- header.c ---- */

/* Appends the header with its key wrapped; its digest goes to `digest`. */
HF_MUST hf_err archive_header_encode(const struct archive_header *header,
                                     const struct hf_secret *key, const struct hf_secret *file_key,
                                     struct hf_buf *out, uint8_t digest[CRYPTO_SHA256_BYTES]);
/* Bytes of the whole header, from its first ARCHIVE_PREFIX_BYTES. Fails: HF_E_CORRUPT, HF_E_FORMAT. */
HF_MUST hf_err archive_header_size(hf_bytes prefix, size_t *out);

struct archive_header_view {
    struct archive_header header; /* the seal is a view of the bytes */
    hf_bytes before_key;          /* what the wrapped key is bound to */
    hf_bytes wrapped;
};
/* Fails: HF_E_CORRUPT, HF_E_FORMAT. */
HF_MUST hf_err archive_header_parse(hf_bytes bytes, struct archive_header_view *out);
/* Fails: HF_E_CORRUPT (another key, or the header was changed). */
HF_MUST hf_err archive_header_unwrap(const struct archive_header_view *view,
                                     const struct hf_secret *key, struct hf_secret **out);

/* ---- item.c ---- */

void archive_item_encode(const struct archive_item *item, struct hf_buf *out);
/*
 * Takes the item at the front of *rest. Fails: HF_E_TRUNCATED (more bytes are needed; *rest as before), HF_E_CORRUPT.
 */
HF_MUST hf_err archive_item_next(hf_bytes *rest, struct archive_item *out);
void archive_end_encode(const struct archive_end *end, struct hf_buf *out);
HF_MUST hf_err archive_end_decode(hf_bytes bytes, struct archive_end *out);

/* ---- writer.c ---- */

/* Items as archive_item_encode() makes them. */
void archive_put_items(struct archive_writer *writer, hf_bytes items, uint64_t records);
void archive_put_entries(struct archive_writer *writer, hf_bytes items, uint64_t entries);
