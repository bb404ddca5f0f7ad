/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a backup: the header first, then chunk by chunk. Where each chunk lies follows from the file's size, so nothing in the
 * file says so.
 */
#include "archive/internal.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct archive_reader {
    int fd;
    uint64_t bytes;     /* of the file */
    struct hf_buf head; /* the header; `view` points into it */
    struct archive_header_view view;
    uint64_t data_bytes;          /* sealed, of all data chunks */
    uint64_t chunks;              /* of data */
    struct crypto_stream *stream; /* NULL before it is unlocked */
    struct archive_end end;
    /* the place in the data */
    uint64_t next_chunk;
    struct hf_buf sealed;
    struct hf_buf plain; /* what is decrypted and not yet taken begins at `taken` */
    size_t taken;
    uint64_t records;
    uint64_t entries;
    uint64_t seq;  /* the last entry */
    uint32_t part; /* and its last part */
    bool is_final; /* final records have begun */
};

void archive_reader_free(struct archive_reader *reader)
{
    if (reader == NULL)
        return;
    hf_fd_closep(&reader->fd);
    crypto_stream_free(reader->stream);
    hf_buf_done(&reader->head);
    hf_buf_done(&reader->sealed);
    hf_buf_done(&reader->plain);
    free(reader);
}

/* n bytes at the place; a file that has become shorter is damaged. */
static hf_err read_at(const struct archive_reader *reader, uint64_t at, size_t n,
                      struct hf_buf *out)
{
    uint8_t *to = hf_buf_reserve(out, n);
    if (to == NULL)
        return hf_buf_err(out);
    size_t done = 0;
    while (done < n) {
        const ssize_t got = pread(reader->fd, to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hf_err_from_errno(errno);
        if (got == 0)
            return HF_E_CORRUPT;
        done += (size_t)got;
    }
    hf_buf_commit(out, n);
    return HF_OK;
}

/* ---- opening ---- */

static hf_err open_file(struct archive_reader *reader, const char *path)
{
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    if (reader->fd < 0 || fstat(reader->fd, &info) != 0)
        return hf_err_from_errno(errno);
    if (!S_ISREG(info.st_mode) || info.st_size < 0)
        return HF_E_CORRUPT;
    reader->bytes = (uint64_t)info.st_size;
    return HF_OK;
}

static hf_err read_header(struct archive_reader *reader)
{
    size_t size = 0;
    hf_err err = reader->bytes >= ARCHIVE_PREFIX_BYTES ? HF_OK : HF_E_CORRUPT;
    if (err == HF_OK)
        err = read_at(reader, 0, ARCHIVE_PREFIX_BYTES, &reader->head);
    if (err == HF_OK)
        err = archive_header_size(hf_buf_view(&reader->head), &size);
    if (err == HF_OK && reader->bytes < size + (uint64_t)ARCHIVE_END_SEALED_BYTES)
        err = HF_E_CORRUPT;
    if (err == HF_OK)
        err = read_at(reader, ARCHIVE_PREFIX_BYTES, size - ARCHIVE_PREFIX_BYTES, &reader->head);
    return err == HF_OK ? archive_header_parse(hf_buf_view(&reader->head), &reader->view) : err;
}

/* Full chunks, then perhaps one that is not; none is empty. */
static hf_err lay_out(struct archive_reader *reader)
{
    reader->data_bytes = reader->bytes - reader->head.n - ARCHIVE_END_SEALED_BYTES;
    const uint64_t rest = reader->data_bytes % ARCHIVE_CHUNK_SEALED_BYTES;
    reader->chunks = reader->data_bytes / ARCHIVE_CHUNK_SEALED_BYTES + (rest > 0 ? 1 : 0);
    return rest == 0 || rest > CRYPTO_STREAM_OVERHEAD_BYTES ? HF_OK : HF_E_CORRUPT;
}

hf_err archive_reader_open(const char *path, struct hf_diag *diag, struct archive_reader **out)
{
    HF_CLEANUP(archive_reader_freep) struct archive_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return HF_E_NOMEM;
    reader->fd = -1;
    hf_buf_init(&reader->head, ARCHIVE_HEADER_MAX_BYTES);
    hf_buf_init(&reader->sealed, ARCHIVE_CHUNK_SEALED_BYTES);
    hf_buf_init(&reader->plain, ARCHIVE_ITEM_MAX_BYTES + ARCHIVE_CHUNK_BYTES + 1);
    hf_err err = open_file(reader, path);
    if (err == HF_OK)
        err = read_header(reader);
    if (err == HF_OK)
        err = lay_out(reader);
    if (err == HF_E_CORRUPT)
        return hf_fail(diag, err, "", "%s: is no backup, or is damaged or cut off", path);
    if (err == HF_E_FORMAT)
        return hf_fail(diag, err, "", "%s: is a backup of a format that this program does not know",
                       path);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: %s", path, hf_err_text(err));
    *out = hf_take(&reader);
    return HF_OK;
}

const struct archive_header *archive_reader_header(const struct archive_reader *reader)
{
    return &reader->view.header;
}

uint64_t archive_reader_bytes(const struct archive_reader *reader)
{
    return reader->bytes;
}

/* ---- unlocking ---- */

static hf_err open_end(struct archive_reader *reader, struct crypto_stream *stream)
{
    uint8_t memory[ARCHIVE_END_BYTES + 1];
    struct hf_buf plain;
    struct archive_end end = { 0 };
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    hf_buf_reset(&reader->sealed);
    hf_err err = read_at(reader, reader->head.n + reader->data_bytes, ARCHIVE_END_SEALED_BYTES,
                         &reader->sealed);
    if (err == HF_OK)
        err = crypto_stream_open(stream, reader->chunks, true, hf_buf_view(&reader->sealed),
                                 &plain);
    if (err == HF_OK)
        err = archive_end_decode(hf_buf_view(&plain), &end);
    if (err == HF_OK &&
        end.data_bytes != reader->data_bytes - reader->chunks * CRYPTO_STREAM_OVERHEAD_BYTES)
        err = HF_E_CORRUPT;
    if (err == HF_OK &&
        (end.to < reader->view.header.from || end.entries != end.to - reader->view.header.from))
        err = HF_E_CORRUPT;
    if (err == HF_OK)
        reader->end = end;
    return err;
}

hf_err archive_reader_unlock(struct archive_reader *reader, const struct hf_secret *key)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *file_key = NULL;
    HF_CLEANUP(crypto_stream_freep) struct crypto_stream *stream = NULL;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    const hf_bytes whole = hf_buf_view(&reader->head);
    hf_err err = archive_header_unwrap(&reader->view, key, &file_key);
    if (err == HF_OK)
        err = crypto_sha256(&whole, 1, digest);
    if (err == HF_OK)
        err = crypto_stream_new(file_key, digest, &stream);
    if (err == HF_OK)
        err = open_end(reader, stream);
    if (err != HF_OK)
        return err;
    crypto_stream_free(reader->stream);
    reader->stream = hf_take(&stream);
    archive_reader_rewind(reader);
    return HF_OK;
}

const struct archive_end *archive_reader_end(const struct archive_reader *reader)
{
    return &reader->end;
}

/* ---- items ---- */

void archive_reader_rewind(struct archive_reader *reader)
{
    reader->next_chunk = 0;
    hf_buf_done(&reader->sealed); /* many files may be open, but one at a time is read */
    hf_buf_done(&reader->plain);
    reader->taken = 0;
    reader->records = 0;
    reader->entries = 0;
    reader->seq = reader->view.header.from;
    reader->part = 0;
    reader->is_final = false;
}

static hf_err read_chunk(struct archive_reader *reader)
{
    const uint64_t at = reader->next_chunk * ARCHIVE_CHUNK_SEALED_BYTES;
    const uint64_t left = reader->data_bytes - at;
    const size_t n = left < ARCHIVE_CHUNK_SEALED_BYTES ? (size_t)left : ARCHIVE_CHUNK_SEALED_BYTES;
    hf_buf_consume(&reader->plain, reader->taken);
    reader->taken = 0;
    hf_buf_reset(&reader->sealed);
    hf_err err = read_at(reader, reader->head.n + at, n, &reader->sealed);
    if (err == HF_OK)
        err = crypto_stream_open(reader->stream, reader->next_chunk, false,
                                 hf_buf_view(&reader->sealed), &reader->plain);
    if (err == HF_OK)
        reader->next_chunk++;
    return err == HF_E_TOO_LARGE ? HF_E_CORRUPT : err;
}

/* All that the end promised has come. */
static hf_err check_end(const struct archive_reader *reader)
{
    const bool is_whole = reader->records == reader->end.records &&
                          reader->entries == reader->end.entries && reader->seq == reader->end.to;
    return is_whole ? HF_E_NOT_FOUND : HF_E_CORRUPT;
}

/* Parts of an entry and entries follow each other without gaps. */
static bool follows(const struct archive_reader *reader, const struct archive_item *item)
{
    if (item->seq == reader->seq + 1)
        return item->part == 0;
    return reader->entries > 0 && item->seq == reader->seq && item->part == reader->part + 1;
}

static hf_err note_item(struct archive_reader *reader, const struct archive_item *item)
{
    switch (item->kind) {
    case ARCHIVE_ITEM_RECORD:
        if (reader->entries > 0 || reader->is_final || reader->view.header.kind != ARCHIVE_FULL)
            return HF_E_CORRUPT;
        reader->records++;
        return HF_OK;
    case ARCHIVE_ITEM_ENTRY:
        if (reader->is_final || !follows(reader, item))
            return HF_E_CORRUPT;
        reader->entries += item->part == 0;
        reader->seq = item->seq;
        reader->part = item->part;
        return HF_OK;
    case ARCHIVE_ITEM_FINAL:
        reader->is_final = true;
        return HF_OK;
    }
    return HF_E_CORRUPT;
}

hf_err archive_reader_next(struct archive_reader *reader, struct archive_item *out)
{
    for (;;) {
        hf_bytes rest = hf_buf_view(&reader->plain);
        rest.p = rest.p != NULL ? rest.p + reader->taken : NULL;
        rest.n -= reader->taken;
        struct archive_item item;
        hf_err err = rest.n > 0 ? archive_item_next(&rest, &item) : HF_E_TRUNCATED;
        if (err == HF_OK)
            err = note_item(reader, &item);
        if (err == HF_OK) {
            reader->taken = reader->plain.n - rest.n;
            *out = item;
            return HF_OK;
        }
        if (err != HF_E_TRUNCATED)
            return err;
        if (reader->next_chunk == reader->chunks)
            return rest.n == 0 ? check_end(reader) : HF_E_CORRUPT;
        err = read_chunk(reader);
        if (err != HF_OK)
            return err;
    }
}
