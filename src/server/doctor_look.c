/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the checks look with: files of the kernel, the server's user and what it may do.
 */
#define _GNU_SOURCE
#include "server/doctor_internal.h"

#include "base/file.h"
#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_MAX_BYTES 1024
#define NUMBER_FILE_MAX_BYTES 256

hf_err doctor_read(const struct doctor *d, const char *path, struct hf_buf *out)
{
    char whole[PATH_MAX_BYTES];
    const int n = snprintf(whole, sizeof(whole), "%s%s", d->root, path);
    if (n < 0 || n >= (int)sizeof(whole))
        return HF_E_TOO_LARGE;
    return hf_file_read(whole, out);
}

bool doctor_read_number(const struct doctor *d, const char *path, uint64_t *out)
{
    char memory[NUMBER_FILE_MAX_BYTES];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    if (doctor_read(d, path, &text) != HF_OK)
        return false;
    hf_str rest = hf_str_trim(hf_buf_str(&text));
    hf_str word;
    return hf_str_next(&rest, '\n', &word) && hf_str_parse_u64(hf_str_trim(word), UINT64_MAX, out);
}

hf_str doctor_line_of(hf_str text, const char *name)
{
    const hf_str wanted = hf_str_from_c(name);
    hf_str line;
    while (hf_str_next(&text, '\n', &line)) {
        if (hf_str_starts(line, wanted) && line.n > wanted.n && line.p[wanted.n] == ':')
            return hf_str_trim(hf_str_sub(line, wanted.n + 1, line.n));
    }
    return (hf_str){ NULL, 0 };
}

bool doctor_folder_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    const int n = snprintf(out, size, "%.*s", length, slash == NULL ? "." : path);
    return n > 0 && (size_t)n < size;
}

/* ---- the server's user ---- */

void doctor_find_user(struct doctor *d)
{
    struct stat info;
    struct server_user user = { .uid = geteuid() };
    const bool is_named = d->server.pid == 0 &&
                          server_user_by_name(d->settings->process_user, &user);
    if (d->server.pid != 0)
        user.uid = d->server.uid;
    else if (!is_named && stat(d->settings->data, &info) == 0)
        user.uid = info.st_uid;
    if (!is_named && !server_user_by_id(user.uid, &user)) {
        user.gid = (gid_t)user.uid;
        (void)snprintf(user.name, sizeof(user.name), "%u", (unsigned int)user.uid);
    }
    d->uid = user.uid;
    d->gid = user.gid;
    memcpy(d->user, user.name, sizeof(d->user));
}

/* In a child, as that user; access() asks for the real ids. */
static int try_as(const struct doctor *d, const char *path, int mode)
{
    if (initgroups(d->user, d->gid) != 0 || setresgid(d->gid, d->gid, d->gid) != 0 ||
        setresuid(d->uid, d->uid, d->uid) != 0)
        return DOCTOR_UNKNOWN;
    return access(path, mode) == 0 ? DOCTOR_YES : DOCTOR_NO;
}

enum doctor_answer doctor_user_can(const struct doctor *d, const char *path, int mode)
{
    if (d->uid == geteuid())
        return access(path, mode) == 0 ? DOCTOR_YES : DOCTOR_NO;
    if (geteuid() != 0)
        return DOCTOR_UNKNOWN;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(try_as(d, path, mode));
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return DOCTOR_UNKNOWN;
    return (enum doctor_answer)WEXITSTATUS(status);
}

bool doctor_is_private(struct doctor *d, const char *what, const char *path,
                       const struct stat *info)
{
    const size_t before = d->count;
    if (info->st_uid != d->uid) {
        doctor_tell(d, DOCTOR_FAILED, "%s %s belongs to user %u, the server is %s", what, path,
                    (unsigned int)info->st_uid, d->user);
        doctor_mend(d, "chown -R %s: %s", d->user, path);
    }
    const unsigned int mode = (unsigned int)(info->st_mode & 07777);
    const unsigned int private_mode = S_ISDIR(info->st_mode) ? 0700 : 0600;
    if ((mode & (S_IRWXG | S_IRWXO)) != 0) {
        const bool is_writable = (mode & (S_IWGRP | S_IWOTH)) != 0;
        doctor_tell(d, is_writable || !S_ISDIR(info->st_mode) ? DOCTOR_FAILED : DOCTOR_WARNING,
                    "%s %s is open to others than its owner (mode %04o)", what, path, mode);
        doctor_mend(d, "chmod %04o %s", private_mode, path);
    }
    return d->count == before;
}
