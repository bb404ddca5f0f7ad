/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the serving process is: it becomes process.user and keeps no capability but that of low ports.
 */
#pragma once

#include "base/err.h"
#include "server/settings.h"

#include <sys/types.h>

struct server_user {
    uid_t uid;
    gid_t gid;
    char name[64];
};
/* Of the system's users; false if there is none, or its name is too long. */
HF_MUST bool server_user_by_name(const char *name, struct server_user *out);
HF_MUST bool server_user_by_id(uid_t uid, struct server_user *out);

/*
 * Must be called while the process has one thread, before the sandbox and before any file is opened or made: from here on
 * everything happens as that user.
 *
 * With process.user, as root: open files and locked memory are raised to what is needed, then supplementary groups, group and
 * user become the user's, and it is checked that there is no way back. As anybody: all capabilities go from all sets, but
 * CAP_NET_BIND_SERVICE stays permitted and effective if it is there and a port of `listen` is below 1024. As root without
 * process.user nothing is given up: that is logged as a warning.
 *
 * Fails: HF_E_INVALID (no such user, or it is root), HF_E_FORBIDDEN (this user cannot become that one; a folder or a file of the
 * server belongs to somebody else), HF_E_INTERNAL (the kernel refuses); diag says which. The process should end then.
 */
HF_MUST hf_err server_privileges_drop(const struct server_settings *settings, struct hf_diag *diag);
