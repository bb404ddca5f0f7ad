/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file: whatever is done to it, it is refused, unless nothing was done to it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- wrong inputs ---- */

static void test_file_cut_anywhere_is_refused(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    write_small(place);
    load_file(place->path, &file);
    for (size_t n = 0; n < file.n; n++) {
        store_file(place->path, (hf_bytes){ file.p, n });
        EXPECT_ERR(HF_E_CORRUPT, read_whole(place));
    }
    store_file(place->path, hf_buf_view(&file));
    EXPECT_OK(read_whole(place));
}

static void test_file_any_bit_turned_is_refused(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    write_small(place);
    load_file(place->path, &file);
    for (size_t i = 0; i < file.n * 8; i++) {
        file.p[i / 8] ^= (uint8_t)(1U << i % 8);
        store_file(place->path, hf_buf_view(&file));
        const hf_err err = read_whole(place);
        /* the two bytes behind the magic are the format */
        assert_true(err == HF_E_CORRUPT || (err == HF_E_FORMAT && (i / 8 == 8 || i / 8 == 9)));
        file.p[i / 8] ^= (uint8_t)(1U << i % 8);
    }
}

static void test_file_with_bytes_added_is_refused(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    write_small(place);
    load_file(place->path, &file);
    for (size_t more = 1; more < 100; more++) {
        hf_buf_put_u8(&file, (uint8_t)more);
        store_file(place->path, hf_buf_view(&file));
        EXPECT_ERR(HF_E_CORRUPT, read_whole(place));
    }
}

static void test_file_under_other_key_is_refused(void **state)
{
    const struct place *place = *state;
    struct hf_diag diag = { 0 };
    struct archive_reader *reader = NULL;
    struct archive_item item;
    struct hf_secret *other = key_of(8);
    write_small(place);
    EXPECT_OK(archive_reader_open(place->path, &diag, &reader));
    EXPECT_ERR(HF_E_CORRUPT, archive_reader_unlock(reader, other));
    EXPECT_OK(archive_reader_unlock(reader, place->key)); /* another try is fine */
    EXPECT_OK(archive_reader_next(reader, &item));
    archive_reader_free(reader);
    hf_secret_free(other);
}

static void test_file_that_is_none_is_refused(void **state)
{
    const struct place *place = *state;
    struct hf_diag diag = { 0 };
    struct archive_reader *reader = NULL;
    EXPECT_ERR(HF_E_NOT_FOUND, archive_reader_open(place->path, &diag, &reader));
    EXPECT_ERR(HF_E_CORRUPT, archive_reader_open(place->folder, &diag, &reader));
    store_file(place->path, bytes_of("not a backup, but long enough to be one, by far"));
    EXPECT_ERR(HF_E_CORRUPT, archive_reader_open(place->path, &diag, &reader));
    assert_null(reader);
}

/* A header that says it is as long as this. */
static hf_err open_with_size(const struct place *place, uint32_t size)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    HF_CLEANUP(archive_reader_freep) struct archive_reader *reader = NULL;
    struct hf_diag diag = { 0 };
    hf_buf_init(&file, 1024 * 1024);
    hf_buf_put_c(&file, "HFARCHIV");
    hf_buf_put_u16(&file, ARCHIVE_FORMAT);
    hf_buf_put_u32(&file, size);
    for (size_t i = 0; i < 2 * ARCHIVE_HEADER_MAX_BYTES; i++)
        hf_buf_put_u8(&file, 0);
    store_file(place->path, hf_buf_view(&file));
    return archive_reader_open(place->path, &diag, &reader);
}

static void test_file_header_of_wrong_size_is_refused(void **state)
{
    const struct place *place = *state;
    static const uint32_t sizes[] = { 0,
                                      ARCHIVE_PREFIX_BYTES,
                                      ARCHIVE_PREFIX_BYTES + 1,
                                      ARCHIVE_HEADER_MAX_BYTES,
                                      ARCHIVE_HEADER_MAX_BYTES + 1,
                                      UINT32_MAX };
    for (size_t i = 0; i < HF_ARRAY_LEN(sizes); i++)
        EXPECT_ERR(HF_E_CORRUPT, open_with_size(place, sizes[i]));
}

static void test_file_seal_above_limit_is_refused(void **state)
{
    const struct place *place = *state;
    static uint8_t seal[ARCHIVE_SEAL_MAX_BYTES + 1];
    struct archive_header header = header_of("");
    struct archive_writer *writer = NULL;
    header.seal = (hf_bytes){ seal, sizeof(seal) };
    EXPECT_ERR(HF_E_TOO_LARGE,
               archive_writer_open(place->folder, "test", &header, place->key, &writer));
    assert_int_equal(count_files(place->folder), 0);
    header.seal.n--;
    writer = begin_archive(place, &header);
    struct archive_end end;
    EXPECT_OK(archive_writer_finish(writer, 0, 0, &end));
    archive_writer_free(writer);
    EXPECT_OK(read_whole(place));
}

/* What authenticates, because a writer of ours made it, but is no backup. */
static void test_file_with_gap_in_entries_is_refused(void **state)
{
    const struct place *place = *state;
    static const struct {
        uint64_t first, second;
        uint32_t second_part;
        uint64_t to;
    } cases[] = {
        { 1, 3, 0, 3 }, { 2, 3, 0, 3 }, { 1, 1, 0, 1 }, { 1, 2, 1, 2 },
        { 1, 1, 2, 1 }, { 1, 2, 0, 3 }, { 2, 1, 0, 1 },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct archive_header header = header_of("a seal");
        struct archive_writer *writer = begin_archive(place, &header);
        struct archive_end end;
        archive_put_entry(writer, cases[i].first, 1, 0, bytes_of("x"));
        archive_put_entry(writer, cases[i].second, 1, cases[i].second_part, bytes_of("x"));
        EXPECT_OK(archive_writer_finish(writer, cases[i].to, 1, &end));
        archive_writer_free(writer);
        EXPECT_ERR(HF_E_CORRUPT, read_whole(place));
        assert_int_equal(unlink(place->path), 0);
    }
}

static void test_file_items_above_limits_are_refused(void **state)
{
    (void)state;
    static const uint8_t long_key[] = { ARCHIVE_ITEM_RECORD, 0x02, 0x00 };
    static const uint8_t long_value[] = { ARCHIVE_ITEM_RECORD, 0, 1, 'k', 0x04, 0, 0, 1 };
    static const uint8_t no_key[] = { ARCHIVE_ITEM_RECORD, 0, 0, 0, 0, 0, 0 };
    static const uint8_t journal[] = { ARCHIVE_ITEM_RECORD, 0, 1, STORE_CLASS_JOURNAL, 0, 0, 0, 0 };
    static const uint8_t unknown[] = { 9, 0, 0, 0, 0 };
    const struct {
        hf_bytes bytes;
        hf_err err;
    } cases[] = {
        { { long_key, sizeof(long_key) }, HF_E_CORRUPT },
        { { long_value, sizeof(long_value) }, HF_E_CORRUPT },
        { { no_key, sizeof(no_key) }, HF_E_CORRUPT },
        { { journal, sizeof(journal) }, HF_E_CORRUPT },
        { { unknown, sizeof(unknown) }, HF_E_CORRUPT },
        { { long_key, 2 }, HF_E_TRUNCATED },
        { { long_key, 0 }, HF_E_TRUNCATED },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        hf_bytes rest = cases[i].bytes;
        struct archive_item item;
        EXPECT_ERR(cases[i].err, archive_item_next(&rest, &item));
        assert_int_equal(rest.n, cases[i].bytes.n);
    }
}

/* ---- many chunks ---- */

#define LARGE_BYTES ((size_t)300 * 1000) /* no divisor of a chunk */
/* 12 records, 3.6 MB: four chunks, the last not full */
#define LARGE_FIRST 'a'
#define LARGE_LAST 'l'

static void write_large(const struct place *place)
{
    static uint8_t value[LARGE_BYTES];
    const struct archive_header header = header_of("a seal");
    struct archive_writer *writer = begin_archive(place, &header);
    struct archive_end end;
    for (uint8_t i = LARGE_FIRST; i <= (uint8_t)LARGE_LAST; i++) {
        memset(value, i, sizeof(value));
        archive_put_record(writer, (hf_bytes){ &i, 1 }, (hf_bytes){ value, sizeof(value) });
    }
    EXPECT_OK(archive_writer_finish(writer, 0, 0, &end));
    archive_writer_free(writer);
}

static void test_file_of_many_chunks_comes_back(void **state)
{
    const struct place *place = *state;
    struct hf_diag diag = { 0 };
    struct archive_reader *reader = NULL;
    struct archive_item item;
    write_large(place);
    EXPECT_OK(archive_reader_open(place->path, &diag, &reader));
    EXPECT_OK(archive_reader_unlock(reader, place->key));
    for (int round = 0; round < 2; round++) {
        for (uint8_t i = LARGE_FIRST; i <= (uint8_t)LARGE_LAST; i++) {
            EXPECT_OK(archive_reader_next(reader, &item));
            assert_int_equal(item.kind, ARCHIVE_ITEM_RECORD);
            assert_int_equal(item.key.p[0], i);
            assert_int_equal(item.value.n, LARGE_BYTES);
            for (size_t at = 0; at < item.value.n; at += 997)
                assert_int_equal(item.value.p[at], i);
        }
        EXPECT_ERR(HF_E_NOT_FOUND, archive_reader_next(reader, &item));
        archive_reader_rewind(reader);
    }
    archive_reader_free(reader);
}

/* Chunks `a` and `b` of the file change places; the same twice: it is left out. */
static void exchange_chunks(const struct place *place, size_t a, size_t b)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    HF_CLEANUP(hf_buf_done) struct hf_buf changed;
    load_file(place->path, &file);
    size_t head = 0;
    EXPECT_OK(archive_header_size((hf_bytes){ file.p, ARCHIVE_PREFIX_BYTES }, &head));
    hf_buf_init(&changed, file.n);
    hf_buf_put(&changed, file.p, head);
    size_t i = 0;
    for (size_t at = head; at < file.n; at += ARCHIVE_CHUNK_SEALED_BYTES, i++) {
        const size_t from = i == a ? b : i == b ? a : i;
        const size_t start = head + from * ARCHIVE_CHUNK_SEALED_BYTES;
        const size_t left = file.n - start;
        if (i != a || a != b)
            hf_buf_put(&changed, file.p + start,
                       left < ARCHIVE_CHUNK_SEALED_BYTES ? left : ARCHIVE_CHUNK_SEALED_BYTES);
    }
    EXPECT_OK(hf_buf_err(&changed));
    store_file(place->path, hf_buf_view(&changed));
}

static void test_file_chunks_exchanged_or_left_out_are_refused(void **state)
{
    const struct place *place = *state;
    static const size_t cases[][2] = { { 0, 1 }, { 1, 2 }, { 0, 0 }, { 1, 1 }, { 2, 2 } };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        write_large(place);
        exchange_chunks(place, cases[i][0], cases[i][1]);
        EXPECT_ERR(HF_E_CORRUPT, read_whole(place));
        assert_int_equal(unlink(place->path), 0);
    }
}

/* ---- what comes back ---- */

static void expect_record(struct archive_reader *reader, enum archive_item_kind kind,
                          const char *key, const char *value)
{
    struct archive_item item;
    EXPECT_OK(archive_reader_next(reader, &item));
    assert_int_equal(item.kind, kind);
    assert_true(hf_bytes_equal(item.key, bytes_of(key)));
    assert_true(hf_bytes_equal(item.value, bytes_of(value)));
}

static void expect_entry(struct archive_reader *reader, uint64_t seq, uint32_t part,
                         const char *changes)
{
    struct archive_item item;
    EXPECT_OK(archive_reader_next(reader, &item));
    assert_int_equal(item.kind, ARCHIVE_ITEM_ENTRY);
    assert_int_equal(item.seq, seq);
    assert_int_equal(item.part, part);
    assert_true(hf_bytes_equal(item.changes, bytes_of(changes)));
}

static void test_file_comes_back_as_written(void **state)
{
    const struct place *place = *state;
    struct hf_diag diag = { 0 };
    struct archive_reader *reader = NULL;
    struct archive_item item;
    write_small(place);
    EXPECT_OK(archive_reader_open(place->path, &diag, &reader));
    const struct archive_header *header = archive_reader_header(reader);
    assert_int_equal(header->kind, ARCHIVE_FULL);
    assert_int_equal(header->created, 1000);
    assert_true(hf_bytes_equal(header->seal, bytes_of("a seal")));
    EXPECT_OK(archive_reader_unlock(reader, place->key));
    assert_int_equal(archive_reader_end(reader)->to, 2);
    assert_int_equal(archive_reader_end(reader)->to_time, 1300);
    expect_record(reader, ARCHIVE_ITEM_RECORD, "a", "one");
    expect_record(reader, ARCHIVE_ITEM_RECORD, "b", "");
    expect_entry(reader, 1, 0, "changes");
    expect_entry(reader, 2, 0, "part");
    expect_entry(reader, 2, 1, "and another");
    expect_record(reader, ARCHIVE_ITEM_FINAL, "z", "end");
    EXPECT_ERR(HF_E_NOT_FOUND, archive_reader_next(reader, &item));
    archive_reader_free(reader);
}

static void test_file_holds_no_plain_text(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    write_small(place);
    load_file(place->path, &file);
    assert_null(memmem(file.p, file.n, "changes", strlen("changes")));
    assert_null(memmem(file.p, file.n, "another", strlen("another")));
    assert_non_null(memmem(file.p, file.n, "a seal", strlen("a seal"))); /* the search works */
}

/* ---- names ---- */

static void test_writer_without_end_leaves_nothing(void **state)
{
    const struct place *place = *state;
    const struct archive_header header = header_of("a seal");
    struct archive_writer *writer = begin_archive(place, &header);
    archive_put_record(writer, bytes_of("a"), bytes_of("one"));
    assert_int_equal(count_files(place->folder), 1); /* the partial one */
    archive_writer_free(writer);
    assert_int_equal(count_files(place->folder), 0);
}

static void test_writer_name_that_is_taken_is_refused(void **state)
{
    const struct place *place = *state;
    const struct archive_header header = header_of("a seal");
    struct archive_writer *writer = NULL;
    write_small(place);
    EXPECT_ERR(HF_E_EXISTS,
               archive_writer_open(place->folder, "test", &header, place->key, &writer));
    EXPECT_OK(read_whole(place));
}

static void test_partial_files_are_removed_unless_being_written(void **state)
{
    const struct place *place = *state;
    const struct archive_header header = header_of("a seal");
    char left[PATH_MAX];
    (void)snprintf(left, sizeof(left), "%s/left" ARCHIVE_PARTIAL, place->folder);
    struct archive_writer *writer = begin_archive(place, &header);
    store_file(left, bytes_of("left by a writer that was killed"));
    EXPECT_OK(archive_remove_partial(place->folder));
    assert_int_equal(access(left, F_OK), -1);
    struct archive_end end;
    EXPECT_OK(archive_writer_finish(writer, 0, 0, &end));
    archive_writer_free(writer);
    EXPECT_OK(archive_remove_partial(place->folder));
    EXPECT_OK(read_whole(place));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file_cut_anywhere_is_refused),
        TEST(test_file_any_bit_turned_is_refused),
        TEST(test_file_with_bytes_added_is_refused),
        TEST(test_file_under_other_key_is_refused),
        TEST(test_file_that_is_none_is_refused),
        TEST(test_file_header_of_wrong_size_is_refused),
        TEST(test_file_seal_above_limit_is_refused),
        TEST(test_file_with_gap_in_entries_is_refused),
        TEST(test_file_items_above_limits_are_refused),
        TEST(test_file_of_many_chunks_comes_back),
        TEST(test_file_chunks_exchanged_or_left_out_are_refused),
        TEST(test_file_comes_back_as_written),
        TEST(test_file_holds_no_plain_text),
        TEST(test_writer_without_end_leaves_nothing),
        TEST(test_writer_name_that_is_taken_is_refused),
        TEST(test_partial_files_are_removed_unless_being_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
