/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: which files, folders and ports are left. The interface is younger than some of the headers it is built with, so
 * what is needed of it stands here.
 */
#define _GNU_SOURCE
#include "base/file.h"
#include "server/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATE_VERSION 1U
#define RULE_PATH 1
#define RULE_PORT 2
#define ABI_REFER 2
#define ABI_TRUNCATE 3
#define ABI_PORTS 4
#define TPM_DEVICE "device:" /* a TPM that is a file; any other is a library and its connections */

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR (1ULL << 7)
#define FS_MAKE_REG (1ULL << 8)
#define FS_MAKE_SOCK (1ULL << 9)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_ALL_OF_ABI_1 ((1ULL << 13) - 1)
#define NET_BIND (1ULL << 0)
#define NET_CONNECT (1ULL << 1)

#define ON_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define READ (FS_READ_FILE | FS_READ_DIR)
#define LOAD (READ | FS_EXECUTE)
#define WRITE                                                                                      \
    (READ | FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |             \
     FS_MAKE_SOCK | (1ULL << 4) | FS_REFER)
#define SOCKET_FOLDER (FS_READ_DIR | FS_MAKE_SOCK | FS_REMOVE_FILE)

struct ruleset_attr {
    uint64_t fs;
    uint64_t net; /* since ABI_PORTS */
};
struct __attribute__((packed)) path_attr {
    uint64_t access;
    int32_t fd;
};
struct port_attr {
    uint64_t access;
    uint64_t port;
};

struct ruleset {
    int fd;
    uint64_t fs; /* what the kernel knows */
};

/* What libc and OpenSSL read when they like. */
static const struct {
    const char *path;
    uint64_t access;
} system_paths[] = {
    { "/usr/lib", LOAD },
    { "/usr/local/lib", LOAD },
    { "/lib", LOAD },
    { "/lib64", LOAD },
    { "/etc/ssl", READ },
    { "/usr/share/zoneinfo", READ },
    { "/etc/localtime", READ },
    { "/etc/ld.so.cache", READ },
    { "/proc/self", READ },
    { "/proc/meminfo", READ },
    { "/proc/sys/vm/overcommit_memory", READ },
    { "/sys/devices/system/cpu", READ },
    { "/dev/null", READ | FS_WRITE_FILE },
    { "/dev/urandom", READ },
};

/* A path that is not there needs no rule. */
HF_MUST static bool allow(const struct ruleset *ruleset, const char *path, uint64_t access)
{
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    struct stat info;
    if (fstat(fd, &info) != 0)
        return false;
    struct path_attr rule = { .access = access & ruleset->fs, .fd = fd };
    if (!S_ISDIR(info.st_mode))
        rule.access &= ON_FILES;
    return rule.access == 0 ||
           syscall(SYS_landlock_add_rule, ruleset->fd, RULE_PATH, &rule, 0U) == 0;
}

/* The folder that holds the file: a renewed certificate or a replaced file has another inode. */
HF_MUST static bool allow_folder_of(const struct ruleset *ruleset, const char *file,
                                    uint64_t access)
{
    char folder[SERVER_PATH_MAX_BYTES];
    const char *slash = strrchr(file, '/');
    if (file[0] == '\0')
        return true;
    if (slash == NULL)
        return allow(ruleset, ".", access);
    int n = snprintf(folder, sizeof(folder), "%.*s", slash == file ? 1 : (int)(slash - file), file);
    return n > 0 && n < (int)sizeof(folder) && allow(ruleset, folder, access);
}

/* A link such as .../live/x.pem is followed: the folder of what it points to, too. */
HF_MUST static bool allow_renewable(const struct ruleset *ruleset, const char *file)
{
    char *target = realpath(file, NULL);
    bool done = allow_folder_of(ruleset, file, READ) &&
                (target == NULL || allow_folder_of(ruleset, target, READ));
    free(target);
    return done;
}

HF_MUST static bool allow_issuers(const struct ruleset *ruleset,
                                  const struct server_settings *settings)
{
    for (size_t i = 0; i < settings->trusted_issuers.count; i++) {
        const char *blank = strchr(settings->trusted_issuers.items[i], ' ');
        if (blank != NULL && !allow_renewable(ruleset, blank + 1))
            return false;
    }
    return true;
}

HF_MUST static bool allow_paths(const struct ruleset *ruleset,
                                const struct server_settings *settings,
                                const struct sandbox_extra *extra)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(system_paths); i++) {
        if (!allow(ruleset, system_paths[i].path, system_paths[i].access))
            return false;
    }
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    return allow(ruleset, settings->data, WRITE) && allow(ruleset, settings->audit_folder, WRITE) &&
           allow(ruleset, settings->backup_folder, WRITE) &&
           allow_folder_of(ruleset, settings->admin_socket, SOCKET_FOLDER) &&
           allow(ruleset, settings->seal_key_file, READ) &&
           allow_renewable(ruleset, settings->tls_certificate) &&
           allow_renewable(ruleset, settings->tls_key) && allow_issuers(ruleset, settings) &&
           (credentials == NULL || allow(ruleset, credentials, READ)) &&
           (extra->write_folder == NULL || allow(ruleset, extra->write_folder, WRITE));
}

/* False for port 0 and for what http/ will refuse: then ports stay as they are. */
HF_MUST static bool port_of(const char *listen, uint64_t *port)
{
    const char *colon = strrchr(listen, ':');
    return colon != NULL && hf_str_parse_u64(hf_str_from_c(colon + 1), UINT16_MAX, port) &&
           *port != 0;
}

HF_MUST static bool are_ports_known(const struct server_settings *settings)
{
    uint64_t port = 0;
    for (size_t i = 0; i < settings->listen.count; i++) {
        if (!port_of(settings->listen.items[i], &port))
            return false;
    }
    return true;
}

HF_MUST static bool allow_ports(const struct ruleset *ruleset,
                                const struct server_settings *settings)
{
    for (size_t i = 0; i < settings->listen.count; i++) {
        struct port_attr rule = { .access = NET_BIND };
        if (!port_of(settings->listen.items[i], &rule.port) ||
            syscall(SYS_landlock_add_rule, ruleset->fd, RULE_PORT, &rule, 0U) != 0)
            return false;
    }
    return true;
}

/*
 * Whether the seal's kind reaches for nothing but files that the settings name. A token's library keeps its token and settings
 * anywhere.
 */
HF_MUST static bool is_seal_known(const struct server_settings *settings)
{
    if (settings->seal_kind == SERVER_SEAL_TPM2)
        return strncmp(settings->seal_tpm_tcti, TPM_DEVICE, strlen(TPM_DEVICE)) == 0;
    return settings->seal_kind != SERVER_SEAL_PKCS11;
}

HF_MUST static bool allow_tpm(const struct ruleset *ruleset, const struct server_settings *settings)
{
    return settings->seal_kind != SERVER_SEAL_TPM2 ||
           allow(ruleset, settings->seal_tpm_tcti + strlen(TPM_DEVICE), READ | FS_WRITE_FILE);
}

/* What this kernel's version of Landlock can withhold. */
static uint64_t known_access(long abi)
{
    uint64_t known = FS_ALL_OF_ABI_1;
    if (abi >= ABI_REFER)
        known |= FS_REFER;
    if (abi >= ABI_TRUNCATE)
        known |= FS_TRUNCATE;
    return known;
}

hf_err sandbox_limit_files(const struct server_settings *settings,
                           const struct sandbox_extra *extra, struct hf_diag *diag,
                           struct sandbox_state *state)
{
    const long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);
    state->landlock_abi = abi < 1 ? 0 : (int)abi;
    if (abi < 1 || !is_seal_known(settings))
        return HF_OK;
    const bool has_ports = abi >= ABI_PORTS;
    const uint64_t bind = are_ports_known(settings) ? NET_BIND : 0;
    struct ruleset_attr handled = { known_access(abi), has_ports ? bind | NET_CONNECT : 0 };
    const size_t size = has_ports ? sizeof(handled) : sizeof(handled.fs);
    HF_CLEANUP(hf_fd_closep)
    int fd = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0U);
    const struct ruleset ruleset = { .fd = fd, .fs = handled.fs };
    bool done = fd >= 0 && allow_paths(&ruleset, settings, extra) && allow_tpm(&ruleset, settings);
    if (done && (handled.net & NET_BIND) != 0)
        done = allow_ports(&ruleset, settings);
    if (!done || syscall(SYS_landlock_restrict_self, fd, 0U) != 0)
        return hf_fail(diag, HF_E_IO, "process.sandbox", "Landlock: %s", strerror(errno));
    state->files = true;
    state->ports = (handled.net & NET_BIND) != 0;
    return HF_OK;
}
