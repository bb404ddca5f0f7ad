/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of system calls: a list of those that the server and its libraries need. What only an intruder wants ends
 * the process; everything else is an error, ENOSYS where libc then takes an older call, else EPERM.
 *
 * The lists cover glibc 2.36 to 2.41, OpenSSL 3.0 to 3.5, libuv 1.44 to 1.50 and LMDB, on x86_64 and aarch64: what was
 * seen in use, and what those libraries may take instead (docs/testing.md tells how it is seen).
 */
#define _GNU_SOURCE
#include "base/log.h"
#include "server/sandbox_internal.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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

#define ALLOW SCMP_ACT_ALLOW
#define KILL SCMP_ACT_KILL_PROCESS
#define REFUSE SCMP_ACT_ERRNO(EPERM)
#define ABSENT SCMP_ACT_ERRNO(ENOSYS)

/* Each list ends with NULL. A name that the architecture lacks is left out. */
static const char *const allowed[] = {
    /* memory; mmap and mprotect stand below */
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "msync",
    "membarrier",
    /* open files */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "_llseek",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "flock",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fadvise64",
    "pipe",
    "pipe2",
    "eventfd2",
    /* files by name; which ones is Landlock's business */
    "open",
    "openat",
    "access",
    "faccessat",
    "faccessat2",
    "stat",
    "lstat",
    "fstat",
    "newfstatat",
    "statx",
    "statfs",
    "fstatfs",
    "readlink",
    "readlinkat",
    "getdents",
    "getdents64",
    "getcwd",
    "mkdir",
    "mkdirat",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "umask",
    "utimensat",
    /* sockets; socket stands below */
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "shutdown",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "recvmmsg",
    /* waiting */
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "nanosleep",
    "clock_nanosleep",
    "restart_syscall",
    /* threads; clone stands below */
    "futex",
    "set_robust_list",
    "get_robust_list",
    "set_tid_address",
    "rseq",
    "sched_yield",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "getcpu",
    "gettid",
    "getpid",
    "getppid",
    "exit",
    "exit_group",
    /* signals */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "rt_sigsuspend",
    "rt_sigpending",
    "sigaltstack",
    /* questions */
    "getrandom",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "times",
    "getrusage",
    "getrlimit",
    "ugetrlimit",
    "uname",
    "sysinfo",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "capget",
    NULL,
};

/* An error that makes libc or libuv take another call, which a filter can see into. */
static const char *const absent[] = {
    /* its flags lie in memory, where no filter sees them: then clone() */
    "clone3",
    "openat2",
    "fchmodat2",
    "copy_file_range",
    "sendfile",
    /* a way around every filter: then epoll and threads */
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "futex_waitv",
    "memfd_secret",
    NULL,
};

/* Nothing here would ever try them. */
static const char *const hostile[] = {
    /* other programs and other processes */
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    /* the kernel and the machine */
    "bpf",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "iopl",
    "ioperm",
    /* another view of the file system, other namespaces */
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    NULL,
};

/* What the library of a token may need besides: it speaks to a daemon or a device. */
static const char *const for_tokens[] = {
    "shmget", "shmat", "shmdt",  "shmctl",         "semget",          "semop", "semtimedop",
    "semctl", "ioctl", "tgkill", "timerfd_create", "timerfd_settime", NULL,
};

HF_MUST static int add_list(scmp_filter_ctx filter, const char *const *names, uint32_t action)
{
    int code = 0;
    for (size_t i = 0; names[i] != NULL && code == 0; i++) {
        const int number = seccomp_syscall_resolve_name(names[i]);
        if (number != __NR_SCMP_ERROR)
            code = seccomp_rule_add(filter, action, number, 0);
    }
    return code;
}

/* The library's own macros leave a member out, which Clang warns of. */
#define IS(index, value)                                                                           \
    {                                                                                              \
        .arg = (index), .op = SCMP_CMP_EQ, .datum_a = (value)                                      \
    }
#define MASKED(index, mask, value)                                                                 \
    {                                                                                              \
        .arg = (index), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value)            \
    }

/* One condition on one argument; any of a call's rows is enough. */
struct condition {
    int number;
    struct scmp_arg_cmp is;
};

#define PROT_BOTH (PROT_WRITE | PROT_EXEC)
#define SOCKET_TYPE_MASK 0xf /* SOCK_CLOEXEC and SOCK_NONBLOCK lie above it */
#define CLONE_NAMESPACES                                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

HF_MUST static int add_conditions(scmp_filter_ctx filter)
{
    const struct condition rows[] = {
        /* memory is written or executed, never both, and never the one after the other */
        { SCMP_SYS(mmap), MASKED(2, PROT_EXEC, 0) },
        { SCMP_SYS(mmap), MASKED(2, PROT_BOTH, PROT_EXEC) },
        { SCMP_SYS(mprotect), MASKED(2, PROT_EXEC, 0) },
        /* threads, not processes */
        { SCMP_SYS(clone), MASKED(0, CLONE_THREAD | CLONE_NAMESPACES, CLONE_THREAD) },
        { SCMP_SYS(ioctl), IS(1, FIONBIO) },
        { SCMP_SYS(ioctl), IS(1, FIONREAD) },
        { SCMP_SYS(ioctl), IS(1, FIOCLEX) },
        { SCMP_SYS(ioctl), IS(1, FIONCLEX) },
        { SCMP_SYS(ioctl), IS(1, TCGETS) }, /* isatty() */
        { SCMP_SYS(prctl), IS(0, PR_SET_NAME) },
        { SCMP_SYS(prctl), IS(0, PR_GET_NAME) },
        { SCMP_SYS(prctl), IS(0, PR_GET_DUMPABLE) },
        { SCMP_SYS(prctl), IS(0, PR_SET_VMA) },
        /* limits are asked for, not set */
        { SCMP_SYS(prlimit64), IS(2, 0) },
        /* signals to itself: from one thread to the one that waits for them, and abort() */
        { SCMP_SYS(kill), IS(0, (scmp_datum_t)getpid()) },
        { SCMP_SYS(tgkill), IS(0, (scmp_datum_t)getpid()) },
    };
    int code = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(rows) && code == 0; i++)
        code = seccomp_rule_add_array(filter, ALLOW, rows[i].number, 1, &rows[i].is);
    return code;
}

/* Streams of TCP and of the local kind. A token's library may ask a name server too. */
HF_MUST static int add_sockets(scmp_filter_ctx filter, bool has_token)
{
    static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
    int code = 0;
    for (size_t i = 0; i < HF_ARRAY_LEN(families); i++) {
        for (size_t j = 0; j < (has_token ? HF_ARRAY_LEN(types) : 1) && code == 0; j++) {
            const struct scmp_arg_cmp both[] = {
                IS(0, (scmp_datum_t)families[i]),
                MASKED(1, SOCKET_TYPE_MASK, (scmp_datum_t)types[j]),
            };
            code = seccomp_rule_add_array(filter, ALLOW, SCMP_SYS(socket), HF_ARRAY_LEN(both),
                                          both);
        }
    }
    return code;
}

HF_MUST static int fill(scmp_filter_ctx filter, bool has_token)
{
    int code = add_list(filter, allowed, ALLOW);
    if (code == 0)
        code = add_list(filter, absent, ABSENT);
    if (code == 0)
        code = add_list(filter, hostile, KILL);
    if (code == 0 && has_token)
        code = add_list(filter, for_tokens, ALLOW);
    if (code == 0)
        code = add_conditions(filter);
    return code == 0 ? add_sockets(filter, has_token) : code;
}

hf_err sandbox_limit_calls(const struct server_settings *settings, struct hf_diag *diag,
                           struct sandbox_state *state)
{
    if (IS_SANITIZED)
        return HF_OK; /* a sanitizer traces its own process */
    scmp_filter_ctx filter = seccomp_init(REFUSE);
    if (filter == NULL)
        return HF_E_NOMEM;
    /* a tree instead of a list; a library that cannot is only slower */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    const int code = fill(filter, settings->seal_kind == SERVER_SEAL_PKCS11);
    if (code != 0) {
        seccomp_release(filter);
        return hf_fail(diag, HF_E_IO, "process.sandbox", "the system call filter: error %d", -code);
    }
    state->calls = seccomp_load(filter) == 0; /* a kernel or a container without: logged */
    seccomp_release(filter);
    return HF_OK;
}
