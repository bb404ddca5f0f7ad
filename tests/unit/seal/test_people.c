/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals that ask people: wrong, missing, mixed and repeated answers, and parameters that would take the machine.
 */
#include "support.h"

#include "crypto/crypto.h"
#include "seal/kind.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PASSPHRASE "correct horse battery"

/* Argon2id as cheap as it gets. */
static struct seal_config passphrase_config(const struct place *place)
{
    return (struct seal_config){ .kind = "passphrase",
                                 .folder = place->data,
                                 .argon2_memory_kib = 16,
                                 .argon2_passes = 1,
                                 .argon2_lanes = 1 };
}

static struct seal_config shamir_config(const struct place *place, uint32_t shares,
                                        uint32_t threshold)
{
    return (struct seal_config){
        .kind = "shamir", .folder = place->data, .shares = shares, .threshold = threshold
    };
}

static void expect_init(const struct seal_config *config, const struct crowd *crowd,
                        hf_err expected, const char *field)
{
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    hf_err err = seal_init(config, crowd != NULL ? &crowd->people : NULL, &diag, &roots);
    if (err != expected)
        fail_msg("%s, not %s (%s)", hf_err_name(err), hf_err_name(expected), diag.text);
    assert_int_equal(roots.count, 0);
    assert_true(diag.text[0] != '\0');
    assert_string_equal(diag.field, field);
}

/* ---- passphrase ---- */

/* The build may be without it, on an OpenSSL without it. */
static bool has_argon2id(void)
{
    static const struct crypto_argon2id_cost cost = { .memory_kib = 8, .passes = 1, .lanes = 1 };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    assert_int_equal(hf_secret_new(1, &passphrase), HF_OK);
    return crypto_argon2id(passphrase, hf_str_bytes(HF_LIT("somesalt")), &cost, &key) !=
           HF_E_UNSUPPORTED;
}

static void test_passphrase_settings_out_of_bounds_are_refused(void **state)
{
    static const struct {
        uint32_t memory_kib;
        uint32_t passes;
        uint32_t lanes;
        const char *field;
    } cases[] = {
        { 7, 1, 1, "seal.argon2_memory" },
        { 15, 1, 2, "seal.argon2_memory" },
        { SEAL_ARGON2_MEMORY_MAX_KIB + 1, 1, 1, "seal.argon2_memory" },
        { UINT32_MAX, 1, 1, "seal.argon2_memory" },
        { 64, SEAL_ARGON2_PASSES_MAX + 1, 1, "seal.argon2_passes" },
        { 4096, 1, SEAL_ARGON2_LANES_MAX + 1, "seal.argon2_lanes" },
        { 4096, 1, UINT32_MAX, "seal.argon2_lanes" },
    };
    const struct place *place = *state;
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, PASSPHRASE);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        struct seal_config config = passphrase_config(place);
        config.argon2_memory_kib = cases[i].memory_kib;
        config.argon2_passes = cases[i].passes;
        config.argon2_lanes = cases[i].lanes;
        expect_init(&config, &crowd, HF_E_INVALID, cases[i].field);
    }
    assert_int_equal(crowd.asked, 0);
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_passphrase_of_a_wrong_length_or_no_text_is_refused(void **state)
{
    const struct place *place = *state;
    const struct seal_config config = passphrase_config(place);
    char text[SEAL_PASSPHRASE_MAX_BYTES + 2];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, text);
    expect_init(&config, &crowd, HF_E_INVALID, "");
    text[SEAL_PASSPHRASE_MIN_BYTES - 1] = '\0';
    expect_init(&config, &crowd, HF_E_INVALID, "");
    crowd.passphrase = "";
    expect_init(&config, &crowd, HF_E_INVALID, "");
    crowd.passphrase = "no UTF-8: \xff\xfe, but long enough";
    expect_init(&config, &crowd, HF_E_INVALID, "");
    crowd.passphrase = NULL;
    expect_init(&config, &crowd, HF_E_UNAVAILABLE, "");
    expect_init(&config, NULL, HF_E_UNAVAILABLE, "");
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_passphrase_opens_only_when_right(void **state)
{
    if (!has_argon2id())
        skip();
    const struct place *place = *state;
    const struct seal_config config = passphrase_config(place);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, PASSPHRASE);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    make_seal(&config, &crowd, &made);
    open_seal(&config, &crowd, &opened);
    assert_same_roots(&made, &opened);
    crowd.passphrase = PASSPHRASE " ";
    expect_open(&config, &crowd, HF_E_FORBIDDEN, "one blank more");
    crowd.passphrase = "Correct horse battery";
    expect_open(&config, &crowd, HF_E_FORBIDDEN, "another case");
    crowd.passphrase = "";
    expect_open(&config, &crowd, HF_E_FORBIDDEN, "empty");
    crowd.passphrase = NULL;
    expect_open(&config, &crowd, HF_E_UNAVAILABLE, "none");
    expect_open(&config, NULL, HF_E_UNAVAILABLE, "nobody");
    struct seal_info info = { 0 };
    assert_int_equal(seal_read_info(place->data, NULL, &info), HF_OK);
    assert_string_equal(info.kind, "passphrase");
    assert_true(info.asks_people);
}

static void test_passphrase_with_the_default_cost(void **state)
{
    if (!has_argon2id())
        skip();
    const struct place *place = *state;
    const struct seal_config config = { .kind = "passphrase", .folder = place->data };
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, PASSPHRASE);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, &crowd, &made);
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes = { 0 };
    read_file(place->seal, &bytes);
    struct seal_file file = { 0 };
    assert_int_equal(seal_file_parse(hf_buf_view(&bytes), "it", NULL, &file), HF_OK);
    static const uint8_t cost[] = {
        0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4
    }; /* RFC 9106 §4: 64 MiB, 3, 4 */
    assert_int_equal(file.parameters.n, 16 + sizeof(cost));
    assert_memory_equal(file.parameters.p + 16, cost, sizeof(cost));
    expect_open(&config, &crowd, HF_OK, "right");
}

/* A whole file around foreign parameters; KEK and roots do not matter, for it must not come to them. */
static void put_file(hf_str kind, hf_bytes parameters, struct hf_buf *out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *kek = NULL;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { .count = 1 };
    roots.root[0].generation = 1;
    static const uint8_t id[SEAL_ID_BYTES];
    assert_int_equal(crypto_random_secret(SEAL_KEK_BYTES, &kek), HF_OK);
    assert_int_equal(crypto_random_secret(SEAL_ROOT_KEY_BYTES, &roots.root[0].key), HF_OK);
    hf_buf_init(out, SEAL_FILE_MAX_BYTES);
    assert_int_equal(
        seal_file_build(kind, parameters, (hf_bytes){ id, sizeof(id) }, kek, &roots, out), HF_OK);
}

static void test_hostile_argon2_parameters_are_refused_before_work(void **state)
{
    static const uint32_t cases[][3] = {
        { SEAL_ARGON2_MEMORY_MAX_KIB + 1, 1, 1 },
        { UINT32_MAX, 1, 1 },
        { 64, SEAL_ARGON2_PASSES_MAX + 1, 1 },
        { 64, UINT32_MAX, 1 },
        { 64, 0, 1 },
        { 64, 1, 0 },
        { 4096, 1, SEAL_ARGON2_LANES_MAX + 1 },
        { 64, 1, UINT32_MAX },
        { 7, 1, 1 },
        { 0, 1, 1 },
    };
    const struct place *place = *state;
    const struct seal_config config = passphrase_config(place);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, PASSPHRASE);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        uint8_t memory[28] = { 0 };
        struct hf_buf parameters;
        hf_buf_init_fixed(&parameters, memory, sizeof(memory));
        hf_buf_put(&parameters, "0123456789abcdef", 16);
        for (size_t j = 0; j < 3; j++)
            hf_buf_put_u32(&parameters, cases[i][j]);
        HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
        put_file(HF_LIT("passphrase"), hf_buf_view(&parameters), &bytes);
        struct seal_roots roots = { 0 };
        struct seal_info info = { 0 };
        assert_int_equal(seal_open_bytes(hf_buf_view(&bytes), &config, &crowd.people, NULL, &roots),
                         HF_E_CORRUPT);
        assert_int_equal(seal_read_info_bytes(hf_buf_view(&bytes), NULL, &info), HF_E_CORRUPT);
    }
    assert_int_equal(crowd.asked, 0); /* not even that */
}

/* ---- shamir ---- */

static void test_shamir_with_impossible_numbers_is_refused(void **state)
{
    static const struct {
        uint32_t shares;
        uint32_t threshold;
        const char *field;
    } cases[] = {
        { 0, 0, "seal.shares" },    { 256, 2, "seal.shares" },    { UINT32_MAX, 2, "seal.shares" },
        { 5, 0, "seal.threshold" }, { 5, 1, "seal.threshold" },   { 5, 6, "seal.threshold" },
        { 1, 2, "seal.threshold" }, { 2, 258, "seal.threshold" },
    };
    const struct place *place = *state;
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct seal_config config = shamir_config(place, cases[i].shares, cases[i].threshold);
        expect_init(&config, &crowd, HF_E_INVALID, cases[i].field);
    }
    const struct seal_config config = shamir_config(place, 3, 2);
    expect_init(&config, NULL, HF_E_UNAVAILABLE, "");
    assert_int_equal(crowd.given, 0);
    crowd.refuse_at = 2;
    expect_init(&config, &crowd, HF_E_IO, "");
    assert_int_not_equal(access(place->seal, F_OK), 0);
}

static void test_hostile_shamir_parameters_are_corrupt(void **state)
{
    static const struct {
        uint8_t bytes[7];
        size_t n;
    } cases[] = {
        { { 0 }, 0 },
        { { 1, 2, 3, 4, 3 }, 5 },
        { { 1, 2, 3, 4, 3, 2, 0 }, 7 },
        { { 1, 2, 3, 4, 0, 0 }, 6 },
        { { 1, 2, 3, 4, 3, 0 }, 6 },
        { { 1, 2, 3, 4, 3, 1 }, 6 },
        { { 1, 2, 3, 4, 3, 4 }, 6 },
    };
    const struct place *place = *state;
    const struct seal_config config = shamir_config(place, 3, 2);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
        put_file(HF_LIT("shamir"), (hf_bytes){ cases[i].bytes, cases[i].n }, &bytes);
        struct seal_roots roots = { 0 };
        assert_int_equal(seal_open_bytes(hf_buf_view(&bytes), &config, &crowd.people, NULL, &roots),
                         HF_E_CORRUPT);
    }
    assert_int_equal(crowd.asked, 0);
}

static void test_shares_any_so_many_open(void **state)
{
    static const size_t sets[][3] = { { 1, 2, 3 }, { 5, 4, 3 }, { 2, 5, 1 }, { 4, 1, 5 } };
    const struct place *place = *state;
    const struct seal_config config = shamir_config(place, 5, 3);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, &crowd, &made);
    assert_int_equal(crowd.given, 5);
    for (size_t i = 0; i < HF_ARRAY_LEN(sets); i++) {
        crowd_hand_in(&crowd, 3, sets[i]);
        HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
        open_seal(&config, &crowd, &opened);
        assert_same_roots(&made, &opened);
    }
    struct seal_info info = { 0 };
    struct seal_share_info share = { 0 };
    assert_int_equal(seal_read_info(place->data, NULL, &info), HF_OK);
    assert_int_equal(info.shares, 5);
    assert_int_equal(info.threshold, 3);
    assert_true(info.asks_people);
    assert_int_equal(seal_share_read_info(crowd.shares[4], NULL, &share), HF_OK);
    assert_int_equal(share.number, 5);
    assert_string_equal(share.set, info.share_set);
}

static void test_shares_too_few_or_repeated_are_refused(void **state)
{
    const struct place *place = *state;
    const struct seal_config config = shamir_config(place, 5, 3);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, &crowd, &made);
    crowd_hand_in(&crowd, 2, (size_t[]){ 1, 2 });
    expect_open(&config, &crowd, HF_E_UNAVAILABLE, "two of three");
    crowd_hand_in(&crowd, 0, NULL);
    expect_open(&config, &crowd, HF_E_UNAVAILABLE, "none");
    expect_open(&config, NULL, HF_E_UNAVAILABLE, "nobody");
    crowd_hand_in(&crowd, 3, (size_t[]){ 1, 2, 1 });
    expect_open(&config, &crowd, HF_E_INVALID, "one twice");
}

/* A file that asks for fewer shares than the KEK was split for: the same people as before are needed. */
static void test_lower_threshold_in_the_file_does_not_help(void **state)
{
    const struct place *place = *state;
    const struct seal_config config = shamir_config(place, 5, 3);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, &crowd, &made);
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes = { 0 };
    read_file(place->seal, &bytes);
    struct seal_file file = { 0 };
    assert_int_equal(seal_file_parse(hf_buf_view(&bytes), "it", NULL, &file), HF_OK);
    bytes.p[(size_t)(file.parameters.p - bytes.p) + file.parameters.n - 1] = 2;
    const hf_bytes content = { bytes.p, bytes.n - CRYPTO_SHA256_BYTES };
    assert_int_equal(crypto_sha256(&content, 1, bytes.p + content.n), HF_OK);
    write_file(place->seal, hf_buf_view(&bytes));
    crowd_hand_in(&crowd, 3, (size_t[]){ 1, 2, 3 });
    expect_open(&config, &crowd, HF_E_FORBIDDEN, "two of three");
    assert_int_equal(crowd.asked, 2);
}

/* Seals anew and gives the shares of both. */
static void test_shares_of_another_set_are_refused(void **state)
{
    const struct place *place = *state;
    const struct seal_config config = shamir_config(place, 3, 2);
    HF_CLEANUP(crowd_done) struct crowd old;
    HF_CLEANUP(crowd_done) struct crowd new;
    crowd_init(&old, NULL);
    crowd_init(&new, NULL);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, &old, &made);
    new.refuse_at = 1;
    assert_int_equal(seal_rekey(&config, &new.people, &made, NULL), HF_E_IO);
    crowd_hand_in(&old, 2, (size_t[]){ 3, 1 });
    expect_open(&config, &old, HF_OK, "the old ones, as nothing was changed");
    new.refuse_at = SIZE_MAX;
    new.given = 0;
    assert_int_equal(seal_rekey(&config, &new.people, &made, NULL), HF_OK);
    expect_open(&config, &old, HF_E_FORBIDDEN, "the old ones");
    hf_secret_free(new.shares[2]);
    new.shares[2] = hf_take(&old.shares[0]);
    crowd_hand_in(&new, 2, (size_t[]){ 2, 3 });
    expect_open(&config, &new, HF_E_FORBIDDEN, "mixed");
    struct hf_diag diag = { 0 };
    struct seal_roots none = { 0 };
    assert_int_equal(seal_open(&config, &new.people, &diag, &none), HF_E_FORBIDDEN);
    assert_non_null(
        strstr(diag.text, "another seal")); /* said of the share, not found out by its failing */
    crowd_hand_in(&new, 2, (size_t[]){ 2, 1 });
    expect_open(&config, &new, HF_OK, "the new ones");
}

/* A share that is well-formed, of this set, but not the one that was given: only the seal itself can tell. */
static void test_share_that_is_forged_is_refused(void **state)
{
    const struct place *place = *state;
    const struct seal_config config = shamir_config(place, 3, 2);
    HF_CLEANUP(crowd_done) struct crowd crowd;
    crowd_init(&crowd, NULL);
    HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
    make_seal(&config, &crowd, &made);
    const hf_bytes text = hf_secret_view(crowd.shares[0]);
    char forged[SEAL_SHARE_MAX_BYTES] = { 0 };
    const size_t n = text.n - 9; /* without "-" and the checksum */
    memcpy(forged, text.p, n);
    forged[20] = forged[20] == 'A' ? 'B' : 'A';
    uint8_t digest[CRYPTO_SHA256_BYTES];
    const hf_bytes content = { (const uint8_t *)forged, n };
    assert_int_equal(crypto_sha256(&content, 1, digest), HF_OK);
    (void)snprintf(forged + n, sizeof(forged) - n, "-%02x%02x%02x%02x", digest[0], digest[1],
                   digest[2], digest[3]);
    hf_secret_free(crowd.shares[0]);
    assert_int_equal(hf_secret_from_bytes(hf_str_bytes(hf_str_from_c(forged)), &crowd.shares[0]),
                     HF_OK);
    crowd_hand_in(&crowd, 2, (size_t[]){ 1, 2 });
    expect_open(&config, &crowd, HF_E_FORBIDDEN, "forged");
    crowd_hand_in(&crowd, 2, (size_t[]){ 3, 2 });
    expect_open(&config, &crowd, HF_OK, "the others");
}

static void test_shamir_at_the_ends_of_its_range(void **state)
{
    static const uint32_t cases[][2] = { { 1, 1 }, { 2, 2 }, { 255, 2 }, { 255, 255 } };
    const struct place *place = *state;
    size_t numbers[SEAL_SHARES_MAX];
    for (size_t i = 0; i < SEAL_SHARES_MAX; i++)
        numbers[i] = i + 1;
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        const struct seal_config config = shamir_config(place, cases[i][0], cases[i][1]);
        HF_CLEANUP(crowd_done) struct crowd crowd;
        crowd_init(&crowd, NULL);
        HF_CLEANUP(seal_roots_done) struct seal_roots made = { 0 };
        HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
        make_seal(&config, &crowd, &made);
        assert_int_equal(crowd.given, cases[i][0]);
        crowd_hand_in(&crowd, cases[i][1], numbers + (cases[i][0] - cases[i][1]));
        open_seal(&config, &crowd, &opened);
        assert_same_roots(&made, &opened);
        assert_int_equal(unlink(place->seal), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passphrase_settings_out_of_bounds_are_refused,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_passphrase_of_a_wrong_length_or_no_text_is_refused,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_passphrase_opens_only_when_right, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_passphrase_with_the_default_cost, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_argon2_parameters_are_refused_before_work,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_shamir_with_impossible_numbers_is_refused,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_shamir_parameters_are_corrupt, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_shares_any_so_many_open, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_shares_too_few_or_repeated_are_refused, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_lower_threshold_in_the_file_does_not_help,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_shares_of_another_set_are_refused, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_share_that_is_forged_is_refused, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_shamir_at_the_ends_of_its_range, place_set_up,
                                        place_tear_down),
    };
    return cmocka_run_group_tests_name("seal people", tests, place_set_up_library, NULL);
}
