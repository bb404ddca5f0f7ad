/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are the injector's business.
 */
#define _GNU_SOURCE
#include "paths.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLDERS_MAX 8

static char folders[FOLDERS_MAX][PATH_MAX];
static size_t folder_count;

const char *inject_take_folders(const char *text)
{
    static char wrong[PATH_MAX];
    while (text != NULL && *text != '\0' && folder_count < FOLDERS_MAX) {
        const size_t n = strcspn(text, ":");
        (void)snprintf(wrong, sizeof(wrong), "%.*s", (int)n, text);
        if (realpath(wrong, folders[folder_count]) == NULL)
            return wrong;
        folder_count++;
        text += n + (text[n] == ':');
    }
    return NULL;
}

bool inject_has_folders(void)
{
    return folder_count > 0;
}

const char *inject_first_folder(void)
{
    return folders[0];
}

bool inject_is_under(const char *path)
{
    for (size_t i = 0; i < folder_count; i++) {
        const size_t n = strlen(folders[i]);
        if (strncmp(path, folders[i], n) == 0 && (path[n] == '/' || path[n] == '\0'))
            return true;
    }
    return false;
}

void inject_path_of_fd(int fd, char *out)
{
    char link[64];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const long n = syscall(SYS_readlink, link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
}

void inject_path_of_name(int folder, const char *name, char *out)
{
    char whole[PATH_MAX * 2];
    char base[PATH_MAX] = "";
    if (name[0] != '/' && folder != AT_FDCWD)
        inject_path_of_fd(folder, base);
    else if (name[0] != '/' && getcwd(base, sizeof(base)) == NULL)
        base[0] = '\0';
    (void)snprintf(whole, sizeof(whole), "%s%s%s", base, name[0] == '/' ? "" : "/", name);
    char *slash = strrchr(whole, '/');
    out[0] = '\0';
    if (slash == NULL)
        return;
    *slash = '\0';
    char parent[PATH_MAX];
    if (realpath(slash == whole ? "/" : whole, parent) == NULL)
        return;
    const int n = snprintf(out, PATH_MAX, "%s/%s", parent, slash + 1);
    if (n < 0 || n >= PATH_MAX)
        out[0] = '\0';
}
