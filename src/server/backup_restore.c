/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restoring: everything is made in a folder beside the data folder, and renamed into its place when it is whole and durable.
 */
#include "server/backup_chain.h"

#include "base/file.h"
#include "crypto/crypto.h"
#include "server/backup.h"
#include "server/installation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0700
#define AUDIT_HEAD_NAME "audit"

/* ---- which seal belongs to the state ---- */

/* What is applied: all files before `last`, and that one as far as the moment. */
struct extent {
    size_t last;
    bool is_cut; /* not all of `last` */
};

static struct extent find_extent(const struct backup_chain *chain)
{
    struct extent extent = { .last = chain->count - 1 };
    for (size_t i = 0; i < chain->count; i++) {
        const struct archive_verdict *verdict = &chain->files[i].verdict;
        if (verdict->to_apply == verdict->entries)
            continue;
        extent.is_cut = verdict->to_apply > 0;
        extent.last = extent.is_cut ? i : i - 1; /* the first file is never cut */
        break;
    }
    return extent;
}

static hf_err have_same_roots(const struct backup_file *a, const struct backup_file *b,
                              struct hf_diag *diag, bool *out)
{
    struct seal_info one = { 0 };
    struct seal_info other = { 0 };
    hf_err err = seal_read_info_bytes(archive_reader_header(a->reader)->seal, diag, &one);
    if (err == HF_OK)
        err = seal_read_info_bytes(archive_reader_header(b->reader)->seal, diag, &other);
    if (err == HF_OK)
        *out = one.generation == other.generation && one.roots == other.roots;
    return err;
}

/*
 * The newest seal that holds the state's root keys: it may have been given a new passphrase or new
 * shares since, and those are the ones that people have.
 */
static hf_err choose_seal(struct backup_chain *chain, const struct extent *extent,
                          struct hf_diag *diag, struct backup_file **out)
{
    struct backup_file *state = &chain->files[extent->last];
    struct backup_file *newest = &chain->files[chain->count - 1];
    bool is_same = true;
    hf_err err = HF_OK;
    if (extent->is_cut)
        err = have_same_roots(&chain->files[extent->last - 1], state, diag, &is_same);
    if (err == HF_OK && !is_same)
        return hf_fail(
            diag, HF_E_UNSUPPORTED, "to",
            "the root key was rotated within %s: it can be restored to its end or to its "
            "beginning, not in between",
            state->path);
    if (err == HF_OK)
        err = have_same_roots(state, newest, diag, &is_same);
    if (err != HF_OK)
        return err;
    *out = is_same ? newest : state;
    return backup_chain_open_seal(chain, *out, diag);
}

/* ---- the folder beside ---- */

struct place {
    char data[PATH_MAX]; /* without a slash at its end */
    char beside[PATH_MAX];
    int fd; /* of the folder beside, locked */
};

static void place_done(struct place *place)
{
    hf_fd_closep(&place->fd);
}

static hf_err find_place(const char *data, struct hf_diag *diag, struct place *out)
{
    size_t n = strlen(data);
    while (n > 1 && data[n - 1] == '/')
        n--;
    const int one = snprintf(out->data, sizeof(out->data), "%.*s", (int)n, data);
    const int other = snprintf(out->beside, sizeof(out->beside), "%.*s.restoring", (int)n, data);
    if (one <= 0 || (size_t)one >= sizeof(out->data) || (size_t)other >= sizeof(out->beside))
        return hf_fail(diag, HF_E_INVALID, "data", "the path of the data folder is too long");
    return HF_OK;
}

/* HF_OK if it is missing. */
static hf_err check_empty(const char *folder, struct hf_diag *diag)
{
    DIR *entries = opendir(folder);
    if (entries == NULL && errno == ENOENT)
        return HF_OK;
    if (entries == NULL)
        return hf_fail(diag, hf_err_from_errno(errno), "data", "%s: %s", folder, strerror(errno));
    hf_err err = HF_OK;
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            err = hf_fail(
                diag, HF_E_EXISTS, "data",
                "%s is not empty ('%s' is there); a backup is restored only into a folder "
                "that is empty or missing",
                folder, entry->d_name);
            break;
        }
    }
    (void)closedir(entries);
    return err;
}

/* Files only: nothing of ours makes folders there. */
static hf_err clear_folder(int fd)
{
    DIR *entries = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (entries == NULL)
        return hf_err_from_errno(errno);
    rewinddir(entries);
    hf_err err = HF_OK;
    const struct dirent *entry;
    while (err == HF_OK && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(fd, entry->d_name, 0) != 0)
            err = hf_err_from_errno(errno);
    }
    (void)closedir(entries);
    return err;
}

/* An interrupted restore may have left one; what is in it is of no use. */
static hf_err open_beside(struct place *place, struct hf_diag *diag)
{
    hf_err err = hf_folder_make(place->beside, FOLDER_MODE);
    if (err == HF_OK) {
        place->fd = open(place->beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (place->fd < 0)
            err = hf_err_from_errno(errno);
    }
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: cannot be made: %s", place->beside,
                       hf_err_text(err));
    if (flock(place->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return hf_fail(diag, HF_E_BUSY, "data", "%s: another restore is under way", place->beside);
    err = clear_folder(place->fd);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: cannot be emptied: %s", place->beside,
                       hf_err_text(err));
    return HF_OK;
}

static void remove_beside(const struct place *place)
{
    if (place->fd >= 0 && clear_folder(place->fd) == HF_OK)
        (void)rmdir(place->beside); /* the next restore removes what stays */
}

/* ---- what the server finds ---- */

/* Under the newest root key that fits: while it is rotated, there are two. */
static hf_err open_records(const struct backup_chain *chain, struct store *store,
                           struct crypto_record_key **out, struct audit_head *out_head)
{
    struct server_installation ignored;
    hf_err err = HF_E_CORRUPT;
    for (size_t i = chain->root_count; i > 0 && err == HF_E_CORRUPT; i--) {
        err = server_installation_read(store, chain->roots[i - 1], &ignored);
        if (err == HF_OK)
            err = server_record_key(chain->roots[i - 1], out);
    }
    if (err != HF_OK)
        return err;
    uint8_t memory[AUDIT_HEAD_BYTES];
    struct hf_buf head;
    hf_buf_init_fixed(&head, memory, sizeof(memory));
    err = server_record_get(store, *out, STORE_CLASS_AUDIT_HEAD, AUDIT_HEAD_NAME, &head);
    *out_head = (struct audit_head){ .seq = 0 };
    if (err == HF_E_NOT_FOUND)
        return HF_OK;
    return err == HF_OK ? audit_head_decode(hf_buf_view(&head), out_head) : err;
}

static hf_err leave_note(const struct backup_chain *chain, struct store *store,
                         const struct extent *extent, hf_usec now, struct backup_outcome *outcome)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *record_key = NULL;
    const struct backup_file *last = &chain->files[extent->last];
    struct server_restored restored = { .backup = archive_reader_header(last->reader)->id,
                                        .seq = last->verdict.last_seq,
                                        .time = now };
    hf_err err = open_records(chain, store, &record_key, &restored.head);
    if (err == HF_OK)
        err = crypto_random_uuid(&restored.history);
    if (err == HF_OK)
        err = server_restored_write(store, record_key, &restored);
    outcome->seq = restored.seq;
    outcome->audit_seq = restored.head.seq;
    return err;
}

/* ---- filling it ---- */

static hf_err apply_files(const struct backup_chain *chain, const struct extent *extent,
                          hf_usec moment, struct store *store, struct hf_diag *diag,
                          struct backup_outcome *outcome)
{
    for (size_t i = 0; i <= extent->last; i++) {
        const struct backup_file *file = &chain->files[i];
        hf_err err = archive_apply(file->reader, i == 0 ? INT64_MAX : moment, store);
        if (err != HF_OK)
            return hf_fail(diag, err, "", "%s: %s", file->path, hf_err_text(err));
        outcome->records += archive_reader_end(file->reader)->records;
        outcome->entries += file->verdict.to_apply;
    }
    return HF_OK;
}

static hf_err fill_store(const struct backup_chain *chain, const struct extent *extent,
                         hf_usec moment, const struct place *place, hf_usec now,
                         struct hf_diag *diag, struct backup_outcome *outcome)
{
    const struct store_config config = { .folder = place->beside };
    struct store *store = NULL;
    hf_err err = store_open(&config, diag, &store);
    if (err == HF_OK)
        err = apply_files(chain, extent, moment, store, diag, outcome);
    if (err == HF_OK)
        err = leave_note(chain, store, extent, now, outcome);
    store_close(store);
    if (err == HF_E_CORRUPT || err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_CORRUPT, "", "the backup holds no whole installation");
    return err == HF_OK ? HF_OK : hf_fail(diag, err, "", "%s: %s", place->beside, hf_err_text(err));
}

/* Restored by root for another user: what is in the folder becomes the owner's of the empty one. */
static hf_err hand_over(const struct place *place, const struct stat *owner)
{
    DIR *entries = fdopendir(fcntl(place->fd, F_DUPFD_CLOEXEC, 0));
    if (entries == NULL)
        return hf_err_from_errno(errno);
    rewinddir(entries);
    hf_err err = HF_OK;
    const struct dirent *entry;
    while (err == HF_OK && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, "..") != 0 && fchownat(place->fd, entry->d_name, owner->st_uid,
                                                         owner->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
            err = hf_err_from_errno(errno);
    }
    (void)closedir(entries);
    return err;
}

static hf_err settle_owner(const struct place *place)
{
    struct stat there;
    struct stat made;
    if (stat(place->data, &there) != 0)
        return errno == ENOENT ? HF_OK : hf_err_from_errno(errno);
    if (fstat(place->fd, &made) != 0)
        return hf_err_from_errno(errno);
    if (there.st_uid == made.st_uid && there.st_gid == made.st_gid)
        return HF_OK;
    return hand_over(place, &there);
}

/* rename(2) takes the place of an empty folder and of nothing else. */
static hf_err move_in(struct place *place, struct hf_diag *diag)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(place->data, '/');
    const int n = slash == NULL ? 1 : (int)(slash - place->data) + 1;
    (void)snprintf(parent, sizeof(parent), "%.*s", n, slash == NULL ? "." : place->data);
    hf_err err = settle_owner(place);
    if (err == HF_OK && fsync(place->fd) != 0)
        err = hf_err_from_errno(errno);
    if (err == HF_OK && rename(place->beside, place->data) != 0)
        return hf_fail(diag, hf_err_from_errno(errno), "data",
                       "%s cannot be put into its place: %s", place->data,
                       errno == EBUSY ? "it is a mount point; set data to a folder below it"
                                      : strerror(errno));
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: %s", place->beside, hf_err_text(err));
    hf_fd_closep(&place->fd); /* nothing is removed from here on */
    err = hf_folder_sync(parent);
    return err == HF_OK ? HF_OK
                        : hf_fail(diag, err, "",
                                  "%s is restored, but may not survive a power "
                                  "failure now: %s",
                                  place->data, hf_err_text(err));
}

static hf_err fill_beside(struct backup_chain *chain, hf_usec moment, const struct place *place,
                          hf_usec now, struct hf_diag *diag, struct backup_outcome *out)
{
    const struct extent extent = find_extent(chain);
    struct backup_outcome outcome = { 0 };
    struct backup_file *seal = &chain->files[0];
    hf_err err = choose_seal(chain, &extent, diag, &seal);
    if (err == HF_OK)
        err = fill_store(chain, &extent, moment, place, now, diag, &outcome);
    if (err == HF_OK)
        err = seal_install(place->beside, archive_reader_header(seal->reader)->seal, diag);
    if (err == HF_OK)
        *out = outcome;
    return err;
}

hf_err backup_chain_restore(struct backup_chain *chain, hf_usec moment, const char *data,
                            hf_usec now, struct hf_diag *diag, struct backup_outcome *out)
{
    HF_CLEANUP(place_done) struct place place = { .fd = -1 };
    if (archive_reader_header(chain->files[0].reader)->kind != ARCHIVE_FULL)
        return hf_fail(diag, HF_E_UNSUPPORTED, "",
                       "%s: is an incremental backup; give the full one that it follows first",
                       chain->files[0].path);
    hf_err err = find_place(data, diag, &place);
    if (err == HF_OK)
        err = check_empty(place.data, diag);
    if (err == HF_OK)
        err = open_beside(&place, diag);
    if (err != HF_OK)
        return err;
    err = fill_beside(chain, moment, &place, now, diag, out);
    if (err == HF_OK)
        err = move_in(&place, diag);
    if (err != HF_OK)
        remove_beside(&place);
    return err;
}
