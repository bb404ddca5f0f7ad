/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings: collected, counted, written as text or JSON.
 */
#include "server/doctor_internal.h"

#include "base/assert.h"
#include "base/json.h"
#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>

#define RESULT_COLUMNS 12
#define CHECK_COLUMNS 17

static const char *const result_names[] = { "ok", "warning", "failed", "not-checked" };
_Static_assert(HF_ARRAY_LEN(result_names) == DOCTOR_RESULTS_, "one name for each result");

const char *doctor_result_name(enum doctor_result result)
{
    HF_ASSERT(result < DOCTOR_RESULTS_);
    return result_names[result];
}

void doctor_tell(struct doctor *d, enum doctor_result result, const char *format, ...)
{
    HF_ASSERT(d->count < DOCTOR_FINDINGS_MAX);
    struct doctor_finding *finding = &d->findings[d->count++];
    *finding = (struct doctor_finding){ .check = d->check, .result = result };
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->found, sizeof(finding->found), format, arguments);
    va_end(arguments);
}

void doctor_mend(struct doctor *d, const char *format, ...)
{
    HF_ASSERT(d->count > 0);
    struct doctor_finding *finding = &d->findings[d->count - 1];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->mend, sizeof(finding->mend), format, arguments);
    va_end(arguments);
}

size_t doctor_count(const struct doctor *d, enum doctor_result result)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += d->findings[i].result == result ? 1 : 0;
    return count;
}

static void write_json(const struct doctor *d, struct hf_buf *out)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "config", d->config);
    hf_jw_member_int(&w, "failed", (int64_t)doctor_count(d, DOCTOR_FAILED));
    hf_jw_member_int(&w, "warnings", (int64_t)doctor_count(d, DOCTOR_WARNING));
    hf_jw_member_int(&w, "notChecked", (int64_t)doctor_count(d, DOCTOR_NOT_CHECKED));
    hf_jw_key(&w, "checks");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_finding *finding = &d->findings[i];
        hf_jw_begin_object(&w);
        hf_jw_member_c(&w, "check", finding->check);
        hf_jw_member_c(&w, "result", doctor_result_name(finding->result));
        hf_jw_member_c(&w, "found", finding->found);
        if (finding->mend[0] != '\0')
            hf_jw_member_c(&w, "mend", finding->mend);
        hf_jw_end_object(&w);
    }
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    hf_buf_put_c(out, "\n");
}

static void write_text(const struct doctor *d, struct hf_buf *out)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_finding *finding = &d->findings[i];
        hf_buf_putf(out, "%-*s %-*s ", RESULT_COLUMNS, doctor_result_name(finding->result),
                    CHECK_COLUMNS, finding->check);
        cli_put_clean(out, hf_str_from_c(finding->found));
        if (finding->mend[0] != '\0') {
            hf_buf_putf(out, "\n%*s mend: ", RESULT_COLUMNS + CHECK_COLUMNS + 1, "");
            cli_put_clean(out, hf_str_from_c(finding->mend));
        }
        hf_buf_put_c(out, "\n");
    }
    hf_buf_putf(out, "%zu ok, %zu warnings, %zu failed, %zu not checked\n",
                doctor_count(d, DOCTOR_OK), doctor_count(d, DOCTOR_WARNING),
                doctor_count(d, DOCTOR_FAILED), doctor_count(d, DOCTOR_NOT_CHECKED));
}

void doctor_write(const struct doctor *d, bool json, struct hf_buf *out)
{
    if (json)
        write_json(d, out);
    else
        write_text(d, out);
}
