/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From root to the server's user: each case in a child of its own, which looks at itself in /proc/self/status
 * afterwards. What only root can show is skipped for others. What is refused comes first.
 */
#define _GNU_SOURCE
#include "support.h"

#include "server/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_WRONG 10
#define NET_BIND_MASK "0000000000000400"
#define NO_MASK "0000000000000000"
#define USER "nobody"

static struct place place;

static int start(void **state)
{
    (void)state;
    place_init(&place);
    assert_int_equal(chmod(place.folder, 0755), 0);
    assert_int_equal(mkdir(place.settings.data, 0700), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    place_done(&place);
    return 0;
}

static void set_user(const char *name)
{
    (void)snprintf(place.settings.process_user, sizeof(place.settings.process_user), "%s", name);
}

static void set_listen(const char *text)
{
    (void)snprintf(place.settings.listen.items[0], sizeof(place.settings.listen.items[0]), "%s",
                   text);
}

/* Of /proc/self/status: the text behind "NAME:\t". */
static bool status_is(const char *name, const char *expected)
{
    char line[256];
    const size_t n = strlen(name);
    FILE *file = fopen("/proc/self/status", "re");
    bool is_equal = false;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, n) != 0 || line[n] != ':')
            continue;
        line[strcspn(line, "\n")] = '\0';
        is_equal = strcmp(line + n + 2, expected) == 0;
        if (!is_equal)
            (void)fprintf(stderr, "%s instead of %s\n", line, expected);
    }
    if (file != NULL)
        (void)fclose(file);
    return is_equal;
}

static bool has_masks(const char *permitted)
{
    return status_is("CapInh", NO_MASK) && status_is("CapPrm", permitted) &&
           status_is("CapEff", permitted) && status_is("CapBnd", NO_MASK) &&
           status_is("CapAmb", NO_MASK);
}

/* The child's exit code. */
static int in_child(int (*deed)(void))
{
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(deed());
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *expected_text;

/* What it says when it refuses; the error is the exit code. */
static int refuse(void)
{
    struct hf_diag diag = { 0 };
    const hf_err err = server_privileges_drop(&place.settings, &diag);
    if (err == HF_OK || strstr(diag.text, expected_text) == NULL) {
        (void)fprintf(stderr, "'%s' instead of '%s'\n", diag.text, expected_text);
        return EXIT_WRONG + (int)HF_ERR_COUNT_;
    }
    return (int)err;
}

static void expect_refused(hf_err err, const char *text)
{
    expected_text = text;
    assert_int_equal(in_child(refuse), err);
}

static void test_privileges_unknown_user_is_refused(void **state)
{
    (void)state;
    set_user("no-such-user-here");
    expect_refused(HF_E_INVALID, "there is no user");
    set_user("root");
    expect_refused(HF_E_INVALID, "is root");
}

static void give_all_to_user(void)
{
    const struct passwd *user = getpwnam(USER);
    assert_non_null(user);
    assert_int_equal(chown(place.settings.data, user->pw_uid, user->pw_gid), 0);
}

static void test_privileges_folder_or_file_of_another_is_refused(void **state)
{
    (void)state;
    set_user(USER);
    if (geteuid() != 0) {
        const struct passwd *self = getpwuid(geteuid());
        if (self != NULL && strcmp(self->pw_name, USER) == 0)
            set_user("daemon");
        expect_refused(HF_E_FORBIDDEN, "only root can become");
        skip();
    }
    expect_refused(HF_E_FORBIDDEN, "belongs to user 0, not to " USER);
    give_all_to_user();
    place_write(&place, "data/data.mdb", "x");
    expect_refused(HF_E_FORBIDDEN, "data.mdb belongs to user 0");
    place_remove(&place, "data/data.mdb");
    assert_int_equal(mkdir(place.settings.audit_folder, 0700), 0);
    expect_refused(HF_E_FORBIDDEN, "audit belongs to user 0");
}

static int become_user(void)
{
    struct hf_diag diag = { 0 };
    const struct passwd *user = getpwnam(USER);
    char ids[64];
    char gids[64];
    gid_t group = 0;
    if (user == NULL || server_privileges_drop(&place.settings, &diag) != HF_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return EXIT_WRONG;
    }
    (void)snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", user->pw_uid, user->pw_uid, user->pw_uid,
                   user->pw_uid);
    (void)snprintf(gids, sizeof(gids), "%u\t%u\t%u\t%u", user->pw_gid, user->pw_gid, user->pw_gid,
                   user->pw_gid);
    const bool is_user = status_is("Uid", ids) && status_is("Gid", gids);
    const bool has_groups = getgroups(0, NULL) == 1 && getgroups(1, &group) == 1 &&
                            group == user->pw_gid;
    const bool can_return = setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0;
    const bool is_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
    return is_user && has_groups && !can_return && !is_dumpable ? 0 : EXIT_WRONG;
}

static int become_user_without_capabilities(void)
{
    const int code = become_user();
    return code == 0 && has_masks(NO_MASK) ? 0 : EXIT_WRONG;
}

static int become_user_with_low_port(void)
{
    const int code = become_user();
    return code == 0 && has_masks(NET_BIND_MASK) ? 0 : EXIT_WRONG;
}

static void test_privileges_root_becomes_the_user_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    set_user(USER);
    give_all_to_user();
    static const char *const high[] = { "127.0.0.1:8443", "127.0.0.1:1024", "[::]:0", "no port" };
    for (size_t i = 0; i < HF_ARRAY_LEN(high); i++) {
        set_listen(high[i]);
        assert_int_equal(in_child(become_user_without_capabilities), 0);
    }
    static const char *const low[] = { "127.0.0.1:443", "[::1]:1023" };
    for (size_t i = 0; i < HF_ARRAY_LEN(low); i++) {
        set_listen(low[i]);
        assert_int_equal(in_child(become_user_with_low_port), 0);
    }
}

/* As a service manager starts it: another user, with capabilities beyond the needed one. */
static int start_as_user_with_capabilities(void)
{
    const struct passwd *user = getpwnam(USER);
    struct hf_diag diag = { 0 };
    if (user == NULL || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(0, NULL) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return EXIT_WRONG;
    if (status_is("CapPrm", NO_MASK) || server_privileges_drop(&place.settings, &diag) != HF_OK)
        return EXIT_WRONG;
    return has_masks(NET_BIND_MASK) ? 0 : EXIT_WRONG;
}

static void test_privileges_of_another_user_are_dropped_too(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    give_all_to_user();
    set_listen("0.0.0.0:443");
    assert_int_equal(in_child(start_as_user_with_capabilities), 0);
    set_user(USER); /* it is that already */
    assert_int_equal(in_child(start_as_user_with_capabilities), 0);
}

/* A unit's SystemCallFilter= may leave capset() out: no harm where there is nothing to drop, and no start where there is. */
static int start_without_capset(bool has_capabilities)
{
    const struct passwd *user = getpwnam(USER);
    struct hf_diag diag = { 0 };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (user == NULL || filter == NULL || prctl(PR_SET_KEEPCAPS, has_capabilities, 0, 0, 0) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0 ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) != 0 ||
        seccomp_load(filter) != 0)
        return EXIT_WRONG;
    seccomp_release(filter);
    const hf_err wanted = has_capabilities ? HF_E_INTERNAL : HF_OK;
    return server_privileges_drop(&place.settings, &diag) == wanted ? 0 : EXIT_WRONG;
}

static int without_capset_or_capabilities(void)
{
    return start_without_capset(false);
}

static int without_capset(void)
{
    return start_without_capset(true);
}

static void test_privileges_that_cannot_be_dropped_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(without_capset), 0);
    assert_int_equal(in_child(without_capset_or_capabilities), 0);
}

static int stay(void)
{
    struct hf_diag diag = { 0 };
    const uid_t before = geteuid();
    return server_privileges_drop(&place.settings, &diag) == HF_OK && geteuid() == before
               ? 0
               : EXIT_WRONG;
}

static void test_privileges_without_a_user_it_stays_who_it_is(void **state)
{
    (void)state;
    assert_int_equal(in_child(stay), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_privileges_unknown_user_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_privileges_folder_or_file_of_another_is_refused, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_privileges_that_cannot_be_dropped_are_refused, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_privileges_root_becomes_the_user_for_good, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_privileges_of_another_user_are_dropped_too, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_privileges_without_a_user_it_stays_who_it_is, start,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
