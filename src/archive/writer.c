/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a backup: under a temporary name, which is locked so that nobody takes it for a leftover, until all of it is durable.
 */
#include "archive/internal.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600

struct archive_writer {
    int fd;
    char folder[PATH_MAX];
    char path[PATH_MAX];
    char partial[PATH_MAX]; /* empty: there is no such file (any more) */
    struct crypto_stream *stream;
    struct hf_buf plain;  /* the chunk being filled */
    struct hf_buf sealed; /* the chunk being written */
    struct archive_end end;
    uint64_t bytes;
    hf_err err;
};

static hf_err errno_err(void)
{
    return hf_err_from_errno(errno);
}

void archive_writer_free(struct archive_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->partial[0] != '\0')
        (void)unlink(writer->partial); /* a leftover is removed by the next backup */
    hf_fd_closep(&writer->fd);
    crypto_stream_free(writer->stream);
    hf_buf_done(&writer->plain);
    hf_buf_done(&writer->sealed);
    free(writer);
}

HF_PRINTF(3, 4) static hf_err make_path(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(out, size, format, arguments);
    va_end(arguments);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_INVALID;
}

static hf_err make_paths(struct archive_writer *writer, const char *folder, const char *name)
{
    hf_err err = make_path(writer->folder, sizeof(writer->folder), "%s", folder);
    if (err == HF_OK)
        err = make_path(writer->path, sizeof(writer->path), "%s/%s", folder, name);
    return err;
}

static hf_err create_file(struct archive_writer *writer)
{
    struct stat there;
    if (lstat(writer->path, &there) == 0)
        return HF_E_EXISTS;
    char partial[PATH_MAX];
    hf_err err = make_path(partial, sizeof(partial), "%s" ARCHIVE_PARTIAL, writer->path);
    if (err != HF_OK)
        return err;
    writer->fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
                      FILE_MODE);
    if (writer->fd < 0)
        return errno_err();
    memcpy(writer->partial, partial, sizeof(partial));
    return flock(writer->fd, LOCK_EX | LOCK_NB) == 0 ? HF_OK : errno_err();
}

static hf_err write_bytes(struct archive_writer *writer, hf_bytes bytes)
{
    hf_err err = hf_fd_write_all(writer->fd, bytes);
    if (err == HF_OK)
        writer->bytes += bytes.n;
    return err;
}

static hf_err begin_file(struct archive_writer *writer, const struct archive_header *header,
                         const struct hf_secret *key)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *file_key = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, ARCHIVE_HEADER_MAX_BYTES);
    uint8_t digest[CRYPTO_SHA256_BYTES];
    hf_err err = crypto_random_secret(CRYPTO_STREAM_KEY_BYTES, &file_key);
    if (err == HF_OK)
        err = archive_header_encode(header, key, file_key, &bytes, digest);
    if (err == HF_OK)
        err = crypto_stream_new(file_key, digest, &writer->stream);
    return err == HF_OK ? write_bytes(writer, hf_buf_view(&bytes)) : err;
}

hf_err archive_writer_open(const char *folder, const char *name,
                           const struct archive_header *header, const struct hf_secret *key,
                           struct archive_writer **out)
{
    HF_CLEANUP(archive_writer_freep) struct archive_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return HF_E_NOMEM;
    writer->fd = -1;
    writer->end.to = header->from;
    hf_buf_init(&writer->plain, ARCHIVE_CHUNK_BYTES);
    hf_buf_init(&writer->sealed, ARCHIVE_CHUNK_SEALED_BYTES);
    hf_err err = make_paths(writer, folder, name);
    if (err == HF_OK)
        err = create_file(writer);
    if (err == HF_OK)
        err = begin_file(writer, header, key);
    if (err != HF_OK)
        return err;
    *out = hf_take(&writer);
    return HF_OK;
}

/* ---- chunks ---- */

static hf_err write_chunk(struct archive_writer *writer, bool is_last, hf_bytes plain)
{
    hf_buf_reset(&writer->sealed);
    hf_err err = crypto_stream_seal(writer->stream, is_last, plain, &writer->sealed);
    return err == HF_OK ? write_bytes(writer, hf_buf_view(&writer->sealed)) : err;
}

static hf_err flush_chunk(struct archive_writer *writer)
{
    if (writer->plain.n == 0)
        return HF_OK;
    hf_err err = write_chunk(writer, false, hf_buf_view(&writer->plain));
    hf_buf_reset(&writer->plain);
    return err;
}

static hf_err put_bytes(struct archive_writer *writer, hf_bytes bytes)
{
    writer->end.data_bytes += bytes.n;
    while (bytes.n > 0) {
        const size_t room = ARCHIVE_CHUNK_BYTES - writer->plain.n;
        const size_t n = bytes.n < room ? bytes.n : room;
        hf_buf_put(&writer->plain, bytes.p, n);
        bytes.p += n;
        bytes.n -= n;
        hf_err err = hf_buf_err(&writer->plain);
        if (err == HF_OK && writer->plain.n == ARCHIVE_CHUNK_BYTES)
            err = flush_chunk(writer);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

/* ---- items ---- */

void archive_put_items(struct archive_writer *writer, hf_bytes items, uint64_t records)
{
    if (writer->err != HF_OK)
        return;
    writer->end.records += records;
    writer->err = put_bytes(writer, items);
}

void archive_put_entries(struct archive_writer *writer, hf_bytes items, uint64_t entries)
{
    if (writer->err != HF_OK)
        return;
    writer->end.entries += entries;
    writer->err = put_bytes(writer, items);
}

static void put_item(struct archive_writer *writer, const struct archive_item *item)
{
    if (writer->err != HF_OK)
        return;
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, ARCHIVE_ITEM_MAX_BYTES);
    archive_item_encode(item, &bytes);
    writer->err = hf_buf_err(&bytes);
    if (writer->err == HF_OK)
        writer->err = put_bytes(writer, hf_buf_view(&bytes));
}

void archive_put_record(struct archive_writer *writer, hf_bytes key, hf_bytes value)
{
    const struct archive_item item = { .kind = ARCHIVE_ITEM_RECORD, .key = key, .value = value };
    writer->end.records++;
    put_item(writer, &item);
}

void archive_put_final(struct archive_writer *writer, hf_bytes key, hf_bytes value)
{
    const struct archive_item item = { .kind = ARCHIVE_ITEM_FINAL, .key = key, .value = value };
    put_item(writer, &item);
}

void archive_put_entry(struct archive_writer *writer, uint64_t seq, hf_usec time, uint32_t part,
                       hf_bytes changes)
{
    const struct archive_item item = {
        .kind = ARCHIVE_ITEM_ENTRY, .seq = seq, .time = time, .part = part, .changes = changes
    };
    writer->end.entries += part == 0;
    put_item(writer, &item);
}

hf_err archive_writer_err(const struct archive_writer *writer)
{
    return writer->err;
}

uint64_t archive_writer_bytes(const struct archive_writer *writer)
{
    return writer->bytes;
}

/* ---- the end ---- */

static hf_err put_end(struct archive_writer *writer)
{
    uint8_t memory[ARCHIVE_END_BYTES];
    struct hf_buf end;
    hf_buf_init_fixed(&end, memory, sizeof(memory));
    archive_end_encode(&writer->end, &end);
    hf_err err = hf_buf_err(&end);
    return err == HF_OK ? write_chunk(writer, true, hf_buf_view(&end)) : err;
}

static hf_err publish(struct archive_writer *writer)
{
    if (fsync(writer->fd) != 0)
        return errno_err();
    if (rename(writer->partial, writer->path) != 0)
        return errno_err();
    writer->partial[0] = '\0';
    hf_err err = hf_folder_sync(writer->folder);
    if (err != HF_OK)
        (void)unlink(writer->path); /* not durable, so not there */
    return err;
}

hf_err archive_writer_finish(struct archive_writer *writer, uint64_t to, hf_usec to_time,
                             struct archive_end *out)
{
    writer->end.to = to;
    writer->end.to_time = to_time;
    if (writer->err == HF_OK)
        writer->err = flush_chunk(writer);
    if (writer->err == HF_OK)
        writer->err = put_end(writer);
    if (writer->err == HF_OK)
        writer->err = publish(writer);
    if (writer->err == HF_OK)
        *out = writer->end;
    return writer->err;
}

/* ---- leftovers ---- */

/* One that is locked is being written. */
static void remove_if_left(int folder, const char *name)
{
    HF_CLEANUP(hf_fd_closep)
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(folder, name, 0); /* if it stays, it only takes room */
}

hf_err archive_remove_partial(const char *folder)
{
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return errno_err();
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (hf_str_ends(hf_str_from_c(entry->d_name), HF_LIT(ARCHIVE_PARTIAL)))
            remove_if_left(dirfd(entries), entry->d_name);
    }
    (void)closedir(entries);
    return HF_OK;
}
