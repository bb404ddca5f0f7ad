/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a test needs.
 */
#include "program.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool find(const char *name, char *out, size_t size)
{
    char folders[PATH_MAX];
    const char *path = getenv("PATH");
    (void)snprintf(folders, sizeof(folders), "%s:/usr/local/sbin:/usr/sbin:/sbin",
                   path != NULL ? path : "/usr/bin:/bin");
    char *rest = folders;
    const char *folder = NULL;
    while ((folder = strsep(&rest, ":")) != NULL) {
        (void)snprintf(out, size, "%s/%s", folder, name);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

bool program_is_there(const char *name)
{
    char path[PATH_MAX];
    return find(name, path, sizeof(path));
}

pid_t program_start(const char *const arguments[])
{
    char path[PATH_MAX];
    if (!find(arguments[0], path, sizeof(path)))
        return -1;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int nowhere = open("/dev/null", O_RDWR);
    (void)dup2(nowhere, STDIN_FILENO);
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execv(path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

bool program_run(const char *const arguments[])
{
    pid_t pid = program_start(arguments);
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void program_stop(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}
