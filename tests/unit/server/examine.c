/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patients of the doctor.
 */
#include "examine.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JANUARY_5 (INT64_C(1767571200) * HF_USEC_PER_SEC)

void patient_init(struct patient *patient)
{
    memset(patient, 0, sizeof(*patient));
    place_init(&patient->place);
    assert_int_equal(mkdir(patient->place.settings.data, 0700), 0);
    place_path(&patient->place, "root", patient->root, sizeof(patient->root));
    assert_int_equal(mkdir(patient->root, 0700), 0);
    patient->doctor = (struct doctor){
        .settings = &patient->place.settings,
        .config = "holdfast.conf",
        .root = patient->root,
        .now = JANUARY_5,
        .uid = geteuid(),
        .gid = getegid(),
        .user = "keeper",
        .check = "test",
        .server = { .store_bytes = -1 },
    };
}

void patient_done(struct patient *patient)
{
    place_done(&patient->place);
}

void patient_show(struct patient *patient, const char *name, const char *text)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", patient->root, name);
    char folder[1024];
    assert_true(doctor_folder_of(path, folder, sizeof(folder)));
    assert_int_equal(hf_folder_make(folder, 0700), HF_OK);
    assert_int_equal(hf_file_write(path, hf_str_bytes(hf_str_from_c(text)), 0600), HF_OK);
}

static const struct doctor_finding *find_worst(const struct doctor *d)
{
    static const enum doctor_result order[] = { DOCTOR_FAILED, DOCTOR_WARNING, DOCTOR_OK,
                                                DOCTOR_NOT_CHECKED };
    for (size_t i = 0; i < HF_ARRAY_LEN(order); i++) {
        for (size_t j = 0; j < d->count; j++) {
            if (d->findings[j].result == order[i])
                return &d->findings[j];
        }
    }
    return NULL;
}

void expect_finding(struct patient *patient, void (*check)(struct doctor *d),
                    enum doctor_result result, const char *text)
{
    struct doctor *d = &patient->doctor;
    d->count = 0;
    check(d);
    const struct doctor_finding *worst = find_worst(d);
    if (worst == NULL)
        fail_msg("nothing was told of '%s'", text);
    else if (worst->result != result || strstr(worst->found, text) == NULL)
        fail_msg("%s instead of %s: '%s' instead of '%s'", doctor_result_name(worst->result),
                 doctor_result_name(result), worst->found, text);
    const bool has_mend = worst != NULL && worst->mend[0] != '\0';
    if (result == DOCTOR_FAILED || result == DOCTOR_WARNING)
        assert_true(has_mend);
    if (result == DOCTOR_OK)
        assert_false(has_mend);
}
