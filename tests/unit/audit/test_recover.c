/* SPDX-License-Identifier: Apache-2.0 */
/* Opening after a power failure: damage behind what the store knows to be durable is set aside, and
 * nothing else is, unless the loss is accepted. */
#include "support.h"

#include "base/file.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define RECORDS 6
#define ONE_RECORD_A_SEGMENT 1

/* The records of a log, and where each ends. */
struct sample {
    struct hf_buf text;
    struct audit_head heads[RECORDS + 1];
    size_t ends[RECORDS + 1];
};

static void make_sample(const char *folder, struct sample *out)
{
    *out = (struct sample){ 0 };
    struct audit_log *log = test_open(folder, 0);
    for (int i = 1; i <= RECORDS; i++) {
        test_append(log, i, i);
        out->heads[i] = audit_log_head(log);
    }
    audit_close(log);
    test_read(folder, 1, &out->text);
    for (size_t i = 0; i < RECORDS; i++)
        out->ends[i + 1] = out->ends[i] + test_line_at(&out->text, i).n;
}

/* Kinds of damage to the sample that begin with record `seq` (from 1). */
enum damage {
    DAMAGE_ZERO_LINE,
    DAMAGE_ZERO_TO_END,
    DAMAGE_ZERO_FROM_THE_MIDDLE,
    DAMAGE_MANY_ZEROS,
    DAMAGE_BYTE,
    DAMAGE_NEWLINE,
    DAMAGE_SWAP,
    DAMAGE_DROP,
    DAMAGE_GARBAGE,
    DAMAGE_COUNT,
};

static const char *const damage_names[DAMAGE_COUNT] = {
    [DAMAGE_ZERO_LINE] = "a line is zeros",
    [DAMAGE_ZERO_TO_END] = "zeros to the end",
    [DAMAGE_ZERO_FROM_THE_MIDDLE] = "zeros from the middle of the line to the end",
    [DAMAGE_MANY_ZEROS] = "more zeros than a line may have",
    [DAMAGE_BYTE] = "a byte is changed",
    [DAMAGE_NEWLINE] = "a newline is changed",
    [DAMAGE_SWAP] = "a line and the next are swapped",
    [DAMAGE_DROP] = "a line is missing",
    [DAMAGE_GARBAGE] = "garbage lines",
};

static void put_zeros(struct hf_buf *out, size_t n)
{
    uint8_t *p = hf_buf_reserve(out, n);
    assert_non_null(p);
    memset(p, 0, n);
    hf_buf_commit(out, n);
}

static void put_damaged(const struct sample *sample, enum damage damage, size_t seq,
                        struct hf_buf *out)
{
    const uint8_t *p = sample->text.p;
    size_t start = sample->ends[seq - 1];
    size_t end = sample->ends[seq];
    size_t all = sample->ends[RECORDS];
    hf_buf_put(out, p, start);
    switch (damage) {
    case DAMAGE_ZERO_LINE:
        put_zeros(out, end - start);
        hf_buf_put(out, p + end, all - end);
        break;
    case DAMAGE_ZERO_TO_END:
        put_zeros(out, all - start);
        break;
    case DAMAGE_ZERO_FROM_THE_MIDDLE:
        hf_buf_put(out, p + start, 40);
        put_zeros(out, all - start - 40);
        break;
    case DAMAGE_MANY_ZEROS:
        put_zeros(out, AUDIT_LINE_MAX_BYTES + 1);
        break;
    case DAMAGE_BYTE:
        hf_buf_put(out, p + start, all - start);
        out->p[start + 30] ^= 1;
        break;
    case DAMAGE_NEWLINE:
        hf_buf_put(out, p + start, all - start);
        out->p[end - 1] = ' ';
        break;
    case DAMAGE_SWAP:
        hf_buf_put(out, p + end, sample->ends[seq + 1] - end);
        hf_buf_put(out, p + start, end - start);
        hf_buf_put(out, p + sample->ends[seq + 1], all - sample->ends[seq + 1]);
        break;
    case DAMAGE_DROP:
        hf_buf_put(out, p + end, all - end);
        break;
    case DAMAGE_GARBAGE:
        hf_buf_put_str(out, HF_LIT("garbage\n\n\xff\xfe\nmore"));
        break;
    case DAMAGE_COUNT:
        break;
    }
}

static void write_damaged(const char *folder, const struct sample *sample, enum damage damage,
                          size_t seq, struct hf_buf *out)
{
    hf_buf_init(out, FILE_MAX_BYTES);
    put_damaged(sample, damage, seq, out);
    assert_int_equal(hf_buf_err(out), HF_OK);
    test_replace(folder, 1, hf_buf_view(out));
}

static size_t count_damaged_files(const char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL)
        count += strstr(entry->d_name, ".damaged") != NULL;
    (void)closedir(dir);
    return count;
}

static void expect_content(const char *folder, uint64_t first, hf_bytes content)
{
    struct hf_buf text;
    test_read(folder, first, &text);
    assert_int_equal(text.n, content.n);
    assert_true(hf_bytes_equal(hf_buf_view(&text), content));
    hf_buf_done(&text);
}

static void aside_path(const char *folder, const char *name, char out[TEST_FOLDER_MAX])
{
    (void)snprintf(out, TEST_FOLDER_MAX, "%s/%s", folder, name);
}

/* The set-aside file has these bytes, and is for the owner alone. */
static void expect_aside(const char *folder, const char *name, hf_bytes content)
{
    char path[TEST_FOLDER_MAX];
    struct stat status;
    struct hf_buf text;
    aside_path(folder, name, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    hf_buf_init(&text, FILE_MAX_BYTES);
    assert_int_equal(hf_file_read(path, &text), HF_OK);
    assert_true(hf_bytes_equal(hf_buf_view(&text), content));
    hf_buf_done(&text);
}

static void remove_aside(const char *folder, const char *name)
{
    char path[TEST_FOLDER_MAX];
    aside_path(folder, name, path);
    assert_int_equal(unlink(path), 0);
}

static void expect_refused(const struct audit_config *config, const char *text, const char *name)
{
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    hf_err err = audit_open(config, &diag, &log);
    if (err != HF_E_CORRUPT || log != NULL || strstr(diag.text, text) == NULL)
        fail_msg("%s: %s: \"%s\", not \"%s\"", name, hf_err_name(err), diag.text, text);
    assert_int_equal(count_damaged_files(config->folder), 0);
}

static struct audit_log *open_log(const struct audit_config *config, const char *name)
{
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    hf_err err = audit_open(config, &diag, &log);
    if (err != HF_OK)
        fail_msg("%s: %s: %s", name, hf_err_name(err), diag.text);
    return log;
}

/* The log ends before record `seq` of the sample, and can grow into it again. */
static void expect_goes_on(struct audit_log *log, const char *folder, const struct sample *sample,
                           uint64_t seq)
{
    assert_int_equal(audit_log_head(log).seq, seq - 1);
    assert_int_equal(audit_log_durable_head(log).seq, seq - 1);
    assert_true(audit_is_writable(log));
    test_append(log, (int)seq, RECORDS);
    audit_close(log);
    expect_content(folder, 1, hf_buf_view(&sample->text));
    assert_true(test_verify(folder, &sample->heads[RECORDS]).intact);
}

/* ---- refused ---- */

static void test_open_damage_at_or_before_the_expected_head_is_refused(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++) {
        struct hf_buf damaged;
        write_damaged(*state, &sample, damage, 3, &damaged);
        for (uint64_t seq = 3; seq <= RECORDS; seq++) {
            const struct audit_config config = { .folder = *state, .expected = &sample.heads[seq] };
            expect_refused(&config, "record", damage_names[damage]);
            expect_content(*state, 1, hf_buf_view(&damaged));
        }
        hf_buf_done(&damaged);
    }
    hf_buf_done(&sample.text);
}

/* The beginning of a line is cut as ever; all else stays for a person to look at. */
static void test_open_damage_without_an_expected_head_is_refused(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++) {
        if (damage == DAMAGE_ZERO_TO_END || damage == DAMAGE_ZERO_FROM_THE_MIDDLE)
            continue;
        struct hf_buf damaged;
        write_damaged(*state, &sample, damage, 3, &damaged);
        expect_refused(&(struct audit_config){ .folder = *state }, "damaged at record 3",
                       damage_names[damage]);
        expect_content(*state, 1, hf_buf_view(&damaged));
        hf_buf_done(&damaged);
    }
    hf_buf_done(&sample.text);
}

static void test_open_other_record_than_expected_before_damage_is_refused(void **state)
{
    struct sample sample;
    struct hf_buf damaged;
    make_sample(*state, &sample);
    write_damaged(*state, &sample, DAMAGE_BYTE, 5, &damaged);
    struct audit_head head = sample.heads[3];
    head.hash[7] ^= 1;
    expect_refused(&(struct audit_config){ .folder = *state, .expected = &head },
                   "damaged at record 3", "");
    expect_content(*state, 1, hf_buf_view(&damaged));
    hf_buf_done(&damaged);
    hf_buf_done(&sample.text);
}

static void test_open_damaged_previous_segment_is_refused_even_if_loss_is_accepted(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 3);
    const struct audit_head first = { .seq = 1 };
    test_replace(*state, 2, hf_str_bytes(HF_LIT("garbage\n")));
    expect_refused(&(struct audit_config){ .folder = *state, .expected = &first },
                   "damaged at record 2", "");
    expect_refused(&(struct audit_config){ .folder = *state, .accept_loss = true },
                   "damaged at record 2", "");
}

static void test_open_missing_segments_are_refused_even_if_loss_is_accepted(void **state)
{
    const struct audit_head nothing = { 0 };
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 3);
    char path[TEST_FOLDER_MAX];
    test_path(*state, 1, path);
    assert_int_equal(unlink(path), 0);
    test_path(*state, 2, path);
    assert_int_equal(unlink(path), 0);
    expect_refused(&(struct audit_config){ .folder = *state, .accept_loss = true },
                   "expected seq 1, the file begins with 3", "");
    expect_refused(&(struct audit_config){ .folder = *state, .expected = &nothing },
                   "expected seq 1, the file begins with 3", "");
    assert_int_equal(test_verify(*state, NULL).bad_seq, 1);
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_open_damage_that_cannot_be_copied_fails_and_changes_nothing(void **state)
{
    struct sample sample;
    struct hf_buf damaged;
    make_sample(*state, &sample);
    write_damaged(*state, &sample, DAMAGE_BYTE, 4, &damaged);
    const struct audit_config config = { .folder = *state, .expected = &sample.heads[3] };
    struct hf_diag diag = { 0 };
    struct audit_log *log = NULL;
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_file_size(100);
    hf_err err = audit_open(&config, &diag, &log);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(err, HF_E_IO);
    assert_null(log);
    assert_non_null(strstr(diag.text, "damaged from record 4 on, and this cannot be set aside"));
    assert_int_equal(count_damaged_files(*state), 0);
    expect_content(*state, 1, hf_buf_view(&damaged));
    hf_buf_done(&damaged);
    hf_buf_done(&sample.text);
}

/* ---- set aside ---- */

static void expect_set_aside(const char *folder, const struct sample *sample, enum damage damage,
                             size_t seq, const struct audit_config *config)
{
    struct hf_buf damaged;
    char name[64];
    write_damaged(folder, sample, damage, seq, &damaged);
    (void)snprintf(name, sizeof(name), "audit-%020zu.damaged", seq);
    size_t start = sample->ends[seq - 1];
    struct audit_log *log = open_log(config, damage_names[damage]);
    if (audit_recovered_bytes(log) != damaged.n - start)
        fail_msg("%s: %d bytes recovered", damage_names[damage], (int)audit_recovered_bytes(log));
    assert_string_equal(audit_recovered_file(log), name);
    expect_content(folder, 1, (hf_bytes){ damaged.p, start });
    expect_aside(folder, name, (hf_bytes){ damaged.p + start, damaged.n - start });
    expect_goes_on(log, folder, sample, seq);
    remove_aside(folder, name);
    assert_int_equal(count_damaged_files(folder), 0);
    hf_buf_done(&damaged);
}

static void test_open_damage_behind_the_expected_head_is_set_aside(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++)
        for (size_t seq = 1; seq < RECORDS; seq++)
            for (size_t durable = 0; durable < seq; durable++) {
                const struct audit_config config = { .folder = *state,
                                                     .expected = &sample.heads[durable] };
                expect_set_aside(*state, &sample, damage, seq, &config);
            }
    hf_buf_done(&sample.text);
}

static void test_open_damage_anywhere_is_set_aside_if_loss_is_accepted(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    for (enum damage damage = 0; damage < DAMAGE_COUNT; damage++)
        for (size_t seq = 1; seq < RECORDS; seq++) {
            const struct audit_config unknown = { .folder = *state, .accept_loss = true };
            const struct audit_config known = { .folder = *state,
                                                .expected = &sample.heads[RECORDS],
                                                .accept_loss = true };
            expect_set_aside(*state, &sample, damage, seq, &unknown);
            expect_set_aside(*state, &sample, damage, seq, &known);
        }
    hf_buf_done(&sample.text);
}

static void test_open_other_record_than_expected_is_set_aside_if_loss_is_accepted(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    struct audit_head head = sample.heads[4];
    head.hash[0] ^= 1;
    const struct audit_config config = { .folder = *state, .expected = &head, .accept_loss = true };
    struct audit_log *log = open_log(&config, "");
    assert_string_equal(audit_recovered_file(log), "audit-00000000000000000004.damaged");
    assert_int_equal(audit_recovered_bytes(log), sample.ends[RECORDS] - sample.ends[3]);
    expect_goes_on(log, *state, &sample, 4);
    hf_buf_done(&sample.text);
}

/* What is left of a record that the store has seen is kept; the beginning of another is not. */
static void test_open_end_before_expected_is_taken_if_loss_is_accepted(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    const struct audit_config config = { .folder = *state,
                                         .expected = &sample.heads[5],
                                         .accept_loss = true };
    test_replace(*state, 1, (hf_bytes){ sample.text.p, sample.ends[3] });
    struct audit_log *log = open_log(&config, "whole lines");
    assert_int_equal(audit_recovered_bytes(log), 0);
    assert_string_equal(audit_recovered_file(log), "");
    expect_goes_on(log, *state, &sample, 4);

    test_replace(*state, 1, (hf_bytes){ sample.text.p, sample.ends[3] + 20 });
    log = open_log(&config, "unfinished line");
    assert_int_equal(audit_recovered_bytes(log), 20);
    expect_aside(*state, "audit-00000000000000000004.damaged",
                 (hf_bytes){ sample.text.p + sample.ends[3], 20 });
    expect_goes_on(log, *state, &sample, 4);

    test_replace(*state, 1, (hf_bytes){ sample.text.p, sample.ends[5] + 20 });
    log = open_log(&config, "unfinished line behind");
    assert_int_equal(audit_recovered_bytes(log), 0);
    expect_goes_on(log, *state, &sample, 6);
    assert_int_equal(count_damaged_files(*state), 1);
    hf_buf_done(&sample.text);
}

static void test_open_empty_folder_is_taken_if_loss_is_accepted(void **state)
{
    const struct audit_head head = { .seq = 9 };
    const struct audit_config config = { .folder = *state, .expected = &head, .accept_loss = true };
    struct audit_log *log = open_log(&config, "");
    test_append(log, 1, 2);
    audit_close(log);
    assert_int_equal(test_verify(*state, NULL).records, 2);
}

static void test_open_torn_line_behind_the_expected_head_is_cut_without_a_copy(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    const struct audit_config config = { .folder = *state, .expected = &sample.heads[2] };
    for (size_t n = sample.ends[4] + 1; n < sample.ends[5]; n += 50) {
        test_replace(*state, 1, (hf_bytes){ sample.text.p, n });
        struct audit_log *log = open_log(&config, "");
        assert_int_equal(audit_recovered_bytes(log), 0);
        expect_goes_on(log, *state, &sample, 5);
    }
    assert_int_equal(count_damaged_files(*state), 0);
    hf_buf_done(&sample.text);
}

/* ---- segments ---- */

static struct audit_head head_at(const char *folder, uint64_t first)
{
    struct hf_buf text;
    struct audit_line line;
    test_read(folder, first, &text);
    hf_bytes bytes = test_line_at(&text, 0);
    assert_int_equal(audit_line_parse((hf_bytes){ bytes.p, bytes.n - 1 }, &line), HF_OK);
    struct audit_head head = { .seq = line.seq };
    memcpy(head.hash, line.hash, sizeof(head.hash));
    hf_buf_done(&text);
    return head;
}

static void test_open_expected_head_in_an_earlier_segment_damage_is_set_aside(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 4);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        struct audit_head head = head_at(*state, seq);
        test_replace(*state, 4, hf_str_bytes(HF_LIT("\0\0\0\0\n\0\0")));
        const struct audit_config config = { .folder = *state, .expected = &head };
        struct audit_log *log = open_log(&config, "");
        assert_int_equal(audit_recovered_bytes(log), 7);
        assert_int_equal(audit_log_head(log).seq, 3);
        expect_content(*state, 4, (hf_bytes){ (const uint8_t *)"", 0 });
        test_append(log, 4, 4);
        audit_close(log);
        assert_true(test_verify(*state, &head).intact);
        assert_int_equal(test_verify(*state, NULL).records, 4);
    }
    assert_int_equal(count_damaged_files(*state), 3);
}

static void test_open_other_end_of_the_previous_segment_than_expected(void **state)
{
    (void)test_fill(*state, ONE_RECORD_A_SEGMENT, 3);
    struct audit_head head = head_at(*state, 2);
    head.hash[0] ^= 1;
    struct audit_config config = { .folder = *state, .expected = &head };
    expect_refused(&config, "damaged at record 2", "");
    config.accept_loss = true;
    struct audit_log *log = open_log(&config, "");
    assert_int_equal(audit_log_head(log).seq, 3);
    assert_int_equal(audit_recovered_bytes(log), 0);
    audit_close(log);
}

/* ---- the files set aside ---- */

static void test_open_damage_again_keeps_what_was_set_aside_before(void **state)
{
    struct sample sample;
    char target[TEST_FOLDER_MAX];
    char link[TEST_FOLDER_MAX];
    make_sample(*state, &sample);
    aside_path(*state, "audit-00000000000000000004.damaged.2", link);
    aside_path(*state, "elsewhere", target);
    assert_int_equal(symlink(target, link), 0);
    const struct audit_config config = { .folder = *state, .expected = &sample.heads[3] };
    static const char *const names[] = { "audit-00000000000000000004.damaged",
                                         "audit-00000000000000000004.damaged.3",
                                         "audit-00000000000000000004.damaged.4" };
    static const enum damage damages[] = { DAMAGE_BYTE, DAMAGE_ZERO_LINE, DAMAGE_GARBAGE };
    struct hf_buf damaged[HF_ARRAY_LEN(names)];
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        write_damaged(*state, &sample, damages[i], 4, &damaged[i]);
        struct audit_log *log = open_log(&config, names[i]);
        assert_string_equal(audit_recovered_file(log), names[i]);
        expect_goes_on(log, *state, &sample, 4);
    }
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        expect_aside(*state, names[i],
                     (hf_bytes){ damaged[i].p + sample.ends[3], damaged[i].n - sample.ends[3] });
        hf_buf_done(&damaged[i]);
    }
    assert_int_equal(access(target, F_OK), -1);
    hf_buf_done(&sample.text);
}

static void test_open_tail_and_verify_pass_over_damaged_files(void **state)
{
    struct sample sample;
    struct hf_buf damaged;
    struct hf_buf tail;
    make_sample(*state, &sample);
    write_damaged(*state, &sample, DAMAGE_SWAP, 4, &damaged);
    const struct audit_config config = { .folder = *state, .expected = &sample.heads[3] };
    audit_close(open_log(&config, ""));
    assert_int_equal(count_damaged_files(*state), 1);
    assert_int_equal(test_verify(*state, &sample.heads[3]).records, 3);
    hf_buf_init(&tail, FILE_MAX_BYTES);
    assert_int_equal(audit_tail(*state, 100, &tail), HF_OK);
    assert_true(hf_bytes_equal(hf_buf_view(&tail), (hf_bytes){ sample.text.p, sample.ends[3] }));
    struct audit_log *log = open_log(&config, "");
    assert_int_equal(audit_recovered_bytes(log), 0);
    audit_close(log);
    hf_buf_done(&tail);
    hf_buf_done(&damaged);
    hf_buf_done(&sample.text);
}

static void test_open_intact_log_sets_nothing_aside(void **state)
{
    struct sample sample;
    make_sample(*state, &sample);
    for (size_t seq = 1; seq <= RECORDS; seq++) {
        const struct audit_config config = { .folder = *state,
                                             .expected = &sample.heads[seq],
                                             .accept_loss = seq % 2 == 0 };
        struct audit_log *log = open_log(&config, "");
        assert_int_equal(audit_recovered_bytes(log), 0);
        assert_string_equal(audit_recovered_file(log), "");
        audit_close(log);
    }
    assert_int_equal(count_damaged_files(*state), 0);
    hf_buf_done(&sample.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open_damage_at_or_before_the_expected_head_is_refused),
        TEST(test_open_damage_without_an_expected_head_is_refused),
        TEST(test_open_other_record_than_expected_before_damage_is_refused),
        TEST(test_open_damaged_previous_segment_is_refused_even_if_loss_is_accepted),
        TEST(test_open_missing_segments_are_refused_even_if_loss_is_accepted),
        TEST(test_open_damage_that_cannot_be_copied_fails_and_changes_nothing),
        TEST(test_open_damage_behind_the_expected_head_is_set_aside),
        TEST(test_open_damage_anywhere_is_set_aside_if_loss_is_accepted),
        TEST(test_open_other_record_than_expected_is_set_aside_if_loss_is_accepted),
        TEST(test_open_end_before_expected_is_taken_if_loss_is_accepted),
        TEST(test_open_empty_folder_is_taken_if_loss_is_accepted),
        TEST(test_open_torn_line_behind_the_expected_head_is_cut_without_a_copy),
        TEST(test_open_expected_head_in_an_earlier_segment_damage_is_set_aside),
        TEST(test_open_other_end_of_the_previous_segment_than_expected),
        TEST(test_open_damage_again_keeps_what_was_set_aside_before),
        TEST(test_open_tail_and_verify_pass_over_damaged_files),
        TEST(test_open_intact_log_sets_nothing_aside),
    };
    return cmocka_run_group_tests(tests, test_start_crypto, NULL);
}
