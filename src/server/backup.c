/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making backups while the server runs: one at a time, on a thread of its own.
 */
#include "server/backup.h"

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "crypto/crypto.h"
#include "seal/seal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE 0700
#define NAME_START "holdfast-"
#define NAME_END ".backup"
#define NAMES_PER_SECOND 100 /* of one kind */
#define LIST_MAX 10000
#define RECORD_MAX_BYTES 4096

static const uint8_t audit_head_key[] = { STORE_CLASS_AUDIT_HEAD, 'a', 'u', 'd', 'i', 't' };

/* What the thread works with. */
struct job {
    struct api_backup backup; /* under m */
    char reason[HF_DIAG_TEXT_MAX_BYTES];
    bool is_there; /* under m: a backup was begun since the start */
    pthread_t thread;
    bool is_joinable; /* under m */
};

struct server_backups {
    struct server_backups_config config; /* immutable */
    struct api_backups api;              /* immutable */
    pthread_mutex_t m;
    struct job job;
    atomic_bool stop;
};

static hf_err make_path(char *out, size_t size, const char *folder, const char *name)
{
    const int n = snprintf(out, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size ? HF_OK : HF_E_INVALID;
}

/* ---- what is in the folder ---- */

/* A name of ours, so that other files are never opened. */
static bool is_name(hf_str name)
{
    return hf_str_starts(name, HF_LIT(NAME_START)) && hf_str_ends(name, HF_LIT(NAME_END)) &&
           name.n < API_BACKUP_NAME_BYTES;
}

/* A file of this installation that is whole as far as its header and end tell; else false. */
static bool look_at(const struct server_backups *backups, const char *name,
                    struct archive_header *out_header, struct api_backup *out)
{
    HF_CLEANUP(archive_reader_freep) struct archive_reader *reader = NULL;
    char path[PATH_MAX];
    struct hf_diag ignored = { 0 };
    hf_err err = make_path(path, sizeof(path), backups->config.folder, name);
    if (err == HF_OK)
        err = archive_reader_open(path, &ignored, &reader);
    if (err == HF_OK)
        err = archive_reader_unlock(reader, backups->config.key);
    if (err != HF_OK)
        return false;
    const struct archive_end *end = archive_reader_end(reader);
    struct archive_header header = *archive_reader_header(reader);
    header.seal = (hf_bytes){ NULL, 0 }; /* goes with the reader */
    *out = (struct api_backup){
        .incremental = header.kind == ARCHIVE_INCREMENTAL,
        .state = API_BACKUP_DONE,
        .bytes = archive_reader_bytes(reader),
        .from = header.from,
        .to = end->to,
        .created = header.created,
        .to_time = end->to_time,
    };
    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    *out_header = header;
    return hf_uuid_equal(&header.installation, &backups->config.installation);
}

/* As far as a file tells that cannot be opened with the present root key: nothing in it is authenticated. */
static bool is_of_earlier_root(const struct server_backups *backups, const char *name,
                               const struct seal_info *seal)
{
    HF_CLEANUP(archive_reader_freep) struct archive_reader *reader = NULL;
    char path[PATH_MAX];
    struct hf_diag ignored = { 0 };
    struct seal_info info = { 0 };
    hf_err err = make_path(path, sizeof(path), backups->config.folder, name);
    if (err == HF_OK)
        err = archive_reader_open(path, &ignored, &reader);
    if (err == HF_OK)
        err = seal_read_info_bytes(archive_reader_header(reader)->seal, &ignored, &info);
    if (err != HF_OK)
        return false;
    return info.generation < seal->generation &&
           hf_uuid_equal(&archive_reader_header(reader)->installation,
                         &backups->config.installation);
}

/* Whether there would be something to add to, had the root key not been rotated. */
static bool has_earlier_root(const struct server_backups *backups, hf_bytes seal)
{
    struct hf_diag ignored = { 0 };
    struct seal_info info = { 0 };
    DIR *folder = opendir(backups->config.folder);
    if (folder == NULL)
        return false;
    bool found = seal_read_info_bytes(seal, &ignored, &info) == HF_OK && info.generation > 1;
    const struct dirent *entry = NULL;
    while (found && (entry = readdir(folder)) != NULL) {
        if (is_name(hf_str_from_c(entry->d_name)) &&
            is_of_earlier_root(backups, entry->d_name, &info))
            break;
    }
    found = found && entry != NULL;
    (void)closedir(folder);
    return found;
}

/* The newest backup that the next changes can be joined to. HF_E_NOT_FOUND: none. */
static hf_err find_base(const struct server_backups *backups, struct archive_header *out,
                        uint64_t *out_to)
{
    DIR *folder = opendir(backups->config.folder);
    if (folder == NULL)
        return hf_err_from_errno(errno);
    hf_err err = HF_E_NOT_FOUND;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        struct archive_header header;
        struct api_backup backup;
        if (!is_name(hf_str_from_c(entry->d_name)) ||
            !look_at(backups, entry->d_name, &header, &backup) ||
            !hf_uuid_equal(&header.history, &backups->config.history))
            continue;
        if (err == HF_OK &&
            (backup.to < *out_to || (backup.to == *out_to && header.created <= out->created)))
            continue;
        *out = header;
        *out_to = backup.to;
        err = HF_OK;
    }
    (void)closedir(folder);
    return err;
}

/* ---- one backup ---- */

struct making {
    struct server_backups *backups;
    struct archive_header header;
    struct hf_buf seal;
    struct hf_buf audit_head; /* the store's record at `to` */
    struct archive_writer *writer;
    uint64_t to;
    hf_usec to_time;
    struct hf_diag diag;
};

static hf_err make_header(struct making *making, bool incremental, hf_usec now)
{
    const struct server_backups_config *config = &making->backups->config;
    hf_err err = seal_export(config->data, &making->diag, &making->seal);
    if (err != HF_OK)
        return err;
    making->header = (struct archive_header){
        .kind = incremental ? ARCHIVE_INCREMENTAL : ARCHIVE_FULL,
        .installation = config->installation,
        .history = config->history,
        .created = now,
        .seal = hf_buf_view(&making->seal),
    };
    return crypto_random_uuid(&making->header.id);
}

static hf_err read_range(struct making *making, struct store_journal_range *out)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_err err = store_reader_new(making->backups->config.store, &reader);
    if (err == HF_OK)
        err = store_read_begin(reader, &txn);
    if (err == HF_OK)
        err = store_journal_range(txn, out);
    store_read_end(txn);
    return err;
}

/* The entry of the base's end must still be there: only then is it sure that none is missing behind it. */
static hf_err join_base(struct making *making, const struct store_journal_range *range)
{
    struct archive_header base = { 0 };
    uint64_t to = 0;
    hf_err err = find_base(making->backups, &base, &to);
    if (err == HF_E_NOT_FOUND && has_earlier_root(making->backups, making->header.seal))
        return hf_fail(&making->diag, HF_E_CONFLICT, "",
                       "the root key was rotated since the last backup; make a full one");
    if (err == HF_E_NOT_FOUND)
        return hf_fail(&making->diag, HF_E_CONFLICT, "",
                       "there is no backup of this server in %s to add to; make a full one",
                       making->backups->config.folder);
    if (err != HF_OK)
        return err;
    if (range->first == 0 || to < range->first || to > range->last)
        return hf_fail(&making->diag, HF_E_CONFLICT, "",
                       "the journal does not reach back to the last backup; make a full one");
    making->header.base = base.id;
    making->header.from = to;
    return HF_OK;
}

/* Where it begins: at the journal's end, or at the end of another backup. */
static hf_err choose_from(struct making *making)
{
    struct store_journal_range range = { 0 };
    const bool is_full = making->header.kind == ARCHIVE_FULL;
    if (!making->backups->config.journal && !is_full)
        return hf_fail(&making->diag, HF_E_CONFLICT, "",
                       "the journal is switched off; only full backups can be made");
    /* Nothing can be joined to it: a history of its own. */
    if (!making->backups->config.journal)
        return crypto_random_uuid(&making->header.history);
    hf_err err = read_range(making, &range);
    if (err != HF_OK || !is_full)
        return err == HF_OK ? join_base(making, &range) : err;
    making->header.from = range.last;
    return HF_OK;
}

/* One snapshot: the last change, and what the journal does not hold as it was then. */
static hf_err note_end(struct making *making, struct store_txn *txn)
{
    struct store_journal_range range = { 0 };
    hf_bytes head = { NULL, 0 };
    hf_err err = store_journal_range(txn, &range);
    if (err == HF_OK)
        err = store_get(txn, (hf_bytes){ audit_head_key, sizeof(audit_head_key) }, &head);
    if (err == HF_E_NOT_FOUND)
        err = HF_OK;
    hf_buf_put_bytes(&making->audit_head, head);
    making->to = making->backups->config.journal ? range.last : 0;
    making->to_time = hf_clock_now(making->backups->config.clock);
    return err == HF_OK ? hf_buf_err(&making->audit_head) : err;
}

static hf_err apply_nothing(struct store_command *command HF_UNUSED,
                            struct store_txn *txn HF_UNUSED)
{
    return HF_OK;
}

/*
 * Every commit carries the audit log's durable head: after this one, the head covers what was recorded so far. On a full disk the
 * backup is wanted more than that: a restored log then goes on after an earlier record.
 */
static void note_audit_head(struct making *making)
{
    struct store_command nothing = { .apply = apply_nothing };
    hf_err err = audit_sync(making->backups->config.audit);
    if (err == HF_OK)
        err = store_apply(making->backups->config.store, &nothing);
    if (err != HF_OK)
        hf_log(HF_LOG_WARN, "backup-without-audit-head", HF_KV_ERR(err),
               HF_KV_C("continuing", "with the head that the store has"));
}

/* The end; without a journal, all records too. */
static hf_err read_snapshot(struct making *making)
{
    const struct server_backups_config *config = &making->backups->config;
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_err err = store_reader_new(config->store, &reader);
    if (err == HF_OK)
        err = store_read_begin(reader, &txn);
    if (err == HF_OK)
        err = note_end(making, txn);
    if (err == HF_OK && !config->journal)
        err = archive_copy_snapshot(txn, &making->backups->stop, making->writer);
    store_read_end(txn);
    return err;
}

/* A backup whose seal is not that of its records could not be opened. */
static hf_err check_seal(struct making *making)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf now;
    hf_buf_init(&now, SEAL_FILE_MAX_BYTES);
    hf_err err = seal_export(making->backups->config.data, &making->diag, &now);
    if (err != HF_OK || hf_bytes_equal(hf_buf_view(&now), making->header.seal))
        return err;
    return hf_fail(&making->diag, HF_E_CONFLICT, "",
                   "the seal was changed while the backup was made; make another one");
}

static hf_err copy(struct making *making)
{
    struct server_backups *backups = making->backups;
    struct store *store = backups->config.store;
    hf_err err = HF_OK;
    if (making->header.kind == ARCHIVE_FULL && backups->config.journal)
        err = archive_copy_records(store, &backups->stop, making->writer);
    if (err == HF_OK) {
        note_audit_head(making);
        err = read_snapshot(making);
    }
    if (err == HF_OK)
        err = archive_copy_journal(store, making->header.from, making->to, &backups->stop,
                                   making->writer);
    if (err == HF_E_CONFLICT)
        return hf_fail(&making->diag, err, "",
                       "changes left the journal while the backup was made; raise journal.keep");
    if (err == HF_OK && making->audit_head.n > 0)
        archive_put_final(making->writer, (hf_bytes){ audit_head_key, sizeof(audit_head_key) },
                          hf_buf_view(&making->audit_head));
    return err == HF_OK ? check_seal(making) : err;
}

static hf_err make(struct making *making, const char *name, bool incremental, hf_usec now)
{
    const struct server_backups_config *config = &making->backups->config;
    hf_err err = hf_folder_make(config->folder, FOLDER_MODE);
    if (err == HF_OK)
        err = archive_remove_partial(config->folder);
    if (err == HF_OK)
        err = make_header(making, incremental, now);
    if (err == HF_OK)
        err = choose_from(making);
    if (err == HF_OK)
        err = archive_writer_open(config->folder, name, &making->header, config->key,
                                  &making->writer);
    if (err == HF_OK)
        err = copy(making);
    struct archive_end end;
    if (err == HF_OK)
        err = archive_writer_finish(making->writer, making->to, making->to_time, &end);
    return err;
}

/* ---- the thread ---- */

static void tell_end(const struct making *making, hf_err err, uint64_t bytes)
{
    const char *name = making->backups->job.backup.name;
    if (err == HF_OK)
        hf_log(HF_LOG_NOTICE, "backup-made", HF_KV_C("name", name),
               HF_KV_INT("bytes", (int64_t)bytes), HF_KV_INT("to", (int64_t)making->to));
    else
        hf_log(HF_LOG_ERROR, "backup-failed", HF_KV_C("name", name), HF_KV_ERR(err),
               HF_KV_C("reason", making->diag.text));
}

static void note_result(struct making *making, hf_err err, uint64_t bytes)
{
    struct server_backups *backups = making->backups;
    struct job *job = &backups->job;
    (void)pthread_mutex_lock(&backups->m);
    job->backup.state = err == HF_OK ? API_BACKUP_DONE : API_BACKUP_FAILED;
    job->backup.bytes = bytes;
    job->backup.from = making->header.from;
    job->backup.to = making->to;
    job->backup.to_time = err == HF_OK ? making->to_time : INT64_MIN;
    if (err != HF_OK)
        (void)snprintf(job->reason, sizeof(job->reason), "%s",
                       making->diag.text[0] != '\0' ? making->diag.text : hf_err_text(err));
    (void)pthread_mutex_unlock(&backups->m);
}

static void *run(void *argument)
{
    struct server_backups *backups = argument;
    const struct api_backup *backup = &backups->job.backup; /* name, kind and time stay */
    struct making making = { .backups = backups };
    hf_buf_init(&making.seal, SEAL_FILE_MAX_BYTES);
    hf_buf_init(&making.audit_head, RECORD_MAX_BYTES);
    const hf_err err = make(&making, backup->name, backup->incremental, backup->created);
    const uint64_t bytes = making.writer != NULL ? archive_writer_bytes(making.writer) : 0;
    archive_writer_free(making.writer);
    tell_end(&making, err, bytes);
    note_result(&making, err, bytes);
    hf_buf_done(&making.audit_head);
    hf_buf_done(&making.seal);
    return NULL;
}

/* Under m; the last thread has ended, or is about to. */
static void join(struct job *job)
{
    if (job->is_joinable)
        (void)pthread_join(job->thread, NULL);
    job->is_joinable = false;
}

/* ---- for the local door ---- */

static bool is_taken(const struct server_backups *backups, const char *name)
{
    char path[PATH_MAX];
    struct stat there;
    return make_path(path, sizeof(path), backups->config.folder, name) == HF_OK &&
           lstat(path, &there) == 0;
}

/* holdfast-20260105T101112Z-full.backup; several in one second are numbered. */
static void choose_name(const struct server_backups *backups, bool incremental, hf_usec now,
                        char out[API_BACKUP_NAME_BYTES])
{
    char memory[32];
    char digits[16];
    struct hf_buf time;
    size_t n = 0;
    hf_buf_init_fixed(&time, memory, sizeof(memory));
    hf_buf_put_plain_time(&time, now); /* "2026-01-05 10:11:12Z" */
    for (size_t i = 0; i < time.n && n < sizeof(digits) - 1; i++) {
        if (memory[i] == ' ')
            digits[n++] = 'T';
        else if (hf_is_digit(memory[i]))
            digits[n++] = memory[i];
    }
    digits[n] = '\0';
    const char *kind = incremental ? "incremental" : "full";
    (void)snprintf(out, API_BACKUP_NAME_BYTES, NAME_START "%sZ-%s" NAME_END, digits, kind);
    for (int i = 2; i <= NAMES_PER_SECOND && is_taken(backups, out); i++)
        (void)snprintf(out, API_BACKUP_NAME_BYTES, NAME_START "%sZ-%s-%d" NAME_END, digits, kind,
                       i);
}

/* Under m. */
static hf_err begin(struct server_backups *backups, bool incremental, hf_usec now)
{
    struct job *job = &backups->job;
    if (job->is_there && job->backup.state == API_BACKUP_RUNNING)
        return HF_E_CONFLICT;
    join(job);
    job->backup = (struct api_backup){ .incremental = incremental,
                                       .state = API_BACKUP_RUNNING,
                                       .created = now,
                                       .to_time = INT64_MIN };
    job->reason[0] = '\0';
    choose_name(backups, incremental, now, job->backup.name);
    hf_err err = hf_thread_start(&job->thread, "backup", run, backups);
    job->is_there = err == HF_OK;
    job->is_joinable = err == HF_OK;
    return err;
}

static hf_err start(void *context, bool incremental, hf_usec now, struct api_backup *out)
{
    struct server_backups *backups = context;
    (void)pthread_mutex_lock(&backups->m);
    hf_err err = begin(backups, incremental, now);
    if (err == HF_OK)
        *out = backups->job.backup;
    (void)pthread_mutex_unlock(&backups->m);
    return err;
}

/* The one being made, or that failed. False if there is none, or it is a file by now. */
static bool show_job(struct server_backups *backups, struct hf_arena *arena, struct api_backup *out)
{
    (void)pthread_mutex_lock(&backups->m);
    const struct job *job = &backups->job;
    const bool is_shown = job->is_there && job->backup.state != API_BACKUP_DONE;
    *out = job->backup;
    out->reason = hf_arena_dup_str(arena, hf_str_from_c(job->reason));
    (void)pthread_mutex_unlock(&backups->m);
    return is_shown;
}

struct listing {
    struct server_backups *backups;
    hf_str name; /* of the one that is wanted; empty: all */
    struct api_backup *items;
    size_t count;
    size_t room;
    struct hf_arena *arena;
};

static hf_err add(struct listing *listing, const struct api_backup *backup)
{
    if (listing->name.n > 0 && !hf_str_equal(listing->name, hf_str_from_c(backup->name)))
        return HF_OK;
    /* the one that was being made a moment ago */
    if (listing->count > 0 && strcmp(listing->items[0].name, backup->name) == 0)
        return HF_OK;
    if (listing->count == LIST_MAX)
        return HF_E_TOO_LARGE;
    if (listing->count == listing->room) {
        const size_t room = listing->room > 0 ? 2 * listing->room : 16;
        struct api_backup *items = hf_arena_alloc_array(listing->arena, room, sizeof(*items));
        if (items == NULL)
            return HF_E_NOMEM;
        if (listing->count > 0)
            memcpy(items, listing->items, listing->count * sizeof(*items));
        listing->items = items;
        listing->room = room;
    }
    listing->items[listing->count++] = *backup;
    return HF_OK;
}

static hf_err add_files(struct listing *listing)
{
    DIR *folder = opendir(listing->backups->config.folder);
    if (folder == NULL)
        return errno == ENOENT ? HF_OK : hf_err_from_errno(errno);
    hf_err err = HF_OK;
    const struct dirent *entry;
    while (err == HF_OK && (entry = readdir(folder)) != NULL) {
        const hf_str name = hf_str_from_c(entry->d_name);
        struct archive_header header;
        struct api_backup backup;
        if (is_name(name) && (listing->name.n == 0 || hf_str_equal(listing->name, name)) &&
            look_at(listing->backups, entry->d_name, &header, &backup))
            err = add(listing, &backup);
    }
    (void)closedir(folder);
    return err;
}

/* Newest first. */
static int compare(const void *a, const void *b)
{
    const struct api_backup *one = a;
    const struct api_backup *other = b;
    if (one->created != other->created)
        return one->created > other->created ? -1 : 1;
    return hf_str_compare(hf_str_from_c(other->name), hf_str_from_c(one->name));
}

static hf_err list(void *context, hf_str name, struct hf_arena *arena, struct api_backup **out,
                   size_t *out_count)
{
    struct listing listing = { .backups = context, .name = name, .arena = arena };
    struct api_backup job;
    hf_err err = HF_OK;
    if (show_job(listing.backups, arena, &job))
        err = add(&listing, &job);
    const bool is_found = name.n > 0 && listing.count > 0;
    if (err == HF_OK && !is_found)
        err = add_files(&listing);
    if (err == HF_OK && name.n > 0 && listing.count == 0)
        err = HF_E_NOT_FOUND;
    if (err != HF_OK)
        return err;
    if (listing.count > 0)
        qsort(listing.items, listing.count, sizeof(listing.items[0]), compare);
    *out = listing.items;
    *out_count = listing.count;
    return HF_OK;
}

/* ---- the whole ---- */

hf_err server_backups_new(const struct server_backups_config *config, struct server_backups **out)
{
    struct server_backups *backups = calloc(1, sizeof(*backups));
    if (backups == NULL)
        return HF_E_NOMEM;
    backups->config = *config;
    backups->api = (struct api_backups){
        .context = backups, .folder = hf_str_from_c(config->folder), .start = start, .list = list
    };
    atomic_init(&backups->stop, false);
    (void)pthread_mutex_init(&backups->m, NULL);
    *out = backups;
    return HF_OK;
}

void server_backups_stop(struct server_backups *backups)
{
    if (backups == NULL)
        return;
    atomic_store(&backups->stop, true);
    join(&backups->job);
}

void server_backups_free(struct server_backups *backups)
{
    if (backups == NULL)
        return;
    (void)pthread_mutex_destroy(&backups->m);
    free(backups);
}

const struct api_backups *server_backups_api(const struct server_backups *backups)
{
    return &backups->api;
}
