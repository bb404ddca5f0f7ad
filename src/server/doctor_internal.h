/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the doctor's files share: the patient, the findings, the checks.
 *
 * Threads: one. Nothing is changed anywhere; no finding holds a secret.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "server/settings.h"

#include <sys/stat.h>
#include <sys/types.h>

enum doctor_result {
    DOCTOR_OK,
    DOCTOR_WARNING,
    DOCTOR_FAILED,
    DOCTOR_NOT_CHECKED,
    DOCTOR_RESULTS_,
};

#define DOCTOR_TEXT_MAX_BYTES 768 /* cut beyond */
#define DOCTOR_FINDINGS_MAX 96

struct doctor_finding {
    const char *check; /* "data-folder": static */
    enum doctor_result result;
    char found[DOCTOR_TEXT_MAX_BYTES];
    char mend[DOCTOR_TEXT_MAX_BYTES]; /* one command or setting; "" if there is nothing to do */
};

/* What the running server says, over its socket and in /proc. */
struct doctor_server {
    bool answers;
    bool is_sealed;
    pid_t pid; /* 0: unknown */
    uid_t uid;
    char version[32];
    char status[128];
    bool is_memory_locked;
    bool has_memory_lock; /* it said whether */
    int64_t store_bytes;  /* -1: not told */
};

struct doctor {
    const struct server_settings *settings;
    const char *config; /* path of the configuration file */
    const char *root;   /* put before /proc and /sys: "" but in tests */
    hf_usec now;
    uid_t uid; /* whose the server is, or will be */
    gid_t gid;
    char user[64]; /* its name, or number */
    struct doctor_server server;
    const char *check; /* the one that runs */
    size_t count;
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
};

/* ---- findings (doctor_report.c) ---- */

/* Adds a finding of the check that runs. */
void doctor_tell(struct doctor *d, enum doctor_result result, const char *format, ...)
    HF_PRINTF(3, 4);
/* How to mend what was told last. */
void doctor_mend(struct doctor *d, const char *format, ...) HF_PRINTF(2, 3);
size_t doctor_count(const struct doctor *d, enum doctor_result result);
/* "ok", "warning", "failed", "not-checked" */
const char *doctor_result_name(enum doctor_result result);
/* The whole report, for people or as JSON. Errors are out's. */
void doctor_write(const struct doctor *d, bool json, struct hf_buf *out);

/* ---- looking (doctor_look.c) ---- */

/* Sets the server's user: of the process that answers, else process.user, else the data folder's owner, else this one. */
void doctor_find_user(struct doctor *d);
/* A file below /proc or /sys, appended to out. */
HF_MUST hf_err doctor_read(const struct doctor *d, const char *path, struct hf_buf *out);
/* The file's first number; false if there is none. */
HF_MUST bool doctor_read_number(const struct doctor *d, const char *path, uint64_t *out);
/* The value behind "NAME:" in a file such as /proc/1/status, blanks cut; empty if there is none. A view into text. */
hf_str doctor_line_of(hf_str text, const char *name);
/* The folder that holds path; false if it is too long. */
HF_MUST bool doctor_folder_of(const char *path, char *out, size_t size);

enum doctor_answer {
    DOCTOR_NO,
    DOCTOR_YES,
    DOCTOR_UNKNOWN, /* this user cannot find out */
};
/* Whether the server's user may do that with path: mode as for access(). */
enum doctor_answer doctor_user_can(const struct doctor *d, const char *path, int mode);
/* Owner, and no rights for others; tells what is wrong. true if nothing is. what: "data folder". */
bool doctor_is_private(struct doctor *d, const char *what, const char *path,
                       const struct stat *info);

/* ---- the checks, each may tell several findings, and tells at least one ---- */

void doctor_check_data_folder(struct doctor *d);
void doctor_check_file_system(struct doctor *d);
void doctor_check_seal(struct doctor *d);
void doctor_check_seal_key(struct doctor *d);
void doctor_check_pin_file(struct doctor *d);
void doctor_check_audit_log(struct doctor *d);
void doctor_check_backups(struct doctor *d);
void doctor_check_journal(struct doctor *d);
void doctor_check_disk_space(struct doctor *d);
void doctor_check_tls_files(struct doctor *d);
void doctor_check_tls_time(struct doctor *d);
void doctor_check_tls_names(struct doctor *d);
void doctor_check_tls_key(struct doctor *d);
void doctor_check_tls_versions(struct doctor *d);
void doctor_check_listen(struct doctor *d);
void doctor_check_admin_socket(struct doctor *d);
void doctor_check_clock_source(struct doctor *d);
void doctor_check_clock_time(struct doctor *d);
void doctor_check_entropy(struct doctor *d);
void doctor_check_open_files(struct doctor *d);
void doctor_check_locked_memory(struct doctor *d);
void doctor_check_swap(struct doctor *d);
void doctor_check_core_dumps(struct doctor *d);
void doctor_check_ptrace(struct doctor *d);
void doctor_check_overcommit(struct doctor *d);
void doctor_check_landlock(struct doctor *d);
void doctor_check_seccomp(struct doctor *d);
void doctor_check_user(struct doctor *d);
void doctor_check_server(struct doctor *d);
void doctor_check_process(struct doctor *d);

/* Asks the running server, if there is one; fills d->server. Tells nothing. */
void doctor_ask_server(struct doctor *d);

/* What a type of statfs() means for the data. */
struct doctor_file_system {
    enum doctor_result result;
    const char *name;
};
struct doctor_file_system doctor_judge_file_system(uint64_t type);
/* What that much free room means, beside a store of that size. */
enum doctor_result doctor_judge_room(uint64_t free_bytes, uint64_t store_bytes, uint64_t reserve);
