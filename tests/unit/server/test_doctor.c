/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's checks of files, certificates, addresses and sockets: what is wrong first. */
#include "examine.h"

#include "base/file.h"
#include "crypto/x509.h"
#include "server/installation.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MIB (UINT64_C(1024) * 1024)
#define TEXT_MAX_BYTES ((size_t)64 * 1024)
#define DAY HF_USEC_PER_DAY

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

static struct server_settings *settings(void)
{
    return &patient.place.settings;
}

static void expect(void (*check)(struct doctor *d), enum doctor_result result, const char *text)
{
    expect_finding(&patient, check, result, text);
}

/* ---- the data folder ---- */

static void test_doctor_data_folder_missing_or_open_is_told(void **state)
{
    (void)state;
    const char *data = settings()->data;
    assert_int_equal(rmdir(data), 0);
    expect(doctor_check_data_folder, DOCTOR_FAILED, "No such file");
    assert_non_null(strstr(patient.doctor.findings[0].mend, "install -d -o keeper -m 0700"));
    place_write(&patient.place, "data", "a file");
    expect(doctor_check_data_folder, DOCTOR_FAILED, "is no folder");
    place_remove(&patient.place, "data");
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(chmod(data, 0770), 0);
    expect(doctor_check_data_folder, DOCTOR_FAILED, "mode 0770");
    assert_int_equal(chmod(data, 0755), 0);
    expect(doctor_check_data_folder, DOCTOR_WARNING, "mode 0755");
    assert_int_equal(chmod(data, 0700), 0);
    patient.doctor.uid++;
    expect(doctor_check_data_folder, DOCTOR_FAILED, "belongs to user");
    patient.doctor.uid--;
    expect(doctor_check_data_folder, DOCTOR_OK, "belongs to keeper alone");
}

static void test_doctor_file_system_is_judged_by_its_type(void **state)
{
    (void)state;
    static const struct {
        uint64_t type;
        enum doctor_result result;
        const char *name;
    } rows[] = {
        { 0x6969, DOCTOR_FAILED, "nfs" },        { 0xFF534D42, DOCTOR_FAILED, "cifs" },
        { 0xFE534D42, DOCTOR_FAILED, "smb2" },   { 0x01021997, DOCTOR_FAILED, "9p" },
        { 0x01021994, DOCTOR_WARNING, "tmpfs" }, { 0x794c7630, DOCTOR_WARNING, "overlay" },
        { 0x65735546, DOCTOR_WARNING, "fuse" },  { 0xEF53, DOCTOR_OK, "ext4" },
        { 0x58465342, DOCTOR_OK, "xfs" },        { 1, DOCTOR_NOT_CHECKED, "unknown" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        const struct doctor_file_system is = doctor_judge_file_system(rows[i].type);
        if (is.result != rows[i].result || strstr(is.name, rows[i].name) == NULL)
            fail_msg("%s: %s", rows[i].name, is.name);
    }
    assert_int_equal(rmdir(settings()->data), 0);
    expect(doctor_check_file_system, DOCTOR_NOT_CHECKED, "No such file");
}

static void test_doctor_room_is_judged_beside_store_and_reserve(void **state)
{
    (void)state;
    assert_int_equal(doctor_judge_room(0, 0, 0), DOCTOR_FAILED);
    assert_int_equal(doctor_judge_room(79 * MIB, 0, 16 * MIB), DOCTOR_FAILED);
    assert_int_equal(doctor_judge_room(80 * MIB, 0, 16 * MIB), DOCTOR_WARNING);
    assert_int_equal(doctor_judge_room(3000 * MIB, 2000 * MIB, 16 * MIB), DOCTOR_WARNING);
    assert_int_equal(doctor_judge_room(4000 * MIB, 2000 * MIB, 16 * MIB), DOCTOR_OK);
    assert_int_equal(doctor_judge_room(1040 * MIB, 0, 16 * MIB), DOCTOR_OK);
    assert_int_equal(doctor_judge_room(1039 * MIB, 0, 16 * MIB), DOCTOR_WARNING);
    patient.doctor.server.store_bytes = INT64_MAX / 2;
    expect(doctor_check_disk_space, DOCTOR_WARNING, "inodes free");
}

/* ---- seal ---- */

static void test_doctor_seal_absent_or_damaged_is_told(void **state)
{
    (void)state;
    expect(doctor_check_seal, DOCTOR_FAILED, "not initialised");
    struct hf_diag diag = { 0 };
    const struct hf_clock clock = { 0 };
    struct server_installation ignored;
    assert_int_equal(server_install(settings(), &clock, NULL, &diag, &ignored), HF_OK);
    expect(doctor_check_seal, DOCTOR_OK, "key-file, root key 1");
    settings()->seal_kind = SERVER_SEAL_CREDENTIAL;
    expect(doctor_check_seal, DOCTOR_FAILED, "the seal is of kind key-file");
    assert_string_equal(patient.doctor.findings[0].mend, "seal.kind = key-file");
    settings()->seal_kind = SERVER_SEAL_KEY_FILE;
    place_write(&patient.place, "data/seal", "HFSEAL, but not one");
    expect(doctor_check_seal, DOCTOR_FAILED, "the seal");
}

static void test_doctor_rotation_cut_short_is_told(void **state)
{
    (void)state;
    struct hf_diag diag = { 0 };
    const struct hf_clock clock = { 0 };
    struct server_installation ignored;
    struct seal_roots roots = { 0 };
    assert_int_equal(server_install(settings(), &clock, NULL, &diag, &ignored), HF_OK);
    const struct seal_config config = server_seal_config(settings());
    assert_int_equal(seal_rotate_begin(&config, NULL, &diag, &roots), HF_OK);
    seal_roots_done(&roots);
    expect(doctor_check_seal, DOCTOR_WARNING, "a rotation of the root key was not finished");
    assert_non_null(strstr(patient.doctor.findings[0].mend,
                           "runuser -u keeper -- holdfast operator rotate-root --config "));
}

static void test_doctor_seal_key_missing_open_or_misplaced_is_told(void **state)
{
    (void)state;
    char path[512];
    expect(doctor_check_seal_key, DOCTOR_FAILED, "No such file");
    place_write(&patient.place, "seal.key", "x");
    place_path(&patient.place, "seal.key", path, sizeof(path));
    assert_int_equal(chmod(path, 0640), 0);
    expect(doctor_check_seal_key, DOCTOR_FAILED, "mode 0640");
    assert_int_equal(chmod(path, 0600), 0);
    expect(doctor_check_seal_key, DOCTOR_WARNING, "on the file system of the data folder");
    place_write(&patient.place, "data/seal.key", "x");
    place_path(&patient.place, "data/seal.key", settings()->seal_key_file,
               sizeof(settings()->seal_key_file));
    expect(doctor_check_seal_key, DOCTOR_WARNING, "is in the data folder");
    settings()->seal_kind = SERVER_SEAL_PKCS11;
    expect(doctor_check_seal_key, DOCTOR_NOT_CHECKED, "no key file");
}

static void test_doctor_pin_file_missing_or_open_is_told(void **state)
{
    (void)state;
    expect(doctor_check_pin_file, DOCTOR_NOT_CHECKED, "none in the configuration");
    char *path = settings()->seal_pkcs11_pin_file;
    place_path(&patient.place, "pin", path, sizeof(settings()->seal_pkcs11_pin_file));
    expect(doctor_check_pin_file, DOCTOR_FAILED, "No such file");
    place_write(&patient.place, "pin", "1234");
    assert_int_equal(chmod(path, 0604), 0);
    expect(doctor_check_pin_file, DOCTOR_FAILED, "mode 0604");
    assert_int_equal(chmod(path, 0600), 0);
    expect(doctor_check_pin_file, DOCTOR_OK, "belongs to keeper alone");
}

/* ---- logs and backups ---- */

static void write_record(const char *line)
{
    assert_int_equal(hf_folder_make(settings()->audit_folder, 0700), HF_OK);
    place_write(&patient.place, "data/audit/audit-00000000000000000001.jsonl", line);
}

static void test_doctor_audit_log_unreadable_at_its_end_is_told(void **state)
{
    (void)state;
    expect(doctor_check_audit_log, DOCTOR_NOT_CHECKED, "No such file");
    write_record("{\"time\":\"2026-01-04T00:00:00Z\"}\n");
    expect(doctor_check_audit_log, DOCTOR_FAILED, "is no record");
    write_record("");
    expect(doctor_check_audit_log, DOCTOR_OK, "no record yet");
    write_record("{\"time\":\"2026-01-04T00:00:00.0Z\",\"holdfast\":{\"seq\":9}}\n");
    expect(doctor_check_audit_log, DOCTOR_OK, "the last record is number 9");
    expect(doctor_check_clock_time, DOCTOR_FAILED, "this program is of");
    assert_int_equal(chmod(settings()->audit_folder, 0777), 0);
    expect(doctor_check_audit_log, DOCTOR_FAILED, "mode 0777");
}

static void test_doctor_clock_before_the_newest_record_is_told(void **state)
{
    (void)state;
    const struct hf_clock clock = { 0 };
    patient.doctor.now = hf_clock_now(&clock);
    expect(doctor_check_clock_time, DOCTOR_OK, "later than this program");
    write_record("{\"time\":\"2999-01-04T00:00:00.0Z\",\"holdfast\":{\"seq\":9}}\n");
    expect(doctor_check_clock_time, DOCTOR_FAILED, "2999-01-04T00:00:00Z");
    write_record("{\"time\":\"2026-01-04T00:00:00.0Z\",\"holdfast\":{\"seq\":9}}\n");
    expect(doctor_check_clock_time, DOCTOR_OK, "not before the newest record");
}

static void set_changed(const char *name, hf_usec time)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", settings()->backup_folder, name);
    const struct timespec moment = { .tv_sec = hf_usec_to_seconds(time) };
    const struct timespec both[] = { moment, moment };
    assert_int_equal(utimensat(AT_FDCWD, path, both, 0), 0);
}

static void test_doctor_backup_missing_or_old_is_told(void **state)
{
    (void)state;
    expect(doctor_check_backups, DOCTOR_WARNING, "there is no backup");
    assert_int_equal(hf_folder_make(settings()->backup_folder, 0700), HF_OK);
    place_write(&patient.place, "data/backups/holdfast-1-full.partial", "x");
    place_write(&patient.place, "data/backups/other.backup", "x");
    expect(doctor_check_backups, DOCTOR_WARNING, "there is no backup");
    place_write(&patient.place, "data/backups/holdfast-1-full.backup", "x");
    set_changed("holdfast-1-full.backup", patient.doctor.now - 8 * DAY);
    expect(doctor_check_backups, DOCTOR_WARNING, "8 days old");
    set_changed("holdfast-1-full.backup", patient.doctor.now - 6 * DAY);
    expect(doctor_check_backups, DOCTOR_OK, "6 days old");
    settings()->journal_keep = 0;
    expect(doctor_check_journal, DOCTOR_WARNING, "there is none");
    settings()->journal_keep = DAY;
    expect(doctor_check_journal, DOCTOR_OK, "24 hours");
}

/* ---- TLS ---- */

static void write_key(const char *name, const struct crypto_key *key)
{
    struct hf_buf pem;
    hf_buf_init_secret(&pem, TEXT_MAX_BYTES);
    assert_int_equal(crypto_key_write_pem(key, &pem), HF_OK);
    char path[512];
    place_path(&patient.place, name, path, sizeof(path));
    assert_int_equal(hf_file_write(path, hf_buf_view(&pem), 0600), HF_OK);
    hf_buf_done(&pem);
}

static void write_certificate(const struct crypto_key *key, const char *const *names,
                              hf_usec not_before, hf_usec not_after)
{
    const struct crypto_certificate_request request = {
        .common_name = "vault.localhost",
        .dns_names = names,
        .not_before = not_before,
        .not_after = not_after,
    };
    struct hf_buf der;
    struct hf_buf pem;
    hf_buf_init(&der, TEXT_MAX_BYTES);
    hf_buf_init(&pem, TEXT_MAX_BYTES);
    assert_int_equal(crypto_certificate_issue(&request, key, NULL, (hf_bytes){ NULL, 0 }, &der),
                     HF_OK);
    assert_int_equal(crypto_certificate_write_pem(hf_buf_view(&der), &pem), HF_OK);
    assert_int_equal(hf_file_write(settings()->tls_certificate, hf_buf_view(&pem), 0644), HF_OK);
    hf_buf_done(&der);
    hf_buf_done(&pem);
}

static const char *const all_names[] = { "*.vault.localhost", "vault.localhost", "login.localhost",
                                         NULL };

/* Keys "server.key" and "other.key"; the certificate is for a year from now, of the first. */
static struct crypto_key *make_tls(void)
{
    struct crypto_key *key = NULL;
    struct crypto_key *other = NULL;
    assert_int_equal(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &key), HF_OK);
    assert_int_equal(crypto_key_generate_ec(CRYPTO_KEY_EC_P256, &other), HF_OK);
    place_path(&patient.place, "server.pem", settings()->tls_certificate,
               sizeof(settings()->tls_certificate));
    place_path(&patient.place, "server.key", settings()->tls_key, sizeof(settings()->tls_key));
    write_key("server.key", key);
    write_key("other.key", other);
    write_certificate(key, all_names, patient.doctor.now - DAY, patient.doctor.now + 365 * DAY);
    crypto_key_free(other);
    return key;
}

static void test_doctor_tls_files_missing_open_or_mixed_up_are_told(void **state)
{
    (void)state;
    struct crypto_key *key = make_tls();
    place_path(&patient.place, "none.key", settings()->tls_key, sizeof(settings()->tls_key));
    expect(doctor_check_tls_files, DOCTOR_FAILED, "cannot read");
    expect(doctor_check_tls_versions, DOCTOR_NOT_CHECKED, "needs a certificate");
    place_path(&patient.place, "other.key", settings()->tls_key, sizeof(settings()->tls_key));
    expect(doctor_check_tls_files, DOCTOR_FAILED, "cannot be used");
    place_path(&patient.place, "server.key", settings()->tls_key, sizeof(settings()->tls_key));
    assert_int_equal(chmod(settings()->tls_key, 0644), 0);
    expect(doctor_check_tls_files, DOCTOR_FAILED, "open to everybody");
    assert_int_equal(chmod(settings()->tls_key, 0640), 0);
    expect(doctor_check_tls_files, DOCTOR_OK, "belong together");
    expect(doctor_check_tls_versions, DOCTOR_OK, "TLS 1.2 and 1.3");
    expect(doctor_check_tls_key, DOCTOR_OK, "EC, 256 bits");
    place_write(&patient.place, "server.pem", "no certificate");
    expect(doctor_check_tls_files, DOCTOR_FAILED, "cannot be used");
    expect(doctor_check_tls_time, DOCTOR_NOT_CHECKED, "no certificate");
    expect(doctor_check_tls_names, DOCTOR_NOT_CHECKED, "no certificate");
    expect(doctor_check_tls_key, DOCTOR_NOT_CHECKED, "no certificate");
    crypto_key_free(key);
}

static void test_doctor_tls_time_over_or_soon_over_is_told(void **state)
{
    (void)state;
    struct crypto_key *key = make_tls();
    const hf_usec now = patient.doctor.now;
    write_certificate(key, all_names, now - 2 * DAY, now - DAY);
    expect(doctor_check_tls_time, DOCTOR_FAILED, "has expired");
    write_certificate(key, all_names, now + DAY, now + 90 * DAY);
    expect(doctor_check_tls_time, DOCTOR_FAILED, "not valid yet");
    write_certificate(key, all_names, now - DAY, now + 29 * DAY);
    expect(doctor_check_tls_time, DOCTOR_WARNING, "expires in 29 days");
    write_certificate(key, all_names, now - DAY, now + 31 * DAY);
    expect(doctor_check_tls_time, DOCTOR_OK, "valid until 2026-02-05");
    crypto_key_free(key);
}

static void test_doctor_tls_names_that_lack_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *const names[4];
        const char *lacks; /* NULL: nothing */
    } rows[] = {
        { { "vault.localhost", "login.localhost", NULL }, "not for *.vault.localhost" },
        { { "*.vault.localhost", "login.localhost", NULL }, "not for vault.localhost" },
        { { "*.vault.localhost", "vault.localhost", NULL }, "not for login.localhost" },
        { { "*.localhost", NULL }, "not for *.vault.localhost" },
        { { "*.vault.localhost", "*.localhost", NULL }, "not for vault.localhost" },
        { { "*.vault.localhost", "vault.localhost", "login.localhost", NULL }, NULL },
    };
    struct crypto_key *key = make_tls();
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        write_certificate(key, rows[i].names, patient.doctor.now, patient.doctor.now + DAY);
        expect(doctor_check_tls_names, rows[i].lacks == NULL ? DOCTOR_OK : DOCTOR_FAILED,
               rows[i].lacks == NULL ? "is for" : rows[i].lacks);
    }
    crypto_key_free(key);
}

/* ---- addresses ---- */

static void set_listen(const char *text)
{
    settings()->listen.count = 1;
    (void)snprintf(settings()->listen.items[0], sizeof(settings()->listen.items[0]), "%s", text);
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    char text[64];
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(address.sin_port));
    set_listen(text);
    return fd;
}

static void test_doctor_listen_wrong_or_taken_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = { "127.0.0.1", "example.org:443", "127.0.0.1:66000", ":1" };
    for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
        set_listen(wrong[i]);
        expect(doctor_check_listen, DOCTOR_FAILED, "is no address and port");
    }
    patient.doctor.root = ""; /* the kernel's own table of sockets */
    const int fd = listen_somewhere();
    expect(doctor_check_listen, DOCTOR_FAILED, "held by another process");
    patient.doctor.server.answers = true;
    patient.doctor.server.uid = geteuid() + 1;
    expect(doctor_check_listen, DOCTOR_FAILED, "held by another process");
    patient.doctor.server.uid = geteuid();
    expect(doctor_check_listen, DOCTOR_OK, "held by keeper");
    assert_int_equal(close(fd), 0);
    expect(doctor_check_listen, DOCTOR_OK, "is free");
}

static void bind_socket_file(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const size_t n = strlen(path);
    assert_true(n < sizeof(address.sun_path));
    memcpy(address.sun_path, path, n);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(fd), 0);
}

static void test_doctor_admin_socket_impossible_or_open_is_told(void **state)
{
    (void)state;
    char *path = settings()->admin_socket;
    const size_t size = sizeof(settings()->admin_socket);
    place_path(&patient.place, "none/admin.sock", path, size);
    expect(doctor_check_admin_socket, DOCTOR_FAILED, "may not make a socket");
    place_path(
        &patient.place,
        "data/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        path, size);
    expect(doctor_check_admin_socket, DOCTOR_FAILED, "at most 107");
    place_path(&patient.place, "data/admin.sock", path, size);
    expect(doctor_check_admin_socket, DOCTOR_OK, "can be made");
    place_write(&patient.place, "data/admin.sock", "x");
    expect(doctor_check_admin_socket, DOCTOR_FAILED, "no socket");
    place_remove(&patient.place, "data/admin.sock");
    bind_socket_file(path);
    assert_int_equal(chmod(path, 0666), 0);
    expect(doctor_check_admin_socket, DOCTOR_FAILED, "mode 0666");
    assert_int_equal(chmod(path, 0600), 0);
    expect(doctor_check_admin_socket, DOCTOR_OK, "alone");
    /* nobody listens there */
    doctor_ask_server(&patient.doctor);
    assert_false(patient.doctor.server.answers);
    expect(doctor_check_server, DOCTOR_NOT_CHECKED, "no server answers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_doctor_data_folder_missing_or_open_is_told, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_doctor_file_system_is_judged_by_its_type, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_room_is_judged_beside_store_and_reserve, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_doctor_seal_absent_or_damaged_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_rotation_cut_short_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_seal_key_missing_open_or_misplaced_is_told,
                                        start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_pin_file_missing_or_open_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_audit_log_unreadable_at_its_end_is_told, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_doctor_clock_before_the_newest_record_is_told, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_doctor_backup_missing_or_old_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_tls_files_missing_open_or_mixed_up_are_told,
                                        start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_tls_time_over_or_soon_over_is_told, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_doctor_tls_names_that_lack_are_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_listen_wrong_or_taken_is_told, start, stop),
        cmocka_unit_test_setup_teardown(test_doctor_admin_socket_impossible_or_open_is_told, start,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
