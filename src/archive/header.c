/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header: what a backup is, the seal it belongs to, and its file key under the root key. All big-endian.
 */
#include "archive/internal.h"
#include "base/reader.h"

#include <string.h>

#define HEADER_MAGIC HF_LIT("HFARCHIV")
#define WRAP_LABEL "archive"
#define WRAP_FORMAT 1
#define WRAP_PLACE_BYTES (sizeof(WRAP_LABEL) - 1 + CRYPTO_SHA256_BYTES)
#define WRAPPED_BYTES (CRYPTO_STREAM_KEY_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES)

hf_err archive_key(const struct hf_secret *root, struct hf_secret **out)
{
    return crypto_kdf(root, HF_LIT("holdfast server backup v1"), (hf_bytes){ NULL, 0 }, out);
}

/* The storage key of the wrapped file key: everything before it. */
static hf_err wrap_place(hf_bytes before_key, uint8_t out[WRAP_PLACE_BYTES])
{
    memcpy(out, WRAP_LABEL, sizeof(WRAP_LABEL) - 1);
    return crypto_sha256(&before_key, 1, out + sizeof(WRAP_LABEL) - 1);
}

/* ---- encoding ---- */

static void put_fields(const struct archive_header *header, size_t size, struct hf_buf *out)
{
    hf_buf_put_str(out, HEADER_MAGIC);
    hf_buf_put_u16(out, ARCHIVE_FORMAT);
    hf_buf_put_u32(out, (uint32_t)size);
    hf_buf_put_u8(out, (uint8_t)header->kind);
    hf_buf_put(out, header->installation.b, sizeof(header->installation.b));
    hf_buf_put(out, header->history.b, sizeof(header->history.b));
    hf_buf_put(out, header->id.b, sizeof(header->id.b));
    hf_buf_put(out, header->base.b, sizeof(header->base.b));
    hf_buf_put_u64(out, header->from);
    hf_buf_put_i64(out, header->created);
    hf_buf_put_field32(out, header->seal);
}

/* Bytes of the fields before the seal, of the seal's and the wrapped key's lengths, and of the key. */
static size_t size_of(const struct archive_header *header)
{
    const size_t fields = ARCHIVE_PREFIX_BYTES + 1 + 4 * sizeof(struct hf_uuid) + 8 + 8;
    return fields + sizeof(uint32_t) + header->seal.n + sizeof(uint16_t) + WRAPPED_BYTES;
}

static hf_err put_wrapped(const struct hf_secret *key, const struct hf_secret *file_key,
                          struct hf_buf *out)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *wrapping = NULL;
    uint8_t place[WRAP_PLACE_BYTES];
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    hf_err err = wrap_place(hf_buf_view(out), place);
    if (err == HF_OK)
        err = crypto_random(nonce, sizeof(nonce));
    if (err == HF_OK)
        err = crypto_record_key_new(key, &wrapping);
    if (err != HF_OK)
        return err;
    hf_buf_put_u16(out, WRAPPED_BYTES);
    return crypto_record_seal_secret(wrapping, (hf_bytes){ place, sizeof(place) }, WRAP_FORMAT,
                                     nonce, file_key, out);
}

hf_err archive_header_encode(const struct archive_header *header, const struct hf_secret *key,
                             const struct hf_secret *file_key, struct hf_buf *out,
                             uint8_t digest[CRYPTO_SHA256_BYTES])
{
    if (header->seal.n > ARCHIVE_SEAL_MAX_BYTES)
        return HF_E_TOO_LARGE;
    put_fields(header, size_of(header), out);
    hf_err err = hf_buf_err(out);
    if (err == HF_OK)
        err = put_wrapped(key, file_key, out);
    if (err != HF_OK)
        return err;
    const hf_bytes whole = hf_buf_view(out);
    return crypto_sha256(&whole, 1, digest);
}

/* ---- reading ---- */

hf_err archive_header_size(hf_bytes prefix, size_t *out)
{
    struct hf_reader reader = hf_reader_of(prefix);
    const hf_bytes magic = hf_read_bytes(&reader, HEADER_MAGIC.n);
    const uint16_t format = hf_read_u16(&reader);
    const uint32_t size = hf_read_u32(&reader);
    if (hf_reader_finish(&reader) != HF_OK || !hf_bytes_equal(magic, hf_str_bytes(HEADER_MAGIC)))
        return HF_E_CORRUPT;
    if (format != ARCHIVE_FORMAT)
        return HF_E_FORMAT;
    if (size <= ARCHIVE_PREFIX_BYTES || size > ARCHIVE_HEADER_MAX_BYTES)
        return HF_E_CORRUPT;
    *out = size;
    return HF_OK;
}

static bool is_zero(const struct hf_uuid *uuid)
{
    static const struct hf_uuid zero;
    return hf_uuid_equal(uuid, &zero);
}

/* What no writer of ours makes. */
static bool is_sane(const struct archive_header *header)
{
    const bool is_full = header->kind == ARCHIVE_FULL;
    if (!is_full && header->kind != ARCHIVE_INCREMENTAL)
        return false;
    return is_full == is_zero(&header->base);
}

hf_err archive_header_parse(hf_bytes bytes, struct archive_header_view *out)
{
    size_t size = 0;
    if (bytes.n < ARCHIVE_PREFIX_BYTES)
        return HF_E_CORRUPT;
    hf_err err = archive_header_size((hf_bytes){ bytes.p, ARCHIVE_PREFIX_BYTES }, &size);
    if (err != HF_OK)
        return err;
    struct hf_reader reader = hf_reader_of(bytes);
    struct archive_header_view view = { 0 };
    struct archive_header *header = &view.header;
    (void)hf_read_bytes(&reader, ARCHIVE_PREFIX_BYTES);
    header->kind = (enum archive_kind)hf_read_u8(&reader);
    hf_read_into(&reader, header->installation.b, sizeof(header->installation.b));
    hf_read_into(&reader, header->history.b, sizeof(header->history.b));
    hf_read_into(&reader, header->id.b, sizeof(header->id.b));
    hf_read_into(&reader, header->base.b, sizeof(header->base.b));
    header->from = hf_read_u64(&reader);
    header->created = hf_read_i64(&reader);
    header->seal = hf_read_field32(&reader, ARCHIVE_SEAL_MAX_BYTES);
    view.before_key = (hf_bytes){ bytes.p, bytes.n - hf_reader_left(&reader) };
    view.wrapped = hf_read_field16(&reader, WRAPPED_BYTES);
    if (hf_reader_finish(&reader) != HF_OK || size != bytes.n || view.wrapped.n != WRAPPED_BYTES ||
        !is_sane(header))
        return HF_E_CORRUPT;
    *out = view;
    return HF_OK;
}

hf_err archive_header_unwrap(const struct archive_header_view *view, const struct hf_secret *key,
                             struct hf_secret **out)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *wrapping = NULL;
    uint8_t place[WRAP_PLACE_BYTES];
    hf_err err = wrap_place(view->before_key, place);
    if (err == HF_OK)
        err = crypto_record_key_new(key, &wrapping);
    if (err != HF_OK)
        return err;
    err = crypto_record_open_secret(wrapping, (hf_bytes){ place, sizeof(place) }, WRAP_FORMAT,
                                    view->wrapped, out);
    return err == HF_E_FORMAT ? HF_E_CORRUPT : err;
}
