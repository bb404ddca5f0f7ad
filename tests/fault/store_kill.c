/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills a writing process at random moments and looks whether everything it had acknowledged is
 * there, in order and whole.
 *
 *   store_kill [rounds [seed]]
 *
 * A child submits numbered commands and writes each number to a pipe when it is done. The parent
 * kills it after a random count of acknowledgements, reads the rest of the pipe, opens the store
 * itself and compares. The system survives, so this shows the store's own order of things, not what
 * a disk does when power fails.
 */
#include "store/store.h"

#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_ROUNDS 20
#define MAX_ROUNDS 100000
#define ACKNOWLEDGED_MAX 400 /* per round, before the kill */
#define IN_FLIGHT 48
#define VALUE_BYTES 700
#define TINY_MAP_BYTES ((size_t)256 * 1024)

#define CHECK(condition) ((condition) ? (void)0 : fail_check(#condition, __LINE__))

HF_NORETURN static void fail_check(const char *condition, int line)
{
    (void)fprintf(stderr, "store_kill: line %d: %s\n", line, condition);
    _exit(1);
}

/* ---- the store's content: number n is under "n" + 8 bytes, with a value made from n ---- */

struct record {
    uint8_t key[9];
    uint8_t value[VALUE_BYTES];
    size_t value_n;
};

static void make_record(uint64_t number, struct record *out)
{
    out->key[0] = 'n';
    for (size_t i = 0; i < 8; i++)
        out->key[i + 1] = (uint8_t)(number >> (56 - 8 * i));
    out->value_n = (size_t)(number * 131 % VALUE_BYTES);
    memset(out->value, (int)(number & 0xff), sizeof(out->value));
}

static struct store *open_store(const char *folder)
{
    const struct store_config config = { .folder = folder, .map_bytes = TINY_MAP_BYTES };
    struct hf_diag diag = { 0 };
    struct store *store = NULL;
    hf_err err = store_open(&config, &diag, &store);
    if (err != HF_OK)
        (void)fprintf(stderr, "store_kill: %s: %s\n", hf_err_name(err), diag.text);
    CHECK(err == HF_OK);
    return store;
}

/* ---- the child ---- */

struct numbered {
    struct store_command command;
    uint64_t number;
    int pipe_fd;
    sem_t *free_places;
};

/* Also keeps the highest number, so that a command half applied would show. */
static hf_err apply_number(struct store_command *command, struct store_txn *txn)
{
    const struct numbered *numbered = HF_CONTAINER_OF(command, struct numbered, command);
    struct record record;
    make_record(numbered->number, &record);
    hf_err err = store_put(txn, hf_str_bytes(HF_LIT("highest")),
                           (hf_bytes){ record.key, sizeof(record.key) });
    if (err != HF_OK)
        return err;
    return store_put(txn, (hf_bytes){ record.key, sizeof(record.key) },
                     (hf_bytes){ record.value, record.value_n });
}

static void acknowledge(struct store_command *command, hf_err result)
{
    struct numbered *numbered = HF_CONTAINER_OF(command, struct numbered, command);
    CHECK(result == HF_OK);
    CHECK(write(numbered->pipe_fd, &numbered->number, sizeof(numbered->number)) ==
          (ssize_t)sizeof(numbered->number));
    (void)sem_post(numbered->free_places);
}

HF_NORETURN static void run_child(const char *folder, uint64_t first, int pipe_fd)
{
    struct store *store = open_store(folder);
    static struct numbered places[IN_FLIGHT];
    sem_t free_places;
    CHECK(sem_init(&free_places, 0, IN_FLIGHT) == 0);
    /* Commands finish in order, so the place used longest ago is the free one. */
    for (uint64_t number = first;; number++) {
        CHECK(sem_wait(&free_places) == 0);
        struct numbered *place = &places[number % IN_FLIGHT];
        *place = (struct numbered){ .command = { .apply = apply_number, .done = acknowledge },
                                    .number = number,
                                    .pipe_fd = pipe_fd,
                                    .free_places = &free_places };
        CHECK(store_submit(store, &place->command) == HF_OK);
    }
}

/* ---- the parent ---- */

/*
 * Reads acknowledgements, at most `count`; returns the last number, or `before` if there was none.
 */
static uint64_t read_acknowledged(int pipe_fd, size_t count, uint64_t before)
{
    uint64_t last = before;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 0;
        ssize_t n = read(pipe_fd, &number, sizeof(number));
        if (n == 0)
            break;
        CHECK(n == (ssize_t)sizeof(number)); /* writes of this size to a pipe are whole */
        CHECK(number == last + 1);
        last = number;
    }
    return last;
}

static uint64_t count_records(struct store_txn *txn)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    CHECK(store_cursor_open(txn, hf_str_bytes(HF_LIT("n")), (hf_bytes){ 0 }, false, &cursor) ==
          HF_OK);
    hf_bytes key = { 0 };
    hf_bytes value = { 0 };
    uint64_t count = 0;
    while (store_cursor_next(cursor, &key, &value) == HF_OK) {
        struct record expected;
        make_record(++count, &expected);
        CHECK(hf_bytes_equal(key, (hf_bytes){ expected.key, sizeof(expected.key) }));
        CHECK(hf_bytes_equal(value, (hf_bytes){ expected.value, expected.value_n }));
    }
    return count;
}

/* All numbers from 1 on without a gap, at least to `acknowledged`. Returns how many there are. */
static uint64_t check_store(const char *folder, uint64_t acknowledged)
{
    struct store *store = open_store(folder);
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    CHECK(store_reader_new(store, &reader) == HF_OK);
    CHECK(store_read_begin(reader, &txn) == HF_OK);
    uint64_t count = count_records(txn);
    CHECK(count >= acknowledged);
    hf_bytes highest = { 0 };
    hf_err err = store_get(txn, hf_str_bytes(HF_LIT("highest")), &highest);
    struct record last;
    make_record(count, &last);
    CHECK(count == 0 ? err == HF_E_NOT_FOUND
                     : hf_bytes_equal(highest, (hf_bytes){ last.key, sizeof(last.key) }));
    store_read_end(txn);
    store_reader_free(reader);
    store_close(store);
    return count;
}

/* Returns how many numbers the store holds after the round. */
static uint64_t run_round(const char *folder, uint64_t count, size_t kill_after)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        run_child(folder, count + 1, ends[1]);
    }
    (void)close(ends[1]);
    uint64_t acknowledged = read_acknowledged(ends[0], kill_after, count);
    CHECK(kill(child, SIGKILL) == 0);
    acknowledged = read_acknowledged(ends[0], SIZE_MAX, acknowledged);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(ends[0]);
    return check_store(folder, acknowledged);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = { "/data.mdb", "/lock.mdb", "/lock", "" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        CHECK(remove(path) == 0);
    }
}

static uint64_t parse_argument(int argc, char **argv, int index, uint64_t max, uint64_t otherwise)
{
    uint64_t number = otherwise;
    if (index < argc)
        CHECK(hf_str_parse_u64(hf_str_from_c(argv[index]), max, &number));
    return number;
}

int main(int argc, char **argv)
{
    uint64_t rounds = parse_argument(argc, argv, 1, MAX_ROUNDS, DEFAULT_ROUNDS);
    unsigned int seed = (unsigned int)parse_argument(argc, argv, 2, UINT_MAX, (uint64_t)getpid());
    const char *base = getenv("TMPDIR");
    char folder[PATH_MAX / 2];
    (void)snprintf(folder, sizeof(folder), "%s/holdfast-kill-XXXXXX", base != NULL ? base : "/tmp");
    CHECK(mkdtemp(folder) != NULL);

    (void)printf("store_kill: %" PRIu64 " rounds, seed %u\n", rounds, seed);
    uint64_t count = 0;
    for (uint64_t round = 0; round < rounds; round++)
        count = run_round(folder, count, (size_t)rand_r(&seed) % ACKNOWLEDGED_MAX);
    (void)printf("store_kill: %" PRIu64 " numbers, none lost\n", count);
    remove_folder(folder);
    return 0;
}
