/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running server: who it is, what it says, its limits and rights.
 */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/version.h"
#include "cli/local.h"
#include "server/doctor_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES ((size_t)64 * 1024)
#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define PATH_MAX_BYTES 128
#define STATUS_UNAVAILABLE 503
#define FILES_SPARE 64 /* store, log, sockets, files of the system */
#define MIB (UINT64_C(1024) * 1024)
#define SECRET_BYTES_SPARE (16 * MIB)
#define CAP_NET_BIND_SERVICE_BIT (UINT64_C(1) << 10)

/* ---- asking ---- */

/* Who listens on the socket. */
static bool find_peer(const char *path, struct ucred *out)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    HF_CLEANUP(hf_fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(*out);
    return fd >= 0 && n > 0 && n < (int)sizeof(address.sun_path) &&
           connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out, &size) == 0;
}

static void copy_member(const struct hf_json *json, const char *name, char *out, size_t size)
{
    const hf_str text = hf_json_str(hf_json_member(json, name));
    (void)snprintf(out, size, "%.*s", (int)text.n, text.p == NULL ? "" : text.p);
}

static void take_status(struct doctor_server *server, const struct hf_json *json)
{
    const struct hf_json *used = hf_json_member(json, "storeUsedBytes");
    const struct hf_json *locked = hf_json_member(json, "secretMemoryLocked");
    copy_member(json, "version", server->version, sizeof(server->version));
    copy_member(json, "status", server->status, sizeof(server->status));
    server->has_memory_lock = locked != NULL;
    server->is_memory_locked = hf_json_bool(locked);
    if (used != NULL && hf_json_int(used) >= 0)
        server->store_bytes = hf_json_int(used);
}

/* A server that can be sealed says so there; another has no such path. */
static void ask_operator(const char *socket, struct doctor_server *server)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, ANSWER_MAX_BYTES);
    if (cli_local_try(socket, "/operator/status", &answer) == HF_OK &&
        hf_json_bool(hf_json_member(answer.json, "sealed")))
        server->is_sealed = true;
}

void doctor_ask_server(struct doctor *d)
{
    const char *socket = d->settings->admin_socket;
    struct ucred peer = { 0 };
    d->server.store_bytes = -1;
    if (!find_peer(socket, &peer))
        return;
    d->server.pid = peer.pid;
    d->server.uid = peer.uid;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, ANSWER_MAX_BYTES);
    const hf_err err = cli_local_try(socket, "/status", &answer);
    d->server.answers = err == HF_OK || answer.http.status != 0;
    d->server.is_sealed = answer.http.status == STATUS_UNAVAILABLE;
    if (err == HF_OK)
        take_status(&d->server, answer.json);
    if (d->server.answers)
        ask_operator(socket, &d->server);
}

/* ---- what it said ---- */

static void tell_absent(struct doctor *d)
{
    if (d->server.pid != 0) {
        doctor_tell(d, DOCTOR_FAILED, "process %d has %s open and does not answer",
                    (int)d->server.pid, d->settings->admin_socket);
        doctor_mend(d, "systemctl restart holdfast");
        return;
    }
    if (access(d->settings->admin_socket, R_OK | W_OK) != 0 && errno == EACCES) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "only the server's user and root may ask it");
        return;
    }
    doctor_tell(d, DOCTOR_NOT_CHECKED, "no server answers at %s", d->settings->admin_socket);
    doctor_mend(d, "systemctl start holdfast");
}

void doctor_check_server(struct doctor *d)
{
    const struct doctor_server *server = &d->server;
    if (!server->answers) {
        tell_absent(d);
        return;
    }
    if (server->is_sealed) {
        doctor_tell(d, DOCTOR_WARNING, "the server is sealed and serves nothing");
        doctor_mend(d, "holdfast operator unseal --socket %s", d->settings->admin_socket);
        return;
    }
    const size_t before = d->count;
    if (strcmp(server->version, HF_VERSION) != 0) {
        doctor_tell(d, DOCTOR_WARNING, "version %s is running, this program is %s", server->version,
                    HF_VERSION);
        doctor_mend(d, "systemctl restart holdfast");
    }
    if (strcmp(server->status, "ok") != 0) {
        doctor_tell(d, DOCTOR_FAILED, "the server says: %s", server->status);
        doctor_mend(d, "df -h %s; holdfast audit verify (operations.md, Disk)",
                    d->settings->audit_folder);
    }
    if (d->count == before)
        doctor_tell(d, DOCTOR_OK, "version %s is running (process %d) and well", server->version,
                    (int)server->pid);
}

/* ---- its limits ---- */

/* "Max open files            1024                 4096                 files": the first number, or without end. */
static bool read_limit(const struct doctor *d, const char *name, uint64_t *out)
{
    char path[PATH_MAX_BYTES];
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, TEXT_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)d->server.pid);
    if (d->server.pid == 0 || doctor_read(d, path, &text) != HF_OK)
        return false;
    hf_str rest = hf_buf_str(&text);
    hf_str row;
    while (hf_str_next(&rest, '\n', &row)) {
        if (!hf_str_starts(row, hf_str_from_c(name)))
            continue;
        hf_str numbers = hf_str_trim(hf_str_sub(row, strlen(name), row.n));
        hf_str word;
        if (!hf_str_next(&numbers, ' ', &word))
            return false;
        *out = UINT64_MAX;
        return hf_str_equal(word, HF_LIT("unlimited")) || hf_str_parse_u64(word, UINT64_MAX, out);
    }
    return false;
}

void doctor_check_open_files(struct doctor *d)
{
    const uint64_t needed = (uint64_t)d->settings->max_connections + FILES_SPARE;
    uint64_t limit = 0;
    if (!read_limit(d, "Max open files", &limit)) {
        doctor_tell(d, DOCTOR_NOT_CHECKED,
                    "the limit shows while the server runs; it needs %llu open files",
                    (unsigned long long)needed);
        return;
    }
    if (limit >= needed) {
        doctor_tell(d, DOCTOR_OK, "the server may open %llu files and needs %llu",
                    (unsigned long long)limit, (unsigned long long)needed);
        return;
    }
    doctor_tell(d, DOCTOR_WARNING,
                "the server may open %llu files, and %llu for limits.connections = %lld",
                (unsigned long long)limit, (unsigned long long)needed,
                (long long)d->settings->max_connections);
    doctor_mend(d, "LimitNOFILE=%llu in the unit, or: limits.connections = %llu",
                (unsigned long long)needed,
                (unsigned long long)(limit > FILES_SPARE ? limit - FILES_SPARE : 1));
}

void doctor_check_locked_memory(struct doctor *d)
{
    const uint64_t needed = (uint64_t)d->settings->max_body_memory + SECRET_BYTES_SPARE;
    uint64_t limit = 0;
    if (d->server.has_memory_lock && !d->server.is_memory_locked) {
        doctor_tell(d, DOCTOR_WARNING, "not all of the server's secret memory is locked");
        doctor_mend(d, "LimitMEMLOCK=infinity in the unit");
    } else if (!read_limit(d, "Max locked memory", &limit)) {
        doctor_tell(d, DOCTOR_NOT_CHECKED,
                    "the limit shows while the server runs; it needs up to %llu MiB",
                    (unsigned long long)(needed / MIB));
    } else if (limit < needed && d->server.uid != 0) {
        doctor_tell(d, DOCTOR_WARNING, "the server may lock %llu MiB, and needs up to %llu MiB",
                    (unsigned long long)(limit / MIB), (unsigned long long)(needed / MIB));
        doctor_mend(d, "LimitMEMLOCK=infinity in the unit");
    } else {
        doctor_tell(d, DOCTOR_OK, "secret memory is locked, and more can be");
    }
}

/* ---- its rights ---- */

void doctor_check_user(struct doctor *d)
{
    if (d->uid != 0) {
        doctor_tell(d, DOCTOR_OK, "the server %s %s", d->server.pid != 0 ? "is" : "will be",
                    d->user);
        return;
    }
    doctor_tell(d, DOCTOR_WARNING, "the server %s root", d->server.pid != 0 ? "is" : "will be");
    doctor_mend(d, "start it by holdfast.service, or: process.user = holdfast");
}

/* A hexadecimal mask of capabilities. */
static bool parse_mask(hf_str text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (hf_is_digit(c))
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return text.n > 0 && text.n <= 16;
}

static void look_at_status(struct doctor *d, hf_str text)
{
    const bool has_new_privileges = !hf_str_equal(doctor_line_of(text, "NoNewPrivs"), HF_LIT("1"));
    const bool is_unfiltered = !hf_str_equal(doctor_line_of(text, "Seccomp"), HF_LIT("2"));
    uint64_t mask = 0;
    const bool has_more = parse_mask(doctor_line_of(text, "CapEff"), &mask) &&
                          (mask & ~CAP_NET_BIND_SERVICE_BIT) != 0;
    if (has_new_privileges || is_unfiltered) {
        doctor_tell(d, DOCTOR_WARNING, "process %d runs without%s%s", (int)d->server.pid,
                    has_new_privileges ? " no_new_privs" : "",
                    is_unfiltered ? " a filter of system calls" : "");
        doctor_mend(d, "process.sandbox = on, then: systemctl restart holdfast");
    }
    if (has_more) {
        doctor_tell(d, DOCTOR_WARNING, "process %d has more capabilities than the port needs: %llx",
                    (int)d->server.pid, (unsigned long long)mask);
        doctor_mend(d, "start it by holdfast.service, or: process.user = holdfast");
    }
    if (!has_new_privileges && !is_unfiltered && !has_more)
        doctor_tell(d, DOCTOR_OK, "process %d has no rights to spare", (int)d->server.pid);
}

void doctor_check_process(struct doctor *d)
{
    char path[PATH_MAX_BYTES];
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, TEXT_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)d->server.pid);
    if (d->server.pid == 0 || doctor_read(d, path, &text) != HF_OK) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "shows while the server runs");
        return;
    }
    look_at_status(d, hf_buf_str(&text));
}
