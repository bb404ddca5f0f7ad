/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the list of recipients, and running the program that encrypts to one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* environ, pipe2 */
#endif

#include "server/operator_recipient.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16
#define WORDS_MAX_BYTES (OPERATOR_RECIPIENT_MAX_BYTES + 512)
#define FINGERPRINT_CHARS 40
#define LONG_FINGERPRINT_CHARS 64 /* of version 5 and 6 keys */

struct holder_program {
    const char *name;
    const char *suffix;
    const char *armor;            /* what its output begins with */
    const char *words[WORDS_MAX]; /* before the recipient */
};

/* A gpg.conf may add recipients and ask for trust; the fingerprint says whom we mean, and nobody else. */
static const struct holder_program programs[] = {
    { "age", ".age", "-----BEGIN AGE ENCRYPTED FILE-----", { "--armor", "--recipient" } },
    { "gpg",
      ".asc",
      "-----BEGIN PGP MESSAGE-----",
      { "--batch", "--no-tty", "--quiet", "--no-encrypt-to", "--trust-model", "always", "--armor",
        "--encrypt", "--recipient" } },
};
enum { AGE, GPG };

/* ---- the list ---- */

static bool is_lower_or_digit(hf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!hf_is_digit(text.p[i]) && (text.p[i] < 'a' || text.p[i] > 'z'))
            return false;
    }
    return true;
}

static bool is_hexadecimal(hf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (!hf_is_digit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F'))
            return false;
    }
    return true;
}

/* NULL if it is no key of a holder. */
static const struct holder_program *program_of(hf_str recipient)
{
    if (hf_str_starts(recipient, HF_LIT("age1")))
        return recipient.n > HF_LIT("age1").n && recipient.n <= OPERATOR_RECIPIENT_MAX_BYTES &&
                       is_lower_or_digit(recipient)
                   ? &programs[AGE]
                   : NULL;
    if (hf_str_starts(recipient, HF_LIT("0x")))
        recipient = hf_str_sub(recipient, 2, recipient.n);
    return (recipient.n == FINGERPRINT_CHARS || recipient.n == LONG_FINGERPRINT_CHARS) &&
                   is_hexadecimal(recipient)
               ? &programs[GPG]
               : NULL;
}

/* "0x" and the case of digits tell no keys apart. */
static bool is_same_key(hf_str a, hf_str b)
{
    if (hf_str_starts(a, HF_LIT("0x")))
        a = hf_str_sub(a, 2, a.n);
    if (hf_str_starts(b, HF_LIT("0x")))
        b = hf_str_sub(b, 2, b.n);
    return hf_str_equal_nocase(a, b);
}

static hf_err add(struct operator_recipients *list, hf_str item, const char *name, size_t line,
                  struct hf_diag *diag)
{
    if (program_of(item) == NULL)
        return hf_fail(diag, HF_E_INVALID, "",
                       "%s:%zu: must be an age recipient (age1...) or the whole fingerprint of an "
                       "OpenPGP key, without blanks",
                       name, line);
    for (size_t i = 0; i < list->count; i++) {
        if (is_same_key(list->item[i], item))
            return hf_fail(diag, HF_E_INVALID, "",
                           "%s:%zu: this holder stands there twice; one share for each", name,
                           line);
    }
    if (list->count == SEAL_SHARES_MAX)
        return hf_fail(diag, HF_E_INVALID, "", "%s:%zu: more than %d holders", name, line,
                       SEAL_SHARES_MAX);
    list->item[list->count++] = item;
    return HF_OK;
}

hf_err operator_recipients_parse(hf_str text, const char *name, struct hf_diag *diag,
                                 struct operator_recipients *out)
{
    struct operator_recipients list = { 0 };
    hf_str line;
    for (size_t number = 1; hf_str_next(&text, '\n', &line); number++) {
        const hf_str item = hf_str_trim(line);
        if (item.n == 0 || item.p[0] == '#')
            continue;
        hf_err err = add(&list, item, name, number, diag);
        if (err != HF_OK)
            return err;
    }
    if (list.count == 0)
        return hf_fail(diag, HF_E_INVALID, "", "%s: names nobody", name);
    *out = list;
    return HF_OK;
}

const char *operator_recipient_suffix(hf_str recipient)
{
    const struct holder_program *program = program_of(recipient);
    return program == NULL ? "" : program->suffix;
}

/* ---- the program ---- */

/* The words of a command line, which posix_spawnp() wants writable. */
struct words {
    char memory[WORDS_MAX_BYTES];
    size_t used;
    char *word[WORDS_MAX + 2];
    size_t count;
};

static void put_word(struct words *words, hf_str text)
{
    HF_ASSERT(words->used + text.n + 1 <= sizeof(words->memory) && words->count <= WORDS_MAX);
    char *at = words->memory + words->used;
    memcpy(at, text.p, text.n);
    at[text.n] = '\0';
    words->used += text.n + 1;
    words->word[words->count++] = at;
    words->word[words->count] = NULL;
}

/* Standard input and output of the child are ours; what this process ignores, it gets. */
static int spawn(struct words *words, int input, int output, pid_t *out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)sigaddset(&defaults, SIGXFSZ);
    int error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = posix_spawnp(out, words->word[0], &files, &attributes, words->word, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return error;
}

struct ends {
    int read;
    int write;
};

static void close_ends(struct ends *ends)
{
    hf_fd_closep(&ends->read);
    hf_fd_closep(&ends->write);
}

static hf_err open_ends(struct ends *out)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return hf_err_from_errno(errno);
    *out = (struct ends){ fds[0], fds[1] };
    return HF_OK;
}

static hf_err wait_for(pid_t pid, const char *name, struct hf_diag *diag)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return hf_fail(diag, HF_E_IO, "", "%s: %s", name, strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return HF_OK;
    return hf_fail(diag, HF_E_UNAVAILABLE, "", "%s failed (%s %d); its own message says why", name,
                   WIFEXITED(status) ? "exit code" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static hf_err refuse_output(const char *name, struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_UNAVAILABLE, "", "%s gave something that is no encrypted file", name);
}

/* Hands the text over, takes what comes back. A program that does not read ends with a bad exit code, or gives nothing. */
static hf_err exchange(struct ends *to, struct ends *from, const struct hf_buf *text,
                       struct hf_buf *out)
{
    hf_err written = hf_fd_write_all(to->write, hf_buf_view(text));
    close_ends(to);
    hf_err err = hf_file_read_fd(from->read, out);
    close_ends(from);
    return err == HF_OK ? written : err;
}

static hf_err run(struct words *words, const struct hf_buf *text, struct hf_diag *diag,
                  struct hf_buf *out)
{
    const char *name = words->word[0];
    HF_CLEANUP(close_ends) struct ends to = { -1, -1 };
    HF_CLEANUP(close_ends) struct ends from = { -1, -1 };
    hf_err err = open_ends(&to);
    if (err == HF_OK)
        err = open_ends(&from);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: %s", name, hf_err_text(err));
    pid_t pid = -1;
    const int error = spawn(words, to.read, from.write, &pid);
    if (error != 0)
        return hf_fail(diag, HF_E_UNAVAILABLE, "",
                       "cannot run %s: %s; install it, or hand out shares without "
                       "--share-recipients",
                       name, strerror(error));
    hf_fd_closep(&to.read);
    hf_fd_closep(&from.write);
    err = exchange(&to, &from, text, out);
    const bool is_too_much = err == HF_E_TOO_LARGE; /* then its pipe was closed */
    const hf_err ended = wait_for(pid, name, is_too_much ? NULL : diag);
    if (is_too_much)
        return refuse_output(name, diag);
    if (ended != HF_OK)
        return ended;
    return err == HF_OK ? HF_OK
                        : hf_fail(diag, err, "", "talking to %s: %s", name, hf_err_text(err));
}

hf_err operator_encrypt(hf_str recipient, const struct hf_buf *text, struct hf_diag *diag,
                        struct hf_buf *out)
{
    const struct holder_program *program = program_of(recipient);
    if (program == NULL)
        return hf_fail(diag, HF_E_INVALID, "", "no key of a holder");
    struct words words = { .count = 0 };
    put_word(&words, hf_str_from_c(program->name));
    for (size_t i = 0; i < WORDS_MAX && program->words[i] != NULL; i++)
        put_word(&words, hf_str_from_c(program->words[i]));
    put_word(&words, recipient);
    const size_t before = out->n;
    hf_err err = run(&words, text, diag, out);
    if (err != HF_OK)
        return err;
    const hf_str made = hf_str_sub(hf_buf_str(out), before, out->n);
    if (!hf_str_starts(made, hf_str_from_c(program->armor)))
        return refuse_output(program->name, diag);
    return HF_OK;
}
