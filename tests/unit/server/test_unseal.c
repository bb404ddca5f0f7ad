/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting what opens the seal: what does not belong is refused at once, what is wrong is forgotten and slows the next try.
 */
#include "support.h"

#include "crypto/crypto.h"
#include "seal/share.h"
#include "server/unseal.h"

#include <string.h>

#define SHARES 5
#define THRESHOLD 3
#define NOW (1000 * HF_USEC_PER_SEC)

/* A seal in a folder, and what people know of it. */
struct sealed_place {
    struct place place;
    struct seal_config config;
    struct hf_secret *shares[SHARES];
    struct unseal unseal;
    struct hf_diag diag;
};

static hf_err keep_share(void *context, size_t index, size_t count, const struct hf_secret *share)
{
    struct sealed_place *sealed = context;
    assert_int_equal(count, SHARES);
    return hf_secret_dup(share, &sealed->shares[index]);
}

static struct hf_secret *secret_of(const char *text)
{
    struct hf_secret *secret = NULL;
    assert_int_equal(hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(text)), &secret), HF_OK);
    return secret;
}

static hf_err choose_passphrase(void *context, enum seal_ask what, size_t index,
                                struct hf_secret **out)
{
    (void)context;
    assert_int_equal(what, SEAL_ASK_NEW_PASSPHRASE);
    assert_int_equal(index, 0);
    *out = secret_of("correct horse battery");
    return HF_OK;
}

/* False if this build has no such kind. */
static bool sealed_init(struct sealed_place *sealed, const char *kind)
{
    memset(sealed, 0, sizeof(*sealed));
    place_init(&sealed->place);
    sealed->config = (struct seal_config){ .kind = kind,
                                           .folder = sealed->place.settings.data,
                                           .key_file = sealed->place.settings.seal_key_file,
                                           .argon2_memory_kib = 16,
                                           .argon2_passes = 1,
                                           .argon2_lanes = 1,
                                           .shares = SHARES,
                                           .threshold = THRESHOLD };
    const struct seal_people people = { .context = sealed,
                                        .ask = choose_passphrase,
                                        .give_share = keep_share };
    struct hf_diag diag = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_init(&sealed->config, &people, &diag, &roots);
    if (err == HF_E_UNSUPPORTED) {
        place_done(&sealed->place);
        return false;
    }
    assert_int_equal(err, HF_OK);
    struct seal_info info = { 0 };
    assert_int_equal(seal_read_info(sealed->config.folder, &diag, &info), HF_OK);
    unseal_init(&sealed->unseal, &info);
    return true;
}

static void sealed_done(struct sealed_place *sealed)
{
    unseal_forget(&sealed->unseal);
    for (size_t i = 0; i < SHARES; i++)
        hf_secret_free(sealed->shares[i]);
    place_done(&sealed->place);
}

static hf_err take(struct sealed_place *sealed, const struct unseal_request *request, hf_usec now,
                   bool *out_ready)
{
    sealed->diag = (struct hf_diag){ 0 };
    return unseal_take(&sealed->unseal, request, now, &sealed->diag, out_ready);
}

static void expect_refusal(struct sealed_place *sealed, const struct unseal_request *request,
                           hf_err expected)
{
    const uint32_t given = sealed->unseal.shares_given;
    bool ready = true;
    assert_int_equal(take(sealed, request, NOW, &ready), expected);
    assert_false(ready);
    assert_true(sealed->diag.text[0] != '\0');
    assert_int_equal(sealed->unseal.shares_given, given);
    assert_null(sealed->unseal.passphrase);
}

static void expect_taken(struct sealed_place *sealed, const struct unseal_request *request,
                         hf_usec now, bool expected_ready)
{
    bool ready = !expected_ready;
    assert_int_equal(take(sealed, request, now, &ready), HF_OK);
    assert_int_equal(ready, expected_ready);
}

static void give_share(struct sealed_place *sealed, size_t index, hf_usec now, bool expected_ready)
{
    const struct unseal_request request = { .share = sealed->shares[index] };
    expect_taken(sealed, &request, now, expected_ready);
}

/* Returns the result; what was given must be gone after it. */
static hf_err try_it(struct sealed_place *sealed, hf_usec now)
{
    struct hf_diag diag = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = unseal_try(&sealed->unseal, &sealed->config, &diag, &roots);
    assert_int_equal(roots.count, err == HF_OK ? 1 : 0);
    unseal_tried(&sealed->unseal, err, now);
    assert_int_equal(sealed->unseal.shares_given, 0);
    assert_null(sealed->unseal.passphrase);
    return err;
}

/* ---- refused at once ---- */

static void test_what_the_kind_does_not_ask_for_is_a_conflict(void **state)
{
    (void)state;
    static const char *const kinds[] = { "key-file", "passphrase", "shamir" };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = secret_of("correct horse battery");
    const struct unseal_request requests[] = {
        { 0 },
        { .passphrase = text },
        { .share = text },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        struct sealed_place sealed;
        if (!sealed_init(&sealed, kinds[i]))
            continue;
        for (size_t k = 0; k < HF_ARRAY_LEN(requests); k++) {
            if (k != i)
                expect_refusal(&sealed, &requests[k], HF_E_CONFLICT);
        }
        sealed_done(&sealed);
    }
}

static void test_several_things_at_once_are_refused(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = secret_of("correct horse battery");
    give_share(&sealed, 0, NOW, false);
    const struct unseal_request requests[] = {
        { .passphrase = text, .share = sealed.shares[1] },
        { .share = sealed.shares[1], .reset = true },
        { .passphrase = text, .reset = true },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(requests); i++)
        expect_refusal(&sealed, &requests[i], HF_E_INVALID);
    sealed_done(&sealed);
}

static void test_mistyped_share_is_refused(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    give_share(&sealed, 0, NOW, false);
    const size_t n = hf_secret_size(sealed.shares[1]);
    for (size_t i = 0; i < n; i++) {
        HF_CLEANUP(hf_secret_freep) struct hf_secret *wrong = NULL;
        assert_int_equal(hf_secret_dup(sealed.shares[1], &wrong), HF_OK);
        hf_secret_edit(wrong)[i] ^= 1;
        const struct unseal_request request = { .share = wrong };
        expect_refusal(&sealed, &request, HF_E_INVALID);
    }
    HF_CLEANUP(hf_secret_freep) struct hf_secret *empty = secret_of("");
    const struct unseal_request request = { .share = empty };
    expect_refusal(&sealed, &request, HF_E_INVALID);
    sealed_done(&sealed);
}

static void test_share_of_another_set_is_refused(void **state)
{
    (void)state;
    struct sealed_place sealed;
    struct sealed_place other;
    assert_true(sealed_init(&sealed, "shamir"));
    assert_true(sealed_init(&other, "shamir"));
    give_share(&sealed, 0, NOW, false);
    const struct unseal_request request = { .share = other.shares[1] };
    expect_refusal(&sealed, &request, HF_E_INVALID);
    sealed_done(&other);
    sealed_done(&sealed);
}

static void test_share_given_twice_is_refused(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    give_share(&sealed, 3, NOW, false);
    give_share(&sealed, 1, NOW, false);
    for (size_t i = 1; i <= 3; i += 2) {
        const struct unseal_request request = { .share = sealed.shares[i] };
        expect_refusal(&sealed, &request, HF_E_INVALID);
    }
    sealed_done(&sealed);
}

/* ---- wrong ---- */

/* A share of the right set, with a right checksum, that was never given out. */
static struct hf_secret *forge_share(const struct sealed_place *sealed, size_t index)
{
    struct hf_diag diag = { 0 };
    HF_CLEANUP(seal_share_done) struct seal_share share = { 0 };
    struct hf_secret *text = NULL;
    assert_int_equal(seal_share_parse(sealed->shares[index], &diag, &share), HF_OK);
    hf_secret_edit(share.data)[0] ^= 1;
    assert_int_equal(seal_share_write(&share, &text), HF_OK);
    return text;
}

static void test_forged_share_spoils_the_try_and_all_are_forgotten(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *forged = forge_share(&sealed, 2);
    give_share(&sealed, 0, NOW, false);
    give_share(&sealed, 1, NOW, false);
    const struct unseal_request request = { .share = forged };
    expect_taken(&sealed, &request, NOW, true);
    assert_int_equal(try_it(&sealed, NOW), HF_E_FORBIDDEN);

    /* at once again: the first two are only collected, the last would be a try */
    give_share(&sealed, 0, NOW, false);
    give_share(&sealed, 1, NOW, false);
    const struct unseal_request last = { .share = sealed.shares[2] };
    expect_refusal(&sealed, &last, HF_E_THROTTLED);
    const hf_usec later = NOW + unseal_wait(&sealed.unseal, NOW);
    expect_taken(&sealed, &last, later, true);
    assert_int_equal(try_it(&sealed, later), HF_OK);
    sealed_done(&sealed);
}

static void test_wrong_passphrase_slows_the_next_try(void **state)
{
    (void)state;
    struct sealed_place sealed;
    if (!sealed_init(&sealed, "passphrase"))
        skip();
    HF_CLEANUP(hf_secret_freep) struct hf_secret *wrong = secret_of("correct horse batterz");
    HF_CLEANUP(hf_secret_freep) struct hf_secret *right = secret_of("correct horse battery");
    const struct unseal_request bad = { .passphrase = wrong };
    const struct unseal_request good = { .passphrase = right };
    expect_taken(&sealed, &bad, NOW, true);
    assert_int_equal(try_it(&sealed, NOW), HF_E_FORBIDDEN);
    expect_refusal(&sealed, &good, HF_E_THROTTLED);
    expect_taken(&sealed, &good, NOW + UNSEAL_PAUSE_FIRST, true);
    assert_int_equal(try_it(&sealed, NOW + UNSEAL_PAUSE_FIRST), HF_OK);
    assert_int_equal(unseal_wait(&sealed.unseal, NOW), 0);
    sealed_done(&sealed);
}

static void test_pause_doubles_up_to_its_most(void **state)
{
    (void)state;
    struct unseal unseal;
    const struct seal_info info = { .kind = "passphrase", .asks_people = true };
    unseal_init(&unseal, &info);
    assert_int_equal(unseal_wait(&unseal, NOW), 0);
    hf_usec expected = UNSEAL_PAUSE_FIRST;
    for (size_t i = 0; i < 40; i++) {
        unseal_tried(&unseal, HF_E_FORBIDDEN, NOW);
        assert_int_equal(unseal_wait(&unseal, NOW), expected);
        assert_int_equal(unseal_wait(&unseal, NOW + expected), 0);
        expected = 2 * expected < UNSEAL_PAUSE_MOST ? 2 * expected : UNSEAL_PAUSE_MOST;
    }
    unseal_tried(&unseal, HF_OK, NOW);
    assert_int_equal(unseal_wait(&unseal, NOW), 0);
}

static void test_kind_without_people_is_tried_at_any_time(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "key-file"));
    const struct unseal_request request = { 0 };
    place_remove(&sealed.place, "seal.key");
    expect_taken(&sealed, &request, NOW, true);
    assert_int_equal(try_it(&sealed, NOW), HF_E_UNAVAILABLE);
    expect_taken(&sealed, &request, NOW, true);
    sealed_done(&sealed);
}

/* ---- right ---- */

static void test_any_shares_open_in_any_order(void **state)
{
    (void)state;
    static const size_t orders[][THRESHOLD] = { { 0, 1, 2 }, { 4, 2, 0 }, { 1, 4, 3 } };
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    for (size_t i = 0; i < HF_ARRAY_LEN(orders); i++) {
        for (size_t k = 0; k < THRESHOLD; k++)
            give_share(&sealed, orders[i][k], NOW, k + 1 == THRESHOLD);
        assert_int_equal(try_it(&sealed, NOW), HF_OK);
    }
    sealed_done(&sealed);
}

static void test_reset_forgets(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    const size_t used = hf_secret_stats().used_bytes;
    give_share(&sealed, 0, NOW, false);
    give_share(&sealed, 1, NOW, false);
    assert_true(hf_secret_stats().used_bytes > used);
    const struct unseal_request reset = { .reset = true };
    expect_taken(&sealed, &reset, NOW, false);
    assert_int_equal(sealed.unseal.shares_given, 0);
    assert_int_equal(hf_secret_stats().used_bytes, used);
    give_share(&sealed, 0, NOW, false);
    sealed_done(&sealed);
}

static void test_new_set_of_shares_forgets_the_old(void **state)
{
    (void)state;
    struct sealed_place sealed;
    assert_true(sealed_init(&sealed, "shamir"));
    give_share(&sealed, 0, NOW, false);
    struct seal_info info = sealed.unseal.info;
    info.generation++;
    unseal_update(&sealed.unseal, &info);
    assert_int_equal(sealed.unseal.shares_given, 1);
    assert_int_equal(sealed.unseal.info.generation, info.generation);
    info.share_set[0] = info.share_set[0] == '0' ? '1' : '0';
    unseal_update(&sealed.unseal, &info);
    assert_int_equal(sealed.unseal.shares_given, 0);
    sealed_done(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_kind_does_not_ask_for_is_a_conflict),
        cmocka_unit_test(test_several_things_at_once_are_refused),
        cmocka_unit_test(test_mistyped_share_is_refused),
        cmocka_unit_test(test_share_of_another_set_is_refused),
        cmocka_unit_test(test_share_given_twice_is_refused),
        cmocka_unit_test(test_forged_share_spoils_the_try_and_all_are_forgotten),
        cmocka_unit_test(test_wrong_passphrase_slows_the_next_try),
        cmocka_unit_test(test_pause_doubles_up_to_its_most),
        cmocka_unit_test(test_kind_without_people_is_tried_at_any_time),
        cmocka_unit_test(test_any_shares_open_in_any_order),
        cmocka_unit_test(test_reset_forgets),
        cmocka_unit_test(test_new_set_of_shares_forgets_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
