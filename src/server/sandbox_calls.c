/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of system calls. What only an intruder wants ends the process; what a library may try is an error it copes
 * with.
 */
#define _GNU_SOURCE
#include "base/log.h"
#include "server/sandbox_internal.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

#define KILL SCMP_ACT_KILL_PROCESS
#define REFUSE SCMP_ACT_ERRNO(EPERM)
#define ABSENT SCMP_ACT_ERRNO(ENOSYS)

static const struct {
    const char *name; /* one that the architecture lacks is left out */
    uint32_t action;
} calls[] = {
    /* other programs and other processes */
    { "execve", KILL },
    { "execveat", KILL },
    { "ptrace", KILL },
    { "process_vm_readv", KILL },
    { "process_vm_writev", KILL },
    { "kcmp", KILL },
    { "pidfd_getfd", KILL },
    { "fork", REFUSE },
    { "vfork", REFUSE },
    /* the kernel and the machine */
    { "bpf", KILL },
    { "init_module", KILL },
    { "finit_module", KILL },
    { "delete_module", KILL },
    { "kexec_load", KILL },
    { "kexec_file_load", KILL },
    { "reboot", KILL },
    { "iopl", KILL },
    { "ioperm", KILL },
    { "swapon", REFUSE },
    { "swapoff", REFUSE },
    { "settimeofday", REFUSE },
    { "clock_settime", REFUSE },
    { "sethostname", REFUSE },
    { "setdomainname", REFUSE },
    { "acct", REFUSE },
    { "quotactl", REFUSE },
    { "syslog", REFUSE },
    /* another view of the file system, other namespaces */
    { "mount", KILL },
    { "umount2", KILL },
    { "move_mount", KILL },
    { "open_tree", KILL },
    { "fsopen", KILL },
    { "fsmount", KILL },
    { "mount_setattr", KILL },
    { "pivot_root", KILL },
    { "chroot", KILL },
    { "setns", KILL },
    { "unshare", KILL },
    { "mknod", REFUSE },
    { "mknodat", REFUSE },
    { "open_by_handle_at", REFUSE },
    { "name_to_handle_at", REFUSE },
    /* parts of the kernel with a long list of holes, none needed */
    { "userfaultfd", REFUSE },
    { "perf_event_open", REFUSE },
    { "personality", REFUSE },
    { "add_key", REFUSE },
    { "request_key", REFUSE },
    { "keyctl", REFUSE },
    { "io_uring_setup", ABSENT },
    { "io_uring_enter", ABSENT },
    { "io_uring_register", ABSENT },
    /* its flags lie in memory, where no filter sees them: libc then takes clone() */
    { "clone3", ABSENT },
};

HF_MUST static int add_calls(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(calls); i++) {
        const int number = seccomp_syscall_resolve_name(calls[i].name);
        if (number == __NR_SCMP_ERROR)
            continue;
        const int code = seccomp_rule_add(filter, calls[i].action, number, 0);
        if (code != 0)
            return code;
    }
    return 0;
}

/* clone() for threads only; sockets of TCP, UDP and the local kind only. */
HF_MUST static int add_arguments(scmp_filter_ctx filter)
{
    int code = seccomp_rule_add(filter, REFUSE, SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    for (int family = 0; family < AF_MAX && code == 0; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6)
            continue;
        code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0));
    }
    return code;
}

hf_err sandbox_limit_calls(struct hf_diag *diag, struct sandbox_state *state)
{
    if (IS_SANITIZED)
        return HF_OK; /* a sanitizer traces its own process */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return HF_E_NOMEM;
    int code = add_calls(filter);
    if (code == 0)
        code = add_arguments(filter);
    if (code != 0) {
        seccomp_release(filter);
        return hf_fail(diag, HF_E_IO, "process.sandbox", "the system call filter: error %d", -code);
    }
    state->calls = seccomp_load(filter) == 0; /* a kernel or a container without: logged */
    seccomp_release(filter);
    return HF_OK;
}
