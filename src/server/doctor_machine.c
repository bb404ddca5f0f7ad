/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: clock, random numbers, swap, core files, tracing, memory, what the kernel can withhold.
 */
#define _GNU_SOURCE
#include "audit/audit.h"
#include "base/json.h"
#include "crypto/crypto.h"
#include "server/doctor_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define PATH_MAX_BYTES 1024
#define CLOCK_LEEWAY (5 * 60 * HF_USEC_PER_SEC)
#define LANDLOCK_CREATE_VERSION 1U
#define LANDLOCK_ABI_PORTS 4
#define ISO_DATE_BYTES 19 /* "2026-01-05T10:11:12" */

/* ---- clock ---- */

void doctor_check_clock_source(struct doctor *d)
{
    struct timex clock = { .modes = 0 };
    const int state = adjtimex(&clock);
    if (state < 0) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "the kernel does not say");
    } else if (state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0) {
        doctor_tell(d, DOCTOR_WARNING, "nothing keeps the clock right");
        doctor_mend(d, "apt-get install systemd-timesyncd && timedatectl set-ntp true");
    } else {
        doctor_tell(d, DOCTOR_OK, "kept right, to %ld milliseconds", clock.maxerror / 1000);
    }
}

/* The newest record's time as text, without fractions; false if there is none to be read. */
static bool find_last_time(const struct doctor *d, char out[ISO_DATE_BYTES + 1])
{
    HF_CLEANUP(hf_buf_done) struct hf_buf line;
    hf_buf_init(&line, LINE_MAX_BYTES);
    struct hf_diag ignored = { 0 };
    HF_CLEANUP(hf_json_freep) struct hf_json *record = NULL;
    if (audit_tail(d->settings->audit_folder, 1, &line) != HF_OK || line.n == 0 ||
        hf_json_parse(hf_str_bytes(hf_str_trim(hf_buf_str(&line))), &ignored, &record) != HF_OK)
        return false;
    const hf_str time = hf_json_str(hf_json_member(record, "time"));
    if (time.n < ISO_DATE_BYTES)
        return false;
    (void)snprintf(out, ISO_DATE_BYTES + 1, "%.*s", ISO_DATE_BYTES, time.p);
    return true;
}

static void put_time(hf_usec time, char out[ISO_DATE_BYTES + 1])
{
    char memory[64];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    hf_buf_put_iso_time(&text, time);
    (void)snprintf(out, ISO_DATE_BYTES + 1, "%.*s", ISO_DATE_BYTES, memory);
}

/* Times of one form compare as text. */
static bool is_before(const char *a, const char *b)
{
    return hf_str_compare(hf_str_from_c(a), hf_str_from_c(b)) < 0;
}

void doctor_check_clock_time(struct doctor *d)
{
    char now[ISO_DATE_BYTES + 1];
    char later[ISO_DATE_BYTES + 1];
    char last[ISO_DATE_BYTES + 1];
    char built[ISO_DATE_BYTES + 1];
    struct stat program;
    put_time(d->now, now);
    put_time(d->now + CLOCK_LEEWAY, later);
    if (stat("/proc/self/exe", &program) == 0) {
        put_time(hf_usec_from_seconds(program.st_mtim.tv_sec), built);
        if (is_before(later, built)) {
            doctor_tell(d, DOCTOR_FAILED, "it is %sZ by the clock; this program is of %sZ", now,
                        built);
            doctor_mend(d, "timedatectl set-ntp true");
            return;
        }
    }
    if (!find_last_time(d, last)) {
        doctor_tell(d, DOCTOR_OK, "it is %sZ, later than this program", now);
    } else if (is_before(later, last)) {
        doctor_tell(d, DOCTOR_FAILED,
                    "it is %sZ by the clock; the newest record of the audit log is of %sZ", now,
                    last);
        doctor_mend(d, "timedatectl set-ntp true");
    } else {
        doctor_tell(d, DOCTOR_OK, "it is %sZ, not before the newest record of the audit log", now);
    }
}

/* ---- random numbers ---- */

void doctor_check_entropy(struct doctor *d)
{
    if (crypto_random_is_ready()) {
        doctor_tell(d, DOCTOR_OK, "random bytes come at once");
        return;
    }
    doctor_tell(d, DOCTOR_FAILED, "the kernel's generator has not been seeded since the start");
    doctor_mend(d, "give the machine a source: virtio-rng, or apt-get install rng-tools-debian");
}

/* ---- memory that reaches a disk ---- */

/* Whether the device is one of dm-crypt, or compressed memory; its name is "/dev/dm-0". */
static bool is_swap_harmless(const struct doctor *d, hf_str device)
{
    char path[PATH_MAX_BYTES];
    char memory[256];
    struct hf_buf uuid;
    if (!hf_str_starts(device, HF_LIT("/dev/")))
        return false;
    const hf_str name = hf_str_sub(device, HF_LIT("/dev/").n, device.n);
    if (hf_str_starts(name, HF_LIT("zram")))
        return true;
    hf_buf_init_fixed(&uuid, memory, sizeof(memory));
    (void)snprintf(path, sizeof(path), "/sys/block/%.*s/dm/uuid", HF_STR_ARG(name));
    return doctor_read(d, path, &uuid) == HF_OK &&
           hf_str_starts(hf_buf_str(&uuid), HF_LIT("CRYPT-"));
}

/* The unit's MemorySwapMax=0, where the server's memory is never swapped. */
static bool is_server_kept_from_swap(const struct doctor *d)
{
    char path[PATH_MAX_BYTES];
    char memory[PATH_MAX_BYTES / 2];
    struct hf_buf text;
    uint64_t limit = 1;
    if (d->server.pid == 0)
        return false;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)d->server.pid);
    if (doctor_read(d, path, &text) != HF_OK || !hf_str_starts(hf_buf_str(&text), HF_LIT("0::/")))
        return false;
    const hf_str group = hf_str_trim(hf_str_sub(hf_buf_str(&text), HF_LIT("0::").n, text.n));
    (void)snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s/memory.swap.max", HF_STR_ARG(group));
    return doctor_read_number(d, path, &limit) && limit == 0;
}

void doctor_check_swap(struct doctor *d)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, TEXT_MAX_BYTES);
    if (doctor_read(d, "/proc/swaps", &text) != HF_OK) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "the kernel does not show /proc/swaps");
        return;
    }
    hf_str rest = hf_buf_str(&text);
    hf_str row;
    hf_str device;
    bool is_title = true;
    while (hf_str_next(&rest, '\n', &row)) {
        const bool is_device = !is_title && hf_str_next(&row, ' ', &device) && device.n > 0;
        is_title = false;
        if (!is_device || is_swap_harmless(d, device))
            continue;
        if (is_server_kept_from_swap(d)) {
            doctor_tell(d, DOCTOR_OK, "%.*s is not encrypted, but never holds the server's memory",
                        HF_STR_ARG(device));
            return;
        }
        doctor_tell(d, DOCTOR_WARNING, "%.*s is not encrypted: keys of connections may reach it",
                    HF_STR_ARG(device));
        doctor_mend(d, "swapoff %.*s, or MemorySwapMax=0 in the unit, or encrypt it",
                    HF_STR_ARG(device));
        return;
    }
    doctor_tell(d, DOCTOR_OK, "no swap, or only such as cannot be read afterwards");
}

void doctor_check_core_dumps(struct doctor *d)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf pattern;
    hf_buf_init(&pattern, TEXT_MAX_BYTES);
    if (doctor_read(d, "/proc/sys/kernel/core_pattern", &pattern) != HF_OK) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "the kernel does not show its core_pattern");
        return;
    }
    const hf_str text = hf_str_trim(hf_buf_str(&pattern));
    doctor_tell(d, DOCTOR_OK, "core_pattern is '%.*s'; the server cannot be dumped, its limit is 0",
                HF_STR_ARG(text));
}

void doctor_check_ptrace(struct doctor *d)
{
    uint64_t scope = 0;
    if (!doctor_read_number(d, "/proc/sys/kernel/yama/ptrace_scope", &scope)) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "this kernel has no yama; only root traces the server");
    } else if (scope == 0) {
        doctor_tell(d, DOCTOR_WARNING, "every process may trace others of its user");
        doctor_mend(d, "sysctl -w kernel.yama.ptrace_scope=1 (and a file in /etc/sysctl.d)");
    } else {
        doctor_tell(d, DOCTOR_OK, "kernel.yama.ptrace_scope is %llu", (unsigned long long)scope);
    }
}

void doctor_check_overcommit(struct doctor *d)
{
    static const char *const names[] = { "0, by the kernel's judgement", "1, without end",
                                         "2, never" };
    uint64_t mode = 0;
    if (!doctor_read_number(d, "/proc/sys/vm/overcommit_memory", &mode) ||
        mode >= HF_ARRAY_LEN(names)) {
        doctor_tell(d, DOCTOR_NOT_CHECKED, "the kernel does not show vm.overcommit_memory");
        return;
    }
    doctor_tell(d, mode == 1 ? DOCTOR_WARNING : DOCTOR_OK,
                "the kernel promises more memory than it has: %s", names[mode]);
    if (mode == 1)
        doctor_mend(d, "sysctl -w vm.overcommit_memory=0 (else the server may be killed, where "
                       "it could refuse a request)");
}

/* ---- what the kernel can withhold ---- */

void doctor_check_landlock(struct doctor *d)
{
    const long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_VERSION);
    if (d->settings->sandbox == 0) {
        doctor_tell(d, DOCTOR_WARNING, "the sandbox is off: files and ports are not limited");
        doctor_mend(d, "process.sandbox = on");
    } else if (abi < 1) {
        doctor_tell(d, DOCTOR_WARNING, "the kernel has no Landlock: files are not limited");
        doctor_mend(d, "lsm=landlock,… on the kernel's command line (Linux 5.13 or later)");
    } else if (abi < LANDLOCK_ABI_PORTS) {
        doctor_tell(d, DOCTOR_OK, "version %ld: files are limited, TCP ports are not (needs 4)",
                    abi);
    } else {
        doctor_tell(d, DOCTOR_OK, "version %ld: files and TCP ports are limited", abi);
    }
}

void doctor_check_seccomp(struct doctor *d)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, TEXT_MAX_BYTES);
    const bool is_there = doctor_read(d, "/proc/sys/kernel/seccomp/actions_avail", &text) == HF_OK;
    if (d->settings->sandbox == 0) {
        doctor_tell(d, DOCTOR_WARNING, "the sandbox is off: system calls are not filtered");
        doctor_mend(d, "process.sandbox = on");
    } else if (!is_there) {
        doctor_tell(d, DOCTOR_WARNING, "the kernel cannot filter system calls");
        doctor_mend(d, "a kernel with CONFIG_SECCOMP_FILTER");
    } else {
        doctor_tell(d, DOCTOR_OK, "system calls are filtered");
    }
}
