/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What grows: the audit log, backups, the journal, and the room for them.
 */
#define _GNU_SOURCE
#include "audit/audit.h"
#include "base/json.h"
#include "server/doctor_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PATH_MAX_BYTES 1024
#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define BACKUP_NAME_START "holdfast-"
#define BACKUP_NAME_END ".backup"
#define BACKUP_AGE_MAX (7 * HF_USEC_PER_DAY)
#define MIB (UINT64_C(1024) * 1024)
#define ROOM_LEAST (64 * MIB)
#define ROOM_SPARE (1024 * MIB)
#define FILES_LEAST 1000

/* ---- audit log ---- */

static void tell_last_record(struct doctor *d, hf_bytes line)
{
    struct hf_diag ignored = { 0 };
    HF_CLEANUP(hf_json_freep) struct hf_json *record = NULL;
    const hf_err err = hf_json_parse(line, &ignored, &record);
    const struct hf_json *head = hf_json_member(record, "holdfast");
    const int64_t seq = hf_json_int(hf_json_member(head, "seq"));
    if (err != HF_OK || seq <= 0) {
        doctor_tell(d, DOCTOR_FAILED, "the last line of the log in %s is no record",
                    d->settings->audit_folder);
        doctor_mend(d, "holdfast audit verify --folder %s", d->settings->audit_folder);
        return;
    }
    doctor_tell(d, DOCTOR_OK, "%s: the last record is number %lld", d->settings->audit_folder,
                (long long)seq);
}

void doctor_check_audit_log(struct doctor *d)
{
    const char *folder = d->settings->audit_folder;
    struct stat info;
    if (stat(folder, &info) != 0) {
        const bool is_absent = errno == ENOENT || errno == EACCES;
        doctor_tell(d, is_absent ? DOCTOR_NOT_CHECKED : DOCTOR_FAILED, "%s: %s", folder,
                    strerror(errno));
        return;
    }
    if (!doctor_is_private(d, "audit folder", folder, &info))
        return;
    HF_CLEANUP(hf_buf_done) struct hf_buf line;
    hf_buf_init(&line, LINE_MAX_BYTES);
    const hf_err err = audit_tail(folder, 1, &line);
    if (err == HF_E_FORBIDDEN && geteuid() != 0)
        doctor_tell(d, DOCTOR_NOT_CHECKED, "only the server's user and root may read it");
    else if (err != HF_OK)
        doctor_tell(d, DOCTOR_FAILED, "%s cannot be read: %s", folder, hf_err_text(err));
    else if (line.n == 0)
        doctor_tell(d, DOCTOR_OK, "%s has no record yet", folder);
    else
        tell_last_record(d, hf_str_bytes(hf_str_trim(hf_buf_str(&line))));
}

/* ---- backups ---- */

/* The time of the newest file of a backup in the folder; 0 if there is none. */
static hf_usec find_newest(DIR *folder)
{
    hf_usec newest = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        struct stat info;
        const hf_str name = hf_str_from_c(entry->d_name);
        if (!hf_str_starts(name, HF_LIT(BACKUP_NAME_START)) ||
            !hf_str_ends(name, HF_LIT(BACKUP_NAME_END)) ||
            fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        const hf_usec changed = hf_usec_from_seconds(info.st_mtim.tv_sec);
        newest = changed > newest ? changed : newest;
    }
    return newest;
}

static void tell_age(struct doctor *d, hf_usec newest)
{
    const char *folder = d->settings->backup_folder;
    const long long days = (d->now - newest) / HF_USEC_PER_DAY;
    if (newest == 0)
        doctor_tell(d, DOCTOR_WARNING, "there is no backup of the server in %s", folder);
    else if (d->now - newest > BACKUP_AGE_MAX)
        doctor_tell(d, DOCTOR_WARNING, "the newest backup in %s is %lld days old", folder, days);
    else
        doctor_tell(d, DOCTOR_OK, "the newest backup in %s is %lld days old", folder,
                    days < 0 ? 0 : days);
    if (newest == 0 || d->now - newest > BACKUP_AGE_MAX)
        doctor_mend(d, "holdfast backup create --socket %s", d->settings->admin_socket);
}

void doctor_check_backups(struct doctor *d)
{
    DIR *folder = opendir(d->settings->backup_folder);
    if (folder == NULL && errno == EACCES) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "%s: %s", d->settings->backup_folder, strerror(errno));
        return;
    }
    tell_age(d, folder == NULL ? 0 : find_newest(folder));
    if (folder != NULL)
        (void)closedir(folder);
}

void doctor_check_journal(struct doctor *d)
{
    const long long hours = d->settings->journal_keep / (3600 * HF_USEC_PER_SEC);
    if (d->settings->journal_keep > 0) {
        doctor_tell(d, DOCTOR_OK, "changes stay in the journal for %lld hours", hours);
        return;
    }
    doctor_tell(d, DOCTOR_WARNING,
                "there is none: a restore ends at the last full backup, not at the last change");
    doctor_mend(d, "journal.keep = 7d");
}

/* ---- room ---- */

enum doctor_result doctor_judge_room(uint64_t free_bytes, uint64_t store_bytes, uint64_t reserve)
{
    if (free_bytes < reserve + ROOM_LEAST)
        return DOCTOR_FAILED;
    /* a backup, or a store that doubles, and some days of the audit log */
    return free_bytes - reserve < store_bytes + ROOM_SPARE ? DOCTOR_WARNING : DOCTOR_OK;
}

static uint64_t store_bytes(const struct doctor *d)
{
    char path[PATH_MAX_BYTES];
    struct stat info;
    const int n = snprintf(path, sizeof(path), "%s/data.mdb", d->settings->data);
    if (d->server.store_bytes >= 0)
        return (uint64_t)d->server.store_bytes;
    /* the file has holes: what it occupies counts */
    return n > 0 && n < (int)sizeof(path) && stat(path, &info) == 0 ? (uint64_t)info.st_blocks * 512
                                                                    : 0;
}

static void tell_room(struct doctor *d, const char *folder)
{
    struct statvfs info;
    if (statvfs(folder, &info) != 0)
        return;
    const uint64_t room = (uint64_t)info.f_bavail * info.f_frsize;
    enum doctor_result result = doctor_judge_room(room, store_bytes(d),
                                                  (uint64_t)d->settings->audit_reserve_bytes);
    if (result == DOCTOR_OK && info.f_files > 0 && info.f_favail < FILES_LEAST)
        result = DOCTOR_WARNING;
    doctor_tell(d, result, "%s: %llu MiB and %llu inodes free; the store has %llu MiB", folder,
                (unsigned long long)(room / MIB), (unsigned long long)info.f_favail,
                (unsigned long long)(store_bytes(d) / MIB));
    if (result != DOCTOR_OK)
        doctor_mend(d, "make room on the file system of %s (df -h %s; df -i %s)", folder, folder,
                    folder);
}

void doctor_check_disk_space(struct doctor *d)
{
    const char *const folders[] = { d->settings->data, d->settings->audit_folder,
                                    d->settings->backup_folder };
    dev_t seen[HF_ARRAY_LEN(folders)] = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(folders); i++) {
        struct stat info;
        if (stat(folders[i], &info) != 0)
            continue;
        bool is_new = true;
        for (size_t j = 0; j < count; j++)
            is_new = is_new && seen[j] != info.st_dev;
        if (is_new)
            tell_room(d, folders[i]);
        if (is_new)
            seen[count++] = info.st_dev;
    }
    if (count == 0)
        doctor_tell(d, DOCTOR_NOT_CHECKED, "there is no folder yet");
}
