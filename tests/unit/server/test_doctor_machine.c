/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's checks of the machine and of the running server, on files made in place of /proc and /sys. */
#include "examine.h"

#include "base/json.h"
#include "base/version.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define PID 4242
#define SWAPS "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static struct patient patient;

static int start(void **state)
{
    (void)state;
    patient_init(&patient);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    patient_done(&patient);
    return 0;
}

static void expect(void (*check)(struct doctor *d), enum doctor_result result, const char *text)
{
    expect_finding(&patient, check, result, text);
}

static void test_doctor_swap_that_keeps_memory_is_told(void **state)
{
    (void)state;
    expect(doctor_check_swap, DOCTOR_NOT_CHECKED, "does not show");
    patient_show(&patient, "proc/swaps", SWAPS "/dev/sda2      partition\t1000\t0\t-2\n");
    expect(doctor_check_swap, DOCTOR_WARNING, "/dev/sda2 is not encrypted");
    patient_show(&patient, "proc/swaps", SWAPS "/dev/dm-1      partition\t1000\t0\t-2\n");
    patient_show(&patient, "sys/block/dm-1/dm/uuid", "LVM-abc\n");
    expect(doctor_check_swap, DOCTOR_WARNING, "/dev/dm-1");
    patient.doctor.server.pid = PID;
    patient_show(&patient, "proc/4242/cgroup", "0::/system.slice/holdfast.service\n");
    patient_show(&patient, "sys/fs/cgroup/system.slice/holdfast.service/memory.swap.max", "max\n");
    expect(doctor_check_swap, DOCTOR_WARNING, "/dev/dm-1");
    patient_show(&patient, "sys/fs/cgroup/system.slice/holdfast.service/memory.swap.max", "0\n");
    expect(doctor_check_swap, DOCTOR_OK, "never holds the server's memory");
    patient.doctor.server.pid = 0;
    patient_show(&patient, "sys/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n");
    expect(doctor_check_swap, DOCTOR_OK, "no swap");
    patient_show(&patient, "proc/swaps", SWAPS "/dev/zram0      partition\t1000\t0\t-2\n");
    expect(doctor_check_swap, DOCTOR_OK, "no swap");
    patient_show(&patient, "proc/swaps", SWAPS);
    expect(doctor_check_swap, DOCTOR_OK, "no swap");
}

static void test_doctor_kernel_settings_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *text; /* NULL: there is no such file */
        void (*check)(struct doctor *d);
        enum doctor_result result;
        const char *found;
    } rows[] = {
        { "", NULL, doctor_check_ptrace, DOCTOR_NOT_CHECKED, "no yama" },
        { "proc/sys/kernel/yama/ptrace_scope", "0\n", doctor_check_ptrace, DOCTOR_WARNING,
          "may trace" },
        { "proc/sys/kernel/yama/ptrace_scope", "1\n", doctor_check_ptrace, DOCTOR_OK, "is 1" },
        { "", NULL, doctor_check_overcommit, DOCTOR_NOT_CHECKED, "does not show" },
        { "proc/sys/vm/overcommit_memory", "7\n", doctor_check_overcommit, DOCTOR_NOT_CHECKED,
          "does not show" },
        { "proc/sys/vm/overcommit_memory", "x\n", doctor_check_overcommit, DOCTOR_NOT_CHECKED,
          "does not show" },
        { "proc/sys/vm/overcommit_memory", "1\n", doctor_check_overcommit, DOCTOR_WARNING,
          "without end" },
        { "proc/sys/vm/overcommit_memory", "2\n", doctor_check_overcommit, DOCTOR_OK, "never" },
        { "", NULL, doctor_check_core_dumps, DOCTOR_NOT_CHECKED, "does not show" },
        { "proc/sys/kernel/core_pattern", "|/bin/x %p\n", doctor_check_core_dumps, DOCTOR_OK,
          "'|/bin/x %p'" },
        { "", NULL, doctor_check_seccomp, DOCTOR_WARNING, "cannot filter" },
        { "proc/sys/kernel/seccomp/actions_avail", "kill_process errno\n", doctor_check_seccomp,
          DOCTOR_OK, "filtered" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        if (rows[i].text != NULL)
            patient_show(&patient, rows[i].file, rows[i].text);
        expect(rows[i].check, rows[i].result, rows[i].found);
    }
    patient.place.settings.sandbox = 0;
    expect(doctor_check_seccomp, DOCTOR_WARNING, "the sandbox is off");
    expect(doctor_check_landlock, DOCTOR_WARNING, "the sandbox is off");
}

static void show_limits(const char *files, const char *memory)
{
    char text[512];
    (void)snprintf(
        text, sizeof(text),
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            %-20s %-20s files     \n"
        "Max locked memory         %-20s %-20s bytes     \n",
        files, files, memory, memory);
    patient_show(&patient, "proc/4242/limits", text);
}

static void test_doctor_limits_below_need_are_told(void **state)
{
    (void)state;
    struct doctor_server *server = &patient.doctor.server;
    patient.place.settings.max_connections = 1000;
    patient.place.settings.max_body_memory = 256 * 1024 * 1024;
    expect(doctor_check_open_files, DOCTOR_NOT_CHECKED, "it needs 1064 open files");
    expect(doctor_check_locked_memory, DOCTOR_NOT_CHECKED, "up to 272 MiB");
    *server = (struct doctor_server){ .answers = true, .pid = PID, .uid = 1234 };
    show_limits("1063", "8388608");
    expect(doctor_check_open_files, DOCTOR_WARNING, "may open 1063 files");
    assert_non_null(strstr(patient.doctor.findings[0].mend, "limits.connections = 999"));
    expect(doctor_check_locked_memory, DOCTOR_WARNING, "may lock 8 MiB");
    show_limits("1064", "unlimited");
    expect(doctor_check_open_files, DOCTOR_OK, "1064");
    expect(doctor_check_locked_memory, DOCTOR_OK, "locked");
    server->has_memory_lock = true;
    expect(doctor_check_locked_memory, DOCTOR_WARNING, "not all");
    show_limits("many", "many");
    expect(doctor_check_open_files, DOCTOR_NOT_CHECKED, "shows while");
}

static void show_status(const char *capabilities, int no_new_privs, int seccomp)
{
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "Name:\tholdfast\nCapEff:\t%s\nNoNewPrivs:\t%d\nSeccomp:\t%d\n", capabilities,
                   no_new_privs, seccomp);
    patient_show(&patient, "proc/4242/status", text);
}

static void test_doctor_process_with_too_many_rights_is_told(void **state)
{
    (void)state;
    patient.doctor.uid = 0;
    expect(doctor_check_user, DOCTOR_WARNING, "will be root");
    patient.doctor.uid = 1234;
    expect(doctor_check_user, DOCTOR_OK, "will be keeper");
    expect(doctor_check_process, DOCTOR_NOT_CHECKED, "while the server runs");
    patient.doctor.server.pid = PID;
    show_status("000001ffffffffff", 1, 2);
    expect(doctor_check_process, DOCTOR_WARNING, "more capabilities");
    show_status("0000000000000400", 0, 2);
    expect(doctor_check_process, DOCTOR_WARNING, "without no_new_privs");
    show_status("0000000000000000", 1, 0);
    expect(doctor_check_process, DOCTOR_WARNING, "without a filter");
    show_status("0000000000000400", 1, 2);
    expect(doctor_check_process, DOCTOR_OK, "no rights to spare");
}

static void test_doctor_server_unwell_is_told(void **state)
{
    (void)state;
    struct doctor_server *server = &patient.doctor.server;
    expect(doctor_check_server, DOCTOR_NOT_CHECKED, "no server answers");
    server->pid = PID;
    expect(doctor_check_server, DOCTOR_FAILED, "does not answer");
    *server = (struct doctor_server){ .answers = true, .pid = PID, .is_sealed = true };
    expect(doctor_check_server, DOCTOR_WARNING, "sealed");
    *server = (struct doctor_server){
        .answers = true, .pid = PID, .version = HF_VERSION, .status = "its disk is full"
    };
    expect(doctor_check_server, DOCTOR_FAILED, "its disk is full");
    *server = (struct doctor_server){ .answers = true, .version = "0.0.1", .status = "ok" };
    expect(doctor_check_server, DOCTOR_WARNING, "0.0.1 is running");
    (void)snprintf(server->version, sizeof(server->version), "%s", HF_VERSION);
    expect(doctor_check_server, DOCTOR_OK, "and well");
}

/* What depends on the machine is still told in one of the known ways. */
static void test_doctor_machine_itself_is_looked_at(void **state)
{
    (void)state;
    static void (*const checks[])(struct doctor * d) = { doctor_check_clock_source,
                                                         doctor_check_landlock,
                                                         doctor_check_file_system };
    expect(doctor_check_entropy, DOCTOR_OK, "at once");
    for (size_t i = 0; i < HF_ARRAY_LEN(checks); i++) {
        patient.doctor.count = 0;
        checks[i](&patient.doctor);
        assert_int_equal(patient.doctor.count, 1);
        assert_true(patient.doctor.findings[0].found[0] != '\0');
    }
}

static void test_doctor_report_escapes_and_counts(void **state)
{
    (void)state;
    struct doctor *d = &patient.doctor;
    d->config = "a\"b\nc";
    doctor_tell(d, DOCTOR_FAILED, "a \"%s\"\x1b[1m", "quote");
    doctor_mend(d, "x\ny");
    doctor_tell(d, DOCTOR_WARNING, "%0900d", 0); /* cut, not overrun */
    struct hf_buf out;
    hf_buf_init(&out, TEXT_MAX_BYTES);
    doctor_write(d, false, &out);
    assert_int_equal(hf_buf_err(&out), HF_OK);
    hf_buf_put_u8(&out, 0);
    assert_non_null(strstr((const char *)out.p, "mend: x y\n"));
    assert_null(strchr((const char *)out.p, '\x1b'));
    assert_non_null(strstr((const char *)out.p, "0 ok, 1 warnings, 1 failed, 0 not checked\n"));
    hf_buf_reset(&out);
    doctor_write(d, true, &out);
    struct hf_diag diag = { 0 };
    struct hf_json *json = NULL;
    assert_int_equal(hf_json_parse(hf_buf_view(&out), &diag, &json), HF_OK);
    assert_int_equal(hf_json_int(hf_json_member(json, "failed")), 1);
    assert_int_equal(hf_json_size(hf_json_member(json, "checks")), 2);
    const struct hf_json *first = hf_json_at(hf_json_member(json, "checks"), 0);
    assert_true(hf_str_equal(hf_json_str(hf_json_member(first, "mend")), HF_LIT("x\ny")));
    hf_json_free(json);
    hf_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_doctor_swap_that_keeps_memory_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_kernel_settings_are_judged, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_limits_below_need_are_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_process_with_too_many_rights_is_told, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_doctor_server_unwell_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_machine_itself_is_looked_at, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_report_escapes_and_counts, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
