/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox from inside: each deed is tried in a child of its own that has taken the sandbox on. What must fail comes first.
 */
#define _GNU_SOURCE
#include "support.h"

#include "server/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_DONE 0
#define EXIT_REFUSED 10
#define EXIT_NO_SANDBOX 20
#define EXIT_LACKS 30 /* this kernel or this build has no such limit */

/* Set before the fork. */
static struct server_settings settings;
static char outside[512];
static int port_allowed;
static int port_other;

enum limit {
    BY_FILES,
    BY_PORTS,
    BY_CALLS,
    BY_NOTHING,
};

static bool is_refused_errno(int number)
{
    return number == EACCES || number == EPERM || number == EAFNOSUPPORT || number == ENOSYS;
}

static int open_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        return close(fd);
    return -1;
}

static int in_data(const char *name, int flags)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", settings.data, name);
    return open_path(path, flags);
}

static int with_port(int port, bool connects)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const struct sockaddr *generic = (const struct sockaddr *)&address;
    return connects ? connect(fd, generic, sizeof(address)) : bind(fd, generic, sizeof(address));
}

static int write_passwd(void)
{
    return open_path("/etc/passwd", O_WRONLY);
}
static int read_passwd(void)
{
    return open_path("/etc/passwd", O_RDONLY);
}
static int write_outside(void)
{
    return open_path(outside, O_WRONLY | O_CREAT);
}
static int run_program(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}
static int trace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static int make_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 ? 0 : -1; /* waiting for it is refused, too */
}
static int raw_socket(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 ? 0 : -1;
}
static int packet_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : -1;
}
static int mount_something(void)
{
    return mount("none", settings.data, "tmpfs", 0, NULL);
}
static int leave_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}
static int load_program_into_kernel(void)
{
    return (int)syscall(SYS_bpf, 0, NULL, 0);
}
static int read_other_process(void)
{
    return process_vm_readv(getppid(), NULL, 0, NULL, 0, 0) >= 0 ? 0 : -1;
}
static int open_by_handle(void)
{
    struct {
        struct file_handle handle;
        unsigned char bytes[128];
    } of = { .handle = { .handle_bytes = sizeof(of.bytes) } };
    int id = 0;
    return name_to_handle_at(AT_FDCWD, settings.data, &of.handle, &id, 0) == 0 ? 0 : -1;
}
static int run_what_was_written(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static int write_what_runs(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}
static int become_root(void)
{
    return setresuid((uid_t)-1, 0, (uid_t)-1);
}
static int signal_parent(void)
{
    return kill(getppid(), 0);
}
static int become_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static int raise_core_limit(void)
{
    const struct rlimit limit = { 0, 0 };
    return setrlimit(RLIMIT_CORE, &limit);
}
static int file_in_memory(void)
{
    return memfd_create("x", MFD_CLOEXEC) >= 0 ? 0 : -1;
}
static int ring(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}
static int signal_self(void)
{
    return kill(getpid(), 0) == 0 && raise(0) == 0 ? 0 : -1;
}
static int ask_for_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit);
}
static int take_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? -1
               : prctl(PR_SET_NAME, "sandboxed", 0, 0, 0);
}
static int bind_other(void)
{
    return with_port(port_other, false);
}
static int connect_out(void)
{
    return with_port(port_other, true);
}
static int bind_allowed(void)
{
    return with_port(port_allowed, false);
}
static int write_data(void)
{
    return in_data("file", O_RDWR | O_CREAT | O_TRUNC);
}
static int rename_data(void)
{
    char from[1024];
    char to[1024];
    (void)snprintf(from, sizeof(from), "%s/from", settings.data);
    (void)snprintf(to, sizeof(to), "%s/audit/to", settings.data);
    return in_data("from", O_WRONLY | O_CREAT) == 0 && rename(from, to) == 0 ? unlink(to) : -1;
}
static void *thread_main(void *argument)
{
    return argument;
}
static int start_thread(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, thread_main, NULL);
    return errno == 0 ? pthread_join(thread, NULL) : -1;
}

static const struct deed {
    const char *name;
    int (*try)(void); /* 0, or -1 and errno */
    enum limit limit; /* what must refuse it */
    bool kills;
} deeds[] = {
    { "write /etc/passwd", write_passwd, BY_FILES, false },
    { "read /etc/passwd", read_passwd, BY_FILES, false },
    { "write a file outside", write_outside, BY_FILES, false },
    { "bind another port", bind_other, BY_PORTS, false },
    { "connect", connect_out, BY_PORTS, false },
    { "run a program", run_program, BY_CALLS, true },
    { "ptrace", trace, BY_CALLS, true },
    { "fork", make_process, BY_CALLS, false },
    { "netlink socket", raw_socket, BY_CALLS, false },
    { "UDP socket", packet_socket, BY_CALLS, false },
    { "mount", mount_something, BY_CALLS, true },
    { "unshare", leave_namespace, BY_CALLS, true },
    { "bpf", load_program_into_kernel, BY_CALLS, true },
    { "read another process", read_other_process, BY_CALLS, true },
    { "open by handle", open_by_handle, BY_CALLS, false },
    { "run what was written", run_what_was_written, BY_CALLS, false },
    { "write what runs", write_what_runs, BY_CALLS, false },
    { "become root", become_root, BY_CALLS, false },
    { "signal the parent", signal_parent, BY_CALLS, false },
    { "become dumpable", become_dumpable, BY_CALLS, false },
    { "set a limit", raise_core_limit, BY_CALLS, false },
    { "file in memory", file_in_memory, BY_CALLS, false },
    { "io_uring", ring, BY_CALLS, false },
    { "bind a configured port", bind_allowed, BY_NOTHING, false },
    { "write into the data folder", write_data, BY_NOTHING, false },
    { "rename between its folders", rename_data, BY_NOTHING, false },
    { "start a thread", start_thread, BY_NOTHING, false },
    { "signal itself", signal_self, BY_NOTHING, false },
    { "ask for a limit", ask_for_limit, BY_NOTHING, false },
    { "take memory, name a thread", take_memory, BY_NOTHING, false },
};

static bool has_limit(const struct sandbox_state *state, enum limit limit)
{
    const bool has[] = { state->files, state->ports, state->calls, true };
    return has[limit];
}

/* The child's part. */
static int do_deed(const struct deed *deed)
{
    const struct sandbox_extra extra = { 0 };
    struct sandbox_state state;
    struct hf_diag diag = { 0 };
    if (server_sandbox(&settings, &extra, &diag, &state) != HF_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return EXIT_NO_SANDBOX;
    }
    if (!has_limit(&state, deed->limit))
        return EXIT_LACKS;
    if (deed->try() == 0)
        return EXIT_DONE;
    return is_refused_errno(errno) ? EXIT_REFUSED : errno;
}

static int free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void make_settings(struct place *place)
{
    place_init(place);
    struct hf_diag diag = { 0 };
    char data[512];
    char audit[600];
    place_path(place, "data", data, sizeof(data));
    place_path(place, "outside", outside, sizeof(outside));
    (void)snprintf(audit, sizeof(audit), "%s/audit", data);
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(mkdir(audit, 0700), 0);
    assert_int_equal(server_settings_default(data, &diag, &settings), HF_OK);
    port_allowed = free_port();
    do
        port_other = free_port();
    while (port_other == port_allowed);
    (void)snprintf(settings.listen.items[0], sizeof(settings.listen.items[0]), "127.0.0.1:%d",
                   port_allowed);
}

static void check_deed(const struct deed *deed)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(do_deed(deed));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LACKS) {
        print_message("skipped: %s\n", deed->name);
        return;
    }
    bool right = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED;
    if (deed->kills)
        right = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    if (deed->limit == BY_NOTHING)
        right = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
    if (!right)
        fail_msg("%s: status %#x", deed->name, (unsigned)status);
}

static void test_sandbox_only_what_the_server_needs_is_left(void **state)
{
    (void)state;
    struct place place;
    make_settings(&place);
    for (size_t i = 0; i < HF_ARRAY_LEN(deeds); i++)
        check_deed(&deeds[i]);
    place_done(&place);
}

/* Without it the same deeds succeed: otherwise the test above shows nothing. */
static void test_sandbox_off_refuses_nothing(void **state)
{
    (void)state;
    struct place place;
    make_settings(&place);
    settings.sandbox = 0;
    struct sandbox_state none;
    struct hf_diag diag = { 0 };
    const struct sandbox_extra extra = { 0 };
    assert_int_equal(server_sandbox(&settings, &extra, &diag, &none), HF_OK);
    assert_false(none.files || none.ports || none.calls);
    assert_int_equal(read_passwd(), 0);
    assert_int_equal(write_outside(), 0);
    assert_int_equal(bind_other(), 0);
    assert_int_equal(make_process(), 0);
    assert_int_equal(packet_socket(), 0);
    assert_int_equal(signal_parent(), 0);
    assert_int_equal(run_what_was_written(), 0);
    assert_int_equal(write_what_runs(), 0);
    assert_int_equal(raise_core_limit(), 0);
    assert_int_equal(file_in_memory(), 0);
    place_done(&place);
}

/* The child's part: which limits are in force. */
static int state_of_sandbox(void)
{
    const struct sandbox_extra extra = { 0 };
    struct sandbox_state state;
    struct hf_diag diag = { 0 };
    if (server_sandbox(&settings, &extra, &diag, &state) != HF_OK)
        return EXIT_NO_SANDBOX;
    if (state.landlock_abi == 0)
        return EXIT_LACKS;
    if (in_data("seal", O_RDWR | O_CREAT) != 0)
        return EXIT_NO_SANDBOX;
    return read_passwd() == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* Only what keeps its files anywhere goes without. */
static void test_sandbox_limits_files_by_kind_of_seal(void **state)
{
    (void)state;
    static const struct {
        enum server_seal_kind kind;
        const char *tcti;
        int expected;
    } cases[] = {
        { SERVER_SEAL_KEY_FILE, "", EXIT_REFUSED },
        { SERVER_SEAL_CREDENTIAL, "", EXIT_REFUSED },
        { SERVER_SEAL_PASSPHRASE, "", EXIT_REFUSED },
        { SERVER_SEAL_SHAMIR, "", EXIT_REFUSED },
        { SERVER_SEAL_TPM2, "device:/dev/null", EXIT_REFUSED },
        { SERVER_SEAL_TPM2, "swtpm:host=127.0.0.1,port=2321", EXIT_DONE },
        { SERVER_SEAL_PKCS11, "", EXIT_DONE },
    };
    struct place place;
    make_settings(&place);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        settings.seal_kind = cases[i].kind;
        (void)snprintf(settings.seal_tpm_tcti, sizeof(settings.seal_tpm_tcti), "%s", cases[i].tcti);
        (void)fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(state_of_sandbox());
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) != EXIT_LACKS)
            assert_int_equal(WEXITSTATUS(status), cases[i].expected);
    }
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sandbox_only_what_the_server_needs_is_left),
        cmocka_unit_test(test_sandbox_limits_files_by_kind_of_seal),
        cmocka_unit_test(test_sandbox_off_refuses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
