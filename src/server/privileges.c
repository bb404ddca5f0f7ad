/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From root to the server's user, and capabilities dropped. The two system calls for capabilities are used as they are: all of a
 * library's that would be needed is in linux/capability.h.
 */
#define _GNU_SOURCE
#include "server/privileges.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIELD "process.user"
#define PRIVILEGED_PORTS_END 1024
#define FILES_SPARE 256 /* store, log, sockets, files of libraries */
#define CAPABILITIES_MAX 64
#define ENTRY_MAX_BYTES 8192 /* of the system's list of users */
#define WORD_BITS 32
#define WORDS _LINUX_CAPABILITY_U32S_3
_Static_assert(WORDS *WORD_BITS == CAPABILITIES_MAX, "a mask of capabilities has 64 bits");

/* ---- users ---- */

HF_MUST static bool take_user(const struct passwd *entry, struct server_user *out)
{
    if (entry == NULL || strlen(entry->pw_name) >= sizeof(out->name))
        return false;
    *out = (struct server_user){ .uid = entry->pw_uid, .gid = entry->pw_gid };
    (void)snprintf(out->name, sizeof(out->name), "%s", entry->pw_name);
    return true;
}

bool server_user_by_name(const char *name, struct server_user *out)
{
    char memory[ENTRY_MAX_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;
    return getpwnam_r(name, &entry, memory, sizeof(memory), &found) == 0 && take_user(found, out);
}

bool server_user_by_id(uid_t uid, struct server_user *out)
{
    char memory[ENTRY_MAX_BYTES];
    struct passwd entry;
    struct passwd *found = NULL;
    return getpwuid_r(uid, &entry, memory, sizeof(memory), &found) == 0 && take_user(found, out);
}

/* ---- capabilities ---- */

static bool has_low_port(const struct server_settings *settings)
{
    for (size_t i = 0; i < settings->listen.count; i++) {
        const char *colon = strrchr(settings->listen.items[i], ':');
        uint64_t port = 0;
        if (colon != NULL && hf_str_parse_u64(hf_str_from_c(colon + 1), UINT16_MAX, &port) &&
            port != 0 && port < PRIVILEGED_PORTS_END)
            return true;
    }
    return false;
}

static uint64_t kept_capabilities(const struct server_settings *settings)
{
    return has_low_port(settings) ? UINT64_C(1) << CAP_NET_BIND_SERVICE : 0;
}

/* Without CAP_SETPCAP the kernel refuses: then nothing of the set can be had without a program to run, and none is run. */
static void drop_bounding(void)
{
    for (unsigned long i = 0; i < CAPABILITIES_MAX; i++) {
        if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
}

HF_MUST static bool get_capabilities(struct __user_cap_header_struct *header,
                                     struct __user_cap_data_struct data[WORDS])
{
    *header = (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
    return syscall(SYS_capget, header, data) == 0;
}

/* Of the permitted ones only those in `kept` stay, permitted and effective. What was refused shows in has_only(). */
static void keep_only(uint64_t kept)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[WORDS] = { 0 };
    if (!get_capabilities(&header, data))
        return;
    for (size_t i = 0; i < WORDS; i++) {
        data[i].permitted &= (uint32_t)(kept >> (i * WORD_BITS));
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    (void)syscall(SYS_capset, &header, data);
}

/* A service manager's filter may refuse capset() to a process that has nothing to drop. */
HF_MUST static bool has_only(uint64_t kept)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[WORDS] = { 0 };
    bool is_so = get_capabilities(&header, data);
    for (size_t i = 0; i < WORDS && is_so; i++) {
        const uint32_t others = ~(uint32_t)(kept >> (i * WORD_BITS));
        is_so = ((data[i].permitted | data[i].effective) & others) == 0;
    }
    return is_so;
}

HF_MUST static hf_err drop_capabilities(const struct server_settings *settings,
                                        struct hf_diag *diag)
{
    const uint64_t kept = kept_capabilities(settings);
    keep_only(UINT64_MAX); /* all permitted ones effective: dropping the bounding set takes one */
    drop_bounding();
    keep_only(kept);
    if (has_only(kept))
        return HF_OK;
    return hf_fail(diag, HF_E_INTERNAL, FIELD, "capabilities cannot be dropped");
}

/* ---- the user ---- */

static void raise_limit(__rlimit_resource_t which, rlim_t needed)
{
    struct rlimit limit;
    if (getrlimit(which, &limit) != 0 || limit.rlim_cur >= needed)
        return;
    limit.rlim_cur = needed;
    limit.rlim_max = limit.rlim_max > needed ? limit.rlim_max : needed;
    (void)setrlimit(which, &limit); /* what is missing shows at start, and to the doctor */
}

/* The kernel may have made the process dumpable when it changed its user. */
HF_MUST static bool is_for_good(const struct server_user *user)
{
    uid_t uids[3];
    gid_t gids[3];
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return false;
    for (size_t i = 0; i < HF_ARRAY_LEN(uids); i++) {
        if (uids[i] != user->uid || gids[i] != user->gid)
            return false;
    }
    return setresuid((uid_t)-1, 0, (uid_t)-1) != 0 &&
           (user->gid == 0 || setresgid((gid_t)-1, 0, (gid_t)-1) != 0);
}

/* Capabilities are still whole afterwards (PR_SET_KEEPCAPS): they go right behind. */
HF_MUST static hf_err change_user(const struct server_settings *settings,
                                  const struct server_user *user, struct hf_diag *diag)
{
    raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
    raise_limit(RLIMIT_NOFILE, (rlim_t)settings->max_connections + FILES_SPARE);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(user->name, user->gid) != 0 ||
        setresgid(user->gid, user->gid, user->gid) != 0 ||
        setresuid(user->uid, user->uid, user->uid) != 0)
        return hf_fail(diag, HF_E_INTERNAL, FIELD, "the process cannot become %s: %s", user->name,
                       strerror(errno));
    hf_err err = drop_capabilities(settings, diag);
    if (err != HF_OK)
        return err;
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || !is_for_good(user))
        return hf_fail(diag, HF_E_INTERNAL, FIELD, "the process could become root again");
    return HF_OK;
}

/* ---- what must be the user's ---- */

HF_MUST static hf_err check_owner(const char *path, const struct stat *info,
                                  const struct server_user *user, struct hf_diag *diag)
{
    if (info->st_uid == user->uid)
        return HF_OK;
    return hf_fail(diag, HF_E_FORBIDDEN, FIELD,
                   "%s belongs to user %u, not to %s; run: chown -R %s: %s", path,
                   (unsigned int)info->st_uid, user->name, user->name, path);
}

HF_MUST static hf_err check_content(DIR *folder, const char *path, const struct server_user *user,
                                    struct hf_diag *diag)
{
    const struct dirent *entry;
    hf_err err = HF_OK;
    while (err == HF_OK && (entry = readdir(folder)) != NULL) {
        char name[SERVER_PATH_MAX_BYTES + sizeof(entry->d_name)];
        struct stat info;
        if (strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        err = check_owner(name, &info, user, diag);
    }
    return err;
}

/* The folder and what is in it, but not in folders below. One that is not there yet is made by the user itself. */
HF_MUST static hf_err check_folder(const char *path, const struct server_user *user,
                                   struct hf_diag *diag)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT ? HF_OK
                               : hf_fail(diag, hf_err_from_errno(errno), FIELD, "%s: %s", path,
                                         strerror(errno));
    hf_err err = check_owner(path, &info, user, diag);
    DIR *folder = err == HF_OK ? opendir(path) : NULL;
    if (folder == NULL)
        return err;
    err = check_content(folder, path, user, diag);
    (void)closedir(folder);
    return err;
}

HF_MUST static hf_err check_folders(const struct server_settings *settings,
                                    const struct server_user *user, struct hf_diag *diag)
{
    const char *const folders[] = { settings->data, settings->audit_folder,
                                    settings->backup_folder };
    hf_err err = HF_OK;
    for (size_t i = 0; i < HF_ARRAY_LEN(folders) && err == HF_OK; i++)
        err = check_folder(folders[i], user, diag);
    return err;
}

/* ---- all of it ---- */

HF_MUST static hf_err find_user(const char *name, struct hf_diag *diag, struct server_user *out)
{
    struct server_user user = { 0 };
    if (!server_user_by_name(name, &user))
        return hf_fail(diag, HF_E_INVALID, FIELD, FIELD ": there is no user '%s'", name);
    if (user.uid == 0)
        return hf_fail(diag, HF_E_INVALID, FIELD, FIELD ": '%s' is root", name);
    *out = user;
    return HF_OK;
}

HF_MUST static hf_err become(const struct server_settings *settings, struct hf_diag *diag)
{
    struct server_user user = { 0 };
    hf_err err = find_user(settings->process_user, diag, &user);
    if (err != HF_OK)
        return err;
    if (geteuid() == 0)
        err = change_user(settings, &user, diag);
    else if (geteuid() == user.uid)
        err = drop_capabilities(settings, diag);
    else
        err = hf_fail(diag, HF_E_FORBIDDEN, FIELD, FIELD ": only root can become %s", user.name);
    return err == HF_OK ? check_folders(settings, &user, diag) : err;
}

hf_err server_privileges_drop(const struct server_settings *settings, struct hf_diag *diag)
{
    if (settings->process_user[0] != '\0')
        return become(settings, diag);
    if (geteuid() != 0)
        return drop_capabilities(settings, diag);
    hf_log(HF_LOG_WARN, "running-as-root",
           HF_KV_C("continuing", "with all of root's rights; set process.user, or use the unit"));
    return HF_OK;
}
