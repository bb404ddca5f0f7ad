/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals with a TPM 2.0, which swtpm plays: wrong settings, another TPM, changed PCRs, and what goes over the bus.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "support.h"

#include "base/file.h"
#include "program.h"
#include "seal/kind.h"
#include "seal/tpm2_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

/* libtss2-tctildr 4.1 loses a little when a TCTI is named with another inside it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libtss2-tctildr";
}

#define ATTEMPTS 100
#define PCR 16 /* for debugging: anybody may extend it */
#define TCTI_BYTES 128

struct tpm_place {
    struct place place;
    pid_t pid;
    char tcti[TCTI_BYTES];
    struct seal_config config;
};

/* ---- a TPM ---- */

static struct sockaddr_in address_of(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Takes a port without listening: so it is no one else's, and whoever is told may listen on it. */
static int take_port(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    const struct sockaddr_in address = address_of(port);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address = { 0 };
    socklen_t n = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    return ntohs(address.sin_port);
}

/* The client takes the control channel for the port behind the other one. */
static uint16_t take_ports(int fds[2])
{
    for (size_t i = 0; i < ATTEMPTS; i++) {
        fds[0] = take_port(0);
        assert_true(fds[0] >= 0);
        const uint16_t port = port_of(fds[0]);
        fds[1] = port < UINT16_MAX ? take_port((uint16_t)(port + 1)) : -1;
        if (fds[1] >= 0)
            return port;
        (void)close(fds[0]);
    }
    fail_msg("no two neighbouring ports are free");
    return 0;
}

static void await_listener(uint16_t port, pid_t pid)
{
    const struct sockaddr_in address = address_of(port);
    const struct timespec pause = { .tv_nsec = 5L * 1000 * 1000 };
    for (;;) { /* it answers, or it ends */
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool listens = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
        (void)close(fd);
        if (listens)
            return;
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        (void)nanosleep(&pause, NULL);
    }
}

static void start_tpm(struct tpm_place *it, const char *name)
{
    char state[PATH_MAX];
    (void)snprintf(state, sizeof(state), "%s/%s", it->place.root, name);
    if (access(state, F_OK) != 0)
        assert_int_equal(mkdir(state, 0700), 0);
    int fds[2] = { -1, -1 };
    const uint16_t port = take_ports(fds);
    char server[64];
    char control[64];
    char where[PATH_MAX + 8];
    (void)snprintf(server, sizeof(server), "type=tcp,port=%u", (unsigned int)port);
    (void)snprintf(control, sizeof(control), "type=tcp,port=%u", (unsigned int)port + 1);
    (void)snprintf(where, sizeof(where), "dir=%s", state);
    const char *const arguments[] = { "swtpm",
                                      "socket",
                                      "--tpm2",
                                      "--tpmstate",
                                      where,
                                      "--server",
                                      server,
                                      "--ctrl",
                                      control,
                                      "--flags",
                                      "startup-clear,not-need-init",
                                      NULL };
    it->pid = program_start(arguments);
    assert_true(it->pid > 0);
    await_listener((uint16_t)(port + 1), it->pid);
    await_listener(port, it->pid);
    (void)close(fds[0]);
    (void)close(fds[1]);
    (void)snprintf(it->tcti, sizeof(it->tcti), "swtpm:host=127.0.0.1,port=%u", (unsigned int)port);
}

static void stop_tpm(struct tpm_place *it)
{
    program_stop(it->pid);
    it->pid = -1;
}

static int set_up(void **state)
{
    struct tpm_place *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    place_make(&it->place);
    start_tpm(it, "tpm");
    it->config =
        (struct seal_config){ .kind = "tpm2", .folder = it->place.data, .tpm_tcti = it->tcti };
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    struct tpm_place *it = *state;
    stop_tpm(it);
    place_remove(&it->place);
    free(it);
    return 0;
}

static void extend_pcr(const char *tcti)
{
    HF_CLEANUP(seal_tpm_close) struct seal_tpm tpm;
    assert_int_equal(seal_tpm_open(tcti, NULL, &tpm), HF_OK);
    TPML_DIGEST_VALUES values = { .count = 1 };
    values.digests[0].hashAlg = TPM2_ALG_SHA256;
    values.digests[0].digest.sha256[0] = 1;
    assert_int_equal(Esys_PCR_Extend(tpm.esys, ESYS_TR_PCR0 + PCR, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &values),
                     TSS2_RC_SUCCESS);
}

static void expect_init(const struct seal_config *config, hf_err expected, const char *field)
{
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    hf_err err = seal_init(config, NULL, &diag, &roots);
    if (err != expected)
        fail_msg("%s, not %s (%s)", hf_err_name(err), hf_err_name(expected), diag.text);
    assert_string_equal(diag.field, field);
    assert_true(diag.text[0] != '\0');
}

/* ---- refused ---- */

static void test_tpm_with_wrong_settings_is_refused(void **state)
{
    static const char *const pcrs[] = {
        "7",         "sha256",      "sha256:",   ":7",         "md5:7",     "sha256:24",
        "sha256:-1", "sha256:7,",   "sha256:,7", "sha256:7,7", "sha256: 7", "sha256:7+sha384:7",
        "SHA256:7",  "sha256:0x07",
    };
    const struct tpm_place *it = *state;
    struct seal_config config = it->config;
    for (size_t i = 0; i < HF_ARRAY_LEN(pcrs); i++) {
        config.tpm_pcrs = pcrs[i];
        expect_init(&config, HF_E_INVALID, "seal.tpm_pcrs");
    }
    config = it->config;
    config.tpm_tcti = NULL;
    expect_init(&config, HF_E_INVALID, "seal.tpm_tcti");
    config.tpm_tcti = "device:/nowhere/tpm";
    expect_init(&config, HF_E_UNAVAILABLE, "");
    config.tpm_tcti = "wax:seal";
    expect_init(&config, HF_E_UNAVAILABLE, "");
    assert_int_not_equal(access(it->place.seal, F_OK), 0);
}

static void test_another_tpm_does_not_open(void **state)
{
    struct tpm_place *it = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&it->config, NULL, &made);
    stop_tpm(it);
    expect_open(&it->config, NULL, HF_E_UNAVAILABLE, "gone");
    start_tpm(it, "another");
    expect_open(&it->config, NULL, HF_E_FORBIDDEN, "another");
    stop_tpm(it);
    start_tpm(it, "tpm");
    expect_open(&it->config, NULL, HF_OK, "the same, started anew");
}

static void test_changed_pcr_does_not_open(void **state)
{
    struct tpm_place *it = *state;
    struct seal_config config = it->config;
    config.tpm_pcrs = "sha256:0,16";
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    make_seal(&config, NULL, &made);
    open_seal(&it->config, NULL, &opened); /* which PCRs: the seal knows */
    assert_same_roots(&made, &opened);
    extend_pcr(it->tcti);
    expect_open(&config, NULL, HF_E_FORBIDDEN, "extended");
    expect_open(&it->config, NULL, HF_E_FORBIDDEN, "extended, and no PCRs configured");
    stop_tpm(it);
    start_tpm(it, "tpm");
    expect_open(&config, NULL, HF_OK, "started anew");
    /* after a change that was wanted, the seal is made anew from the running server's roots */
    extend_pcr(it->tcti);
    assert_int_equal(seal_rekey(&config, NULL, &made, NULL), HF_OK);
    expect_open(&config, NULL, HF_OK, "made anew");
}

/* Bytes of the TPM's own are damaged, and the file's digest fits again. */
static void test_changed_object_does_not_open(void **state)
{
    const struct tpm_place *it = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&it->config, NULL, &made);
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes = { 0 };
    read_file(it->place.seal, &bytes);
    struct seal_file file = { 0 };
    assert_int_equal(seal_file_parse(hf_buf_view(&bytes), "it", NULL, &file), HF_OK);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *kek = NULL;
    assert_int_equal(hf_secret_new(32, &kek), HF_OK);
    for (size_t i = 0; i < file.parameters.n; i += 5) {
        uint8_t changed[SEAL_PARAMETERS_MAX_BYTES];
        memcpy(changed, file.parameters.p, file.parameters.n);
        changed[i] ^= 1;
        HF_CLEANUP(hf_buf_done) struct hf_buf forged;
        hf_buf_init(&forged, SEAL_FILE_MAX_BYTES);
        assert_int_equal(seal_file_build(HF_LIT("tpm2"), (hf_bytes){ changed, file.parameters.n },
                                         file.id, kek, &made, &forged),
                         HF_OK);
        struct seal_roots roots = { 0 };
        hf_err err = seal_open_bytes(hf_buf_view(&forged), &it->config, NULL, NULL, &roots);
        if (err != HF_E_CORRUPT && err != HF_E_FORBIDDEN && err != HF_E_UNAVAILABLE)
            fail_msg("byte %zu: %s", i, hf_err_name(err));
        assert_int_equal(roots.count, 0);
    }
    expect_open(&it->config, NULL, HF_OK, "unchanged");
}

/* ---- opened ---- */

#define RECORD_MAX_BYTES ((size_t)1024 * 1024)
#define PIECE_BYTES 8

/* Between us and the TPM, with the library's own recorder: the KEK is not seen, though the sealed object is. */
static void test_kek_does_not_cross_the_bus_in_clear(void **state)
{
    const struct tpm_place *it = *state;
    char path[PATH_MAX];
    char tcti[2 * TCTI_BYTES];
    (void)snprintf(path, sizeof(path), "%s/bus.pcap", it->place.root);
    (void)snprintf(tcti, sizeof(tcti), "pcap:%s", it->tcti);
    assert_int_equal(setenv("TCTI_PCAP_FILE", path, 1), 0);
    TSS2_TCTI_INFO *info = NULL;
    if (Tss2_TctiLdr_GetInfo("pcap", &info) != TSS2_RC_SUCCESS)
        skip(); /* the recorder is not installed */
    Tss2_TctiLdr_FreeInfo(&info);
    struct seal_config config = it->config;
    config.tpm_tcti = tcti;
    static const char *const pcrs[] = { "", "sha256:16" };
    for (size_t i = 0; i < HF_ARRAY_LEN(pcrs); i++) {
        config.tpm_pcrs = pcrs[i];
        HF_CLEANUP(hf_secret_freep) struct hf_secret *made = NULL;
        HF_CLEANUP(hf_secret_freep) struct hf_secret *opened = NULL;
        HF_CLEANUP(hf_buf_done) struct hf_buf parameters;
        HF_CLEANUP(hf_buf_done) struct hf_buf record;
        hf_buf_init(&parameters, SEAL_PARAMETERS_MAX_BYTES);
        hf_buf_init(&record, RECORD_MAX_BYTES);
        assert_int_equal(seal_tpm2.make(&config, NULL, NULL, &parameters, &made), HF_OK);
        assert_int_equal(seal_tpm2.open(&config, NULL, hf_buf_view(&parameters), NULL, &opened),
                         HF_OK);
        const hf_bytes kek = hf_secret_view(made);
        assert_true(hf_secret_equal(opened, kek));
        assert_int_equal(hf_file_read(path, &record), HF_OK);
        const uint8_t *object = parameters.p + parameters.n - SEAL_KEK_BYTES;
        assert_non_null(memmem(record.p, record.n, object, SEAL_KEK_BYTES));
        for (size_t at = 0; at + PIECE_BYTES <= kek.n; at++)
            assert_null(memmem(record.p, record.n, kek.p + at, PIECE_BYTES));
    }
}

static void test_tpm_seals_and_opens(void **state)
{
    const struct tpm_place *it = *state;
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&it->config, NULL, &made);
    for (size_t i = 0; i < 8; i++) { /* more often than a TPM has room for what is left behind */
        HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
        open_seal(&it->config, NULL, &opened);
        assert_same_roots(&made, &opened);
    }
    assert_int_equal(seal_rekey(&it->config, NULL, &made, NULL), HF_OK);
    HF_CLEANUP(seal_roots_done) struct seal_roots both = { 0 };
    assert_int_equal(seal_rotate_begin(&it->config, NULL, NULL, &both), HF_OK);
    assert_int_equal(both.count, 2);
    assert_int_equal(seal_rotate_end(&it->config, NULL, NULL), HF_OK);
    expect_open(&it->config, NULL, HF_OK, "rotated");
}

int main(void)
{
    if (!program_is_there("swtpm")) {
        (void)fprintf(stderr, "skipped: swtpm is not installed\n");
        return SKIPPED;
    }
    (void)setenv("TSS2_LOG", "all+NONE", 0); /* refusals are what is tested */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tpm_with_wrong_settings_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_tpm_does_not_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_pcr_does_not_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_object_does_not_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kek_does_not_cross_the_bus_in_clear, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_tpm_seals_and_opens, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("seal tpm2", tests, place_set_up_library, NULL);
}
