/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check of the doctor at a time, on a folder made for it.
 */
#pragma once

#include "support.h"

#include "server/doctor_internal.h"

struct patient {
    struct place place; /* its settings are the doctor's; /proc and /sys are "root" in its folder */
    char root[512];
    struct doctor doctor;
};

/* The data folder is made, mode 0700. The server is this user; now is 2026-01-05. */
void patient_init(struct patient *patient);
void patient_done(struct patient *patient);

/* A file below the patient's root, with its folders: "proc/swaps". */
void patient_show(struct patient *patient, const char *name, const char *text);

/* Runs the check: its worst finding (failed, warning, ok, not checked) must be that, and hold the text; what is wrong says how to
 * mend it. */
void expect_finding(struct patient *patient, void (*check)(struct doctor *d),
                    enum doctor_result result, const char *text);
