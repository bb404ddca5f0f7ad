/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of archive/ share.
 */
#include "support.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)

hf_bytes bytes_of(const char *text)
{
    return hf_str_bytes(hf_str_from_c(text));
}

struct hf_secret *key_of(uint8_t first)
{
    const uint8_t bytes[32] = { first, 1, 2, 3 };
    struct hf_secret *key = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ bytes, sizeof(bytes) }, &key));
    return key;
}

int place_set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    EXPECT_OK(crypto_init(NULL));
    const char *base = getenv("TMPDIR");
    const int n = snprintf(place->folder, sizeof(place->folder), "%s/holdfast-archive-XXXXXX",
                           base != NULL ? base : "/tmp");
    assert_true(n > 0 && (size_t)n < sizeof(place->folder));
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof(place->path), "%s/test", place->folder);
    place->key = key_of(7);
    *state = place;
    return 0;
}

/* Data folders of stores are one level deep. */
static void remove_folder(const char *path)
{
    DIR *entries = opendir(path);
    if (entries == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        char name[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (unlink(name) != 0)
            remove_folder(name);
    }
    (void)closedir(entries);
    (void)rmdir(path);
}

int place_tear_down(void **state)
{
    struct place *place = *state;
    remove_folder(place->folder);
    hf_secret_free(place->key);
    free(place);
    return 0;
}

struct archive_header header_of(const char *seal)
{
    return (struct archive_header){ .kind = ARCHIVE_FULL,
                                    .installation = { .b = { 1 } },
                                    .history = { .b = { 2 } },
                                    .id = { .b = { 3 } },
                                    .created = 1000,
                                    .seal = bytes_of(seal) };
}

struct archive_writer *begin_archive(const struct place *place, const struct archive_header *header)
{
    struct archive_writer *writer = NULL;
    EXPECT_OK(archive_writer_open(place->folder, "test", header, place->key, &writer));
    return writer;
}

void write_small(const struct place *place)
{
    const struct archive_header header = header_of("a seal");
    struct archive_end end;
    struct archive_writer *writer = begin_archive(place, &header);
    archive_put_record(writer, bytes_of("a"), bytes_of("one"));
    archive_put_record(writer, bytes_of("b"), bytes_of(""));
    archive_put_entry(writer, 1, 1100, 0, bytes_of("changes"));
    archive_put_entry(writer, 2, 1200, 0, bytes_of("part"));
    archive_put_entry(writer, 2, 1200, 1, bytes_of("and another"));
    archive_put_final(writer, bytes_of("z"), bytes_of("end"));
    EXPECT_OK(archive_writer_finish(writer, 2, 1300, &end));
    assert_int_equal(end.records, 2);
    assert_int_equal(end.entries, 2);
    archive_writer_free(writer);
}

void load_file(const char *path, struct hf_buf *out)
{
    hf_buf_init(out, FILE_MAX_BYTES);
    EXPECT_OK(hf_file_read(path, out));
}

void store_file(const char *path, hf_bytes content)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.p, 1, content.n, file), content.n);
    assert_int_equal(fclose(file), 0);
}

hf_err read_whole(const struct place *place)
{
    HF_CLEANUP(archive_reader_freep) struct archive_reader *reader = NULL;
    struct hf_diag diag = { 0 };
    struct archive_item item;
    hf_err err = archive_reader_open(place->path, &diag, &reader);
    if (err == HF_OK)
        err = archive_reader_unlock(reader, place->key);
    while (err == HF_OK)
        err = archive_reader_next(reader, &item);
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

size_t count_files(const char *folder)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(entries);
    return count;
}
