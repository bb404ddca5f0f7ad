/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for passphrases and shares, and handing new shares out.
 */
#include "server/operator_people.h"

#include "base/file.h"
#include "base/secret.h"
#include "cli/message.h"
#include "cli/terminal.h"
#include "seal/private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define ENCRYPTED_MAX_BYTES ((size_t)64 * 1024)
#define SHARE_FOLDER_MODE 0700
#define PROMPT_MAX_BYTES 128
#define CLEAR_SCREEN "\033[H\033[2J\033[3J" /* and what scrolled away */

/* ---- lines ---- */

static hf_err take(const struct hf_buf *line, struct hf_secret **out)
{
    hf_err err = hf_buf_err(line);
    return err == HF_OK ? hf_secret_from_bytes(hf_buf_view(line), out) : err;
}

static void cut_at_line_end(struct hf_buf *text)
{
    text->n = hf_str_find(hf_buf_str(text), '\n');
}

/* The first line of a file that nobody else can read. */
static hf_err read_file(const char *path, struct hf_diag *diag, struct hf_secret **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, LINE_MAX_BYTES);
    hf_err err = seal_read_private(path, SEAL_PRIVATE_MODES, diag, &text);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "%s: is missing", path);
    if (err == HF_E_TOO_LARGE)
        return hf_fail(diag, HF_E_INVALID, "", "%s: is larger than %d bytes", path, LINE_MAX_BYTES);
    if (err != HF_OK)
        return err;
    cut_at_line_end(&text);
    if (text.n == 0)
        return hf_fail(diag, HF_E_INVALID, "", "%s: its first line is empty", path);
    return take(&text, out);
}

/* Byte by byte, so that what follows the line is left to the next. */
static hf_err read_input_line(struct hf_buf *out)
{
    HF_CLEAN_SECRET(byte, 1);
    for (;;) {
        ssize_t n = read(STDIN_FILENO, byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hf_err_from_errno(errno);
        if (n == 0)
            return out->n > 0 ? HF_OK : HF_E_NOT_FOUND;
        if (byte[0] == '\n')
            return HF_OK;
        hf_buf_put_u8(out, byte[0]);
        if (hf_buf_err(out) != HF_OK)
            return hf_buf_err(out);
    }
}

/* A line that is not empty; HF_E_NOT_FOUND at the end. */
static hf_err read_input(struct hf_secret **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf line;
    hf_buf_init_secret(&line, LINE_MAX_BYTES);
    hf_err err;
    do
        err = read_input_line(&line);
    while (err == HF_OK && line.n == 0);
    return err == HF_OK ? take(&line, out) : err;
}

static hf_err ask_terminal(const char *prompt, struct hf_secret **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf line;
    hf_buf_init_secret(&line, LINE_MAX_BYTES);
    hf_err err = cli_terminal_ask(prompt, &line);
    return err == HF_OK ? take(&line, out) : err;
}

/* ---- passphrases ---- */

static hf_err ask_passphrase(const struct operator_people *people, struct hf_secret **out)
{
    if (people->passphrase_file != NULL)
        return read_file(people->passphrase_file, people->diag, out);
    return isatty(STDIN_FILENO) ? ask_terminal("Passphrase of the seal (not shown): ", out)
                                : read_input(out);
}

static bool is_good_length(const struct hf_secret *passphrase)
{
    const size_t n = hf_secret_size(passphrase);
    if (n >= SEAL_PASSPHRASE_MIN_BYTES && n <= SEAL_PASSPHRASE_MAX_BYTES)
        return true;
    cli_note("it must have %d to %d bytes; another one, please", SEAL_PASSPHRASE_MIN_BYTES,
             SEAL_PASSPHRASE_MAX_BYTES);
    return false;
}

static bool is_same(const struct hf_secret *first, struct hf_secret *second)
{
    if (hf_secret_equal(first, (hf_bytes){ hf_secret_edit(second), hf_secret_size(second) }))
        return true;
    cli_note("the two differ; once more, please");
    return false;
}

static hf_err ask_twice(struct hf_secret **out)
{
    for (;;) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *first = NULL;
        HF_CLEANUP(hf_secret_freep) struct hf_secret *second = NULL;
        hf_err err = ask_terminal("New passphrase (not shown): ", &first);
        if (err != HF_OK)
            return err;
        if (!is_good_length(first))
            continue;
        err = ask_terminal("The same again: ", &second);
        if (err != HF_OK)
            return err;
        if (is_same(first, second)) {
            *out = hf_take(&first);
            return HF_OK;
        }
    }
}

static hf_err ask_new_passphrase(const struct operator_people *people, struct hf_secret **out)
{
    if (people->new_passphrase_file != NULL)
        return read_file(people->new_passphrase_file, people->diag, out);
    return isatty(STDIN_FILENO) ? ask_twice(out) : read_input(out);
}

/* ---- shares handed in ---- */

/* Whether a share typed at the terminal will do; if not, says why. */
static bool is_usable(struct operator_people *people, const struct hf_secret *text)
{
    struct hf_diag diag = { 0 };
    struct seal_share_info info;
    hf_err err = seal_share_read_info(text, &diag, &info);
    if (err != HF_OK) {
        cli_note("%s; once more, please", diag.text[0] != '\0' ? diag.text : hf_err_text(err));
        return false;
    }
    if (people->share_set[0] != '\0' && strcmp(info.set, people->share_set) != 0) {
        cli_note("the share is of another seal, or of an older set: the seal's begin with hfs1-%s; "
                 "another one, please",
                 people->share_set);
        return false;
    }
    if (info.number > SEAL_SHARES_MAX || people->has[info.number]) {
        cli_note("share %u was given already; another one, please", (unsigned int)info.number);
        return false;
    }
    people->has[info.number] = true;
    return true;
}

static hf_err type_share(struct operator_people *people, size_t index, struct hf_secret **out)
{
    char prompt[PROMPT_MAX_BYTES];
    if (people->threshold > 0)
        (void)snprintf(prompt, sizeof(prompt), "Share (not shown; %zu of %u needed): ", index + 1,
                       (unsigned int)people->threshold);
    else
        (void)snprintf(prompt, sizeof(prompt), "Share (not shown): ");
    for (;;) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
        hf_err err = ask_terminal(prompt, &text);
        if (err != HF_OK)
            return err;
        if (is_usable(people, text)) {
            *out = hf_take(&text);
            return HF_OK;
        }
    }
}

/* So that it is not typed as well. What is wrong with it the seal says. */
static void note_number(struct operator_people *people, const struct hf_secret *text)
{
    struct seal_share_info info;
    if (seal_share_read_info(text, NULL, &info) == HF_OK && info.number <= SEAL_SHARES_MAX)
        people->has[info.number] = true;
}

static hf_err ask_share(struct operator_people *people, size_t index, struct hf_secret **out)
{
    if (index < people->share_file_count) {
        hf_err err = read_file(people->share_files[index], people->diag, out);
        if (err == HF_OK)
            note_number(people, *out);
        return err;
    }
    return isatty(STDIN_FILENO) ? type_share(people, index, out) : read_input(out);
}

static hf_err ask(void *context, enum seal_ask what, size_t index, struct hf_secret **out)
{
    struct operator_people *people = context;
    switch (what) {
    case SEAL_ASK_PASSPHRASE:
        return ask_passphrase(people, out);
    case SEAL_ASK_NEW_PASSPHRASE:
        return ask_new_passphrase(people, out);
    case SEAL_ASK_SHARE:
        return ask_share(people, index, out);
    }
    return HF_E_INTERNAL;
}

/* ---- shares handed out ---- */

hf_err operator_share_path(const struct operator_people *people, size_t index, char *out,
                           size_t size)
{
    const char *suffix = people->recipients == NULL
                             ? ".txt"
                             : operator_recipient_suffix(people->recipients->item[index]);
    const int n = snprintf(out, size, "%s/share-%zu%s", people->share_folder, index + 1, suffix);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_TOO_LARGE;
}

static hf_err check_free(const struct operator_people *people, size_t index)
{
    char path[PATH_MAX];
    struct stat there;
    if (operator_share_path(people, index, path, sizeof(path)) != HF_OK)
        return hf_fail(people->diag, HF_E_INVALID, "", "%s: the path is too long",
                       people->share_folder);
    if (lstat(path, &there) == 0)
        return hf_fail(
            people->diag, HF_E_CONFLICT, "",
            "%s: exists already, and is never overwritten; move it away, or name another "
            "--share-folder",
            path);
    return errno == ENOENT ? HF_OK
                           : hf_fail(people->diag, hf_err_from_errno(errno), "", "%s: %s", path,
                                     strerror(errno));
}

/* HF_E_FORBIDDEN would say that what people gave does not open the seal. */
static hf_err refused_here(hf_err err)
{
    return err == HF_E_FORBIDDEN ? HF_E_INVALID : err;
}

/* Before the first share leaves: nothing is in the way of the others. */
static hf_err prepare(struct operator_people *people, size_t count)
{
    if (people->recipients != NULL && people->recipients->count != count)
        return hf_fail(people->diag, HF_E_INVALID, "", "%zu recipients for %zu shares",
                       people->recipients->count, count);
    if (people->share_folder == NULL) {
        if (people->recipients == NULL && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
            return HF_OK;
        return hf_fail(people->diag, HF_E_UNAVAILABLE, "",
                       "no way to hand the shares out: give --share-folder, or run the command at "
                       "a terminal");
    }
    hf_err err = hf_folder_make(people->share_folder, SHARE_FOLDER_MODE);
    if (err != HF_OK)
        return hf_fail(people->diag, refused_here(err), "", "%s: cannot make the folder: %s",
                       people->share_folder, hf_err_text(err));
    for (size_t i = 0; i < count && err == HF_OK; i++)
        err = check_free(people, i);
    return err;
}

static hf_err note_set(struct operator_people *people, const struct hf_secret *share)
{
    struct seal_share_info info;
    hf_err err = seal_share_read_info(share, people->diag, &info);
    if (err == HF_OK)
        memcpy(people->new_set, info.set, sizeof(people->new_set));
    return err;
}

static hf_err write_share(struct operator_people *people, size_t index, const struct hf_buf *text)
{
    char path[PATH_MAX];
    HF_CLEANUP(hf_buf_done) struct hf_buf encrypted;
    hf_buf_init(&encrypted, ENCRYPTED_MAX_BYTES);
    hf_err err = operator_share_path(people, index, path, sizeof(path));
    if (err == HF_OK && people->recipients != NULL)
        err = operator_encrypt(people->recipients->item[index], text, people->diag, &encrypted);
    if (err != HF_OK)
        return err;
    err = seal_create_file(path, hf_buf_view(people->recipients != NULL ? &encrypted : text));
    if (err == HF_E_EXISTS)
        err = HF_E_CONFLICT;
    return err == HF_OK ? HF_OK
                        : hf_fail(people->diag, refused_here(err), "", "%s: cannot be written: %s",
                                  path, hf_err_text(err));
}

/* One after the other, so that no holder sees another's. */
static hf_err show_share(struct operator_people *people, size_t index, size_t count,
                         const struct hf_buf *text)
{
    char head[PROMPT_MAX_BYTES];
    HF_CLEANUP(hf_secret_freep) struct hf_secret *ignored = NULL;
    (void)snprintf(head, sizeof(head),
                   CLEAR_SCREEN "Share %zu of %zu, for its holder alone:\n\n    ", index + 1,
                   count);
    hf_err err = hf_fd_write_all(STDOUT_FILENO, hf_str_bytes(hf_str_from_c(head)));
    if (err == HF_OK)
        err = hf_fd_write_all(STDOUT_FILENO, hf_buf_view(text));
    if (err == HF_OK)
        err = ask_terminal("\nOnce it is written down, press Enter; the screen is cleared then: ",
                           &ignored);
    hf_err cleared = hf_fd_write_all(STDOUT_FILENO, hf_str_bytes(HF_LIT(CLEAR_SCREEN)));
    if (err == HF_E_NOT_FOUND)
        return hf_fail(people->diag, HF_E_UNAVAILABLE, "",
                       "interrupted at share %zu of %zu; none of them opens anything", index + 1,
                       count);
    return err == HF_OK ? cleared : err;
}

static hf_err give_share(void *context, size_t index, size_t count, const struct hf_secret *share)
{
    struct operator_people *people = context;
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, LINE_MAX_BYTES);
    hf_buf_put_secret(&text, share);
    hf_buf_put_u8(&text, '\n');
    hf_err err = hf_buf_err(&text);
    if (err == HF_OK && index == 0)
        err = prepare(people, count);
    if (err == HF_OK && index == 0)
        err = note_set(people, share);
    if (err == HF_OK)
        err = people->share_folder != NULL ? write_share(people, index, &text)
                                           : show_share(people, index, count, &text);
    if (err == HF_OK)
        people->given = index + 1;
    return err;
}

struct seal_people operator_people_seal(struct operator_people *people)
{
    return (struct seal_people){ .context = people, .ask = ask, .give_share = give_share };
}
