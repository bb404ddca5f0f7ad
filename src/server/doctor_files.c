/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data folder, the seal and what opens it: there, the server's own, in the right place.
 */
#define _GNU_SOURCE
#include "seal/seal.h"
#include "server/doctor_internal.h"
#include "server/installation.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- the data folder ---- */

void doctor_check_data_folder(struct doctor *d)
{
    const char *data = d->settings->data;
    struct stat info;
    if (stat(data, &info) != 0) {
        doctor_tell(d, DOCTOR_FAILED, "data folder %s: %s", data, strerror(errno));
        if (errno == ENOENT)
            doctor_mend(d, "install -d -o %s -m 0700 %s", d->user, data);
        return;
    }
    if (!S_ISDIR(info.st_mode)) {
        doctor_tell(d, DOCTOR_FAILED, "%s is no folder", data);
        doctor_mend(d, "data = /var/lib/holdfast");
        return;
    }
    if (doctor_is_private(d, "data folder", data, &info))
        doctor_tell(d, DOCTOR_OK, "%s belongs to %s alone", data, d->user);
}

/* ---- its file system ---- */

#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif
#define ZFS_SUPER_MAGIC_HERE 0x2fc12fc1

static const struct {
    uint64_t type;
    struct doctor_file_system is;
} file_systems[] = {
    { EXT4_SUPER_MAGIC, { DOCTOR_OK, "ext4" } },
    { XFS_SUPER_MAGIC, { DOCTOR_OK, "xfs" } },
    { BTRFS_SUPER_MAGIC, { DOCTOR_OK, "btrfs" } },
    { F2FS_SUPER_MAGIC, { DOCTOR_OK, "f2fs" } },
    { ZFS_SUPER_MAGIC_HERE, { DOCTOR_OK, "zfs" } },
    { TMPFS_MAGIC, { DOCTOR_WARNING, "tmpfs, which is empty after a restart of the machine" } },
    { RAMFS_MAGIC, { DOCTOR_WARNING, "ramfs, which is empty after a restart of the machine" } },
    { OVERLAYFS_SUPER_MAGIC, { DOCTOR_WARNING, "overlay, which goes with its container" } },
    { FUSE_SUPER_MAGIC, { DOCTOR_WARNING, "fuse, whose sync and locks are unknown" } },
    { NFS_SUPER_MAGIC, { DOCTOR_FAILED, "nfs, a network file system" } },
    { SMB_SUPER_MAGIC, { DOCTOR_FAILED, "smb, a network file system" } },
    { CIFS_SUPER_MAGIC, { DOCTOR_FAILED, "cifs, a network file system" } },
    { SMB2_SUPER_MAGIC, { DOCTOR_FAILED, "smb2, a network file system" } },
    { AFS_SUPER_MAGIC, { DOCTOR_FAILED, "afs, a network file system" } },
    { V9FS_MAGIC, { DOCTOR_FAILED, "9p, a network file system" } },
    { CEPH_SUPER_MAGIC, { DOCTOR_FAILED, "ceph, a network file system" } },
};

struct doctor_file_system doctor_judge_file_system(uint64_t type)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(file_systems); i++) {
        if (file_systems[i].type == type)
            return file_systems[i].is;
    }
    return (struct doctor_file_system){ DOCTOR_NOT_CHECKED, "of an unknown kind" };
}

void doctor_check_file_system(struct doctor *d)
{
    struct statfs info;
    if (statfs(d->settings->data, &info) != 0) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "%s: %s", d->settings->data, strerror(errno));
        return;
    }
    /* f_type is signed on some machines: only its 32 bits count */
    const struct doctor_file_system is = doctor_judge_file_system((uint32_t)info.f_type);
    doctor_tell(d, is.result, "%s is on a file system %s", d->settings->data, is.name);
    if (is.result == DOCTOR_WARNING || is.result == DOCTOR_FAILED)
        doctor_mend(d, "data = a folder on a local disk (ext4, xfs)");
}

/* ---- the seal ---- */

static void tell_not_initialised(struct doctor *d)
{
    doctor_tell(d, DOCTOR_FAILED, "%s is not initialised", d->settings->data);
    doctor_mend(d, "runuser -u %s -- holdfast init --config %s", d->user, d->config);
}

void doctor_check_seal(struct doctor *d)
{
    struct seal_info seal;
    struct hf_diag diag = { 0 };
    const struct seal_config config = server_seal_config(d->settings);
    const hf_err err = seal_read_info(d->settings->data, &diag, &seal);
    if (err == HF_E_NOT_FOUND) {
        tell_not_initialised(d);
    } else if (err == HF_E_FORBIDDEN && geteuid() != 0) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "only the server's user and root may read the seal");
    } else if (err != HF_OK) {
        doctor_tell(d, DOCTOR_FAILED, "the seal: %s",
                    diag.text[0] != '\0' ? diag.text : hf_err_text(err));
        if (hf_err_class_of(err) == HF_CLASS_CORRUPT)
            doctor_mend(d, "holdfast backup restore --config %s FILE", d->config);
    } else if (strcmp(seal.kind, config.kind) != 0) {
        doctor_tell(d, DOCTOR_FAILED, "the seal is of kind %s, the configuration says %s",
                    seal.kind, config.kind);
        doctor_mend(d, "seal.kind = %s", seal.kind);
    } else if (seal.roots > 1) {
        doctor_tell(d, DOCTOR_WARNING, "%s; a rotation of the root key was not finished",
                    seal.kind);
        /* which refuses to be run as root, and beside an open server */
        doctor_mend(d,
                    "systemctl stop holdfast; runuser -u %s -- holdfast operator rotate-root "
                    "--config %s",
                    d->user, d->config);
    } else {
        doctor_tell(d, DOCTOR_OK, "%s, root key %llu", seal.kind,
                    (unsigned long long)seal.generation);
    }
}

/* ---- secret files ---- */

/* A file that the server reads and nobody else. False if that was told to be wrong, or could not be looked at. */
static bool is_secret_file(struct doctor *d, const char *what, const char *path, struct stat *info)
{
    if (stat(path, info) != 0) {
        const bool is_hidden = errno == EACCES && geteuid() != 0;
        doctor_tell(d, is_hidden ? DOCTOR_NOT_CHECKED : DOCTOR_FAILED, "%s %s: %s", what, path,
                    strerror(errno));
        if (!is_hidden)
            doctor_mend(d, "bring your copy back: install -o %s -m 0600 COPY %s", d->user, path);
        return false;
    }
    if (!S_ISREG(info->st_mode)) {
        doctor_tell(d, DOCTOR_FAILED, "%s %s is no regular file", what, path);
        doctor_mend(d, "put the file there: install -o %s -m 0600 FILE %s", d->user, path);
        return false;
    }
    return doctor_is_private(d, what, path, info);
}

static bool is_inside(const char *path, const char *folder)
{
    const hf_str inner = hf_str_from_c(path);
    const hf_str outer = hf_str_from_c(folder);
    return hf_str_starts(inner, outer) && inner.n > outer.n && inner.p[outer.n] == '/';
}

static void tell_key_place(struct doctor *d, const char *path, const struct stat *info)
{
    const char *data = d->settings->data;
    struct stat folder;
    if (is_inside(path, data)) {
        doctor_tell(d, DOCTOR_WARNING, "%s is in the data folder: who copies one has both", path);
        doctor_mend(d, "seal.key_file = a path on another disk (stop the server, move the file)");
    } else if (stat(data, &folder) == 0 && folder.st_dev == info->st_dev) {
        doctor_tell(d, DOCTOR_WARNING,
                    "%s is on the file system of the data folder: one stolen disk opens itself",
                    path);
        doctor_mend(d, "seal.key_file = a path on another disk (stop the server, move the file)");
    } else {
        doctor_tell(d, DOCTOR_OK, "%s belongs to %s alone, on another file system than the data",
                    path, d->user);
    }
}

void doctor_check_seal_key(struct doctor *d)
{
    const struct seal_config config = server_seal_config(d->settings);
    if (strcmp(config.kind, "key-file") != 0) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "seal.kind = %s has no key file", config.kind);
        return;
    }
    struct stat info;
    if (is_secret_file(d, "key file", config.key_file, &info))
        tell_key_place(d, config.key_file, &info);
}

void doctor_check_pin_file(struct doctor *d)
{
    const struct seal_config config = server_seal_config(d->settings);
    if (config.pkcs11_pin_file == NULL || config.pkcs11_pin_file[0] == '\0') {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "there is none in the configuration");
        return;
    }
    struct stat info;
    if (is_secret_file(d, "PIN file", config.pkcs11_pin_file, &info))
        doctor_tell(d, DOCTOR_OK, "%s belongs to %s alone", config.pkcs11_pin_file, d->user);
}
